"""Fetches an InsightFace pack through the library, because an operator asked for it. The engine itself never does.

The library unpacks as it goes, so a broken download would leave half a pack in the place where a whole one is looked
for; here it works in a folder beside, which is moved into place when the pack has been read.
"""

from __future__ import annotations

import importlib
import tempfile
import zipfile
from pathlib import Path

from gate.errors import Code, ModelPackError
from gate.vision.insightface_packs import load_insightface_pack
from gate.vision.pack import ModelPack


def fetch_insightface_pack(name: str, root: Path) -> ModelPack:
    """The pack, from this machine when it is there, else downloaded, read and put below `root`.

    Args:
        name: as the library calls it, such as ``buffalo_s``.
        root: the library's folder; the pack goes to ``models/<name>`` below it.

    Raises:
        ModelPackError: PACK_UNKNOWN for what cannot be a name; MODEL_MISSING when it cannot be fetched, with what to
            bring by hand; MODEL_INVALID when what came is no pack.
        OSError: `root` cannot be written.
    """
    root = root.expanduser()
    try:
        return load_insightface_pack(name, root)
    except ModelPackError as error:
        if error.code is not Code.MODEL_MISSING:
            raise
    home = root / "models" / name
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".fetch-") as folder:
        _download(name, Path(folder), home)
        load_insightface_pack(name, Path(folder))
        (Path(folder) / "models" / name).rename(home)
    return load_insightface_pack(name, root)


def _download(name: str, into: Path, home: Path) -> None:
    # Half a second to import, with the library's own HTTP client.
    storage = importlib.import_module("insightface.utils.storage")
    try:
        storage.download("models", name, root=str(into))
    except (OSError, RuntimeError, zipfile.BadZipFile) as error:  # RuntimeError: the server's answer was not 200
        address = storage.model_zoo_download_url(f"{name}.zip")
        raise ModelPackError(
            Code.MODEL_MISSING,
            f"InsightFace pack {name!r} could not be fetched ({type(error).__name__}: {error}). By hand: fetch "
            f"{address} on a machine with a network, and unpack its .onnx files into {home}",
        ) from error
