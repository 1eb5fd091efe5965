"""Issuers' keys: rotated and revoked while the engine runs, and never half taken."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, RSAKey

from gate.claims.issue import SigningKey, read_signing_key, write_signing_key
from gate.claims.jwks import MAX_BYTES, MAX_KEYS, Algorithm, JwksFile, read_jwks, written_to
from gate.errors import Code, IssuerKeyError
from tests.claims.makers import EDDSA, ES256, ISSUER


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "issuers.jwks"
    write(file, EDDSA.public_jwk)
    return file


def write(path: Path, *members: object) -> None:
    """As an operator should: in one step."""
    beside = path.with_name("beside")
    beside.write_text(json.dumps({"keys": members}))
    beside.replace(path)


def refusal(data: bytes) -> str:
    with pytest.raises(IssuerKeyError) as caught:
        read_jwks(data, "issuers.jwks")
    assert caught.value.code is Code.ISSUER_KEYS_INVALID
    return caught.value.message


def of(*members: object) -> bytes:
    return json.dumps({"keys": members}).encode()


def test_keys_are_found_by_their_names(path: Path) -> None:
    write(path, EDDSA.public_jwk, ES256.public_jwk)
    keys = JwksFile(path)
    found = keys.find("ec-1")
    assert found is not None
    assert (found.issuer, found.algorithm, found.revoked) == (ISSUER, Algorithm.ES256, False)
    assert keys.find("other") is None
    assert [key.key_id for key in keys.keys] == ["ed-1", "ec-1"]


def test_a_key_that_is_added_signs_at_once_and_one_that_is_removed_no_more(path: Path) -> None:
    keys = JwksFile(path)
    assert keys.find("ec-1") is None
    write(path, EDDSA.public_jwk, ES256.public_jwk)
    assert keys.find("ec-1") is not None
    write(path, ES256.public_jwk)
    assert keys.find("ed-1") is None


@pytest.mark.parametrize("value", [True, {"revoked_at": 1}, "false", 0, None, 1], ids=str)
def test_a_revocation_holds_at_once_however_it_is_written(path: Path, value: object) -> None:
    keys = JwksFile(path)
    write(path, {**EDDSA.public_jwk, "revoked": value})
    found = keys.find("ed-1")
    assert found is not None
    assert found.revoked
    write(path, {**EDDSA.public_jwk, "revoked": False})
    again = keys.find("ed-1")
    assert again is not None
    assert not again.revoked


def test_a_file_of_the_same_size_and_time_is_still_another(path: Path) -> None:
    """Clocks of file systems are coarse; a revocation must not wait for the next change."""
    keys, status = JwksFile(path), path.stat()
    write(path, {**EDDSA.public_jwk, "kid": "ed-2"})
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert keys.find("ed-1") is None
    assert keys.find("ed-2") is not None


def test_a_file_that_broke_opens_nothing_until_it_is_repaired(path: Path) -> None:
    """With the keys of before, a key that was just revoked would go on opening."""
    keys = JwksFile(path)
    path.write_text("{")
    for _ in range(2):
        with pytest.raises(IssuerKeyError):
            keys.find("ed-1")
    path.unlink()
    with pytest.raises(IssuerKeyError, match="No such file"):
        keys.find("ed-1")
    write(path, EDDSA.public_jwk)
    assert keys.find("ed-1") is not None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"d": "AA"}, "private key"),
        ({"kid": None}, "kid"),
        ({"kid": ""}, "kid"),
        ({"kid": "a" * 129}, "kid"),
        ({"iss": None}, "iss"),
        ({"iss": 7}, "iss"),
        ({"use": "enc"}, "signatures"),
        ({"key_ops": ["sign"]}, "signatures"),
        ({"alg": "ES256"}, "expected alg EdDSA"),
        ({"alg": ["EdDSA"]}, "expected alg EdDSA"),
        ({"crv": "Ed448"}, "Ed25519"),
        ({"crv": "X25519"}, "Ed25519"),
        ({"crv": ["Ed25519"]}, "Ed25519"),
        ({"kty": "oct"}, "Ed25519"),
        ({"x": "AA"}, "no point"),
        ({"x": 7}, "no point"),
        ({"x": "!!"}, "no point"),
    ],
    ids=str,
)
def test_one_wrong_key_refuses_the_file_and_says_what_was_expected(change: dict[str, Any], says: str) -> None:
    member = {name: value for name, value in {**EDDSA.public_jwk, **change}.items() if value is not None}
    message = refusal(of(ES256.public_jwk, member))
    assert "key 2" in message
    assert says in message


def test_a_point_that_is_not_on_the_curve_is_no_key() -> None:
    assert "no point" in refusal(of({**ES256.public_jwk, "x": ES256.public_jwk["y"]}))


@pytest.mark.parametrize(
    "key", [OctKey.generate_key(256), RSAKey.generate_key(2048), ECKey.generate_key("P-384")], ids=lambda k: k.key_type
)
def test_other_kinds_of_keys_are_refused(key: Any) -> None:
    values = key.as_dict(private=False) if key.key_type != "oct" else key.as_dict()
    assert "expected kty" in refusal(of({**values, "iss": ISSUER, "kid": "other"}))


def test_two_keys_of_one_name_are_refused() -> None:
    assert "unique" in refusal(of(EDDSA.public_jwk, {**ES256.public_jwk, "kid": "ed-1"}))


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"{}", b'{"keys": {}}', b'{"keys": [1]}', b"\xff", b"[" * 100_000, b" " * (MAX_BYTES + 1)],
    ids=lambda data: repr(data[:8]),
)
def test_what_is_no_jwks_is_refused(data: bytes) -> None:
    refusal(data)


def test_too_many_keys_are_refused() -> None:
    assert str(MAX_KEYS) in refusal(of(*[EDDSA.public_jwk] * (MAX_KEYS + 1)))


@given(
    st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "d", "kid", "iss", "use", "key_ops", "alg"]), st.text())
)
def test_no_key_raises_anything_but_an_issuer_key_error(member: dict[str, str]) -> None:
    for start in ({}, EDDSA.public_jwk, ES256.public_jwk):
        try:
            read_jwks(of({**start, **member}), "issuers.jwks")
        except IssuerKeyError as error:
            assert error.code is Code.ISSUER_KEYS_INVALID


# --- files of keys


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_signing_key_comes_back_from_its_file_that_nobody_else_can_read(tmp_path: Path, algorithm: Algorithm) -> None:
    made = SigningKey.generate(ISSUER, algorithm)
    file = tmp_path / "signing.jwk"
    write_signing_key(file, made)
    assert file.stat().st_mode & 0o777 == 0o600
    read = read_signing_key(file)
    assert (read, read.private_jwk) == (made, made.private_jwk)
    assert made.private_jwk["d"] not in repr(made)
    with pytest.raises(FileExistsError):
        write_signing_key(file, made)


def test_a_signing_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "signing.jwk"
    write_signing_key(file, EDDSA)
    file.chmod(0o640)
    with pytest.raises(IssuerKeyError, match="chmod 600") as caught:
        read_signing_key(file)
    assert caught.value.code is Code.ISSUER_KEY_UNSAFE


@pytest.mark.parametrize("text", ["", "{}", "[]", json.dumps(EDDSA.public_jwk)], ids=lambda text: text[:5])
def test_what_is_no_signing_key_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "signing.jwk"
    file.touch(0o600)
    file.write_text(text)
    with pytest.raises(IssuerKeyError) as caught:
        read_signing_key(file)
    assert caught.value.code is Code.ISSUER_KEYS_INVALID


def test_a_jwks_file_is_made_and_added_to_without_a_private_part(tmp_path: Path) -> None:
    file = tmp_path / "issuers.jwks"
    written_to(file, EDDSA.public_jwk)
    written_to(file, ES256.public_jwk)
    assert [key.key_id for key in JwksFile(file).keys] == ["ed-1", "ec-1"]
    assert '"d"' not in file.read_text()
    before = file.read_text()
    with pytest.raises(IssuerKeyError, match="unique"):
        written_to(file, EDDSA.public_jwk)
    assert file.read_text() == before
    assert list(tmp_path.iterdir()) == [file]
