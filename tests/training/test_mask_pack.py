"""Guards the shipped mask-state model: its file, its card, and that it still tells masks from faces."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

PACK = Path(__file__).resolve().parents[2] / "models" / "packs" / "mask-state"
SHARED = Path(os.environ.get("EGATE_SHARED", PACK.parents[3] / "shared"))


def test_the_card_names_the_file_that_is_there() -> None:
    data = (PACK / "model.onnx").read_bytes()
    assert hashlib.sha256(data).hexdigest() in (PACK / "card.md").read_text()
    assert len(data) <= 300_000


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "data/faces/mask-nomask").is_dir(), reason="needs mask-nomask in the shared folder")
def test_it_finds_other_peoples_masks() -> None:
    cv2 = pytest.importorskip("cv2")
    pytest.importorskip("torch", reason="training needs torch: pip install .[train]")
    from models.training.detect import align, main_face
    from models.training.teacher import session, to_input

    run = session(PACK / "model.onnx", threads=1).run
    right = []
    for name in ("with", "without"):
        for path in sorted((SHARED / "data/faces/mask-nomask" / name).iterdir())[:12]:
            picture = cv2.imread(str(path))
            face = main_face(picture)
            if face is not None:
                crop = align(picture, face.landmarks)[None, :, :, ::-1]
                right.append(
                    (run(None, {"crop": to_input(np.ascontiguousarray(crop))})[0][0, 0] > 0.5) == (name == "with")
                )
    assert len(right) > 20
    assert np.mean(right) >= 0.95
