"""The axes on which a gallery keeps its templates: fewer numbers than an embedding has, and the same inner products.

A network whose last layer widens 192 numbers to 512 makes templates that fill 192 of the 512 dimensions, whoever the
person is. Turned onto axes of that space nothing is lost, and a search reads what is there instead of what is not.

The axes are then mixed, so that every number of a turned template has about the same spread: short codes
(`gate.gallery.codes`) live on that. Nothing here comes from travellers: the axes belong to the model pack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import faiss
import numpy as np
from numpy.typing import NDArray

from gate.errors import Code, EngineFault
from gate.vision.probe import Embedding

Rows = NDArray[np.float32]
"""Templates (R, D), L2-normalised."""

Turned = NDArray[np.float32]
"""Templates or a probe on the axes, (R, M) or (M,)."""

_SEED = 20261122
"""Of the mixing. Any other would do as well; the same one keeps searches repeatable."""

_STRAY = 1e-4
"""What a template may have off the axes, as a share of its squared length: rounding leaves some 1e-7."""


@dataclass(frozen=True, slots=True, eq=False)
class Axes:
    """Orthonormal axes.

    Attributes:
        basis: (M, D), one axis a row; None: embeddings are kept as they are.
        inverse: (D, M), the same turned round.
    """

    basis: Turned | None = None
    inverse: Turned | None = None

    @classmethod
    def of(cls, spanning: Rows | None, dimensions: int) -> Self:
        """Axes of the space in which a pack's embeddings lie, mixed.

        Args:
            spanning: vectors (M, D) that span it, M at most D, linearly independent, of any length; None: it is all of
                the D dimensions.
        """
        basis = _mixing(dimensions if spanning is None else len(spanning))
        if spanning is not None:
            across = np.ascontiguousarray(_orthonormal(spanning).T)
            basis = np.stack([inner_products(across, row) for row in basis])
        return cls(basis, np.ascontiguousarray(basis.T))

    @property
    def mixed(self) -> bool:
        """Whether there are axes, and short codes of templates on them tell something."""
        return self.basis is not None

    def turn(self, embedding: Embedding) -> Turned:
        """A probe (D,) on the axes (M,)."""
        return embedding if self.basis is None else inner_products(self.basis, embedding)

    def turn_rows(self, rows: Rows) -> Turned:
        """Templates (R, D) on the axes (R, M).

        Raises:
            EngineFault: INFERENCE_FAILED, for templates that do not lie on the axes: another pack made them.
        """
        if self.basis is None:
            return rows
        turned = np.empty((len(rows), len(self.basis)), np.float32)
        # One by one, so that a template always comes out the same. A product of matrices takes a fifth of the time
        # while nobody else wants the processor; beside a busy process its threads wait ten times as long.
        for numbers, row in zip(turned, rows, strict=True):
            inner_products(self.basis, row, numbers)
        length = np.einsum("ij,ij->i", rows, rows)
        stray = float(np.max(np.abs(length - np.einsum("ij,ij->i", turned, turned)), initial=0.0))
        if stray > _STRAY:
            raise EngineFault(
                Code.INFERENCE_FAILED,
                f"expected templates on the {len(self.basis)} axes of their pack, found {stray:.2g} of one off them",
            )
        return turned

    def turn_back(self, turned: Turned) -> Rows:
        """Templates (R, M) as embeddings (R, D)."""
        if self.inverse is None:
            return turned
        rows = np.empty((len(turned), len(self.inverse)), np.float32)
        # One by one: a sum that is made in another order ends in other last bits, and recordings compare them.
        for row, numbers in zip(rows, turned, strict=True):
            inner_products(self.inverse, numbers, row)
        return rows


AS_THEY_ARE = Axes()
"""Embeddings are kept as they are."""


def inner_products(rows: Turned, vector: Turned, into: Turned | None = None) -> Turned:
    """Of each row (R, M), C-contiguous, with the vector (M,): on this thread alone, and each row for itself.

    NumPy would wake its own threads for that, which then spin beside the models'.
    """
    found = np.empty(len(rows), np.float32) if into is None else into
    vector = np.ascontiguousarray(vector, np.float32)
    faiss.fvec_inner_products_ny(  # type: ignore[attr-defined]  # FAISS's own stub lacks it
        faiss.swig_ptr(found), faiss.swig_ptr(vector), faiss.swig_ptr(rows), rows.shape[1], len(rows)
    )
    return found


def _orthonormal(vectors: Rows) -> Turned:
    """Orthonormal vectors (M, D) that span the same, after Gram and Schmidt.

    LAPACK would share that out among threads which wait for each other: beside a busy process it takes seconds.
    """
    found = np.zeros(vectors.shape, np.float32)
    for i, vector in enumerate(vectors):
        rest = vector
        for _ in range(2 if i else 0):
            before = rest @ rest
            rest = rest - np.einsum("i,ij->j", inner_products(found[:i], rest), found[:i])
            if 2 * (rest @ rest) > before:  # else much has cancelled: once more, and twice is enough
                break
        found[i] = rest / np.sqrt(rest @ rest)
    return found


def _mixing(size: int) -> Turned:
    """An orthonormal (size, size): random signs, then a cosine transform (DCT-II), in which every axis has a share."""
    signs = np.random.default_rng(_SEED).choice([-1.0, 1.0], size)
    cosines = (np.cos(np.pi / (2 * size) * np.arange(4 * size)) * np.sqrt(2 / size)).astype(np.float32)
    transform = cosines[np.outer(np.arange(size), 2 * np.arange(size) + 1) % (4 * size)]
    transform[0] /= np.float32(np.sqrt(2))
    return np.asarray(transform * signs.astype(np.float32), np.float32)
