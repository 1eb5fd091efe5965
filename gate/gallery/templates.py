"""Templates as a gallery keeps them: 24 bits a number on the pack's axes, or float32 where it has none.

A number is an integer of 24 bits over 2^22: it reaches from -2 to 2, and is off by 7e-8 on average, about what a sum of
float32 is off by. Its upper 16 bits and its lower 8 stand apart, so that both can be read as whole arrays::

    row    upper, M numbers of 2 bytes, little-endian, signed | lower, M bytes, unsigned | fill, to a multiple of 4
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gate.gallery.axes import AS_THEY_ARE, Axes, Rows, Turned, inner_products

_UNIT = np.float32(2.0**-22)
_UPPER = np.float32(2.0**-14)

Kept = NDArray[Any]
"""Rows as they are kept: uint8 (R, bytes) on axes, float32 (R, D) without."""

NO_ROWS: Rows = np.zeros((0, 0), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """Some templates, in order.

    Attributes:
        kept: their rows; nobody else may write them.
        axes: on which they are.
    """

    kept: Kept
    axes: Axes = AS_THEY_ARE

    @classmethod
    def of(cls, rows: Rows, axes: Axes = AS_THEY_ARE) -> Self:
        """Embeddings (R, D), taken over onto the axes; (0, 0) for none.

        Raises:
            EngineFault: INFERENCE_FAILED, see `Axes.turn_rows`.
        """
        if axes.basis is None or not len(rows):
            return cls(np.ascontiguousarray(rows, np.float32), axes)
        return cls(_to_digits(axes.turn_rows(rows)), axes)

    @classmethod
    def joined(cls, parts: Iterable[Templates], axes: Axes) -> Self:
        """All of them, one after the other; all on these axes."""
        filled = [part.kept for part in parts if len(part)]
        if len(filled) == 1:
            return cls(filled[0], axes)
        return cls(np.concatenate(filled) if filled else NO_ROWS, axes)

    def __len__(self) -> int:
        return len(self.kept)

    @property
    def size(self) -> int:
        """M, numbers of a template as they are compared."""
        return self.kept.shape[1] if self.axes.basis is None else len(self.axes.basis)

    def __getitem__(self, part: slice) -> Templates:
        return Templates(self.kept[part], self.axes)

    def copy(self) -> Templates:
        """Sharing no memory with these."""
        return Templates(self.kept.copy(), self.axes)

    def rows(self) -> Rows:
        """As embeddings (R, D); each always comes out the same, whatever stands beside it."""
        if not len(self):
            return NO_ROWS
        return self.kept.copy() if self.axes.basis is None else self.axes.turn_back(self.numbers())

    def numbers(self) -> Turned:
        """On the axes, (R, M)."""
        if self.kept.dtype == np.float32:
            return self.kept
        upper, lower = _planes(self.kept, self.axes)
        numbers = upper.astype(np.float32)
        numbers *= 256
        numbers += lower
        numbers *= _UNIT
        return numbers

    def similarities(self, probe: Turned) -> Turned:
        """Inner products (R,) with a probe on the axes."""
        if not len(self):
            return np.zeros(0, np.float32)
        if self.kept.dtype == np.float32:
            return inner_products(self.kept, probe)
        upper, lower = _planes(self.kept, self.axes)
        coarse = inner_products(upper.astype(np.float32), probe) * _UPPER
        return coarse + inner_products(lower.astype(np.float32), probe) * _UNIT


def chunks(parts: Iterable[Templates], most: int) -> Iterator[Templates]:
    """The same templates in the same order, small parts put together to at most `most` rows."""
    waiting: list[Templates] = []
    count = 0
    for part in parts:
        if waiting and count + len(part) > most:
            yield Templates.joined(waiting, waiting[0].axes)
            waiting, count = [], 0
        waiting.append(part)
        count += len(part)
    if waiting:
        yield Templates.joined(waiting, waiting[0].axes)


def _to_digits(numbers: Turned) -> Kept:
    size = numbers.shape[1]
    whole = np.rint(numbers / _UNIT).astype(np.int32)
    kept = np.zeros((len(numbers), -(-3 * size // 4) * 4), np.uint8)
    kept[:, : 2 * size] = (whole >> 8).astype("<i2").view(np.uint8)
    kept[:, 2 * size : 3 * size] = whole & 0xFF
    return kept


def _planes(kept: Kept, axes: Axes) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    if axes.basis is None:
        raise ValueError(f"expected float32 (R, D) without axes, found {kept.dtype} {kept.shape}")
    size = len(axes.basis)
    return kept[:, : 2 * size].view("<i2"), kept[:, 2 * size : 3 * size]
