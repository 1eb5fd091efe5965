"""What every memory of used tokens must do: a token that opens twice is a copy that opened."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate.claims.replay import MemoryUsedTokens, StoredUsedTokens, UsedTokens
from gate.errors import ClaimError, Code
from gate.storage.database import Database
from gate.storage.keys import MasterKey

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
LIMIT = 5


def in_memory(_folder: Path) -> Iterator[UsedTokens]:
    yield MemoryUsedTokens(LIMIT)


def in_a_store(folder: Path) -> Iterator[UsedTokens]:
    with Database.open(folder / "egate.db", MasterKey.generate()) as database:
        yield StoredUsedTokens(database, LIMIT)


@pytest.fixture(params=[in_memory, in_a_store])
def used(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[UsedTokens]:
    made: Callable[[Path], Iterator[UsedTokens]] = request.param
    yield from made(tmp_path)


def test_a_token_is_taken_once(used: UsedTokens) -> None:
    assert used.take("a", "1", LATER, NOW)
    assert not used.take("a", "1", LATER, NOW)
    assert not used.take("a", "1", LATER, LATER - timedelta(microseconds=1))


def test_issuers_do_not_share_their_ids(used: UsedTokens) -> None:
    """Nor may an issuer's name and an id run into another pair: `ab` + `c` is not `a` + `bc`."""
    assert used.take("a", "bc", LATER, NOW)
    assert used.take("ab", "c", LATER, NOW)
    assert used.take("b", "bc", LATER, NOW)


def test_a_token_that_did_not_open_may_be_used_again(used: UsedTokens) -> None:
    assert used.take("a", "1", LATER, NOW)
    used.give_back("a", "1")
    used.give_back("a", "never taken")
    assert used.take("a", "1", LATER, NOW)


def test_a_token_is_forgotten_when_it_has_expired_and_not_before(used: UsedTokens) -> None:
    for number in range(LIMIT):
        assert used.take("a", str(number), NOW + timedelta(minutes=number + 1), NOW)
    assert not used.take("a", "1", LATER, NOW + timedelta(minutes=1, seconds=59))
    assert used.take("a", "1", LATER, NOW + timedelta(minutes=2))


def test_none_is_forgotten_early_to_make_room(used: UsedTokens) -> None:
    """Else somebody with many valid tokens could push one out and use it again."""
    for number in range(LIMIT):
        assert used.take("a", str(number), LATER, NOW)
    with pytest.raises(ClaimError) as caught:
        used.take("a", "one more", LATER, NOW)
    assert caught.value.code is Code.TOKENS_FULL
    assert not used.take("a", "0", LATER, NOW)
    assert used.take("a", "one more", LATER + timedelta(hours=1), LATER)


def test_of_two_lanes_at_the_same_moment_one_opens(used: UsedTokens) -> None:
    taken: list[bool] = []
    together = threading.Barrier(4)

    def lane() -> None:
        together.wait()
        taken.append(used.take("a", "1", LATER, NOW))

    lanes = [threading.Thread(target=lane) for _ in range(4)]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    assert sorted(taken) == [False, False, False, True]


def test_a_restart_forgets_nothing_that_is_stored(tmp_path: Path) -> None:
    key = MasterKey.generate()
    with Database.open(tmp_path / "egate.db", key) as database:
        assert StoredUsedTokens(database).take("https://issuer.example", "a-token-id-of-20-ch", LATER, NOW)
    with Database.open(tmp_path / "egate.db", key) as database:
        again = StoredUsedTokens(database)
        assert len(again) == 1
        assert not again.take("https://issuer.example", "a-token-id-of-20-ch", LATER, NOW)
    assert b"a-token-id" not in (tmp_path / "egate.db").read_bytes()
