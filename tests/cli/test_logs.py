"""Logs: machines must be able to read them, and nobody must find a traveller in them."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from gate.telemetry.logs import set_up_logs


def test_a_line_is_one_json_object_with_its_time_in_utc() -> None:
    out = io.StringIO()
    set_up_logs("json", stream=out)
    structlog.get_logger("x").info("passage_closed", lane="lane-1")
    event = json.loads(out.getvalue())
    assert (event["event"], event["level"], event["lane"]) == ("passage_closed", "info", "lane-1")
    assert event["timestamp"].endswith("Z")


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_slip_does_not_become_a_record(form: str) -> None:
    out = io.StringIO()
    set_up_logs(form, stream=out)  # type: ignore[arg-type]
    structlog.get_logger("x").info("slip", traveller_reference="ref-77", document="X123", embedding=[-0.5])
    assert "ref-77" not in out.getvalue()
    assert "X123" not in out.getvalue()
    assert "-0.5" not in out.getvalue()  # no time of day holds it either, as it may hold "0.5"


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_holds_no_values(form: str) -> None:
    """Guards against structlog's habit of printing the local variables of every frame."""
    out = io.StringIO()
    set_up_logs(form, stream=out)  # type: ignore[arg-type]
    try:
        private = "X" + "1234567"
        raise RuntimeError(str(len(private)))
    except RuntimeError as error:
        structlog.get_logger("x").error("incident", exc_info=error)
    assert "RuntimeError" in out.getvalue()
    assert "X1234567" not in out.getvalue()


def test_libraries_speak_the_same_form() -> None:
    out = io.StringIO()
    set_up_logs("json", stream=out)
    logging.getLogger("grpc").warning("odd")
    assert json.loads(out.getvalue())["event"] == "odd"
