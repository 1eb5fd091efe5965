"""What several test folders need."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A test that sets logging up must not decide what the next one can capture."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of third-party data and models: EGATE_SHARED, or `shared` beside the checkout."""
    folder = Path(os.environ.get("EGATE_SHARED") or Path(__file__).parents[2] / "shared")
    if not (folder / "models" / "registry.json").is_file():
        pytest.skip(f"needs the third-party files of {folder} (set EGATE_SHARED to their folder)")
    return folder
