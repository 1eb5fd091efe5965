"""The fingerprint benchmark: pairs as FVC forms them, rates that one can count, names that stay."""

from __future__ import annotations

import errno
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from benchmarks import fingerprint, fingerprint_figures, fvc
from benchmarks.svg import draw
from gate.errors import Code, FingerprintError
from gate.fingerprint.template import FingerImage, FingerTemplate
from tests.fingerprint.fingers import another_impression, finger

PRINTS = list(product(range(101, 111), range(1, 9)))


def scores(mated: list[float], non_mated: list[float]) -> fvc.Scores:
    """Of as many fingers as mated scores; strangers among the first two."""
    return fvc.Scores(
        np.array(mated),
        np.array(non_mated),
        np.arange(len(mated)),
        np.tile([[0, 1]], (len(non_mated), 1)),
        len(mated),
    )


def test_the_protocols_numbers() -> None:
    """FVC's set B: 280 mated, 45 and 2,880 non-mated. A pair counted twice would narrow every interval."""
    assert len(fvc.mated_pairs(PRINTS)) == 280
    assert len(fvc.first_pairs(PRINTS)) == 45
    full = fvc.full_pairs(PRINTS)
    assert len(full) == len({frozenset(pair) for pair in full}) == 2880


def test_rates_that_can_be_counted() -> None:
    curve = fvc.Curve.of(scores([0.9, 0.8, 0.7, 0.2], [0.1] * 97 + [0.3, 0.75, 0.85]))
    assert curve.fnmr_at(0) == pytest.approx([0.75])  # only 0.9 is above every stranger
    assert curve.fnmr_at(1 / 100) == pytest.approx([0.5])
    assert curve.fnmr_at(2 / 100) == pytest.approx([0.25])
    assert curve.fnmr_at(3 / 100) == pytest.approx([0])
    assert fvc.Curve.of(scores([0.9, 0.8], [0.1, 0.2])).eer() == pytest.approx([0])
    assert fvc.Curve.of(scores([0.5, 0.5], [0.5, 0.5])).eer() == pytest.approx([0.5])


def test_a_failure_to_extract_is_an_error_at_every_threshold() -> None:
    """Dropped instead, the worst images would make the system look best."""
    curve = fvc.Curve.of(scores([0.9, fvc.REFUSED], [0.1, fvc.REFUSED]))
    assert curve.fnmr.min() == 0.5
    assert curve.fmr.max() == 0.5
    assert curve.fnmr_at(1) == pytest.approx([0.5])


def test_fingers_are_resampled_whole() -> None:
    """One bad finger of ten: drawn never, once or thrice, it moves the rate by tenths, not by single comparisons."""
    mated = np.repeat([0.0] + [0.9] * 9, 28)
    found = fvc.Scores(
        mated, np.full(9, 0.1), np.repeat(np.arange(10), 28), np.array([(0, i) for i in range(1, 10)]), 10
    )
    low, high = fvc.interval(fvc.Curve.resampled(found, 500, np.random.default_rng(1)).fnmr_at(0))
    assert low == 0
    assert high >= 0.3


class InventedExtractor:
    """The fingers of `fingers`, by the number that is painted into the image; images of 0 are refused."""

    name = "invented-1"

    def __init__(self) -> None:
        self.closed = False

    def extract(self, image: FingerImage) -> FingerTemplate:
        number, impression = int(image.grey[0, 0]), int(image.grey[0, 1])
        if not number:
            raise FingerprintError(Code.FINGER_IMAGE_INVALID, "expected a finger, found none")
        return another_impression(finger(number), impression)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "SET_B"
    folder.mkdir(parents=True)
    for number, impression in product(range(1, 5), range(1, 4)):
        grey = np.full((8, 8), 255, np.uint8)
        grey[0, :2] = (number if (number, impression) != (4, 3) else 0), impression
        (folder / f"{number}_{impression}.png").write_bytes(cv2.imencode(".png", grey)[1].tobytes())
    (folder / "notes.png").write_bytes(b"no print")
    return folder.parent


@pytest.fixture
def extractor(monkeypatch: pytest.MonkeyPatch) -> InventedExtractor:
    invented = InventedExtractor()
    monkeypatch.setattr(fingerprint, "installed", lambda: ("invented",))
    monkeypatch.setattr(fingerprint, "choose_extractor", {"invented": invented}.get)
    return invented


def test_names_of_figures(dataset: Path, extractor: InventedExtractor) -> None:
    """Other versions, and the acceptance of this one, are compared by them."""
    found = fingerprint.measure(fingerprint.Plan(dataset=dataset), Console(quiet=True))
    by_name = found.by_name()
    parts = ("eer", "fmr100", "fmr1000", "fvc.eer", "fvc.fmr100", "fvc.fmr1000")
    parts += ("prepare_ms", "match_ms", "match.p95_ms", "match.ratio_to_floor")
    assert set(by_name) == {
        *(f"fingerprint.SET_B.invented.{matcher}.{part}" for matcher in ("upright", "cylinders") for part in parts),
        *(f"fingerprint.SET_B.default.{part}" for part in parts),
        "fingerprint.SET_B.invented.failures_to_extract",
        "fingerprint.SET_B.invented.extract_ms",
    }
    assert by_name["fingerprint.SET_B.invented.failures_to_extract"].value == 1
    # Two of twelve mated comparisons lack the refused print; nothing else goes wrong with these fingers.
    assert by_name["fingerprint.SET_B.default.fmr1000"].value == pytest.approx(100 * 2 / 12)
    assert found.run["default"] == "invented, upright", "what the engine uses: a finger lies upright at a gate"
    assert extractor.closed, "its process would outlive the benchmark"
    titles = [plot.title for plot in found.plots]
    assert titles == ["fingers, SET_B: detection error trade-off", "fingers, SET_B: scores"]
    assert [series.name for series in found.plots[0].series] == ["invented, upright", "invented, cylinders"]
    assert all(draw(plot) for plot in found.plots)


@pytest.mark.usefixtures("extractor")
def test_the_quick_form_is_of_what_the_engine_uses(dataset: Path) -> None:
    found = fingerprint.measure(fingerprint.Plan(dataset=dataset, quick=True), Console(quiet=True))
    kinds = {figure.name.split(".")[2] for figure in found.figures}
    assert kinds == {"invented", "default"}
    assert not any(".cylinders." in figure.name for figure in found.figures)


def test_the_quick_form_takes_whole_fingers() -> None:
    """Prints taken at random would leave few with a second impression."""
    chosen = fingerprint.some({print_: Path(str(print_)) for print_ in PRINTS})
    assert {finger for finger, _ in chosen} == {101, 102, 103, 104, 105}
    assert len(chosen) == 20


def test_a_folder_without_prints_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        fingerprint.sets(tmp_path)
    assert missing.value.errno == errno.ENOENT
    assert missing.value.filename == str(tmp_path)


def test_a_plot_of_no_errors_at_all_is_drawn() -> None:
    """The normal scale has no place for a rate of zero."""
    perfect = fvc.Curve.of(scores([0.9, 0.9], [0.1, 0.1]))
    assert "<polyline" in draw(fingerprint_figures.det("SET", {"perfect": perfect}))


def test_no_error_among_few_fingers_is_no_certainty() -> None:
    """Resampling fingers without an error shows none; ten of them still leave room for many."""
    perfect = scores([0.9] * 10, [0.1] * 20)
    result = fingerprint_figures.Result(perfect, perfect, [1.0], np.ones((1, 1)), np.ones((1, 1)))
    for figure in fingerprint_figures.rates("x", result, np.random.default_rng(1)):
        assert (figure.value, figure.ci_low, figure.ci_high) == (0, 0, pytest.approx(30))


def test_a_trade_off_never_turns_back() -> None:
    """Where many thresholds share a false match rate, the line falls; drawn in another order it would be a zigzag."""
    curve = fvc.Curve.of(scores([0.9, 0.6, 0.55, 0.2], [0.1, 0.5, 0.7]))
    line = fingerprint_figures.det("SET", {"some": curve}).series[0]
    assert list(line.x) == sorted(line.x)
    assert list(line.y) == sorted(line.y, reverse=True)
