"""An expected traveller, a flight in numbers, and the answer to a search. Plain records, without FAISS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TravelDocument:
    """A document by which a traveller may be claimed. Number in upper case, without filler."""

    number: str
    issuing_state: str = ""


@dataclass(frozen=True, slots=True)
class Traveller:
    """Somebody who is expected.

    Attributes:
        reference: the integrator's opaque name, one a person: on two flights, the same reference is the same person.
        flight: the carriage leg, for example ``CX0830/2026-11-22``.
        expires_at: UTC; from then on the traveller is not found any more.
        documents: by which the traveller may be claimed.
    """

    reference: str
    flight: str
    expires_at: datetime
    documents: tuple[TravelDocument, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A traveller whom a probe resembles; `similarity` is the best over their templates, [-1, 1]."""

    traveller: Traveller
    similarity: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """The answer to a search.

    Attributes:
        ranked: most similar first, one entry a traveller, unexpired when searched.
        gallery_size: travellers compared with.
        comparisons: their templates: each one was a chance of a false match.
        generation: of the snapshot searched.
    """

    ranked: tuple[Candidate, ...]
    gallery_size: int
    comparisons: int
    generation: int


@dataclass(frozen=True, slots=True)
class FlightDescription:
    """One flight's unexpired travellers, in numbers. Expiries in UTC."""

    flight: str
    travellers: int
    templates: int
    first_expiry: datetime
    last_expiry: datetime
