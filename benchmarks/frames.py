"""Camera frames at a gate, composed from photographs: nothing of them is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

FRAME_WIDTH_PX, FRAME_HEIGHT_PX = 1280, 720
JPEG_QUALITY = 85
"""What gate cameras send: about 100 kB a frame at this size."""

_FACE_SHARE = (0.8, 0.95)
"""Height of the pasted photograph over the frame's. LFW's faces then have 95 to 115 px between the eyes."""

_SUFFIXES = {".jpg", ".jpeg", ".png"}

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the gate.

    Attributes:
        reference: a number, no name.
        photo: the file that is enrolled.
        frames: JPEG files, 1280 x 720, composed of other photographs of the same person; empty for who is only
            expected.
    """

    reference: str
    photo: bytes
    frames: tuple[bytes, ...]


def people(faces: Path | None, expected: int, framed: int, seed: int) -> list[Person]:
    """People with frames first, then others to fill the gallery.

    Args:
        faces: ``<person>/<photo>``; None takes scikit-image's astronaut, alone and with her own photograph.
        expected: how many people at most.
        framed: how many of them get a frame, of those with two photographs.
        seed: of who is taken and how frames are composed.

    Raises:
        FileNotFoundError: the folder holds nobody with two photographs.
    """
    rng = np.random.default_rng(seed)
    if faces is None:
        return [_astronaut(framed, rng)]
    folders = [sorted(p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES) for folder in _folders(faces)]
    folders = [folders[i] for i in rng.permutation(len(folders)) if folders[i]]
    known = [photos for photos in folders if len(photos) > 1][:framed]
    if not known:
        raise FileNotFoundError(f"expected {faces}/<person>/ with two photographs of somebody, found none")
    others = [photos for photos in folders if photos not in known][: max(0, expected - len(known))]
    return [
        Person(f"T{i:05}", photos[0].read_bytes(), (_frame(photos[1].read_bytes(), rng),) if i < len(known) else ())
        for i, photos in enumerate(known + others)
    ]


def compose(photo_bgr: Image, rng: np.random.Generator) -> Image:
    """A frame (720, 1280, 3) BGR with the photograph (H, W, 3) somewhere near the middle.

    Around it lies the same photograph, enlarged and smeared until it shows nobody, so that the JPEG is neither
    easier nor harder to decode than a camera's.
    """
    side = max(FRAME_WIDTH_PX, FRAME_HEIGHT_PX)
    backdrop = cv2.GaussianBlur(cv2.resize(photo_bgr, (side, side)), (0, 0), 40)
    top = (side - FRAME_HEIGHT_PX) // 2
    frame = backdrop[top : top + FRAME_HEIGHT_PX].astype(np.float32)
    # A sensor's noise: without it the backdrop would cost the decoder nothing.
    frame += rng.normal(0, 3, frame.shape).astype(np.float32)
    scale = rng.uniform(*_FACE_SHARE) * FRAME_HEIGHT_PX / max(photo_bgr.shape[:2])
    person = cv2.resize(photo_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    height, width = person.shape[:2]
    left = int((FRAME_WIDTH_PX - width) / 2 + rng.uniform(-80, 80))
    upper = int(rng.uniform(0, FRAME_HEIGHT_PX - height))
    frame[upper : upper + height, left : left + width] = person
    return np.clip(frame, 0, 255).astype(np.uint8)


def _frame(photo: bytes, rng: np.random.Generator) -> bytes:
    picture = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("expected a photograph, found a file that is none")
    return _jpeg(compose(picture.astype(np.uint8, copy=False), rng))


def _jpeg(picture: Image) -> bytes:
    _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return bytes(encoded.tobytes())


def _folders(faces: Path) -> list[Path]:
    if not faces.is_dir():
        raise FileNotFoundError(f"no folder {faces}")
    return sorted(folder for folder in faces.iterdir() if folder.is_dir())


def _astronaut(framed: int, rng: np.random.Generator) -> Person:
    from skimage import data  # noqa: PLC0415 -- only who has no photographs needs it

    rgb: Image = data.astronaut()  # type: ignore[no-untyped-call]
    picture = np.ascontiguousarray(rgb[:300, 100:400, ::-1])
    return Person("T00000", _jpeg(picture), tuple(_jpeg(compose(picture, rng)) for _ in range(framed)))
