"""From a training checkpoint to the ONNX file that ships: `python -m models.training.export CHECKPOINT OUT.onnx`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from models.training.student import Deployed, Student, StudentShape
from models.training.tracing import traced

OUTPUTS = ("embedding", "mask", "attention", "recognisability")
# Smaller tensors are not worth a cast.
_HALF_FROM_ELEMENTS = 1024


def export(student: Student, path: Path, half: bool = True) -> None:
    """Write `student` as ONNX: input `crop` (n, 3, 112, 112), outputs as `OUTPUTS`; weights as float16 if `half`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    model = onnx.load_from_string(trace(Deployed(student).float(), OUTPUTS))
    if half:
        store_as_half(model)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def trace(network: nn.Module, outputs: tuple[str, ...]) -> bytes:
    """A network of one input `crop` (n, 3, 112, 112) and named outputs as ONNX, any n."""
    names = ("crop", *outputs)
    return traced(network, (2, 3, 112, 112), names, {name: {0: "n"} for name in names})


def store_as_half(model: onnx.ModelProto) -> None:
    """Keep the big weights as float16 with a cast each: half the file; ONNX Runtime folds the casts when it loads."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _HALF_FROM_ELEMENTS:
            continue
        name = tensor.name
        values = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(values, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT, name=f"{name}.cast"))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def load_student(checkpoint: Path, averaged: bool = True) -> Student:
    """The student of a checkpoint, by default with its averaged weights."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    student = Student(StudentShape(**state["shape"]))
    student.load_state_dict(state["average" if averaged else "student"])
    student.eval()
    return student


def main() -> None:
    """Export one checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--full", action="store_true", help="store weights as float32")
    arguments = parser.parse_args()
    export(load_student(arguments.checkpoint), arguments.out, half=not arguments.full)


if __name__ == "__main__":
    main()
