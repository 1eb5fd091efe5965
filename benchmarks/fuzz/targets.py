"""The readers under test: what each takes, where it begins, and what must hold of whatever it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from benchmarks.fuzz import seeds, words
from benchmarks.fuzz.patience import patience
from gate.claims.boarding_pass import BoardingPass
from gate.errors import InputError
from gate.manifest.findings import CATALOGUE
from gate.manifest.reading import Reading
from gate.manifest.records import Manifest
from gate.vision.frame import DecodeLimits

_NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
_READING = Reading(_NOW, "Europe/Vienna")
_LIMITS = DecodeLimits()

PATIENCE_S = 20.0
"""Far above what 4 MiB take on a busy machine, and far below what a loop without end takes."""


@dataclass(frozen=True, slots=True)
class Target:
    """A reader.

    Attributes:
        entry: ``module:function``; by name, so that a fuzzer can instrument the module while it is imported.
        arguments: of the function, for given bytes.
        seeds: what to begin with, written by us.
        tokens: words of the format, for mutation and the dictionary.
        modules: whose coverage is counted, as patterns below gate/ without ``.py``.
        samples: patterns of third-party files in ../shared/data that are further seeds, where they are at hand.
    """

    name: str
    entry: str
    arguments: Callable[[bytes], tuple[object, ...]]
    seeds: Callable[[], list[bytes]]
    tokens: tuple[bytes, ...]
    modules: tuple[str, ...]
    samples: str = ""

    def run(self, data: bytes, patience_s: float = PATIENCE_S) -> None:
        """Read `data` once.

        Raises:
            Hang: it took longer than `patience_s`.
            AssertionError: what came back cannot be stored or shown.
            Exception: whatever the reader should not have raised; `InputError` is what it may.
        """
        with patience(patience_s):
            try:
                found = _function(self.entry)(*self.arguments(data))
            except InputError:
                return
            check(found)

    def all_seeds(self, shared: Path | None = None) -> list[bytes]:
        """Ours, and the files of `shared` (the folder of third-party data), which are read by path and never kept."""
        found = sorted((shared / "data").glob(self.samples)) if shared and self.samples else []
        return self.seeds() + [path.read_bytes() for path in found]


@cache
def _function(entry: str) -> Callable[..., object]:
    module, _, name = entry.partition(":")
    function: Callable[..., object] = getattr(import_module(module), name)
    return function


def check(found: object) -> None:
    """What every later stage relies on: text that can be written, and findings that can be shown.

    Raises:
        AssertionError: it does not hold.
    """
    for text in _texts(found):
        _expect(_writable(text), f"text that UTF-8 can hold, found {text!a}")
    if isinstance(found, Manifest):
        for finding in found.all_findings:
            _expect(finding.code in CATALOGUE and finding.line >= 0 and bool(finding.message), f"found {finding}")
        for message in found.messages:
            _expect(isinstance(message.usable, bool), "a message to say whether it is usable")
            _expect(all(isinstance(leg.flight, str) for leg in message.legs), "a leg to name its flight")
    if isinstance(found, BoardingPass):
        _expect(found.readable or bool(found.findings), "a boarding pass that cannot be read to say why")


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(f"expected {what}")


def _texts(record: object) -> list[str]:
    """Every string in a tree of records, without recursion: a reader's nesting must not become ours."""
    found: list[str] = []
    waiting = [record]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            found.append(item)
        elif is_dataclass(item) and not isinstance(item, type):
            waiting += [getattr(item, field.name) for field in fields(item)]
        elif isinstance(item, (tuple, list, frozenset)):
            waiting += item
    return found


def _writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.name: target
        for target in (
            Target(
                "paxlst",
                "gate.manifest.paxlst:read_paxlst",
                lambda data: (data, _READING),
                seeds.paxlst,
                words.EDIFACT,
                ("manifest/edifact*", "manifest/paxlst*", "manifest/source", "manifest/note*", "manifest/dates"),
                "manifests/*.edi",
            ),
            Target(
                "checkin",
                "gate.manifest.reader:read_manifest",
                lambda data: (data, _READING),
                seeds.checkin,
                words.CHECKIN,
                ("manifest/checkin*", "manifest/reader", "manifest/century"),
            ),
            Target(
                "mrz",
                "gate.manifest.mrz:read_mrz",
                lambda data: (data.decode("utf-8", "replace"), _NOW),
                seeds.mrz,
                words.MRZ,
                ("manifest/mrz*", "manifest/century"),
            ),
            Target(
                "bcbp",
                "gate.claims.bcbp:read_bcbp",
                lambda data: (data.decode("utf-8", "replace"), _NOW),
                seeds.bcbp,
                words.BCBP,
                ("claims/bcbp*", "claims/boarding_pass", "claims/julian"),
            ),
            Target(
                "dg2",
                "gate.manifest.photo:unwrap",
                lambda data: (data,),
                seeds.photo,
                words.DG2,
                ("manifest/photo", "manifest/dg2", "manifest/tlv", "manifest/face*"),
            ),
            Target(
                "jpeg2000",
                "gate.vision.frame:decode_photo",
                lambda data: (data, _LIMITS),
                seeds.jpeg2000,
                words.JPEG2000,
                ("vision/jpeg2000*",),
            ),
        )
    }
)
