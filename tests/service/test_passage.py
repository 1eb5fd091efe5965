"""A passage over a real socket: what goes well."""

from __future__ import annotations

from google.protobuf import json_format

from gate.client import GuidanceGiven, PassageDecision
from gate.decision.outcome import Guidance, Outcome, Reason
from gate.service.pb import lane_pb2 as pb
from gate.vision.probe import MaskState
from tests.service import fakes
from tests.service.running import frame, rig, slowly, start


async def test_an_expected_traveller_is_let_through_with_every_field_filled() -> None:
    async with rig() as it, it.client.passage("lane-1") as passage:
        assert passage.pack_id == "test-pack"
        assert passage.budget_s == 3.0
        assert await passage.send_jpeg(fakes.jpeg(2))
        decision = await passage.decision()
        assert not await passage.send_jpeg(fakes.jpeg(2)), "a decided passage takes no more frames"
    assert decision.opens
    assert (decision.reason, decision.traveller_reference, decision.flight) == (
        Reason.MATCHED,
        "traveller-2",
        fakes.FLIGHT,
    )
    assert decision.similarity is not None
    assert decision.threshold is not None
    assert decision.similarity > decision.threshold
    assert decision.false_positive_rate == 0.003
    assert decision.runner_up_similarity == 0.0
    assert decision.mask is MaskState.NONE
    assert decision.gallery_size == 3
    assert decision.frame_sequence == 1
    assert (decision.frames.seen, decision.frames.used) == (1, 1)
    assert {"decode", "detect", "embed", "search"} <= {timing.stage for timing in decision.timings}
    assert 0 < (decision.frame_to_decision_ms or 0) <= decision.elapsed_ms
    assert decision.passage_id == passage.passage_id
    assert decision.incident_id == ""


async def test_a_stranger_is_not_let_through_and_not_named() -> None:
    async with rig(budget_s=0.6) as it:
        decision = await it.client.verify("lane-1", [fakes.jpeg(9)] * 12)
    assert not decision.opens
    assert decision.reason is Reason.NO_MATCH
    assert decision.traveller_reference is None
    assert decision.flight is None
    assert decision.similarity == 0.0


async def test_accepted_is_first_decision_is_last_and_comes_once() -> None:
    async with rig() as it:
        requests = [start(), *(frame(n, fakes.jpeg(None)) for n in range(1, 4)), frame(4, fakes.jpeg(1))]
        kinds = [r.WhichOneof("message") async for r in it.lanes.Passage(slowly(requests))]
    assert kinds[0] == "accepted"
    assert kinds[-1] == "decision"
    assert kinds.count("decision") == kinds.count("accepted") == 1
    assert "guidance" in kinds


async def test_guidance_reaches_the_controller_with_its_text() -> None:
    seen: list[object] = []
    async with rig(budget_s=0.5) as it:
        decision = await it.client.verify("lane-1", [fakes.jpeg(None)] * 3, on_event=seen.append)
    assert isinstance(seen[0], GuidanceGiven)
    assert seen[0].guidance is Guidance.STEP_INTO_VIEW
    assert "camera" in seen[0].text
    assert seen[-1] == decision
    assert isinstance(decision, PassageDecision)
    assert (decision.outcome, decision.reason) == (Outcome.OFFICER, Reason.NO_FACE)


async def test_a_claim_by_document_is_compared_with_its_holder_only() -> None:
    async with rig(budget_s=0.6) as it:
        holder = await it.client.verify("lane-1", [fakes.jpeg(2)] * 3, document="x0000002", issuing_state="uto")
        other = await it.client.verify("lane-1", [fakes.jpeg(3)] * 8, document="X0000002")
        nobody = await it.client.verify("lane-1", [fakes.jpeg(2)] * 8, document="X9999999")
        by_reference = await it.client.verify("lane-1", [fakes.jpeg(2)] * 3, traveller_reference="traveller-2")
    assert holder.opens
    assert by_reference.opens
    assert (other.opens, other.reason) == (False, Reason.CLAIM_MISMATCH)
    assert (nobody.opens, nobody.reason) == (False, Reason.CLAIM_UNKNOWN)


async def test_every_encoding_is_understood() -> None:
    image = fakes.picture(1)
    grey = image[:, :, 0].copy()
    async with rig() as it:
        async with it.client.passage("lane-1") as passage:
            await passage.send(image)
            assert (await passage.decision()).opens, "BGR24"
        async with it.client.passage("lane-1") as passage:
            await passage.send(grey)
            assert (await passage.decision()).opens, "GREY8"


async def test_frames_that_end_are_decided_by_what_was_seen() -> None:
    async with rig() as it, it.client.passage("lane-1") as passage:
        await passage.end()
        decision = await passage.decision()
    assert (decision.outcome, decision.reason) == (Outcome.OFFICER, Reason.FRAMES_ENDED)
    assert decision.frame_to_decision_ms is None


async def test_three_lanes_at_once_do_not_disturb_each_other() -> None:
    import asyncio

    async with rig(fakes.ColourVision(look_s=0.05)) as it:
        decisions = await asyncio.gather(
            *(it.client.verify(f"lane-{n}", [fakes.jpeg(n)] * 5) for n in (1, 2, 3)),
        )
    assert [d.traveller_reference for d in decisions] == ["traveller-1", "traveller-2", "traveller-3"]


def test_an_unset_claim_reads_as_nothing_presented() -> None:
    parsed = json_format.Parse('{"laneId": "lane-1"}', pb.PassageStart())
    assert not parsed.HasField("claim")
