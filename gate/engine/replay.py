"""A recorded passage, decided again: by its events, and by its frames. Every bit must agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gate.decision.event import Compared, Looked
from gate.decision.judgement import score
from gate.decision.liveness import judge_liveness
from gate.decision.outcome import Decision
from gate.decision.passage import PassageState, advance
from gate.engine import exact
from gate.engine.faces import Faces
from gate.engine.recording import Look, Recording, without_pictures
from gate.gallery.segment import Entry, Segment
from gate.gallery.snapshot import Snapshot
from gate.gallery.templates import Templates
from gate.gallery.traveller import Candidates
from gate.vision.pipeline import Vision
from gate.vision.probe import Probe, Quality, Sighting


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that did not come out as it was recorded.

    Attributes:
        where: ``decision``, or the frame, as ``frame 12``.
        what: the number or record.
        recorded, found: as text.
    """

    where: str
    what: str
    recorded: str
    found: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay checked, and what did not agree.

    Attributes:
        checked: numbers and records that were held against each other.
        skipped: frames that could not be looked at again, because their bytes were not kept.
    """

    checked: int
    differences: tuple[Difference, ...] = ()
    skipped: int = 0

    @property
    def agrees(self) -> bool:
        """Whether everything came out as it was recorded."""
        return not self.differences


Pair = tuple[str, str, object, object]
"""Where, what, as recorded, as found."""


def replay_decision(recording: Recording) -> tuple[Decision | None, Replayed]:
    """The events once more through the state machine: the same decision, wherever this runs."""
    state = PassageState()
    for event in recording.events:
        state, _ = advance(state, event, recording.rules)
    digest = recording.rules.policy.digest
    pairs: list[Pair] = [
        ("decision", "decision", recording.decision, state.decision),
        ("decision", "policy digest", recording.policy_digest, digest),
    ]
    return state.decision, Replayed(len(pairs), tuple(_differing(pairs)))


def replay_models(recording: Recording, vision: Vision) -> Replayed:
    """The frames once more through the models: the same sightings, probes and similarities.

    What the watch list, the journeys and the finger reader said is taken as it was recorded.

    Args:
        vision: of the recording's pack, on its provider, with its threads.

    Raises:
        FrameError, EngineFault: see `Vision`.
    """
    looked = {event.frame_sequence: event for event in recording.events if isinstance(event, Looked)}
    compared = {event.frame_sequence: event for event in recording.events if isinstance(event, Compared)}
    faces, checked, skipped = Faces(recording.rules.calibration), 0, 0
    found: list[Difference] = []
    for look in recording.looks:
        if not look.frame.data:
            skipped += 1
            # Its probe is known all the same, and those after it are fused with it.
            _fused_as_recorded(faces, look, recording.made.pack_id)
            continue
        pairs = list(_look_again(look, looked, compared, recording, vision, faces))
        checked += len(pairs)
        found += _differing(pairs)
    return Replayed(checked, tuple(found), skipped)


def _look_again(
    look: Look,
    looked: dict[int, Looked],
    compared: dict[int, Compared],
    recording: Recording,
    vision: Vision,
    faces: Faces,
) -> Iterator[Pair]:
    sequence = look.frame.sequence
    where = f"frame {sequence}"
    sighting = vision.look(look.frame)
    if sequence in looked:
        yield where, "sighting", looked[sequence].sighting, without_pictures(sighting)
    if look.embedding is None or look.score is None or sighting.quality is None:
        yield where, "a face compared", look.embedding is not None, look.score is not None and _has_face(sighting)
        return
    if look.liveness is not None:
        yield where, "liveness", look.liveness, vision.with_liveness(sighting).liveness
    probe = vision.probe(sighting)
    yield where, "embedding", look.embedding, probe.embedding
    yield where, "mask", look.mask, probe.mask
    yield from _compare_again(look, probe, sighting.quality, compared.get(sequence), recording, faces)


def _compare_again(
    look: Look, probe: Probe, quality: Quality, event: Compared | None, recording: Recording, faces: Faces
) -> Iterator[Pair]:
    where = f"frame {look.frame.sequence}"
    face = faces.add(probe, score(quality), look.arrived_s)
    if event is None:
        return
    yield where, "quality score", event.score, score(quality)
    live = judge_liveness(recording.rules.policy.liveness, look.frame.sensor_liveness, look.liveness)
    yield where, "living", event.live, live
    yield where, "effective frames", event.frames, face.frames
    yield where, "weight", event.weight, face.weight
    yield where, "mask state compared", event.mask, face.probe.mask
    templates = _snapshot(recording, event)
    if templates is None:
        return
    again = _search(templates, face.probe, event, claimed=recording.rules.claimed)
    yield where, "similarities", _similarities(event.candidates), _similarities(again)


def _snapshot(recording: Recording, event: Compared) -> Snapshot | None:
    """The candidates' templates as a gallery of their own; None where they were not kept."""
    generation = event.candidates.generation
    kept = [r for r in recording.references if r.generation == generation]
    names = {(r.traveller.reference, r.traveller.flight) for r in kept}
    if any((c.traveller.reference, c.traveller.flight) not in names for c in event.candidates.ranked):
        return None
    flights = {
        reference.traveller.flight: (
            *(
                Segment(r.traveller.flight, [r.traveller], [len(r.templates)], Templates.of(r.templates))
                for r in kept
                if r.traveller.flight == reference.traveller.flight
            ),
        )
        for reference in kept
    }
    return Snapshot(recording.made.pack_id, generation, flights)


def _search(snapshot: Snapshot, probe: Probe, event: Compared, *, claimed: bool) -> Candidates:
    travellers = [candidate.traveller for candidate in event.candidates.ranked]
    if not claimed:
        return snapshot.search(probe, event.now, k=max(1, len(travellers)))
    entries: list[Entry] = []
    for traveller in travellers:
        entries += snapshot.find_reference(traveller.reference, event.now, traveller.flight)
    return snapshot.compare(probe, tuple(entries), event.now)


def _similarities(candidates: Candidates) -> tuple[tuple[str, float], ...]:
    return tuple((candidate.traveller.reference, candidate.similarity) for candidate in candidates.ranked)


def _fused_as_recorded(faces: Faces, look: Look, pack_id: str) -> None:
    if look.embedding is not None and look.mask is not None and look.score is not None:
        faces.add(Probe(look.embedding, look.mask, pack_id, {}), look.score, look.arrived_s)


def _has_face(sighting: Sighting) -> bool:
    return sighting.quality is not None


def _differing(pairs: list[Pair]) -> Iterator[Difference]:
    for where, what, recorded, found in pairs:
        first, second = exact.dumped(recorded), exact.dumped(found)
        if first != second:
            yield Difference(where, what, _shown(first), _shown(second))


def _shown(text: bytes) -> str:
    return text.decode() if len(text) <= 240 else f"{text[:240].decode(errors='replace')}… ({len(text)} bytes)"
