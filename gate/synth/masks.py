"""Masks of all kinds drawn onto a face from its five landmarks.

The mask is a sheet bent round a canonical head and seen through the camera that the landmarks give, so it turns with
the face; pleats, seams and creases are relief, and the light is the face's own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gate.synth import fabric
from gate.synth.compose import Layer, bezier, eye_guard, face_light, lay_over, line_alpha, polygon_alpha
from gate.synth.geometry import FaceFrame, Field, Image, Roi, face_frame, roi_around
from gate.synth.style import MaskStyle
from gate.synth.surface import ProjectedSheet, Sheet, project_sheet

# How far down the face the mask starts, by the way it is worn: eye distances added to its upper edge.
_UNDER_NOSE_TOP = 0.84
_UNDER_CHIN_TOP = 1.45
# Ear loops hang on the ear's root; (x, y, z) for the upper and lower end.
_EAR_TOP = np.array([1.16, 0.12, -1.0])
_EAR_BOTTOM = np.array([1.12, 0.75, -1.0])


def render_mask(image_bgr: Image, landmarks: NDArray[np.float32], style: MaskStyle, rng: np.random.Generator) -> Image:
    """The picture with a mask on the face, as a new array.

    `image_bgr` is (H, W, 3) BGR uint8, a whole frame or an aligned crop; `landmarks` (5, 2) x, y in its pixels (left
    eye, right eye, nose, left and right mouth corner as seen). The same arguments and generator state give the same
    picture. Pixels within 0.24 eye distances of an eye never change. Landmarks that make no face leave it unchanged.
    """
    image = np.ascontiguousarray(image_bgr).copy()
    frame = face_frame(landmarks)
    if frame is None:
        return image
    seen = project_sheet(_sheet(style, rng), frame)
    straps = _straps(style, seen, frame, rng)
    corners = np.vstack([seen.outline, *straps]) if straps else seen.outline
    roi = roi_around(corners, 0.2 * frame.scale_px, image.shape)
    if roi.empty:
        return image
    guard = eye_guard(frame, roi)
    light = face_light(image, frame, roi, rng)
    if straps:
        lay_over(image, frame, roi, _strap_layer(straps, style, frame, roi), light, guard)
    lay_over(image, frame, roi, _mask_layer(style, seen, roi, rng), light, guard)
    return image


def _sheet(style: MaskStyle, rng: np.random.Generator) -> Sheet:
    """The mask's shape in canonical coordinates."""
    u, v = Sheet.across(), Sheet.along()
    reach = np.abs(u)
    # Over the nose the edge peaks on the bridge, dips onto the cheeks and rises or falls to the strap.
    peak = np.exp(-(np.abs(u / style.nose_width) ** rng.uniform(1.4, 2.4)))
    cheek = style.cheek_line + (style.side_top - style.cheek_line) * reach**2
    top = cheek + (style.nose_peak - style.cheek_line) * peak
    bottom = style.chin_line + (style.side_bottom - style.chin_line) * reach ** (3.0 if style.pleats else 2.0)
    front = np.interp(v, [0, 0.3, 0.6, 0.85, 1], [0.18, 0.52, 0.42, 0.3, 0.1])
    half_width = np.interp(v, [0, 0.5, 1], [1.02, 1.02, 0.88]) * style.fullness
    if style.wear != "over_nose":
        start = _UNDER_NOSE_TOP if style.wear == "under_nose" else _UNDER_CHIN_TOP
        sag = rng.uniform(-0.08, 0.12)
        top = start + sag + 0.05 * peak - 0.15 * reach**2
        bottom = np.maximum(bottom + rng.uniform(0.1, 0.35), top + 0.3)
        front = np.interp(v, [0, 0.4, 1], [0.35, 0.4, 0.1])
    if style.kind == "respirator":
        front = front + 0.1 * np.sin(np.pi * v)
    wobble = rng.normal(0, 0.015 if style.fit == "snug" else 0.03, (2, 5))
    tilt = rng.normal(0, 0.03 if style.fit == "snug" else 0.06) * u  # nobody wears it quite straight
    knots = np.linspace(-1, 1, 5)
    return Sheet(
        top=top + tilt + np.interp(u, knots, wobble[0]),
        bottom=bottom + tilt + np.interp(u, knots, wobble[1]),
        wrap=np.full(v.shape, style.wrap),
        half_width=half_width,
        front=front,
    )


def _straps(
    style: MaskStyle, seen: ProjectedSheet, frame: FaceFrame, rng: np.random.Generator
) -> list[NDArray[np.float64]]:
    """Polylines (n, 2) in pixels from the mask's corners to the ears, or round the head."""
    if style.strap_cover <= 0:
        return []
    lines = []
    for side, column in ((-1.0, 0), (1.0, -1)):
        mirror = np.array([side, 1.0, 1.0])
        if not seen.visible[:, column].all():
            continue  # the far ear is behind the face
        for row, ear in ((0, _EAR_TOP), (-1, _EAR_BOTTOM)):
            start = seen.pixels[row, column]
            target = ear + ([0.1, -0.35 if row == 0 else 0.1, -0.2] if style.head_straps else [0.0, 0.0, 0.0])
            end = frame.project(target * mirror)
            slack = rng.uniform(0.0, 0.18 if style.fit == "loose" else 0.08) * frame.scale_px
            bend = (start + end) / 2 + frame.down * slack
            lines.append(bezier(np.stack([start, bend, end])))
    return lines


def _strap_layer(lines: list[NDArray[np.float64]], style: MaskStyle, frame: FaceFrame, roi: Roi) -> Layer:
    width_px = (0.07 if style.head_straps else 0.04) * frame.scale_px
    alpha = np.maximum.reduce([line_alpha(line, width_px, roi) for line in lines])
    flat = np.ones(roi.shape, dtype=np.float32)
    colour = np.empty((*roi.shape, 3), dtype=np.float32)
    colour[:] = style.strap
    return Layer(
        colour=colour,
        alpha=alpha * np.float32(style.strap_cover),
        relief=0 * flat,
        shade=0.9 * flat,
        shadow=0.25,
        softness=style.softness / 2,
    )


def _mask_layer(style: MaskStyle, seen: ProjectedSheet, roi: Roi, rng: np.random.Generator) -> Layer:
    u, v = seen.coordinates(roi)
    # Distances on the cloth itself, in eye distances: it is about 2.3 wide and 1.4 high.
    x, y = u * np.float32(1.15), v * np.float32(1.4)
    colour = fabric.cloth_colour(x, y, style.colour, style.accent, style.pattern, style.pattern_size, rng)
    relief = fabric.creases(u, v, 0.35 * style.folds, rng)
    if style.pleats:
        relief += np.float32(rng.uniform(0.2, 0.55)) * fabric.pleats(v, u, style.pleats, rng)
    shade = _form_shade(u, v, style, rng)
    if style.binding > 0:
        edge = np.float32(style.binding)
        band = ((y < edge) | (y > 1.4 - edge) | (np.abs(x) > 1.15 - edge)).astype(np.float32)
        relief += 0.25 * band
        bound = np.asarray(style.accent if rng.random() < 0.5 else style.colour, dtype=np.float32)
        colour = colour * (1 - 0.7 * band[..., None]) + bound * (0.7 * band[..., None])
    if style.seam:
        relief += np.float32(0.3) * np.exp(-((u / 0.025) ** 2))
    if style.valve:
        colour, relief = _with_valve(colour, relief, x, y, style, rng)
    shade *= 1.0 + np.float32(0.05 * style.weave) * fabric.weave(x, y, rng)
    return Layer(
        colour=colour,
        alpha=polygon_alpha(seen.outline, roi),
        relief=relief,
        shade=shade.astype(np.float32),
        shadow=float(rng.uniform(0.15, 0.5)),
        softness=style.softness,
    )


def _form_shade(u: Field, v: Field, style: MaskStyle, rng: np.random.Generator) -> Field:
    """Shading of the mask's large form under light from above: bright over the nose, dark under the chin."""
    round_off = 1.0 - np.float32(rng.uniform(0.1, 0.35)) * u * u
    underside = 1.0 - np.float32(rng.uniform(0.1, 0.4)) * np.clip(v - 0.45, 0, 1) ** 1.5 * 2
    ridge = np.exp(-((u / 0.3) ** 2) - ((v - 0.3) / 0.3) ** 2)
    shine = 1.0 + np.float32(0.08 + style.sheen) * ridge
    return np.asarray(round_off * underside * shine, dtype=np.float32)


def _with_valve(
    colour: NDArray[np.float32], relief: Field, x: Field, y: Field, style: MaskStyle, rng: np.random.Generator
) -> tuple[NDArray[np.float32], Field]:
    """A round exhalation valve beside or on the middle."""
    centre_x, centre_y = rng.uniform(-0.45, 0.45), rng.uniform(0.6, 0.9)
    radius = np.float32(rng.uniform(0.14, 0.22))
    distance = np.sqrt((x - np.float32(centre_x)) ** 2 + (y - np.float32(centre_y)) ** 2)
    cover = np.clip((radius - distance) / 0.02, 0, 1)[..., None]
    slots = 0.85 + 0.15 * np.sign(np.sin(y * 60))[..., None]
    mixed = colour * (1 - cover) + np.asarray(style.accent, dtype=np.float32) * slots * cover
    return mixed.astype(np.float32), relief + np.float32(0.8) * cover[..., 0]
