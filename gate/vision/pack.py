"""A model pack in memory: files found, verified by hash, and named so that templates know who made them."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from gate.errors import Code, ModelPackError
from gate.vision.registry import (
    DetectorFile,
    EmbedderFile,
    HeadFile,
    LivenessFile,
    MaskFile,
    ModelFile,
    RefinerFile,
    Registry,
    load_registry,
    registry_folder,
)

MODELS_VARIABLE = "EGATE_MODEL_PATH"

F = TypeVar("F", bound=ModelFile)
F_co = TypeVar("F_co", bound=ModelFile, covariant=True)


@dataclass(frozen=True, slots=True)
class VerifiedModel(Generic[F_co]):
    """A model whose bytes are the ones its entry describes.

    Attributes:
        name: in the registry, or the file's name.
        path: where it was read.
        entry: its papers.
        data: the ONNX file.
        refiner: a detector's second look, where its entry names one.
    """

    name: str
    path: Path
    entry: F_co
    data: bytes = field(repr=False)
    refiner: VerifiedModel[RefinerFile] | None = None

    @property
    def short_id(self) -> str:
        """Its name and the start of its SHA-256, and of its second look's: another one finds other faces."""
        looks = [self.entry.sha256, *([self.refiner.entry.sha256] if self.refiner else [])]
        return "-".join((self.name, *(sha256[:8] for sha256 in looks)))


@dataclass(frozen=True, slots=True)
class ModelPack:
    """Detector, embedder and what belongs to them.

    Attributes:
        name: as asked for.
        pack_id: the embedder's name and a short hash over everything that shapes an embedding: the embedder's
            file, its input geometry and the alignment. Embeddings of two packs are comparable if and only if
            the ids are equal, so the detector is not part of it.
        detector, embedder, mask: the models; `mask` is None for a pack that cannot tell masks.
        calibration_json: text of the pack's calibration, None while it has none.
        head: makes the embedder mask-aware. It leaves unmasked templates as they are and moves masked ones towards
            them, so templates with and without it are comparable and the pack's id does not depend on it.
        liveness: networks that judge together whether a face is a living one; empty for a pack without them.
    """

    name: str
    pack_id: str
    detector: VerifiedModel[DetectorFile]
    embedder: VerifiedModel[EmbedderFile]
    mask: VerifiedModel[MaskFile] | None
    calibration_json: str | None = field(repr=False)
    head: VerifiedModel[HeadFile] | None = None
    liveness: tuple[VerifiedModel[LivenessFile], ...] = ()

    @property
    def models(self) -> dict[str, VerifiedModel[Any]]:
        """Every model of the pack, by its role."""
        roles = {
            "detector": self.detector,
            "refiner": self.detector.refiner,
            "embedder": self.embedder,
            "mask": self.mask,
            "head": self.head,
        }
        alive = {f"liveness-{number}": model for number, model in enumerate(self.liveness, start=1)}
        return {role: model for role, model in roles.items() if model is not None} | alive


def load_pack(name: str, *, registry_dir: Path | None = None, folders: tuple[Path, ...] | None = None) -> ModelPack:
    """Find, read and verify a registered pack.

    Args:
        name: ``<pack>`` or ``<pack>+<detector>``, see `Registry.pack`.
        registry_dir: folder of registry.toml and own models, by default this installation's.
        folders: where third-party files are looked up, by default `model_folders()`.

    Raises:
        ModelPackError: PACK_UNKNOWN, MODEL_MISSING, MODEL_ALTERED or MODEL_INVALID.
    """
    home = registry_dir or registry_folder()
    places = model_folders(home) if folders is None else folders
    registry = load_registry(home)
    entry = registry.pack(name)
    embedder = read_verified(entry.embedder, _listed(registry.embedders, entry.embedder), home, places)
    mask = read_verified(entry.mask, _listed(registry.masks, entry.mask), home, places) if entry.mask else None
    head = read_verified(entry.head, _listed(registry.heads, entry.head), home, places) if entry.head else None
    if head and head.entry.backbone_sha256 != embedder.entry.sha256:
        raise ModelPackError(
            Code.MODEL_INVALID,
            f"head {head.name} was trained on the embedder with SHA-256 {head.entry.backbone_sha256}; pack {name} "
            f"joins it to {embedder.name}, {embedder.entry.sha256}",
        )
    return ModelPack(
        name=name,
        pack_id=make_pack_id(entry.embedder, embedder.entry),
        detector=read_verified(entry.detector, _listed(registry.detectors, entry.detector), home, places),
        embedder=embedder,
        mask=mask,
        calibration_json=read_calibration(home, name),
        head=head,
        liveness=_liveness_set(registry, entry.liveness, home, places) if entry.liveness else (),
    )


def insightface_mask(home: Path) -> VerifiedModel[MaskFile] | None:
    """The registry's mask-state model for packs that come without one.

    Raises:
        ModelPackError: MODEL_MISSING, MODEL_ALTERED or MODEL_INVALID.
    """
    registry = load_registry(home)
    name = registry.insightface_mask
    return read_verified(name, _listed(registry.masks, name), home, model_folders(home)) if name else None


def load_liveness(
    name: str, *, registry_dir: Path | None = None, folders: tuple[Path, ...] | None = None
) -> tuple[VerifiedModel[LivenessFile], ...]:
    """Find, read and verify a liveness set of the registry. Arguments as for `load_pack`.

    Raises:
        ModelPackError: PACK_UNKNOWN, MODEL_MISSING, MODEL_ALTERED or MODEL_INVALID.
    """
    home = registry_dir or registry_folder()
    return _liveness_set(load_registry(home), name, home, model_folders(home) if folders is None else folders)


def model_folders(home: Path, environ: dict[str, str] | None = None) -> tuple[Path, ...]:
    """Where third-party model files may lie, first match wins.

    The folders of EGATE_MODEL_PATH (separated like PATH), then ``shared/models`` beside the checkout.

    Args:
        home: the registry's folder.
        environ: by default the process's.
    """
    variables = os.environ if environ is None else environ
    named = [Path(part).expanduser() for part in variables.get(MODELS_VARIABLE, "").split(os.pathsep) if part]
    return (*named, home.parent.parent / "shared" / "models")


def read_verified(name: str, entry: F, home: Path, folders: tuple[Path, ...]) -> VerifiedModel[F]:
    """The model's bytes, and its second look's, when they are those of the entry.

    Raises:
        ModelPackError: MODEL_MISSING, naming every place looked at, or MODEL_ALTERED.
    """
    second = entry.refiner if isinstance(entry, DetectorFile) else None
    places = (home,) if entry.own else folders
    path = next((place / entry.file for place in places if (place / entry.file).is_file()), None)
    if path is None:
        looked = ", ".join(str(place / entry.file) for place in places)
        raise ModelPackError(
            Code.MODEL_MISSING,
            f"model {name}: no file {entry.file}; looked for {looked}. Put the file into one of these folders, "
            f"or name its folder in the environment variable {MODELS_VARIABLE}. Origin: {entry.origin}",
        )
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != entry.sha256:
        raise ModelPackError(
            Code.MODEL_ALTERED,
            f"model {name}: expected SHA-256 {entry.sha256}, {path} has {found}. Fetch the file again from its "
            f"origin ({entry.origin}), or register the new one under its own name",
        )
    refiner = read_verified(f"{name}-refiner", second, home, folders) if second else None
    return VerifiedModel(name, path, entry, data, refiner)


def make_pack_id(name: str, entry: EmbedderFile) -> str:
    """See `ModelPack.pack_id`."""
    shape = {"embedder": entry.sha256, "geometry": entry.geometry.model_dump(mode="json")}
    digest = hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()
    return f"{name}-{digest[:8]}"


def read_calibration(home: Path, pack_name: str) -> str | None:
    """Text of the pack's calibration, None when none was measured; it is for `gate.decision` to understand."""
    path = home / "packs" / pack_name.replace(":", "-") / "calibration.json"
    return path.read_text("utf-8") if path.is_file() else None


def _liveness_set(
    registry: Registry, name: str, home: Path, folders: tuple[Path, ...]
) -> tuple[VerifiedModel[LivenessFile], ...]:
    if name not in registry.liveness_sets:
        known = ", ".join(sorted(registry.liveness_sets)) or "none"
        raise ModelPackError(Code.PACK_UNKNOWN, f"no liveness set {name!r} in the registry; there are: {known}")
    models = registry.liveness_sets[name].models
    return tuple(read_verified(model, _listed(registry.liveness, model), home, folders) for model in models)


def _listed(entries: dict[str, F], name: str) -> F:
    if name not in entries:
        raise ModelPackError(
            Code.MODEL_INVALID, f"the registry's packs name a model {name!r} that it does not describe"
        )
    return entries[name]
