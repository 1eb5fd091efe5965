"""Runs of a model on tensors that stay where they are: nothing is allocated, so a GPU can replay them as one graph."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

Tensor = NDArray[Any]
Shapes = tuple[tuple[str, tuple[int, ...], str], ...]
"""Name, shape and type of every input, sorted."""

MOST_SHAPES = 16
"""Graphs that are kept. Each holds memory of its own on the device; the engine's models see one or two shapes each."""

_NO_GRAPH = -1
"""ONNX Runtime's number for a run that is neither captured nor replayed."""


class BoundRuns:
    """Runs of one session, by the shapes of their inputs. Threads may share it; one runs at a time.

    The first run of a shape says how large the outputs are, the next ones are captured, all others replayed
    (ONNX Runtime, "CUDA Graphs"). A shape beyond the first `MOST_SHAPES` runs without a graph.

    Args:
        session: made with `enable_cuda_graph` where it is on a GPU.
        device: where the tensors stay: ``cuda``, or ``cpu``, where there is nothing to capture.
    """

    def __init__(self, session: ort.InferenceSession, device: str) -> None:
        self._session = session
        self._device = device
        self._names = [output.name for output in session.get_outputs()]
        self._kept: dict[Shapes, _Bound] = {}
        # Graph and tensors are one of each a shape: a second run would write over the first one's.
        self._lock = threading.Lock()

    def run(self, feeds: Mapping[str, Tensor]) -> list[Tensor]:
        """All outputs of the model, in its order; copies, so that the next run leaves them alone.

        Raises:
            Whatever ONNX Runtime does, see `gate.vision.session.ORT_ERRORS`.
        """
        shapes = tuple(sorted((name, value.shape, value.dtype.str) for name, value in feeds.items()))
        with self._lock:
            bound = self._kept.get(shapes)
            if bound is not None:
                return bound.run(self._session, feeds)
            outputs: list[Tensor] = self._session.run(None, dict(feeds), _options(_NO_GRAPH))
            if len(self._kept) < MOST_SHAPES:
                named = dict(zip(self._names, outputs, strict=True))
                self._kept[shapes] = _Bound(self._session, self._device, feeds, named, len(self._kept) + 1)
            return outputs


class _Bound:
    """The tensors of one set of shapes, and the number of its graph."""

    def __init__(
        self,
        session: ort.InferenceSession,
        device: str,
        feeds: Mapping[str, Tensor],
        outputs: Mapping[str, Tensor],
        graph: int,
    ) -> None:
        self._options = _options(graph)
        self._binding = session.io_binding()
        self._inputs = {name: _placed(value, device) for name, value in feeds.items()}
        self._outputs = [_placed(value, device) for value in outputs.values()]
        for name, value in self._inputs.items():
            self._binding.bind_ortvalue_input(name, value)
        for name, value in zip(outputs, self._outputs, strict=True):
            self._binding.bind_ortvalue_output(name, value)

    def run(self, session: ort.InferenceSession, feeds: Mapping[str, Tensor]) -> list[Tensor]:
        """One run; what `feeds` holds has the shapes that are bound."""
        for name, value in feeds.items():
            self._inputs[name].update_inplace(np.ascontiguousarray(value))
        session.run_with_iobinding(self._binding, self._options)
        return [np.array(value.numpy(), copy=True) for value in self._outputs]


def _placed(value: Tensor, device: str) -> ort.OrtValue:
    """A copy on the device: ONNX Runtime may take an array on the CPU as it is, which would be the caller's own."""
    return ort.OrtValue.ortvalue_from_numpy(np.array(value, order="C", copy=True), device, 0)


def _options(graph: int) -> ort.RunOptions:
    options = ort.RunOptions()
    options.add_run_config_entry("gpu_graph_id", str(graph))
    return options
