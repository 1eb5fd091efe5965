"""Teaches the student block by block: from the teacher's own features, what the teacher's block makes of them.

All blocks learn side by side, each from what the *teacher* hands to it, so none waits for the ones before it; an early
block sees hundreds of places in every crop and needs few crops. `python -m models.training.blockwise` writes
the checkpoint from which `distil` goes on, end to end. (Hinton et al. 2015 and FitNets, Romero et al. 2015, with each
stage cut down to a block.)
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from models.training.crops import load
from models.training.distil import Budget, Recipe, Run, ask_for_shape, shape_of
from models.training.features import Features, missed
from models.training.paths import train_dir
from models.training.student import Student
from models.training.teacher import to_input

_WARM_UP = 50
# Crops a step, by the size of what is learned: places, not crops, are what a block learns from.
_CROPS = {28: 16, 14: 40, 7: 128, 3: 256}


@dataclass(frozen=True, slots=True)
class Lesson:
    """`module` learns what the teacher makes of `given` (None: the picture): `wanted` (None: the embedding)."""

    name: str
    module: nn.Module
    given: str | None
    wanted: str | None
    side: int


def lessons(student: Student) -> list[Lesson]:
    """One for each block; the last ones of a stage together with what stands behind them."""
    one, two, three, four = student.stage1, student.stage2, student.stage3, student.stage4
    plan = [Lesson("stem", student.stem, None, "stem", 28)]
    before = "stem"
    for stage, blocks, side, taught in ((0, one, 28, 3), (1, two, 14, 2), (2, three, 7, 7), (3, four, 3, 1)):
        for k in range(taught):
            after = f"block-{stage}-{k}"
            plan.append(Lesson(after, blocks[k], before, after, side))
            before = after
        if stage < 3:
            rest = [*blocks[taught:], (student.half1, student.half2, student.half3)[stage]]
            after = f"half-{stage + 1}"
            plan.append(Lesson(after, nn.Sequential(*rest), before, after, side))
            before = after
    last = nn.Sequential(*four[1:], nn.AdaptiveAvgPool2d(1), nn.Flatten(), student.whole)
    plan.append(Lesson("embedding", last, before, None, 3))
    return plan


class Teaching:
    """The lessons of one student, and the teacher's features for them."""

    def __init__(self, student: Student, seed: int, device: str) -> None:
        self._crops, self._features, self._device = load(), Features(), device
        self._random = np.random.default_rng(seed)
        self._embeddings = torch.from_numpy(np.load(train_dir() / "teacher.npy").astype(np.float32))
        self.plan = lessons(student)
        self._spread = {lesson.name: self._variance(lesson) for lesson in self.plan}

    def _pair(self, lesson: Lesson) -> tuple[Tensor, Tensor]:
        known = self._features.known(lesson.given, lesson.wanted)
        rows = self._random.choice(known, min(_CROPS[lesson.side], len(known)), replace=False)
        if lesson.given is None:
            given = torch.from_numpy(to_input(self._crops.rgb[rows]))
        else:
            given = self._features.rows(lesson.given, rows)
        wanted = self._embeddings[rows] if lesson.wanted is None else self._features.rows(lesson.wanted, rows)
        return given.to(self._device), wanted.to(self._device)

    def _variance(self, lesson: Lesson) -> Tensor:
        """By channel, of what the module must add: what comes straight through needs no learning."""
        given, wanted = self._pair(lesson)
        if lesson.wanted is None:
            return torch.ones(1, device=self._device)
        added = wanted - given if given.shape == wanted.shape else wanted
        return added.var((0, 2, 3), keepdim=True) + 1e-3

    def missed(self, lesson: Lesson) -> Tensor:
        """The loss of one lesson on fresh crops: the share of the variance missed; 2 (1 - cosine) of the embedding."""
        given, wanted = self._pair(lesson)
        with torch.autocast(torch.device(self._device).type, torch.bfloat16):
            said = lesson.module(given.contiguous(memory_format=torch.channels_last)).float()
        if lesson.wanted is None:
            return 2 * (1 - functional.cosine_similarity(said, wanted).mean())
        return missed(said, wanted, self._spread[lesson.name])


def learn(student: Student, budget: Budget, rate: float, device: str = "cpu", seed: int = 0) -> dict[str, float]:
    """Teach every block until the budget is spent; what each still misses at the end."""
    teaching = Teaching(student, seed, device)
    optimiser = torch.optim.AdamW(student.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    student.train()
    means: dict[str, float] = {}
    began = time.monotonic()
    for step in tqdm(count(), desc="blocks", unit="step", mininterval=15):
        spent = budget.spent(time.monotonic() - began, step)
        if spent >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / _WARM_UP) * max(0.01, 1 - spent)
        optimiser.zero_grad(set_to_none=True)
        for lesson in teaching.plan:
            loss = teaching.missed(lesson)
            loss.backward()
            # Each block by itself: one that errs wildly must not hold the others back.
            nn.utils.clip_grad_norm_(lesson.module.parameters(), 2.0)
            now = loss.item()
            means[lesson.name] = 0.95 * means.get(lesson.name, now) + 0.05 * now
        optimiser.step()
        if step % 200 == 0:
            tqdm.write(f"{step}: " + "  ".join(f"{name} {value:.3f}" for name, value in means.items()))
    return means


def main() -> None:
    """Start a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="blocks")
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--steps", type=float, default=math.inf, help="or so many, if they are over before")
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    ask_for_shape(parser)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    run = Run(arguments.run, shape_of(arguments), Recipe(), arguments.device)
    if run.step:
        parser.error(f"the run {arguments.run} has begun already; choose another name, or go on with distil")
    budget = Budget(arguments.minutes, arguments.steps)
    missed = learn(run.student, budget, arguments.learning_rate, arguments.device)
    print({name: round(value, 3) for name, value in missed.items()})
    run.average.load_state_dict(run.student.state_dict())
    run.save("latest")


if __name__ == "__main__":
    main()
