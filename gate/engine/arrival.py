"""How one traveller arrived: what they presented, read once, whom it means, and what becomes of it at the end.

::

    presented ─► read() ─┬─► entries(snapshot) at every look ─► settle()   a token that opened nothing is given back
                         └─► refusal

A claim says whom to look for. It opens nothing: only the comparison of the face that follows does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from gate.claims.claim import Claim, ClaimKind, ClaimRules, Presented, PresentedKind
from gate.claims.fit import narrow
from gate.claims.read import read_claim
from gate.decision.calibration import Calibration
from gate.decision.outcome import Reason
from gate.errors import ClaimError, Code
from gate.gallery.segment import Entry
from gate.gallery.snapshot import Snapshot
from gate.gallery.traveller import TravelDocument, Traveller
from gate.vision.probe import Probe


class Arrival:
    """What was presented at one passage. Thread-safe: it may be settled while it is still being read.

    Args:
        presented: unread.
        flight: the lane searches among this flight's travellers only; empty: among all.
        rules: how claims are read here.

    Attributes:
        claimed: 1:1 or 1:few, against what was presented; else 1:N.
    """

    def __init__(self, presented: Presented, flight: str, rules: ClaimRules) -> None:
        self.claimed = presented.kind is not PresentedKind.NOTHING
        self._presented = presented
        self._flight = flight
        self._rules = rules
        self._lock = threading.Lock()
        self._begun = False
        self._settled = False
        self._claim: Claim | None = None
        self._meant: tuple[tuple[str, str], ...] = ()
        self._travellers: tuple[Traveller, ...] = ()
        self._refusal: Reason | None = None
        self._code: Code | None = None

    @property
    def kind(self) -> str:
        """For log and journal: what the claim rests on, or, while nothing was read, what was presented."""
        return (self._claim.kind if self._claim else self._presented.kind).value

    @property
    def refusal(self) -> Reason | None:
        """Why the face is not compared, once it was read; None: it is.

        `CLAIM_REFUSED` (see `code`), `CLAIM_UNKNOWN`, `NO_CONSENT`, or `NO_REFERENCE`.
        """
        return self._refusal

    @property
    def code(self) -> Code | None:
        """Of the error that a claim was refused with; it goes into log and journal, and quotes nothing."""
        return self._code

    @property
    def document(self) -> TravelDocument | None:
        """The document that was presented, with its last day of validity where its machine-readable zone was read."""
        return self._claim.document if self._claim else None

    @property
    def travellers(self) -> tuple[Traveller, ...]:
        """Whom the claim meant when it was read, one entry a flight, with their particulars, consenting or not."""
        return self._travellers

    def read(self, take: Callable[[], Snapshot], now: datetime) -> None:
        """Reads what was presented and finds whom it means; only the first call does anything.

        Blocks, a picture with a barcode or a bound token for tens of milliseconds: for a worker thread.

        Args:
            take: gives the gallery as it is now.
            now: UTC, from a clock that is never set back.

        Raises:
            IssuerKeyError: ISSUER_KEYS_INVALID. StorageFault: DISK_FULL, DISK_FAILED. Neither is about the traveller.
        """
        with self._lock:
            if self._begun or not self.claimed:
                return
            self._begun = True
        try:
            claim = read_claim(self._presented, self._rules, now)
            self._keep(claim)
            found = self._find(claim, take(), now)
            self._travellers = tuple(entry.traveller for entry in found)
            if claim.token is not None and found:
                claim.token.check_bound(_numbers(self._travellers))
        except ClaimError as error:
            self._code, self._refusal = error.code, Reason.CLAIM_REFUSED
            return
        self._refusal = _refusal(found)

    def entries(self, snapshot: Snapshot, now: datetime) -> tuple[Entry, ...]:
        """Whom to compare with, of one snapshot: unexpired at `now` (UTC), without those who do not consent.

        Where a machine-readable zone was read, its document is the only one that they have here. Empty before `read`,
        and after a refusal.
        """
        if self._claim is None or self._code is not None:
            return ()
        return _consenting(self._find(self._claim, snapshot, now))

    def settle(self, *, opened: bool) -> None:
        """The passage is over; only the first call does anything. A token is given back unless the lane opened.

        Raises:
            StorageFault: DISK_FULL, DISK_FAILED: the token stays used.
        """
        with self._lock:
            if self._settled:
                return
            self._settled = True
            claim = self._claim
        if claim is not None and not opened:
            self._give_back(claim)

    def matches_another(
        self, probe: Probe, snapshot: Snapshot, now: datetime, calibration: Calibration, rate: float
    ) -> bool:
        """Whether a face that was not that of the claimed traveller is clearly that of somebody else expected.

        Searched for among everybody expected at this engine, on whichever flight. Somebody who is marked as a
        look-alike of the claimed traveller is not clearly somebody else. Who it is, is not told.

        Args:
            now: UTC.
            calibration: of the pack.
            rate: false positive identification rate of this one search.
        """
        claimed = self.entries(snapshot, now)
        names = {entry.traveller.reference for entry in claimed}
        own = sum(1 for name in names for _ in snapshot.places(name, None))
        found = snapshot.search(probe, now, k=own + 1)
        others = [c for c in found.ranked if c.traveller.reference not in names]
        if not others or names & others[0].lookalikes:
            return False
        nearest = max((float((e.templates @ probe.embedding).max()) for e in claimed if len(e.templates)), default=-1.0)
        threshold = calibration.threshold(probe.mask, rate, found.comparisons)
        return others[0].similarity >= threshold.similarity and others[0].similarity > nearest

    def _keep(self, claim: Claim) -> None:
        """A passage that ended while its token was being read gives it back at once."""
        with self._lock:
            self._claim = claim
            late = self._settled
        if late:
            self._give_back(claim)

    def _give_back(self, claim: Claim) -> None:
        if claim.token is not None and self._rules.tokens is not None:
            self._rules.tokens.give_back(claim.token)

    def _find(self, claim: Claim, snapshot: Snapshot, now: datetime) -> tuple[Entry, ...]:
        flights = _within(claim.flights, self._flight)
        match claim.kind:
            case ClaimKind.DOCUMENT if claim.document is not None:
                document = claim.document
                found = (snapshot.find_document(document.number, document.issuing_state, now, f) for f in flights)
            case ClaimKind.BOARDING_PASS:
                if not self._meant:
                    self._meant = _meant(claim, snapshot, flights, now)
                found = (snapshot.find_reference(reference, now, flight) for reference, flight in self._meant)
            case _:
                found = (snapshot.find_reference(claim.reference, now, flight) for flight in flights)
        return tuple(_with(claim.document, entry) for entries in found for entry in entries)


def _with(presented: TravelDocument | None, entry: Entry) -> Entry:
    """The traveller with the document that was presented, to be judged by that, where it says how long it is valid."""
    if presented is None or presented.expires is None:
        return entry
    return replace(entry, traveller=replace(entry.traveller, documents=(presented,)))


def _within(named: tuple[str, ...], flight: str) -> tuple[str | None, ...]:
    """The flights to look on, where a claim names some, or the lane does, or both; None: on all."""
    if not named:
        return (flight or None,)
    return tuple(each for each in named if flight in {"", each})


def _meant(
    claim: Claim, snapshot: Snapshot, flights: Iterable[str | None], now: datetime
) -> tuple[tuple[str, str], ...]:
    """(Reference, flight) of the few whom a boarding pass may mean."""
    if claim.boarding_pass is None:
        return ()
    expected = (
        traveller
        for flight in flights
        for segment in snapshot.segments(flight)
        for traveller in segment.travellers
        if traveller.expires_at > now
    )
    return tuple((t.reference, t.flight) for t in narrow(claim.boarding_pass, expected))


def _refusal(found: tuple[Entry, ...]) -> Reason | None:
    if not found:
        return Reason.CLAIM_UNKNOWN
    consenting = _consenting(found)
    if not consenting:
        return Reason.NO_CONSENT
    return None if any(len(entry.templates) for entry in consenting) else Reason.NO_REFERENCE


def _consenting(found: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Without those who refused on any of the flights found."""
    refused = {entry.traveller.reference for entry in found if _refuses(entry.traveller)}
    return tuple(entry for entry in found if entry.traveller.reference not in refused)


def _refuses(traveller: Traveller) -> bool:
    return traveller.particulars is not None and traveller.particulars.face_consent is False


def _numbers(travellers: Iterable[Traveller]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(document.number for traveller in travellers for document in traveller.documents))
