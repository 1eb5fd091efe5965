"""The `gate` command."""

from __future__ import annotations


def main() -> None:
    """Runs the command line and ends the process with its exit code."""
    from gate.cli.app import run

    run()
