"""Python, packages, and the ONNX Runtime with its providers."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Collection, Sequence
from importlib import metadata

from gate.doctor.finding import Finding, fail, ok, warn
from gate.errors import CATALOGUE, Code

NEEDED = ("egate", "numpy", "opencv-python", "faiss-cpu", "grpcio", "protobuf", "insightface", "pydantic", "structlog")

_PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cuda-graphs": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Python is new enough."""
    found = f"Python {'.'.join(map(str, version))} on {platform.system()} {platform.machine()}"
    if version < (3, 11):
        return fail("python", found, "Install Python 3.11 or newer, and make the virtual environment anew.")
    return ok("python", found)


def check_packages(version_of: Callable[[str], str] = metadata.version) -> Finding:
    """The packages that the engine needs are installed."""
    versions, missing = [], []
    for name in NEEDED:
        try:
            versions.append(f"{name} {version_of(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return fail(
            "packages", f"not installed: {', '.join(missing)}", "Run `make setup`, or install requirements/run.txt."
        )
    return ok("packages", ", ".join(versions))


def check_opencv(installed: Collection[str] | None = None) -> Finding:
    """One OpenCV only: its distributions overwrite each other's files."""
    names = installed if installed is not None else {d.metadata["Name"] or "" for d in metadata.distributions()}
    found = sorted(name for name in set(names) if name.startswith("opencv-"))
    if len(found) > 1:
        repair = f"pip uninstall -y {' '.join(found)}, then install opencv-python alone."
        return warn("opencv", f"{' and '.join(found)} are installed and share files", repair)
    return ok("opencv", found[0] if found else "none under its usual names")


def check_runtime(installed: Sequence[str]) -> Finding:
    """Exactly one ONNX Runtime.

    Args:
        installed: distributions as name==version, see `gate.vision.session.installed_runtimes`.
    """
    if not installed:
        return fail("onnxruntime", "none is installed", "Install onnxruntime, or onnxruntime-gpu (docs/gpu.md).")
    if len(installed) > 1:
        found = f"{' and '.join(installed)} overwrite each other"
        return fail("onnxruntime", found, CATALOGUE[Code.RUNTIME_CLASH].remedy)
    return ok("onnxruntime", installed[0])


def check_provider(asked: str, available: Sequence[str]) -> Finding:
    """The provider that the settings ask for is in this ONNX Runtime.

    Args:
        asked: cpu, cuda, cuda-graphs or tensorrt.
        available: ONNX Runtime's own names.
    """
    found = f"asked for {asked}; there are {', '.join(available)}"
    if _PROVIDERS[asked] not in available:
        return fail("provider", found, CATALOGUE[Code.PROVIDER_MISSING].remedy)
    if asked == "cpu" and _PROVIDERS["cuda"] in available:
        return warn("provider", found, 'A GPU provider is there and not used: set [models] provider = "cuda".')
    return ok("provider", found)
