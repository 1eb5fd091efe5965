"""Everybody of the data sets as templates, clean and masked, with what is known of who is whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from rich.progress import Progress

from benchmarks.accuracy_photos import Listing, Photo, list_distractors, list_people, read_lookalikes
from benchmarks.accuracy_plan import Plan
from benchmarks.accuracy_templates import Acquisition, Seen, Templates, references, stacked

_QUICK_PEOPLE, _QUICK_PHOTOS, _QUICK_DISTRACTORS = 180, 2, 300
"""Together enough for a gallery of 420 and strangers besides."""


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Everybody as templates.

    Attributes:
        clean: photographs of the data set, then those that only the pairs name, then distractors.
        references: what a gallery keeps of the same photographs as `clean`.
        masked: masked probes.
        people: of the data set, numbers 0 to people - 1.
        distractors: further people.
        barred: see `flights.Crowd`.
        photo_of: where each photograph's row is.
        number: of each person, by name.
    """

    clean: Templates
    references: Templates
    masked: Templates
    people: int
    distractors: int
    barred: Mapping[int, frozenset[int]]
    photo_of: Mapping[Path, int]
    number: Mapping[str, int]


def list_everybody(plan: Plan) -> tuple[Listing, Listing, list[str]]:
    """Photographs of the data set and of distractors, and what a reader must know of them.

    Raises:
        OSError: a folder is not there, or not what it should be.
    """
    listing = list_people(plan.dataset)
    notes = listing.notes("dataset")
    strangers = list_distractors(plan.distractors) if plan.distractors else Listing(())
    notes += strangers.notes("distractors")
    known = {photo.person for photo in listing.photos}
    others = tuple(photo for photo in strangers.photos if photo.person not in known)
    if len(others) < len(strangers.photos):
        notes.append(f"distractors: {len(strangers.photos) - len(others)} bear a name of the data set, left out")
    if plan.quick:
        listing = replace(listing, photos=quick_photos(listing.photos))
        others = quick_distractors(others)
        notes.append(f"quick: {len(listing.photos)} photographs of {len({p.person for p in listing.photos})} people")
    return listing, replace(strangers, photos=others), notes


def quick_distractors(photos: tuple[Photo, ...]) -> tuple[Photo, ...]:
    """Some of them, evenly."""
    return photos[:: max(1, len(photos) // _QUICK_DISTRACTORS)]


def quick_photos(photos: tuple[Photo, ...]) -> tuple[Photo, ...]:
    """Some people, of those with several photographs first, with two photographs each."""
    by_person: dict[str, list[Photo]] = {}
    for photo in photos:
        by_person.setdefault(photo.person, []).append(photo)
    several = [person for person, own in by_person.items() if len(own) > 1]
    single = [person for person, own in by_person.items() if len(own) == 1]
    step = max(1, len(several) // _QUICK_PEOPLE)
    chosen = (several[::step] + single)[:_QUICK_PEOPLE]
    return tuple(photo for person in sorted(chosen) for photo in by_person[person][:_QUICK_PHOTOS])


def acquire(
    plan: Plan, work: Acquisition, listing: Listing, strangers: Listing, progress: Progress
) -> tuple[Sides, list[str]]:
    """Templates of everybody, clean and masked."""
    number = {person: i for i, person in enumerate(dict.fromkeys(photo.person for photo in listing.photos))}
    people = len(number)
    number |= {photo.person: people + i for i, photo in enumerate(strangers.photos)}
    photos = (*listing.photos, *strangers.photos)
    person = np.array([number[photo.person] for photo in photos], np.int64)
    notes: list[str] = []

    def look(name: str, chosen: Iterable[Photo], *, masked: bool) -> tuple[list[Seen], list[Seen]]:
        paths = [photo.path for photo in chosen]
        if not paths:
            return [], []
        tick = partial(progress.advance, progress.add_task(name, total=len(paths)))
        return work.with_masks(paths, tick) if masked else (work.plain(paths, tick), [])

    numbers = np.arange(len(photos), dtype=np.int64)
    own_masks = plan.masked_dataset is None
    clean, drawn = look("photographs", listing.photos, masked=own_masks)
    clean_others, drawn_others = look("distractors", strangers.photos, masked=True)
    bare = stacked([*clean, *clean_others]).of(person, numbers)
    kept = references([*clean, *clean_others]).of(person, numbers)
    if own_masks:
        masked = stacked([*drawn, *drawn_others]).of(person, numbers)
    else:
        theirs, owner, shown, more = _masked_photos(plan, listing, number)
        notes += more
        seen, _ = look("masked photographs", theirs, masked=False)
        masked = stacked([*seen, *drawn_others]).of(
            np.concatenate([owner, person[len(clean) :]]), np.concatenate([shown, numbers[len(clean) :]])
        )
    barred = _barred(read_lookalikes(plan.lookalikes) if plan.lookalikes else [], number)
    photo_of = {photo.path.resolve(): i for i, photo in enumerate(photos)}
    return Sides(bare, kept, masked, people, len(strangers.photos), barred, photo_of, number), notes


def _masked_photos(
    plan: Plan, listing: Listing, number: Mapping[str, int]
) -> tuple[
    list[Photo], np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.int64]], list[str]
]:
    """Masked probes of people of the data set, who each is, and which clean photograph each shows (-1: none)."""
    if plan.masked_dataset is None:
        raise ValueError("expected a plan with a masked data set")
    masked = list_people(plan.masked_dataset)
    notes = masked.notes("masked dataset")
    by_name = {(photo.person, photo.path.stem.lower()): i for i, photo in enumerate(listing.photos)}
    known = [photo for photo in masked.photos if photo.person in number]
    if len(known) < len(masked.photos):
        notes.append(
            f"masked dataset: {len(masked.photos) - len(known)} photographs are of nobody of the data set, ignored"
        )
    if plan.quick:
        known = [photo for photo in known if (photo.person, photo.path.stem.lower()) in by_name] or known
    shown = np.array([_shows(photo, by_name) for photo in known], np.int64)
    if (shown < 0).any():
        notes.append(f"masked dataset: {int((shown < 0).sum())} photographs bear no name of a clean one")
    return known, np.array([number[photo.person] for photo in known], np.int64), shown, notes


def _shows(photo: Photo, by_name: Mapping[tuple[str, str], int]) -> int:
    """The clean photograph of the same name, or whose name goes on after a sign: ``0001.jpg``, ``0001_masked.png``."""
    stem = photo.path.stem.lower()
    for end in range(len(stem), 0, -1):
        if (end == len(stem) or not stem[end].isalnum()) and (photo.person, stem[:end]) in by_name:
            return by_name[photo.person, stem[:end]]
    return -1


def _barred(pairs: Iterable[tuple[str, str]], number: Mapping[str, int]) -> dict[int, frozenset[int]]:
    barred: dict[int, set[int]] = {}
    for one, other in pairs:
        if one in number and other in number and one != other:
            barred.setdefault(number[one], set()).add(number[other])
            barred.setdefault(number[other], set()).add(number[one])
    return {person: frozenset(others) for person, others in barred.items()}
