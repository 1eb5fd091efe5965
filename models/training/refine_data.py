"""What the detector's second look learns from: what its first look proposes, and what is really there.

`python -m models.training.refine_data` runs the shipped first network, with a low threshold, over rendered scenes
(`detector_shards`), random views of the photographs that may be learned from (`detector_sources`) and such views of
scenes. Views the teacher is asked about anew: it knows best what is still a face where a picture ends (but for faces
that fill the picture, see `labelled`), and photographs are few. Each proposal becomes a window (96, 96, 3)
BGR by its own points, a little more than the network sees, so that training can move it. Where `refine.onnx` lies
beside the first network, what it makes of a proposal becomes a window too: the second round learns from the first.
Under `refine/` of the training folder: `windows-N.npy` and `windows-N.npz`, N the round; earlier rounds are kept.
`--look OUT.png` draws some of them instead.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from gate.vision.align import Transform, apply_similarity, warp
from gate.vision.lane_faces import LaneFacesDetector, overlap
from gate.vision.refine import WINDOW_PX, FaceRefiner, to_window
from gate.vision.session import OrtSession
from models.training import detector_shards
from models.training.detect import read_bgr
from models.training.detector_backgrounds import Picture
from models.training.detector_scenes import Labels, degrade
from models.training.detector_sources import (
    SURE,
    TEACHER,
    UNSURE,
    Photo,
    arrays,
    box_habit,
    box_of,
    load_photos,
    scrfd,
)
from models.training.detector_teacher import TEACHER_SIZE_PX
from models.training.paths import packs_dir, train_dir

STORED_PX = 96
EDGE_PX = (STORED_PX - WINDOW_PX) // 2
# So many proposals a picture at most, best first; and of the second look, those that it does not refuse outright.
_AT_MOST = 12
_LIKELY = 0.1
_CANVASES_PX = (224, 320, 384, 480)
# A proposal is a face when so much of their boxes is shared, and none when less than the second is.
_SAME_IOU, _NONE_IOU = 0.35, 0.15
# Points further off than this (window pixels) cannot be corrected from what the window shows.
_FARTHEST_PX = 16.0
# Less than this is shared where a scene cut a box off.
_CUT_IOU = 0.8
_EYES_PX = (10.0, 150.0)
_SIDES_PX = (160, 420)
_WORSENED = 0.4
# Eyes further apart than this have to be found at the gate.
_MUST_BE_FOUND_PX = 24.0
NONE, FACE = 0, 1

Example = tuple[Picture, int, NDArray[np.float32], NDArray[np.float32]]
"""A window (96, 96, 3) BGR; face or none; points (5, 2) and box (middle, sides) in window pixels, without the edge.

The sides are those of a box that stays upright in the picture while the window turns.
"""


@dataclass(frozen=True, slots=True)
class Windows:
    """All examples: `face` (n,), `points` (n, 5, 2), `boxes` (n, 4), and `where` (n, 2) their pictures are.

    That is the number in `rounds`, memory-mapped pictures (., 96, 96, 3), and the row there.
    """

    rounds: tuple[NDArray[np.uint8], ...]
    where: NDArray[np.int64]
    face: NDArray[np.int8]
    points: NDArray[np.float32]
    boxes: NDArray[np.float32]

    def picture(self, row: int) -> Picture:
        """One window (96, 96, 3) BGR."""
        number, place = self.where[row]
        return np.asarray(self.rounds[number][place])

    def inner(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Windows (n, 64, 64, 3) BGR as the engine would cut them."""
        seen = slice(EDGE_PX, EDGE_PX + WINDOW_PX)
        return np.stack([self.picture(row)[seen, seen] for row in rows])


class Proposer:
    """The shipped first network ready to believe anything, and the second look where there is one already."""

    def __init__(self, canvas_px: int) -> None:
        folder = packs_dir() / "lane-faces"
        self._first = LaneFacesDetector(_session(folder / "model.onnx"), None, detect_size_px=canvas_px, threshold=0.1)
        second = folder / "refine.onnx"
        self._second = FaceRefiner(_session(second)) if second.is_file() else None

    def propose(self, picture: Picture) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Boxes (n, 4) and points (n, 5, 2): what the first network sees, then what the second makes of it."""
        boxes, points, scores = arrays(self._first.detect(picture))
        best = np.argsort(-scores)[:_AT_MOST]
        found = [(boxes[best], points[best])]
        if self._second is not None and len(best):
            seen = self._second.look(picture, points[best])
            likely = seen.scores >= _LIKELY
            found.append((seen.boxes_xyxy[likely], seen.landmarks[likely]))
        return found


def examples(picture: Picture, labels: Labels, proposer: Proposer) -> Iterator[Example]:
    """What is proposed in a picture, and what it is; in doubt it is left out."""
    for boxes, landmarks in proposer.propose(picture):
        shared = overlap(boxes, labels.boxes)
        for row, points in enumerate(landmarks):
            transform = to_window(points)
            window = warp(picture, transform + np.array([[0, 0, EDGE_PX], [0, 0, EDGE_PX]]), STORED_PX)
            if len(labels.boxes) == 0 or shared[row].max() < _NONE_IOU:
                yield window, NONE, np.zeros((5, 2), np.float32), np.zeros(4, np.float32)
                continue
            nearest = int(shared[row].argmax())
            there = apply_similarity(transform, labels.landmarks[nearest])
            off = float(np.abs(there - apply_similarity(transform, points)).max())
            if labels.sure[nearest] and shared[row, nearest] >= _SAME_IOU and off < _FARTHEST_PX:
                yield window, FACE, there, in_window(labels.boxes[nearest], transform)


def in_window(box: NDArray[np.float32], transform: Transform) -> NDArray[np.float32]:
    """A picture's box (4,) as middle and sides in window pixels."""
    corners = box.reshape(2, 2)
    middle = apply_similarity(transform, corners.mean(axis=0, keepdims=True))[0]
    return np.concatenate([middle, (corners[1] - corners[0]) * np.hypot(*transform[:, 0])]).astype(np.float32)


def whole_boxes(labels: Labels, habit: NDArray[np.float64]) -> Labels:
    """A scene's faces with boxes that go on beyond its edge, as the teacher's do: scenes cut them off there."""
    drawn = np.array([box_of(points, habit) for points in labels.landmarks], np.float32).reshape(-1, 4)
    cut = overlap(drawn, labels.boxes).diagonal() < _CUT_IOU
    return Labels(np.where(cut[:, None], drawn, labels.boxes), labels.landmarks, labels.sure)


def view(photo: Photo, picture: Picture, rng: np.random.Generator) -> tuple[Picture, Labels]:
    """A part of a photograph at another size, often cut through a face, and the whole's faces in its pixels."""
    height, width = picture.shape[:2]
    sure = np.flatnonzero(photo.scores >= SURE)
    scale, at = float(rng.uniform(0.3, 2.0)), rng.uniform(0, 1, 2) * (width, height)
    if len(sure):
        box = photo.boxes[int(rng.choice(sure))]
        at, eyes = (box[:2] + box[2:]) / 2, float(np.ptp(box[0::2])) / 2.4
        scale = float(np.exp(rng.uniform(*np.log(_EYES_PX)))) / eyes
    scale = min(scale, 4.0)
    room = np.minimum(rng.uniform(*_SIDES_PX, 2) / scale, (width, height))
    left, top = np.clip(at - rng.uniform(0, 1, 2) * room, 0, np.array([width, height]) - room).astype(int)
    part = picture[top : top + max(8, int(room[1])), left : left + max(8, int(room[0]))]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    shown = np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=method), np.uint8)
    corner = np.array([left, top])
    boxes = (photo.boxes - np.tile(corner, 2)) * scale
    landmarks = (photo.landmarks - corner) * scale
    return shown, Labels(boxes.astype(np.float32), landmarks.astype(np.float32), photo.scores >= SURE)


def labelled(seen: Labels, known: Labels, width: int, height: int) -> Labels:
    """A view's faces: what the teacher is sure to see there, then what is known of the whole and it is not sure of.

    The teacher doubts a face that fills the picture, though whoever stands right before the camera must be found. So
    a face of the whole that is sure, of a size that must be found and with all five points in the view is one there
    as well; any other that the teacher does not see is neither a face nor none.

    Args:
        seen: the teacher's labels of the view.
        known: the whole picture's labels, in the view's pixels; boxes may go on beyond it.
        width: of the view, pixels.
        height: likewise.
    """
    missed = ~_any_shared(known.boxes, seen.boxes[seen.sure])
    inside = ((known.landmarks >= 0) & (known.landmarks < (width, height))).all(axis=(1, 2))
    eyes = np.hypot(*(known.landmarks[:, 1] - known.landmarks[:, 0]).T)
    plain = known.sure & inside & (eyes >= _MUST_BE_FOUND_PX)
    kept = seen.sure | ~_any_shared(seen.boxes, known.boxes[missed & plain])
    return Labels(
        np.concatenate([seen.boxes[kept], known.boxes[missed]]),
        np.concatenate([seen.landmarks[kept], known.landmarks[missed]]),
        np.concatenate([seen.sure[kept], plain[missed]]),
    )


def _any_shared(boxes: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of the boxes (n, 4) are those of one of the others (m, 4) as well."""
    return np.asarray((overlap(boxes, others) >= _SAME_IOU).any(axis=1))


class Viewer:
    """Random views of pictures, each labelled with what the teacher sees in it."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._proposers = [Proposer(side) for side in _CANVASES_PX]
        self._teacher = scrfd(TEACHER, TEACHER_SIZE_PX, UNSURE)
        self._rng = rng

    def examples(self, photo: Photo, whole: Picture) -> Iterator[Example]:
        """Examples of one view of `whole`, in which the faces of `photo` are."""
        picture, known = view(photo, whole, self._rng)
        boxes, landmarks, scores = arrays(self._teacher.detect(picture))
        labels = labelled(Labels(boxes, landmarks, scores >= SURE), known, picture.shape[1], picture.shape[0])
        shown = degrade(picture, self._rng) if self._rng.random() < _WORSENED else picture
        proposer = self._proposers[int(self._rng.integers(len(self._proposers)))]
        yield from examples(shown, labels, proposer)


def from_photos(views: int, rng: np.random.Generator) -> Iterator[Example]:
    """Examples of random views of the photographs that may be learned from, as the teacher sees each view."""
    viewer, photos = Viewer(rng), [(photo, read_bgr(photo.path)) for photo in load_photos()]
    for number in tqdm(range(views), desc="views", mininterval=10):
        yield from viewer.examples(*photos[number % len(photos)])


def from_scene_views(views: int, rng: np.random.Generator) -> Iterator[Example]:
    """The same of rendered scenes: other people at picture's edges than the few hundred photographs have."""
    viewer, habit = Viewer(rng), box_habit(load_photos())
    for path, picture, cut in some_scenes(views, rng, "views of scenes"):
        labels = whole_boxes(cut, habit)
        photo = Photo(path, labels.boxes, labels.landmarks, labels.sure.astype(np.float32))
        yield from viewer.examples(photo, picture)


def from_scenes(scenes: int, rng: np.random.Generator) -> Iterator[Example]:
    """Examples of rendered scenes, as they are known to have been laid out."""
    proposers, habit = [Proposer(side) for side in _CANVASES_PX], box_habit(load_photos())
    for _, picture, labels in some_scenes(scenes, rng, "scenes"):
        yield from examples(picture, whole_boxes(labels, habit), proposers[int(rng.integers(len(proposers)))])


def some_scenes(count: int, rng: np.random.Generator, title: str) -> Iterator[tuple[Path, Picture, Labels]]:
    """Rendered scenes, as many of every shard, none twice while there are enough: its file, picture, faces."""
    shards = detector_shards.available()
    with tqdm(total=count, desc=title, mininterval=10) as progress:
        for path in shards:
            pictures, labels = detector_shards.load(path)
            each = count // len(shards)
            for row in sorted(rng.choice(len(pictures), each, replace=each > len(pictures))):
                yield path, np.asarray(pictures[row]), labels[row]
                progress.update()


def _session(path: Path) -> OrtSession:
    return OrtSession(path.read_bytes(), name=path.name)


def build(scenes: int, views: int, scene_views: int) -> None:
    """Write all windows of one more round."""
    number = len(_rounds()) + 1
    rng = np.random.default_rng(number)
    found = [*from_photos(views, rng), *from_scene_views(scene_views, rng), *from_scenes(scenes, rng)]
    pictures, face, points, boxes = (list(column) for column in zip(*found, strict=True))
    path = train_dir("refine") / f"windows-{number}.npy"
    np.savez(path.with_suffix(".npz"), face=np.array(face, np.int8), points=np.stack(points), boxes=np.stack(boxes))
    np.save(path, np.stack(pictures))
    print(f"{path.name}: {len(face)} windows, {np.mean(face):.0%} of them faces")


def _rounds() -> list[Path]:
    return sorted(train_dir("refine").glob("windows-*.npy"))


def load() -> Windows:
    """What `build` wrote, all rounds."""
    stored = [np.load(path.with_suffix(".npz")) for path in _rounds()]
    face, points, boxes = (np.concatenate([one[name] for one in stored]) for name in ("face", "points", "boxes"))
    where = [(number, row) for number, one in enumerate(stored) for row in range(len(one["face"]))]
    pictures = tuple(np.load(path, mmap_mode="r") for path in _rounds())
    return Windows(pictures, np.array(where), face, points, boxes)


def look(out: Path) -> None:
    """A sheet: faces with their points and boxes above, none below."""
    windows, rng = load(), np.random.default_rng(1)
    tiles = []
    for kind in (FACE, NONE):
        for row in rng.choice(np.flatnonzero(windows.face == kind), 64, replace=False):
            tile = windows.picture(row).copy()
            cv2.rectangle(tile, (EDGE_PX, EDGE_PX), (STORED_PX - EDGE_PX, STORED_PX - EDGE_PX), (90, 90, 90), 1)
            if kind == FACE:
                middle, half = windows.boxes[row, :2] + EDGE_PX, windows.boxes[row, 2:] / 2
                (x1, y1), (x2, y2) = (middle - half).astype(int), (middle + half).astype(int)
                cv2.rectangle(tile, (int(x1), int(y1)), (int(x2), int(y2)), (0, 255, 0), 1)
                for x, y in windows.points[row] + EDGE_PX:
                    cv2.circle(tile, (int(x), int(y)), 1, (0, 0, 255), -1)
            tiles.append(tile)
    cv2.imwrite(str(out), np.vstack([np.hstack(tiles[start : start + 16]) for start in range(0, 128, 16)]))


def main() -> None:
    """Build, or draw a sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=6_000)
    parser.add_argument("--views", type=int, default=4_000)
    parser.add_argument("--scene-views", type=int, default=0, help="random views of rendered scenes")
    parser.add_argument("--look", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.look:
        look(arguments.look)
        return
    build(arguments.scenes, arguments.views, arguments.scene_views)


if __name__ == "__main__":
    main()
