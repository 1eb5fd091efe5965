"""Records written and read again: every bit, every kind, and nothing that was not meant to be read."""

from __future__ import annotations

import math
import struct
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.decision.event import Compared, Ended, Looked, Refused
from gate.decision.outcome import Reason
from gate.decision.passage import Rules
from gate.decision.policy import Policy
from gate.engine import exact
from gate.errors import Code, StorageFault
from gate.fingerprint.position import FingerPosition
from tests.decision.makers import CALIBRATION

NOW = datetime(2026, 11, 22, 12, 30, 0, 123456, UTC)

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(value=plain)
def test_what_is_written_is_read(value: object) -> None:
    assert exact.loaded(exact.dumped(value)) == value


@given(number=st.floats())
def test_a_number_keeps_every_bit(number: float) -> None:
    """The last bit of a similarity decides at a threshold."""
    again = exact.loaded(exact.dumped(number))
    assert (math.isnan(again) and math.isnan(number)) or struct.pack("d", again) == struct.pack("d", number)


@pytest.mark.parametrize(
    "value",
    [
        Ended.BUDGET_SPENT,
        Refused(Reason.CLAIM_REFUSED),
        FingerPosition.RIGHT_THUMB,
        NOW,
        date(2026, 2, 28),
        frozenset({"a", "b"}),
        UTC,
        ZoneInfo("Europe/Berlin"),
        Policy(fpir=0.002),
        Rules(Policy(), CALIBRATION, claimed=True, time_zone=ZoneInfo("Asia/Hong_Kong")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_kind_comes_back_as_it_was(value: object) -> None:
    again = exact.loaded(exact.dumped(value))
    assert type(again) is type(value)
    assert again == value


def test_an_array_keeps_type_shape_and_bits() -> None:
    array = np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32)
    again = exact.loaded(exact.dumped(array))
    assert (again.dtype, again.shape, again.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_every_event_can_be_written() -> None:
    """Guards against a new event that ends every recording."""
    assert {Looked.__name__, Compared.__name__, Ended.__name__, "FingerCompared"} <= exact.kinds().keys()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff",
        b'{"record":"Popen","of":{"args":["true"]}}',
        b'{"record":"Refused","of":{"reason":"x","more":1}}',
        b'{"record":"Refused","of":{}}',
        b'{"enum":"Reason","is":"because"}',
        b'{"model":"Policy","json":"{}x"}',
        b'{"array":"AAAA","dtype":"O","shape":[1]}',
        b'{"array":"AAAA","dtype":"<f4","shape":[9]}',
        b'{"at":"yesterday"}',
        b'{"zone":"Nowhere/City"}',
        b'{"unknown":1}',
    ],
)
def test_nothing_else_is_built(text: bytes) -> None:
    """A file names what it holds; it must not choose what is called."""
    with pytest.raises(StorageFault) as caught:
        exact.loaded(text)
    assert caught.value.code is Code.SEAL_BROKEN


def test_what_cannot_be_kept_exactly_is_refused() -> None:
    value: Any = object()
    with pytest.raises(TypeError):
        exact.dumped(value)
