"""The passages of the demo, each with what must come of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from gate.decision.outcome import Guidance, Outcome, Reason
from gate.demo import fingers
from gate.demo.approach import Actor, Blur, Scene
from gate.demo.people import Person
from gate.fingerprint.sample import FingerSample
from gate.synth import MaskStyle
from gate.synth.occluders import render_sunglasses


@dataclass(frozen=True, slots=True)
class Expected:
    """What must come of a passage.

    Attributes:
        outcome, reason: of the decision.
        traveller: label of whoever must be recognised.
        guidance: advice that must have been given on the way.
        masked: the face must be seen to wear a mask, by a pack that can tell.
        or_reason: as good as `reason`, by a pack that sees more.
    """

    outcome: Outcome
    reason: Reason
    traveller: str = ""
    guidance: Guidance | None = None
    masked: bool = False
    or_reason: Reason | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """One passage.

    Attributes:
        key: for file names.
        title: for people.
        scene: what the camera sees.
        expected: what must come of it.
        document: the number that the traveller presents, where they present one.
        fingers: what the sensor sees, one picture for each request and each refusal; empty: the lane has no sensor.
        profile: that decides; empty: the lane's own.
        lane: where it is played; empty: the demo's one lane.
    """

    key: str
    title: str
    scene: Scene
    expected: Expected
    document: str = ""
    fingers: tuple[FingerSample, ...] = ()
    profile: str = ""
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays. At least three travellers and one impostor; `absent` is expected and does not come."""

    travellers: tuple[Person, ...]
    impostors: tuple[Person, ...]
    absent: tuple[Person, ...] = ()
    looks_away: Person | None = None

    @property
    def enrolled(self) -> tuple[Person, ...]:
        """Everybody who is expected."""
        return self.travellers + self.absent


_NO_MATCH = Expected(Outcome.FINGERPRINT, Reason.NO_MATCH)


def script(cast: Cast, *, sees_little: bool = False) -> tuple[Scenario, ...]:
    """The passages, in the order in which they are played.

    Args:
        sees_little: the pack finds nobody behind mask and sunglasses together, so that no finger could help there, and
            its detector takes a turned head for a straight one.
    """
    passages = (*_travellers(cast), *_impostors(cast), *_troubles(cast), *_fingers(cast))
    left_out = {"inconclusive", "looks-away"} if sees_little else set[str]()
    return tuple(passage for passage in passages if passage.key not in left_out)


def epilogue(cast: Cast) -> Scenario:
    """The passage after the flight is closed: a traveller of before, whom nobody expects any more."""
    person = cast.travellers[0]
    return Scenario(
        "after-closing",
        f"Traveller {person.label}, after the flight is closed",
        Scene((Actor(person.portrait),), seed=91),
        Expected(Outcome.OFFICER, Reason.GALLERY_EMPTY),
    )


def document_of(person: Person) -> str:
    """The number of the document that the person is enrolled with."""
    return f"DEMO{person.label}0001"


def _travellers(cast: Cast) -> Iterator[Scenario]:
    for seed, person in enumerate(cast.travellers):
        scene = Scene((Actor(person.portrait),), seed=seed + 1)
        yield Scenario(
            f"traveller-{person.label.lower()}",
            f"Traveller {person.label} approaches",
            scene,
            _opens(person, Guidance.COME_CLOSER),
        )
    masked, style = cast.travellers[0], MaskStyle()
    portrait = masked.portrait.masked(style, np.random.default_rng(7))
    yield Scenario(
        "masked",
        f"Traveller {masked.label}, masked",
        Scene((Actor(portrait),), seconds=4.5, seed=31),
        replace(_opens(masked), masked=True),
    )
    claims = cast.travellers[1]
    yield Scenario(
        "document",
        f"Traveller {claims.label} with their document",
        Scene((Actor(claims.portrait),), seed=32),
        _opens(claims),
        document_of(claims),
    )


def _impostors(cast: Cast) -> Iterator[Scenario]:
    for seed, person in enumerate(cast.impostors):
        scene = Scene((Actor(person.portrait),), seconds=4.5, seed=41 + seed)
        yield Scenario(f"impostor-{person.label.lower()}", "Impostor, not expected", scene, _NO_MATCH)
    borrower, owner = cast.travellers[2], cast.travellers[1]
    yield Scenario(
        "borrowed-document",
        f"Traveller {borrower.label} with {owner.label}'s document",
        Scene((Actor(borrower.portrait),), seconds=4.5, seed=51),
        Expected(Outcome.OFFICER, Reason.CLAIM_MISMATCH),
        document_of(owner),
    )


def _troubles(cast: Cast) -> Iterator[Scenario]:
    first, second, third = (person.portrait for person in cast.travellers[:3])
    yield Scenario(
        "two-people",
        "Two people at once",
        Scene((Actor(second, x=0.37, to_eye_px=60), Actor(third, x=0.63, to_eye_px=56)), seed=61),
        Expected(Outcome.OFFICER, Reason.MULTIPLE_PEOPLE, guidance=Guidance.ONE_PERSON_ONLY),
    )
    yield Scenario(
        "blurred-then-sharp",
        f"Traveller {cast.travellers[0].label} runs, then holds still",
        Scene((Actor(first, from_eye_px=36),), seconds=4.5, blur=Blur(4.0, 12, until=0.6), seed=62),
        _opens(cast.travellers[0], Guidance.HOLD_STILL),
    )
    yield Scenario(
        "blurred",
        "Camera out of focus throughout",
        Scene((Actor(first, from_eye_px=36),), blur=Blur(6.0, 8), seed=63),
        Expected(Outcome.FINGERPRINT, Reason.LOW_QUALITY, guidance=Guidance.HOLD_STILL),
    )
    if cast.looks_away is not None:
        yield Scenario(
            "looks-away",
            "Somebody who never looks at the camera",
            Scene((Actor(cast.looks_away.portrait, from_eye_px=34),), seed=64),
            Expected(Outcome.FINGERPRINT, Reason.LOW_QUALITY, guidance=Guidance.LOOK_AT_CAMERA),
        )
    yield Scenario(
        "empty",
        "Nobody in the lane",
        Scene((), seconds=2.0, seed=65),
        Expected(Outcome.OFFICER, Reason.NO_FACE, guidance=Guidance.STEP_INTO_VIEW),
    )


def _fingers(cast: Cast) -> Iterator[Scenario]:
    unseen, other, driver = cast.travellers[1], cast.travellers[2], cast.travellers[0]
    out_of_focus = Blur(6.0, 8)
    yield Scenario(
        "finger",
        f"Out of focus, {unseen.label}'s document: finger, second try",
        Scene((Actor(unseen.portrait, from_eye_px=36),), seconds=2.0, blur=out_of_focus, seed=71),
        Expected(Outcome.OPEN, Reason.FINGER_MATCHED, unseen.label),
        document_of(unseen),
        (fingers.barely_touched(unseen), fingers.laid_down(unseen)),
    )
    yield Scenario(
        "wrong-finger",
        f"Out of focus, {unseen.label}'s document: {other.label}'s finger",
        Scene((Actor(unseen.portrait, from_eye_px=36),), seconds=2.0, blur=out_of_focus, seed=72),
        Expected(Outcome.OFFICER, Reason.FINGER_NO_MATCH),
        document_of(unseen),
        tuple(fingers.laid_down(other, attempt) for attempt in range(1, 4)),
    )
    hidden = replace(
        other.portrait,
        image_bgr=render_sunglasses(other.portrait.image_bgr, other.portrait.landmarks, np.random.default_rng(7)),
    )
    yield Scenario(
        "inconclusive",
        f"Traveller {other.label}, mask and sunglasses: face and finger",
        Scene((Actor(hidden.masked(MaskStyle(), np.random.default_rng(7))),), seconds=4.5, seed=31),
        Expected(Outcome.OPEN, Reason.FINGER_MATCHED, other.label, or_reason=Reason.MATCHED),
        document_of(other),
        (fingers.laid_down(other),),
    )
    yield Scenario(
        "vehicle",
        f"Vehicle lane: traveller {driver.label}, face and finger",
        Scene((Actor(driver.portrait),), seed=73),
        Expected(Outcome.OPEN, Reason.FINGER_MATCHED, driver.label),
        document_of(driver),
        (fingers.laid_down(driver),),
        profile="vehicle",
    )


def _opens(person: Person, guidance: Guidance | None = None) -> Expected:
    return Expected(Outcome.OPEN, Reason.MATCHED, person.label, guidance)
