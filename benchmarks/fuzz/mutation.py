"""Damage of the kinds that files suffer, with a sense of their parts: pieces cut, doubled, swapped, wrapped, replaced.

Bytes flipped at random rarely pass a reader's first check; these keep most of a file whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

# Where parts of the known formats end: EDIFACT's service characters, tables, JSON, lines.
_BORDERS = re.compile(rb"[+:'\n,;\t\"{}\[\]<]")
_NUMBER = re.compile(rb"\d+")
_NUMBERS = (
    b"0",
    b"1",
    b"00",
    b"99",
    b"-1",
    b"255",
    b"65536",
    b"99999999999999999999",
    b"261332",
    b"000000",
    b"\xd9\xa3",
)
_WRAPS = (b"\n", b"\r\n", b" ", b"\r\n ", b"\x00", b"?", b"'\r\n")
_LONGEST_PIECE = 400

Mutation = Callable[[bytes, Random, Sequence[bytes]], bytes]


def mutate(data: bytes, random: Random, tokens: Sequence[bytes], times: int) -> bytes:
    """`data` after `times` mutations, of kinds and at places that `random` draws; `tokens` are words of the format."""
    for _ in range(times):
        data = random.choice(_MUTATIONS)(data, random, tokens)
    return data


def repeated(data: bytes, start: int, end: int, times: int) -> bytes:
    """`data` with the part from `start` to `end` written `times` times: how a reader scales with that part."""
    return data[:start] + data[start:end] * times + data[end:]


def _piece(data: bytes, random: Random) -> tuple[int, int]:
    """A part from one border to another, or any at all."""
    if not data:
        return 0, 0
    start = random.randrange(len(data))
    end = min(len(data), start + 1 + int(_LONGEST_PIECE ** random.random()))
    if random.random() < 0.7:
        before = [found.end() for found in _BORDERS.finditer(data, max(0, start - _LONGEST_PIECE), start)]
        behind = _BORDERS.search(data, end)
        start, end = (before[-1] if before else start), (behind.end() if behind else end)
    return start, end


def _cut(data: bytes, random: Random, _tokens: Sequence[bytes]) -> bytes:
    start, end = _piece(data, random)
    return data[:start] + data[end:]


def _end_early(data: bytes, random: Random, _tokens: Sequence[bytes]) -> bytes:
    return data[: random.randint(0, len(data))]


def _double(data: bytes, random: Random, _tokens: Sequence[bytes]) -> bytes:
    return repeated(data, *_piece(data, random), random.choice((2, 2, 3, 20)))


def _swap(data: bytes, random: Random, _tokens: Sequence[bytes]) -> bytes:
    (start, middle), (far, end) = sorted((_piece(data, random), _piece(data, random)))
    if far < middle:
        return data
    return data[:start] + data[far:end] + data[middle:far] + data[start:middle] + data[end:]


def _move(data: bytes, random: Random, _tokens: Sequence[bytes]) -> bytes:
    start, end = _piece(data, random)
    rest, at = data[:start] + data[end:], random.randint(0, max(0, len(data) - (end - start)))
    return rest[:at] + data[start:end] + rest[at:]


def _flip(data: bytes, random: Random, _tokens: Sequence[bytes]) -> bytes:
    if not data:
        return data
    at = random.randrange(len(data))
    new = data[at] ^ (1 << random.randrange(8)) if random.random() < 0.5 else random.randrange(256)
    return data[:at] + bytes([new]) + data[at + 1 :]


def _wrap(data: bytes, random: Random, _tokens: Sequence[bytes]) -> bytes:
    columns, wrap = random.randint(1, 80), random.choice(_WRAPS)
    return wrap.join(data[at : at + columns] for at in range(0, len(data), columns))


def _number(data: bytes, random: Random, _tokens: Sequence[bytes]) -> bytes:
    found = list(_NUMBER.finditer(data))
    if not found:
        return data
    one = random.choice(found)
    return data[: one.start()] + random.choice(_NUMBERS) + data[one.end() :]


def _insert(data: bytes, random: Random, tokens: Sequence[bytes]) -> bytes:
    at = random.randint(0, len(data))
    return data[:at] + random.choice(tokens) + data[at:] if tokens else data


def _replace(data: bytes, random: Random, tokens: Sequence[bytes]) -> bytes:
    start, end = _piece(data, random)
    return data[:start] + random.choice(tokens) + data[end:] if tokens else data


_MUTATIONS: tuple[Mutation, ...] = (
    _cut,
    _end_early,
    _double,
    _swap,
    _move,
    _flip,
    _flip,
    _wrap,
    _number,
    _insert,
    _replace,
)
