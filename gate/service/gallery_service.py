"""GalleryService: enrols expected travellers and destroys them again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from functools import partial

import grpc

from gate.engine.engine import Engine
from gate.errors import Code, FieldViolation, InputError, ProtocolError
from gate.service import convert_finger, convert_plan, convert_watchlist
from gate.service import convert_gallery as convert
from gate.service.load_session import LoadSession
from gate.service.pb import gallery_pb2 as pb
from gate.service.pb import gallery_pb2_grpc
from gate.service.threads import in_thread

MAX_PHOTOS = 5_000
"""Photographs a stream: their results, at up to about 500 bytes each, must fit into one answer of 4 MiB."""


class GalleryService(gallery_pb2_grpc.GalleryServiceServicer):
    """The integrators' side of the engine. Arguments as `LaneService`."""

    def __init__(self, engine: Engine, executor: Executor, warm: asyncio.Event) -> None:
        self._engine = engine
        self._executor = executor
        self._warm = warm

    async def Enrol(  # noqa: N802, D102
        self,
        request_iterator: AsyncIterator[pb.EnrolRequest],
        _context: grpc.aio.ServicerContext[pb.EnrolRequest, pb.EnrolResponse],
    ) -> pb.EnrolResponse:
        await self._warm.wait()
        results: list[pb.EnrolResult] = []
        async for request in request_iterator:
            if len(results) == MAX_PHOTOS:
                expected = FieldViolation("stream", f"at most {MAX_PHOTOS} photographs")
                raise ProtocolError(Code.FIELD_INVALID, "Too many photographs in one stream.", expected)
            results.append(await in_thread(self._executor, partial(self._enrol, len(results), request)))
        refused = sum(result.status == pb.ENROL_STATUS_REFUSED for result in results)
        return pb.EnrolResponse(results=results, enrolled=len(results) - refused, refused=refused)

    def _enrol(self, index: int, request: pb.EnrolRequest) -> pb.EnrolResult:
        reference = request.traveller.reference
        try:
            done = self._engine.enrol(convert.traveller(request.traveller), request.photo)
        except InputError as error:
            return convert.refused(index, reference, error)
        return convert.enrolled(index, reference, already=done.already, eye_distance_px=done.eye_distance_px)

    async def EnrolFingerprint(  # noqa: N802, D102
        self,
        request: pb.EnrolFingerprintRequest,
        _context: grpc.aio.ServicerContext[pb.EnrolFingerprintRequest, pb.EnrolFingerprintResponse],
    ) -> pb.EnrolFingerprintResponse:
        await self._warm.wait()
        whose = convert_finger.enrolment(request)
        return convert_finger.enrolled(await in_thread(self._executor, lambda: self._engine.enrol_finger(*whose)))

    # A coroutine that writes, where the stubs' types expect a generator: see interceptors.Guard.
    async def LoadManifest(  # type: ignore[override]  # noqa: N802, D102
        self,
        request_iterator: AsyncIterator[pb.LoadManifestRequest],
        context: grpc.aio.ServicerContext[pb.LoadManifestRequest, pb.LoadManifestResponse],
    ) -> None:
        await self._warm.wait()
        await LoadSession(self._engine, self._executor, context.write).run(request_iterator)

    async def Describe(  # noqa: N802, D102
        self, request: pb.DescribeRequest, _context: grpc.aio.ServicerContext[pb.DescribeRequest, pb.DescribeResponse]
    ) -> pb.DescribeResponse:
        flight = convert.flight_name(request.flight, required=False)
        found = await in_thread(self._executor, lambda: self._engine.describe(flight))
        return convert.description(found)

    async def Withdraw(  # noqa: N802, D102
        self, request: pb.WithdrawRequest, _context: grpc.aio.ServicerContext[pb.WithdrawRequest, pb.WithdrawResponse]
    ) -> pb.WithdrawResponse:
        reference, flight, why = convert.withdraw_request(request)
        done = await in_thread(self._executor, lambda: self._engine.withdraw(reference, flight, why))
        return convert.withdrawal(done)

    async def CloseFlight(  # noqa: N802, D102
        self,
        request: pb.CloseFlightRequest,
        _context: grpc.aio.ServicerContext[pb.CloseFlightRequest, pb.CloseFlightResponse],
    ) -> pb.CloseFlightResponse:
        flight = convert.flight_name(request.flight, required=True) or ""
        return convert.closure(await in_thread(self._executor, lambda: self._engine.close_flight(flight)))

    async def SetFlightPlan(  # noqa: N802, D102
        self,
        request: pb.SetFlightPlanRequest,
        _context: grpc.aio.ServicerContext[pb.SetFlightPlanRequest, pb.SetFlightPlanResponse],
    ) -> pb.SetFlightPlanResponse:
        plan = convert_plan.plan(request.plan, self._engine.journeys.route.last)
        done = await in_thread(self._executor, lambda: self._engine.plans.set(plan))
        return pb.SetFlightPlanResponse(changed=done.changed, journal_position=done.journal_position)

    async def ListFlightPlans(  # noqa: N802, D102
        self,
        request: pb.ListFlightPlansRequest,
        _context: grpc.aio.ServicerContext[pb.ListFlightPlansRequest, pb.ListFlightPlansResponse],
    ) -> pb.ListFlightPlansResponse:
        flight = convert.flight_name(request.flight, required=False)
        plans = (plan for plan in self._engine.plans.everything() if flight in {None, plan.flight})
        return pb.ListFlightPlansResponse(plans=[convert_plan.message(plan) for plan in plans])

    async def EnrolWatched(  # noqa: N802, D102
        self,
        request: pb.EnrolWatchedRequest,
        _context: grpc.aio.ServicerContext[pb.EnrolWatchedRequest, pb.EnrolWatchedResponse],
    ) -> pb.EnrolWatchedResponse:
        await self._warm.wait()
        person = convert_watchlist.watched(request)
        done = await in_thread(self._executor, lambda: self._engine.enrol_watched(person, request.photo))
        return convert_watchlist.enrolled(already=done.already, eye_distance_px=done.eye_distance_px)

    async def WithdrawWatched(  # noqa: N802, D102
        self,
        request: pb.WithdrawWatchedRequest,
        _context: grpc.aio.ServicerContext[pb.WithdrawWatchedRequest, pb.WithdrawWatchedResponse],
    ) -> pb.WithdrawWatchedResponse:
        reference = convert_watchlist.reference(request)
        done = await in_thread(self._executor, lambda: self._engine.withdraw_watched(reference))
        return pb.WithdrawWatchedResponse(receipt=convert.receipt(done))

    async def DescribeWatchList(  # noqa: N802, D102
        self,
        _request: pb.DescribeWatchListRequest,
        _context: grpc.aio.ServicerContext[pb.DescribeWatchListRequest, pb.DescribeWatchListResponse],
    ) -> pb.DescribeWatchListResponse:
        return convert_watchlist.description(await in_thread(self._executor, self._engine.describe_watch_list))

    async def RecordPass(  # noqa: N802, D102
        self,
        request: pb.RecordPassRequest,
        _context: grpc.aio.ServicerContext[pb.RecordPassRequest, pb.RecordPassResponse],
    ) -> pb.RecordPassResponse:
        told = convert_plan.officers_pass(request)
        done = await in_thread(self._executor, lambda: self._engine.desk.record_pass(*told))
        return convert.recorded(done)
