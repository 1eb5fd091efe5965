"""Records as JSON and back, bit for bit: what a recording of a passage is written in.

Numbers keep every bit (Python writes a float so that it reads back as the same one), and tuples stay tuples. A record
stands there by its name, and only the kinds listed here are read.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import json
import types
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import BaseModel, ValidationError

from gate.decision import calibration, event, liveness, outcome, passage, policy
from gate.errors import Code, StorageFault
from gate.fingerprint import position
from gate.gallery import traveller
from gate.vision import frame, probe

_MODULES = (calibration, event, liveness, outcome, passage, policy, position, traveller, frame, probe)

Kind = type[Any]
Swap = Callable[[object], object]


def kinds() -> Mapping[str, Kind]:
    """Everything that may stand in a recording, by name: records, models and enumerations of the modules above."""
    found: dict[str, Kind] = {}
    for module in _MODULES:
        for name, value in vars(module).items():
            if isinstance(value, type) and value.__module__ == module.__name__ and _is_record(value):
                found[name] = value
    return types.MappingProxyType(found)


def _is_record(value: type) -> bool:
    return dataclasses.is_dataclass(value) or issubclass(value, enum.Enum | BaseModel)


def dumped(value: object, swap: Swap = lambda value: value) -> bytes:
    """A value as UTF-8 JSON.

    Args:
        value: records, enumerations, numbers, texts, bytes, times, arrays; tuples, sets and mappings of them.
        swap: what to write in a value's place.

    Raises:
        TypeError: something else is in it.
    """
    return json.dumps(_plain(value, swap), separators=(",", ":")).encode()


def loaded(text: bytes, *also: Kind) -> Any:  # noqa: ANN401 -- whatever was dumped
    """What `dumped` wrote; `also` are kinds of the caller's own.

    Raises:
        StorageFault: SEAL_BROKEN, when it is nothing that this version writes.
    """
    try:
        return _Reader({**kinds(), **{kind.__name__: kind for kind in also}}).value(json.loads(text))
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise StorageFault(
            Code.SEAL_BROKEN, f"The recording is of another version, or damaged: {type(error).__name__}: {error}."
        ) from error


def _plain(value: object, swap: Swap) -> object:
    value = swap(value)
    if isinstance(value, enum.Enum):
        return {"enum": type(value).__name__, "is": value.value}
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return int(value) if isinstance(value, int) else float(value)  # NumPy's double is a float of another name
    if isinstance(value, BaseModel):
        return {"model": type(value).__name__, "json": value.model_dump_json()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _plain(getattr(value, field.name), swap) for field in dataclasses.fields(value)}
        return {"record": type(value).__name__, "of": fields}
    return _container(value, swap)


def _container(value: object, swap: Swap) -> object:
    match value:
        case tuple() | list():
            return [_plain(item, swap) for item in value]
        case frozenset() | set():
            return {"set": [_plain(item, swap) for item in sorted(value)]}
        case Mapping():
            return {"map": [[_plain(key, swap), _plain(item, swap)] for key, item in value.items()]}
        case bytes():
            return {"bytes": base64.b64encode(value).decode()}
        case datetime():
            return {"at": value.isoformat()}
        case date():
            return {"day": value.isoformat()}
        case tzinfo():
            return {"zone": "UTC" if value is UTC else str(value)}
        case np.ndarray():
            data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
            return {"array": data, "dtype": value.dtype.str, "shape": list(value.shape)}
    raise TypeError(f"expected a record, number, text, time or array; found {type(value).__name__}")


class _Reader:
    """Builds values of known kinds only."""

    def __init__(self, known: Mapping[str, Kind]) -> None:
        self._known = known

    def value(self, plain: Any) -> Any:  # noqa: ANN401
        if isinstance(plain, list):
            return tuple(self.value(item) for item in plain)
        return self._tagged(plain) if isinstance(plain, dict) else plain

    def _tagged(self, plain: dict[str, Any]) -> Any:  # noqa: ANN401
        match plain:
            case {"record": name, "of": fields}:
                return self._known[name](**{field: self.value(item) for field, item in fields.items()})
            case {"enum": name, "is": member}:
                return self._known[name](member)
            case {"model": name, "json": text}:
                return self._known[name].model_validate_json(text)
            case {"set": items}:
                return frozenset(self.value(item) for item in items)
            case {"map": pairs}:
                return {self.value(key): self.value(item) for key, item in pairs}
            case {"array": data, "dtype": dtype, "shape": shape}:
                return np.frombuffer(base64.b64decode(data), np.dtype(dtype)).reshape(shape)
        return _time_or_bytes(plain)


def _time_or_bytes(plain: dict[str, Any]) -> Any:  # noqa: ANN401
    match plain:
        case {"bytes": data}:
            return base64.b64decode(data)
        case {"at": text}:
            return datetime.fromisoformat(text)
        case {"day": text}:
            return date.fromisoformat(text)
        case {"zone": name}:
            return UTC if name == "UTC" else ZoneInfo(name)
    raise ValueError(f"found an object of {', '.join(plain) or 'nothing'}")
