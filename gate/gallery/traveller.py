"""An expected traveller, a flight in numbers, and the answer to a search. Plain records, without FAISS."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class TravelDocument:
    """A document by which a traveller may be claimed.

    Attributes:
        number: upper case, without filler.
        issuing_state: ICAO 9303 three-letter code; empty when not known.
        expires: last day of validity; None when not known.
    """

    number: str
    issuing_state: str = ""
    expires: date | None = None


@dataclass(frozen=True, slots=True)
class Particulars:
    """What a manifest says about a person beyond the documents. Sealed at rest, never logged, never compared.

    Attributes:
        role: ``passenger``, ``crew``, ``transit_passenger`` or ``transit_crew``; empty when not stated.
        seat: without blanks, or empty.
        record_locator: of the booking (PNR), upper case, or empty.
        sequence: check-in sequence number, without leading zeros, or empty.
        carrier_reference: the carrier's own for this person (PAXLST RFF+ABO), or empty.
        face_consent: to face verification; None when nothing was said.
        photo: name of the photograph expected, or empty.
    """

    surname: str = ""
    given_names: str = ""
    birth_date: date | None = None
    nationality: str = ""
    role: str = ""
    seat: str = ""
    record_locator: str = ""
    sequence: str = ""
    carrier_reference: str = ""
    face_consent: bool | None = None
    photo: str = ""


@dataclass(frozen=True, slots=True)
class Traveller:
    """Somebody who is expected.

    Attributes:
        reference: the integrator's opaque name, one a person: on two flights, the same reference is the same person.
        flight: the carriage leg, for example ``CX0830/2026-11-22``.
        expires_at: UTC; from then on the traveller is not found any more.
        documents: by which the traveller may be claimed.
        particulars: what the manifest said; None for somebody enrolled without one.
    """

    reference: str
    flight: str
    expires_at: datetime
    documents: tuple[TravelDocument, ...] = ()
    particulars: Particulars | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A traveller whom a probe resembles.

    Attributes:
        similarity: the best over the traveller's templates, [-1, 1].
        lookalikes: references of travellers in the scope searched whose faces were too close to this one's at
            enrolment (twins, or one photograph under two references): a match between them is ambiguous.
    """

    traveller: Traveller
    similarity: float
    lookalikes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidates:
    """The answer to a search.

    Attributes:
        ranked: most similar first, one entry a traveller, unexpired when searched.
        gallery_size: travellers compared with.
        comparisons: their templates: each one was a chance of a false match.
        generation: of the snapshot searched.
        without_template: travellers in scope who are expected but have no template yet. After a claim, this tells
            "known, but nothing to compare with" (comparisons 0, this above 0) from "not known" (both 0).
    """

    ranked: tuple[Candidate, ...]
    gallery_size: int
    comparisons: int
    generation: int
    without_template: int = 0


@dataclass(frozen=True, slots=True)
class FlightDescription:
    """One flight's unexpired travellers, in numbers. Expiries in UTC.

    Attributes:
        travellers: everybody expected, with or without templates.
        without_template: those of them who have none yet.
        fingers: templates of their fingers.
    """

    flight: str
    travellers: int
    templates: int
    first_expiry: datetime
    last_expiry: datetime
    without_template: int = 0
    fingers: int = 0
