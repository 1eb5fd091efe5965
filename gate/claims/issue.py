"""Issuing travel tokens: for integrators' tests, demonstrations, and whoever issues with this code."""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey

from gate.claims.binding import Binding
from gate.claims.jwks import Algorithm, IssuerKey, OneAlgorithm, imported, name_of
from gate.claims.token import TYPE
from gate.errors import Code, IssuerKeyError
from gate.storage import files

_ID_BYTES = 16
_LARGEST_FILE_BYTES = 4096
_KEY_ID_CHARS = 10


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with the names that its tokens carry.

    Attributes:
        issuer: ``iss``. key_id: ``kid``.
    """

    issuer: str
    key_id: str
    algorithm: Algorithm
    key: OKPKey | ECKey = field(repr=False, compare=False)

    @classmethod
    def generate(cls, issuer: str, algorithm: Algorithm = Algorithm.EDDSA, key_id: str = "") -> SigningKey:
        """A new one. Without `key_id` its name is the beginning of its thumbprint (RFC 7638): tokens stay short.

        Raises:
            IssuerKeyError: ISSUER_KEYS_INVALID: a name is not usable.
        """
        key: OKPKey | ECKey
        if algorithm is Algorithm.EDDSA:
            key = OKPKey.generate_key("Ed25519", private=True)
        else:
            key = ECKey.generate_key("P-256", private=True)
        names = {"iss": issuer, "kid": key_id or key.thumbprint()[:_KEY_ID_CHARS]}
        return cls(name_of(names, "iss", "issuer"), name_of(names, "kid", "key"), algorithm, key)

    @property
    def public(self) -> IssuerKey:
        """Its public half, as an engine knows it."""
        values = self.key.as_dict(private=False)
        algorithm, key = imported(values, self.key_id)
        return IssuerKey(self.issuer, self.key_id, algorithm, key)

    @property
    def public_jwk(self) -> dict[str, Any]:
        """Its entry in a JWKS file."""
        return {**self._names, **_numbers(self.key.as_dict(private=False))}

    @property
    def private_jwk(self) -> dict[str, Any]:
        """All of it. For the key's own file only."""
        return {**self._names, **_numbers(self.key.as_dict(private=True))}

    @property
    def _names(self) -> dict[str, Any]:
        return {"iss": self.issuer, "kid": self.key_id, "alg": self.algorithm.value, "use": "sig"}


@dataclass(frozen=True, slots=True)
class Issue:
    """What a token shall say. Times in UTC.

    Attributes:
        audience: the place it is for, or several.
        reference: the traveller's, opaque. flight: such as ``ZZ0042/2026-11-22``.
        document_number: to bind it to; empty: to none.
        token_id: ``jti``; empty: a new one by chance.
    """

    audience: str | tuple[str, ...]
    reference: str = field(repr=False)
    flight: str
    not_before: datetime
    expires_at: datetime
    document_number: str = field(default="", repr=False)
    token_id: str = field(default="", repr=False)


def issue_token(wanted: Issue, key: SigningKey, now: datetime) -> str:
    """The token as text. Nothing is checked here: tests need wrong ones too.

    Raises:
        ValueError: the document number is none.
    """
    claims = {
        "iss": key.issuer,
        "aud": wanted.audience if isinstance(wanted.audience, str) else list(wanted.audience),
        "sub": wanted.reference,
        "flight": wanted.flight,
        "iat": int(now.timestamp()),
        "nbf": int(wanted.not_before.timestamp()),
        "exp": int(wanted.expires_at.timestamp()),
        "jti": wanted.token_id or secrets.token_urlsafe(_ID_BYTES),
    }
    if wanted.document_number:
        claims["doc"] = Binding.of(wanted.document_number).text
    return sign(claims, key)


def sign(claims: Mapping[str, Any], key: SigningKey) -> str:
    """Any claims, signed as a travel token."""
    header = {"alg": key.algorithm.value, "kid": key.key_id, "typ": TYPE}
    payload = json.dumps(claims, separators=(",", ":"))
    return jws.serialize_compact(header, payload, key.key, registry=OneAlgorithm(key.algorithm))


def write_signing_key(path: Path, key: SigningKey) -> None:
    """Writes a private key to a new file of mode 0600; on the disk when this returns.

    Raises:
        FileExistsError: a key that may be in use is never overwritten.
    """
    files.write_new(path, [json.dumps(key.private_jwk, indent=2).encode(), b"\n"])


def read_signing_key(path: Path) -> SigningKey:
    """Reads what `write_signing_key` wrote.

    Raises:
        IssuerKeyError: ISSUER_KEY_UNSAFE when others than its owner may read or replace it; ISSUER_KEYS_INVALID.
        OSError: it cannot be read.
    """
    # Not blocking: a pipe in the key's place must not hang.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        mode = stat.S_IMODE(status.st_mode)
        if not stat.S_ISREG(status.st_mode) or mode & ~files.OWNER_ONLY:
            raise IssuerKeyError(
                Code.ISSUER_KEY_UNSAFE, f"{path} has mode {mode:04o}, expected a file of 0600: chmod 600 {path}"
            )
        content = os.read(descriptor, _LARGEST_FILE_BYTES)
    finally:
        os.close(descriptor)
    try:
        member = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise IssuerKeyError(Code.ISSUER_KEYS_INVALID, f"{path}: expected a JWK as JSON.") from error
    if not isinstance(member, dict) or "d" not in member:
        raise IssuerKeyError(Code.ISSUER_KEYS_INVALID, f"{path}: expected a private JWK, with d.")
    algorithm, key = imported(member, str(path))
    return SigningKey(name_of(member, "iss", str(path)), name_of(member, "kid", str(path)), algorithm, key)


def _numbers(jwk: Mapping[str, Any]) -> dict[str, Any]:
    return {name: jwk[name] for name in ("kty", "crv", "x", "y", "d") if name in jwk}
