"""The model registry: what each file is, where it comes from, and which packs are made of them."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gate.errors import Code, ModelPackError

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Geometry(_Entry):
    """How a picture becomes a model's input: (x - mean) / std in the given colour order.

    Attributes:
        size_px: width and height; None where the model takes any multiple of 32.
        template: the landmarks' places in the crop; None for a model that sees whole pictures.
    """

    size_px: tuple[int, int] | None = None
    colour_order: Literal["RGB", "BGR"]
    mean: float
    std: float = Field(gt=0)
    template: Literal["arcface-112"] | None = None


class ModelFile(_Entry):
    """One model file and its papers.

    Attributes:
        file: name of a third-party file, or path below the registry's folder for an own one.
        sha256: of the file.
        family: which adapter reads it.
        licence, origin: under what terms it may be used, and whence it came.
        own: made by this project and shipped with it.
    """

    file: str
    sha256: Sha256
    family: Literal[
        "scrfd", "yunet", "lane-faces", "refiner", "arcface", "mask-aware", "mask-state", "mask-head", "minifasnet"
    ]
    licence: str
    origin: str
    geometry: Geometry
    own: bool = False


class RefinerFile(ModelFile):
    """A network that looks once more at what a detector proposes."""

    family: Literal["refiner"]


class DetectorFile(ModelFile):
    """A detector.

    Attributes:
        threshold: the score from which a face counts.
        refiner: its second look, where it has one: `lane-faces` alone takes one.
    """

    family: Literal["scrfd", "yunet", "lane-faces"]
    threshold: float = Field(gt=0, lt=1)
    refiner: RefinerFile | None = None


class EmbedderFile(ModelFile):
    """An embedder; `dimensions` is the length of its embedding. A mask-aware one has thresholds as `MaskFile` has."""

    family: Literal["arcface", "mask-aware"]
    dimensions: int = Field(gt=0)
    worn_threshold: float = Field(default=0.5, gt=0, lt=1)
    under_nose_threshold: float = Field(default=0.5, gt=0, lt=1)


class MaskFile(ModelFile):
    """A mask-state model; thresholds on its two probabilities."""

    family: Literal["mask-state"]
    worn_threshold: float = Field(default=0.5, gt=0, lt=1)
    under_nose_threshold: float = Field(default=0.5, gt=0, lt=1)


class HeadFile(ModelFile):
    """A mask-aware head; thresholds on its two probabilities.

    Attributes:
        backbone_sha256: of the embedder that it was trained on, and that alone it may be joined to. `geometry` is that
            embedder's.
    """

    family: Literal["mask-head"]
    backbone_sha256: Sha256
    worn_threshold: float = Field(default=0.5, gt=0, lt=1)
    under_nose_threshold: float = Field(default=0.5, gt=0, lt=1)


class LivenessFile(ModelFile):
    """A network that tells living faces from pictures; `scale` is its crop's size in sides of the face box."""

    family: Literal["minifasnet"]
    scale: float = Field(ge=1)


class LivenessSet(_Entry):
    """Networks that judge liveness together."""

    models: tuple[str, ...] = Field(min_length=1)


class PackEntry(_Entry):
    """Which models make a pack; all but the first two are optional. Beside a head, `mask` has the say on masks."""

    detector: str
    embedder: str
    mask: str | None = None
    head: str | None = None
    liveness: str | None = None


class Registry(_Entry):
    """Everything in registry.toml."""

    detectors: dict[str, DetectorFile]
    embedders: dict[str, EmbedderFile]
    masks: dict[str, MaskFile] = {}
    heads: dict[str, HeadFile] = {}
    liveness: dict[str, LivenessFile] = {}
    liveness_sets: dict[str, LivenessSet] = {}
    packs: dict[str, PackEntry]
    insightface_mask: str | None = None
    """The mask-state model that packs of the insightface library get, which have none of their own."""

    def pack(self, name: str) -> PackEntry:
        """The pack of that name; ``<pack>+<detector>`` is the same pack with another detector.

        Raises:
            ModelPackError: PACK_UNKNOWN, naming the packs there are.
        """
        base, _, detector = name.partition("+")
        entry = self.packs.get(base)
        if entry is None or (detector and detector not in self.detectors):
            raise ModelPackError(
                Code.PACK_UNKNOWN,
                f"no model pack {name!r}; there are {', '.join(sorted(self.packs))}, each also as PACK+DETECTOR "
                f"with {', '.join(sorted(self.detectors))}, and insightface:NAME",
            )
        return entry.model_copy(update={"detector": detector}) if detector else entry


def registry_folder() -> Path:
    """The folder of registry.toml: inside the installed package, or `models/` of a checkout.

    Raises:
        ModelPackError: MODEL_MISSING when neither is there.
    """
    package = Path(str(resources.files("gate")))
    places = (package / "_models", package.parent / "models")
    for place in places:
        if (place / "registry.toml").is_file():
            return place
    raise ModelPackError(
        Code.MODEL_MISSING, f"no model registry; looked for registry.toml in {' and '.join(map(str, places))}"
    )


def load_registry(folder: Path | None = None) -> Registry:
    """The registry in `folder`, by default the one of this installation.

    Raises:
        ModelPackError: MODEL_MISSING without the file, MODEL_INVALID when it does not say what it should.
    """
    path = (folder or registry_folder()) / "registry.toml"
    try:
        return Registry.model_validate(tomllib.loads(path.read_text("utf-8")))
    except FileNotFoundError as error:
        raise ModelPackError(Code.MODEL_MISSING, f"no model registry at {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise ModelPackError(Code.MODEL_INVALID, f"{path}: {error}") from error
