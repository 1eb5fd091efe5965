"""The profiles that every engine knows: how a kind of lane decides, unless the settings say otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gate.decision.outcome import Outcome, Reason
from gate.decision.policy import Policy

_TO_AN_OFFICER = MappingProxyType(
    dict.fromkeys((Reason.NO_MATCH, Reason.AMBIGUOUS, Reason.LOW_QUALITY, Reason.NO_REFERENCE), Outcome.OFFICER)
)

PROFILES: Mapping[str, Policy] = MappingProxyType(
    {
        # An e-channel: the face first, a finger where it fails.
        "pedestrian": Policy(),
        # A vehicle lane: face and finger both, weighed together; the window and the light cost time.
        "vehicle": Policy(needs_both=True, budget_s=12.0, finger_budget_s=30.0),
        # Single-journey identity: the face alone opens one touchpoint after the other; what it cannot settle an officer
        # does, because documents and fingers were dealt with at check-in.
        "checkpoint": Policy(outcomes=_TO_AN_OFFICER),
        # A corridor (`LaneService.Watch`): nobody stops, so nobody can be asked for anything.
        "walk-through": Policy(budget_s=20.0, outcomes=_TO_AN_OFFICER),
    }
)
