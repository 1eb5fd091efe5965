"""Somebody on the watch list, and the list in numbers. Plain records, without FAISS."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Watched:
    """Somebody on the watch list.

    Attributes:
        reference: the authority's opaque name for the person.
        list_name: of the authority's own lists, one word.
        expires_at: UTC; from then on the person is not found any more.
    """

    reference: str = field(repr=False)
    list_name: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class WatchedCount:
    """One of the authority's lists, in numbers of those unexpired. Expiries in UTC."""

    name: str
    people: int
    templates: int
    first_expiry: datetime
    last_expiry: datetime


@dataclass(frozen=True, slots=True)
class WatchListDescription:
    """The whole list, in numbers.

    Attributes:
        lists: by name.
        to_enrol: people who have templates of another model pack only, and are not found until they are enrolled again.
    """

    lists: tuple[WatchedCount, ...]
    to_enrol: int
    pack_id: str

    @property
    def templates(self) -> int:
        """Over all lists."""
        return sum(each.templates for each in self.lists)
