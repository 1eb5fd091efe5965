"""The journal outlives the traveller: a personal field that slips into it cannot be destroyed any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gate.audit.event import FACTS, LONGEST_FACT, Event, EventKind, Fact
from gate.audit.pseudonym import pseudonym
from gate.storage.seal import Seal, new_key
from gate.telemetry.logs import WITHHELD

NOW = datetime(2026, 11, 22, tzinfo=UTC)

PERSONAL = {
    "surname", "given_names", "birth_date", "nationality", "sex", "contact", "seat", "carrier_reference", "particulars",
    "issuing_state", "expires",
} | WITHHELD - {"traveller"}  # fmt: skip


@pytest.mark.parametrize("kind", EventKind)
def test_no_kind_has_a_fact_that_describes_a_person(kind: EventKind) -> None:
    assert not FACTS[kind] & PERSONAL


@pytest.mark.parametrize("kind", EventKind)
def test_an_unknown_fact_is_refused_by_name_and_its_value_not_quoted(kind: EventKind) -> None:
    with pytest.raises(ValueError, match="surname") as refused:
        Event(kind, NOW, {"surname": "MUSTERMANN"})
    assert "MUSTERMANN" not in str(refused.value)


@pytest.mark.parametrize(
    "value",
    ["x" * (LONGEST_FACT + 1), "two\nlines", "\x1b[2J", float("nan"), float("inf"), b"bytes", ["list"], NOW],
)
def test_a_value_that_is_no_short_text_and_no_number_is_refused(value: Fact) -> None:
    with pytest.raises(ValueError, match="lane") as refused:
        Event(EventKind.DECISION, NOW, {"lane": value})
    assert "two" not in str(refused.value)


@pytest.mark.parametrize("at", [datetime(2026, 11, 22), NOW.astimezone(timezone(timedelta(hours=1)))])  # noqa: DTZ001
def test_a_time_that_is_not_utc_is_refused(at: datetime) -> None:
    with pytest.raises(ValueError, match="UTC"):
        Event(EventKind.STARTED, at)


def test_what_was_checked_cannot_be_changed_afterwards() -> None:
    facts: dict[str, Fact] = {"lane": "lane-1"}
    event = Event(EventKind.DECISION, NOW, facts)
    facts["surname"] = "MUSTERMANN"
    assert dict(event.facts) == {"lane": "lane-1"}


def test_a_pseudonym_is_the_same_for_the_same_traveller_of_a_flight_and_for_nobody_else() -> None:
    flight, other = Seal(new_key()), Seal(new_key())
    names = [pseudonym(flight, "ref-1"), pseudonym(flight, "ref-2"), pseudonym(other, "ref-1")]
    assert names[0] == pseudonym(flight, "ref-1")
    assert len(set(names)) == 3
    assert all(len(name) == 16 and int(name, 16) >= 0 for name in names)
