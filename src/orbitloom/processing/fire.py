"""The fire application: hot cells with their power, and burnt ground, from the short-wave infrared.

Hot cells by ratios of reflectance at 2.2 um to those at 1.6 and 0.84 um (HOTMAP: Murphy et al.,
2016, Remote Sensing of Environment 177), then against the ground around them (Schroeder et al.,
2016, Remote Sensing of Environment 185, on Landsat 8). Smoke hides the visible, not these bands, so
a cloud flag forbids no hot cell. Burnt ground by the fall of the normalised burn ratio against the
on-board baseline (Key & Benson, 2006, USDA RMRS-GTR-164).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from orbitloom.processing.apps import Context, Evidence, Finding, Measure, Severity
from orbitloom.processing.fire_power import FirePower, fire_power
from orbitloom.processing.indices import layers
from orbitloom.processing.l2 import NO_DATA, SNOW, SPOILT, WATER
from orbitloom.processing.l3 import SCALE, Tile
from orbitloom.processing.morphology import grown, large, opened
from orbitloom.processing.regions import (
    Extent,
    OpticalApp,
    extent,
    hidden,
    severity,
    to_the_middle_of_the_edge,
    trust,
)

__all__ = ["FireApp"]

_HEAT_BANDS = ("nir", "swir16", "swir22")
_CENTRES_UM = np.array([0.842, 1.61, 2.19])  # of the bands of these common names
_LEAST_HOT = 0.15  # reflectance at 2.2 um: HOTMAP's, and so is the ratio
_RATIO = 1.4
_LEAST_SATURATED = 0.7
_VISIBLE_SHARE = 0.5  # of 2.2 um: glint and roofs that saturate are as bright in the visible
_OVER_RING = 0.08  # Schroeder's: reflectance above the ground around it, or 3 sigma
_RING_CELLS = 12
_LEAST_RING = 8
_JOINED_CELLS = 2
_UNBURNED = 0.10  # dNBR below which Key & Benson call ground unburned
_CHAR_MOST = {"red": 0.12, "nir": 0.22}  # reflectance, on slopes that face the Sun
_NBR_ALONE = -0.25
_UNKNOWN = np.empty((0, 0), np.float32)  # the fall of the burn ratio, without a baseline
_SCAR_SIGMA = 0.3  # cells that a scar's whole edge may be off: char and leaves mix there
_UNCOMPARED = 0.4  # how far a burn ratio alone is to be trusted
_SEVERITIES: tuple[tuple[float, Severity], ...] = (
    (1000.0, "Extreme"),
    (100.0, "Severe"),
    (10.0, "Moderate"),
)  # MW; a choice


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Spot:
    """A group of hot cells: where, its cells, its power if that can be told."""

    row: float
    column: float
    cells: int
    saturated: bool
    power: FirePower | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Scar:
    """Burnt ground, how far its index lies beyond the least change, and how much was compared."""

    area: NDArray[np.bool_]
    contrast: float
    compared_share: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FireApp(OpticalApp):
    """Active fire and burnt ground.

    Parameters
    ----------
    least_scar_km2
        Smaller burnt parts are left out.
    least_dnbr
        Fall of the normalised burn ratio that counts as burnt: moderate severity and above.
    largest_nbr
        Burn ratio now that burnt ground does not exceed.
    """

    name: str = "fire"
    version: str = "1"
    requires: tuple[str, ...] = _HEAT_BANDS
    least_scar_km2: float = 0.05
    least_dnbr: float = 0.27
    largest_nbr: float = 0.10

    def analyse(self, tile: Tile, context: Context) -> Finding:
        """Return where it burns, else where it burnt, or why neither can be said.

        Fire seen through smoke, or in what little is clear, is an alert all the same.
        """
        unseen, share, reason = self.view(tile)
        if reason == "night":
            return Finding(clear_share=share, reason=reason)
        index = layers(tile, "fire", context.briefing.baseline)
        scar = self._scar(tile, index, unseen)
        hot = _hot(tile, index["swir_ratio"])
        if hot.any():
            return _fire(tile, context, hot, scar, share)
        if scar is not None:
            return _burnt(tile, context, scar, unseen, share)
        return Finding(clear_share=share, reason=reason)

    def _scar(
        self, tile: Tile, index: Mapping[str, NDArray[np.float32]], unseen: NDArray[np.bool_]
    ) -> _Scar | None:
        """Return burnt ground.

        In two phases (Bastarrika et al., 2011, Remote Sensing of Environment 115): cells that are
        burnt for certain, and what is connected with them and likely. Without a baseline a low burn
        ratio alone has to do, and the finding says less.
        """
        nbr = index["nbr"]
        fall = index.get("dnbr", _UNKNOWN)
        likely = _dark(tile)
        likely &= ~unseen
        likely &= nbr <= np.float32(self.largest_nbr)
        certain = _change(nbr, fall, likely, self.least_dnbr)
        certain = opened(certain)
        if not certain.any():
            return None
        labels, count = ndimage.label(opened(likely))
        with_certain = np.zeros(count + 1, bool)
        with_certain[labels[certain]] = True
        with_certain[0] = False
        least = self.least_scar_km2 / tile.grid.cell_km2
        burnt = to_the_middle_of_the_edge(with_certain[labels], tile, unseen | _wet(tile))
        scar = large(burnt, least, joined_within=_JOINED_CELLS)
        if not scar.any():
            return None
        change = fall[scar] if fall.size else np.full(np.count_nonzero(scar), np.nan)
        known = ~np.isnan(change)
        clarity = np.where(known, change - _UNBURNED, _NBR_ALONE - nbr[scar])
        return _Scar(
            area=scar,
            contrast=float(np.nanmedian(clarity)),
            compared_share=float(np.mean(known)),
        )


@njit(cache=True, nogil=True, error_model="numpy")
def _change(
    nbr: NDArray[np.float32],
    fall: NDArray[np.float32],
    likely: NDArray[np.bool_],
    least_fall: float,
) -> NDArray[np.bool_]:
    """Leave of the likely cells those that have changed, and return those that burnt for certain.

    Where the fall of the burn ratio is not known, NaN or nowhere, a low ratio alone makes a cell
    certain.
    """
    certain = np.zeros_like(likely)
    unburned, sure = np.float32(_UNBURNED), np.float32(least_fall)
    alone = np.float32(_NBR_ALONE)
    for row in range(likely.shape[0]):
        for column in range(likely.shape[1]):
            if likely[row, column]:
                change = fall[row, column] if fall.size else np.float32(np.nan)
                if np.isnan(change):
                    certain[row, column] = nbr[row, column] <= alone
                    likely[row, column] = certain[row, column]
                else:
                    likely[row, column] = change >= unburned
                    certain[row, column] = change >= max(sure, unburned)
    return certain


def _wet(tile: Tile) -> NDArray[np.bool_]:
    """Return water and snow, which do not burn."""
    return np.asarray((tile.mask & (WATER | SNOW)) != 0)


def _dark(tile: Tile) -> NDArray[np.bool_]:
    """Return ground as dark as char: fields that were cut or ploughed are brighter."""
    dark = (tile.mask & (NO_DATA | WATER | SNOW)) == 0
    for name, most in _CHAR_MOST.items():
        if name in tile.band_names:
            dark &= tile.numbers[tile.band_names.index(name)] <= np.uint16(most / SCALE)
    nir, swir22 = (tile.numbers[tile.band_names.index(name)] for name in ("nir", "swir22"))
    return np.asarray(dark & (swir22 >= nir - nir // 4))


def _hot(tile: Tile, ratio: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the cells that glow: by their spectral shape, and against the ground around them."""
    swir22 = tile.numbers[tile.band_names.index("swir22")]
    candidates = _glowing(tile, ratio)
    if not candidates.any():
        return candidates
    hot = np.zeros_like(candidates)
    labels, _ = ndimage.label(grown(candidates, _JOINED_CELLS))
    for window, core in _windows(labels, candidates):
        ring = _ring(tile, window, candidates)
        if ring.sum() < _LEAST_RING:
            hot[window] |= core
            continue
        level = swir22[window] * np.float32(SCALE)
        around = level[ring]
        limit = np.median(around) + max(3.0 * _spread(around), _OVER_RING)
        # Cells beside a glowing one that rise above the ground belong to it: the optics spread it.
        beside = grown(core, 1) & (level > limit)
        if (level[core] > limit).any():
            hot[window] |= beside
    return hot


def _glowing(tile: Tile, ratio: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the cells with the spectral shape of heat, wherever they are."""
    bands = dict(zip(tile.band_names, tile.numbers, strict=True))
    swir22 = bands["swir22"]
    glowing = swir22 >= np.uint16(round(_LEAST_HOT / SCALE))
    shaped = ratio >= _RATIO
    # Where a band is clipped the ratio tells nothing; then it is the visible that tells heat from
    # light.
    full = np.flatnonzero(glowing & ((tile.mask & SPOILT) != 0))
    glowing &= shaped
    level = swir22.ravel()[full] * np.float32(SCALE)
    hot = shaped.ravel()[full] | (level >= _LEAST_SATURATED)
    for name in ("blue", "green", "red"):
        if name in bands:
            hot &= bands[name].ravel()[full] * np.float32(SCALE) <= _VISIBLE_SHARE * level
    glowing.ravel()[full] = hot
    glowing &= (tile.mask & NO_DATA) == 0
    return np.asarray(glowing)


def _windows(
    labels: NDArray[np.int32], cells: NDArray[np.bool_]
) -> Iterator[tuple[tuple[slice, slice], NDArray[np.bool_]]]:
    """Yield a window around each group of cells with room for its ring, and the cells in it."""
    for number, found in enumerate(ndimage.find_objects(labels), start=1):
        if found is None:
            continue
        rows, columns = (
            slice(max(part.start - _RING_CELLS, 0), part.stop + _RING_CELLS) for part in found
        )
        window = (rows, columns)
        yield window, cells[window] & (labels[window] == number)


def _ring(
    tile: Tile, window: tuple[slice, slice], candidates: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the ground around: measured, and not near anything that glows."""
    near = grown(candidates[window], _JOINED_CELLS + 1)
    return np.asarray(((tile.mask[window] & NO_DATA) == 0) & ~near)


def _spread(values: NDArray[np.float32]) -> float:
    """Return the robust standard deviation."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def _spots(tile: Tile, hot: NDArray[np.bool_]) -> list[_Spot]:
    """Return the groups of hot cells, the most powerful (else the largest) first."""
    labels, _ = ndimage.label(grown(hot, _JOINED_CELLS))
    spots = [_spot(tile, window, core, hot) for window, core in _windows(labels, hot)]
    return sorted(
        spots, key=lambda spot: (0.0 if spot.power is None else -spot.power.power_mw, -spot.cells)
    )


def _spot(
    tile: Tile, window: tuple[slice, slice], core: NDArray[np.bool_], hot: NDArray[np.bool_]
) -> _Spot:
    rows, columns = np.nonzero(core)
    saturated = core & ((tile.mask[window] & SPOILT) != 0)
    return _Spot(
        row=float(rows.mean()) + window[0].start,
        column=float(columns.mean()) + window[1].start,
        cells=rows.size,
        saturated=bool(saturated.any()),
        power=_power(tile, window, core, saturated, hot),
    )


def _power(
    tile: Tile,
    window: tuple[slice, slice],
    cells: NDArray[np.bool_],
    saturated: NDArray[np.bool_],
    hot: NDArray[np.bool_],
) -> FirePower | None:
    """Return a group's power; None where the light that the tile was seen in is not known.

    Over the group and a rim of two cells, into which the optics and the grid spread it. A cell
    beside a saturated one counts as saturated, for the grid has mixed the two.
    """
    ring = _ring(tile, window, hot)
    if tile.solar_radiance.size == 0 or ring.sum() < _LEAST_RING:
        return None
    whole = grown(cells, _JOINED_CELLS) & ((tile.mask[window] & NO_DATA) == 0)
    core = grown(saturated, 1) & whole
    parts = (whole & ~core, core)
    sums, sigmas = np.zeros((2, len(_HEAT_BANDS))), np.zeros((2, len(_HEAT_BANDS)))
    full = np.full(len(_HEAT_BANDS), np.inf)
    for place, name in enumerate(_HEAT_BANDS):
        band = tile.band_names.index(name)
        rho = tile.numbers[band][window] * np.float32(SCALE)
        per_cell = float(tile.solar_radiance[band]) * tile.grid.gsd_m**2
        ground, spread = float(np.median(rho[ring])), _spread(rho[ring])
        for which, part in enumerate(parts):
            count = np.count_nonzero(part)
            sums[which, place] = per_cell * float((rho[part] - ground).sum())
            # The ground below may be any of the ground around, and the same in all cells.
            scatter = np.hypot(spread * np.sqrt(count), spread * count)
            sigmas[which, place] = per_cell * max(scatter, 1e-3)
        if core.any() and float(rho[core].max()) >= _LEAST_SATURATED:
            full[place] = float(tile.solar_radiance[band]) * (float(rho[core].max()) - ground)
    return fire_power(
        sums[0],
        sigmas[0],
        sums[1],
        sigmas[1],
        full=full,
        wavelength_um=_CENTRES_UM,
        core_m2=float(np.count_nonzero(core)) * tile.grid.gsd_m**2,
    )


def _fire(
    tile: Tile,
    context: Context,
    hot: NDArray[np.bool_],
    scar: _Scar | None,
    share: float,
) -> Finding:
    """Say where it burns: the area is that of the hot cells."""
    spots = _spots(tile, hot)
    measured = extent(tile, hot, np.zeros_like(hot))  # what hides the ground hides no heat
    swir22 = tile.numbers[tile.band_names.index("swir22")]
    ring = grown(hot, _RING_CELLS) & ~grown(hot, _JOINED_CELLS)
    ground, level = (SCALE * float(np.median(swir22[part])) for part in (ring, hot))
    measures = _fire_measures(tile, spots, scar)
    evidence = Evidence(
        event="fire",
        area_km2=measured.area_km2,
        area_sigma_km2=measured.area_sigma_km2,
        parts=len(spots),
        contrast=(level - ground) / (level + ground),
        cloud_edge_share=0.0,
        spoilt_share=measured.spoilt_share,
        clear_share=share,
        measures=measures,
    )
    power = next((m for m in measures if m.name == "fire_power"), None)
    burning = "" if power is None else f", about {power.value:.0f} MW"
    one = "fire" if len(spots) == 1 else "fires"
    return Finding(
        clear_share=share,
        evidence=evidence,
        area=hot,
        confidence=min(1.0, max(0.0, evidence.contrast) / 0.3) * _sure(measured),
        severity=_power_severity(power),
        headline=f"Fire at {context.target}: {len(spots)} {one} burning{burning}",
        details=_details(tile, spots),
    )


def _burnt(
    tile: Tile,
    context: Context,
    scar: _Scar,
    unseen: NDArray[np.bool_],
    share: float,
) -> Finding:
    """Say where it burnt, with nothing burning any more."""
    measured = extent(tile, scar.area, unseen, edge_sigma=_SCAR_SIGMA)
    evidence = Evidence(
        event="burn_scar",
        area_km2=measured.area_km2,
        area_sigma_km2=measured.area_sigma_km2,
        parts=measured.parts,
        contrast=scar.contrast,
        cloud_edge_share=measured.cloud_edge_share,
        spoilt_share=measured.spoilt_share,
        clear_share=share,
        measures=(Measure(name="compared_share", value=scar.compared_share, sigma=0.0, unit="1"),),
    )
    sure = _sure(measured) * (1.0 - 0.5 * measured.cloud_edge_share)
    clear = min(1.0, max(0.0, scar.contrast) / 0.3)
    return Finding(
        clear_share=share,
        evidence=evidence,
        area=scar.area,
        confidence=clear * sure * trust(scar.compared_share, _UNCOMPARED),
        severity=severity(measured.area_km2),
        headline=f"Burnt ground at {context.target}: {measured.area_km2:.1f} km²",
    )


def _fire_measures(tile: Tile, spots: list[_Spot], scar: _Scar | None) -> tuple[Measure, ...]:
    measures = []
    powers = [spot.power for spot in spots if spot.power is not None]
    if powers:
        total = sum(power.power_mw for power in powers)
        sigma = float(np.sqrt(sum(power.power_sigma_mw**2 for power in powers)))
        measures.append(Measure(name="fire_power", value=total, sigma=sigma, unit="MW"))
    if scar is not None:
        burnt = extent(tile, scar.area, hidden(tile), edge_sigma=_SCAR_SIGMA)
        measures.append(
            Measure(name="burnt_area", value=burnt.area_km2, sigma=burnt.area_sigma_km2, unit="km2")
        )
    return tuple(measures)


def _details(tile: Tile, spots: list[_Spot]) -> tuple[Mapping[str, Any], ...]:
    """Return each fire's place and power, ready for JSON."""
    longitude, latitude = tile.grid.longitudes_latitudes(
        [spot.row for spot in spots], [spot.column for spot in spots]
    )
    details = []
    for spot, lon, lat in zip(spots, longitude, latitude, strict=True):
        one: dict[str, Any] = {
            "longitude_deg": round(float(lon), 5),
            "latitude_deg": round(float(lat), 5),
            "cells": spot.cells,
            "saturated": spot.saturated,
        }
        if spot.power is not None:
            one |= {
                "power_mw": round(spot.power.power_mw, 2),
                "power_sigma_mw": round(spot.power.power_sigma_mw, 2),
                "temperature_k": round(spot.power.temperature_k),
                "temperature_sigma_k": round(spot.power.temperature_sigma_k),
                "fire_area_m2": round(spot.power.area_m2),
                "fire_area_sigma_m2": round(spot.power.area_sigma_m2),
            }
        details.append(one)
    return tuple(details)


def _sure(measured: Extent) -> float:
    return max(0.0, 1.0 - measured.area_sigma_km2 / measured.area_km2)


def _power_severity(power: Measure | None) -> Severity:
    """Return how severe a fire is; one whose power cannot be told is at least moderate."""
    if power is None:
        return "Moderate"
    return next((name for least, name in _SEVERITIES if power.value >= least), "Minor")
