"""SIGTERM to a real process: passages in flight finish or get a final answer, and it exits with 0."""

from __future__ import annotations

import asyncio
import signal

import pytest

from gate.client import GateClient
from gate.decision.outcome import Outcome, Reason
from gate.errors import Code, GateError
from tests.e2e.processes import engine_process
from tests.service import fakes


async def test_a_passage_in_flight_finishes_and_no_new_one_is_taken_on() -> None:
    with engine_process() as served:
        async with GateClient(served.address) as client, client.passage("lane-1") as passage:
            served.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.2)
            with pytest.raises(GateError) as caught:
                await client.verify("lane-2", [fakes.jpeg(1)])
            assert caught.value.code is Code.SHUTTING_DOWN
            await passage.send_jpeg(fakes.jpeg(1))
            assert (await passage.decision()).opens
        assert await asyncio.to_thread(served.process.wait, 10) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_passage_that_does_not_finish_gets_its_final_answer(number: signal.Signals) -> None:
    with engine_process() as served:
        async with GateClient(served.address) as client, client.passage("lane-1") as passage:
            await passage.send_jpeg(fakes.jpeg(None))
            served.process.send_signal(number)
            decision = await asyncio.wait_for(passage.decision(), 5)
            assert (decision.outcome, decision.reason) == (Outcome.OFFICER, Reason.SHUTTING_DOWN)
        assert await asyncio.to_thread(served.process.wait, 10) == 0


async def test_a_model_that_hangs_does_not_keep_the_final_answer_back() -> None:
    with engine_process("--hold") as served:
        async with GateClient(served.address) as client, client.passage("lane-1") as passage:
            await passage.send_jpeg(fakes.jpeg(1))
            await asyncio.sleep(0.2)
            served.process.send_signal(signal.SIGTERM)
            decision = await asyncio.wait_for(passage.decision(), 5)
            assert decision.reason is Reason.SHUTTING_DOWN
