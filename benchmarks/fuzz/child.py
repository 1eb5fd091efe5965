"""One fuzzing process: libFuzzer under atheris, over one reader. Started by `benchmarks.fuzz`, which says what to do.

An exception or a loop without end does not end it: it is kept, with the shortest input that leads there, and fuzzing
goes on. What does end it is what cannot be caught: code in C that crashes or hangs, and an input that takes all memory.
"""

from __future__ import annotations

import hashlib
import sys
import time
import traceback
from pathlib import Path
from random import Random

import atheris

from benchmarks.fuzz.mutation import mutate
from benchmarks.fuzz.patience import Hang

INSTRUMENTED = ["gate.manifest", "gate.vision.frame", "gate.vision.jpeg2000_header", "gate.vision.picture_header"]
with atheris.instrument_imports(include=INSTRUMENTED):
    from benchmarks.fuzz.targets import TARGETS, Target

# A reader takes well under a microsecond a byte and line on a busy machine; these are worth a second look.
_SLOW_S, _SLOW_S_BYTE = 0.05, 40e-6
_MOST_SLOW = 200
_HANG_S = 3.0


def main() -> None:
    """``child.py TARGET FOLDER [libFuzzer's options]``."""
    name, folder, *options = sys.argv[1:]
    keeper = Keeper(TARGETS[name], Path(folder))

    def custom_mutator(data: bytes, max_size: int, seed: int) -> bytes:
        random = Random(seed)  # noqa: S311 -- libFuzzer's own seed makes a run repeatable
        if random.random() < 0.5:
            return bytes(atheris.Mutate(data, max_size))
        return mutate(data, random, keeper.target.tokens, 1 + random.randrange(3))[:max_size]

    # The reader's module is imported by its first run, which is therefore slow.
    with atheris.instrument_imports(include=INSTRUMENTED):
        keeper.target.run(b"\n")
    atheris.Setup([sys.argv[0], *options], keeper.read, custom_mutator=custom_mutator)
    atheris.Fuzz()


class Keeper:
    """Reads inputs, and keeps those that fail or are slow."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.target = target
        self._folder = folder
        self._slow = 0

    def read(self, data: bytes) -> None:
        """One input."""
        start = time.thread_time()
        try:
            self.target.run(data, _HANG_S)
        except (Exception, Hang) as error:  # noqa: BLE001 -- every exception is what this process is for
            self._keep_failure(data, error)
        took_s = time.thread_time() - start
        if took_s > _SLOW_S + _SLOW_S_BYTE * len(data) and self._slow < _MOST_SLOW:
            self._slow += 1
            _write(self._folder / "slow" / hashlib.sha256(data).hexdigest()[:16], data)

    def _keep_failure(self, data: bytes, error: BaseException) -> None:
        """The shortest input for each kind of exception and the last of our lines that it went through."""
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "/gate/" in f.filename]
        # A hang is interrupted anywhere in its loop; the function that loops is not always the innermost.
        last = frames[0 if isinstance(error, Hang) else -1] if frames else None
        where = f"{Path(last.filename).stem}-{last.lineno}" if last else "check"
        path = self._folder / "failures" / f"{type(error).__name__}-{where}.bin"
        if path.is_file() and path.stat().st_size <= len(data):
            return
        _write(path, data)
        path.with_suffix(".txt").write_text("".join(traceback.format_exception(error)))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


if __name__ == "__main__":
    main()
