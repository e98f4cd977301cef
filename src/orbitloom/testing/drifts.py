"""A sensor that drifts: gain, dark, blur, dead columns, laid over undrifted reflectance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from orbitloom.scenario import stream

__all__ = ["blurred", "dead_columns", "gained"]

_Floats = NDArray[np.float32]


def gained(toa: _Floats, gain: float, band: int | None = None, offset: float = 0.0) -> _Floats:
    """Return reflectance (bands, lines, columns) with another gain and dark, of a band or of all.

    `offset` is in reflectance.
    """
    out = toa.copy()
    chosen = slice(None) if band is None else slice(band, band + 1)
    out[chosen] = out[chosen] * gain + offset
    return out


def blurred(toa: _Floats, sigma_px: float, noise: float = 0.003, seed: int = 0) -> _Floats:
    """Return (bands, lines, columns) through a wider point spread, with the noise it had before.

    `sigma_px` is a Gaussian's standard deviation in pixels, `noise` the detector's in reflectance:
    optics blur the picture, and the detector's noise comes after them.
    """
    out = np.stack([gaussian_filter(band, sigma_px, mode="nearest") for band in toa])
    return np.asarray(out + stream(seed, "blur").normal(0.0, noise, out.shape), np.float32)


def dead_columns(toa: _Floats, count: int, seed: int = 0, band: int | None = None) -> _Floats:
    """Return (bands, lines, columns) with `count` columns at zero, of a band or of each.

    The same seed takes the same columns.
    """
    out = toa.copy()
    for number in range(len(toa)) if band is None else (band,):
        rng = stream(seed, "dead columns", number)
        out[number][:, rng.choice(toa.shape[2], count, replace=False)] = 0.0
    return out
