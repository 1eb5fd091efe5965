"""The whole way from a picture to a probe, on real models and photographs."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.vision.frame import Encoding, Frame
from gate.vision.load import load_pipeline
from gate.vision.pipeline import VisionPipeline


@pytest.fixture(scope="module")
def pipeline(shared: Path) -> VisionPipeline:
    del shared
    built = load_pipeline("edgeface-xs")
    built.warm()
    return built


def photo(shared: Path, person: str, number: int) -> bytes:
    return (shared / "data/faces/lfw" / person / f"{person}_{number:04d}.jpg").read_bytes()


def test_photographs_of_one_person_resemble_each_other_and_nobody_else(shared: Path, pipeline: VisionPipeline) -> None:
    first, _ = pipeline.enrol_photo(photo(shared, "Abel_Pacheco", 1))
    again = pipeline.probe(pipeline.look(Frame(1, 0, Encoding.JPEG, 250, 250, photo(shared, "Abel_Pacheco", 4))))
    other, _ = pipeline.enrol_photo(photo(shared, "Angela_Bassett", 1))
    assert float(first.embedding @ again.embedding) > 0.5
    assert float(first.embedding @ other.embedding) < 0.3
    assert first.pack_id == again.pack_id == pipeline.pack_id
