"""A head joined to a backbone: the same numbers as apart, unmasked faces left alone, no other backbone accepted."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from gate.errors import Code, EngineFault, ModelPackError
from gate.synth import random_style, render_mask
from gate.vision.align import arcface_template
from gate.vision.detector import InputScaling
from gate.vision.embedder import ArcFaceEmbedder, to_batch_blob
from gate.vision.head import join
from gate.vision.mask_aware import MaskAwareEmbedder
from gate.vision.probe import ImageBGR, MaskState
from gate.vision.session import OrtSession

SCALING = InputScaling(127.5, 127.5, rgb=True)
HEADS = sorted((Path(__file__).parents[2] / "models" / "packs").glob("*-head/head.onnx"))


def tiny_backbone(opset: int = 17) -> bytes:
    """(N, 3, 112, 112) to a map `m` (N, 3, 7, 7), its size `r`, and the embedding `e` (N, 3), their means."""
    nodes = [
        helper.make_node("AveragePool", ["x"], ["m"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("Abs", ["m"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["e"]),
    ]
    graph = helper.make_graph(
        nodes,
        "backbone",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 112, 112])],
        [helper.make_tensor_value_info("e", TensorProto.FLOAT, ["N", 3])],
    )
    return _bytes(graph, opset)


def tiny_head(
    backbone: bytes, *, opset: int = 17, mask: tuple[float, float] = (0.9, 0.2), without: str = "", taps: str = "m,e"
) -> bytes:
    """Adds 3 to the map and (0, 0, 1) to the embedding; answers the mask probabilities given; looks everywhere."""
    nodes = [
        helper.make_node("Add", ["map_0", "three"], ["corrected_map_0"]),
        helper.make_node("Add", ["embedding", "step"], ["corrected_embedding"]),
        helper.make_node("Identity", ["probabilities"], ["mask"]),
        helper.make_node("ReduceMean", ["map_0"], ["attention"], axes=[1], keepdims=0),
    ]
    shapes: dict[str, list[str | int | None]] = {"map_0": ["n", 3, 7, 7], "embedding": ["n", 3]}
    outputs = {f"corrected_{name}": shape for name, shape in shapes.items()}
    outputs |= {"mask": [1, 2], "attention": ["n", 7, 7]}
    graph = helper.make_graph(
        nodes,
        "head",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [
            numpy_helper.from_array(np.array(3, np.float32), "three"),
            numpy_helper.from_array(np.array([0, 0, 1], np.float32), "step"),
            numpy_helper.from_array(np.array([mask], np.float32), "probabilities"),
        ],
    )
    known = {"backbone_sha256": hashlib.sha256(backbone).hexdigest(), "taps": taps}
    return _bytes(graph, opset, {key: value for key, value in known.items() if key != without})


def _bytes(graph: onnx.GraphProto, opset: int, papers: dict[str, str] | None = None) -> bytes:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    helper.set_model_props(model, papers or {})
    return bytes(model.SerializeToString())


def aware(model: bytes) -> MaskAwareEmbedder:
    return MaskAwareEmbedder(OrtSession(model, name="joined"), SCALING)


@pytest.fixture
def crop() -> ImageBGR:
    return np.random.default_rng(3).integers(0, 256, (112, 112, 3), dtype=np.uint8)


def test_what_follows_a_tap_reads_the_head_and_the_head_reads_the_backbone(crop: ImageBGR) -> None:
    # A head that is bypassed, or feeds itself, still gives numbers of the right shape.
    backbone = tiny_backbone()
    view = aware(join(backbone, tiny_head(backbone), "tiny")).view(crop[None])
    cells = to_batch_blob(crop[None], SCALING).reshape(1, 3, 7, 16, 7, 16).mean(axis=(3, 5))
    expected = np.abs(cells + 3).mean(axis=(2, 3)) + np.array([0, 0, 1])
    np.testing.assert_allclose(view.embedding, expected / np.linalg.norm(expected), atol=1e-5)
    np.testing.assert_allclose(view.attention, cells.mean(axis=1), atol=1e-5)


@pytest.mark.parametrize(
    ("mask", "state"),
    [((0.2, 0.1), MaskState.NONE), ((0.9, 0.2), MaskState.WORN), ((0.9, 0.8), MaskState.UNDER_NOSE)],
)
def test_mask_state_comes_with_the_embedding(crop: ImageBGR, mask: tuple[float, float], state: MaskState) -> None:
    backbone = tiny_backbone()
    embedder = aware(join(backbone, tiny_head(backbone, mask=mask), "tiny"))
    embedding, found = embedder.embed_with_mask(crop)
    assert found is state is embedder.state(crop)
    np.testing.assert_array_equal(embedding, embedder.embed(crop[None])[0])


def test_no_faces_give_no_embeddings() -> None:
    backbone = tiny_backbone()
    view = aware(join(backbone, tiny_head(backbone), "tiny")).view(np.empty((0, 112, 112, 3), np.uint8))
    assert [part.shape for part in view] == [(0, 3), (0, 2), (0, 7, 7), (0,)]


def test_another_backbone_is_refused() -> None:
    # Its maps may have the same shapes; the head would then make plausible embeddings of nobody.
    head = tiny_head(tiny_backbone())
    other = tiny_backbone() + b""
    retrained = onnx.load_model_from_string(other)
    retrained.doc_string = "other weights"
    with pytest.raises(ModelPackError, match="was trained in the backbone") as caught:
        join(retrained.SerializeToString(), head, "tiny")
    assert caught.value.code is Code.MODEL_INVALID


@pytest.mark.parametrize("lost", ["backbone_sha256", "taps"])
def test_a_head_without_its_papers_is_refused(lost: str) -> None:
    backbone = tiny_backbone()
    with pytest.raises(ModelPackError, match=lost):
        join(backbone, tiny_head(backbone, without=lost), "tiny")


def test_a_head_of_another_operator_set_is_refused_with_a_typed_error() -> None:
    backbone = tiny_backbone(opset=13)
    with pytest.raises(ModelPackError, match="does not fit") as caught:
        join(backbone, tiny_head(backbone, opset=17), "tiny")
    assert caught.value.code is Code.MODEL_INVALID


@pytest.mark.parametrize("taps", ["m,gone", "m", "m,r,e"])
def test_a_head_for_other_tensors_is_refused(taps: str) -> None:
    backbone = tiny_backbone()
    with pytest.raises(ModelPackError, match="does not fit") as caught:
        join(backbone, tiny_head(backbone, taps=taps), "tiny")
    assert caught.value.code is Code.MODEL_INVALID


def test_bytes_that_are_no_model_are_refused() -> None:
    with pytest.raises(ModelPackError) as caught:
        join(tiny_backbone(), b"no model", "tiny")
    assert caught.value.code is Code.MODEL_INVALID


def test_a_model_without_a_head_is_refused() -> None:
    with pytest.raises(ModelPackError, match="expected outputs"):
        aware(tiny_backbone())


@pytest.mark.parametrize("mask", [(1.4, 0.0), (float("nan"), 0.0)])
def test_numbers_that_are_no_probabilities_are_a_fault(crop: ImageBGR, mask: tuple[float, float]) -> None:
    # A broken head must not pass for a face without a mask, which has the milder threshold.
    backbone = tiny_backbone()
    embedder = aware(join(backbone, tiny_head(backbone, mask=mask), "tiny"))
    with pytest.raises(EngineFault) as caught:
        embedder.embed_with_mask(crop)
    assert caught.value.code is Code.INFERENCE_FAILED


class TestShipped:
    """The heads that this project ships, each on its real backbone."""

    @pytest.fixture(params=HEADS, ids=lambda path: path.parent.name)
    def head(self, request: pytest.FixtureRequest) -> bytes:
        return bytes(request.param.read_bytes())

    @pytest.fixture
    def backbone(self, head: bytes, shared: Path) -> bytes:
        papers = {item.key: item.value for item in onnx.load_model_from_string(head).metadata_props}
        for path in (shared / "models").glob("*.onnx"):
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() == papers["backbone_sha256"]:
                return data
        pytest.skip(f"no backbone {papers['backbone_sha256']} in {shared}")

    @pytest.fixture
    def faces(self, shared: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        """Aligned faces (6, 112, 112, 3) BGR without masks."""
        import io
        import zipfile

        import cv2

        crops = []
        with zipfile.ZipFile(shared / "data/faces/train/glint24-00.zip") as archive:
            for member in archive.namelist()[::250][:6]:
                data = np.frombuffer(io.BytesIO(archive.read(member)).read(), np.uint8)
                crops.append(cv2.imdecode(data, cv2.IMREAD_COLOR))
        return np.array(crops, np.uint8)

    def test_joined_equals_apart(
        self, head: bytes, backbone: bytes, faces: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
    ) -> None:
        # The surgery must not change what either part computes: the head apart, fed with what the backbone inside the
        # joined model gives it, says what the joined model says.
        model = onnx.load_model_from_string(join(backbone, head, "head"))
        apart = ort.InferenceSession(head, providers=["CPUExecutionProvider"])
        inputs = [item.name for item in apart.get_inputs()]
        papers = {item.key: item.value for item in onnx.load_model_from_string(head).metadata_props}
        taps = papers["taps"].split(",")
        outputs = [item.name for item in model.graph.output]
        model.graph.output.extend(helper.make_tensor_value_info(tap, TensorProto.FLOAT, None) for tap in taps)
        whole = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        found = whole.run([*outputs, *taps], {model.graph.input[0].name: to_batch_blob(faces, SCALING)})
        expected = apart.run(None, dict(zip(inputs, found[len(outputs) :], strict=True)))[len(taps) - 1 :]
        for joined, alone in zip(found, expected, strict=False):
            np.testing.assert_allclose(joined, alone, rtol=1e-4, atol=1e-4)

    def test_unmasked_templates_are_the_backbones_own(
        self, head: bytes, backbone: bytes, faces: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
    ) -> None:
        # Templates enrolled without the head stay valid, and nobody loses by the head.
        plain = ArcFaceEmbedder(OrtSession(backbone, name="backbone"), SCALING).embed(faces)
        view = aware(join(backbone, head, "head")).view(faces)
        assert (view.mask[:, 0] < 0.5).all()
        np.testing.assert_allclose(view.embedding, plain, atol=1e-5)

    def test_a_mask_moves_the_template_back_and_the_attention_up(
        self, head: bytes, backbone: bytes, faces: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
    ) -> None:
        plain = ArcFaceEmbedder(OrtSession(backbone, name="backbone"), SCALING)
        embedder = aware(join(backbone, head, "head"))
        rng = np.random.default_rng(11)
        masked = np.array([render_mask(face, arcface_template(), random_style(rng), rng) for face in faces], np.uint8)
        view, bare = embedder.view(masked), embedder.view(faces)
        assert (view.mask[:, 0] > 0.5).all()
        with_head = (view.embedding * bare.embedding).sum(axis=1).mean()
        without = (plain.embed(masked) * bare.embedding).sum(axis=1).mean()
        assert with_head > without + 0.05
        assert view.attention[:, :4].sum(axis=(1, 2)).mean() > bare.attention[:, :4].sum(axis=(1, 2)).mean()
