"""What comes out of the gallery calls, as records."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC

from gate.client.errors import known_code
from gate.engine.recorded import Recorded
from gate.errors import Code
from gate.fingerprint.advice import Advice
from gate.fingerprint.position import FingerPosition
from gate.fingerprint.sample import FingerSample
from gate.gallery.receipt import NOTHING, Counts, Place, Receipt, Why
from gate.gallery.traveller import FlightDescription, Traveller
from gate.service.convert_finger import finger_message
from gate.service.enums import FINGER_ADVICE_FROM_WIRE, FINGER_FROM_WIRE, WHY_FROM_WIRE
from gate.service.pb import gallery_pb2 as pb


class EnrolStatus(enum.StrEnum):
    """What happened to a photograph."""

    ENROLLED = "enrolled"
    ALREADY_ENROLLED = "already_enrolled"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class EnrolResult:
    """What became of one photograph.

    Attributes:
        index: position among the photographs sent, from 0.
        traveller_reference: whom it was for.
        status: what happened.
        code, message: why it was refused; None and empty otherwise.
        eye_distance_px: pixels; 0 where no face was found.
    """

    index: int
    traveller_reference: str
    status: EnrolStatus
    code: Code | None
    message: str
    eye_distance_px: float


@dataclass(frozen=True, slots=True)
class EnrolReport:
    """What became of the photographs, in the order in which they were sent."""

    results: tuple[EnrolResult, ...]

    @property
    def refused(self) -> tuple[EnrolResult, ...]:
        """Those that could not be used."""
        return tuple(result for result in self.results if result.status is EnrolStatus.REFUSED)

    @property
    def enrolled(self) -> int:
        """How many became templates, now or earlier."""
        return len(self.results) - len(self.refused)


@dataclass(frozen=True, slots=True)
class FingerEnrolled:
    """A finger that is enrolled.

    Attributes:
        already: the traveller had this very template; nothing changed.
        quality: of the image, 1 to 100; None for a minutiae record.
        advice: what would make another picture better, the most helpful first.
        minutiae: found.
        finger: which one, as stated or as the record says.
        extractor: what found the minutiae; only templates of one extractor are compared.
    """

    already: bool
    quality: int | None
    advice: tuple[Advice, ...]
    minutiae: int
    finger: FingerPosition
    extractor: str


@dataclass(frozen=True, slots=True)
class Expected:
    """Who is expected, in numbers. `generation` counts the changes to the gallery, `fingers` their templates."""

    flights: tuple[FlightDescription, ...]
    travellers: int
    templates: int
    generation: int
    pack_id: str
    fingers: int = 0


def enrol_request(traveller: Traveller, photo: bytes) -> pb.EnrolRequest:
    """One photograph of one traveller. `expires_at` must have a time zone."""
    message = pb.EnrolRequest(photo=photo)
    message.traveller.reference = traveller.reference
    message.traveller.flight = traveller.flight
    message.traveller.expires_at.FromDatetime(traveller.expires_at)
    message.traveller.documents.extend(
        pb.TravelDocument(number=document.number, issuing_state=document.issuing_state)
        for document in traveller.documents
    )
    return message


STATUS = {
    pb.ENROL_STATUS_ENROLLED: EnrolStatus.ENROLLED,
    pb.ENROL_STATUS_ALREADY_ENROLLED: EnrolStatus.ALREADY_ENROLLED,
}


def enrol_result(message: pb.EnrolResult, offset: int) -> EnrolResult:
    """One result; `offset` is the position of its batch."""
    return EnrolResult(
        index=offset + message.index,
        traveller_reference=message.traveller_reference,
        status=STATUS.get(message.status, EnrolStatus.REFUSED),
        code=known_code(message.code),
        message=message.message,
        eye_distance_px=message.eye_distance_px,
    )


def finger_request(traveller_reference: str, flight: str, sample: FingerSample) -> pb.EnrolFingerprintRequest:
    """One finger of one traveller."""
    fingerprint = finger_message(sample)
    return pb.EnrolFingerprintRequest(traveller_reference=traveller_reference, flight=flight, fingerprint=fingerprint)


def finger_enrolled(message: pb.EnrolFingerprintResponse) -> FingerEnrolled:
    """What became of it. Advice that this client does not know is left out."""
    return FingerEnrolled(
        already=message.already,
        quality=message.quality if message.HasField("quality") else None,
        advice=tuple(FINGER_ADVICE_FROM_WIRE[code] for code in message.advice if code in FINGER_ADVICE_FROM_WIRE),
        minutiae=message.minutiae,
        finger=FINGER_FROM_WIRE.get(message.finger, FingerPosition.UNKNOWN),
        extractor=message.extractor,
    )


def expected(message: pb.DescribeResponse) -> Expected:
    """Who is expected."""
    return Expected(
        flights=tuple(
            FlightDescription(
                flight=flight.flight,
                travellers=flight.travellers,
                templates=flight.templates,
                first_expiry=flight.first_expiry.ToDatetime(tzinfo=UTC),
                last_expiry=flight.last_expiry.ToDatetime(tzinfo=UTC),
                without_template=flight.without_template,
                fingers=flight.fingers,
            )
            for flight in message.flights
        ),
        travellers=message.travellers,
        templates=message.templates,
        generation=message.generation,
        pack_id=message.pack_id,
        fingers=message.fingers,
    )


def recorded(message: pb.RecordPassResponse) -> Recorded:
    """A pass by an officer's decision."""
    destroyed = receipt(message.receipt) if message.HasField("receipt") else None
    return Recorded(message.already, message.journal_position, destroyed)


def receipt(message: pb.Receipt) -> Receipt:
    """The receipt of a destruction. Places that this client does not know count as the store's."""
    before: dict[Place, Counts] = {}
    after: dict[Place, Counts] = {}
    for found in message.places:
        place = _PLACES.get(found.place, Place.STORE)
        before[place] = before.get(place, NOTHING) + _counts(found.before)
        after[place] = after.get(place, NOTHING) + _counts(found.after)
    return Receipt(
        flight=message.flight or None,
        why=WHY_FROM_WIRE.get(message.why, Why.WITHDRAWN),
        at=message.at.ToDatetime(tzinfo=UTC),
        generation=message.generation,
        before=before,
        after=after,
        journal_position=message.journal_position,
    )


_PLACES = {place.value: place for place in Place}


def _counts(message: pb.Counts) -> Counts:
    return Counts(
        message.travellers,
        message.templates,
        message.photos,
        message.keys,
        journeys=message.journeys,
        fingers=message.fingers,
    )
