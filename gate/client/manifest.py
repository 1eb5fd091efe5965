"""What comes out of loading a manifest, as records; and what goes in."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gate.client.connection import ENVELOPE_BYTES, MAX_MESSAGE_BYTES
from gate.client.gallery import receipt
from gate.engine.loading import PersonResult, PersonState, Summary
from gate.errors import Code
from gate.gallery.receipt import Receipt
from gate.manifest.findings import Severity
from gate.service.convert_manifest import MAX_CHUNK_BYTES
from gate.service.enums import PERSON_STATE_FROM_WIRE, SEVERITY_FROM_WIRE
from gate.service.pb import gallery_pb2 as pb

Photos = Iterable[tuple[str, bytes]] | AsyncIterable[tuple[str, bytes]]
"""Name and bytes of each photograph: JPEG, PNG, JPEG 2000, or a passport chip's DG2."""


@dataclass(frozen=True, slots=True)
class LoadFinding:
    """One oddity. `code` is of docs/manifests.md; see `gate.manifest.findings.Finding` for the others."""

    line: int
    segment: str
    segment_number: int
    severity: Severity
    code: str
    message: str
    of_person: bool = False


@dataclass(frozen=True, slots=True)
class LoadedLeg:
    """What a message did to the travellers of one leg.

    Attributes:
        expires_at: UTC, when they are destroyed at the latest; None when the leg is not loaded.
        code: why it is not loaded; empty when it is.
    """

    flight: str
    origin: str
    destination: str
    expires_at: datetime | None
    code: str
    added: int
    updated: int
    unchanged: int
    removed: int


@dataclass(frozen=True, slots=True)
class LoadedMessage:
    """What became of one message.

    Attributes:
        index: in the manifest, from 0.
        stated: people that it says it names; None when it does not say.
        named, refused: people found who can be used, and who cannot.
        journal_position: of the load, from 1; 0: nothing was applied.
    """

    index: int
    number: str
    action: str
    crew: bool
    applied: bool
    legs: tuple[LoadedLeg, ...]
    stated: int | None
    named: int
    refused: int
    journal_position: int
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far a load is."""

    bytes: int
    messages_done: int
    messages: int
    photos_done: int


@dataclass(frozen=True, slots=True)
class LoadNews:
    """An instalment: what became known since the one before. `summary` stands in the last only."""

    findings: tuple[LoadFinding, ...]
    messages: tuple[LoadedMessage, ...]
    people: tuple[PersonResult, ...]
    progress: LoadProgress
    summary: Summary | None = None


@dataclass(slots=True)
class LoadReport:
    """A whole load: every instalment together."""

    findings: list[LoadFinding] = field(default_factory=list)
    messages: list[LoadedMessage] = field(default_factory=list)
    people: list[PersonResult] = field(default_factory=list)
    summary: Summary = field(default_factory=Summary)

    def add(self, given: LoadNews) -> None:
        """Takes an instalment in."""
        self.findings += given.findings
        self.messages += given.messages
        self.people += given.people
        self.summary = given.summary or self.summary

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """Of the destructions that came of it."""
        return tuple(receipt for message in self.messages for receipt in message.receipts)


def news(message: pb.LoadManifestResponse) -> LoadNews:
    """An instalment as it came."""
    progress = message.progress
    return LoadNews(
        findings=tuple(_finding(found) for found in message.findings),
        messages=tuple(_message(done) for done in message.messages),
        people=tuple(_person(person) for person in message.people),
        progress=LoadProgress(progress.bytes, progress.messages_done, progress.messages, progress.photos_done),
        summary=_summary(message.summary) if message.HasField("summary") else None,
    )


async def requests(
    data: bytes, photos: Photos, start: pb.ManifestStart, report: LoadReport
) -> AsyncIterator[pb.LoadManifestRequest]:
    """The messages that a load sends. A photograph too large to send is noted in `report`."""
    yield pb.LoadManifestRequest(start=start)
    for begin in range(0, len(data), MAX_CHUNK_BYTES):
        yield pb.LoadManifestRequest(chunk=data[begin : begin + MAX_CHUNK_BYTES])
    async for name, photo in photos if isinstance(photos, AsyncIterable) else _each(photos):
        if len(photo) > MAX_MESSAGE_BYTES - ENVELOPE_BYTES:
            text = f"{name}: expected at most {MAX_MESSAGE_BYTES - ENVELOPE_BYTES} bytes, found {len(photo)}; not sent."
            report.findings.append(LoadFinding(0, "", 0, Severity.WARNING, Code.FRAME_TOO_LARGE.value, text))
            continue
        yield pb.LoadManifestRequest(photo=pb.ManifestPhoto(name=name, data=photo))


async def _each(photos: Iterable[tuple[str, bytes]]) -> AsyncIterator[tuple[str, bytes]]:
    for photo in photos:
        yield photo


def _finding(found: pb.ManifestFinding) -> LoadFinding:
    # What a newer engine finds too grave for this client's words is grave.
    severity = SEVERITY_FROM_WIRE.get(found.severity, Severity.ERROR)
    return LoadFinding(
        found.line, found.segment, found.segment_number, severity, found.code, found.message, found.of_person
    )


def _message(done: pb.MessageResult) -> LoadedMessage:
    return LoadedMessage(
        index=done.index,
        number=done.number,
        action=done.action,
        crew=done.crew,
        applied=done.applied,
        legs=tuple(_leg(leg) for leg in done.legs),
        stated=done.stated if done.HasField("stated") else None,
        named=done.named,
        refused=done.refused,
        journal_position=done.journal_position,
        receipts=tuple(receipt(message) for message in done.receipts),
    )


def _leg(leg: pb.LegResult) -> LoadedLeg:
    expires_at = leg.expires_at.ToDatetime(tzinfo=UTC) if leg.HasField("expires_at") else None
    return LoadedLeg(
        leg.flight,
        leg.origin,
        leg.destination,
        expires_at,
        leg.code,
        leg.added,
        leg.updated,
        leg.unchanged,
        leg.removed,
    )


def _person(person: pb.PersonResult) -> PersonResult:
    return PersonResult(
        person.message_index,
        person.person_index,
        person.line,
        person.flight,
        person.traveller_reference,
        PERSON_STATE_FROM_WIRE.get(person.state, PersonState.NOT_LOADED),
        person.code,
        person.message,
    )


def _summary(message: pb.LoadSummary) -> Summary:
    return Summary(**{name: getattr(message, name) for name in Summary.__slots__})
