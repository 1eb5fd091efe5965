"""Photographs and models for vision's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import insightface
import numpy as np
import pytest
from numpy.typing import NDArray

from gate.vision.detector import OnnxDetector
from gate.vision.frame import Encoding, Frame
from gate.vision.load import build_pipeline, load_detector
from gate.vision.pack import load_pack, model_folders, read_verified
from gate.vision.pipeline import VisionPipeline
from gate.vision.probe import Quality
from gate.vision.registry import load_registry, registry_folder
from gate.vision.session import Provider


@pytest.fixture(scope="session")
def six_people_jpeg() -> bytes:
    """InsightFace's own example: six people on 1280 x 886 pixels."""
    return (Path(insightface.__file__).parent / "data" / "images" / "t1.jpg").read_bytes()


@pytest.fixture(scope="session")
def astronaut_bgr() -> NDArray[np.uint8]:
    """scikit-image's portrait of one person, 512 x 512."""
    from skimage import data

    return np.ascontiguousarray(data.astronaut()[:, :, ::-1])


@pytest.fixture(scope="session")
def astronaut_jpeg(astronaut_bgr: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".jpg", astronaut_bgr)[1].tobytes()


@pytest.fixture(scope="session")
def lfw(shared: Path) -> Callable[[str, int], bytes]:
    """A photograph of LFW, by person and number."""
    folder = shared / "data" / "faces" / "lfw"
    return lambda person, number: (folder / person / f"{person}_{number:04d}.jpg").read_bytes()


@pytest.fixture(scope="session", params=["scrfd-500m", "scrfd-2.5g", "yunet-n", "lane-faces"])
def detector(request: pytest.FixtureRequest, shared: Path) -> OnnxDetector:
    """Each detector of the registry."""
    return make_detector(request.param, shared)


@pytest.fixture(scope="session")
def pipeline(shared: Path) -> VisionPipeline:
    """The first pack of the registry, warm."""
    built = build_pipeline(load_pack("edgeface-xs", folders=(shared / "models",)))
    built.warm()
    return built


def quality_of(pipeline: VisionPipeline, picture: NDArray[np.uint8]) -> Quality:
    """Quality of the traveller in a picture that must show one."""
    height, width = picture.shape[:2]
    quality = pipeline.look(Frame(0, 0, Encoding.BGR24, width, height, picture.tobytes())).quality
    assert quality is not None
    return quality


def make_detector(name: str, shared: Path, detect_size_px: int = 480) -> OnnxDetector:
    home = registry_folder()
    places = (shared / "models", *model_folders(home))
    model = read_verified(name, load_registry(home).detectors[name], home, places)
    return load_detector(model, provider=Provider.CPU, threads=1, detect_size_px=detect_size_px)
