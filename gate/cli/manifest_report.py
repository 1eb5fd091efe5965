"""A manifest's report: what loads, what does not, and why; for people and for machines."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from gate.cli.safe import safe

if TYPE_CHECKING:
    from rich.console import Console

    from gate.client import LoadedLeg, LoadedMessage, LoadFinding, LoadReport
    from gate.engine.loading import PersonResult
    from gate.manifest.records import Leg, Manifest, Person

SHOWN = 40
"""People of a leg in the report; who has a problem is always among them."""

_GOOD = frozenset({"expected", "updated", "unchanged", "removed"})
_PHOTO = frozenset({"enrolled", "already_enrolled", "photo_refused"})
_WORDS = {
    "expected": "[green]new[/]",
    "updated": "[cyan]updated[/]",
    "unchanged": "[dim]known already[/]",
    "removed": "[yellow]removed[/]",
    "unknown": "[yellow]not known[/]",
    "not_loaded": "[red]not loaded[/]",
}
_FACES = {
    "enrolled": "[green]enrolled[/]",
    "already_enrolled": "[dim]enrolled already[/]",
    "photo_refused": "[red]refused[/]",
}
_COLOURS = {"error": "bold red", "warning": "yellow", "note": "dim"}


@dataclass(frozen=True, slots=True)
class Checked:
    """One file: its name, what was read here (for the names), and what became of it."""

    name: str
    manifest: Manifest
    report: LoadReport

    def person(self, result: PersonResult) -> Person | None:
        """Whom a result is about."""
        try:
            return self.manifest.messages[result.message_index].people[result.person_index]
        except IndexError:  # an engine of another version read it otherwise
            return None

    def leg(self, message: LoadedMessage, position: int) -> Leg | None:
        """The leg as it was read."""
        try:
            return self.manifest.messages[message.index].legs[position]
        except IndexError:
            return None


def print_report(console: Console, checked: Checked, *, everybody: bool, done: bool) -> None:
    """The report for a person. `done`: it was loaded, and not only checked."""
    from gate.cli.receipts import print_receipt

    report = checked.report
    names = {"paxlst": "UN/EDIFACT PAXLST", "csv": "CSV", "jsonl": "JSON Lines"}
    console.print(f"\n[bold]{safe(checked.name)}[/]  {names.get(report.summary.format, safe(report.summary.format))}")
    for message in report.messages:
        _print_message(console, checked, message, everybody=everybody)
    _print_findings(console, report.findings)
    for receipt in report.receipts:
        print_receipt(console, receipt)
    _print_summary(console, report, done=done)


def _print_message(console: Console, checked: Checked, message: LoadedMessage, *, everybody: bool) -> None:
    who = "crew" if message.crew else "passengers"
    stated = "" if message.stated in {None, message.named} else f", {message.stated} stated"
    refused = f", [red]{message.refused} cannot be read[/]" if message.refused else ""
    title = f"Message {safe(message.number) or message.index + 1}: {message.action.replace('_', ' ')}, {who}"
    console.print(f"\n[bold]{title}[/]  {message.named} named{stated}{refused}")
    if not message.applied:
        console.print("  [bold red]✗ changes nothing:[/] the findings below say why")
    results = [result for result in checked.report.people if result.message_index == message.index]
    flights = [leg.flight for leg in message.legs]
    for position, leg in enumerate(message.legs):
        _print_leg(console, leg, checked.leg(message, position))
        here = [result for result in results if result.flight == leg.flight]
        if here and leg.flight not in flights[position + 1 :]:  # legs of one number are one flight: its people once
            _print_people(console, checked, here, everybody=everybody)


def _print_leg(console: Console, leg: LoadedLeg, read: Leg | None) -> None:
    route = f"{safe(leg.origin or '?')} → {safe(leg.destination or '?')}"
    times = ""
    if read is not None:
        departs, arrives = _when(read.departure_local, read.departure), _when(read.arrival_local, read.arrival)
        times = f"  departs {departs}, arrives {arrives}"
    counts = [(leg.added, "new"), (leg.updated, "updated"), (leg.unchanged, "known already"), (leg.removed, "removed")]
    told = ", ".join(f"{number} {word}" for number, word in counts if number) or "nobody"
    if leg.code:
        from gate.manifest.findings import CATALOGUE, FindingCode

        meaning = CATALOGUE[FindingCode(leg.code)].meaning if leg.code in set(FindingCode) else ""
        state = f"[yellow]not loaded ({safe(leg.code)}):[/] {safe(meaning)}"
    else:
        until = f", kept until {leg.expires_at:%Y-%m-%d %H:%M} UTC" if leg.expires_at else ""
        state = f"[green]{told}[/]{until}"
    console.print(f"  [bold]{safe(leg.flight or 'unnamed')}[/]  {route}{times}", soft_wrap=True)
    console.print(f"    {state}", soft_wrap=True)


def _when(local: datetime | None, utc: datetime | None) -> str:
    if local is None:
        return "?"
    return f"{local:%d %b %H:%M} ({utc:%H:%M} UTC)" if utc else f"{local:%d %b %H:%M} (no UTC)"


def _print_people(console: Console, checked: Checked, results: list[PersonResult], *, everybody: bool) -> None:
    from rich.table import Table

    faces = {result.person_index: result for result in results if result.state in _PHOTO}
    people = [result for result in results if result.state not in _PHOTO]
    worst_first = sorted(people, key=lambda r: r.state in _GOOD and not _face_refused(faces.get(r.person_index)))
    kept = {id(result) for result in (people if everybody else worst_first[:SHOWN])}
    table = Table("Line", "Role", "Name", "Born", "Documents", "Seat", "State", "Face", box=None, header_style="dim")
    for result in people:
        if id(result) in kept:
            table.add_row(*_row(checked, result, faces.get(result.person_index)))
    console.print(table)
    if len(people) > len(kept):
        console.print(f"    [dim]… and {len(people) - len(kept)} more; --all shows them[/]")


def _face_refused(face: PersonResult | None) -> bool:
    return face is not None and face.state == "photo_refused"


def _row(checked: Checked, result: PersonResult, face: PersonResult | None) -> tuple[str, ...]:
    person = checked.person(result)
    state = _WORDS.get(result.state, safe(result.state))
    if face is not None:
        seen = _FACES.get(face.state, "") + (f" ({safe(face.code)})" if face.code else "")
    else:
        seen = _expected_face(person)
    if person is None:
        return str(result.line), "", safe(result.reference), "", "", "", state, seen
    name = f"{person.surname}, {person.given_names}" if person.given_names else person.surname
    documents = ", ".join(f"{d.kind} {d.number} {d.issuing_state}".strip() for d in person.documents)
    return (
        str(result.line),
        person.role.value.replace("_", " "),
        safe(name),
        str(person.birth_date or "?"),
        safe(documents) or "[yellow]none[/]",
        safe(person.seat),
        state,
        seen,
    )


def _expected_face(person: Person | None) -> str:
    if person is None:
        return ""
    if person.consent is False:
        return "[yellow]no consent[/]"
    if person.photo_data:
        return "inside"
    return f"[dim]{safe(person.photo)}[/]" if person.photo else "[dim]–[/]"


def _print_findings(console: Console, findings: list[LoadFinding]) -> None:
    from rich.table import Table

    if not findings:
        return
    table = Table("Line", "Segment", "", "Code", "What was found", box=None, header_style="dim", padding=(0, 1))
    for found in sorted(findings, key=lambda finding: (finding.line, finding.segment_number)):
        colour = _COLOURS[found.severity]
        where = f"{found.segment} #{found.segment_number}" if found.segment_number else found.segment
        severity = f"[{colour}]{found.severity.value}[/]"
        table.add_row(str(found.line or ""), safe(where), severity, safe(found.code), safe(found.message))
    console.print("\n[bold]Findings[/]")
    console.print(table)


def _print_summary(console: Console, report: LoadReport, *, done: bool) -> None:
    summary = report.summary
    loads = summary.added + summary.updated + summary.unchanged
    console.print()
    whole = not summary.errors
    mark = "[green]✓[/]" if whole else "[bold red]✗[/]"
    verb = "expected" if done else "would be expected"
    console.print(
        f"{mark} [bold]{loads} {verb}[/] ({summary.added} new, {summary.updated} updated, {summary.unchanged} known "
        f"already), {summary.removed} removed, {summary.refused} of the people cannot be read; "
        f"{summary.messages_applied} of {summary.messages} messages apply",
        soft_wrap=True,
    )
    gaps = [
        (summary.without_face, "without a face"),
        (summary.without_document, "without a document"),
        (summary.photos_missing, "photographs missing"),
        (summary.photos_refused, "photographs refused"),
        (summary.duplicates, "named twice"),
        (summary.lookalikes, "with a look-alike"),
    ]
    told = [f"{number} {word}" for number, word in gaps if number]
    faces = [f"{summary.enrolled} faces enrolled"] if done else []
    nothing = ["everybody has a face and a document"] if loads else []
    if gaps_and_faces := [*faces, *told] or nothing:
        console.print("  " + ", ".join(gaps_and_faces), soft_wrap=True)
    console.print(f"  [dim]{summary.errors} errors, {summary.warnings} warnings, {summary.notes} notes[/]")


def facts(checked: list[Checked]) -> dict[str, object]:
    """The report for machines; see docs/manifests.md."""
    return {
        "legs": [
            _leg_facts(one, message, position)
            for one in checked
            for message in one.report.messages
            for position in range(len(message.legs))
        ],
        "travellers": [_person_facts(one, result) for one in checked for result in one.report.people],
        "findings": [
            {
                "file": one.name,
                "line": found.line,
                "segment": found.segment,
                "segment_number": found.segment_number,
                "severity": found.severity.value,
                "code": str(found.code),
                "message": found.message,
            }
            for one in checked
            for found in one.report.findings
        ],
        "summaries": [{"file": one.name, **asdict(one.report.summary)} for one in checked],
    }


def _leg_facts(checked: Checked, message: LoadedMessage, position: int) -> dict[str, object]:
    leg, read = message.legs[position], checked.leg(message, position)
    return {
        "file": checked.name,
        "message": message.index,
        "action": message.action,
        "crew": message.crew,
        "applied": message.applied,
        "flight": leg.flight,
        "origin": leg.origin,
        "destination": leg.destination,
        "departure": _iso(read.departure if read else None),
        "arrival": _iso(read.arrival if read else None),
        "expires_at": _iso(leg.expires_at),
        "code": leg.code,
        "added": leg.added,
        "updated": leg.updated,
        "unchanged": leg.unchanged,
        "removed": leg.removed,
    }


def _person_facts(checked: Checked, result: PersonResult) -> dict[str, object]:
    person = checked.person(result)
    told: dict[str, object] = {
        "file": checked.name,
        "message": result.message_index,
        "line": result.line,
        "flight": result.flight,
        "reference": result.reference,
        "state": result.state.value,
        "code": result.code,
    }
    if person is None:
        return told
    return told | {
        "role": person.role.value,
        "surname": person.surname,
        "given_names": person.given_names,
        "birth_date": str(person.birth_date) if person.birth_date else None,
        "nationality": person.nationality,
        "seat": person.seat,
        "documents": [
            {
                "kind": document.kind,
                "number": document.number,
                "issuing_state": document.issuing_state,
                "expires": str(document.expires) if document.expires else None,
            }
            for document in person.documents
        ],
        "photo": person.photo,
        "consent": person.consent,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
