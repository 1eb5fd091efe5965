"""All subjects on the same frames, by turns."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import structlog

from benchmarks.engine_process import engine_process
from benchmarks.figures import Samples
from benchmarks.floor import Floor, Prepared
from benchmarks.frames import Person, people
from benchmarks.insightface_peer import InsightFacePeer
from benchmarks.lane import InProcessLane, WireLane
from gate.engine.build import Built, build_engine
from gate.gallery.traveller import Traveller
from gate.settings import FrameSettings, ModelSettings, ServerSettings, Settings
from gate.telemetry.logs import set_up_logs
from gate.vision.detector import letterbox
from gate.vision.frame import DecodeLimits, Encoding, Frame, decode
from gate.vision.load import find_pack
from gate.vision.pipeline import Vision

GATE, ENGINE, FLOOR, PEER, PEER_SAME = "gate", "engine", "floor", "insightface", "insightface_same_size"
SUBJECTS = (GATE, ENGINE, FLOOR, PEER, PEER_SAME)
PEER_SIZE_PX = (640, 640)
Sample = tuple[float, dict[str, float]]
"""Milliseconds of one frame, and of its parts by name."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure.

    Attributes:
        pack: by name.
        faces: ``<person>/<photo>``; None takes the astronaut of scikit-image.
        frames: different frames, each once a round.
        rounds: of every subject.
        warm_up: rounds before them that do not count.
        travellers: in the gallery.
        threads: within one model run, of engine and floor.
        detect_size_px: longer side of the engine's detection canvas; None takes the engine's default.
        seed: of people, frames, and the order of turns.
    """

    pack: str
    faces: Path | None
    frames: int
    rounds: int
    warm_up: int
    travellers: int
    threads: int
    detect_size_px: int | None
    seed: int

    def settings(self) -> Settings:
        """The engine's settings: its defaults, except what the plan says."""
        size = {} if self.detect_size_px is None else {"detect_size": self.detect_size_px}
        return Settings(
            server=ServerSettings(address="127.0.0.1:0"),
            models=ModelSettings(pack=self.pack, threads=self.threads, **size),
            frames=FrameSettings(identical="allow"),  # every subject gets the same frames, round after round
        )


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds (rounds, frames): of each subject, of the floor's parts and of the engine's stages over gRPC."""

    subjects: dict[str, Samples]
    floor: dict[str, Samples]
    stages: dict[str, Samples]


@dataclass(frozen=True, slots=True)
class Setting:
    """What was really measured, where the plan leaves it open."""

    canvas_px: tuple[int, int]
    frames: int
    frame_bytes: float
    travellers: int


def measure(plan: Plan, tick: Callable[[str], None]) -> tuple[Times, Setting]:
    """Runs all subjects by turns. `tick` is told the subject that comes next.

    Raises:
        RuntimeError: no frame of these photographs is decided at first sight, so there is no latency to measure.
    """
    settings = plan.settings()
    built = build_engine(settings)
    built.engine.warm()
    with logs_to_nowhere():
        return _measure(plan, settings, built, tick)


@contextmanager
def logs_to_nowhere() -> Iterator[None]:
    """The same lines as the other process writes, for the same cost; what logs were set up before comes back."""
    structlog_before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with Path(os.devnull).open("w") as nowhere:
        try:
            set_up_logs("json", stream=nowhere)
            yield
        finally:
            structlog.configure(**structlog_before)
            root.handlers[:] = handlers
            root.setLevel(level)


def _measure(plan: Plan, settings: Settings, built: Built, tick: Callable[[str], None]) -> tuple[Times, Setting]:
    rng = np.random.default_rng(plan.seed)
    # Photographs of several people are refused at the gate: twice as many are enough to find those of one.
    crowd = people(plan.faces, plan.travellers, 2 * plan.frames, plan.seed)
    local = InProcessLane(built.engine)
    enrol(local.enrol, crowd)
    candidates = [frame for person in crowd for frame in person.frames]
    frames = list(itertools.islice((frame for frame in candidates if local.decides(frame)), plan.frames))
    if not frames:
        raise RuntimeError(f"expected frames that are decided at first sight, found none of {len(candidates)}")
    floor, canvas_px, prepared = _floor(plan, settings, built.vision, frames)
    # InsightFace gets OpenCV as it is; the engine has set it to one thread.
    usual = {PEER: os.cpu_count() or 1, PEER_SAME: os.cpu_count() or 1}
    runner = asyncio.Runner()
    with tempfile.TemporaryDirectory() as folder, engine_process(settings) as address, runner:
        pack = find_pack(plan.pack)
        peers = {
            PEER: InsightFacePeer(pack, Path(folder) / "640", PEER_SIZE_PX),
            PEER_SAME: InsightFacePeer(pack, Path(folder) / "same", canvas_px),
        }
        wire = WireLane(address, runner)
        wire.enrol([(_traveller(person), person.photo) for person in crowd])
        run_one: dict[str, Callable[[int], Sample]] = {
            GATE: lambda i: wire.pass_through(frames[i]),
            ENGINE: lambda i: (local.pass_through(frames[i]), {}),
            FLOOR: lambda i: _named(floor, prepared[i]),
            PEER: lambda i: (peers[PEER].run(frames[i]), {}),
            PEER_SAME: lambda i: (peers[PEER_SAME].run(frames[i]), {}),
        }
        kept: dict[str, list[list[Sample]]] = {name: [] for name in SUBJECTS}
        for number in range(plan.warm_up + plan.rounds):
            # Another order each time: nobody always comes after the one who heats the caches.
            for index in rng.permutation(len(SUBJECTS)):
                name = SUBJECTS[index]
                tick(name)
                cv2.setNumThreads(usual.get(name, 1))
                # The first one finds the caches of the subject before, and that one's threads still spinning.
                run_one[name](0)
                samples = [run_one[name](i) for i in range(len(frames))]
                if number >= plan.warm_up:
                    kept[name].append(samples)
        wire.close()
    size = float(np.mean([len(frame) for frame in frames]))
    return _times(kept), Setting(canvas_px, len(frames), size, built.engine.describe(None).travellers)


def _floor(
    plan: Plan, settings: Settings, vision: Vision, frames: list[bytes]
) -> tuple[Floor, tuple[int, int], list[Prepared]]:
    """The floor, the engine's canvas (width, height), and each frame's tensors."""
    floor = Floor(find_pack(plan.pack), plan.threads)
    prepared, shape = [], (0, 0)
    for jpeg in frames:
        frame = Frame(1, 0, Encoding.JPEG, 0, 0, jpeg)
        sighting = vision.look(frame)
        if sighting.traveller is None:
            raise RuntimeError("expected a face in a frame that was decided")
        size_px = settings.models.detect_size
        canvas, _ = letterbox(decode(frame, DecodeLimits()), size_px)
        shape = (canvas.shape[1], canvas.shape[0])
        prepared.append(floor.prepare(jpeg, sighting.traveller.landmarks, size_px))
    return floor, shape, prepared


def _named(floor: Floor, frame: Prepared) -> Sample:
    parts = floor.run(frame)
    return sum(parts), dict(zip(floor.parts, parts, strict=True))


def _times(kept: dict[str, list[list[Sample]]]) -> Times:
    def parts_of(name: str) -> dict[str, Samples]:
        names = {part: None for samples in kept[name] for _, parts in samples for part in parts}
        return {
            part: np.array([[parts.get(part, 0.0) for _, parts in samples] for samples in kept[name]]) for part in names
        }

    subjects = {name: np.array([[total for total, _ in samples] for samples in kept[name]]) for name in SUBJECTS}
    return Times(subjects, parts_of(FLOOR), parts_of(GATE))


def _traveller(person: Person) -> Traveller:
    return Traveller(person.reference, "BENCH", datetime.now(UTC) + timedelta(hours=2))


def enrol(into: Callable[[Traveller, bytes], bool], crowd: list[Person]) -> None:
    """Everybody's photograph, by `into`; who is refused is left out."""
    for person in crowd:
        into(_traveller(person), person.photo)
