"""`gate bench`: measurements of this engine, where its checkout has the benchmarks."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from gate.cli.exits import Exit
from gate.cli.failures import explained, fail

app = typer.Typer(no_args_is_help=True, help="Measure: how well, and how fast.")


@app.callback()
def bench() -> None:
    """Measure: how well, and how fast."""


@app.command()
def fingerprint(
    dataset: Path | None = typer.Option(
        None, "--dataset", help="Folder of `SET/FINGER_IMPRESSION.png`, of 500 dpi; by default ../shared."
    ),
    write_json: Path | None = typer.Option(None, "--json", help="Write figures, machine and run there."),
    templates: Path | None = typer.Option(
        None, "--templates", help="Take templates from here instead of extracting, where they lie there."
    ),
    plots: Path = typer.Option(Path("out/fingerprint"), "--plots", help="Write a DET plot a set there."),
) -> None:
    """Tell fingers apart by the protocol of the Fingerprint Verification Competitions.

    Every extractor and matcher that is present, on every set: EER, FMR100 and FMR1000 with their 95 % intervals, time
    by stage, and a DET plot. Needs a checkout with its development packages.

    Examples:

    - `gate bench fingerprint --json out/fingerprint.json`
    """
    # One core is what is promised: BLAS would take all, and read this when numpy is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with explained():
        try:
            from benchmarks import fingerprint as benchmark
        except ModuleNotFoundError as error:
            if error.name not in {"benchmarks", "psutil"}:
                raise
            fail(
                f"The benchmarks are not here: no {error.name}.",
                "Run it from a checkout, after `make setup`.",
                Exit.NOT_AS_EXPECTED,
            )
        plan = benchmark.Plan(templates=templates, plots=plots)
        if dataset is not None:
            plan = benchmark.Plan(dataset=dataset, templates=templates, plots=plots)
        benchmark.run(plan, write_json)
