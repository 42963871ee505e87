"""The Gaussian window of SSIM: a separable blur of eleven taps over pictures with channels."""

import math
from typing import no_type_check

import numpy as np

from common.raster.jit import kernel

TAPS = 11
DEVIATION_PX = 1.5


def window(dtype: np.dtype) -> np.ndarray:
    """The taps, which add up to one."""
    taps = np.array([math.exp(-0.5 * ((i - TAPS // 2) / DEVIATION_PX) ** 2) for i in range(TAPS)])
    return (taps / taps.sum()).astype(dtype)


@kernel
@no_type_check
def blur_planes(start, stop, planes, channels, taps, out):
    """Blur planes (m, h, w * channels) along both axes; beyond the edge is zero."""
    _, height, width = planes.shape
    reach = TAPS // 2
    padded = np.zeros(width + 2 * reach * channels, planes.dtype)
    inner = padded[reach * channels : reach * channels + width]
    for plane in range(start, stop):
        for y in range(height):
            inner[:] = planes.dtype.type(0)
            for tap in range(max(-reach, -y), min(reach, height - 1 - y) + 1):
                source, weight = planes[plane, y + tap], taps[tap + reach]
                for x in range(width):
                    inner[x] += weight * source[x]
            target = out[plane, y]
            target[:] = planes.dtype.type(0)
            for tap in range(TAPS):
                moved, weight = padded[tap * channels : tap * channels + width], taps[tap]
                for x in range(width):
                    target[x] += weight * moved[x]
