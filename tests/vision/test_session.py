"""The runtime must be one, the provider the one asked for, and a broken run a fault."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from gate.errors import Code, EngineFault, ModelPackError, ProviderError
from gate.vision import session as session_module
from gate.vision.graph import open_batch_axis
from gate.vision.session import OrtSession, Provider, check_runtime_clash
from tests.vision.tiny import tiny_model


def test_a_model_runs_and_says_what_it_takes() -> None:
    session = OrtSession(tiny_model(), name="tiny")
    assert session.provider is Provider.CPU
    assert session.inputs[0].shape == ("N", 3, 112, 112)
    (out,) = session.run({session.inputs[0].name: np.ones((2, 3, 112, 112), np.float32)})
    assert out.shape == (2, 4)


def test_a_model_that_takes_one_row_at_a_time_answers_for_each_in_its_order() -> None:
    """A batch must not end in an error, nor in another person's template, because the model was made for one face."""
    assert open_batch_axis(tiny_model()) == "N"
    rows = np.random.default_rng(1).normal(size=(3, 3, 112, 112)).astype(np.float32)
    single = OrtSession(tiny_model(), name="tiny", fixed={"N": 1})
    assert single.inputs[0].shape[0] == 1
    (found,) = single.run_batch(rows)
    (wanted,) = OrtSession(tiny_model(), name="tiny").run_batch(rows)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_bytes_that_are_no_model_are_a_set_up_error() -> None:
    with pytest.raises(ModelPackError) as caught:
        OrtSession(b"not a model", name="broken.onnx")
    assert caught.value.code is Code.MODEL_INVALID
    assert "broken.onnx" in caught.value.message


@pytest.mark.parametrize("feeds", [{}, {"x": np.ones((1, 3, 9, 9), np.float32)}, {"x": np.ones((1, 3, 112, 112))}])
def test_a_run_that_fails_is_an_engine_fault(feeds: dict[str, np.ndarray]) -> None:
    """A failed model must never look like "no face" or "no match"."""
    with pytest.raises(EngineFault) as caught:
        OrtSession(tiny_model(), name="tiny").run(feeds)
    assert caught.value.code is Code.INFERENCE_FAILED


@pytest.mark.parametrize("provider", [Provider.CUDA, Provider.CUDA_GRAPHS, Provider.TENSORRT])
def test_a_gpu_that_is_not_there_is_refused(provider: Provider) -> None:
    """ONNX Runtime itself would warn and run on the CPU."""
    if "CUDAExecutionProvider" in ort.get_available_providers():
        expected = Code.PROVIDER_SUBSTITUTED
    else:
        expected = Code.PROVIDER_MISSING
    with pytest.raises(ProviderError) as caught:
        OrtSession(tiny_model(), name="tiny", provider=provider)
    assert caught.value.code is expected


def test_graphs_are_captured_where_they_are_asked_for_and_nowhere_else() -> None:
    """ONNX Runtime takes an option that it does not know for a mistake, and one that is missing for no."""
    assert session_module._providers(Provider.CUDA_GRAPHS) == [("CUDAExecutionProvider", {"enable_cuda_graph": "1"})]
    assert session_module._providers(Provider.CUDA) == [("CUDAExecutionProvider", {})]
    tensorrt = session_module._providers(Provider.TENSORRT)
    assert tensorrt == [("TensorrtExecutionProvider", {}), ("CUDAExecutionProvider", {})]
    assert session_module._providers(Provider.CPU) == [("CPUExecutionProvider", {})]


def test_a_provider_that_the_runtime_swapped_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider is compiled in, its libraries do not load, and the runtime carries on with the CPU."""
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    monkeypatch.setattr(
        session_module, "_ORT_PROVIDERS", {Provider.CUDA: ("CUDAExecutionProvider",), Provider.CPU: ("Other",)}
    )
    real = ort.InferenceSession

    def swapped(model: bytes, sess_options: ort.SessionOptions, providers: list[str]) -> ort.InferenceSession:
        del providers
        return real(model, sess_options=sess_options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(ort, "InferenceSession", swapped)
    with pytest.raises(ProviderError) as caught:
        OrtSession(tiny_model(), name="tiny", provider=Provider.CUDA)
    assert caught.value.code is Code.PROVIDER_SUBSTITUTED


def test_heavy_operators_off_the_gpu_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider is registered, but the runtime put the convolutions on the CPU."""
    real = ort.InferenceSession

    class Disguised(real):  # type: ignore[misc, valid-type]
        def get_providers(self) -> list[str]:
            return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    def disguised(model: bytes, sess_options: ort.SessionOptions, providers: list[str]) -> ort.InferenceSession:
        del providers
        return Disguised(model, sess_options=sess_options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(ort, "InferenceSession", disguised)
    with pytest.raises(ProviderError, match="MatMul on CPUExecutionProvider") as caught:
        OrtSession(tiny_model(), name="tiny", provider=Provider.CUDA)
    assert caught.value.code is Code.PROVIDER_SUBSTITUTED


def test_both_runtimes_at_once_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed second, onnxruntime overwrites onnxruntime-gpu's files and CUDA is lost without an error."""
    for name in ("onnxruntime", "onnxruntime_gpu"):
        folder = tmp_path / f"{name}-1.22.0.dist-info"
        folder.mkdir()
        text = f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.22.0\n"
        (folder / "METADATA").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert metadata.version("onnxruntime-gpu") == "1.22.0"
    with pytest.raises(ProviderError, match=r"onnxruntime==.* and onnxruntime-gpu==1\.22\.0") as caught:
        check_runtime_clash()
    assert caught.value.code is Code.RUNTIME_CLASH


def test_this_environment_has_one_runtime() -> None:
    check_runtime_clash()
