"""The flight simulation: travellers who are expected, one photograph each, and everybody else at the same gate.

After the simulation of paperless travel in NISTIR 8381 (FRVT part 7): galleries of 420, whoever is expected comes with
a photograph that was not enrolled, whoever is not comes too. One threshold for all flights: a gate cannot choose one
after it has seen who comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks import rates
from benchmarks.accuracy_templates import Templates

UNMASKED, MASKED, MIXED = "unmasked", "masked", "mixed"
MODES = (UNMASKED, MASKED, MIXED)

MASKED_SHARE = 0.529
"""Of travellers in the mixed mode: as many wore one in the study that the mode is after."""

GALLERY = 420
"""Passengers of a flight in NIST's simulation."""

LEAST_GALLERY = 10

LEAST_STRANGERS = 50
"""People who come without being expected, at least: fewer would always be the same."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Thresholds = Callable[[str, int], float]
"""Similarity that a probe of a mask state must reach among so many templates."""


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """What came out of all flights' searches.

    Attributes:
        mated: (m,) similarity of the best candidate where it is the traveller's own, else `FAILED`.
        mated_lead: (m,) the same over the engine's threshold for the probe's mask state; `FAILED` likewise.
        mated_person: (m,) who came.
        other: (k,) similarity of the best candidate for somebody who is not expected.
        other_lead: (k,) over the engine's threshold.
        other_person, other_like: (k,) who came, and whom they resemble most.
        flights: simulated.
        gallery: travellers expected on each.
    """

    mated: Floats = field(repr=False)
    mated_lead: Floats = field(repr=False)
    mated_person: Ints = field(repr=False)
    other: Floats = field(repr=False)
    other_lead: Floats = field(repr=False)
    other_person: Ints = field(repr=False)
    other_like: Ints = field(repr=False)
    flights: int
    gallery: int


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """Who may be expected, who may come, and what they look like.

    Attributes:
        references: what a gallery keeps of everybody's clean photographs.
        probes: by how they come (`UNMASKED`, `MASKED`).
        people: people of the data set proper, who may be expected and come.
        fillers: further people who may be expected where those are too few; they come when they are not.
        barred: pairs that may be one person, by person.
        beyond: similarity (n,) of each probe to the likest of further people, who are always expected and never come.
        templates_beyond: how many those are.
    """

    references: Templates
    probes: Mapping[str, Templates]
    people: Ints
    fillers: Ints
    barred: Mapping[int, frozenset[int]]
    beyond: Mapping[str, Floats] = field(default_factory=dict)
    templates_beyond: int = 0

    @property
    def nobody(self) -> int:
        """The number that stands for those beyond."""
        return len(self.people) + len(self.fillers)


@dataclass(frozen=True, slots=True)
class Seats:
    """How many of the data set's people, and of the fillers, are expected."""

    people: int
    fillers: int = 0

    @property
    def size(self) -> int:
        """Of the gallery, without those beyond."""
        return self.people + self.fillers


def gallery_size(people: int, fillers: int, wanted: int = GALLERY) -> int:
    """The largest gallery up to `wanted` that leaves `LEAST_STRANGERS` outside; 0 where nothing worth it is left."""
    size = min(wanted, people + fillers - LEAST_STRANGERS)
    return size if size >= LEAST_GALLERY else 0


def seats(people: int, size: int) -> Seats:
    """The data set's people first, fillers where they are too few."""
    return Seats(min(people, size), max(0, size - people))


def simulate(
    crowd: Crowd, seated: Seats, flights: int, thresholds: Thresholds, seed: int, tick: Callable[[], None]
) -> dict[str, Searches]:
    """Searches of each mode, over the same flights.

    Args:
        seated: on each flight; see `gallery_size` and `seats`.
        thresholds: the engine's own.
        tick: called after each flight.
    """
    rng = np.random.default_rng(seed)
    kept: dict[str, list[_Flight]] = {mode: [] for mode in MODES}
    photos_of = _rows_by_person(crowd.references)
    for _ in range(flights):
        expected = _passengers(crowd, seated, rng)
        enrolled = np.array([rng.choice(photos_of[int(person)]) for person in expected], np.int64)
        # Who comes masked in the mixed mode is a trait of the day, for everybody who may come.
        masked_today = rng.random(int(crowd.references.person.max()) + 1) < MASKED_SHARE
        outside = _strangers(crowd, expected)
        gallery = crowd.references.only(enrolled)
        searched = {name: _search(crowd, name, gallery, thresholds) for name in crowd.probes}
        for mode in MODES:
            kept[mode].append(_come(crowd, searched, enrolled, expected, outside, _wears(mode, masked_today)))
        tick()
    return {mode: _pooled(parts, flights, seated.size + crowd.templates_beyond) for mode, parts in kept.items()}


@dataclass(frozen=True, slots=True, eq=False)
class _Best:
    """The best candidate of each probe: similarity, lead over the threshold, whose."""

    similarity: Floats
    lead: Floats
    person: Ints


_Flight = tuple[Floats, Floats, Ints, Floats, Floats, Ints, Ints]


def _rows_by_person(templates: Templates) -> dict[int, Ints]:
    order = np.argsort(templates.person, kind="stable")
    people, starts = np.unique(templates.person[order], return_index=True)
    return {int(person): rows for person, rows in zip(people, np.split(order, starts[1:]), strict=True)}


def _passengers(crowd: Crowd, seated: Seats, rng: np.random.Generator) -> Ints:
    """People who are expected: no two that may be one person."""
    taken: set[int] = set()
    for pool, wanted in ((crowd.people, seated.people), (crowd.fillers, seated.fillers)):
        before = len(taken)
        for person in rng.permutation(pool).tolist():
            if len(taken) == before + wanted:
                break
            if not crowd.barred.get(person, frozenset()) & taken:
                taken.add(person)
    return np.array(sorted(taken), np.int64)


def _strangers(crowd: Crowd, expected: Ints) -> NDArray[np.bool_]:
    """(people,) who is not expected and may not be taken for somebody who is."""
    outside = np.ones(int(crowd.references.person.max()) + 1, np.bool_)
    outside[expected] = False
    for person in expected.tolist():
        outside[list(crowd.barred.get(person, ()))] = False
    return outside


def _search(crowd: Crowd, name: str, gallery: Templates, thresholds: Thresholds) -> _Best:
    probes = crowd.probes[name]
    scores = probes.rows @ gallery.rows.T
    scores[:, ~gallery.found] = -2  # a template that could not be made resembles nobody
    first = scores.argmax(axis=1)
    similarity = scores[np.arange(len(first)), first].astype(np.float64)
    person = gallery.person[first]
    if name in crowd.beyond:
        beyond = crowd.beyond[name]
        person = np.where(beyond > similarity, crowd.nobody, person)
        similarity = np.maximum(beyond, similarity)
    templates = max(1, int(gallery.found.sum()) + crowd.templates_beyond)
    limit = np.zeros(len(first))
    for state in np.unique(probes.state):
        limit[probes.state == state] = thresholds(str(state), templates)
    return _Best(similarity, similarity - limit, person)


def _wears(mode: str, masked_today: NDArray[np.bool_]) -> NDArray[np.bool_]:
    if mode == MIXED:
        return masked_today
    return np.full(len(masked_today), mode == MASKED)


def _come(
    crowd: Crowd,
    searched: Mapping[str, _Best],
    enrolled: Ints,
    expected: Ints,
    outside: NDArray[np.bool_],
    masked: NDArray[np.bool_],
) -> _Flight:
    """One flight at the gate, everybody with every photograph of theirs that is not enrolled."""
    is_expected = np.zeros(len(outside), np.bool_)
    is_expected[expected] = True
    parts = []
    for name, probes in crowd.probes.items():
        best = searched[name]
        comes = masked[probes.person] == (name == MASKED)
        mated = comes & is_expected[probes.person] & ~np.isin(probes.photo, enrolled)
        right = probes.found[mated] & (best.person[mated] == probes.person[mated])
        # Who is never seen matches nobody by mistake; counting them would make the rate look lower.
        other = comes & outside[probes.person] & probes.found
        parts.append(
            (
                np.where(right, best.similarity[mated], rates.FAILED),
                np.where(right, best.lead[mated], rates.FAILED),
                probes.person[mated],
                best.similarity[other],
                best.lead[other],
                probes.person[other],
                best.person[other],
            )
        )
    a, b, c, d, e, f, g = (np.concatenate(column) for column in zip(*parts, strict=True))
    return a, b, c, d, e, f, g


def _pooled(parts: Sequence[_Flight], flights: int, size: int) -> Searches:
    a, b, c, d, e, f, g = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Searches(a, b, c, d, e, f, g, flights, size)


@dataclass(frozen=True, slots=True)
class Identified:
    """Rates of one mode.

    Attributes:
        tpir: at the threshold that gives the wanted FPIR.
        threshold: that one, of what was swept (similarity, or lead over the engine's threshold).
        tpir_calibrated, fpir_calibrated: at the engine's own thresholds.
        enough: the non-mated searches carry the wanted FPIR.
    """

    tpir: rates.Rate
    threshold: float
    tpir_calibrated: rates.Rate
    fpir_calibrated: rates.Rate
    enough: bool


def identify(searches: Searches, fpir: float, resampled: Floats, *, by_lead: bool) -> Identified:
    """Rates with intervals over people.

    Args:
        fpir: wanted, as a share.
        resampled: (r, people) see `rates.draws`.
        by_lead: sweep the lead over the engine's threshold instead of the similarity, as the engine does where probes
            of several mask states come.
    """
    mated, other = (searches.mated_lead, searches.other_lead) if by_lead else (searches.mated, searches.other)
    order = np.argsort(-other, kind="stable")
    falling, who, like = other[order], searches.other_person[order], searches.other_like[order]

    def tpir_of(drawn: Floats) -> float:
        weights = drawn[who] * drawn[like]
        threshold = rates.threshold_at(falling, weights, float(weights.sum()), fpir)
        return rates.share_at(mated, drawn[searches.mated_person], threshold)

    everybody = np.ones(resampled.shape[1])
    tpir = tpir_of(everybody)
    threshold = rates.threshold_at(falling, np.ones(len(falling)), float(len(falling)), fpir)
    people = len(np.unique(searches.mated_person))
    false = searches.other_lead >= 0
    false_shares = rates.over_draws(resampled, lambda drawn: _pair_share(false, searches, drawn))
    return Identified(
        rates.interval(tpir, rates.over_draws(resampled, tpir_of), len(mated), people),
        threshold,
        rates.rate_over_people(searches.mated_lead >= 0, searches.mated_person, resampled),
        rates.interval(float(false.mean()), false_shares, len(false), len(np.unique(searches.other_person))),
        rates.enough(len(other), fpir),
    )


def _pair_share(hit: NDArray[np.bool_], searches: Searches, drawn: Floats) -> float:
    weights = drawn[searches.other_person] * drawn[searches.other_like]
    total = weights.sum()
    return float(weights[hit].sum() / total) if total > 0 else float("nan")


def curve(mated: Floats, other: Floats, points: int = 120) -> Iterator[tuple[float, float]]:
    """False positive and false negative rate over a range of thresholds, for plots; both as shares."""
    falling, hits = np.sort(other)[::-1], np.sort(mated)
    for fpir in np.logspace(-5, 0, points):
        if fpir * len(falling) < 1:
            continue
        threshold = rates.threshold_at(falling, np.ones(len(falling)), float(len(falling)), float(fpir))
        if threshold == rates.FAILED:
            return  # everybody is named, and a failed comparison would count as a match
        yield float(fpir), float(np.searchsorted(hits, threshold, side="left") / len(hits))
