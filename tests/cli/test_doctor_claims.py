"""`gate doctor` on travel tokens: what would refuse every token is said before the first traveller."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.claims.jwks import written_to
from gate.doctor.claims import check_claims
from gate.doctor.finding import Health
from gate.errors import SettingsError
from gate.settings import ClaimSettings, Settings, StorageSettings, load_settings
from tests.claims.makers import EDDSA, ES256


def settings(jwks: Path, store: Path | None = None) -> Settings:
    return Settings(claims=ClaimSettings(issuer_keys=jwks, audiences=("here",)), storage=StorageSettings(path=store))


def test_no_tokens_are_nothing_to_repair() -> None:
    assert check_claims(Settings()).health is Health.OK


def test_keys_that_cannot_be_read_are_found(tmp_path: Path) -> None:
    assert check_claims(settings(tmp_path / "none.jwks")).health is Health.FAIL


def test_keys_without_one_in_use_are_found(tmp_path: Path) -> None:
    written_to(tmp_path / "keys.jwks", EDDSA.public_jwk | {"revoked": True})
    finding = check_claims(settings(tmp_path / "keys.jwks", tmp_path / "egate.db"))
    assert finding.health is Health.FAIL
    assert "1 revoked" in finding.found


def test_without_a_store_the_engine_forgets_used_tokens(tmp_path: Path) -> None:
    for key in (EDDSA, ES256):
        written_to(tmp_path / "keys.jwks", key.public_jwk)
    finding = check_claims(settings(tmp_path / "keys.jwks"))
    assert finding.health is Health.WARN
    assert "2 keys of 1 issuers" in finding.found
    assert check_claims(settings(tmp_path / "keys.jwks", tmp_path / "egate.db")).health is Health.OK


@pytest.mark.parametrize("half", [{"issuer_keys": "keys.jwks"}, {"audiences": ["here"]}])
def test_keys_without_a_place_or_a_place_without_keys_is_no_setting(half: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="belong together"):
        load_settings(claims=half)
