"""Loads manifests: one message at a time, each whole or not at all; then the photographs that come with them.

::

    ManifestLoader  (the engine's one)      who is expected, recognised; carries plans out, one at a time
      └─ begin() ─► ManifestLoad            one manifest: load() ─► photo() … ─► finish()
                       each gives Instalments: findings, results, in the end the Summary
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from gate.audit.event import Fact
from gate.clock import Clock
from gate.engine.legs import LegPlan, LoadRules, finding, plan_legs
from gate.engine.loading import LegCount, PersonResult, PersonState, Planned, Summary, lists_whole, plan_message
from gate.engine.photos import PhotoBook, Waiting
from gate.engine.roster import Key, Roster
from gate.errors import Code, InputError, NotFoundError
from gate.gallery.gallery import Change, Enrolment, Gallery
from gate.gallery.receipt import Receipt, Why
from gate.manifest.findings import CATALOGUE, Finding, FindingCode, Severity
from gate.manifest.records import Action, Manifest, Message, Person
from gate.vision.probe import Probe

Embed = Callable[[bytes], Probe]
"""Makes a template of a photograph, or raises InputError."""


@dataclass(frozen=True, slots=True)
class LegResult:
    """What a message did to the travellers of one leg."""

    plan: LegPlan
    count: LegCount


@dataclass(frozen=True, slots=True)
class MessageResult:
    """What became of one message.

    Attributes:
        index: in the manifest, from 0.
        applied: False: it changed nothing, because it is not usable.
        refused: people in it who cannot be used.
        journal_position: of the load, from 1; 0: nothing was applied.
        receipts: of the destructions that came of it.
    """

    index: int
    message: Message
    applied: bool
    legs: tuple[LegResult, ...]
    refused: int
    journal_position: int = 0
    receipts: tuple[Receipt, ...] = ()


@dataclass(frozen=True, slots=True)
class Instalment:
    """What became known since the one before."""

    findings: tuple[Finding, ...] = ()
    messages: tuple[MessageResult, ...] = ()
    people: tuple[PersonResult, ...] = ()
    messages_done: int = 0
    messages_total: int = 0
    photos_done: int = 0
    summary: Summary | None = None


@dataclass(frozen=True, slots=True)
class _Done:
    journal_position: int = 0
    receipts: tuple[Receipt, ...] = ()


class ManifestLoader:
    """Applies plans to the gallery, one after the other, and knows who is expected. Thread-safe."""

    def __init__(self, gallery: Gallery, embed: Embed, rules: LoadRules, clock: Clock) -> None:
        self.gallery = gallery
        self.embed = embed
        self.rules = rules
        self.clock = clock
        self._turn = threading.Lock()
        self._roster: Roster | None = None
        self._generation = -1

    def begin(self, manifest: Manifest, source: str, *, dry_run: bool = False) -> ManifestLoad:
        """Starts loading a manifest that was read. `source`: the caller's name for it, for the journal."""
        return ManifestLoad(self, manifest, source, self.roster() if dry_run else None)

    def roster(self) -> Roster:
        """Who is expected now, to plan with."""
        return Roster(t for segment in self.gallery.snapshot().segments(None) for t in segment.travellers)

    def enrol(self, key: Key, template: Probe, photo: bytes) -> Enrolment:
        """Adds a template to a traveller who is still expected.

        Raises:
            NotFoundError: TRAVELLER_UNKNOWN: withdrawn or expired since the message was applied.
            EnrolmentError: TEMPLATES_FULL.
        """
        reference, flight = key
        entries = self.gallery.snapshot().find_reference(reference, self.clock.utc(), flight)
        if not entries:
            raise NotFoundError(Code.TRAVELLER_UNKNOWN, "Not expected any more: withdrawn or expired in the meantime.")
        return self.gallery.enrol(entries[0].traveller, template, photo)

    def carry_out(
        self, plan: Callable[[Roster], Planned], facts: Callable[[Planned], dict[str, Fact]]
    ) -> tuple[Planned, _Done]:
        """Plans and applies one message while no other one is.

        Raises:
            EngineFault: the store failed; the message is not applied.
        """
        with self._turn:
            if self._roster is None or self.gallery.snapshot().generation != self._generation:
                before = self.gallery.snapshot().generation
                self._roster = self.roster()
                self._generation = before
            roster, self._roster = self._roster, None  # kept only when the plan was carried out
            planned = plan(roster)
            done, generation = self._apply(planned, roster, facts(planned))
            if generation is not None:
                self._roster, self._generation = roster, generation
            return planned, done

    def _apply(self, planned: Planned, roster: Roster, facts: dict[str, Fact]) -> tuple[_Done, int | None]:
        """Applies a plan; also the generation that the roster stands for, None when somebody else wrote meanwhile."""
        generation = self._generation
        receipts = list(self._withdraw_faces(planned, roster))
        change = Change(tuple(planned.put.values()), tuple(planned.remove), planned.why, facts)
        applied = self.gallery.apply(change)
        if applied.receipt is not None:
            receipts.append(applied.receipt)
        for flight in planned.close:
            try:
                receipts.append(self.gallery.close_flight(flight, Why.FLIGHT_CLOSED))
            except NotFoundError:
                continue  # nobody was expected: nothing to destroy
            for known in roster.on(flight):
                roster.remove((known.reference, flight))
        changed = bool(applied.added or applied.updated or applied.removed)
        expected = generation + len(receipts) - (applied.receipt is not None) + changed
        now = max([applied.generation, *(receipt.generation for receipt in receipts)])
        return _Done(applied.journal_position, tuple(receipts)), now if now == expected else None

    def _withdraw_faces(self, planned: Planned, roster: Roster) -> Iterator[Receipt]:
        now = self.clock.utc()
        for reference, flight in planned.faceless:
            entries = self.gallery.snapshot().find_reference(reference, now, flight)
            if any(len(entry.templates) for entry in entries):
                yield self.gallery.withdraw(reference, flight, Why.CONSENT_WITHDRAWN)
                expected = roster.get((reference, flight))
                if expected is not None:  # expected all the same, by document
                    planned.put[reference, flight] = expected


class ManifestLoad:
    """One manifest on its way into the gallery. For one thread at a time.

    Args:
        roster: for a load that changes nothing: who is expected, to plan with; None: apply.
    """

    def __init__(self, loader: ManifestLoader, manifest: Manifest, source: str, roster: Roster | None = None) -> None:
        self._loader = loader
        self._manifest = manifest
        self._source = source
        self._dry = roster
        self._book = PhotoBook()
        self._parts: dict[tuple[object, ...], dict[int, tuple[Person, ...] | None]] = {}
        self._summary = Summary(manifest.format.value, len(manifest.messages), dry_run=roster is not None)
        self._messages_done = self._photos_done = 0

    def load(self) -> Iterator[Instalment]:
        """Applies every message; an instalment each, and one before them for the file as such.

        Raises:
            EngineFault: the store or a model failed. Messages before stay applied.
        """
        findings = self._manifest.findings
        if not self._manifest.messages and not any(found.severity is Severity.ERROR for found in findings):
            findings = (*findings, finding(FindingCode.EMPTY, "There is no message to load."))
        self._summary.refused += _unreadable(findings)
        yield self._instalment(findings=findings)
        for index, message in enumerate(self._manifest.messages):
            yield self._message(index, message)

    def wants(self, name: str) -> bool:
        """Whether a photograph of that name is to be embedded: it shows somebody who consents."""
        return self._dry is None and any(waiting.consents for waiting in self._book.whose(name))

    def embed(self, photo: bytes) -> Probe:
        """A photograph's template. May run beside everything else, for several photographs at once.

        Raises:
            InputError: the photograph cannot be used; give it to `photo`.
            EngineFault: a model failed.
        """
        return self._loader.embed(photo)

    def photo(self, name: str, data: bytes, template: Probe | InputError | None = None) -> Instalment:
        """Enrols the people whom a photograph shows.

        Args:
            template: what `embed` gave or raised; None: embed it now.

        Raises:
            EngineFault: the store or a model failed.
        """
        self._photos_done += 1
        whose = self._book.whose(name)
        if not whose:
            text = f"{name!r} is named by nobody, and is no single person's document number or reference."
            return self._instalment(findings=(finding(FindingCode.PHOTO_UNCLAIMED, text),))
        return self._instalment(people=list(self._enrolled(whose, data, template)))

    def finish(self) -> Instalment:
        """What is missing, whose faces are alike, and the whole load in numbers."""
        findings = [*self._missing(), *self._alike()]
        self._summary.generation = self._loader.gallery.snapshot().generation
        self._summary.without_face = sum(self._is_expected(w) and not self._has_face(w) for w in self._book)
        instalment = self._instalment(findings=findings)
        return replace(instalment, summary=replace(self._summary))

    def _message(self, index: int, message: Message) -> Instalment:
        now = self._loader.clock.utc()
        legs = plan_legs(message, self._loader.rules, now)
        refused = _unreadable(message.findings)
        self._messages_done += 1
        self._count_message(message, refused)
        if not message.usable:
            empty = tuple(LegResult(leg, LegCount()) for leg in legs)
            result = MessageResult(index, message, applied=False, legs=empty, refused=refused)
            return self._instalment(findings=message.findings, messages=[result])
        planned, done = self._planned(index, message, legs, refused)
        counts = tuple(LegResult(leg, count) for leg, count in zip(legs, planned.counts, strict=True))
        result = MessageResult(index, message, True, counts, refused, done.journal_position, done.receipts)
        self._count_plan(planned)
        people = [*planned.results, *self._inline(index, message, planned)]
        return self._instalment(findings=[*message.findings, *planned.findings], messages=[result], people=people)

    def _planned(self, index: int, message: Message, legs: tuple[LegPlan, ...], refused: int) -> tuple[Planned, _Done]:
        everybody = self._everybody(message)

        def plan(roster: Roster) -> Planned:
            return plan_message(index, message, legs, roster, self._loader.rules, everybody=everybody)

        if self._dry is not None:
            planned = plan(self._dry)
            for flight in planned.close:
                for known in self._dry.on(flight):
                    self._dry.remove((known.reference, flight))
            return planned, _Done()
        return self._loader.carry_out(plan, lambda planned: self._facts(message, legs, planned, refused))

    def _facts(self, message: Message, legs: tuple[LegPlan, ...], planned: Planned, refused: int) -> dict[str, Fact]:
        flights = dict.fromkeys(leg.flight for leg in legs if leg.flight)
        return {
            "flight": ", ".join(flights)[:96],
            "format": self._manifest.format.value,
            "function": message.action.value,
            "source": self._source,
            "persons": len(message.people),
            "refused": refused,
            "unchanged": sum(count.unchanged for count in planned.counts),
        }

    def _everybody(self, message: Message) -> tuple[Person, ...] | None:
        """The people of a whole list, once every part of it was read."""
        people = message.people if lists_whole(message) else None
        if not message.part or message.action is not Action.ON_BOARD:
            return people
        flights = tuple(leg.flight for leg in message.legs)
        parts = self._parts.setdefault((message.sender, message.transaction, message.crew, flights), {})
        parts[message.part] = people if message.usable else None
        every = [parts.get(number) for number in range(1, message.part + 1)]
        if not message.last_part or any(part is None for part in every):
            return None
        everybody = tuple(person for part in every for person in part or ())
        return everybody if message.stated in {None, len(message.people), len(everybody)} else None

    def _inline(self, index: int, message: Message, planned: Planned) -> Iterator[PersonResult]:
        """Notes who waits for a photograph, and enrols those whose photograph the manifest itself holds."""
        for number, travellers in planned.expected.items():
            person = message.people[number]
            particulars = travellers[-1].particulars
            consents = particulars is None or particulars.face_consent is not False
            keys = tuple((traveller.reference, traveller.flight) for traveller in travellers)
            named = "" if particulars is None else particulars.photo
            waiting = self._book.add(Waiting(index, number, person.line, keys, consents, named), person)
            if person.photo_data:
                yield from self._enrolled((waiting,), person.photo_data)

    def _enrolled(
        self, whose: tuple[Waiting, ...], data: bytes, template: Probe | InputError | None = None
    ) -> Iterator[PersonResult]:
        may = [waiting for waiting in whose if waiting.consents]
        for waiting in whose:
            waiting.came = True
            if not waiting.consents:
                code = FindingCode.CONSENT_REFUSED
                yield from self._refused(waiting, code, CATALOGUE[code].meaning)
        if self._dry is not None or not may:
            return
        template = template or self._embedded(data)
        for waiting in may:
            if isinstance(template, InputError):
                yield from self._refused(waiting, template.code, template.message)
            else:
                yield from self._added(waiting, template, data)

    def _embedded(self, data: bytes) -> Probe | InputError:
        try:
            return self._loader.embed(data)
        except InputError as error:
            return error

    def _added(self, waiting: Waiting, template: Probe, photo: bytes) -> Iterator[PersonResult]:
        """The same template on every leg of one person."""
        enrolled = False
        for key in waiting.keys:
            try:
                done = self._loader.enrol(key, template, photo)
            except InputError as error:
                yield _result(waiting, key, PersonState.PHOTO_REFUSED, error.code, error.message)
                continue
            enrolled = True
            already = done is Enrolment.ALREADY_ENROLLED
            yield _result(waiting, key, PersonState.ALREADY_ENROLLED if already else PersonState.ENROLLED)
        self._summary.enrolled += enrolled
        self._summary.photos_refused += not enrolled

    def _refused(self, waiting: Waiting, code: str, message: str) -> Iterator[PersonResult]:
        self._summary.photos_refused += 1
        for key in waiting.keys:
            yield _result(waiting, key, PersonState.PHOTO_REFUSED, code, message)

    def _missing(self) -> Iterator[Finding]:
        for waiting in self._book:
            waits = waiting.named and waiting.consents and not waiting.came
            if waits and self._is_expected(waiting) and not self._has_face(waiting):
                self._summary.photos_missing += 1
                text = f"{waiting.named!r} did not come: expected by document or fingerprint only."
                yield finding(FindingCode.PHOTO_MISSING, text, waiting.line, of_person=True)

    def _alike(self) -> Iterator[Finding]:
        """Everybody of this load whose face is too close to somebody else's who is expected."""
        marks, now = self._loader.gallery.snapshot().lookalikes, self._loader.clock.utc()
        snapshot = self._loader.gallery.snapshot()
        for waiting in self._book if self._dry is None else ():
            reference = waiting.keys[0][0]
            others = [o for o in marks.of(reference) if snapshot.find_reference(o, now, None)]
            if others:
                self._summary.lookalikes += 1
                text = f"The face is too close to that of {', '.join(sorted(others))}."
                yield finding(FindingCode.FACES_ALIKE, text, waiting.line, of_person=True)

    def _is_expected(self, waiting: Waiting) -> bool:
        """Still, at the end of the manifest."""
        if self._dry is not None:
            return any(self._dry.get(key) for key in waiting.keys)
        snapshot, now = self._loader.gallery.snapshot(), self._loader.clock.utc()
        return any(snapshot.find_reference(reference, now, flight) for reference, flight in waiting.keys)

    def _has_face(self, waiting: Waiting) -> bool:
        snapshot, now = self._loader.gallery.snapshot(), self._loader.clock.utc()
        entries = (entry for ref, flight in waiting.keys for entry in snapshot.find_reference(ref, now, flight))
        return any(len(entry.templates) for entry in entries) or (self._dry is not None and waiting.came)

    def _count_message(self, message: Message, refused: int) -> None:
        summary = self._summary
        summary.messages_applied += message.usable
        summary.stated += message.stated or 0
        summary.named += len(message.people)
        summary.refused += refused
        summary.without_document += sum(not person.documents for person in message.people)

    def _count_plan(self, planned: Planned) -> None:
        summary = self._summary
        summary.duplicates += planned.duplicates
        for count in planned.counts:
            summary.added += count.added
            summary.updated += count.updated
            summary.unchanged += count.unchanged
            summary.removed += count.removed

    def _instalment(
        self,
        *,
        findings: tuple[Finding, ...] | list[Finding] = (),
        messages: list[MessageResult] | None = None,
        people: list[PersonResult] | None = None,
    ) -> Instalment:
        severities = Counter(found.severity for found in findings)
        self._summary.errors += severities[Severity.ERROR]
        self._summary.warnings += severities[Severity.WARNING]
        self._summary.notes += severities[Severity.NOTE]
        return Instalment(
            tuple(findings),
            tuple(messages or ()),
            tuple(people or ()),
            self._messages_done,
            len(self._manifest.messages),
            self._photos_done,
        )


def _result(waiting: Waiting, key: Key, state: PersonState, code: str = "", message: str = "") -> PersonResult:
    reference, flight = key
    return PersonResult(
        waiting.message_index, waiting.person_index, waiting.line, flight, reference, state, code, message
    )


def _unreadable(findings: Iterable[Finding]) -> int:
    """People who cannot be used, by the segments or rows that say so."""
    return len({f.segment_number for f in findings if f.of_person and f.severity is Severity.ERROR})
