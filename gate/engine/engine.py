"""The engine: every part put together. What the service calls, and what runs without one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property

import structlog

from gate.audit.journal import Journal, MemoryJournal
from gate.claims.claim import ClaimRules, PresentedKind
from gate.clock import Clock, SystemClock
from gate.decision.calibration import Calibration
from gate.decision.outcome import Decision, Outcome, Reason
from gate.decision.passage import Rules
from gate.engine.arrival import Arrival
from gate.engine.attempt import Attempt, Parts, Reserved, StartRequest
from gate.engine.desk import Desk
from gate.engine.fingers import EnrolledFinger, FingerReader, FingerSample
from gate.engine.journeys import Journeys
from gate.engine.legs import LoadRules
from gate.engine.loader import ManifestLoad, ManifestLoader
from gate.engine.lookout import Lookout
from gate.engine.plans import FlightPlans, PlanKeeper, UnkeptPlans
from gate.engine.recording import Recorder
from gate.engine.recordings import Recordings
from gate.engine.template import template_of
from gate.engine.track_passage import TrackPassage
from gate.engine.trail import AtLane, Trail
from gate.engine.watch import Watch
from gate.errors import (
    Code,
    EnrolmentError,
    FieldViolation,
    FingerprintError,
    NotFoundError,
    ProtocolError,
    StorageFault,
)
from gate.gallery.gallery import Enrolment, Gallery, GalleryDescription
from gate.gallery.memory import MemoryGallery
from gate.gallery.receipt import Receipt, Why
from gate.gallery.traveller import Traveller
from gate.gallery.watch_store import UnkeptWatchList
from gate.gallery.watched import Watched, WatchListDescription
from gate.gallery.watchlist import WatchList
from gate.manifest.photo import unwrap
from gate.manifest.reading import Reading
from gate.settings import LaneSettings, ManifestSettings, Settings
from gate.vision.pipeline import Vision
from gate.vision.probe import Probe

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What became of a photograph. `already`: the traveller had this very template."""

    already: bool
    eye_distance_px: float


class Engine:
    """One engine on one edge box. Thread-safe; `enrol` and `Attempt.observe` block and belong in worker threads."""

    def __init__(
        self,
        settings: Settings,
        vision: Vision,
        calibration: Calibration,
        gallery: Gallery | None = None,
        clock: Clock | None = None,
        journal: Journal | None = None,
        claims: ClaimRules | None = None,
        plans: PlanKeeper | None = None,
        fingers: FingerReader | None = None,
        watch_list: WatchList | None = None,
        recordings: Recordings | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        journal = journal or MemoryJournal()
        self.gallery = gallery or MemoryGallery(vision.pack_id, journal=journal, clock=self.clock)
        self.watch_list = watch_list or WatchList(vision.pack_id, self.clock, UnkeptWatchList(journal))
        self.trail = Trail(journal, self.clock)
        self.pack_id = vision.pack_id
        self._vision = vision
        self._calibration = calibration
        self.fingers = fingers
        self._parts = Parts(vision, self.gallery.snapshot, self.clock, fingers)
        self._claims = claims or ClaimRules(settings.manifest.port)
        self.plans = FlightPlans(plans or UnkeptPlans(journal), self.clock, settings.journey.touchpoints)
        self.journeys = Journeys(
            settings.journey, self.gallery.journeys, self._flights_of, self.plans.of, self.withdraw
        )
        self.desk = Desk(self.journeys, self.gallery, self.trail, self.clock)
        self._busy: dict[str, str] = {}  # lane -> passage or watch
        self._lookouts: dict[str, Lookout] = {}
        self._recordings = recordings
        self._recorders: dict[str, Recorder] = {}
        self._busy_lock = threading.Lock()
        self._boarded: deque[tuple[Attempt, Reserved]] = deque()
        rules = load_rules(settings.manifest, settings.gallery.max_retention_h)
        self._loader = ManifestLoader(self.gallery, self._embed, rules, self.clock)

    def warm(self) -> None:
        """Runs every model once (blocking), so that the first traveller does not wait for it."""
        self._vision.warm()
        if self.fingers is not None:
            self.fingers.warm()

    def started(self) -> None:
        """Journals that the engine serves; ends what an earlier process left off."""
        self.trail.started(self.settings, self.pack_id, self.gallery.snapshot().generation)
        self.journeys.finish()

    def stopped(self, reason: str = "drained") -> None:
        """Journals that the engine serves no more."""
        self.trail.stopped(reason, self.gallery.snapshot().generation)

    def open_passage(self, request: StartRequest) -> Attempt:
        """Opens a passage; the lane is taken until `close_passage`.

        Raises:
            NotFoundError: LANE_UNKNOWN, CHECKPOINT_UNKNOWN, PROFILE_UNKNOWN.
            ProtocolError: LANE_BUSY.
        """
        lane = self._lane(request)
        rules = self._rules(request, lane)
        arrival = Arrival(request.claim, request.flight, self._claims)
        named = replace(request, profile=request.profile or lane.profile)
        lookout = Lookout(self.watch_list, rules.policy, self._calibration)
        parts, recorder = self._lent(lane, lookout), self._recorder()
        if recorder is not None:
            parts = replace(parts, observer=recorder.note)
        attempt = Attempt(named, rules, parts, arrival)
        self._take_lane(request.lane_id, attempt.passage_id)
        self._lookouts[attempt.passage_id] = lookout
        if recorder is not None:
            self._recorders[attempt.passage_id] = recorder
        _log.info("passage_opened", passage=attempt.passage_id, lane=request.lane_id, claim=arrival.kind)
        return attempt

    def close_passage(self, attempt: Attempt) -> None:
        """Frees the lane, records how the passage ended, and settles what was presented. Idempotent; blocks.

        Raises:
            StorageFault: the journal cannot be written; the lane is free all the same.
        """
        with self._busy_lock:
            if self._busy.get(attempt.lane_id) != attempt.passage_id:
                return
            del self._busy[attempt.lane_id]
        recorder = self._recorders.pop(attempt.passage_id, None)
        if self._recordings is not None and recorder is not None:
            self._recordings.ended(attempt, recorder, self.clock.utc())
        self._record(attempt)

    def open_watch(self, request: StartRequest) -> Watch:
        """Opens a watch over several people, who present nothing; the lane is taken until `close_watch`.

        Raises:
            NotFoundError: LANE_UNKNOWN, CHECKPOINT_UNKNOWN, PROFILE_UNKNOWN.
            ProtocolError: LANE_BUSY.
        """
        lane = self._lane(request)
        rules = self._rules(request, lane)
        named = replace(request, profile=request.profile or lane.profile)

        def enter(lent: Callable[[Parts], Parts]) -> TrackPassage:
            lookout = Lookout(self.watch_list, rules.policy, self._calibration)
            arrival = Arrival(request.claim, request.flight, self._claims)
            passage = TrackPassage(named, rules, lent(self._lent(lane, lookout)), arrival)
            self._lookouts[passage.passage_id] = lookout
            return passage

        watch = Watch(request.lane_id, rules, self._vision, self.clock, enter, self._record_and_log)
        self._take_lane(request.lane_id, watch.passage_id)
        _log.info("watch_opened", watch=watch.passage_id, lane=request.lane_id)
        return watch

    def close_watch(self, watch: Watch) -> None:
        """Frees the lane, and records those who were not decided about as abandoned. Idempotent; blocks.

        Raises:
            StorageFault: the journal cannot be written; the lane is free all the same.
        """
        with self._busy_lock:
            if self._busy.get(watch.lane_id) != watch.passage_id:
                return
            del self._busy[watch.lane_id]
        watch.end(lambda _passage: None)
        report = watch.tally.report()
        _log.info(
            "watch_closed",
            watch=watch.passage_id,
            lane=watch.lane_id,
            elapsed_ms=round(report.elapsed_ms, 1),
            seen=report.seen,
            dropped=report.dropped,
            rejected=report.rejected,
        )

    def _take_lane(self, lane_id: str, holder: str) -> None:
        with self._busy_lock:
            if self._busy.setdefault(lane_id, holder) != holder:
                raise ProtocolError(Code.LANE_BUSY, f"Lane {lane_id!r} already has a passage or a watch open.")

    def _lent(self, lane: LaneSettings, lookout: Lookout) -> Parts:
        """What a passage at this lane is lent."""
        return replace(
            self._parts,
            watched=lookout,
            take_pass=lambda r, f, now: self._take_pass(lane, r, f, now),
            prefer=lambda found, now: self.journeys.prefer(found, lane.touchpoint, lane.gate, now),
        )

    def _recorder(self) -> Recorder | None:
        """What records the next passage; None where none is recorded."""
        return None if self._recordings is None else Recorder(self.gallery.snapshot, self._recordings.max_bytes)

    def _record(self, attempt: Attempt) -> None:
        """How a passage ended: journalled, and what was presented or used up for it settled.

        Raises:
            StorageFault: the journal cannot be written.
        """
        lookout, decision = self._lookouts.pop(attempt.passage_id), attempt.decision
        opened = False
        try:
            watched = decision is not None and decision.reason is Reason.WATCH_LISTED
            self.trail.decision(attempt, lookout.pseudonym if watched else "")
            # Only now: a decision that is not in the journal is not told, and opens nothing.
            opened = decision is not None and decision.outcome is Outcome.OPEN
        finally:
            self._settle(attempt, opened=opened)

    def _record_and_log(self, attempt: Attempt) -> None:
        try:
            self._record(attempt)
        finally:
            self.log_passage(attempt)

    def log_passage(self, attempt: Attempt) -> None:
        """A line on a passage that has ended. Called once its gate was told: a log may block."""
        report, decision = attempt.report(), attempt.decision
        _log.info(
            "passage_closed",
            passage=attempt.passage_id,
            lane=attempt.lane_id,
            claim=attempt.arrival.kind,
            code=attempt.arrival.code,
            outcome=decision.outcome if decision else "abandoned",
            reason=_told(decision),
            incident=attempt.incident_id or None,
            elapsed_ms=round(report.elapsed_ms, 1),
            seen=report.seen,
            used=report.used,
            dropped=report.dropped,
            rejected=report.rejected,
        )

    def end_journeys(self) -> None:
        """Destroys the records of those who have boarded (blocking). Called once their gate was told to open.

        Raises:
            StorageFault: they are not found any more, and are destroyed with the next change or sweep.
        """
        while self._boarded:
            attempt, reserved = self._boarded.popleft()
            touchpoint = self.settings.lanes[attempt.lane_id].touchpoint
            self.journeys.passed(reserved.reference, reserved.flight, touchpoint)

    def write_recordings(self) -> None:
        """Writes the recordings of passages that have ended (blocking). Called once their gate was told."""
        if self._recordings is not None:
            self._recordings.write()

    def frames_alarmed(self, attempt: AtLane, alarms: int, refused: Mapping[str, int]) -> None:
        """Records that frames came as no honest camera sends them; blocks where the journal is stored.

        Args:
            alarms: how many there were.
            refused: frames that were refused, by error code.
        """
        _log.warning("frames_alarm", passage=attempt.passage_id, lane=attempt.lane_id, alarms=alarms, **refused)
        self.trail.frames_alarmed(attempt, alarms, refused)

    def enrol(self, traveller: Traveller, photo: bytes) -> Enrolled:
        """Makes a template from a photograph (blocking) and adds it to the gallery.

        Args:
            photo: JPEG, PNG or JPEG 2000, or data group 2 of a passport chip.

        Raises:
            EnrolmentError: EXPIRY_INVALID, CONSENT_REFUSED, PHOTO_*, TEMPLATES_FULL.
            FrameError: the photograph cannot be decoded.
        """
        self._check_expiry(traveller)
        self._check_consent(traveller)
        picture = unwrap(photo).data
        template, sighting = self._vision.enrol_photo(picture)
        added = self.gallery.enrol(traveller, template, picture)
        eye_distance_px = sighting.quality.eye_distance_px if sighting.quality else 0.0
        return Enrolled(added is Enrolment.ALREADY_ENROLLED, eye_distance_px)

    def enrol_finger(self, reference: str, flight: str, sample: FingerSample) -> EnrolledFinger:
        """Makes a template of a finger (blocking) and adds it to a traveller who is expected.

        Raises:
            NotFoundError: TRAVELLER_UNKNOWN.
            FingerprintError: the sample cannot be used, see `FingerReader.examine`; FINGER_UNAVAILABLE.
            EnrolmentError: TEMPLATES_FULL.
        """
        if self.fingers is None:
            raise FingerprintError(Code.FINGER_UNAVAILABLE, "expected an engine that reads fingers: it is set off")
        # Before anything is read: finding the minutiae takes some 300 ms.
        if not self.gallery.snapshot().find_reference(reference, self.clock.utc(), flight):
            raise NotFoundError(Code.TRAVELLER_UNKNOWN, "No traveller of that reference is expected on that flight.")
        reading = self.fingers.examine(sample)
        added = self.gallery.enrol_finger(reference, flight, reading.template)
        return EnrolledFinger(added is Enrolment.ALREADY_ENROLLED, reading)

    def enrol_watched(self, person: Watched, photo: bytes) -> Enrolled:
        """Makes a template from a photograph (blocking) and adds it to the watch list.

        Raises:
            EnrolmentError: EXPIRY_INVALID, PHOTO_*, TEMPLATES_FULL.
            FrameError: the photograph cannot be decoded.
        """
        template, sighting = self._vision.enrol_photo(unwrap(photo).data)
        added = self.watch_list.enrol(person, template)
        eye_distance_px = sighting.quality.eye_distance_px if sighting.quality else 0.0
        return Enrolled(added is Enrolment.ALREADY_ENROLLED, eye_distance_px)

    def withdraw_watched(self, reference: str) -> Receipt:
        """Removes somebody from the watch list. See `WatchList.withdraw`."""
        return self.watch_list.withdraw(reference)

    def describe_watch_list(self) -> WatchListDescription:
        """Counts who is on the watch list."""
        return self.watch_list.describe(self.clock.utc())

    def load_manifest(self, data: bytes, source: str, *, dry_run: bool = False) -> ManifestLoad:
        """Reads a manifest (blocking); iterate `ManifestLoad.load` to apply it.

        Args:
            data: PAXLST, CSV or JSON Lines.
            source: the caller's name for it, printable, at most 64 characters; stands in the journal.
            dry_run: change nothing.
        """
        from gate.manifest.reader import read_manifest  # noqa: PLC0415 -- airports are not loaded before

        reading = Reading(self.clock.utc(), self.settings.manifest.default_time_zone or None)
        manifest = read_manifest(data, reading, self.settings.manifest.max_bytes)
        return self._loader.begin(manifest, source, dry_run=dry_run)

    def describe(self, flight: str | None) -> GalleryDescription:
        """Counts who is expected. See `Gallery.describe`."""
        return self.gallery.describe(self.clock.utc(), flight)

    def withdraw(self, reference: str, flight: str | None, why: Why = Why.WITHDRAWN) -> Receipt:
        """Removes a traveller. See `Gallery.withdraw`."""
        return self.gallery.withdraw(reference, flight, why)

    def close_flight(self, flight: str) -> Receipt:
        """Removes a flight's travellers. See `Gallery.close_flight`."""
        return self.gallery.close_flight(flight)

    def sweep(self) -> tuple[Receipt, ...]:
        """Destroys who has expired or boarded; the server calls it every `gallery.sweep_s`."""
        self.end_journeys()
        self.write_recordings()
        try:
            receipts = self.gallery.expire(self.clock.utc())
        finally:
            self.watch_list.expire(self.clock.utc())
            if self._recordings is not None:
                self._recordings.expire(self.clock.utc())
        if receipts:
            travellers, templates = sum(r.travellers for r in receipts), sum(r.templates for r in receipts)
            _log.info("travellers_expired", travellers=travellers, templates=templates)
        return receipts

    def _embed(self, photo: bytes) -> Probe:
        return template_of(self._vision, photo)

    def _flights_of(self, reference: str) -> Iterator[str]:
        return (segment.flight for segment, _ in self.gallery.snapshot().places(reference, None))

    def _take_pass(self, lane: LaneSettings, reference: str, flight: str, now: datetime) -> Reason | None:
        return self.journeys.claim_pass(reference, flight, lane.touchpoint, lane.gate, now)

    def _settle(self, attempt: Attempt, *, opened: bool) -> None:
        """What was used up for a gate that stayed shut is given back; where that fails it stays used: the safe side."""
        try:
            attempt.arrival.settle(opened=opened)
        except StorageFault as fault:
            _log.error("token_not_given_back", passage=attempt.passage_id, code=fault.code)
        reserved = attempt.reserved
        if reserved is None:
            return
        if opened:
            self._boarded.append((attempt, reserved))
            return
        try:
            touchpoint = self.settings.lanes[attempt.lane_id].touchpoint
            self.journeys.give_back(reserved.reference, reserved.flight, touchpoint, reserved.at)
        except StorageFault as fault:
            _log.error("pass_not_given_back", passage=attempt.passage_id, code=fault.code)

    def _lane(self, request: StartRequest) -> LaneSettings:
        lane = self.settings.lanes.get(request.lane_id)
        if lane is None:
            raise NotFoundError(
                Code.LANE_UNKNOWN,
                f"This engine does not serve lane {request.lane_id!r}.",
                FieldViolation("start.lane_id", f"one of: {', '.join(sorted(self.settings.lanes))}"),
            )
        if request.checkpoint not in {"", lane.checkpoint}:
            raise NotFoundError(
                Code.CHECKPOINT_UNKNOWN,
                f"Lane {request.lane_id!r} does not stand at checkpoint {request.checkpoint!r}.",
                FieldViolation("start.checkpoint", f"empty, or {lane.checkpoint}"),
            )
        return lane

    def _rules(self, request: StartRequest, lane: LaneSettings) -> Rules:
        name = request.profile or lane.profile
        policy = self.settings.profiles.get(name)
        if policy is None:
            raise NotFoundError(
                Code.PROFILE_UNKNOWN,
                f"There is no profile {name!r}.",
                FieldViolation("start.profile", f"empty, or one of: {', '.join(sorted(self.settings.profiles))}"),
            )
        return Rules(
            policy,
            self._calibration,
            claimed=request.claim.kind is not PresentedKind.NOTHING,
            sensor=request.sensor,
            finger_llr=self.fingers.most_llr if self.fingers is not None else None,
            time_zone=self._time_zone,
        )

    @cached_property
    def _time_zone(self) -> tzinfo:
        from gate.manifest.airports import time_zone  # noqa: PLC0415 -- airports are not loaded before

        manifest = self.settings.manifest
        here = time_zone(manifest.port, manifest.default_time_zone) if manifest.port else None
        return here or UTC

    def _check_expiry(self, traveller: Traveller) -> None:
        now, cap_h = self.clock.utc(), self.settings.gallery.max_retention_h
        if not now < traveller.expires_at <= now + timedelta(hours=cap_h):
            raise EnrolmentError(
                Code.EXPIRY_INVALID,
                f"Expiry must be in the future and at most {cap_h:g} h ahead; it is {traveller.expires_at:%FT%TZ}, "
                f"now is {now:%FT%TZ}.",
                FieldViolation("traveller.expires_at", f"after now, at most {cap_h:g} h ahead (UTC)"),
            )

    def _check_consent(self, traveller: Traveller) -> None:
        now = self.clock.utc()
        for entry in self.gallery.snapshot().find_reference(traveller.reference, now, traveller.flight):
            particulars = entry.traveller.particulars
            if particulars is not None and particulars.face_consent is False:
                raise EnrolmentError(
                    Code.CONSENT_REFUSED, "The manifest says that this traveller does not consent to face verification."
                )


def _told(decision: Decision | None) -> str:
    """The reason as the log has it: who reads that need not know of the watch list; the journal says it."""
    if decision is None:
        return ""
    return "referred" if decision.reason is Reason.WATCH_LISTED else decision.reason.value


def load_rules(settings: ManifestSettings, max_retention_h: float) -> LoadRules:
    """How manifests are loaded, from the settings."""
    return LoadRules(settings.port, settings.retain_h, max_retention_h, settings.destroy_on_close)
