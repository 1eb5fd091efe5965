"""The command's tree: what there is, and the options that stand before every command."""

from __future__ import annotations

import os

import typer

from gate import __version__
from gate.cli import (
    audit,
    bench,
    doctor,
    flight,
    key,
    manifest,
    models,
    passage,
    play,
    policy,
    serve,
    token,
    watch,
    watch_list,
)
from gate.cli import demo as demo_command
from gate.cli.failures import DEBUG_VARIABLE

app = typer.Typer(
    name="gate",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with `gate demo`. Exit codes and settings: docs/operate.md.",
)
app.command("serve")(serve.serve)
app.command("demo")(demo_command.demo)
app.command("play")(play.play)
app.command("watch")(watch.watch)
app.command("doctor")(doctor.doctor)
app.add_typer(models.app, name="models")
app.add_typer(manifest.app, name="manifest")
app.add_typer(flight.app, name="flight")
app.add_typer(audit.app, name="audit")
app.add_typer(key.app, name="key")
app.add_typer(token.app, name="token")
app.add_typer(policy.app, name="policy")
app.add_typer(watch_list.app, name="watch-list")
app.add_typer(passage.app, name="passage")
app.add_typer(bench.app, name="bench")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"gate {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    """The face-verification engine of a contactless border e-gate.

    It receives a lane's camera frames over gRPC, compares the face with the travellers who are expected today, and
    answers: open, ask for a fingerprint, or refer to an officer.
    """
    del version
    if debug:
        os.environ[DEBUG_VARIABLE] = "1"


def run() -> None:
    """Runs the command line."""
    app()
