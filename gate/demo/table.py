"""The demo's live table: one row a passage, filled while it is played."""

from __future__ import annotations

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gate.client import GuidanceGiven, PassageDecision, PassageEvent
from gate.decision.outcome import Guidance
from gate.demo.scenarios import Scenario
from gate.demo.stage import Played

_COLOURS = {"open": "green", "fingerprint": "yellow", "officer": "magenta"}

_CAPTION = (
    "Similarity: found ≥ needed; ~ needed more than the calibration data can carry. False pos.: rate of a whole "
    "passage that the threshold stands for. Frames: seen/compared/overtaken. Latency: from the deciding "
    "frame to the decision."
)

MIN_WIDTH = 140
"""Characters that the table takes. A pipe has no width of its own and gets this one."""


def console_for_table() -> Console:
    """A console wide enough when it is a file or a pipe; a terminal keeps its own width."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=MIN_WIDTH)


class LiveTable:
    """Shows passages as they are played. Use as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._done: list[tuple[Text | str, ...]] = []
        self._scenario: Scenario | None = None
        self._guidance: list[Guidance] = []
        # Off a terminal only the finished table is printed.
        self._live = Live(self._table(), console=console, refresh_per_second=8, transient=False)

    def __enter__(self) -> LiveTable:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._scenario = None
        self._live.update(self._table(), refresh=True)
        self._live.stop()
        if not self._console.is_terminal:
            self._console.line()

    def begin(self, scenario: Scenario) -> None:
        """A passage begins."""
        self._scenario, self._guidance = scenario, []
        self._live.update(self._table())

    def event(self, event: PassageEvent) -> None:
        """Something came of the passage that is being played."""
        if isinstance(event, GuidanceGiven):
            self._guidance.append(event.guidance)
            self._live.update(self._table())

    def end(self, played: Played) -> None:
        """The passage is over."""
        self._scenario = None
        self._done.append(row(played))
        self._live.update(self._table())

    def _table(self) -> Table:
        table = Table(header_style="bold", border_style="dim", caption=_CAPTION, caption_justify="left")
        table.add_column("", no_wrap=True)
        table.add_column("Passage")
        table.add_column("Guidance on the way")
        table.add_column("Outcome, reason", no_wrap=True)
        for column in ("Similarity", "False pos.", "Mask", "Frames", "Latency"):
            table.add_column(column, justify="right", no_wrap=True)
        for cells in self._done:
            table.add_row(*cells)
        if self._scenario is not None:
            table.add_row(Text("·", "cyan"), self._scenario.title, _advice(self._guidance), Text("playing …", "cyan"))
        return table


def row(played: Played) -> tuple[Text | str, ...]:
    """A finished passage's cells."""
    decision = played.decision
    frames = decision.frames
    return (
        Text("✓", "green") if played.right else Text("✗", "bold red"),
        played.scenario.title,
        _advice(played.guidance) + finger_text(decision),
        Text.assemble((decision.outcome, "bold " + _COLOURS[decision.outcome]), (f" {decision.reason}", "dim")),
        similarity_text(decision),
        "–" if decision.false_positive_rate is None else f"{decision.false_positive_rate:.2%}",
        decision.mask if decision.similarity is not None else "–",
        f"{frames.seen}/{frames.used}/{frames.dropped}",
        "–" if decision.frame_to_decision_ms is None else f"{decision.frame_to_decision_ms:.0f} ms",
    )


def similarity_text(decision: PassageDecision) -> str:
    """Similarity against the threshold; ~ where the calibration is extrapolated."""
    if decision.similarity is None or decision.threshold is None:
        return "–"
    sign = "≥" if decision.similarity >= decision.threshold else "<"
    return f"{decision.similarity:.3f} {sign} {decision.threshold:.3f}" + (
        "~" if decision.threshold_extrapolated else ""
    )


def finger_text(decision: PassageDecision) -> str:
    """How many fingers were taken; empty where none was asked for."""
    if decision.finger is None:
        return ""
    taken = decision.finger.attempts + decision.finger.unusable
    return f", finger ×{taken}" if taken else ", finger asked for"


def _advice(guidance: list[Guidance] | tuple[Guidance, ...]) -> str:
    return ", ".join(advice.replace("_", " ") for advice in dict.fromkeys(guidance))
