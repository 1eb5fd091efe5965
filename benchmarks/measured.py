"""What one benchmark found: the document that every bench command writes, and reads again to compare or to draw.

``{"schema_version": 1, "figures": […], "insufficient": […], "notes": […], "plots": […], "machine": {…}, "run": {…}}``;
docs/benchmarks.md says what stands in each.
"""

from __future__ import annotations

import errno
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.figures import Figure, document

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Insufficient:
    """A figure that the data cannot carry: what there is, and what it would take."""

    name: str
    found: int
    needed: int
    of: str


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a plot: points in order. `steps`: drawn as a histogram's outline."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    steps: bool = False
    markers: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """What a report draws.

    Attributes:
        title, x_label, y_label: with units.
        series: the lines.
        x_scale, y_scale: ``linear``, ``log`` or ``normal`` (normal deviates, as detection error trade-offs are drawn).
        marks: vertical lines, name to x.
    """

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    x_scale: str = "linear"
    y_scale: str = "linear"
    marks: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    """One benchmark's results.

    Attributes:
        figures: stable names.
        run: how it was run.
        insufficient: figures that the data cannot carry.
        notes: what a reader must know, in sentences.
        plots: for the report.
        machine: on what; empty until it is written.
        parts: of several benchmarks as one, each by its name; not written, as all of it stands in the others.
    """

    figures: tuple[Figure, ...]
    run: Mapping[str, object]
    insufficient: tuple[Insufficient, ...] = ()
    notes: tuple[str, ...] = ()
    plots: tuple[Plot, ...] = ()
    machine: Mapping[str, object] = field(default_factory=dict)
    parts: Mapping[str, Measured] = field(default_factory=dict, repr=False)

    def by_name(self) -> dict[str, Figure]:
        """Figures by their names."""
        return {figure.name: figure for figure in self.figures}

    def document(self) -> dict[str, object]:
        """As JSON has it."""
        return document(
            list(self.figures),
            {
                "insufficient": [asdict(item) for item in self.insufficient],
                "notes": list(self.notes),
                "plots": [asdict(plot) for plot in self.plots],
                "machine": dict(self.machine),
                "run": dict(self.run),
            },
        )

    def write(self, path: Path) -> None:
        """As JSON; makes the folder.

        Raises:
            ValueError: a number is not finite, which JSON cannot say.
            OSError: it cannot be written.
        """
        text = json.dumps(self.document(), indent=1, allow_nan=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", "utf-8")


def joined(parts: Mapping[str, Measured], machine: Mapping[str, object]) -> Measured:
    """Several benchmarks as one; `run` holds each one's under its name."""
    return Measured(
        tuple(figure for part in parts.values() for figure in part.figures),
        {name: dict(part.run) for name, part in parts.items()},
        tuple(item for part in parts.values() for item in part.insufficient),
        tuple(f"{name}: {note}" for name, part in parts.items() for note in part.notes),
        tuple(plot for part in parts.values() for plot in part.plots),
        machine,
        parts,
    )


def read(path: Path) -> Measured:
    """What a bench command wrote; documents without plots or notes, too.

    Raises:
        OSError: it cannot be read, or is no such document.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
        if found["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"schema_version {found['schema_version']}")
        return Measured(
            tuple(_figure(item) for item in found["figures"]),
            found.get("run", {}),
            tuple(Insufficient(**item) for item in found.get("insufficient", ())),
            tuple(found.get("notes", ())),
            tuple(_plot(item) for item in found.get("plots", ())),
            found.get("machine", {}),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise OSError(errno.EINVAL, f"expected a document of gate bench, found none: {error}", str(path)) from error


def read_all(paths: Sequence[Path]) -> Measured:
    """Several documents as one; of a figure that stands in several, the last.

    Raises:
        OSError: see `read`.
    """
    documents = {str(path): read(path) for path in paths}
    found = joined(documents, next((dict(part.machine) for part in documents.values()), {}))
    return Measured(
        tuple(found.by_name().values()), found.run, found.insufficient, found.notes, found.plots, found.machine
    )


def _figure(item: Mapping[str, object]) -> Figure:
    numbers = [_number(item[key]) for key in ("value", "ci_low", "ci_high")]
    return Figure(str(item["name"]), numbers[0], str(item["unit"]), int(_number(item["n"])), numbers[1], numbers[2])


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"expected a number, found {value!r}")
    return float(value)


def _plot(item: Mapping[str, object]) -> Plot:
    parts = dict(item)
    series = [{**one, "x": tuple(one["x"]), "y": tuple(one["y"])} for one in parts.pop("series")]  # type: ignore[attr-defined]  # JSON's own lists
    return Plot(**parts, series=tuple(Series(**one) for one in series))  # type: ignore[arg-type]  # a wrong type is a TypeError or shows
