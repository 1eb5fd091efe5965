"""The demo's engine, on loopback over real gRPC with a sealed store; its flight; passages played against it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gate.client import (
    EnrolResult,
    FingerRejection,
    FingerRequested,
    FingerSample,
    GateClient,
    GuidanceGiven,
    PassageDecision,
    PassageEvent,
)
from gate.client.manifest import LoadReport
from gate.decision.outcome import Guidance
from gate.decision.profiles import PROFILES
from gate.demo import journey
from gate.demo.approach import FPS, render
from gate.demo.fingers import enrolled
from gate.demo.flight import PORT, leg, manifest, photos
from gate.demo.people import Person
from gate.demo.scenarios import Expected, Scenario
from gate.engine.build import Built
from gate.engine.loading import PersonState
from gate.gallery.traveller import Traveller
from gate.service.server import GateServer
from gate.settings import (
    FingerprintSettings,
    GallerySettings,
    LaneSettings,
    ManifestSettings,
    ServerSettings,
    Settings,
    StorageSettings,
)
from gate.storage.keys import MasterKey, write_key_file
from gate.vision.probe import MaskState

LANE = "demo-lane"
_CAMERA_FLIGHT = "DEMO/today"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The demo's flight, as the engine took it.

    Attributes:
        flight: as the gallery names it.
        report: the engine's, of the load.
        names: traveller reference -> label.
        refused: label -> why the photograph could not be used.
    """

    flight: str
    report: LoadReport
    names: Mapping[str, str]
    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a passage.

    Attributes:
        scenario: what was played.
        decision: the engine's.
        guidance: given on the way, in order.
        frames: JPEG files that were sent; frame 1 is the first.
        faults: what is not as expected, in words; empty when all is.
    """

    scenario: Scenario
    decision: PassageDecision
    guidance: tuple[Guidance, ...]
    frames: tuple[bytes, ...]
    faults: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Everything is as expected."""
        return not self.faults


def demo_settings(base: Settings, folder: Path) -> Settings:
    """The models of `base`; lane, policy and address are the demo's own, so that its outcomes are known.

    Args:
        folder: empty; the store and its master key are made there.
    """
    key = folder / "master.key"
    write_key_file(key, MasterKey.generate())
    return base.model_copy(
        update={
            "server": ServerSettings(address="127.0.0.1:0"),
            "gallery": GallerySettings(),
            "manifest": ManifestSettings(port=PORT),
            "storage": StorageSettings(path=folder / "egate.db", master_key_file=key),
            "lanes": {LANE: LaneSettings(checkpoint="demo"), **journey.LANES},
            "journey": journey.ROUTE,
            "profiles": dict(PROFILES),
            "fingerprint": FingerprintSettings(),
        }
    )


@asynccontextmanager
async def open_stage(built: Built) -> AsyncIterator[GateClient]:
    """A client of the engine, which serves on a free port of loopback until the end of the block."""
    async with GateServer(built.engine, built.engine.settings.server) as server, GateClient(server.address) as client:
        await client.wait_until_serving()
        yield client


async def load(client: GateClient, people: Sequence[Person]) -> Loaded:
    """Loads the demo's flight: the passenger list, and a photograph and a finger of each."""
    now = datetime.now(UTC)
    by_label = {person.label: person for person in people}
    report = await client.load_manifest(manifest(people, now), photos(people), name="demo")
    names = {known.reference: people[known.person_index].label for known in report.people if known.reference}
    refused = {
        people[known.person_index].label: known.message
        for known in report.people
        if known.state is PersonState.PHOTO_REFUSED
    }
    flight = leg(now).flight
    for reference, label in names.items():
        await client.enrol_fingerprint(reference, flight, enrolled(by_label[label]))
    return Loaded(flight, report, names, refused)


async def enrol_photo(client: GateClient, label: str, photo: bytes) -> EnrolResult | None:
    """Enrols one JPEG photograph; the result when it was refused, None when it was not."""
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    report = await client.enrol([(Traveller(label, _CAMERA_FLIGHT, expires_at), photo)])
    return next(iter(report.refused), None)


async def play(
    client: GateClient,
    scenario: Scenario,
    names: Mapping[str, str],
    on_event: Callable[[PassageEvent], None] | None = None,
) -> Played:
    """Plays one passage in real time, and compares what comes with what was expected.

    Args:
        names: reference -> the demo's label for that traveller, which takes the reference's place in what is shown.
    """
    # Rendered before, so that the camera's synthesis does not compete with the engine for the processor.
    frames = await asyncio.to_thread(lambda: tuple(render(scenario.scene)))
    guidance: list[Guidance] = []

    def note(event: PassageEvent) -> None:
        if isinstance(event, GuidanceGiven):
            guidance.append(event.guidance)
        if on_event is not None:
            on_event(event)

    laid_down = iter(scenario.fingers)

    async def sensor(_asked: FingerRequested | FingerRejection) -> FingerSample | None:
        return next(laid_down, None)

    decision = await client.verify(
        scenario.lane or LANE,
        frames,
        document=scenario.document,
        profile=scenario.profile,
        fps=FPS,
        on_event=note,
        finger=sensor if scenario.fingers else None,
    )
    if decision.traveller_reference:
        label = names.get(decision.traveller_reference, decision.traveller_reference)
        decision = replace(decision, traveller_reference=label)
    return Played(scenario, decision, tuple(guidance), frames, compare(scenario.expected, decision, guidance))


def compare(expected: Expected, decision: PassageDecision, guidance: Iterable[Guidance]) -> tuple[str, ...]:
    """What is not as expected, in words."""
    faults = []
    if decision.outcome != expected.outcome or decision.reason not in {expected.reason, expected.or_reason}:
        faults.append(f"expected {expected.outcome} ({expected.reason}), found {decision.outcome} ({decision.reason})")
    elif expected.traveller and decision.traveller_reference != expected.traveller:
        faults.append(f"expected traveller {expected.traveller}, found {decision.traveller_reference}")
    if expected.masked and decision.mask not in {MaskState.WORN, MaskState.UNKNOWN}:
        faults.append(f"expected a mask to be seen, found {decision.mask}")
    if expected.guidance is not None and expected.guidance not in set(guidance):
        faults.append(f"expected the guidance {expected.guidance}, which was not given")
    return tuple(faults)
