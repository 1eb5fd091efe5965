"""A mask-aware head inside somebody else's face network, put there in memory at load.

Whoever may use an ArcFace-type network brings its file; we ship the head alone. The head replaces some inner maps of
the network, and its embedding, by corrected ones, which without a mask are the same numbers. Its file says in its
metadata which network it was trained in (SHA-256) and which of its tensors it replaces.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, MutableSequence
from typing import NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray

from gate.errors import Code, ModelPackError
from gate.vision.align import ALIGNED_SIZE_PX
from gate.vision.detector import InputScaling
from gate.vision.embedder import AlignedBatch, check_aligned, to_batch_blob, unit_rows
from gate.vision.mask import MaskThresholds, as_probabilities
from gate.vision.probe import Embedding, ImageBGR, MaskState
from gate.vision.session import OrtSession

_PREFIX = "head/"
_ALSO_SAID = ("mask", "attention")


class View(NamedTuple):
    """What the joined model sees in aligned faces.

    `embedding` (B, D) L2-normalised; `mask` (B, 2) probabilities that a mask is worn, and that it is worn under the
    nose; `attention` (B, 7, 7) over the cells of the crop, 16 px each, summing to 1.
    """

    embedding: Embedding
    mask: NDArray[np.float32]
    attention: NDArray[np.float32]


def join(backbone: bytes, head: bytes, name: str) -> bytes:
    """One model out of two: the backbone's input; its embedding, `head/mask` and `head/attention` out.

    The head's inputs stand, in order, for the backbone's tensors that its metadata `taps` names, separated by commas;
    its first outputs replace them for everything that follows. The last tap is the backbone's only output.

    Args:
        backbone: the file that the head was trained in.
        head: its metadata are `backbone_sha256` and `taps`.
        name: of the head, for messages.

    Raises:
        ModelPackError: MODEL_INVALID for another backbone, or when a file is not what it should be.
    """
    added = _parse(head, name)
    papers = {item.key: item.value for item in added.metadata_props}
    missing = [key for key in ("backbone_sha256", "taps") if key not in papers]
    if missing:
        raise ModelPackError(Code.MODEL_INVALID, f"head {name}: expected metadata {missing}, found {sorted(papers)}")
    found = hashlib.sha256(backbone).hexdigest()
    if found != papers["backbone_sha256"]:
        raise ModelPackError(
            Code.MODEL_INVALID,
            f"head {name} was trained in the backbone with SHA-256 {papers['backbone_sha256']}, found {found}; in "
            "another it would make embeddings of nobody. Train a head for this one (models/training/README.md)",
        )
    base = _parse(backbone, name)
    _put_inside(base, onnx.compose.add_prefix(added, _PREFIX), papers["taps"].split(","), name)
    try:
        onnx.checker.check_model(base)
    except onnx.checker.ValidationError as error:
        raise ModelPackError(Code.MODEL_INVALID, f"head {name} does not fit its backbone: {error}") from error
    joined: bytes = base.SerializeToString()
    return joined


def _put_inside(base: onnx.ModelProto, added: onnx.ModelProto, taps: list[str], name: str) -> None:
    """Add the head's nodes to the backbone's, and let the tapped tensors' readers read the head instead."""
    inputs = [item.name for item in added.graph.input]
    outputs = [item.name for item in added.graph.output]
    wanted = [_PREFIX + output for output in _ALSO_SAID]
    made = {output for node in base.graph.node for output in node.output}
    if len(inputs) != len(taps) or outputs[len(taps) :] != wanted or not made.issuperset(taps):
        raise ModelPackError(
            Code.MODEL_INVALID,
            f"head {name} does not fit its backbone: taps {taps}, inputs {inputs}, outputs {outputs}",
        )
    if _opset(base) != _opset(added):
        raise ModelPackError(
            Code.MODEL_INVALID,
            f"head {name} does not fit its backbone: operator set {_opset(added)}, expected {_opset(base)}",
        )
    replaced = dict(zip(taps, outputs, strict=False))
    for node in base.graph.node:
        _rename(node.input, replaced)
    tapped = dict(zip(inputs, taps, strict=True))
    for node in added.graph.node:
        _rename(node.input, tapped)
    base.graph.initializer.extend(added.graph.initializer)
    fixed = {item.name for item in base.graph.initializer} | {item.name for item in base.graph.input}
    nodes = list(_sorted([*base.graph.node, *added.graph.node], fixed))
    del base.graph.node[:]
    base.graph.node.extend(nodes)
    base.graph.output[0].name = replaced[taps[-1]]
    base.graph.output.extend(added.graph.output[len(taps) :])
    base.ir_version = max(base.ir_version, added.ir_version)


def _rename(names: MutableSequence[str], other: dict[str, str]) -> None:
    for i, name in enumerate(names):
        names[i] = other.get(name, name)


def _sorted(nodes: list[onnx.NodeProto], known: set[str]) -> Iterable[onnx.NodeProto]:
    """Each node after those that make its inputs, as ONNX demands; an empty name is an input left out."""
    known = known | {""}
    waiting = nodes
    while waiting:
        later = []
        for node in waiting:
            if known.issuperset(node.input):
                known.update(node.output)
                yield node
            else:
                later.append(node)
        if len(later) == len(waiting):
            return  # a loop, or a tensor that nobody makes: the checker will name it
        waiting = later


def _opset(model: onnx.ModelProto) -> int:
    return next(int(item.version) for item in model.opset_import if item.domain in ("", "ai.onnx"))


class MaskAwareEmbedder:
    """`Embedder` and `MaskModel` in one run of a joined model. Threads may share it.

    Args:
        session: of `join`'s model.
        scaling: of the backbone's input.
        thresholds: on the two mask probabilities.

    Raises:
        ModelPackError: MODEL_INVALID.
    """

    def __init__(self, session: OrtSession, scaling: InputScaling, thresholds: MaskThresholds | None = None) -> None:
        names = tuple(spec.name.removeprefix(_PREFIX) for spec in session.outputs)
        if names[1:] != _ALSO_SAID:
            raise ModelPackError(
                Code.MODEL_INVALID, f"{session.name}: expected outputs embedding, mask, attention, found {names}"
            )
        dimensions = session.outputs[0].shape[-1]
        if not isinstance(dimensions, int):
            raise ModelPackError(
                Code.MODEL_INVALID, f"{session.name}: expected embeddings (N, D), found {session.outputs[0].shape}"
            )
        self._session = session
        self._scaling = scaling
        self._dimensions = dimensions
        self._thresholds = thresholds or MaskThresholds()

    @property
    def dimensions(self) -> int:
        """See `Embedder.dimensions`."""
        return self._dimensions

    def view(self, aligned_bgr: AlignedBatch) -> View:
        """Everything the model says of aligned faces (B, 112, 112, 3) uint8, B may be 0.

        Raises:
            ValueError: another shape or type.
            EngineFault: INFERENCE_FAILED, also for numbers that are no embeddings or no probabilities.
        """
        check_aligned(aligned_bgr)
        if len(aligned_bgr) == 0:
            empty = (np.empty(shape, np.float32) for shape in ((0, self._dimensions), (0, 2), (0, 7, 7)))
            return View(*empty)
        feeds = {self._session.inputs[0].name: to_batch_blob(aligned_bgr, self._scaling)}
        raw, mask, attention = (output.astype(np.float32, copy=False) for output in self._session.run(feeds))
        name = self._session.name
        return View(unit_rows(raw, name), as_probabilities(mask, name), attention)

    def embed(self, aligned_bgr: AlignedBatch) -> Embedding:
        """See `Embedder.embed`."""
        return self.view(aligned_bgr).embedding

    def embed_with_mask(self, aligned_bgr: ImageBGR) -> tuple[Embedding, MaskState]:
        """Embedding (D,) and mask state of one face (112, 112, 3), in one run."""
        view = self.view(aligned_bgr[None])
        return view.embedding[0], self._thresholds.state(*view.mask[0].tolist())

    def state(self, aligned_bgr: ImageBGR) -> MaskState:
        """See `MaskModel.state`."""
        return self.embed_with_mask(aligned_bgr)[1]

    def warm(self) -> None:
        """See `Embedder.warm`."""
        self._session.warm((1, 3, ALIGNED_SIZE_PX, ALIGNED_SIZE_PX))


def _parse(model: bytes, name: str) -> onnx.ModelProto:
    try:
        onnx.checker.check_model(model)
    except (ValueError, onnx.checker.ValidationError) as error:
        raise ModelPackError(Code.MODEL_INVALID, f"{name}: expected an ONNX file: {error}") from error
    return onnx.load_model_from_string(model)
