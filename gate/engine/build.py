"""From settings to an engine: the pack loaded and verified, its calibration read, every part put together."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from gate.clock import Clock
from gate.decision.calibration import Calibration
from gate.engine.engine import Engine
from gate.errors import Code, ModelPackError
from gate.gallery.gallery import Gallery
from gate.settings import Settings
from gate.vision.frame import DecodeLimits
from gate.vision.load import build_pipeline, find_pack
from gate.vision.pack import ModelPack
from gate.vision.pipeline import Vision
from gate.vision.session import Provider


@dataclass(frozen=True, slots=True)
class ModelPaper:
    """What is known of one model file of a pack.

    Attributes:
        role: detector, embedder, mask or head.
        name: in the registry.
        path: where it was read.
        licence: under what terms it may be used.
        own: made by this project.
    """

    role: str
    name: str
    path: Path
    licence: str
    own: bool

    @property
    def research_only(self) -> bool:
        """It may be used for research only; for a model of our own, because of what it was trained on."""
        return "research" in self.licence.lower()


@dataclass(frozen=True, slots=True)
class PackPapers:
    """What an operator should know of the pack that runs.

    Attributes:
        name, pack_id: as asked for, and as templates carry it.
        models: of the pack.
        calibration_data: on what its thresholds were measured.
    """

    name: str
    pack_id: str
    models: tuple[ModelPaper, ...]
    calibration_data: str

    @property
    def research_only(self) -> tuple[str, ...]:
        """Names of the models whose licence allows research only."""
        return tuple(model.name for model in self.models if model.research_only)


@dataclass(frozen=True, slots=True)
class Built:
    """An engine, not yet warm, with the vision it runs on and the pack's papers."""

    engine: Engine
    vision: Vision
    papers: PackPapers


def build_engine(
    settings: Settings,
    *,
    calibration: Calibration | None = None,
    gallery: Gallery | None = None,
    clock: Clock | None = None,
) -> Built:
    """Loads the pack that the settings name, and builds the engine on it.

    Args:
        settings: which pack, provider and threads; lanes and profiles.
        calibration: instead of the pack's own.
        gallery, clock: instead of the usual ones.

    Raises:
        ModelPackError: the pack or a file of it is unknown, missing, altered or of another shape, or has no usable
            calibration.
        ProviderError: the provider asked for is not the one that would run.
    """
    models = settings.models
    pack = find_pack(models.pack, insightface_root=models.insightface_root)
    calibration = calibration or read_pack_calibration(pack)
    vision = build_pipeline(
        pack,
        provider=Provider(models.provider),
        threads=models.threads,
        detect_size_px=models.detect_size,
        limits=DecodeLimits(max_bytes=settings.server.max_message_bytes),
    )
    papers = PackPapers(pack.name, pack.pack_id, papers_of(pack), calibration.data)
    return Built(Engine(settings, vision, calibration, gallery, clock), vision, papers)


def read_pack_calibration(pack: ModelPack) -> Calibration:
    """The pack's own calibration.

    Raises:
        ModelPackError: CALIBRATION_INVALID, when it has none, or one that is not its own.
    """
    if pack.calibration_json is None:
        raise ModelPackError(
            Code.CALIBRATION_INVALID,
            f"Pack {pack.name} has no calibration: a similarity says nothing without one.",
        )
    try:
        document = json.loads(pack.calibration_json)
    except ValueError as error:
        raise ModelPackError(Code.CALIBRATION_INVALID, f"Calibration of {pack.name}: not JSON: {error}.") from error
    return Calibration.parse(document, pack.pack_id)


def papers_of(pack: ModelPack) -> tuple[ModelPaper, ...]:
    """What is known of each model of a pack."""
    return tuple(
        ModelPaper(role, model.name, model.path, model.entry.licence, model.entry.own)
        for role, model in pack.models.items()
    )
