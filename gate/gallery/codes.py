"""Short codes of templates: what a search looks through first, 2 bits a number instead of 24.

On mixed axes (`gate.gallery.axes`) the numbers of a template of M are about normally distributed with variance 1 / M,
whoever it is of. So one code book serves everybody: the four levels that lose least of a normal distribution (Max,
"Quantizing for Minimum Distortion", IRE Trans. IT-6, 1960). It is not trained, and holds nothing of any traveller.

FAISS looks them up 32 rows at a time ("fast scan": André, Kermarrec, Le Scouarnec, "Cache locality is not enough",
PVLDB 9(4), 2015): a code of 4 bits stands for two numbers. Codes of several segments are put together by copying
blocks, so a segment's codes fill up its last block with copies of its own rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import faiss
import numpy as np
from numpy.typing import NDArray

from gate.gallery.axes import Turned

BLOCK_ROWS = 32

Blocks = NDArray[np.uint8]
"""Codes of 32 rows a block, (blocks, bytes), in the order in which FAISS's fast scan reads them."""

NO_BLOCKS: Blocks = np.zeros((0, 0), np.uint8)

_LEVELS = np.array([-1.5104, -0.4528, 0.4528, 1.5104])
_LIMIT = 0.9816
_LOST = 0.1175
"""Levels, what lies between the outer and the inner ones, and the share of variance lost: of a normal distribution."""

_ORDER = np.array([0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15])
"""Of the rows of half a block: a register holds row 0 in its first byte, row 8 in its second."""


def doubt(size: int) -> float:
    """Standard deviation of a similarity as codes of `size` numbers tell it."""
    return float(np.sqrt(_LOST / (1 - _LOST) / size))


def padded(rows: int) -> int:
    """Rows that the blocks of this many rows have."""
    return -(-rows // BLOCK_ROWS) * BLOCK_ROWS


def encode(numbers: Turned) -> Blocks:
    """Blocks of templates (R, M), R at least 1; the last is filled up with the first templates once more."""
    count, size = numbers.shape
    pairs = -(-size // 2)
    limit = np.float32(_LIMIT / np.sqrt(size))
    level = (numbers > -limit).view(np.uint8) + (numbers > 0).view(np.uint8) + (numbers > limit).view(np.uint8)
    codes = np.zeros((padded(count), pairs + pairs % 2), np.uint8)
    codes[:count, :pairs] = level[:, ::2] << 2
    codes[:count, : size // 2] |= level[:, 1::2]
    codes[count:] = codes[np.arange(count, len(codes)) % count]
    halves = codes.reshape(-1, 2, BLOCK_ROWS // 2, codes.shape[1])[:, :, _ORDER]
    both = halves[:, 0] | halves[:, 1] << 4
    return np.ascontiguousarray(both.transpose(0, 2, 1)).reshape(len(both), -1)


class CodeIndex:
    """Codes that are searched together. Never changes after construction, so any number of threads may search it."""

    __slots__ = ("_index", "_size")

    def __init__(self, parts: Sequence[Blocks], size: int) -> None:
        """
        Args:
            parts: blocks, of at least one row; copied.
            size: M, numbers of a template.
        """
        pairs = -(-size // 2)
        self._size = size
        self._index = faiss.IndexPQFastScan(2 * pairs, pairs, 4, faiss.METRIC_INNER_PRODUCT)
        # Divided by what they keep of a template, levels tell similarities that are right on average.
        levels = _LEVELS / np.sqrt(size) / (1 - _LOST)
        book = np.stack([np.repeat(levels, 4), np.tile(levels, 4)], axis=1).astype(np.float32)
        faiss.copy_array_to_vector(np.tile(book, (pairs, 1)).ravel(), self._index.pq.centroids)
        self._index.is_trained = True
        self._index.codes.resize(sum(part.size for part in parts))
        np.concatenate(parts, out=self.blocks)
        self._index.ntotal = BLOCK_ROWS * len(self.blocks)
        self._index.ntotal2 = self._index.ntotal  # type: ignore[attr-defined]  # FAISS's own stub lacks it

    def __len__(self) -> int:
        """Rows, with those that fill up blocks."""
        return int(self._index.ntotal)

    @property
    def blocks(self) -> Blocks:
        """A view that must not outlive the index."""
        width = BLOCK_ROWS // 2 * self._index.M2
        flat: Blocks = faiss.rev_swig_ptr(self._index.codes.get(), self._index.codes.size())
        return flat.reshape(-1, width)

    def search(self, probe: Turned, count: int) -> tuple[Turned, NDArray[np.int64]]:
        """The `count` rows that are most similar by their codes: similarities, best first, and rows.

        Args:
            probe: (M,) on the same axes.
            count: at most as many as there are.
        """
        query = np.zeros((1, self._index.d), np.float32)
        query[0, : self._size] = probe
        similarities, rows = self._index.search(query, count)
        return similarities[0], rows[0]
