"""Sources of frames: what a name means, and what is said when there is nothing behind it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from gate.sources import DEFAULT_FPS, Live, Pictures, SourceError, Video, open_source, paced, without_password


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (10, 2, 1):
        cv2.imwrite(str(tmp_path / f"f{number}.png"), np.full((48, 48, 3), number * 20, np.uint8))
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


def test_a_folder_is_played_in_the_order_that_a_person_means(folder: Path) -> None:
    source = open_source(str(folder))
    assert isinstance(source, Pictures)
    assert [path.name for path in source.files] == ["f1.png", "f2.png", "f10.png"]
    assert source.fps == DEFAULT_FPS


def test_pictures_of_any_kind_go_out_as_jpeg(folder: Path) -> None:
    assert all(data[:3] == b"\xff\xd8\xff" for data in open_source(str(folder)).pictures())


def test_a_jpeg_goes_out_byte_for_byte(tmp_path: Path) -> None:
    """Guards against a second compression, which costs sharpness, and hides a camera's broken files."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8\xff broken")
    assert list(open_source(str(path)).pictures()) == [b"\xff\xd8\xff broken"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("0", Live(0)), ("rtsp://camera/stream", Live("rtsp://camera/stream")), ("RTSPS://c/s", Live("RTSPS://c/s"))],
)
def test_indices_and_addresses_are_live(
    name: str, expected: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_source(name) == expected
    assert open_source(name, fps=5.0).fps is None, "a live source sets its own pace"


def test_a_folder_named_like_a_camera_is_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "0").mkdir()
    cv2.imwrite("0/a.png", np.zeros((48, 48, 3), np.uint8))
    assert isinstance(open_source("0"), Pictures)


@pytest.mark.parametrize("name", ["nothing-here", "nothing-here.mp4", "empty"])
def test_nothing_there_is_said_with_a_remedy(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError) as caught:
        open_source(name)
    assert caught.value.remedy


def test_a_file_that_is_no_video_is_said(tmp_path: Path) -> None:
    path = tmp_path / "passage.mp4"
    path.write_bytes(b"no video at all")
    source = open_source(str(path))
    assert isinstance(source, Video)
    with pytest.raises(SourceError, match="holds no picture"):
        list(source.pictures())


def test_a_camera_that_is_not_there_is_said() -> None:
    with pytest.raises(SourceError, match="Camera 97"):
        list(Live(97).pictures())


def test_a_streams_password_is_never_shown() -> None:
    assert without_password("rtsp://user:pass@cam/1") == "rtsp://cam/1"


async def test_pacing_keeps_every_picture_in_order(folder: Path) -> None:
    source = open_source(str(folder), fps=100.0)
    assert [data async for data in paced(source)] == list(source.pictures())
