"""Where the time between a frame and its decision goes: a flame graph of the engine in this process.

  python -m benchmarks.flame --out docs/pictures/flame-after.svg

A second thread looks a thousand times a second at what the first one does. It waits for the interpreter lock, which is
given up every tenth of a millisecond here, and by decoder and models at once; so nothing is seen much too late.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from types import FrameType

from benchmarks.frames import people
from benchmarks.lane import InProcessLane
from benchmarks.latency import plan
from benchmarks.turns import enrol, logs_to_nowhere
from gate.engine.build import build_engine

WIDTH_PX, ROW_PX, LEFT_PX = 1100, 17, 10
_LETTER_PX = 6.2
_EVERY_S = 0.001
_LOCK_S = 0.0001
_LEAST_SHARE = 0.002
"""Of the whole; narrower blocks cannot be read, and are left out."""

_ROOTS = {"Attempt.observe", "Engine.close_passage"}
_FILLS = {"gate": "#f2a65a", "other": "#9fc5e8"}
"""Our own functions and everybody else's."""

Stack = tuple[tuple[str, str], ...]
"""Names and fills, the caller first."""


@dataclass(slots=True)
class Block:
    """A function below its callers.

    Attributes:
        samples: in which it was seen.
        called: what it called, by name.
    """

    fill: str
    samples: int = 0
    called: dict[str, Block] = field(default_factory=dict)


class Sampler:
    """Looks at one thread until it is told to stop."""

    def __init__(self, thread_id: int) -> None:
        self.stacks: Counter[Stack] = Counter()
        self._thread_id = thread_id
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(_EVERY_S):
            frame = sys._current_frames().get(self._thread_id)
            if stack := _below_root(frame):
                self.stacks[stack] += 1


def _below_root(frame: FrameType | None) -> Stack:
    """The stack from the outermost function of a passage on; empty outside of one."""
    found: list[tuple[str, str]] = []
    while frame is not None:
        name = frame.f_code.co_qualname.replace("<locals>.", "")
        ours = str(frame.f_globals.get("__name__", "")).startswith("gate.")
        found.append((name, "gate" if ours else "other"))
        frame = frame.f_back
    found.reverse()
    starts = (i for i, (name, _) in enumerate(found) if name in _ROOTS)
    start = next(starts, len(found))
    return tuple(found[start:])


def grown(stacks: Counter[Stack]) -> Block:
    """Samples as a tree; its root is all of them."""
    root = Block(_FILLS["gate"], sum(stacks.values()))
    for stack, samples in stacks.items():
        block = root
        for function, fill in stack:
            block = block.called.setdefault(function, Block(_FILLS[fill]))
            block.samples += samples
    return root


def draw(root: Block, title: str, whole_ms: float) -> str:
    """The tree as SVG, callers above what they call; `whole_ms` is what its whole width stands for."""
    parts: list[str] = []
    deepest = _draw(parts, root, title, 0.0, 0, root.samples, whole_ms)
    height = (deepest + 2) * ROW_PX
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX + 2 * LEFT_PX} {height}" role="img" '
        f'aria-label="{escape(title, quote=True)}" font-family="sans-serif" font-size="11">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


def _draw(parts: list[str], block: Block, name: str, left: float, depth: int, whole: int, whole_ms: float) -> int:
    width = block.samples / whole * WIDTH_PX
    took_ms = block.samples / whole * whole_ms
    x, y = LEFT_PX + left, depth * ROW_PX + ROW_PX // 2
    label = f"{name} {took_ms:.2f} ms"
    short = label if len(label) * _LETTER_PX < width else name[: max(0, int(width / _LETTER_PX) - 1)]
    parts.append(
        f'<g><title>{escape(label)}</title><rect x="{x:.1f}" y="{y}" width="{max(0.3, width - 0.5):.1f}" '
        f'height="{ROW_PX - 1}" fill="{block.fill}"/>'
    )
    if len(short) > 2:  # fewer letters say nothing
        parts.append(f'<text x="{x + 2:.1f}" y="{y + 12}">{escape(short)}</text>')
    parts.append("</g>")
    deepest = depth
    for called, below in sorted(block.called.items(), key=lambda item: -item[1].samples):
        if below.samples >= _LEAST_SHARE * whole:
            deepest = max(deepest, _draw(parts, below, called, left, depth + 1, whole, whole_ms))
        left += below.samples / whole * WIDTH_PX
    return deepest


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flame", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the SVG")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to look (default: 20)")
    options = parser.parse_args(arguments)
    chosen = plan(quick=True)
    engine = build_engine(chosen.settings()).engine
    engine.warm()
    sys.setswitchinterval(_LOCK_S)
    with logs_to_nowhere():
        lane = InProcessLane(engine)
        crowd = people(chosen.faces, chosen.travellers, 2 * chosen.frames, chosen.seed)
        enrol(lane.enrol, crowd)
        frames = [frame for person in crowd for frame in person.frames if lane.decides(frame)][: chosen.frames]
        took_ms: list[float] = []
        until_s = time.monotonic() + options.seconds
        with Sampler(threading.get_ident()) as sampler:
            for frame in itertools.cycle(frames):
                took_ms.append(lane.pass_through(frame))
                if time.monotonic() > until_s:
                    break
    typical_ms = sorted(took_ms)[len(took_ms) // 2]
    title = f"frame to decision, engine in process, {typical_ms:.1f} ms at the median of {len(took_ms)}"
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(draw(grown(sampler.stacks), title, typical_ms))


if __name__ == "__main__":
    main()
