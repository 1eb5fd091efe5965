"""Settings: one frozen, typed tree from ``gate.toml`` and the environment, built once and passed in.

Environment variables win over the file: ``EGATE_SERVER__ADDRESS=127.0.0.1:6000`` is ``[server] address``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariable

from gate.decision.journey import GATE, Route
from gate.decision.policy import Policy
from gate.decision.profiles import PROFILES
from gate.errors import Code, FieldViolation, SettingsError

DEFAULT_PACK = "edgeface-xs"
OWN_PACK = "egate-s"
"""Comes with this project; recognises fewer travellers (models/packs/egate-s/card.md)."""

_GROUP_IN_ERROR = re.compile(r'field "(\w+)"')
MEBIBYTE = 1 << 20


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TlsSettings(_Group):
    """Files in PEM. With `client_ca`, clients must bring a certificate that it signed."""

    certificate: Path
    private_key: Path
    client_ca: Path | None = None


class ServerSettings(_Group):
    """Where the engine listens, and what it allows there."""

    address: str = Field("127.0.0.1:50151", description="host:port, or unix:path; port 0 takes any free one")
    tls: TlsSettings | None = None
    allow_insecure: bool = Field(False, description="listen beyond loopback without TLS, on an isolated network")
    reflection: bool = Field(False, description="let anybody list the services (grpcurl)")
    max_message_bytes: int = Field(4 * MEBIBYTE, ge=64 * 1024, le=64 * MEBIBYTE)
    keepalive_s: float = Field(20.0, gt=0)
    drain_s: float = Field(10.0, ge=0, description="time for passages in flight after SIGTERM")
    inference_threads: int = Field(2, ge=1, le=64, description="frames looked at side by side, over all lanes")


class ModelSettings(_Group):
    """Which models run, and where."""

    pack: str = DEFAULT_PACK
    provider: Literal["cpu", "cuda", "cuda-graphs", "tensorrt"] = "cpu"
    threads: int = Field(1, ge=1, le=64, description="threads within one model run")
    detect_size: int = Field(
        480, ge=96, le=1280, multiple_of=32, description="longer side of the detector's canvas, px"
    )
    insightface_root: Path = Path("~/.insightface")
    liveness: str = Field("", description="a liveness set of the registry; empty: the pack's own, where it names one")


class GallerySettings(_Group):
    """How long travellers may be kept."""

    max_retention_h: float = Field(24.0, gt=0, le=24, description="an expiry further ahead is refused")
    sweep_s: float = Field(5.0, gt=0, description="expired templates leave memory at least this often")
    keep_photos: bool = Field(
        False, description="keep reference photographs, sealed, until their traveller goes, for a change of pack"
    )
    lookalike_fmr: float = Field(
        1e-6, ge=0, lt=1, description="travellers as alike as strangers are at this rate are marked; 0: none are"
    )


class ManifestSettings(_Group):
    """How manifests are loaded (docs/manifests.md)."""

    port: str = Field(
        "", pattern=r"^([A-Z]{3})?$", description="IATA code of this place: only legs that touch it are loaded"
    )
    retain_h: float = Field(4.0, gt=0, le=24, description="travellers are kept this long after departure or arrival")
    destroy_on_close: bool = Field(True, description="a close-out at departure destroys the flight")
    default_time_zone: str = Field("", description="IANA name, for airports whose time zone is not known")
    max_bytes: int = Field(64 * MEBIBYTE, ge=64 * 1024, le=1024 * MEBIBYTE)


class StorageSettings(_Group):
    """Where travellers and the journal outlive the process. The master key may come from elsewhere: docs/storage.md."""

    path: Path | None = Field(None, description="one SQLite file; without it everything ends with the process")
    master_key_file: Path | None = Field(None, description="made by `gate key new FILE`; for the engine's user alone")


class FingerprintSettings(_Group):
    """How fingers are read, where a traveller's face does not settle it (docs/fingerprint.md)."""

    extractor: Literal["auto", "leader", "libfprint", "off"] = Field(
        "auto", description="what finds minutiae; auto: the most accurate that is installed"
    )
    max_rotation_deg: float = Field(
        60.0, gt=0, le=180, description="how far a finger may be turned against the enrolled one; 180: any way"
    )
    records_of: Literal["", "leader-1", "mindtct-1"] = Field(
        "", description="what made the minutiae records that arrive; empty: compared with such records only"
    )


class FrameSettings(_Group):
    """What is asked of frames, so that a recording cannot stand for a camera (docs/protocol.md)."""

    nonce: Literal["off", "required"] = Field(
        "off", description="required: a frame must carry the nonce of its passage; off: one without it is taken"
    )
    identical: Literal["lane", "passage", "allow"] = Field(
        "passage",
        description="a picture that came before is refused: in any passage of the lane (wherever cameras are live), "
        "in the same passage, or not at all (where pictures are played back)",
    )
    max_lag_s: float = Field(2.0, gt=0, le=60, description="from capture to arrival; later is stale")
    alarms: int = Field(
        3, ge=0, description="refusals that no honest camera causes, until the passage is tampered; 0: no end"
    )
    remembered: int = Field(1024, ge=1, le=1 << 20, description="pictures of a lane that are known again")


class ClaimSettings(_Group):
    """What travellers may present (docs/claims.md). Travel tokens need issuers' keys and audiences."""

    issuer_keys: Path | None = Field(None, description="JWKS file of those who issue travel tokens; none: no tokens")
    audiences: tuple[str, ...] = Field((), description="names of this place; a token must be for one of them")
    skew_s: float = Field(30.0, ge=0, le=300, description="how far an issuer's clock may be off")
    max_lifetime_h: float = Field(24.0, gt=0, le=24, description="a token that is valid for longer is refused")
    document_required: bool = Field(False, description="a token that is bound to no document is refused")

    @model_validator(mode="after")
    def _keys_and_audiences(self) -> Self:
        if (self.issuer_keys is None) != (not self.audiences):
            raise ValueError("issuer_keys and audiences belong together: a token is accepted by both or not at all")
        return self


class RecordingSettings(_Group):
    """Recordings of passages, to replay their decisions (docs/recordings.md). They hold faces: off unless named."""

    folder: Path | None = Field(None, description="where they are kept, sealed; none: no passage is recorded")
    max_h: float = Field(1.0, gt=0, le=24, description="they are destroyed after this, or with a flight in them")
    max_mb: int = Field(64, ge=1, le=1024, description="frames in one recording; later ones are left out")


class LaneSettings(_Group):
    """One lane."""

    checkpoint: str = "main"
    profile: str = "pedestrian"
    touchpoint: str = Field("", description="of [journey] touchpoints; empty: no journey rules apply here")
    gate: str = Field("", pattern=GATE, description="departure gate: only flights called there pass; empty: any")


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="EGATE_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    server: ServerSettings = ServerSettings()
    models: ModelSettings = ModelSettings()
    gallery: GallerySettings = GallerySettings()
    manifest: ManifestSettings = ManifestSettings()
    storage: StorageSettings = StorageSettings()
    fingerprint: FingerprintSettings = FingerprintSettings()
    claims: ClaimSettings = ClaimSettings()
    frames: FrameSettings = FrameSettings()
    recording: RecordingSettings = RecordingSettings()
    lanes: Mapping[str, LaneSettings] = Field(default_factory=lambda: {"lane-1": LaneSettings()}, min_length=1)
    profiles: Mapping[str, Policy] = Field(
        default_factory=dict, validate_default=True, description="beside those of `gate policy list`"
    )
    journey: Route = Route()

    @field_validator("profiles")
    @classmethod
    def _with_the_built_in(cls, given: Mapping[str, Policy]) -> Mapping[str, Policy]:
        return {**PROFILES, **given}

    @model_validator(mode="after")
    def _recordings_have_keys(self) -> Self:
        if self.recording.folder is not None and self.storage.path is None:
            raise ValueError("[recording] folder needs [storage] path: the keys of recordings are kept in the store")
        return self

    @model_validator(mode="after")
    def _profiles_exist(self) -> Self:
        for name, lane in self.lanes.items():
            if lane.profile not in self.profiles:
                raise ValueError(f"lane {name!r} asks for profile {lane.profile!r}, which is not under [profiles]")
        return self

    @model_validator(mode="after")
    def _touchpoints_exist(self) -> Self:
        for name, lane in self.lanes.items():
            if lane.touchpoint not in {"", *self.journey.touchpoints}:
                known = ", ".join(self.journey.touchpoints)
                raise ValueError(f"lane {name!r} stands at touchpoint {lane.touchpoint!r}; [journey] has {known}")
            if lane.gate and not lane.touchpoint:
                raise ValueError(f"lane {name!r} has a gate but no touchpoint, so nothing would look at the gate")
        return self


def load_settings(path: Path | None = None, **overrides: Any) -> Settings:  # noqa: ANN401 -- one group a keyword
    """Builds the settings from `path`, the environment and `overrides` (strongest).

    Without `path`, ``gate.toml`` in the working folder is read where there is one.

    Raises:
        SettingsError: SETTINGS_INVALID, with one violation for each value that is not as expected.
    """
    file = path or (Path("gate.toml") if Path("gate.toml").is_file() else None)
    try:
        document = tomllib.loads(file.read_text()) if file else {}
    except OSError as error:
        raise SettingsError(Code.SETTINGS_INVALID, f"Cannot read {file}: {error.strerror}.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(Code.SETTINGS_INVALID, f"{file} is not valid TOML: {error}.") from error

    class WithFile(Settings):
        """The same, with the file's document as the weakest source."""

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            del dotenv_settings, file_secret_settings
            return init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=document)

    try:
        return WithFile(**overrides)
    except UnreadableVariable as error:
        group = _GROUP_IN_ERROR.search(str(error))
        name = f"EGATE_{group[1].upper()}" if group else "EGATE_…"
        raise SettingsError(
            Code.SETTINGS_INVALID, f"Environment variable {name}: expected one setting, as {name}__KEY, or JSON."
        ) from error
    except ValidationError as error:
        violations = [FieldViolation(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        listed = "; ".join(f"{v.field or 'settings'}: {v.expected}" for v in violations)
        raise SettingsError(Code.SETTINGS_INVALID, listed, *violations) from error
