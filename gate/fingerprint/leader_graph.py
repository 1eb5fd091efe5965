"""The LEADER network as it runs: the published weights, in a graph that costs half as much.

The published file was converted from TensorFlow, which spelt layer norms and GELUs out in a dozen passes over memory,
each in its own layout, and dilated convolutions as shuffles round plain ones. Here they are single operators again,
pixels by channels, where a layer norm reads what lies side by side and a 1 x 1 convolution is a matrix product. Results
agree with the published graph's to 1e-3.

Besides, two of three heads, direction and kind, matter only at the minutiae. They become a graph of their own, which
sees small patches of the features round each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

_P = "functional_1/"
FEATURES = f"{_P}dec1_0_conc_1/concat:0"
"""What all heads see: (1, 52, h / 2, w / 2)."""

FEATURE_CHANNELS = 52
PRESENCE = f"{_P}head_nms_1/Mul:0"
"""How sure a minutia is at each pixel, 0 to 1, and 0 beside a surer one: (1, h, w, 1)."""

DIRECTION = f"{_P}head_conv_dir_1/BiasAdd:0"
"""Cosine and sine, of any length: (1, 2, h, w)."""

ENDING = f"{_P}head_conv_typ_1/Sigmoid:0"
"""How much it is an ending: (1, 1, h, w)."""

_STEM_INPUT = f"{_P}stem1_conv_1/BiasAdd__158:0"
_ATTENTION_INPUT = f"{_P}dec0_0_conc_1/concat:0"
_DILATED = {
    f"{_P}stem0_dilated_conv_1": (_STEM_INPUT, 2),
    f"{_P}stem1_dilated_conv_1": (_STEM_INPUT, 2),
    f"{_P}attention_conv_d3_1": (_ATTENTION_INPUT, 3),
    f"{_P}attention_conv_d6_1": (_ATTENTION_INPUT, 6),
}
"""Convolutions that the published file takes apart: what they see, and their dilation."""

_Attribute = int | float | list[int]

_OPSETS = (helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1))


@dataclass(frozen=True, slots=True)
class LeaderGraphs:
    """Two ONNX files, as bytes.

    Attributes:
        finder: image (1, h, w, 1) of grey levels, sides multiples of 32, to PRESENCE and FEATURES.
        heads: FEATURES, or patches of them laid side by side, to DIRECTION and ENDING, at twice the size.
    """

    finder: bytes
    heads: bytes


def split(published: bytes) -> LeaderGraphs:
    """The two graphs of the published file, whose hash has been checked: names in it are relied on."""
    graph = _Rewriter(onnx.load_model_from_string(published))
    graph.join_dilated()
    graph.join_norms()
    graph.join_gelus()
    return LeaderGraphs(
        finder=graph.cut({"input": (1, "height", "width", 1)}, (PRESENCE, FEATURES)),
        heads=graph.cut({FEATURES: (1, FEATURE_CHANNELS, "height", "width")}, (DIRECTION, ENDING)),
    )


class _Rewriter:
    """Adds an operator for each group of nodes, and lets `cut` drop the group, which then leads nowhere."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._nodes = {node.name: node for node in model.graph.node}
        self._weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        self._made: dict[str, NodeProto] = {}
        self._ir_version = model.ir_version

    def join_dilated(self) -> None:
        """One convolution each, instead of space to batch, convolution, batch to space."""
        for name, (source, dilation) in _DILATED.items():
            weights = self._weights_of(f"{name}/convolution")
            pad = dilation * (weights.shape[2] // 2)
            convolved = self._add(
                "Conv",
                [source, self._constant(f"{name}/w", weights), self._constant(f"{name}/b", self._bias(name))],
                f"{name}/whole",
                dilations=[dilation] * 2,
                pads=[pad] * 4,
            )
            # The published file goes on with channels first, then the batch of one.
            self._add("Transpose", [convolved], self._nodes[f"{name}/BiasAdd"].output[0], perm=[1, 0, 2, 3])

    def join_norms(self) -> None:
        """Layer norms with all that follows for each pixel alone: two matrix products, or an activation."""
        for name in self._endings("_ln_1/moments/mean"):
            norm = self._norm(f"{name}_ln_1")
            if f"{name}_conv_exp_1/Gelu/mul_3" in self._nodes:
                self._expand_and_reduce(name, norm)
            elif f"{name}_activation_1/Gelu/mul_3" in self._nodes:
                active = self._add("FastGelu", [norm], f"{name}/active", domain="com.microsoft")
                self._back(active, f"{name}_activation_1/Gelu/mul_3")
            else:
                self._back(norm, f"{name}_ln_1/add_2")

    def join_gelus(self) -> None:
        """The activations that follow no layer norm."""
        for name in self._endings("/Gelu/mul_3"):
            output = self._nodes[f"{name}/Gelu/mul_3"].output[0]
            if output not in self._made and not name.endswith("_conv_exp_1"):
                (value,) = (i for i in self._nodes[f"{name}/Gelu/mul"].input if i not in self._weights)
                self._add("FastGelu", [value], output, domain="com.microsoft")

    def cut(self, inputs: Mapping[str, Sequence[int | str]], outputs: Sequence[str]) -> bytes:
        """The part between inputs and outputs, as an ONNX file."""
        makers = {name: node for node in self._nodes.values() for name in node.output} | self._made
        nodes: dict[int, NodeProto] = {}
        stack = [(name, False) for name in outputs]
        while stack:
            name, seen = stack.pop()
            node = makers.get(name)
            if node is None or name in inputs or id(node) in nodes:
                continue
            if seen:
                nodes[id(node)] = node
            else:
                stack += [(name, True), *((needed, False) for needed in node.input)]
        used = {name for node in nodes.values() for name in node.input}
        graph = helper.make_graph(
            list(nodes.values()),
            "leader",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            [numpy_helper.from_array(array, name) for name, array in self._weights.items() if name in used],
        )
        model: bytes = helper.make_model(graph, opset_imports=_OPSETS, ir_version=self._ir_version).SerializeToString()
        return model

    def _norm(self, name: str) -> str:
        """A layer norm over channels, with the channels last; its output."""
        source = self._nodes[f"{name}/moments/mean"].input[0]
        last = self._add("Transpose", [source], f"{name}/last", perm=[0, 2, 3, 1])
        scale = self._constant(f"{name}/scale", self._weights_of(f"{name}/mul").ravel())
        bias = self._constant(f"{name}/bias", self._weights_of(f"{name}/add_1").ravel())
        epsilon = float(self._weights_of(f"{name}/add").ravel()[0])
        return self._add("LayerNormalization", [last, scale, bias], f"{name}/norm", axis=-1, epsilon=epsilon)

    def _expand_and_reduce(self, name: str, value: str) -> None:
        """1 x 1 convolution, activation, 1 x 1 convolution."""
        expand, reduce = f"{name}_conv_exp_1", f"{name}_conv_red_1"
        value = self._add("MatMul", [value, self._matrix(expand)], f"{name}/expanded")
        bias = self._constant(f"{expand}/b", self._bias(expand))
        value = self._add("FastGelu", [value, bias], f"{name}/active", domain="com.microsoft")
        value = self._add("MatMul", [value, self._matrix(reduce)], f"{name}/reduced")
        bias = self._constant(f"{reduce}/b", self._bias(reduce))
        value = self._add("Add", [value, bias], f"{name}/biased")
        self._back(value, f"{reduce}/BiasAdd")

    def _back(self, value: str, node: str) -> None:
        """Channels before pixels again, in place of a node's output."""
        self._add("Transpose", [value], self._nodes[node].output[0], perm=[0, 3, 1, 2])

    def _matrix(self, convolution: str) -> str:
        weights = self._weights_of(f"{convolution}/BiasAdd")
        return self._constant(f"{convolution}/w", weights[:, :, 0, 0].T)

    def _bias(self, convolution: str) -> NDArray[np.float32]:
        """The last constant of a node that adds it."""
        node = self._nodes[f"{convolution}/BiasAdd"]
        return [self._weights[name] for name in node.input if name in self._weights][-1].ravel()

    def _weights_of(self, node: str) -> NDArray[np.float32]:
        """The first constant that a node takes."""
        return next(self._weights[name] for name in self._nodes[node].input if name in self._weights)

    def _endings(self, ending: str) -> list[str]:
        return [name.removesuffix(ending) for name in self._nodes if name.endswith(ending)]

    def _constant(self, name: str, values: NDArray[np.float32]) -> str:
        self._weights[name] = np.ascontiguousarray(values, np.float32)
        return name

    def _add(
        self, operator: str, inputs: list[str], output: str, *, domain: str | None = None, **attributes: _Attribute
    ) -> str:
        node = helper.make_node(operator, inputs, [output], domain=domain)
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self._made[output] = node
        return output
