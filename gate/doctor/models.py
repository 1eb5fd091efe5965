"""The configured pack: its files, their hashes, its calibration, and what its licences allow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gate.doctor.finding import Finding, fail, ok, warn
from gate.engine.build import papers_of, read_pack_calibration
from gate.errors import GateError
from gate.vision.load import find_pack
from gate.vision.pack import ModelPack

_REPAIRS = {
    "MODEL_MISSING": "Put the file into ../shared/models, or name its folder in EGATE_MODEL_PATH.",
    "MODEL_ALTERED": "Fetch the file again from its origin: `gate models show` names it.",
    "MODEL_INVALID": "Fetch the file again from its origin, or choose another pack.",
    "PACK_UNKNOWN": "Set [models] pack to one that `gate models list` names.",
    "CALIBRATION_INVALID": "Measure one: python -m models.training.calibrate.",
}


def check_models(
    name: str,
    insightface_root: Path | None = None,
    find: Callable[..., ModelPack] = find_pack,
    liveness: str = "",
) -> tuple[Finding, ...]:
    """Files with their hashes, calibration and licences of the pack `name`."""
    try:
        pack = find(name, insightface_root=insightface_root, liveness=liveness)
    except GateError as error:
        return (fail("models", error.message, _REPAIRS.get(error.code, error.entry.remedy)),)
    return check_hashes(pack), check_calibration(pack), check_licences(pack)


def check_hashes(pack: ModelPack) -> Finding:
    """Says which files were read; reading them has compared their SHA-256."""
    listed = ", ".join(f"{model.path.name} {model.entry.sha256[:12]}" for model in pack.models.values())
    return ok("models", f"pack {pack.name} ({pack.pack_id}): {listed}")


def check_calibration(pack: ModelPack) -> Finding:
    """The pack has a calibration of its own."""
    try:
        calibration = read_pack_calibration(pack)
    except GateError as error:
        return fail("calibration", error.message, _REPAIRS["CALIBRATION_INVALID"])
    reach = ", ".join(f"{state} to FMR {curve.measured_to:.0e}" for state, curve in calibration.curves.items())
    return ok("calibration", f"{reach}; measured on {calibration.data}")


def check_licences(pack: ModelPack) -> Finding:
    """The licences allow more than research."""
    papers = papers_of(pack)
    research = [paper.name for paper in papers if paper.research_only]
    if research:
        repair = "Good for trials; a live border needs models that are licensed for it."
        return warn("licences", f"research only: {', '.join(research)}", repair)
    return ok("licences", "; ".join(f"{paper.name}: {paper.licence}" for paper in papers))
