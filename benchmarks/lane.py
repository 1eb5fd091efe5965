"""One passage of one frame, through the wire or within the process: the same engine both times."""

from __future__ import annotations

import asyncio
import time

from gate.client import GateClient
from gate.client.records import PassageDecision
from gate.engine.attempt import StartRequest
from gate.engine.engine import Engine
from gate.errors import EnrolmentError
from gate.gallery.traveller import Traveller
from gate.vision.frame import Encoding, Frame

LANE = "lane-1"
_TIMEOUT_S = 20.0


class InProcessLane:
    """The engine without gRPC."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def enrol(self, traveller: Traveller, photo: bytes) -> bool:
        """False where the photograph is refused; then nobody expects that traveller."""
        try:
            self._engine.enrol(traveller, photo)
        except EnrolmentError:
            return False
        return True

    def decides(self, jpeg: bytes) -> bool:
        """Whether this frame alone leads to a decision."""
        return self._run(jpeg)[1]

    def pass_through(self, jpeg: bytes) -> float:
        """Milliseconds from the frame to the decision.

        Raises:
            RuntimeError: there was no decision.
        """
        took_ms, decided = self._run(jpeg)
        if not decided:
            raise RuntimeError("expected a decision, found none")
        return took_ms

    def _run(self, jpeg: bytes) -> tuple[float, bool]:
        attempt = self._engine.open_passage(StartRequest(LANE))
        try:
            start = time.perf_counter()
            attempt.observe(Frame(1, 0, Encoding.JPEG, 0, 0, jpeg), self._engine.clock.monotonic())
            return (time.perf_counter() - start) * 1000, attempt.decision is not None
        finally:
            self._engine.close_passage(attempt)


class WireLane:
    """A client of an engine at an address.

    Args:
        address: of the engine.
        runner: of the event loop that the client lives in.
    """

    def __init__(self, address: str, runner: asyncio.Runner) -> None:
        self._client = GateClient(address)
        self._runner = runner
        runner.run(self._client.__aenter__())

    def enrol(self, photos: list[tuple[Traveller, bytes]]) -> None:
        """Enrols; photographs that are refused are left out, as in the process."""
        self._runner.run(self._client.enrol(photos))

    def pass_through(self, jpeg: bytes) -> tuple[float, dict[str, float]]:
        """Milliseconds from before the frame is sent to after the decision is read; and of the engine's stages."""
        took_ms, decision = self._runner.run(self._pass(jpeg))
        return took_ms, {timing.stage: timing.total_ms for timing in decision.timings}

    def watch(self, frames: tuple[bytes, ...], every_s: float) -> PassageDecision:
        """One passage of several frames, at their pace."""
        return self._runner.run(self._client.verify(LANE, frames, fps=1 / every_s, timeout_s=_TIMEOUT_S))

    def close(self) -> None:
        """Ends the connection."""
        self._runner.run(self._client.__aexit__(None, None, None))

    async def _pass(self, jpeg: bytes) -> tuple[float, PassageDecision]:
        # The passage is open before the clock starts: a gate opens it when somebody steps up.
        async with self._client.passage(LANE, timeout_s=_TIMEOUT_S) as passage:
            start = time.perf_counter()
            await passage.send_jpeg(jpeg)
            decision = await passage.decision()
            return (time.perf_counter() - start) * 1000, decision
