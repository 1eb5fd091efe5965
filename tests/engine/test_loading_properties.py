"""Any sequence of messages: loading never duplicates, never resurrects, and repeats without effect."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gate.engine.legs import LoadRules
from gate.engine.loading import PersonState
from gate.manifest.records import Action, Document, Message, Person, Role
from tests.engine.fakes import SetClock
from tests.engine.messages import leg, message, person
from tests.engine.test_loading import Place

NOW = SetClock().now
LEGS = (
    leg(NOW, "830", "HKG", "JFK", fly_h=5),
    leg(NOW, "505", "JFK", "LHR", hours=6, fly_h=4),
    leg(NOW, "830", "JFK", "YVR", hours=9, fly_h=3),
)


@st.composite
def people(draw: st.DrawFn) -> Person:
    number = draw(st.integers(1, 5))
    changes = {
        "photo_data": b"",
        "role": draw(st.sampled_from([Role.PASSENGER, Role.CREW])),
        "documents": draw(st.sampled_from([(), (Document("P", f"X{number:07d}", "UTO"),)])),
        "references": draw(st.sampled_from([(), person(number).references])),
        "consent": draw(st.sampled_from([None, None, False, True])),
        "embarkation": draw(st.sampled_from(["", "HKG", "JFK", "SIN"])),
        "seat": draw(st.sampled_from(["", "1A", "2B"])),
    }
    return person(number, **changes)


@st.composite
def messages(draw: st.DrawFn, actions: st.SearchStrategy[Action] = st.sampled_from(Action)) -> Message:  # noqa: B008
    legs = tuple(draw(st.lists(st.sampled_from(LEGS), min_size=1, max_size=3, unique_by=id)))
    named, action = draw(st.lists(people(), max_size=4)), draw(actions)
    if action is Action.BOARDED:
        # Named twice with different journeys, somebody would both leave and arrive here: that has no right answer.
        named = list({one.surname: one for one in named}.values())
    return message(legs, *named, action=action, crew=draw(st.booleans()))


rules = st.builds(LoadRules, port=st.sampled_from(["", "HKG", "JFK", "YVR"]), destroy_on_close=st.booleans())
SETTINGS = settings(max_examples=150, deadline=None)


@SETTINGS
@given(rules, st.lists(messages(), max_size=6))
def test_repeating_a_message_changes_nothing(how: LoadRules, given_messages: list[Message]) -> None:
    place = Place(SetClock(), how)
    for one in given_messages:
        place.load(one)
        before = place.travellers()
        again = place.load(one)
        assert place.travellers() == before
        # Who is named twice within one message may differ in what is told of them, and in nothing else.
        assert again.summary.added == again.summary.removed == 0


@SETTINGS
@given(rules, st.lists(messages(), max_size=6))
def test_nobody_is_expected_twice_and_references_are_one_a_person(
    how: LoadRules, given_messages: list[Message]
) -> None:
    place = Place(SetClock(), how)
    place.load(*given_messages)
    everybody = place.travellers()
    assert len({(t.reference, t.flight) for t in everybody}) == len(everybody)
    names = {(t.flight, t.particulars.surname, t.particulars.birth_date) for t in everybody if t.particulars}
    assert len(names) == len(everybody)
    cap = NOW.timestamp() + 24 * 3600
    assert all(NOW.timestamp() < t.expires_at.timestamp() <= cap for t in everybody)


@SETTINGS
@given(rules, st.lists(messages(), max_size=6))
def test_a_dry_run_foretells_the_load(how: LoadRules, given_messages: list[Message]) -> None:
    dry = Place(SetClock(), how)
    told = dry.load(*given_messages, dry_run=True)
    assert not dry.travellers()
    wet = Place(SetClock(), how).load(*given_messages)
    assert [(p.state, p.flight, p.code) for p in told.people] == [(p.state, p.flight, p.code) for p in wet.people]
    assert told.findings == wet.findings


@SETTINGS
@given(rules, st.lists(messages(), max_size=4), messages(st.just(Action.CANCEL)))
def test_who_is_cancelled_is_gone_from_the_legs_named(
    how: LoadRules, given_messages: list[Message], cancel: Message
) -> None:
    place = Place(SetClock(), how)
    place.load(*given_messages)
    done = place.load(cancel)
    left = {(t.reference, t.flight) for t in place.travellers()}
    removed = {(p.reference, p.flight) for p in done.people if p.state is PersonState.REMOVED}
    assert not left & removed
    assert all(receipt.complete for receipt in done.receipts)
