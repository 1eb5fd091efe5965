"""Fingers are let through, everything else is not, and the advice is the right one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from gate.errors import Code, FingerprintError
from gate.fingerprint.leader import LeaderExtractor
from gate.fingerprint.quality import Advice, FingerPolicy, FingerQuality, assess, require_usable
from gate.fingerprint.template import FingerImage, FingerTemplate, GreyImage

SIZE = (374, 388)


def minutiae(n: int, spread_px: float = 55) -> FingerTemplate:
    """As many as an extractor may claim, spread over the image: quality must not trust them."""
    rng = np.random.default_rng(1)
    return FingerTemplate(
        x_px=np.clip(rng.normal(194, spread_px, n), 0, 387).astype(np.float32),
        y_px=np.clip(rng.normal(187, spread_px, n), 0, 373).astype(np.float32),
        angle_rad=np.zeros(n, np.float32),
        kind=np.ones(n, np.uint8),
        quality=np.zeros(n, np.uint8),
        width_px=388,
        height_px=374,
        extractor="test",
    )


def read(shared: Path, name: str) -> GreyImage:
    grey = cv2.imread(str(shared / "data/fingerprints" / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    return grey.astype(np.uint8)


def look(grey: GreyImage, n: int = 40) -> FingerQuality:
    return assess(FingerImage(grey), minutiae(n))


def _noise(sigma: float) -> GreyImage:
    noise = np.random.default_rng(0).normal(size=SIZE)
    smooth = cv2.GaussianBlur(noise, (0, 0), sigma) if sigma else noise
    return np.clip(127 + 60 * smooth / smooth.std(), 0, 255).astype(np.uint8)


def _text() -> GreyImage:
    page = np.full(SIZE, 255, np.uint8)
    for line in range(12):
        cv2.putText(page, "GATE 12 CLOSES 10:40", (5, 30 * line + 25), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 0, 2)
    return page


def _checks() -> GreyImage:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    return ((x // 8 + y // 8) % 2 * 255).astype(np.uint8)


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.full(SIZE, 230, np.uint8),
        lambda: np.zeros(SIZE, np.uint8),
        lambda: _noise(0),
        lambda: _noise(1.5),
        lambda: _noise(3),
        lambda: np.tile(np.linspace(0, 255, SIZE[1]), (SIZE[0], 1)).astype(np.uint8),
        _text,
        _checks,
    ],
    ids=["white", "black", "noise", "noise of ridge width", "coarse noise", "shade", "text", "checks"],
)
def test_what_is_no_finger_is_refused_however_many_minutiae_were_found(make: Callable[[], GreyImage]) -> None:
    quality = look(make(), n=95)
    assert not quality.usable
    assert quality.score <= 10
    with pytest.raises(FingerprintError, match=r"mm² of clear ridges") as caught:
        require_usable(quality)
    assert caught.value.code is Code.FINGER_LOW_QUALITY


def test_faces_are_no_fingers_to_the_leader_network(shared: Path) -> None:
    leader = LeaderExtractor()
    photos = sorted((shared / "data/faces").rglob("*.jpg"))
    for photo in photos[:: len(photos) // 4]:
        face = cv2.imread(str(photo), cv2.IMREAD_GRAYSCALE)
        assert face is not None
        image = FingerImage(cv2.resize(face, SIZE[::-1], interpolation=cv2.INTER_AREA).astype(np.uint8))
        assert not assess(image, leader.extract(image)).usable, photo.name


def test_fingers_show_enough_ridges_on_every_sensor(shared: Path) -> None:
    images = sorted((shared / "data/fingerprints").glob("*/*_*.png"))[::5]
    areas_mm2 = [look(read(shared, f"{image.parent.name}/{image.stem}")).area_mm2 for image in images]
    assert len(areas_mm2) == 48
    assert min(areas_mm2) > FingerPolicy().min_area_mm2


def test_a_real_finger_is_usable(shared: Path) -> None:
    image = FingerImage(read(shared, "FVC2002_DB1_B/101_1"))
    quality = assess(image, LeaderExtractor().extract(image))
    require_usable(quality)
    assert quality.score > 80
    assert quality.advice == ()


def test_a_small_part_of_a_finger_is_refused(shared: Path) -> None:
    grey = read(shared, "FVC2002_DB1_B/101_1")
    part = np.full_like(grey, 255)
    part[150:240, 150:240] = grey[150:240, 150:240]
    assert "mm² of clear ridges" in look(part).reason


@pytest.mark.parametrize(
    ("n", "spread_px", "reason"),
    [
        (5, 30, "expected 10 minutiae on the ridges, found 5"),
        (40, 10, "minutiae over 1.5 mm"),
        (200, 30, "expected at most 0.8 minutiae a mm²"),
        (60, 300, "60% of the minutiae on the ridges"),
        (40, 40, ""),
    ],
)
def test_minutiae_must_be_enough_and_where_the_ridges_are(n: int, spread_px: float, reason: str, shared: Path) -> None:
    grey = read(shared, "FVC2002_DB1_B/101_1")
    quality = assess(FingerImage(grey), minutiae(n, spread_px))
    assert reason in quality.reason
    assert quality.usable == (not reason)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("FVC2002_DB1_B/109_8", Advice.PRESS_HARDER),
        ("FVC2004_DB1_B/110_8", Advice.PRESS_LESS),
    ],
)
def test_dry_and_wet_fingers_are_told_so(name: str, advice: Advice, shared: Path) -> None:
    assert advice in look(read(shared, name)).advice


def test_a_finger_at_the_edge_is_asked_to_the_middle(shared: Path) -> None:
    grey = read(shared, "FVC2002_DB1_B/103_2")
    moved = np.full_like(grey, 255)
    moved[:, 200:] = grey[:, 60 : 60 + grey.shape[1] - 200]
    assert Advice.CENTRE_FINGER in look(moved).advice
    assert Advice.CENTRE_FINGER not in look(grey).advice


def test_fingers_that_slid_are_asked_to_hold_still(shared: Path) -> None:
    still, slid = [], []
    for image in sorted((shared / "data/fingerprints/FVC2002_DB1_B").glob("*_[15].png")):
        grey = read(shared, f"FVC2002_DB1_B/{image.stem}")
        still.append(Advice.HOLD_STILL in look(grey).advice)
        moved = cv2.filter2D(grey, -1, np.full((1, 11), 1 / 11, np.float32)).astype(np.uint8)
        slid.append(Advice.HOLD_STILL in look(moved).advice)
    assert sum(still) <= 1
    assert sum(slid) >= len(slid) / 2


def test_a_poorer_image_has_a_lower_score(shared: Path) -> None:
    grey = read(shared, "FVC2002_DB1_B/101_1")
    veiled = np.clip(grey * 0.5 + _noise(0)[: grey.shape[0], : grey.shape[1]] * 0.5, 0, 255).astype(np.uint8)
    assert look(veiled).score < look(grey).score
