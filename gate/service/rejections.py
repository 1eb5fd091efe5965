"""Keeps a broken camera from flooding the controller with refusals."""

from __future__ import annotations

BURST = 10
"""Refusals that may follow each other at once: enough to see what is wrong."""

PER_SECOND = 5.0
"""Refusals a second after that. All of them are counted in the decision."""


class RejectionRate:
    """A token bucket."""

    def __init__(self) -> None:
        self._tokens = float(BURST)
        self._last_s: float | None = None

    def allows(self, now_s: float) -> bool:
        """Whether one more refusal may be sent at `now_s`, seconds on the monotonic clock."""
        if self._last_s is not None:
            self._tokens = min(BURST, self._tokens + (now_s - self._last_s) * PER_SECOND)
        self._last_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
