"""Frames that are no camera's, or show nobody, make a fast benchmark of nothing."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import frames
from benchmarks.turns import Plan, measure


def test_a_frame_has_a_cameras_size_and_a_noisy_backdrop() -> None:
    photo = np.full((250, 250, 3), 120, np.uint8)
    frame = frames.compose(photo, np.random.default_rng(1))
    assert frame.shape == (frames.FRAME_HEIGHT_PX, frames.FRAME_WIDTH_PX, 3)
    assert 2 < frame[:, :100].std() < 5


def test_the_same_seed_gives_the_same_people_and_frames(tmp_path: Path) -> None:
    for person in ("a", "b", "c"):
        (tmp_path / person).mkdir()
        for number in range(2 if person != "c" else 1):
            picture = np.full((60, 50, 3), 40 * number + ord(person), np.uint8)
            cv2.imwrite(str(tmp_path / person / f"{number}.png"), picture)
    once, again = (frames.people(tmp_path, 10, 5, seed=3) for _ in range(2))
    assert once == again
    assert sorted(len(person.frames) for person in once) == [0, 1, 1]
    assert len({person.reference for person in once}) == 3


def test_a_folder_without_two_photographs_of_anybody_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(FileNotFoundError, match="two photographs"):
        frames.people(tmp_path, 10, 5, seed=3)
    with pytest.raises(FileNotFoundError, match="no folder"):
        frames.people(tmp_path / "missing", 10, 5, seed=3)


@pytest.mark.shared
@pytest.mark.filterwarnings("ignore::FutureWarning")  # the peer calls what scikit-image is about to remove
def test_every_subject_is_measured_on_the_astronaut_alone(shared: Path) -> None:
    assert shared
    plan = Plan(
        "edgeface-xs", None, frames=1, rounds=1, warm_up=0, travellers=1, threads=1, detect_size_px=None, seed=1
    )
    seen: list[str] = []
    times, setting = measure(plan, seen.append)
    assert sorted(seen) == sorted(times.subjects)
    assert setting.frames == 1
    assert all(samples.shape == (1, 1) and (samples > 0).all() for samples in times.subjects.values())
    assert {"decode", "detect", "embed", "search"} <= set(times.stages)
    assert {"decode", "detect", "embed"} <= set(times.floor)
