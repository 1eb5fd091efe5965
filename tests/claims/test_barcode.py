"""Barcodes as a lane's camera sees them, written by zxing-cpp's own writer."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import zxingcpp
from numpy.typing import NDArray

from gate.claims.barcode import MAX_PIXELS, Symbology, read_barcodes, read_code
from gate.claims.claim import ClaimKind, Presented, PresentedKind
from gate.claims.read import read_claim
from gate.claims.write_bcbp import LegText, write_bcbp
from gate.errors import ClaimError, Code
from tests.claims.makers import EDDSA, FLIGHT, NOW, NUMBER, rules, token

Image = NDArray[np.uint8]
PASS = write_bcbp("MUSTER/ANNA", LegText("ZZ", "42", 326, "HKG", "LHR", "ABC123", seat="12A", sequence="7"))
TOKEN = token(EDDSA, document_number=NUMBER)
FORMATS = {
    Symbology.QR: zxingcpp.BarcodeFormat.QRCode,
    Symbology.AZTEC: zxingcpp.BarcodeFormat.Aztec,
    Symbology.PDF417: zxingcpp.BarcodeFormat.PDF417,
    Symbology.DATA_MATRIX: zxingcpp.BarcodeFormat.DataMatrix,
}


def written(text: str, symbology: Symbology = Symbology.QR, scale: int = 3) -> Image:
    """Grey, with its quiet zone."""
    code = zxingcpp.create_barcode(text, FORMATS[symbology])
    return np.array(zxingcpp.write_barcode_to_image(code, scale=scale), dtype=np.uint8)


def scene(*codes: Image) -> Image:
    """A grey table, 900 x 1600, with codes side by side."""
    picture = np.full((900, 1600), 150, np.uint8)
    left = 30
    for code in codes:
        height, width = code.shape
        picture[40 : 40 + height, left : left + width] = code
        left += width + 40
    return picture


def refusal(image: NDArray[np.uint8]) -> Code:
    with pytest.raises(ClaimError) as caught:
        read_code(image)
    assert "MUSTER" not in caught.value.message
    return caught.value.code


@pytest.mark.parametrize("symbology", Symbology)
@pytest.mark.parametrize("text", [PASS, TOKEN], ids=["boarding pass", "token"])
def test_each_kind_is_read_in_grey_and_in_colour(symbology: Symbology, text: str) -> None:
    grey = scene(written(text, symbology))
    colour = np.repeat(grey[:, :, None], 3, axis=2)
    for image in (grey, colour):
        (found,) = read_barcodes(image)
        assert (found.symbology, found.text) == (symbology, text)
        assert read_code(image) == text
        assert "MUSTER" not in repr(found)


@pytest.mark.parametrize(
    "spoil",
    [
        np.rot90,
        lambda image: np.rot90(image, 2),
        np.fliplr,
        lambda image: 255 - image,
        lambda image: cv2.GaussianBlur(image, (5, 5), 1.0),
        lambda image: (image * 0.35 + 20).astype(np.uint8),
        lambda image: cv2.resize(image, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA),
        lambda image: cv2.warpAffine(
            image, cv2.getRotationMatrix2D((800, 450), 17, 0.9), (1600, 900), borderValue=(150,)
        ),
    ],
    ids=["quarter turn", "upside down", "mirrored", "light on dark", "blurred", "dim", "smaller", "tilted"],
)
def test_a_boarding_pass_on_a_telephone_is_read_however_it_is_held(spoil: object) -> None:
    assert callable(spoil)
    assert read_code(spoil(scene(written(PASS)))) == PASS


def test_a_picture_without_a_barcode_says_so() -> None:
    assert refusal(scene()) is Code.BARCODE_MISSING
    noise = np.random.default_rng(1).integers(0, 256, (480, 640), dtype=np.uint8)
    assert refusal(noise) is Code.BARCODE_MISSING


def test_other_kinds_of_barcodes_are_not_looked_for() -> None:
    """A bag tag or a shop's article number in the picture makes no claim."""
    code = zxingcpp.create_barcode("4006381333931", zxingcpp.BarcodeFormat.EAN13)
    strip = np.array(zxingcpp.write_barcode_to_image(code, scale=3), dtype=np.uint8)
    assert refusal(scene(strip)) is Code.BARCODE_MISSING
    assert read_code(scene(strip, written(PASS))) == PASS


def test_of_several_the_one_counts_that_can_be_meant() -> None:
    assert read_code(scene(written("https://advertisement.example"), written(PASS))) == PASS


def test_two_that_could_be_meant_are_not_chosen_between() -> None:
    """Somebody else's boarding pass in the picture must not become this traveller's claim."""
    other = write_bcbp("BEISPIEL/BERT", LegText("ZZ", "42", 326, "HKG", "LHR"))
    assert refusal(scene(written(PASS), written(other))) is Code.BARCODE_SEVERAL
    assert refusal(scene(written(PASS), written(TOKEN))) is Code.BARCODE_SEVERAL
    assert refusal(scene(written("one"), written("two"))) is Code.BARCODE_SEVERAL


def test_the_same_one_twice_is_one() -> None:
    assert read_code(scene(written(PASS), written(PASS, Symbology.AZTEC))) == PASS


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((10, 100), np.uint8),
        np.zeros((0, 0), np.uint8),
        np.zeros((100, 100, 4), np.uint8),
        np.zeros((100,), np.uint8),
        np.zeros((100, 100), np.float32),
        np.zeros((1, MAX_PIXELS + 1), np.uint8),
        np.zeros((3000, 4096), np.uint8),
    ],
    ids=lambda image: f"{image.shape} {image.dtype}",
)
def test_a_picture_that_is_none_is_refused_before_it_is_searched(image: NDArray[np.uint8]) -> None:
    assert refusal(image) is Code.BARCODE_UNUSABLE


def test_a_view_with_gaps_between_its_rows_is_read_right() -> None:
    """A crop is no contiguous block; read as one it would be sheared."""
    whole = np.full((900, 3200), 150, np.uint8)
    whole[:, 800:2400] = scene(written(PASS))
    assert read_code(whole[:, 800:2400]) == PASS
    assert read_code(whole[::-1][::-1]) == PASS


def test_from_a_picture_to_a_claim() -> None:
    for image, kind in ((scene(written(PASS)), ClaimKind.BOARDING_PASS), (scene(written(TOKEN)), ClaimKind.TOKEN)):
        claim = read_claim(Presented(PresentedKind.CODE, read_code(image)), rules(), NOW)
        assert (claim.kind, claim.flights) == (kind, (FLIGHT,))
