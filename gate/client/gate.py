"""The client: lanes' passages and the integrator's gallery, over one channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

import grpc
import numpy as np
from grpc_health.v1 import health_pb2, health_pb2_grpc
from numpy.typing import NDArray

from gate.client import gallery, manifest, watchlist
from gate.client.claim import Claim, claim_message
from gate.client.connection import Tls, open_channel
from gate.client.errors import GateTimeoutError, rebuilt
from gate.client.gallery import EnrolReport, EnrolResult, EnrolStatus, Expected, FingerEnrolled
from gate.client.manifest import LoadNews, LoadReport, Photos
from gate.client.passage import PassageStream
from gate.client.records import FingerRejection, FingerRequested, PassageDecision, PassageEvent
from gate.client.watch import WatchStream
from gate.decision.journey import FlightPlan
from gate.decision.outcome import Outcome
from gate.engine.recorded import Recorded
from gate.fingerprint.sample import FingerSample
from gate.gallery.receipt import Receipt, Why
from gate.gallery.traveller import Traveller
from gate.gallery.watched import Watched, WatchListDescription
from gate.service import convert_plan
from gate.service.enums import OUTCOME_TO_WIRE, WITHDRAWAL_TO_WIRE
from gate.service.pb import gallery_pb2 as gallery_pb
from gate.service.pb import gallery_pb2_grpc, lane_pb2_grpc
from gate.service.pb import lane_pb2 as pb

ENROL_BATCH = 100
"""Photographs a call: a broken connection costs at most these, and no more are held in memory."""

CALL_TIMEOUT_S = 30.0
"""For the calls that only count or remove."""

PLAY_FPS = 15.0
"""Frames a second that `verify` plays a plain iterable at: about what an engine on one edge box looks at."""

SERVING_POLL_S = 0.1

Picture = bytes | NDArray[np.uint8]
"""A JPEG file, or pixels: (H, W, 3) uint8 BGR or (H, W) uint8 grey."""

T = TypeVar("T")


class GateClient:
    """Talks to an engine. Use as ``async with``; one client serves any number of lanes.

    Args:
        address: ``host:port`` or ``unix:path``.
        tls: certificates; None speaks in the clear, for an engine on the same machine.
    """

    def __init__(self, address: str = "127.0.0.1:50151", *, tls: Tls | None = None) -> None:
        self.address = address
        self._tls = tls
        self._channel: grpc.aio.Channel | None = None

    async def __aenter__(self) -> Self:
        self._channel = open_channel(self.address, self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

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
        fingerprint_sensor: bool = False,
        timeout_s: float | None = None,
    ) -> PassageStream:
        """A passage at a lane, opened by ``async with``.

        Args:
            lane_id: as the engine's settings name it.
            document, issuing_state: number and state of the document that the traveller presented: 1:1 comparison.
            traveller_reference: of the traveller who is claimed, known by other means: 1:1 comparison.
            claim: anything else that they presented, see `Claim`.
            checkpoint, profile: empty takes the lane's own.
            flight: search among this flight's travellers only.
            fingerprint_sensor: the lane has one: answer `FingerRequested` with `PassageStream.send_finger`.
            timeout_s: deadline of the whole passage; the engine decides within it.

        Raises:
            ValueError: more than one of document, reference and claim is given, or a state without a document.
        """
        said = claim_message(claim, document, issuing_state, traveller_reference)
        start = pb.PassageStart(
            lane_id=lane_id,
            checkpoint=checkpoint,
            profile=profile,
            flight=flight,
            claim=said,
            fingerprint_sensor=fingerprint_sensor,
        )
        return PassageStream(lane_pb2_grpc.LaneServiceStub(self._open()), start, self.address, timeout_s)

    def watch(
        self,
        lane_id: str,
        *,
        checkpoint: str = "",
        profile: str = "",
        flight: str = "",
        timeout_s: float | None = None,
    ) -> WatchStream:
        """A watch over several people who walk through a lane, opened by ``async with``.

        Args:
            lane_id: as the engine's settings name it.
            checkpoint, profile: empty takes the lane's own.
            flight: search among this flight's travellers only.
            timeout_s: deadline of the whole watch; None: until the frames end.
        """
        start = pb.WatchStart(lane_id=lane_id, checkpoint=checkpoint, profile=profile, flight=flight)
        return WatchStream(lane_pb2_grpc.LaneServiceStub(self._open()), start, self.address, timeout_s)

    async def verify(
        self,
        lane_id: str,
        pictures: Iterable[Picture] | AsyncIterable[Picture],
        *,
        document: str = "",
        issuing_state: str = "",
        traveller_reference: str = "",
        claim: Claim | None = None,
        flight: str = "",
        profile: str = "",
        fps: float = PLAY_FPS,
        timeout_s: float | None = None,
        on_event: Callable[[PassageEvent], None] | None = None,
        finger: Callable[[FingerRequested | FingerRejection], Awaitable[FingerSample | None]] | None = None,
    ) -> PassageDecision:
        """One passage in one call: opens it, sends the pictures, waits for the decision.

        Args:
            lane_id, document, issuing_state, traveller_reference, claim, flight, timeout_s: as for `passage`.
            pictures: JPEG bytes or pixels. An asynchronous source sets its own pace; a plain one is played at `fps`,
                because the engine looks at the latest frame only and would drop all but the last.
            fps: frames a second for a plain iterable.
            on_event: called with guidance, refusals and the decision as they come.
            finger: reads the lane's sensor, when a finger is asked for and when one was refused; None: the traveller
                gives none, and nothing more is sent. Without it the lane has no sensor.

        Raises:
            GateError, GateUnavailableError: as for `passage`.
        """
        async with self.passage(
            lane_id,
            document=document,
            issuing_state=issuing_state,
            traveller_reference=traveller_reference,
            claim=claim,
            flight=flight,
            profile=profile,
            fingerprint_sensor=finger is not None,
            timeout_s=timeout_s,
        ) as passage:
            feeder = asyncio.create_task(_feed(passage, pictures, fps, sensor=finger is not None))
            try:
                async for event in passage:
                    if on_event is not None:
                        on_event(event)
                    if finger is not None and isinstance(event, FingerRequested | FingerRejection):
                        sample = await finger(event)
                        await (passage.send_finger(sample) if sample is not None else passage.end())
                return await passage.decision()
            finally:
                feeder.cancel()
                with suppress(asyncio.CancelledError):
                    await feeder

    async def enrol(
        self, photos: Iterable[tuple[Traveller, bytes]] | AsyncIterable[tuple[Traveller, bytes]]
    ) -> EnrolReport:
        """Enrols travellers, one (traveller, JPEG or PNG) a photograph. Any number.

        Raises:
            GateUnavailableError: the connection broke; what was enrolled before stays enrolled.
        """
        stub = gallery_pb2_grpc.GalleryServiceStub(self._open())
        results: list[EnrolResult] = []
        async for batch in _batches(photos):
            requests = [gallery.enrol_request(traveller, photo) for traveller, photo in batch]
            answer = await self._answered(stub.Enrol(iter(requests)))
            offset = len(results)
            results.extend(gallery.enrol_result(result, offset) for result in answer.results)
        return EnrolReport(tuple(results))

    async def enrol_fingerprint(self, traveller_reference: str, flight: str, sample: FingerSample) -> FingerEnrolled:
        """Enrols one finger of a traveller who is expected. Idempotent.

        Args:
            sample: PNG, BMP, raw grey or WSQ, or a minutiae record. Say in it which finger it is.

        Raises:
            FingerprintError: it cannot be read, or is too poor (FINGER_LOW_QUALITY: the message says what to ask for).
            NotFoundError: TRAVELLER_UNKNOWN.
            EnrolmentError: TEMPLATES_FULL.
            GateUnavailableError: nobody answers.
        """
        stub = gallery_pb2_grpc.GalleryServiceStub(self._open())
        request = gallery.finger_request(traveller_reference, flight, sample)
        return gallery.finger_enrolled(await self._answered(stub.EnrolFingerprint(request, timeout=CALL_TIMEOUT_S)))

    async def describe(self, flight: str = "") -> Expected:
        """Who is expected, in numbers; on one flight or on all.

        Raises:
            NotFoundError: FLIGHT_UNKNOWN.
            GateUnavailableError: nobody answers.
        """
        stub = gallery_pb2_grpc.GalleryServiceStub(self._open())
        request = gallery_pb.DescribeRequest(flight=flight)
        return gallery.expected(await self._answered(stub.Describe(request, timeout=CALL_TIMEOUT_S)))

    async def load_manifest(
        self,
        data: bytes,
        photos: Photos = (),
        *,
        name: str = "",
        dry_run: bool = False,
        on_news: Callable[[LoadNews], None] | None = None,
    ) -> LoadReport:
        """Loads a manifest: PAXLST, or check-in data as CSV or JSON Lines. Idempotent: repeat it whole if it breaks.

        Args:
            data: the file.
            photos: (name, bytes) of photographs that come with it. One too large to send is a finding.
            name: the caller's own for the manifest, at most 64 characters; stands in the audit journal.
            dry_run: only ask what would become of it.
            on_news: called with each instalment as it comes.

        Raises:
            ProtocolError: MANIFEST_TOO_LARGE, FIELD_INVALID.
            EngineFault: the engine's store or a model failed. Messages before stay applied.
            GateUnavailableError: the connection broke. Messages before stay applied.
        """
        stub = gallery_pb2_grpc.GalleryServiceStub(self._open())
        report = LoadReport()
        start = gallery_pb.ManifestStart(name=name, dry_run=dry_run)
        call = stub.LoadManifest(manifest.requests(data, photos, start, report))
        try:
            async for response in call:
                given = manifest.news(response)
                report.add(given)
                if on_news is not None:
                    on_news(given)
        except grpc.aio.AioRpcError as error:
            raise rebuilt(error, self.address) from error
        return report

    async def withdraw(self, traveller_reference: str, flight: str = "", why: Why = Why.WITHDRAWN) -> Receipt:
        """Removes a traveller from one flight or from all; afterwards they cannot be found.

        Args:
            why: WITHDRAWN, CONSENT_WITHDRAWN or BOARDED.

        Raises:
            NotFoundError: TRAVELLER_UNKNOWN.
            GateUnavailableError: nobody answers.
        """
        stub = gallery_pb2_grpc.GalleryServiceStub(self._open())
        reason = WITHDRAWAL_TO_WIRE[why]
        request = gallery_pb.WithdrawRequest(traveller_reference=traveller_reference, flight=flight, reason=reason)
        done = await self._answered(stub.Withdraw(request, timeout=CALL_TIMEOUT_S))
        return gallery.receipt(done.receipt)

    async def close_flight(self, flight: str) -> Receipt:
        """Removes every traveller of a flight.

        Raises:
            NotFoundError: FLIGHT_UNKNOWN.
            GateUnavailableError: nobody answers.
        """
        stub = gallery_pb2_grpc.GalleryServiceStub(self._open())
        request = gallery_pb.CloseFlightRequest(flight=flight)
        done = await self._answered(stub.CloseFlight(request, timeout=CALL_TIMEOUT_S))
        return gallery.receipt(done.receipt)

    async def enrol_watched(self, person: Watched, photo: bytes) -> EnrolStatus:
        """Puts a photograph of somebody on the watch list: ENROLLED or ALREADY_ENROLLED.

        Raises:
            EnrolmentError, FrameError: the photograph or the expiry cannot be used.
            ProtocolError: FIELD_INVALID.
            GateUnavailableError: nobody answers.
        """
        stub = gallery_pb2_grpc.GalleryServiceStub(self._open())
        done = await self._answered(stub.EnrolWatched(watchlist.request(person, photo), timeout=CALL_TIMEOUT_S))
        return gallery.STATUS.get(done.status, EnrolStatus.ENROLLED)

    async def withdraw_watched(self, reference: str) -> Receipt:
        """Removes somebody from the watch list; afterwards they cannot be found.

        Raises:
            NotFoundError: TRAVELLER_UNKNOWN.
            GateUnavailableError: nobody answers.
        """
        stub = gallery_pb2_grpc.GalleryServiceStub(self._open())
        request = gallery_pb.WithdrawWatchedRequest(reference=reference)
        return gallery.receipt((await self._answered(stub.WithdrawWatched(request, timeout=CALL_TIMEOUT_S))).receipt)

    async def watch_list(self) -> WatchListDescription:
        """Who is on the watch list, in numbers.

        Raises:
            GateUnavailableError: nobody answers.
        """
        stub = gallery_pb2_grpc.GalleryServiceStub(self._open())
        request = gallery_pb.DescribeWatchListRequest()
        return watchlist.description(await self._answered(stub.DescribeWatchList(request, timeout=CALL_TIMEOUT_S)))

    async def set_flight_plan(self, plan: FlightPlan) -> bool:
        """Says where a flight boards and when its touchpoints are open to it, in place of its earlier plan.

        Args:
            plan: the whole of it; times with a time zone. A window without a touchpoint is the last one's.

        Returns:
            whether that changed anything; the same plan again does not.

        Raises:
            ProtocolError: FIELD_INVALID, PLANS_FULL.
            GateUnavailableError: nobody answers.
        """
        stub = gallery_pb2_grpc.GalleryServiceStub(self._open())
        request = gallery_pb.SetFlightPlanRequest(plan=convert_plan.message(plan))
        return (await self._answered(stub.SetFlightPlan(request, timeout=CALL_TIMEOUT_S))).changed

    async def flight_plans(self, flight: str = "") -> tuple[FlightPlan, ...]:
        """The plans that the engine knows: one flight's, or all.

        Raises:
            GateUnavailableError: nobody answers.
        """
        stub = gallery_pb2_grpc.GalleryServiceStub(self._open())
        request = gallery_pb.ListFlightPlansRequest(flight=flight)
        answer = await self._answered(stub.ListFlightPlans(request, timeout=CALL_TIMEOUT_S))
        return tuple(convert_plan.unpacked(plan) for plan in answer.plans)

    async def record_pass(
        self, traveller_reference: str, flight: str, officer_id: str, reason: str, touchpoint: str = ""
    ) -> Recorded:
        """Says that a traveller passed a touchpoint by an officer's decision, so that the gates that follow open.

        Args:
            officer_id, reason: as for `record_override`.
            touchpoint: empty: the last one, which destroys the traveller's record.

        Raises:
            ProtocolError: FIELD_INVALID.
            NotFoundError: TRAVELLER_UNKNOWN.
            GateUnavailableError: nobody answers.
        """
        stub = gallery_pb2_grpc.GalleryServiceStub(self._open())
        request = gallery_pb.RecordPassRequest(
            traveller_reference=traveller_reference,
            flight=flight,
            touchpoint=touchpoint,
            officer_id=officer_id,
            reason=reason,
        )
        return gallery.recorded(await self._answered(stub.RecordPass(request, timeout=CALL_TIMEOUT_S)))

    async def record_override(self, passage_id: str, officer_id: str, outcome: Outcome, reason: str) -> int:
        """Writes into the audit journal what an officer decided; its position there.

        Args:
            officer_id, reason: an opaque name and a word of the authority's own list: 1 to 64 letters, digits, or
                any of ``._-``. Never a person's name.

        Raises:
            ProtocolError: FIELD_INVALID.
            GateUnavailableError: nobody answers.
        """
        stub = lane_pb2_grpc.LaneServiceStub(self._open())
        request = pb.RecordOverrideRequest(
            passage_id=passage_id, officer_id=officer_id, outcome=OUTCOME_TO_WIRE[outcome], reason=reason
        )
        return (await self._answered(stub.RecordOverride(request, timeout=CALL_TIMEOUT_S))).journal_position

    async def wait_until_serving(self, timeout_s: float = 60.0) -> None:
        """Returns once the engine's models are warm.

        Raises:
            GateTimeoutError: not within `timeout_s`.
        """
        stub = health_pb2_grpc.HealthStub(self._open())
        try:
            async with asyncio.timeout(timeout_s):
                while not await _serves(stub):
                    await asyncio.sleep(SERVING_POLL_S)
        except TimeoutError as error:
            raise GateTimeoutError(f"The engine at {self.address} did not serve within {timeout_s:g} s.") from error

    def _open(self) -> grpc.aio.Channel:
        if self._channel is None:
            raise RuntimeError("the client is closed: use it inside `async with GateClient(...)`")
        return self._channel

    async def _answered(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise rebuilt(error, self.address) from error


async def _feed(
    passage: PassageStream, pictures: Iterable[Picture] | AsyncIterable[Picture], fps: float, *, sensor: bool
) -> None:
    """Sends until the source or the passage ends. An error of the source ends the frames, and is raised afterwards."""
    try:
        source = pictures if isinstance(pictures, AsyncIterable) else _paced(pictures, fps)
        async for picture in source:
            sent = passage.send_jpeg(picture) if isinstance(picture, bytes) else passage.send(picture)
            if not await sent:
                return
    finally:
        await (passage.frames_done() if sensor else passage.end())


async def _paced(pictures: Iterable[Picture], fps: float) -> AsyncIterator[Picture]:
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    for picture in pictures:
        await asyncio.sleep(due_s - loop.time())
        due_s += 1 / fps
        yield picture


async def _batches(
    photos: Iterable[tuple[Traveller, bytes]] | AsyncIterable[tuple[Traveller, bytes]],
) -> AsyncIterator[list[tuple[Traveller, bytes]]]:
    batch: list[tuple[Traveller, bytes]] = []
    async for photo in photos if isinstance(photos, AsyncIterable) else _each(photos):
        batch.append(photo)
        if len(batch) == ENROL_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def _each(items: Iterable[T]) -> AsyncIterator[T]:
    for item in items:
        yield item


async def _serves(stub: health_pb2_grpc.HealthStub) -> bool:
    try:
        answer = await stub.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True)
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
