"""From settings to an engine: the pack loaded and verified, its calibration read, every part put together."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypedDict

from gate.audit.journal import Journal, MemoryJournal, SealedJournal
from gate.claims.claim import ClaimRules, Tokens
from gate.claims.jwks import JwksFile
from gate.claims.replay import MemoryUsedTokens, StoredUsedTokens
from gate.claims.token import TokenRules
from gate.clock import Clock, GuardedClock, SystemClock
from gate.decision.calibration import Calibration
from gate.engine.engine import Engine
from gate.engine.fingers import FingerReader, open_reader
from gate.engine.plans import StoredPlans
from gate.engine.recording import Made
from gate.engine.recordings import Recordings
from gate.engine.remake import made_by
from gate.engine.template import template_of
from gate.errors import Code, ModelPackError
from gate.gallery.axes import Axes
from gate.gallery.gallery import Gallery
from gate.gallery.ledger import read_time_mark
from gate.gallery.life import ClockAlarms
from gate.gallery.memory import MemoryGallery
from gate.gallery.sealed import Progress, Restored, SealedGallery
from gate.gallery.watch_store import SealedWatchList
from gate.gallery.watchlist import WatchList
from gate.settings import GallerySettings, Settings
from gate.storage.database import Database
from gate.storage.keys import KeySources
from gate.vision.axes import spanning_vectors
from gate.vision.frame import DecodeLimits
from gate.vision.load import build_pipeline, find_pack
from gate.vision.pack import ModelPack
from gate.vision.pipeline import Vision
from gate.vision.probe import MaskState
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
    """An engine, not yet warm, with the vision it runs on, the pack's papers, and what it keeps.

    Attributes:
        journal: the audit journal; it ends with the process where there is no store.
        restored: what the store brought back; None without one.
        database: the store; None without one.
    """

    engine: Engine
    vision: Vision
    papers: PackPapers
    journal: Journal
    restored: Restored | None = None
    database: Database | None = None

    def close(self) -> None:
        """Releases the store and what reads fingers. The engine can change nothing afterwards."""
        if self.engine.fingers is not None:
            self.engine.fingers.close()
        if self.database is not None:
            self.database.close()

    def __enter__(self) -> Built:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def build_engine(
    settings: Settings,
    *,
    calibration: Calibration | None = None,
    gallery: Gallery | None = None,
    clock: Clock | None = None,
    progress: Progress | None = None,
) -> Built:
    """Loads the pack that the settings name, opens the store where they name one, and builds the engine.

    Args:
        settings: which pack, provider and threads; lanes and profiles; where the store is.
        calibration: instead of the pack's own.
        gallery: instead of the usual one; then no store is opened.
        clock: instead of the machine's.
        progress: told how far the store is opened, and how many photographs are embedded again.

    Raises:
        ModelPackError: the pack or a file of it is unknown, missing, altered or of another shape, or has no usable
            calibration.
        ProviderError: the provider asked for is not the one that would run.
        IssuerKeyError: the keys of those who issue travel tokens cannot be read.
        MasterKeyError: there is no usable master key for the store.
        StoreError: the store is in use, or none of ours.
        StorageFault: the store cannot be read, or was changed by somebody else.
    """
    models = settings.models
    pack = find_pack(models.pack, insightface_root=models.insightface_root, liveness=models.liveness)
    calibration = calibration or read_pack_calibration(pack)
    with ThreadPoolExecutor(1, "axes") as beside:  # while the models are opened
        turning = beside.submit(lambda: Axes.of(spanning_vectors(pack), pack.embedder.entry.dimensions))
        vision = build_pipeline(
            pack,
            provider=Provider(models.provider),
            threads=models.threads,
            detect_size_px=models.detect_size,
            limits=DecodeLimits(max_bytes=settings.server.max_message_bytes),
        )
    axes = turning.result()
    papers = PackPapers(pack.name, pack.pack_id, papers_of(pack), calibration.data)
    clock, alarms = clock or SystemClock(), ClockAlarms()
    if gallery is None and settings.storage.path is not None:
        made = made_by(models, pack)
        path = settings.storage.path
        return _with_store(path, settings, vision, papers, calibration, clock, alarms, progress, made, axes)
    fingers = open_fingers(settings)
    journal, guarded = MemoryJournal(), GuardedClock(clock, alarms)
    rules = gallery_rules(settings.gallery, calibration)
    if gallery is None:
        gallery = MemoryGallery(vision.pack_id, journal=journal, clock=guarded, alarms=alarms, axes=axes, **rules)
    claims = claim_rules(settings, None)
    engine = Engine(settings, vision, calibration, gallery, guarded, journal, claims, fingers=fingers)
    return Built(engine, vision, papers, journal)


def _with_store(
    path: Path,
    settings: Settings,
    vision: Vision,
    papers: PackPapers,
    calibration: Calibration,
    clock: Clock,
    alarms: ClockAlarms,
    progress: Progress | None,
    made: Made,
    axes: Axes,
) -> Built:
    keys = KeySources(settings.storage.master_key_file, os.environ)
    # Whoever holds the store's lock may finish a rotation of the key that was cut off.
    database = Database.open(path, keys.settle)
    try:
        journal = SealedJournal(database)
        guarded = GuardedClock(clock, alarms, read_time_mark(database))
        rules = gallery_rules(settings.gallery, calibration)
        keep_photos = settings.gallery.keep_photos
        gallery = SealedGallery(
            vision.pack_id, database, journal, keep_photos=keep_photos, clock=guarded, alarms=alarms, axes=axes, **rules
        )
        restored = gallery.restore(lambda photo: template_of(vision, photo), progress)
        plans = StoredPlans(database, journal)
        claims = claim_rules(settings, database)
        watch_list = WatchList(vision.pack_id, guarded, SealedWatchList(database, journal))
        recordings = open_recordings(settings, made, database)
        fingers = open_fingers(settings)
    except BaseException:
        database.close()
        raise
    engine = Engine(
        settings, vision, calibration, gallery, guarded, journal, claims, plans, fingers, watch_list, recordings
    )
    return Built(engine, vision, papers, journal, restored, database)


def open_recordings(settings: Settings, made: Made, database: Database) -> Recordings | None:
    """Where passages are recorded; None where the settings name no folder."""
    recording = settings.recording
    if recording.folder is None:
        return None
    return Recordings(recording.folder, database, made, recording.max_h, recording.max_mb)


def open_fingers(settings: Settings) -> FingerReader | None:
    """What reads fingers, as the settings say; None where they say that nothing does.

    Raises:
        ConfigError, ModelPackError, ProviderError: see `gate.engine.fingers.open_reader`.
    """
    if settings.fingerprint.extractor == "off":
        return None
    return open_reader(settings.fingerprint, Provider(settings.models.provider), settings.models.threads)


def claim_rules(settings: Settings, database: Database | None) -> ClaimRules:
    """How claims are read here; which tokens were used is known after a restart where there is a store.

    Raises:
        IssuerKeyError: ISSUER_KEYS_INVALID. StorageFault: DISK_FULL, DISK_FAILED.
    """
    claims, port = settings.claims, settings.manifest.port
    if claims.issuer_keys is None:
        return ClaimRules(port)
    rules = TokenRules(
        frozenset(claims.audiences),
        skew_s=claims.skew_s,
        max_lifetime_s=claims.max_lifetime_h * 3600,
        document_required=claims.document_required,
    )
    used = MemoryUsedTokens() if database is None else StoredUsedTokens(database)
    return ClaimRules(port, Tokens(rules, JwksFile(claims.issuer_keys), used))


class GalleryRules(TypedDict):
    """What every gallery is told."""

    lookalike_similarity: float | None
    max_retention: timedelta


def gallery_rules(settings: GallerySettings, calibration: Calibration) -> GalleryRules:
    """What the settings say, in the pack's similarities. Reference photographs show faces without masks."""
    fmr = settings.lookalike_fmr
    similarity = calibration.threshold(MaskState.NONE, fmr, 1).similarity if fmr else None
    return GalleryRules(lookalike_similarity=similarity, max_retention=timedelta(hours=settings.max_retention_h))


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
