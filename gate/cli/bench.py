"""`gate bench`: measurements of this engine, where its checkout has the benchmarks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import typer

from gate.cli.exits import Exit
from gate.cli.failures import explained, fail

app = typer.Typer(no_args_is_help=True, help="Measure: how well, and how fast.")

_JSON = typer.Option(None, "--json", help="Write figures, machine and run there.")
_HTML = typer.Option(None, "--html", help="Write a report with plots there, one file.")
_QUICK = typer.Option(False, "--quick", help="Less of everything, for CI.")
_PACK = typer.Option(None, "--pack", help="Model pack; by default the engine's.")


@app.callback()
def bench() -> None:
    """Measure: how well, and how fast."""


@app.command()
def accuracy(
    dataset: Path | None = typer.Option(None, "--dataset", help="Folder of `PERSON/PHOTO`; by default of ../shared."),
    masked_dataset: Path | None = typer.Option(
        None, "--masked-dataset", help="The same people masked, under the same names; by default masks are drawn."
    ),
    distractors: Path | None = typer.Option(
        None, "--distractors", help="People who are nobody of the data set, one photograph each."
    ),
    pairs: Path | None = typer.Option(None, "--pairs", help="CSV with the columns image_a, image_b, mated."),
    lookalikes: Path | None = typer.Option(
        None, "--lookalikes", help="CSV with the columns identity_a, identity_b: never compared."
    ),
    groups: Path | None = typer.Option(None, "--groups", help="CSV with the column identity and columns of labels."),
    pack: str | None = _PACK,
    flights: int = typer.Option(100, "--flights", min=1, help="Flights to simulate."),
    seed: int = typer.Option(7, "--seed", help="Of flights, drawn masks and resampling."),
    quick: bool = _QUICK,
    write_json: Path | None = _JSON,
    write_html: Path | None = _HTML,
) -> None:
    """Tell people apart, from raw photographs: verification, flights of 420 expected travellers, a checkpoint.

    A photograph that cannot be read, or in which nobody is found, counts as an error and is never dropped.

    Examples:

    - `gate bench accuracy --dataset photographs/ --json out/accuracy.json --html out/accuracy.html`
    """
    with _measuring():
        from benchmarks import accuracy as benchmark
        from benchmarks.suite import Output, run

        plan = benchmark.default_plan(dataset, quick)
        plan = replace(
            plan,
            masked_dataset=masked_dataset,
            distractors=distractors or plan.distractors,
            pairs=pairs or plan.pairs,
            lookalikes=lookalikes or plan.lookalikes,
            groups=groups,
            pack=pack or plan.pack,
            flights=flights,
            seed=seed,
        )
        run("accuracy", lambda console: benchmark.run(plan, console), Output(write_json, write_html))


@app.command()
def corridor(
    dataset: Path | None = typer.Option(None, "--dataset", help="Folder of `PERSON/PHOTO`; by default of ../shared."),
    people: int | None = typer.Option(None, "--people", min=2, max=14, help="People in a video; by default 10."),
    videos: int | None = typer.Option(None, "--videos", min=1, help="Videos; by default 3."),
    pack: str | None = _PACK,
    seed: int = typer.Option(1, "--seed", help="Of who walks, and how."),
    quick: bool = _QUICK,
    write_json: Path | None = _JSON,
    write_html: Path | None = _HTML,
) -> None:
    """Follow several people down a synthetic corridor, and decide about each: identities, decisions, frame rate.

    Examples:

    - `gate bench corridor --people 10 --json out/corridor.json --html out/corridor.html`
    """
    with _measuring():
        from benchmarks import corridor as benchmark
        from benchmarks.suite import Output, run

        plan = benchmark.default_plan(dataset, quick=quick)
        plan = replace(
            plan, people=people or plan.people, videos=videos or plan.videos, pack=pack or plan.pack, seed=seed
        )
        run("corridor", lambda console: benchmark.run(plan, console), Output(write_json, write_html))


@app.command()
def fingerprint(
    dataset: Path | None = typer.Option(
        None, "--dataset", help="Folder of `SET/FINGER_IMPRESSION.png`, of 500 dpi; by default ../shared."
    ),
    templates: Path | None = typer.Option(
        None, "--templates", help="Take templates from here instead of extracting, where they lie there."
    ),
    quick: bool = _QUICK,
    write_json: Path | None = _JSON,
    write_html: Path | None = _HTML,
) -> None:
    """Tell fingers apart by the protocol of the Fingerprint Verification Competitions.

    Every extractor and matcher that is present, on every set: EER, FMR100 and FMR1000 with their 95 % intervals, time
    by stage, DET plots and score histograms. Needs a checkout with its development packages.

    Examples:

    - `gate bench fingerprint --json out/fingerprint.json --html out/fingerprint.html`
    """
    with _measuring(blas_threads=1):
        from benchmarks import fingerprint as benchmark
        from benchmarks.suite import Output, run

        plan = benchmark.Plan(templates=templates, quick=quick)
        if dataset is not None:
            plan = replace(plan, dataset=dataset)
        run("fingerprint", lambda console: benchmark.measure(plan, console), Output(write_json, write_html))


@app.command()
def policy(
    dataset: Path | None = typer.Option(None, "--dataset", help="Folder of `PERSON/PHOTO`; by default of ../shared."),
    profile: str = typer.Option("pedestrian", "--profile", help="Of `gate policy list`."),
    passages: int | None = typer.Option(None, "--passages", min=10, help="How many to play."),
    templates: Path | None = typer.Option(None, "--templates", help="Of fingers, as for `gate bench fingerprint`."),
    pack: str | None = _PACK,
    quick: bool = _QUICK,
    write_json: Path | None = _JSON,
    write_html: Path | None = _HTML,
) -> None:
    """What a lane does with travellers: opened, asked for a finger, referred, wrongly opened, and how soon.

    Simulated passages of expected travellers, of strangers, and of people with somebody else's document.

    Examples:

    - `gate bench policy --profile vehicle --html out/vehicle.html`
    """
    with _measuring(blas_threads=1):
        from benchmarks import policy as benchmark
        from benchmarks.suite import Output, run

        plan = benchmark.default_plan(dataset, quick=quick)
        plan = replace(
            plan,
            profile=profile,
            passages=passages or plan.passages,
            templates=templates,
            pack=pack or plan.pack,
        )
        run("policy", lambda console: benchmark.measure(plan, console), Output(write_json, write_html))


@app.command()
def evidence(
    dataset: Path | None = typer.Option(None, "--dataset", help="Folder of `PERSON/PHOTO`; by default of ../shared."),
    people: int | None = typer.Option(None, "--people", min=2, help="How many walk up."),
    pack: str | None = _PACK,
    quick: bool = _QUICK,
    write_json: Path | None = _JSON,
    write_html: Path | None = _HTML,
) -> None:
    """What fusing the frames of an approach gains over the first frame and the best one: errors and time."""
    with _measuring():
        from benchmarks import evidence as benchmark
        from benchmarks.suite import Output, run

        plan = benchmark.default_plan(dataset, quick=quick)
        plan = replace(plan, people=people or plan.people, pack=pack or plan.pack)
        run("evidence", lambda console: benchmark.measure(plan, console), Output(write_json, write_html))


@app.command()
def fpir(
    dataset: Path | None = typer.Option(None, "--dataset", help="Folder of `PERSON/PHOTO`; by default of ../shared."),
    pack: str | None = _PACK,
    quick: bool = _QUICK,
    write_json: Path | None = _JSON,
    write_html: Path | None = _HTML,
) -> None:
    """Whether strangers enter galleries of 50 to 42,000 as seldom as the policy states."""
    with _measuring():
        from benchmarks import fpir as benchmark
        from benchmarks.suite import Output, run

        plan = benchmark.default_plan(dataset, quick=quick)
        plan = replace(plan, pack=pack or plan.pack)
        run("fpir", lambda console: benchmark.measure(plan, console), Output(write_json, write_html))


@app.command()
def watchlist(
    dataset: Path | None = typer.Option(None, "--dataset", help="Folder of `PERSON/PHOTO`; by default of ../shared."),
    pack: str | None = _PACK,
    quick: bool = _QUICK,
    write_json: Path | None = _JSON,
    write_html: Path | None = _HTML,
) -> None:
    """How many ordinary travellers a watch list sends to an officer, and how many of those on it are found."""
    with _measuring():
        from benchmarks import watchlist as benchmark
        from benchmarks.suite import Output, run

        plan = benchmark.default_plan(dataset, quick=quick)
        plan = replace(plan, pack=pack or plan.pack)
        run("watch list", lambda console: benchmark.measure(plan, console), Output(write_json, write_html))


@app.command()
def latency(
    pack: str | None = _PACK,
    quick: bool = _QUICK,
    write_json: Path | None = _JSON,
    write_html: Path | None = _HTML,
) -> None:
    """How long a traveller waits for one frame: gate, engine, floor and InsightFace by turns."""
    with _measuring():
        from benchmarks import latency as benchmark
        from benchmarks.suite import Output, run

        plan = benchmark.plan(pack, quick=quick)
        run("latency", lambda console: benchmark.run(plan, console), Output(write_json, write_html))


@app.command()
def decision(
    pack: str | None = _PACK,
    quick: bool = _QUICK,
    write_json: Path | None = _JSON,
    write_html: Path | None = _HTML,
) -> None:
    """How long a traveller waits from the first usable frame to the decision, one lane, over gRPC."""
    with _measuring():
        from benchmarks import decision_time as benchmark
        from benchmarks.suite import Output, run

        plan = benchmark.Plan.quick() if quick else benchmark.Plan()
        plan = replace(plan, pack=pack or plan.pack)
        run("decision", lambda console: benchmark.measure(plan, console), Output(write_json, write_html))


@app.command()
def throughput(
    pack: str | None = _PACK,
    quick: bool = _QUICK,
    write_json: Path | None = _JSON,
    write_html: Path | None = _HTML,
) -> None:
    """How many frames a second one watched lane takes, against InsightFace and the plain loop; memory, cold start."""
    with _measuring():
        from benchmarks import throughput as benchmark
        from benchmarks.suite import Output, run

        plan = benchmark.Plan.quick() if quick else benchmark.Plan()
        plan = replace(plan, pack=pack or plan.pack)
        run("throughput", lambda console: benchmark.measure(plan, console), Output(write_json, write_html))


@app.command()
def lanes(
    pack: str | None = _PACK,
    quick: bool = _QUICK,
    write_json: Path | None = _JSON,
    write_html: Path | None = _HTML,
) -> None:
    """How many lanes at 10 frames a second one engine serves, over gRPC, without losing a decision."""
    with _measuring():
        from benchmarks import lanes as benchmark
        from benchmarks.suite import Output, run

        plan = benchmark.Plan.quick() if quick else benchmark.Plan()
        plan = replace(plan, pack=pack or plan.pack)
        run("lanes", lambda console: benchmark.measure(plan, console), Output(write_json, write_html))


@app.command()
def gallery(quick: bool = _QUICK, write_json: Path | None = _JSON, write_html: Path | None = _HTML) -> None:
    """Searching, changing and restarting a gallery, against FAISS and against the bare store."""
    with _measuring():
        from benchmarks import gallery as benchmark
        from benchmarks import index
        from benchmarks.suite import Output, run

        plan, searches = benchmark.usual_plan(quick=quick), index.Plan.quick() if quick else index.Plan()
        run("gallery", lambda console: benchmark.run(plan, searches, console), Output(write_json, write_html))


@app.command("all")
def everything(
    pack: str | None = _PACK,
    quick: bool = _QUICK,
    write_json: Path | None = typer.Option(Path("out/bench.json"), "--json", help="Write figures and runs there."),
    write_html: Path | None = typer.Option(Path("out/bench.html"), "--html", help="Write the report there."),
) -> None:
    """Every benchmark, one after the other, in one document and one report.

    The quick form takes less than three minutes on two quiet cores.
    """
    with _measuring(blas_threads=1):
        from benchmarks.everything import everything as measure
        from benchmarks.suite import Output, run
        from gate.settings import DEFAULT_PACK

        output = Output(write_json, write_html)
        run("all benchmarks", lambda console: measure(console, quick=quick, pack=pack or DEFAULT_PACK), output)


@app.command()
def check(
    files: list[Path] = typer.Argument(..., help="What bench commands wrote with --json."),
    bars: Path | None = typer.Option(None, "--bars", help="Other bars than benchmarks/bars.toml."),
    complete: bool = typer.Option(False, "--complete", help="A bar whose figure is not there is missed, too."),
) -> None:
    """Hold figures against their bars; the exit code is 3 when one is missed.

    Names the figure, the bar, and the stage to look at first.
    """
    with _measuring():
        from rich.console import Console

        from benchmarks.check import USUAL_BARS, State, read_bars
        from benchmarks.check import check as held_against
        from benchmarks.measured import read_all

        verdicts = held_against(read_all(files), read_bars(bars or USUAL_BARS))
        console = Console()
        for verdict in verdicts:
            style = "bold red" if verdict.state is State.MISSED else ""
            console.print(verdict.line, style=style, highlight=False, soft_wrap=True)
        failing = {State.MISSED} | ({State.ABSENT, State.INSUFFICIENT} if complete else set())
        missed = [verdict for verdict in verdicts if verdict.state in failing]
        if missed:
            fail(f"{len(missed)} of {len(verdicts)} bars are missed.", "", Exit.NOT_AS_EXPECTED)
        if not any(verdict.state is State.HELD for verdict in verdicts):
            fail("No bar is of these figures.", "Name a file of `gate bench … --json`.", Exit.NOT_AS_EXPECTED)


@app.command()
def compare(
    before: Path = typer.Argument(..., help="What a bench command wrote with --json."),
    after: Path = typer.Argument(..., help="The same of a later run."),
    everything: bool = typer.Option(False, "--all", help="Also what changed within noise only."),
    strict: bool = typer.Option(False, "--strict", help="End with exit code 3 when a figure became worse."),
) -> None:
    """Say what changed from one run to another beyond noise (95 % intervals)."""
    with _measuring():
        from rich.console import Console

        from benchmarks.compare import Change, differences, other_circumstances
        from benchmarks.measured import read
        from benchmarks.report import show_differences

        one, other = read(before), read(after)
        found = differences(one, other)
        show_differences(Console(), found, other_circumstances(one, other), everything=everything)
        if strict and any(item.change is Change.WORSE for item in found):
            fail("Figures became worse.", "", Exit.NOT_AS_EXPECTED)


@contextmanager
def _measuring(blas_threads: int | None = None) -> Iterator[None]:
    """Around a benchmark: errors become a line, also where the benchmarks are not installed.

    Args:
        blas_threads: where one core is what is promised: BLAS would take all, and reads this when numpy is imported.
    """
    if blas_threads is not None:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", str(blas_threads))
    with explained():
        try:
            yield
        except ModuleNotFoundError as error:
            if error.name not in {"benchmarks", "psutil"}:
                raise
            fail(
                f"The benchmarks are not here: no {error.name}.",
                "Run it from a checkout, after `make setup`.",
                Exit.NOT_AS_EXPECTED,
            )
