"""The public keys of those who issue travel tokens: a JWKS file (RFC 7517) that may change while the engine runs.

Each key says whose it is (``iss``, a member of ours) and has a name that is unique in the file (``kid``). A key is
revoked by ``"revoked": true``, and better left in the file so: then the log says revoked and not unknown. The algorithm
follows from the key, never from a token: Ed25519 keys sign EdDSA, P-256 keys ES256; there are no others.
"""

from __future__ import annotations

import enum
import json
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry

from gate.errors import Code, IssuerKeyError

MAX_BYTES = 256 * 1024
MAX_KEYS = 256
MAX_NAME = 128
"""Characters that an issuer's name or a key's may have."""


class Algorithm(enum.StrEnum):
    """How a key signs. The value is the ``alg`` that tokens are issued with."""

    EDDSA = "EdDSA"
    ES256 = "ES256"

    @property
    def accepted(self) -> frozenset[str]:
        """What ``alg`` may say: RFC 9864 gave EdDSA with Ed25519 a name of its own."""
        return frozenset({"EdDSA", "Ed25519"} if self is Algorithm.EDDSA else {"ES256"})

    @property
    def registered(self) -> str:
        """The fully specified name (RFC 9864)."""
        return "Ed25519" if self is Algorithm.EDDSA else "ES256"


_OF_CURVE: Mapping[tuple[object, object], Algorithm] = MappingProxyType(
    {("OKP", "Ed25519"): Algorithm.EDDSA, ("EC", "P-256"): Algorithm.ES256}
)


class OneAlgorithm(JWSRegistry):
    """Lets joserfc know the algorithm of one key and no other, whatever a header says.

    The old name and the new one are the same algorithm: tokens are issued under the old, which more readers know.
    """

    def __init__(self, algorithm: Algorithm) -> None:
        super().__init__(algorithms=sorted(algorithm.accepted))
        self.algorithms = dict.fromkeys(algorithm.accepted, JWSRegistry.algorithms[algorithm.registered])


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """One public key.

    Attributes:
        issuer: ``iss`` of the tokens that it signs.
        key_id: ``kid``.
        revoked: tokens of it are refused.
    """

    issuer: str
    key_id: str
    algorithm: Algorithm
    key: OKPKey | ECKey = field(repr=False, compare=False)
    revoked: bool = False


class IssuerKeys(Protocol):
    """Where keys are found."""

    def find(self, key_id: str) -> IssuerKey | None:
        """The key of that name, revoked or not; None when there is none.

        Raises:
            IssuerKeyError: ISSUER_KEYS_INVALID.
        """
        ...


class FixedKeys:
    """Keys that do not change."""

    def __init__(self, keys: Iterable[IssuerKey]) -> None:
        self._keys = {key.key_id: key for key in keys}

    def find(self, key_id: str) -> IssuerKey | None:
        """See `IssuerKeys`."""
        return self._keys.get(key_id)


class JwksFile:
    """The keys of a file, read again whenever the file is another. Safe for threads.

    A file that cannot be read any more is an error at each token until it is repaired: with the keys of before, a key
    that was just revoked would go on opening. Replace the file in one step (write beside it, then ``mv``).

    Raises:
        IssuerKeyError: ISSUER_KEYS_INVALID.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] = ()
        self._keys: Mapping[str, IssuerKey] = {}
        self._refresh()

    @property
    def keys(self) -> tuple[IssuerKey, ...]:
        """All of them, in the file's order."""
        return tuple(self._refresh().values())

    def find(self, key_id: str) -> IssuerKey | None:
        """See `IssuerKeys`."""
        return self._refresh().get(key_id)

    def _refresh(self) -> Mapping[str, IssuerKey]:
        with self._lock:
            try:
                status = self._path.stat()
                seen = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
                if seen != self._seen:
                    # What was read before counts no more, whatever the new file holds.
                    self._seen, self._keys = (), {}
                    with self._path.open("rb") as file:
                        self._keys = read_jwks(file.read(MAX_BYTES + 1), str(self._path))
                    self._seen = seen
            except OSError as error:
                raise IssuerKeyError(Code.ISSUER_KEYS_INVALID, f"{self._path}: {error.strerror}.") from error
            return self._keys


def read_jwks(data: bytes, source: str) -> Mapping[str, IssuerKey]:
    """Keys by their names, in the order of the file.

    Raises:
        IssuerKeyError: ISSUER_KEYS_INVALID: with one key that is not as expected, none is taken.
    """
    if len(data) > MAX_BYTES:
        raise _invalid(source, f"expected at most {MAX_BYTES} bytes")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _invalid(source, "expected JSON") from error
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list) or len(members) > MAX_KEYS:
        raise _invalid(source, f'expected {{"keys": […]}} with at most {MAX_KEYS} keys')
    found: dict[str, IssuerKey] = {}
    for number, member in enumerate(members, start=1):
        key = _read_key(member, f"{source}, key {number}")
        if key.key_id in found:
            raise _invalid(source, f"key {number} has the kid of another; expected names that are unique in the file")
        found[key.key_id] = key
    return found


def _read_key(member: object, source: str) -> IssuerKey:
    if not isinstance(member, dict):
        raise _invalid(source, "expected a JSON object")
    if "d" in member:
        raise _invalid(source, "a private key; expected the public half only: treat that key as lost, and make another")
    algorithm, key = imported(member, source)
    if member.get("use", "sig") != "sig" or "verify" not in member.get("key_ops", ["verify"]):
        raise _invalid(source, "expected a key for signatures (use sig, key_ops verify)")
    return IssuerKey(
        issuer=name_of(member, "iss", source),
        key_id=name_of(member, "kid", source),
        algorithm=algorithm,
        key=key,
        # Anything but a plain false is a revocation: a date, a reason, a slip.
        revoked=member.get("revoked", False) is not False,
    )


def imported(member: Mapping[str, Any], source: str) -> tuple[Algorithm, OKPKey | ECKey]:
    """A JWK's algorithm and key, with its private half where it has one.

    Raises:
        IssuerKeyError: ISSUER_KEYS_INVALID.
    """
    kind = (member.get("kty"), member.get("crv"))
    # As text: a list is in no mapping.
    algorithm = _OF_CURVE.get(kind) if all(isinstance(part, str) for part in kind) else None
    if algorithm is None:
        raise _invalid(source, "expected kty OKP with crv Ed25519, or kty EC with crv P-256")
    if member.get("alg", algorithm.value) not in sorted(algorithm.accepted):
        raise _invalid(source, f"expected alg {algorithm} for such a key")
    values = {name: member[name] for name in ("kty", "crv", "x", "y", "d") if name in member}
    try:
        if algorithm is Algorithm.EDDSA:
            edwards = OKPKey.import_key(values)
            edwards.get_op_key("verify")
            return algorithm, edwards
        elliptic = ECKey.import_key(values)
        elliptic.get_op_key("verify")
    except (JoseError, ValueError, TypeError, KeyError) as error:
        # Without the cause's text: it may quote the key.
        raise _invalid(source, "the numbers of the key are no point of its curve") from error
    return algorithm, elliptic


def name_of(member: Mapping[str, Any], name: str, source: str) -> str:
    """The text of ``iss`` or ``kid``.

    Raises:
        IssuerKeyError: ISSUER_KEYS_INVALID.
    """
    value = member.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_NAME or not value.isascii() or not value.isprintable():
        raise _invalid(source, f"expected {name}, 1 to {MAX_NAME} printable ASCII characters")
    return value


def _invalid(source: str, what: str) -> IssuerKeyError:
    return IssuerKeyError(Code.ISSUER_KEYS_INVALID, f"{source}: {what}.")


def written_to(path: Path, entry: Mapping[str, Any]) -> None:
    """Adds a public key to a JWKS file, in one step; makes the file when there is none.

    Raises:
        IssuerKeyError: ISSUER_KEYS_INVALID: the file is no JWKS, or has a key of that name.
        OSError: it cannot be written.
    """
    members: list[object] = []
    if path.exists():
        read_jwks(path.read_bytes(), str(path))
        members = json.loads(path.read_bytes())["keys"]
    text = json.dumps({"keys": [*members, entry]}, indent=2) + "\n"
    read_jwks(text.encode(), str(path))
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        beside.write_text(text)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
