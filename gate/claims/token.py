"""Travel tokens: a signed statement that a traveller may be looked for by reference. JWS compact (RFC 7515), as a JWT.

::

    header   alg   EdDSA (or Ed25519) or ES256: must be that of the key     kid  names the key     typ  travel+jwt
    claims   iss   issuer; must be the key's                                aud  place(s) it is for
             sub   the traveller's reference, opaque                        flight  such as ZZ0042/2026-11-22
             iat, nbf, exp   whole seconds                                  jti  16 to 64 characters, one token
             doc   optional: the document it is bound to (`gate.claims.binding`)

Nothing of a token is believed before its signature is checked, except the name of the key. It holds no personal data,
but whoever has it can present it: it is never logged, nor quoted in an error.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from joserfc import jws
from joserfc.errors import JoseError

from gate.claims.binding import Binding
from gate.claims.findings import ClaimFinding, Oddity, finding
from gate.claims.jwks import IssuerKey, IssuerKeys, OneAlgorithm
from gate.errors import ClaimError, Code

TYPE = "travel+jwt"
"""``typ``: so that no other token of the same issuer is taken for one (RFC 8725, 3.11)."""

CLAIMS = ("iss", "aud", "sub", "flight", "iat", "nbf", "exp", "jti", "doc")

_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_HEADERS = {"alg", "kid", "typ"}
_AUDIENCES = 8
_LATEST_S = 1 << 40
_TEXTS: Mapping[str, re.Pattern[str]] = {
    "iss": re.compile(r"[\x20-\x7e]{1,128}"),
    "sub": re.compile(r"[\x20-\x7e]{1,128}"),
    "flight": re.compile(r"[\x20-\x7e]{1,64}"),
    "jti": re.compile(r"[A-Za-z0-9_-]{16,64}"),
}


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What tokens are accepted here.

    Attributes:
        audiences: names of this place; a token must be for one of them.
        skew_s: how far the issuer's clock may be off, in seconds.
        max_lifetime_s: from issue or begin of validity, whichever is earlier, to expiry.
        max_chars: of the token as text. As a QR code at error correction M, 1,024 have 121 modules a side, and the
            some 490 of a token of ours have 85.
        document_required: a token that is bound to no document is refused.
    """

    audiences: frozenset[str]
    skew_s: float = 30.0
    max_lifetime_s: float = 24 * 3600.0
    max_chars: int = 1024
    document_required: bool = False


@dataclass(frozen=True, slots=True)
class TravelToken:
    """A token whose signature and claims were found right. Times in UTC.

    Attributes:
        issuer: who signed it. key_id: with which key.
        reference: of the traveller.
        flight: the gallery's name for it.
        token_id: ``jti``, unique for the issuer.
        forget_at: when it need not be remembered as used any more.
        binding: the document it is bound to; None: to none.
    """

    issuer: str
    key_id: str
    reference: str = field(repr=False)
    flight: str
    token_id: str = field(repr=False)
    issued_at: datetime
    not_before: datetime
    expires_at: datetime
    forget_at: datetime
    binding: Binding | None = None
    findings: tuple[ClaimFinding, ...] = ()

    def check_bound(self, numbers: tuple[str, ...]) -> None:
        """Checks that the token was made for one of a traveller's documents; costs some 20 ms a document.

        Raises:
            ClaimError: TOKEN_DOCUMENT. Never for a token without a binding: see `TokenRules.document_required`.
        """
        if self.binding is not None and not self.binding.fits_any(numbers):
            raise ClaimError(
                Code.TOKEN_DOCUMENT, f"Bound to another document than the {len(numbers)} that the traveller has."
            )


def looks_like_token(text: str) -> bool:
    """Whether a text has the shape of a JWS; says nothing about its content."""
    return bool(_SHAPE.fullmatch(text.strip()))


def verify_token(text: str, keys: IssuerKeys, rules: TokenRules, now: datetime) -> TravelToken:
    """Checks a token's shape, key, signature and claims, in this order. Whether it was used before: see `UsedTokens`.

    Args:
        text: the token; blanks and line ends round it are taken off.
        keys: of the issuers who are trusted.
        rules: what is accepted here.
        now: UTC.

    Raises:
        ClaimError: TOKEN_MALFORMED, TOKEN_ALGORITHM, TOKEN_ISSUER_UNKNOWN, TOKEN_KEY_REVOKED, TOKEN_SIGNATURE,
            TOKEN_AUDIENCE, TOKEN_LIFETIME, TOKEN_NOT_YET_VALID, TOKEN_EXPIRED, TOKEN_DOCUMENT.
        IssuerKeyError: ISSUER_KEYS_INVALID.
    """
    stripped = text.strip() if len(text) <= 2 * rules.max_chars else text
    if len(stripped) > rules.max_chars:
        _malformed(f"expected at most {rules.max_chars} characters, found {len(stripped)}")
    if not _SHAPE.fullmatch(stripped):
        _malformed("expected three parts of base64url with full stops between them")
    header, claims = (_decoded(part) for part in stripped.split(".")[:2])
    key = _key_of(header, keys)
    _check_signature(stripped, key)
    return _checked(claims, key, rules, now)


def _key_of(header: Mapping[str, Any], keys: IssuerKeys) -> IssuerKey:
    if unknown := header.keys() - _HEADERS:
        _malformed(f"{len(unknown)} header parameters beside alg, kid and typ, expected none")
    kind, key_id, algorithm = header.get("typ"), header.get("kid"), header.get("alg")
    if not isinstance(kind, str) or kind.lower() not in {TYPE, f"application/{TYPE}"}:
        _malformed(f"expected typ {TYPE} in the header")
    if not isinstance(key_id, str):
        _malformed("expected kid in the header")
    key = keys.find(key_id)
    if key is None:
        raise ClaimError(Code.TOKEN_ISSUER_UNKNOWN, "No key of that kid is known here.")
    if key.revoked:
        raise ClaimError(Code.TOKEN_KEY_REVOKED, f"Key {key.key_id} of {key.issuer} is revoked.")
    if not isinstance(algorithm, str) or algorithm not in key.algorithm.accepted:
        raise ClaimError(Code.TOKEN_ALGORITHM, f"Key {key.key_id} signs {key.algorithm}; the token says another.")
    return key


def _check_signature(text: str, key: IssuerKey) -> None:
    try:
        jws.deserialize_compact(text, key.key, registry=OneAlgorithm(key.algorithm))
    except (JoseError, ValueError) as error:
        raise ClaimError(
            Code.TOKEN_SIGNATURE, f"The signature is not that of key {key.key_id} of {key.issuer}."
        ) from error


def _checked(claims: Mapping[str, Any], key: IssuerKey, rules: TokenRules, now: datetime) -> TravelToken:
    texts = {name: _text(claims, name) for name in _TEXTS}
    if texts["iss"] != key.issuer:
        raise ClaimError(Code.TOKEN_ISSUER_UNKNOWN, f"Key {key.key_id} is {key.issuer}'s; the token names another.")
    if not _audiences(claims) & rules.audiences:
        raise ClaimError(Code.TOKEN_AUDIENCE, f"Expected one for {' or '.join(sorted(rules.audiences)) or 'nobody'}.")
    issued, begin, end = (_moment(claims, name) for name in ("iat", "nbf", "exp"))
    _check_times(issued, begin, end, rules, now)
    binding = _binding(claims)
    if binding is None and rules.document_required:
        raise ClaimError(Code.TOKEN_DOCUMENT, "Expected a token that is bound to a document (claim doc).")
    odd = [finding(Oddity.TOKEN_CLAIM_UNKNOWN, "a claim that is not read here") for _ in claims.keys() - set(CLAIMS)]
    if binding is None:
        odd.append(finding(Oddity.TOKEN_UNBOUND, "bound to no document", "doc"))
    return TravelToken(
        issuer=key.issuer,
        key_id=key.key_id,
        reference=texts["sub"],
        flight=texts["flight"],
        token_id=texts["jti"],
        issued_at=issued,
        not_before=begin,
        expires_at=end,
        forget_at=end + timedelta(seconds=rules.skew_s),
        binding=binding,
        findings=tuple(odd),
    )


def _check_times(issued: datetime, begin: datetime, end: datetime, rules: TokenRules, now: datetime) -> None:
    skew = timedelta(seconds=rules.skew_s)
    lifetime = end - min(issued, begin)
    if end <= begin or end <= issued:
        _malformed("expected exp after iat and nbf")
    if lifetime > timedelta(seconds=rules.max_lifetime_s):
        hours = lifetime.total_seconds() / 3600
        raise ClaimError(
            Code.TOKEN_LIFETIME, f"Valid for {hours:.1f} h, expected at most {rules.max_lifetime_s / 3600:.1f} h."
        )
    if max(issued, begin) > now + skew:
        raise ClaimError(Code.TOKEN_NOT_YET_VALID, f"Valid from {max(issued, begin):%Y-%m-%d %H:%M:%S} UTC on.")
    if end <= now - skew:
        raise ClaimError(Code.TOKEN_EXPIRED, f"Expired at {end:%Y-%m-%d %H:%M:%S} UTC.")


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not _TEXTS[name].fullmatch(value):
        _malformed(f"expected claim {name} as text that matches {_TEXTS[name].pattern}")
    return value


def _audiences(claims: Mapping[str, Any]) -> frozenset[str]:
    value = claims.get("aud")
    several = value if isinstance(value, list) else [value]
    if not 1 <= len(several) <= _AUDIENCES or not all(isinstance(one, str) for one in several):
        _malformed(f"expected claim aud as one text, or a list of at most {_AUDIENCES}")
    return frozenset(several)


def _moment(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    # True is an int to Python.
    if type(value) is not int or not 0 <= value < _LATEST_S:
        _malformed(f"expected claim {name} as whole seconds since 1970")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        _malformed(f"expected claim {name} as whole seconds since 1970, before the year 10000")


def _binding(claims: Mapping[str, Any]) -> Binding | None:
    value = claims.get("doc")
    if value is None:
        return None
    try:
        return Binding.parse(value if isinstance(value, str) else "")
    except ValueError as error:
        raise _malformation(f"claim doc: {error}") from error


def _decoded(part: str) -> Mapping[str, Any]:
    """The JSON object of a part."""
    try:
        data = base64.b64decode(part + "=" * (-len(part) % 4), b"-_", validate=True)
        value = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _malformation("expected JSON objects as header and claims, each name once") from error
    if not isinstance(value, dict):
        _malformed("expected JSON objects as header and claims")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object without a name that comes twice: readers differ in which of them counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _malformation(what: str) -> ClaimError:
    return ClaimError(Code.TOKEN_MALFORMED, f"Travel token: {what}.")


def _malformed(what: str) -> NoReturn:
    raise _malformation(what)
