"""Several people at once, who walk through a lane without stopping: frames in, what became of each of them out.

::

    frame ─► detect ─► follow ─┬─► track far away: only followed
                               ├─► track near enough: a passage of its own ─► decided, once
                               ├─► track decided: looked at again now and then, that nobody slips into it
                               └─► how the people stand ─► crowding

Detection sees every face of a frame; embedding, which costs as much for each face, is shared out: to those who have
been looked at least, the best seen first, to so many a frame as the profile says.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from gate.clock import Clock
from gate.decision.calibration import Calibration
from gate.decision.crowding import Crowd, CrowdingAlarm, crowd_of
from gate.decision.event import Looked
from gate.decision.judgement import score
from gate.decision.outcome import Reason
from gate.decision.passage import Rules, wants_comparison
from gate.engine.attempt import Parts
from gate.engine.crowd_frame import CrowdFrame
from gate.engine.tally import Tally
from gate.engine.track_passage import OneFace, TrackPassage
from gate.engine.watch_events import CrowdingChanged, TrackDecided, TrackLost, TrackStarted, WatchEvent
from gate.errors import Code, FrameError
from gate.vision.frame import Frame
from gate.vision.pipeline import Vision
from gate.vision.probe import Face, ImageBGR, MaskState, Probe
from gate.vision.track import Step, Track, TrackRules, Tracks, advance

_SOMEBODY_ELSE = 0.01
"""A face that resembles its track less than all but this share of strangers do is somebody else's."""

_THE_SAME, _THE_SAME_AGAIN = 1e-4, 1e-6
"""Share of strangers who resemble each other as much as one person does in one place, and where nothing but the looks
says that it is the same person: there a stranger would inherit a decision."""

Finish = Callable[[TrackPassage], object]
"""Decides a passage, unless it is decided."""


@dataclass(frozen=True, slots=True, eq=False)
class _Person:
    """Somebody near enough to be decided about.

    Attributes:
        passage, camera: theirs.
        since_s: when they came near enough, on the frames' clock.
        looked_s: when they were last embedded, on the frames' clock.
        told: the decision was told.
        same_as: see `TrackDecided`.
    """

    passage: TrackPassage
    camera: OneFace
    since_s: float
    looked_s: float
    told: bool = False
    same_as: int | None = None


class Watch:
    """People in one lane. Thread-safe: one frame is looked at at a time.

    Args:
        lane_id: the lane.
        rules: the profile's, as for passages.
        vision, clock: the engine's.
        enter: opens the passage of one of them, with what the engine lends it, changed by what it is given.
        record: journals a passage that was decided, and settles it, before it is told.

    Attributes:
        passage_id: names the watch, as it names a passage.
        check_picture: as that of `Attempt`.
    """

    def __init__(
        self,
        lane_id: str,
        rules: Rules,
        vision: Vision,
        clock: Clock,
        enter: Callable[[Callable[[Parts], Parts]], TrackPassage],
        record: Callable[[TrackPassage], None],
    ) -> None:
        self.passage_id = str(uuid.uuid4())
        self.lane_id = lane_id
        self.pack_id = vision.pack_id
        self.limits = rules.policy.watch
        self.tally = Tally(clock)
        self.check_picture: Callable[[str, ImageBGR], None] = lambda _camera, _aligned: None
        self._rules = rules
        self._vision = vision
        self._clock = clock
        self._enter = enter
        self._record = record
        self._track_rules = _track_rules(rules.calibration)
        self._lock = threading.Lock()
        self._tracks = Tracks()
        self._people: dict[int, _Person] = {}
        self._passed: dict[str, int] = {}  # traveller reference -> track
        self._crowd = Crowd()
        self._alarm = CrowdingAlarm()
        self._sequence = 0  # of the last frame
        self._camera_id: str | None = None
        self._over = False

    @property
    def in_sight(self) -> Mapping[int, Face]:
        """Track id -> face, of those whom the last frame showed."""
        return {track.id: track.face for track in self._tracks.in_sight}

    def observe(self, frame: Frame, arrived_s: float) -> tuple[WatchEvent, ...]:
        """Looks at one frame (blocking). `arrived_s` is monotonic.

        Raises:
            FrameError: the frame cannot be used; the watch goes on. FRAME_OUT_OF_ORDER when its capture time is not
                after the one before: how fast people move is known by it.
            EngineFault: a model broke. StorageFault: the journal cannot be written. End the watch.
        """
        with self._lock:
            if self._over:
                return ()
            self.tally.count(seen=1)
            self.tally.arrived(arrived_s)
            try:
                self._check(frame)
                seen = self._vision.look(frame)
                if seen.aligned is not None:
                    self.check_picture(frame.camera_id, seen.aligned)
            except FrameError:
                self.tally.count(rejected=1)
                raise
            self.tally.took(seen.timings_ms)
            # One score for a frame vouches for nobody in particular.
            shown = CrowdFrame(
                self._vision, self.limits.min_eye_distance_px, replace(frame, sensor_liveness=None), seen
            )
            return self._observe(shown, frame.capture_time_us / 1e6, arrived_s)

    def end(self, finish: Finish) -> tuple[WatchEvent, ...]:
        """No more frames: everybody who is not decided about is now. Only the first call does anything; blocks.

        Args:
            finish: decides a passage that is not decided, for example `TrackPassage.frames_ended`. One that it leaves
                undecided is recorded as abandoned.

        Raises:
            StorageFault: the journal cannot be written.
        """
        with self._lock:
            if self._over:
                return ()
            self._over = True
            return tuple(event for track in self._tracks.followed for event in self._finish(track, finish))

    def drop(self) -> None:
        """Counts a frame that a newer one overtook."""
        self.tally.count(seen=1, dropped=1)

    def reject(self) -> None:
        """Counts a frame that was refused before it was looked at."""
        self.tally.count(seen=1, rejected=1)

    def _check(self, frame: Frame) -> None:
        if self._camera_id not in {None, frame.camera_id}:
            raise FrameError(Code.FIELD_INVALID, "frame.camera_id: expected one camera a watch; got another one")
        self._camera_id = frame.camera_id
        if frame.capture_time_us / 1e6 <= self._tracks.at_s:
            raise FrameError(
                Code.FRAME_OUT_OF_ORDER,
                f"expected a capture time above {round(self._tracks.at_s * 1e6)} us; got {frame.capture_time_us} us",
            )

    def _observe(self, shown: CrowdFrame, at_s: float, arrived_s: float) -> tuple[WatchEvent, ...]:
        self._sequence = shown.sequence
        step = advance(self._tracks, shown.faces, at_s, shown.size_px, self._track_rules, shown.embedding)
        self._tracks = step.tracks
        events = self._started(step, shown)
        events += self._crowding(step, shown, at_s)
        events += self._compare(step, shown, at_s, arrived_s)
        for track_id in step.seen:
            events += self._told(track_id)
        for track in step.ended:
            lost = self._finish(track, TrackPassage.frames_ended)
            events += (*lost, TrackLost(track.id, decided=self._is_decided(track.id)))
            self._people.pop(track.id, None)
        return events

    def _started(self, step: Step, shown: CrowdFrame) -> tuple[WatchEvent, ...]:
        return tuple(TrackStarted(each, shown.faces[step.seen[each]], shown.sequence) for each in step.started)

    def _crowding(self, step: Step, shown: CrowdFrame, at_s: float) -> tuple[WatchEvent, ...]:
        self._crowd = crowd_of({each: shown.faces[index] for each, index in step.seen.items()}, self.limits)
        before = self._alarm
        self._alarm = before.after(self._crowd.crowded, at_s, self.limits.crowding_hold_s)
        if self._alarm.on is before.on:
            return ()
        return (CrowdingChanged(self._alarm.on, self._crowd, shown.sequence),)

    def _compare(self, step: Step, shown: CrowdFrame, at_s: float, arrived_s: float) -> tuple[WatchEvent, ...]:
        """Every face is looked at; as many as the profile says are embedded."""
        turns = self._turns(step, shown, at_s, arrived_s)
        events: tuple[WatchEvent, ...] = ()
        for track_id in turns[: self.limits.looks_per_frame]:
            events += self._look_at(track_id, step.seen[track_id], shown, at_s, arrived_s)
        for track_id in turns[self.limits.looks_per_frame :]:
            person = self._people.get(track_id)
            if person is not None and person.passage.decision is None:
                person.passage.drop()
        return events

    def _turns(self, step: Step, shown: CrowdFrame, at_s: float, arrived_s: float) -> list[int]:
        """Tracks worth embedding: those that it may decide, those nobody knows yet, those decided some time ago."""
        wanting: list[tuple[int, float, int]] = []
        unknown: list[int] = []
        again: list[tuple[float, int]] = []
        for track_id, index in step.seen.items():
            person = self._person(track_id, shown.faces[index], at_s)
            if person is None:
                if self._is_unknown(track_id) and shown.tells_who(index):
                    unknown.append(track_id)
            elif person.passage.decision is not None:
                if at_s - person.looked_s >= self.limits.recheck_s:
                    again.append((person.looked_s, track_id))
            elif (promises := self._promises(person, shown, index, at_s)) is not None:
                wanting.append((person.passage.state.evidence.comparisons, -promises, track_id))
            else:
                person.passage.observe(shown.frame, arrived_s)
        return [track_id for *_, track_id in sorted(wanting)] + unknown + [track_id for _, track_id in sorted(again)]

    def _promises(self, person: _Person, shown: CrowdFrame, index: int, at_s: float) -> float | None:
        """How much a comparison promises, [0, 1]; None where it could not change the answer."""
        if at_s - person.since_s > self._rules.policy.budget_s:
            person.passage.budget_spent()
        sighting = shown.sighting(index)
        person.camera.show(sighting)
        looked = Looked(self._clock.monotonic(), shown.sequence, sighting)
        if sighting.quality is None or not wants_comparison(person.passage.state, looked, self._rules):
            return None
        return score(sighting.quality)

    def _is_unknown(self, track_id: int) -> bool:
        """Nobody knows what they look like, so whoever crosses their way could be taken for them."""
        track = self._tracks.find(track_id)
        return track is not None and track.looks < _LOOKS_TO_KNOW

    def _look_at(
        self, track_id: int, index: int, shown: CrowdFrame, at_s: float, arrived_s: float
    ) -> tuple[WatchEvent, ...]:
        """Embeds one face; it counts for its track only where it is that person's."""
        person, probe = self._people.get(track_id), shown.probe(index)
        track = self._tracks.find(track_id)
        likeness = None if track is None else track.likeness(probe.embedding)
        if track is not None and likeness is not None and likeness < self._least_likeness(probe):
            return self._part(track, probe, shown, index)
        self._tracks = self._tracks.look(track_id, probe.embedding)
        if person is None:
            return ()
        self._people[track_id] = replace(person, looked_s=at_s)
        if person.passage.decision is None:
            person.camera.show(shown.sighting(index), probe)
            person.passage.observe(shown.frame, arrived_s)
        return ()

    def _least_likeness(self, probe: Probe) -> float:
        return self._rules.calibration.threshold(probe.mask, _SOMEBODY_ELSE, 1).similarity

    def _part(self, track: Track, probe: Probe, shown: CrowdFrame, index: int) -> tuple[WatchEvent, ...]:
        """The track has slipped to somebody else: it ends, and theirs begins."""
        new_id = self._tracks.next_id
        self._tracks = self._tracks.part(track.id, probe.embedding)
        ended = self._finish(track, TrackPassage.frames_ended)
        lost = TrackLost(track.id, decided=self._is_decided(track.id))
        self._people.pop(track.id, None)
        return (*ended, lost, TrackStarted(new_id, shown.faces[index], shown.sequence))

    def _person(self, track_id: int, face: Face, at_s: float) -> _Person | None:
        """Whoever is followed under this id; None as long as they are too far away to be decided about."""
        if track_id not in self._people:
            if face.eye_distance_px < self._rules.policy.quality.min_eye_distance_px:
                return None
            camera = OneFace(self._vision)
            passage = self._enter(lambda parts: self._lent(track_id, camera, parts))
            self._people[track_id] = _Person(passage, camera, at_s, at_s)
        return self._people[track_id]

    def _lent(self, track_id: int, camera: OneFace, parts: Parts) -> Parts:
        """What the engine lends, for one of several people: they alone are seen, and nobody passes twice."""

        def take_pass(reference: str, flight: str, now: datetime) -> Reason | None:
            bar = self._bar(track_id, reference) or parts.take_pass(reference, flight, now)
            if bar is None:
                self._passed[reference] = track_id
            return bar

        return replace(parts, vision=camera, take_pass=take_pass)

    def _bar(self, track_id: int, reference: str) -> Reason | None:
        """Why who is recognised here may not pass: they have passed, or it is too crowded to tell who does."""
        if self.limits.crowding_refers and (self._crowd.excess or track_id in self._crowd.close):
            return Reason.CROWDING
        other = self._passed.get(reference)
        if other is None:
            return None
        self._people[track_id] = replace(self._people[track_id], same_as=other)
        in_sight = any(track.id == other for track in self._tracks.in_sight)
        return Reason.AMBIGUOUS if in_sight else Reason.ALREADY_PASSED

    def _told(self, track_id: int) -> tuple[WatchEvent, ...]:
        """The decision about somebody, journalled, the first time that there is one."""
        person, track = self._people.get(track_id), self._tracks.find(track_id)
        return () if person is None or track is None else self._tell(person, track)

    def _tell(self, person: _Person, track: Track) -> tuple[WatchEvent, ...]:
        decision = person.passage.decision
        if decision is None or person.told:
            return ()
        self._people[track.id] = replace(person, told=True)
        self._record(person.passage)
        return (TrackDecided(track.id, person.passage, decision, track.face, self._sequence, person.same_as),)

    def _finish(self, track: Track, finish: Finish) -> tuple[WatchEvent, ...]:
        """A track ends: somebody not decided about is somebody unknown."""
        person = self._people.get(track.id)
        if person is None:
            return ()
        finish(person.passage)
        if person.passage.decision is None:
            self._record(person.passage)
            return ()
        return self._tell(person, track)

    def _is_decided(self, track_id: int) -> bool:
        return track_id in self._people and self._people[track_id].told


def _track_rules(calibration: Calibration) -> TrackRules:
    """Which looks are of one person, by the pack's own measure. The mask may come off meanwhile."""
    same, again = (calibration.threshold(MaskState.UNKNOWN, fmr, 1).similarity for fmr in (_THE_SAME, _THE_SAME_AGAIN))
    return TrackRules(same=max(same, _LEAST_SAME), same_again=max(again, _LEAST_SAME))


_LEAST_SAME = 0.05
_LOOKS_TO_KNOW = 2
"""Looks after which a track can be told from those that cross its way."""
