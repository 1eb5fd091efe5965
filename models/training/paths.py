"""Where the training finds its data and keeps its work."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def shared_dir() -> Path:
    """Third-party data and models, read only: `EGATE_SHARED`, or `shared` beside the repository."""
    return Path(os.environ.get("EGATE_SHARED", REPOSITORY.parent / "shared"))


def train_dir(*parts: str) -> Path:
    """Caches, shards and checkpoints: `EGATE_TRAIN_DIR`, or `.train` in the repository (ignored by git). Created."""
    folder = Path(os.environ.get("EGATE_TRAIN_DIR", REPOSITORY / ".train")).joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def packs_dir() -> Path:
    """The model packs that ship with the engine."""
    return REPOSITORY / "models" / "packs"
