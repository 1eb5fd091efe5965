"""Errors at the command line: one clear line, what to do about it, and a numbered exit code; no traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from gate.cli.exits import Exit, exit_of
from gate.errors import GateError

DEBUG_VARIABLE = "EGATE_DEBUG"


@contextmanager
def explained(debug: bool | None = None) -> Iterator[None]:
    """Around a command's work: errors become a line, a remedy and an exit code.

    Args:
        debug: let errors through with their traceback; by default, when ``--debug`` was given.
    """
    if os.environ.get(DEBUG_VARIABLE) if debug is None else debug:
        yield
        return
    try:
        yield
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except GateError as error:
        violations = [f"  {v.field}: expected {v.expected}" for v in error.violations]
        # A settings error lists its violations in its own message.
        detail = [] if exit_of(error) is Exit.SETTINGS else violations
        fail(f"{error.code}: {error.message}", error.entry.remedy, exit_of(error), detail)
    except KeyboardInterrupt:
        fail("Interrupted.", "", Exit.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output (`| head`) has gone: nothing is wrong, and nobody is left to be told.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 -- lives until the process ends
        raise typer.Exit(Exit.OK) from None
    except ConnectionError as error:
        fail(str(error), "Start one with `gate serve`, or name its address with --server.", Exit.NO_ENGINE)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}", "Correct the path, or its permissions.", Exit.SETTINGS)
    except Exception as error:  # noqa: BLE001 -- the last line before the user
        # Asked for by attribute: importing the class would import OpenCV.
        remedy = getattr(error, "remedy", None)
        if isinstance(remedy, str):
            fail(str(error), remedy, Exit.SOURCE)
        fail(f"{type(error).__name__}: {error}", "This is a bug. `gate --debug …` shows where.", Exit.UNEXPECTED)


def fail(line: str, remedy: str, code: Exit, detail: list[str] | None = None) -> NoReturn:
    """Prints to standard error and ends the command."""
    print(f"gate: {line}", file=sys.stderr)
    for more in detail or ():
        print(more, file=sys.stderr)
    if remedy:
        print(f"  → {remedy}", file=sys.stderr)
    raise typer.Exit(code)
