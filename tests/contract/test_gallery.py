"""What every gallery must do: the one in memory, the one with a sealed store, and the plainest imaginable one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gate.audit.journal import MemoryJournal, SealedJournal
from gate.errors import Code, EnrolmentError, GateError, NotFoundError
from gate.fingerprint.packed import pack
from gate.fingerprint.template import FingerPosition, FingerTemplate
from gate.gallery.gallery import MAX_TEMPLATES, Change, Enrolment, Gallery
from gate.gallery.hands import MAX_FINGERS, MAX_VIEWS
from gate.gallery.memory import MemoryGallery
from gate.gallery.receipt import Place, Why
from gate.gallery.sealed import SealedGallery
from gate.gallery.traveller import Particulars, TravelDocument, Traveller
from gate.storage.database import Database
from gate.storage.keys import MasterKey
from gate.vision.probe import MaskState, Probe
from tests.fingerprint.fingers import finger
from tests.gallery.fakes import ListGallery, StandingClock

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PACK = "test-pack"
CLOSE = 0.9
"""Similarity from which the galleries mark lookalikes here."""

GalleryMaker = Callable[[str], Gallery]


@pytest.fixture(params=["memory", "sealed", "fake"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GalleryMaker]:
    with ExitStack() as stack:

        def sealed(pack: str) -> Gallery:
            database = stack.enter_context(Database.open(tmp_path / "egate.db", MasterKey.generate()))
            clock = StandingClock(NOW)
            return SealedGallery(pack, database, SealedJournal(database), clock=clock, lookalike_similarity=CLOSE)

        makers: dict[str, GalleryMaker] = {
            "memory": lambda pack: MemoryGallery(
                pack, journal=MemoryJournal(), clock=StandingClock(NOW), lookalike_similarity=CLOSE
            ),
            "sealed": sealed,
            "fake": lambda pack: ListGallery(pack, lookalike_similarity=CLOSE),
        }
        yield makers[request.param]


@pytest.fixture
def gallery(make: GalleryMaker) -> Gallery:
    return make(PACK)


def face(seed: int, towards: Probe | None = None, pack: str = PACK, away: float = 0.3) -> Probe:
    vector = np.random.default_rng(seed).normal(size=64)
    if towards is not None:
        vector = vector / np.linalg.norm(vector) * away + towards.embedding
    unit = (vector / np.linalg.norm(vector)).astype(np.float32)
    return Probe(unit, MaskState.NONE, pack, {})


def traveller(reference: str, flight: str = "CX1", hours: float = 4, *documents: str) -> Traveller:
    return Traveller(reference, flight, NOW + timedelta(hours=hours), tuple(TravelDocument(d) for d in documents))


def test_the_most_similar_traveller_comes_first(gallery: Gallery) -> None:
    for seed in range(30):
        gallery.enrol(traveller(f"t{seed}", f"F{seed % 3}"), face(seed))
    candidates = gallery.snapshot().search(face(99, towards=face(7)), NOW)
    assert candidates.ranked[0].traveller.reference == "t7"
    assert candidates.gallery_size == candidates.comparisons == 30
    similarities = [c.similarity for c in candidates.ranked]
    assert similarities == sorted(similarities, reverse=True)


def test_both_galleries_rank_alike() -> None:
    galleries: list[Gallery] = [MemoryGallery(PACK), ListGallery(PACK)]
    for seed in range(40):
        for gallery in galleries:
            gallery.enrol(traveller(f"t{seed % 25}", f"F{seed % 4}", hours=1 + seed % 5), face(seed))
    for hours in (0.5, 2.5, 4.5):
        answers = [
            [
                (c.traveller.flight, c.traveller.reference, round(c.similarity, 5))
                for c in g.snapshot().search(face(5), NOW + timedelta(hours=hours)).ranked
            ]
            for g in galleries
        ]
        assert answers[0] == answers[1]


def test_a_flight_limits_the_search(gallery: Gallery) -> None:
    gallery.enrol(traveller("a", "CX1"), face(1))
    gallery.enrol(traveller("b", "CX2"), face(2))
    candidates = gallery.snapshot().search(face(1), NOW, flight="CX2")
    assert [c.traveller.reference for c in candidates.ranked] == ["b"]
    assert gallery.snapshot().search(face(1), NOW, flight="CX9").comparisons == 0


def test_an_expired_traveller_is_not_found_and_not_counted(gallery: Gallery) -> None:
    gallery.enrol(traveller("early", hours=1), face(1))
    gallery.enrol(traveller("late", hours=3), face(2))
    candidates = gallery.snapshot().search(face(1), NOW + timedelta(hours=1))
    assert [c.traveller.reference for c in candidates.ranked] == ["late"]
    assert candidates.gallery_size == 1
    assert gallery.snapshot().search(face(1), NOW + timedelta(hours=3)).comparisons == 0


def test_a_traveller_with_several_photographs_is_one_candidate_with_the_best_similarity(gallery: Gallery) -> None:
    for seed in (1, 2, 3):
        gallery.enrol(traveller("many"), face(seed))
    gallery.enrol(traveller("one"), face(4))
    candidates = gallery.snapshot().search(face(2), NOW)
    assert [c.traveller.reference for c in candidates.ranked] == ["many", "one"]
    assert candidates.ranked[0].similarity == pytest.approx(1, abs=1e-5)
    assert (candidates.gallery_size, candidates.comparisons) == (2, 4)


def test_enrolling_the_same_photograph_twice_changes_only_expiry_and_documents(gallery: Gallery) -> None:
    assert gallery.enrol(traveller("a", hours=1), face(1)) is Enrolment.ENROLLED
    assert gallery.enrol(traveller("a", "CX1", 2, "P1"), face(1)) is Enrolment.ALREADY_ENROLLED
    later = NOW + timedelta(hours=1.5)
    assert gallery.describe(later, None).templates == 1
    assert gallery.snapshot().find_document("P1", "", later, None)


def test_templates_are_limited_and_a_refused_one_changes_nothing(gallery: Gallery) -> None:
    for seed in range(MAX_TEMPLATES):
        gallery.enrol(traveller("a"), face(seed))
    with pytest.raises(EnrolmentError) as refused:
        gallery.enrol(traveller("a"), face(100))
    assert refused.value.code is Code.TEMPLATES_FULL
    assert gallery.describe(NOW, None).templates == MAX_TEMPLATES


def test_another_packs_template_or_probe_is_refused(gallery: Gallery) -> None:
    with pytest.raises(GateError) as enrolling:
        gallery.enrol(traveller("a"), face(1, pack="other"))
    with pytest.raises(GateError) as searching:
        gallery.snapshot().search(face(1, pack="other"), NOW)
    assert enrolling.value.code is searching.value.code is Code.PACK_MISMATCH


def test_a_withdrawn_traveller_is_in_no_later_snapshot(gallery: Gallery) -> None:
    gallery.enrol(traveller("a", "CX1"), face(1))
    gallery.enrol(traveller("a", "CX2"), face(1))
    gallery.enrol(traveller("b", "CX2"), face(2))
    assert gallery.withdraw("a", "CX1").templates == 1
    assert {c.traveller.flight for c in gallery.snapshot().search(face(1), NOW).ranked} == {"CX2"}
    assert gallery.withdraw("a", None).templates == 1
    assert [c.traveller.reference for c in gallery.snapshot().search(face(1), NOW).ranked] == ["b"]
    with pytest.raises(NotFoundError):
        gallery.withdraw("a", None)


def test_a_snapshot_taken_before_a_withdrawal_still_answers(gallery: Gallery) -> None:
    gallery.enrol(traveller("a"), face(1))
    before = gallery.snapshot()
    gallery.withdraw("a", None)
    assert before.search(face(1), NOW).ranked[0].traveller.reference == "a"


def test_closing_a_flight_leaves_nothing_of_it(gallery: Gallery) -> None:
    for seed in range(5):
        gallery.enrol(traveller(f"t{seed}", "CX1"), face(seed))
    gallery.enrol(traveller("other", "CX2"), face(9))
    removal = gallery.close_flight("CX1")
    assert (removal.travellers, removal.templates, removal.remaining) == (5, 5, 0)
    assert [f.flight for f in gallery.describe(NOW, None).flights] == ["CX2"]
    with pytest.raises(NotFoundError):
        gallery.close_flight("CX1")


def test_expiry_takes_templates_out_of_memory(gallery: Gallery) -> None:
    gallery.enrol(traveller("early", hours=1), face(1))
    gallery.enrol(traveller("late", hours=3), face(2))
    assert [receipt.travellers for receipt in gallery.expire(NOW + timedelta(hours=2))] == [1]
    # Asked about a time when it was still alive: it is gone, not merely hidden.
    assert gallery.describe(NOW, None).travellers == 1
    generation = gallery.snapshot().generation
    assert not gallery.expire(NOW + timedelta(hours=2))
    assert gallery.snapshot().generation == generation


def test_a_removal_gives_a_receipt_of_what_was_there_and_is_not_any_more(gallery: Gallery) -> None:
    for seed in range(3):
        gallery.enrol(traveller(f"t{seed}", "CX1"), face(seed))
    gallery.enrol(traveller("t0", "CX1"), face(10))
    gallery.apply(Change(put=(traveller("bare", "CX1"),)))
    one = gallery.withdraw("t0", None, Why.CONSENT_WITHDRAWN)
    assert (one.flight, one.why, one.travellers, one.templates) == ("CX1", Why.CONSENT_WITHDRAWN, 1, 2)
    rest = gallery.close_flight("CX1", Why.BOARDED)
    assert (rest.why, rest.before[Place.INDEX].travellers, rest.templates) == (Why.BOARDED, 3, 2)
    assert one.complete and rest.complete
    assert rest.generation > one.generation


def test_a_removal_over_several_flights_is_one_receipt(gallery: Gallery) -> None:
    for flight in ("CX1", "CX2"):
        gallery.enrol(traveller("a", flight), face(1))
    receipt = gallery.withdraw("a", None)
    assert (receipt.flight, receipt.travellers, receipt.templates, receipt.complete) == (None, 2, 2, True)


def test_expiry_gives_a_receipt_a_flight(gallery: Gallery) -> None:
    for seed in range(6):
        gallery.enrol(traveller(f"t{seed}", f"CX{seed % 3}", hours=1 + seed % 3), face(seed))
    receipts = gallery.expire(NOW + timedelta(hours=2))
    assert {(r.flight, r.why, r.travellers) for r in receipts} == {
        ("CX0", Why.EXPIRED, 2),
        ("CX1", Why.EXPIRED, 2),
    }
    assert all(receipt.complete for receipt in receipts)


def test_a_message_adds_updates_and_removes_at_once(gallery: Gallery) -> None:
    """A half-applied message leaves somebody expected whom the carrier has taken off the list."""
    gallery.enrol(traveller("stays"), face(1))
    gallery.enrol(traveller("goes"), face(2))
    document = TravelDocument("P1", "UTO", date(2030, 1, 1))
    told = Particulars("FUENTES", "ALMA", date(1990, 2, 3), face_consent=False)
    put = (
        replace(traveller("stays", "CX1", 2), documents=(document,), particulars=told),
        traveller("new", "CX1", 4, "P2"),
    )
    applied = gallery.apply(Change(put, (("goes", "CX1"), ("unknown", "CX1"), ("stays", "CX9")), Why.NOT_ON_BOARD))
    assert (applied.added, applied.updated, applied.removed) == (1, 1, 1)
    assert applied.receipt is not None
    assert (applied.receipt.why, applied.receipt.travellers, applied.receipt.complete) == (Why.NOT_ON_BOARD, 1, True)
    snapshot = gallery.snapshot()
    assert snapshot.generation == applied.generation
    (stays,) = snapshot.find_document("P1", "UTO", NOW, None)
    assert (stays.traveller, len(stays.templates)) == (put[0], 1)
    assert [c.traveller.reference for c in snapshot.search(face(2), NOW).ranked] == ["stays"]


def test_the_same_message_twice_changes_nothing(gallery: Gallery) -> None:
    change = Change(tuple(traveller(f"t{i}", f"CX{i % 2}", 4, f"P{i}") for i in range(10)), (("gone", "CX1"),))
    gallery.apply(change)
    generation = gallery.snapshot().generation
    again = gallery.apply(change)
    assert (again.added, again.updated, again.removed, again.receipt) == (0, 0, 0, None)
    assert gallery.snapshot().generation == again.generation == generation


def test_who_is_removed_and_put_by_one_message_begins_anew(gallery: Gallery) -> None:
    gallery.enrol(traveller("a"), face(1))
    applied = gallery.apply(Change((traveller("a"),), (("a", "CX1"),)))
    assert (applied.added, applied.updated, applied.removed) == (1, 0, 1)
    assert gallery.snapshot().search(face(1), NOW).comparisons == 0


def test_somebody_without_a_photograph_is_claimed_but_never_searched_for(gallery: Gallery) -> None:
    """Taken for an unknown claim, a listed traveller would be sent away instead of asked for a fingerprint."""
    gallery.enrol(traveller("seen"), face(1))
    gallery.apply(Change((traveller("expected", "CX1", 4, "P1"),)))
    snapshot = gallery.snapshot()
    searched = snapshot.search(face(2), NOW)
    assert [c.traveller.reference for c in searched.ranked] == ["seen"]
    assert (searched.gallery_size, searched.comparisons, searched.without_template) == (1, 1, 1)
    for claimed in (snapshot.find_document("P1", "", NOW, None), snapshot.find_reference("expected", NOW, "CX1")):
        compared = snapshot.compare(face(2), claimed, NOW)
        assert (compared.ranked, compared.gallery_size, compared.without_template) == ((), 0, 1)
    unknown = snapshot.compare(face(2), snapshot.find_reference("nobody", NOW, None), NOW)
    assert (unknown.ranked, unknown.without_template) == ((), 0)
    described = gallery.describe(NOW, "CX1").flights[0]
    assert (described.travellers, described.templates, described.without_template) == (2, 1, 1)
    assert gallery.enrol(traveller("expected", "CX1", 4, "P1"), face(2)) is Enrolment.ENROLLED
    assert gallery.snapshot().search(face(2), NOW).ranked[0].traveller.reference == "expected"


def test_an_enrolment_keeps_what_the_manifest_said(gallery: Gallery) -> None:
    told = Particulars("FUENTES", "ALMA")
    gallery.apply(Change((replace(traveller("a"), particulars=told),)))
    gallery.enrol(traveller("a"), face(1))
    gallery.enrol(traveller("a", hours=2), face(2))
    (entry,) = gallery.snapshot().find_reference("a", NOW, None)
    assert entry.traveller.particulars == told


def test_lookalikes_are_marked_both_ways_and_only_in_the_scope_searched(gallery: Gallery) -> None:
    """Twins, or one photograph under two references: either could pass as the other."""
    gallery.enrol(traveller("one", "CX1", 2), face(1))
    gallery.enrol(traveller("twin", "CX2", 4), face(9, towards=face(1), away=0.2))
    gallery.enrol(traveller("copy", "CX1", 4), face(1))
    gallery.enrol(traveller("other", "CX1", 4), face(2))

    def marks(hours: float = 0, flight: str | None = None) -> dict[str, set[str]]:
        ranked = gallery.snapshot().search(face(1), NOW + timedelta(hours=hours), flight=flight).ranked
        return {candidate.traveller.reference: set(candidate.lookalikes) for candidate in ranked}

    everybody = {"one": {"twin", "copy"}, "twin": {"one", "copy"}, "copy": {"one", "twin"}, "other": set()}
    assert marks() == everybody
    assert marks(flight="CX1") == {"one": {"copy"}, "copy": {"one"}, "other": set()}
    assert marks(hours=3) == {"twin": {"copy"}, "copy": {"twin"}, "other": set()}
    gallery.withdraw("copy", None)
    assert marks(hours=3) == {"twin": set(), "other": set()}
    assert marks() == {"one": {"twin"}, "twin": {"one"}, "other": set()}


def test_one_person_on_two_flights_is_no_lookalike(gallery: Gallery) -> None:
    for flight in ("CX1", "CX2"):
        gallery.enrol(traveller("a", flight), face(1))
    assert not any(candidate.lookalikes for candidate in gallery.snapshot().search(face(1), NOW).ranked)


def test_a_document_is_claimed_by_number_and_state(gallery: Gallery) -> None:
    gallery.enrol(Traveller("a", "CX1", NOW + timedelta(hours=1), (TravelDocument("X1", "UTO"),)), face(1))
    gallery.enrol(Traveller("b", "CX1", NOW + timedelta(hours=1), (TravelDocument("X1", "ATA"),)), face(2))
    snapshot = gallery.snapshot()
    found = snapshot.find_document("X1", "ATA", NOW, None)
    assert [e.traveller.reference for e in found] == ["b"]
    assert len(snapshot.find_document("X1", "", NOW, None)) == 2
    candidates = snapshot.compare(face(2), found, NOW)
    assert (candidates.gallery_size, candidates.comparisons) == (1, 1)
    assert snapshot.compare(face(2), found, NOW + timedelta(hours=2)).comparisons == 0


def test_searches_while_others_write_see_whole_snapshots(gallery: Gallery) -> None:
    """FAISS is not safe against concurrent add and remove: a torn index would crash or lose the stayer."""
    gallery.enrol(traveller("stays", "CX0"), face(0))
    stop, failures = threading.Event(), []

    def search() -> None:
        while not stop.is_set():
            if gallery.snapshot().search(face(0), NOW).ranked[0].traveller.reference != "stays":
                failures.append("lost")

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for seed in range(1, 60):
        gallery.enrol(traveller(f"t{seed}", f"CX{seed % 2}"), face(seed))
        if seed % 3 == 0:
            gallery.withdraw(f"t{seed}", None)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures


INDEX = FingerPosition.RIGHT_INDEX


def print_of(seed: int, position: FingerPosition = INDEX, extractor: str = "test-1") -> FingerTemplate:
    return replace(finger(seed), finger=position, extractor=extractor)


def seen(gallery: Gallery, reference: str, flight: str = "CX1") -> list[bytes]:
    return [pack(one) for one in gallery.snapshot().fingers(reference, flight)]


def test_fingers_hang_on_the_traveller_of_one_flight(gallery: Gallery) -> None:
    gallery.apply(Change((traveller("a"), traveller("a", "CX2"), traveller("b"))))
    prints = [print_of(1), print_of(2, FingerPosition.LEFT_THUMB)]
    for one in prints:
        assert gallery.enrol_finger("a", "CX1", one) is Enrolment.ENROLLED
    assert seen(gallery, "a") == [pack(one) for one in prints]
    assert seen(gallery, "a", "CX2") == seen(gallery, "b") == seen(gallery, "nobody", "CX9") == []


def test_a_finger_of_nobody_who_is_expected_is_refused(gallery: Gallery) -> None:
    gallery.apply(Change((traveller("a"),)))
    for reference, flight in (("b", "CX1"), ("a", "CX2")):
        with pytest.raises(NotFoundError) as unknown:
            gallery.enrol_finger(reference, flight, print_of(1))
        assert unknown.value.code is Code.TRAVELLER_UNKNOWN


def test_the_same_finger_twice_is_one(gallery: Gallery) -> None:
    gallery.apply(Change((traveller("a"),)))
    gallery.enrol_finger("a", "CX1", print_of(1))
    assert gallery.enrol_finger("a", "CX1", print_of(1)) is Enrolment.ALREADY_ENROLLED
    assert len(seen(gallery, "a")) == 1


def test_fingers_are_limited_and_a_refused_one_changes_nothing(gallery: Gallery) -> None:
    gallery.apply(Change((traveller("a"),)))
    for seed in range(MAX_VIEWS):
        gallery.enrol_finger("a", "CX1", print_of(seed))
    with pytest.raises(EnrolmentError) as refused:
        gallery.enrol_finger("a", "CX1", print_of(50))
    assert refused.value.code is Code.TEMPLATES_FULL
    positions = [position for position in FingerPosition if position is not INDEX]
    for seed, position in enumerate(positions[: MAX_FINGERS - MAX_VIEWS]):
        gallery.enrol_finger("a", "CX1", print_of(seed, position))
    with pytest.raises(EnrolmentError):
        gallery.enrol_finger("a", "CX1", print_of(50, positions[-1]))
    assert len(seen(gallery, "a")) == MAX_FINGERS
    # Those of an extractor that is gone from this engine must not stand in the way of those that it can compare.
    assert gallery.enrol_finger("a", "CX1", print_of(1, extractor="test-2")) is Enrolment.ENROLLED


def test_fingers_go_with_their_traveller_and_are_counted(gallery: Gallery) -> None:
    gallery.apply(Change((traveller("a"), traveller("b"), traveller("early", hours=1), traveller("c", "CX2"))))
    for who, flight in (("a", "CX1"), ("a", "CX1"), ("b", "CX1"), ("early", "CX1"), ("c", "CX2")):
        gallery.enrol_finger(who, flight, print_of(len(seen(gallery, who, flight))))
    receipts = [gallery.withdraw("a", None), *gallery.expire(NOW + timedelta(hours=2)), gallery.close_flight("CX1")]
    assert [receipt.before[Place.INDEX].fingers for receipt in receipts] == [2, 1, 1]
    assert all(receipt.complete for receipt in receipts)
    assert [seen(gallery, who) for who in ("a", "b", "early")] == [[], [], []]
    assert len(seen(gallery, "c", "CX2")) == 1


def test_a_manifest_keeps_fingers_of_those_it_updates_and_takes_those_of_whom_it_removes(gallery: Gallery) -> None:
    gallery.apply(Change((traveller("a"), traveller("b"))))
    for who in ("a", "b"):
        gallery.enrol_finger(who, "CX1", print_of(1))
    applied = gallery.apply(Change((traveller("a", "CX1", 2), traveller("b")), (("b", "CX1"),)))
    assert applied.receipt is not None and applied.receipt.complete
    assert (len(seen(gallery, "a")), seen(gallery, "b")) == (1, [])
    gallery.enrol(traveller("a"), face(1))
    assert len(seen(gallery, "a")) == 1


def test_fingers_are_counted_while_their_travellers_are_expected(gallery: Gallery) -> None:
    gallery.apply(Change((traveller("early", hours=1), traveller("late", hours=3), traveller("c", "CX2"))))
    for who, flight in (("early", "CX1"), ("late", "CX1"), ("c", "CX2")):
        gallery.enrol_finger(who, flight, print_of(1))
    assert gallery.describe(NOW, None).fingers == 3
    assert [f.fingers for f in gallery.describe(NOW + timedelta(hours=2), "CX1").flights] == [1]


def test_a_snapshot_keeps_the_fingers_that_it_had(gallery: Gallery) -> None:
    gallery.apply(Change((traveller("a"),)))
    before = gallery.snapshot()
    gallery.enrol_finger("a", "CX1", print_of(1))
    between = gallery.snapshot()
    gallery.enrol_finger("a", "CX1", print_of(2))
    assert [len(s.fingers("a", "CX1")) for s in (before, between, gallery.snapshot())] == [0, 1, 2]
    assert gallery.snapshot().generation > between.generation > before.generation
