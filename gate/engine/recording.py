"""One passage, kept so that its decision can be found again bit for bit.

Two things are kept: the events of the state machine, which is pure, so that they give the decision again anywhere; and
the frames with the candidates' templates, from which the models must make the same events again.

Travellers stand in it under pseudonyms of this recording (T1, T2, …), with what the decision read of them and no more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from gate.decision.event import Compared, Event, FingerCompared, FingersKnown, Looked
from gate.decision.outcome import Decision
from gate.decision.passage import Rules
from gate.decision.policy import Policy
from gate.engine import exact
from gate.engine.witness import Embedded, Seen
from gate.gallery.axes import Rows
from gate.gallery.snapshot import Snapshot
from gate.gallery.traveller import Candidate, Particulars, TravelDocument, Traveller
from gate.vision.frame import Frame
from gate.vision.probe import Embedding, MaskState, Sighting


@dataclass(frozen=True, slots=True)
class Made:
    """What made the numbers: another of these, and they may differ in their last bits.

    Attributes:
        pack, pack_id: as set, and as templates carry it.
        liveness: the liveness set as set; empty: the pack's own.
        models: SHA-256 by role.
        provider, threads, detect_size: as set.
        software: versions by name, and the machine's architecture.
    """

    pack: str
    pack_id: str
    liveness: str
    models: Mapping[str, str]
    provider: str
    threads: int
    detect_size: int
    software: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A frame that was looked at; with `embedding`, `mask` and `score` where its face was compared.

    Attributes:
        frame: with its bytes; empty ones where the recording would have grown too large.
        arrived_s: monotonic.
        liveness: what the model said; None where it was not asked.
    """

    frame: Frame
    arrived_s: float
    score: float | None = None
    embedding: Embedding | None = None
    mask: MaskState | None = None
    liveness: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Templates (T, D) that a candidate had in one generation of the gallery."""

    generation: int
    traveller: Traveller
    templates: Rows


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A passage from its rules to its decision, None for one that was abandoned.

    Attributes:
        version: of this program.
        made: what made the numbers.
        policy_digest: as the decision carried it.
    """

    version: str
    passage_id: str
    lane_id: str
    profile: str
    closed_at: datetime
    made: Made
    rules: Rules
    policy_digest: str
    events: tuple[Event, ...]
    looks: tuple[Look, ...]
    references: tuple[Reference, ...]
    decision: Decision | None

    def dumped(self) -> bytes:
        """With pseudonyms, and without the pictures that follow from the frames."""
        return exact.dumped(self, _Discreet(self.rules.policy))

    @classmethod
    def loaded(cls, text: bytes) -> Recording:
        """What `dumped` wrote.

        Raises:
            StorageFault: SEAL_BROKEN.
        """
        recording: Recording = exact.loaded(text, cls, Made, Look, Reference)
        return recording

    @property
    def flights(self) -> tuple[str, ...]:
        """Of everybody in it."""
        found = {reference.traveller.flight for reference in self.references}
        for event in self.events:
            found |= {traveller.flight for traveller in _travellers(event)}
        return tuple(sorted(found))


def without_pictures(sighting: Sighting) -> Sighting:
    """What was seen, in numbers: the rest follows from the frame, and its times are never the same."""
    return replace(sighting, aligned=None, picture=None, timings_ms={})


class Recorder:
    """Collects one passage. Thread-safe.

    Args:
        snapshot: gives the gallery as it is now.
        max_bytes: of frames; further ones are kept without their bytes.
    """

    def __init__(self, snapshot: Callable[[], Snapshot], max_bytes: int) -> None:
        self._snapshot = snapshot
        self._left = max_bytes
        self._events: list[Event] = []
        self._looks: dict[int, Look] = {}
        self._references: dict[tuple[int, str, str], Reference] = {}
        self._lock = threading.Lock()

    def note(self, observed: Seen | Embedded | Event) -> None:
        """See `gate.engine.witness.Observer`."""
        with self._lock:
            match observed:
                case Seen():
                    self._looks[observed.frame.sequence] = Look(self._afforded(observed.frame), observed.arrived_s)
                case Embedded():
                    self._embed(observed)
                case Looked():
                    # At once: decoded pictures of a whole passage are hundreds of megabytes.
                    self._events.append(replace(observed, sighting=without_pictures(observed.sighting)))
                case _:
                    self._events.append(observed)
                    if isinstance(observed, Compared):
                        self._keep_templates(observed)

    @property
    def events(self) -> tuple[Event, ...]:
        """In their order."""
        return tuple(self._events)

    @property
    def looks(self) -> tuple[Look, ...]:
        """In the order of the frames."""
        return tuple(self._looks.values())

    @property
    def references(self) -> tuple[Reference, ...]:
        """Of every candidate."""
        return tuple(self._references.values())

    def _afforded(self, frame: Frame) -> Frame:
        if len(frame.data) > self._left:
            return replace(frame, data=b"")
        self._left -= len(frame.data)
        return frame

    def _embed(self, seen: Embedded) -> None:
        look, probe = self._looks[seen.frame_sequence], seen.probe
        self._looks[seen.frame_sequence] = replace(
            look, score=seen.score, embedding=probe.embedding, mask=probe.mask, liveness=seen.liveness
        )

    def _keep_templates(self, event: Compared) -> None:
        snapshot, generation = self._snapshot(), event.candidates.generation
        if snapshot.generation != generation:
            return  # changed since the search: its templates are not to be had any more
        for candidate in event.candidates.ranked:
            traveller = candidate.traveller
            for entry in snapshot.find_reference(traveller.reference, event.now, traveller.flight):
                key = (generation, traveller.reference, traveller.flight)
                self._references.setdefault(key, Reference(generation, entry.traveller, entry.templates))


class _Discreet:
    """What stands in a recording instead of a record that says more than the decision needs."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._names: dict[str, str] = {}

    def __call__(self, value: object) -> object:
        match value:
            case Traveller():
                return self._traveller(value)
            case Candidate():
                return replace(value, lookalikes=frozenset(map(self._name, value.lookalikes)))
            case Decision(traveller_reference=str(reference)):
                return replace(value, traveller_reference=self._name(reference))
            case Sighting():
                return without_pictures(value)
        return value

    def _name(self, reference: str) -> str:
        return self._names.setdefault(reference, f"T{len(self._names) + 1}")

    def _traveller(self, traveller: Traveller) -> Traveller:
        said = traveller.particulars
        born = said.birth_date if said and self._policy.min_age is not None else None
        dates = [document.expires for document in traveller.documents] if self._policy.check_document else []
        return replace(
            traveller,
            reference=self._name(traveller.reference),
            documents=tuple(TravelDocument("", "", expires) for expires in dates),
            particulars=said and Particulars(birth_date=born, face_consent=said.face_consent),
        )


def _travellers(event: Event) -> tuple[Traveller, ...]:
    match event:
        case Compared():
            return tuple(candidate.traveller for candidate in event.candidates.ranked)
        case FingersKnown():
            return event.travellers
        case FingerCompared():
            return tuple(found.traveller for found in event.scores)
    return ()
