"""Frames of a passage only ever get newer."""

from __future__ import annotations

from gate.errors import Code, FrameError
from gate.service.pb import lane_pb2 as pb


class FrameOrder:
    """Remembers the newest frame of a passage."""

    def __init__(self) -> None:
        self._newest: pb.Frame | None = None

    def check(self, frame: pb.Frame) -> None:
        """Takes note of `frame`.

        The capture time must not run backwards either, but only between frames of one camera: two cameras of a
        lane may overtake each other on the way.

        Raises:
            FrameError: `FRAME_OUT_OF_ORDER`, when the frame is not newer than the newest before it.
        """
        newest = self._newest
        if newest is not None and frame.sequence <= newest.sequence:
            raise FrameError(
                Code.FRAME_OUT_OF_ORDER,
                f"expected a sequence above {newest.sequence}; got {frame.sequence}",
            )
        if (
            newest is not None
            and frame.camera_id == newest.camera_id
            and frame.capture_time_us < newest.capture_time_us
        ):
            raise FrameError(
                Code.FRAME_OUT_OF_ORDER,
                f"expected a capture time of at least {newest.capture_time_us} us; got {frame.capture_time_us} us",
            )
        # Without its picture: only the numbers are compared.
        self._newest = pb.Frame(
            sequence=frame.sequence, capture_time_us=frame.capture_time_us, camera_id=frame.camera_id
        )
