"""A wait that is counted in the wrong frames would blame the wrong rule."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import decision_rules
from benchmarks.decision_rules import RULES, play
from benchmarks.decision_time import Film, State
from benchmarks.throughput_subjects import FilmClock
from gate.decision.policy import Policy
from gate.settings import LaneSettings, Settings
from tests.service import fakes


def film(*shown: int | None, usable: int) -> Film:
    return Film(State.UNMASKED, "traveller-3", tuple(fakes.jpeg(person) for person in shown), usable)


def test_whom_the_first_look_settles_waits_no_frame() -> None:
    engine = fakes.engine(fakes.ColourVision(), frames=fakes.PLAYED)
    assert play(engine, FilmClock(), "lane-1", film(None, None, 3, 3, 3, usable=2)) == (0, "traveller-3")


def test_whom_nothing_settles_waits_until_the_last_frame() -> None:
    engine = fakes.engine(fakes.ColourVision(), frames=fakes.PLAYED)
    assert play(engine, FilmClock(), "lane-1", film(None, 9, 9, usable=1)) == (1, None)


def test_every_rule_is_a_lane_of_its_own() -> None:
    settings = Settings(lanes={name: LaneSettings(profile=name) for name in RULES}, profiles=dict(RULES))
    assert settings.profiles["usual"] == Policy()
    assert len({policy.digest for policy in RULES.values()}) == len(RULES)


def test_the_figures_are_of_each_rule() -> None:
    mine = film(3, usable=0)
    played = [(mine, 0, "traveller-3"), (mine, 0, "traveller-3"), (mine, 5, "traveller-1"), (mine, 9, None)]
    found = {f.name: f for f in decision_rules._figures("x", played, np.random.default_rng(1))}
    assert found["x.p50_frames"].value == 2.5
    assert found["x.within_goal"].value == pytest.approx(50)
    assert found["x.opened"].value == pytest.approx(50)
    assert found["x.opened_wrongly"].value == pytest.approx(25)
