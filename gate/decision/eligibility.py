"""May this traveller pass by themselves at all? Asked of whoever was recognised, before the gate opens."""

from __future__ import annotations

from datetime import date

from gate.decision.outcome import Reason
from gate.decision.policy import Policy
from gate.gallery.traveller import Traveller


def ineligible(traveller: Traveller, policy: Policy, today: date) -> Reason | None:
    """Why an officer must see the traveller; None when nothing speaks against.

    Args:
        today: at the gate, in its own time zone: documents expire and birthdays come at midnight there.
    """
    particulars = traveller.particulars
    if particulars is not None and particulars.face_consent is False:
        return Reason.NO_CONSENT
    if policy.check_document and _has_expired(traveller, today):
        return Reason.DOCUMENT_EXPIRED
    if policy.min_age is not None:
        born = particulars.birth_date if particulars is not None else None
        if born is None or age(born, today) < policy.min_age:
            return Reason.UNDER_AGE
    return None


def age(born: date, today: date) -> int:
    """Completed years. Who was born on 29 February is a year older on 1 March of other years."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _has_expired(traveller: Traveller, today: date) -> bool:
    """Every document is known to have expired. One that does not say may be valid."""
    documents = traveller.documents
    return bool(documents) and all(d.expires is not None and d.expires < today for d in documents)
