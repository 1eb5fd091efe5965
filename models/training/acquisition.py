"""Photographs to templates through the engine's own pipeline, bare and with a drawn mask; the crops are cached."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gate.synth import random_style, render_mask
from gate.vision.align import ALIGNED_SIZE_PX
from gate.vision.frame import DecodeLimits, Encoding, Frame, decode
from gate.vision.load import DEFAULT_DETECT_SIZE_PX
from gate.vision.pack import VerifiedModel
from gate.vision.pipeline import VisionPipeline
from gate.vision.probe import ImageBGR, MaskState, Probe, Sighting
from gate.vision.registry import DetectorFile
from models.training.paths import train_dir

Tick = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Photo:
    """One photograph; `identity` is ``<set>/<person>``."""

    path: Path
    identity: str


@dataclass(frozen=True, slots=True)
class Crops:
    """Aligned faces (n, 112, 112, 3) uint8 BGR by mask state; `found` (n,) is False where detection saw nobody.

    `key` names the photographs and masks they came from.
    """

    key: str
    aligned: dict[MaskState, NDArray[np.uint8]]
    found: dict[MaskState, NDArray[np.bool_]]


def found_by(detector: VerifiedModel[DetectorFile]) -> Path:
    """The folder of the faces that this detector finds, at the size that is the engine's default."""
    return train_dir("calibration", f"{detector.short_id}-{DEFAULT_DETECT_SIZE_PX}px")


def list_photos(faces: Path, sets: tuple[str, ...]) -> list[Photo]:
    """The photographs of each set: ``<set>/<identity>/<file>``, or ``<set>/<identity>.<suffix>`` for one a person.

    Raises:
        FileNotFoundError: a set is not there.
    """
    photos = []
    for name in sets:
        if not (faces / name).is_dir():
            raise FileNotFoundError(f"no folder {faces / name}")
        for path in sorted((faces / name).rglob("*")):
            if path.suffix.lower() in {".jpg", ".jpeg", ".png"}:
                person = path.stem if path.parent == faces / name else path.parent.name
                photos.append(Photo(path, f"{name}/{person}"))
    return photos


def list_lookalikes(faces: Path) -> list[tuple[str, str]]:
    """Pairs of identities that may be one person, from ``lookalikes.csv``; none without that file."""
    path = faces / "lookalikes.csv"
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [(row["identity_a"], row["identity_b"]) for row in csv.DictReader(file)]


def acquire(pipeline: VisionPipeline, photos: list[Photo], seed: int, cache: Path, tick: Tick) -> Crops:
    """The traveller of each photograph, and the same with a random mask drawn onto the whole photograph.

    The masked photograph goes through detection again: a mask moves landmarks, and some faces are no longer found.

    Args:
        pipeline: its detector and alignment are used.
        photos: to look at.
        seed: of the masks; each photograph's mask depends on it and on the photograph's name alone.
        cache: folder of this detector; a changed list of photographs or seed makes a new entry.
        tick: called after each photograph.
    """
    names = "\n".join(f"{photo.identity}/{photo.path.name}" for photo in photos)
    key = hashlib.sha256(f"{seed}\n{names}".encode()).hexdigest()[:12]
    stored = cache / f"crops-{key}.npz"
    if stored.is_file():
        with np.load(stored) as arrays:
            return Crops(
                key,
                {state: arrays[f"aligned_{state}"] for state in (MaskState.NONE, MaskState.WORN)},
                {state: arrays[f"found_{state}"] for state in (MaskState.NONE, MaskState.WORN)},
            )
    shape = (len(photos), ALIGNED_SIZE_PX, ALIGNED_SIZE_PX, 3)
    crops = Crops(
        key,
        {state: np.zeros(shape, np.uint8) for state in (MaskState.NONE, MaskState.WORN)},
        {state: np.zeros(len(photos), np.bool_) for state in (MaskState.NONE, MaskState.WORN)},
    )
    for row, photo in enumerate(photos):
        _acquire_one(pipeline, photo, seed, crops, row)
        tick()
    cache.mkdir(parents=True, exist_ok=True)
    np.savez(
        stored,
        allow_pickle=False,
        **{f"aligned_{state}": crops.aligned[state] for state in crops.aligned},
        **{f"found_{state}": crops.found[state] for state in crops.found},
    )
    return crops


def embed(
    make: Callable[[Sighting], Probe], name: str, crops: Crops, state: MaskState, cache: Path, tick: Tick
) -> NDArray[np.float32]:
    """Embeddings (n, D) of the crops, one at a time as the engine makes them; zeros where no face was found.

    Args:
        make: a probe, or what a gallery keeps; see `Vision`.
        name: of weights and way, by which they are kept in `cache`: a pack with a head has the id of the one without.
    """
    stored = cache / f"templates-{name}-{state}-{crops.key}.npy"
    if stored.is_file():
        kept: NDArray[np.float32] = np.load(stored)
        return kept
    rows: list[NDArray[np.float32]] = []
    for aligned, found in zip(crops.aligned[state], crops.found[state], strict=True):
        sighting = Sighting(ALIGNED_SIZE_PX, ALIGNED_SIZE_PX, (), None, 0.0, None, aligned, {})
        rows.append(make(sighting).embedding if found else np.zeros(0, np.float32))
        tick()
    dimensions = max((len(row) for row in rows), default=0)
    templates = np.stack([row if len(row) else np.zeros(dimensions, np.float32) for row in rows])
    np.save(stored, templates)
    return templates


def _acquire_one(pipeline: VisionPipeline, photo: Photo, seed: int, crops: Crops, row: int) -> None:
    image = decode(_encoded(photo.path), DecodeLimits())
    bare = pipeline.look(_raw(image))
    if bare.traveller is None or bare.aligned is None:
        return  # without landmarks there is nowhere to draw a mask: both states count a failure
    crops.aligned[MaskState.NONE][row], crops.found[MaskState.NONE][row] = bare.aligned, True
    name = hashlib.sha256(f"{photo.identity}/{photo.path.name}".encode()).digest()
    rng = np.random.default_rng([seed, int.from_bytes(name[:8])])
    masked = pipeline.look(_raw(render_mask(image, bare.traveller.landmarks, random_style(rng), rng)))
    if masked.aligned is not None:
        crops.aligned[MaskState.WORN][row], crops.found[MaskState.WORN][row] = masked.aligned, True


def _encoded(path: Path) -> Frame:
    encoding = Encoding.PNG if path.suffix.lower() == ".png" else Encoding.JPEG
    return Frame(1, 0, encoding, 0, 0, path.read_bytes())


def _raw(image_bgr: ImageBGR) -> Frame:
    height, width = image_bgr.shape[:2]
    return Frame(1, 0, Encoding.BGR24, width, height, image_bgr.tobytes())
