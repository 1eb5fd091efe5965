"""What every gallery must do, on the real one and on the plainest imaginable one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from gate.errors import Code, EnrolmentError, GateError, NotFoundError
from gate.gallery.gallery import MAX_TEMPLATES, Enrolment, Gallery
from gate.gallery.memory import MemoryGallery
from gate.gallery.traveller import TravelDocument, Traveller
from gate.vision.probe import MaskState, Probe
from tests.gallery.fakes import ListGallery

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PACK = "test-pack"
GalleryMaker = Callable[[str], Gallery]


@pytest.fixture(params=[MemoryGallery, ListGallery], ids=["memory", "fake"])
def make(request: pytest.FixtureRequest) -> GalleryMaker:
    maker: GalleryMaker = request.param
    return maker


@pytest.fixture
def gallery(make: GalleryMaker) -> Gallery:
    return make(PACK)


def face(seed: int, towards: Probe | None = None, pack: str = PACK) -> Probe:
    vector = np.random.default_rng(seed).normal(size=64)
    if towards is not None:
        vector = vector / np.linalg.norm(vector) * 0.3 + towards.embedding
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
    galleries = [MemoryGallery(PACK), ListGallery(PACK)]
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
