"""The watch list in one passage: every face that is compared with the travellers is also compared with it."""

from __future__ import annotations

from datetime import datetime

from gate.decision.calibration import Calibration
from gate.decision.policy import Policy
from gate.gallery.watchlist import WatchList
from gate.vision.probe import Probe


class Lookout:
    """Says of each probe of a passage whether it is of somebody on the watch list, and remembers whom it saw.

    Somebody who is not on the list is taken for one who is at `Policy.watchlist_fpir` a passage at most: each of its
    looks may spend an even part, over as many templates as are on the list. For one thread at a time.

    Attributes:
        pseudonym: of whom it saw, for the journal; empty: nobody. The lane is never told.
    """

    def __init__(self, watch_list: WatchList, policy: Policy, calibration: Calibration) -> None:
        self.pseudonym = ""
        self._watch_list = watch_list
        self._rate = policy.watchlist_fpir / policy.max_comparisons
        self._calibration = calibration

    def __call__(self, probe: Probe, now: datetime) -> bool:
        """Whether the probe is of somebody on the list, unexpired at `now` (UTC).

        Raises:
            GateError: PACK_MISMATCH, when another pack made the probe.
        """
        nearest = self._watch_list.nearest(probe, now)
        if nearest is None:
            return False
        threshold = self._calibration.threshold(probe.mask, self._rate, nearest.comparisons)
        if nearest.similarity < threshold.similarity:
            return False
        self.pseudonym = nearest.pseudonym
        return True
