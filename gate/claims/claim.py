"""What a traveller presents, and the claim that it makes. Plain records."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from gate.claims.boarding_pass import BoardingPass
from gate.claims.findings import ClaimFinding
from gate.claims.jwks import IssuerKeys
from gate.claims.replay import UsedTokens
from gate.claims.token import TokenRules, TravelToken
from gate.gallery.traveller import TravelDocument
from gate.vision.frame import Frame


class PresentedKind(enum.StrEnum):
    """What the controller says that it sends."""

    NOTHING = "none"
    REFERENCE = "reference"
    """The traveller's reference, known to the controller by other means."""
    DOCUMENT = "document"
    """The number of a travel document."""
    MRZ = "mrz"
    """The lines of a machine-readable zone."""
    BOARDING_PASS = "boarding_pass"  # noqa: S105 -- the name of a kind
    """The text of a boarding pass (BCBP)."""
    TOKEN = "token"  # noqa: S105 -- the name of a kind
    """A travel token."""
    CODE = "code"
    """The text of a barcode: a boarding pass or a token, whichever it is."""
    PICTURE = "code_picture"
    """A picture of such a barcode."""


@dataclass(frozen=True, slots=True)
class Presented:
    """What came from the lane, unread.

    Attributes:
        text: as the reader gave it; empty for a PICTURE.
        issuing_state: of a DOCUMENT: ICAO 9303 code, or empty.
        picture: not yet decoded; None but for a PICTURE.
    """

    kind: PresentedKind
    text: str = field(default="", repr=False)
    issuing_state: str = ""
    picture: Frame | None = field(default=None, repr=False)

    @classmethod
    def nothing(cls) -> Presented:
        """The traveller presented nothing."""
        return cls(PresentedKind.NOTHING)


class ClaimKind(enum.StrEnum):
    """What a claim rests on; the word that goes into logs and the journal."""

    NONE = "none"
    """1:N."""
    REFERENCE = "reference"
    """1:1, by `Claim.reference`."""
    DOCUMENT = "document"
    """1:1, by `Claim.document`."""
    BOARDING_PASS = "boarding_pass"  # noqa: S105 -- the name of a kind
    """1:few, by `gate.claims.fit.narrow`."""
    TOKEN = "token"  # noqa: S105 -- the name of a kind
    """1:1, by `Claim.reference`, where `TravelToken.check_bound` agrees."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Whom to look for. It says nothing about the face: only comparing does.

    Attributes:
        document: number and issuing state (with the last day of validity, from an MRZ); None for other kinds.
        reference: of the traveller, as presented or from a token; empty for other kinds.
        flights: the gallery's names of the flights that it is for; empty: it names none.
        boarding_pass, token: what it was read from.
        findings: what is odd about it, none of it an error.
    """

    kind: ClaimKind
    document: TravelDocument | None = field(default=None, repr=False)
    reference: str = field(default="", repr=False)
    flights: tuple[str, ...] = ()
    boarding_pass: BoardingPass | None = None
    token: TravelToken | None = None
    findings: tuple[ClaimFinding, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What is needed to accept travel tokens: rules, the issuers' keys, and which tokens were used."""

    rules: TokenRules
    keys: IssuerKeys
    used: UsedTokens

    def give_back(self, token: TravelToken) -> None:
        """For a passage that ended without opening: the token may be used again.

        Raises:
            StorageFault: it stays used.
        """
        self.used.give_back(token.issuer, token.token_id)


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """How claims are read at this place.

    Attributes:
        port: IATA code of this place: of a boarding pass, only legs that touch it count, where any does. Empty: all.
        tokens: None: travel tokens are not accepted.
    """

    port: str = ""
    tokens: Tokens | None = None
