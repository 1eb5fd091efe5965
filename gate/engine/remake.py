"""What makes the numbers of a passage, written down; and the same models again, to make them anew."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

from gate.engine.recording import Made
from gate.engine.replay import Difference
from gate.settings import ModelSettings
from gate.vision.frame import DecodeLimits
from gate.vision.load import build_pipeline, find_pack
from gate.vision.pack import ModelPack
from gate.vision.pipeline import VisionPipeline
from gate.vision.session import Provider

_SOFTWARE = ("onnxruntime", "onnxruntime-gpu", "opencv-python", "opencv-python-headless", "numpy", "faiss-cpu")


def made_by(models: ModelSettings, pack: ModelPack) -> Made:
    """The pack, and what it runs with here."""
    return Made(
        pack=pack.name,
        pack_id=pack.pack_id,
        liveness=models.liveness,
        models=_hashes(pack),
        provider=models.provider,
        threads=models.threads,
        detect_size=models.detect_size,
        software=_software(),
    )


def remade(made: Made, insightface_root: Path, max_bytes: int) -> tuple[VisionPipeline, tuple[Difference, ...]]:
    """The pipeline as it was, and in what it is not.

    Args:
        insightface_root: see `find_pack`.
        max_bytes: of a frame.

    Raises:
        ModelPackError, ProviderError: the pack is not here, or cannot run as it did.
    """
    pack = find_pack(made.pack, insightface_root=insightface_root, liveness=made.liveness)
    vision = build_pipeline(
        pack,
        provider=Provider(made.provider),
        threads=made.threads,
        detect_size_px=made.detect_size,
        limits=DecodeLimits(max_bytes=max_bytes),
    )
    return vision, (*_unlike("model", dict(made.models), _hashes(pack)), *_unlike("", dict(made.software), _software()))


def _hashes(pack: ModelPack) -> dict[str, str]:
    return {role: model.entry.sha256 for role, model in pack.models.items()}


def _software() -> dict[str, str]:
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in _SOFTWARE:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _unlike(kind: str, recorded: dict[str, str], here: dict[str, str]) -> list[Difference]:
    return [
        Difference("made by", f"{kind} {name}".strip(), recorded.get(name, "none"), here.get(name, "none"))
        for name in sorted(recorded.keys() | here.keys())
        if recorded.get(name) != here.get(name)
    ]
