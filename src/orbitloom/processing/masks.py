"""What each pixel shows: cloud, shadow, water, snow, from reflectance at the top.

Cloud and shadow are what a small network (`cloudnet`) takes for them, which sees shapes and
surroundings at 20 m; where a band is missing that it needs, what the tests of Fmask do (Zhu &
Woodcock, 2012, Remote Sensing of Environment 118), as far as the bands go. Water is McFeeters'
index (1996, International Journal of Remote Sensing 17); snow is the index of Hall, Riggs &
Salomonson (1995, Remote Sensing of Environment 54), or without a short-wave infrared band the
network's. See docs/design/masks.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orbitloom.errors import ScenarioError
from orbitloom.processing import cloudnet
from orbitloom.processing.blocks import above
from orbitloom.processing.kernels import count_below, ratio_above
from orbitloom.processing.morphology import grown, opened
from orbitloom.processing.perception.tuning import Tuning

__all__ = [
    "CLOUD",
    "NO_DATA",
    "SHADOW",
    "SNOW",
    "SPOILT",
    "WATER",
    "cloud_masks",
    "threshold_masks",
]

NO_DATA = 1
"""Mask flag: at least one band was not measured here, nor filled from its neighbours."""
SPOILT = 2
"""Mask flag: at least one band is saturated or filled from neighbouring lines."""
CLOUD = 4
"""Mask flag: cloud, with a margin."""
SHADOW = 8
"""Mask flag: dark, and where a cloud's shadow can fall."""
WATER = 16
"""Mask flag: open water."""
SNOW = 32
"""Mask flag: snow or ice."""

# Cloud: bright in the blue (0.2: the best single threshold on the project's labelled cloud scene),
# white, and above the haze line; the last two are eq. 2 and 3 of Fmask.
_CLOUD_BLUE = 0.20
_WHITENESS = 0.7
_HAZE_OFFSET = 0.08
_CLOUD_MARGIN_PX = 1  # as Fmask grows its clouds
# Snow is white like cloud, but dark in the short-wave infrared: Hall's index above 0.4, and bright
# enough in the near infrared not to be water (0.11) and in the green not to be shade (0.10).
_SNOW_INDEX, _SNOW_NIR, _SNOW_GREEN = 0.4, 0.11, 0.10
# Shadow: Fmask looks for it from 200 m to 12 km of cloud height. Dark is below this share of the
# upper quartile of open ground, which holds lit ground even where half of it lies in shadow.
_CLOUD_HEIGHTS_M = (200.0, 12_000.0)
_SHADOW_SHARE = 0.65
_LEAST_FIT = 0.3  # Fmask's threshold for a cloud and its shadow to belong together
_COARSE = 4
_NETWORK_M = 20.0


def cloud_masks(
    toa: NDArray[np.float32],
    band_names: Sequence[str],
    good: NDArray[np.bool_],
    shadow_step_px: tuple[float, float] | None,
    pixel_m: float,
    network_m: float = _NETWORK_M,
    tuning: Tuning | None = None,
) -> NDArray[np.uint8]:
    """Return where there is cloud, shadow, water or snow.

    Parameters
    ----------
    toa
        (bands, lines, columns) reflectance at the top of the atmosphere.
    band_names
        Common names, in the order of `toa`.
    good
        (lines, columns): where it was measured; nothing is flagged elsewhere.
    shadow_step_px
        How far a shadow moves, in lines and columns, for each metre of cloud height; None if the
        Sun's place is not known: then none is searched for by the clouds.
    pixel_m
        Side of a pixel.
    network_m
        Side of a cell that the network sees, or a pixel's where that is larger.
    tuning
        What an update changes of the network; None for the network as it is.

    Returns
    -------
    NDArray
        (lines, columns) uint8, flags `CLOUD`, `SHADOW`, `WATER`, `SNOW`.

    Raises
    ------
    ScenarioError
        If no band is visible light, so that cloud cannot be told from ground.
    """
    if not cloudnet.suits(band_names):
        return threshold_masks(toa, band_names, good, shadow_step_px)
    shrink = max(1, round(network_m / pixel_m))
    chances = cloudnet.chances(toa, band_names, good, shrink, tuning)

    def likely(name: str) -> NDArray[np.bool_]:
        return above(chances[cloudnet.CLASSES.index(name)], shrink, 0.5, good)

    cloud, shadow = likely("cloud"), likely("shadow")
    snow = _snow(toa, band_names, good) if "swir16" in band_names else likely("snow")
    flags = _flags(toa, band_names, good, cloud, snow & ~cloud, shadow_step_px)
    # The search finds shadows on any ground, the network those of clouds outside the picture.
    flags |= (shadow & ~cloud) * np.uint8(SHADOW)
    return flags


def threshold_masks(
    toa: NDArray[np.float32],
    band_names: Sequence[str],
    good: NDArray[np.bool_],
    shadow_step_px: tuple[float, float] | None,
) -> NDArray[np.uint8]:
    """Return the masks by thresholds alone; see `cloud_masks`.

    Works with whatever bands there are: without blue the next longer band stands in for it;
    without green or near infrared there is no water, without 1.6 um no snow.
    """
    bands = {name: toa[index] for index, name in enumerate(band_names)}
    visible = [bands[name] for name in ("blue", "green", "red") if name in bands]
    if not visible:
        raise ScenarioError(
            f"the bands {', '.join(band_names)} cannot show cloud",
            way_out="A scene needs at least one of blue, green and red",
        )
    snow = _snow(toa, band_names, good)
    cloud = _cloud(visible, good & ~snow) & good
    return _flags(toa, band_names, good, cloud, snow & ~cloud, shadow_step_px)


def _snow(
    toa: NDArray[np.float32], band_names: Sequence[str], good: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return where there is snow by Hall's index, cloud of ice among it."""
    bands = {name: toa[index] for index, name in enumerate(band_names)}
    green, nir, swir16 = (bands.get(name) for name in ("green", "nir", "swir16"))
    if green is None or swir16 is None:
        return np.zeros_like(good)
    snow: NDArray[np.bool_] = ratio_above(green, swir16, _SNOW_INDEX, good)
    snow &= green > _SNOW_GREEN
    if nir is not None:
        snow &= nir > _SNOW_NIR
    return snow


def _flags(
    toa: NDArray[np.float32],
    band_names: Sequence[str],
    good: NDArray[np.bool_],
    cloud: NDArray[np.bool_],
    snow: NDArray[np.bool_],
    shadow_step_px: tuple[float, float] | None,
) -> NDArray[np.uint8]:
    """Return the flags of cloud and snow, of water elsewhere, and of the clouds' shadows."""
    bands = {name: toa[index] for index, name in enumerate(band_names)}
    green, nir = bands.get("green"), bands.get("nir")
    water = np.zeros_like(good)
    if green is not None and nir is not None:
        water = ratio_above(green, nir, 0.0, good) & ~cloud & ~snow
    flags = cloud * np.uint8(CLOUD)
    flags |= water * np.uint8(WATER)
    flags |= snow * np.uint8(SNOW)
    if shadow_step_px is not None:
        lit = next(bands[name] for name in ("green", "blue", "red") if name in bands)
        land = lit if nir is None else nir
        flags |= _shadow(cloud, water, lit, land, good, shadow_step_px) * np.uint8(SHADOW)
    return flags


def _cloud(visible: Sequence[NDArray[np.float32]], good: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where there is cloud: bright, white, above the haze line; cleaned and grown."""
    bright = (visible[0] > _CLOUD_BLUE) & good
    if not bright.any():
        return bright
    lit = [band[bright] for band in visible]
    mean = np.mean(lit, axis=0)
    spread = np.sum([np.abs(band - mean) for band in lit], axis=0)
    cloud = bright.copy()
    cloud[bright] = (spread < _WHITENESS * mean) & (lit[0] - 0.5 * lit[-1] > _HAZE_OFFSET)
    return grown(opened(cloud), _CLOUD_MARGIN_PX)


def _shadow(
    cloud: NDArray[np.bool_],
    water: NDArray[np.bool_],
    green: NDArray[np.float32],
    nir: NDArray[np.float32],
    good: NDArray[np.bool_],
    step_px: tuple[float, float],
) -> NDArray[np.bool_]:
    """Return the clouds' shadows: the cloud mask, projected from the height that fits best.

    As Fmask matches clouds with dark ground, but all clouds of a scene as one deck. Land counts as
    dark in the near infrared, where it is bright; water in the green, where it is.
    """
    if not cloud.any():
        return np.zeros_like(cloud)
    open_ground = good & ~cloud
    few = (slice(None, None, _COARSE), slice(None, None, _COARSE))
    dark = np.zeros_like(cloud)
    for kind, band in ((~water, nir), (water, green)):
        sample = band[few][(open_ground & kind)[few]]
        if sample.size:
            dark |= kind & (band < np.float32(_SHADOW_SHARE * np.percentile(sample, 75)))
    low_m, high_m = _CLOUD_HEIGHTS_M
    per_m = max(abs(part) for part in step_px)
    if per_m * high_m < 1.0:  # the Sun in the zenith: clouds hide their own shadows
        return np.zeros_like(cloud)
    heights_m = np.linspace(low_m, high_m, int((high_m - low_m) * per_m / _COARSE) + 2)
    fits = _fits(cloud[few], open_ground[few], dark[few], step_px, heights_m, _COARSE)
    best_m = float(heights_m[int(np.argmax(fits))])
    if max(fits) < _LEAST_FIT:
        return np.zeros_like(cloud)
    near_m = best_m + np.arange(-_COARSE, _COARSE + 1) / per_m
    fits = _fits(cloud, open_ground, dark, step_px, near_m, 1)
    shift = _shift(step_px, float(near_m[int(np.argmax(fits))]), 1)
    return _moved(cloud, shift) & open_ground


def _fits(
    cloud: NDArray[np.bool_],
    open_ground: NDArray[np.bool_],
    dark: NDArray[np.bool_],
    step_px: tuple[float, float],
    heights_m: NDArray[np.float64],
    coarse: int,
) -> list[float]:
    """Return for each height which share of the ground below the moved clouds is dark.

    It is 0 where there is hardly any ground below them.
    """
    ground = open_ground.astype(np.uint8)
    ground[open_ground & dark] |= 2
    runs, cloudy = _runs(cloud), np.count_nonzero(cloud)
    fits = []
    for height_m in heights_m:
        cells, hits = count_below(runs, ground, *_shift(step_px, float(height_m), coarse))
        fits.append(0.0 if cells == 0 or cells < 0.1 * cloudy else hits / cells)
    return fits


def _runs(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return row, first and last column + 1 of each run of a mask's cells along a row."""
    edge = np.zeros((mask.shape[0], mask.shape[1] + 1), np.bool_)
    edge[:, :-1] = mask
    edge[:, 1:] ^= mask
    row, column = np.nonzero(edge)  # they take turns: a run begins, a run ends
    return np.stack([row[::2], column[::2], column[1::2]], axis=1)


def _shift(step_px: tuple[float, float], height_m: float, coarse: int) -> tuple[int, int]:
    return round(step_px[0] * height_m / coarse), round(step_px[1] * height_m / coarse)


def _moved(mask: NDArray[np.bool_], shift: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask moved by whole pixels; nothing comes in from outside."""
    to, of = _overlap(mask.shape, shift)
    moved = np.zeros_like(mask)
    moved[to] = mask[of]
    return moved


def _overlap(
    shape: tuple[int, ...], shift: tuple[int, int]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return where a moved array lands, and which part of it."""
    to = tuple(slice(max(d, 0), max(n + min(d, 0), 0)) for n, d in zip(shape, shift, strict=True))
    of = tuple(slice(max(-d, 0), max(n - max(d, 0), 0)) for n, d in zip(shape, shift, strict=True))
    return to, of
