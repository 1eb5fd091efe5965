"""The client for a program without an event loop: the asynchronous one, run in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from gate.client.claim import Claim
from gate.client.connection import Tls
from gate.client.gallery import EnrolReport, EnrolStatus, Expected, FingerEnrolled
from gate.client.gate import PLAY_FPS, GateClient, Picture
from gate.client.manifest import LoadNews, LoadReport, Photos
from gate.client.passage import PassageStream
from gate.client.records import PassageDecision, PassageEvent
from gate.decision.journey import FlightPlan
from gate.decision.outcome import Outcome
from gate.engine.recorded import Recorded
from gate.fingerprint.sample import FingerSample
from gate.gallery.receipt import Receipt, Why
from gate.gallery.traveller import Traveller
from gate.gallery.watched import Watched, WatchListDescription
from gate.vision.frame import Frame

T = TypeVar("T")


class _LoopThread:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gate-client", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs `work` to its end; an interrupted caller cancels it."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        """Ends the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class BlockingPassage:
    """`PassageStream` without ``await``. Sending and reading may happen in different threads."""

    def __init__(self, run: Callable[[Coroutine[Any, Any, Any]], Any], make: Callable[[], PassageStream]) -> None:
        self._run = run
        self._make = make
        self._passage: PassageStream

    def __enter__(self) -> Self:
        self._passage = self._run(self._opened())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._passage.__aexit__(kind, error, trace))

    @property
    def passage_id(self) -> str:
        """Names the passage in logs and records."""
        return self._passage.passage_id

    @property
    def decided(self) -> bool:
        """See `PassageStream.decided`."""
        return self._passage.decided

    def send_jpeg(
        self,
        data: bytes,
        *,
        capture_time_us: int | None = None,
        camera_id: str = "",
        sensor_liveness: float | None = None,
    ) -> bool:
        """See `PassageStream.send_jpeg`."""
        sent = self._passage.send_jpeg(
            data, capture_time_us=capture_time_us, camera_id=camera_id, sensor_liveness=sensor_liveness
        )
        return bool(self._run(sent))

    def send(
        self,
        image: NDArray[np.uint8],
        *,
        capture_time_us: int | None = None,
        camera_id: str = "",
        sensor_liveness: float | None = None,
    ) -> bool:
        """See `PassageStream.send`."""
        sent = self._passage.send(
            image, capture_time_us=capture_time_us, camera_id=camera_id, sensor_liveness=sensor_liveness
        )
        return bool(self._run(sent))

    def send_frame(self, frame: Frame) -> bool:
        """See `PassageStream.send_frame`."""
        return bool(self._run(self._passage.send_frame(frame)))

    def end(self) -> None:
        """See `PassageStream.end`."""
        self._run(self._passage.end())

    def __iter__(self) -> Iterator[PassageEvent]:
        """Events as they come, the decision last."""
        events = aiter(self._passage)

        async def following() -> PassageEvent | None:
            return await anext(events, None)

        while (event := self._run(following())) is not None:
            yield event

    def decision(self) -> PassageDecision:
        """See `PassageStream.decision`."""
        decision: PassageDecision = self._run(self._passage.decision())
        return decision

    async def _opened(self) -> PassageStream:
        # Made inside the loop, because its parts belong to the loop that they are made in.
        return await self._make().__aenter__()


class BlockingGateClient:
    """`GateClient` without ``await``. Use as ``with``; arguments, results and errors are the same."""

    def __init__(self, address: str = "127.0.0.1:50151", *, tls: Tls | None = None) -> None:
        self._client = GateClient(address, tls=tls)
        self._loop: _LoopThread | None = None

    def __enter__(self) -> Self:
        self._loop = _LoopThread()
        try:
            self._run(self._client.__aenter__())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._run(self._client.__aexit__(kind, error, trace))
        finally:
            self._stop()

    def passage(
        self,
        lane_id: str,
        *,
        document: str = "",
        issuing_state: str = "",
        traveller_reference: str = "",
        claim: Claim | None = None,
        checkpoint: str = "",
        profile: str = "",
        flight: str = "",
        timeout_s: float | None = None,
    ) -> BlockingPassage:
        """A passage at a lane, opened by ``with``. See `GateClient.passage`."""
        return BlockingPassage(
            self._run,
            lambda: self._client.passage(
                lane_id,
                document=document,
                issuing_state=issuing_state,
                traveller_reference=traveller_reference,
                claim=claim,
                checkpoint=checkpoint,
                profile=profile,
                flight=flight,
                timeout_s=timeout_s,
            ),
        )

    def verify(
        self,
        lane_id: str,
        pictures: Iterable[Picture],
        *,
        document: str = "",
        issuing_state: str = "",
        traveller_reference: str = "",
        claim: Claim | None = None,
        flight: str = "",
        fps: float = PLAY_FPS,
        timeout_s: float | None = None,
        on_event: Callable[[PassageEvent], None] | None = None,
    ) -> PassageDecision:
        """One passage in one call. See `GateClient.verify`; `on_event` is called in the client's thread."""
        return self._run(
            self._client.verify(
                lane_id,
                pictures,
                document=document,
                issuing_state=issuing_state,
                traveller_reference=traveller_reference,
                claim=claim,
                flight=flight,
                fps=fps,
                timeout_s=timeout_s,
                on_event=on_event,
            )
        )

    def enrol(self, photos: Iterable[tuple[Traveller, bytes]]) -> EnrolReport:
        """See `GateClient.enrol`."""
        return self._run(self._client.enrol(photos))

    def enrol_fingerprint(self, traveller_reference: str, flight: str, sample: FingerSample) -> FingerEnrolled:
        """See `GateClient.enrol_fingerprint`."""
        return self._run(self._client.enrol_fingerprint(traveller_reference, flight, sample))

    def describe(self, flight: str = "") -> Expected:
        """See `GateClient.describe`."""
        return self._run(self._client.describe(flight))

    def load_manifest(
        self,
        data: bytes,
        photos: Photos = (),
        *,
        name: str = "",
        dry_run: bool = False,
        on_news: Callable[[LoadNews], None] | None = None,
    ) -> LoadReport:
        """See `GateClient.load_manifest`; `on_news` is called in the client's thread."""
        return self._run(self._client.load_manifest(data, photos, name=name, dry_run=dry_run, on_news=on_news))

    def withdraw(self, traveller_reference: str, flight: str = "", why: Why = Why.WITHDRAWN) -> Receipt:
        """See `GateClient.withdraw`."""
        return self._run(self._client.withdraw(traveller_reference, flight, why))

    def close_flight(self, flight: str) -> Receipt:
        """See `GateClient.close_flight`."""
        return self._run(self._client.close_flight(flight))

    def enrol_watched(self, person: Watched, photo: bytes) -> EnrolStatus:
        """See `GateClient.enrol_watched`."""
        return self._run(self._client.enrol_watched(person, photo))

    def withdraw_watched(self, reference: str) -> Receipt:
        """See `GateClient.withdraw_watched`."""
        return self._run(self._client.withdraw_watched(reference))

    def watch_list(self) -> WatchListDescription:
        """See `GateClient.watch_list`."""
        return self._run(self._client.watch_list())

    def set_flight_plan(self, plan: FlightPlan) -> bool:
        """See `GateClient.set_flight_plan`."""
        return self._run(self._client.set_flight_plan(plan))

    def flight_plans(self, flight: str = "") -> tuple[FlightPlan, ...]:
        """See `GateClient.flight_plans`."""
        return self._run(self._client.flight_plans(flight))

    def record_pass(
        self, traveller_reference: str, flight: str, officer_id: str, reason: str, touchpoint: str = ""
    ) -> Recorded:
        """See `GateClient.record_pass`."""
        return self._run(self._client.record_pass(traveller_reference, flight, officer_id, reason, touchpoint))

    def record_override(self, passage_id: str, officer_id: str, outcome: Outcome, reason: str) -> int:
        """See `GateClient.record_override`."""
        return self._run(self._client.record_override(passage_id, officer_id, outcome, reason))

    def wait_until_serving(self, timeout_s: float = 60.0) -> None:
        """See `GateClient.wait_until_serving`."""
        self._run(self._client.wait_until_serving(timeout_s))

    def _stop(self) -> None:
        if self._loop is not None:
            self._loop.stop()
            self._loop = None

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            work.close()
            raise RuntimeError("the client is closed: use it inside `with BlockingGateClient(...)`")
        return self._loop.run(work)
