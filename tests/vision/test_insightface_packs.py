"""Packs of the insightface library: found where it keeps them, never fetched, run by our own session."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gate.errors import Code, ModelPackError
from gate.vision.frame import DecodeLimits, Encoding, Frame, decode_photo
from gate.vision.insightface_packs import load_insightface_pack
from gate.vision.load import find_pack, load_pipeline
from gate.vision.probe import Sighting


@pytest.fixture
def root(tmp_path: Path, shared: Path) -> Path:
    """An insightface folder with one pack under the library's own file names, and a file of a third role."""
    folder = tmp_path / "models" / "buffalo_sc"
    folder.mkdir(parents=True)
    (folder / "det_500m.onnx").symlink_to(shared / "models" / "scrfd_500m_kps.onnx")
    (folder / "w600k_mbf.onnx").symlink_to(shared / "models" / "w600k_mbf.onnx")
    return tmp_path


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError(f"a pack was to be fetched from {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def refused(wanted: Code, name: str, root: Path) -> str:
    with pytest.raises(ModelPackError) as caught:
        load_insightface_pack(name, root)
    assert caught.value.code is wanted
    return caught.value.message


def test_a_pack_is_found_by_name_and_runs(root: Path, six_people_jpeg: bytes) -> None:
    pipeline = load_pipeline("insightface:buffalo_sc", insightface_root=root)
    pipeline.warm()
    sighting = pipeline.look(Frame(0, 0, Encoding.JPEG, 0, 0, six_people_jpeg))
    assert len(sighting.faces) == 6
    assert pipeline.probe(sighting).pack_id.startswith("buffalo_sc-")


# The library itself calls a function of scikit-image that is on its way out.
@pytest.mark.filterwarnings("ignore:`estimate` is deprecated:FutureWarning")
def test_its_embeddings_are_those_of_the_library(root: Path, six_people_jpeg: bytes) -> None:
    """The same files through FaceAnalysis: what differs is our own warp and scaling, so next to nothing may."""
    from insightface.app import FaceAnalysis

    app = FaceAnalysis(name="buffalo_sc", root=str(root), providers=["CPUExecutionProvider"])
    app.prepare(-1, det_size=(640, 640))
    picture = decode_photo(six_people_jpeg, DecodeLimits())[100:740, 320:960].copy()
    pipeline = load_pipeline("insightface:buffalo_sc", insightface_root=root, detect_size_px=640)
    sighting = pipeline.look(bgr_frame(picture))
    ours = pipeline.probe(sighting).embedding
    theirs = max((face.normed_embedding for face in app.get(picture)), key=lambda vector: float(vector @ ours))
    assert float(theirs @ ours) > 0.999


def bgr_frame(picture: NDArray[np.uint8]) -> Frame:
    return Frame(0, 0, Encoding.BGR24, picture.shape[1], picture.shape[0], picture.tobytes())


def test_a_pack_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    message = refused(Code.MODEL_MISSING, "buffalo_l", tmp_path)
    assert str(tmp_path / "models" / "buffalo_l") in message
    assert "det_10g.onnx" in message
    assert "w600k_r50.onnx" in message
    assert f"gate models pull buffalo_l --root {tmp_path}" in message
    assert not (tmp_path / "models").exists()


def test_an_archive_with_a_folder_in_the_folder(root: Path) -> None:
    """antelopev2 unpacks to models/antelopev2/antelopev2."""
    outer = root / "models" / "antelopev2"
    outer.mkdir()
    (root / "models" / "buffalo_sc").rename(outer / "antelopev2")
    assert load_insightface_pack("antelopev2", root).detector.name == "det_500m"


def test_a_pack_without_an_embedder_says_which_is_missing(root: Path) -> None:
    (root / "models" / "buffalo_sc" / "w600k_mbf.onnx").unlink()
    message = refused(Code.MODEL_MISSING, "buffalo_sc", root)
    assert "w600k_r50.onnx" in message
    assert "det_10g.onnx" not in message


def test_a_file_that_is_no_model(root: Path) -> None:
    (root / "models" / "buffalo_sc" / "1k3d68.onnx").write_bytes(b"<html>404</html>")
    assert "1k3d68.onnx" in refused(Code.MODEL_INVALID, "buffalo_sc", root)


@pytest.mark.parametrize("name", ["", "../secrets", "a/b", ".hidden"])
def test_a_name_is_a_name_and_no_path(name: str, tmp_path: Path) -> None:
    refused(Code.PACK_UNKNOWN, name, tmp_path)


def test_another_file_makes_another_pack(root: Path, shared: Path) -> None:
    """No hash is published to hold the files against, so the id must tell them apart."""
    before = load_insightface_pack("buffalo_sc", root).pack_id
    embedder = root / "models" / "buffalo_sc" / "w600k_mbf.onnx"
    embedder.unlink()
    embedder.symlink_to(shared / "models" / "edgeface_xs.onnx")
    assert load_insightface_pack("buffalo_sc", root).pack_id != before


def test_the_prefix_chooses_the_library(root: Path) -> None:
    pack = find_pack("insightface:buffalo_sc", insightface_root=root)
    assert (pack.name, pack.embedder.path.name) == ("insightface:buffalo_sc", "w600k_mbf.onnx")


def test_it_gets_the_mask_state_model_that_it_lacks(root: Path) -> None:
    """Without one, every traveller of such a pack would be held to the masked threshold."""
    mask = find_pack("insightface:buffalo_sc", insightface_root=root).mask
    assert mask is not None
    assert mask.entry.own


def test_outputs_without_a_batch_axis_are_read(root: Path, six_people_jpeg: bytes) -> None:
    """InsightFace's own detector files leave the leading axis out."""
    import onnx
    from onnx import helper, numpy_helper

    folder = root / "models" / "buffalo_sc"
    whole = load_pipeline("insightface:buffalo_sc", insightface_root=root)
    model = onnx.load(str(folder / "det_500m.onnx"))
    axis = numpy_helper.from_array(np.array([0], np.int64), "leading")
    model.graph.initializer.append(axis)
    # Opset 12: Squeeze takes its axes as an attribute.
    for output in list(model.graph.output):
        model.graph.node.append(helper.make_node("Squeeze", [output.name], [output.name + "_flat"], axes=[0]))
        width = output.type.tensor_type.shape.dim[-1].dim_value
        flat = helper.make_tensor_value_info(output.name + "_flat", onnx.TensorProto.FLOAT, [None, width])
        model.graph.output.remove(output)
        model.graph.output.append(flat)
    (folder / "det_500m.onnx").unlink()
    onnx.save(model, str(folder / "det_500m.onnx"))
    flat_pipeline = load_pipeline("insightface:buffalo_sc", insightface_root=root)
    frame = Frame(0, 0, Encoding.JPEG, 0, 0, six_people_jpeg)
    assert boxes(flat_pipeline.look(frame)) == boxes(whole.look(frame))


def boxes(sighting: Sighting) -> list[tuple[float, float, float, float]]:
    return [face.box_xyxy for face in sighting.faces]
