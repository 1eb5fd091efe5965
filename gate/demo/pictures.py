"""What a passage looked like: its deciding frame with face, outcome and similarity drawn in, and all on one sheet."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from gate.client import PassageDecision
from gate.demo.stage import Played
from gate.vision.frame import Encoding, Frame
from gate.vision.pipeline import Vision
from gate.vision.probe import Face, Sighting

Colour = tuple[int, int, int]

_OUTCOMES: dict[str, tuple[Colour, str]] = {
    "open": ((34, 139, 84), "GATE OPENS"),
    "fingerprint": ((196, 132, 16), "FINGERPRINT"),
    "officer": ((150, 60, 110), "OFFICER"),
}
_INK: Colour = (245, 246, 248)
_QUIET: Colour = (178, 186, 196)
_BAND: Colour = (24, 28, 34)
_OTHER: Colour = (150, 158, 168)

_BAND_PX = 132
_INSET_PX = 270
_SHEET_COLUMNS = 3
_SHEET_TILE = (640, 426)


def annotate(played: Played, vision: Vision, enrolled: bytes | None = None) -> Image.Image:
    """The deciding frame, or the last one, with what the engine saw and answered; RGB.

    Args:
        played: the passage.
        vision: finds the face again, to draw it.
        enrolled: the photograph of whoever was recognised, shown beside the face.
    """
    decision = played.decision
    # Frames are numbered from 1 as they are sent.
    index = min(len(played.frames), decision.frame_sequence or decision.frames.seen or 1) - 1
    data = played.frames[index]
    sighting = vision.look(Frame(index + 1, 0, Encoding.JPEG, 0, 0, data))
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    colour, word = _OUTCOMES[decision.outcome]
    sheet = Image.new("RGB", (picture.width, picture.height + _BAND_PX), _BAND)
    sheet.paste(picture, (0, 0))
    draw = ImageDraw.Draw(sheet)
    if sighting.aligned is not None and decision.similarity is not None:
        _inset(sheet, _close_up(picture, sighting), 0, "seen", colour)
        if enrolled is not None and decision.finger is None:
            _inset(sheet, Image.open(io.BytesIO(enrolled)).convert("RGB"), 1, "enrolled", colour)
    if decision.finger is not None and played.scenario.fingers:
        finger = played.scenario.fingers[min(len(played.scenario.fingers), _samples(decision)) - 1]
        _inset(sheet, Image.open(io.BytesIO(finger.data)).convert("RGB"), 1, "finger", colour)
    _faces(draw, sighting, colour)
    _banner(draw, played, word, colour, sheet.size)
    _bar(draw, decision, colour, (picture.width, picture.height))
    return sheet


def contact_sheet(pictures: Sequence[Image.Image], title: str, note: str) -> Image.Image:
    """All passages on one sheet, with a title; RGB."""
    width, height = _SHEET_TILE
    rows = -(-len(pictures) // _SHEET_COLUMNS)
    gap, head = 12, 96
    size = (_SHEET_COLUMNS * (width + gap) + gap, head + rows * (height + gap))
    sheet = Image.new("RGB", size, (12, 14, 17))
    draw = ImageDraw.Draw(sheet)
    draw.text((gap + 4, 14), title, _INK, _font(34))
    draw.text((gap + 4, 58), note, _QUIET, _font(20))
    for index, picture in enumerate(pictures):
        row, column = divmod(index, _SHEET_COLUMNS)
        tile = picture.resize(_SHEET_TILE, Image.Resampling.LANCZOS)
        sheet.paste(tile, (gap + column * (width + gap), head + row * (height + gap)))
    return sheet


def save(picture: Image.Image, path: Path) -> Path:
    """Writes a PNG or JPEG file, by the path's suffix; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, quality=90)
    return path


def _samples(decision: PassageDecision) -> int:
    """Fingers that were taken, at least 1."""
    return max(1, decision.finger.attempts + decision.finger.unusable) if decision.finger else 1


def _close_up(picture: Image.Image, sighting: Sighting) -> Image.Image:
    """The traveller's head, cut from the frame."""
    if sighting.traveller is None:
        return picture
    left, top, right, bottom = sighting.traveller.box_xyxy
    reach = 0.75 * (bottom - top)
    x, y = (left + right) / 2, (top + bottom) / 2
    return picture.crop((int(x - reach), int(y - reach), int(x + reach), int(y + reach)))


def _inset(sheet: Image.Image, picture: Image.Image, place: int, label: str, colour: Colour) -> None:
    """A square picture at the right edge, under the ones before it."""
    left, top = sheet.width - _INSET_PX - 24, 24 + place * (_INSET_PX + 24)
    square = ImageOps.fit(picture, (_INSET_PX, _INSET_PX), Image.Resampling.LANCZOS, centering=(0.5, 0.35))
    sheet.paste(square, (left, top))
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((left, top, left + _INSET_PX, top + _INSET_PX), outline=colour, width=4)
    _shadowed(draw, (left + 10, top + _INSET_PX - 34), label, _font(24))


def _faces(draw: ImageDraw.ImageDraw, sighting: Sighting, colour: Colour) -> None:
    for face in sighting.faces:
        is_traveller = face is sighting.traveller
        _face(draw, face, colour if is_traveller else _OTHER, 3 if is_traveller else 2)
    if sighting.quality is not None and sighting.traveller is not None:
        left, _, _, bottom = sighting.traveller.box_xyxy
        text = (
            f"{sighting.quality.eye_distance_px:.0f} px between the eyes · sharpness {sighting.quality.sharpness:.2f}"
        )
        _shadowed(draw, (left - 60, bottom + 8), text, _font(20))


def _face(draw: ImageDraw.ImageDraw, face: Face, colour: Colour, width: int) -> None:
    draw.rounded_rectangle(face.box_xyxy, 8, outline=colour, width=width)
    for x, y in face.landmarks.tolist():
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=_INK, outline=colour, width=2)


def _banner(draw: ImageDraw.ImageDraw, played: Played, word: str, colour: Colour, size: tuple[int, int]) -> None:
    top = size[1] - _BAND_PX
    draw.rectangle((0, top, 430, size[1]), fill=colour)
    draw.text((24, top + 20), word, _INK, _font(44))
    draw.text((24, top + 78), played.decision.reason.replace("_", " "), _INK, _font(28))
    _shadowed(draw, (24, 20), played.scenario.title, _font(34))
    if not played.right:
        _shadowed(draw, (24, 66), "NOT AS EXPECTED: " + "; ".join(played.faults), _font(22))
    advice = " › ".join(a.replace("_", " ") for a in dict.fromkeys(played.guidance))
    draw.text((462, top + 92), advice, _QUIET, _font(22))


def _bar(draw: ImageDraw.ImageDraw, decision: PassageDecision, colour: Colour, at: tuple[int, int]) -> None:
    """Similarity against the threshold, on a scale from 0 to 1."""
    left, top, right = 462, at[1] + 50, at[0] - 40
    if decision.similarity is None or decision.threshold is None:
        draw.text((left, top - 24), "nothing was compared", _QUIET, _font(26))
        return
    rate = f", {decision.false_positive_rate:.1%} false positives a passage" if decision.false_positive_rate else ""
    text = f"similarity {decision.similarity:.3f}   needed {decision.threshold:.3f}{rate}"
    draw.text((left, top - 36), text, _INK, _font(24))
    draw.rounded_rectangle((left, top, right, top + 22), 6, fill=(58, 64, 74))
    filled = left + (right - left) * float(np.clip(decision.similarity, 0.01, 1))
    draw.rounded_rectangle((left, top, filled, top + 22), 6, fill=colour)
    mark = left + (right - left) * float(np.clip(decision.threshold, 0, 1))
    draw.line((mark, top - 5, mark, top + 27), fill=_INK, width=4)


def _shadowed(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, font: ImageFont.FreeTypeFont) -> None:
    """Text that reads on any background."""
    draw.text(at, text, _INK, font, stroke_width=2, stroke_fill=_BAND)


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # noqa: S101 -- Pillow's own, whenever a size is given
    return font
