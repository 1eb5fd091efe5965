"""From a pack's name to a pipeline that runs."""

from __future__ import annotations

from gate.vision.detector import Head, InputScaling, OnnxDetector
from gate.vision.embedder import ArcFaceEmbedder
from gate.vision.enrolment import EnrolmentRules
from gate.vision.frame import DecodeLimits
from gate.vision.graph import with_symbolic_size
from gate.vision.mask import OnnxMaskModel
from gate.vision.pack import ModelPack, VerifiedModel, load_pack
from gate.vision.pipeline import VisionPipeline
from gate.vision.registry import DetectorFile, Geometry, MaskFile, ModelFile
from gate.vision.scrfd import ScrfdHead
from gate.vision.session import OrtSession, Provider
from gate.vision.yunet import YunetHead

DEFAULT_DETECT_SIZE_PX = 320


def load_pipeline(
    pack_name: str,
    *,
    provider: Provider = Provider.CPU,
    threads: int = 1,
    detect_size_px: int = DEFAULT_DETECT_SIZE_PX,
    limits: DecodeLimits | None = None,
    rules: EnrolmentRules | None = None,
) -> VisionPipeline:
    """A pipeline of the named pack, verified and on the provider asked for; not yet warm.

    Raises:
        ModelPackError: the pack or a file of it is unknown, missing, altered or of another shape.
        ProviderError: the provider asked for is not the one that would run.
    """
    return build_pipeline(
        load_pack(pack_name),
        provider=provider,
        threads=threads,
        detect_size_px=detect_size_px,
        limits=limits,
        rules=rules,
    )


def build_pipeline(
    pack: ModelPack,
    *,
    provider: Provider = Provider.CPU,
    threads: int = 1,
    detect_size_px: int = DEFAULT_DETECT_SIZE_PX,
    limits: DecodeLimits | None = None,
    rules: EnrolmentRules | None = None,
) -> VisionPipeline:
    """A pipeline of a pack that is in memory; see `load_pipeline`."""
    detector = load_detector(pack.detector, provider=provider, threads=threads, detect_size_px=detect_size_px)
    embedder = ArcFaceEmbedder(_session(pack.embedder, provider, threads), _scaling(pack.embedder.entry.geometry))
    mask = load_mask_model(pack.mask, provider=provider, threads=threads) if pack.mask else None
    return VisionPipeline(detector, embedder, mask, pack.pack_id, limits, rules)


def load_detector(
    model: VerifiedModel[DetectorFile], *, provider: Provider, threads: int, detect_size_px: int
) -> OnnxDetector:
    """The detector of a pack, at the canvas size asked for also when its file states another."""
    session = _session(model, provider, threads)
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


def load_mask_model(model: VerifiedModel[MaskFile], *, provider: Provider, threads: int) -> OnnxMaskModel:
    """The mask-state model of a pack."""
    return OnnxMaskModel(
        _session(model, provider, threads),
        _scaling(model.entry.geometry),
        worn_threshold=model.entry.worn_threshold,
        under_nose_threshold=model.entry.under_nose_threshold,
    )


def _session(model: VerifiedModel[ModelFile], provider: Provider, threads: int) -> OrtSession:
    return OrtSession(model.data, name=model.name, provider=provider, threads=threads)


def _scaling(geometry: Geometry) -> InputScaling:
    return InputScaling(geometry.mean, geometry.std, rgb=geometry.colour_order == "RGB")
