"""deploy/gate.toml: an example that has drifted from the settings teaches what is wrong."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from gate.settings import Settings, load_settings

EXAMPLE = Path(__file__).parents[2] / "deploy" / "gate.toml"

# Paths that exist only on an operator's box, and a choice that is not the default.
NOT_DEFAULTS = {"tls", "outcomes", "path", "master_key_file", "issuer_keys", "audiences", "folder"}


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EGATE_SERVER__ADDRESS", "EGATE_MODELS__PACK", "EGATE_MODELS__PROVIDER"):
        monkeypatch.delenv(name, raising=False)


def uncommented() -> str:
    """The example with every commented setting switched on."""
    setting = re.compile(r"^# (\[[\w.\-]+\]|\w+ = )", re.MULTILINE)
    return setting.sub(r"\1", EXAMPLE.read_text())


def test_the_example_as_it_stands_is_the_default() -> None:
    assert load_settings(EXAMPLE).model_dump() == Settings().model_dump()


def test_every_commented_value_is_a_setting_and_its_default(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(uncommented())
    stated, default = load_settings(path), Settings()
    profile = {"quality": True} | dict.fromkeys(tomllib.loads(uncommented())["profiles"]["pedestrian"], True)
    for key in set(profile) - NOT_DEFAULTS:
        assert getattr(stated.profiles["pedestrian"], key) == getattr(default.profiles["pedestrian"], key), key
    for group in ("server", "models", "gallery", "manifest", "storage", "claims", "frames", "journey"):
        for key in set(type(getattr(default, group)).model_fields) - NOT_DEFAULTS:
            assert getattr(getattr(stated, group), key) == getattr(getattr(default, group), key), f"{group}.{key}"
