"""What the model's own word on a picture is worth: `python -m models.training.discard MODEL.onnx [--plot OUT.png]`.

Error versus discard (ISO/IEC 29794-1:2024): mated comparisons at the threshold of FMR 1e-3; left out first are
those with the least recognisable picture in them. A word that says nothing leaves the false non-match rate where it is;
a perfect one lowers it by what was left out. Masked probes, bare ones, and both half and half at one threshold, as they
come to a gate.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.chart import chart
from models.training.devset import DevSet, load
from models.training.evaluate import FMR, Array
from models.training.teacher import normalise, outputs_of

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3)


def judged(model: Path, crops: NDArray[np.uint8], threads: int = 2) -> tuple[Array, Array]:
    """Unit embeddings (n, D) and recognisability (n,) 0..1 of RGB crops (n, 112, 112, 3)."""
    embedding, word = outputs_of(model, crops, ("embedding", "recognisability"), threads)
    return normalise(embedding), word.reshape(len(crops))


def kept_errors(refused: NDArray[np.bool_], word: Array, shares: tuple[float, ...] = SHARES) -> list[float]:
    """Percent of comparisons refused among those left, when a share of the lowest words (n,) is discarded."""
    worst_first = refused[np.argsort(word, kind="stable")]
    return [round(float(100 * worst_first[round(share * len(refused)) :].mean()), 2) for share in shares]


def table(model: Path, dev: DevSet) -> dict[str, dict[str, list[float]]]:
    """False non-match rate in percent at each of `SHARES`, by what the probe wears: by its word, and at best."""
    (clean, bare_word), (masked, masked_word) = (judged(model, crops) for crops in (dev.clean, dev.masked))
    impostors, mated = dev.impostors(), dev.mates()
    probe, reference = np.nonzero(mated)
    similarity = {"bare": clean @ clean.T, "masked": masked @ clean.T}
    other = bare_word[reference]
    word = {"bare": np.minimum(bare_word[probe], other), "masked": np.minimum(masked_word[probe], other)}
    strangers = {state: values[impostors] for state, values in similarity.items()}
    threshold = {state: float(np.quantile(values, 1 - FMR)) for state, values in strangers.items()}
    threshold["mixed"] = float(np.quantile(np.concatenate(list(strangers.values())), 1 - FMR))
    own = {state: values[mated] for state, values in similarity.items()}
    own["mixed"], word["mixed"] = (np.concatenate([column["bare"], column["masked"]]) for column in (own, word))
    return {
        state: {
            "by_recognisability": kept_errors(own[state] < threshold[state], word[state]),
            "at_best": kept_errors(own[state] < threshold[state], own[state]),
        }
        for state in own
    }


def draw(rows: dict[str, dict[str, list[float]]]) -> NDArray[np.uint8]:
    """The false non-match rate over the share discarded."""
    x = 100 * np.array(SHARES)
    lines = {state: np.stack([x, row["by_recognisability"]], axis=1) for state, row in rows.items()}
    highest = 5 * np.ceil(max(max(row["by_recognisability"]) for row in rows.values()) / 5)
    return chart(lines, "error versus discard", "least recognisable left out, %; FNMR, %", (0, 30, 0, float(highest)))


def main() -> None:
    """Print the rates, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    rows = table(arguments.model, load())
    if arguments.plot:
        cv2.imwrite(str(arguments.plot), draw(rows))
    print(json.dumps({"discarded": SHARES, **rows}, indent=1))


if __name__ == "__main__":
    main()
