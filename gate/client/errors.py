"""Errors of a call, rebuilt from its status.

An error of the engine comes back as the class of `gate.errors` that it left as. Two more are the client's own::

    ConnectionError
    └── GateUnavailableError     nobody answers, or the connection broke
        └── GateTimeoutError     no answer within the deadline
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from gate.errors import (
    ClaimError,
    Code,
    ConfigError,
    EngineFault,
    EnrolmentError,
    FieldViolation,
    FingerprintError,
    FrameError,
    GateError,
    IssuerKeyError,
    MasterKeyError,
    ModelPackError,
    NotFoundError,
    ProtocolError,
    ProviderError,
    SettingsError,
    StorageFault,
    StoreError,
)

T = TypeVar("T", error_details_pb2.ErrorInfo, error_details_pb2.BadRequest)


class GateUnavailableError(ConnectionError):
    """Nobody answers at the engine's address, or the connection broke. The lane fails safe."""


class GateTimeoutError(GateUnavailableError, TimeoutError):
    """The engine did not answer within the deadline. The lane fails safe."""


_OF_CODE_PREFIX: Mapping[str, type[GateError]] = MappingProxyType(
    {
        "FRAME_": FrameError,
        "PHOTO_": EnrolmentError,
        "FINGER_": FingerprintError,
        "CLAIM_": ClaimError,
        "BARCODE_": ClaimError,
        "TOKEN_": ClaimError,
        "TOKENS_": ClaimError,
        "CONSENT_": EnrolmentError,
        "TEMPLATES_": EnrolmentError,
        "EXPIRY_": EnrolmentError,
        "MODEL_": ModelPackError,
        "PACK_": ModelPackError,
        "CALIBRATION_": ModelPackError,
        "SETTINGS_": SettingsError,
        "ADDRESS_": SettingsError,
        "RUNTIME_": ProviderError,
        "PROVIDER_": ProviderError,
        "KEY_": MasterKeyError,
        "ISSUER_": IssuerKeyError,
        "STORE_": StoreError,
        "SEAL_": StorageFault,
        "JOURNAL_": StorageFault,
        "DISK_": StorageFault,
        "INFERENCE_": EngineFault,
        "EXTRACTION_": EngineFault,
        "EXTRACTOR_": ConfigError,
        "SHUTTING_": EngineFault,
        "UNEXPECTED": EngineFault,
    }
)


def known_code(name: str) -> Code | None:
    """The code of that name; None for one that this client is too old to know."""
    return Code.__members__.get(name)


def error_class(code: Code) -> type[GateError]:
    """The class that errors of `code` come back as."""
    if code.endswith("_UNKNOWN") and code not in {Code.PACK_UNKNOWN, Code.TOKEN_ISSUER_UNKNOWN}:
        return NotFoundError
    return next((kind for prefix, kind in _OF_CODE_PREFIX.items() if code.startswith(prefix)), ProtocolError)


def rebuilt(error: grpc.aio.AioRpcError, address: str) -> Exception:
    """The typed error that `error` stands for."""
    status = rpc_status.from_call(error)
    info = _detail(status, error_details_pb2.ErrorInfo()) if status else None
    code = known_code(info.reason) if info else None
    if status is not None and info is not None and code is not None:
        return error_class(code)(code, _message(status, info), *_violations(status))
    return _of_transport(error, address)


def _of_transport(error: grpc.aio.AioRpcError, address: str) -> Exception:
    details = error.details() or ""
    match error.code():
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return GateTimeoutError(f"The engine at {address} did not answer in time.")
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            # gRPC's own limit refuses the message before the engine sees it.
            return ProtocolError(Code.FRAME_TOO_LARGE, f"The engine at {address} refused a message: {details}")
        case grpc.StatusCode.UNAVAILABLE:
            return GateUnavailableError(f"No engine answers at {address}: {details}")
        case code:
            return GateUnavailableError(f"The call to the engine at {address} broke: {code.name}: {details}")


def _message(status: status_pb2.Status, info: error_details_pb2.ErrorInfo) -> str:
    incident = info.metadata.get("incident_id")
    return f"{status.message} Incident {incident}." if incident else status.message


def _violations(status: status_pb2.Status) -> tuple[FieldViolation, ...]:
    bad = _detail(status, error_details_pb2.BadRequest())
    if bad is None:
        return ()
    return tuple(FieldViolation(violation.field, violation.description) for violation in bad.field_violations)


def _detail(status: status_pb2.Status, wanted: T) -> T | None:
    for packed in status.details:
        if packed.Unpack(wanted):
            return wanted
    return None
