"""A gallery that survives the process: what comes back, what must not, and what a thief of the disk would find."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from gate.audit.journal import SealedJournal
from gate.errors import Code, EnrolmentError, NotFoundError, StorageFault
from gate.fingerprint.packed import pack
from gate.fingerprint.template import FingerTemplate
from gate.gallery.gallery import Change
from gate.gallery.ledger import read_time_mark
from gate.gallery.receipt import NOTHING, Counts, Place, Why
from gate.gallery.sealed import Restored, SealedGallery
from gate.gallery.sealing import FlightSeal
from gate.gallery.traveller import Particulars, TravelDocument, Traveller
from gate.storage.database import Database
from gate.storage.keys import MasterKey
from gate.storage.seal import Seal
from gate.vision.probe import MaskState, Probe
from tests.fingerprint.fingers import finger
from tests.fingerprint.templates import templates
from tests.gallery.fakes import StandingClock
from tests.storage.traces import forms, traces

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PACK, OTHER_PACK = "pack-one", "pack-two"
PHOTO = b"\xff\xd8\xff not a picture, but kept like one " * 8


def probe(seed: int, pack: str = PACK) -> Probe:
    vector = np.random.default_rng(seed).normal(size=64)
    return Probe((vector / np.linalg.norm(vector)).astype(np.float32), MaskState.NONE, pack, {})


def traveller(reference: str, flight: str = "CX1", hours: float = 4) -> Traveller:
    return Traveller(
        reference,
        flight,
        NOW + timedelta(hours=hours),
        (TravelDocument(f"DOC{reference}", "UTO", date(2031, 5, 6)), TravelDocument("V1")),
        Particulars("FUENTES", "ÁLMA", date(1990, 2, 3), "UTO", "passenger", "12A", "ABO7", False, "alma.jpg"),
    )


class Box:
    """One box: a disk, a key, a clock, and an engine's gallery that can be started again."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.clock = StandingClock(NOW)
        self.master = MasterKey.generate()
        self._stack = stack
        self.start()

    def start(
        self, pack: str = PACK, *, keep_photos: bool = False, embed: Callable[[bytes], Probe] | None = None
    ) -> Restored:
        self.database = self._stack.enter_context(Database.open(self.folder / "egate.db", self.master))
        self.journal = SealedJournal(self.database)
        self.gallery = SealedGallery(
            pack, self.database, self.journal, keep_photos=keep_photos, clock=self.clock, lookalike_similarity=0.9
        )
        self.told: list[tuple[str, int, int]] = []
        return self.gallery.restore(embed, lambda *told: self.told.append(told))

    def stop(self) -> None:
        self._stack.pop_all().close()

    def restart(self, pack: str = PACK, **options: object) -> Restored:
        self.stop()
        return self.start(pack, **options)  # type: ignore[arg-type]

    def entries(self, kind: str) -> list[dict[str, object]]:
        return [entry.facts for entry in self.journal.entries() if entry.kind == kind]

    def rows(self, table: str) -> int:
        with self.database.read() as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with ExitStack() as stack:
        yield Box(tmp_path, stack)


def test_everybody_comes_back_as_they_were(box: Box) -> None:
    box.gallery.apply(Change((traveller("bare"),)))
    for seed in range(3):
        box.gallery.enrol(traveller("seen"), probe(seed))
    box.gallery.enrol(traveller("seen", "CX2"), probe(0))
    before = {flight: [s.travellers for s in parts] for flight, parts in box.gallery.snapshot().flights.items()}
    restored = box.restart()
    assert (restored.flights, restored.travellers, restored.templates, restored.receipts) == (2, 3, 4, ())
    after = {flight: [s.travellers for s in parts] for flight, parts in box.gallery.snapshot().flights.items()}
    assert after == before
    (seen,) = box.gallery.snapshot().find_reference("seen", NOW, "CX1")
    assert np.array_equal(seen.templates, np.stack([probe(seed).embedding for seed in range(3)]))
    assert box.told == [("open", 1, 2), ("open", 2, 2)]
    assert box.gallery.apply(Change((traveller("bare"),))).updated == 0


def test_who_expired_meanwhile_is_destroyed_before_anybody_is_served(box: Box) -> None:
    box.gallery.enrol(traveller("early", "CX1", 1), probe(1))
    box.gallery.enrol(traveller("late", "CX2", 3), probe(2))
    box.clock.wait(2 * 3600)
    (receipt,) = box.restart().receipts
    assert (receipt.flight, receipt.why, receipt.complete) == ("CX1", Why.EXPIRED, True)
    assert receipt.before[Place.STORE] == Counts(1, 1, 0, 1)
    assert [c.traveller.reference for c in box.gallery.snapshot().search(probe(1), NOW).ranked] == ["late"]
    assert (box.rows("travellers"), box.rows("templates")) == (1, 1)


def test_who_was_destroyed_stays_destroyed(box: Box) -> None:
    for reference in ("a", "b"):
        box.gallery.enrol(traveller(reference), probe(ord(reference)))
    box.gallery.withdraw("a", None)
    assert box.restart().travellers == 1
    box.gallery.close_flight("CX1")
    assert box.restart().travellers == 0


def test_a_receipt_counts_the_store_and_the_key_goes_with_the_last_traveller(box: Box) -> None:
    box.restart(keep_photos=True)
    for reference in ("a", "b"):
        box.gallery.enrol(traveller(reference), probe(ord(reference)), PHOTO)
    first = box.gallery.withdraw("a", "CX1")
    assert first.before[Place.STORE] == Counts(1, 1, 1, 0)
    last = box.gallery.withdraw("b", "CX1")
    assert last.before[Place.STORE] == Counts(1, 1, 1, 1)
    assert first.complete and last.complete
    tables = ("flights", "travellers", "templates", "photos", "lookalikes")
    assert [box.rows(table) for table in tables] == [0] * 5
    with box.database.read() as connection:
        assert connection.execute("SELECT name FROM data_keys").fetchall() == [("journal",)]


def test_a_flight_that_is_emptied_and_filled_in_one_message_leaves_nothing_of_those_removed(box: Box) -> None:
    """Counted by the flight's name, the newcomers and their key would pass for what was left of those removed."""
    for reference in ("a", "b"):
        box.gallery.enrol(traveller(reference), probe(ord(reference)))
    applied = box.gallery.apply(Change((traveller("new"), traveller("a")), (("a", "CX1"), ("b", "CX1"))))
    assert applied.receipt is not None
    assert applied.receipt.before[Place.STORE] == Counts(2, 2, 0, 1)
    assert applied.receipt.after[Place.STORE] == NOTHING
    assert applied.receipt.complete
    assert [facts["complete"] for facts in box.entries("destruction")] == [True]
    assert (box.restart().travellers, box.rows("travellers"), box.rows("templates")) == (2, 2, 0)


def test_a_traveller_who_is_removed_and_put_again_in_one_message_leaves_nothing(box: Box) -> None:
    """The newcomer has the reference, the flight's key and so the tag of the one who was removed."""
    for reference in ("a", "b"):
        box.gallery.enrol(traveller(reference), probe(ord(reference)))
    receipt = box.gallery.apply(Change((traveller("a"),), (("a", "CX1"),))).receipt
    assert receipt is not None
    assert (receipt.complete, receipt.before[Place.STORE]) == (True, Counts(1, 1, 0, 0))
    assert (box.rows("travellers"), box.rows("templates")) == (2, 1)


def test_a_template_left_over_of_somebody_put_again_makes_the_receipt_incomplete(box: Box) -> None:
    for reference in ("a", "b"):
        box.gallery.enrol(traveller(reference), probe(ord(reference)))
    with box.database.transaction() as connection:
        connection.execute("CREATE TRIGGER stays BEFORE DELETE ON templates BEGIN SELECT RAISE(IGNORE); END")
    receipt = box.gallery.apply(Change((traveller("a"),), (("a", "CX1"),))).receipt
    assert receipt is not None
    assert (receipt.complete, receipt.after[Place.STORE]) == (False, Counts(templates=1))


def test_a_row_left_over_makes_the_receipt_incomplete(box: Box) -> None:
    """The count afterwards must look at the tables, not at what the engine believes of them."""
    box.gallery.enrol(traveller("a"), probe(1))
    with box.database.transaction() as connection:
        connection.execute("INSERT INTO photos(flight, tag, ordinal, sealed) VALUES (99, x'00', 0, x'00')")
    receipt = box.gallery.close_flight("CX1")
    assert (receipt.complete, receipt.after[Place.STORE]) == (False, Counts(photos=1))


def test_a_search_that_still_runs_is_counted_and_makes_the_receipt_incomplete(box: Box) -> None:
    """A receipt that says "gone" while a thread still holds the templates would be false."""
    box.gallery.enrol(traveller("a"), probe(1))
    held = box.gallery.snapshot()
    receipt = box.gallery.close_flight("CX1")
    assert receipt.after == {Place.INDEX: NOTHING, Place.MEMORY: Counts(1, 1), Place.STORE: NOTHING}
    assert not receipt.complete
    assert held.generation < receipt.generation
    assert box.entries("destruction")[-1]["complete"] is False


def test_a_destruction_waits_for_a_search_that_began_before_it(box: Box) -> None:
    box.gallery.enrol(traveller("a"), probe(1))
    holding, entered = [box.gallery.snapshot()], threading.Event()

    def let_go() -> None:
        entered.wait()
        while box.gallery.snapshot().flights:
            pass
        holding.clear()

    thread = threading.Thread(target=let_go)
    thread.start()
    entered.set()
    assert box.gallery.withdraw("a", None).complete
    thread.join()


def test_nothing_is_readable_on_the_disk(box: Box) -> None:
    box.restart(keep_photos=True)
    people = [traveller(f"REFERENCE-{seed}") for seed in range(20)]
    prints = [replace(finger(seed), extractor="extractor-name") for seed in range(20)]
    for seed, who in enumerate(people):
        box.gallery.enrol(who, probe(seed), PHOTO)
        box.gallery.enrol_finger(who.reference, "CX1", prints[seed])
    box.gallery.apply(Change((replace(people[0], expires_at=NOW + timedelta(hours=1)),)))
    needles = forms(
        "REFERENCE", "FUENTES", "LMA", "DOCREF", "alma.jpg", "ABO7", "1990-02-03", PHOTO[:32],
        np.stack([probe(seed).embedding for seed in range(20)]), "extractor-name",
        *(column for one in prints for column in (one.x_px, one.y_px, one.angle_rad)),
    )  # fmt: skip
    assert not traces(box.folder, needles)
    assert traces(box.folder, forms("CX1")), "the search itself must work: a flight's name is not personal"
    box.gallery.close_flight("CX1")
    assert not traces(box.folder, needles)
    with box.database.read() as connection:
        tags = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'travellers'").fetchone()
    assert tags == (1,)


def test_fingers_come_back_to_the_last_bit_and_go_for_good(box: Box) -> None:
    prints = [replace(finger(seed), extractor="leader-1") for seed in range(3)]
    box.gallery.apply(Change((traveller("a"), traveller("b"))))
    box.gallery.enrol_finger("a", "CX1", prints[0])
    box.gallery.enrol_finger("b", "CX1", prints[1])
    box.gallery.enrol_finger("a", "CX1", prints[2])
    assert box.restart().fingers == {"leader-1": 3}
    kept = [pack(one) for one in box.gallery.snapshot().fingers("a", "CX1")]
    assert kept == [pack(prints[0]), pack(prints[2])]
    receipt = box.gallery.withdraw("a", None)
    assert (receipt.before[Place.STORE], receipt.complete) == (Counts(1, fingers=2), True)
    assert (box.restart().fingers, box.rows("fingers")) == ({"leader-1": 1}, 1)
    assert box.gallery.close_flight("CX1").before[Place.STORE] == Counts(1, keys=1, fingers=1)
    assert box.rows("fingers") == 0


def test_fingers_of_any_kind_come_back(box: Box) -> None:
    """Down to none and up to 255 minutiae, of any sensor."""

    @settings(max_examples=20, deadline=None)
    @given(template=templates())
    def comes_back(template: FingerTemplate) -> None:
        box.gallery.apply(Change((traveller("a"),)))
        box.gallery.enrol_finger("a", "CX1", template)
        box.restart()
        assert [pack(one) for one in box.gallery.snapshot().fingers("a", "CX1")] == [pack(template)]
        assert box.gallery.close_flight("CX1").complete

    comes_back()


def test_a_finger_that_somebody_still_holds_makes_the_receipt_incomplete(box: Box) -> None:
    box.gallery.apply(Change((traveller("a"),)))
    box.gallery.enrol_finger("a", "CX1", finger(1))
    held = box.gallery.snapshot().hands["CX1"]["a"]
    receipt = box.gallery.close_flight("CX1")
    assert (receipt.complete, receipt.after[Place.MEMORY]) == (False, Counts(fingers=len(held)))
    assert receipt.remaining == 1


def test_a_finger_moved_to_another_traveller_does_not_open(box: Box) -> None:
    for seed, reference in enumerate(("a", "b")):
        box.gallery.apply(Change((traveller(reference),)))
        box.gallery.enrol_finger(reference, "CX1", finger(seed))
    with box.database.transaction() as connection:
        (one, first), (other, second) = connection.execute("SELECT rowid, sealed FROM fingers").fetchall()
        connection.executemany("UPDATE fingers SET sealed = ? WHERE rowid = ?", [(second, one), (first, other)])
    with pytest.raises(StorageFault) as broken:
        box.restart()
    assert broken.value.code is Code.SEAL_BROKEN


def test_a_finger_of_a_version_not_known_is_reported_as_the_store_s(box: Box) -> None:
    """It is no mistake of the caller's."""
    box.gallery.apply(Change((traveller("a"),)))
    box.gallery.enrol_finger("a", "CX1", finger(1))
    seal = FlightSeal("CX1", 1, data_key(box))
    tag = seal.tag("a")
    with box.database.transaction() as connection:
        connection.execute("UPDATE fingers SET sealed = ?", (seal.close("finger", tag, b"\x09" * 40),))
    with pytest.raises(StorageFault) as broken:
        box.restart()
    assert broken.value.code is Code.SEAL_BROKEN


def test_a_store_from_before_fingers_opens_and_takes_them(box: Box) -> None:
    box.gallery.enrol(traveller("a"), probe(1))
    with box.database.transaction() as connection:
        connection.execute("DROP TABLE fingers")
        connection.execute("PRAGMA user_version = 1")
    assert box.restart().travellers == 1
    box.gallery.enrol_finger("a", "CX1", finger(1))
    assert box.restart().fingers == {"test": 1}


def test_a_finger_that_cannot_be_written_is_not_visible(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.gallery.apply(Change((traveller("a"),)))
    fail(box, monkeypatch)
    with pytest.raises(StorageFault):
        box.gallery.enrol_finger("a", "CX1", finger(1))
    assert not box.gallery.snapshot().fingers("a", "CX1")
    monkeypatch.undo()
    assert not box.restart().fingers


def test_fingers_stand_in_the_journal_as_numbers(box: Box) -> None:
    box.gallery.apply(Change((traveller("a"),)))
    for _ in range(2):
        box.gallery.enrol_finger("a", "CX1", finger(1))
    mark = box.gallery.pseudonym("a", "CX1")
    box.gallery.withdraw("a", None)
    entries = [(facts["result"], facts["fingers"], facts["traveller"]) for facts in box.entries("enrolment")]
    assert entries == [("enrolled", 1, mark), ("already_enrolled", 1, mark)]
    (gone,) = box.entries("destruction")
    assert (gone["fingers_before"], gone["fingers_after"]) == (1, 0)


def test_sealed_rows_of_a_destroyed_flight_are_not_on_the_disk_any_more(box: Box) -> None:
    """Deleted in SQLite's sense only, they would wait for the key to leak."""
    for seed in range(5):
        box.gallery.enrol(traveller(f"t{seed}"), probe(seed))
    with box.database.read() as connection:
        sealed = [row[0] for row in connection.execute("SELECT sealed FROM templates")]
        wrapped = connection.execute("SELECT wrapped FROM data_keys WHERE name LIKE 'flight/%'").fetchone()[0]
    needles = forms(wrapped[:24], *(row[:24] for row in sealed))
    assert traces(box.folder, needles)
    assert box.gallery.close_flight("CX1").complete
    assert not traces(box.folder, needles)


def test_a_row_moved_to_another_traveller_or_flight_does_not_open(box: Box) -> None:
    """Somebody who can write the file could else swap two travellers' faces."""
    for seed, flight in ((1, "CX1"), (2, "CX1"), (3, "CX2")):
        box.gallery.enrol(traveller(f"t{seed}", flight), probe(seed))
    box.stop()
    raw = sqlite3.connect(box.folder / "egate.db")
    (one, first), (other, second) = raw.execute("SELECT rowid, sealed FROM templates LIMIT 2").fetchall()
    raw.executemany("UPDATE templates SET sealed = ? WHERE rowid = ?", [(second, one), (first, other)])
    raw.commit()
    raw.close()
    with pytest.raises(StorageFault) as broken:
        box.start()
    assert broken.value.code is Code.SEAL_BROKEN


def test_additions_that_cannot_be_written_are_not_visible(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.gallery.enrol(traveller("a"), probe(1))
    generation = box.gallery.snapshot().generation
    fail(box, monkeypatch)
    for change in (
        lambda: box.gallery.enrol(traveller("b", "CX9"), probe(2)),
        lambda: box.gallery.enrol(traveller("b"), probe(2)),
        lambda: box.gallery.apply(Change((traveller("b"), traveller("c", "CX9")))),
    ):
        with pytest.raises(StorageFault):
            change()
    assert box.gallery.snapshot().generation == generation
    monkeypatch.undo()
    assert box.restart().travellers == 1


def test_a_removal_that_cannot_be_written_is_unfindable_and_made_up_for(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    for reference in ("a", "b"):
        box.gallery.enrol(traveller(reference), probe(ord(reference)))
    fail(box, monkeypatch)
    for _ in range(2):
        with pytest.raises(StorageFault):
            box.gallery.withdraw("a", None)
    assert not box.gallery.snapshot().find_reference("a", NOW, None)
    with pytest.raises(StorageFault):
        box.gallery.expire(NOW)
    monkeypatch.undo()
    assert box.rows("travellers") == 2
    (receipt,) = box.gallery.expire(NOW)
    assert (receipt.why, receipt.travellers, receipt.complete) == (Why.WITHDRAWN, 1, True)
    assert box.rows("travellers") == 1
    assert [facts["why"] for facts in box.entries("destruction")] == ["withdrawn"]
    with pytest.raises(NotFoundError):
        box.gallery.withdraw("a", None)


def test_a_message_that_cannot_be_written_adds_nobody(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.gallery.enrol(traveller("a"), probe(1))
    fail(box, monkeypatch)
    with pytest.raises(StorageFault):
        box.gallery.apply(Change((traveller("b"),), (("a", "CX1"),)))
    assert not box.gallery.snapshot().flights
    monkeypatch.undo()
    again = box.gallery.apply(Change((traveller("a"), traveller("b"))))
    assert again.added == 2, "the destruction that failed comes first, or it would take the newcomer"
    assert [receipt.travellers for receipt in box.gallery.expire(NOW)] == [1]
    assert box.restart().travellers == 2


def test_every_change_stands_in_the_journal_without_anybodys_name(box: Box) -> None:
    applied = box.gallery.apply(Change((traveller("a"),), facts={"format": "paxlst", "persons": 1}))
    box.gallery.enrol(traveller("a"), probe(1))
    box.gallery.enrol(traveller("a"), probe(1))
    mark = box.gallery.pseudonym("a", "CX1")
    receipt = box.gallery.withdraw("a", None)
    kinds = [entry.kind for entry in box.journal.entries()]
    assert kinds == ["load", "enrolment", "enrolment", "destruction"]
    assert (applied.journal_position, receipt.journal_position) == (1, 4)
    assert box.entries("load")[0]["added"] == 1
    assert [facts["result"] for facts in box.entries("enrolment")] == ["enrolled", "already_enrolled"]
    assert {facts["traveller"] for kind in ("enrolment", "destruction") for facts in box.entries(kind)} == {mark}
    assert box.entries("destruction")[0]["templates_before"] == 1
    assert box.gallery.pseudonym("a", "CX1") == "", "the key that connects them is gone"
    assert box.journal.verify().whole


def test_lookalikes_survive_a_restart_and_go_with_either(box: Box) -> None:
    box.gallery.enrol(traveller("a"), probe(1))
    box.gallery.enrol(traveller("b", "CX2"), probe(1))
    box.restart()
    first = box.gallery.snapshot().search(probe(1), NOW).ranked[0]
    assert {first.traveller.reference} | first.lookalikes == {"a", "b"}
    assert box.rows("lookalikes") == 1
    box.gallery.withdraw("a", None)
    assert box.rows("lookalikes") == 0


def test_another_pack_leaves_travellers_expected_but_to_be_enrolled_again(box: Box) -> None:
    box.gallery.enrol(traveller("a"), probe(1))
    box.gallery.apply(Change((traveller("bare"),)))
    restored = box.restart(OTHER_PACK)
    assert (restored.travellers, restored.templates, restored.embedded) == (2, 0, 0)
    assert restored.to_enrol == (("a", "CX1"),)
    assert box.gallery.snapshot().search(probe(1, OTHER_PACK), NOW).without_template == 2
    assert {facts["what"]: facts["count"] for facts in box.entries("repaired")} == {
        "photographs embedded again": 0,
        "travellers to enrol again": 1,
    }
    box.gallery.enrol(traveller("a"), probe(1, OTHER_PACK))
    assert box.restart(OTHER_PACK).to_enrol == ()
    assert box.restart(PACK).templates == 1, "the operator took the wrong pack by mistake, and goes back"


def test_kept_photographs_are_embedded_again_under_another_pack(box: Box) -> None:
    box.restart(keep_photos=True)
    box.gallery.enrol(traveller("a"), probe(1), PHOTO)
    box.gallery.enrol(traveller("poor"), probe(2), b"poor")

    def embed(photo: bytes) -> Probe:
        if photo == b"poor":
            raise EnrolmentError(Code.PHOTO_LOW_QUALITY, "too poor for this pack")
        assert photo == PHOTO
        return probe(1, OTHER_PACK)

    restored = box.restart(OTHER_PACK, keep_photos=True, embed=embed)
    assert (restored.embedded, restored.to_enrol) == (1, (("poor", "CX1"),))
    assert box.told[-2:] == [("embed", 1, 2), ("embed", 2, 2)]
    found = box.gallery.snapshot().search(probe(1, OTHER_PACK), NOW).ranked
    assert [c.traveller.reference for c in found] == ["a"]
    assert box.restart(OTHER_PACK, keep_photos=True, embed=embed).embedded == 0
    assert box.gallery.close_flight("CX1").before[Place.STORE].photos == 2


def test_photographs_are_not_kept_unless_asked_for(box: Box) -> None:
    box.gallery.enrol(traveller("a"), probe(1), PHOTO)
    assert box.rows("photos") == 0


def test_time_is_noted_by_changes_and_sweeps(box: Box) -> None:
    assert read_time_mark(box.database) == NOW
    box.clock.wait(60)
    box.gallery.enrol(traveller("a"), probe(1))
    assert read_time_mark(box.database) == NOW + timedelta(seconds=60)
    box.clock.wait(60)
    box.gallery.expire(box.clock.utc())
    box.restart()
    assert read_time_mark(box.database) == NOW + timedelta(seconds=120)


def data_key(box: Box) -> Seal:
    with box.database.read() as connection:
        found = box.database.data_key(connection, "flight/CX1")
    assert found is not None
    return found


def fail(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full from now on: every commit of the store fails."""

    def full(*_: object, **__: object) -> None:
        raise StorageFault(Code.DISK_FULL, "The disk of the store is full.")

    monkeypatch.setattr(box.journal, "append", full)
