"""One corridor video through one engine: every frame, or as many as this machine manages while they come."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from benchmarks.corridor_scene import Cast
from benchmarks.mot import Box, Following, Shot, follow, iou
from gate.decision.outcome import Outcome, Reason
from gate.engine.track_passage import TrackPassage
from gate.engine.watch import Watch
from gate.engine.watch_events import CrowdingChanged, TrackDecided, WatchEvent
from gate.synth.corridor import CorridorFrame
from gate.vision.frame import Encoding, Frame

VISIBLE = 0.5
"""Share of a face that must be seen for it to be missed where it is not found."""


class VideoClock:
    """Shows the video's time, not the machine's: what is measured does not hang on how busy the machine is."""

    def __init__(self) -> None:
        self.at_s = 0.0
        self._began = datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since the video began."""
        return self.at_s

    def utc(self) -> datetime:
        """The same as wall clock."""
        return self._began + timedelta(seconds=self.at_s)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One decision.

    Attributes:
        track_id: of whom.
        outcome, reason: what and why.
        recognised: index in the cast of whom the lane opened for; None when it did not.
        shown: index of whose face the track was on when it was decided; None where it was on nobody's.
        at_s: of the video.
    """

    track_id: int
    outcome: Outcome
    reason: Reason
    recognised: int | None
    shown: int | None
    at_s: float

    @property
    def opens(self) -> bool:
        """The lane opened."""
        return self.outcome is Outcome.OPEN


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a video.

    Attributes:
        cast: who walked.
        following: how well they were followed.
        verdicts: every decision, in order.
        near: people who came near enough to be decided about, and were seen there.
        frame_ms: time that each looked-at frame took.
        cpu_ms: of the processor in that time: what a core of its own would have taken.
        sight_ms: of `frame_ms`, decoding and detection, a frame on average.
        people: how many faces each of those frames showed to be found.
        frames: of the video, looked at or not.
        alarms: how often crowding was alarmed.
        ways: (track, when, x of its middle), for the plot.
    """

    cast: Cast
    following: Following
    verdicts: tuple[Verdict, ...]
    near: frozenset[int]
    frame_ms: tuple[float, ...]
    cpu_ms: tuple[float, ...]
    sight_ms: float
    people: tuple[int, ...]
    frames: int
    alarms: int
    ways: tuple[tuple[int, float, float], ...]

    def passed(self, person: int) -> bool:
        """The lane opened for this person, on their own face."""
        return any(v.opens and v.recognised == person == v.shown for v in self.verdicts)

    def passed_wrongly(self, person: int) -> bool:
        """The lane opened for this person's face, taken for somebody else's."""
        return any(v.opens and v.shown == person != v.recognised for v in self.verdicts)


@dataclass(slots=True)
class _Notes:
    """What is collected on the way."""

    shots: list[Shot] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    frame_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    people: list[int] = field(default_factory=list)
    ways: list[tuple[int, float, float]] = field(default_factory=list)
    alarms: int = 0

    def events(self, events: Sequence[WatchEvent], names: Mapping[str, int], frame: CorridorFrame) -> None:
        """Decisions and alarms."""
        for event in events:
            if isinstance(event, TrackDecided):
                decided = event.decision
                person = names.get(decided.traveller_reference or "")
                shown = _owner(frame, event.face.box_xyxy)
                verdict = Verdict(event.track_id, decided.outcome, decided.reason, person, shown, frame.at_s)
                self.verdicts.append(verdict)
            elif isinstance(event, CrowdingChanged):
                self.alarms += event.on


def _owner(frame: CorridorFrame, box: Box) -> int | None:
    """Whose face a box is on."""
    best = max(frame.faces, key=lambda face: face.visible * iou(face.box_xyxy, box), default=None)
    return None if best is None or iou(best.box_xyxy, box) < _ON else best.walker


_ON = 0.3


def play(
    watch: Watch,
    clock: VideoClock,
    video: Sequence[CorridorFrame],
    cast: Cast,
    names: Mapping[str, int],
    *,
    near_px: float,
    live: bool,
) -> Played:
    """Plays a video.

    Args:
        watch: just opened, on `clock`.
        clock: is set to each frame's time.
        video: its frames.
        cast: who walks in it.
        names: traveller reference -> index in the cast.
        near_px: eye distance from which somebody is near enough to be decided about.
        live: frames come at their own pace, and those that a newer one overtakes are never looked at; else every one.
    """
    notes, near, free_s, index = _Notes(), set[int](), 0.0, 0
    while index < len(video):
        frame = video[index]
        clock.at_s = max(frame.at_s, free_s) if live else frame.at_s
        if live and index + 1 < len(video) and video[index + 1].at_s <= clock.at_s:
            watch.drop()
            index += 1
            continue
        events, took_s, cpu_s = _timed(watch, frame, index, clock.at_s)
        free_s = clock.at_s + took_s
        notes.frame_ms.append(took_s * 1000)
        notes.cpu_ms.append(cpu_s * 1000)
        _note(notes, watch, frame)
        notes.events(events, names, frame)
        near |= {f.walker for f in frame.faces if f.eye_px >= near_px and f.visible >= VISIBLE}
        index += 1
    notes.events(watch.end(TrackPassage.frames_ended), names, video[-1])
    following = follow(notes.shots)
    return Played(
        cast,
        following,
        tuple(_placed(verdict, following) for verdict in notes.verdicts),
        frozenset(near),
        tuple(notes.frame_ms),
        tuple(notes.cpu_ms),
        _sight_ms(watch) / max(1, len(notes.frame_ms)),
        tuple(notes.people),
        len(video),
        notes.alarms,
        tuple(notes.ways),
    )


def _sight_ms(watch: Watch) -> float:
    return sum(stage.total_ms for stage in watch.tally.report().timings if stage.stage in {"decode", "detect"})


def _placed(verdict: Verdict, following: Following) -> Verdict:
    """Somebody is mostly refused when they are gone: then it is about whom the track was on."""
    if verdict.opens or verdict.shown is not None:
        return verdict
    return replace(verdict, shown=following.owners.get(verdict.track_id))


def _timed(
    watch: Watch, frame: CorridorFrame, index: int, arrived_s: float
) -> tuple[tuple[WatchEvent, ...], float, float]:
    """What the frame brought, and its time, by the clock on the wall and by the processor's."""
    sent = Frame(index + 1, round(frame.at_s * 1e6) + 1, Encoding.JPEG, 0, 0, frame.jpeg)
    start, start_cpu = time.perf_counter(), time.thread_time()
    events = watch.observe(sent, arrived_s)
    return events, time.perf_counter() - start, time.thread_time() - start_cpu


def _note(notes: _Notes, watch: Watch, frame: CorridorFrame) -> None:
    least_px = watch.limits.min_eye_distance_px
    shown = {f.walker: f.box_xyxy for f in frame.faces if f.visible >= VISIBLE and f.eye_px >= least_px}
    hidden = tuple(f.box_xyxy for f in frame.faces if f.walker not in shown)
    found = {track_id: face.box_xyxy for track_id, face in watch.in_sight.items()}
    notes.shots.append(Shot(shown, hidden, found))
    notes.people.append(len(shown))
    notes.ways += [(track_id, frame.at_s, (box[0] + box[2]) / 2) for track_id, box in found.items()]
