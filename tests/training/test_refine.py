"""Guards what the second look learns: points that stay on the face as its window moves, and the file it ends in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="training needs torch: pip install .[train]")
pytest.importorskip("tqdm")
pytest.importorskip("onnx")

from gate.vision.refine import WINDOW_PX, FaceRefiner, read, window_template  # noqa: E402
from gate.vision.session import OrtSession  # noqa: E402
from models.training.detector_scenes import Labels  # noqa: E402
from models.training.detector_sources import Photo, box_habit, box_of  # noqa: E402
from models.training.refine_data import (  # noqa: E402
    EDGE_PX,
    FACE,
    STORED_PX,
    Windows,
    labelled,
    load,
    some_scenes,
    view,
    whole_boxes,
)
from models.training.refine_export import quantise, take_pixels, to_onnx  # noqa: E402
from models.training.refine_network import RefineNet, scaled, wanted  # noqa: E402
from models.training.refine_train import moved  # noqa: E402

TINY = (4, 8, 8, 8)
IDENTITY = np.array([[[1.0, 0, 0], [0, 1, 0]]])


def dots(points: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """A black picture with a bright spot at every point, the first one blue."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    picture = np.zeros((*shape, 3), np.float32)
    for number, (x, y) in enumerate(points):
        spot = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)
        picture[..., : 1 if number == 0 else 3] += spot[..., None]
    return picture.clip(0, 255).astype(np.uint8)


def photo_of(points: NDArray[np.float32]) -> Photo:
    margin = 0.7 * np.ptp(points[:2, 0])
    low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
    boxes = np.concatenate([low, high])[None].astype(np.float32)
    return Photo(Path("made.jpg"), boxes, points[None], np.ones(1, np.float32))


@pytest.mark.parametrize("seed", range(8))
def test_points_follow_their_window(seed: int) -> None:
    """A window that turns, shifts or is mirrored without its labels teaches the eyes to be somewhere else."""
    points = window_template()
    picture = dots(points + EDGE_PX, (STORED_PX, STORED_PX))
    box = np.array([[32, 34, 40, 52]], np.float32)
    windows = Windows((picture[None],), np.zeros((1, 2), np.int64), np.array([FACE], np.int8), points[None], box)
    shown, there, _ = moved(windows, 0, np.random.default_rng(seed))
    assert shown.shape == (WINDOW_PX, WINDOW_PX, 3)
    for x, y in there:
        column, row = round(float(x)), round(float(y))
        assert shown[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2, 0].max() > 150
    left, right = there[:2, 0]
    assert left < right  # mirrored, left and right have changed their names too


def test_what_is_wanted_is_what_the_engine_reads() -> None:
    """Training and engine count in the same units, or every box is somewhere else."""
    rng = np.random.default_rng(0)
    points = (window_template() + rng.normal(0, 2, (1, 5, 2))).astype(np.float32)
    box = np.array([[30, 36, 44, 50]], np.float32)
    said = np.concatenate([np.zeros((1, 1), np.float32), wanted(points, box)], axis=1)
    found = read(said, IDENTITY)
    np.testing.assert_allclose(found.landmarks, points, atol=1e-3)
    np.testing.assert_allclose(found.boxes_xyxy, [[8, 11, 52, 61]], atol=1e-3)


@pytest.mark.parametrize("seed", range(12))
def test_a_view_is_a_part_of_the_photograph_at_gate_sizes(seed: int) -> None:
    """Stretched in one direction only, or shown from beyond the photograph, it would be no photograph of anybody."""
    points = window_template() * 2 + np.float32(60)
    rows, columns = np.mgrid[:300, :260]
    whole = np.dstack([rows * 0.8, columns * 0.8, np.full_like(rows, 200)]).astype(np.uint8)
    picture, known = view(photo_of(points), whole, np.random.default_rng(seed))
    shown = picture.astype(np.float64)
    down, across = np.ptp(shown[..., 0]) / shown.shape[0], np.ptp(shown[..., 1]) / shown.shape[1]
    assert down == pytest.approx(across, rel=0.12)
    assert (shown[..., 2] == 200).all()
    # The picture's colours are its coordinates: where the face is said to be, the whole's are those of the face.
    for (x, y), (column, row) in zip(points, known.landmarks[0].round().astype(int), strict=True):
        if 0 <= row < len(shown) and 0 <= column < shown.shape[1]:
            assert shown[row, column, :2] / 0.8 == pytest.approx((y, x), abs=3)


def near(eyes_px: float, sure: bool = True, off: float = 0.0) -> Labels:
    """One face, its eyes 100 px from the top."""
    points = (window_template() - window_template()[0]) * (eyes_px / np.ptp(window_template()[:2, 0]))
    points = (points + np.array([100 + off, 100])).astype(np.float32)
    return Labels(photo_of(points).boxes, points[None], np.array([sure]))


NOBODY = Labels(np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32), np.zeros(0, np.bool_))


def test_a_near_face_that_the_teacher_doubts_is_a_face() -> None:
    """Learning the teacher's doubt, the second look would refuse whoever stands right before the camera."""
    for seen in (NOBODY, near(60, sure=False, off=3)):
        found = labelled(seen, near(60), 200, 200)
        np.testing.assert_array_equal(found.landmarks, near(60).landmarks)
        assert found.sure.all()


def test_what_the_teacher_is_sure_of_stays_as_it_sees_it() -> None:
    found = labelled(near(60, off=3), near(60), 200, 200)
    np.testing.assert_array_equal(found.boxes, near(60, off=3).boxes)


@pytest.mark.parametrize(
    ("known", "side"), [(near(60), 130), (near(12), 200), (near(60, sure=False), 200)], ids=["cut", "small", "hidden"]
)
def test_a_face_that_only_the_whole_knows_of_is_neither_a_face_nor_none(known: Labels, side: int) -> None:
    """Called a face, half faces at a picture's edge would all be found; called none, it unlearns what a face is."""
    found = labelled(NOBODY, known, side, side)
    assert len(found.boxes) == 1
    assert not found.sure.any()


def test_rounds_are_read_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels of one round with the windows of another would teach anything."""
    monkeypatch.setenv("EGATE_TRAIN_DIR", str(tmp_path))
    (tmp_path / "refine").mkdir()
    for number, count in ((1, 3), (2, 2)):
        pictures = (
            np.full((count, STORED_PX, STORED_PX, 3), 10 * number, np.uint8) + np.arange(count)[:, None, None, None]
        )
        np.save(tmp_path / "refine" / f"windows-{number}.npy", pictures.astype(np.uint8))
        points = np.full((count, 5, 2), 10 * number) + np.arange(count)[:, None, None]
        path = tmp_path / "refine" / f"windows-{number}.npz"
        np.savez(path, face=np.ones(count, np.int8), points=points, boxes=np.zeros((count, 4)))
    windows = load()
    assert [int(windows.picture(row)[0, 0, 0]) for row in range(5)] == windows.points[:, 0, 0].tolist()


def test_scenes_come_with_their_own_faces_more_often_than_there_are_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scene with another's labels teaches that faces are none; views of scenes may be more than scenes."""
    monkeypatch.setenv("EGATE_TRAIN_DIR", str(tmp_path))
    folder, count = tmp_path / "detector", 3
    folder.mkdir()
    for shard in range(2):
        number = np.arange(count) + 10 * shard
        np.save(folder / f"scenes-{shard}.npy", np.ones((1, 8, 8, 3), np.uint8) * number[:, None, None, None])
        np.savez(
            folder / f"scenes-{shard}.npz",
            first=np.arange(count + 1),
            boxes=np.ones((count, 4), np.float32) * number[:, None],
            landmarks=np.zeros((count, 5, 2), np.float32),
            sure=np.ones(count, np.bool_),
        )
    seen = list(some_scenes(16, np.random.default_rng(0), "scenes"))
    assert len(seen) == 16
    assert [int(picture[0, 0, 0]) for _, picture, _ in seen] == [int(labels.boxes[0, 0]) for _, _, labels in seen]
    assert {int(picture[0, 0, 0]) for _, picture, _ in seen} > {0, 12}
    once = [int(picture[0, 0, 0]) for _, picture, _ in some_scenes(6, np.random.default_rng(0), "scenes")]
    assert once == [0, 1, 2, 10, 11, 12], "none twice while there are enough"


def test_a_box_that_a_scene_cut_off_is_made_whole() -> None:
    photos = [photo_of(window_template() * scale + np.float32(40)) for scale in np.linspace(1, 5, 30)]
    habit = box_habit(photos)
    points = photos[3].landmarks[0]
    whole = box_of(points, habit)
    np.testing.assert_allclose(whole, photos[3].boxes[0], atol=4)
    cut, kept = whole.copy(), whole + np.float32(1)
    cut[2] = (whole[0] + whole[2]) / 2
    boxes = whole_boxes(Labels(np.stack([cut, kept]), np.stack([points, points]), np.ones(2, np.bool_)), habit).boxes
    np.testing.assert_allclose(boxes, [whole, kept], atol=1e-3)


@pytest.mark.parametrize("bits", [32, 8])
def test_the_file_says_what_the_network_says(bits: int) -> None:
    """Another order of colours or scale of grey would still be a valid file."""
    torch.manual_seed(0)
    network = RefineNet(TINY).train()
    for _ in range(20):
        network(torch.randn(8, 3, WINDOW_PX, WINDOW_PX))  # gives the norms something to fold
    network.eval()
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (16, 8, 8, 3), dtype=np.uint8)
    windows = np.repeat(np.repeat(coarse, 8, axis=1), 8, axis=2)
    model = to_onnx(network)
    if bits == 8:
        model = quantise(model, windows)
    session = OrtSession(take_pixels(model).SerializeToString(), name="tiny")
    FaceRefiner(session)
    pixels = np.ascontiguousarray(windows.transpose(0, 3, 1, 2))
    with torch.no_grad():
        expected = network(scaled(torch.from_numpy(pixels))).numpy()
    said = session.run({"windows": pixels})[0]
    assert float(np.abs(said - expected).mean()) < (1e-4 if bits == 32 else 0.15) * float(expected.std())
