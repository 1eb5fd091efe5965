"""Packed templates lose nothing, and bytes that are none are refused."""

from __future__ import annotations

import contextlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.errors import FingerprintError
from gate.fingerprint.packed import pack, read_extractor, unpack
from gate.fingerprint.template import FingerTemplate
from tests.fingerprint.templates import templates


@settings(deadline=None, max_examples=60)
@given(template=templates())
def test_nothing_is_lost(template: FingerTemplate) -> None:
    again = unpack(pack(template))
    assert read_extractor(pack(template)) == template.extractor
    for name in ("x_px", "y_px", "angle_rad", "kind", "quality"):
        np.testing.assert_array_equal(getattr(again, name), getattr(template, name))
    for name in ("width_px", "height_px", "extractor", "finger", "impression"):
        assert getattr(again, name) == getattr(template, name)


@settings(deadline=None, max_examples=200)
@given(template=templates(max_minutiae=5), at=st.integers(0, 200), byte=st.integers(0, 255), cut=st.integers(0, 300))
def test_no_bytes_raise_anything_else(template: FingerTemplate, at: int, byte: int, cut: int) -> None:
    data = bytearray(pack(template))
    data[at % len(data)] = byte
    with contextlib.suppress(FingerprintError):
        unpack(bytes(data[:cut]))
