"""The claim on a command line. It may be personal: `-` reads it from the input, where no other user sees it."""

from __future__ import annotations

import sys
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from gate.client import Claim

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a traveller presents, in one of several ways; empty: not in this one."""

    document: str
    reference: str
    mrz: str
    boarding_pass: str
    token: str
    code: str
    picture: Path | None
    issuing_state: str

    def __post_init__(self) -> None:
        *ways, state = astuple(self)
        if sum(map(bool, ways)) > 1 or (state and not self.document):
            raise typer.BadParameter("claim by one of --document (and its --issuing-state), --reference and --claim-…")

    def claim(self) -> Claim:
        """For the client.

        Raises:
            FrameError: FRAME_UNSUPPORTED: the picture is none.
            OSError: it cannot be read.
        """
        from gate.client import Claim

        if self.document:
            return Claim.document(given(self.document), self.issuing_state)
        if self.picture is not None:
            return Claim.picture(self.picture.read_bytes())
        ways = (
            (Claim.reference, self.reference),
            (Claim.mrz, self.mrz),
            (Claim.boarding_pass, self.boarding_pass),
            (Claim.token, self.token),
            (Claim.code, self.code),
        )
        return next((make(given(text)) for make, text in ways if text), Claim.nothing())


def given(value: str) -> str:
    """A value of the command line, or the input where it says so, without blanks and line ends round it."""
    return sys.stdin.read(1 << 16).strip() if value == STDIN else value.strip()
