"""Gallery messages to records of ours, checked, and back."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf import timestamp_pb2

from gate.engine.recorded import Recorded
from gate.errors import Code, EnrolmentError, GateError, ProtocolError
from gate.gallery.gallery import GalleryDescription
from gate.gallery.receipt import Counts, Receipt, Why
from gate.gallery.traveller import TravelDocument, Traveller
from gate.service.checks import Checks
from gate.service.enums import WHY_TO_WIRE, WITHDRAWAL_FROM_WIRE
from gate.service.pb import gallery_pb2 as pb
from gate.service.status import public_text

MAX_DOCUMENTS = 8
"""Documents that a traveller may have."""


def traveller(message: pb.Traveller) -> Traveller:
    """An expected traveller.

    Raises:
        EnrolmentError: `FIELD_INVALID`, with every field at fault.
    """
    checks = Checks("traveller.")
    expires_at = utc(message.expires_at) if message.HasField("expires_at") else None
    if expires_at is None:
        checks.fault("expires_at", "a UTC time")
    if len(message.documents) > MAX_DOCUMENTS:
        checks.fault("documents", f"at most {MAX_DOCUMENTS}; got {len(message.documents)}")
    record = Traveller(
        reference=checks.reference("reference", message.reference),
        flight=checks.name("flight", message.flight, required=True),
        expires_at=expires_at or datetime.max.replace(tzinfo=UTC),
        documents=tuple(
            TravelDocument(
                number=checks.document_number(f"documents[{index}].number", document.number),
                issuing_state=checks.issuing_state(f"documents[{index}].issuing_state", document.issuing_state),
            )
            for index, document in enumerate(message.documents[:MAX_DOCUMENTS])
        ),
    )
    if checks.violations:
        wrong = "; ".join(f"{violation.field}: expected {violation.expected}" for violation in checks.violations)
        raise EnrolmentError(Code.FIELD_INVALID, wrong, *checks.violations)
    return record


def withdraw_request(message: pb.WithdrawRequest) -> tuple[str, str | None, Why]:
    """Whom to withdraw, from which flight (None: from every one), and why.

    Raises:
        ProtocolError: `FIELD_INVALID`, with every field at fault.
    """
    checks = Checks()
    reference = checks.reference("traveller_reference", message.traveller_reference)
    flight = checks.name("flight", message.flight)
    why = WITHDRAWAL_FROM_WIRE.get(message.reason)
    if message.reason == pb.WITHDRAWAL_REASON_UNSPECIFIED:
        why = Why.WITHDRAWN
    if why is None:
        checks.fault("reason", "one of WithdrawalReason")
    _settle(checks)
    return reference, flight or None, why or Why.WITHDRAWN


def flight_name(value: str, *, required: bool) -> str | None:
    """The flight that a request names; None for every flight.

    Raises:
        ProtocolError: `FIELD_INVALID`.
    """
    checks = Checks()
    flight = checks.name("flight", value, required=required)
    _settle(checks)
    return flight or None


def _settle(checks: Checks) -> None:
    if checks.violations:
        raise ProtocolError(Code.FIELD_INVALID, "The request is not as the protocol says.", *checks.violations)


def enrolled(index: int, reference: str, *, already: bool, eye_distance_px: float) -> pb.EnrolResult:
    """A photograph that became a template."""
    state = pb.ENROL_STATUS_ALREADY_ENROLLED if already else pb.ENROL_STATUS_ENROLLED
    return pb.EnrolResult(index=index, traveller_reference=reference, status=state, eye_distance_px=eye_distance_px)


def refused(index: int, reference: str, error: GateError) -> pb.EnrolResult:
    """A photograph that could not be used, and why."""
    return pb.EnrolResult(
        index=index,
        traveller_reference=reference,
        status=pb.ENROL_STATUS_REFUSED,
        code=error.code.value,
        message=public_text(error),
    )


def description(found: GalleryDescription) -> pb.DescribeResponse:
    """Who is expected, in numbers."""
    return pb.DescribeResponse(
        flights=[
            pb.FlightDescription(
                flight=flight.flight,
                travellers=flight.travellers,
                templates=flight.templates,
                first_expiry=timestamp(flight.first_expiry),
                last_expiry=timestamp(flight.last_expiry),
                without_template=flight.without_template,
                fingers=flight.fingers,
            )
            for flight in found.flights
        ],
        travellers=found.travellers,
        templates=found.templates,
        fingers=found.fingers,
        generation=found.generation,
        pack_id=found.pack_id,
    )


def withdrawal(done: Receipt) -> pb.WithdrawResponse:
    """What was removed."""
    return pb.WithdrawResponse(templates_removed=done.templates, generation=done.generation, receipt=receipt(done))


def closure(done: Receipt) -> pb.CloseFlightResponse:
    """What was removed."""
    return pb.CloseFlightResponse(
        travellers_removed=done.travellers,
        templates_removed=done.templates,
        templates_remaining=done.remaining,
        generation=done.generation,
        receipt=receipt(done),
    )


def recorded(done: Recorded) -> pb.RecordPassResponse:
    """What was recorded."""
    message = pb.RecordPassResponse(already=done.already, journal_position=done.journal_position)
    if done.receipt is not None:
        message.receipt.CopyFrom(receipt(done.receipt))
    return message


def receipt(done: Receipt) -> pb.Receipt:
    """A destruction, counted before and after."""
    return pb.Receipt(
        flight=done.flight or "",
        why=WHY_TO_WIRE[done.why],
        at=timestamp(done.at),
        generation=done.generation,
        places=[
            pb.PlaceCount(place=place.value, before=_counts(before), after=_counts(done.after[place]))
            for place, before in done.before.items()
        ],
        journal_position=done.journal_position,
        complete=done.complete,
    )


def _counts(counts: Counts) -> pb.Counts:
    return pb.Counts(
        travellers=counts.travellers,
        templates=counts.templates,
        photos=counts.photos,
        keys=counts.keys,
        fingers=counts.fingers,
        journeys=counts.journeys,
    )


def utc(stamp: timestamp_pb2.Timestamp) -> datetime | None:
    """A moment with the time zone UTC; None for one that no clock shows."""
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None  # before year 1 or after year 9999


def timestamp(moment: datetime) -> timestamp_pb2.Timestamp:
    """A moment with a time zone, on the wire."""
    stamp = timestamp_pb2.Timestamp()
    stamp.FromDatetime(moment)
    return stamp
