"""Whose faces were too close to whose when they were enrolled: twins, or one photograph under two references."""

from __future__ import annotations

import threading
from collections.abc import Collection


class Lookalikes:
    """A symmetric relation between references. Readers never wait.

    It stands beside the snapshots, not in them: at a checkpoint of 42,000 travellers thousands may be marked, and a
    mark must not cost the rebuilding of a stranger's segment. Who is marked but not expected any more is left out by
    the search, which asks the snapshot.
    """

    def __init__(self) -> None:
        self._writing = threading.Lock()
        self._of: dict[str, frozenset[str]] = {}

    def of(self, reference: str) -> frozenset[str]:
        """References marked with this one."""
        return self._of.get(reference, frozenset())

    def add(self, reference: str, others: Collection[str]) -> None:
        """Marks `reference` with each of the others, and each of them with it."""
        with self._writing:
            for other in others:
                self._of[reference] = self.of(reference) | {other}
                self._of[other] = self.of(other) | {reference}

    def forget(self, reference: str) -> None:
        """Nobody of that reference is expected any more."""
        with self._writing:
            for other in self._of.pop(reference, frozenset()):
                left = self.of(other) - {reference}
                if left:
                    self._of[other] = left
                else:
                    self._of.pop(other, None)
