"""`gate doctor` on frames and recordings: what is left over from a trial is found before it is live."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.doctor.finding import Health
from gate.doctor.frames import check_frames, check_recording
from gate.errors import SettingsError
from gate.settings import FrameSettings, RecordingSettings, Settings, StorageSettings, load_settings


def recorded(folder: Path, store: Path) -> Settings:
    return Settings(recording=RecordingSettings(folder=folder), storage=StorageSettings(path=store))


def test_by_default_repeated_pictures_are_refused_and_nothing_is_recorded() -> None:
    assert check_frames(Settings()).health is Health.OK
    assert check_recording(Settings()).health is Health.OK


@pytest.mark.parametrize("frames", [FrameSettings(identical="allow"), FrameSettings(alarms=0)])
def test_a_lane_that_takes_recordings_is_warned_of(frames: FrameSettings) -> None:
    assert check_frames(Settings(frames=frames)).health is Health.WARN


def test_recording_is_warned_of(tmp_path: Path) -> None:
    finding = check_recording(recorded(tmp_path, tmp_path / "egate.db"))
    assert (finding.health, "1 h" in finding.found) == (Health.WARN, True)


def test_a_place_that_is_no_folder_is_found(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    assert check_recording(recorded(place, tmp_path / "egate.db")).health is Health.FAIL


def test_recordings_without_a_store_would_have_no_keys(tmp_path: Path) -> None:
    config = tmp_path / "gate.toml"
    config.write_text(f'[recording]\nfolder = "{tmp_path}"\n')
    with pytest.raises(SettingsError, match=r"\[storage\] path"):
        load_settings(config)
