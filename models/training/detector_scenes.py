"""Scenes for the detector: photographs laid out at every size, and gate scenes of one to ten pasted faces.

A scene is a square canvas and its faces. Where each face stands is known because it was put there; its box and
landmarks are the teacher's, from the clean picture, so that a mask or bad light does not move them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.synth import photometric
from models.training.crops import CROP_SIZE, TEMPLATE
from models.training.detector_backgrounds import Picture, background
from models.training.detector_sources import SURE, CropFaces, Photo

SIDE_PX = 320
# Eye distances on the canvas. Below the first nobody has to be found, and below `_LEAST_PX` not even ignored.
_SMALLEST_PX, _LARGEST_PX, _LEAST_PX = 8.0, 150.0, 3.5
# The traveller before the camera, and portraits: by logarithms alone these would be few.
_NEAR_PX = (45.0, 135.0)
# A face of which less is to be seen is neither a face nor none.
_MIN_VISIBLE = 0.55
_SCRAP_PX = 28

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Labels:
    """Faces of a canvas: `boxes` (n, 4), `landmarks` (n, 5, 2) in its pixels, `sure` (n,) False where to look away."""

    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    sure: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Material:
    """What scenes are made of: crops bare and occluded (m, 112, 112, 3) RGB with their faces, photographs BGR."""

    crops: tuple[NDArray[np.uint8], ...]
    faces: CropFaces
    usable: NDArray[np.int64]
    photos: list[tuple[Photo, Picture]]


class Stage:
    """A canvas on which things are put one over the other, and what is still to be seen of each face."""

    def __init__(self, canvas: Picture) -> None:
        self.canvas = canvas
        self._boxes: list[NDArray[np.float64]] = []
        self._landmarks: list[NDArray[np.float64]] = []
        self._sure: list[bool] = []

    def cover(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """Something was laid over this rectangle: faces under it are gone, faces half under it uncertain."""
        for index in reversed(range(len(self._boxes))):
            shown = 1 - _share(self._boxes[index], (x1, y1, x2, y2))
            if shown < 0.1:
                del self._boxes[index], self._landmarks[index], self._sure[index]
            elif shown < _MIN_VISIBLE:
                self._sure[index] = False

    def add(
        self,
        box: NDArray[np.float32],
        landmarks: NDArray[np.float32],
        sure: bool,
        matrix: Matrix,
        room: tuple[int, int, int, int] | None = None,
    ) -> None:
        """A face that came with a picture, moved by `matrix` (2, 3), a similarity, and seen only within `room`."""
        scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
        middle = matrix[:, :2] @ ((box[:2] + box[2:]) / 2) + matrix[:, 2]
        half = (box[2:] - box[:2]) / 2 * scale
        points = landmarks @ matrix[:, :2].T + matrix[:, 2]
        if matrix[0, 0] * matrix[1, 1] < 0:  # mirrored: left and right change their names
            points = points[[1, 0, 2, 4, 3]]
        moved = np.concatenate([middle - half, middle + half])
        eyes = float(np.linalg.norm(points[1] - points[0]))
        x1, y1, x2, y2 = room or (0, 0, self.canvas.shape[1], self.canvas.shape[0])
        inside = _share(moved, (x1, y1, x2, y2))
        if inside < 0.1 or eyes < _LEAST_PX:
            return
        # The teacher's boxes end where the picture does; its landmarks need not.
        self._boxes.append(np.clip(moved, (x1, y1, x1, y1), (x2, y2, x2, y2)))
        self._landmarks.append(points)
        self._sure.append(sure and inside >= _MIN_VISIBLE and eyes >= _SMALLEST_PX)

    def labels(self) -> Labels:
        """What is to be seen now."""
        return Labels(
            np.array(self._boxes, np.float32).reshape(-1, 4),
            np.array(self._landmarks, np.float32).reshape(-1, 5, 2),
            np.array(self._sure, np.bool_),
        )


def _share(box: NDArray[np.float64], other: tuple[float, float, float, float]) -> float:
    """How much of `box` lies in `other`, 0..1."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    return float(max(width, 0) * max(height, 0) / max(area, 1e-6))


def scene(material: Material, rng: np.random.Generator) -> tuple[Picture, Labels]:
    """One random scene (SIDE_PX, SIDE_PX, 3) BGR and its faces."""
    draw = rng.random()
    if draw < 0.5:
        stage = photographs(material, rng)
    elif draw < 0.93:
        stage = gate_scene(material, rng)
    else:
        stage = Stage(background(material.photos, SIDE_PX, rng))
        for _ in range(int(rng.integers(0, 5))):
            scraps(stage, material, rng)
    if rng.random() < 0.12:
        _letterbox(stage, rng)
    return degrade(stage.canvas, rng), stage.labels()


def photographs(material: Material, rng: np.random.Generator) -> Stage:
    """Photographs over the whole canvas: one large, or several smaller ones side by side."""
    stage = Stage(background(material.photos, SIDE_PX, rng))
    per_side = int(rng.choice([1, 2, 3], p=[0.45, 0.33, 0.22]))
    pitch = SIDE_PX / per_side
    for row in range(per_side):
        for column in range(per_side):
            photo, picture = material.photos[int(rng.integers(len(material.photos)))]
            if rng.random() < 0.6 and len(photo.scores) and photo.scores.max() >= SURE:
                picture = another_person(photo, picture, material, rng)
            tile = (int(column * pitch), int(row * pitch), int((column + 1) * pitch), int((row + 1) * pitch))
            _lay_photo(stage, photo, picture, tile, rng)
    return stage


def _lay_photo(
    stage: Stage, photo: Photo, picture: Picture, tile: tuple[int, int, int, int], rng: np.random.Generator
) -> None:
    """Fill a tile with a photograph, so that one of its faces has a size drawn at random and is mostly inside."""
    x1, y1, x2, y2 = tile
    middle, reach = np.array([x1 + x2, y1 + y2]) / 2, (x2 - x1) / 2
    sure = np.flatnonzero(photo.scores >= SURE)
    height, width = picture.shape[:2]
    scale = (x2 - x1) / min(height, width) * rng.uniform(0.8, 1.6)
    centre = np.array([width, height]) * rng.uniform(0.3, 0.7, 2)
    if len(sure):
        chosen = int(rng.choice(sure))
        eyes = float(np.linalg.norm(photo.landmarks[chosen, 1] - photo.landmarks[chosen, 0]))
        # A profile's eyes are close together: its size is better read off the box.
        eyes = max(eyes, float(np.ptp(photo.boxes[chosen, 0::2])) / 2.6)
        limit = min(_LARGEST_PX, 0.42 * (x2 - x1)) if rng.random() < 0.85 else _LARGEST_PX
        wanted = np.exp(rng.uniform(np.log(_SMALLEST_PX), np.log(limit)))
        if x2 - x1 == SIDE_PX and rng.random() < 0.5:
            wanted = rng.uniform(*_NEAR_PX)
        scale = float(wanted) / eyes
        scale = float(np.clip(scale, 0.04, 6.0))
        # Rather the photograph a little larger than a canvas that is mostly border.
        if max(height, width) * scale < 0.6 * (x2 - x1):
            scale *= rng.uniform(1.0, 1.8)
        centre = photo.boxes[chosen].reshape(2, 2).mean(axis=0)
        middle = middle + rng.normal(0, 0.45, 2) * reach
    angle = float(rng.normal(0, 9)) if rng.random() < 0.6 else 0.0
    matrix = similarity(centre, middle, scale, angle, mirrored=rng.random() < 0.5)
    border = int(rng.choice([cv2.BORDER_REFLECT_101, cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT], p=[0.1, 0.2, 0.7]))
    shown = warp(picture, matrix, border, stage.canvas if border == cv2.BORDER_CONSTANT else None)
    part = (slice(y1, y2), slice(x1, x2))
    stage.cover(*tile)
    stage.canvas[part] = shown[part]
    for box, landmarks, score in zip(photo.boxes, photo.landmarks, photo.scores, strict=True):
        stage.add(box, landmarks, bool(score >= SURE), matrix, tile)
    if border == cv2.BORDER_REFLECT_101:
        _distrust_reflections(stage, picture, matrix, tile)


def _distrust_reflections(stage: Stage, picture: Picture, matrix: Matrix, tile: tuple[int, int, int, int]) -> None:
    """Grey over what lies beyond the photograph's edge: a mirrored face there would have no label."""
    real = np.full(picture.shape[:2], 255, np.uint8)
    inside = cv2.warpAffine(real, matrix, (SIDE_PX, SIDE_PX), flags=cv2.INTER_NEAREST)
    outside = np.zeros_like(inside, dtype=bool)
    x1, y1, x2, y2 = tile
    outside[y1:y2, x1:x2] = inside[y1:y2, x1:x2] == 0
    blurred = cv2.blur(stage.canvas, (61, 61))
    stage.canvas[outside] = blurred[outside]


def another_person(photo: Photo, picture: Picture, material: Material, rng: np.random.Generator) -> Picture:
    """The photograph with other people's faces over its own, in the colours of the place."""
    picture = picture.copy()
    for box, landmarks, score in zip(photo.boxes, photo.landmarks, photo.scores, strict=True):
        if score < SURE or np.ptp(box[0::2]) < 12:
            continue
        crop, _ = _draw_crop(material, rng)
        match = rng.uniform(0.4, 1.0) if rng.random() < 0.8 else 0.0
        blend(picture, crop, _face_alpha(rng), fit(TEMPLATE, landmarks), match)
    return picture


def blend(canvas: Picture, crop: Picture, alpha: NDArray[np.float32], matrix: Matrix, match: float = 0.0) -> None:
    """Lay a crop over the canvas (changed in place), `match` (0..1) of the way in the colours of the place."""
    corners = CROP_SIZE * np.array([(0, 0), (1, 0), (0, 1), (1, 1)]) @ matrix[:, :2].T + matrix[:, 2]
    x1, y1 = (max(0, int(value)) for value in corners.min(axis=0))
    x2, y2 = (int(value) + 1 for value in corners.max(axis=0))
    part = canvas[y1:y2, x1:x2]
    if part.size == 0:
        return
    matrix = matrix.copy()
    matrix[:, 2] -= (x1, y1)
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale < 0.6:
        side = max(4, int(CROP_SIZE * scale))
        crop = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8)
        alpha = cv2.resize(alpha, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
        matrix[:, :2] *= CROP_SIZE / side
    size = (part.shape[1], part.shape[0])
    placed = cv2.warpAffine(crop, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.warpAffine(alpha, matrix, size, flags=cv2.INTER_LINEAR)[..., None]
    lit = placed.astype(np.float32)
    if match:
        own, new = (np.tensordot(cover[..., 0], picture, 2) / max(float(cover.sum()), 1e-6) for picture in (part, lit))
        lit = np.clip(lit * (own / np.maximum(new, 8)).astype(np.float32) ** np.float32(match), 0, 255)
    part[:] = (part + (lit - part) * cover + 0.5).astype(np.uint8)


def gate_scene(material: Material, rng: np.random.Generator) -> Stage:
    """One to ten people in front of a background, the far ones first."""
    stage = Stage(background(material.photos, SIDE_PX, rng))
    if rng.random() < 0.35:
        scraps(stage, material, rng)
    count = int(np.clip(rng.geometric(0.22), 1, 10))
    nearest = np.exp(rng.uniform(np.log(12), np.log(_LARGEST_PX)))
    if rng.random() < 0.3:
        nearest = rng.uniform(*_NEAR_PX)
    sizes = np.sort(np.exp(rng.uniform(np.log(_SMALLEST_PX), np.log(nearest), count)))
    for eyes in sizes:
        _paste_person(stage, float(eyes), material, rng)
    return stage


def _paste_person(stage: Stage, eyes_px: float, material: Material, rng: np.random.Generator) -> None:
    crop, row = _draw_crop(material, rng)
    scale = eyes_px / float(TEMPLATE[1, 0] - TEMPLATE[0, 0])
    margin = min(0.3 * eyes_px, 40.0)
    at = rng.uniform(margin, SIDE_PX - margin, 2)
    angle = float(rng.normal(0, 10))
    matrix = similarity(np.array([56.0, 62.0]), at, scale, angle, mirrored=rng.random() < 0.5)
    style = rng.random()
    if style < 0.65:
        _body(stage, crop, at, eyes_px, rng)
        alpha = _face_alpha(rng)
    elif style < 0.85:
        alpha = _face_alpha(rng)
    else:  # a photograph on a wall, a page, a screen: it is a face all the same
        alpha = np.ones((CROP_SIZE, CROP_SIZE), np.float32)
    x1, y1 = at - 1.25 * eyes_px
    x2, y2 = at + 1.25 * eyes_px
    stage.cover(x1, y1, x2, y2)
    blend(stage.canvas, crop, alpha, matrix)
    stage.add(material.faces.boxes[row], material.faces.landmarks[row], sure=True, matrix=matrix)


def _body(stage: Stage, crop: Picture, at: NDArray[np.float64], eyes_px: float, rng: np.random.Generator) -> None:
    """Hair, neck and shoulders, roughly."""
    x, y = at
    width = eyes_px * rng.uniform(1.0, 1.35)
    hair = tuple(float(value) for value in np.clip(rng.uniform(5, 160) + rng.normal(0, 15, 3), 0, 255))
    skin = tuple(float(value) for value in np.median(crop[60:80, 40:72].reshape(-1, 3), axis=0) * rng.uniform(0.6, 1))
    cloth = tuple(float(value) for value in rng.uniform(0, 255, 3))
    canvas = stage.canvas
    shoulder, drop = eyes_px * rng.uniform(1.6, 3.2), y + eyes_px * rng.uniform(1.7, 2.4)
    stage.cover(x - shoulder, drop, x + shoulder, drop + 4 * eyes_px)
    stage.cover(x - width, y - 1.4 * eyes_px, x + width, y + 2 * eyes_px)
    if rng.random() < 0.3:  # long hair
        cv2.rectangle(canvas, *_corners(x - width, y, x + width, y + 2.5 * eyes_px), hair, -1)
    neck = _corners(x - 0.55 * eyes_px, y + eyes_px, x + 0.55 * eyes_px, drop + 0.4 * eyes_px)
    cv2.rectangle(canvas, *neck, skin, -1)
    outline = [(-0.5, 0), (0.5, 0), (1, 0.35), (1.1, 4), (-1.1, 4), (-1, 0.35)]
    torso = np.array([(x + u * shoulder, drop + v * eyes_px) for u, v in outline])
    cv2.fillPoly(canvas, [torso.astype(np.int32)], cloth, cv2.LINE_AA)
    axes = (max(1, int(width)), max(1, int(eyes_px * rng.uniform(1.4, 1.8))))
    if rng.random() < 0.85:
        cv2.ellipse(canvas, (int(x), int(y - 0.25 * eyes_px)), axes, 0, 0, 360, hair, -1, cv2.LINE_AA)


def _corners(x1: float, y1: float, x2: float, y2: float) -> tuple[tuple[int, int], tuple[int, int]]:
    return (int(x1), int(y1)), (int(x2), int(y2))


def scraps(stage: Stage, material: Material, rng: np.random.Generator) -> None:
    """Pieces of faces that are none: cheeks, chins, hair, one eye; turned every way."""
    crop, _ = _draw_crop(material, rng)
    if rng.random() < 0.5:
        piece = crop[int(rng.integers(68, 80)) :, :]  # mouth and chin
    else:  # too small for both eyes: those would be half a face
        left, top = (int(value) for value in rng.integers(0, CROP_SIZE - _SCRAP_PX, 2))
        piece = crop[top : top + _SCRAP_PX, left : left + _SCRAP_PX]
    piece = np.ascontiguousarray(np.rot90(piece, int(rng.integers(4))))
    width = int(np.exp(rng.uniform(np.log(14), np.log(170))))
    height = max(8, int(width * piece.shape[0] / piece.shape[1]))
    piece = cv2.resize(piece, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    left, top = (int(rng.integers(-n // 3, SIDE_PX - n // 2)) for n in (width, height))
    x1, y1 = max(left, 0), max(top, 0)
    part = stage.canvas[y1 : top + height, x1 : left + width]
    part[:] = piece[y1 - top : y1 - top + part.shape[0], x1 - left : x1 - left + part.shape[1]]
    stage.cover(x1, y1, left + width, top + height)


def _draw_crop(material: Material, rng: np.random.Generator) -> tuple[Picture, int]:
    """A random crop BGR, bare or with something on, and its row."""
    row = int(rng.choice(material.usable))
    shares = [0.5] + [0.5 / max(1, len(material.crops) - 1)] * (len(material.crops) - 1)
    which = int(rng.choice(len(material.crops), p=np.array(shares) / sum(shares)))
    return np.ascontiguousarray(material.crops[which][row, :, :, ::-1]), row


def _face_alpha(rng: np.random.Generator) -> NDArray[np.float32]:
    """Cover (112, 112) of a crop: an oval with a soft edge, wide or narrow."""
    alpha = np.zeros((CROP_SIZE, CROP_SIZE), np.float32)
    axes = (int(rng.uniform(40, 55)), int(rng.uniform(52, 64)))
    cv2.ellipse(alpha, (56, int(rng.uniform(58, 64))), axes, 0, 0, 360, 1.0, -1)
    edge = int(rng.uniform(2, 12))
    alpha[: edge + 1] = alpha[-edge - 1 :] = 0
    alpha[:, : edge + 1] = alpha[:, -edge - 1 :] = 0
    return np.asarray(cv2.blur(alpha, (edge | 1, edge | 1)), np.float32)


def similarity(
    centre: NDArray[np.float64], to: NDArray[np.float64], scale: float, angle_deg: float, *, mirrored: bool
) -> Matrix:
    """(2, 3) that takes `centre` to `to`, turned and scaled, and mirrored first where asked."""
    cos, sin = np.cos(np.deg2rad(angle_deg)) * scale, np.sin(np.deg2rad(angle_deg)) * scale
    turn = np.array([[cos, -sin], [sin, cos]])
    if mirrored:
        turn = turn @ np.diag([-1.0, 1.0])
    return np.hstack([turn, (to - turn @ centre)[:, None]])


def fit(source: NDArray[np.float32], target: NDArray[np.float32]) -> Matrix:
    """(2, 3) least-squares similarity from `source` (5, 2) to `target` (5, 2)."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    norm = float((a**2).sum())
    cos = float((a * b).sum()) / norm
    sin = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / norm
    turn = np.array([[cos, -sin], [sin, cos]])
    return np.hstack([turn, (target.mean(axis=0) - turn @ source.mean(axis=0))[:, None]])


def warp(picture: Picture, matrix: Matrix, border: int, behind: Picture | None) -> Picture:
    """The picture on a canvas of SIDE_PX, shrunk without aliasing; beyond its edge `behind`, or the border mode."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    matrix = matrix.copy()
    while scale < 0.6 and min(picture.shape[:2]) >= 16:
        halved = (picture.shape[1] // 2, picture.shape[0] // 2)
        picture = cv2.resize(picture, halved, interpolation=cv2.INTER_AREA).astype(np.uint8)
        matrix[:, :2] *= 2
        scale *= 2
    size = (SIDE_PX, SIDE_PX)
    if behind is None:
        return np.asarray(cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border), np.uint8)
    shown = behind.copy()
    cv2.warpAffine(picture, matrix, size, dst=shown, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)
    return shown


def degrade(canvas: Picture, rng: np.random.Generator) -> Picture:
    """What light, lens, sensor and codec do, each now and then."""
    steps: tuple[tuple[float, Callable[..., Picture]], ...] = (
        (0.12, partial(photometric.side_light, strength=0.6)),
        (0.10, partial(photometric.backlight, strength=0.7)),
        (0.25, partial(photometric.gamma, spread=0.5)),
        (0.25, partial(photometric.gain, stops=0.9)),
        (0.15, partial(photometric.defocus, sigma_px=1.5)),
        (0.08, partial(photometric.motion_blur, length_px=5.0)),
        (0.12, partial(photometric.downscale, factor=2.2)),
        (0.20, partial(photometric.sensor_noise, sigma=12.0)),
        (0.50, partial(photometric.jpeg, quality=30)),
    )
    for chance, step in steps:
        if rng.random() < chance:
            canvas = step(canvas, rng=rng)
    if rng.random() < 0.08:
        canvas = np.repeat(cv2.cvtColor(canvas, cv2.COLOR_BGR2GRAY)[:, :, None], 3, axis=2).astype(np.uint8)
    return canvas


def _letterbox(stage: Stage, rng: np.random.Generator) -> None:
    """Black from some row or column on, as where a picture ends on its canvas."""
    cut = int(rng.uniform(0.55, 0.97) * SIDE_PX)
    if rng.random() < 0.5:
        stage.canvas[cut:] = 0
        stage.cover(0, cut, SIDE_PX, SIDE_PX)
    else:
        stage.canvas[:, cut:] = 0
        stage.cover(cut, 0, SIDE_PX, SIDE_PX)
