"""Tracking: one person, one id; no id for two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.vision.probe import Embedding, Face
from gate.vision.track import Step, TrackRules, Tracks, advance

SIZE = (1280, 720)
FPS = 15
RULES = TrackRules()


class Seen(NamedTuple):
    """Somebody in a frame."""

    person: int
    x: float
    y: float
    size: float = 80.0


def face(seen: Seen) -> Face:
    half = seen.size / 2
    box = (seen.x - half, seen.y - half, seen.x + half, seen.y + half)
    points = np.array([[-0.25, -0.15], [0.25, -0.15], [0, 0.1], [-0.2, 0.3], [0.2, 0.3]], np.float32)
    return Face(box, points * seen.size + np.array([seen.x, seen.y], np.float32), 0.9)


def looks_of(person: int) -> Embedding:
    """People are at right angles: as unlike as can be."""
    vector = np.zeros(16, np.float32)
    vector[person] = 1
    return vector


def blind(_: int) -> None:
    """Nobody's looks are known."""


Follow = Callable[[int], Sequence[Seen]]


def run(
    frames: int, scene: Follow, *, sees: bool = False, rules: TrackRules = RULES
) -> tuple[list[Step], list[dict[int, int]]]:
    """The steps, and for each frame track id -> person."""
    tracks, steps, people = Tracks(), [], []
    for number in range(frames):
        shown = scene(number)
        look = (lambda index, shown=shown: looks_of(shown[index].person)) if sees else blind
        step = advance(tracks, [face(seen) for seen in shown], number / FPS, SIZE, rules, look)
        tracks = step.tracks
        if sees:
            for track_id, index in step.seen.items():
                tracks = tracks.look(track_id, looks_of(shown[index].person))
        steps.append(step)
        people.append({track_id: shown[index].person for track_id, index in step.seen.items()})
    return steps, people


def owners(people: Sequence[dict[int, int]]) -> dict[int, set[int]]:
    """Track id -> everybody it followed."""
    found: dict[int, set[int]] = {}
    for frame in people:
        for track_id, person in frame.items():
            found.setdefault(track_id, set()).add(person)
    return found


def _without(people: int, gone: Callable[[int], bool], scene: Follow) -> Follow:
    return lambda n: [seen for seen in scene(n) if not (seen.person == people and gone(n))]


def test_two_people_far_apart_keep_their_ids() -> None:
    _, people = run(40, lambda n: [Seen(0, 200 + 4 * n, 300), Seen(1, 1000 - 4 * n, 300, 60 + n)])
    assert owners(people) == {1: {0}, 2: {1}}


def test_what_is_seen_once_is_nobody() -> None:
    """A detector sees faces in posters and bags now and then."""
    steps, _ = run(10, lambda n: [Seen(0, 300, 300)] if n in {2, 5} else [])
    assert all(not step.started and not step.seen for step in steps)


def test_a_face_missed_for_some_frames_keeps_its_id() -> None:
    walk = _without(0, lambda n: 10 <= n < 15, lambda n: [Seen(0, 200 + 8 * n, 300)])
    _, people = run(30, walk)
    assert owners(people) == {1: {0}}
    assert people[15] == {1: 0}


def test_people_who_cross_keep_their_ids_by_their_motion() -> None:
    """The nearer one is larger; both go on as they went."""
    _, people = run(60, lambda n: [Seen(0, 300 + 10 * n, 300, 90), Seen(1, 900 - 10 * n, 310, 60)])
    assert owners(people) == {1: {0}, 2: {1}}


def test_people_who_meet_and_turn_back_keep_their_ids_by_their_looks() -> None:
    """Motion alone would swap them: of equal size, they stop within a face of each other, hidden, and go back."""

    def scene(n: int) -> list[Seen]:
        way = 6 * min(n, 60 - n)
        return [Seen(0, 420 + way, 300), Seen(1, 800 - way, 300)]

    hidden = _without(1, lambda n: 27 <= n < 34, scene)
    _, people = run(60, hidden, sees=True)
    assert owners(people) == {1: {0}, 2: {1}}


def test_somebody_who_comes_back_elsewhere_is_known_by_their_looks() -> None:
    def scene(n: int) -> list[Seen]:
        return [Seen(0, 300 if n < 15 else 900, 300)] if not 15 <= n < 35 else []

    _, people = run(50, scene, sees=True)
    assert owners(people) == {1: {0}}


def test_somebody_else_who_comes_back_in_the_same_place_is_not_the_same() -> None:
    """Behind the person in front somebody else steps into the track: it must not be inherited."""

    def scene(n: int) -> list[Seen]:
        return [Seen(0 if n < 15 else 1, 600, 300)] if not 15 <= n < 23 else []

    _, people = run(40, scene, sees=True)
    assert owners(people) == {1: {0}, 2: {1}}


def test_a_track_ends_once() -> None:
    steps, _ = run(80, lambda n: [Seen(0, 600, 300)] if n < 20 else [])
    assert [(n, [t.id for t in step.ended]) for n, step in enumerate(steps) if step.ended] == [(50, [1])]


def test_who_walks_out_of_the_picture_ends_at_once() -> None:
    """Their track would otherwise wait for whoever comes in next."""
    steps, _ = run(40, lambda n: [Seen(0, 900 + 25 * n, 300)] if n < 15 else [])
    assert next(n for n, step in enumerate(steps) if step.ended) <= 15 + RULES.young_s * FPS + 1


def test_a_track_that_jumped_is_parted() -> None:
    tracks = run(10, lambda _: [Seen(0, 600, 300)], sees=True)[0][-1].tracks
    parted = tracks.part(1, looks_of(1))
    assert [track.id for track in parted.followed] == [2]
    assert parted.followed[0].likeness(looks_of(1)) == 1
    assert parted.next_id == 3


def test_time_must_go_on() -> None:
    with pytest.raises(ValueError, match="time"):
        advance(Tracks(at_s=1.0), [], 1.0, SIZE, RULES)


def test_looks_are_asked_for_only_where_there_is_a_doubt() -> None:
    """An embedding costs as much as a detection."""
    asked: list[int] = []
    tracks = Tracks()
    for n in range(20):
        shown = [face(Seen(0, 200 + 3 * n, 300)), face(Seen(1, 800, 300))]
        tracks = advance(tracks, shown, n / FPS, SIZE, RULES, asked.append).tracks
        tracks = tracks.look(1, looks_of(0))
    assert asked == []


coordinate = st.integers(60, 640).map(float)
someone = st.builds(Seen, st.integers(0, 15), coordinate, coordinate, st.sampled_from([30.0, 60.0, 90.0]))
crowds = st.lists(st.lists(someone, max_size=5, unique=True), min_size=1, max_size=25)


@settings(max_examples=60, deadline=None)
@given(crowds, st.randoms(use_true_random=False))
def test_the_order_of_faces_does_not_matter(crowd: list[list[Seen]], random: np.random.Generator) -> None:
    """A detector sorts by size or score; whoever is who must not hang on that."""
    plain, mixed = Tracks(), Tracks()
    for number, shown in enumerate(crowd):
        faces, order = [face(seen) for seen in shown], list(range(len(shown)))
        random.shuffle(order)
        one = advance(plain, faces, number / FPS, SIZE, RULES, lambda i, s=shown: looks_of(s[i].person))
        other = advance(
            mixed,
            [faces[i] for i in order],
            number / FPS,
            SIZE,
            RULES,
            lambda i, s=shown, o=order: looks_of(s[o[i]].person),
        )
        assert {k: faces[v].box_xyxy for k, v in one.seen.items()} == {
            k: faces[order[v]].box_xyxy for k, v in other.seen.items()
        }
        plain, mixed = one.tracks, other.tracks


@settings(max_examples=80, deadline=None)
@given(crowds, st.booleans())
def test_ids_are_never_used_again_and_no_two_tracks_share_a_face(crowd: list[list[Seen]], sees: bool) -> None:
    rules = replace(RULES, remember_s=0.4, coast_s=0.2)
    steps, _ = run(len(crowd), lambda n: crowd[n], sees=sees, rules=rules)
    started = [track_id for step in steps for track_id in step.started]
    assert started == list(range(1, len(started) + 1))
    over: set[int] = set()
    for step in steps:
        assert len(set(step.seen.values())) == len(step.seen)
        assert not over & ({track.id for track in step.tracks.followed} | set(step.started))
        over |= {track.id for track in step.ended}
        assert all(track.hits >= rules.min_hits for track in step.tracks.followed)
        assert {track.id for track in step.tracks.in_sight} == set(step.seen)
