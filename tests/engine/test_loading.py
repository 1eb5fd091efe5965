"""Manifests into the gallery: who is expected afterwards, who is not, and what the integrator is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gate.audit.event import EventKind
from gate.audit.journal import Journal, MemoryJournal, SealedJournal
from gate.clock import Clock
from gate.engine.engine import Engine
from gate.engine.legs import LoadRules
from gate.engine.loader import ManifestLoader
from gate.engine.loading import PersonResult, PersonState, Summary
from gate.errors import Code, EnrolmentError
from gate.gallery.gallery import Gallery
from gate.gallery.memory import MemoryGallery
from gate.gallery.receipt import Receipt, Why
from gate.gallery.sealed import SealedGallery
from gate.gallery.traveller import Traveller
from gate.manifest.findings import Finding, FindingCode, Severity
from gate.manifest.records import Action, Document, Manifest, Message, Person, Reference, Role
from gate.storage.database import Database
from gate.storage.keys import MasterKey
from gate.vision.probe import Probe
from tests.engine.fakes import PACK, ScriptedVision, SetClock, photo
from tests.engine.messages import error, leg, manifest, message, person

Put = Callable[..., "Loaded"]


class Loaded:
    """What a load gave, all instalments together."""

    def __init__(self, loader: ManifestLoader, given: Manifest, photos: dict[str, bytes], *, dry_run: bool) -> None:
        load = loader.begin(given, "test", dry_run=dry_run)
        instalments = [*load.load(), *(load.photo(name, data) for name, data in photos.items()), load.finish()]
        self.findings: list[Finding] = [f for i in instalments for f in i.findings]
        self.messages = [m for i in instalments for m in i.messages]
        self.people: list[PersonResult] = [p for i in instalments for p in i.people]
        found = instalments[-1].summary
        assert found is not None
        self.summary: Summary = found

    @property
    def codes(self) -> set[FindingCode]:
        return {finding.code for finding in self.findings}

    @property
    def states(self) -> list[PersonState]:
        return [result.state for result in self.people]

    @property
    def receipts(self) -> list[Receipt]:
        return [receipt for result in self.messages for receipt in result.receipts]


class Place:
    """A gallery with a loader before it."""

    def __init__(self, clock: SetClock, rules: LoadRules, database: Database | None = None) -> None:
        self.clock = clock
        self.journal: Journal = MemoryJournal()
        rule = {"lookalike_similarity": 0.9, "max_retention": timedelta(hours=24)}
        self.gallery: Gallery
        if database is None:
            self.gallery = MemoryGallery(PACK, clock=clock, journal=self.journal, **rule)  # type: ignore[arg-type]
        else:
            self.journal = sealed = SealedJournal(database)
            self.gallery = SealedGallery(PACK, database, sealed, clock=clock, **rule)  # type: ignore[arg-type]
        self.vision = ScriptedVision()
        self.loader = ManifestLoader(self.gallery, self.embed, rules, clock)

    def embed(self, data: bytes) -> Probe:
        return self.vision.enrol_photo(data)[0]

    def load(self, *messages: Message, photos: dict[str, bytes] | None = None, dry_run: bool = False) -> Loaded:
        return Loaded(self.loader, manifest(*messages), photos or {}, dry_run=dry_run)

    def travellers(self, flight: str | None = None) -> list[Traveller]:
        return [t for segment in self.gallery.snapshot().segments(flight) for t in segment.travellers]

    def surnames(self, flight: str | None = None) -> list[str]:
        return sorted(t.particulars.surname for t in self.travellers(flight) if t.particulars)

    def faces(self) -> int:
        return self.gallery.describe(self.clock.utc(), None).templates


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(params=["memory", "sealed"])
def place(request: pytest.FixtureRequest, clock: SetClock, tmp_path: Path) -> Iterator[Place]:
    if request.param == "memory":
        yield Place(clock, LoadRules())
        return
    with Database.open(tmp_path / "egate.db", MasterKey.generate()) as database:
        yield Place(clock, LoadRules(), database)


def names(*numbers: int) -> list[str]:
    return [f"TESTER{number}" for number in numbers]


# --- lists ---------------------------------------------------------------------------------------------------------


def test_a_list_is_expected_with_faces_until_departure_and_policy(place: Place) -> None:
    out = leg(place.clock.now)
    loaded = place.load(message(out, person(1), person(2, photo_data=b""), stated=2))
    assert place.surnames(out.flight) == names(1, 2)
    assert place.faces() == 1
    assert {t.expires_at for t in place.travellers()} == {out.departure + timedelta(hours=4)}
    summary = loaded.summary
    assert (summary.added, summary.enrolled, summary.without_face, summary.stated) == (2, 1, 1, 2)
    assert loaded.states == [PersonState.EXPECTED, PersonState.EXPECTED, PersonState.ENROLLED]
    assert not loaded.findings


def test_the_same_message_twice_changes_nothing(place: Place) -> None:
    """A carrier repeats its messages: no duplicates, no new references, and the report says so."""
    given = message(leg(place.clock.now), person(1), person(2), person(3, documents=(), references=()))
    first = place.load(given)
    before = place.travellers()
    again = place.load(given)
    assert place.travellers() == before
    assert place.faces() == 3
    assert (again.summary.added, again.summary.updated, again.summary.unchanged) == (0, 0, 3)
    assert {r.reference for r in first.people} == {r.reference for r in again.people}
    assert again.states == [PersonState.UNCHANGED] * 3 + [PersonState.ALREADY_ENROLLED] * 3


def test_a_reference_says_nothing_about_the_person(place: Place) -> None:
    place.load(message(leg(place.clock.now), person(1)))
    (first,) = place.travellers()
    other = Place(place.clock, LoadRules())
    other.load(message(leg(place.clock.now), person(1)))
    assert first.reference != other.travellers()[0].reference


def test_a_message_that_cannot_be_used_changes_nothing_and_blocks_no_other(place: Place) -> None:
    out = leg(place.clock.now)
    bad = message(out, person(1), findings=(error(of_person=False),))
    loaded = place.load(bad, message(out, person(2), findings=(error(of_person=True),)))
    assert place.surnames() == names(2)
    assert [result.applied for result in loaded.messages] == [False, True]
    assert (loaded.summary.messages, loaded.summary.messages_applied, loaded.summary.refused) == (2, 1, 1)


def test_somebody_whose_flight_cannot_be_read_is_counted_as_left_out(place: Place) -> None:
    """A row without a usable flight is in no message: it must not vanish from the count."""
    whole = replace(manifest(message(leg(place.clock.now), person(1))), findings=(error(of_person=True),))
    assert Loaded(place.loader, whole, {}, dry_run=False).summary.refused == 1


def test_somebody_named_twice_is_one_person(place: Place) -> None:
    loaded = place.load(message(leg(place.clock.now), person(1), person(1, seat="12A")))
    assert place.surnames() == names(1)
    assert place.travellers()[0].particulars.seat == "12A"  # type: ignore[union-attr]
    assert (loaded.summary.added, loaded.summary.duplicates) == (1, 1)
    assert FindingCode.PERSON_REPEATED in loaded.codes


def test_a_family_on_one_carrier_reference_stays_a_family(place: Place) -> None:
    """Some carriers put the booking's reference where the person's belongs."""
    shared = person(1).references
    place.load(message(leg(place.clock.now), person(1), person(2, references=shared), person(3, references=shared)))
    assert place.surnames() == names(1, 2, 3)


def test_a_child_in_a_parents_passport_is_not_the_parent(place: Place) -> None:
    passport = person(1).documents
    place.load(message(leg(place.clock.now), person(1), person(2, documents=passport, given_names="KIM")))
    assert place.surnames() == names(1, 2)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param({"documents": (Document("P", "NEW1", "UTO"),)}, True, id="new passport, same carrier reference"),
        pytest.param({"references": (), "surname": "CORRECTED"}, True, id="name put right, same passport"),
        pytest.param({"references": (), "documents": (Document("P", "X0000001", ""),)}, True, id="no issuing state"),
        pytest.param({"references": (), "documents": ()}, True, id="name and birth date only"),
        pytest.param({"references": (), "documents": (Document("P", "NEW1"),)}, False, id="another passport"),
        pytest.param({"references": (), "documents": (Document("P", "X0000001", "XXB"),)}, False, id="other state"),
    ],
)
def test_identity_within_a_flight(place: Place, change: dict[str, object], same: bool) -> None:
    out = leg(place.clock.now)
    place.load(message(out, person(1)))
    (before,) = place.travellers()
    place.load(message(out, person(1, **change)))
    references = {t.reference for t in place.travellers()}
    assert before.reference in references
    assert len(references) == (1 if same else 2)


def test_the_same_person_on_two_flights_has_one_reference(place: Place) -> None:
    first, second = leg(place.clock.now), leg(place.clock.now, "505", hours=5)
    place.load(message(first, person(1)))
    place.load(message(second, person(1, references=())))
    place.load(message(leg(place.clock.now, "507", hours=6), person(1, documents=())))
    assert len(place.travellers()) == 3
    assert len({t.reference for t in place.travellers()}) == 1


def test_an_update_keeps_the_face_and_what_it_does_not_mention(place: Place) -> None:
    out = leg(place.clock.now)
    place.load(message(out, person(1, seat="1A")))
    loaded = place.load(message(out, person(1, photo_data=b"", documents=()), action=Action.CHANGE))
    (known,) = place.travellers()
    assert place.faces() == 1
    assert [document.number for document in known.documents] == ["X0000001"]
    assert known.particulars is not None
    assert known.particulars.seat == "1A"
    assert loaded.summary.unchanged == 1


def test_what_a_boarding_pass_may_have_in_common_with_a_traveller_is_kept(place: Place) -> None:
    """A record locator that no pass can have would contradict every pass of theirs."""
    references = (Reference("AVF", "abc123"),)
    out = leg(place.clock.now)
    place.load(message(out, person(1, references=references, sequence="7"), person(2, references=references)))
    place.load(message(out, person(1), person(3, references=(Reference("AVF", "ABC123/ZZ"),)), action=Action.CHANGE))
    kept = {t.particulars.surname: (t.particulars.record_locator, t.particulars.sequence) for t in place.travellers()}  # type: ignore[union-attr]
    assert kept == {"TESTER1": ("ABC123", "7"), "TESTER2": ("ABC123", ""), "TESTER3": ("", "")}


def test_a_change_without_people_moves_the_expiry_and_keeps_faces(place: Place) -> None:
    """A delay: the flight's new departure decides how long its people are kept."""
    out = leg(place.clock.now)
    place.load(message(out, person(1), person(2)))
    late = replace(out, departure=out.departure + timedelta(hours=3))  # type: ignore[operator]
    loaded = place.load(message(late, action=Action.CHANGE))
    assert {t.expires_at for t in place.travellers()} == {late.departure + timedelta(hours=4)}  # type: ignore[operator]
    assert (loaded.summary.updated, place.faces()) == (2, 2)
    assert place.load(message(late, action=Action.CHANGE)).summary.unchanged == 2


def test_a_change_of_somebody_not_known_adds_and_reports(place: Place) -> None:
    loaded = place.load(message(leg(place.clock.now), person(1), action=Action.CHANGE))
    assert place.surnames() == names(1)
    assert FindingCode.PERSON_NOT_KNOWN in loaded.codes


# --- legs and time -------------------------------------------------------------------------------------------------


def progressive(clock: Clock, *, one_number: bool = True) -> tuple[object, ...]:
    now = clock.utc()
    numbers = ("830", "830") if one_number else ("830", "832")
    return (
        leg(now, numbers[0], "HKG", "YVR", hours=-6, fly_h=7),
        leg(now, numbers[1], "YVR", "JFK", hours=3, fly_h=5),
    )


@pytest.mark.parametrize("one_number", [True, False])
def test_a_passenger_is_on_the_legs_between_embarkation_and_debarkation(clock: SetClock, one_number: bool) -> None:
    """At YVR: who ends here is kept by the arrival, who boards here by the departure, who passes through by both."""
    place = Place(clock, LoadRules(port="YVR"))
    legs = progressive(clock, one_number=one_number)
    ends = person(1, embarkation="HKG", debarkation="YVR")
    boards = person(2, embarkation="YVR", debarkation="JFK")
    through = person(3, embarkation="HKG", debarkation="JFK")
    loaded = place.load(message(legs, ends, boards, through))  # type: ignore[arg-type]
    until = {t.particulars.surname: t.expires_at for t in sorted(place.travellers(), key=lambda t: t.expires_at)}  # type: ignore[union-attr]
    arrival, departure = clock.now + timedelta(hours=1 + 4), clock.now + timedelta(hours=3 + 4)
    assert until == {"TESTER1": arrival, "TESTER2": departure, "TESTER3": departure}
    assert loaded.summary.added == (3 if one_number else 4)
    assert loaded.summary.duplicates == 0
    assert len({t.reference for t in place.travellers()}) == 3


def test_only_legs_that_touch_the_port_are_loaded(clock: SetClock) -> None:
    place = Place(clock, LoadRules(port="JFK"))
    legs = progressive(clock, one_number=False)
    loaded = place.load(message(legs, person(1)))  # type: ignore[arg-type]
    assert [t.flight for t in place.travellers()] == ["CX0832/2026-11-22"]
    assert FindingCode.LEG_ELSEWHERE in loaded.codes
    assert loaded.messages[0].legs[0].plan.code is FindingCode.LEG_ELSEWHERE


def test_a_leg_that_is_over_is_reported_and_hurts_no_other(place: Place) -> None:
    past, future = leg(place.clock.now, hours=-5), leg(place.clock.now, "505")
    loaded = place.load(message(past, person(1)), message(future, person(2)))
    assert place.surnames() == names(2)
    assert loaded.people[0].state is PersonState.NOT_LOADED
    assert loaded.people[0].code == FindingCode.LEG_PAST
    assert [f.severity for f in loaded.findings if f.code is FindingCode.LEG_PAST] == [Severity.ERROR]


@pytest.mark.parametrize(
    ("hours", "severity"), [(21, Severity.NOTE), (30, Severity.WARNING)], ids=["after departure", "before departure"]
)
def test_nobody_is_kept_beyond_the_cap(place: Place, hours: float, severity: Severity) -> None:
    loaded = place.load(message(leg(place.clock.now, hours=hours), person(1)))
    assert {t.expires_at for t in place.travellers()} == {place.clock.now + timedelta(hours=24)}
    (capped,) = [f for f in loaded.findings if f.code is FindingCode.RETENTION_CAPPED]
    assert capped.severity is severity
    assert ("Send it again" in capped.message) == (severity is Severity.WARNING)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"departure": None}, FindingCode.LEG_TIME_UNKNOWN),
        ({"number": ""}, FindingCode.LEG_UNNAMED),
        ({"departure_local": None, "arrival_local": None}, FindingCode.LEG_UNNAMED),
    ],
)
def test_a_leg_without_time_or_name_is_not_loaded(place: Place, change: dict[str, object], code: FindingCode) -> None:
    out = replace(leg(place.clock.now), **change)  # type: ignore[arg-type]
    loaded = place.load(message(out, person(1)))
    assert not place.travellers()
    assert code in loaded.codes


def test_a_journey_that_does_not_fit_the_legs_is_reported_and_loaded(place: Place) -> None:
    loaded = place.load(message(leg(place.clock.now), person(1, embarkation="SIN")))
    assert place.surnames() == names(1)
    assert FindingCode.ROUTE_UNKNOWN in loaded.codes


# --- cancellations and close-outs ----------------------------------------------------------------------------------


def test_a_cancellation_removes_those_named(place: Place) -> None:
    out = leg(place.clock.now)
    place.load(message(out, person(1), person(2)))
    loaded = place.load(message(out, person(2), person(9), action=Action.CANCEL))
    assert place.surnames() == names(1)
    assert loaded.states == [PersonState.REMOVED, PersonState.UNKNOWN]
    assert (loaded.summary.removed, loaded.receipts[0].why, loaded.receipts[0].complete) == (1, Why.CANCELLED, True)
    assert loaded.receipts[0].journal_position


def test_a_cancellation_without_people_removes_the_list_of_its_kind(place: Place) -> None:
    out = leg(place.clock.now)
    place.load(message(out, person(1), person(2)), message(out, person(3, role=Role.CREW), crew=True))
    loaded = place.load(message(out, action=Action.CANCEL))
    assert place.surnames() == names(3)
    assert loaded.summary.removed == 2


@pytest.mark.parametrize(
    "changes", [{"stated": 2}, {"findings": (error(of_person=True),)}, {"part": 2}], ids=["count", "unread", "part"]
)
def test_a_cancellation_whose_people_could_not_be_read_cancels_nobody(place: Place, changes: dict[str, object]) -> None:
    out = leg(place.clock.now)
    place.load(message(out, person(1)))
    loaded = place.load(message(out, action=Action.CANCEL, **changes))
    assert place.surnames() == names(1)
    assert FindingCode.LIST_INCOMPLETE in loaded.codes


@pytest.mark.parametrize("action", [Action.CLOSE, Action.ON_BOARD, Action.NOT_ON_BOARD])
def test_a_close_out_at_departure_destroys_the_flight(clock: SetClock, action: Action) -> None:
    place = Place(clock, LoadRules(port="HKG"))
    out, other = leg(clock.now), leg(clock.now, "505")
    place.load(message(out, person(1), person(2)), message(other, person(3)))
    loaded = place.load(message(out, person(1), action=action))
    assert place.surnames() == names(3)
    (receipt,) = loaded.receipts
    assert (receipt.why, receipt.flight, receipt.travellers, receipt.complete) == (
        Why.FLIGHT_CLOSED,
        out.flight,
        2,
        True,
    )


def test_a_close_out_at_the_origin_does_not_destroy_who_is_about_to_arrive(clock: SetClock) -> None:
    place = Place(clock, LoadRules(port="JFK"))
    inbound = leg(clock.now, fly_h=5)
    place.load(message(inbound, person(1), person(2), person(3)))
    assert FindingCode.CLOSED_ELSEWHERE in place.load(message(inbound, action=Action.CLOSE)).codes
    place.load(message(inbound, person(2), action=Action.NOT_ON_BOARD))
    assert place.surnames() == names(1, 3)
    loaded = place.load(message(inbound, person(3), person(4), action=Action.ON_BOARD))
    assert place.surnames() == names(3, 4)
    assert loaded.receipts[0].why is Why.NOT_ON_BOARD


def test_on_board_does_not_remove_who_boards_here_under_the_same_number(clock: SetClock) -> None:
    """One number over two legs is one flight in the gallery; its first departure knows nobody who joins later."""
    place = Place(clock, LoadRules(port="YVR"))
    legs = progressive(clock)
    boards = person(2, embarkation="YVR", debarkation="JFK")
    place.load(message(legs, person(1, embarkation="HKG", debarkation="YVR"), boards))  # type: ignore[arg-type]
    arrived = person(3, embarkation="HKG", debarkation="YVR")
    place.load(message(legs[0], arrived, action=Action.ON_BOARD))  # type: ignore[arg-type]
    assert place.surnames() == names(2, 3)


def test_on_board_in_parts_removes_only_when_every_part_has_come(clock: SetClock) -> None:
    place = Place(clock, LoadRules(port="JFK"))
    inbound = leg(clock.now, fly_h=5)
    place.load(message(inbound, *(person(n) for n in range(1, 5))))

    def part(number: int, *people: Person, last: bool = False) -> Message:
        return message(inbound, *people, action=Action.ON_BOARD, part=number, last_part=last)

    gap = place.load(part(1, person(1)), part(3, person(3), last=True))
    assert place.surnames() == names(1, 2, 3, 4)
    assert FindingCode.LIST_INCOMPLETE in gap.codes
    place.load(part(1, person(1)), part(2, person(2), last=True))
    assert place.surnames() == names(1, 2)


def test_on_board_with_somebody_unreadable_removes_nobody(clock: SetClock) -> None:
    place = Place(clock, LoadRules(port="JFK"))
    inbound = leg(clock.now, fly_h=5)
    place.load(message(inbound, person(1), person(2)))
    loaded = place.load(message(inbound, person(1), action=Action.ON_BOARD, findings=(error(of_person=True),)))
    assert place.surnames() == names(1, 2)
    assert FindingCode.LIST_INCOMPLETE in loaded.codes


def test_without_destruction_at_close_the_named_leave_and_expiry_does_the_rest(clock: SetClock) -> None:
    place = Place(clock, LoadRules(port="HKG", destroy_on_close=False))
    out = leg(clock.now)
    place.load(message(out, person(1), person(2), person(3)))
    boarded = place.load(message(out, person(1), action=Action.ON_BOARD))
    missed = place.load(message(out, person(2), action=Action.NOT_ON_BOARD))
    assert place.surnames() == names(3)
    assert [loaded.receipts[0].why for loaded in (boarded, missed)] == [Why.BOARDED, Why.NOT_ON_BOARD]


def test_who_boarded_leaves_the_departure_and_stays_at_the_arrival(clock: SetClock) -> None:
    out = leg(clock.now, fly_h=5)
    for port, expected in (("HKG", names(2)), ("JFK", names(1, 2))):
        place = Place(clock, LoadRules(port=port))
        place.load(message(out, person(1), person(2)))
        place.load(message(out, person(1), action=Action.BOARDED))
        assert place.surnames() == expected


def test_a_crew_close_out_leaves_the_passengers(clock: SetClock) -> None:
    place = Place(clock, LoadRules(port="HKG"))
    out = leg(clock.now)
    place.load(message(out, person(1)), message(out, person(2, role=Role.CREW), crew=True))
    place.load(message(out, action=Action.CLOSE, crew=True))
    assert place.surnames() == names(1)


# --- faces ---------------------------------------------------------------------------------------------------------


def test_photographs_find_their_people(place: Place) -> None:
    """By the manifest's name, by its stem, by document number, by carrier reference; not by a guess."""
    people = (
        person(1, photo_data=b"", photo="faces/One.JPG"),
        person(2, photo_data=b"", photo="two"),
        person(3, photo_data=b""),
        person(4, photo_data=b""),
        person(5, photo_data=b"", photo="five.jpg"),
    )
    photos = {
        "one.jpg": photo(1),
        "TWO.png": photo(2),
        "x0000003.jpg": photo(3),
        "cx830-4.jp2": photo(4),
        "stranger.jpg": photo(6),
    }
    loaded = place.load(message(leg(place.clock.now), *people), photos=photos)
    assert place.faces() == 4
    assert {FindingCode.PHOTO_UNCLAIMED, FindingCode.PHOTO_MISSING} <= loaded.codes
    assert (loaded.summary.enrolled, loaded.summary.photos_missing, loaded.summary.without_face) == (4, 1, 1)
    later = place.load(message(leg(place.clock.now), *people), photos={"five.jpg": photo(5)})
    assert (later.summary.enrolled, later.summary.photos_missing, place.faces()) == (1, 0, 5)


def test_a_photograph_that_cannot_be_used_is_told_and_blocks_nobody(place: Place) -> None:
    bad = person(1, photo_data=photo(1, fails="frame"))
    loaded = place.load(message(leg(place.clock.now), bad, person(2)))
    assert place.surnames() == names(1, 2)
    refused = next(result for result in loaded.people if result.state is PersonState.PHOTO_REFUSED)
    assert (refused.code, refused.line) == (Code.FRAME_TRUNCATED, 1)
    assert (loaded.summary.photos_refused, loaded.summary.enrolled) == (1, 1)


def test_without_consent_no_face_is_taken_on(place: Place) -> None:
    loaded = place.load(message(leg(place.clock.now), person(1, consent=False)))
    assert (place.surnames(), place.faces()) == (names(1), 0)
    assert loaded.people[-1].code == FindingCode.CONSENT_REFUSED
    assert FindingCode.CONSENT_REFUSED in loaded.codes


def test_withdrawn_consent_destroys_the_face_and_keeps_the_traveller(place: Place) -> None:
    out = leg(place.clock.now)
    place.load(message(out, person(1), person(2)))
    loaded = place.load(message(out, person(1, consent=False, photo_data=b""), action=Action.CHANGE))
    assert (place.surnames(), place.faces()) == (names(1, 2), 1)
    (receipt,) = loaded.receipts
    assert (receipt.why, receipt.templates, receipt.complete) == (Why.CONSENT_WITHDRAWN, 1, True)
    again = place.load(message(out, person(1, consent=False, photo_data=b""), action=Action.CHANGE))
    assert not again.receipts
    # Silence is no new consent.
    assert place.load(message(out, person(1))).summary.photos_refused == 1
    assert place.faces() == 1


def test_the_same_face_under_two_names_is_reported(place: Place) -> None:
    twin = person(2, photo_data=photo(1))
    loaded = place.load(message(leg(place.clock.now), person(1), twin, person(3)))
    assert loaded.summary.lookalikes == 2
    assert [f.line for f in loaded.findings if f.code is FindingCode.FACES_ALIKE] == [1, 2]


def test_a_photograph_of_somebody_withdrawn_meanwhile_does_not_bring_them_back(place: Place) -> None:
    load = place.loader.begin(manifest(message(leg(place.clock.now), person(1, photo_data=b"", photo="a"))), "test")
    assert [*load.load()]
    place.gallery.withdraw(place.travellers()[0].reference, None)
    (result,) = load.photo("a.jpg", photo(1)).people
    assert (result.state, result.code) == (PersonState.PHOTO_REFUSED, Code.TRAVELLER_UNKNOWN)
    assert not place.travellers()


# --- dry run, journal, concurrency -----------------------------------------------------------------------------------


def test_a_dry_run_says_the_same_and_changes_nothing(place: Place) -> None:
    out = leg(place.clock.now)
    messages = (
        message(out, person(1), person(2, photo="two.jpg", photo_data=b"")),
        message(out, person(1), action=Action.CANCEL),
        message(out, person(3), action=Action.CHANGE),
    )
    dry = place.load(*messages, photos={"two.jpg": b""}, dry_run=True)
    assert not place.travellers()
    assert dry.summary.dry_run
    wet = place.load(*messages, photos={"two.jpg": photo(2)})
    told = [(r.state, r.code) for r in wet.people if r.state is not PersonState.ENROLLED]
    assert [(r.state, r.code) for r in dry.people] == told
    assert (dry.summary.added, dry.summary.removed) == (wet.summary.added, wet.summary.removed) == (3, 1)
    assert dry.findings == wet.findings
    assert dry.summary.without_face == wet.summary.without_face


def test_a_load_is_journalled_without_anything_personal(place: Place) -> None:
    place.load(message(leg(place.clock.now), person(1)))
    entry = next(entry for entry in place.journal.entries() if entry.kind == EventKind.LOAD)
    assert (entry.facts["added"], entry.facts["flight"]) == (1, "CX0830/2026-11-22")
    text = str([*place.journal.entries()])
    assert not [secret for secret in ("TESTER1", "X0000001", "ALEX", "830-1") if secret in text]


def test_a_change_by_somebody_else_between_two_messages_is_seen(place: Place) -> None:
    """The loader remembers who is expected: a withdrawal behind its back must not leave it believing."""
    out = leg(place.clock.now)
    load = place.loader.begin(manifest(message(out, person(1)), message(out, person(1), person(2))), "test")
    instalments = load.load()
    next(instalments), next(instalments)
    place.gallery.withdraw(place.travellers()[0].reference, None)
    *_, last = instalments
    assert [result.state for result in last.people[:2]] == [PersonState.EXPECTED] * 2
    assert place.surnames() == names(1, 2)


def test_enrolling_by_hand_respects_the_manifests_refusal(engine_with_refusal: Engine) -> None:
    (known,) = [t for s in engine_with_refusal.gallery.snapshot().segments(None) for t in s.travellers]
    with pytest.raises(EnrolmentError) as refused:
        engine_with_refusal.enrol(known, photo(1))
    assert refused.value.code is Code.CONSENT_REFUSED


@pytest.fixture
def engine_with_refusal(clock: SetClock) -> Engine:
    from gate.settings import Settings
    from tests.decision.makers import CALIBRATION

    engine = Engine(Settings(), ScriptedVision(), CALIBRATION, clock=clock)
    Loaded(engine._loader, manifest(message(leg(clock.now), person(1, consent=False))), {}, dry_run=False)
    return engine


def test_after_a_restart_the_same_manifest_still_changes_nothing(clock: SetClock, tmp_path: Path) -> None:
    """Identity rests on what was sealed: a box that was switched off must know its travellers again."""
    key, given = MasterKey.generate(), message(leg(clock.now), person(1), person(2, documents=()))
    with Database.open(tmp_path / "egate.db", key) as database:
        first = Place(clock, LoadRules(), database).load(given)
    with Database.open(tmp_path / "egate.db", key) as database:
        place = Place(clock, LoadRules(), database)
        assert isinstance(place.gallery, SealedGallery)
        place.gallery.restore()
        again = place.load(given)
        assert (again.summary.unchanged, again.summary.added, place.faces()) == (2, 0, 2)
        assert {p.reference for p in first.people} == {p.reference for p in again.people}
