"""An extractor without a model: strong corners of the smoothed image, with the gradient's direction."""

from __future__ import annotations

import cv2
import numpy as np

from gate.fingerprint.template import TEMPLATE_DPI, FingerImage, FingerTemplate


class CornerExtractor:
    """Obeys the contract, and is of no use for comparing fingers."""

    name = "corners-1"

    def extract(self, image: FingerImage) -> FingerTemplate:
        image = image.at_500_dpi()
        smooth = cv2.GaussianBlur(image.grey.astype(np.float32), (0, 0), 4)
        corners = cv2.goodFeaturesToTrack(smooth, 60, 0.05, 12)
        places = np.zeros((0, 2), np.float32) if corners is None else corners.reshape(-1, 2)
        x, y = places[:, 0], places[:, 1]
        gx, gy = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
        gx, gy = cv2.GaussianBlur(gx, (0, 0), 4), cv2.GaussianBlur(gy, (0, 0), 4)
        at = y.astype(int), x.astype(int)
        return FingerTemplate.at_500_dpi(
            x,
            y,
            np.arctan2(-gy[at], gx[at]),
            np.zeros(len(x), np.uint8),
            np.zeros(len(x), np.uint8),
            width_px=image.width_px,
            height_px=image.height_px,
            resolution_dpi=TEMPLATE_DPI,
            extractor=self.name,
            finger=image.finger,
            impression=image.impression,
        )

    def close(self) -> None:
        pass
