"""What an enrolment photograph must be. A poor template is found out at the gate, when it is too late."""

from __future__ import annotations

from dataclasses import dataclass

from gate.errors import Code, EnrolmentError
from gate.vision.probe import Quality, Sighting


@dataclass(frozen=True, slots=True)
class EnrolmentRules:
    """Limits on a photograph of one traveller.

    Attributes:
        min_eye_distance_px: below it the crop is mostly invented by interpolation. ISO/IEC 19794-5 asks 90 for a
            new photograph; chip and booking photographs that reach a gate are often smaller.
        max_rival_ratio: another face this large beside the traveller's (eye distance over eye distance) makes it
            a photograph of several people. Smaller ones are background.
        min_sharpness: see `Quality.sharpness`.
        max_turn_deg: yaw and pitch away from frontal.
        brightness: darkest and brightest mean luma.
        min_contrast: see `Quality.contrast`.
        min_inside: share of the face box that the picture must hold.
    """

    min_eye_distance_px: float = 24.0
    max_rival_ratio: float = 0.5
    min_sharpness: float = 0.45
    max_turn_deg: float = 45.0
    brightness: tuple[float, float] = (30.0, 235.0)
    min_contrast: float = 8.0
    min_inside: float = 0.7


def check_photo(sighting: Sighting, rules: EnrolmentRules) -> None:
    """Refuse a photograph that shows several people, or one person too poorly.

    Raises:
        EnrolmentError: PHOTO_SEVERAL_FACES or PHOTO_LOW_QUALITY, saying what was expected and found.
    """
    if sighting.rival_ratio >= rules.max_rival_ratio:
        raise EnrolmentError(
            Code.PHOTO_SEVERAL_FACES,
            f"expected one person, found {len(sighting.faces)} faces, the second at {sighting.rival_ratio:.2f} of "
            f"the traveller's size (from {rules.max_rival_ratio} on it counts)",
        )
    if sighting.quality is not None:
        faults = poor_qualities(sighting.quality, rules)
        if faults:
            raise EnrolmentError(Code.PHOTO_LOW_QUALITY, "; ".join(faults))


def poor_qualities(quality: Quality, rules: EnrolmentRules) -> tuple[str, ...]:
    """Everything about the face that is not as the rules say, in words for the integrator."""
    darkest, brightest = rules.brightness
    checks = (
        ("eye distance", quality.eye_distance_px, rules.min_eye_distance_px, None, "px"),
        ("sharpness", quality.sharpness, rules.min_sharpness, None, ""),
        ("yaw", quality.yaw_deg, -rules.max_turn_deg, rules.max_turn_deg, "degrees"),
        ("pitch", quality.pitch_deg, -rules.max_turn_deg, rules.max_turn_deg, "degrees"),
        ("brightness", quality.brightness, darkest, brightest, ""),
        ("contrast", quality.contrast, rules.min_contrast, None, ""),
        ("share of the face inside the picture", quality.inside, rules.min_inside, None, ""),
    )
    return tuple(
        _fault(name, value, low, high, unit)
        for name, value, low, high, unit in checks
        if value < low or (high is not None and value > high)
    )


def _fault(name: str, value: float, low: float, high: float | None, unit: str) -> str:
    wanted = f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
    return f"{name}: expected {wanted}, found {value:.4g} {unit}".rstrip()
