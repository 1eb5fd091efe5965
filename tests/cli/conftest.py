"""A running engine with one traveller enrolled, and frames of that traveller."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gate.claims.issue import SigningKey, write_signing_key
from gate.claims.jwks import written_to
from gate.client import GateClient
from gate.demo.approach import Actor, Scene, render
from gate.demo.people import built_in
from gate.gallery.traveller import TravelDocument, Traveller
from gate.vision.load import load_pipeline
from tests.cli.engines import Served, gate_serve


@dataclass(frozen=True, slots=True)
class Lane:
    """An engine that expects one traveller and accepts tokens, with their and a stranger's approach as JPEG frames."""

    served: Served
    signing_key: Path
    document: str
    traveller: tuple[bytes, ...]
    stranger: tuple[bytes, ...]


@pytest.fixture(scope="session")
def lane(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    del shared  # only to skip without it
    folder = tmp_path_factory.mktemp("serve")
    # The tests play the same pictures again and again.
    (folder / "gate.toml").write_text(
        '[frames]\nidentical = "allow"\n[claims]\nissuer_keys = "issuers.jwks"\naudiences = ["test-gate"]\n'
    )
    key = SigningKey.generate("https://issuer.example")
    write_signing_key(folder / "signing.jwk", key)
    written_to(folder / "issuers.jwks", key.public_jwk)
    people = built_in(load_pipeline("edgeface-xs", detect_size_px=480))
    traveller, stranger = people[0], people[-1]
    expires = datetime.now(UTC) + timedelta(hours=1)
    enrolled = Traveller("ref-1", "XX1/today", expires, (TravelDocument("X1234567"),))
    with gate_serve(folder) as served:

        async def enrol() -> None:
            async with GateClient(served.address) as client:
                await client.wait_until_serving()
                assert not (await client.enrol([(enrolled, traveller.photo)])).refused

        asyncio.run(enrol())
        yield Lane(served, folder / "signing.jwk", "X1234567", frames(traveller.portrait), frames(stranger.portrait))


def frames(portrait: object) -> tuple[bytes, ...]:
    actor = Actor(portrait, from_eye_px=34)  # type: ignore[arg-type]
    return tuple(render(Scene((actor,), seconds=3.5)))
