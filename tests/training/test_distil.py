"""Guards a training run of hours: that it resumes where it stopped, and that each picture meets its own target."""

from __future__ import annotations

import csv
import zipfile
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install .[train]")
pytest.importorskip("tqdm")
pytest.importorskip("onnx")

from models.training import crops as crops_module  # noqa: E402
from models.training import shards, travel  # noqa: E402
from models.training.blockwise import learn, lessons  # noqa: E402
from models.training.distil import Recipe, Run  # noqa: E402
from models.training.export import load_student  # noqa: E402
from models.training.features import BOUNDARIES, Features, stage_start  # noqa: E402
from models.training.paths import train_dir  # noqa: E402
from models.training.samples import Samples  # noqa: E402
from models.training.student import Student, StudentShape  # noqa: E402

COUNT = 12
SMALL = StudentShape(widths=(16, 64, 100, 192), blocks=(1, 1, 1, 1))
SIZES = {"stem": (32, 28), "half-1": (64, 14), "half-2": (100, 7), "half-3": (192, 3)}
RECIPE = Recipe(batch=16, warm_up=1)


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A training folder of twelve crops, each of one grey level, with one rendered variant and an invented teacher."""
    monkeypatch.setenv("EGATE_TRAIN_DIR", str(tmp_path / "train"))
    data = tmp_path / "data"
    data.mkdir()
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(data / "a.zip", "w") as archive, (data / "index.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["zip", "member", "source", "identity", "eye_distance_px"])
        for i in range(COUNT):
            picture = np.full((112, 112, 3), 20 * i, np.uint8)
            archive.writestr(f"{i}.png", bytes(cv2.imencode(".png", picture)[1]))
            writer.writerow(["a.zip", f"{i}.png", "people", i // 2 if i < 8 else "_", 40])
    crops_module.build(data)
    shards.build(0, workers=1)
    folder = tmp_path / "train"
    np.save(folder / "teacher.npy", np.eye(COUNT, 512).astype(np.float16))
    np.savez(
        folder / "blends.npz",
        pair=rng.integers(0, COUNT, (6, 2), dtype=np.int32),
        share=np.full(6, 0.5, np.float32),
        embedding=np.eye(6, 512, 100).astype(np.float16),
    )
    blocks = folder / "blocks"
    blocks.mkdir()
    for name in BOUNDARIES:
        channels, side = SIZES[stage_start(name)]
        np.save(blocks / f"{name}.npy", rng.normal(3, 2, (COUNT, channels, side, side)).astype(np.float16))
    np.save(blocks / "early.npy", np.arange(COUNT))
    return tmp_path


@pytest.mark.usefixtures("prepared")
def test_a_clean_picture_comes_with_the_teachers_answer_to_it() -> None:
    batch = Samples(32, 0, "cpu", hints=True).draw()
    assert batch.hinted == 16
    shade = ((batch.pictures[:16].mean(dim=(1, 2, 3)) * 127.5 + 127.5) / 20).round().long()
    assert torch.equal(batch.target[:16].argmax(dim=1), shade)
    assert torch.equal(batch.identity[:16], torch.where(shade < 8, shade // 2, -1))
    assert batch.pictures.shape == (32, 3, 112, 112)
    assert (batch.target[-4:].argmax(dim=1) >= 100).all()
    assert [tuple(hint.shape) for hint in batch.hints] == [(16, 64, 14, 14), (16, 100, 7, 7), (16, 192, 3, 3)]


@pytest.mark.usefixtures("prepared")
def test_a_run_goes_on_where_it_stopped() -> None:
    samples = Samples(16, 0, "cpu", hints=True)
    run = Run("a", SMALL, RECIPE, "cpu")
    for _ in range(3):
        terms = run.learn(samples.draw(), samples, 1.0)
    assert all(bool(torch.isfinite(value)) for value in terms.values())
    run.best = 12.5
    run.save("latest")
    again = Run("a", StudentShape(), RECIPE, "cpu")
    assert (again.step, again.samples, again.best) == (3, 48, 12.5)
    assert again.student.shape == SMALL
    for name, value in run.student.state_dict().items():
        assert torch.equal(value, again.student.state_dict()[name]), name
    assert again.optimiser.state_dict()["state"].keys() == run.optimiser.state_dict()["state"].keys()
    averaged = load_student(run.folder / "latest.pt")
    assert torch.equal(averaged.quality.weight, run.average.quality.weight)


@pytest.mark.usefixtures("prepared")
def test_learning_lowers_the_loss() -> None:
    samples = Samples(16, 0, "cpu", hints=True)
    run = Run("b", SMALL, RECIPE, "cpu")
    batch = samples.draw()
    first = run.learn(batch, samples, 1.0)["embed"]
    for _ in range(15):
        last = run.learn(batch, samples, 1.0)["embed"]
    assert last < first - 0.1


@pytest.mark.usefixtures("prepared")
def test_a_blend_wears_the_mask_of_its_first_face_and_stays_whole_elsewhere() -> None:
    samples = Samples(16, 0, "cpu", hints=False)
    mix = torch.arange(6)
    mixed = samples._blend(mix)
    states = []
    for _ in range(12):
        dressed, state = samples._dress(mixed, mix)
        changed = (dressed - mixed).abs().amax(dim=1)
        assert (changed[state == 0].flatten(1).amax(dim=1) == 0).any() or not (state == 0).any()
        states += state.tolist()
        assert (changed.gt(0).float().mean(dim=(1, 2)) < 0.7).all()
    assert set(states) <= {-1, 0, 1, 2}


@pytest.mark.usefixtures("prepared")
def test_hints_can_be_dropped() -> None:
    samples = Samples(16, 0, "cpu", hints=True)
    samples.drop_hints()
    assert samples.draw().hinted == 0


def test_what_travels_is_what_training_reads(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The packed folder must look like the shared one, or the GPU machine's time is lost on an error."""
    (prepared / "models").mkdir()
    (prepared / "models" / travel.TEACHER).write_bytes(b"onnx")
    monkeypatch.setenv("EGATE_SHARED", str(prepared))
    travel.pack(prepared / "box", megabytes=20)
    monkeypatch.setenv("EGATE_SHARED", str(prepared / "box"))
    monkeypatch.setenv("EGATE_TRAIN_DIR", str(prepared / "there"))
    there = crops_module.load()
    assert len(there) == COUNT
    assert (there.identity[:8] == np.arange(8) // 2).all()
    assert (there.identity[8:] == -1).all()
    assert abs(int(there.rgb[5].mean()) - 100) <= 4


@pytest.mark.usefixtures("prepared")
def test_features_stand_in_the_coordinates_of_their_stage() -> None:
    """A block's straight path is one only while what goes in and what comes out are measured alike."""
    features = Features()
    rows = features.rows("half-2", np.arange(COUNT))
    assert abs(float(rows.mean())) < 0.01
    assert abs(float(rows.std()) - 1) < 0.05
    raw = {name: np.load(train_dir("blocks") / f"{name}.npy").astype(np.float32) for name in ("half-2", "block-2-3")}
    later = features.rows("block-2-3", np.arange(COUNT))
    scale = raw["half-2"][:, 0].std() / float(rows[:, 0].std(correction=0))
    assert abs(raw["block-2-3"][:, 0].std() / float(later[:, 0].std(correction=0)) - scale) < 1e-3


def test_every_block_of_the_trunk_has_one_lesson() -> None:
    """A block left out would start end to end from noise, behind blocks that know their part."""
    student = Student()
    plan = lessons(student)
    taught = [id(p) for lesson in plan for p in lesson.module.parameters()]
    assert len(taught) == len(set(taught))
    trunk = ("stem", "stage", "half", "whole")
    wanted = {id(p) for name, p in student.named_parameters() if name.startswith(trunk)}
    assert set(taught) == wanted
    for before, after in pairwise(plan):
        assert after.given == before.wanted


@pytest.mark.usefixtures("prepared")
def test_blocks_learn_what_the_teachers_blocks_do() -> None:
    torch.manual_seed(0)
    missed = learn(Student(), minutes=0.15, rate=3e-3)
    assert set(missed) == {lesson.name for lesson in lessons(Student())}
    assert missed["embedding"] < 1.9
    assert all(np.isfinite(value) for value in missed.values())
