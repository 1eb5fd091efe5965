"""Every finding of `gate doctor`: seen when it is there, silent when it is not, with a repair."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gate.cli.app import app
from gate.cli.exits import Exit
from gate.doctor import environment, machine
from gate.doctor.finding import Finding, Health
from gate.doctor.models import check_calibration, check_licences, check_models
from gate.settings import ServerSettings, TlsSettings
from gate.vision.pack import ModelPack, load_pack
from tests.cli.conftest import Lane

runner = CliRunner()


def assert_found(finding: Finding, health: Health, repair: str = "") -> None:
    assert finding.health is health, finding
    assert bool(finding.repair) == (health is not Health.OK), "a repair stands beside every finding, and only there"
    assert repair in finding.repair


def test_python_too_old() -> None:
    assert_found(environment.check_python((3, 10, 4)), Health.FAIL, "3.11")
    assert_found(environment.check_python((3, 11, 0)), Health.OK)


def test_a_package_is_missing() -> None:
    def version_of(name: str) -> str:
        if name == "faiss-cpu":
            raise metadata.PackageNotFoundError(name)
        return "1"

    finding = environment.check_packages(version_of)
    assert_found(finding, Health.FAIL, "make setup")
    assert "faiss-cpu" in finding.found
    assert_found(environment.check_packages(), Health.OK)


def test_two_opencvs_share_files() -> None:
    finding = environment.check_opencv({"opencv-python", "opencv-python-headless", "numpy"})
    assert_found(finding, Health.WARN, "opencv-python-headless")
    assert_found(environment.check_opencv({"opencv-python"}), Health.OK)


def test_both_runtimes_at_once() -> None:
    """Guards the loss of CUDA without an error: the two packages overwrite each other."""
    assert_found(environment.check_runtime(["onnxruntime==1.31", "onnxruntime-gpu==1.31"]), Health.FAIL, "uninstall")
    assert_found(environment.check_runtime([]), Health.FAIL, "onnxruntime")
    assert_found(environment.check_runtime(["onnxruntime==1.31"]), Health.OK)


def test_provider_asked_for_and_not_there() -> None:
    cpu, cuda = "CPUExecutionProvider", "CUDAExecutionProvider"
    assert_found(environment.check_provider("cuda", [cpu]), Health.FAIL, "onnxruntime-gpu")
    assert_found(environment.check_provider("cpu", [cuda, cpu]), Health.WARN, "cuda")
    assert_found(environment.check_provider("cpu", [cpu]), Health.OK)


def test_an_unknown_pack() -> None:
    (finding,) = check_models("nobody-knows")
    assert_found(finding, Health.FAIL, "gate models list")


@pytest.mark.usefixtures("shared")
def test_a_models_file_missing_or_altered(tmp_path: Path) -> None:
    def find(name: str, insightface_root: Path | None, liveness: str) -> ModelPack:
        del insightface_root, liveness
        return load_pack(name, folders=(tmp_path,))

    (missing,) = check_models("edgeface-xs", find=find)
    assert_found(missing, Health.FAIL, "EGATE_MODEL_PATH")
    (tmp_path / "edgeface_xs.onnx").write_bytes(b"altered")
    (altered,) = check_models("edgeface-xs", find=find)
    assert_found(altered, Health.FAIL, "origin")


@pytest.mark.usefixtures("shared")
def test_a_pack_that_is_right() -> None:
    hashes, calibration, licences = check_models("edgeface-xs")
    assert_found(hashes, Health.OK)
    assert_found(calibration, Health.OK)
    assert_found(licences, Health.WARN, "live border")


@pytest.mark.parametrize("text", [None, "no json", "{}"])
@pytest.mark.usefixtures("shared")
def test_a_calibration_missing_or_broken(text: str | None) -> None:
    pack = load_pack("edgeface-xs")
    broken = ModelPack(pack.name, pack.pack_id, pack.detector, pack.embedder, pack.mask, text)
    assert_found(check_calibration(broken), Health.FAIL, "calibrate")


@pytest.mark.usefixtures("shared")
def test_a_licence_decides_and_not_who_made_the_model() -> None:
    """Our own weights, trained on research-only photographs, are for research only too."""
    pack = load_pack("edgeface-xs")
    free = [
        type(model)(model.name, model.path, model.entry.model_copy(update={"licence": "MIT"}), model.data)
        for model in (pack.detector, pack.embedder)
    ]
    licensed = ModelPack("free", "free-1", free[0], free[1], None, None)  # type: ignore[arg-type]
    assert_found(check_licences(licensed), Health.OK)
    assert pack.mask is not None
    assert pack.mask.entry.own
    warned = check_licences(replace(licensed, mask=pack.mask))
    assert_found(warned, Health.WARN)
    assert "mask-state" in warned.found


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert_found(machine.check_address(ServerSettings(address=address)), Health.FAIL, "another")
    assert_found(machine.check_address(ServerSettings(address=address)), Health.OK)


def test_a_running_engine_is_no_fault(lane: Lane) -> None:
    """Guards against a doctor that calls a healthy gate ill because its engine runs."""
    finding = machine.check_address(ServerSettings(address=lane.served.address))
    assert_found(finding, Health.OK)
    assert "an engine serves" in finding.found


def test_an_address_that_is_none() -> None:
    assert_found(machine.check_address(ServerSettings(address="nowhere")), Health.FAIL, "[server] address")
    assert_found(machine.check_address(ServerSettings(address="unix:/run/x.sock")), Health.OK)


def test_exposure_without_tls() -> None:
    wide = ServerSettings(address="0.0.0.0:1")
    assert_found(machine.check_exposure(wide, local=False), Health.FAIL, "server.tls")
    isolated = wide.model_copy(update={"allow_insecure": True})
    assert_found(machine.check_exposure(isolated, local=False), Health.WARN, "server.tls")
    assert_found(machine.check_exposure(ServerSettings(), local=True), Health.OK)


def test_certificates(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("c.pem", "k.pem", "ca.pem")]
    tls = TlsSettings(certificate=paths[0], private_key=paths[1], client_ca=paths[2])
    server = ServerSettings(tls=tls)
    assert_found(machine.check_exposure(server, local=False), Health.FAIL, "paths")
    for path in paths:
        path.write_text("pem")
    assert_found(machine.check_exposure(server, local=False), Health.OK)
    anyone = ServerSettings(tls=tls.model_copy(update={"client_ca": None}))
    assert_found(machine.check_exposure(anyone, local=False), Health.WARN, "client_ca")


@pytest.mark.parametrize("year", [1970, 2000, 2099])
def test_a_clock_that_was_reset(year: int) -> None:
    """Guards expiry: with the clock in 1970, nobody's template ever expires."""
    assert_found(machine.check_clock(datetime(year, 1, 1, tzinfo=UTC)), Health.FAIL, "clock")
    assert_found(machine.check_clock(datetime(2027, 5, 1, tzinfo=UTC)), Health.OK)


def test_time_zones_and_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert_found(machine.check_zones(), Health.OK)
    assert_found(machine.check_monotonic(0.0156), Health.WARN, "clock source")
    assert_found(machine.check_monotonic(1e-9), Health.OK)

    def nothing(name: str) -> None:
        raise machine.zoneinfo.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(machine.zoneinfo, "ZoneInfo", nothing)
    assert_found(machine.check_zones(), Health.WARN, "tzdata")


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    assert_found(machine.check_folder("temporary folder", tmp_path / "none"), Health.FAIL, "writable")
    assert_found(machine.check_folder("temporary folder", tmp_path), Health.OK)


def test_no_folder_for_models(tmp_path: Path) -> None:
    assert_found(machine.check_model_folders((tmp_path / "none",)), Health.WARN, "EGATE_MODEL_PATH")
    assert_found(machine.check_model_folders((tmp_path,)), Health.OK)


def test_the_command_ends_with_a_number_and_speaks_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gate.toml").write_text("[models]\npack = 'nobody-knows'\n")
    result = runner.invoke(app, ["doctor", "--json"])
    assert result.exit_code == Exit.NOT_AS_EXPECTED
    findings = {finding["check"]: finding for finding in map(json.loads, result.stdout.splitlines())}
    assert findings["models"]["health"] == "fail"
    assert findings["python"]["health"] == "ok"


def test_broken_settings_are_a_finding_and_not_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gate.toml").write_text("[server\n")
    result = runner.invoke(app, ["doctor"])
    assert result.exit_code == Exit.NOT_AS_EXPECTED
    assert "not valid TOML" in result.output


@pytest.mark.usefixtures("shared")
def test_a_sound_installation_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EGATE_SERVER__ADDRESS", "127.0.0.1:0")
    result = runner.invoke(app, ["doctor"])
    assert result.exit_code == Exit.OK, result.output
