"""The claim on a command line: one way at a time, and `-` reads the input, where no other user sees it."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import pytest
import typer

from gate.cli.claimed import Claimed
from gate.errors import FrameError
from tests.service import fakes

NOTHING = dict.fromkeys(("document", "reference", "mrz", "boarding_pass", "token", "code", "issuing_state"), "")


def claimed(**stated: object) -> Claimed:
    return Claimed(**{**NOTHING, "picture": None, **stated})  # type: ignore[arg-type]  # the cases name them right


@pytest.mark.parametrize(
    ("stated", "kind"),
    [
        ({}, "none"),
        ({"document": "X1", "issuing_state": "UTO"}, "document"),
        ({"reference": "t1"}, "traveller_reference"),
        ({"mrz": "P<UTO"}, "mrz"),
        ({"boarding_pass": "M1"}, "boarding_pass"),
        ({"token": "a.b.c"}, "travel_token"),
        ({"code": "M1"}, "code"),
    ],
)
def test_each_way_becomes_its_kind_of_claim(stated: dict[str, object], kind: str) -> None:
    assert claimed(**stated).claim().message.WhichOneof("kind") == kind


@pytest.mark.parametrize(
    "stated", [{"document": "X1", "token": "t"}, {"issuing_state": "UTO"}, {"mrz": "a", "code": "b"}]
)
def test_two_ways_at_once_are_refused(stated: dict[str, object]) -> None:
    with pytest.raises(typer.BadParameter):
        claimed(**stated)


def test_a_token_comes_from_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a.b.c\n"))
    assert claimed(token="-").claim().message.travel_token == "a.b.c"


def test_a_picture_is_sent_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "code.png"
    cv2.imwrite(str(file), fakes.picture(1))
    assert claimed(picture=file).claim().message.code_picture.data == file.read_bytes()
    file.write_bytes(b"text")
    with pytest.raises(FrameError):
        claimed(picture=file).claim()
