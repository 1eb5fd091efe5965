"""Manifests over a real socket: results as they come, whole messages, typed refusals, receipts."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import grpc
import pytest
from structlog.testing import capture_logs

from gate.audit.event import EventKind
from gate.client import LoadNews, PersonState, Why
from gate.decision.outcome import Outcome, Reason
from gate.errors import Code, NotFoundError, ProtocolError
from gate.gallery.receipt import NOTHING, Place
from gate.service.convert_manifest import MAX_CHUNK_BYTES
from gate.service.pb import gallery_pb2 as pb
from gate.service.pb import gallery_pb2_grpc
from tests.service import fakes
from tests.service.manifests import DEPARTURE, FLIGHT, rows
from tests.service.running import Rig, next_passage_works, reason_of, rig

PHOTOS = [("5.jpg", fakes.jpeg(5)), ("6.jpg", fakes.jpeg(6))]


def start(**fields: object) -> pb.LoadManifestRequest:
    return pb.LoadManifestRequest(start=pb.ManifestStart(**fields))  # type: ignore[arg-type]


def chunk(data: bytes) -> pb.LoadManifestRequest:
    return pb.LoadManifestRequest(chunk=data)


def photo(name: str, data: bytes) -> pb.LoadManifestRequest:
    return pb.LoadManifestRequest(photo=pb.ManifestPhoto(name=name, data=data))


def stub(it: Rig) -> gallery_pb2_grpc.GalleryServiceAsyncStub:
    return gallery_pb2_grpc.GalleryServiceStub(it.channel)


async def test_a_manifest_with_photographs_lets_its_people_through() -> None:
    seen: list[LoadNews] = []
    async with rig() as it:
        report = await it.client.load_manifest(rows(5, 6, 7), PHOTOS, name="flight.csv", on_news=seen.append)
        summary = report.summary
        assert (summary.format, summary.added, summary.enrolled, summary.photos_missing) == ("csv", 3, 2, 1)
        (message,) = report.messages
        (leg,) = message.legs
        assert (leg.flight, leg.origin, leg.destination, leg.added) == (FLIGHT, "LHR", "JFK", 3)
        assert leg.expires_at is not None
        assert (leg.expires_at - DEPARTURE).total_seconds() % 3600 == 0
        assert message.journal_position > 0
        states = [person.state for person in report.people]
        assert states == [PersonState.EXPECTED] * 3 + [PersonState.ENROLLED] * 2
        assert "PHOTO_MISSING" in {finding.code for finding in report.findings}
        assert [news.summary is None for news in seen] == [True] * (len(seen) - 1) + [False]
        assert seen[-1].progress.photos_done == 2
        decision = await it.client.verify("lane-1", [fakes.jpeg(5)] * 3)
        assert decision.opens
        assert decision.traveller_reference == report.people[0].reference
        bare = await it.client.verify("lane-1", [fakes.jpeg(7)] * 3, document="X0000007")
        assert (bare.outcome, bare.reason) == (Outcome.FINGERPRINT, Reason.NO_REFERENCE)
        assert (await it.client.describe(FLIGHT)).flights[0].without_template == 1


async def test_loading_twice_changes_nothing() -> None:
    async with rig() as it:
        await it.client.load_manifest(rows(5, 6), PHOTOS)
        again = await it.client.load_manifest(rows(5, 6), PHOTOS)
        assert (again.summary.added, again.summary.updated, again.summary.unchanged) == (0, 0, 2)
        assert (await it.client.describe(FLIGHT)).templates == 2


async def test_a_dry_run_changes_nothing() -> None:
    async with rig() as it:
        report = await it.client.load_manifest(rows(5, 6), PHOTOS, dry_run=True)
        assert (report.summary.added, report.summary.dry_run, report.summary.without_face) == (2, True, 0)
        with pytest.raises(NotFoundError):
            await it.client.describe(FLIGHT)


async def test_a_cancellation_gives_a_receipt() -> None:
    async with rig() as it:
        await it.client.load_manifest(rows(5, 6), PHOTOS)
        report = await it.client.load_manifest(rows(5, status="cancelled"))
        (receipt,) = report.receipts
        assert (receipt.why, receipt.flight, receipt.travellers, receipt.complete) == (Why.CANCELLED, FLIGHT, 1, True)
        assert not (await it.client.verify("lane-1", [fakes.jpeg(5)] * 4)).opens


async def test_withdrawing_and_closing_give_receipts() -> None:
    async with rig() as it:
        report = await it.client.load_manifest(rows(5, 6), PHOTOS)
        reference = report.people[0].reference
        withdrawn = await it.client.withdraw(reference, FLIGHT, Why.CONSENT_WITHDRAWN)
        assert (withdrawn.why, withdrawn.travellers, withdrawn.templates) == (Why.CONSENT_WITHDRAWN, 1, 1)
        closed = await it.client.close_flight(FLIGHT)
        assert (closed.why, closed.flight, closed.travellers) == (Why.FLIGHT_CLOSED, FLIGHT, 1)
        assert closed.before[Place.INDEX] != NOTHING
        assert withdrawn.complete
        assert closed.complete
        assert 0 < withdrawn.journal_position < closed.journal_position
        assert it.engine.trail.journal.verify().whole


async def test_a_withdrawal_for_no_known_reason_is_refused() -> None:
    async with rig() as it:
        request = pb.WithdrawRequest(traveller_reference="traveller-1", reason=77)  # type: ignore[arg-type]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub(it).Withdraw(request)
        assert reason_of(caught.value) == Code.FIELD_INVALID
        await next_passage_works(it)


@pytest.mark.parametrize(
    "data", [b"", b"\x00\xff" * 5000, b"PK\x03\x04" + bytes(100), b"UNB+UNOA:4+A"], ids=["none", "noise", "zip", "cut"]
)
async def test_a_file_that_is_no_manifest_is_a_report_and_no_error(data: bytes) -> None:
    async with rig() as it:
        report = await it.client.load_manifest(data)
        assert report.summary.errors
        assert (report.summary.added, report.summary.messages_applied) == (0, 0)
        await next_passage_works(it)


OUT_OF_TURN = [
    pytest.param([], Code.START_MISSING, id="nothing"),
    pytest.param([chunk(b"x")], Code.START_MISSING, id="chunk first"),
    pytest.param([start(), start()], Code.START_REPEATED, id="two starts"),
    pytest.param([start(), pb.LoadManifestRequest()], Code.MESSAGE_EMPTY, id="empty message"),
    pytest.param([start(), photo("a", b"x"), chunk(b"x")], Code.FIELD_INVALID, id="chunk after photo"),
    pytest.param([start(), photo("", b"x")], Code.FIELD_INVALID, id="photo without a name"),
    pytest.param([start(name="x" * 65)], Code.FIELD_INVALID, id="long name"),
    pytest.param([start(), chunk(bytes(MAX_CHUNK_BYTES + 1))], Code.FIELD_INVALID, id="large chunk"),
]


@pytest.mark.parametrize(("requests", "code"), OUT_OF_TURN)
async def test_a_message_out_of_turn_ends_the_stream_with_a_typed_error(
    requests: list[pb.LoadManifestRequest], code: Code
) -> None:
    async with rig() as it:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            _ = [response async for response in stub(it).LoadManifest(iter(requests))]
        assert reason_of(caught.value) == code
        await next_passage_works(it)


async def test_a_manifest_above_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig() as it:
        settings = it.engine.settings
        small = settings.model_copy(update={"manifest": settings.manifest.model_copy(update={"max_bytes": 65536})})
        monkeypatch.setattr(it.engine, "settings", small)
        with pytest.raises(ProtocolError) as caught:
            await it.client.load_manifest(bytes(70_000))
        assert caught.value.code is Code.MANIFEST_TOO_LARGE
        await next_passage_works(it)


async def test_each_photograph_is_answered_before_the_next_is_sent() -> None:
    """A caller that waits for each answer must not wait for ever."""
    async with rig() as it:
        call = stub(it).LoadManifest()
        await call.write(start())
        await call.write(chunk(rows(5, 6)))
        for name, data in PHOTOS:
            await call.write(photo(name, data))
            async with asyncio.timeout(10):
                while pb.PERSON_STATE_ENROLLED not in [p.state for p in (await call.read()).people]:
                    pass
        await call.done_writing()
        last = await call.read()
        assert last.summary.enrolled == 2
        assert await call.read() is grpc.aio.EOF


async def test_a_stream_that_breaks_leaves_whole_messages_and_can_be_repeated() -> None:
    """The connection goes while photographs are on their way: everybody stays expected, and a repeat completes it."""
    async with rig() as it:
        call = stub(it).LoadManifest()
        await call.write(start())
        await call.write(chunk(rows(5, 6)))
        await call.write(photo(*PHOTOS[0]))
        while pb.PERSON_STATE_ENROLLED not in [p.state for p in (await call.read()).people]:
            pass
        call.cancel()
        found = await it.client.describe(FLIGHT)
        assert (found.travellers, found.templates) == (2, 1)
        again = await it.client.load_manifest(rows(5, 6), PHOTOS)
        assert (again.summary.unchanged, again.summary.photos_missing) == (2, 0)
        assert (await it.client.describe(FLIGHT)).templates == 2


async def test_a_stream_that_breaks_within_the_manifest_changes_nothing() -> None:
    async def broken() -> AsyncIterator[pb.LoadManifestRequest]:
        yield start()
        yield chunk(rows(5, 6)[:-40])
        await asyncio.sleep(0.2)
        call.cancel()
        await asyncio.sleep(5)

    async with rig() as it:
        call = stub(it).LoadManifest(broken())
        with pytest.raises(asyncio.CancelledError):
            _ = [response async for response in call]
        with pytest.raises(NotFoundError):
            await it.client.describe(FLIGHT)
        await next_passage_works(it)


async def test_a_large_manifest_comes_back_in_instalments_that_fit() -> None:
    people = range(100, 3600)
    largest = 0
    async with rig() as it:
        data = rows(*people)

        def requests() -> Iterator[pb.LoadManifestRequest]:
            yield start(dry_run=True)
            for begin in range(0, len(data), 50_000):
                yield chunk(data[begin : begin + 50_000])

        results = []
        async for response in stub(it).LoadManifest(requests()):
            largest = max(largest, response.ByteSize())
            results += response.people
        assert len(results) == len(people)
        assert [result.person_index for result in results] == list(range(len(people)))
        assert largest < 1 << 20


async def test_a_photograph_too_large_to_send_is_told_and_the_others_go_on() -> None:
    async with rig() as it:
        report = await it.client.load_manifest(rows(5, 6), [("5.jpg", bytes(5 << 20)), PHOTOS[1]])
        assert Code.FRAME_TOO_LARGE in {finding.code for finding in report.findings}
        assert report.summary.enrolled == 1


async def test_passages_go_on_while_a_manifest_is_loaded() -> None:
    async with rig() as it:
        load = asyncio.create_task(it.client.load_manifest(rows(*range(5, 400)), PHOTOS))
        assert (await it.client.verify("lane-1", [fakes.jpeg(1)] * 4)).opens
        assert (await load).summary.enrolled == 2


async def test_no_name_and_no_document_reaches_log_or_journal() -> None:
    with capture_logs() as lines:
        async with rig() as it:
            await it.client.load_manifest(rows(5, 6), PHOTOS, name="flight.csv")
            await it.client.load_manifest(rows(5, status="cancelled"))
            journal = [(entry.kind, entry.facts) for entry in it.engine.trail.journal.entries()]
            await asyncio.sleep(0.05)
    assert {EventKind.STARTED, EventKind.LOAD, EventKind.DESTRUCTION} <= {kind for kind, _ in journal}
    text = str(lines) + str(journal)
    assert "flight.csv" in text
    assert not [secret for secret in ("TESTER5", "ALEX", "X0000005") if secret in text]


async def test_an_override_is_journalled() -> None:
    async with rig() as it:
        decision = await it.client.verify("lane-1", [fakes.jpeg(9)] * 8)
        position = await it.client.record_override(decision.passage_id, "officer-7", Outcome.OPEN, "document_checked")
        entry = next(e for e in it.engine.trail.journal.entries() if e.position == position)
        assert entry.facts == {
            "passage": decision.passage_id,
            "by": "officer-7",
            "outcome": "open",
            "reason": "document_checked",
        }


@pytest.mark.parametrize(
    ("passage", "officer", "reason", "field"),
    [
        ("nonsense", "o", "r", "passage_id"),
        (str(uuid.uuid4()), "", "r", "officer_id"),
        (str(uuid.uuid4()), "o", "he looked like his passport", "reason"),
    ],
)
async def test_an_override_takes_no_prose(passage: str, officer: str, reason: str, field: str) -> None:
    """Free text would carry names into the journal."""
    async with rig() as it:
        with pytest.raises(ProtocolError) as caught:
            await it.client.record_override(passage, officer, Outcome.OPEN, reason)
        assert [violation.field for violation in caught.value.violations] == [field]


async def test_a_lane_that_is_not_ours_is_journalled_as_refused() -> None:
    async with rig() as it:
        with pytest.raises(NotFoundError):
            await it.client.verify("lane-99", [])
        refused = [e.facts for e in it.engine.trail.journal.entries() if e.kind == EventKind.ACCESS_REFUSED]
        assert refused == [{"method": "Passage", "code": "LANE_UNKNOWN", "lane": "lane-99"}]


async def test_a_journal_that_cannot_be_written_keeps_the_gate_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    from gate.errors import EngineFault, StorageFault

    async with rig() as it:
        with monkeypatch.context() as patch:

            def full(_event: object, **_options: object) -> int:
                raise StorageFault(Code.DISK_FULL, "no space left")

            patch.setattr(it.engine.trail.journal, "record", full)
            # One frame, and no other while the engine ends the call: gRPC may lose the status of a call that is being
            # written to when it ends, and say INTERNAL instead.
            async with it.client.passage("lane-1") as passage:
                await passage.send_jpeg(fakes.jpeg(1))
                with pytest.raises(EngineFault) as caught:
                    await passage.decision()
            assert caught.value.code is Code.DISK_FULL
        await next_passage_works(it)
