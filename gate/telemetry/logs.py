"""Logs: lines for people or JSON for machines, never with anything that points to a traveller.

Everything goes to standard error, so that standard output stays free for what a command answers.
"""

from __future__ import annotations

import logging
import sys
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LogFormat = Literal["console", "json"]

WITHHELD = frozenset(
    {
        "traveller", "traveller_reference", "reference", "name", "document", "document_number", "number", "claim_value",
        "photo", "image", "frame_data", "data", "embedding", "template", "probe",
        "claim_text", "mrz", "boarding_pass", "barcode", "token", "token_id", "jti",
    }
)  # fmt: skip
"""Keys that never reach a log: a slip in one call must not become a record of a traveller."""


def set_up_logs(form: LogFormat = "console", level: str = "info", stream: TextIO | None = None) -> None:
    """Sets up structlog and the standard library's logging for the whole process.

    Args:
        form: ``console`` for people, ``json`` for machines (one object a line, UTC times).
        level: debug, info, warning or error.
        stream: where to; standard error by default.
    """
    out = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        withhold_personal,
    ]
    structlog.configure(
        processors=[*shared, *_rendering(form, out)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(form, out)],
        )
    )
    # Libraries speak up only when something is wrong; their chatter below that is theirs.
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def withhold_personal(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Replaces the values of `WITHHELD` keys."""
    del logger, method
    return {key: "(withheld)" if key in WITHHELD else value for key, value in event.items()}


def _rendering(form: LogFormat, out: TextIO) -> list[Processor]:
    # Tracebacks without the values of variables: those may hold a face or a name.
    if form == "json":
        trace = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [structlog.processors.ExceptionRenderer(trace), structlog.processors.JSONRenderer()]
    return [
        structlog.dev.ConsoleRenderer(
            colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=20
        )
    ]
