"""What travellers may present: whether travel tokens can be accepted, and whose."""

from __future__ import annotations

from gate.claims.jwks import JwksFile
from gate.doctor.finding import Finding, fail, ok, warn
from gate.errors import IssuerKeyError
from gate.settings import Settings


def check_claims(settings: Settings) -> Finding:
    """The issuers' keys can be read, and some of them are in use."""
    claims = settings.claims
    if claims.issuer_keys is None:
        return ok("claims", "documents and boarding passes; no travel tokens ([claims] issuer_keys is not set)")
    try:
        keys = JwksFile(claims.issuer_keys).keys
    except IssuerKeyError as error:
        return fail("claims", error.message, error.entry.remedy)
    valid = [key for key in keys if not key.revoked]
    found = (
        f"travel tokens for {', '.join(claims.audiences)}, with {len(valid)} keys of "
        f"{len({key.issuer for key in valid})} issuers, {len(keys) - len(valid)} revoked"
    )
    if not valid:
        return fail("claims", found, f"Add an issuer's public key to {claims.issuer_keys}, or unset issuer_keys.")
    if settings.storage.path is None:
        repair = "Set [storage] path (docs/storage.md), so that a restart remembers which tokens were used."
        return warn("claims", f"{found}; used tokens are forgotten with the process", repair)
    return ok("claims", found)
