"""What a passage can end with, and what a traveller can be told on the way."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gate.decision.liveness import Live
from gate.vision.probe import MaskState


class Outcome(enum.StrEnum):
    """What the lane does."""

    OPEN = "open"
    FINGERPRINT = "fingerprint"
    OFFICER = "officer"


class Reason(enum.StrEnum):
    """Why the lane does it. proto/egate/v1/lane.proto says what each one means.

    WATCH_LISTED is for officers and the journal: the lane is told REFERRED, so that nobody reads it off a screen. The
    engine decides nothing else by REFERRED.
    """

    MATCHED = "matched"
    FINGER_MATCHED = "finger_matched"
    NO_MATCH = "no_match"
    AMBIGUOUS = "ambiguous"
    NO_FACE = "no_face"
    LOW_QUALITY = "low_quality"
    MULTIPLE_PEOPLE = "multiple_people"
    EXPIRED = "expired"
    CLAIM_UNKNOWN = "claim_unknown"
    GALLERY_EMPTY = "gallery_empty"
    NO_REFERENCE = "no_reference"
    CLAIM_REFUSED = "claim_refused"
    CLAIM_MISMATCH = "claim_mismatch"
    FINGER_NO_MATCH = "finger_no_match"
    FINGER_UNUSABLE = "finger_unusable"
    FINGER_UNAVAILABLE = "finger_unavailable"
    NO_CONSENT = "no_consent"
    UNDER_AGE = "under_age"
    DOCUMENT_EXPIRED = "document_expired"
    WATCH_LISTED = "watch_listed"
    REFERRED = "referred"
    NOT_LIVE = "not_live"
    LIVENESS_UNAVAILABLE = "liveness_unavailable"
    TAMPERED_FRAMES = "tampered_frames"
    FLIGHT_NOT_OPEN = "flight_not_open"
    FLIGHT_CLOSED = "flight_closed"
    WRONG_GATE = "wrong_gate"
    ALREADY_PASSED = "already_passed"
    OUT_OF_ORDER = "out_of_order"
    CROWDING = "crowding"
    FRAMES_ENDED = "frames_ended"
    SHUTTING_DOWN = "shutting_down"
    ENGINE_FAULT = "engine_fault"


class Guidance(enum.StrEnum):
    """What the traveller should do."""

    STEP_INTO_VIEW = "step_into_view"
    COME_CLOSER = "come_closer"
    STEP_BACK = "step_back"
    LOOK_AT_CAMERA = "look_at_camera"
    ONE_PERSON_ONLY = "one_person_only"
    HOLD_STILL = "hold_still"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the deciding comparison found.

    Attributes:
        similarity: of the best candidate, [-1, 1].
        runner_up: of the best candidate who is someone else; None when there was none.
        threshold: similarity that was needed.
        false_positive_rate: of the whole passage, that the threshold stands for.
        extrapolated: the threshold lies on the calibration's modelled tail.
        mask: of the compared face.
        gallery_size: travellers compared with.
        frame_sequence: the frame.
        llr: natural log-likelihood ratio of the best candidate; None where the calibration cannot tell.
        comparisons: templates compared with.
    """

    similarity: float
    runner_up: float | None
    threshold: float
    false_positive_rate: float
    extrapolated: bool
    mask: MaskState
    gallery_size: int
    frame_sequence: int
    llr: float | None = None
    comparisons: int = 0


@dataclass(frozen=True, slots=True)
class FingerEvidence:
    """What the deciding finger showed.

    Attributes:
        asked_because: what the face ended with.
        attempts: samples compared.
        unusable: samples that could not be compared.
        score: of the deciding sample, [0, 1]; None when none was compared.
        llr: its natural log-likelihood ratio.
        fmr: how often another finger reaches it.
        extrapolated: nobody measured so small a rate.
        face_llr: that it was added to; None where the face said nothing, and the finger had to do alone.
        needed_llr: of both together; None for a finger alone.
        needed_fmr: of a finger alone; None for both together.
    """

    asked_because: Reason
    attempts: int
    unusable: int
    score: float | None = None
    llr: float | None = None
    fmr: float | None = None
    extrapolated: bool = False
    face_llr: float | None = None
    needed_llr: float | None = None
    needed_fmr: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The final answer of a passage.

    Attributes:
        outcome, reason: what and why.
        traveller_reference, flight: who; None unless the lane opens.
        comparison: the deciding one of faces; None when nothing was compared.
        finger: None when none was asked for.
        live: what the frames compared said of the traveller, all together.
    """

    outcome: Outcome
    reason: Reason
    traveller_reference: str | None = None
    flight: str | None = None
    comparison: Comparison | None = None
    finger: FingerEvidence | None = None
    live: Live = Live.NOT_ASKED
