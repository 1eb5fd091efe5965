"""References that expect a mask, on real models and photographs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gate.synth import random_style, render_mask
from gate.vision.covered import cover, reference
from gate.vision.frame import DecodeLimits, Encoding, Frame, decode
from gate.vision.pipeline import VisionPipeline
from gate.vision.probe import MaskState, Probe

Lfw = Callable[[str, int], bytes]
PEOPLE = ("Abel_Pacheco", "Angela_Bassett")


def frame_of(image: NDArray[np.uint8]) -> Frame:
    return Frame(1, 0, Encoding.BGR24, image.shape[1], image.shape[0], image.tobytes())


def behind_mask(pipeline: VisionPipeline, jpeg: bytes, seed: int) -> Probe:
    image = decode(Frame(1, 0, Encoding.JPEG, 0, 0, jpeg), DecodeLimits())
    seen = pipeline.look(frame_of(image)).traveller
    assert seen is not None
    rng = np.random.default_rng(seed)
    return pipeline.probe(pipeline.look(frame_of(render_mask(image, seen.landmarks, random_style(rng), rng))))


def test_a_masked_face_is_nearer_to_the_reference_than_to_the_bare_face(pipeline: VisionPipeline, lfw: Lfw) -> None:
    """Should the reference be the bare template again, every masked traveller is that much farther away."""
    gains = []
    for person in PEOPLE:
        sighting = pipeline.look(Frame(1, 0, Encoding.JPEG, 0, 0, lfw(person, 1)))
        bare = pipeline.probe(sighting)
        kept = pipeline.reference(sighting, bare)
        assert float(bare.embedding @ kept.embedding) > 0.97
        masked = [behind_mask(pipeline, lfw(person, photo), seed) for photo in (1, 2) for seed in range(3)]
        assert {probe.mask for probe in masked} == {MaskState.WORN}
        gains += [float(probe.embedding @ (kept.embedding - bare.embedding)) for probe in masked]
    assert min(gains) > 0


def test_an_enrolled_photograph_is_a_reference(pipeline: VisionPipeline, lfw: Lfw) -> None:
    enrolled, sighting = pipeline.enrol_photo(lfw(PEOPLE[0], 1))
    kept = pipeline.reference(sighting, pipeline.probe(sighting))
    np.testing.assert_array_equal(enrolled.embedding, kept.embedding)
    assert float(np.linalg.norm(enrolled.embedding)) == pytest.approx(1, abs=1e-5)
    assert enrolled.mask is MaskState.NONE
    assert {"embed", "covered"} <= set(enrolled.timings_ms)


def test_a_photograph_of_a_masked_face_is_kept_as_it_is(pipeline: VisionPipeline, lfw: Lfw) -> None:
    """A cloth over a mask tells nothing more of the face."""
    image = decode(Frame(1, 0, Encoding.JPEG, 0, 0, lfw(PEOPLE[0], 1)), DecodeLimits())
    seen = pipeline.look(frame_of(image)).traveller
    assert seen is not None
    rng = np.random.default_rng(1)
    masked = pipeline.look(frame_of(render_mask(image, seen.landmarks, random_style(rng), rng)))
    probe = pipeline.probe(masked)
    assert pipeline.reference(masked, probe) is probe


def test_the_cloth_leaves_the_eyes_alone_and_follows_the_light() -> None:
    """A cloth that glows on a dark face, or hangs over the eyes, is not what the gate will see."""
    bright, dark = (np.full((112, 112, 3), value, np.uint8) for value in (180, 40))
    for face in (bright, dark):
        np.testing.assert_array_equal(cover(face)[:54], face[:54])
    assert cover(bright)[85, 56].mean() > 3 * cover(dark)[85, 56].mean()


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 192, 512]))
def test_a_reference_is_a_unit_vector_between_the_two(seed: int, dimensions: int) -> None:
    rng = np.random.default_rng(seed)
    bare, covered = (row / np.linalg.norm(row) for row in rng.normal(size=(2, dimensions)).astype(np.float32))
    kept = reference(bare, covered)
    assert float(np.linalg.norm(kept)) == pytest.approx(1, abs=1e-5)
    assert float(kept @ covered) >= float(bare @ covered) - 1e-6
    assert float(kept @ bare) >= 0.95
