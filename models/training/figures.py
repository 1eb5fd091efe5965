"""Every figure of our own models in one go: `python -m models.training.figures --json OUT.json --plots FOLDER`.

  embedders   ours and the baselines: pairs, TAR, TPIR, unmasked and masked; a DET curve (`evaluate`)
  several     what several photographs or frames are worth (`fused`)
  discard     what the student's own word on a picture is worth (`discard`)
  head        the shipped head against its backbone (`head_evaluate`)
  detector    ours against SCRFD-500M: recall, landmarks, false detections, time (`detector_evaluate`)
  mask        mask state on pictures that training never saw (`mask_state`)

About forty minutes on two cores, of which the embedders take half; `--only PART` for one. What a model has already seen
is kept in the training folder, so a second run is faster.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.vision.head import join
from models.training import detector_evaluate, fused, mask_state
from models.training import discard as error_versus_discard
from models.training.chart import chart
from models.training.devset import DevSet, load
from models.training.evaluate import BASELINES, Array, embed, judge
from models.training.head_evaluate import Table
from models.training.head_features import BACKBONES
from models.training.paths import packs_dir, shared_dir

_FMR = 10.0 ** np.arange(-5, -0.9, 0.25)


def embedders(plots: Path | None) -> list[dict[str, Any]]:
    """`evaluate` of the student and the baselines."""
    dev = load()
    models = [_pack("egate-s"), *(shared_dir() / "models" / name for name in BASELINES)]
    seen = {_name(model): (embed(model, dev.clean), embed(model, dev.masked)) for model in models}
    if plots is not None:
        for side, state in enumerate(("unmasked", "masked")):
            lines = {name: det(both[side], both[0], dev) for name, both in seen.items()}
            below = "log10 of the false match rate; FNMR, percent"
            cv2.imwrite(str(plots / f"det-{state}.png"), chart(lines, f"DET, {state} probes", below, (-5, -1, 0, 100)))
    return [{"model": name, **judge(*both, dev)} for name, both in seen.items()]


def det(probe: Array, reference: Array, dev: DevSet) -> NDArray[np.float64]:
    """Points (n, 2) of log10(false match rate) and false non-match rate in percent."""
    similarity = probe @ reference.T
    strangers = np.sort(similarity[dev.impostors()])
    mated = np.sort(similarity[dev.mates()])
    thresholds = np.quantile(strangers, 1 - _FMR)
    missed = 100 * np.searchsorted(mated, thresholds) / len(mated)
    return np.stack([np.log10(_FMR), missed], axis=1)


def several(plots: Path | None) -> list[dict[str, Any]]:
    """`fused` of the student and of its teacher."""
    del plots
    dev, models = load(), (_pack("egate-s"), shared_dir() / "models" / "edgeface_xs.onnx")
    return [asdict(row) | {"model": _name(model)} for model in models for row in fused.table(model, dev)]


def discard(plots: Path | None) -> dict[str, Any]:
    """Error versus discard of the student."""
    rows = error_versus_discard.table(_pack("egate-s"), load())
    if plots is not None:
        cv2.imwrite(str(plots / "discard.png"), error_versus_discard.draw(rows))
    return {"discarded": error_versus_discard.SHARES, **rows}


def head(plots: Path | None) -> list[dict[str, Any]]:
    """The backbone alone, and with the head that ships."""
    del plots
    table, backbone = Table(threads=1), BACKBONES["w600k-mbf"].path.read_bytes()
    shipped = (packs_dir() / "w600k-mbf-head" / "head.onnx").read_bytes()
    models = {"backbone alone": backbone, "with the head": join(backbone, shipped, "w600k-mbf-head")}
    return [table.row(name, model) for name, model in models.items()]


def detector(plots: Path | None) -> dict[str, Any]:
    """Ours against SCRFD-500M."""
    report, outcomes = detector_evaluate.measure(_pack("lane-faces"))
    if plots is not None:
        detector_evaluate.plots(outcomes, plots)
    return report


def mask(plots: Path | None) -> dict[str, Any]:
    """The mask-state model on `mask-nomask`."""
    del plots
    return mask_state.evaluate(_pack("mask-state"))


PARTS: dict[str, Callable[[Path | None], Any]] = {
    part.__name__: part for part in (embedders, several, discard, head, detector, mask)
}


def _pack(name: str) -> Path:
    return packs_dir() / name / "model.onnx"


def _name(model: Path) -> str:
    return model.parent.name if model.stem == "model" else model.stem


def main() -> None:
    """Measure the parts one after the other; each is written as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=sorted(PARTS), action="append", help="a part; may be repeated")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plots", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.plots:
        arguments.plots.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {}
    for name in arguments.only or PARTS:
        document[name] = PARTS[name](arguments.plots)
        print(json.dumps({name: document[name]}, indent=1), flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
