"""A wait that is counted from the wrong frame would promise travellers what no gate keeps."""

from __future__ import annotations

import pytest

from benchmarks import decision_time
from benchmarks.decision_time import GOAL_MS, Film, Plan, State, Waited, passage, usable_from
from gate.decision.policy import QualityLimits
from tests.service import fakes
from tests.service.running import rig


def test_the_film_starts_two_frames_before_the_first_usable_one() -> None:
    frames = [fakes.jpeg(None)] * 5 + [fakes.jpeg(3)] * 2
    film = usable_from(fakes.ColourVision(), frames, QualityLimits(), State.MASKED, "T1")
    assert film is not None
    assert (film.usable, film.frames) == (2, tuple(frames[3:]))


def test_whoever_never_comes_to_be_usable_has_no_wait() -> None:
    frames = [fakes.jpeg(None)] * 3
    assert usable_from(fakes.ColourVision(), frames, QualityLimits(), State.UNMASKED, "T1") is None


async def test_the_wait_starts_at_the_first_usable_frame() -> None:
    """Over a real server: the frames before, which show nobody, take 200 ms that nobody waits for."""
    async with rig() as running:
        film = Film(State.UNMASKED, "traveller-3", (fakes.jpeg(None), fakes.jpeg(None), *[fakes.jpeg(3)] * 20), 2)
        waited = await passage(running.client, film)
    assert waited.opened
    assert waited.settled
    assert not waited.wrong
    assert waited.looks == 1
    assert waited.wait_ms > 0


async def test_whom_nothing_settles_waits_until_the_frames_end() -> None:
    """Somebody else than the film says is let through wrongly; one who is expected by nobody is not."""
    async with rig() as running:
        other = await passage(running.client, Film(State.UNMASKED, "traveller-1", (fakes.jpeg(3),) * 9, 0))
        stranger = await passage(running.client, Film(State.STRANGER, "nobody", (fakes.jpeg(9),), 0))
    assert other.wrong
    assert not other.opened
    assert not stranger.settled
    assert not stranger.wrong


def waited(state: State, who: int, wait_ms: float, looks: int = 1, *, opened: bool = True) -> Waited:
    return Waited(state, f"T{who}", wait_ms, looks, opened=opened, wrong=False, settled=True)


def test_the_figures_say_who_waits_and_how_long() -> None:
    played = [waited(State.UNMASKED, i, 40.0) for i in range(19)] + [waited(State.UNMASKED, 19, 900.0, 3)]
    played += [waited(State.MASKED, i, 440.0, 2) for i in range(20)]
    played += [waited(State.STRANGER, 40, 1200.0, 4, opened=False)]
    found = decision_time._measured(Plan(), played, 60)
    figures = found.by_name()
    assert figures["decision.unmasked.p50_ms"].value == 40.0
    assert figures["decision.unmasked.within_goal"].value == pytest.approx(95.0)
    assert figures["decision.unmasked.first_look"].value == pytest.approx(95.0)
    assert figures["decision.masked.p95_frames"].value == pytest.approx(4.4)
    assert figures["decision.masked.ratio_to_goal"].value == pytest.approx(440 / GOAL_MS)
    assert figures["decision.mated.p95_ms"].n == 40
    assert figures["decision.one_look.p95_ms"].n == 19
    assert figures["decision.one_look.p95_ms"].value == 40.0
    assert figures["decision.masked.opened.p95_ms"].n == 20
    assert "decision.stranger.opened" not in figures
    assert figures["decision.stranger.opened_wrongly"].ci_high == pytest.approx(100.0)  # one says nothing
    assert any("unmasked: 20 passages, settled: 19 at look 1, 1 at look 3" in note for note in found.notes)
    assert len(found.plots[0].series) == 3


def test_somebody_who_comes_twice_is_one_piece_of_evidence() -> None:
    """Resampling passages would halve the interval."""
    twice = [waited(State.UNMASKED, 1, 40.0), waited(State.MASKED, 1, 2000.0)]
    figure = decision_time._measured(Plan(), twice, 60).by_name()["decision.mated.p50_ms"]
    assert figure.ci_low == figure.ci_high == figure.value == 1020.0
