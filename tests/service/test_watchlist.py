"""The watch list over the wire: loaded by the authority, found at a lane, told to nobody there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gate.client import EnrolStatus, Watched
from gate.decision.outcome import Outcome, Reason
from gate.errors import Code, EnrolmentError, GateError, NotFoundError, ProtocolError
from gate.service.pb import gallery_pb2 as gallery_pb
from gate.service.pb import gallery_pb2_grpc
from gate.service.pb import lane_pb2 as pb
from tests.service import fakes
from tests.service.running import Rig, frame, next_passage_works, rig, slowly, start


def watched(person: int = 2, hours: float = 1) -> Watched:
    return Watched(f"w-{person}", "warrant", datetime.now(UTC) + timedelta(hours=hours))


async def answer(it: Rig, person: int) -> pb.Decision:
    """The decision as it is on the wire."""
    frames = (frame(number, fakes.jpeg(person)) for number in range(1, 9))
    call = it.lanes.Passage(slowly([start(), *frames]))
    return [response async for response in call][-1].decision


async def test_a_hit_goes_to_an_officer_and_says_no_more_than_that() -> None:
    async with rig() as it:
        assert await it.client.enrol_watched(watched(), fakes.jpeg(2)) is EnrolStatus.ENROLLED
        assert await it.client.enrol_watched(watched(), fakes.jpeg(2)) is EnrolStatus.ALREADY_ENROLLED
        told = await answer(it, 2)
        assert (told.outcome, told.reason) == (pb.OUTCOME_OFFICER, pb.REASON_REFERRED)
        assert (told.traveller_reference, told.flight) == ("", "")
        await next_passage_works(it)


async def test_whoever_was_removed_passes_again() -> None:
    async with rig() as it:
        await it.client.enrol_watched(watched(), fakes.jpeg(2))
        receipt = await it.client.withdraw_watched("w-2")
        assert (receipt.complete, receipt.templates) == (True, 1)
        assert (await it.client.verify("lane-1", [fakes.jpeg(2)] * 3)).opens
        with pytest.raises(NotFoundError):
            await it.client.withdraw_watched("w-2")


async def test_somebody_on_the_list_is_not_expected_because_of_it() -> None:
    async with rig() as it:
        await it.client.enrol_watched(watched(7), fakes.jpeg(7))
        assert (await it.client.describe()).travellers == 3
        decision = await it.client.verify("lane-1", [fakes.jpeg(7)] * 3)
        assert (decision.outcome, decision.reason) == (Outcome.OFFICER, Reason.REFERRED)


async def test_the_list_is_shown_in_numbers() -> None:
    async with rig() as it:
        for person in (2, 7):
            await it.client.enrol_watched(watched(person), fakes.jpeg(person))
        found = await it.client.watch_list()
        assert [(each.name, each.people, each.templates) for each in found.lists] == [("warrant", 2, 2)]
        assert (found.to_enrol, found.pack_id) == (0, "test-pack")


@pytest.mark.parametrize(
    ("person", "photo", "error", "code"),
    [
        (Watched("w", "two words", datetime.now(UTC)), b"", ProtocolError, Code.FIELD_INVALID),
        (Watched("", "warrant", datetime.now(UTC)), b"", ProtocolError, Code.FIELD_INVALID),
        (watched(hours=-1), fakes.jpeg(2), EnrolmentError, Code.EXPIRY_INVALID),
        (watched(hours=24 * 32), fakes.jpeg(2), EnrolmentError, Code.EXPIRY_INVALID),
        (watched(), fakes.jpeg(None), EnrolmentError, Code.PHOTO_NO_FACE),
    ],
)
async def test_what_makes_no_sense_is_refused(
    person: Watched, photo: bytes, error: type[GateError], code: Code
) -> None:
    async with rig() as it:
        with pytest.raises(error) as caught:
            await it.client.enrol_watched(person, photo)
        assert caught.value.code is code
        assert (await it.client.watch_list()).lists == ()


async def test_an_entry_without_an_expiry_is_refused() -> None:
    """Nobody is kept for ever by leaving a field out."""
    async with rig() as it:
        stub = gallery_pb2_grpc.GalleryServiceStub(it.channel)
        request = gallery_pb.EnrolWatchedRequest(reference="w", list_name="warrant", photo=fakes.jpeg(2))
        with pytest.raises(Exception, match="not as the protocol says"):
            await stub.EnrolWatched(request)
