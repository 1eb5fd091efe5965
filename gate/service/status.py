"""Errors of the tree as `google.rpc.Status`: code, public text, remedy and the fields at fault."""

from __future__ import annotations

from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from gate.errors import Code, EngineFault, GateError

DOMAIN = "egate"
"""`ErrorInfo.domain` of every error of ours."""


def public_text(error: GateError) -> str:
    """What the caller may be told: the message of an input or set-up error, the catalogue's text of a fault."""
    return error.entry.public if isinstance(error, EngineFault) else error.message


def to_status(error: GateError, incident_id: str = "") -> status_pb2.Status:
    """The status that `error` travels under.

    `ErrorInfo.reason` is the error's code, `ErrorInfo.metadata` holds `remedy`, and `incident_id` where there
    is one. Fields at fault follow as `BadRequest`.
    """
    metadata = {"remedy": error.entry.remedy}
    if incident_id:
        metadata["incident_id"] = incident_id
    details = [_packed(error_details_pb2.ErrorInfo(reason=error.code.value, domain=DOMAIN, metadata=metadata))]
    if error.violations:
        fields = [
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.expected)
            for violation in error.violations
        ]
        details.append(_packed(error_details_pb2.BadRequest(field_violations=fields)))
    return status_pb2.Status(code=code_pb2.Code.Value(error.entry.status), message=public_text(error), details=details)


async def abort(context: grpc.aio.ServicerContext[Any, Any], error: GateError, incident_id: str = "") -> NoReturn:
    """Ends the call with `error`.

    Raises:
        grpc.aio.AbortError: always; gRPC needs it to travel on.
    """
    status = rpc_status.to_status(to_status(error, incident_id))
    await context.abort(status.code, status.details, status.trailing_metadata)
    raise AssertionError("context.abort returned")


def unexpected() -> GateError:
    """What a caller is told about an error that is not of the tree."""
    return EngineFault(Code.UNEXPECTED, "unexpected error")


def _packed(message: error_details_pb2.ErrorInfo | error_details_pb2.BadRequest) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
