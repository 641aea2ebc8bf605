"""The compiled loop of `register`: a window of an image at so many samples.

A product of matrices says the same; BLAS would start threads for each, in every worker.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs_caption.compiled import call, compiled


def sampled(
    image_HW: NDArray[np.float32], window: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """A window (shares x0, y0, x1, y1) at (rows, columns) of samples.

    Each is linear between pixels where the window is enlarged, a triangle as wide as a sample where
    it is shrunk. Beyond the image its edge goes on.
    """
    down_NW = call(_rows, image_HW, float(window[1]), float(window[3]), shape[0])
    across_MN = call(
        _rows, np.ascontiguousarray(down_NW.T), float(window[0]), float(window[2]), shape[1]
    )
    return np.ascontiguousarray(across_MN.T)


@compiled
def _rows(
    image_HW: NDArray[np.float32], start: float, stop: float, samples: int
) -> NDArray[np.float32]:
    pixels, width = image_HW.shape
    reach = max(1.0, (stop - start) * pixels / samples)
    seen_NW = np.zeros((samples, width), np.float32)
    for n in range(samples):
        at = (start + (n + 0.5) / samples * (stop - start)) * pixels - 0.5
        centre = min(max(at, 0.0), pixels - 1.0)
        first, last = max(0, int(np.ceil(centre - reach))), min(pixels - 1, int(centre + reach))
        total = np.float32(0)
        for row in range(first, last + 1):
            weight = np.float32(max(0.0, 1 - abs(row - centre) / reach))
            total += weight
            for x in range(width):
                seen_NW[n, x] += weight * image_HW[row, x]
        for x in range(width):
            seen_NW[n, x] /= total
    return seen_NW
