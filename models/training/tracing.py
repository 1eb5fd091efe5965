"""From a torch network to ONNX, as it is: one way for every export."""

from __future__ import annotations

import io
import warnings

import torch
from torch import nn

Axes = dict[str, dict[int, str]]


def traced(network: nn.Module, example: tuple[int, ...], names: tuple[str, ...], axes: Axes) -> bytes:
    """The ONNX file of a network, put into evaluation.

    Args:
        network: of one input.
        example: a shape of that input.
        names: of the input, then of the outputs.
        axes: by name, the axes that stay open, and what they are called.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, but the newer one needs one more package (onnxscript).
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.zeros(*example),),
            buffer,
            input_names=[names[0]],
            output_names=list(names[1:]),
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
    return buffer.getvalue()
