"""Photographs to templates through the engine's own pipeline: decode, detect, align, embed; once a photograph.

Nothing is dropped: a photograph that cannot be read, or in which nobody is found, keeps its row, without a template.
Nothing is kept: templates are biometric data and live as long as the run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.decision.judgement import judge
from gate.decision.policy import QualityLimits
from gate.errors import Code, EnrolmentError, FrameError
from gate.synth import random_style, render_mask
from gate.vision.enrolment import EnrolmentRules, check_photo
from gate.vision.frame import DecodeLimits, Encoding, Frame, decode_photo
from gate.vision.pipeline import Vision
from gate.vision.probe import ImageBGR, MaskState, Probe, Sighting

LIMITS = DecodeLimits(max_bytes=512 << 20, max_pixels=100_000_000)
"""Of the benchmark's pipeline: data sets hold larger pictures than cameras send, and raw ones are larger still."""

UNREADABLE, NO_FACE = "unreadable", "no face"

Tick = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one photograph.

    Attributes:
        probe: None where acquisition failed.
        failure: why; empty when it did not.
        enrolment_refuses: the engine's rules for reference photographs would refuse it.
        gate_refuses: the gate would ask for another frame instead of comparing it.
        reference: what a gallery keeps of it; None where acquisition failed, or where it is only ever a probe.
    """

    probe: Probe | None
    failure: str = ""
    enrolment_refuses: bool = True
    gate_refuses: bool = True
    reference: Probe | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """Rows of photographs.

    Attributes:
        rows: (n, D) L2-normalised; zeros where acquisition failed.
        found: (n,) whether it did not.
        person: (n,) whose.
        photo: (n,) which clean photograph the row shows; -1 where nobody knows. A masked version of the photograph that
            is enrolled is no probe.
        state: (n,) mask state as the pack sees it.
        failures: (n,) why acquisition failed; empty where it did not.
        enrolment_refuses, gate_refuses: (n,) see `Seen`.
    """

    rows: NDArray[np.float32] = field(repr=False)
    found: NDArray[np.bool_]
    person: NDArray[np.int64]
    photo: NDArray[np.int64]
    state: NDArray[np.str_]
    failures: NDArray[np.str_]
    enrolment_refuses: NDArray[np.bool_]
    gate_refuses: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.person)

    def of(self, person: NDArray[np.int64], photo: NDArray[np.int64]) -> Templates:
        """The same photographs, of these people and clean photographs."""
        return replace(self, person=person, photo=photo)

    def only(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> Templates:
        """Some of the rows."""
        return Templates(
            self.rows[keep],
            self.found[keep],
            self.person[keep],
            self.photo[keep],
            self.state[keep],
            self.failures[keep],
            self.enrolment_refuses[keep],
            self.gate_refuses[keep],
        )


def references(seen: Sequence[Seen]) -> Templates:
    """The same with what a gallery would keep of each."""
    return stacked([replace(one, probe=one.reference) for one in seen])


def stacked(seen: Sequence[Seen]) -> Templates:
    """Rows of what was seen; people and photographs are numbered as they come."""
    dimensions = next((len(one.probe.embedding) for one in seen if one.probe is not None), 0)
    rows = np.zeros((len(seen), dimensions), np.float32)
    for row, one in zip(rows, seen, strict=True):
        if one.probe is not None:
            row[:] = one.probe.embedding
    numbers = np.arange(len(seen), dtype=np.int64)
    return Templates(
        rows,
        np.array([one.probe is not None for one in seen], np.bool_),
        numbers,
        numbers,
        np.array([one.probe.mask if one.probe else MaskState.UNKNOWN for one in seen], np.str_),
        np.array([one.failure for one in seen], np.str_),
        np.array([one.enrolment_refuses for one in seen], np.bool_),
        np.array([one.gate_refuses for one in seen], np.bool_),
    )


@dataclass(frozen=True, slots=True)
class Acquisition:
    """How photographs become templates. What was seen is remembered: benchmarks that share one look once.

    Attributes:
        vision: the pipeline; threads share it.
        limits: of the gate's policy.
        seed: of the masks that are drawn.
        threads: photographs at a time.
        known: what was seen, bare and masked, by file.
    """

    vision: Vision
    limits: QualityLimits
    seed: int
    threads: int
    known: dict[Path, tuple[Seen, Seen | None]] = field(default_factory=dict, repr=False)

    def by(self, vision: Vision) -> Acquisition:
        """The same by another pipeline, which has seen nothing yet."""
        return replace(self, vision=vision, known={})

    def plain(self, paths: Sequence[Path], tick: Tick) -> list[Seen]:
        """Each photograph as it is."""
        return [bare for bare, _ in self._each(paths, tick, masked=False)]

    def with_masks(self, paths: Sequence[Path], tick: Tick) -> tuple[list[Seen], list[Seen]]:
        """Each photograph as it is, and with a mask drawn onto it; that one is detected and aligned anew.

        Where the photograph itself fails there is nowhere to draw a mask: then both fail.
        """
        both = self._each(paths, tick, masked=True)
        return [bare for bare, _ in both], [drawn for _, drawn in both if drawn is not None]

    def _each(self, paths: Sequence[Path], tick: Tick, *, masked: bool) -> list[tuple[Seen, Seen | None]]:
        def one(path: Path) -> tuple[Seen, Seen | None]:
            known = self.known.get(path)
            if known is None or (masked and known[1] is None):
                known = self.known[path] = self._one(path, masked=masked)
            return known

        results = []
        with ThreadPoolExecutor(self.threads, "photographs") as pool:
            for batch in _batches(paths, 16 * self.threads):
                # A batch at a time, so that an interrupt does not wait for thousands.
                for result in pool.map(one, batch):
                    results.append(result)
                    tick()
        return results

    def _one(self, path: Path, *, masked: bool) -> tuple[Seen, Seen | None]:
        try:
            image = read(path)
        except (FrameError, OSError):
            return (failed := Seen(None, UNREADABLE)), failed
        bare = self.vision.look(_raw(image))
        seen = self._seen(bare)
        if seen.probe is None or bare.traveller is None:
            return seen, seen
        seen = replace(seen, reference=self.vision.reference(bare, seen.probe))
        if not masked:
            return seen, None
        name = hashlib.sha256(f"{path.parent.name}/{path.name}".encode()).digest()
        rng = np.random.default_rng([self.seed, int.from_bytes(name[:8])])
        drawn = render_mask(image, bare.traveller.landmarks, random_style(rng), rng)
        return seen, self._seen(self.vision.look(_raw(drawn)))

    def _seen(self, sighting: Sighting) -> Seen:
        if sighting.traveller is None:
            return Seen(None, NO_FACE)
        try:
            check_photo(sighting, EnrolmentRules())
            refused = False
        except EnrolmentError:
            refused = True
        return Seen(self.vision.probe(sighting), "", refused, judge(sighting, self.limits) is not None)


def read(path: Path) -> ImageBGR:
    """A photograph's pixels (H, W, 3), as enrolment reads them; formats that no gate takes by OpenCV.

    Raises:
        FrameError: it is no picture, or a broken one.
        OSError: it cannot be read.
    """
    data = path.read_bytes()
    try:
        return decode_photo(data, LIMITS)
    except FrameError as refused:
        if refused.code is not Code.FRAME_ENCODING_MISMATCH:
            raise
        try:
            picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        except cv2.error:
            raise refused from None
        if picture is None or min(picture.shape[:2]) < LIMITS.min_side_px:
            raise
        return picture.astype(np.uint8, copy=False)


def _raw(image_bgr: ImageBGR) -> Frame:
    height, width = image_bgr.shape[:2]
    return Frame(1, 0, Encoding.BGR24, width, height, image_bgr.tobytes())


def _batches(paths: Sequence[Path], size: int) -> Iterator[list[Path]]:
    rest = iter(paths)
    while batch := list(islice(rest, size)):
        yield batch
