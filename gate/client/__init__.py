"""What a gate controller's programmer writes against.

::

    async with GateClient("127.0.0.1:50151") as gate:
        async with gate.passage("lane-1") as passage:
            async for picture in camera:
                if not await passage.send_jpeg(picture):
                    break
            decision = await passage.decision()

`BlockingGateClient` is the same for a program without an event loop.
"""

from __future__ import annotations

from gate.client.blocking import BlockingGateClient, BlockingPassage
from gate.client.claim import Claim
from gate.client.connection import Tls
from gate.client.errors import GateTimeoutError, GateUnavailableError
from gate.client.gallery import EnrolReport, EnrolResult, EnrolStatus, Expected, FingerEnrolled
from gate.client.gate import GateClient
from gate.client.manifest import LoadedLeg, LoadedMessage, LoadFinding, LoadNews, LoadProgress, LoadReport
from gate.client.passage import PassageStream
from gate.client.records import (
    FingerRejection,
    FingerRequested,
    FrameCounts,
    FrameRejection,
    GuidanceGiven,
    PassageDecision,
    PassageEvent,
)
from gate.client.watch import CrowdingAlarm, PersonDecided, PersonLost, PersonSeen, WatchNews, WatchStream
from gate.decision.journey import FlightPlan, Window
from gate.decision.outcome import FingerEvidence
from gate.engine.loading import PersonResult, PersonState, Summary
from gate.engine.recorded import Recorded
from gate.engine.tally import StageTiming
from gate.fingerprint.position import FingerPosition
from gate.fingerprint.sample import FingerEncoding, FingerSample, RecordEncoding
from gate.gallery.receipt import Receipt, Why
from gate.gallery.traveller import FlightDescription
from gate.gallery.watched import Watched, WatchedCount, WatchListDescription

__all__ = [
    "BlockingGateClient",
    "BlockingPassage",
    "Claim",
    "CrowdingAlarm",
    "EnrolReport",
    "EnrolResult",
    "EnrolStatus",
    "Expected",
    "FingerEncoding",
    "FingerEnrolled",
    "FingerEvidence",
    "FingerPosition",
    "FingerRejection",
    "FingerRequested",
    "FingerSample",
    "FlightDescription",
    "FlightPlan",
    "FrameCounts",
    "FrameRejection",
    "GateClient",
    "GateTimeoutError",
    "GateUnavailableError",
    "GuidanceGiven",
    "LoadFinding",
    "LoadNews",
    "LoadProgress",
    "LoadReport",
    "LoadedLeg",
    "LoadedMessage",
    "PassageDecision",
    "PassageEvent",
    "PassageStream",
    "PersonDecided",
    "PersonLost",
    "PersonResult",
    "PersonSeen",
    "PersonState",
    "Receipt",
    "RecordEncoding",
    "Recorded",
    "StageTiming",
    "Summary",
    "Tls",
    "WatchListDescription",
    "WatchNews",
    "WatchStream",
    "Watched",
    "WatchedCount",
    "Why",
    "Window",
]
