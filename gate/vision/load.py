"""From a pack's name to a pipeline that runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2

from gate.vision.detector import Head, InputScaling, OnnxDetector
from gate.vision.embedder import ArcFaceEmbedder
from gate.vision.enrolment import EnrolmentRules
from gate.vision.frame import DecodeLimits
from gate.vision.graph import open_batch_axis, with_symbolic_size
from gate.vision.head import join
from gate.vision.insightface_packs import PREFIX, load_insightface_pack
from gate.vision.lane_faces import LaneFacesDetector
from gate.vision.mask import MaskThresholds, OnnxMaskModel
from gate.vision.mask_aware import MaskAwareEmbedder
from gate.vision.minifasnet import MiniFasNet, ScaledNetwork
from gate.vision.pack import (
    ModelPack,
    VerifiedModel,
    insightface_mask,
    load_liveness,
    load_pack,
    read_calibration,
)
from gate.vision.pipeline import VisionPipeline
from gate.vision.refine import FaceRefiner
from gate.vision.registry import DetectorFile, Geometry, LivenessFile, MaskFile, ModelFile, registry_folder
from gate.vision.scrfd import ScrfdHead
from gate.vision.session import OrtSession, Provider
from gate.vision.yunet import YunetHead

DEFAULT_DETECT_SIZE_PX = 480


def load_pipeline(
    pack_name: str,
    *,
    provider: Provider = Provider.CPU,
    threads: int = 1,
    detect_size_px: int = DEFAULT_DETECT_SIZE_PX,
    limits: DecodeLimits | None = None,
    rules: EnrolmentRules | None = None,
    insightface_root: Path | None = None,
) -> VisionPipeline:
    """A pipeline of the named pack, verified and on the provider asked for; not yet warm.

    Args:
        pack_name: see `find_pack`.
        provider: what runs the models; nothing else will.
        threads: of each model's run.
        detect_size_px: longest side of the canvas on which faces are looked for.
        limits: on pictures.
        rules: on enrolment photographs.
        insightface_root: see `find_pack`.

    Raises:
        ModelPackError: the pack or a file of it is unknown, missing, altered or of another shape.
        ProviderError: the provider asked for is not the one that would run.
    """
    return build_pipeline(
        find_pack(pack_name, insightface_root=insightface_root),
        provider=provider,
        threads=threads,
        detect_size_px=detect_size_px,
        limits=limits,
        rules=rules,
    )


def find_pack(name: str, *, insightface_root: Path | None = None, liveness: str = "") -> ModelPack:
    """The pack of that name: of the registry (``edgeface-xs``, ``edgeface-xs+yunet-n``), or ``insightface:NAME``.

    Args:
        name: of the pack.
        insightface_root: the insightface library's folder, by default ``~/.insightface``.
        liveness: a liveness set of the registry to go with it; empty: the pack's own, where it names one.

    Raises:
        ModelPackError: see `load_pack`, `load_insightface_pack` and `load_liveness`.
    """
    pack = _find_pack(name, insightface_root)
    return replace(pack, liveness=load_liveness(liveness)) if liveness else pack


def _find_pack(name: str, insightface_root: Path | None) -> ModelPack:
    if not name.startswith(PREFIX):
        return load_pack(name)
    home = registry_folder()
    calibration_json = read_calibration(home, name)
    return load_insightface_pack(name.removeprefix(PREFIX), insightface_root, calibration_json, insightface_mask(home))


def build_pipeline(
    pack: ModelPack,
    *,
    provider: Provider = Provider.CPU,
    threads: int = 1,
    detect_size_px: int = DEFAULT_DETECT_SIZE_PX,
    limits: DecodeLimits | None = None,
    rules: EnrolmentRules | None = None,
) -> VisionPipeline:
    """A pipeline of a pack that is in memory; see `load_pipeline`. OpenCV gets one thread in this process.

    Its pool shares a crop of 112 x 112 out among all cores and waits for each of them: where they are busy, a tenth of
    the crops take 5 ms instead of 0.3.
    """
    cv2.setNumThreads(1)
    detector = load_detector(pack.detector, provider=provider, threads=threads, detect_size_px=detect_size_px)
    embedder = load_embedder(pack, provider=provider, threads=threads)
    mask = load_mask_model(pack.mask, provider=provider, threads=threads) if pack.mask else None
    liveness = load_liveness_model(pack.liveness, provider=provider, threads=threads) if pack.liveness else None
    return VisionPipeline(detector, embedder, mask, pack.pack_id, limits, rules, liveness)


def load_detector(
    model: VerifiedModel[DetectorFile], *, provider: Provider, threads: int, detect_size_px: int
) -> OnnxDetector | LaneFacesDetector:
    """The detector of a pack, at the canvas size asked for also when its file states another."""
    session = _session(model, provider, threads)
    if model.entry.family == "lane-faces":
        return LaneFacesDetector(
            session,
            FaceRefiner(_session(model.refiner, provider, threads)) if model.refiner else None,
            detect_size_px=detect_size_px,
            threshold=model.entry.threshold,
        )
    if any(isinstance(axis, int) for axis in session.inputs[0].shape[2:]):
        session = OrtSession(with_symbolic_size(model.data), name=model.name, provider=provider, threads=threads)
    head: Head = ScrfdHead() if model.entry.family == "scrfd" else YunetHead()
    return OnnxDetector(
        session,
        head,
        _scaling(model.entry.geometry),
        detect_size_px=detect_size_px,
        threshold=model.entry.threshold,
    )


def load_embedder(pack: ModelPack, *, provider: Provider, threads: int) -> ArcFaceEmbedder | MaskAwareEmbedder:
    """The embedder of a pack, joined to its head where it has one."""
    embedder = pack.embedder.entry
    scaling = _scaling(embedder.geometry)
    if embedder.family == "mask-aware":
        thresholds = MaskThresholds(embedder.worn_threshold, embedder.under_nose_threshold)
        return MaskAwareEmbedder(
            _one_face(pack.embedder.data, pack.embedder.name, provider, threads), scaling, thresholds
        )
    if pack.head is None:
        return ArcFaceEmbedder(_one_face(pack.embedder.data, pack.embedder.name, provider, threads), scaling)
    joined = join(pack.embedder.data, pack.head.data, pack.head.name)
    return MaskAwareEmbedder(
        _one_face(joined, pack.head.name, provider, threads),
        scaling,
        MaskThresholds(pack.head.entry.worn_threshold, pack.head.entry.under_nose_threshold),
    )


def load_mask_model(model: VerifiedModel[MaskFile], *, provider: Provider, threads: int) -> OnnxMaskModel:
    """The mask-state model of a pack."""
    return OnnxMaskModel(
        _session(model, provider, threads),
        _scaling(model.entry.geometry),
        MaskThresholds(model.entry.worn_threshold, model.entry.under_nose_threshold),
    )


def load_liveness_model(
    models: tuple[VerifiedModel[LivenessFile], ...], *, provider: Provider, threads: int
) -> MiniFasNet:
    """The liveness set of a pack."""
    return MiniFasNet([ScaledNetwork(_session(model, provider, threads), model.entry.scale) for model in models])


def _one_face(model: bytes, name: str, provider: Provider, threads: int) -> OrtSession:
    """A session that takes one face at a time: 5 % faster so. A GPU would rather have batches."""
    axis = open_batch_axis(model) if provider is Provider.CPU else ""
    return OrtSession(model, name=name, provider=provider, threads=threads, fixed={axis: 1} if axis else {})


def _session(model: VerifiedModel[ModelFile], provider: Provider, threads: int) -> OrtSession:
    return OrtSession(model.data, name=model.name, provider=provider, threads=threads)


def _scaling(geometry: Geometry) -> InputScaling:
    return InputScaling(geometry.mean, geometry.std, rgb=geometry.colour_order == "RGB")
