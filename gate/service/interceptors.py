"""Around every call: one log line without personal data, and a status for every error."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast

import grpc
import structlog
from google.protobuf.message import DecodeError

from gate.errors import Code, EngineFault, GateError, ProtocolError
from gate.service import incident, status

_log = structlog.stdlib.get_logger("gate.service")

_OURS = "/egate.v1."
"""Health checks and reflection are not ours to translate, and would fill the log."""

# In quotes: gRPC's classes are generic in their stubs only.
Handler: TypeAlias = "Callable[[Any, grpc.aio.ServicerContext[Any, Any]], Awaitable[Any]]"
MethodHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class Guard(grpc.aio.ServerInterceptor):
    """Logs method, status and duration of our calls; turns errors of the tree into their status, and every other
    error into INTERNAL with an incident id.

    Handlers must be coroutine functions that write with `context.write`: of an async generator, a cancelled call
    would run the `finally` only when the garbage collector comes by, and the lane would stay busy until then.
    """

    async def intercept_service(  # noqa: D102 -- grpc.aio's own
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[MethodHandler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> MethodHandler | None:
        handler: Any = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        if handler is None or not method.startswith(_OURS):
            return cast("MethodHandler | None", handler)
        kind = _kind(handler)
        make: Any = getattr(grpc, f"{kind}_rpc_method_handler")
        guarded: MethodHandler = make(
            _guarded(method, getattr(handler, kind)), handler.request_deserializer, handler.response_serializer
        )
        return guarded


def _kind(handler: Any) -> str:  # noqa: ANN401 -- grpc types its handlers without their parts
    request = "stream" if handler.request_streaming else "unary"
    response = "stream" if handler.response_streaming else "unary"
    return f"{request}_{response}"


def _guarded(method: str, call: Handler) -> Handler:
    async def guarded(request: object, context: grpc.aio.ServicerContext[Any, Any]) -> object:
        started_s = time.monotonic()
        code = "CANCELLED"
        try:
            answer = await call(request, context)
            code = "OK"
            return answer
        except grpc.aio.AbortError:
            code = "ABORTED"
            raise
        except GateError as error:
            code = error.entry.status
            await status.abort(context, error, _incident_of(error, method))
        except DecodeError:
            code = "INVALID_ARGUMENT"
            await status.abort(context, ProtocolError(Code.FIELD_INVALID, "Expected a message of egate.v1; got bytes."))
        except Exception as error:  # noqa: BLE001 -- the last line: whatever it is, the caller gets a status
            code = "INTERNAL"
            await status.abort(context, status.unexpected(), incident.record(error, method))
        finally:
            duration_ms = round((time.monotonic() - started_s) * 1000, 1)
            _log.info("call", method=method, status=code, duration_ms=duration_ms)

    return guarded


def _incident_of(error: GateError, method: str) -> str:
    """A fault of the engine is an incident; a refused caller and an orderly shut-down are not."""
    if isinstance(error, EngineFault) and error.code is not Code.SHUTTING_DOWN:
        return incident.record(error, method)
    return ""
