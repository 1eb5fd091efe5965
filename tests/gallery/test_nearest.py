"""A search by codes that names another than a comparison with everybody does opens the gate to the wrong person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.audit.journal import MemoryJournal
from gate.errors import EngineFault
from gate.gallery import changes, group, nearest, revise, snapshot
from gate.gallery.axes import AS_THEY_ARE, Rows
from gate.gallery.changes import successor
from gate.gallery.memory import MemoryGallery
from gate.gallery.segment import Entry, Segment
from gate.gallery.snapshot import Snapshot
from gate.gallery.traveller import Candidates, Traveller
from gate.vision.probe import MaskState, Probe
from tests.gallery.packs import AXES, faces, near, unit

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FLIGHTS = ("CX1", "CX2", "CX3")
LARGE, MOST, ROWS = 40, 192, 32
"""Of a flight with groups of its own, of a group and of a segment, in this test."""


@pytest.fixture(autouse=True, scope="module")
def _small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(revise, "MAX_ROWS", ROWS)
        for module in (changes, group, snapshot):
            patch.setattr(module, "LARGE", LARGE)
        patch.setattr(group.regroup, "__defaults__", (MOST,))
        for name, value in (("FIRST", 8), ("ASKED", 48), ("ASKED_LEAST", 16)):
            patch.setattr(nearest, name, value)
        yield


def crowd(flight: str, rows: Rows, hours: float, name: str, templates: int = 1) -> dict[str, Entry]:
    """Travellers of a flight with so many templates each."""
    people = [Traveller(f"{name}{i}", flight, NOW + timedelta(hours=hours)) for i in range(len(rows) // templates)]
    return {who.reference: Entry(who, rows[i * templates : (i + 1) * templates]) for i, who in enumerate(people)}


def probe(row: Rows) -> Probe:
    return Probe(row, MaskState.NONE, "test-pack", {})


def plainly(found: Snapshot) -> Snapshot:
    """The same people, every template compared."""
    flights = {
        flight: revise.revise(flight, (), frozenset(), {e.traveller.reference: e for s in parts for e in s.entries()})
        for flight, parts in found.flights.items()
    }
    return Snapshot("test-pack", found.generation, flights, axes=AS_THEY_ARE)


def told(candidates: Candidates) -> object:
    counts = candidates.gallery_size, candidates.comparisons, candidates.without_template
    return counts, [round(each.similarity, 5) for each in candidates.ranked]


def who(candidates: Candidates) -> set[tuple[str, str]]:
    """Except the last: two of the same similarity may take turns there."""
    least = candidates.ranked[-1].similarity if candidates.ranked else 0
    return {(c.traveller.flight, c.traveller.reference) for c in candidates.ranked if c.similarity > least + 1e-5}


STEPS = st.one_of(
    st.tuples(st.just("crowd"), st.sampled_from(FLIGHTS), st.integers(1, 90), st.integers(1, 4), st.integers(1, 3)),
    st.tuples(st.just("doubles"), st.sampled_from(FLIGHTS), st.integers(20, 60), st.integers(1, 4), st.just(1)),
    st.tuples(st.just("listed"), st.sampled_from(FLIGHTS), st.integers(1, 40), st.integers(1, 4), st.just(0)),
    st.tuples(st.just("leave"), st.sampled_from(FLIGHTS), st.integers(1, 40), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("close"), st.sampled_from(FLIGHTS), st.just(0), st.just(0), st.just(0)),
)


def carry_out(before: Snapshot, step: tuple[str, str, int, int, int], number: int) -> Snapshot:
    what, flight, size, hours, templates = step
    rng = np.random.default_rng([size, hours, number])
    put: dict[str, dict[str, Entry]] = {}
    remove: dict[str, frozenset[str]] = {}
    expected = [reference for segment in before.segments(flight) for reference in segment.positions]
    match what:
        case "crowd":
            put[flight] = crowd(flight, faces(size * templates, rng), hours, f"{number}-", templates)
        case "doubles":  # more of one picture than are looked at first
            rows = np.repeat(faces(1, np.random.default_rng(0)), size, axis=0)
            put[flight] = crowd(flight, near(rows, 0.02, rng), hours, f"{number}-")
        case "listed":
            people = crowd(flight, faces(size, rng), hours, f"{number}-")
            put[flight] = {name: replace(entry, templates=entry.templates[:0]) for name, entry in people.items()}
        case "leave":
            gone = rng.permutation(len(expected))[:size]
            remove = {flight: frozenset(expected[i] for i in gone)} if len(gone) else {}
        case "close":
            remove = {flight: frozenset(expected)} if expected else {}
    return successor(before, remove, put)[0]


@settings(deadline=None, max_examples=60)
@given(st.lists(STEPS, max_size=8), st.integers(0, 1000))
def test_whatever_is_changed_codes_find_whom_a_comparison_with_everybody_finds(
    steps: list[tuple[str, str, int, int, int]], seed: int
) -> None:
    found = Snapshot("test-pack", axes=AXES)
    for number, step in enumerate(steps):
        found = carry_out(found, step, number)
    held_in_groups(found)
    rng = np.random.default_rng(seed)
    known = [entry.templates for segment in found.segments(None) for entry in segment.entries() if len(entry.templates)]
    somebody = np.concatenate(known)[rng.integers(0, sum(map(len, known)), 2)] if known else faces(2, rng)
    plain = plainly(found)
    for row in (*near(somebody, 0.5, rng), *faces(2, rng), *near(faces(1, np.random.default_rng(0)), 0.02, rng)):
        for flight in (None, *FLIGHTS):
            for hours in (0, 2, 3.5):
                at = NOW + timedelta(hours=hours)
                for k in (1, 5):
                    by_codes = found.search(probe(row), at, flight=flight, k=k)
                    exactly = plain.search(probe(row), at, flight=flight, k=k)
                    assert told(by_codes) == told(exactly)
                    assert who(by_codes) == who(exactly)
        for similarity in (0.4, 0.9):
            assert found.closer_than(probe(row), similarity) == plain.closer_than(probe(row), similarity)


def held_in_groups(found: Snapshot) -> None:
    """Everybody is in exactly one group, of the right kind."""
    grouped = [(segment, each.flight) for each in found.groups for segment in each.segments]
    assert len(grouped) == len({id(segment) for segment, _ in grouped}) == len(list(found.segments(None)))
    for segment, flight in grouped:
        large = sum(part.templates for part in found.flights[segment.flight]) >= LARGE
        assert flight == (segment.flight if large else None)
        assert any(segment is part for part in found.flights[segment.flight])
    assert all(len(each) <= MOST for each in found.groups)


def test_a_change_leaves_other_groups_alone() -> None:
    """A withdrawal that copies the codes of a whole checkpoint holds up every search."""
    found = Snapshot("test-pack", axes=AXES)
    rng = np.random.default_rng(1)
    for flight in FLIGHTS:
        put = {flight: crowd(flight, faces(400, rng), 4, flight)}
        found, _ = successor(found, {}, put)
    after, _ = successor(found, {"CX2": frozenset({"CX2-7", "CX27"})}, {})
    same = {id(each) for each in found.groups} & {id(each) for each in after.groups}
    assert len(found.groups) - len(same) == 1


def test_a_destroyed_travellers_code_is_in_no_group() -> None:
    """Codes tell less than templates do, but enough to recognise somebody by."""
    rng = np.random.default_rng(2)
    rows = faces(100, rng)
    found, _ = successor(Snapshot("test-pack", axes=AXES), {}, {"CX1": crowd("CX1", rows, 4, "t")})
    code = codes_of(found)[50]
    after, retired = successor(found, {"CX1": frozenset({"t50"})}, {})
    assert any((code == other).all() for other in codes_of(found))
    assert not any((code == other).all() for other in codes_of(after))
    del found
    assert all(segment() is None for segment in retired), "a group that goes lets its segments go"


def codes_of(found: Snapshot) -> np.ndarray:
    """Codes of everybody, a row each, in the order of the groups."""
    parts: list[np.ndarray] = []
    for each in found.groups:
        for segment, blocks in each.parts():
            halves = blocks.reshape(len(blocks), -1, 16).transpose(0, 2, 1)
            undone = np.argsort([0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15])
            rows = np.concatenate([halves & 15, halves >> 4], axis=1)
            ordered = np.concatenate([rows[:, :16][:, undone], rows[:, 16:][:, undone]], axis=1)
            parts.append(ordered.reshape(-1, ordered.shape[2])[: segment.templates])
    return np.concatenate(parts)


def test_one_who_expires_between_two_sweeps_hides_nobody() -> None:
    """Hundreds of a flight that has just expired look more alike than the one who is expected."""
    rng = np.random.default_rng(3)
    one = faces(1, rng)
    put = {
        "CX1": crowd("CX1", near(np.repeat(one, 300, axis=0), 0.1, rng), 1, "gone"),
        "CX2": crowd("CX2", near(one, 0.8, rng), 4, "here"),
        "CX3": crowd("CX3", faces(200, rng), 4, "other"),
    }
    found, _ = successor(Snapshot("test-pack", axes=AXES), {}, put)
    ranked = found.search(probe(one[0]), NOW + timedelta(hours=2)).ranked
    assert ranked[0].traveller.reference == "here0"
    assert isinstance(next(found.segments("CX2")), Segment)


def test_a_template_that_the_pack_cannot_make_is_refused_before_it_is_written() -> None:
    """Written but not to be found, it would keep the engine from starting again."""
    journal = MemoryJournal()
    gallery = MemoryGallery("test-pack", journal=journal, axes=AXES)
    stray = np.random.default_rng(1).normal(size=(1, faces(1, np.random.default_rng(1)).shape[1]))
    with pytest.raises(EngineFault):
        gallery.enrol(Traveller("t", "CX1", datetime.now(UTC) + timedelta(hours=1)), probe(unit(stray)[0]))
    assert not gallery.snapshot().flights
    assert not list(journal.entries())


def test_a_gallery_on_axes_enrols_finds_marks_and_destroys_as_any_other() -> None:
    rng = np.random.default_rng(4)
    gallery = MemoryGallery("test-pack", axes=AXES, lookalike_similarity=0.9)
    rows = faces(60, rng)
    until = datetime.now(UTC) + timedelta(hours=1)
    for i, row in enumerate(rows):
        gallery.enrol(Traveller(f"t{i}", "CX1", until), probe(row))
    gallery.enrol(Traveller("twin", "CX2", until), probe(near(rows[7:8], 0.1, rng)[0]))
    found = gallery.snapshot().search(probe(rows[7]), datetime.now(UTC)).ranked
    assert [each.traveller.reference for each in found[:2]] == ["t7", "twin"]
    assert [each.lookalikes for each in found[:2]] == [{"twin"}, {"t7"}]
    (entry,) = gallery.snapshot().find_reference("t7", datetime.now(UTC), None)
    one = gallery.snapshot().compare(probe(rows[7]), (entry,), datetime.now(UTC)).ranked[0]
    assert one.similarity == found[0].similarity, "searched for or claimed, a face is as similar to the last bit"
    receipts = [gallery.withdraw("t7", None), gallery.close_flight("CX1")]
    assert all(receipt.complete for receipt in receipts)
    assert [segment.flight for each in gallery.snapshot().groups for segment in each.segments] == ["CX2"]
