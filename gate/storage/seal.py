"""Sealing: AES-256-GCM, with each seal bound to the place it was made for."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gate.errors import Code, StorageFault

KEY_BYTES = 32
NONCE_BYTES = 12
"""NIST SP 800-38D, 8.2.2: random 96-bit nonces stay safe for 2**32 seals a key; a flight makes some 10**5."""

OVERHEAD_BYTES = NONCE_BYTES + 16


def new_key() -> bytes:
    """32 random bytes from the operating system."""
    return os.urandom(KEY_BYTES)


def derive(key: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose, from which neither `key` nor another purpose's bytes follow (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"egate/" + purpose.encode()).derive(key)


class Seal:
    """Seals and opens with one data key. Safe for threads; keep it: making one costs more than a seal.

    Args:
        key: 32 random bytes.
    """

    __slots__ = ("_aead", "_key")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"expected a key of {KEY_BYTES} bytes, found {len(key)}")
        self._key = key
        self._aead = AESGCM(derive(key, "seal"))

    def seal(self, plaintext: bytes, bound_to: bytes) -> bytes:
        """Nonce, ciphertext and tag: 28 bytes longer than `plaintext`.

        Args:
            plaintext: what nobody may read or change.
            bound_to: where it belongs (table, flight, traveller): not stored, and needed again to open it, so that a
                sealed row cannot be moved to another place.
        """
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, plaintext, bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """The plaintext.

        Raises:
            StorageFault: SEAL_BROKEN, when the bytes were changed, belong elsewhere or were sealed with another key.
        """
        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError) as error:
            raise StorageFault(
                Code.SEAL_BROKEN, f"{len(sealed)} sealed bytes do not open: changed, moved, or of another key."
            ) from error

    def derived(self, purpose: str) -> bytes:
        """A key of another purpose from the same data key; gone with it. See `derive`."""
        return derive(self._key, purpose)

    def __repr__(self) -> str:
        return "Seal()"
