"""A frame in, a sighting and a probe out: the stages of vision in their order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from gate.errors import Code, EnrolmentError
from gate.vision.align import align, reduction
from gate.vision.attention import Attention
from gate.vision.beside import HELPERS, beside
from gate.vision.covered import cover, reference
from gate.vision.detector import Detector
from gate.vision.embedder import Embedder
from gate.vision.enrolment import EnrolmentRules, check_photo
from gate.vision.frame import DecodeLimits, Frame, decode_photo, open_picture
from gate.vision.liveness import Liveness
from gate.vision.mask import MaskModel
from gate.vision.mask_aware import MaskAwareEmbedder
from gate.vision.probe import Embedding, ImageBGR, MaskState, Picture, Probe, Sighting
from gate.vision.quality import measure
from gate.vision.selection import pick_traveller, rival_ratio


class Vision(Protocol):
    """What the engine needs of vision. Threads may share it."""

    @property
    def pack_id(self) -> str:
        """The model pack whose templates its probes can be compared with."""
        ...

    def look(self, frame: Frame) -> Sighting:
        """What detection sees in a frame; without a face the sighting says so.

        Raises:
            FrameError: the frame cannot be decoded.
            EngineFault: a model failed.
        """
        ...

    def probe(self, sighting: Sighting) -> Probe:
        """The traveller's face of a sighting, ready for comparison.

        Raises:
            ValueError: the sighting has no traveller.
            EngineFault: a model failed.
        """
        ...

    def reference(self, sighting: Sighting, probe: Probe) -> Probe:
        """The face of a photograph as a gallery keeps it, so that its traveller may come masked.

        Args:
            probe: of the same sighting.

        Raises:
            EngineFault: a model failed.
        """
        ...

    def with_liveness(self, sighting: Sighting) -> Sighting:
        """The same sighting, with its liveness score where a liveness model is loaded and there is a traveller.

        Raises:
            EngineFault: the model failed.
        """
        ...

    def enrol_photo(self, data: bytes) -> tuple[Probe, Sighting]:
        """The one person on a JPEG, PNG or JPEG 2000 photograph, see `reference`.

        Raises:
            FrameError: the photograph cannot be decoded.
            EnrolmentError: PHOTO_NO_FACE, PHOTO_SEVERAL_FACES or PHOTO_LOW_QUALITY.
            EngineFault: a model failed.
        """
        ...

    def warm(self) -> None:
        """Run every model once, so that the first passage is as fast as the next."""
        ...


class VisionPipeline:
    """`Vision` with real models. Holds no state between calls.

    Args:
        detector, embedder: the pack's.
        mask_model: None for a pack without one; a probe is then what a mask-aware embedder says, or UNKNOWN.
        pack_id: the pack's.
        limits: on pictures.
        rules: on enrolment photographs.
        liveness: tells living faces from pictures; None where none is asked for.
    """

    def __init__(
        self,
        detector: Detector,
        embedder: Embedder,
        mask_model: MaskModel | None,
        pack_id: str,
        limits: DecodeLimits | None = None,
        rules: EnrolmentRules | None = None,
        liveness: Liveness | None = None,
    ) -> None:
        self._detector = detector
        self._embedder = embedder
        self._mask_model = mask_model
        self._pack_id = pack_id
        self._limits = limits or DecodeLimits()
        self._rules = rules or EnrolmentRules()
        self._liveness = liveness
        self._helpers = ThreadPoolExecutor(HELPERS, thread_name_prefix="gate-beside")

    @property
    def pack_id(self) -> str:
        """See `Vision.pack_id`."""
        return self._pack_id

    def look(self, frame: Frame) -> Sighting:
        """See `Vision.look`."""
        timings_ms: dict[str, float] = {}
        with _timed(timings_ms, "decode"):
            picture = open_picture(frame, self._limits, self._detector.detect_size_px)
        return self._sight(picture, timings_ms)

    def probe(self, sighting: Sighting) -> Probe:
        """See `Vision.probe`."""
        if sighting.aligned is None:
            raise ValueError("expected a sighting with a traveller, found one without")
        timings_ms: dict[str, float] = {}
        state = None if self._mask_model is None else beside(self._helpers, self._mask_model.state, sighting.aligned)
        with _timed(timings_ms, "embed"):
            embedding, mask = self._embed(sighting.aligned)
        if state is not None:
            with _timed(timings_ms, "mask"):
                mask = state()
        return Probe(embedding, mask, self._pack_id, timings_ms)

    def reference(self, sighting: Sighting, probe: Probe) -> Probe:
        """See `Vision.reference`."""
        if sighting.aligned is None or probe.mask in {MaskState.WORN, MaskState.UNDER_NOSE}:
            return probe
        timings_ms = dict(probe.timings_ms)
        with _timed(timings_ms, "covered"):
            covered, _ = self._embed(cover(sighting.aligned))
        return replace(probe, embedding=reference(probe.embedding, covered), timings_ms=timings_ms)

    def with_liveness(self, sighting: Sighting) -> Sighting:
        """See `Vision.with_liveness`."""
        if self._liveness is None or sighting.traveller is None or sighting.picture is None:
            return sighting
        timings_ms: dict[str, float] = {}
        with _timed(timings_ms, "liveness"):
            score = self._liveness.score(sighting.picture.full(), sighting.traveller.box_xyxy)
        return replace(sighting, liveness=score, timings_ms=sighting.timings_ms | timings_ms)

    def enrol_photo(self, data: bytes) -> tuple[Probe, Sighting]:
        """See `Vision.enrol_photo`."""
        timings_ms: dict[str, float] = {}
        with _timed(timings_ms, "decode"):
            picture = Picture.of(decode_photo(data, self._limits))
        sighting = self._sight(picture, timings_ms)
        if sighting.traveller is None:
            raise EnrolmentError(
                Code.PHOTO_NO_FACE,
                f"expected one face, found none in a photograph of {sighting.width_px} x {sighting.height_px}",
            )
        check_photo(sighting, self._rules)
        return self.reference(sighting, self.probe(sighting)), sighting

    def attention(self, sighting: Sighting) -> Attention | None:
        """Where the embedder looks at the traveller's face; None for an embedder that cannot say, or without a face.

        Raises:
            EngineFault: the model failed.
        """
        if sighting.aligned is None or not isinstance(self._embedder, MaskAwareEmbedder):
            return None
        attention: Attention = self._embedder.view(sighting.aligned[None]).attention[0]
        return attention

    def warm(self) -> None:
        """See `Vision.warm`."""
        self._detector.warm()
        self._embedder.warm()
        if self._mask_model is not None:
            self._mask_model.warm()
        if self._liveness is not None:
            self._liveness.warm()

    def _embed(self, aligned_bgr: ImageBGR) -> tuple[Embedding, MaskState]:
        """Embedding (D,) of one face, and its mask state if the embedder knows."""
        if isinstance(self._embedder, MaskAwareEmbedder):
            return self._embedder.embed_with_mask(aligned_bgr)
        return self._embedder.embed(aligned_bgr[None])[0], MaskState.UNKNOWN

    def _sight(self, picture: Picture, timings_ms: dict[str, float]) -> Sighting:
        width, height = picture.width_px, picture.height_px
        with _timed(timings_ms, "detect"):
            image, reduced = picture.reduced(max(width, height) / self._detector.detect_size_px)
            faces = tuple(face.enlarged(reduced) for face in self._detector.detect(image))
        traveller = pick_traveller(faces, width, height)
        if traveller is None:
            return Sighting(width, height, faces, None, 0.0, None, None, timings_ms)
        with _timed(timings_ms, "decode"):
            image, reduced = picture.reduced(reduction(traveller.landmarks))
        with _timed(timings_ms, "align"):
            aligned = align(image, traveller.landmarks, reduced)
        with _timed(timings_ms, "quality"):
            quality = measure(traveller, aligned, width, height)
        ratio = rival_ratio(faces, traveller)
        return Sighting(width, height, faces, traveller, ratio, quality, aligned, timings_ms, picture=picture)


@contextmanager
def _timed(timings_ms: dict[str, float], stage: str) -> Iterator[None]:
    """Note how long a stage took, also when it raises; what it took before is added."""
    start = time.perf_counter()
    try:
        yield
    finally:
        timings_ms[stage] = timings_ms.get(stage, 0.0) + (time.perf_counter() - start) * 1000
