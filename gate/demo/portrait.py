"""A person cut out of a photograph, upright and in plain clothes, so that they can walk up to a camera."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.demo.garment import draw_garment
from gate.synth import MaskStyle, render_mask
from gate.vision.align import apply_similarity
from gate.vision.probe import Face, ImageBGR, Landmarks

Alpha = NDArray[np.float32]

_FACE_PX = 130
"""Height of the face box in a portrait: about that of the photographs, more than a gate's camera resolves."""

_WIDTH, _HEIGHT = 5.6, 6.4
"""A portrait's sides in face widths and face heights."""

_CENTRE_Y = 1.25
"""Where the face's centre is, face heights from the top."""

_WORK_SCALE = 0.7
"""Scale at which the outline is sought: finer costs seconds and finds the same outline."""


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """Head, shoulders and what is below them.

    Attributes:
        image_bgr: (H, W, 3) uint8.
        alpha: (H, W) float32, 1 where the person is, 0 around them.
        landmarks: (5, 2), pixels of `image_bgr`.
    """

    image_bgr: ImageBGR
    alpha: Alpha
    landmarks: Landmarks

    @property
    def eye_distance_px(self) -> float:
        """Between the eyes, in `image_bgr`."""
        return float(np.hypot(*(self.landmarks[1] - self.landmarks[0])))

    @property
    def eyes_xy(self) -> tuple[float, float]:
        """The middle between the eyes, in `image_bgr`."""
        x, y = self.landmarks[:2].mean(axis=0)
        return float(x), float(y)

    def masked(self, style: MaskStyle, rng: np.random.Generator) -> Self:
        """The same person with a mask on."""
        return replace(self, image_bgr=render_mask(self.image_bgr, self.landmarks, style, rng))


def cut_out(image_bgr: ImageBGR, face: Face, others: tuple[Face, ...] = (), clothes: int = 0) -> Portrait:
    """The person whose face it is, without the background, the people around, and the slant of their head.

    Args:
        image_bgr: the photograph.
        face: the person's.
        others: faces that must not be in the cut-out.
        clothes: which plain clothes to put on.
    """
    face_w, face_h = face.box_xyxy[2] - face.box_xyxy[0], face.box_xyxy[3] - face.box_xyxy[1]
    unit = _FACE_PX / max(1.0, face_h)
    half_w, half_h = face_w * unit / 2, _FACE_PX / 2
    size = (round(_WIDTH * face_w * unit), round(_HEIGHT * _FACE_PX))
    centre = (size[0] / 2, _CENTRE_Y * _FACE_PX)
    upright = _upright(face, unit, centre)
    moved = cv2.warpAffine(image_bgr, upright, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpAffine(np.full(image_bgr.shape[:2], 255, np.uint8), upright, size).astype(np.uint8)
    strangers = [_moved_box(upright, other) for other in others]
    head = _head(moved.astype(np.uint8), inside, centre, (half_w, half_h), strangers)
    picture, alpha = draw_garment(moved.astype(np.uint8), head, centre, (half_w, half_h), clothes)
    return Portrait(picture, alpha, apply_similarity(upright, face.landmarks))


def _upright(face: Face, scale: float, to_xy: tuple[float, float]) -> NDArray[np.float64]:
    """Scales, levels the eyes, and moves the face's centre to `to_xy`: (2, 3)."""
    x, y = face.landmarks[1] - face.landmarks[0]
    slant_deg = float(np.degrees(np.arctan2(y, x)))
    transform = np.asarray(cv2.getRotationMatrix2D(face.centre, slant_deg, scale), np.float64)
    transform[:, 2] += np.subtract(to_xy, face.centre)
    return transform


def _moved_box(transform: NDArray[np.float64], face: Face) -> tuple[tuple[float, float], float]:
    """A face's centre and half its height, after `transform`."""
    centre = apply_similarity(transform, np.array([face.centre], np.float32))[0]
    scale = float(np.hypot(transform[0, 0], transform[1, 0]))
    return (float(centre[0]), float(centre[1])), (face.box_xyxy[3] - face.box_xyxy[1]) * scale / 2


def _head(
    image_bgr: ImageBGR,
    inside: NDArray[np.uint8],
    centre: tuple[float, float],
    half: tuple[float, float],
    strangers: list[tuple[tuple[float, float], float]],
) -> Alpha:
    """Where head and neck are, by GrabCut from ovals round the face."""
    bottom = int(centre[1] + 2.2 * half[1])  # the clothes begin above that
    small = cv2.resize(image_bgr[:bottom], None, fx=_WORK_SCALE, fy=_WORK_SCALE, interpolation=cv2.INTER_AREA)
    shown = cv2.resize(inside[:bottom], (small.shape[1], small.shape[0]), interpolation=cv2.INTER_NEAREST)
    guess = np.full(small.shape[:2], cv2.GC_BGD, np.uint8)
    x, y, w, h = (value * _WORK_SCALE for value in (*centre, *half))
    _oval(guess, (x, y - 0.1 * h), (2.0 * w, 2.0 * h), cv2.GC_PR_BGD)
    _oval(guess, (x, y - 0.15 * h), (1.4 * w, 1.45 * h), cv2.GC_PR_FGD)
    _oval(guess, (x, y - 0.2 * h), (0.8 * w, 1.15 * h), cv2.GC_FGD)
    cv2.rectangle(guess, (int(x - 0.5 * w), int(y)), (int(x + 0.5 * w), guess.shape[0]), cv2.GC_FGD, -1)
    for (other_x, other_y), other_h in strangers:
        where = (other_x * _WORK_SCALE, other_y * _WORK_SCALE)
        _oval(guess, where, (1.2 * other_h * _WORK_SCALE, 1.4 * other_h * _WORK_SCALE), cv2.GC_BGD)
    guess[shown < 128] = cv2.GC_BGD
    cv2.setRNGSeed(1)  # GrabCut starts its clusters at random
    unused = (0, 0, 0, 0)  # the rectangle of the other mode
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small.astype(np.uint8), guess, unused, *models, 3, cv2.GC_INIT_WITH_MASK)
    body = _one_piece(np.isin(guess, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8), (int(x), int(y)))
    alpha = np.zeros(image_bgr.shape[:2], np.float32)
    alpha[:bottom] = cv2.resize(body, (image_bgr.shape[1], bottom), interpolation=cv2.INTER_LINEAR)
    return alpha


def _one_piece(found: NDArray[np.uint8], seed_xy: tuple[int, int]) -> Alpha:
    """The connected part around `seed_xy`, holes closed, with a soft edge."""
    _, labels = cv2.connectedComponents(found)
    piece = (labels == labels[seed_xy[1], seed_xy[0]]).astype(np.uint8) * 255
    # Holes are reflections on skin and hair, not background; spikes are background that looks like hair.
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    piece = cv2.morphologyEx(piece, cv2.MORPH_CLOSE, kernel).astype(np.uint8)
    piece = cv2.morphologyEx(piece, cv2.MORPH_OPEN, kernel).astype(np.uint8)
    soft = cv2.GaussianBlur(cv2.erode(piece, np.ones((3, 3), np.uint8)), (0, 0), 1.4)
    return (soft / np.float32(255)).astype(np.float32)


def _oval(guess: NDArray[np.uint8], centre: tuple[float, float], half: tuple[float, float], value: int) -> None:
    at = int(centre[0]), int(centre[1])
    cv2.ellipse(guess, at, (max(1, int(half[0])), max(1, int(half[1]))), 0, 0, 360, value, -1)
