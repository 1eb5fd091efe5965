"""Fuzz a reader for as long as wanted, and say what came of it.

  python -m benchmarks.fuzz --target dg2 --minutes 20
  python -m benchmarks.fuzz --target paxlst --target checkin --minutes 10      (ten minutes each, one after the other)

Needs atheris: pip install -e .[fuzz]. What was found stays in out/fuzz/TARGET and is where the next run begins:

  corpus/    inputs that reached something new
  failures/  the shortest input for each exception that a reader should not raise and each hang, and its traceback
  slow/      inputs that took long for their size
  stopped/   inputs that crashed or hung code in C, or took all memory

The exit status is 1 where anything is in failures/, came to stopped/, or takes time that grows faster than the input.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.fuzz.coverage import lines_reached, lines_there
from benchmarks.fuzz.patience import Hang
from benchmarks.fuzz.scaling import growth, parts
from benchmarks.fuzz.targets import TARGETS, Target

# By the wall clock, so for code in C alone: a busy machine may give a process little of it.
_TIMEOUT_S = 120
_HANG_S = 3.0
_MEMORY_MB = 2048
_MAX_BYTES = 4096
_EXECUTED = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_PROGRESS = re.compile(r"#(\d+)\s.*cov: (\d+) ft: (\d+) corp: (\d+)")


@dataclass(slots=True)
class Report:
    """What a run over one target came to."""

    target: str
    minutes: float = 0.0
    executions: int = 0
    edges: int = 0
    corpus: int = 0
    lines_reached: int = 0
    lines_there: int = 0
    unreached: dict[str, list[int]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    slow: int = 0
    grows: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Nothing to repair."""
        return not (self.failures or self.stopped or self.grows)


def fuzz(target: Target, minutes: float, folder: Path, shared: Path | None) -> Report:
    """Run libFuzzer over the target until `minutes` have passed, beginning again after whatever stops it."""
    for name in ("corpus", "failures", "slow", "stopped", "seeds"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / "seeds")
    (folder / "seeds").mkdir()
    for number, seed in enumerate(target.all_seeds(shared)):
        (folder / "seeds" / f"{number:03d}").write_bytes(seed)
    (folder / "words").write_text("".join(f'"{_escaped(word)}"\n' for word in target.tokens))
    report = Report(target.name)
    earlier = set((folder / "stopped").iterdir())
    start = time.monotonic()
    while (left_s := minutes * 60 - (time.monotonic() - start)) > 1:
        _one_process(target, folder, int(left_s), report)
    report.minutes = (time.monotonic() - start) / 60
    report.stopped = sorted(path.name for path in set((folder / "stopped").iterdir()) - earlier)
    return report


def _one_process(target: Target, folder: Path, seconds: int, report: Report) -> None:
    command = [
        *(sys.executable, "-m", "benchmarks.fuzz.child", target.name, str(folder)),
        *(f"-max_total_time={seconds}", f"-timeout={_TIMEOUT_S}", f"-rss_limit_mb={_MEMORY_MB}"),
        *(f"-max_len={_MAX_BYTES}", f"-dict={folder / 'words'}", f"-artifact_prefix={folder / 'stopped'}/"),
        *("-print_final_stats=1", "-reload=0", str(folder / "corpus"), str(folder / "seeds")),
    ]
    with (folder / "log").open("w+") as log:
        subprocess.run(command, stdout=log, stderr=log, check=False)  # noqa: S603 -- our own module, no shell
        log.seek(0)
        text = log.read()
    progress = _PROGRESS.findall(text)
    executed = _EXECUTED.search(text)
    if not progress and not executed:
        raise SystemExit(f"the fuzzer did not start:\n{text[-2000:]}")
    report.executions += int(executed[1]) if executed else int(progress[-1][0])
    report.edges = max([report.edges, *(int(edges) for _, edges, _, _ in progress)])


def look_back(target: Target, folder: Path, report: Report) -> None:
    """Count what the corpus reaches, and grow every slow input and every seed."""
    corpus = [path.read_bytes() for path in sorted((folder / "corpus").iterdir())]
    corpus += [path.read_bytes() for path in sorted((folder / "seeds").iterdir())]
    report.corpus = len(corpus)
    reached, there = lines_reached(target.run, corpus, target.modules), lines_there(target.modules)
    report.lines_there = sum(map(len, there.values()))
    report.lines_reached = sum(len(there[name] & reached[name]) for name in there)
    report.unreached = {name: sorted(there[name] - reached[name]) for name in there if there[name] - reached[name]}
    _forget_repaired(target, folder / "failures")
    report.failures = sorted(path.name for path in (folder / "failures").glob("*.bin"))
    slow = [path.read_bytes() for path in sorted((folder / "slow").iterdir())]
    report.slow = len(slow)
    for number, data in enumerate(slow[:10] + target.seeds()):
        for start, end in parts(data, 2, number):
            grown = growth(target.run, data, start, end)
            if grown.suspicious:
                report.grows.append(f"input {number} [{start}:{end}]: {grown}")


def _forget_repaired(target: Target, failures: Path) -> None:
    """Remove inputs that failed once and are read well now."""
    for path in failures.glob("*.bin"):
        try:
            target.run(path.read_bytes(), _HANG_S)
        except (Exception, Hang):  # noqa: BLE001, S112 -- it still fails, and stays
            continue
        path.unlink()
        path.with_suffix(".txt").unlink(missing_ok=True)


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="may be given again; default: all")
    parser.add_argument("--minutes", type=float, default=5.0, help="for each target")
    parser.add_argument("--out", type=Path, default=Path("out/fuzz"))
    parser.add_argument(
        "--shared", type=Path, default=os.environ.get("EGATE_SHARED"), help="folder of third-party data"
    )
    return parser.parse_args()


def main() -> int:
    """See the module's text."""
    arguments = _arguments()
    reports = []
    for name in arguments.target or sorted(TARGETS):
        target, folder = TARGETS[name], arguments.out / name
        report = fuzz(target, arguments.minutes, folder, arguments.shared)
        look_back(target, folder, report)
        reports.append(report)
        print(
            f"{name}: {report.executions:,} executions in {report.minutes:.1f} min, {report.edges} edges, "
            f"{report.lines_reached} of {report.lines_there} lines, corpus {report.corpus}, slow {report.slow}, "
            f"failures {report.failures or 'none'}, stopped {report.stopped or 'none'}, grows {report.grows or 'none'}",
            flush=True,
        )
    (arguments.out / "report.json").write_text(json.dumps([asdict(report) for report in reports], indent=1) + "\n")
    return 0 if all(report.clean for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
