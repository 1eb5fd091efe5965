"""Where an embedder looked: the picture must show the map that it was given, and a face only when it was given one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gate.vision.attention import attention_picture, on_eyes
from gate.vision.frame import Encoding, Frame
from gate.vision.load import build_pipeline
from gate.vision.pack import load_pack
from gate.vision.pipeline import VisionPipeline


def at(row: int, column: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    found = np.zeros((7, 7), np.float32)
    found[row, column] = 1
    return found


@pytest.mark.parametrize(("row", "column"), [(0, 0), (2, 5), (6, 3)])
def test_the_brightest_place_is_where_it_looked(row: int, column: int) -> None:
    """Rows and columns exchanged would show a mouth for an eye."""
    green = attention_picture(at(row, column))[..., 1].astype(int)
    cells = green.reshape(7, 64, 7, 64).mean(axis=(1, 3))
    assert np.unravel_index(cells.argmax(), cells.shape) == (row, column)


@pytest.mark.parametrize(("row", "share"), [(0, 0), (1, 1), (2, 1), (3, 1), (4, 0), (6, 0)])
def test_the_rows_of_the_eyes(row: int, share: float) -> None:
    assert on_eyes(at(row, 3)) == share


def test_a_face_is_in_it_only_when_asked_for() -> None:
    face = np.random.default_rng(1).integers(0, 256, (112, 112, 3), np.uint8)
    plain, over = attention_picture(at(3, 3)), attention_picture(at(3, 3), face)
    assert plain.shape == over.shape == (448, 448, 3)
    assert (plain != over).any()
    assert (attention_picture(at(3, 3)) == plain).all()


def test_only_a_mask_aware_pack_says_where_it_looks(pipeline: VisionPipeline, astronaut_jpeg: bytes) -> None:
    frame = Frame(1, 0, Encoding.JPEG, 0, 0, astronaut_jpeg)
    assert pipeline.attention(pipeline.look(frame)) is None
    aware = build_pipeline(load_pack("w600k-mbf-head"))
    found = aware.attention(aware.look(frame))
    assert found is not None
    assert found.shape == (7, 7)
    assert float(found.sum()) == pytest.approx(1, abs=1e-4)
    assert aware.attention(replace(aware.look(frame), aligned=None)) is None
