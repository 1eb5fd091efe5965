"""On what was measured: without it a figure means nothing on another day."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import psutil

_PACKAGES = ("egate", "onnxruntime", "onnxruntime-gpu", "numpy", "opencv-python", "grpcio", "faiss-cpu", "insightface")


def describe() -> dict[str, object]:
    """When, processor, memory, system, versions and how busy the machine was. Nothing that names it."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="minutes"),
        "processor": _processor(),
        "cores": len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": _versions(),
        "revision": _revision(),
        # Over one second before the run: what else the machine had to do.
        "busy_before_percent": psutil.cpu_percent(1.0),
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.is_file():
        for line in path.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _revision() -> str:
    """Of the checkout; ``+`` when tracked files differ from it. Empty outside of one."""
    home = Path(__file__).resolve().parents[1]

    def git(*arguments: str) -> str:
        answer = subprocess.run(  # noqa: S603 -- fixed arguments
            ("git", "-C", str(home), *arguments),  # noqa: S607 -- whichever git there is
            capture_output=True,
            text=True,
            check=False,
        )
        return answer.stdout.strip() if answer.returncode == 0 else ""

    revision = git("rev-parse", "--short", "HEAD")
    return revision + ("+" if revision and git("status", "--porcelain", "--untracked-files=no") else "")
