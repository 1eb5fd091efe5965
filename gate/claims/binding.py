"""Binding a travel token to a document without saying which: a salted, slow hash of the document's number.

The number cannot be read from it. Who holds the token and has a number in mind can test it, so each test is made to
cost: scrypt (RFC 7914) with 8 MiB. The document's state is left out, because not every manifest states it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

SALT_BYTES = 12
DIGEST_BYTES = 16

_N, _R, _P = 2**13, 8, 1
_CHARS = (SALT_BYTES + DIGEST_BYTES) * 8 // 6 + 1
_TEXT = re.compile(rf"[A-Za-z0-9_-]{{{_CHARS}}}")
_NUMBER = re.compile(r"[0-9A-Z]{1,32}")


@dataclass(frozen=True, slots=True)
class Binding:
    """A document, recognisable and unreadable.

    Attributes:
        salt: 12 random bytes, another for each token.
        digest: 16 bytes of scrypt (N 8192, r 8, p 1) over the document's number: upper case, without filler.
    """

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    def fits_any(self, numbers: Iterable[str]) -> bool:
        """Whether one of these is the document. Each costs some 20 ms and 8 MiB; a traveller has at most eight."""
        # Compared in constant time.
        return any(hmac.compare_digest(_digest(number, self.salt), self.digest) for number in numbers)

    @property
    def text(self) -> str:
        """As the claim ``doc`` has it: base64url of salt and digest, 38 characters."""
        return base64.urlsafe_b64encode(self.salt + self.digest).rstrip(b"=").decode()

    @classmethod
    def of(cls, number: str) -> Binding:
        """A new one.

        Raises:
            ValueError: no document number: 1 to 32 of A to Z and 0 to 9.
        """
        if not _NUMBER.fullmatch(number):
            raise ValueError("expected a document number of 1 to 32 letters A to Z and digits, without filler")
        salt = os.urandom(SALT_BYTES)
        return cls(salt, _digest(number, salt))

    @classmethod
    def parse(cls, text: str) -> Binding:
        """The binding that `text` came from.

        Raises:
            ValueError: it is none.
        """
        if not _TEXT.fullmatch(text):
            raise ValueError(f"expected {_CHARS} characters of base64url")
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return cls(data[:SALT_BYTES], data[SALT_BYTES:])


def _digest(number: str, salt: bytes) -> bytes:
    return hashlib.scrypt(number.encode(), salt=salt, n=_N, r=_R, p=_P, dklen=DIGEST_BYTES)
