"""A policy that opens without a match is not a policy."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gate.decision.outcome import Outcome, Reason
from gate.decision.policy import Policy

OPENS = {Reason.MATCHED, Reason.FINGER_MATCHED}


def test_every_reason_has_an_outcome_and_only_a_match_opens() -> None:
    outcomes = {reason: Policy().outcome(reason) for reason in Reason}
    assert {reason for reason, outcome in outcomes.items() if outcome is Outcome.OPEN} == OPENS


@pytest.mark.parametrize("reason", [r for r in Reason if r not in OPENS])
def test_no_setting_makes_another_reason_open(reason: Reason) -> None:
    with pytest.raises(ValidationError, match="only a match opens"):
        Policy.model_validate({"outcomes": {reason: "open"}})


def test_an_authority_may_send_failures_to_an_officer() -> None:
    policy = Policy.model_validate({"outcomes": {"no_match": "officer"}})
    assert policy.outcome(Reason.NO_MATCH) is Outcome.OFFICER
    assert policy.outcome(Reason.AMBIGUOUS) is Outcome.FINGERPRINT


@pytest.mark.parametrize("reason", [Reason.WATCH_LISTED, Reason.REFERRED])
def test_whoever_is_on_the_watch_list_is_sent_to_an_officer_whatever_is_set(reason: Reason) -> None:
    """A lane that is told to take a finger opens by it, and the engine is not asked again."""
    with pytest.raises(ValidationError, match="watch list"):
        Policy.model_validate({"outcomes": {reason: "fingerprint"}})
