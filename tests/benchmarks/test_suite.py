"""The whole suite in its cheap form: one document, one page, and bars that can be held against it. Nothing is timed."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from benchmarks import (
    accuracy,
    accuracy_templates,
    corridor,
    decision_time,
    everything,
    evidence,
    fingerprint,
    fpir,
    gallery,
    index,
    lanes,
    latency,
    policy,
    report,
    throughput,
    watchlist,
)
from benchmarks.figures import Figure
from benchmarks.measured import Measured
from gate.cli.app import app
from gate.cli.bench import app as bench
from gate.decision.policy import Policy
from gate.settings import DEFAULT_PACK
from gate.vision.frame import Frame
from gate.vision.probe import ImageBGR, Sighting
from tests.benchmarks.faces import FakeVision, save

RUNNER = CliRunner()


def canned(name: str, value: float = 1.0) -> Measured:
    return Measured(
        (Figure(name, value, "ratio", 10, 0.9 * value, 1.1 * value),), {"pack": DEFAULT_PACK, "quick": True}
    )


TIMED = {
    "latency.ratio_to_floor": (latency, "run", 1.0),
    "throughput.ratio_to_insightface": (throughput, "measure", 9.0),
    "lanes.max_at_10fps": (lanes, "measure", 16.0),
    "decision.one_look.p95_ms": (decision_time, "measure", 70.0),
    "corridor.mota": (corridor, "run", 0.9),
    "policy.pedestrian.stranger.unmasked.wrongly_opened": (policy, "measure", 0.0),
    "fingerprint.SET_B.default.eer": (fingerprint, "measure", 1.0),
    "evidence.unmasked.one_photo.fused.fnir": (evidence, "measure", 2.0),
    "fpir.unmasked.all.420": (fpir, "measure", 0.3),
    "watchlist.referred.bare.100": (watchlist, "measure", 0.1),
}
"""One figure of each benchmark that is not played here, and what would measure it."""


@pytest.fixture
def cheap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models, processes and photographs replaced; everything else is real."""

    def paint(image: ImageBGR, *_: object) -> ImageBGR:
        masked = image.copy()
        masked[38:52, 16:48] = 250
        return masked

    dataset = save(tmp_path, "set", range(70), 2)
    monkeypatch.setattr(accuracy_templates, "render_mask", paint)
    monkeypatch.setattr(accuracy, "load_engine", lambda *_: accuracy.Engine(FakeVision(), lambda _s, _n: 0.5))
    monkeypatch.setattr(
        accuracy,
        "default_plan",
        lambda _dataset, quick: accuracy.Plan(dataset, flights=30, replicates=20, threads=1, quick=quick),
    )
    monkeypatch.setattr(policy, "default_plan", lambda _dataset, quick: policy.Plan(dataset, fingers=not quick))
    monkeypatch.setattr(everything, "find_pack", lambda pack: pack)
    monkeypatch.setattr(everything, "build_pipeline", lambda _pack, **_: FakeVision())
    monkeypatch.setattr(everything, "walk_ups", lambda *_: [])
    for name, (module, function, value) in TIMED.items():
        monkeypatch.setattr(module, function, partial(answered, canned(name, value)))
    monkeypatch.setattr(index.Plan, "quick", lambda: index.Plan(sizes=(60,), rounds=2, probes=3))


def answered(measured: Measured, *_: object) -> Measured:
    return measured


@pytest.mark.usefixtures("cheap")
def test_the_quick_suite_is_one_document_one_page_and_can_be_checked(tmp_path: Path) -> None:
    out, page = tmp_path / "bench.json", tmp_path / "bench.html"
    result = RUNNER.invoke(app, ["bench", "all", "--quick", "--json", str(out), "--html", str(page)])
    assert result.exit_code == 0, result.output
    document = json.loads(out.read_text())
    assert document["schema_version"] == 1
    names = {figure["name"] for figure in document["figures"]}
    assert names >= {*TIMED, "gallery.60.ratio_to_flat", "fta.unmasked", "verification.unmasked.fnmr@fmr1e-2"}
    assert set(document["run"]) == {name.partition(".")[0] for name in TIMED} | {"gallery", "accuracy"}
    assert all(part["took_s"] >= 0 for part in document["run"].values())
    assert document["machine"]["cores"]
    shown = page.read_text()
    assert "<svg" in shown
    for name in document["run"]:
        assert f'<section id="{name}">' in shown, "each benchmark's notes, plots and figures stand together"
        assert f'href="#{name}"' in shown
    assert shown.index('id="latency"') < shown.index("latency.ratio_to_floor</td>") < shown.index('id="throughput"')
    checked = RUNNER.invoke(app, ["bench", "check", str(out)])
    assert checked.exit_code == 0, checked.output
    compared = RUNNER.invoke(app, ["bench", "compare", str(out), str(out), "--strict"])
    assert compared.exit_code == 0, compared.output


def test_every_bench_command_is_in_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is left out gets worse without anybody seeing it."""
    monkeypatch.setattr(latency, "plan", lambda _pack, *, quick: quick)
    commands = {command.name or command.callback.__name__ for command in bench.registered_commands}
    parts = everything._parts(Console(quiet=True), quick=False, pack=DEFAULT_PACK)
    assert set(parts) == commands - {"all", "check", "compare"}
    assert set(parts) == set(report.ABOUT)


def test_a_photograph_that_two_benchmarks_need_is_looked_at_once(tmp_path: Path) -> None:
    """And what was seen bare is not taken for what is seen masked, or by another pipeline."""
    vision = Counting()
    work = accuracy_templates.Acquisition(vision, Policy().quality, 7, 1)
    photos = sorted(save(tmp_path, "set", range(3), 1).glob("*/*.png"))
    bare = work.plain(photos, lambda: None)
    assert vision.looks == 3
    assert work.plain(photos, lambda: None) == bare
    assert vision.looks == 3
    work.with_masks(photos, lambda: None)
    assert vision.looks == 9, "bare once more, and masked"
    again, masked = work.with_masks(photos, lambda: None)
    assert vision.looks == 9
    assert len(again) == len(masked) == 3
    assert all(one is not other for one, other in zip(again, masked, strict=True))
    other = Counting()
    work.by(other).plain(photos, lambda: None)
    assert other.looks == 3


class Counting(FakeVision):
    """Counts how often it looks."""

    looks = 0

    def look(self, frame: Frame) -> Sighting:
        self.looks += 1
        return super().look(frame)


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize(
    "command",
    ["latency", "throughput", "lanes", "decision", "gallery", "corridor", "policy", "fingerprint"],
)
def test_every_bench_command_writes_the_same_kind_of_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(gallery, "run", lambda _plan, _searches, _console: canned("gallery.42000.ratio_to_flat"))
    out = tmp_path / "a.json"
    result = RUNNER.invoke(app, ["bench", command, "--quick", "--json", str(out)])
    assert result.exit_code == 0, result.output
    assert set(json.loads(out.read_text())) == {
        "schema_version",
        "figures",
        "insufficient",
        "notes",
        "plots",
        "machine",
        "run",
    }


def test_the_usual_pack_on_real_photographs(shared: Path, tmp_path: Path) -> None:
    """Real models and pictures, few of them: whoever is found is found with a mask drawn on, too."""
    people = sorted((shared / "data" / "faces" / "lfw").iterdir())[:6]
    for person in people:
        (tmp_path / "set" / person.name).mkdir(parents=True)
        for photo in sorted(person.iterdir())[:2]:
            (tmp_path / "set" / person.name / photo.name).symlink_to(photo)
    arguments = ["bench", "accuracy", "--dataset", str(tmp_path / "set"), "--quick"]
    out = tmp_path / "a.json"
    result = RUNNER.invoke(app, [*arguments, "--json", str(out)])
    assert result.exit_code == 0, result.output
    document = json.loads(out.read_text())
    figures = {figure["name"]: figure for figure in document["figures"]}
    assert figures["fta.unmasked"]["value"] == 0.0
    assert figures["mask_state.masked.wrong"]["value"] < 50
    assert document["run"]["verification.unmasked"]["mated"] == 6
    missing = {item["name"] for item in document["insufficient"]}
    assert {"flight420", "verification.unmasked.fnmr@fmr1e-3"} <= missing


def test_the_usual_plan_is_of_the_shared_photographs_and_of_another_set_only_itself(tmp_path: Path) -> None:
    assert accuracy.default_plan(None, quick=True).dataset.name == "lfw"
    other = accuracy.default_plan(tmp_path, quick=True)
    assert replace(other, crowd=None) == accuracy.Plan(tmp_path, quick=True)
