"""Where a passage's frames can come from without a gate at hand: a folder, a picture, a video, a stream, a camera.

Every source gives JPEG files, because that is what cameras send and what fits into a message. A recorded source says
at how many frames a second it is to be played; a live one sets its own pace.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2

DEFAULT_FPS = 12.0
"""For folders, which do not say; about what a gate's camera sends."""

MAX_FPS = 120.0

JPEG_QUALITY = 90

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})

_LIVE_ADDRESS = re.compile(r"^(rtsps?|rtmp|https?|udp|tcp|srt)://", re.IGNORECASE)


class SourceError(Exception):
    """A source of frames that is not there, or gives none. `remedy` says what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class Source(Protocol):
    """Frames of one passage."""

    @property
    def fps(self) -> float | None:
        """Frames a second to play at; None for a live source, which sets its own pace."""
        ...

    def pictures(self) -> Iterator[bytes]:
        """JPEG files, in order (blocking).

        Raises:
            SourceError: there are none, or one cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Pictures:
    """Picture files in their order; JPEG files go out as they are."""

    files: tuple[Path, ...]
    fps: float | None = DEFAULT_FPS

    def pictures(self) -> Iterator[bytes]:
        """See `Source.pictures`."""
        return (_jpeg_of_file(path) for path in self.files)


@dataclass(frozen=True, slots=True)
class Video:
    """A video file, at its own rate."""

    path: Path
    fps: float | None

    def pictures(self) -> Iterator[bytes]:
        """See `Source.pictures`."""
        return _captured(str(self.path), f"{self.path} holds no picture that can be read", _CHECK_FILE)


@dataclass(frozen=True, slots=True)
class Live:
    """A camera by its index, or a stream by its address."""

    where: int | str
    fps: float | None = None

    def pictures(self) -> Iterator[bytes]:
        """See `Source.pictures`."""
        name = f"Camera {self.where}" if isinstance(self.where, int) else without_password(self.where)
        return _captured(self.where, f"{name} gives no pictures", _CHECK_LIVE)


_CHECK_FILE = "Name a folder of pictures, a picture, or a video that OpenCV's FFmpeg reads."
_CHECK_LIVE = "Check that it is plugged in or reachable, that nothing else holds it, and that this user may open it."


def open_source(name: str, fps: float | None = None) -> Source:
    """The source that `name` means: a camera's index, a stream's address, a folder, a video or a picture.

    Args:
        name: for example ``0``, ``rtsp://camera/stream``, ``frames/``, ``passage.mp4``, ``face.jpg``.
        fps: instead of the source's own; a live source is never slowed down.

    Raises:
        SourceError: it is not there.
    """
    if name.isdecimal() and not Path(name).exists():
        return Live(int(name))
    if _LIVE_ADDRESS.match(name):
        return Live(name)
    path = Path(name).expanduser()
    if path.is_dir():
        files = tuple(file for file in sorted(path.iterdir(), key=_natural) if file.suffix.lower() in PICTURES)
        if not files:
            raise SourceError(f"There are no pictures in {path}", f"Expected files in {', '.join(sorted(PICTURES))}.")
        return Pictures(files, fps or DEFAULT_FPS)
    if not path.is_file():
        raise SourceError(f"There is no {name}", _CHECK_FILE)
    if path.suffix.lower() in PICTURES:
        return Pictures((path,), fps or DEFAULT_FPS)
    return Video(path, fps or _video_fps(path))


async def paced(source: Source) -> AsyncIterator[bytes]:
    """The source's pictures, each when it is due. A late picture does not push back the ones after it.

    Raises:
        SourceError: see `Source.pictures`.
    """
    loop = asyncio.get_running_loop()
    pictures = source.pictures()
    start_s, index = loop.time(), 0
    # Reading and encoding block, so they happen beside the loop that talks to the engine.
    while (picture := await asyncio.to_thread(next, pictures, None)) is not None:
        if source.fps is not None:
            await asyncio.sleep(start_s + index / source.fps - loop.time())
        index += 1
        yield picture


def without_password(address: str) -> str:
    """A stream's address as it may be shown: without user and password."""
    return re.sub(r"(?<=://)[^/@]*@", "", address)


def _captured(where: int | str, none: str, remedy: str) -> Iterator[bytes]:
    capture = cv2.VideoCapture(where)
    try:
        got = 0
        while True:
            read, image = capture.read()
            if not read:
                break
            got += 1
            yield encode_jpeg(image)
        if not got:
            raise SourceError(none, remedy)
    finally:
        capture.release()


def encode_jpeg(image_bgr: cv2.typing.MatLike, quality: int = JPEG_QUALITY) -> bytes:
    """A JPEG file of (H, W, 3) BGR uint8 pixels."""
    done, data = cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise SourceError("OpenCV could not encode a picture as JPEG", "Run `gate doctor`.")
    return data.tobytes()


def _jpeg_of_file(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}", _CHECK_FILE) from error
    # A JPEG goes out as it is, also a broken one: what the engine says about it is worth seeing.
    if path.suffix.lower() in {".jpg", ".jpeg"}:
        return data
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise SourceError(f"{path} is no picture that can be read", _CHECK_FILE)
    return encode_jpeg(image)


def _video_fps(path: Path) -> float:
    capture = cv2.VideoCapture(str(path))
    fps = capture.get(cv2.CAP_PROP_FPS) if capture.isOpened() else 0.0
    capture.release()
    # Some containers state nothing, or the tick rate of their clock.
    return fps if 0 < fps <= MAX_FPS else DEFAULT_FPS


def _natural(path: Path) -> list[tuple[bool, int, str]]:
    """Frame 2 before frame 10."""
    parts = re.split(r"(\d+)", path.name)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]
