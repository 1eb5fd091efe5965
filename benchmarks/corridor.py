"""Several people at once: synthetic corridor videos through the engine's own watch.

  gate bench corridor                      three videos of ten people
  gate bench corridor --quick              one video of four
  gate bench corridor --json out/corridor.json --html out/corridor.html

The people are photographs on paper figures (`gate.synth.corridor`): they come at different speeds, cross, hide one
another, some masked, some not expected. Played twice: every frame, and as they come, so that those which a newer one
overtakes are never looked at. docs/benchmarks.md explains the figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks import figures as fig
from benchmarks import rates
from benchmarks.corridor_play import Played, VideoClock, play
from benchmarks.corridor_scene import Cast, casts, film, others, still
from benchmarks.measured import Measured, Plot, Series
from benchmarks.turns import logs_to_nowhere
from gate.decision.policy import Policy
from gate.engine.attempt import StartRequest
from gate.engine.build import Built, build_engine
from gate.errors import EnrolmentError
from gate.gallery.traveller import Traveller
from gate.settings import DEFAULT_PACK, LaneSettings, ModelSettings, Settings
from gate.synth.camera import Camera
from gate.vision.frame import Encoding, Frame

LANE = "corridor"
_FLIGHT = "BENCH"
_KEPT_FOR = timedelta(hours=2)
_FULL = 0.8
"""A frame is full when it shows this share of everybody or more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        faces: folder of people with several photographs each; who walks.
        background: folder of other people; who else is expected.
        videos, people: how many, and how many in each.
        strangers, masked: how many of those are not expected, and wear a mask.
        travellers: others in the gallery.
        detect_size_px: longer side of the detector's canvas.
        pack: model pack.
        seed: of who walks and how.
        still_frames: of each person alone, for comparison.
        camera: over the corridor.
    """

    faces: Path
    background: Path
    videos: int = 3
    people: int = 10
    strangers: int = 2
    masked: int = 3
    travellers: int = 200
    detect_size_px: int = 640
    pack: str = DEFAULT_PACK
    seed: int = 1
    still_frames: int = 4
    camera: Camera = field(default_factory=Camera)


def default_plan(faces: Path | None, *, quick: bool) -> Plan:
    """The plan over a folder of photographs, by default over those of ../shared."""
    shared = Path(__file__).resolve().parents[2] / "shared" / "data" / "faces"
    plan = Plan(faces or shared / "celeba", faces or shared / "lfw")
    if not quick:
        return plan
    return Plan(plan.faces, plan.background, videos=1, people=4, strangers=1, masked=1, travellers=40)


def run(plan: Plan, console: Console) -> Measured:
    """Measures.

    Raises:
        SourceError, ValueError: the folder holds too few people.
        ModelPackError: there is no such pack.
    """
    clock = VideoClock()
    settings = Settings(
        models=ModelSettings(pack=plan.pack, detect_size=plan.detect_size_px),
        lanes={LANE: LaneSettings(profile="walk-through")},
        profiles={"walk-through": Policy()},
    )
    with logs_to_nowhere(), build_engine(settings, clock=clock) as built:
        built.engine.warm()
        every, live, alone = _play_all(plan, built, clock, console)
        size = built.engine.describe(None).travellers
    rng = np.random.default_rng(plan.seed)
    found = [*_following(every, rng), *_decisions("corridor", every, rng), *_speed(every, rng)]
    found.append(_passes_alone(every, alone, rng))
    found += [*_decisions("corridor.live", live, rng), _looked(live, rng)]
    return Measured(tuple(found), _run_facts(plan, size), notes=_NOTES, plots=_plots(every[0]))


_NOTES = (
    "The people are photographs on paper figures: nobody turns their head, so nothing is said about pose.",
    "A face less than half visible, or with less than 16 px between the eyes, is neither missed nor a false alarm.",
    "expected_passed.alone: the same photographs near, still and alone; the rest is what walking in a crowd costs.",
)


def _play_all(
    plan: Plan, built: Built, clock: VideoClock, console: Console
) -> tuple[list[Played], list[Played], list[frozenset[int]]]:
    """Every video, with every frame and as its frames come; and who passes alone."""
    engine, expires_at = built.engine, clock.utc() + _KEPT_FOR
    for number, photo in enumerate(others(plan.background, plan.travellers, plan.seed)):
        _enrol(built, Traveller(f"O{number}", _FLIGHT, expires_at), photo)
    every: list[Played] = []
    live: list[Played] = []
    alone: list[frozenset[int]] = []
    numbers = {"videos": plan.videos, "people": plan.people, "strangers": plan.strangers, "masked": plan.masked}
    for index, cast in enumerate(casts(built.vision, plan.faces, seed=plan.seed, **numbers)):
        with console.status(f"Video {index + 1} of {plan.videos}: painted …"):
            video = list(film(built.vision, cast, plan.camera))
            names = _expect(built, cast, index, expires_at)
            alone.append(_alone(plan, built, clock, cast, names))
        for paced, results in ((False, every), (True, live)):
            with console.status(f"Video {index + 1} of {plan.videos}: {'as it comes' if paced else 'every frame'} …"):
                clock.at_s = 0.0
                watch = engine.open_watch(StartRequest(LANE))
                near_px = _near_px(built)
                results.append(play(watch, clock, video, cast, names, near_px=near_px, live=paced))
                engine.close_watch(watch)
    return every, live, alone


def _near_px(built: Built) -> float:
    """Eye distance from which somebody is near enough to be decided about."""
    return built.engine.settings.profiles["walk-through"].quality.min_eye_distance_px


def _alone(plan: Plan, built: Built, clock: VideoClock, cast: Cast, names: dict[str, int]) -> frozenset[int]:
    """Who of those expected passes alone, near and standing still: what the crowd and the walking cost is the rest."""
    passed = set()
    for reference, person in names.items():
        attempt = built.engine.open_passage(StartRequest(LANE))
        for number, frame in enumerate(still(built.vision, cast, person, plan.camera, plan.still_frames)):
            clock.at_s = number * _STILL_EVERY_S
            sent = Frame(number + 1, round(clock.at_s * 1e6) + 1, Encoding.JPEG, 0, 0, frame.jpeg)
            attempt.observe(sent, clock.at_s)
        if attempt.decision is not None and attempt.decision.traveller_reference == reference:
            passed.add(person)
        built.engine.close_passage(attempt)
    return frozenset(passed)


_STILL_EVERY_S = 0.4
"""Longer than `Policy.retry_after_s`, so that each frame counts."""


def _expect(built: Built, cast: Cast, video: int, expires_at: datetime) -> dict[str, int]:
    """Enrols those of a cast who are expected, unless their photograph is refused: reference -> index."""
    names = {}
    for index in sorted(cast.expected):
        traveller = Traveller(f"V{video}P{index}", _FLIGHT, expires_at)
        if _enrol(built, traveller, cast.people[index].photo):
            names[traveller.reference] = index
    return names


def _enrol(built: Built, traveller: Traveller, photo: bytes) -> bool:
    try:
        built.engine.enrol(traveller, photo)
    except EnrolmentError:
        return False
    return True


def _following(played: Sequence[Played], rng: np.random.Generator) -> list[fig.Figure]:
    """A value a video, and the median over the videos."""
    people = np.array([len(p.near) for p in played], np.float64)
    values: dict[str, tuple[str, Iterable[float]]] = {
        "mota": ("ratio", [p.following.mota for p in played]),
        "idf1": ("ratio", [p.following.idf1 for p in played]),
        "switches_per_person": ("switches", np.array([p.following.switches for p in played]) / people),
        "tracks_per_person": ("tracks", np.array([len(p.following.owners) for p in played]) / people),
        "misses": ("ratio", [p.following.misses / max(1, p.following.faces) for p in played]),
        "false_alarms": ("ratio", [p.following.false_alarms / max(1, p.following.faces) for p in played]),
    }
    return [
        fig.summarise(f"corridor.{name}", unit, np.array(list(found), np.float64)[:, None], _only, rng)
        for name, (unit, found) in values.items()
    ]


def _only(samples: fig.Samples) -> fig.Samples:
    return samples[:, 0]


def _decisions(prefix: str, played: Sequence[Played], rng: np.random.Generator) -> list[fig.Figure]:
    """Shares of the people who came near enough, people resampled."""
    everybody = [(p, person) for p in played for person in sorted(p.near)]
    expected = [(p, person) for p, person in everybody if person in p.cast.expected]
    bare = [(p, person) for p, person in expected if person not in p.cast.masked]
    masked = [(p, person) for p, person in expected if person in p.cast.masked]
    shares = {
        "expected_passed": [p.passed(person) for p, person in expected],
        "expected_passed.bare": [p.passed(person) for p, person in bare],
        "expected_passed.masked": [p.passed(person) for p, person in masked],
        "passed_wrongly": [p.passed_wrongly(person) for p, person in everybody],
        "decided": [any(v.shown == person for v in p.verdicts) for p, person in everybody],
    }
    found = []
    for name, flags in shares.items():
        if flags:
            resampled = rates.draws(len(flags), 400, rng)
            rate = rates.rate_over_people(np.array(flags), np.arange(len(flags)), resampled)
            found.append(fig.Figure(f"{prefix}.{name}", rate.value, "%", rate.n, rate.low, rate.high))
    return found


def _passes_alone(played: Sequence[Played], alone: Sequence[frozenset[int]], rng: np.random.Generator) -> fig.Figure:
    flags = [person in passed for p, passed in zip(played, alone, strict=True) for person in p.near & p.cast.expected]
    resampled = rates.draws(len(flags), 400, rng)
    rate = rates.rate_over_people(np.array(flags), np.arange(len(flags)), resampled)
    return fig.Figure("corridor.expected_passed.alone", rate.value, "%", rate.n, rate.low, rate.high)


def _speed(played: Sequence[Played], rng: np.random.Generator) -> list[fig.Figure]:
    """Time of the frames that show nearly everybody, by the wall's clock and the processor's, and what that makes."""
    found = []
    for kind in ("frame", "cpu"):
        full = _full(played, kind)
        found += [fig.summarise(f"corridor.full.{kind}.p{q}_ms", "ms", full, fig.percentile(q), rng) for q in (50, 95)]
        found.append(fig.summarise(f"corridor.full.{kind}.frames_per_s", "1/s", full, _a_second, rng))
    above = np.array([[np.mean(p.frame_ms) / p.sight_ms] for p in played], np.float64)
    return [*found, fig.summarise("corridor.ratio_to_decode_and_detect", "ratio", above, _only, rng)]


def _a_second(took_ms: fig.Samples) -> fig.Samples:
    return np.asarray(1000 / took_ms.mean(axis=1), np.float64)


def _full(played: Sequence[Played], kind: str) -> fig.Samples:
    """Times of the frames that show nearly everybody, a row a video."""
    rounds = []
    for each in played:
        times = each.frame_ms if kind == "frame" else each.cpu_ms
        rounds.append([ms for ms, n in zip(times, each.people, strict=True) if n >= _FULL * max(each.people)])
    shortest = min(len(one) for one in rounds)
    return np.array([one[:shortest] for one in rounds], np.float64)


def _looked(played: Sequence[Played], rng: np.random.Generator) -> fig.Figure:
    shares = np.array([[100 * len(p.frame_ms) / p.frames] for p in played], np.float64)
    return fig.summarise("corridor.live.frames_looked_at", "%", shares, _only, rng)


def _plots(played: Played) -> tuple[Plot, ...]:
    """Where the tracks of the first video went, and when each was decided."""
    tracks = sorted({track for track, _, _ in played.ways})
    lines = []
    for track in tracks:
        way = [(at_s, x) for each, at_s, x in played.ways if each == track]
        lines.append(Series(f"track {track}", tuple(at for at, _ in way), tuple(x for _, x in way)))
    series = Series(
        "time a frame",
        tuple(float(n) for n in range(len(played.frame_ms))),
        played.frame_ms,
    )
    return (
        Plot("Tracks of the first video", "seconds", "pixels from the left", tuple(lines)),
        Plot("Time a frame of the first video", "frame", "ms", (series,)),
    )


def _run_facts(plan: Plan, travellers: int) -> dict[str, object]:
    camera = plan.camera
    return {
        "pack": plan.pack,
        "videos": plan.videos,
        "people": f"{plan.people} a video, {plan.strangers} not expected, {plan.masked} masked",
        "gallery": travellers,
        "camera": f"{camera.width_px} x {camera.height_px}, {camera.fps:g} frames a second, JPEG",
        "detector_canvas_px": plan.detect_size_px,
        "seed": plan.seed,
    }
