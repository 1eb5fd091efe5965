"""Fetching a pack on request: from a real HTTP server, whole or not at all."""

from __future__ import annotations

import gc
import http.server
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from gate.errors import Code, ModelPackError
from gate.vision.insightface_fetch import fetch_insightface_pack

# The library leaves the connection of a refused download open; it is found when the memory is tidied up.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")

STORAGE = "insightface.utils.storage.MODEL_ZOO_RELEASE_DOWNLOAD_URL"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        del args


@pytest.fixture(autouse=True)
def _tidy() -> Iterator[None]:
    """Finds the open connection here, and not within whichever test comes later."""
    yield
    gc.collect()


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that stands for the library's place of download."""
    folder = tmp_path / "zoo"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    monkeypatch.setattr(STORAGE, f"http://127.0.0.1:{server.server_port}/")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder
    server.shutdown()
    server.server_close()


def refused(root: Path, name: str = "buffalo_sc") -> ModelPackError:
    with pytest.raises(ModelPackError) as caught:
        fetch_insightface_pack(name, root)
    # Half a pack in its place would be taken for a whole one at the next start.
    assert not list((root / "models").glob("*"))
    return caught.value


def test_a_pack_is_fetched_read_and_put_in_its_place(zoo: Path, shared: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(zoo / "buffalo_sc.zip", "w") as archive:
        archive.write(shared / "models" / "scrfd_500m_kps.onnx", "det_500m.onnx")
        archive.write(shared / "models" / "w600k_mbf.onnx", "w600k_mbf.onnx")
    root = tmp_path / "insightface"
    pack = fetch_insightface_pack("buffalo_sc", root)
    assert pack.embedder.path == root / "models" / "buffalo_sc" / "w600k_mbf.onnx"
    (zoo / "buffalo_sc.zip").unlink()
    assert fetch_insightface_pack("buffalo_sc", root).pack_id == pack.pack_id  # a second time: nothing is fetched


@pytest.mark.usefixtures("zoo")
def test_without_the_pack_it_says_which_file_to_bring_whereto(tmp_path: Path) -> None:
    error = refused(tmp_path / "insightface")
    assert error.code is Code.MODEL_MISSING
    assert "/buffalo_sc.zip" in error.message
    assert str(tmp_path / "insightface" / "models" / "buffalo_sc") in error.message


def test_without_a_network_it_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STORAGE, "http://127.0.0.1:9/")
    assert refused(tmp_path / "insightface").code is Code.MODEL_MISSING


def test_a_broken_archive_leaves_nothing_behind(zoo: Path, tmp_path: Path) -> None:
    (zoo / "buffalo_sc.zip").write_bytes(b"PK\x03\x04 not an archive")
    assert refused(tmp_path / "insightface").code is Code.MODEL_MISSING


def test_an_archive_without_a_pack_leaves_nothing_behind(zoo: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(zoo / "buffalo_sc.zip", "w") as archive:
        archive.writestr("read.me", "no models")
    assert refused(tmp_path / "insightface").code is Code.MODEL_MISSING


def test_what_cannot_be_a_name_is_never_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ModelPackError) as caught:
        fetch_insightface_pack("../etc", tmp_path)
    assert caught.value.code is Code.PACK_UNKNOWN
