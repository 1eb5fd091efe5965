"""The demo's engine and people, made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.demo.people import Person, built_in
from gate.demo.stage import demo_settings
from gate.engine.build import Built, build_engine
from gate.settings import Settings


@pytest.fixture(scope="session")
def built(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    del shared  # only to skip without it
    with build_engine(demo_settings(Settings(), tmp_path_factory.mktemp("demo"))) as built:
        yield built


@pytest.fixture(scope="session")
def people(built: Built) -> tuple[Person, ...]:
    return built_in(built.vision)
