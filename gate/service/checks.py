"""Checks the fields of a message, and names all that are at fault at once."""

from __future__ import annotations

import re
import uuid

from gate.errors import FieldViolation

NAME_LENGTH = 64
"""Characters that the name of a lane, checkpoint, profile, flight or camera may have."""

REFERENCE_LENGTH = 128
"""Characters that a traveller's reference may have."""

_WORD = re.compile(r"[A-Za-z0-9._-]{1,64}")
_REFERENCE = re.compile(r"[\x20-\x7e]+")
_NUMBER = re.compile(r"[0-9A-Z]{1,32}")
# Germany's code is the single letter D; MRZ pads it with filler, which does not belong in a message.
_STATE = re.compile(r"[A-Z]{1,3}")


class Checks:
    """Collects what is at fault in one message.

    Args:
        prefix: path of the message within the request, for example ``start.``.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._violations: list[FieldViolation] = []

    @property
    def violations(self) -> tuple[FieldViolation, ...]:
        """What was found so far."""
        return tuple(self._violations)

    def fault(self, field: str, expected: str) -> None:
        """Notes that `field` is not as `expected`."""
        self._violations.append(FieldViolation(self._prefix + field, expected))

    def name(self, field: str, value: str, *, required: bool = False) -> str:
        """A name of at most 64 printable characters."""
        if required and not value:
            self.fault(field, f"1 to {NAME_LENGTH} characters")
        if len(value) > NAME_LENGTH or not value.isprintable():
            self.fault(field, f"at most {NAME_LENGTH} printable characters; got {len(value)}")
        return value

    def reference(self, field: str, value: str) -> str:
        """A traveller's reference."""
        if len(value) > REFERENCE_LENGTH or not _REFERENCE.fullmatch(value):
            self.fault(field, f"1 to {REFERENCE_LENGTH} printable ASCII characters; got {len(value)}")
        return value

    def text(self, field: str, value: str, most: int) -> str:
        """Any text of at most that many characters; what it says is read elsewhere."""
        if not 1 <= len(value) <= most:
            self.fault(field, f"1 to {most} characters; got {len(value)}")
        return value

    def word(self, field: str, value: str) -> str:
        """One word of a list: no prose, so that no name comes in with it."""
        if not _WORD.fullmatch(value):
            self.fault(field, f"1 to 64 letters, digits, '.', '_' or '-'; got {len(value)} characters")
        return value

    def passage_id(self, field: str, value: str) -> str:
        """A passage's id, as the engine made it."""
        try:
            return str(uuid.UUID(value))
        except ValueError:
            self.fault(field, "a UUID, as `accepted` named the passage")
            return value

    def document_number(self, field: str, value: str) -> str:
        """A document number, in upper case."""
        number = value.upper()
        # Checked before it is turned: outside ASCII a small letter may have a capital within it.
        if not value.isascii() or not _NUMBER.fullmatch(number):
            self.fault(field, f"1 to 32 letters A to Z and digits, without filler; got {len(value)} characters")
        return number

    def issuing_state(self, field: str, value: str) -> str:
        """An ICAO 9303 code of 1 to 3 letters in upper case, or nothing."""
        state = value.upper()
        if not value.isascii() or (state and not _STATE.fullmatch(state)):
            self.fault(field, f"an ICAO 9303 code of at most 3 letters, or nothing; got {len(value)} characters")
        return state
