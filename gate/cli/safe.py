"""Text from outside, made harmless for a terminal, and the console that reports are printed on."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markup import escape


def report_console() -> Console:
    """For reports with wide tables: into a file or a pipe they need not fit a terminal that is not there."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 160)


def safe(text: object) -> str:
    """Without control characters and direction marks, and without Rich's markup: a name is only ever a name."""
    return escape("".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in str(text)))
