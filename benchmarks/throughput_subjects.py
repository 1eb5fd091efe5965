"""Who watches the lane in the throughput benchmark: the engine, and loops that look at every frame."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from benchmarks.lane import LANE
from benchmarks.walkups import FRAMES_PER_S
from gate.engine.attempt import StartRequest
from gate.engine.engine import Engine
from gate.vision.frame import Encoding, Frame
from gate.vision.pipeline import VisionPipeline
from gate.vision.probe import Embedding


class FilmClock:
    """Time as it passes in the film, not on the wall: a passage waits between looks, however fast it is played."""

    def __init__(self) -> None:
        self._started = datetime.now(UTC)
        self._at_s = 0.0

    def monotonic(self) -> float:
        """Seconds of film."""
        return self._at_s

    def utc(self) -> datetime:
        """The wall clock that goes with it."""
        return self._started + timedelta(seconds=self._at_s)

    def advance(self, seconds: float) -> None:
        """The next frame."""
        self._at_s += seconds


@dataclass(frozen=True, slots=True)
class Watched:
    """One walk-up by one subject.

    Attributes:
        who: the traveller who was let through; None for nobody.
        took_ms: all frames together.
        until_ms: those up to the decision.
        looked: frames that were looked at.
    """

    who: str | None
    took_ms: float
    until_ms: float
    looked: int


class GateSubject:
    """The engine: looks at a passage's frames until it has decided; the others are for nothing."""

    def __init__(self, engine: Engine, clock: FilmClock) -> None:
        self._engine = engine
        self._clock = clock

    def watch(self, frames: tuple[bytes, ...]) -> Watched:
        """One passage."""
        start_s = time.perf_counter()
        attempt = self._engine.open_passage(StartRequest(LANE))
        looked = 0
        try:
            attempt.arrive()
            for sequence, jpeg in enumerate(frames, 1):
                self._clock.advance(1 / FRAMES_PER_S)
                if attempt.decision is not None:
                    break
                looked += 1
                frame = Frame(sequence, sequence * 1_000_000 // FRAMES_PER_S, Encoding.JPEG, 0, 0, jpeg)
                attempt.observe(frame, self._clock.monotonic())
            attempt.frames_ended()
        finally:
            self._engine.close_passage(attempt)
        took_ms = (time.perf_counter() - start_s) * 1e3
        decision = attempt.decision
        return Watched(decision.traveller_reference if decision else None, took_ms, took_ms, looked)


Embed = Callable[[bytes], Embedding | None]


class LoopSubject:
    """Embeds every frame and multiplies by the gallery.

    Args:
        embed: a JPEG file's most prominent face.
        gallery: (n, D) and whose rows they are.
        threshold: the engine's own for this gallery.
    """

    def __init__(self, embed: Embed, gallery: NDArray[np.float32], names: list[str], threshold: float) -> None:
        self._embed = embed
        self._gallery = gallery
        self._names = names
        self._threshold = threshold

    def watch(self, frames: tuple[bytes, ...]) -> Watched:
        """Every frame; the first match decides, and the loop goes on."""
        start_s = time.perf_counter()
        who, until_ms = None, 0.0
        for jpeg in frames:
            embedding = self._embed(jpeg)
            if embedding is None:
                continue
            scores = self._gallery @ embedding
            best = int(scores.argmax())
            if who is None and scores[best] >= self._threshold:
                who, until_ms = self._names[best], (time.perf_counter() - start_s) * 1e3
        took_ms = (time.perf_counter() - start_s) * 1e3
        return Watched(who, took_ms, until_ms or took_ms, len(frames))


def plain_embed(vision: VisionPipeline, jpeg: bytes) -> Embedding | None:
    """The first thing that anybody writes: look, embed."""
    sighting = vision.look(Frame(1, 0, Encoding.JPEG, 0, 0, jpeg))
    return None if sighting.traveller is None else vision.probe(sighting).embedding
