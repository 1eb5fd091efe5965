"""A mask-aware head inside somebody else's face network, put there in memory at load.

Whoever may use an ArcFace-type network brings its file; we ship the head alone. The head replaces some inner maps of
the network, and its embedding, by corrected ones, which without a mask are the same numbers. Its file says in its
metadata which network it was trained in (SHA-256) and which of its tensors it replaces.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, MutableSequence

import onnx

from gate.errors import Code, ModelPackError

PREFIX = "head/"
"""Before the names of the head's own outputs in the joined model."""

_ALSO_SAID = ("mask", "attention")


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
    _put_inside(base, onnx.compose.add_prefix(added, PREFIX), papers["taps"].split(","), name)
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
    wanted = [PREFIX + output for output in _ALSO_SAID]
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


def _parse(model: bytes, name: str) -> onnx.ModelProto:
    try:
        onnx.checker.check_model(model)
    except (ValueError, onnx.checker.ValidationError) as error:
        raise ModelPackError(Code.MODEL_INVALID, f"{name}: expected an ONNX file: {error}") from error
    return onnx.load_model_from_string(model)
