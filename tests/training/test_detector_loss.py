"""Guards the detector's targets and loss: what each cell has to say, in the terms that the engine reads."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install .[train]")
pytest.importorskip("tqdm")

from gate.vision.lane_faces import decode  # noqa: E402
from models.training.detector_loss import assign, losses, overlaps, targets  # noqa: E402
from models.training.detector_network import CHANNELS, UNIT_STRIDES, DetectorNet, DetectorShape, cell_middles  # noqa: E402
from models.training.detector_scenes import Labels  # noqa: E402
from models.training.detector_train import moved  # noqa: E402

SIDE = 320
TINY = DetectorShape(stem=(4, 4), stages=(4, 4, 4), blocks=(1, 1, 1), necks=(4, 4, 4))


def one_face(eyes_px: float, *, sure: bool = True, at: float = 160.0) -> Labels:
    half = np.array([1.2, 1.5]) * eyes_px
    box = np.concatenate([at - half, at + half])[None].astype(np.float32)
    around = np.array([(-0.5, -0.3), (0.5, -0.3), (0, 0.2), (-0.4, 0.7), (0.4, 0.7)])
    return Labels(box, (at + eyes_px * around)[None].astype(np.float32), np.array([sure]))


@pytest.mark.parametrize("eyes_px", [8, 11, 16, 20, 26, 35, 48, 60, 80, 110, 150])
def test_some_cell_is_asked_for_every_face_at_the_gate(eyes_px: float) -> None:
    for at in (157.0, 160.0, 163.9):
        assert (assign(one_face(eyes_px, at=at), SIDE) == 0).any()


def test_nobody_is_asked_for_a_face_to_look_away_from() -> None:
    face = assign(one_face(40, sure=False), SIDE)
    assert (face == 0).sum() == 0
    assert (face == -2).sum() > 10
    assert (face == -1).sum() > 1000


def perfect(labels: Labels) -> torch.Tensor:
    """Predictions that say exactly what is wanted."""
    wanted = targets([labels], SIDE)
    middles, strides = cell_middles(SIDE, SIDE)
    raw = torch.zeros(1, CHANNELS, len(middles))
    raw[:, 0] = -12
    for cell in torch.nonzero(wanted.face[0] >= 0)[:, 0]:
        face, unit = wanted.face[0, cell], UNIT_STRIDES * strides[cell]
        box, middle = wanted.boxes[face], middles[cell]
        raw[0, 0, cell] = 12
        raw[0, 1:5, cell] = (torch.cat([middle - box[:2], box[2:] - middle]) / unit).log()
        raw[0, 5:, cell] = ((wanted.landmarks[face] - middle) / unit).flatten()
    return raw


@pytest.mark.parametrize("eyes_px", [9, 40, 90])
def test_perfect_predictions_cost_nothing_and_the_engine_reads_them(eyes_px: float) -> None:
    """The loss and the engine's decoding are written apart; they must mean the same places."""
    labels = one_face(eyes_px)
    raw = perfect(labels)
    assert all(float(term) < 1e-3 for term in losses(raw, targets([labels], SIDE), SIDE).values())
    found = decode(raw.numpy(), (SIDE, SIDE), 0.5)
    assert len(found.scores) > 0
    for box, landmarks in zip(found.boxes_xyxy, found.landmarks, strict=True):
        np.testing.assert_allclose(box, labels.boxes[0], atol=0.05)
        np.testing.assert_allclose(landmarks, labels.landmarks[0], atol=0.05)


def test_faces_of_a_batch_keep_to_their_pictures() -> None:
    nobody = Labels(np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32), np.zeros(0, np.bool_))
    wanted = targets([one_face(20), nobody, one_face(60)], SIDE)
    assert set(wanted.face[0].tolist()) <= {-2, -1, 0}
    assert 0 in wanted.face[0].tolist()
    assert set(wanted.face[1].tolist()) == {-1}
    assert 1 in wanted.face[2].tolist()
    terms = losses(torch.zeros(3, CHANNELS, wanted.face.shape[1]), wanted, SIDE)
    assert all(bool(torch.isfinite(term)) for term in terms.values())


def test_overlap_of_boxes() -> None:
    a = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 10]])
    b = torch.tensor([[0.0, 0, 10, 5], [20, 0, 30, 10]])
    iou, giou = overlaps(a, b)
    np.testing.assert_allclose(iou.numpy(), [0.5, 0])
    np.testing.assert_allclose(giou.numpy(), [0.5, -1 / 3], rtol=1e-5)


def test_a_mirrored_scene_has_mirrored_labels() -> None:
    labels = one_face(40, at=100.0)
    there = moved(labels, 0.5, True)
    back = moved(Labels(there.boxes * 2, there.landmarks * 2, there.sure), 1.0, True)
    np.testing.assert_allclose(there.boxes[0, 0], (SIDE - labels.boxes[0, 2]) / 2)
    np.testing.assert_allclose(back.landmarks, labels.landmarks, atol=1e-4)
    assert moved(labels, 0.1, False).sure.tolist() == [False]


def test_any_multiple_of_32_gives_its_cells() -> None:
    network = DetectorNet(TINY).eval()
    for height, width in ((288, 480), (32, 64)):
        raw = network(torch.zeros(1, 3, height, width))
        assert raw.shape == (1, CHANNELS, len(cell_middles(height, width)[0]))
