"""Frames of a passage are new, in order, of this passage, and of now: what a recording that is played back is not.

What is compared are numbers and whole pictures, so this finds what is *repeated*: messages recorded on the wire, a file
that is played again, a still that stands for a camera. It does not find a picture that was made for this passage; that
is what liveness is for. Nor does it stand in for TLS: who may speak as the controller can also count and read a clock.

Some faults are *alarms*: an honest camera has none of them. A picture that stands still is none, because cameras behind
a video codec repeat pictures of a scene in which nothing moves.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

from gate.errors import Code, FrameError
from gate.service.pb import lane_pb2 as pb
from gate.settings import FrameSettings
from gate.vision.probe import ImageBGR

NONCE_BYTES = 16
"""Enough that no two passages ever have the same, and nobody guesses one."""

MOST_CAMERAS = 16
"""Cameras that one passage may name."""

# One stall of the network makes many of these, so a run of them counts once.
_LATE = frozenset({Code.FRAME_STALE, Code.FRAME_CLOCK})
_ALARMING = _LATE | {Code.FRAME_NONCE, Code.FRAME_OUT_OF_ORDER, Code.FRAME_REPLAYED}


class PictureMemory:
    """The last pictures of a lane, over its passages. Not the pictures: one number of each, that says nothing of it.

    Args:
        capacity: pictures that are remembered.
    """

    def __init__(self, capacity: int) -> None:
        self._newest: dict[str, int] = {}
        self._order: deque[int] = deque()
        self._known: Counter[int] = Counter()
        self._capacity = capacity

    def check(self, camera_id: str, digest: int) -> None:
        """Raises when the picture was there before.

        Raises:
            FrameError: FRAME_IDENTICAL for the camera's newest picture again, FRAME_REPLAYED for an older one.
        """
        if self._newest.get(camera_id) == digest:
            raise FrameError(
                Code.FRAME_IDENTICAL,
                "expected a new picture; got the one before once more (see [frames] identical)",
            )
        if digest in self._known:
            raise FrameError(
                Code.FRAME_REPLAYED,
                "expected a new picture; got one that this lane has sent before (see [frames] identical)",
            )

    def note(self, camera_id: str, digest: int) -> None:
        """Remembers a picture, and forgets the oldest where there are too many."""
        if camera_id in self._newest or len(self._newest) < MOST_CAMERAS:
            self._newest[camera_id] = digest
        self._order.append(digest)
        self._known[digest] += 1
        if len(self._order) > self._capacity:
            oldest = self._order.popleft()
            self._known[oldest] -= 1
            if not self._known[oldest]:
                del self._known[oldest]


class LaneMemory:
    """What a lane remembers of its frames: their bytes as they came, and their pixels where they were looked at.

    `lock` is held around every use: pixels are known in the thread that looks, and a passage that was cut short may
    still be looking when the next one begins.
    """

    def __init__(self, capacity: int) -> None:
        self.lock = threading.Lock()
        self.files = PictureMemory(capacity)
        self.pixels = PictureMemory(capacity)


class FrameGuard:
    """Checks the frames of one passage, and counts alarms. Thread-safe.

    Args:
        settings: what is asked of frames.
        memory: of the lane; used where pictures are known again from one passage to the next.
    """

    def __init__(self, settings: FrameSettings, memory: LaneMemory) -> None:
        self.nonce = secrets.token_bytes(NONCE_BYTES)
        self._settings = settings
        self._memory = memory if settings.identical == "lane" else LaneMemory(settings.remembered)
        self._sequence = -1
        self._captured_us: dict[str, int] = {}
        # Arrival less capture, of the frames that were accepted: least and most. The clocks' origins are in it.
        self._offsets_us: tuple[int, int] | None = None
        self._late = False
        self._refused: Counter[Code] = Counter()
        self.alarms = 0

    @property
    def tampered(self) -> bool:
        """Whether there were as many alarms as the settings allow."""
        return 0 < self._settings.alarms <= self.alarms

    @property
    def refused(self) -> dict[str, int]:
        """How many frames were refused, by code."""
        return {code.value: count for code, count in sorted(self._refused.items())}

    def check(self, frame: pb.Frame, arrived_s: float) -> None:
        """Takes a frame on; what it says is remembered only then.

        Args:
            frame: as it came.
            arrived_s: when, seconds on the engine's monotonic clock.

        Raises:
            FrameError: FRAME_NONCE, FRAME_OUT_OF_ORDER, FRAME_STALE, FRAME_CLOCK, FRAME_IDENTICAL, FRAME_REPLAYED; or
                FIELD_INVALID for one camera too many.
        """
        digest = _digest(frame.data)
        with self._memory.lock, self._counted():
            self._check_nonce(frame.nonce)
            self._check_order(frame)
            offsets_us = self._checked_offsets(round(arrived_s * 1e6) - frame.capture_time_us)
            self._meet(self._memory.files, frame.camera_id, digest)
            self._late = False
            self._sequence = frame.sequence
            self._captured_us[frame.camera_id] = frame.capture_time_us
            self._offsets_us = offsets_us

    def check_pixels(self, camera_id: str, picture: ImageBGR) -> None:
        """The same for the decoded picture (H, W, 3): a file that was packed anew shows the same pixels.

        Raises:
            FrameError: FRAME_IDENTICAL, FRAME_REPLAYED.
        """
        digest = _digest(picture.tobytes())
        with self._memory.lock, self._counted():
            self._meet(self._memory.pixels, camera_id, digest)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except FrameError as error:
            code = error.code
            self._refused[code] += 1
            if code in _ALARMING and not (code in _LATE and self._late):
                self.alarms += 1
            self._late = code in _LATE
            raise

    def _check_nonce(self, nonce: bytes) -> None:
        if not nonce and self._settings.nonce == "off":
            return
        if nonce != self.nonce:
            found = "another" if nonce else "none"
            raise FrameError(Code.FRAME_NONCE, f"expected the nonce that `accepted` gave; got {found}")

    def _check_order(self, frame: pb.Frame) -> None:
        if frame.sequence <= self._sequence:
            raise FrameError(
                Code.FRAME_OUT_OF_ORDER, f"expected a sequence above {self._sequence}; got {frame.sequence}"
            )
        # Only between frames of one camera: two cameras of a lane may overtake each other on the way.
        captured_us = self._captured_us.get(frame.camera_id)
        if captured_us is None and len(self._captured_us) >= MOST_CAMERAS:
            raise FrameError(Code.FIELD_INVALID, f"frame.camera_id: expected at most {MOST_CAMERAS} cameras a passage")
        if captured_us is not None and frame.capture_time_us <= captured_us:
            raise FrameError(
                Code.FRAME_OUT_OF_ORDER,
                f"expected a capture time above {captured_us} us; got {frame.capture_time_us} us",
            )

    def _checked_offsets(self, offset_us: int) -> tuple[int, int]:
        """Least and most offset with this frame.

        A frame is captured, then waits at most `max_lag_s`, then arrives. So all offsets of a passage lie within that
        of each other, whatever the clocks' origins; a recording that is played late, slowly or fast leaves it.
        """
        least_us, most_us = self._offsets_us or (offset_us, offset_us)
        lag_us = round(self._settings.max_lag_s * 1e6)
        if offset_us - least_us > lag_us:
            raise FrameError(
                Code.FRAME_STALE,
                f"expected a frame captured at most {self._settings.max_lag_s:g} s ago; "
                f"got one of {(offset_us - least_us) / 1e6:.3f} s",
            )
        if most_us - offset_us > lag_us:
            raise FrameError(
                Code.FRAME_CLOCK,
                f"expected a capture clock within {self._settings.max_lag_s:g} s of the frames' arrival; "
                f"it ran ahead by {(most_us - offset_us) / 1e6:.3f} s",
            )
        return min(least_us, offset_us), max(most_us, offset_us)

    def _meet(self, memory: PictureMemory, camera_id: str, digest: int) -> None:
        if self._settings.identical != "allow":
            memory.check(camera_id, digest)
            memory.note(camera_id, digest)


def _digest(data: bytes) -> int:
    """One number of 64 bits.

    Python's own hash of bytes: keyed anew in each process, and twice as fast as any of hashlib. Who finds two pictures
    with one hash gains nothing by it: the second is refused.
    """
    return hash(data)
