"""Several people at once: each is decided about once, and nobody passes on somebody else's face."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.audit.event import Event, EventKind
from gate.audit.journal import MemoryJournal
from gate.decision.outcome import Outcome, Reason
from gate.decision.policy import Policy
from gate.decision.watch_limits import WatchLimits
from gate.engine.attempt import StartRequest
from gate.engine.engine import Engine
from gate.engine.track_passage import TrackPassage
from gate.engine.watch import Watch
from gate.engine.watch_events import CrowdingChanged, TrackDecided, TrackLost, TrackStarted, WatchEvent
from gate.errors import Code, FrameError, ProtocolError, StorageFault
from gate.gallery.traveller import Traveller
from gate.settings import LaneSettings, Settings
from gate.vision.probe import MaskState, Probe
from tests.decision.makers import CALIBRATION
from tests.engine.crowds import CrowdVision, Somebody, crowd_frame
from tests.engine.fakes import PACK, SetClock, embedding

EXPECTED = (1, 2, 3)
FPS = 15

Scene = Callable[[int], Sequence[Somebody]]


class Hall:
    """An engine with one lane, a watch over it, and everything that it said."""

    def __init__(self, policy: Policy | None = None, journal: MemoryJournal | None = None) -> None:
        self.vision, self.clock, self.journal = CrowdVision(), SetClock(), journal or MemoryJournal()
        made = Settings(lanes={"lane-1": LaneSettings()}, profiles={"pedestrian": policy or Policy()})
        self.engine = Engine(made, self.vision, CALIBRATION, clock=self.clock, journal=self.journal)
        for person in EXPECTED:
            traveller = Traveller(f"T{person}", "CX1", self.clock.utc() + timedelta(hours=1))
            self.engine.gallery.enrol(traveller, Probe(embedding(person), MaskState.NONE, PACK, {}), b"")
        self.vision.embedded = 0
        self.watch = self.engine.open_watch(StartRequest("lane-1"))
        self.events: list[WatchEvent] = []
        self.sequence = 0

    def show(self, people: Sequence[Somebody]) -> None:
        self.sequence += 1
        self.clock.wait(1 / FPS)
        self.events += self.watch.observe(crowd_frame(self.sequence, people), self.clock.monotonic())

    def play(self, frames: int, scene: Scene) -> None:
        for number in range(frames):
            self.show(scene(number))

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def decisions(self) -> list[tuple[int, Reason, str | None]]:
        return [(e.track_id, e.decision.reason, e.decision.traveller_reference) for e in self.of(TrackDecided)]


def test_three_people_at_once_are_each_decided_about_once() -> None:
    hall = Hall()
    hall.play(20, lambda n: [Somebody(1, 120 + n), Somebody(7, 320), Somebody(2, 520 - n)])
    hall.play(60, lambda _: [])
    decided = {reference or reason for _, reason, reference in hall.decisions}
    assert decided == {"T1", "T2", Reason.NO_MATCH}
    assert len(hall.decisions) == len(hall.of(TrackStarted)) == len(hall.of(TrackLost)) == 3
    unknown = next(e for e in hall.of(TrackDecided) if e.decision.reason is Reason.NO_MATCH)
    assert unknown.decision.outcome is Outcome.OFFICER


def test_somebody_far_away_is_followed_and_not_decided_about() -> None:
    hall = Hall()
    hall.play(20, lambda _: [Somebody(1, 300, size=60)])
    hall.play(60, lambda _: [])
    assert hall.decisions == []
    assert hall.of(TrackLost) == [TrackLost(1, decided=False)]


def test_a_face_never_seen_well_is_reported_when_it_is_gone() -> None:
    """Somebody who looks away all the time must not get past unnoticed."""
    hall = Hall(Policy(quality={"min_sharpness": 50.0}))
    hall.play(20, lambda _: [Somebody(1, 300)])
    hall.play(60, lambda _: [])
    assert [(reason, reference) for _, reason, reference in hall.decisions] == [(Reason.LOW_QUALITY, None)]


def test_one_traveller_on_two_tracks_at_once_passes_once() -> None:
    """A twin nobody knew of, or a photograph held up beside its owner."""
    hall = Hall()
    hall.play(20, lambda _: [Somebody(1, 150), Somebody(1, 480)])
    assert sorted((reason, reference) for _, reason, reference in hall.decisions) == [
        (Reason.AMBIGUOUS, None),
        (Reason.MATCHED, "T1"),
    ]
    second = next(e for e in hall.of(TrackDecided) if e.decision.reason is Reason.AMBIGUOUS)
    assert second.same_as is not None
    assert second.same_as != second.track_id


def test_who_comes_a_second_time_has_passed() -> None:
    hall = Hall()
    hall.play(20, lambda _: [Somebody(1, 150)])
    hall.play(60, lambda _: [])
    hall.play(20, lambda _: [Somebody(1, 480)])
    assert [reason for _, reason, _ in hall.decisions] == [Reason.MATCHED, Reason.ALREADY_PASSED]


def test_who_steps_into_the_track_of_somebody_decided_gets_one_of_their_own() -> None:
    """Head to head behind a traveller: the box goes on without a gap, the face does not."""
    hall = Hall()
    hall.play(20, lambda _: [Somebody(1, 300)])
    hall.play(30, lambda _: [Somebody(7, 300)])
    hall.play(60, lambda _: [])
    assert [reason for _, reason, _ in hall.decisions] == [Reason.MATCHED, Reason.NO_MATCH]
    assert hall.of(TrackLost)[0] == TrackLost(1, decided=True)


def test_few_faces_are_embedded_a_frame() -> None:
    """Ten faces at 6 ms each would take longer than a frame."""
    hall = Hall(Policy(watch=WatchLimits(looks_per_frame=2)))
    for number in range(40):
        before = hall.vision.embedded
        hall.show([Somebody(person, 60 + 65 * person, 180, 90 + number / 10) for person in range(8)])
        assert hall.vision.embedded - before <= 2
    assert len(hall.decisions) == 8


def test_crowding_is_alarmed_and_ends() -> None:
    hall = Hall(Policy(watch=WatchLimits(max_people=2)))
    people = [Somebody(7, 100), Somebody(8, 300), Somebody(9, 500)]
    hall.play(15, lambda _: people)
    hall.play(15, lambda _: people[:2])
    assert [(e.on, e.crowd.people, e.crowd.excess) for e in hall.of(CrowdingChanged)] == [
        (True, 3, True),
        (False, 2, False),
    ]


def test_heads_that_touch_are_crowding_where_they_are_as_far_away() -> None:
    hall = Hall()
    hall.play(20, lambda _: [Somebody(7, 200), Somebody(8, 300)])
    assert [e.crowd.close for e in hall.of(CrowdingChanged)] == [frozenset({1, 2})]
    other = Hall()
    other.play(20, lambda _: [Somebody(7, 200), Somebody(8, 290, size=60)])
    assert other.of(CrowdingChanged) == []


def test_a_crowd_may_be_referred() -> None:
    """Of two heads together nobody can say who walks through."""
    hall = Hall(Policy(watch=WatchLimits(crowding_refers=True)))
    hall.play(30, lambda _: [Somebody(1, 200), Somebody(8, 300)])
    hall.play(60, lambda _: [])
    assert {reason for _, reason, _ in hall.decisions} == {Reason.CROWDING, Reason.NO_MATCH}


def test_decisions_are_journalled_before_they_are_told() -> None:
    class Full(MemoryJournal):
        def record(self, event: Event, *, durable: bool = True) -> int:
            if event.kind is EventKind.DECISION:
                raise StorageFault(Code.DISK_FULL, "no room")
            return super().record(event, durable=durable)

    hall = Hall(journal=Full())
    with pytest.raises(StorageFault):
        hall.play(20, lambda _: [Somebody(1, 300)])
    assert hall.decisions == []


def test_the_journal_has_an_entry_a_track() -> None:
    hall = Hall()
    hall.play(20, lambda _: [Somebody(1, 150), Somebody(7, 480)])
    hall.play(60, lambda _: [])
    hall.engine.close_watch(hall.watch)
    kept = [e for e in hall.journal.entries() if e.kind == EventKind.DECISION]
    assert len(kept) == 2
    assert {e.facts["lane"] for e in kept} == {"lane-1"}
    assert {e.facts["passage"] for e in kept} == {e.passage.passage_id for e in hall.of(TrackDecided)}


def test_a_watch_that_breaks_off_leaves_abandoned_passages() -> None:
    hall = Hall(Policy(quality={"min_sharpness": 50.0}))
    hall.play(10, lambda _: [Somebody(1, 150)])
    hall.engine.close_watch(hall.watch)
    kept = [e for e in hall.journal.entries() if e.kind == EventKind.DECISION]
    assert [e.facts["outcome"] for e in kept] == ["abandoned"]


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        (TrackPassage.frames_ended, Reason.LOW_QUALITY),
        (TrackPassage.shut_down, Reason.SHUTTING_DOWN),
        (lambda passage: passage.fault("i-1"), Reason.ENGINE_FAULT),
    ],
)
def test_the_end_decides_about_everybody(finish: Callable[[TrackPassage], object], reason: Reason) -> None:
    hall = Hall(Policy(quality={"min_sharpness": 50.0}))
    hall.play(10, lambda _: [Somebody(1, 150), Somebody(2, 450)])
    events = hall.watch.end(finish)
    assert [e.decision.reason for e in events if isinstance(e, TrackDecided)] == [reason, reason]
    assert hall.watch.end(finish) == ()


def test_a_lane_has_a_passage_or_a_watch() -> None:
    hall = Hall()
    with pytest.raises(ProtocolError, match="already"):
        hall.engine.open_passage(StartRequest("lane-1"))
    hall.engine.close_watch(hall.watch)
    hall.engine.close_watch(hall.watch)
    hall.engine.close_passage(hall.engine.open_passage(StartRequest("lane-1")))


def test_frames_of_another_camera_or_out_of_time_are_refused() -> None:
    """Another camera shows other places: whoever is in them would be taken for those in the first."""
    hall = Hall()
    hall.show([])
    for wrong, code in (
        (crowd_frame(2, [], camera_id="left"), Code.FIELD_INVALID),
        (crowd_frame(1, []), Code.FRAME_OUT_OF_ORDER),
    ):
        with pytest.raises(FrameError) as refused:
            hall.watch.observe(wrong, hall.clock.monotonic())
        assert refused.value.code is code
    assert hall.watch.tally.report().rejected == 2


def test_looks_that_had_to_wait_count_as_dropped() -> None:
    hall = Hall(Policy(watch=WatchLimits(looks_per_frame=1)))
    hall.play(8, lambda _: [Somebody(1, 150), Somebody(2, 480)])
    waited = [e.passage.report().dropped for e in hall.of(TrackDecided)]
    assert max(waited) >= 1


someone = st.builds(
    Somebody,
    st.sampled_from([1, 2, 3, 7, 8]),
    st.sampled_from([80.0, 200.0, 320.0, 440.0, 560.0]),
    st.sampled_from([120.0, 240.0]),
    st.sampled_from([60.0, 100.0, 130.0]),
)
moments = st.lists(st.tuples(st.integers(1, 12), st.lists(someone, max_size=4)), min_size=1, max_size=8)


@settings(max_examples=25, deadline=None)
@given(moments, st.booleans())
def test_whatever_happens_nobody_is_decided_about_twice(
    moments: list[tuple[int, list[Somebody]]], refers: bool
) -> None:
    """People appear, vanish, swap places and hold up each other's faces."""
    hall = Hall(Policy(max_comparisons=3, watch=WatchLimits(crowding_refers=refers, recheck_s=0.1)))
    for frames, people in moments:
        hall.play(frames, lambda _, people=people: people)
    hall.events += hall.watch.end(TrackPassage.frames_ended)
    tracks = [track_id for track_id, _, _ in hall.decisions]
    passed = [reference for _, _, reference in hall.decisions if reference is not None]
    started = [event.track_id for event in hall.of(TrackStarted)]
    assert len(set(tracks)) == len(tracks)
    assert len(set(passed)) == len(passed)
    assert set(tracks) <= set(started)
    assert len(set(started)) == len(started)
    for event in hall.of(TrackDecided):
        assert (event.decision.outcome is Outcome.OPEN) == (event.decision.reason is Reason.MATCHED)
        assert event.decision.outcome is not Outcome.FINGERPRINT


def test_type_of_the_watch() -> None:
    assert isinstance(Hall().watch, Watch)
