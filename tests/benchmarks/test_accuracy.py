"""Accuracy figures stand or fall with what is counted: these data sets are small enough to count by hand."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from benchmarks import accuracy, accuracy_templates, rates
from benchmarks import accuracy_checkpoint as checkpoint
from benchmarks import accuracy_flights as flights
from benchmarks import accuracy_verification as verification
from benchmarks.accuracy_photos import list_distractors, list_people, read_lookalikes, read_pairs
from benchmarks.accuracy_templates import Seen, Templates, stacked
from benchmarks.measured import Measured
from gate.cli.app import app
from gate.errors import EngineFault
from gate.vision.probe import ImageBGR, MaskState, Probe
from tests.benchmarks.faces import NOBODY, BrokenVision, FakeVision, picture, save

PEOPLE = range(90)
FLIGHTS = 42


@pytest.fixture(autouse=True)
def _plain_masks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rectangle instead of our renderer's mask, which takes 20 ms."""

    def paint(image: ImageBGR, *_: object) -> ImageBGR:
        masked = image.copy()
        masked[38:52, 16:48] = 250
        return masked

    if request.node.name != "test_the_command_measures_a_data_set_and_writes_both_files":
        monkeypatch.setattr(accuracy_templates, "render_mask", paint)


def measure(plan: accuracy.Plan, vision: FakeVision | None = None) -> Measured:
    engine = accuracy.Engine(vision or FakeVision(), lambda _state, _templates: 0.5)
    return accuracy.measure(plan, engine, Console(file=io.StringIO()))


def plan(dataset: Path, **changes: object) -> accuracy.Plan:
    return replace(accuracy.Plan(dataset, flights=FLIGHTS, replicates=20, threads=1), **changes)


def templates(rows: list[list[float]], person: list[int], found: list[bool] | None = None) -> Templates:
    seen = [Seen(Probe(np.array(row, np.float32), MaskState.NONE, "fake", {})) for row in rows]
    numbers = np.arange(len(rows), dtype=np.int64)
    made = stacked(seen).of(np.array(person, np.int64), numbers)
    return made if found is None else replace(made, found=np.array(found))


def test_everything_is_counted_and_named(tmp_path: Path) -> None:
    dataset = save(tmp_path, "set", PEOPLE, 3)
    found = measure(plan(dataset))
    by_name = found.by_name()
    assert by_name["flight40.unmasked.tpir@fpir0.003"].value == 100.0
    assert by_name["flight40.masked.tpir@fpir0.003"].value > 50.0
    assert by_name["flight40.mixed.tpir@fpir0.003"].n == FLIGHTS * 40 * 2
    assert by_name["flight40.unmasked.calibrated.fpir"].value <= 5.0
    assert by_name["verification.unmasked.fnmr@fmr1e-3"].n == 90 * 3
    assert by_name["verification.masked.fnmr@fmr1e-3"].n == 90 * 6
    assert by_name["fta.unmasked"].value == 0.0
    assert by_name["mask_state.masked.wrong"].value < 10.0
    assert {item.name for item in found.insufficient} >= {"verification.unmasked.fnmr@fmr1e-5"}
    assert any("galleries of 40" in note for note in found.notes)
    json.dumps(found.document(), allow_nan=False)


def test_failures_to_acquire_are_errors_and_never_dropped(tmp_path: Path) -> None:
    """A pipeline must not look better for what it cannot see: of 90 people, 9 have an empty file, 9 show nobody."""
    dataset = save(tmp_path, "set", PEOPLE, 2)
    for person in range(9):
        (dataset / f"p{person:03}" / "1.png").write_bytes(b"")
    for person in range(9, 18):
        cv2.imwrite(str(dataset / f"p{person:03}" / "1.png"), picture(NOBODY))
    found = measure(plan(dataset))
    by_name = found.by_name()
    assert by_name["fta.unmasked"].value == pytest.approx(100 * 18 / 180)
    assert by_name["fta.unmasked"].n == 180
    assert found.run["fta.unmasked"] == {"no face": 9, "unreadable": 9}
    # Each person has one mated comparison, and 18 of 90 cannot be made.
    assert by_name["verification.unmasked.fnmr@fmr1e-2"].value == pytest.approx(20.0)
    # Whichever of the two photographs is enrolled, these people cannot be named.
    missed = by_name["flight40.unmasked.tpir@fpir0.003"]
    assert missed.n == FLIGHTS * 40
    assert 10 < 100 - missed.value < 30


def test_a_broken_model_is_no_failure_to_acquire(tmp_path: Path) -> None:
    """It would be reported as a property of the photographs."""
    with pytest.raises(EngineFault):
        measure(plan(save(tmp_path, "set", range(3), 1)), BrokenVision())


def test_the_same_seed_gives_the_same_figures(tmp_path: Path) -> None:
    chosen = plan(save(tmp_path, "set", range(70), 2))
    assert measure(chosen).figures == measure(chosen).figures


def test_masked_probes_of_their_own_folder_are_used(tmp_path: Path) -> None:
    """Under the same names, also where the name goes on; and never against the photograph that they show."""
    dataset, masked = save(tmp_path, "set", PEOPLE, 2), save(tmp_path, "masked", PEOPLE, 2)
    for person in PEOPLE:
        home = masked / f"p{person:03}"
        (home / "1.png").rename(home / "1_masked.png")
    save(tmp_path, "masked", [200], 2)  # nobody of the data set
    found = measure(plan(dataset, masked_dataset=masked))
    assert found.by_name()["flight40.masked.tpir@fpir0.003"].n == FLIGHTS * 40
    assert found.run["masked_probes"] == 180
    assert found.by_name()["verification.masked.fnmr@fmr1e-2"].n == 180
    assert any("2 photographs are of nobody" in note for note in found.notes)


def test_few_people_say_what_is_missing(tmp_path: Path) -> None:
    found = measure(plan(save(tmp_path, "set", range(20), 2)))
    missing = {item.name: item for item in found.insufficient}
    assert missing["flight420"].found == 20
    assert "fta.unmasked" in found.by_name()


def test_one_photograph_each_gives_no_mated_figure(tmp_path: Path) -> None:
    found = measure(plan(save(tmp_path, "set", PEOPLE, 1)))
    missing = {item.name for item in found.insufficient}
    assert {"flight40.unmasked.tpir@fpir0.003", "verification.unmasked.fnmr@fmr1e-3"} <= missing


def test_distractors_fill_galleries_and_never_come_as_expected(tmp_path: Path) -> None:
    dataset, others = save(tmp_path, "set", range(30), 2), tmp_path / "others"
    others.mkdir()
    for person in range(30, 130):
        cv2.imwrite(str(others / f"q{person}.png"), picture(person))
    found = measure(plan(dataset, distractors=others, flights=80))
    # 130 people, 50 of whom stay outside: 30 of the data set and 50 distractors are expected.
    assert found.by_name()["flight80.unmasked.tpir@fpir0.003"].n == 80 * 30
    assert found.run["distractors"] == 100
    assert any(note.startswith("checkpoint68: 18 people") for note in found.notes)


def test_a_distractor_of_the_same_name_is_no_stranger(tmp_path: Path) -> None:
    dataset = save(tmp_path, "set", PEOPLE, 2)
    others = save(tmp_path, "others", [5, 150], 2)
    found = measure(plan(dataset, distractors=others))
    assert found.run["distractors"] == 1
    assert any("bear a name of the data set" in note for note in found.notes)


def test_lookalikes_are_never_strangers_to_each_other(tmp_path: Path) -> None:
    """Two names of one person would be counted as false matches."""
    dataset = save(tmp_path, "set", PEOPLE, 2)
    shutil.rmtree(dataset / "p001")
    shutil.copytree(dataset / "p000", dataset / "p001")
    (tmp_path / "alike.csv").write_text("identity_a,identity_b,similarity\nset/p000,set/p001,0.9\n")
    chosen = plan(dataset, flights=50)
    counted = measure(chosen).by_name()["verification.unmasked.fnmr@fmr1e-3"]
    left_out = measure(replace(chosen, lookalikes=tmp_path / "alike.csv"))
    assert left_out.run["verification.unmasked"]["non_mated"] == 90 * 89 * 2 - 4  # type: ignore[index]  # a mapping
    assert counted.n == left_out.by_name()["verification.unmasked.fnmr@fmr1e-3"].n
    assert left_out.by_name()["flight40.unmasked.calibrated.fpir"].value == 0.0


def test_pairs_are_found_relative_to_the_data_set_and_counted(tmp_path: Path) -> None:
    dataset = save(tmp_path, "set", PEOPLE, 2)
    lines = [f"set/p{p:03}/0.png,set/p{p:03}/1.png,1" for p in range(20)]
    lines += [f"p{p:03}/0.png,p{p + 1:03}/1.png,0" for p in range(20)] + ["gone/0.png,gone/1.png,1"]
    (tmp_path / "pairs.csv").write_text("image_a,image_b,mated\n" + "\n".join(lines) + "\n")
    found = measure(plan(dataset, pairs=tmp_path / "pairs.csv"))
    assert found.by_name()["pairs.balanced_accuracy"].value > 95
    assert found.by_name()["pairs.balanced_accuracy"].n == 40
    assert any("1 name a file that is not there" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "says"),
    [("a,b\n1,2\n", "image_a, image_b, mated"), ("image_a,image_b,mated\nx,y,perhaps\n", "expected 1 or 0")],
)
def test_a_pairs_file_that_is_none_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "pairs.csv").write_text(text)
    with pytest.raises(OSError, match=says):
        read_pairs(tmp_path / "pairs.csv", (tmp_path,))


def test_what_is_no_photograph_is_ignored_and_told(tmp_path: Path) -> None:
    dataset = save(tmp_path, "set", range(3), 2)
    (dataset / "README.txt").write_text("x")
    (dataset / "stray.jpg").write_bytes(b"x")
    (dataset / "p000" / "notes.csv").write_text("x")
    (dataset / "p000" / ".DS_Store").write_text("x")
    (dataset / "p001" / "more").mkdir()
    cv2.imwrite(str(dataset / "p001" / "more" / "9.PNG"), picture(1, 9))
    (dataset / "empty").mkdir()
    (dataset / "__MACOSX").mkdir()
    (dataset / "p002" / "again").symlink_to(dataset / "p002", target_is_directory=True)
    listing = list_people(dataset)
    assert len(listing.photos) == 7
    assert {photo.person for photo in listing.photos} == {"p000", "p001", "p002"}
    assert (listing.outside, listing.empty) == (1, 1)
    assert dict(listing.ignored) == {".txt": 1, ".csv": 1}
    assert len(listing.notes("dataset")) == 3


def test_a_folder_of_the_whole_set_is_not_taken_for_one_person(tmp_path: Path) -> None:
    """All photographs would be mated, and every figure wrong."""
    save(tmp_path / "outer", "set", range(3), 2)
    with pytest.raises(OSError, match="folder of folders; name"):
        list_people(tmp_path / "outer")


def test_distractors_lie_flat_or_in_folders(tmp_path: Path) -> None:
    save(tmp_path, "set", [1, 2], 3)
    cv2.imwrite(str(tmp_path / "set" / "p777.png"), picture(7))
    assert [photo.person for photo in list_distractors(tmp_path / "set").photos] == ["p001", "p002", "p777"]


def test_lookalikes_are_known_with_and_without_their_set(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("identity_a,identity_b\nset/a,b\n")
    assert read_lookalikes(tmp_path / "l.csv") == [("a", "b")]


def test_verification_counted_by_hand() -> None:
    """Two people with two photographs each, one of which was not acquired: one mated comparison, and one that fails."""
    rows = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [1.0, 0.0]]
    side = templates(rows, [0, 0, 1, 1], [True, True, True, False])
    found = verification.compare(side, side, {}, once=True)
    assert sorted(found.mated.tolist()) == [rates.FAILED, pytest.approx(0.6)]
    assert found.top.tolist() == pytest.approx([0.8, 0.0])
    assert (found.non_mated, found.failed) == (2, 1)
    once = np.ones((1, 2))
    assert verification.fnmr_at(found, 0.4, once)[0].value == 100.0
    assert verification.fnmr_at(found, 0.5, once)[0].value == 50.0


def test_the_weight_of_all_comparisons_is_counted_by_who_was_drawn() -> None:
    side = templates([[1.0, 0.0]] * 5, [0, 0, 1, 1, 2])
    found = verification.compare(side, side, {}, once=True)
    assert found.non_mated == 8
    # Drawn 2, 1 and 0 times: of 2x2 + 2x1 + 2x1 comparisons, 2 * 1 * 4 count.
    assert found.weight(np.array([2.0, 1.0, 0.0])) == pytest.approx(8.0)


def test_a_search_counted_by_hand() -> None:
    """Traveller 0 is named, traveller 1 is taken for 0, traveller 2 was never enrolled: one of three."""
    references = templates([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]], [0, 1, 2], [True, True, False])
    shown = templates([[0.9, 0.1, 0], [0.8, 0.6, 0], [0, 0, 1.0], [0.2, 0, 0.9]], [0, 1, 2, 3])
    shown = shown.of(shown.person, np.array([10, 11, 12, 13]))
    everybody = Templates(
        *(np.concatenate([getattr(references, f), getattr(shown, f)[3:]]) for f in Templates.__dataclass_fields__)
    )
    crowd = flights.Crowd(everybody, {"unmasked": shown}, np.array([0, 1, 2]), np.array([3]), {})
    found = flights.simulate(crowd, flights.Seats(3), 1, lambda _s, _n: 0.5, 1, lambda: None)["unmasked"]
    assert sorted(found.mated.tolist()) == [rates.FAILED, rates.FAILED, pytest.approx(0.9)]
    assert found.other.tolist() == [pytest.approx(0.2)]
    result = flights.identify(found, 0.5, np.ones((1, 5)), by_lead=False)
    assert (result.tpir.value, result.tpir.n) == (pytest.approx(100 / 3), 3)
    assert result.fpir_calibrated.value == 0.0
    assert not result.enough


def test_balanced_accuracy_counts_a_failed_pair_as_refused() -> None:
    """A mated pair that cannot be compared is an error; a non-mated one is not."""
    similarity = np.array([0.9] * 10 + [rates.FAILED] * 10 + [0.1] * 19 + [rates.FAILED])
    mated = np.array([True] * 20 + [False] * 20)
    people = np.stack([np.arange(40), np.where(mated, np.arange(40), 40)], axis=1)
    found = verification.balanced_accuracy(verification.PairScores(similarity, mated, people), np.ones((1, 41)))
    assert found.value == pytest.approx(75.0)


def test_the_command_measures_a_data_set_and_writes_both_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = save(tmp_path, "set", range(70), 2)
    monkeypatch.setattr(accuracy, "load_engine", lambda *_: accuracy.Engine(FakeVision(), None))
    out, page = tmp_path / "out" / "a.json", tmp_path / "out" / "a.html"
    arguments = ["bench", "accuracy", "--dataset", str(dataset), "--quick", "--flights", "3"]
    result = CliRunner().invoke(app, [*arguments, "--json", str(out), "--html", str(page)])
    assert result.exit_code == 0, result.output
    names = {figure["name"] for figure in json.loads(out.read_text())["figures"]}
    assert {"fta.unmasked", "verification.unmasked.fnmr@fmr1e-2"} <= names
    text = page.read_text()
    assert "<svg" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "no calibration" in result.output


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["bench", "accuracy", "--pack", "egate-s", "--dataset", str(tmp_path / "none")])
    assert result.exit_code == 10
    assert "expected a folder" in result.stderr
    assert "Traceback" not in result.output


def test_a_rate_in_a_larger_gallery_by_hand() -> None:
    """Half the gallery, about half the rate: 1 - sqrt(0.64)."""
    assert checkpoint.scaled_rate(0.36, checkpoint.SIZE // 2) == pytest.approx(0.2)
    assert checkpoint.scaled_rate(0.003, checkpoint.SIZE) == pytest.approx(0.003)


def test_crops_without_an_identity_are_left_out(tmp_path: Path) -> None:
    """They may be of the people who come, and each would count as a stranger named."""
    (tmp_path / "index.csv").write_text("zip,member,identity\na.zip,1.webp,7\na.zip,2.webp,_\na.zip,3.webp,\n")
    assert [crop.member for crop in checkpoint.read_crops(tmp_path)] == ["1.webp"]


def test_a_crowd_of_crops_is_searched_with_the_gallery(tmp_path: Path) -> None:
    """Somebody in the crowd who looks like a traveller takes their place."""
    dataset = save(tmp_path, "set", PEOPLE, 2)
    crops = tmp_path / "crops"
    crops.mkdir()
    with zipfile.ZipFile(crops / "a.zip", "w") as archive:
        for person in range(200, 230):
            crop = cv2.resize(picture(person), (112, 112), interpolation=cv2.INTER_NEAREST)
            archive.writestr(f"{person}.png", cv2.imencode(".png", crop)[1].tobytes())
    (crops / "index.csv").write_text(
        "zip,member,identity\n" + "".join(f"a.zip,{person}.png,{person}\n" for person in range(200, 230))
    )
    found = measure(plan(dataset, crowd=crops))
    assert found.run["checkpoint84.unmasked"]["gallery"] == 84  # type: ignore[index]  # a mapping
    assert any("54 people of the data set, 0 distractors and 30 crops" in note for note in found.notes)
    assert "checkpoint42000.unmasked.tpir@fpir0.003" in {item.name for item in found.insufficient}


def test_groups_are_told_apart_at_one_threshold(tmp_path: Path) -> None:
    """Of 45 people in one group 15 are never seen a second time: they alone are missed, and the gap says so."""
    dataset = save(tmp_path, "set", PEOPLE, 2)
    for person in range(0, 30, 2):
        (dataset / f"p{person:03}" / "1.png").write_bytes(b"")
    lines = "".join(f"set/p{p:03},{'even' if p % 2 == 0 else 'odd'},{'few' if p < 5 else ''}\n" for p in PEOPLE)
    (tmp_path / "groups.csv").write_text("identity,parity,size\n" + lines)
    found = measure(plan(dataset, groups=tmp_path / "groups.csv"))
    by_name = found.by_name()
    even, odd = (by_name[f"flight40.unmasked.parity.{name}.tpir"] for name in ("even", "odd"))
    assert odd.value == 100.0
    assert 55 < even.value < 80
    gap = by_name["flight40.unmasked.parity.tpir_gap"]
    assert gap.value == pytest.approx(odd.value - even.value)
    assert gap.ci_low > 5
    assert "flight40.unmasked.size.few.tpir" in {item.name for item in found.insufficient}
