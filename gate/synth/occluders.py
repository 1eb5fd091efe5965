"""What else hides a face: sunglasses, fringe, scarf, cap, hand. Same arguments and promises as `render_mask`.

These may cover the eyes, as the real ones do; all else holds: a new array, deterministic by `rng`, unchanged where the
landmarks make no face.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.synth import fabric
from gate.synth.compose import FaceLight, Layer, bezier, eye_guard, face_light, lay_over, line_alpha, polygon_alpha
from gate.synth.geometry import FaceFrame, Field, Image, Roi, face_coordinates, face_frame, roi_around
from gate.synth.style import PATTERNS, Bgr
from gate.synth.surface import Sheet, project_sheet

Occluder = Callable[[Image, NDArray[np.float32], np.random.Generator], Image]
_Points = NDArray[np.float64]


def render_sunglasses(image_bgr: Image, landmarks: NDArray[np.float32], rng: np.random.Generator) -> Image:
    """Glasses with dark, mirrored or lightly tinted lenses."""
    image, frame = _start(image_bgr, landmarks)
    if frame is None:
        return image
    width, height = rng.uniform(0.36, 0.5), rng.uniform(0.24, 0.42)
    squareness, drop = rng.uniform(2.0, 5.0), rng.uniform(-0.02, 0.1)
    lenses = [_superellipse((side * 0.52, drop, 0.12), width, height, squareness) for side in (-1, 1)]
    bridge = np.array([[-0.18, drop - 0.1, 0.25], [0, drop - 0.16, 0.3], [0.18, drop - 0.1, 0.25]])
    temples = [np.array([[s * (0.5 + width), drop - 0.1, 0.05], [s * 1.2, drop - 0.05, -0.9]]) for s in (-1, 1)]
    roi = roi_around(frame.project(np.vstack([*lenses, *temples])), 0.1 * frame.scale_px, image.shape)
    if roi.empty:
        return image
    light = face_light(image, frame, roi, rng)
    _, y = face_coordinates(frame, roi)
    tint = np.asarray(_dark_colour(rng), dtype=np.float32)
    gradient = 1.0 + np.float32(rng.uniform(-0.2, 1.2)) * np.clip(y + 0.3, 0, 1)
    cover = np.maximum.reduce([polygon_alpha(frame.project(lens), roi) for lens in lenses])
    glass = _flat(roi, tint, cover * np.float32(rng.uniform(0.8, 1.0)), shade=gradient * _reflection(frame, roi, rng))
    lay_over(image, frame, roi, glass, light)
    wire = rng.uniform(0.03, 0.09) * frame.scale_px
    rims = [line_alpha(frame.project(np.vstack([lens, lens[:1]])), wire, roi) for lens in lenses]
    arms = [line_alpha(frame.project(bezier(bridge)), wire, roi)]
    arms += [line_alpha(frame.project(np.linspace(t[0], t[1], 8)), wire, roi) for t in temples]
    lay_over(image, frame, roi, _flat(roi, _dark_colour(rng), np.maximum.reduce(rims + arms), shadow=0.25), light)
    return image


def render_fringe(image_bgr: Image, landmarks: NDArray[np.float32], rng: np.random.Generator) -> Image:
    """Hair that falls over forehead and brows, sometimes into the eyes or down one side."""
    image, frame = _start(image_bgr, landmarks)
    if frame is None:
        return image
    corners = np.array([[-1.4, -2.2, 0.0], [1.4, -2.2, 0.0], [-1.4, 1.2, 0.0], [1.4, 1.2, 0.0]])
    roi = roi_around(frame.project(corners), 0, image.shape)
    if roi.empty:
        return image
    light = _level(face_light(image, frame, roi, rng))
    parting, side_length = rng.uniform(-0.9, 0.9), rng.uniform(-0.2, 1.0)
    tips = rng.uniform(-0.45, 0.05)
    locks = []
    for x in np.linspace(-1.15, 1.15, int(rng.integers(14, 26))) + rng.normal(0, 0.03):
        lean = 0.35 * np.tanh(x - parting)
        end = tips + side_length * np.clip(abs(x) - 0.6, 0, 1) * 1.6 + rng.normal(0, 0.09)
        root, tip = np.array([x * 0.8, -1.75, 0.2]), np.array([x + lean, end, 0.25])
        middle = (root + tip) / 2 + np.array([lean * 0.3, 0, 0.2])
        line = frame.project(bezier(np.stack([root, middle, tip])))
        locks.append(line_alpha(line, rng.uniform(0.18, 0.34) * frame.scale_px, roi, taper=0.95))
    alpha = np.maximum.reduce(locks)
    x, y = face_coordinates(frame, roi)
    strands = fabric.smooth_noise(x * 22, y * 1.2, rng)
    colour = _hair_colour(image, frame, rng)
    hair = _flat(roi, colour, alpha, shade=np.clip(1 + 0.28 * strands, 0.4, 1.8), shadow=0.4)
    lay_over(image, frame, roi, hair, light)
    return image


def render_scarf(
    image_bgr: Image,
    landmarks: NDArray[np.float32],
    rng: np.random.Generator,
    edge: tuple[float, float] = (0.5, 1.5),
) -> Image:
    """A scarf or collar pulled up over chin, mouth or nose; the eyes stay free.

    Its upper edge lies between the two heights of `edge`, in eye distances below the eyes (nose 0.6, mouth 1.15).
    """
    image, frame = _start(image_bgr, landmarks)
    if frame is None:
        return image
    u = Sheet.across()
    rise = rng.uniform(*edge) + rng.normal(0, 0.05, 5)
    sheet = Sheet(
        top=np.interp(u, np.linspace(-1, 1, 5), rise) - rng.uniform(-0.1, 0.25) * np.abs(u) ** 2,
        bottom=np.full(u.shape, 3.4),
        wrap=np.full(9, 1.35),
        half_width=np.linspace(1.15, rng.uniform(1.3, 1.9), 9),
        front=np.linspace(0.5, 0.4, 9),
    )
    seen = project_sheet(sheet, frame)
    roi = roi_around(seen.outline, 0.2 * frame.scale_px, image.shape)
    if roi.empty:
        return image
    across, along = seen.coordinates(roi)
    x, y = across * np.float32(1.4), along * np.float32(2.4)
    colour, accent = _cloth_colour(rng), _cloth_colour(rng)
    pattern = "plain" if rng.random() < 0.5 else PATTERNS[int(rng.integers(len(PATTERNS)))]
    relief = sum((fabric.creases(across, along * 1.3, 0.7, rng) for _ in range(3)), np.zeros(roi.shape, np.float32))
    rings = np.sin(2 * np.pi * (along * np.float32(rng.uniform(2, 6)) + 0.15 * fabric.smooth_noise(x, y, rng)))
    layer = Layer(
        colour=fabric.cloth_colour(x, y, colour, accent, pattern, float(rng.uniform(0.1, 0.5)), rng),
        alpha=polygon_alpha(seen.outline, roi),
        relief=(relief + np.float32(rng.uniform(0.1, 0.5)) * rings).astype(np.float32),
        shade=(1.0 - 0.25 * across * across + 0.08 * fabric.weave(x, y, rng)).astype(np.float32),
        shadow=0.4,
        softness=float(rng.uniform(0.015, 0.05)),
    )
    lay_over(image, frame, roi, layer, face_light(image, frame, roi, rng), eye_guard(frame, roi))
    return image


def render_cap(image_bgr: Image, landmarks: NDArray[np.float32], rng: np.random.Generator) -> Image:
    """A cap, beanie or helmet edge over the forehead, with the shadow of its peak on the eyes."""
    image, frame = _start(image_bgr, landmarks)
    if frame is None:
        return image
    edge = rng.uniform(-0.85, -0.32)
    peaked = rng.random() < 0.65
    u = np.linspace(-1, 1, 25)
    rim = np.stack([1.18 * u, edge + rng.uniform(-0.05, 0.25) * u**2, 0.5 * (1 - u**2)], axis=1)
    crown = np.stack([1.22 * np.sin(u[::-1] * np.pi / 2), edge - 1.5 * np.cos(u * np.pi / 2) ** 0.6, 0 * u], axis=1)
    roi = roi_around(frame.project(np.vstack([rim, crown, [[0, 0.9, 0]]])), 0.2 * frame.scale_px, image.shape)
    if roi.empty:
        return image
    light = _level(face_light(image, frame, roi, rng))
    x, y = face_coordinates(frame, roi)
    if peaked:
        # The peak keeps the lamps off the upper face: dark just below it, gone by the nose.
        dark = np.float32(rng.uniform(0.15, 0.6)) * np.clip((0.75 - y) / 0.8, 0, 1) * (np.abs(x) < 1.2)
        roi.cut(image)[:] = (roi.cut(image) * (1 - dark)[..., None]).astype(np.uint8)
    colour, accent = _cloth_colour(rng), _cloth_colour(rng)
    pattern = "plain" if rng.random() < 0.7 else PATTERNS[int(rng.integers(len(PATTERNS)))]
    cloth = Layer(
        colour=fabric.cloth_colour(x, y, colour, accent, pattern, float(rng.uniform(0.1, 0.4)), rng),
        alpha=polygon_alpha(frame.project(np.vstack([rim, crown])), roi),
        relief=fabric.creases(x, y + 1.5, 0.3, rng),
        shade=(1 - 0.2 * x * x + 0.06 * fabric.weave(x, y, rng)).astype(np.float32),
    )
    lay_over(image, frame, roi, cloth, light)
    if peaked:
        drop = rng.uniform(0.05, 0.32)
        low = np.stack([1.0 * u, edge + drop * (1 - u**2), 1.1 * (1 - u**2) ** 0.5], axis=1)
        outline = frame.project(np.vstack([rim, low[::-1]]))
        lay_over(image, frame, roi, _flat(roi, accent, polygon_alpha(outline, roi), shadow=0.4), light)
    return image


def render_hand(image_bgr: Image, landmarks: NDArray[np.float32], rng: np.random.Generator) -> Image:
    """Two to four fingers, in the face's own skin colour, over mouth, cheek, chin, or an eye."""
    image, frame = _start(image_bgr, landmarks)
    if frame is None:
        return image
    target = np.array([rng.uniform(-0.8, 0.8), rng.uniform(0.0, 1.6)])
    angle = np.arctan2(1.0, np.sign(target[0] + 1e-6) * rng.uniform(0.1, 1.5))
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    roi = roi_around(frame.landmarks, 2.2 * frame.scale_px, image.shape)
    if roi.empty:
        return image
    light = face_light(image, frame, roi, rng)
    colour = _skin_colour(image, frame) / max(light.gain, 0.2)
    spread, width = rng.uniform(0.24, 0.36), rng.uniform(0.26, 0.34)
    for index in range(int(rng.integers(2, 5))):
        offset = across * spread * (index - 1.2)
        tip = target + offset - along * (0.15 * np.cos(index - 1.2) + rng.normal(0, 0.05))
        line = np.stack([tip, tip + along * 1.2 + across * 0.1, tip + along * 3.0])
        flat = bezier(np.hstack([line, np.full((3, 1), 0.5)]))
        alpha = _capsule(frame.project(flat), width * frame.scale_px, roi)
        shade = (0.62 + 0.45 * np.sqrt(np.clip(alpha[1], 0, 1))).astype(np.float32)
        lay_over(image, frame, roi, _flat(roi, colour, alpha[0], shade=shade, shadow=0.3), light)
    return image


OCCLUDERS: dict[str, Occluder] = {
    "sunglasses": render_sunglasses,
    "fringe": render_fringe,
    "scarf": render_scarf,
    "cap": render_cap,
    "hand": render_hand,
}


def _start(image_bgr: Image, landmarks: NDArray[np.float32]) -> tuple[Image, FaceFrame | None]:
    return np.ascontiguousarray(image_bgr).copy(), face_frame(landmarks)


def _level(light: FaceLight) -> FaceLight:
    """The face's light without its fall-off, which says nothing about what lies above the brows."""
    return replace(light, falloff=np.ones_like(light.falloff))


def _flat(
    roi: Roi, colour: NDArray[np.float32] | Bgr, alpha: Field, shade: Field | float = 1.0, shadow: float = 0.3
) -> Layer:
    """A layer of one colour without relief."""
    filled = np.empty((*roi.shape, 3), dtype=np.float32)
    filled[:] = colour
    ones = np.ones(roi.shape, dtype=np.float32)
    return Layer(colour=filled, alpha=alpha, relief=0 * ones, shade=ones * np.float32(1) * shade, shadow=shadow)


def _superellipse(centre: tuple[float, float, float], width: float, height: float, power: float) -> _Points:
    turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    x = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** (2 / power)
    y = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** (2 / power)
    return np.stack([centre[0] + width * x, centre[1] + height * y, np.full(28, centre[2])], axis=1)


def _reflection(frame: FaceFrame, roi: Roi, rng: np.random.Generator) -> Field:
    """Soft bright bands, as a window or a lamp gives on a lens."""
    x, y = face_coordinates(frame, roi)
    angle = rng.uniform(0.3, 1.2)
    distance = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)) - np.float32(rng.uniform(-0.6, 0.6))
    glint = np.float32(rng.uniform(0, 2.5)) * np.exp(-((distance / 0.12) ** 2))
    return np.asarray(1 + glint, dtype=np.float32)


def _capsule(points: _Points, width_px: float, roi: Roi) -> tuple[Field, Field]:
    """A round-ended finger: its cover (h, w), and 0..1 from its edge to its middle line."""
    canvas = np.zeros(roi.shape, dtype=np.uint8)
    local = np.clip(roi.local(points), -4000, 12000)
    thickness = int(np.clip(round(width_px), 1, 4000))
    cv2.polylines(canvas, [np.round(local * 16).astype(np.int32)], False, 255, min(thickness, 255), cv2.LINE_AA, 4)
    inside = cv2.distanceTransform((canvas > 127).astype(np.uint8), cv2.DIST_L2, 3)
    return canvas.astype(np.float32) / np.float32(255), (inside * (2.0 / thickness)).astype(np.float32)


def _sample(image: Image, frame: FaceFrame, spots: _Points) -> NDArray[np.float32]:
    """Median colour (3,) BGR at canonical spots (n, 3) that lie in the picture; mid grey if none does."""
    height, width = image.shape[:2]
    pixels = np.round(frame.project(spots)).astype(np.int64)
    inside = (pixels >= 0).all(axis=1) & (pixels < [width, height]).all(axis=1)
    if not inside.any():
        return np.full(3, 128, dtype=np.float32)
    return np.asarray(np.median(image[pixels[inside, 1], pixels[inside, 0]], axis=0), dtype=np.float32)


def _skin_colour(image: Image, frame: FaceFrame) -> NDArray[np.float32]:
    spots = np.array([[x, y, 0.2] for x in (-0.55, -0.4, 0.4, 0.55) for y in (0.45, 0.6, 0.75)])
    return _sample(image, frame, spots)


def _hair_colour(image: Image, frame: FaceFrame, rng: np.random.Generator) -> NDArray[np.float32]:
    """The person's own hair where the picture shows it, else any natural one."""
    if rng.random() < 0.5:
        return _sample(image, frame, np.array([[x, -1.35, 0.0] for x in np.linspace(-0.8, 0.8, 9)]))
    natural = ((22, 22, 26), (35, 45, 60), (50, 80, 115), (110, 160, 195), (150, 150, 150), (40, 60, 130))
    return np.asarray(natural[int(rng.integers(len(natural)))], dtype=np.float32) * np.float32(rng.uniform(0.7, 1.2))


def _dark_colour(rng: np.random.Generator) -> Bgr:
    base = rng.uniform(5, 70)
    b, g, r = (int(c) for c in np.clip(base + rng.normal(0, 12, 3), 2, 110))
    return b, g, r


def _cloth_colour(rng: np.random.Generator) -> Bgr:
    vivid = rng.uniform(10, 235, 3)
    b, g, r = (int(c) for c in vivid.mean() + (vivid - vivid.mean()) * rng.uniform(0.1, 1.0))
    return b, g, r
