"""A served passage is recorded after its gate was told, and decided again."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gate.audit.journal import SealedJournal
from gate.client import GateClient
from gate.engine.engine import Engine
from gate.engine.recording import Made
from gate.engine.recordings import Recordings, open_recording
from gate.engine.replay import replay_decision, replay_models
from gate.gallery.sealed import SealedGallery
from gate.service.server import GateServer
from gate.settings import LaneSettings, ServerSettings, Settings
from gate.storage.database import Database
from gate.storage.keys import MasterKey
from tests.decision.makers import CALIBRATION
from tests.service import fakes


async def test_a_passage_over_the_wire_is_recorded_and_decided_again(tmp_path: Path) -> None:
    vision = fakes.ColourVision()
    made = Made(vision.pack_id, vision.pack_id, "", {}, "cpu", 1, 480)
    with Database.open(tmp_path / "egate.db", MasterKey.generate()) as database:
        journal = SealedJournal(database)
        gallery = SealedGallery(vision.pack_id, database, journal)
        gallery.restore(lambda _photo: None)  # type: ignore[arg-type, return-value]  # there is none
        recordings = Recordings(tmp_path / "recordings", database, made, max_h=1, max_mb=8)
        settings = Settings(server=ServerSettings(address="127.0.0.1:0"), lanes={"lane-1": LaneSettings()})
        engine = Engine(settings, vision, CALIBRATION, gallery, journal=journal, recordings=recordings)
        engine.enrol(fakes.traveller(1), fakes.jpeg(1))
        async with GateServer(engine, settings.server) as server, GateClient(server.address) as client:
            decision = await client.verify("lane-1", [fakes.jpeg(None), fakes.jpeg(1)])
            assert decision.opens
            async with asyncio.timeout(5):
                while not list((tmp_path / "recordings").glob("*.passage")):
                    await asyncio.sleep(0.01)
        recording = open_recording(tmp_path / "recordings" / f"{decision.passage_id}.passage", database)
        found, replayed = replay_decision(recording)
        assert replayed.agrees, replayed.differences
        assert found is not None
        assert found.comparison is not None
        assert found.comparison.similarity == decision.similarity
        seen = replay_models(recording, vision)
        assert seen.agrees, seen.differences
