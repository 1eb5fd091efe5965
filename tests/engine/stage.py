"""A place with lanes, travellers and a whole engine, of which only pictures, clock and sensor are made up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np

from gate.audit.journal import MemoryJournal
from gate.claims.claim import ClaimRules, Presented, Tokens
from gate.claims.replay import MemoryUsedTokens
from gate.clock import ClockStep, GuardedClock
from gate.decision.event import Effect
from gate.decision.liveness import LivenessLimits, LivenessMode
from gate.decision.policy import Policy
from gate.engine.attempt import Attempt, StartRequest
from gate.engine.engine import Engine
from gate.engine.fingers import FingerReader
from gate.errors import GateError
from gate.gallery.gallery import Change
from gate.gallery.memory import MemoryGallery
from gate.gallery.receipt import Receipt
from gate.gallery.revise import revise
from gate.gallery.segment import Entry, Segment
from gate.gallery.traveller import Particulars, TravelDocument, Traveller
from gate.gallery.watch_store import UnkeptWatchList, Watched
from gate.gallery.watchlist import Nearest, WatchList
from gate.settings import LaneSettings, Settings
from gate.vision.frame import Frame
from gate.vision.probe import Probe, Sighting
from tests.claims.makers import FLIGHT, KEYS, RULES
from tests.decision.makers import WEIGHED
from tests.engine import prints
from tests.engine.fakes import PACK, ScriptedVision, SetClock, photo

OTHER_FLIGHT = "ZZ0043/2026-11-22"
STRANGER = 99
LANES = {
    "lane-1": LaneSettings(),
    "lane-2": LaneSettings(),
    "vehicle": LaneSettings(profile="vehicle"),
    "youth": LaneSettings(profile="youth"),
    "careful": LaneSettings(profile="careful"),
    "bags": LaneSettings(touchpoint="bag_drop"),
    "security": LaneSettings(touchpoint="security"),
    "security-2": LaneSettings(touchpoint="security"),
    "border": LaneSettings(touchpoint="border"),
    "gate-b12": LaneSettings(touchpoint="boarding", gate="B12"),
    "gate-b12-2": LaneSettings(touchpoint="boarding", gate="B12"),
    "gate-a1": LaneSettings(touchpoint="boarding", gate="A1"),
}
PROFILES = {
    "youth": Policy(min_age=12),
    "careful": Policy(liveness=LivenessLimits(mode=LivenessMode.REQUIRED)),
}
LOOKALIKE = 0.6
"""Similarity from which people are marked as look-alikes: that of the test calibration at a rate of 1e-6."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Somebody who is expected.

    Attributes:
        photo: None: there is none. Else what `fakes.face` is told of it.
        finger: whose finger is enrolled; None: none.
    """

    person: int
    flight: str = FLIGHT
    photo: dict[str, Any] | None = field(default_factory=dict)
    finger: int | None = None
    hours: float = 4.0
    documents: tuple[TravelDocument, ...] = ()
    particulars: Particulars | None = None
    face_of: int | None = None

    def traveller(self, now: datetime) -> Traveller:
        documents = self.documents or (document(self.person),)
        expires_at = now + timedelta(hours=self.hours)
        return Traveller(name(self.person), self.flight, expires_at, documents, self.particulars)


def name(person: int) -> str:
    """The reference of a person; nothing else looks like it."""
    return f"traveller-{person}"


def document(person: int, **more: Any) -> TravelDocument:
    return TravelDocument(f"XK{person:07d}", "UTO", **more)


class StagedVision(ScriptedVision):
    """Something may happen while a model runs. Every hook is used once."""

    def __init__(self) -> None:
        super().__init__()
        self.while_looking: Callable[[], None] | None = None
        self.while_embedding: Callable[[], None] | None = None

    def look(self, frame: Frame) -> Sighting:
        hook, self.while_looking = self.while_looking, None
        if hook is not None:
            in_another_thread(hook)
        return super().look(frame)

    def probe(self, sighting: Sighting) -> Probe:
        hook, self.while_embedding = self.while_embedding, None
        if hook is not None:
            in_another_thread(hook)
        return super().probe(sighting)


class StagedWatchList(WatchList):
    """It is searched right after the gallery: something may happen between the search and what follows from it."""

    after_search: Callable[[], None] | None = None

    def nearest(self, probe: Probe, now: datetime) -> Nearest | None:
        hook, self.after_search = self.after_search, None
        if hook is not None:
            in_another_thread(hook)
        return super().nearest(probe, now)


class Stage:
    """One engine with everything around it, and the passage that is watched.

    Attributes:
        effects: all that the passage has asked for.
        errors: what was refused on the way, frames and samples.
        receipts: of every destruction that somebody asked for.
        steps: of the clock.
        passed_elsewhere: passes given at other lanes while this passage was open.
    """

    def __init__(
        self,
        expected: tuple[Expected, ...],
        watched: tuple[int, ...] = (),
        reader: FingerReader | None = None,
        port: str = "",
    ) -> None:
        self.clock, self.vision, self.journal = SetClock(), StagedVision(), MemoryJournal()
        self.effects: list[Effect] = []
        self.errors: list[GateError] = []
        self.receipts: list[Receipt] = []
        self.steps: list[ClockStep] = []
        self.used = MemoryUsedTokens()
        self.sequence = 0
        self.passed_elsewhere = 0
        guarded = GuardedClock(self.clock, self.steps.append)
        self.watch_list = StagedWatchList(PACK, guarded, UnkeptWatchList(self.journal))
        self.engine = Engine(
            Settings(lanes=LANES, profiles=PROFILES, manifest={"port": port}),
            self.vision,
            WEIGHED,
            MemoryGallery(PACK, journal=self.journal, clock=guarded, lookalike_similarity=LOOKALIKE),
            guarded,
            self.journal,
            ClaimRules(port, Tokens(RULES, KEYS, self.used)),
            fingers=reader,
            watch_list=self.watch_list,
        )
        self.attempt: Attempt = None  # type: ignore[assignment]  # until `opens`
        for each in expected:
            self.expect(each)
        for person in watched:
            until = guarded.utc() + timedelta(hours=3)
            self.engine.enrol_watched(Watched(f"watched-{person}", "warrant", until), photo(person))

    def expect(self, who: Expected) -> None:
        """From now on."""
        traveller = who.traveller(self.engine.clock.utc())
        self.engine.gallery.apply(Change(put=(traveller,)))
        if who.photo is not None:
            self.engine.enrol(traveller, photo(who.face_of or who.person, **who.photo))
        if who.finger is not None:
            # Whoever reads fingers here, it was enrolled where they can be read.
            template = prints.reader().read(prints.enrolled(who.finger))
            self.engine.gallery.enrol_finger(traveller.reference, traveller.flight, template)

    def crowd(self, travellers: int) -> None:
        """So many more, all at once: one by one they would take minutes."""
        gallery = self.engine.gallery
        assert isinstance(gallery, MemoryGallery)
        flights = {**gallery.snapshot().flights, **_crowd(travellers, self.clock.now + timedelta(hours=4))}
        gallery._snapshot = replace(gallery.snapshot(), flights=flights)

    def update(self, person: int, flight: str = FLIGHT, **particulars: Any) -> None:
        """As a manifest does: particulars anew, templates kept."""
        entry = self.engine.gallery.snapshot().find_reference(name(person), self.engine.clock.utc(), flight)[0]
        changed = replace(entry.traveller, particulars=Particulars(**particulars))
        self.engine.gallery.apply(Change(put=(changed,)))

    def opens(self, lane: str, claim: Presented, sensor: bool = False, flight: str = "") -> None:
        """A passage, in place of the one before. What the controller presents is read at once, as the service does."""
        self.attempt = self.engine.open_passage(StartRequest(lane, claim=claim, sensor=sensor, flight=flight))
        self.effects = []
        self.effects += self.attempt.arrive()

    def closes(self) -> None:
        """The passage is over; the gate is told; what boarding destroys goes."""
        self.engine.close_passage(self.attempt)
        self.engine.end_journeys()

    @property
    def decided(self) -> bool:
        return self.attempt.decision is not None


@cache
def _crowd(people: int, until: datetime) -> dict[str, tuple[Segment, ...]]:
    """A flight of nobody in particular. Built once: nothing in it ever changes."""
    flight = "ZZ0001/2026-11-22"
    faces = np.random.default_rng(people).normal(size=(people, 64)).astype(np.float32)
    faces /= np.linalg.norm(faces, axis=1, keepdims=True)
    travellers = [Traveller(f"traveller-{1000 + n}", flight, until) for n in range(people)]
    entries = {who.reference: Entry(who, row[np.newaxis]) for who, row in zip(travellers, faces, strict=True)}
    return {flight: revise(flight, (), frozenset(), entries)}


def in_another_thread(work: Callable[[], None]) -> None:
    """Does it there, and waits for it; what it raises is raised here."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 -- raised again below
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
