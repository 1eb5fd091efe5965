"""Whatever the bytes are: a report that fits the wire, and an engine that goes on."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from gate.client.manifest import news
from gate.manifest.write_paxlst import write_paxlst
from gate.service.convert_manifest import instalment
from gate.service.pb import gallery_pb2 as pb
from tests.engine.messages import leg, message, person
from tests.service import fakes
from tests.service.manifests import rows

NOW = datetime.now(UTC).replace(microsecond=0)
ENGINE = fakes.engine(fakes.ColourVision(), expected=())
PAXLST = write_paxlst([message(leg(NOW), person(1, photo_data=b""), person(2, photo_data=b""), stated=2)], prepared=NOW)


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A good manifest with a few bytes of it replaced, removed or put in."""
    data = draw(st.sampled_from([rows(5, 6), PAXLST]))
    for _ in range(draw(st.integers(0, 6))):
        at, length = draw(st.integers(0, len(data))), draw(st.integers(0, 4))
        data = data[:at] + draw(st.binary(max_size=4)) + data[at + length :]
    return data


@settings(max_examples=200, deadline=None)
@given(spoiled())
def test_every_file_gives_a_report_that_the_wire_can_carry(data: bytes) -> None:
    """A name in a broken encoding, or a flight that is no name, must not end the stream with an engine fault."""
    load = ENGINE.load_manifest(data, "any")
    given_all = [*load.load(), load.finish()]
    read = [news(pb.LoadManifestResponse.FromString(instalment(one, 0).SerializeToString())) for one in given_all]
    assert read[-1].summary is not None
    assert ENGINE.trail.journal.verify().whole
