"""From a head's checkpoint to the file that ships: `python -m models.training.head_export --run main`.

Inputs are the backbone's tapped tensors in order, the embedding last; outputs their replacements, `mask` (n, 2) and
`attention` (n, 7, 7). Metadata names the backbone by its SHA-256, and the tapped tensors; `gate.vision.head` joins
them.
"""

from __future__ import annotations

import argparse
import hashlib
import io
from pathlib import Path

import onnx
import torch

from models.training.export import store_as_half
from models.training.head_features import BACKBONES, Backbone
from models.training.head_network import Deployed, Head
from models.training.head_train import load_head
from models.training.paths import packs_dir, train_dir


def export(head: Head, backbone: Backbone, path: Path) -> None:
    """Write the head for `backbone`, in the operator set of its file, weights stored as float16."""
    data = backbone.path.read_bytes()
    opset = next(item.version for item in onnx.load_model_from_string(data).opset_import if not item.domain)
    count = len(backbone.taps)
    inputs = [f"map_{i}" for i in range(count)] + ["embedding"]
    outputs = [f"corrected_{name}" for name in inputs] + ["mask", "attention"]
    buffer = io.BytesIO()
    torch.onnx.export(
        Deployed(head).float().eval(),
        tuple(torch.randn(2, *shape) for shape in head.shape.inputs()),
        buffer,
        input_names=inputs,
        output_names=outputs,
        dynamic_axes={name: {0: "n"} for name in (*inputs, *outputs)},
        opset_version=opset,
        dynamo=False,
    )
    model = onnx.load_from_string(buffer.getvalue())
    store_as_half(model)
    taps = ",".join((*backbone.taps, backbone.embedding))
    onnx.helper.set_model_props(model, {"backbone_sha256": hashlib.sha256(data).hexdigest(), "taps": taps})
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)


def main() -> None:
    """Export one run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", choices=sorted(BACKBONES), default="w600k-mbf")
    parser.add_argument("--run", default="main")
    parser.add_argument("--out", type=Path, help="by default models/packs/<backbone>-head/head.onnx")
    arguments = parser.parse_args()
    checkpoint = train_dir("head", arguments.backbone, "runs", arguments.run) / "checkpoint.pt"
    path = arguments.out or packs_dir() / f"{arguments.backbone}-head" / "head.onnx"
    export(load_head(checkpoint), BACKBONES[arguments.backbone], path)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
