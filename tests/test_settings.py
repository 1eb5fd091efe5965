"""A setting that is misread opens a lane by the wrong rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.cli.failures import DEBUG_VARIABLE
from gate.errors import SettingsError
from gate.settings import load_settings
from gate.storage.keys import VARIABLE as MASTER_KEY_VARIABLE
from gate.vision.pack import MODELS_VARIABLE


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "gate.toml"


@pytest.mark.usefixtures("write")
def test_without_a_file_the_defaults_listen_on_loopback_only() -> None:
    assert load_settings().server.address.startswith("127.0.0.1:")


def test_the_file_in_the_working_folder_is_read(write: Path) -> None:
    write.write_text('[lanes.north]\ncheckpoint = "departures"\n[profiles.pedestrian]\nfpir = 0.001\n')
    settings = load_settings()
    assert settings.lanes["north"].checkpoint == "departures"
    assert settings.profiles["pedestrian"].fpir == 0.001


def test_the_environment_wins_over_the_file_and_leaves_the_rest(write: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write.write_text('[server]\naddress = "127.0.0.1:1"\nreflection = true\n')
    monkeypatch.setenv("EGATE_SERVER__ADDRESS", "127.0.0.1:2")
    server = load_settings().server
    assert (server.address, server.reflection) == ("127.0.0.1:2", True)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[server]\nadress = 'x'\n", "server.adress"),
        ("[models]\nthreads = 0\n", "models.threads"),
        ("[gallery]\nmax_retention_h = 48\n", "gallery.max_retention_h"),
        ("[profiles.pedestrian]\nfpir = 2\n", "profiles.pedestrian.fpir"),
        ("[profiles.pedestrian.outcomes]\nno_match = 'open'\n", "profiles.pedestrian"),
        ("[lanes.lane-1]\nprofile = 'vip'\n", ""),
    ],
)
def test_each_wrong_value_is_named(write: Path, text: str, field: str) -> None:
    write.write_text(text)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert field in {violation.field for violation in refused.value.violations}


@pytest.mark.parametrize("text", ["[server\n", "= 3"])
def test_a_file_that_is_not_toml_is_named(write: Path, text: str) -> None:
    write.write_text(text)
    with pytest.raises(SettingsError, match=r"gate\.toml"):
        load_settings()


@pytest.mark.usefixtures("write")
def test_a_file_that_is_asked_for_must_exist() -> None:
    with pytest.raises(SettingsError, match=r"other\.toml"):
        load_settings(Path("other.toml"))


@pytest.mark.usefixtures("write")
def test_a_variable_of_a_whole_group_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGATE_SERVER", "127.0.0.1:2")
    with pytest.raises(SettingsError, match="EGATE_SERVER__KEY"):
        load_settings()


@pytest.mark.usefixtures("write")
def test_our_other_variables_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of models in the environment once stopped every command, as a malformed [models]."""
    for name in (MODELS_VARIABLE, DEBUG_VARIABLE, MASTER_KEY_VARIABLE, "EGATE_SHARED", "EGATE_TRAIN_DIR"):
        monkeypatch.setenv(name, "/some/folder")
    assert load_settings().models.pack
