"""The catalogue is complete, travels whole, and is written down."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2

from gate.client.errors import error_class
from gate.errors import CATALOGUE, Code, EngineFault, FieldViolation, GateError
from gate.service import status
from gate.service.catalogue import table

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("code", Code)
def test_every_code_has_an_entry_with_a_status_and_a_remedy(code: Code) -> None:
    entry = CATALOGUE[code]
    assert hasattr(grpc.StatusCode, entry.status)
    assert entry.public.endswith(".")
    assert entry.remedy


@pytest.mark.parametrize("code", Code)
def test_every_error_travels_whole(code: Code) -> None:
    kind = error_class(code)
    sent = status.to_status(kind(code, "expected a; got b", FieldViolation("x.y", "a")), "1234")
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert sent.details[0].Unpack(info)
    assert sent.details[1].Unpack(bad)
    assert (info.reason, info.domain) == (code, "egate")
    assert info.metadata["remedy"] == CATALOGUE[code].remedy
    assert info.metadata["incident_id"] == "1234"
    assert [(v.field, v.description) for v in bad.field_violations] == [("x.y", "a")]


def test_a_fault_keeps_its_private_text() -> None:
    sent = status.to_status(EngineFault(Code.INFERENCE_FAILED, "cuda: out of memory at /srv/models"))
    assert "/srv" not in str(sent)


def test_every_class_of_the_tree_comes_back_as_itself() -> None:
    assert all(issubclass(error_class(code), GateError) for code in Code)
    names = {code: error_class(code).__name__ for code in Code}
    assert names[Code.LANE_UNKNOWN] == "NotFoundError"
    assert names[Code.PACK_UNKNOWN] == "ModelPackError"
    assert names[Code.LANE_BUSY] == names[Code.START_MISSING] == "ProtocolError"
    assert names[Code.FRAME_TRUNCATED] == "FrameError"
    assert names[Code.FINGER_LOW_QUALITY] == "FingerprintError"
    assert names[Code.EXTRACTION_FAILED] == "EngineFault", "a fault of the engine's is no mistake of the caller's"
    assert names[Code.PHOTO_NO_FACE] == "EnrolmentError"
    assert names[Code.PROVIDER_MISSING] == "ProviderError"
    assert names[Code.ADDRESS_REFUSED] == "SettingsError"
    assert names[Code.SHUTTING_DOWN] == names[Code.UNEXPECTED] == "EngineFault"


def test_the_page_lists_the_whole_catalogue() -> None:
    page = (DOCS / "errors.md").read_text()
    assert table() in page, "docs/errors.md is out of date: paste the output of `python -m gate.service.catalogue`"
