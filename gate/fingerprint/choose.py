"""Which extractor runs: by setting, from what is installed."""

from __future__ import annotations

from typing import Literal

from gate.fingerprint import leader, libfprint
from gate.fingerprint.extractor import Extractor
from gate.vision.session import Provider

ExtractorChoice = Literal["auto", "leader", "libfprint", "off"]


def installed() -> tuple[ExtractorChoice, ...]:
    """The extractors that could run here, the more accurate first."""
    found: list[ExtractorChoice] = []
    if leader.find_weights() is not None:
        found.append("leader")
    if libfprint.is_installed():
        found.append("libfprint")
    return tuple(found)


def choose_extractor(
    asked: ExtractorChoice = "auto", provider: Provider = Provider.CPU, threads: int = 1
) -> Extractor | None:
    """The extractor asked for. None when it is off, or left to choose with none installed: fingers are unavailable.

    Args:
        asked: `auto` takes the most accurate that is installed.
        provider, threads: for networks; see `gate.vision.session.OrtSession`.

    Raises:
        ConfigError: EXTRACTOR_MISSING, when the one that was named is not installed.
        ModelPackError: MODEL_ALTERED or MODEL_INVALID; a damaged network is never passed over for another extractor.
        ProviderError: see `OrtSession`.
    """
    chosen = next(iter(installed()), "off") if asked == "auto" else asked
    if chosen == "leader":
        return leader.LeaderExtractor(provider, threads)
    if chosen == "libfprint":
        return libfprint.LibfprintExtractor()
    return None
