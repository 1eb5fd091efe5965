"""The frame guard: nothing that is repeated is accepted, and no honest camera is ever alarmed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gate.errors import Code, FrameError
from gate.service.frame_guard import MOST_CAMERAS, NONCE_BYTES, FrameGuard, LaneMemory
from gate.service.pb import lane_pb2 as pb
from gate.settings import FrameSettings

LAG_S = 2.0
ARRIVED_S = 1000.0


def guard(memory: LaneMemory | None = None, **changes: Any) -> FrameGuard:
    return FrameGuard(FrameSettings(**{"identical": "lane", **changes}), memory or LaneMemory(64))


def frame(sequence: int, captured_us: int | None = None, data: bytes | None = None, **changes: Any) -> pb.Frame:
    """A frame with a picture of its own, 80 ms after the one before."""
    captured_us = sequence * 80_000 if captured_us is None else captured_us
    return pb.Frame(
        sequence=sequence,
        capture_time_us=captured_us,
        data=f"picture {sequence}".encode() if data is None else data,
        **changes,
    )


def offered(to: FrameGuard, message: pb.Frame, arrived_s: float | None = None) -> Code | None:
    """What the guard refuses the frame with; None when it takes it."""
    try:
        to.check(message, ARRIVED_S + message.capture_time_us / 1e6 if arrived_s is None else arrived_s)
    except FrameError as error:
        return error.code
    return None


def test_a_nonce_is_of_one_passage() -> None:
    memory = LaneMemory(8)
    nonces = {guard(memory).nonce for _ in range(100)}
    assert len(nonces) == 100
    assert {len(nonce) for nonce in nonces} == {NONCE_BYTES}


@pytest.mark.parametrize(
    ("setting", "nonce", "code"),
    [
        ("off", b"", None),
        ("off", b"ours", None),
        ("off", b"another passage's", Code.FRAME_NONCE),
        ("required", b"ours", None),
        ("required", b"", Code.FRAME_NONCE),
        ("required", b"another passage's", Code.FRAME_NONCE),
    ],
)
def test_the_nonce_of_another_passage_is_never_taken(setting: str, nonce: bytes, code: Code | None) -> None:
    """Off is for controllers that know of no nonce, not for those that bring the wrong one."""
    ours = guard(nonce=setting)
    assert offered(ours, frame(1, nonce=ours.nonce if nonce == b"ours" else nonce)) is code
    assert ours.alarms == (code is not None)


@pytest.mark.parametrize(
    ("second", "code"),
    [
        pytest.param(frame(5, data=b"new"), Code.FRAME_OUT_OF_ORDER, id="sent twice"),
        pytest.param(frame(4, data=b"new"), Code.FRAME_OUT_OF_ORDER, id="older"),
        pytest.param(frame(6, 400_000), Code.FRAME_OUT_OF_ORDER, id="captured at the same moment"),
        pytest.param(frame(6, 399_999), Code.FRAME_OUT_OF_ORDER, id="captured before"),
        pytest.param(frame(6, data=b"picture 5"), Code.FRAME_IDENTICAL, id="the same picture later"),
        pytest.param(frame(6, 10, camera_id="side"), None, id="another camera may have an older picture"),
        pytest.param(frame(9, 400_001), None, id="frames between were dropped"),
    ],
)
def test_frames_only_get_newer(second: pb.Frame, code: Code | None) -> None:
    ours = guard()
    assert offered(ours, frame(5)) is None
    assert offered(ours, second) is code


def test_an_older_picture_is_replayed_also_in_a_later_passage() -> None:
    """Guards against a recording of the passage before, sent with new numbers and the new nonce."""
    memory = LaneMemory(64)
    before = guard(memory)
    for number in range(1, 6):
        assert offered(before, frame(number)) is None
    now = guard(memory)
    recorded = [frame(n, data=frame(n).data, nonce=now.nonce) for n in range(1, 6)]
    assert [offered(now, each) for each in recorded] == [Code.FRAME_REPLAYED] * 4 + [Code.FRAME_IDENTICAL]
    assert now.tampered


def test_a_tester_may_present_one_file_in_one_passage_after_the_other() -> None:
    """By default, that is: with a second passage refused, whoever tries the engine out would think it broken."""
    memory = LaneMemory(64)
    for _ in range(5):
        passage = FrameGuard(FrameSettings(), memory)
        assert offered(passage, frame(1)) is None
        assert offered(passage, frame(2)) is None
        assert offered(passage, frame(3, data=frame(1).data)) is Code.FRAME_REPLAYED


def test_only_so_many_pictures_are_remembered() -> None:
    """The memory must not grow with the day."""
    memory = LaneMemory(10)
    first = guard(memory)
    for number in range(1, 12):
        assert offered(first, frame(number)) is None
    now = guard(memory)
    assert offered(now, frame(1)) is None, "the oldest is forgotten"
    assert offered(now, frame(3, data=b"picture 3")) is Code.FRAME_REPLAYED


def test_a_still_picture_is_taken_once_and_alarms_nobody() -> None:
    """Cameras behind a video codec repeat pictures where nothing moves: useless, not suspect."""
    ours = guard()
    codes = [offered(ours, frame(n, data=b"still")) for n in range(1, 20)]
    assert codes == [None] + [Code.FRAME_IDENTICAL] * 18
    assert (ours.alarms, ours.tampered, ours.refused) == (0, False, {"FRAME_IDENTICAL": 18})


def test_two_cameras_may_stand_still_in_turns() -> None:
    ours = guard()
    still = [frame(n, data=b"a" if n % 2 else b"b", camera_id="a" if n % 2 else "b") for n in range(1, 9)]
    assert [offered(ours, each) for each in still] == [None, None] + [Code.FRAME_IDENTICAL] * 6


def test_allowed_pictures_are_played_again() -> None:
    ours = guard(identical="allow")
    assert [offered(ours, frame(n, data=b"still")) for n in range(1, 9)] == [None] * 8
    picture = np.zeros((8, 8, 3), np.uint8)
    ours.check_pixels("", picture)
    ours.check_pixels("", picture)


def test_a_file_packed_anew_shows_the_same_pixels() -> None:
    """Guards against a comment of one byte that makes a recorded JPEG another file."""
    ours = guard()
    picture = np.random.default_rng(1).integers(0, 256, (8, 8, 3), np.uint8)
    other = picture + 1
    ours.check_pixels("", picture)
    ours.check_pixels("", other)
    with pytest.raises(FrameError) as caught:
        ours.check_pixels("", picture.copy())
    assert (caught.value.code, ours.alarms) == (Code.FRAME_REPLAYED, 1)


@pytest.mark.parametrize(
    ("speed", "code"),
    [
        pytest.param(0.5, Code.FRAME_STALE, id="slower than it was recorded"),
        pytest.param(2.0, Code.FRAME_CLOCK, id="faster than it was recorded"),
        pytest.param(0.0, Code.FRAME_STALE, id="a clock that all but stands"),
    ],
)
def test_a_recording_at_another_speed_leaves_the_clock(speed: float, code: Code) -> None:
    ours = guard(max_lag_s=LAG_S)
    seen = [offered(ours, frame(n, int(n * 80_000 * speed) + n), ARRIVED_S + n * 0.08) for n in range(1, int(5 / 0.08))]
    assert set(seen) == {None, code}
    assert ours.alarms >= 1


def test_a_stall_of_the_network_is_one_alarm() -> None:
    """Guards against a traveller sent to the officer because a switch was restarted."""
    ours = guard(max_lag_s=LAG_S)
    for n in range(1, 10):
        assert offered(ours, frame(n)) is None
    resumed_s = ARRIVED_S + 10 * 0.08 + 5
    burst = [offered(ours, frame(n), resumed_s) for n in range(10, 72)]
    assert burst.count(Code.FRAME_STALE) > 20
    assert burst[-1] is None, "the newest frames of the burst are fresh"
    assert (ours.alarms, ours.tampered) == (1, False)


def test_every_passage_begins_without_alarms() -> None:
    memory = LaneMemory(8)
    before = guard(memory)
    for n in range(5):
        offered(before, frame(1, n))
    assert before.tampered
    assert not guard(memory).tampered


@pytest.mark.parametrize(("alarms", "tampered"), [(1, True), (3, True), (4, False), (0, False)])
def test_the_settings_say_how_many_alarms_are_tampering(alarms: int, tampered: bool) -> None:
    ours = guard(alarms=alarms)
    assert offered(ours, frame(9)) is None
    for n in range(3):
        assert offered(ours, frame(n + 1)) is Code.FRAME_OUT_OF_ORDER
    assert ours.tampered is tampered


def test_cameras_cannot_be_made_up_without_end() -> None:
    ours = guard()
    codes = [offered(ours, frame(n + 1, camera_id=f"camera-{n}")) for n in range(MOST_CAMERAS + 1)]
    assert codes == [None] * MOST_CAMERAS + [Code.FIELD_INVALID]


@dataclass(frozen=True)
class Honest:
    """A camera whose frames wait up to `LAG_S` on their way, arrive in order, and may be lost."""

    gaps_us: Sequence[int]
    waits_s: Sequence[float]
    lost: Sequence[bool]
    origin_us: int = 0
    drift_ppm: int = 0
    stills: frozenset[int] = field(default_factory=frozenset)

    def frames(self, nonce: bytes) -> list[tuple[pb.Frame, float]]:
        stream, captured_us, arrived_s = [], 0, 0.0
        for number, (gap_us, wait_s, lost) in enumerate(zip(self.gaps_us, self.waits_s, self.lost, strict=True), 1):
            captured_us += gap_us
            arrived_s = max(arrived_s, captured_us / 1e6 + wait_s)
            stated_us = self.origin_us + captured_us + captured_us * self.drift_ppm // 1_000_000
            picture = number - 1 if number in self.stills else number
            if not lost:
                data = f"picture {picture}".encode()
                stream.append((frame(number, stated_us, data, nonce=nonce), ARRIVED_S + arrived_s))
        return stream


@st.composite
def honest_cameras(draw: st.DrawFn) -> Honest:
    count = draw(st.integers(1, 60))
    return Honest(
        gaps_us=draw(st.lists(st.integers(1_000, 400_000), min_size=count, max_size=count)),
        waits_s=draw(st.lists(st.floats(0, LAG_S - 0.05), min_size=count, max_size=count)),
        lost=draw(st.lists(st.booleans(), min_size=count, max_size=count)),
        origin_us=draw(st.integers(0, 2**40)),
        drift_ppm=draw(st.integers(-200, 200)),
        stills=draw(st.frozensets(st.integers(2, count)) if count > 1 else st.just(frozenset())),
    )


@settings(max_examples=200, deadline=None)
@given(camera=honest_cameras())
def test_an_honest_camera_is_never_alarmed(camera: Honest) -> None:
    """Jitter, loss, drift of the clock and repeated pictures are a camera's daily life."""
    ours = guard(max_lag_s=LAG_S, nonce="required")
    codes = {offered(ours, message, arrived_s) for message, arrived_s in camera.frames(ours.nonce)}
    assert codes <= {None, Code.FRAME_IDENTICAL}
    assert ours.alarms == 0


@settings(max_examples=100, deadline=None)
@given(camera=honest_cameras(), order=st.randoms(use_true_random=False), again=st.integers(1, 3))
def test_however_frames_are_repeated_and_mixed_none_is_taken_twice(camera: Honest, order: Any, again: int) -> None:
    ours = guard(max_lag_s=LAG_S)
    mixed = camera.frames(b"") * again
    order.shuffle(mixed)
    taken = [message for message, arrived_s in mixed if offered(ours, message, arrived_s) is None]
    for earlier, later in itertools.pairwise(taken):
        assert later.sequence > earlier.sequence
        assert later.capture_time_us > earlier.capture_time_us
    assert len({message.data for message in taken}) == len(taken)


class Lane(RuleBasedStateMachine):
    """A lane with an honest camera, and somebody who has recorded everything that was ever sent there."""

    @initialize()
    def install(self) -> None:
        self.memory = LaneMemory(512)
        self.now_s = ARRIVED_S
        self.pictures = itertools.count()
        self.recorded: list[pb.Frame] = []
        self.ever: set[bytes] = set()
        self.open()

    @rule()
    def open(self) -> None:
        self.guard = guard(self.memory, max_lag_s=LAG_S, nonce="required")
        self.sequence = 0
        self.attacked = 0

    @rule(after_s=st.floats(0.001, 0.5), wait_s=st.floats(0, 0.5))
    def camera_sends(self, after_s: float, wait_s: float) -> None:
        self.now_s += after_s
        self.sequence += 1
        message = frame(
            self.sequence,
            round(self.now_s * 1e6),
            f"{next(self.pictures)}".encode(),
            nonce=self.guard.nonce,
        )
        assert self.take(message, self.now_s + wait_s) is None, "an honest frame was refused"
        self.now_s += wait_s

    @precondition(lambda self: self.recorded)
    @rule(data=st.data(), how=st.sampled_from(("as it was", "new numbers", "of another time", "wrong nonce")))
    def attacker_sends(self, data: st.DataObject, how: str) -> None:
        old = data.draw(st.sampled_from(self.recorded))
        message = pb.Frame()
        message.CopyFrom(old)
        if how != "as it was":
            message.sequence, message.capture_time_us = self.sequence + 1, round(self.now_s * 1e6) + 1
            message.nonce = self.guard.nonce
        if how == "of another time":
            message.data, message.capture_time_us = b"new", round((self.now_s - LAG_S - 5) * 1e6)
        if how == "wrong nonce":
            message.data, message.nonce = b"new", b"x" * NONCE_BYTES
        if how == "of another time" and not self.sequence:
            return  # the first frame says how the clocks stand to each other
        before = self.guard.alarms
        code = self.take(message, self.now_s)
        assert code is not None, "what was recorded was taken for new"
        self.attacked += self.guard.alarms > before

    def take(self, message: pb.Frame, arrived_s: float) -> Code | None:
        code = offered(self.guard, message, arrived_s)
        if code is None:
            assert message.data not in self.ever, "a picture was accepted twice"
            self.ever.add(message.data)
            self.recorded.append(message)
        return code

    @invariant()
    def only_attacks_are_alarms(self) -> None:
        if hasattr(self, "guard"):
            assert self.guard.alarms == self.attacked
            assert self.guard.tampered == (self.attacked >= 3)


TestLane = Lane.TestCase
TestLane.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
