"""Every situation that has a name, recorded, written, read, and decided again."""

from __future__ import annotations

from datetime import datetime

import pytest

from gate.engine.attempt import Attempt
from gate.engine.recording import Made, Recorder, Recording
from gate.engine.recordings import as_recording
from gate.engine.replay import replay_decision, replay_models
from tests.engine.fakes import PACK, ScriptedVision
from tests.engine.situation import Situation
from tests.engine.stage import Stage
from tests.engine.test_situations import SITUATIONS, play

MADE = Made(PACK, PACK, "", {}, "cpu", 1, 480)


class Kept:
    """Keeps recordings in memory, in the place of `Recordings`."""

    max_bytes = 1_000_000

    def __init__(self) -> None:
        self.texts: list[bytes] = []

    def ended(self, attempt: Attempt, recorder: Recorder, now: datetime) -> None:
        self.texts.append(as_recording(attempt, recorder, MADE, now).dumped())

    def write(self) -> None:
        pass

    def expire(self, now: datetime) -> None:
        pass


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation_is_decided_again(situation: Situation, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, made = Kept(), Stage.__init__

    def recorded(self: Stage, *arguments: object) -> None:
        made(self, *arguments)  # type: ignore[arg-type]
        self.engine._recordings = kept  # type: ignore[assignment]

    monkeypatch.setattr(Stage, "__init__", recorded)
    play(situation)
    assert kept.texts
    for text in kept.texts:
        recording = Recording.loaded(text)
        assert recording.dumped() == text, "it does not read as it was written"
        _, decided = replay_decision(recording)
        assert decided.agrees, decided.differences
        seen = replay_models(recording, ScriptedVision())
        assert seen.agrees, seen.differences
