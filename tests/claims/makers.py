"""What the tests of claims present: keys, tokens, boarding passes. Nobody of these exists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gate.claims.claim import ClaimRules, Tokens
from gate.claims.issue import Issue, SigningKey, issue_token
from gate.claims.jwks import Algorithm, FixedKeys
from gate.claims.replay import MemoryUsedTokens
from gate.claims.token import TokenRules

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ISSUER = "https://issuer.example"
HERE = "hkg-departures"
FLIGHT = "ZZ0042/2026-11-22"
NUMBER = "X0000042A"
EDDSA = SigningKey.generate(ISSUER, Algorithm.EDDSA, "ed-1")
ES256 = SigningKey.generate(ISSUER, Algorithm.ES256, "ec-1")
KEYS = FixedKeys([EDDSA.public, ES256.public])
RULES = TokenRules(frozenset({HERE}))


def wanted(
    audience: str | tuple[str, ...] = HERE,
    begin: timedelta = timedelta(minutes=-5),
    end: timedelta = timedelta(hours=2),
    document_number: str = "",
    token_id: str = "",
) -> Issue:
    return Issue(audience, "traveller-7", FLIGHT, NOW + begin, NOW + end, document_number, token_id)


def token(key: SigningKey = EDDSA, issued: datetime = NOW, **changed: object) -> str:
    return issue_token(wanted(**changed), key, issued)  # type: ignore[arg-type]  # the tests name them right


def rules(limit: int = 100) -> ClaimRules:
    return ClaimRules("HKG", Tokens(RULES, KEYS, MemoryUsedTokens(limit)))
