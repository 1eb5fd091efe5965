"""An incident: the private text goes to the log, an id goes to the caller."""

from __future__ import annotations

import uuid

import structlog

_log = structlog.stdlib.get_logger("gate.service")


def record(error: BaseException, where: str) -> str:
    """Logs `error` with its traceback under a new id, and returns the id (12 hexadecimal digits).

    The log must be set up to render tracebacks without the values of variables, as `gate.telemetry.logs` does: here
    they hold faces.
    """
    incident_id = uuid.uuid4().hex[:12]
    _log.error("incident", incident_id=incident_id, where=where, error=type(error).__name__, exc_info=error)
    return incident_id
