"""Guards what the engine gets: the network that was trained, from the engine's own pixels; and runs that resume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install .[train]")
pytest.importorskip("tqdm")
pytest.importorskip("onnx")

from gate.vision.lane_faces import LaneFacesDetector  # noqa: E402
from gate.vision.session import OrtSession  # noqa: E402
from models.training.detector_export import quantise, take_pixels, to_onnx  # noqa: E402
from models.training.detector_network import DetectorNet, DetectorShape  # noqa: E402
from models.training.detector_scenes import SIDE_PX  # noqa: E402
from models.training.detector_train import Run, Scenes  # noqa: E402

TINY = DetectorShape(stem=(4, 8), stages=(8, 8, 8), blocks=(1, 1, 1), necks=(8, 8, 8))


@pytest.fixture(scope="module")
def network() -> DetectorNet:
    torch.manual_seed(0)
    made = DetectorNet(TINY)
    for layer in made.say:
        torch.nn.init.normal_(layer.weight, std=0.5)
    made.train()
    for _ in range(20):
        made(torch.randn(2, 3, 64, 64))  # gives the norms something to fold
    return made.eval()


@pytest.mark.parametrize("bits", [32, 8])
def test_the_file_says_what_the_network_says(network: DetectorNet, bits: int) -> None:
    """Blue and red swapped, another scale of grey, or other cells would all still be a valid file."""
    rng = np.random.default_rng(0)
    picture = np.repeat(np.repeat(rng.integers(0, 256, (12, 8, 3), dtype=np.uint8), 8, axis=0), 8, axis=1)
    model = to_onnx(network)
    if bits == 8:
        model = quantise(model, np.repeat(picture[None, :64, :64], 2, axis=0))
    session = OrtSession(take_pixels(model).SerializeToString(), name="tiny")
    LaneFacesDetector(session, None, detect_size_px=96, threshold=0.5)
    said = session.run({"picture": np.ascontiguousarray(picture.transpose(2, 0, 1)[None])})[0]
    rgb = torch.from_numpy(np.ascontiguousarray(picture[:, :, ::-1].transpose(2, 0, 1)[None])).float()
    with torch.no_grad():
        wanted = network((rgb - 128) / 128).numpy()
    assert said.shape == wanted.shape
    spread = float(wanted.std())
    assert float(np.abs(said - wanted).mean()) < (1e-4 if bits == 32 else 0.15) * spread


def test_a_run_goes_on_where_it_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGATE_TRAIN_DIR", str(tmp_path))
    folder = tmp_path / "detector"
    folder.mkdir()
    rng = np.random.default_rng(0)
    np.save(folder / "scenes-0.npy", rng.integers(0, 256, (8, SIDE_PX, SIDE_PX, 3), dtype=np.uint8))
    boxes = np.tile(np.array([100, 100, 160, 180], np.float32), (8, 1))
    landmarks = np.tile(np.array([(115, 125), (145, 125), (130, 145), (118, 160), (142, 160)], np.float32), (8, 1, 1))
    np.savez(folder / "scenes-0.npz", first=np.arange(9), boxes=boxes, landmarks=landmarks, sure=np.ones(8, np.bool_))
    batches = Scenes(0, (64, 96)).batches(4)
    run = Run("test", TINY, 1e-3, "cpu")
    for _ in range(3):
        terms = run.learn(next(batches), 1.0)
    assert all(bool(torch.isfinite(term)) for term in terms.values())
    run.save()
    again = Run("test", DetectorShape(), 1e-3, "cpu")
    assert (again.step, again.samples) == (3, 12)
    for name, value in run.network.state_dict().items():
        assert torch.equal(value, again.network.state_dict()[name])
    again.learn(next(batches), 1.0)
    assert again.step == 4
