"""Detectors against each other in one run: `python -m models.training.detector_evaluate OURS.onnx --json OUT.json`.

Recall, landmark error and false detections against what SCRFD-2.5g sees at 640 pixels in photographs that the detector
never learned from; recall at gate geometry; time, interleaved. `--plots FOLDER` draws the curves, `--look OUT.png` a
sheet of detections. What is compared: our file with the `refine.onnx` beside it, and SCRFD-500M, on the same canvas.

* recall: faces that the teacher is sure of (0.5) with at least 24 pixels between the eyes in the photograph; found when
  a detection overlaps by at least half (intersection over union);
* landmark error: mean over the five points and the faces found, as a share of the eye distance (of a third of the box's
  width, where that is more: in profile the eyes are close together);
* false: detections that overlap nothing that the teacher so much as suspects (0.3), per hundred photographs;
* at equal recall, at equal false detections: ours at the threshold where it finds as many as SCRFD, or invents as many.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from gate.vision.detector import Detector
from gate.vision.lane_faces import LIKELY, LaneFacesDetector, overlap
from gate.vision.probe import Face
from gate.vision.refine import FaceRefiner
from gate.vision.registry import load_registry
from gate.vision.session import OrtSession
from models.training.chart import chart
from models.training.detect import read_bgr
from models.training.detector_sources import SURE, arrays, scrfd
from models.training.detector_teacher import Photograph, held_out, judged

BASELINE = "scrfd_500m_kps.onnx"
LEAST_EYES_PX = 24.0
CANVAS_PX = 480
_FROM = 0.05
_FOUND_IOU = 0.5
_TOUCHING_IOU = 0.3
_GATE_EYES_PX = (24, 32, 48, 80, 150, 300)
_FRAME_WH = (1280, 720)
_TIMED_WH = ((480, 288), (640, 640))
_TIMED_RUNS = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one set: for each of the teacher's faces, and for each detection.

    `eyes` (n,) px, `score` (n,) of the detection that found it (0: none), `error` (n,) of its landmarks, NaN without;
    `false` (m,) scores of detections of nothing; `photographs`.
    """

    eyes: NDArray[np.float32]
    score: NDArray[np.float32]
    error: NDArray[np.float32]
    false: NDArray[np.float32]
    photographs: int

    @property
    def asked(self) -> NDArray[np.bool_]:
        """(n,) which faces are large enough to have to be found."""
        return self.eyes >= LEAST_EYES_PX

    def figures(self, threshold: float) -> dict[str, float]:
        """The table's row at a threshold, percent."""
        found = self.asked & (self.score >= threshold)
        errors = self.error[found] if found.any() else np.full(1, np.nan, np.float32)
        return {
            "faces": int(self.asked.sum()),
            "recall_percent": round(100 * float(found.sum() / self.asked.sum()), 2),
            "recall_percent_all_sizes": round(100 * float((self.score >= threshold).mean()), 2),
            "landmark_error_percent": round(100 * float(errors.mean()), 2),
            "landmark_error_p95_percent": round(100 * float(np.percentile(errors, 95)), 2),
            "false_per_100": round(100 * float((self.false >= threshold).sum() / self.photographs), 2),
            "false": int((self.false >= threshold).sum()),
        }

    def rivalling(self, other: Outcome, threshold: float) -> dict[str, float | None]:
        """Against another at its threshold: `false_per_100` at its recall, `recall_percent` at its false detections.

        The first is None where no threshold of ours finds as many.
        """
        found = np.sort(self.score[self.asked])[::-1]
        invented = np.sort(self.false)[::-1]
        needed = int((other.asked & (other.score >= threshold)).sum())
        allowed = int((other.false >= threshold).sum())
        equal = found[needed - 1] if needed else np.inf
        false = round(100 * float((invented >= equal).sum() / self.photographs), 2) if equal > 0 else None
        # Whatever scores more than the first false detection that is one too many.
        strictest = invented[allowed] if allowed < len(invented) else 0.0
        return {
            "false_per_100": false,
            "recall_percent": round(100 * float((found > strictest).mean()), 2),
        }


def ours(path: Path, longest_px: int, threshold: float) -> LaneFacesDetector:
    """Our detector from a file, with its second look where `refine.onnx` lies beside it."""
    second = path.with_name("refine.onnx")
    refiner = FaceRefiner(OrtSession(second.read_bytes(), name=second.name)) if second.is_file() else None
    session = OrtSession(path.read_bytes(), name=path.name)
    return LaneFacesDetector(session, refiner, detect_size_px=longest_px, threshold=threshold)


def own_threshold() -> float:
    """From which score on a face counts, as the registry has it."""
    return load_registry().detectors["lane-faces"].threshold


def compare(photo: Photograph, faces: tuple[Face, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """For the teacher's sure faces (n, 3): eye distance, score, error; and scores (m,) of detections of nothing."""
    boxes, landmarks, scores = arrays(faces)
    shared = overlap(photo.boxes, boxes)
    rows = []
    for index in np.flatnonzero(photo.scores >= SURE):
        eyes = float(photo.eye_distances_px[index])
        hits = np.flatnonzero(shared[index] >= _FOUND_IOU)
        if len(hits) == 0:
            rows.append((eyes, 0.0, np.nan))
            continue
        best = hits[scores[hits].argmax()]
        unit = max(eyes, float(photo.boxes[index, 2] - photo.boxes[index, 0]) / 3)
        off = np.linalg.norm(landmarks[best] - photo.landmarks[index], axis=1).mean() / unit
        rows.append((eyes, float(scores[best]), float(off)))
    lonely = (shared < _TOUCHING_IOU).all(axis=0) if len(photo.boxes) else np.ones(len(scores), np.bool_)
    return np.array(rows, np.float32).reshape(-1, 3), scores[lonely]


def outcome(name: str, detector: Detector, every: int = 1) -> Outcome:
    """One detector on one set, or on every n-th photograph of it."""
    photos = judged(name)[::every]
    rows, false = zip(
        *(compare(p, detector.detect(read_bgr(p.path))) for p in tqdm(photos, desc=name, mininterval=10, leave=False)),
        strict=True,
    )
    table = np.concatenate(rows)
    return Outcome(table[:, 0], table[:, 1], table[:, 2], np.concatenate(false), len(photos))


def at_the_gate(detector: Detector, threshold: float, faces: int = 60) -> dict[str, dict[str, float]]:
    """One face of LFW on a soft background of 1280 x 720, by the distance of its eyes: found, landmark error."""
    table = {}
    photos = [p for p in judged("lfw") if len(p.scores) == 1 and p.scores[0] >= SURE][::40][:faces]
    for eyes_px in _GATE_EYES_PX:
        rng = np.random.default_rng(eyes_px)
        found, errors = 0, []
        for photo in photos:
            frame, landmarks = staged(photo, eyes_px, rng)
            points = [f.landmarks for f in detector.detect(frame) if f.confidence >= threshold]
            off = [float(np.linalg.norm(p - landmarks, axis=1).mean()) / eyes_px for p in points]
            if off and min(off) < 0.25:
                found += 1
                errors.append(min(off))
        table[f"{eyes_px}"] = {
            "recall_percent": round(100 * found / len(photos), 2),
            "landmark_error_percent": round(100 * float(np.mean(errors)), 2) if errors else float("nan"),
        }
    return table


def staged(
    photo: Photograph, eyes_px: float, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A frame (720, 1280, 3) BGR with the photograph somewhere in it, and the landmarks there."""
    picture = read_bgr(photo.path)
    width, height = _FRAME_WH
    soft = cv2.GaussianBlur(cv2.resize(picture, (80, 45), interpolation=cv2.INTER_AREA), (0, 0), 4)
    frame = cv2.resize(soft, _FRAME_WH, interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    scale = eyes_px / float(photo.eye_distances_px[0])
    while scale < 0.5:
        picture = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.uint8)
        scale *= 2
    whole = eyes_px / float(photo.eye_distances_px[0])
    middle = photo.landmarks[0].mean(axis=0) * whole
    room = np.array([1.6 * eyes_px, 2.0 * eyes_px])
    low, high = np.minimum(room, np.array(_FRAME_WH) / 2), np.maximum(_FRAME_WH - room, np.array(_FRAME_WH) / 2)
    shift = rng.uniform(low, high) - middle
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    cv2.warpAffine(picture, matrix, (width, height), dst=frame, borderMode=cv2.BORDER_TRANSPARENT)
    return frame, (photo.landmarks[0] * whole + shift).astype(np.float32)


def timed(detectors: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Median ms of whole detections, one thread, interleaved, by canvas; frames need no resizing.

    Of frames with nothing in them, and with one face: a second look takes longer the more there is to look at.
    """
    table: dict[str, dict[str, float]] = {}
    someone = next(p for p in judged("lfw") if len(p.scores) == 1 and p.scores[0] >= SURE)
    for width, height in _TIMED_WH:
        # The true canvas is made of whole steps of 32, so a frame of its size is taken as it is.
        nobody = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
        one = cv2.resize(staged(someone, 80.0, np.random.default_rng(0))[0], (width, height))
        for name, frame in (("nobody", nobody), ("one face", one.astype(np.uint8))):
            table[f"{width}x{height}, {name}"] = interleaved(detectors, frame)
    return table


def interleaved(detectors: dict[str, Any], frame: NDArray[np.uint8]) -> dict[str, float]:
    """Median ms of each detector on one frame, and the ratio of ours to SCRFD-500M."""
    spent: dict[str, list[float]] = {name: [] for name in detectors}
    for run in range(_TIMED_RUNS + 5):
        for name, build in detectors.items():
            detector = build(max(frame.shape[:2]))
            begun = time.perf_counter()
            detector.detect(frame)
            if run >= 5:
                spent[name].append(1e3 * (time.perf_counter() - begun))
    row = {name: round(float(np.median(ms)), 2) for name, ms in spent.items()}
    return {**row, "ratio": round(row["ours"] / row["scrfd-500m"], 3)}


def plots(outcomes: dict[str, dict[str, Outcome]], folder: Path) -> None:
    """Recall against false detections, and landmark errors, one picture a set."""
    folder.mkdir(parents=True, exist_ok=True)
    logits = np.linspace(-3, 7, 201)
    thresholds = 1 / (1 + np.exp(-logits))
    for name, by_detector in outcomes.items():
        recall, errors = {}, {}
        for detector, result in by_detector.items():
            rows = [result.figures(float(t)) for t in thresholds]
            recall[detector] = np.array([(r["false_per_100"], r["recall_percent"]) for r in rows])
            known = result.error[result.asked & (result.score >= SURE)]
            errors[detector] = np.stack([100 * np.sort(known), np.linspace(0, 100, len(known))], axis=1)
        left = chart(recall, f"{name}: recall, %", "false per 100 photographs", (0, 10, 90, 100))
        right = chart(errors, f"{name}: faces, %", "landmark error, % of the eye distance", (0, 15, 0, 100))
        cv2.imwrite(str(folder / f"detector-{name}.png"), np.hstack([left, right]))


def look(name: str, detectors: dict[str, Detector], out: Path, every: int) -> None:
    """A sheet of photographs: teacher white, the detectors green and red."""
    colours = ((0, 255, 0), (0, 0, 255))
    shown = []
    for photo in judged(name)[::every][:40]:
        picture = read_bgr(photo.path)
        drawn = [(box, points, (255, 255, 255)) for box, points in zip(photo.boxes, photo.landmarks, strict=True)]
        for detector, colour in zip(detectors.values(), colours, strict=False):
            drawn += [(np.array(f.box_xyxy), f.landmarks, colour) for f in detector.detect(picture)]
        scale = 240 / max(picture.shape[:2])
        tile = np.zeros((240, 240, 3), np.uint8)
        small = cv2.resize(picture, None, fx=scale, fy=scale)
        tile[: small.shape[0], : small.shape[1]] = small[:240, :240]
        for box, points, colour in drawn:
            x1, y1, x2, y2 = (int(v * scale) for v in box)
            cv2.rectangle(tile, (x1, y1), (x2, y2), colour, 1)
            for x, y in points * scale:
                cv2.circle(tile, (int(x), int(y)), 1, colour, -1)
        shown.append(tile)
    shown += [np.zeros((240, 240, 3), np.uint8)] * (-len(shown) % 8)
    cv2.imwrite(str(out), np.vstack([np.hstack(shown[s : s + 8]) for s in range(0, len(shown), 8)]))


def measure(
    model: Path,
    *,
    canvas_px: int = CANVAS_PX,
    threshold: float | None = None,
    every: int = 1,
    baseline: bool = True,
    only_sets: bool = False,
) -> tuple[dict[str, Any], dict[str, dict[str, Outcome]]]:
    """All figures of a detector, and what `plots` draws.

    Args:
        threshold: of ours, by default the registry's; SCRFD's is 0.5.
        every: of LFW, only every n-th photograph.
        baseline: SCRFD-500M beside it.
        only_sets: no gate frames, no times.
    """
    thresholds = {"ours": own_threshold() if threshold is None else threshold, "scrfd-500m": SURE}
    # Asked for less, the second look would look again at what it never sees at the gate.
    detectors: dict[str, Any] = {"ours": ours(model, canvas_px, min(LIKELY, thresholds["ours"]))}
    if baseline:
        detectors["scrfd-500m"] = scrfd(BASELINE, canvas_px, _FROM)
    outcomes = {
        name: {detector: outcome(name, built, every if name == "lfw" else 1) for detector, built in detectors.items()}
        for name in held_out()
    }
    report: dict[str, Any] = {"canvas_px": canvas_px, "thresholds": thresholds, "sets": {}}
    for name, by_detector in outcomes.items():
        report["sets"][name] = {d: result.figures(thresholds[d]) for d, result in by_detector.items()}
        if baseline:
            other = by_detector["scrfd-500m"]
            report["sets"][name]["ours_at_its_level"] = by_detector["ours"].rivalling(other, thresholds["scrfd-500m"])
    if not only_sets:
        report["gate"] = {d: at_the_gate(built, thresholds[d]) for d, built in detectors.items()}
        built = {
            (name, side): build(side)
            for side in {max(wh) for wh in _TIMED_WH}
            for name, build in (
                ("ours", lambda side: ours(model, side, thresholds["ours"])),
                ("scrfd-500m", lambda side: scrfd(BASELINE, side, SURE)),
            )
        }
        report["ms"] = timed({name: (lambda side, name=name: built[name, side]) for name in ("ours", "scrfd-500m")})
    return report, outcomes


def main() -> None:
    """Everything, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--canvas", type=int, default=CANVAS_PX)
    parser.add_argument("--threshold", type=float, default=own_threshold(), help="of ours; SCRFD's is 0.5")
    parser.add_argument("--every", type=int, default=1, help="of LFW, only every n-th photograph")
    parser.add_argument("--without-baseline", action="store_true")
    parser.add_argument("--only-sets", action="store_true", help="no gate frames, no times")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plots", type=Path)
    parser.add_argument("--look", type=Path)
    parser.add_argument("--look-at", default="real-masks")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.look:
        sure = {"ours": ours(arguments.model, arguments.canvas, arguments.threshold)}
        look(arguments.look_at, {**sure}, arguments.look, 1 if arguments.look_at == "real-masks" else 85)
        return
    report, outcomes = measure(
        arguments.model,
        canvas_px=arguments.canvas,
        threshold=arguments.threshold,
        every=arguments.every,
        baseline=not arguments.without_baseline,
        only_sets=arguments.only_sets,
    )
    print(json.dumps(report, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    if arguments.plots:
        plots(outcomes, arguments.plots)


if __name__ == "__main__":
    main()
