"""What the detector learns from: the training crops and a few whole photographs, as the teacher sees them.

`python -m models.training.detector_sources` asks SCRFD-2.5g for the box and the landmarks of every training crop
(`crops.npz`) and of every face in the photographs (`photos.npz`), under `detector/` of the training folder.

The photographs are `celeba`, and the half of `real-masks` that `for_training` names: only the other half may be
evaluated on. LFW and `mask-nomask` are never seen.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from gate.vision.detector import InputScaling, OnnxDetector
from gate.vision.graph import with_symbolic_size
from gate.vision.probe import Face
from gate.vision.scrfd import ScrfdHead
from gate.vision.session import OrtSession
from models.training.crops import CROP_SIZE, TEMPLATE, load
from models.training.detect import read_bgr
from models.training.paths import shared_dir, train_dir

TEACHER = "scrfd_2.5g_kps.onnx"
# What the teacher is less sure of is neither a face nor none.
SURE = 0.5
UNSURE = 0.2
# A crop is shown to the teacher a little larger, with room around it.
_SHOWN_PX, _ROOM_PX = 128, 16


@dataclass(frozen=True, slots=True)
class CropFaces:
    """One face a training crop: `boxes` (n, 4) x1, y1, x2, y2 and `landmarks` (n, 5, 2) in crop pixels, `scores` (n,).

    `whole` (n,) is False where the photograph's edge runs through the face.
    """

    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    scores: NDArray[np.float32]
    whole: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph and its faces: `boxes` (n, 4), `landmarks` (n, 5, 2) in its pixels, `scores` (n,) from `UNSURE`."""

    path: Path
    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    scores: NDArray[np.float32]


def for_training(name: str) -> bool:
    """Whether a photograph of `real-masks` may be learned from: by its file's name, so that it never changes sides.

    Ten photographs in a row stay together, because some of them are nearly the same.
    """
    ten = Path(name).stem[:-1]
    return hashlib.sha256(ten.encode()).digest()[0] % 2 == 0


def scrfd(file: str, longest_px: int, threshold: float) -> OnnxDetector:
    """A SCRFD of the shared folder, on a canvas of `longest_px`, one thread."""
    model = with_symbolic_size((shared_dir() / "models" / file).read_bytes())
    scaling = InputScaling(127.5, 128.0, rgb=True)
    return OnnxDetector(
        OrtSession(model, name=file), ScrfdHead(), scaling, detect_size_px=longest_px, threshold=threshold
    )


def arrays(faces: tuple[Face, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Boxes (n, 4), landmarks (n, 5, 2) and scores (n,)."""
    return (
        np.array([face.box_xyxy for face in faces], np.float32).reshape(-1, 4),
        np.array([face.landmarks for face in faces], np.float32).reshape(-1, 5, 2),
        np.array([face.confidence for face in faces], np.float32),
    )


def ask_about_crops(photos: list[Photo]) -> CropFaces:
    """The teacher's face nearest to where every crop must have one; score 0 where it sees none there.

    A crop ends at chin and forehead, and so would the teacher's boxes; they come from the landmarks instead.
    """
    rgb = load().rgb
    teacher = scrfd(TEACHER, _SHOWN_PX + 2 * _ROOM_PX, UNSURE)
    landmarks = np.tile(TEMPLATE, (len(rgb), 1, 1))
    scores = np.zeros(len(rgb), np.float32)
    scale = _SHOWN_PX / CROP_SIZE
    for row in tqdm(range(len(rgb)), desc="crops", mininterval=10):
        shown = cv2.resize(np.ascontiguousarray(rgb[row, :, :, ::-1]), (_SHOWN_PX, _SHOWN_PX))
        shown = cv2.copyMakeBorder(shown, _ROOM_PX, _ROOM_PX, _ROOM_PX, _ROOM_PX, cv2.BORDER_REPLICATE)
        found = teacher.detect(np.asarray(shown, np.uint8))
        if not found:
            continue
        _, points, score = arrays(found)
        points = (points - _ROOM_PX) / scale
        off = np.abs(points - TEMPLATE).mean(axis=(1, 2))
        nearest = int(off.argmin())
        if off[nearest] < 0.1 * CROP_SIZE:
            landmarks[row], scores[row] = points[nearest], score[nearest]
    return CropFaces(boxes_from_landmarks(landmarks, photos), landmarks, scores, whole(rgb))


def boxes_from_landmarks(landmarks: NDArray[np.float32], photos: list[Photo]) -> NDArray[np.float32]:
    """Boxes (n, 4) of upright faces from landmarks (n, 5, 2), as the teacher draws them on whole photographs."""
    return _drawn(landmarks, box_habit(photos))


def box_habit(photos: list[Photo]) -> NDArray[np.float64]:
    """How the teacher draws boxes: (11, 4), linear in landmarks on the template, fitted on the photographs' faces."""
    aligned, boxes = [], []
    for photo in photos:
        for box, points, score in zip(photo.boxes, photo.landmarks, photo.scores, strict=True):
            if score >= SURE:
                turn, shift = _onto_template(points)
                half = (box[2:] - box[:2]) / 2 * float(np.sqrt(np.linalg.det(turn)))
                middle = turn @ ((box[:2] + box[2:]) / 2) + shift
                aligned.append((points @ turn.T + shift).ravel())
                boxes.append(np.concatenate([middle - half, middle + half]))
    known = np.hstack([np.array(aligned), np.ones((len(aligned), 1))])
    ridge = 10.0 * np.eye(11)
    return np.asarray(np.linalg.solve(known.T @ known + ridge, known.T @ np.array(boxes)), np.float64)


def box_of(points: NDArray[np.float32], habit: NDArray[np.float64]) -> NDArray[np.float32]:
    """The box (4,) of a face anywhere, turned or not, from its landmarks (5, 2)."""
    turn, shift = _onto_template(points)
    low, high = _drawn((points @ turn.T + shift)[None], habit)[0].reshape(2, 2)
    middle = np.linalg.solve(turn, (low + high) / 2 - shift)
    half = (high - low) / 2 / float(np.sqrt(np.linalg.det(turn)))
    return np.concatenate([middle - half, middle + half]).astype(np.float32)


def _drawn(landmarks: NDArray[np.floating], habit: NDArray[np.float64]) -> NDArray[np.float32]:
    asked = np.hstack([landmarks.reshape(-1, 10), np.ones((len(landmarks), 1))])
    return np.asarray(asked @ habit, np.float32)


def _onto_template(points: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least-squares similarity of points (5, 2) onto the template: (2, 2) and (2,)."""
    a, b = points - points.mean(axis=0), TEMPLATE - TEMPLATE.mean(axis=0)
    cos, sin = (a * b).sum(), (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()
    turn = np.array([[cos, -sin], [sin, cos]], np.float64) / float((a**2).sum())
    return turn, TEMPLATE.mean(axis=0) - turn @ points.mean(axis=0)


def whole(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n,) whether the middle oval of crops (n, 112, 112, 3) is free of the black beyond a photograph's edge."""
    rows, columns = np.mgrid[:CROP_SIZE:4, :CROP_SIZE:4]
    oval = ((columns - 56) / 46) ** 2 + ((rows - 58) / 52) ** 2 < 1
    black = [(rgb[s : s + 1024, ::4, ::4].max(axis=3) < 5)[:, oval].mean(axis=1) for s in range(0, len(rgb), 1024)]
    return np.asarray(np.concatenate(black) < 0.01)


def photograph_paths() -> list[Path]:
    """Every photograph that may be learned from."""
    faces = shared_dir() / "data" / "faces"
    masked = [path for path in sorted((faces / "real-masks").glob("*.jpg")) if for_training(path.name)]
    return [*sorted((faces / "celeba").rglob("*.jpg")), *masked]


def ask_about_photos() -> list[Photo]:
    """The teacher's faces at 640 pixels."""
    teacher = scrfd(TEACHER, 640, UNSURE)
    paths = tqdm(photograph_paths(), desc="photographs", mininterval=10)
    return [Photo(path, *arrays(teacher.detect(read_bgr(path)))) for path in paths]


def load_crop_faces() -> CropFaces:
    """What `main` wrote about the crops."""
    stored = np.load(train_dir("detector") / "crops.npz")
    return CropFaces(stored["boxes"], stored["landmarks"], stored["scores"], stored["whole"])


def load_photos() -> list[Photo]:
    """What `main` wrote about the photographs."""
    stored = np.load(train_dir("detector") / "photos.npz")
    parts = zip(stored["paths"], stored["first"][:-1], stored["first"][1:], strict=True)
    return [
        Photo(shared_dir() / str(path), stored["boxes"][a:b], stored["landmarks"][a:b], stored["scores"][a:b])
        for path, a, b in parts
    ]


def main() -> None:
    """Ask the teacher everything."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    cv2.setNumThreads(1)
    folder = train_dir("detector")
    photos = ask_about_photos()
    np.savez(
        folder / "photos.npz",
        paths=np.array([str(photo.path.relative_to(shared_dir())) for photo in photos]),
        first=np.cumsum([0, *(len(photo.scores) for photo in photos)]),
        boxes=np.concatenate([photo.boxes for photo in photos]),
        landmarks=np.concatenate([photo.landmarks for photo in photos]),
        scores=np.concatenate([photo.scores for photo in photos]),
    )
    faces = ask_about_crops(photos)
    np.savez(
        folder / "crops.npz",
        boxes=faces.boxes,
        landmarks=faces.landmarks,
        scores=faces.scores,
        whole=faces.whole,
    )
    print(f"{len(photos)} photographs, {sum(len(p.scores) for p in photos)} faces in them;", end=" ")
    print(f"{(faces.scores >= SURE).mean():.1%} of {len(faces.scores)} crops found")


if __name__ == "__main__":
    main()
