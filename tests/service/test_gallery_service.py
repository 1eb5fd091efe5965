"""Enrolling and destroying, over a real socket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import grpc
import pytest

from gate.client import EnrolStatus
from gate.decision.outcome import Reason
from gate.errors import Code, NotFoundError, ProtocolError
from gate.gallery.traveller import TravelDocument
from gate.service.pb import gallery_pb2 as pb
from gate.service.pb import gallery_pb2_grpc
from tests.service import fakes
from tests.service.running import next_passage_works, reason_of, rig

LATER = datetime.now(UTC) + timedelta(hours=30)


async def test_each_photograph_has_its_own_result_in_order() -> None:
    photos = [
        (fakes.traveller(5), fakes.jpeg(5)),
        (fakes.traveller(5), fakes.jpeg(5)),
        (fakes.traveller(6), fakes.jpeg(None)),
        (fakes.traveller(7), fakes.jpeg(7)[:100]),
        (fakes.traveller(8), b""),
        (fakes.traveller(9, expires_at=LATER), fakes.jpeg(9)),
        (fakes.traveller(10), fakes.jpeg(10)),
    ]
    async with rig() as it:
        report = await it.client.enrol(photos)
        assert [result.index for result in report.results] == list(range(7))
        assert [result.status for result in report.results[:2]] == [EnrolStatus.ENROLLED, EnrolStatus.ALREADY_ENROLLED]
        assert [result.code for result in report.refused] == [
            Code.PHOTO_NO_FACE,
            Code.FRAME_TRUNCATED,
            Code.FRAME_EMPTY,
            Code.EXPIRY_INVALID,
        ]
        assert all(result.message for result in report.refused)
        assert report.enrolled == 3
        assert report.results[0].eye_distance_px == 80
        assert (await it.client.verify("lane-1", [fakes.jpeg(10)] * 3)).traveller_reference == "traveller-10"


BAD_TRAVELLERS = [
    pytest.param({"reference": ""}, "traveller.reference", id="no reference"),
    pytest.param({"reference": "r" * 129}, "traveller.reference", id="long reference"),
    pytest.param({"reference": "Ana\tB"}, "traveller.reference", id="reference not printable"),
    pytest.param({"flight": ""}, "traveller.flight", id="no flight"),
    pytest.param({"documents": (TravelDocument("L<<8"),)}, "traveller.documents[0].number", id="filler"),
    pytest.param({"documents": (TravelDocument("L8"),) * 9}, "traveller.documents", id="too many documents"),
    pytest.param({"documents": (TravelDocument("L8", "1"),)}, "traveller.documents[0].issuing_state", id="state"),
]


@pytest.mark.parametrize(("changes", "at_fault"), BAD_TRAVELLERS)
async def test_a_traveller_that_makes_no_sense_is_refused_and_hinders_no_other(
    changes: dict[str, object], at_fault: str
) -> None:
    photos = [(fakes.traveller(5, **changes), fakes.jpeg(5)), (fakes.traveller(6), fakes.jpeg(6))]
    async with rig() as it:
        report = await it.client.enrol(photos)
    assert [result.status for result in report.results] == [EnrolStatus.REFUSED, EnrolStatus.ENROLLED]
    assert report.results[0].code is Code.FIELD_INVALID
    assert report.results[0].message.startswith(f"{at_fault}: expected")


async def test_an_expiry_that_is_missing_or_no_time_is_refused() -> None:
    missing = pb.EnrolRequest(traveller=pb.Traveller(reference="r", flight="f"), photo=fakes.jpeg(5))
    nonsense = pb.EnrolRequest(traveller=pb.Traveller(reference="r", flight="f"), photo=fakes.jpeg(5))
    nonsense.traveller.expires_at.seconds = 2**62
    async with rig() as it:
        answer = await gallery_pb2_grpc.GalleryServiceStub(it.channel).Enrol(iter([missing, nonsense]))
    assert [(result.code, answer.refused) for result in answer.results] == [(Code.FIELD_INVALID, 2)] * 2


async def test_document_numbers_are_equal_in_upper_and_lower_case() -> None:
    photo = (fakes.traveller(5, documents=(TravelDocument("ab123", "uto"),)), fakes.jpeg(5))
    async with rig() as it:
        await it.client.enrol([photo])
        assert (await it.client.verify("lane-1", [fakes.jpeg(5)] * 3, document="Ab123", issuing_state="UTO")).opens


async def test_more_photographs_than_a_call_takes_are_sent_in_several() -> None:
    async def photos():  # noqa: ANN202
        for _ in range(230):
            yield fakes.traveller(5), fakes.jpeg(5)

    async with rig() as it:
        report = await it.client.enrol(photos())
    assert [result.index for result in report.results] == list(range(230))


async def test_a_stream_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate.service.gallery_service.MAX_PHOTOS", 3)
    request = pb.EnrolRequest(photo=b"x")
    async with rig() as it:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await gallery_pb2_grpc.GalleryServiceStub(it.channel).Enrol(iter([request] * 4))
        assert reason_of(caught.value) == Code.FIELD_INVALID
        await next_passage_works(it)


async def test_describe_counts_by_flight() -> None:
    async with rig() as it:
        await it.client.enrol([(fakes.traveller(5, flight="FERRY 1"), fakes.jpeg(5))])
        everything = await it.client.describe()
        assert (everything.travellers, everything.templates, everything.pack_id) == (4, 4, "test-pack")
        assert {flight.flight: flight.travellers for flight in everything.flights} == {fakes.FLIGHT: 3, "FERRY 1": 1}
        ferry = await it.client.describe("FERRY 1")
        assert [flight.flight for flight in ferry.flights] == ["FERRY 1"]
        assert datetime.now(UTC) < ferry.flights[0].first_expiry <= ferry.flights[0].last_expiry


async def test_a_withdrawn_traveller_is_not_found_any_more() -> None:
    async with rig(budget_s=0.5) as it:
        before = await it.client.describe()
        removed = await it.client.withdraw("traveller-2")
        assert removed.templates == 1
        assert removed.generation > before.generation
        assert (await it.client.verify("lane-1", [fakes.jpeg(2)] * 8)).reason is Reason.NO_MATCH
        with pytest.raises(NotFoundError) as caught:
            await it.client.withdraw("traveller-2")
        assert caught.value.code is Code.TRAVELLER_UNKNOWN
        with pytest.raises(ProtocolError) as invalid:
            await it.client.withdraw("")
        assert [violation.field for violation in invalid.value.violations] == ["traveller_reference"]


async def test_a_closed_flight_leaves_nothing() -> None:
    async with rig(budget_s=0.5) as it:
        removed = await it.client.close_flight(fakes.FLIGHT)
        assert (removed.travellers, removed.templates, removed.remaining) == (3, 3, 0)
        assert (await it.client.verify("lane-1", [fakes.jpeg(2)] * 4)).reason is Reason.GALLERY_EMPTY
        with pytest.raises(NotFoundError):
            await it.client.close_flight(fakes.FLIGHT)
        with pytest.raises(ProtocolError):
            await it.client.close_flight("")
