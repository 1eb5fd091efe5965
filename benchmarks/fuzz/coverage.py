"""Which lines of the readers a corpus reaches, counted by the interpreter's own tracing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING

from benchmarks.fuzz.patience import Hang

if TYPE_CHECKING:
    from _typeshed import TraceFunction

_GATE = Path(__file__).parents[2] / "gate"

Reached = dict[str, set[int]]


def lines_reached(run: Callable[[bytes], None], corpus: Iterable[bytes], modules: tuple[str, ...]) -> Reached:
    """Lines inside functions of `modules` (patterns below gate/) that `run` reaches over `corpus`, by file name.

    An exception of `run` is no matter here: the fuzzer has reported it.
    """
    reached: Reached = {str(path): set() for path in _files(modules)}

    def trace(frame: FrameType, event: str, _argument: object) -> TraceFunction | None:
        lines = reached.get(frame.f_code.co_filename)
        if lines is None:
            return None
        if event == "line":
            lines.add(frame.f_lineno)
        return trace

    sys.settrace(trace)
    try:
        for data in corpus:
            try:
                run(data)
            except (Exception, Hang):  # noqa: BLE001, S112 -- coverage counts the way there, whatever came of it
                continue
    finally:
        sys.settrace(None)
    return {Path(name).name: lines for name, lines in reached.items()}


def lines_there(modules: tuple[str, ...]) -> Reached:
    """Lines inside functions of those modules that could be reached at all."""
    return {path.name: set(_lines(compile(path.read_text(), str(path), "exec"))) for path in _files(modules)}


def _files(modules: tuple[str, ...]) -> list[Path]:
    return sorted({path for pattern in modules for path in _GATE.glob(f"{pattern}.py")})


def _lines(code: CodeType) -> Iterable[int]:
    """Of the functions in a module's code: what runs at import is no reader's work."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            # A class body runs at import too; its code bears no fast locals.
            if inner.co_flags & 0x02:
                yield from (line for _, _, line in inner.co_lines() if line and line != inner.co_firstlineno)
            yield from _lines(inner)
