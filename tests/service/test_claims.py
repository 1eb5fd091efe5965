"""Claims over the wire: what a controller sends is read by the engine, and a token opens one passage only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp
from numpy.typing import NDArray

from gate.claims.claim import ClaimRules, Tokens
from gate.claims.issue import Issue, issue_token
from gate.claims.replay import MemoryUsedTokens, StoredUsedTokens, UsedTokens
from gate.claims.write_bcbp import LegText, write_bcbp
from gate.client import BlockingGateClient, Claim, GateClient, PassageDecision
from gate.decision.outcome import Outcome, Reason
from gate.engine.engine import Engine
from gate.errors import Code, FrameError, ProtocolError
from gate.gallery.gallery import Change
from gate.gallery.traveller import Particulars
from gate.manifest.mrz_layout import MrzKind
from gate.manifest.write_mrz import write_mrz
from gate.service.convert_claim import MRZ_CHARS, TEXT_CHARS
from gate.service.pb import lane_pb2 as pb
from gate.service.server import GateServer
from gate.settings import LaneSettings, ServerSettings, Settings
from gate.storage.database import Database
from gate.storage.keys import MasterKey
from tests.claims.makers import EDDSA, HERE, KEYS, RULES
from tests.decision.makers import CALIBRATION
from tests.service import fakes

TODAY = datetime.now(UTC)
FLIGHT = f"CX0830/{TODAY:%Y-%m-%d}"
PEOPLE = {
    1: Particulars("Muster", "Anna", seat="12A"),
    2: Particulars("Muster", "Berta", seat="12B"),
    3: Particulars("Beispiel", "Carl", face_consent=False),
}
STRANGER = 9


@pytest.fixture(params=["memory", "store"])
def used(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[UsedTokens]:
    if request.param == "memory":
        yield MemoryUsedTokens()
        return
    with Database.open(tmp_path / "egate.db", MasterKey.generate()) as database:
        yield StoredUsedTokens(database)


@asynccontextmanager
async def served(used: UsedTokens | None = None) -> AsyncIterator[GateClient]:
    rules = ClaimRules("HKG", Tokens(RULES, KEYS, used or MemoryUsedTokens()))
    settings = Settings(
        server=ServerSettings(address="127.0.0.1:0", drain_s=0.5),
        lanes={"lane-1": LaneSettings(), "lane-2": LaneSettings()},
        frames=fakes.PLAYED,
    )
    engine = Engine(settings, fakes.ColourVision(), CALIBRATION, claims=rules)
    travellers = {n: fakes.traveller(n, FLIGHT, particulars=known) for n, known in PEOPLE.items()}
    engine.gallery.apply(Change(put=tuple(travellers.values())))
    for person in (1, 2):
        engine.enrol(travellers[person], fakes.jpeg(person))
    async with GateServer(engine, settings.server) as server, GateClient(server.address) as client:
        yield client


async def shown(
    client: GateClient, claim: Claim, person: int, lane: str = "lane-1", frames: int = 8
) -> PassageDecision:
    return await client.verify(lane, [fakes.jpeg(person)] * frames, claim=claim)


def token(person: int = 1, bound_to: str = "") -> str:
    begin = datetime.now(UTC)
    issue = Issue(HERE, f"traveller-{person}", FLIGHT, begin, begin + timedelta(hours=1), bound_to)
    return issue_token(issue, EDDSA, begin)


def boarding_pass(name: str = "MUSTER/ANNA", seat: str = "12A") -> str:
    return write_bcbp(name, LegText("CX", "830", TODAY.timetuple().tm_yday, "HKG", "LHR", "ABC123", seat=seat))


def mrz(number: str) -> str:
    return write_mrz(
        MrzKind.TD3,
        code="P",
        issuing_state="UTO",
        number=number,
        surname="MUSTER",
        given_names="ANNA",
        nationality="UTO",
        birth_date="800101",
        sex="F",
        expires="350101",
    )


def code_picture(text: str) -> NDArray[np.uint8]:
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
    return np.array(zxingcpp.write_barcode_to_image(code, scale=4), np.uint8)


async def test_a_token_opens_once_and_is_given_back_when_it_did_not(used: UsedTokens) -> None:
    claim = Claim.token(token(bound_to="X0000001"))
    async with served(used) as client:
        stranger = await shown(client, claim, STRANGER)
        holder = await shown(client, claim, 1)
        replayed = await shown(client, claim, 1)
    assert stranger.outcome is not Outcome.OPEN
    assert (holder.reason, holder.traveller_reference) == (Reason.MATCHED, "traveller-1")
    assert (replayed.outcome, replayed.reason) == (Outcome.OFFICER, Reason.CLAIM_REFUSED)
    assert replayed.frames.used == 0


async def test_copies_of_a_token_at_two_lanes_open_one(used: UsedTokens) -> None:
    claim = Claim.code(token())
    async with served(used) as client:
        both = await asyncio.gather(shown(client, claim, 1), shown(client, claim, 1, "lane-2"))
    assert sorted(decision.reason for decision in both) == [Reason.CLAIM_REFUSED, Reason.MATCHED]


async def test_an_abandoned_passage_gives_its_token_back(used: UsedTokens) -> None:
    claim = Claim.token(token())
    async with served(used) as client:
        async with client.passage("lane-1", claim=claim) as passage:
            await passage.send_jpeg(fakes.jpeg(None))
            await asyncio.sleep(0.3)
        await asyncio.sleep(0.3)
        assert (await shown(client, claim, 1)).opens


async def test_a_boarding_pass_is_compared_with_those_it_may_mean() -> None:
    async with served() as client:
        holder = await shown(client, Claim.boarding_pass(boarding_pass()), 1)
        other = await shown(client, Claim.boarding_pass(boarding_pass()), 2)
        either = await shown(client, Claim.boarding_pass(boarding_pass("MUSTER", "")), 2)
        nobody = await shown(client, Claim.boarding_pass(boarding_pass("NIEMAND/N", "")), 1)
    assert (holder.reason, holder.gallery_size) == (Reason.MATCHED, 1)
    assert other.outcome is not Outcome.OPEN
    assert (either.traveller_reference, either.gallery_size) == ("traveller-2", 2)
    assert (nobody.reason, nobody.frames.used) == (Reason.CLAIM_UNKNOWN, 0)


async def test_a_machine_readable_zone_is_compared_with_its_holder() -> None:
    zone = mrz("X0000001")
    misread = zone.replace("X0000001", "X0000002")
    async with served() as client:
        holder = await shown(client, Claim.mrz(zone), 1)
        unread = await shown(client, Claim.mrz(misread), 2)
    assert holder.opens
    assert unread.reason is Reason.CLAIM_REFUSED


@pytest.mark.parametrize("form", ["png", "jpeg", "pixels"])
async def test_a_picture_of_a_code_is_read(form: str) -> None:
    pixels = code_picture(token())
    files = {name: cv2.imencode(f".{name}", pixels)[1].tobytes() for name in ("png", "jpeg")}
    async with served() as client:
        decision = await shown(client, Claim.picture(files.get(form, pixels)), 1)
    assert decision.opens


async def test_a_picture_without_a_code_is_refused() -> None:
    async with served() as client:
        decision = await shown(client, Claim.picture(fakes.picture(1)), 1)
    assert decision.reason is Reason.CLAIM_REFUSED


async def test_somebody_who_does_not_consent_is_sent_to_an_officer_without_being_looked_at() -> None:
    async with served() as client:
        decision = await shown(client, Claim.document("X0000003"), 3)
    assert (decision.outcome, decision.reason, decision.frames.used) == (Outcome.OFFICER, Reason.NO_CONSENT, 0)


@pytest.mark.parametrize(
    "claim",
    [
        Claim.mrz("<" * (MRZ_CHARS + 1)),
        Claim.boarding_pass("M" * (TEXT_CHARS + 1)),
        Claim.token("t" * (TEXT_CHARS + 1)),
        Claim.code("t" * (TEXT_CHARS + 1)),
        Claim(pb.Claim(mrz="")),
        Claim(pb.Claim(code_picture=pb.CodePicture(data=b"picture"))),
        Claim(pb.Claim(code_picture=pb.CodePicture(encoding=pb.FRAME_ENCODING_PNG))),
    ],
)
async def test_what_no_claim_can_be_is_refused_at_the_start(claim: Claim) -> None:
    async with served() as client:
        with pytest.raises(ProtocolError) as caught:
            await shown(client, claim, 1)
    assert caught.value.code is Code.FIELD_INVALID
    assert caught.value.violations[0].field.startswith("start.claim.")


async def test_the_blocking_client_claims_too() -> None:
    async with served() as client:

        def visit() -> PassageDecision:
            with BlockingGateClient(client.address) as gate:
                return gate.verify("lane-1", [fakes.jpeg(1)] * 8, claim=Claim.code(boarding_pass()))

        assert (await asyncio.to_thread(visit)).opens


@pytest.mark.parametrize("wrong", [b"GIF89a", np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4), np.float32)])
def test_what_is_no_picture_is_refused_before_it_is_sent(wrong: bytes | NDArray[np.uint8]) -> None:
    with pytest.raises(FrameError):
        Claim.picture(wrong)


def test_a_claim_does_not_show_what_it_says() -> None:
    assert "SECRET" not in repr(Claim.document("SECRET1"))


async def test_a_document_of_somebody_else_is_told_from_a_strangers() -> None:
    """Somebody expected who presents another's document: an officer should know, and a finger settles nothing."""
    async with served() as client:
        borrowed = await shown(client, Claim.document("X0000001"), 2, frames=40)
        stranger = await shown(client, Claim.document("X0000001"), STRANGER, frames=40)
    assert (borrowed.outcome, borrowed.reason) == (Outcome.OFFICER, Reason.CLAIM_MISMATCH)
    assert borrowed.traveller_reference is None
    assert stranger.reason is Reason.NO_MATCH
