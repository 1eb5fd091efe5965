"""A seal that opens where it should not gives a traveller's face to another flight, or a thief the whole store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.errors import Code, StorageFault
from gate.storage.seal import OVERHEAD_BYTES, Seal, derive, new_key

SEAL = Seal(new_key())


@settings(deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_was_sealed_opens_where_it_was_bound(plaintext: bytes, place: bytes) -> None:
    sealed = SEAL.seal(plaintext, place)
    assert SEAL.open(sealed, place) == plaintext
    assert len(sealed) == len(plaintext) + OVERHEAD_BYTES


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=60), st.data())
def test_any_changed_bit_is_found(plaintext: bytes, data: st.DataObject) -> None:
    sealed = bytearray(SEAL.seal(plaintext, b"here"))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(StorageFault) as broken:
        SEAL.open(bytes(sealed), b"here")
    assert broken.value.code is Code.SEAL_BROKEN


@pytest.mark.parametrize("length", [0, 5, 12, 27, 28, 31])
def test_a_cut_off_seal_is_broken_and_no_crash(length: int) -> None:
    with pytest.raises(StorageFault):
        SEAL.open(SEAL.seal(b"abcd", b"")[:length], b"")


def test_a_row_moved_to_another_traveller_does_not_open() -> None:
    sealed = SEAL.seal(b"template", b"XX1/ref-1")
    with pytest.raises(StorageFault):
        SEAL.open(sealed, b"XX1/ref-2")


def test_another_flights_key_does_not_open_it() -> None:
    with pytest.raises(StorageFault):
        Seal(new_key()).open(SEAL.seal(b"template", b""), b"")


def test_the_same_text_never_looks_the_same() -> None:
    """Guards against a nonce that repeats: two seals under one nonce give the plaintexts away."""
    assert len({SEAL.seal(b"same", b"")[:12] for _ in range(2000)}) == 2000


def test_derived_keys_differ_by_purpose_and_by_key() -> None:
    key = new_key()
    assert len({derive(key, "a"), derive(key, "b"), derive(new_key(), "a"), key}) == 4
    assert derive(key, "a") == Seal(key).derived("a")


def test_hkdf_is_the_standards() -> None:
    """RFC 5869 over HMAC-SHA256 written out: guards stores against another derivation after a change of library."""
    import hashlib
    import hmac

    key = bytes(range(32))
    extracted = hmac.digest(bytes(32), key, hashlib.sha256)
    assert derive(key, "seal") == hmac.digest(extracted, b"egate/seal\x01", hashlib.sha256)


def test_a_seal_never_shows_its_key() -> None:
    key = new_key()
    assert key.hex() not in repr(Seal(key))
    with pytest.raises(ValueError, match="32"):
        Seal(key[:16])


def test_one_seal_serves_many_threads() -> None:
    sealed = [SEAL.seal(b"%d" % number, b"%d" % number) for number in range(2000)]
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda number: SEAL.open(sealed[number], b"%d" % number), range(2000)))
    assert opened == [b"%d" % number for number in range(2000)]
