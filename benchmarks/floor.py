"""The floor: what no engine with these models can be faster than. JPEG decode and bare ONNX Runtime, on tensors made
beforehand, with the engine's own number of threads."""

from __future__ import annotations

import time
from dataclasses import dataclass

import cv2
import numpy as np
import onnxruntime as ort

from gate.vision.align import align
from gate.vision.detector import InputScaling, letterbox, to_blob
from gate.vision.embedder import to_batch_blob
from gate.vision.graph import with_symbolic_size
from gate.vision.pack import ModelPack
from gate.vision.probe import Landmarks
from gate.vision.registry import Geometry
from gate.vision.session import Tensor


@dataclass(frozen=True, slots=True)
class Prepared:
    """One frame's JPEG file and each model's input for it, by role."""

    jpeg: bytes
    tensors: dict[str, Tensor]


class Floor:
    """Bare sessions of a pack.

    Args:
        pack: whose models run.
        threads: within one model run.
    """

    def __init__(self, pack: ModelPack, threads: int) -> None:
        self._pack = pack
        models = {"detect": with_symbolic_size(pack.detector.data), "embed": pack.embedder.data}
        if pack.mask is not None:
            models["mask"] = pack.mask.data
        self._sessions = {role: _session(data, threads) for role, data in models.items()}
        self._inputs = {role: session.get_inputs()[0].name for role, session in self._sessions.items()}

    @property
    def parts(self) -> tuple[str, ...]:
        """What a frame's time is made of."""
        return ("decode", *self._sessions)

    def prepare(self, jpeg: bytes, landmarks: Landmarks, detect_size_px: int) -> Prepared:
        """The tensors that the engine would make of a frame whose face has these landmarks."""
        image = _decode(jpeg)
        canvas, _ = letterbox(image, detect_size_px)
        crop = align(image, landmarks)[None]
        tensors: dict[str, Tensor] = {
            "detect": to_blob(canvas, _scaling(self._pack.detector.entry.geometry)),
            "embed": to_batch_blob(crop, _scaling(self._pack.embedder.entry.geometry)),
        }
        if self._pack.mask is not None:
            tensors["mask"] = to_batch_blob(crop, _scaling(self._pack.mask.entry.geometry))
        return Prepared(jpeg, tensors)

    def run(self, frame: Prepared) -> tuple[float, ...]:
        """Milliseconds of each of `parts`."""
        times = [time.perf_counter()]
        _decode(frame.jpeg)
        times.append(time.perf_counter())
        for role, session in self._sessions.items():
            session.run(None, {self._inputs[role]: frame.tensors[role]})
            times.append(time.perf_counter())
        return tuple((np.diff(times) * 1000).tolist())


def _decode(jpeg: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("expected a JPEG file")
    return image.astype(np.uint8, copy=False)


def _session(model: bytes, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _scaling(geometry: Geometry) -> InputScaling:
    return InputScaling(geometry.mean, geometry.std, rgb=geometry.colour_order == "RGB")
