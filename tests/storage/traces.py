"""What a thief of the disk would do: look for known things in every file of a folder, logs included."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np


def forms(*values: str | bytes | np.ndarray) -> dict[str, bytes]:
    """How values could lie on a disk, by name: texts in UTF-8 and UTF-16 and as hexadecimal, arrays as their raw bytes.

    An array is looked for by any 16 bytes at a row's start, so that a page boundary in it does not hide it.
    """
    found: dict[str, bytes] = {}
    for number, value in enumerate(values):
        match value:
            case str():
                found |= {f"{value} ({code})": value.encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be")}
                found[f"{value} (hex)"] = value.encode().hex().encode()
            case bytes():
                found[f"bytes {number}"] = value
                found[f"bytes {number} (hex)"] = value.hex().encode()
            case _:
                for row, floats in enumerate(np.atleast_2d(value)):
                    found |= {f"array {number}, row {row}, at {at}": floats.tobytes()[at : at + 16] for at in (0, 64)}
    return found


def traces(folder: Path, needles: dict[str, bytes]) -> list[str]:
    """Where any of `needles` (see `forms`) lies in a file of `folder` or below; empty when nowhere."""
    return [
        f"{name} in {file.relative_to(folder)}"
        for file in files_of(folder)
        for content in [file.read_bytes()]
        for name, needle in needles.items()
        if needle in content
    ]


def files_of(folder: Path) -> Iterable[Path]:
    """Every regular file of `folder` and below."""
    return sorted(path for path in folder.rglob("*") if path.is_file())
