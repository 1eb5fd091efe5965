"""Records for decision tests, made from the few numbers that matter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from gate.decision.calibration import Calibration
from gate.decision.passage import Compared, Looked
from gate.gallery.traveller import Candidate, Candidates, Traveller
from gate.vision.probe import Face, MaskState, Quality, Sighting

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

CALIBRATION = Calibration.model_validate(
    {
        "schema_version": 1,
        "pack_id": "test-pack",
        "data": "made up for tests",
        "curves": {
            # A straight line in log10(FMR): 1e-1 at 0.1, 1e-6 at 0.6; masked faces 0.05 higher.
            "none": {
                "similarity": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
                "log10_fmr": [-1, -2, -3, -4, -5, -6],
                "measured_to": 1e-5,
                "comparisons": 10**6,
            },
            "worn": {
                "similarity": [0.15, 0.25, 0.35, 0.45, 0.55],
                "log10_fmr": [-1, -2, -3, -4, -5],
                "measured_to": 1e-4,
                "comparisons": 10**5,
            },
        },
    }
)


def _likelihood(shift: float) -> dict[str, object]:
    """Of travellers who compare at 0.6 for the most part; strangers' mean ratio stays below 1, as it must."""
    llr = [-5.0, -3.0, 0.0, 4.0, 7.0, 9.0]
    return {
        "similarity": [each + shift for each in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)],
        "llr": llr,
        "low": [each - 1 for each in llr],
        "high": [each + 1 for each in llr],
        "fnmr": [0.001, 0.004, 0.02, 0.05, 0.1, 0.2],
        "fnmr_high": [0.002, 0.008, 0.03, 0.07, 0.13, 0.25],
        "seen_from": -0.2,
        "seen_to": 0.9,
        "mated": 5000,
        "people": 500,
    }


WEIGHED = Calibration.model_validate(
    CALIBRATION.model_dump()
    | {
        "schema_version": 2,
        "likelihoods": {"none": _likelihood(0.0), "worn": _likelihood(0.05)},
        "fused": {state: {"frames": [1, 2, 4], "scale": [1, 1.1, 1.2]} for state in ("none", "worn")},
    }
)
"""The same of version 2: comparisons are evidence as well, and fused probes are compared more strictly."""

GOOD = Quality(
    eye_distance_px=80,
    sharpness=0.8,
    brightness=120,
    contrast=40,
    yaw_deg=0,
    pitch_deg=0,
    roll_deg=0,
    inside=1,
    confidence=0.9,
)


def looked(quality: Quality | None = GOOD, *, at_s: float = 0.0, sequence: int = 1, rival_ratio: float = 0.0) -> Looked:
    face = None if quality is None else Face((0, 0, 100, 100), np.zeros((5, 2), np.float32), quality.confidence)
    faces = () if face is None else (face,)
    return Looked(at_s, sequence, Sighting(1280, 720, faces, face, rival_ratio, quality, None, {}))


def compared(
    *similarities: float,
    at_s: float = 0.0,
    sequence: int = 1,
    mask: MaskState = MaskState.NONE,
    gallery_size: int | None = None,
    now: datetime = NOW,
    expires_at: datetime = NOW + timedelta(hours=1),
    references: tuple[str, ...] = ("a", "b", "c", "d"),
    lookalikes: frozenset[str] = frozenset(),
    without_template: int = 0,
) -> Compared:
    ranked = tuple(
        Candidate(Traveller(reference, "CX1", expires_at), similarity, lookalikes)
        for reference, similarity in zip(references, similarities, strict=False)
    )
    size = len(ranked) if gallery_size is None else gallery_size
    return Compared(at_s, now, sequence, 0.8, mask, Candidates(ranked, size, size, 1, without_template))
