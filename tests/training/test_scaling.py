"""Guards the curves against data and size: students on one line differ in one thing."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install .[train]")
pytest.importorskip("tqdm")
pytest.importorskip("onnx")

from models.training import crops as crops_module  # noqa: E402
from models.training.scaling import against, draw, read  # noqa: E402
from models.training.student import Student, StudentShape  # noqa: E402

TABLE = """crops,expansion,parameters,samples,pairs,tar_unmasked,tar_masked,tpir_unmasked,tpir_masked
20000,4,2000000,57600,97,87,63,10,25
40000,8,3100000,57600,98,90,70,70,30
40000,4,2000000,57600,97,88,65,62,27
5000,4,2000000,57600,95,80,50,45,15
20000,4,2000000,57600,97,87,63,60,25
40000,2,1500000,57600,96,84,60,55,22
40000,4,2000000,172800,98,93,75,72,35
"""


@pytest.fixture
def rows(tmp_path: Path) -> list[dict[str, str]]:
    path = tmp_path / "scaling.csv"
    path.write_text(TABLE)
    return read(path)


def test_each_axis_takes_the_students_that_differ_in_nothing_else(rows: list[dict[str, str]]) -> None:
    """The first line is of a training that was repeated: drawn too, the curve would fall back on itself."""
    by_crops, by_size = (against(rows, axis, "57600")["1 - TPIR, bare"] for axis in ("crops", "parameters"))
    assert by_crops[:, 1].tolist() == [55, 40, 38]
    np.testing.assert_allclose(10 ** by_crops[:, 0], [5000, 20000, 40000])
    assert by_size[:, 1].tolist() == [45, 38, 30]
    assert against(rows, "crops", "172800")["1 - TPIR, bare"][:, 1].tolist() == [28]
    assert draw(rows).shape == (2 * 360, 480, 3), "a student alone is no curve"


def test_nothing_measured_is_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path / "scaling.csv") == []


def test_fewer_crops_are_among_the_more_with_what_is_known_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other people in each subset would add their own luck to the curve; a row that slipped would mislabel a face."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, (tmp_path / "index.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["zip", "member", "source", "identity", "eye_distance_px"])
        for i in range(20):
            picture = np.full((112, 112, 3), 10 * i, np.uint8)
            archive.writestr(f"{i}.png", bytes(cv2.imencode(".png", picture)[1]))
            writer.writerow(["a.zip", f"{i}.png", "people", i, 40])
    kept = {}
    for some in (6, 12):
        monkeypatch.setenv("EGATE_TRAIN_DIR", str(tmp_path / str(some)))
        crops_module.build(tmp_path, some)
        crops = crops_module.load()
        kept[some] = {member.removesuffix(".png") for member in crops.member}
        assert len(kept[some]) == len(crops) == some
        assert [int(shade) // 10 for shade in crops.rgb[:, 0, 0, 0]] == [
            int(m.removesuffix(".png")) for m in crops.member
        ]
    assert kept[6] < kept[12]
    with pytest.raises(ValueError, match="1 to 20 crops"):
        crops_module.build(tmp_path, 21)


def test_a_wider_block_still_hands_on_what_the_teachers_does() -> None:
    narrow, wide = (Student(StudentShape(expansion=expansion)) for expansion in (2, 8))
    count = [sum(p.numel() for p in student.parameters()) for student in (narrow, wide)]
    assert count[0] < count[1]
    crops = torch.zeros(2, 3, 112, 112)
    for mine, theirs in zip(narrow(crops).inner, wide(crops).inner, strict=True):
        assert mine.shape == theirs.shape
