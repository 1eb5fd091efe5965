"""What several test folders need."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of third-party data and models: EGATE_SHARED, or `shared` beside the checkout."""
    folder = Path(os.environ.get("EGATE_SHARED") or Path(__file__).parents[2] / "shared")
    if not (folder / "models" / "registry.json").is_file():
        pytest.skip(f"needs the third-party files of {folder} (set EGATE_SHARED to their folder)")
    return folder
