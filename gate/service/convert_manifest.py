"""Manifest messages to records of ours, checked, and back."""

from __future__ import annotations

from dataclasses import asdict

from gate.engine.legs import LegPlan
from gate.engine.loader import Instalment, LegResult, MessageResult
from gate.engine.loading import PersonResult
from gate.errors import Code, ProtocolError
from gate.manifest.findings import Finding
from gate.service import convert_gallery
from gate.service.checks import Checks
from gate.service.enums import PERSON_STATE_TO_WIRE, SEVERITY_TO_WIRE
from gate.service.pb import gallery_pb2 as pb

MAX_CHUNK_BYTES = 1 << 20
PHOTO_NAME_LENGTH = 255


def start(message: pb.ManifestStart) -> tuple[str, bool]:
    """The caller's name for the manifest, and whether nothing is to be changed.

    Raises:
        ProtocolError: `FIELD_INVALID`.
    """
    checks = Checks("start.")
    name = checks.name("name", message.name)
    _settle(checks)
    return name, message.dry_run


def photo(message: pb.ManifestPhoto) -> tuple[str, bytes]:
    """A photograph's name and bytes.

    Raises:
        ProtocolError: `FIELD_INVALID`.
    """
    checks = Checks("photo.")
    if not 0 < len(message.name) <= PHOTO_NAME_LENGTH or not message.name.isprintable():
        checks.fault("name", f"1 to {PHOTO_NAME_LENGTH} printable characters; got {len(message.name)}")
    _settle(checks)
    return message.name, message.data


def _settle(checks: Checks) -> None:
    if checks.violations:
        raise ProtocolError(Code.FIELD_INVALID, "The message is not as the protocol says.", *checks.violations)


def instalment(given: Instalment, received_bytes: int) -> pb.LoadManifestResponse:
    """What became known since the one before."""
    response = pb.LoadManifestResponse(
        findings=[finding(found) for found in given.findings],
        messages=[_message(result) for result in given.messages],
        people=[_person(result) for result in given.people],
        progress=pb.LoadProgress(
            bytes=received_bytes,
            messages_done=given.messages_done,
            messages=given.messages_total,
            photos_done=given.photos_done,
        ),
    )
    if given.summary is not None:
        response.summary.MergeFrom(pb.LoadSummary(**asdict(given.summary)))
    return response


def finding(found: Finding) -> pb.ManifestFinding:
    """One oddity."""
    return pb.ManifestFinding(
        line=found.line,
        segment=found.segment,
        segment_number=found.segment_number,
        severity=SEVERITY_TO_WIRE[found.severity],
        code=found.code.value,
        message=found.message,
        of_person=found.of_person,
    )


def _message(result: MessageResult) -> pb.MessageResult:
    message = result.message
    return pb.MessageResult(
        index=result.index,
        number=message.number,
        action=message.action.value,
        crew=message.crew,
        applied=result.applied,
        legs=[_leg(leg) for leg in result.legs],
        stated=message.stated,
        named=len(message.people),
        refused=result.refused,
        journal_position=result.journal_position,
        receipts=[convert_gallery.receipt(receipt) for receipt in result.receipts],
    )


def _leg(result: LegResult) -> pb.LegResult:
    plan, count = result.plan, result.count
    return pb.LegResult(
        flight=plan.flight,
        origin=plan.leg.origin,
        destination=plan.leg.destination,
        expires_at=None if plan.expires_at is None else convert_gallery.timestamp(plan.expires_at),
        code=_code(plan),
        added=count.added,
        updated=count.updated,
        unchanged=count.unchanged,
        removed=count.removed,
    )


def _code(plan: LegPlan) -> str:
    return plan.code.value if plan.code is not None else ""


def _person(result: PersonResult) -> pb.PersonResult:
    return pb.PersonResult(
        message_index=result.message_index,
        person_index=result.person_index,
        line=result.line,
        flight=result.flight,
        traveller_reference=result.reference,
        state=PERSON_STATE_TO_WIRE[result.state],
        code=result.code,
        message=result.message,
    )
