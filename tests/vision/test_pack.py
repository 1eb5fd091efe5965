"""A pack is what its registry says, or it is not loaded."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from gate.errors import Code, ModelPackError
from gate.vision.load import build_pipeline, find_pack, load_pipeline
from gate.vision.pack import load_pack, make_pack_id, model_folders
from gate.vision.probe import MaskState
from gate.vision.registry import load_registry, registry_folder
from tests.vision.tiny import tiny_model

DATA = tiny_model()
SHA = hashlib.sha256(DATA).hexdigest()

REGISTRY = f"""
[detectors.d]
file = "d.onnx"
sha256 = "{SHA}"
family = "scrfd"
licence = "x"
origin = "example.org"
threshold = 0.5
geometry = {{ colour_order = "RGB", mean = 127.5, std = 128.0 }}

[embedders.e]
file = "e.onnx"
sha256 = "{SHA}"
family = "arcface"
licence = "x"
origin = "example.org"
dimensions = 4
geometry = {{ size_px = [112, 112], colour_order = "RGB", mean = 127.5, std = 127.5, template = "arcface-112" }}

[packs.p]
detector = "d"
embedder = "e"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A registry with its files in `files` beside it."""
    (tmp_path / "files").mkdir()
    (tmp_path / "registry.toml").write_text(REGISTRY)
    for name in ("d.onnx", "e.onnx"):
        (tmp_path / "files" / name).write_bytes(DATA)
    return tmp_path


def refused(home: Path, wanted: Code, name: str = "p", *folders: Path) -> str:
    with pytest.raises(ModelPackError) as caught:
        load_pack(name, registry_dir=home, folders=folders or (home / "files",))
    assert caught.value.code is wanted, caught.value.message
    return caught.value.message


def test_a_whole_pack_is_loaded(home: Path) -> None:
    pack = load_pack("p", registry_dir=home, folders=(home / "files",))
    assert (pack.name, pack.detector.data, pack.embedder.data) == ("p", DATA, DATA)
    assert pack.mask is None
    assert pack.calibration_json is None
    assert DATA.hex() not in repr(pack)


def test_an_unknown_pack_names_the_known_ones(home: Path) -> None:
    assert "there are p" in refused(home, Code.PACK_UNKNOWN, "q")
    assert "PACK+DETECTOR" in refused(home, Code.PACK_UNKNOWN, "p+nothing")


def test_a_missing_file_names_every_place_and_the_way_out(home: Path, tmp_path: Path) -> None:
    (home / "files" / "e.onnx").unlink()
    message = refused(home, Code.MODEL_MISSING, "p", tmp_path / "elsewhere", home / "files")
    assert str(tmp_path / "elsewhere" / "e.onnx") in message
    assert str(home / "files" / "e.onnx") in message
    assert "EGATE_MODEL_PATH" in message
    assert "example.org" in message


def test_an_altered_file_says_both_hashes(home: Path) -> None:
    (home / "files" / "d.onnx").write_bytes(DATA + b"\0")
    message = refused(home, Code.MODEL_ALTERED)
    assert SHA in message
    assert hashlib.sha256(DATA + b"\0").hexdigest() in message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('family = "scrfd"', 'family = "yolo"', id="a family without an adapter"),
        pytest.param(f'sha256 = "{SHA}"', 'sha256 = "abc"', id="a hash that is none"),
        pytest.param("threshold = 0.5", "treshold = 0.5", id="a misspelt field"),
        pytest.param('detector = "d"', 'detector = "x"', id="a pack of an undescribed model"),
        pytest.param("[packs.p]", "[packs.p", id="no TOML"),
        pytest.param("std = 128.0", "std = 0", id="division by zero"),
    ],
)
def test_a_registry_that_makes_no_sense_is_refused(home: Path, old: str, new: str) -> None:
    (home / "registry.toml").write_text(REGISTRY.replace(old, new))
    refused(home, Code.MODEL_INVALID)


def test_own_files_are_found_beside_the_registry_only(home: Path) -> None:
    """A file of the same name in a third-party folder must not replace one that we ship."""
    own = REGISTRY.replace('file = "e.onnx"', 'file = "packs/e/model.onnx"\nown = true')
    (home / "registry.toml").write_text(own)
    shadow = home / "files" / "packs" / "e"
    shadow.mkdir(parents=True)
    (shadow / "model.onnx").write_bytes(DATA)
    refused(home, Code.MODEL_MISSING)
    (home / "packs" / "e").mkdir(parents=True)
    shutil.move(shadow / "model.onnx", home / "packs" / "e" / "model.onnx")
    assert load_pack("p", registry_dir=home, folders=(home / "files",)).embedder.path.is_relative_to(home / "packs")


def test_a_calibration_belongs_to_its_pack_and_detector(home: Path) -> None:
    """Thresholds measured behind one detector say nothing about crops of another."""
    folder = home / "packs" / "p"
    folder.mkdir(parents=True)
    (folder / "calibration.json").write_text('{"é": 1}', "utf-8")
    assert load_pack("p", registry_dir=home, folders=(home / "files",)).calibration_json == '{"é": 1}'
    assert load_pack("p+d", registry_dir=home, folders=(home / "files",)).calibration_json is None


def test_the_environment_names_folders_before_the_checkout(tmp_path: Path) -> None:
    home = tmp_path / "repo" / "models"
    found = model_folders(home, {"EGATE_MODEL_PATH": f"{tmp_path / 'a'}:{tmp_path / 'b'}"})
    assert found == (tmp_path / "a", tmp_path / "b", tmp_path / "shared" / "models")
    assert model_folders(home, {}) == (tmp_path / "shared" / "models",)


class TestPackId:
    def test_it_is_stable(self) -> None:
        """Templates in a store carry it; a new spelling of the same pack would orphan them all."""
        entry = load_registry().embedders["edgeface-xs"]
        assert make_pack_id("edgeface-xs", entry) == "edgeface-xs-0131feec"

    @pytest.mark.parametrize(
        "change",
        [
            {"sha256": "0" * 64},
            {"geometry": {"size_px": [112, 112], "colour_order": "BGR", "mean": 127.5, "std": 127.5}},
        ],
    )
    def test_it_changes_with_whatever_shapes_an_embedding(self, change: dict[str, object]) -> None:
        entry = load_registry().embedders["edgeface-xs"]
        other = type(entry).model_validate({**entry.model_dump(), **change})
        assert make_pack_id("e", entry) != make_pack_id("e", other)

    def test_it_does_not_change_with_papers(self) -> None:
        entry = load_registry().embedders["edgeface-xs"]
        assert make_pack_id("e", entry) == make_pack_id("e", entry.model_copy(update={"licence": "other"}))


def test_our_registry_describes_what_is_in_the_shared_folder(shared: Path) -> None:
    registry = load_registry()
    for name in registry.packs:
        pack = load_pack(name, folders=(shared / "models",))
        assert pack.pack_id.startswith(registry.pack(name).embedder)  # a head leaves templates comparable
        assert pack.embedder.entry.licence


@pytest.mark.parametrize("name", ["edgeface-xs", "edgeface-xxs", "w600k-mbf"])
@pytest.mark.parametrize("detector", ["", "+scrfd-2.5g", "+yunet-n"])
def test_every_registered_pack_enrols_a_portrait(shared: Path, astronaut_jpeg: bytes, name: str, detector: str) -> None:
    pipeline = build_pipeline(load_pack(name + detector, folders=(shared / "models",)))
    probe, sighting = pipeline.enrol_photo(astronaut_jpeg)
    assert probe.embedding.shape == (512,)
    assert float(np.linalg.norm(probe.embedding)) == pytest.approx(1, abs=1e-5)
    assert sighting.traveller is not None


def test_the_checkout_registry_is_found() -> None:
    assert (registry_folder() / "registry.toml").is_file()


def test_a_pipeline_is_loaded_by_name(shared: Path, astronaut_jpeg: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGATE_MODEL_PATH", str(shared / "models"))
    pipeline = load_pipeline("edgeface-xxs", detect_size_px=320)
    pipeline.warm()
    probe, _ = pipeline.enrol_photo(astronaut_jpeg)
    assert probe.pack_id == pipeline.pack_id == find_pack("edgeface-xxs").pack_id
    assert probe.mask in MaskState
