"""Somebody else's client, written from the protocol's files alone, can run a passage."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.e2e.processes import ROOT, engine_process
from tests.service import fakes


def test_generated_stubs_alone_are_enough(tmp_path: Path) -> None:
    protos = ["egate/v1/lane.proto", "egate/v1/gallery.proto", "egate/v1/fingerprint.proto"]
    protoc = [
        "-m",
        "grpc_tools.protoc",
        f"-I{ROOT / 'proto'}",
        f"--python_out={tmp_path}",
        f"--grpc_python_out={tmp_path}",
    ]
    subprocess.run([sys.executable, *protoc, *protos], check=True)
    script = shutil.copy(Path(__file__).parent / "independent_client.py", tmp_path)
    for name, person in (("traveller.jpg", 1), ("nobody.jpg", None)):
        (tmp_path / name).write_bytes(fakes.jpeg(person))

    def controller(address: str, lane: str, picture: str) -> str:
        command = [sys.executable, script, address, lane, picture]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True, timeout=30
        )
        return done.stdout.strip()

    with engine_process() as served:
        assert controller(served.address, "lane-1", "traveller.jpg") == "OUTCOME_OPEN REASON_MATCHED traveller-1"
        assert controller(served.address, "lane-1", "nobody.jpg").startswith("OUTCOME_OFFICER REASON_NO_FACE")
