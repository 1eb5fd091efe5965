"""An engine built twice on one store: what the first was told, the second knows, whatever the wall clock says."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import pytest
from skimage import data

from gate.engine.build import Built, build_engine, gallery_rules
from gate.errors import Code, MasterKeyError, StoreError
from gate.gallery.gallery import Change
from gate.gallery.traveller import Traveller
from gate.settings import GallerySettings, ModelSettings, Settings, StorageSettings
from gate.storage.keys import MasterKey, write_key_file
from tests.decision.makers import CALIBRATION
from tests.gallery.fakes import StandingClock
from tests.manifest.face_records import Portrait, dg2, face_record

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    del shared  # only to skip without the models
    monkeypatch.delenv("EGATE_MASTER_KEY", raising=False)
    key_file = tmp_path / "master.key"
    write_key_file(key_file, MasterKey.generate())
    yield Settings(storage=StorageSettings(path=tmp_path / "egate.db", master_key_file=key_file))


def expected(built: Built) -> int:
    return built.engine.describe(None).travellers


def test_a_store_outlives_the_engine_and_the_clock_cannot_prolong_it(settings: Settings) -> None:
    wall = StandingClock(NOW)
    with build_engine(settings, clock=wall) as built:
        built.engine.gallery.apply(Change((Traveller("a", "CX1", NOW + timedelta(hours=1)),)))
        with pytest.raises(StoreError) as in_use:
            build_engine(settings, clock=wall)
        assert in_use.value.code is Code.STORE_IN_USE
    wall.now -= timedelta(hours=5)
    with build_engine(settings, clock=wall) as again:
        assert again.restored is not None
        assert again.restored.travellers == expected(again) == 1
        wall.wait(3600)
        (receipt,) = again.engine.sweep()
        assert receipt.complete
        kinds = [entry.kind for entry in again.journal.entries()]
        assert kinds == ["load", "clock", "destruction", "clock"]
        assert again.journal.verify().whole


def test_a_key_that_is_missing_stops_the_start_and_frees_the_store(settings: Settings) -> None:
    assert settings.storage.master_key_file is not None
    there = settings.storage.master_key_file
    away = there.rename(there.with_suffix(".away"))
    with pytest.raises(MasterKeyError):
        build_engine(settings)
    away.rename(there)
    build_engine(settings).close()


def test_without_a_store_there_is_a_journal_all_the_same(shared: Path) -> None:
    del shared
    built = build_engine(Settings())
    built.engine.gallery.apply(Change())
    assert [entry.kind for entry in built.journal.entries()] == ["load"]
    assert (built.database, built.restored) == (None, None)


def test_lookalikes_are_marked_at_the_similarity_of_the_rate_set() -> None:
    rules = gallery_rules(GallerySettings(lookalike_fmr=1e-4, max_retention_h=6), CALIBRATION)
    similarity, retention = rules["lookalike_similarity"], rules["max_retention"]
    assert similarity is not None
    assert CALIBRATION.curves["none"].fmr_at(similarity) == pytest.approx(1e-4)  # type: ignore[index]
    assert retention == timedelta(hours=6)
    assert gallery_rules(GallerySettings(lookalike_fmr=0), CALIBRATION)["lookalike_similarity"] is None


def test_a_chips_photograph_that_was_kept_is_embedded_again_by_another_pack(settings: Settings) -> None:
    """A manifest's photograph is kept as it came: a data group of a passport chip must not be lost at the restart."""
    image = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR)
    picture = cv2.imencode(".jpg", image)[1].tobytes()
    row = {
        "surname": "TESTER",
        "flight": "ZZ42",
        "departure_date": f"{datetime.now(UTC):%Y-%m-%d}",
        "departure_time": "23:59",
        "origin": "KEF",
        "document_number": "X1",
        "photo_base64": base64.b64encode(dg2(face_record(Portrait(picture)))).decode(),
    }
    keeps = settings.model_copy(update={"gallery": GallerySettings(keep_photos=True)})
    with build_engine(keeps) as built:
        list(built.engine.load_manifest(json.dumps(row).encode(), "test").load())
        assert built.engine.describe(None).templates == 1
    other = keeps.model_copy(update={"models": ModelSettings(pack="edgeface-xxs")})
    with build_engine(other) as again:
        assert again.restored is not None
        assert (again.restored.embedded, again.restored.to_enrol) == (1, ())
