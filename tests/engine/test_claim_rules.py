"""From settings to how claims are read: what a typing error in the settings would otherwise let in or keep out."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.claims.jwks import written_to
from gate.claims.replay import MemoryUsedTokens, StoredUsedTokens
from gate.engine.build import claim_rules
from gate.errors import IssuerKeyError
from gate.settings import ClaimSettings, ManifestSettings, Settings
from gate.storage.database import Database
from gate.storage.keys import MasterKey
from tests.claims.makers import EDDSA


def settings(jwks: Path, **changed: object) -> Settings:
    claims = ClaimSettings(issuer_keys=jwks, audiences=("here", "there"), **changed)  # type: ignore[arg-type]
    return Settings(claims=claims, manifest=ManifestSettings(port="HKG"))


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    written_to(tmp_path / "issuers.jwks", EDDSA.public_jwk)
    return tmp_path / "issuers.jwks"


def test_without_keys_no_token_is_accepted() -> None:
    rules = claim_rules(Settings(manifest=ManifestSettings(port="HKG")), None)
    assert (rules.port, rules.tokens) == ("HKG", None)


def test_every_setting_arrives(jwks: Path) -> None:
    rules = claim_rules(settings(jwks, skew_s=5, max_lifetime_h=2, document_required=True), None)
    assert rules.tokens is not None
    stated = rules.tokens.rules
    assert stated.audiences == {"here", "there"}
    assert (stated.skew_s, stated.max_lifetime_s, stated.document_required) == (5, 7200, True)
    assert rules.tokens.keys.find(EDDSA.key_id) is not None


def test_a_store_remembers_used_tokens_over_a_restart(jwks: Path, tmp_path: Path) -> None:
    with Database.open(tmp_path / "egate.db", MasterKey.generate()) as database:
        stored = claim_rules(settings(jwks), database).tokens
        assert stored is not None
        assert isinstance(stored.used, StoredUsedTokens)
    unstored = claim_rules(settings(jwks), None).tokens
    assert unstored is not None
    assert isinstance(unstored.used, MemoryUsedTokens)


def test_an_engine_whose_issuers_keys_cannot_be_read_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(IssuerKeyError):
        claim_rules(settings(tmp_path / "none.jwks"), None)
