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

from torch.nn import functional  # noqa: E402

from models.training import crops as crops_module  # noqa: E402
from models.training import shards, travel  # noqa: E402
from models.training.answers import Answers  # noqa: E402
from models.training.average import bring_together  # noqa: E402
from models.training.blockwise import learn, lessons  # noqa: E402
from models.training.distil import Budget, Recipe, Run, append, diverged, main  # noqa: E402
from models.training.export import load_student  # noqa: E402
from models.training.features import BOUNDARIES, HINTS, Features, stage_start  # noqa: E402
from models.training.optimiser import Optimiser  # noqa: E402
from models.training.paths import train_dir  # noqa: E402
from models.training.samples import Samples, Shares, shares_at  # noqa: E402
from models.training.student import Student, StudentShape  # noqa: E402

COUNT = 12
SMALL = StudentShape(widths=(16, 64, 100, 192), blocks=(1, 1, 8, 2))
HALF_CLEAN = Shares(hinted=0.5, occluded=0.3, blended=0.15)
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
    batch = Samples(32, 0, "cpu").draw(HALF_CLEAN)
    assert batch.hinted == 16
    shade = ((batch.pictures[:16].mean(dim=(1, 2, 3)) * 127.5 + 127.5) / 20).round().long()
    assert torch.equal(batch.target[:16].argmax(dim=1), shade)
    assert torch.equal(batch.identity[:16], torch.where(shade < 8, shade // 2, -1))
    assert batch.pictures.shape == (32, 3, 112, 112)
    assert (batch.target[-4:].argmax(dim=1) >= 100).all()
    shapes = {64: (16, 64, 14, 14), 100: (16, 100, 7, 7), 192: (16, 192, 3, 3)}
    assert [tuple(hint.shape) for hint in batch.hints] == [shapes[SIZES[stage_start(name)][0]] for name in HINTS]


@pytest.mark.usefixtures("prepared")
def test_the_students_features_stand_beside_the_teachers_at_each_boundary() -> None:
    """One block off, and every block learns its neighbour's part."""
    batch = Samples(32, 0, "cpu").draw(HALF_CLEAN)
    student = Student().eval()
    with torch.no_grad():
        inner = student(batch.pictures[:2]).inner
    assert [x.shape[1:] for x in inner] == [hint.shape[1:] for hint in batch.hints]
    given = batch.pictures[:2]
    at = {}
    with torch.no_grad():
        for lesson in lessons(student):
            given = lesson.module(given)
            at[lesson.wanted] = given
    for name, features in zip(HINTS, inner, strict=True):
        assert torch.allclose(at[name], features, atol=1e-4), name


def test_clean_faces_come_first_and_occluded_ones_last() -> None:
    first, last = shares_at(0.0), shares_at(1.0)
    assert first.hinted > 0.5 > first.occluded
    assert last.occluded >= 0.5 > last.hinted
    first_clean, last_clean = (1 - shares.occluded - shares.blended for shares in (first, last))
    assert first_clean > 0.75
    assert last_clean < 0.25
    for tenth in range(11):
        now = shares_at(tenth / 10)
        assert 0 < now.hinted + now.occluded + now.blended < 1


@pytest.mark.usefixtures("prepared")
def test_a_run_goes_on_where_it_stopped() -> None:
    samples = Samples(16, 0, "cpu")
    run = Run("a", SMALL, RECIPE, "cpu")
    for _ in range(3):
        terms = run.learn(samples.draw(HALF_CLEAN), samples, 0.5)
    assert all(bool(torch.isfinite(value)) for value in terms.values())
    run.best = 12.5
    run.save("latest")
    again = Run("a", StudentShape(), RECIPE, "cpu")
    assert (again.step, again.samples, again.best) == (3, 48, 12.5)
    assert again.student.shape == SMALL
    for name, value in run.student.state_dict().items():
        assert torch.equal(value, again.student.state_dict()[name]), name
    before, after = run.optimiser.state_dict(), again.optimiser.state_dict()
    for part in ("muon", "adam"):
        assert before[part]["state"].keys() == after[part]["state"].keys()
        assert before[part]["state"]
    averaged = load_student(run.folder / "latest.pt")
    assert torch.equal(averaged.quality.weight, run.average.quality.weight)


@pytest.mark.usefixtures("prepared")
def test_checkpoints_of_one_form_have_a_mean_and_others_none(tmp_path: Path) -> None:
    """A mean of two forms would ship weights that no network ever had."""
    states = []
    for step in (3, 7):
        run = Run(f"mean-{step}", SMALL, RECIPE, "cpu")
        run.step = step
        with torch.no_grad():
            run.average.quality.weight.fill_(step)
        run.save("latest")
        states.append(torch.load(run.folder / "latest.pt", weights_only=True))
    mean = bring_together(states)
    torch.save(mean, tmp_path / "mean.pt")
    assert load_student(tmp_path / "mean.pt").quality.weight.unique().tolist() == [5.0]
    assert mean["step"] == 7
    states[0]["shape"] = {**states[0]["shape"], "head": "plain"}
    with pytest.raises(ValueError, match="one network"):
        bring_together(states)


def test_a_curve_begun_with_fewer_columns_keeps_to_them(tmp_path: Path) -> None:
    """A run resumed after a measure was added would write its figures under the wrong names."""
    path = tmp_path / "curve.csv"
    path.write_text("step,samples,score\n1,96,50\n")
    append(path, {"step": 2, "samples": 192, "pairs": 90.0, "score": 60.0}, ("step", "samples", "pairs", "score"))
    with path.open(newline="") as file:
        assert list(csv.DictReader(file))[1] == {"step": "2", "samples": "192", "score": "60.0"}


@pytest.mark.usefixtures("prepared")
def test_learning_lowers_the_loss() -> None:
    samples = Samples(16, 0, "cpu")
    run = Run("b", SMALL, RECIPE, "cpu")
    batch = samples.draw(HALF_CLEAN)
    first = run.learn(batch, samples, 0.0)
    for _ in range(15):
        last = run.learn(batch, samples, 0.0)
    assert last["embed"] < first["embed"] - 0.1
    assert last["hint"] < 0.9 * first["hint"]


def test_every_weight_moves_and_where_it_lies() -> None:
    """Muon sees matrices through another shape: a copy instead of a view would learn beside the network."""
    student = Student(SMALL).to(memory_format=torch.channels_last)
    optimiser = Optimiser(student, weight_decay=0.0)
    before = {name: value.detach().clone() for name, value in student.named_parameters()}
    optimiser.zero_grad()
    for parameter in student.parameters():
        parameter.grad = torch.randn_like(parameter)
    optimiser.step(1e-2)
    for name, value in student.named_parameters():
        assert not torch.equal(before[name], value), name
    with pytest.raises(ValueError, match="channels_last"):
        Optimiser(Student(SMALL), weight_decay=0.0)


def test_strangers_are_compared_with_the_newest_answers_alone() -> None:
    answers = Answers(4, 2, "cpu")
    assert answers.said.shape == answers.wanted.shape == (0, 2)
    for step in range(3):
        answers.add(torch.full((3, 2), float(step)), torch.full((3, 2), -float(step)))
    assert sorted(answers.said[:, 0].tolist()) == [1, 2, 2, 2]
    assert torch.equal(answers.wanted, -answers.said)


def test_an_error_that_strangers_share_shows_among_the_answers_and_nowhere_else() -> None:
    """A gate compares the student's answers with each other: no answer of the teacher shows that two err alike."""
    wanted = torch.randn(600, 64, generator=torch.Generator().manual_seed(1))
    wanted[:, 0] = 0.0
    wanted = functional.normalize(wanted, dim=1)
    said = wanted.clone()
    said[::2, 0], said[1::2, 0] = 0.7, -0.7
    probes, others = slice(300), slice(300, None)
    expected = wanted[probes] @ wanted[others].T
    assert float(diverged(said[probes] @ wanted[others].T, expected, 0.05)) < 1e-6
    assert float(diverged(said[probes] @ said[others].T, expected, 0.05)) > 0.5


@pytest.mark.usefixtures("prepared")
def test_two_processes_learn_one_network_and_leave_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    words = "distil --run pair --steps 2 --batch 16 --processes 2 --judge-every-min inf --device cpu"
    monkeypatch.setattr("sys.argv", words.split())
    main()
    run = Run("pair", StudentShape(), RECIPE, "cpu")
    assert (run.step, run.samples) == (2, 64)
    assert not torch.multiprocessing.active_children()


def test_a_run_that_begins_later_in_the_curriculum_ends_with_it_all_the_same() -> None:
    whole, second = Budget(minutes=60), Budget(steps=200, begins=0.6)
    assert [whole.spent(60 * minutes, 10**6) for minutes in (0, 15, 60)] == [0, 0.25, 1]
    assert [second.spent(1e9, steps) for steps in (0, 100, 200)] == pytest.approx([0.6, 0.8, 1])


def test_a_run_without_a_length_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["distil", "--run", "endless"])
    with pytest.raises(SystemExit):
        main()
    assert "--minutes or --steps" in capsys.readouterr().err


@pytest.mark.usefixtures("prepared")
def test_a_blend_wears_the_mask_of_its_first_face_and_stays_whole_elsewhere() -> None:
    samples = Samples(16, 0, "cpu")
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
    missed = learn(Student(), Budget(minutes=0.15), rate=3e-3)
    assert set(missed) == {lesson.name for lesson in lessons(Student())}
    assert missed["embedding"] < 1.9
    assert all(np.isfinite(value) for value in missed.values())
