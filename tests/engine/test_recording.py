"""Recordings: what comes out the same again, what a change of one bit shows, and when nothing opens them any more."""

from __future__ import annotations

import stat
import weakref
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate.audit.journal import SealedJournal
from gate.decision.event import Compared, Ended, Looked
from gate.decision.outcome import Outcome, Reason
from gate.decision.policy import Policy
from gate.engine.attempt import StartRequest
from gate.engine.engine import Engine
from gate.engine.recording import Made, Recorder, Recording
from gate.engine.recordings import SUFFIX, Recordings, open_recording
from gate.engine.replay import replay_decision, replay_models
from gate.engine.witness import Seen
from gate.errors import Code, GateError, NotFoundError, StorageFault
from gate.gallery.gallery import Change
from gate.gallery.sealed import SealedGallery
from gate.gallery.traveller import Particulars, TravelDocument, Traveller
from gate.settings import LaneSettings, Settings
from gate.storage.database import Database
from gate.storage.keys import MasterKey
from gate.vision.probe import Picture, Probe, Sighting
from tests.decision.makers import CALIBRATION
from tests.engine.fakes import PACK, ScriptedVision, SetClock, frame, photo
from tests.storage.traces import forms

FLIGHT, OTHER_FLIGHT = "ZZ0042/2026-11-22", "ZZ0043/2026-11-22"
MADE = Made(PACK, PACK, "", {"embedder": "0" * 64}, "cpu", 1, 480)


class Box:
    """An engine with a store that records its passages."""

    def __init__(self, database: Database, folder: Path, clock: SetClock, **policy: Any) -> None:
        self.database, self.folder, self.clock = database, folder, clock
        journal = SealedJournal(database)
        gallery = SealedGallery(PACK, database, journal, clock=clock)
        gallery.restore(lambda _photo: pytest.fail("nothing to embed again"))
        self.recordings = Recordings(folder, database, MADE, max_h=1.0, max_mb=1)
        configured = Settings(lanes={"lane-1": LaneSettings()}, profiles={"pedestrian": Policy(**policy)})
        self.engine = Engine(
            configured, ScriptedVision(), CALIBRATION, gallery, clock, journal, recordings=self.recordings
        )
        for person, flight in ((1, FLIGHT), (2, FLIGHT), (3, OTHER_FLIGHT)):
            self.engine.gallery.apply(Change(put=(self.traveller(person, flight),)))
            self.engine.enrol(self.traveller(person, flight), photo(person))

    def traveller(self, person: int, flight: str) -> Traveller:
        until = self.clock.utc() + timedelta(hours=3)
        documents = (TravelDocument(f"DOC{person:05d}", "UTO", date(2031, 5, 6)),)
        particulars = Particulars("MUSTER", "ERIKA", date(1990, 2, 3), "UTO", "passenger", face_consent=True)
        return Traveller(f"traveller-{person}", flight, until, documents, particulars)

    def passage(self, *people: int | None, flight: str = "") -> None:
        attempt = self.engine.open_passage(StartRequest("lane-1", flight=flight))
        for sequence, person in enumerate(people):
            self.clock.wait(0.5)
            attempt.observe(frame(person, sequence, sharpness=0.5 + sequence / 10), self.clock.monotonic())
        attempt.frames_ended()
        self.engine.close_passage(attempt)
        self.engine.write_recordings()

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{SUFFIX}"))

    def opened(self) -> Recording:
        (file,) = self.files
        return open_recording(file, self.database)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with Database.open(tmp_path / "egate.db", MasterKey.generate()) as database:
        yield Box(database, tmp_path / "recordings", SetClock())


PASSAGES = [
    pytest.param((None, 2), Reason.MATCHED, id="opens"),
    pytest.param((None, 9, 9, 9, 9, 9), Reason.NO_MATCH, id="a stranger"),
    pytest.param((None, None), Reason.NO_FACE, id="nobody"),
    pytest.param((9, 9, 2), Reason.MATCHED, id="one steps aside for another"),
]


@pytest.mark.parametrize(("people", "reason"), PASSAGES)
def test_a_passage_is_decided_again_bit_for_bit(box: Box, people: tuple[int | None, ...], reason: Reason) -> None:
    box.passage(*people)
    recording = box.opened()
    decision, replayed = replay_decision(recording)
    assert replayed.agrees, replayed.differences
    assert decision is not None
    assert decision.reason is reason
    seen = replay_models(recording, ScriptedVision())
    assert seen.agrees, seen.differences
    assert seen.checked >= len(people)


def test_an_abandoned_passage_has_no_decision_again(box: Box) -> None:
    attempt = box.engine.open_passage(StartRequest("lane-1"))
    attempt.observe(frame(None), box.clock.monotonic())
    box.engine.close_passage(attempt)
    box.engine.write_recordings()
    decision, replayed = replay_decision(box.opened())
    assert (decision, replayed.agrees) == (None, True)


def test_a_decision_that_was_not_made_by_these_events_is_found_out(box: Box) -> None:
    """Guards against a replay that agrees with whatever it is given."""
    box.passage(9, 9)
    recording = box.opened()
    assert recording.decision is not None
    opened = replace(recording, decision=replace(recording.decision, outcome=Outcome.OPEN))
    assert not replay_decision(opened)[1].agrees
    looser = recording.rules.policy.model_copy(update={"fpir": 0.01})
    assert not replay_decision(replace(recording, rules=replace(recording.rules, policy=looser)))[1].agrees


def test_a_similarity_of_one_bit_more_is_found_out(box: Box) -> None:
    box.passage(2)
    recording = box.opened()

    def nudged(event: Any) -> Any:
        if not isinstance(event, Compared):
            return event
        first, *others = event.candidates.ranked
        first = replace(first, similarity=float(np.nextafter(first.similarity, 2)))
        return replace(event, candidates=replace(event.candidates, ranked=(first, *others)))

    other = replace(recording, events=tuple(map(nudged, recording.events)))
    assert {difference.what for difference in replay_models(other, ScriptedVision()).differences} == {"similarities"}


def test_models_that_see_otherwise_are_found_out(box: Box) -> None:
    class Changed(ScriptedVision):
        def look(self, frame: Any) -> Sighting:
            sighting = super().look(frame)
            quality = sighting.quality
            return replace(sighting, quality=quality and replace(quality, sharpness=quality.sharpness + 1e-12))

        def probe(self, sighting: Sighting) -> Probe:
            probe = super().probe(sighting)
            embedding = probe.embedding.copy()
            embedding[0] = np.nextafter(embedding[0], np.float32(2))
            return replace(probe, embedding=embedding)

    box.passage(2)
    found = {difference.what for difference in replay_models(box.opened(), Changed()).differences}
    assert {"sighting", "embedding"} <= found


def test_a_recording_names_nobody(box: Box) -> None:
    """Guards against a second gallery with names, of which no receipt knows."""
    box.passage(2)
    text = box.opened().dumped()
    for personal in ("traveller-2", "DOC00002", "MUSTER", "ERIKA", "1990-02-03"):
        assert not [name for name, form in forms(personal).items() if form in text]
    assert b'"T1"' in text


def test_nothing_can_be_read_in_the_folder(box: Box) -> None:
    box.passage(2)
    (file,) = box.files
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_bytes()
    assert b"person" not in content, "a frame lies in the clear"
    assert b"similarity" not in content


def test_a_recording_that_was_changed_does_not_open(box: Box) -> None:
    box.passage(2)
    (file,) = box.files
    content = bytearray(file.read_bytes())
    content[-40] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(StorageFault) as caught:
        box.opened()
    assert caught.value.code is Code.SEAL_BROKEN


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_of_anything_is_refused_by_name(box: Box, data: st.DataObject) -> None:
    """Whatever lies in the folder, the sweep goes on and the command says what it found."""
    if not box.files:
        box.passage(2)
    whole = next(file for file in box.files if not file.name.startswith("any")).read_bytes()
    start, end = sorted(data.draw(st.tuples(st.integers(0, 400), st.integers(0, 400))))
    other = box.folder / f"any{SUFFIX}"
    other.write_bytes(whole[:start] + data.draw(st.binary(max_size=200)) + whole[end:])
    if other.read_bytes() != whole:
        with pytest.raises((StorageFault, NotFoundError)):
            open_recording(other, box.database)
    box.recordings.expire(box.clock.utc())


@pytest.mark.parametrize(
    "header", [b"[" * 60_000, b"[]", b"{}", b"null", b'{"passage":"a","until":"2026-11-22","flights":7}']
)
def test_a_header_that_says_something_else_is_refused(box: Box, header: bytes) -> None:
    box.folder.joinpath(f"x{SUFFIX}").write_bytes(b"egate passage 1\n" + header + b"\n")
    with pytest.raises(StorageFault):
        open_recording(box.folder / f"x{SUFFIX}", box.database)


def test_prolonging_a_recording_by_its_header_does_not_help(box: Box) -> None:
    box.passage(2)
    (file,) = box.files
    file.write_bytes(file.read_bytes().replace(b'"until":"2026', b'"until":"2036', 1))
    with pytest.raises(GateError) as caught:
        box.opened()
    assert caught.value.code in {Code.RECORDING_GONE, Code.SEAL_BROKEN}


def test_its_hours_end_a_recording(box: Box) -> None:
    box.passage(2)
    kept = box.files[0].read_bytes()
    box.clock.wait(3500)
    box.engine.sweep()
    assert box.opened().decision is not None
    box.clock.wait(200)
    box.engine.sweep()
    assert box.files == []
    # Somebody has a copy of the file, and of nothing else.
    copy = box.folder / f"copy{SUFFIX}"
    copy.write_bytes(kept)
    with pytest.raises(NotFoundError) as caught:
        open_recording(copy, box.database)
    assert caught.value.code is Code.RECORDING_GONE


def test_a_flight_takes_its_recordings_with_it(box: Box) -> None:
    """Guards against a destroyed traveller's face that lives on beside the store."""
    box.passage(2, flight=FLIGHT)
    box.engine.close_flight(FLIGHT)
    with pytest.raises(NotFoundError) as caught:
        box.opened()
    assert caught.value.code is Code.RECORDING_GONE
    box.engine.sweep()
    assert box.files == []


def test_what_is_no_recording_is_left_alone(box: Box) -> None:
    other = box.folder / f"notes{SUFFIX}"
    other.write_text("not of the engine")
    box.passage(2)
    box.clock.wait(4000)
    box.engine.sweep()
    assert box.files == [other]


def test_another_flight_leaves_it_as_it_is(box: Box) -> None:
    box.passage(2, flight=FLIGHT)
    box.engine.close_flight(OTHER_FLIGHT)
    box.engine.sweep()
    assert replay_decision(box.opened())[1].agrees


def test_a_flight_destroyed_before_it_is_written_leaves_no_recording(box: Box) -> None:
    attempt = box.engine.open_passage(StartRequest("lane-1"))
    attempt.observe(frame(2), box.clock.monotonic())
    box.engine.close_passage(attempt)
    box.engine.close_flight(FLIGHT)
    box.engine.write_recordings()
    assert box.files == []
    with box.database.read() as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM data_keys")]
    assert not [name for name in names if name.startswith("recording/")]


def test_a_disk_that_fails_hinders_no_passage(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gate.engine.recordings.files.write_new", full)
    box.passage(2)
    assert box.files == []
    monkeypatch.undo()
    box.passage(2)
    assert len(box.files) == 1


def test_frames_beyond_the_limit_are_left_out_and_said(tmp_path: Path) -> None:
    with Database.open(tmp_path / "egate.db", MasterKey.generate()) as database:
        box = Box(database, tmp_path / "recordings", SetClock(), max_comparisons=8)
        box.recordings.max_bytes = 100
        box.passage(None, 9, 9, 9, 9)
        recording = box.opened()
        replayed = replay_models(recording, ScriptedVision())
    assert replay_decision(recording)[1].agrees
    assert replayed.agrees, replayed.differences
    assert replayed.skipped > 0


def test_a_recorder_keeps_no_decoded_picture() -> None:
    """Guards against 3 MB a look: a passage of 8 s would take a quarter of a gigabyte a lane."""
    recorder = Recorder(lambda: pytest.fail("nobody is compared"), max_bytes=0)
    picture = np.zeros((720, 1280, 3), np.uint8)
    held = weakref.ref(picture)
    sighting = replace(ScriptedVision().look(frame(1)), picture=Picture.of(picture), aligned=picture[:112, :112])
    recorder.note(Seen(frame(1), 0.0, sighting))
    recorder.note(Looked(0.0, 1, sighting))
    del picture, sighting
    assert held() is None
    assert recorder.events


def test_a_recording_of_another_version_is_refused_by_name(box: Box) -> None:
    box.passage(2)
    text = box.opened().dumped().replace(b'"record":"Looked"', b'"record":"Glanced"')
    with pytest.raises(StorageFault, match="another version"):
        Recording.loaded(text)


def test_without_a_recorder_nothing_is_kept(tmp_path: Path) -> None:
    """Off by default: recordings hold faces."""
    assert Settings().recording.folder is None
    with Database.open(tmp_path / "egate.db", MasterKey.generate()) as database:
        box = Box(database, tmp_path / "recordings", SetClock())
        box.engine._recordings = None
        box.passage(2)
        assert box.files == []


def test_what_ends_a_passage_from_outside_is_recorded(box: Box) -> None:
    attempt = box.engine.open_passage(StartRequest("lane-1"))
    attempt.observe(frame(None), box.clock.monotonic())
    attempt.shut_down()
    box.engine.close_passage(attempt)
    box.engine.write_recordings()
    assert box.opened().events[-1] is Ended.SHUTTING_DOWN
