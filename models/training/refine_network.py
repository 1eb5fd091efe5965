"""The second look's network: plain dense convolutions on one small window a face, all answers from its whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from gate.vision.refine import CHANNELS, UNIT_PX, USUAL_MIDDLE_PX, USUAL_SIDES_PX, WINDOW_PX, window_template
from models.training.detector_network import convolution
from models.training.eight_bits import MEAN, STD

WIDTHS = (16, 32, 64, 96)
_INSIDE = 128
# Four convolutions of stride 2 leave so many cells a side; the next one takes them all at once.
_CELLS = WINDOW_PX // 16


class RefineNet(nn.Module):
    """Windows (n, 3, 64, 64) BGR in -1..1 to what is there (n, 15): see `gate.vision.refine`."""

    def __init__(self, widths: tuple[int, int, int, int] = WIDTHS) -> None:
        super().__init__()
        first, second, third, fourth = widths
        self.features = nn.Sequential(
            convolution(3, first, stride=2),
            convolution(first, second, stride=2),
            convolution(second, second),
            convolution(second, third, stride=2),
            convolution(third, third),
            convolution(third, third),
            convolution(third, fourth, stride=2),
            convolution(fourth, fourth),
        )
        # As convolutions, so that 8 bits take them too.
        self.whole = nn.Sequential(
            nn.Conv2d(fourth, _INSIDE, _CELLS, bias=False), nn.BatchNorm2d(_INSIDE), nn.ReLU(inplace=True)
        )
        self.say = nn.Conv2d(_INSIDE, CHANNELS, 1)

    def forward(self, windows: Tensor) -> Tensor:
        """(n, 15)."""
        said: Tensor = self.say(self.whole(self.features(windows)))
        return said.flatten(1)


def wanted(points: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the network should say (n, 14) of points (n, 5, 2) and boxes (n, 4: middle, sides) in window pixels."""
    middle = (boxes[:, :2] - np.array(USUAL_MIDDLE_PX)) / UNIT_PX
    sides = np.log(np.maximum(boxes[:, 2:], 1.0) / np.array(USUAL_SIDES_PX))
    off = (points - window_template()).reshape(-1, 10) / UNIT_PX
    return np.concatenate([sides, middle, off], axis=1).astype(np.float32)


def scaled(windows: Tensor) -> Tensor:
    """uint8 windows (n, 3, 64, 64) as the network's input."""
    return (windows.float() - MEAN) / STD
