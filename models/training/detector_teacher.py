"""The teacher's faces in the photographs that detectors are judged on: SCRFD-2.5g at 640 pixels, asked once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.training.detect import read_bgr
from models.training.detector_sources import TEACHER, arrays, for_training, scrfd
from models.training.paths import shared_dir, train_dir

TEACHER_SIZE_PX = 640
# Below this the teacher says nothing; from it on, a detector that sees a face there has made no mistake.
DOUBTFUL = 0.3


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph and what the teacher sees: `boxes` (n, 4), `landmarks` (n, 5, 2) in its pixels, `scores` (n,)."""

    path: Path
    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    scores: NDArray[np.float32]

    @property
    def eye_distances_px(self) -> NDArray[np.float32]:
        """(n,) in the photograph's own pixels."""
        return np.asarray(np.linalg.norm(self.landmarks[:, 1] - self.landmarks[:, 0], axis=1), np.float32)


def held_out() -> dict[str, list[Path]]:
    """Photographs that the detector never learned from, by set."""
    faces = shared_dir() / "data" / "faces"
    return {
        "lfw": sorted((faces / "lfw").rglob("*.jpg")),
        "real-masks": [path for path in sorted((faces / "real-masks").glob("*.jpg")) if not for_training(path.name)],
        "mask-nomask": sorted((faces / "mask-nomask").rglob("*.jpg")),
    }


def judged(name: str) -> list[Photograph]:
    """A set with the teacher's faces; asks the teacher on first use (minutes)."""
    paths = held_out()[name]
    cache = train_dir("detector") / f"teacher-{name}.npz"
    if not cache.is_file():
        teacher = scrfd(TEACHER, TEACHER_SIZE_PX, DOUBTFUL)
        told = [arrays(teacher.detect(read_bgr(path))) for path in tqdm(paths, desc=f"teacher, {name}", mininterval=10)]
        np.savez(
            cache,
            names=np.array([str(path.relative_to(shared_dir())) for path in paths]),
            first=np.cumsum([0, *(len(scores) for _, _, scores in told)]),
            boxes=np.concatenate([boxes for boxes, _, _ in told]),
            landmarks=np.concatenate([landmarks for _, landmarks, _ in told]),
            scores=np.concatenate([scores for _, _, scores in told]),
        )
    stored = dict(np.load(cache))
    if stored["names"].tolist() != [str(path.relative_to(shared_dir())) for path in paths]:
        raise ValueError(f"{cache} is of other photographs: delete it")
    parts = zip(paths, stored["first"][:-1], stored["first"][1:], strict=True)
    return [
        Photograph(path, stored["boxes"][a:b], stored["landmarks"][a:b], stored["scores"][a:b]) for path, a, b in parts
    ]


def main() -> None:
    """Ask the teacher about every set."""
    for name in held_out():
        print(name, len(judged(name)))


if __name__ == "__main__":
    main()
