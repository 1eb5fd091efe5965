"""The one place that talks to ONNX Runtime, and proves which execution provider does the work."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from types import MappingProxyType
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from gate.errors import Code, EngineFault, ModelPackError, ProviderError
from gate.vision.bound import BoundRuns

Tensor = NDArray[Any]


class Provider(enum.StrEnum):
    """What runs the models."""

    CPU = "cpu"
    CUDA = "cuda"
    CUDA_GRAPHS = "cuda-graphs"
    """CUDA, each shape captured once and replayed, on tensors that stay on the device."""

    TENSORRT = "tensorrt"


# TensorRT takes what it can build and leaves the rest to CUDA, which is still the GPU.
_ORT_PROVIDERS: MappingProxyType[Provider, tuple[str, ...]] = MappingProxyType(
    {
        Provider.CPU: ("CPUExecutionProvider",),
        Provider.CUDA: ("CUDAExecutionProvider",),
        Provider.CUDA_GRAPHS: ("CUDAExecutionProvider",),
        Provider.TENSORRT: ("TensorrtExecutionProvider", "CUDAExecutionProvider"),
    }
)

_PROVIDER_OPTIONS: MappingProxyType[Provider, Mapping[str, str]] = MappingProxyType(
    {Provider.CUDA_GRAPHS: {"enable_cuda_graph": "1"}}
)
"""Of the provider asked for, the first of its list."""

# Both distributions unpack into the same folder, so the second to be installed overwrites the first.
_RUNTIME_DISTRIBUTIONS = ("onnxruntime", "onnxruntime-gpu")

# Work that decides the time of a network. Shape arithmetic may stay on the CPU, ONNX Runtime puts it there itself.
_HEAVY_OPERATORS = frozenset({"Conv", "FusedConv", "ConvTranspose", "MatMul", "Gemm", "FusedMatMul", "FusedGemm"})

# ONNX Runtime's exceptions share no base but Exception. RuntimeError and ValueError come from its binding layer.
ORT_ERRORS: tuple[type[Exception], ...] = (
    ort_state.DeviceReset,
    ort_state.EPFail,
    ort_state.EngineError,
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.NoModel,
    ort_state.NoSuchFile,
    ort_state.NotFound,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name and shape of a model's input or output; a symbolic axis is a name, an unknown one None."""

    name: str
    shape: tuple[int | str | None, ...]


def installed_runtimes() -> tuple[str, ...]:
    """The ONNX Runtime distributions that are installed, as name==version."""
    found = []
    for name in _RUNTIME_DISTRIBUTIONS:
        try:
            found.append(f"{name}=={metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return tuple(found)


def check_runtime_clash() -> None:
    """Refuse an environment that holds both ONNX Runtime distributions.

    Raises:
        ProviderError: RUNTIME_CLASH.
    """
    found = installed_runtimes()
    if len(found) > 1:
        raise ProviderError(
            Code.RUNTIME_CLASH,
            f"expected one ONNX Runtime, found {' and '.join(found)}: they overwrite each other's files. "
            "Run `pip uninstall -y onnxruntime onnxruntime-gpu`, then install one of them (docs/gpu.md).",
        )


class OrtSession:
    """A loaded model: bytes, provider, options and threads in one place. Threads may share it.

    Args:
        model: the ONNX file's bytes.
        name: of the model, for messages.
        provider: what must run it; nothing else will.
        threads: that one run may use. Several sessions share the cores, so 1 is the right start.
        fixed: open axes of the inputs, by name, that will always have this size: the runtime then works out beforehand
            what depends on it.

    Raises:
        ProviderError: RUNTIME_CLASH, PROVIDER_MISSING or PROVIDER_SUBSTITUTED.
        ModelPackError: MODEL_INVALID when the bytes are no model that this runtime can load.
    """

    def __init__(
        self,
        model: bytes,
        *,
        name: str,
        provider: Provider = Provider.CPU,
        threads: int = 1,
        fixed: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        check_runtime_clash()
        _check_available(provider)
        self.name = name
        self.provider = provider
        try:
            self._session = ort.InferenceSession(
                model, sess_options=_options(provider, threads, fixed), providers=_providers(provider)
            )
        except ORT_ERRORS as error:
            raise ModelPackError(Code.MODEL_INVALID, f"{name}: ONNX Runtime cannot load it: {error}") from error
        # Without this, an error on the GPU makes the Python wrapper rebuild the session on the CPU.
        self._session.disable_fallback()
        self._prove_provider()
        self._bound = BoundRuns(self._session, "cuda") if provider is Provider.CUDA_GRAPHS else None
        self.inputs = tuple(TensorSpec(item.name, tuple(item.shape)) for item in self._session.get_inputs())
        self.outputs = tuple(TensorSpec(item.name, tuple(item.shape)) for item in self._session.get_outputs())

    def run(self, feeds: Mapping[str, Tensor]) -> list[Tensor]:
        """All outputs of the model, in its order.

        Raises:
            EngineFault: INFERENCE_FAILED.
        """
        try:
            if self._bound is not None:
                return self._bound.run(feeds)
            outputs: list[Tensor] = self._session.run(None, dict(feeds))
        except ORT_ERRORS as error:
            raise EngineFault(
                Code.INFERENCE_FAILED, f"{self.name} on {self.provider.value} failed: {type(error).__name__}: {error}"
            ) from error
        return outputs

    def run_batch(self, batch: Tensor) -> list[Tensor]:
        """All outputs for the rows of a batch (B, …), B >= 1; one by one where the model's batches are of one.

        Raises:
            EngineFault: INFERENCE_FAILED.
        """
        name = self.inputs[0].name
        if len(batch) == 1 or self.inputs[0].shape[0] != 1:
            return self.run({name: batch})
        each = [self.run({name: batch[row : row + 1]}) for row in range(len(batch))]
        return [np.concatenate(parts) for parts in zip(*each, strict=True)]

    def warm(self, shape: tuple[int, ...], runs: int = 2) -> None:
        """Run on zeros of `shape`, so that the first passage does not pay for memory and kernels."""
        zeros = np.zeros(shape, np.float32)
        for _ in range(runs):
            self.run({self.inputs[0].name: zeros})

    def _prove_provider(self) -> None:
        """Compare what was asked for with what the runtime registered and where it put the heavy operators."""
        wanted = _ORT_PROVIDERS[self.provider]
        registered = self._session.get_providers()
        if not registered or registered[0] != wanted[0]:
            raise ProviderError(
                Code.PROVIDER_SUBSTITUTED, f"{self.name}: expected {wanted[0]}, ONNX Runtime chose {registered}"
            )
        if self.provider is Provider.CPU:
            return
        strays = {
            f"{node.op_type} on {part.ep_name}"
            for part in self._session.get_provider_graph_assignment_info()
            for node in part.get_nodes()
            if part.ep_name not in wanted and node.op_type in _HEAVY_OPERATORS
        }
        if strays:
            raise ProviderError(
                Code.PROVIDER_SUBSTITUTED, f"{self.name}: expected {wanted[0]}, found {', '.join(sorted(strays))}"
            )


def _check_available(provider: Provider) -> None:
    available = ort.get_available_providers()
    missing = [name for name in _ORT_PROVIDERS[provider] if name not in available]
    if missing:
        raise ProviderError(
            Code.PROVIDER_MISSING,
            f"provider {provider.value} needs {missing[0]}; this ONNX Runtime ({ort.__version__}) has "
            f'{", ".join(available)}. Install onnxruntime-gpu (docs/gpu.md), or set provider = "cpu".',
        )


def _providers(provider: Provider) -> list[tuple[str, dict[str, str]]]:
    """As ONNX Runtime takes them: the first with its options, those behind it without."""
    first, *others = _ORT_PROVIDERS[provider]
    return [(first, dict(_PROVIDER_OPTIONS.get(provider, {}))), *((name, {}) for name in others)]


def _options(provider: Provider, threads: int, fixed: Mapping[str, int]) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    # Spinning pools of several sessions fight for the cores: 34 ms p50 with it, 19 ms without, for two sessions
    # of two threads each on two cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    for axis, size in fixed.items():
        options.add_free_dimension_override_by_name(axis, size)
    if provider is not Provider.CPU:
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    return options
