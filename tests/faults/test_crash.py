"""kill -9 at any moment: what was acknowledged is there, what was destroyed stays destroyed, nothing is half done."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROUNDS = 25


def test_a_gallery_killed_at_random_moments_loses_and_revives_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.crash", "--rounds", str(ROUNDS), "--quiet", "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    # A run in which nothing was ever begun, or nothing ever cut off, would prove nothing.
    assert found["acknowledged"] > ROUNDS
    assert sum(times for end, times in found["killed_during"].items() if end != "between calls") > ROUNDS // 4
