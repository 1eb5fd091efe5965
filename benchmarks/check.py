"""Holds figures against `benchmarks/bars.toml`: which are missed, by how much, and which stage to look at first."""

from __future__ import annotations

import enum
import errno
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from benchmarks.figures import Figure
from benchmarks.measured import Measured

USUAL_BARS = Path(__file__).resolve().parent / "bars.toml"

QUIET_PERCENT = 30.0
"""How busy a machine may have been before the run for figures that are no ratios to say something of the engine."""

_STAGES_MS = "latency.stage."
_FLOORS_MS = "latency.floor."


class Bar(BaseModel):
    """One line of bars.toml, where every field is explained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    figure: str
    at_least: float | None = None
    at_most: float | None = None
    goal: float | None = None
    noisy: bool = False
    quiet: bool = False
    when: Mapping[str, str | bool | int | float] = Field(default_factory=dict)
    stage: str

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"{self.figure}: expected at_least or at_most")
        return self

    @property
    def limit(self) -> str:
        """In words."""
        return f"at least {self.at_least:g}" if self.at_least is not None else f"at most {self.at_most:g}"

    def missed_by(self, figure: Figure) -> bool:
        """Whether the figure misses the bar, its noise allowed for where the bar says so."""
        if self.at_least is not None:
            return (figure.ci_high if self.noisy else figure.value) < self.at_least
        return (figure.ci_low if self.noisy else figure.value) > (self.at_most or 0.0)

    def short_of_goal(self, figure: Figure) -> bool:
        """Whether the value is on the wrong side of the goal."""
        if self.goal is None:
            return False
        return figure.value < self.goal if self.at_least is not None else figure.value > self.goal


class State(enum.Enum):
    """What became of a bar."""

    HELD = "held"
    MISSED = "missed"
    INSUFFICIENT = "insufficient data"
    ABSENT = "not measured"
    OTHER_RUN = "of other runs"
    BUSY = "not judged, the machine was busy"


class Verdict(BaseModel):
    """One bar and what was found."""

    model_config = ConfigDict(frozen=True)

    bar: Bar
    state: State
    figure: Figure | None = None
    stage: str = ""

    @property
    def line(self) -> str:
        """For people: figure, bar, and the stage to blame."""
        if self.figure is None:
            return f"{self.bar.figure}: {self.state.value} (bar: {self.bar.limit})"
        found = f"{self.figure.value:.4g} ({self.figure.ci_low:.4g} to {self.figure.ci_high:.4g}) {self.figure.unit}"
        said = f"{self.bar.figure}: {self.state.value}: {found}, bar: {self.bar.limit}"
        if self.state is State.MISSED:
            said += f"; look at: {self.stage}"
        elif self.bar.short_of_goal(self.figure):
            said += f"; goal {self.bar.goal:g} not reached"
        return said


class _Bars(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    bar: tuple[Bar, ...]


def read_bars(path: Path = USUAL_BARS) -> tuple[Bar, ...]:
    """The bars of a file.

    Raises:
        OSError: it cannot be read, or is no such file.
    """
    try:
        return _Bars.model_validate(tomllib.loads(path.read_text("utf-8"))).bar
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise OSError(errno.EINVAL, f"no bars: {first}", str(path)) from error


def check(measured: Measured, bars: Iterable[Bar]) -> list[Verdict]:
    """Every bar held against what was measured."""
    figures = measured.by_name()
    too_few = {item.name for item in measured.insufficient}
    verdicts = []
    for bar in bars:
        figure = figures.get(bar.figure)
        if figure is None:
            state = State.INSUFFICIENT if bar.figure in too_few else State.ABSENT
            verdicts.append(Verdict(bar=bar, state=state))
        elif not _applies(bar, measured.run):
            verdicts.append(Verdict(bar=bar, state=State.OTHER_RUN, figure=figure))
        elif bar.quiet and _busy_percent(measured.machine) > QUIET_PERCENT:
            verdicts.append(Verdict(bar=bar, state=State.BUSY, figure=figure))
        else:
            state = State.MISSED if bar.missed_by(figure) else State.HELD
            verdicts.append(Verdict(bar=bar, state=state, figure=figure, stage=blame(bar, figures)))
    return verdicts


def blame(bar: Bar, figures: Mapping[str, Figure]) -> str:
    """The stage to look at first."""
    if bar.stage == "slowest":
        return _slowest(figures)
    if bar.stage == "weakest":
        return _weakest(bar, figures)
    return bar.stage


def _applies(bar: Bar, run: Mapping[str, object]) -> bool:
    """A document of several benchmarks holds each one's facts under its name, or under its file's."""
    places = [run, *(value for value in run.values() if isinstance(value, Mapping))]
    places += [value for place in places[1:] for value in place.values() if isinstance(value, Mapping)]
    if not bar.when:
        return True
    return any(all(place.get(key) == value for key, value in bar.when.items()) for place in places)


def _busy_percent(machine: Mapping[str, object]) -> float:
    found = machine.get("busy_before_percent")
    return float(found) if isinstance(found, int | float) else 0.0


def _slowest(figures: Mapping[str, Figure]) -> str:
    """The stage that takes longest beyond the bare run of its model."""
    kind: Literal[".p50_ms"] = ".p50_ms"
    excess = {}
    for name, figure in figures.items():
        if name.startswith(_STAGES_MS) and name.endswith(kind):
            stage = name.removeprefix(_STAGES_MS).removesuffix(kind)
            floor = figures.get(f"{_FLOORS_MS}{stage}{kind}")
            excess[stage] = figure.value - (floor.value if floor else 0.0)
    if added := figures.get("latency.grpc.added_ms"):
        excess["service (gRPC and hand-over)"] = added.value
    if not excess:
        return "unknown: no stages were measured"
    stage = max(excess, key=lambda name: excess[name])
    return f"{stage}, {excess[stage]:.1f} ms beyond its floor"


def _weakest(bar: Bar, figures: Mapping[str, Figure]) -> str:
    """What could explain most of the missed travellers."""
    figure = figures[bar.figure]
    state = "unmasked" if ".unmasked." in bar.figure else "masked"
    lost = 100 - figure.value if bar.at_least is not None else figure.value
    unseen = figures.get(f"fta.{state}")
    if unseen is not None and unseen.value > lost / 2:
        return f"detect: {unseen.value:.2f} % are not acquired"
    wrong = figures.get(f"mask_state.{state}.wrong")
    if wrong is not None and wrong.value > lost / 2:
        return f"mask: the state of {wrong.value:.2f} % is wrong"
    return "embed: faces are found, and told apart too poorly"
