"""Trains the student: it sees a masked, lit, blurred face and must say what the teacher said of the clean one.

`python -m models.training.distil --run NAME --start blocks --minutes 90` starts where `blockwise` ended, or resumes
it. Over its length clean faces give way to occluded ones, and the learning rate and the hints fall to nothing. Under
`runs/NAME/` of the training folder: `latest.pt` every five minutes, `best.pt` and `best.onnx` whenever the development
figures improve, `curve.csv` with one line an evaluation.
"""

from __future__ import annotations

import argparse
import copy
import csv
import math
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from models.training import processes
from models.training.answers import Answers
from models.training.average import follow
from models.training.export import export
from models.training.features import missed
from models.training.optimiser import Optimiser
from models.training.paths import train_dir
from models.training.samples import Batch, Samples, shares_at
from models.training.student import EMBEDDING, HeadKind, Student, StudentOutput, StudentShape

_CHECKPOINT_EVERY_S = 300.0
_LONGEST_STEP_S = 20.0
# Answers to others, the teacher's and the student's own, that each new one is compared with.
_KEYS = 4096


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the training can be told. Weights multiply losses that are each of order one."""

    batch: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    warm_up: int = 50
    # What the blocks have learned alone must hold together first; later the hints only hold the student back. So they
    # fall to nothing, while relation and margin, whose steep gradients would drown them, rise from it.
    hint_weight: float = 1.0
    relation_weight: float = 1.0
    relation_temperature: float = 0.06
    confusion_weight: float = 2.0
    # Lower, since it is the nearest strangers that a gate takes for each other: about 100 of the 4,096.
    confusion_temperature: float = 0.04
    margin_weight: float = 0.15
    margin: float = 0.2
    margin_scale: float = 24.0
    mask_weight: float = 0.2
    quality_weight: float = 0.2
    average_decay: float = 0.9995


def told(inner: tuple[Tensor, ...], hints: list[Tensor], variances: list[Tensor]) -> Tensor:
    """Share of the variance of the teacher's features that the student's miss, summed; 1 each is chance."""
    return torch.stack([missed(*each) for each in zip(inner, hints, variances, strict=True)]).sum()


def diverged(said: Tensor, wanted: Tensor, temperature: float) -> Tensor:
    """How far the similarities (n, k) are from the teacher's, the nearest first (Kullback-Leibler)."""
    ours, theirs = (functional.log_softmax(similarity / temperature, dim=1) for similarity in (said, wanted))
    return functional.kl_div(ours, theirs, log_target=True, reduction="batchmean")


def losses(
    out: StudentOutput, batch: Batch, known: Samples, answers: Answers, recipe: Recipe, spent: float
) -> dict[str, Tensor]:
    """All weighted terms of one step, when this share of the training is over."""
    embedding = out.embedding.float()
    cosine = (embedding * batch.target).sum(dim=1)
    keys = torch.cat([batch.target, known.keys(_KEYS)])
    related = diverged(embedding @ keys.T, batch.target @ keys.T, recipe.relation_temperature)
    confused = diverged(embedding @ answers.said.T, batch.target @ answers.wanted.T, recipe.confusion_temperature)
    terms = {
        "embed": 2 * (1 - cosine).mean(),
        "relate": recipe.relation_weight * spent * related,
        "confuse": recipe.confusion_weight * spent * confused,
        "quality": recipe.quality_weight
        * functional.mse_loss(out.recognisability.float(), cosine.detach().clamp(0, 1)),
    }
    stated = batch.state >= 0
    terms["mask"] = recipe.mask_weight * functional.cross_entropy(out.mask.float()[stated], batch.state[stated])
    named = batch.identity >= 0
    if recipe.margin_weight > 0 and bool(named.any()):
        scores = embedding[named] @ known.people.T
        own = batch.identity[named]
        scores = scores - recipe.margin * functional.one_hot(own, len(known.people))
        terms["margin"] = recipe.margin_weight * spent * functional.cross_entropy(recipe.margin_scale * scores, own)
    if batch.hinted:
        inner = tuple(features[: batch.hinted] for features in out.inner)
        terms["hint"] = recipe.hint_weight * (1 - spent) * told(inner, batch.hints, known.hint_variances)
    return terms


class Run:
    """A training run with all its state on disk."""

    def __init__(self, name: str, shape: StudentShape, recipe: Recipe, device: str) -> None:
        self.folder = train_dir("runs", name)
        self.recipe, self.device = recipe, device
        self.step, self.samples, self.seconds, self.best = 0, 0, 0.0, -1.0
        state = self._stored()
        if state is not None:
            shape = StudentShape(**state["shape"])
        layout = torch.channels_last
        self.student = Student(shape).to(device, memory_format=layout)
        self._network: nn.Module = self.student
        self._answers = Answers(_KEYS, EMBEDDING, device)
        self.average = copy.deepcopy(self.student).eval().requires_grad_(False)
        self.optimiser = Optimiser(self.student, recipe.weight_decay)
        if state is not None:
            self._restore(state)

    def start_from(self, name: str) -> None:
        """Take the trunk, and whatever else has the same form, from another run."""
        state = torch.load(train_dir("runs", name) / "latest.pt", map_location="cpu", weights_only=True)
        own = self.student.state_dict()
        same = {key: value for key, value in state["average"].items() if key in own and value.shape == own[key].shape}
        self.student.load_state_dict(same, strict=False)
        self.average.load_state_dict(self.student.state_dict())

    def prepare(self, compiled: bool) -> None:
        """Learn with the other processes, if there are any, and with a compiled network if so wished."""
        if compiled:
            self._network = cast(nn.Module, torch.compile(self.student, dynamic=False))
        self._network = processes.joined(self._network)

    def _stored(self) -> dict[str, Any] | None:
        path = self.folder / "latest.pt"
        state: dict[str, Any] | None = (
            torch.load(path, map_location="cpu", weights_only=True) if path.is_file() else None
        )
        return state

    def _restore(self, state: dict[str, Any]) -> None:
        self.student.load_state_dict(state["student"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.samples = state["step"], state["samples"]
        self.seconds, self.best = state["seconds"], state["best"]

    def save(self, name: str) -> None:
        """Write a checkpoint; a kill in the middle leaves the one before."""
        state = {
            "student": self.student.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "shape": asdict(self.student.shape),
            "recipe": asdict(self.recipe),
            "step": self.step,
            "samples": self.samples,
            "seconds": self.seconds,
            "best": self.best,
        }
        torch.save(state, self.folder / f"{name}.tmp")
        (self.folder / f"{name}.tmp").rename(self.folder / f"{name}.pt")

    def learn(self, batch: Batch, known: Samples, spent: float) -> dict[str, Tensor]:
        """One step, when this share of the training is over; returns the loss terms, still on the device."""
        rate = self.recipe.learning_rate * min(1.0, (self.step + 1) / self.recipe.warm_up) * max(0.01, 1 - spent)
        self.student.train()
        kind = torch.device(self.device).type
        with torch.autocast(kind, torch.bfloat16):
            out = self._network(batch.pictures.contiguous(memory_format=torch.channels_last))
        # Whole floats from here: near 0.45, the similarities that a gate decides on, bfloat16 has steps of 0.002.
        terms = losses(out, batch, known, self._answers, self.recipe, spent)
        total = torch.stack(list(terms.values())).sum()
        self.optimiser.zero_grad()
        total.backward()
        self._answers.add(out.embedding, batch.target)
        nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self.optimiser.step(rate)
        self.step += 1
        self.samples += len(batch.pictures) * processes.count()
        follow(self.average, self.student, self.recipe.average_decay, self.step)
        return {name: value.detach() for name, value in terms.items()}

    def judge(self, terms: dict[str, float]) -> dict[str, float]:
        """Export the averaged student, measure it, keep it if it is the best so far, and write the curve."""
        from models.training.evaluate import quick  # noqa: PLC0415  (needs the engine; a bare GPU machine has not got it)

        path = self.folder / "current.onnx"
        export(copy.deepcopy(self.average).cpu(), path)
        figures = quick(path)
        row = {"step": self.step, "samples": self.samples, "hours": round(self.seconds / 3600, 3), **figures}
        row |= {name: round(value, 4) for name, value in terms.items()}
        append(self.folder / "curve.csv", row, (*CURVE, *TERMS))
        if figures["score"] > self.best:
            self.best = figures["score"]
            path.rename(self.folder / "best.onnx")
            self.save("best")
        return figures


_MEASURES = ("pairs", "tar_unmasked", "tar_masked", "tpir_unmasked", "tpir_masked", "tpir_masked_at_unmasked_threshold")
CURVE = ("step", "samples", "hours", *_MEASURES, "score")
TERMS = ("embed", "relate", "quality", "mask", "margin", "hint", "confuse")


def append(path: Path, row: dict[str, float], header: Sequence[str]) -> None:
    """Add a line to a CSV file, with its header if it is new; one begun with fewer columns keeps to those."""
    new = not path.is_file()
    with path.open("a+", newline="") as file:
        file.seek(0)
        columns = header if new else next(csv.reader(file))
        writer = csv.DictWriter(file, fieldnames=columns, restval=0, extrasaction="ignore")
        if new:
            writer.writeheader()
        writer.writerow(row)


def polite_threads(limit: int) -> int:
    """`limit` threads on an idle machine, one on a busy one.

    A convolution waits for its slowest thread: with other work on the cores two threads took six times as long as one.
    """
    return limit if os.getloadavg()[0] < limit + 1.5 else 1


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a run is, all its parts together, by the clock or by steps, and where in the curriculum it begins."""

    minutes: float = math.inf
    steps: float = math.inf
    begins: float = 0.0

    def spent(self, seconds: float, steps: int) -> float:
        """The share of the curriculum that is behind it, 0..1; 1 and more: stop."""
        return self.begins + (1 - self.begins) * max(seconds / 60 / self.minutes, steps / self.steps)


def train(run: Run, samples: Samples, budget: Budget, judge_every_min: float, threads: int) -> None:
    """Steps until the budget is spent, with checkpoints and evaluations between."""
    last = saved = judged = time.monotonic()
    means: dict[str, float] = {}
    progress = tqdm(initial=run.step, mininterval=30, desc=run.folder.name, unit="step", disable=not processes.leads())
    while (spent := processes.agreed(budget.spent(run.seconds, run.step))) < 1:
        terms = run.learn(samples.draw(shares_at(spent)), samples, spent)
        now = time.monotonic()
        # A step takes no minutes: the machine slept, or the run was halted while something else was measured.
        run.seconds += min(now - last, _LONGEST_STEP_S)
        last = now
        progress.update()
        if run.step % 20 == 0:
            torch.set_num_threads(polite_threads(threads))
            means = {name: 0.7 * means.get(name, float(value)) + 0.3 * float(value) for name, value in terms.items()}
            progress.set_postfix({name: f"{value:.3f}" for name, value in means.items()}, refresh=False)
        if not processes.leads():
            continue
        if now - saved > _CHECKPOINT_EVERY_S:
            run.save("latest")
            saved = now
        if now - judged > 60 * judge_every_min:
            progress.write(f"{run.samples} samples: {run.judge(means)}")
            judged = last = time.monotonic()
    if math.isfinite(judge_every_min) and processes.leads():
        progress.write(f"{run.samples} samples: {run.judge(means)}")


def ask_for_shape(parser: argparse.ArgumentParser) -> None:
    """The options that `shape_of` reads."""
    parser.add_argument("--head", choices=get_args(HeadKind), default="eye-attention")
    parser.add_argument(
        "--expansion", type=int, default=StudentShape().expansion, help="channels inside a block, in widths"
    )


def shape_of(arguments: argparse.Namespace) -> StudentShape:
    """The student that was asked for."""
    return StudentShape(head=arguments.head, expansion=arguments.expansion)


def main() -> None:
    """Start or resume."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="student")
    parser.add_argument("--minutes", type=float, default=math.inf, help="the length of the run, pauses not counted")
    parser.add_argument("--steps", type=float, default=math.inf, help="its length in steps: equal budgets compare")
    parser.add_argument(
        "--begin-at", type=float, default=0.0, help="share of the curriculum, 0..1, that --start has behind it"
    )
    parser.add_argument("--judge-every-min", type=float, default=20.0, help="inf: never, needs the development set")
    ask_for_shape(parser)
    parser.add_argument("--start", metavar="RUN", help="a new run takes its weights from this one, as of `blockwise`")
    parser.add_argument("--batch", type=int, default=Recipe().batch, help="of each process")
    parser.add_argument("--learning-rate", type=float, default=Recipe().learning_rate)
    parser.add_argument("--hold", action="store_true", help="keep all samples in memory (15 GB)")
    parser.add_argument("--compile", action="store_true", help="a quarter quicker, after two minutes")
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--processes", type=int, default=1, help="one a core is quicker than one of several threads")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    budget = Budget(arguments.minutes, arguments.steps, arguments.begin_at)
    if math.isinf(budget.minutes) and math.isinf(budget.steps):
        parser.error("how long is the run? --minutes or --steps: its curriculum and learning rate follow from that")
    processes.run(partial(work, arguments, budget), arguments.processes)


def work(arguments: argparse.Namespace, budget: Budget) -> None:
    """What each process does."""
    torch.set_num_threads(arguments.threads)
    recipe = Recipe(batch=arguments.batch, learning_rate=arguments.learning_rate)
    run = Run(arguments.run, shape_of(arguments), recipe, arguments.device)
    if arguments.start and run.step == 0:
        run.start_from(arguments.start)
    run.prepare(arguments.compile)
    samples = Samples(
        arguments.batch, seed=run.step + (processes.rank() << 32), device=arguments.device, hold=arguments.hold
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        train(run, samples, budget, arguments.judge_every_min, arguments.threads)
    finally:
        if processes.leads():
            run.save("latest")


if __name__ == "__main__":
    main()
