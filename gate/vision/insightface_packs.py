"""Any InsightFace pack by name, read where the insightface library keeps it, run by our own session and adapters.

The library says which file plays which role and how its input is scaled, because it knows its packs best. It
would also fetch a missing pack from the internet; here nothing is fetched at load: an e-gate's network is closed,
and a model that came by itself is a model that nobody approved.
"""

from __future__ import annotations

import hashlib
import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gate.errors import Code, ModelPackError
from gate.vision.pack import ModelPack, VerifiedModel, make_pack_id
from gate.vision.registry import DetectorFile, EmbedderFile, Geometry, MaskFile
from gate.vision.session import ORT_ERRORS

PREFIX = "insightface:"
DEFAULT_ROOT = Path("~/.insightface")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LICENCE = "InsightFace: pretrained models for non-commercial research only"
# The score from which InsightFace itself counts a face.
_THRESHOLD = 0.5
# The two roles that a pack must fill, in the library's words, and what their files are called.
_ROLES = {
    "detection": "a SCRFD detector (det_10g.onnx, det_500m.onnx, scrfd_10g_bnkps.onnx)",
    "recognition": "an ArcFace embedder (w600k_r50.onnx, w600k_mbf.onnx, glintr100.onnx)",
}


@dataclass(frozen=True, slots=True)
class _Role:
    """What the library says of one file."""

    path: Path
    mean: float
    std: float


def load_insightface_pack(
    name: str,
    root: Path | None = None,
    calibration_json: str | None = None,
    mask: VerifiedModel[MaskFile] | None = None,
) -> ModelPack:
    """The pack that the insightface library calls `name`, for example ``buffalo_l``.

    There is no published hash to hold the files against; the hashes found are in the entries, and the embedder's
    is part of the pack id, so a changed file makes another pack.

    Args:
        name: without the ``insightface:`` prefix.
        root: the library's folder, by default ``~/.insightface``; packs lie in ``models`` below it.
        calibration_json: of the pack, where there is one.
        mask: a mask-state model to go with it; the library's packs have none.

    Raises:
        ModelPackError: PACK_UNKNOWN for what cannot be a name, MODEL_MISSING when it is not on this machine,
            MODEL_INVALID when a file is no model, or of a kind that the adapters do not read.
    """
    if not _NAME.fullmatch(name):
        raise ModelPackError(Code.PACK_UNKNOWN, f"expected the name of an InsightFace pack, found {name!r}")
    roles = _find_roles(_pack_folder(name, (root or DEFAULT_ROOT).expanduser()), name)
    detector = _detector(roles["detection"], name)
    embedder = _embedder(roles["recognition"], name)
    pack_id = make_pack_id(name, embedder.entry)
    return ModelPack(PREFIX + name, pack_id, detector, embedder, mask, calibration_json)


def _pack_folder(name: str, root: Path) -> Path:
    """Where the pack's files lie. Some archives hold a folder of the pack's own name once more."""
    folder = root / "models" / name
    for place in (folder, folder / name):
        if any(place.glob("*.onnx")):
            return place
    raise ModelPackError(
        Code.MODEL_MISSING,
        f"InsightFace pack {name!r} is not on this machine: expected {' and '.join(_ROLES.values())} in {folder}. "
        f"Nothing is fetched at load. Where its terms allow your use, run "
        f"`gate models pull {name} --root {root}`",
    )


def _find_roles(folder: Path, name: str) -> dict[str, _Role]:
    """The file of each role; the first in alphabetical order, as the library's own FaceAnalysis takes it."""
    # A second to import, and only who asks for such a pack should pay for it.
    zoo = importlib.import_module("insightface.model_zoo")
    if zoo.has_model_package_manifest(str(folder)):
        raise ModelPackError(
            Code.MODEL_INVALID, f"InsightFace pack {name!r} in {folder} has a manifest.json, a form not read here"
        )
    found: dict[str, _Role] = {}
    for path in sorted(folder.glob("*.onnx")):
        model = _route(zoo, path)
        task = getattr(model, "taskname", None)
        if model is not None and task in _ROLES and task not in found:
            found[task] = _Role(path, float(model.input_mean), float(model.input_std))
        if len(found) == len(_ROLES):
            return found
    missing = " and ".join(text for role, text in _ROLES.items() if role not in found)
    raise ModelPackError(Code.MODEL_MISSING, f"InsightFace pack {name!r} in {folder} lacks {missing}")


def _route(zoo: Any, path: Path) -> Any:  # noqa: ANN401 -- the library's model classes share no base
    """The library's own model object of a file; None for a kind that it does not know."""
    try:
        # Named here, so that routing never starts a GPU that nobody asked for.
        return zoo.get_model(str(path), providers=["CPUExecutionProvider"])
    except ORT_ERRORS as error:
        raise ModelPackError(Code.MODEL_INVALID, f"{path}: ONNX Runtime cannot load it: {error}") from error


def _detector(role: _Role, pack: str) -> VerifiedModel[DetectorFile]:
    data = role.path.read_bytes()
    entry = DetectorFile(
        file=role.path.name,
        sha256=hashlib.sha256(data).hexdigest(),
        family="scrfd",
        licence=_LICENCE,
        origin=f"InsightFace model pack {pack}",
        geometry=Geometry(colour_order="RGB", mean=role.mean, std=role.std),
        threshold=_THRESHOLD,
    )
    return VerifiedModel(role.path.stem, role.path, entry, data)


def _embedder(role: _Role, pack: str) -> VerifiedModel[EmbedderFile]:
    data = role.path.read_bytes()
    geometry = Geometry(size_px=(112, 112), colour_order="RGB", mean=role.mean, std=role.std, template="arcface-112")
    entry = EmbedderFile(
        file=role.path.name,
        sha256=hashlib.sha256(data).hexdigest(),
        family="arcface",
        licence=_LICENCE,
        origin=f"InsightFace model pack {pack}",
        geometry=geometry,
        dimensions=512,
    )
    return VerifiedModel(role.path.stem, role.path, entry, data)
