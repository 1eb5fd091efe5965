"""What the command's exit codes mean. Written down for operators in docs/operate.md; never renumbered."""

from __future__ import annotations

import enum

from gate.errors import ConfigError, EngineFault, GateError, ModelPackError, ProviderError


class Exit(enum.IntEnum):
    """An exit code. 2, wrong usage, is typer's own."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    NOT_AS_EXPECTED = 3
    SETTINGS = 10
    MODELS = 11
    PROVIDER = 12
    NO_ENGINE = 13
    REFUSED = 14
    FAULT = 15
    SOURCE = 16
    FINGERPRINT = 20
    OFFICER = 21
    INTERRUPTED = 130


def exit_of(error: GateError) -> Exit:
    """The exit code of an error of the tree."""
    match error:
        case ModelPackError():
            return Exit.MODELS
        case ProviderError():
            return Exit.PROVIDER
        case ConfigError():
            return Exit.SETTINGS
        case EngineFault():
            return Exit.FAULT
        case _:
            return Exit.REFUSED
