"""Who goes with whom at the least total cost: the assignment problem, solved exactly.

Shortest augmenting paths with potentials (Kuhn 1955; Jonker and Volgenant 1987). A picture holds a dozen faces, so
the few lines here are enough, and faster than to import a library of optimisation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Costs = NDArray[np.float64]
"""Cost (N, M) of each pair; infinite where a pair is out of the question."""

_FORBIDDEN = 1e12


def assign(costs: Costs, alone: float) -> tuple[tuple[int, int], ...]:
    """The pairs (row, column) of least total cost, by row; each row and each column at most once.

    Args:
        costs: (N, M), not negative; infinite where a pair is out of the question.
        alone: what it costs to leave a row without a column, so that no pair is made that costs more.

    Raises:
        ValueError: a cost is negative or not a number.
    """
    rows, columns = costs.shape
    if not (costs >= 0).all():
        raise ValueError("expected costs of at least 0, found a smaller one or none at all")
    # Each row has a column of its own in which it is alone, so every row finds a place.
    padded = np.full((rows, columns + rows), _FORBIDDEN)
    padded[:, :columns] = np.where(np.isfinite(costs), costs, _FORBIDDEN)
    padded[np.arange(rows), columns + np.arange(rows)] = alone
    row_of = _augmented(padded)
    pairs = ((int(row_of[column]), column) for column in range(columns) if row_of[column] >= 0)
    return tuple(sorted(pairs))


def _augmented(costs: Costs) -> NDArray[np.intp]:
    """The row of each column, -1 for none: every row placed, at the least total cost."""
    rows, columns = costs.shape
    row_price, column_price = np.zeros(rows), np.zeros(columns)
    row_of = np.full(columns, -1, np.intp)
    for new_row in range(rows):
        length, previous = np.full(columns, np.inf), np.full(columns, -1, np.intp)
        settled = np.zeros(columns, np.bool_)
        row, column, reached = new_row, -1, 0.0
        # Dijkstra over columns, until a free one is the nearest.
        while True:
            through = reached + costs[row] - row_price[row] - column_price
            shorter = ~settled & (through < length)
            length[shorter], previous[shorter] = through[shorter], column
            column = int(np.argmin(np.where(settled, np.inf, length)))
            reached = float(length[column])
            if row_of[column] < 0:
                break
            settled[column] = True
            row = int(row_of[column])
        row_price[new_row] += reached
        row_price[row_of[settled]] += reached - length[settled]
        column_price[settled] -= reached - length[settled]
        _shift(row_of, previous, column, new_row)
    return row_of


def _shift(row_of: NDArray[np.intp], previous: NDArray[np.intp], column: int, new_row: int) -> None:
    """Moves every row on the path one column on, and gives the first column to the new row; in place."""
    while previous[column] >= 0:
        row_of[column] = row_of[previous[column]]
        column = int(previous[column])
    row_of[column] = new_row
