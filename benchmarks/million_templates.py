"""Templates of the crops and photographs of ../shared, made once by the engine's own pipeline.

They are kept between runs, as making them takes half an hour: of research pictures, never of travellers, in a folder
that git ignores. Delete the folder to make them anew.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy import usual_faces
from benchmarks.accuracy_checkpoint import Crop, read_crops
from benchmarks.accuracy_templates import LIMITS, Acquisition
from gate.decision.policy import Policy
from gate.gallery.axes import Rows
from gate.vision.load import build_pipeline, find_pack, load_embedder
from gate.vision.session import Provider

_PACK = "edgeface-xs"
_EXPECTED_SHARE = 0.6
"""Of LFW's people with several photographs; the others come without being expected."""

_SAME_PERSON = 0.5
_BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Real templates.

    Attributes:
        enrolled: one of each who is expected.
        crops: of people who never come.
        probes: other photographs of those who are expected, and photographs of strangers.
        own: of each probe the row in `enrolled`; -1 for strangers.
        left_out: crops that may be of somebody who comes.
    """

    enrolled: Rows
    crops: Rows
    probes: Rows
    own: NDArray[np.int64]
    left_out: int


def read_known(folder: Path, say: Callable[[str], None]) -> Known:
    """From the folder, or made anew.

    Raises:
        OSError: ../shared is not there.
    """
    pack = find_pack(_PACK)
    path = folder / f"templates-{pack.pack_id}.npz"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        crops = _of_crops(read_crops(usual_faces() / "train"), say)
        photographs = sorted((usual_faces() / "lfw").glob("*/*.jpg"))
        singles = sorted((usual_faces() / "lfw-singles").rglob("*.jpg"))
        rows, found = _of_photographs([*photographs, *singles], say)
        people = [*(photo.parent.name for photo in photographs), *("" for _ in singles)]
        np.savez(path, crops=crops, rows=rows[found], people=np.array(people)[found])
    with np.load(path) as kept:
        return divided(kept["crops"], kept["rows"], kept["people"])


def divided(crops: Rows, rows: Rows, people: NDArray[np.str_]) -> Known:
    """Who is expected, who comes, and who never does.

    Args:
        people: of each row; empty for a stranger with one photograph.
    """
    names = sorted(set(people[people != ""].tolist()))
    expected = {name: number for number, name in enumerate(names[: round(_EXPECTED_SHARE * len(names))])}
    first = {name: int(np.flatnonzero(people == name)[0]) for name in expected}
    enrolled = np.array(list(first.values()), np.int64)
    comes = np.setdiff1d(np.arange(len(rows)), enrolled)
    own = np.array([expected.get(name, -1) for name in people[comes].tolist()], np.int64)
    somebody = np.array([(part @ rows.T).max(axis=1) >= _SAME_PERSON for part in np.array_split(crops, 32)], object)
    stays = ~np.concatenate(list(somebody)).astype(bool)
    return Known(rows[enrolled], crops[stays], rows[comes], own, int((~stays).sum()))


def _of_crops(crops: Sequence[Crop], say: Callable[[str], None]) -> Rows:
    embedder = load_embedder(find_pack(_PACK), provider=Provider.CPU, threads=1)
    opened = {archive: zipfile.ZipFile(archive) for archive in {crop.archive for crop in crops}}
    rows = []
    for start in range(0, len(crops), _BATCH):
        say(f"crops: {start} of {len(crops)}")
        contents = [opened[crop.archive].read(crop.member) for crop in crops[start : start + _BATCH]]
        pictures = [cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) for content in contents]
        aligned = [picture.astype(np.uint8, copy=False) for picture in pictures if picture is not None]
        rows.append(embedder.embed(np.stack(aligned)))
    for archive in opened.values():
        archive.close()
    return np.concatenate(rows)


def _of_photographs(paths: Sequence[Path], say: Callable[[str], None]) -> tuple[Rows, NDArray[np.bool_]]:
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        say(f"photographs: {done} of {len(paths)}")

    work = Acquisition(build_pipeline(find_pack(_PACK), limits=LIMITS), Policy().quality, 7, threads=1)
    probes = [seen.probe for seen in work.plain(paths, tick)]
    empty = np.zeros(find_pack(_PACK).embedder.entry.dimensions, np.float32)
    rows = np.stack([empty if probe is None else probe.embedding for probe in probes])
    return rows, np.array([probe is not None for probe in probes], np.bool_)
