"""A flight cut into segments finds exactly what an uncut list finds, whatever was changed in whatever order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.gallery import revise
from gate.gallery.gallery import Change, Gallery
from gate.gallery.memory import MemoryGallery
from gate.gallery.segment import MAX_ROWS, Entry
from gate.gallery.traveller import TravelDocument, Traveller
from gate.vision.probe import MaskState, Probe
from tests.gallery.fakes import ListGallery, StandingClock

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SMALL = 4

REFERENCES = st.integers(0, 11).map(lambda i: f"t{i}")
FLIGHTS = st.sampled_from(["CX1", "CX2"])
STEPS = st.one_of(
    st.tuples(st.just("enrol"), REFERENCES, FLIGHTS, st.integers(0, 30)),
    st.tuples(st.just("put"), st.lists(st.tuples(REFERENCES, FLIGHTS, st.integers(1, 5)), max_size=10)),
    st.tuples(st.just("remove"), st.lists(st.tuples(REFERENCES, FLIGHTS), max_size=6)),
    st.tuples(st.just("close"), FLIGHTS),
    st.tuples(st.just("expire"), st.integers(0, 5)),
)


@pytest.fixture(autouse=True, scope="module")
def _small_segments() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(revise, "MAX_ROWS", SMALL)
        yield


def probe(seed: int) -> Probe:
    vector = np.random.default_rng(seed).normal(size=16)
    return Probe((vector / np.linalg.norm(vector)).astype(np.float32), MaskState.NONE, "test-pack", {})


def traveller(reference: str, flight: str, hours: float = 4) -> Traveller:
    return Traveller(reference, flight, NOW + timedelta(hours=hours), (TravelDocument(f"P{reference}"),))


def carry_out(gallery: Gallery, step: tuple[object, ...]) -> object:
    match step:
        case ("enrol", str(reference), str(flight), int(seed)):
            return gallery.enrol(traveller(reference, flight), probe(seed))
        case ("put", list(people)):
            applied = gallery.apply(Change(tuple(traveller(*who) for who in people)))
            return applied.added, applied.updated
        case ("remove", list(people)):
            return gallery.apply(Change(remove=tuple(people))).removed
        case ("close", str(flight)):
            if flight in gallery.snapshot().flights:
                receipt = gallery.close_flight(flight)
                return receipt.travellers, receipt.templates, receipt.complete
        case ("expire", int(hours)):
            receipts = gallery.expire(NOW + timedelta(hours=hours))
            return sorted((r.flight or "", r.travellers, r.templates, r.complete) for r in receipts)
    return None


def everything(gallery: Gallery) -> list[object]:
    seen: list[object] = []
    snapshot = gallery.snapshot()
    for flight in (None, "CX1", "CX2"):
        for seed in (0, 7):
            for hours in (0, 2.5):
                found = snapshot.search(probe(seed), NOW + timedelta(hours=hours), flight=flight, k=5)
                seen.append([(round(c.similarity, 4), c.traveller) for c in found.ranked])
                seen.append((found.gallery_size, found.comparisons, found.without_template))
    for i in range(12):
        for found_entries in (
            snapshot.find_reference(f"t{i}", NOW, None),
            snapshot.find_document(f"Pt{i}", "", NOW, None),
        ):
            seen.append(sorted((e.traveller.flight, e.traveller.expires_at, len(e.templates)) for e in found_entries))
    flights = gallery.describe(NOW, None).flights
    return [*seen, sorted(flights, key=lambda described: described.flight)]


def by_similarity(seen: list[object]) -> list[object]:
    """Exact ties have no order: the same photograph under two references."""
    return [sorted(part, key=repr) if isinstance(part, list) else part for part in seen]


@settings(deadline=None, max_examples=60)
@given(st.lists(STEPS, max_size=15))
def test_whatever_is_changed_the_segments_answer_like_a_list(steps: list[tuple[object, ...]]) -> None:
    galleries: list[Gallery] = [MemoryGallery("test-pack", clock=StandingClock(NOW)), ListGallery("test-pack")]
    for step in steps:
        real, fake = (carry_out(gallery, step) for gallery in galleries)
        assert real == fake
    real_seen, fake_seen = (everything(gallery) for gallery in galleries)
    assert by_similarity(real_seen) == by_similarity(fake_seen)


def test_only_the_segment_touched_is_built_anew() -> None:
    """A withdrawal from a flight of 42,000 that copies the whole flight holds up every search."""
    gallery = MemoryGallery("test-pack", clock=StandingClock(NOW))
    gallery.apply(Change(tuple(traveller(f"t{i}", "CX1") for i in range(SMALL * 5))))
    before = gallery.snapshot().flights["CX1"]
    assert [len(segment.travellers) for segment in before] == [SMALL] * 5
    gallery.withdraw(f"t{SMALL * 2}", None)
    after = gallery.snapshot().flights["CX1"]
    assert [one is other for one, other in zip(before, after, strict=True)] == [True, True, False, True, True]


def test_no_segment_grows_beyond_its_size() -> None:
    gallery = MemoryGallery("test-pack", clock=StandingClock(NOW))
    for seed in range(40):
        gallery.enrol(traveller(f"t{seed % 7}", "CX1"), probe(seed))
    segments = gallery.snapshot().flights["CX1"]
    assert all(segment.templates <= SMALL or len(segment.travellers) == 1 for segment in segments)


def test_a_segment_holds_the_only_copy_of_its_templates() -> None:
    """An entry that shares memory with a segment keeps a destroyed traveller's neighbours, or worse, alive."""
    gallery = MemoryGallery("test-pack", clock=StandingClock(NOW))
    for seed in range(3):
        gallery.enrol(traveller(f"t{seed}", "CX1"), probe(seed))
    (entry,) = gallery.snapshot().find_reference("t1", NOW, None)
    gallery.close_flight("CX1")
    assert np.array_equal(entry.templates[0], probe(1).embedding)
    assert entry.templates.base is None


def test_replacing_keeps_the_place_and_new_ones_come_last() -> None:
    people = [Entry(traveller(f"t{i}", "CX1")) for i in range(6)]
    segments = revise.revise("CX1", (), set(), {e.traveller.reference: e for e in people})
    changed = Entry(replace(people[1].traveller, expires_at=NOW))
    segments = revise.revise("CX1", segments, {"t4"}, {"t1": changed, "t9": Entry(traveller("t9", "CX1"))})
    order = [traveller.reference for segment in segments for traveller in segment.travellers]
    assert order == ["t0", "t1", "t2", "t3", "t5", "t9"]
    assert segments[0].travellers[1].expires_at == NOW


def test_the_size_of_a_segment_keeps_a_change_short() -> None:
    assert MAX_ROWS * 512 * 4 <= 4 << 20, "a change copies a segment; 86 MB would hold up every search"
