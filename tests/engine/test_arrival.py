"""Claims in passages: whom they mean, what refuses them, and that a token opens once or is given back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gate.audit.event import EventKind
from gate.audit.journal import MemoryJournal
from gate.claims.claim import ClaimRules, Presented, PresentedKind, Tokens
from gate.claims.issue import Issue, SigningKey, issue_token
from gate.claims.jwks import JwksFile
from gate.claims.replay import MemoryUsedTokens, StoredUsedTokens, UsedTokens
from gate.claims.write_bcbp import LegText, write_bcbp
from gate.decision.outcome import Outcome, Reason
from gate.engine.arrival import Arrival
from gate.engine.attempt import Attempt, StartRequest
from gate.engine.engine import Engine
from gate.errors import Code, IssuerKeyError
from gate.gallery.gallery import Change
from gate.gallery.traveller import Particulars, TravelDocument, Traveller
from gate.manifest.mrz_layout import MrzKind
from gate.manifest.write_mrz import write_mrz
from gate.settings import LaneSettings, Settings
from gate.storage.database import Database
from gate.storage.keys import MasterKey
from gate.vision.frame import Encoding, Frame
from gate.vision.probe import MaskState, Probe
from tests.claims.makers import EDDSA, FLIGHT, HERE, ISSUER, KEYS, RULES
from tests.decision.makers import CALIBRATION
from tests.engine.fakes import PACK, ScriptedVision, SetClock, embedding, frame, photo

OTHER = "ZZ0043/2026-11-22"
STRANGER = 99
PEOPLE = {
    1: Particulars("Muster", "Anna", seat="12A", record_locator="ABC123", sequence="7"),
    2: Particulars("Muster", "Berta", seat="12B", record_locator="ABC123", sequence="8"),
    3: Particulars("Beispiel", "Carl", face_consent=False),
    4: Particulars("Beispiel", "Dora"),
}


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture(params=["memory", "store"])
def used(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[UsedTokens]:
    if request.param == "memory":
        yield MemoryUsedTokens()
        return
    with Database.open(tmp_path / "egate.db", MasterKey.generate()) as database:
        yield StoredUsedTokens(database)


@pytest.fixture
def engine(clock: SetClock, journal: MemoryJournal, used: UsedTokens) -> Engine:
    return engine_with(ClaimRules("HKG", Tokens(RULES, KEYS, used)), clock, journal)


def engine_with(rules: ClaimRules, clock: SetClock, journal: MemoryJournal | None = None) -> Engine:
    settings = Settings(lanes={"lane-1": LaneSettings(), "lane-2": LaneSettings()})
    made = Engine(settings, ScriptedVision(), CALIBRATION, clock=clock, journal=journal, claims=rules)
    everybody = {person: traveller(person, clock.utc()) for person in PEOPLE}
    made.gallery.apply(Change(put=tuple(everybody.values())))
    for person in (1, 2):
        made.enrol(everybody[person], photo(person))
    return made


def traveller(person: int, now: datetime) -> Traveller:
    documents = (TravelDocument(f"P{person}", "UTO"),)
    flight = FLIGHT if person < 4 else OTHER
    return Traveller(f"t{person}", flight, now + timedelta(hours=4), documents, PEOPLE[person])


def token(clock: SetClock, person: int = 1, key: SigningKey = EDDSA, audience: str = HERE, bound_to: str = "") -> str:
    now = clock.utc()
    issue = Issue(audience, f"t{person}", FLIGHT, now, now + timedelta(hours=1), bound_to)
    return issue_token(issue, key, now)


def boarding_pass(name: str = "MUSTER/ANNA", seat: str = "12A", sequence: str = "7") -> str:
    return write_bcbp(name, LegText("ZZ", "42", 326, "HKG", "LHR", "ABC123", seat=seat, sequence=sequence))


def picture(text: str) -> Frame:
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Aztec)
    image = np.array(zxingcpp.write_barcode_to_image(code, scale=4), np.uint8)
    done, data = cv2.imencode(".png", image)
    assert done
    return Frame(0, 0, Encoding.PNG, 0, 0, data.tobytes())


def passage(engine: Engine, clock: SetClock, claim: Presented, person: int, lane: str = "lane-1") -> Attempt:
    """A whole passage, closed."""
    attempt = engine.open_passage(StartRequest(lane, claim=claim))
    for sequence in range(1, 5):
        clock.wait(0.5)
        if attempt.decision is None:
            attempt.observe(frame(person, sequence), clock.monotonic())
    engine.close_passage(attempt)
    return attempt


def ended(attempt: Attempt) -> tuple[Outcome, Reason]:
    assert attempt.decision is not None
    return attempt.decision.outcome, attempt.decision.reason


OPEN = (Outcome.OPEN, Reason.MATCHED)
REFUSED = (Outcome.OFFICER, Reason.CLAIM_REFUSED)


def presented(kind: PresentedKind, text: str) -> Presented:
    return Presented(kind, text)


def test_a_token_opens_once(engine: Engine, clock: SetClock) -> None:
    claim = presented(PresentedKind.TOKEN, token(clock))
    assert ended(passage(engine, clock, claim, 1)) == OPEN
    again = passage(engine, clock, claim, 1)
    assert ended(again) == REFUSED
    assert again.arrival.code is Code.TOKEN_USED


def test_of_two_lanes_with_copies_of_a_token_one_opens_and_the_other_does_not_give_it_back(
    engine: Engine, clock: SetClock
) -> None:
    claim = presented(PresentedKind.CODE, token(clock))
    first = engine.open_passage(StartRequest("lane-1", claim=claim))
    assert first.arrive() == ()
    assert ended(passage(engine, clock, claim, 1, "lane-2")) == REFUSED
    assert ended(passage(engine, clock, claim, 1, "lane-2")) == REFUSED
    first.observe(frame(1), clock.monotonic())
    engine.close_passage(first)
    assert ended(first) == OPEN


def test_a_token_that_opened_nothing_may_be_presented_again(engine: Engine, clock: SetClock) -> None:
    claim = presented(PresentedKind.TOKEN, token(clock))
    assert ended(passage(engine, clock, claim, STRANGER))[0] is not Outcome.OPEN
    abandoned = engine.open_passage(StartRequest("lane-1", claim=claim))
    abandoned.arrive()
    engine.close_passage(abandoned)
    for end in (Attempt.budget_spent, Attempt.frames_ended, Attempt.shut_down, lambda attempt: attempt.fault("i")):
        attempt = engine.open_passage(StartRequest("lane-1", claim=claim))
        attempt.arrive()
        end(attempt)
        engine.close_passage(attempt)
        assert attempt.arrival.refusal is None
    assert ended(passage(engine, clock, claim, 1)) == OPEN


def test_a_token_that_is_read_after_the_end_is_given_back(engine: Engine, clock: SetClock) -> None:
    """A picture may take longer to read than the controller waits."""
    claim = presented(PresentedKind.TOKEN, token(clock))
    late = engine.open_passage(StartRequest("lane-1", claim=claim))
    late.budget_spent()
    engine.close_passage(late)
    late.arrive()
    assert ended(passage(engine, clock, claim, 1)) == OPEN


def test_a_decision_that_is_not_in_the_journal_has_used_no_token(
    engine: Engine, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = presented(PresentedKind.TOKEN, token(clock))

    def broken(*_: object) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(engine.trail, "decision", broken)
        with pytest.raises(OSError, match="disk"):
            passage(engine, clock, claim, 1)
    assert ended(passage(engine, clock, claim, 1)) == OPEN


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"key": SigningKey.generate(ISSUER, key_id="ed-1")}, Code.TOKEN_SIGNATURE),
        ({"key": SigningKey.generate("https://other.example", key_id="other")}, Code.TOKEN_ISSUER_UNKNOWN),
        ({"audience": "elsewhere"}, Code.TOKEN_AUDIENCE),
        ({"bound_to": "P2"}, Code.TOKEN_DOCUMENT),
    ],
)
def test_a_token_that_is_not_right_compares_nobody(
    engine: Engine, clock: SetClock, journal: MemoryJournal, changed: dict[str, object], code: Code
) -> None:
    text = token(clock, **changed)  # type: ignore[arg-type]  # the cases name them right
    attempt = passage(engine, clock, presented(PresentedKind.TOKEN, text), 1)
    assert ended(attempt) == REFUSED
    assert attempt.arrival.code is code
    assert attempt.report().used == 0
    decision = next(entry for entry in journal.entries() if entry.kind == EventKind.DECISION)
    assert (decision.facts["code"], decision.facts["reason"]) == (code.value, "claim_refused")


def test_a_token_bound_to_the_travellers_document_opens(engine: Engine, clock: SetClock) -> None:
    assert ended(passage(engine, clock, presented(PresentedKind.TOKEN, token(clock, bound_to="P1")), 1)) == OPEN


def test_an_expired_token_is_refused(engine: Engine, clock: SetClock) -> None:
    text = token(clock)
    clock.wait(2 * 3600)
    attempt = passage(engine, clock, presented(PresentedKind.TOKEN, text), 1)
    assert ended(attempt) == REFUSED
    assert attempt.arrival.code is Code.TOKEN_EXPIRED


def test_a_token_of_somebody_who_is_not_expected_is_unknown(engine: Engine, clock: SetClock) -> None:
    attempt = passage(engine, clock, presented(PresentedKind.TOKEN, token(clock, person=77)), 1)
    assert ended(attempt) == (Outcome.OFFICER, Reason.CLAIM_UNKNOWN)


def test_the_lanes_flight_is_held_against_the_tokens(engine: Engine, clock: SetClock) -> None:
    claim = presented(PresentedKind.TOKEN, token(clock))
    attempt = engine.open_passage(StartRequest("lane-1", flight=OTHER, claim=claim))
    attempt.arrive()
    assert ended(attempt)[1] is Reason.CLAIM_UNKNOWN


def test_a_place_without_tokens_refuses_them(clock: SetClock) -> None:
    attempt = passage(engine_with(ClaimRules(), clock), clock, presented(PresentedKind.TOKEN, token(clock)), 1)
    assert ended(attempt) == REFUSED
    assert attempt.arrival.code is Code.TOKENS_OFF


def test_issuers_keys_that_cannot_be_read_are_the_engines_fault(clock: SetClock, tmp_path: Path) -> None:
    file = tmp_path / "issuers.jwks"
    file.write_text('{"keys": []}')
    keys = JwksFile(file)
    file.write_text("{")
    engine = engine_with(ClaimRules("", Tokens(RULES, keys, MemoryUsedTokens())), clock)
    attempt = engine.open_passage(StartRequest("lane-1", claim=presented(PresentedKind.TOKEN, token(clock))))
    with pytest.raises(IssuerKeyError):
        attempt.arrive()


def test_a_boarding_pass_means_one_by_its_seat(engine: Engine, clock: SetClock) -> None:
    claim = presented(PresentedKind.BOARDING_PASS, boarding_pass())
    attempt = passage(engine, clock, claim, 1)
    assert ended(attempt) == OPEN
    assert attempt.arrival.kind == "boarding_pass"
    assert [each.reference for each in attempt.arrival.travellers] == ["t1"]
    assert ended(passage(engine, clock, claim, 2))[0] is not Outcome.OPEN


def test_a_boarding_pass_that_may_mean_two_is_a_search_among_two(engine: Engine, clock: SetClock) -> None:
    """One booking for two, and a pass without seat or sequence: either may have it, and thresholds are for both."""
    claim = presented(PresentedKind.BOARDING_PASS, boarding_pass("MUSTER", seat="", sequence=""))
    attempt = passage(engine, clock, claim, 2)
    assert ended(attempt) == OPEN
    assert attempt.decision is not None
    assert attempt.decision.traveller_reference == "t2"
    assert attempt.decision.comparison is not None
    assert attempt.decision.comparison.gallery_size == 2


def test_a_boarding_pass_of_nobody_is_no_search_among_everybody(engine: Engine, clock: SetClock) -> None:
    claim = presented(PresentedKind.BOARDING_PASS, boarding_pass("NIEMAND/NORA", seat="", sequence=""))
    attempt = passage(engine, clock, claim, 1)
    assert ended(attempt) == (Outcome.OFFICER, Reason.CLAIM_UNKNOWN)
    assert attempt.report().used == 0


def zone(expires: str = "300101") -> str:
    return write_mrz(
        MrzKind.TD3,
        code="P",
        issuing_state="UTO",
        number="P1",
        surname="MUSTER",
        given_names="ANNA",
        nationality="UTO",
        birth_date="800101",
        sex="F",
        expires=expires,
    )


def test_a_machine_readable_zone_is_a_document(engine: Engine, clock: SetClock) -> None:
    read = zone()
    attempt = passage(engine, clock, presented(PresentedKind.MRZ, read), 1)
    assert ended(attempt) == OPEN
    assert attempt.arrival.document is not None
    assert attempt.arrival.document.expires is not None
    misread = read[:45] + ("2" if read[45] != "2" else "3") + read[46:]
    assert ended(passage(engine, clock, presented(PresentedKind.MRZ, misread), 1)) == REFUSED


def test_a_zone_that_has_expired_opens_nothing_though_the_manifest_does_not_say_so(
    engine: Engine, clock: SetClock
) -> None:
    attempt = passage(engine, clock, presented(PresentedKind.MRZ, zone("261121")), 1)
    assert ended(attempt) == (Outcome.OFFICER, Reason.DOCUMENT_EXPIRED)
    assert ended(passage(engine, clock, presented(PresentedKind.MRZ, zone("261122")), 1)) == OPEN


@pytest.mark.parametrize("text", [boarding_pass(), "token"])
def test_a_picture_of_a_code_is_read(engine: Engine, clock: SetClock, text: str) -> None:
    shown = picture(token(clock) if text == "token" else text)
    assert ended(passage(engine, clock, Presented(PresentedKind.PICTURE, picture=shown), 1)) == OPEN


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (Frame(0, 0, Encoding.PNG, 0, 0, b"no picture"), Code.BARCODE_UNUSABLE),
        (Frame(0, 0, Encoding.GREY8, 64, 64, bytes(64 * 64)), Code.BARCODE_MISSING),
        (picture("an advertisement"), Code.CLAIM_UNREADABLE),
    ],
)
def test_a_picture_without_a_claim_is_refused(engine: Engine, clock: SetClock, shown: Frame, code: Code) -> None:
    attempt = passage(engine, clock, Presented(PresentedKind.PICTURE, picture=shown), 1)
    assert ended(attempt) == REFUSED
    assert attempt.arrival.code is code


def test_somebody_who_does_not_consent_is_never_compared(engine: Engine, clock: SetClock) -> None:
    attempt = passage(engine, clock, presented(PresentedKind.DOCUMENT, "P3"), 1)
    assert ended(attempt) == (Outcome.OFFICER, Reason.NO_CONSENT)
    assert attempt.report().used == 0
    assert [each.reference for each in attempt.arrival.travellers] == ["t3"]


def test_consent_withdrawn_mid_passage_ends_the_comparisons(engine: Engine, clock: SetClock) -> None:
    attempt = engine.open_passage(StartRequest("lane-1", claim=presented(PresentedKind.DOCUMENT, "P1")))
    attempt.arrive()
    known = traveller(1, clock.utc())
    refusing = replace(known, particulars=replace(PEOPLE[1], face_consent=False))
    engine.gallery.apply(Change(put=(refusing,)))
    assert attempt.arrival.entries(engine.gallery.snapshot(), clock.utc()) == ()


def probe(person: int) -> Probe:
    return Probe(embedding(person), MaskState.NONE, PACK, {})


@pytest.mark.parametrize(("person", "elsewhere"), [(2, True), (1, False), (STRANGER, False)])
def test_a_face_of_somebody_else_who_is_expected_is_told_from_a_strangers(
    engine: Engine, clock: SetClock, person: int, elsewhere: bool
) -> None:
    arrival = Arrival(presented(PresentedKind.DOCUMENT, "P1"), "", ClaimRules())
    arrival.read(engine.gallery.snapshot, clock.utc())
    found = arrival.matches_another(probe(person), engine.gallery.snapshot(), clock.utc(), CALIBRATION, 0.003)
    assert found is elsewhere


def test_a_look_alike_of_the_claimed_is_not_clearly_somebody_else(engine: Engine, clock: SetClock) -> None:
    engine.gallery.snapshot().lookalikes.add("t1", {"t2"})
    arrival = Arrival(presented(PresentedKind.DOCUMENT, "P1"), "", ClaimRules())
    arrival.read(engine.gallery.snapshot, clock.utc())
    assert not arrival.matches_another(probe(2), engine.gallery.snapshot(), clock.utc(), CALIBRATION, 0.003)


def test_only_look_alikes_that_are_compared_as_well_are_marked(engine: Engine, clock: SetClock) -> None:
    """A document names one of two twins, and the other does not stand in their way."""
    snapshot = engine.gallery.snapshot()
    snapshot.lookalikes.add("t1", {"t2"})
    one, other = (snapshot.find_reference(f"t{person}", clock.utc(), None) for person in (1, 2))
    assert not snapshot.compare(probe(1), one, clock.utc()).ranked[0].lookalikes
    assert snapshot.compare(probe(1), one + other, clock.utc()).ranked[0].lookalikes == {"t2"}


class Copies(RuleBasedStateMachine):
    """Copies of one token at several lanes, read and settled in any order: one opens at most, and none is lost."""

    LANES = 4

    def __init__(self) -> None:
        super().__init__()
        self.clock = SetClock()
        self.used = MemoryUsedTokens()
        self.rules = ClaimRules("HKG", Tokens(RULES, KEYS, self.used))
        self.claim = presented(PresentedKind.TOKEN, token(self.clock))
        self.snapshot = engine_with(self.rules, self.clock).gallery.snapshot()
        self.arrivals = [self._new() for _ in range(self.LANES)]
        self.opened = 0

    def _new(self) -> Arrival:
        return Arrival(self.claim, "", self.rules)

    @rule(lane=st.integers(0, LANES - 1))
    def read(self, lane: int) -> None:
        self.arrivals[lane].read(lambda: self.snapshot, self.clock.utc())

    @rule(lane=st.integers(0, LANES - 1), matches=st.booleans())
    def settle(self, lane: int, matches: bool) -> None:
        arrival, self.arrivals[lane] = self.arrivals[lane], self._new()
        opens = matches and bool(arrival.entries(self.snapshot, self.clock.utc())) and arrival.refusal is None
        self.opened += opens
        arrival.settle(opened=opens)
        # A reader that was still busy when its passage ended.
        arrival.read(lambda: self.snapshot, self.clock.utc())

    @invariant()
    def one_at_most(self) -> None:
        holding = sum(bool(arrival.entries(self.snapshot, self.clock.utc())) for arrival in self.arrivals)
        assert self.opened + holding <= 1
        assert len(self.used) == self.opened + holding


TestCopies = Copies.TestCase
TestCopies.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
