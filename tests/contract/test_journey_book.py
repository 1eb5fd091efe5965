"""What every book of journeys must do: a pass that is lost lets somebody through twice, one left over is personal."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gate.audit.event import EventKind
from gate.audit.journal import Journal, MemoryJournal, SealedJournal
from gate.errors import Code, StorageFault
from gate.gallery.gallery import Change, Gallery
from gate.gallery.journey import EMPTY, Journey
from gate.gallery.memory import MemoryGallery
from gate.gallery.receipt import Place, Why
from gate.gallery.sealed import SealedGallery
from gate.gallery.traveller import Traveller
from gate.storage.database import Database
from gate.storage.keys import MasterKey
from gate.vision.probe import MaskState, Probe
from tests.gallery.fakes import StandingClock

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PACK = "test-pack"
KEY = MasterKey.generate()


@pytest.fixture(params=["memory", "sealed"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Gallery, Journal]]:
    with ExitStack() as stack:
        if request.param == "memory":
            journal = MemoryJournal()
            yield MemoryGallery(PACK, journal=journal, clock=StandingClock(NOW)), journal
        else:
            database = stack.enter_context(Database.open(tmp_path / "egate.db", KEY))
            sealed = SealedJournal(database)
            yield SealedGallery(PACK, database, sealed, clock=StandingClock(NOW)), sealed


@pytest.fixture
def gallery(kept: tuple[Gallery, Journal]) -> Gallery:
    return kept[0]


def face(seed: int) -> Probe:
    vector = np.random.default_rng(seed).normal(size=64).astype(np.float32)
    return Probe(vector / np.linalg.norm(vector), MaskState.NONE, PACK, {})


def expect(gallery: Gallery, *references: str, flight: str = "CX1") -> None:
    for seed, reference in enumerate(references):
        gallery.enrol(Traveller(reference, flight, NOW + timedelta(hours=4)), face(seed))


def go(gallery: Gallery, reference: str, touchpoint: str, flight: str = "CX1", minutes: int = 0) -> bool:
    """Passes; whether the traveller is expected."""
    with gallery.journeys.opened(reference, [flight]) as pages:
        for page in pages.values():
            page.journey = page.journey.passing(touchpoint, NOW + timedelta(minutes=minutes))
        return flight in pages


def test_what_was_passed_is_known_in_order_and_by_flight(gallery: Gallery) -> None:
    expect(gallery, "a", "b")
    expect(gallery, "a", flight="CX2")
    assert go(gallery, "a", "security")
    assert go(gallery, "a", "border", minutes=10)
    assert [made.touchpoint for made in gallery.journeys.read("a", "CX1").passes] == ["security", "border"]
    assert gallery.journeys.read("a", "CX1").last("border") == NOW + timedelta(minutes=10)
    assert gallery.journeys.read("b", "CX1") == gallery.journeys.read("a", "CX2") == EMPTY


def test_somebody_who_is_not_expected_has_no_page(gallery: Gallery) -> None:
    """Else a record would stay behind that no destruction ever looks for."""
    expect(gallery, "a")
    assert not go(gallery, "stranger", "security")
    assert not go(gallery, "a", "security", flight="CX9")
    gallery.withdraw("a", "CX1")
    assert not go(gallery, "a", "security")
    assert gallery.journeys.read("a", "CX1") == EMPTY


def test_a_block_that_raises_changes_nothing(gallery: Gallery) -> None:
    expect(gallery, "a")
    with pytest.raises(RuntimeError, match="broke"), gallery.journeys.opened("a", ["CX1"]) as pages:
        pages["CX1"].journey = pages["CX1"].journey.passing("security", NOW)
        raise RuntimeError("broke")
    assert gallery.journeys.read("a", "CX1") == EMPTY
    assert go(gallery, "a", "security"), "the book is locked for good"


def test_who_has_passed_a_touchpoint_is_found(gallery: Gallery) -> None:
    expect(gallery, "a", "b", "c")
    expect(gallery, "a", flight="CX2")
    go(gallery, "a", "boarding", "CX2")
    go(gallery, "b", "security")
    go(gallery, "c", "boarding")
    assert set(gallery.journeys.having_passed("boarding")) == {("a", "CX2"), ("c", "CX1")}


@pytest.mark.parametrize("why", ["withdrawn", "expired", "closed", "cancelled"])
def test_a_journey_goes_with_its_traveller_and_is_counted(kept: tuple[Gallery, Journal], why: str) -> None:
    gallery, journal = kept
    expect(gallery, "a", "b")
    go(gallery, "a", "security")
    go(gallery, "a", "border", minutes=10)
    go(gallery, "b", "security")
    if why == "withdrawn":
        receipt, journeys = gallery.withdraw("a", None, Why.BOARDED), 1
    elif why == "expired":
        (receipt,), journeys = gallery.expire(NOW + timedelta(hours=5)), 2
    elif why == "closed":
        receipt, journeys = gallery.close_flight("CX1"), 2
    else:
        applied, journeys = gallery.apply(Change(remove=(("a", "CX1"),))), 1
        assert applied.receipt is not None
        receipt = applied.receipt
    place = Place.STORE if isinstance(gallery, SealedGallery) else Place.MEMORY
    assert {where: counts.journeys for where, counts in receipt.before.items()} == {
        **dict.fromkeys(Place, 0),
        place: journeys,
    }
    assert receipt.complete
    entry = [entry for entry in journal.entries() if entry.kind == EventKind.DESTRUCTION][-1]
    assert (entry.facts["journeys_before"], entry.facts["journeys_after"]) == (journeys, 0)
    assert gallery.journeys.read("a", "CX1") == EMPTY
    assert [who for who, _ in gallery.journeys.having_passed("security")] == (["b"] if journeys == 1 else [])


def test_a_traveller_who_comes_back_begins_anew(gallery: Gallery) -> None:
    """A flight that was closed and loaded again must not inherit what others of those names have passed."""
    expect(gallery, "a")
    go(gallery, "a", "security")
    gallery.close_flight("CX1")
    expect(gallery, "a")
    assert gallery.journeys.read("a", "CX1") == EMPTY


def test_an_update_keeps_the_journey(gallery: Gallery) -> None:
    """A manifest that comes again, or another photograph, is no reason to go through security again."""
    expect(gallery, "a")
    go(gallery, "a", "security")
    gallery.apply(Change(put=(Traveller("a", "CX1", NOW + timedelta(hours=6)),)))
    gallery.enrol(Traveller("a", "CX1", NOW + timedelta(hours=5)), face(7))
    assert gallery.journeys.read("a", "CX1").last("security") == NOW


def test_pages_are_opened_one_after_the_other(gallery: Gallery) -> None:
    """Two lanes that both read before either writes would both open."""
    expect(gallery, "a")
    together, first = threading.Barrier(8), []

    def lane() -> None:
        together.wait()
        with gallery.journeys.opened("a", ["CX1"]) as pages:
            if pages["CX1"].journey == EMPTY:
                first.append(threading.get_ident())
                pages["CX1"].journey = pages["CX1"].journey.passing("security", NOW)

    lanes = [threading.Thread(target=lane) for _ in range(8)]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    assert len(first) == 1


def test_nobody_opens_what_is_open(gallery: Gallery) -> None:
    expect(gallery, "a")
    entered = threading.Event()

    def lane() -> None:
        with gallery.journeys.opened("a", ["CX1"]):
            entered.set()

    other = threading.Thread(target=lane)
    with gallery.journeys.opened("a", ["CX1"]):
        other.start()
        assert not entered.wait(0.2)
    other.join()
    assert entered.is_set()


def test_several_flights_change_together_or_not_at_all(gallery: Gallery) -> None:
    expect(gallery, "a")
    expect(gallery, "a", flight="CX2")
    with gallery.journeys.opened("a", ["CX1", "CX2", "CX9"]) as pages:
        assert set(pages) == {"CX1", "CX2"}
        for page in pages.values():
            page.journey = page.journey.passing("security", NOW)
    both = [gallery.journeys.read("a", flight).last("security") for flight in ("CX1", "CX2")]
    assert both == [NOW, NOW]
    with pytest.raises(RuntimeError, match="broke"), gallery.journeys.opened("a", ["CX1", "CX2"]) as pages:
        for page in pages.values():
            page.journey = page.journey.passing("border", NOW)
        raise RuntimeError("broke")
    assert [gallery.journeys.read("a", flight).last("border") for flight in ("CX1", "CX2")] == [None, None]


def test_a_pass_and_a_withdrawal_at_once_leave_nothing(gallery: Gallery) -> None:
    """Whatever the order, no journey outlives its traveller."""
    for number in range(20):
        expect(gallery, "a", "b")
        together = threading.Barrier(2)

        def lane(together: threading.Barrier = together) -> None:
            together.wait()
            go(gallery, "a", "security")

        passing = threading.Thread(target=lane)
        passing.start()
        together.wait()
        receipt = gallery.withdraw("a", "CX1")
        passing.join()
        assert receipt.complete, number
        assert gallery.journeys.read("a", "CX1") == EMPTY
        assert gallery.journeys.having_passed("security") == ()


def test_a_restart_forgets_nothing_and_a_thief_reads_nothing(tmp_path: Path) -> None:
    path = tmp_path / "egate.db"
    with Database.open(path, KEY) as database:
        gallery = SealedGallery(PACK, database, SealedJournal(database), clock=StandingClock(NOW))
        expect(gallery, "the-reference-of-a", "b")
        go(gallery, "the-reference-of-a", "security")
        go(gallery, "the-reference-of-a", "border", minutes=10)
        kept = gallery.journeys.read("the-reference-of-a", "CX1")
    assert len(kept.passes) == 2
    content = path.read_bytes()
    assert not [word for word in (b"the-reference-of-a", b"security", b"border") if word in content]
    with Database.open(path, KEY) as database:
        gallery = SealedGallery(PACK, database, SealedJournal(database), clock=StandingClock(NOW))
        gallery.restore()
        assert gallery.journeys.read("the-reference-of-a", "CX1") == kept
        assert gallery.journeys.having_passed("border") == (("the-reference-of-a", "CX1"),)


def test_a_journey_moved_to_another_traveller_does_not_open(tmp_path: Path) -> None:
    """A thief at the disk gives somebody who went through security the row of somebody who did not."""
    with Database.open(tmp_path / "egate.db", KEY) as database:
        gallery = SealedGallery(PACK, database, SealedJournal(database), clock=StandingClock(NOW))
        expect(gallery, "a", "b")
        go(gallery, "a", "security")
        with database.transaction() as connection:
            connection.execute(
                "INSERT INTO journeys SELECT t.flight, t.tag, j.sealed FROM travellers t, journeys j"
                " WHERE t.tag != j.tag"
            )
        assert gallery.journeys.read("a", "CX1") != EMPTY
        with pytest.raises(StorageFault) as broken:
            gallery.journeys.read("b", "CX1")
        assert broken.value.code is Code.SEAL_BROKEN


def test_a_store_of_before_there_were_journeys_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "egate.db"
    with Database.open(path, KEY) as database:
        expect(SealedGallery(PACK, database, SealedJournal(database), clock=StandingClock(NOW)), "a")
        with database.transaction() as connection:
            connection.execute("DROP TABLE journeys")
    with Database.open(path, KEY) as database:
        gallery = SealedGallery(PACK, database, SealedJournal(database), clock=StandingClock(NOW))
        gallery.restore()
        assert go(gallery, "a", "security")
        assert isinstance(gallery.journeys.read("a", "CX1"), Journey)
