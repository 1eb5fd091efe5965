"""From one message of a manifest to what it changes in the gallery. Pure: looks at no clock, changes nothing.

::

    action         departs here (or no port)             arrives here
    list, change   named people are put; a change        the same
                   without people moves the expiry
    cancel         named people are removed; without people, the whole list
    boarded        named people are removed              named people are put
    close          flight destroyed                      nothing: they are about to arrive
    not_on_board   flight destroyed                      named people are removed
    on_board       flight destroyed                      named people are put, everybody else is removed

A close-out is about the departure of the message's first leg, so later legs are destroyed by their own or by expiry.
With ``destroy_on_close = false`` only the named people are removed at departure: on board or not, they pass no more.
A close-out of crew concerns crew only, and never destroys the flight.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from gate.engine.legs import End, LegPlan, LoadRules, finding, own_legs
from gate.engine.roster import ABO, Key, Roster, claimable, new_reference, record_locator
from gate.gallery.receipt import Why
from gate.gallery.traveller import Particulars, Traveller
from gate.manifest.findings import CATALOGUE, Finding, FindingCode, Severity
from gate.manifest.records import Action, Message, Person, Role

_CREW = frozenset({Role.CREW, Role.TRANSIT_CREW})
_CLOSING = frozenset({Action.CLOSE, Action.NOT_ON_BOARD, Action.ON_BOARD})


class PersonState(enum.StrEnum):
    """What happened to one person on one leg."""

    EXPECTED = "expected"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    UNKNOWN = "unknown"
    """Should have been removed, and was not expected."""
    NOT_LOADED = "not_loaded"
    ENROLLED = "enrolled"
    ALREADY_ENROLLED = "already_enrolled"
    PHOTO_REFUSED = "photo_refused"


@dataclass(frozen=True, slots=True)
class PersonResult:
    """What became of one person on one leg.

    Attributes:
        message_index: in the manifest, from 0. person_index: among the message's usable people, from 0.
        line: where the person begins.
        reference: the engine's name for them; empty when they are not expected.
        code: of a finding or an error, where something was not done; empty otherwise.
    """

    message_index: int
    person_index: int
    line: int
    flight: str
    reference: str
    state: PersonState
    code: str = ""
    message: str = ""


@dataclass(slots=True)
class Summary:
    """A whole load in numbers; people are counted once a leg. See `LoadSummary` on the wire."""

    format: str = ""
    messages: int = 0
    messages_applied: int = 0
    stated: int = 0
    named: int = 0
    refused: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    enrolled: int = 0
    photos_refused: int = 0
    photos_missing: int = 0
    without_document: int = 0
    without_face: int = 0
    duplicates: int = 0
    lookalikes: int = 0
    errors: int = 0
    warnings: int = 0
    notes: int = 0
    generation: int = 0
    dry_run: bool = False


@dataclass(slots=True)
class LegCount:
    """What a message does to the travellers of one leg."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0


@dataclass(slots=True)
class Planned:
    """What a message does.

    Attributes:
        put: travellers to add or bring up to date.
        remove: travellers to remove, and why.
        close: flights to destroy whole.
        faceless: of those put, who has said no to face verification: templates they may have must go.
        results: one entry a person and leg.
        expected: person -> the travellers that they are, on the legs that they are loaded on.
        counts: one entry a leg.
        duplicates: people named more than once.
    """

    put: dict[Key, Traveller] = field(default_factory=dict)
    remove: dict[Key, None] = field(default_factory=dict)
    why: Why = Why.CANCELLED
    close: list[str] = field(default_factory=list)
    faceless: list[Key] = field(default_factory=list)
    results: list[PersonResult] = field(default_factory=list)
    expected: dict[int, list[Traveller]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    counts: list[LegCount] = field(default_factory=list)
    duplicates: int = 0


def plan_message(
    index: int,
    message: Message,
    legs: tuple[LegPlan, ...],
    roster: Roster,
    rules: LoadRules,
    *,
    everybody: Iterable[Person] | None,
) -> Planned:
    """What a usable message does to the gallery.

    Args:
        index: of the message in the manifest, from 0.
        legs: as `gate.engine.legs.plan_legs` judged them.
        roster: who is expected. Brought up to date with what is planned, so that people named twice are recognised:
            throw it away when the plan is not carried out.
        everybody: the people of the whole list, over all parts of a split one; None while parts are missing or
            unreadable, and nobody may be concluded to be absent from it.
    """
    return _Planner(index, message, legs, roster, rules, everybody).plan()


def lists_whole(message: Message) -> bool:
    """Whether everybody whom the message names could be read: only then is who is not in it absent from the list."""
    unread = any(f.of_person and f.severity is Severity.ERROR for f in message.findings)
    # The parts of a split list state the people of the whole.
    return not unread and (bool(message.part) or message.stated in {None, len(message.people)})


class _Planner:
    def __init__(
        self,
        index: int,
        message: Message,
        legs: tuple[LegPlan, ...],
        roster: Roster,
        rules: LoadRules,
        everybody: Iterable[Person] | None,
    ) -> None:
        self._index = index
        self._message = message
        self._legs = legs
        self._roster = roster
        self._rules = rules
        self._everybody = everybody
        self._planned = Planned(counts=[LegCount() for _ in legs])
        self._counts = {id(leg): count for leg, count in zip(legs, self._planned.counts, strict=True)}
        self._named: dict[Key, int] = {}
        self._route_told = any(found.code is FindingCode.JOURNEY_OFF_LEGS for found in message.findings)

    def plan(self) -> Planned:
        action = self._message.action
        self._planned.findings += [leg.finding for leg in self._legs if leg.finding is not None and self._loads(leg)]
        if action is Action.CHANGE and not self._message.people and lists_whole(self._message):
            self._retime()
        elif action in {Action.LIST, Action.CHANGE}:
            self._each(lambda _leg: self._put)
        elif action is Action.CANCEL:
            self._cancel()
        elif action is Action.BOARDED:
            self._planned.why = Why.BOARDED
            self._each(lambda leg: self._put if leg.end is End.ARRIVAL else self._take)
        else:
            self._close()
        return self._planned

    def _loads(self, leg: LegPlan) -> bool:
        """Whether a leg's finding matters: a removal asks neither for a time nor for a place."""
        removes = self._message.action in {Action.CANCEL, Action.CLOSE, Action.NOT_ON_BOARD}
        return not removes or leg.code is FindingCode.LEG_UNNAMED

    def _each(self, work: Callable[[LegPlan], Callable[[int, Person, LegPlan], None]]) -> None:
        for number, person in enumerate(self._message.people):
            legs, fits = own_legs(person, self._legs)
            if not fits and not self._route_told:
                route = f"{person.embarkation or '?'}-{person.debarkation or '?'}"
                self._note(FindingCode.ROUTE_UNKNOWN, f"{route} does not fit the legs of the message.", person)
            for leg in _one_a_flight(legs):
                work(leg)(number, person, leg)

    def _put(self, number: int, person: Person, leg: LegPlan) -> None:
        if leg.expires_at is None:
            self._result(number, person, leg, "", PersonState.NOT_LOADED, leg.code)
            return
        known = self._roster.find(person, leg.flight)
        reference = known.reference if known else self._reference(number, person, leg)
        wanted = _traveller(person, leg, reference, known)
        key = (reference, leg.flight)
        if key in self._named:
            self._planned.duplicates += 1
            self._note(FindingCode.PERSON_REPEATED, "The same person stands above; this entry counts.", person)
        elif known is None and self._message.action is Action.CHANGE:
            self._note(FindingCode.PERSON_NOT_KNOWN, f"Not expected on {leg.flight} before; added.", person)
        state = self._state(leg, key, known, wanted)
        self._named.setdefault(key, number)
        self._roster.put(wanted)
        self._planned.expected.setdefault(number, []).append(wanted)
        if wanted.particulars and wanted.particulars.face_consent is False:
            self._planned.faceless.append(key)
            if known is None or person.consent is False:
                self._note(FindingCode.CONSENT_REFUSED, "No consent to face verification: no face is kept.", person)
        self._result(number, person, leg, reference, state)

    def _state(self, leg: LegPlan, key: Key, known: Traveller | None, wanted: Traveller) -> PersonState:
        """Counts what a put does; somebody named twice counts once."""
        count = self._counts[id(leg)]
        if known is None:
            self._planned.put[key] = wanted
            count.added += 1
            return PersonState.EXPECTED
        if known == wanted:
            count.unchanged += key not in self._named
            return PersonState.UNCHANGED
        self._planned.put[key] = wanted
        if key not in self._named:
            count.updated += 1
        return PersonState.UPDATED

    def _reference(self, number: int, person: Person, leg: LegPlan) -> str:
        """The person's own from another leg or flight, else a new one."""
        other = next((traveller.reference for traveller in self._planned.expected.get(number, ())), None)
        reference = other or self._known_on_later_leg(person, leg)
        reference = reference or self._roster.reference_elsewhere(person, leg.leg.carrier)
        if reference is None or self._roster.get((reference, leg.flight)) is not None:
            return new_reference()
        return reference

    def _known_on_later_leg(self, person: Person, leg: LegPlan) -> str | None:
        found = (self._roster.find(person, other.flight) for other in self._legs if other is not leg and other.flight)
        return next((known.reference for known in found if known is not None), None)

    def _take(self, number: int, person: Person, leg: LegPlan) -> None:
        known = self._roster.find(person, leg.flight) if leg.flight else None
        if known is None:
            if leg.end is not End.ELSEWHERE and leg.flight:
                self._note(FindingCode.PERSON_NOT_KNOWN, f"Not expected on {leg.flight}; nothing to remove.", person)
            self._result(number, person, leg, "", PersonState.UNKNOWN, FindingCode.PERSON_NOT_KNOWN)
            return
        self._drop(known, leg)
        self._result(number, person, leg, known.reference, PersonState.REMOVED)

    def _drop(self, known: Traveller, leg: LegPlan) -> None:
        key = (known.reference, known.flight)
        self._roster.remove(key)
        self._planned.remove[key] = None
        self._counts[id(leg)].removed += 1

    def _retime(self) -> None:
        """A change that names nobody is about the flight: its people are kept by the new times."""
        for leg in self._legs:
            if leg.expires_at is None or self._shared(leg):
                continue
            for known in self._same_kind(leg):
                count, key = self._counts[id(leg)], (known.reference, known.flight)
                if known.expires_at == leg.expires_at:
                    count.unchanged += 1
                    continue
                self._planned.put[key] = replace(known, expires_at=leg.expires_at)
                self._roster.put(self._planned.put[key])
                count.updated += 1

    def _cancel(self) -> None:
        if self._message.people:
            self._each(lambda _leg: self._take)
        elif self._message.part or not lists_whole(self._message):
            self._note(FindingCode.LIST_INCOMPLETE, "Nobody named could be read, so nobody was removed.")
        else:
            for leg in self._legs:
                for known in self._same_kind(leg):
                    self._drop(known, leg)

    def _close(self) -> None:
        action = self._message.action
        self._planned.why = Why.FLIGHT_CLOSED if self._message.crew else Why.NOT_ON_BOARD
        for leg in self._legs:
            departs = leg.first and leg.end is End.DEPARTURE
            if departs and self._rules.destroy_on_close and leg.flight and not self._shared(leg):
                self._destroy(leg)
            elif action is Action.NOT_ON_BOARD and leg.end is not End.ELSEWHERE:
                self._only(leg, self._take)
            elif action is Action.ON_BOARD and leg.first and leg.end is not End.ELSEWHERE:
                self._on_board(leg)
            else:
                self._note(FindingCode.CLOSED_ELSEWHERE, f"{leg.flight or 'A leg'}: nobody is removed.")

    def _destroy(self, leg: LegPlan) -> None:
        if not self._message.crew:
            self._planned.close.append(leg.flight)
            self._counts[id(leg)].removed += len(self._roster.on(leg.flight))
            return
        for known in self._same_kind(leg):
            self._drop(known, leg)

    def _on_board(self, leg: LegPlan) -> None:
        if leg.end is End.DEPARTURE:
            self._planned.why = Why.BOARDED
            self._only(leg, self._take)
            return
        self._planned.why = Why.NOT_ON_BOARD
        self._only(leg, self._put)
        if self._everybody is None:
            self._note(FindingCode.LIST_INCOMPLETE, f"{leg.flight}: who is not on board stays until expiry.")
            return
        stays = {known.reference for person in self._everybody if (known := self._roster.find(person, leg.flight))}
        for known in self._same_kind(leg):
            # Who is kept for longer than this leg asks for is expected on a later leg of the same number.
            if known.reference not in stays and leg.expires_at and known.expires_at <= leg.expires_at:
                self._drop(known, leg)

    def _only(self, leg: LegPlan, work: Callable[[int, Person, LegPlan], None]) -> None:
        for number, person in enumerate(self._message.people):
            if leg in own_legs(person, self._legs)[0]:
                work(number, person, leg)

    def _shared(self, leg: LegPlan) -> bool:
        """Whether people of this flight may still board here after this leg's departure (one number, several legs)."""
        return any(o.flight == leg.flight and o.end is not End.ELSEWHERE for o in self._legs if o is not leg)

    def _same_kind(self, leg: LegPlan) -> list[Traveller]:
        """Those of the flight whom a list like this one would name: crew or passengers, and from a manifest."""
        return [
            known
            for known in self._roster.on(leg.flight)
            if known.particulars is not None and known.particulars.role
            if (known.particulars.role in _CREW) == self._message.crew
        ]

    def _note(self, code: FindingCode, text: str, person: Person | None = None) -> None:
        line = person.line if person else 0
        self._planned.findings.append(finding(code, text, line, of_person=person is not None))

    def _result(
        self,
        number: int,
        person: Person,
        leg: LegPlan,
        reference: str,
        state: PersonState,
        code: FindingCode | None = None,
    ) -> None:
        meaning = CATALOGUE[code].meaning if code else ""
        self._planned.results.append(
            PersonResult(self._index, number, person.line, leg.flight, reference, state, code or "", meaning)
        )


def _one_a_flight(legs: tuple[LegPlan, ...]) -> list[LegPlan]:
    """Legs that bear one number and date are one flight in the gallery: of them the one that is kept longest.

    Legs elsewhere are only mentioned where there is no other.
    """
    here = [leg for leg in legs if leg.end is not End.ELSEWHERE] or list(legs)
    best: dict[str, LegPlan] = {}
    for position, leg in enumerate(here):
        name = leg.flight or f"#{position}"
        before = best.get(name)
        if before is None or _kept_until(leg) > _kept_until(before):
            best[name] = leg
    return list(best.values())


def _kept_until(leg: LegPlan) -> float:
    return leg.expires_at.timestamp() if leg.expires_at else 0.0


def _traveller(person: Person, leg: LegPlan, reference: str, known: Traveller | None) -> Traveller:
    """The person as expected on a leg. What the message leaves open stays as it was known."""
    if leg.expires_at is None:
        raise ValueError("expected a leg that is loaded")
    old = (known.particulars if known else None) or Particulars()
    particulars = replace(
        old,
        surname=person.surname or old.surname,
        given_names=person.given_names or old.given_names,
        birth_date=person.birth_date or old.birth_date,
        nationality=person.nationality or old.nationality,
        role=person.role.value,
        seat=person.seat or old.seat,
        record_locator=record_locator(person) or old.record_locator,
        sequence=person.sequence or old.sequence,
        carrier_reference=person.reference(ABO) or old.carrier_reference,
        face_consent=old.face_consent if person.consent is None else person.consent,
        photo=person.photo or old.photo,
    )
    documents = claimable(person.documents) or (known.documents if known else ())
    return Traveller(reference, leg.flight, leg.expires_at, documents, particulars)
