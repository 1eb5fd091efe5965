"""Our own occlusion renderer: masks, glasses, scarves, hands, and what light and cameras do to a face.

Used by the demo, the benchmarks, the tests and the training; the engine itself never imports it. Everything here
takes BGR uint8 images and five landmarks in pixels, is deterministic by the generator passed in, and needs only
numpy and OpenCV.
"""

from gate.synth.masks import render_mask
from gate.synth.style import MaskFit, MaskKind, MaskStyle, MaskWear, random_style

__all__ = ["MaskFit", "MaskKind", "MaskStyle", "MaskWear", "random_style", "render_mask"]
