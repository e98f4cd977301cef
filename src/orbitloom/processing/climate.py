"""The climate application: lake area, snow line and greenness of regions, as series.

Water by McFeeters' index (1996, International Journal of Remote Sensing 17), snow by that of Hall,
Riggs & Salomonson (1995, Remote Sensing of Environment 54), the regional snow line after Krajci et
al. (2014, Journal of Hydrology 519). See docs/design/apps-agriculture-climate.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from orbitloom.errors import InputFileError
from orbitloom.processing.apps import Context, Evidence, Finding, Measure, Severity
from orbitloom.processing.blocks import block_sums
from orbitloom.processing.indices import layers
from orbitloom.processing.l3 import Grid, Tile
from orbitloom.processing.morphology import grown
from orbitloom.processing.regions import SHORE_SIGMA, OpticalApp, extent
from orbitloom.processing.seasons import courses, read_history
from orbitloom.processing.terrain import heights_on_rows
from orbitloom.processing.zones import Patch, Zone, patch, read_zones
from orbitloom.wire.briefing import Terrain

__all__ = ["KINDS", "ClimateApp"]

KINDS = {
    "lake": ("lake_area", "km2", "lake_change"),
    "snow": ("snow_line", "m", "snow_change"),
    "greenness": ("greenness", "1", "greenness_change"),
}
"""Of each kind of region: the series' quantity, its unit (UCUM), and the event of a change."""

_BLOCK_M = 40.0  # of what is said of hidden ground
_HIDDEN_LAKE = 0.20
"""How wrong the filling of a hole is, for one whose rim is half water; set on seeds 100-102."""
_PURE = 0.2
_NDVI_SIGMA = 0.015  # of calibration and air, common to all cells: an estimate
_COVER_SIGMA = 0.035  # of mixed, shaded and wooded cells; set on seeds 100-111
_HALF_SNOW_GREEN = 0.40
_LINE_SIGMA_M = 12.0  # heights to 4 m, woods that hide snow, mixed cells: an estimate
_LINE_CELL_M, _LINE_SQUARES, _LEAST_SQUARES = 25.0, 4, 3
_SNOW_INDEX, _SNOW_NIR, _SNOW_VISIBLE = 0.4, 0.11, 0.35
_WOODED = 0.55  # NDVI beyond which plants may hide what lies below
_CLEAR_PER_SIGMA = 0.1 / 3.0  # three sigma are just clear
_SHARES: tuple[tuple[float, Severity], ...] = (
    (0.5, "Extreme"),
    (0.25, "Severe"),
    (0.1, "Moderate"),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Measured:
    """A region as measured: the series' points, the first its own; where on the patch it lies."""

    points: tuple[Measure, ...]
    where: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Change:
    """A region that is not as expected."""

    zone: Zone
    place: Patch
    measured: _Measured
    expected: float
    expected_sigma: float

    @property
    def change(self) -> float:
        return self.measured.points[0].value - self.expected

    @property
    def sigma(self) -> float:
        return float(np.hypot(self.measured.points[0].sigma, self.expected_sigma))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClimateApp(OpticalApp):
    """Keeps series of regions, and tells of changes.

    Parameters
    ----------
    least_seen
        With a smaller share of a region in clear view its series has no point.
    cloud_margin_m
        Cells nearer to cloud or shadow are not trusted: both are soft.
    least_sigmas
        A change has to exceed its uncertainty, that of the history included, so many times.
    """

    name: str = "climate"
    version: str = "1"
    requires: tuple[str, ...] = ("green", "red", "nir")
    least_seen: float = 0.5
    cloud_margin_m: float = 30.0
    least_sigmas: float = 3.0
    least_clear_share: float = 0.05

    def analyse(self, tile: Tile, context: Context) -> Finding:
        """Return a point of each region's series, and the clearest change.

        A region that is hidden has no point; if all are, the finding says why.

        Raises
        ------
        InputFileError
            If the briefing's regions cannot be understood.
        """
        unseen, share, reason = self.view(tile)
        zones = read_zones(context.briefing.regions, tile.grid, "regions of the briefing")
        for zone in zones:
            _kind(zone)
        if reason is not None:
            return Finding(clear_share=share, reason=reason)
        index = layers(tile, "climate")
        seen = ~grown(unseen, round(self.cloud_margin_m / tile.grid.gsd_m))
        series: list[Measure] = []
        changes: list[_Change] = []
        for zone in zones:
            place = patch(zone, tile.grid)
            if place is None:
                continue
            part = (place.rows, place.columns)
            visible = float((place.share * seen[part]).sum(dtype=np.float64))
            if place.inside * visible < self.least_seen * float(place.share.sum(dtype=np.float64)):
                continue
            cut = {name: layer[part] for name, layer in index.items()}
            measured = _measure(zone, tile, place, seen[part], cut, context.briefing.terrain)
            if measured is None:
                continue
            series.extend(measured.points)
            history = read_history(
                zone.properties.get("history"), context.sensed_ns, zone.identifier
            )
            usual = courses([history], 0.0)
            own_unit = zone.properties.get("unit", _kind(zone)[1])
            if np.isnan(usual.values[0]) or measured.points[0].unit != own_unit:
                continue
            change = _Change(
                zone=zone,
                place=place,
                measured=measured,
                expected=float(usual.values[0]),
                expected_sigma=float(usual.sigmas[0]),
            )
            if abs(change.change) > self.least_sigmas * change.sigma and measured.where.any():
                changes.append(change)
        if not changes:
            hidden_all = bool(zones) and not series
            return Finding(
                clear_share=share, reason="cloud" if hidden_all else None, series=tuple(series)
            )
        # Snow and water change how green a region is: they are the cause.
        changes.sort(
            key=lambda change: (
                change.zone.properties["kind"] == "greenness",
                -abs(change.change) / change.sigma,
            )
        )
        return _alert(tile, context, unseen, share, changes, tuple(series))


def _kind(zone: Zone) -> tuple[str, str, str]:
    kind = zone.properties.get("kind")
    if kind not in KINDS:
        raise InputFileError(
            f"the region is of kind {kind!r}",
            where=f"regions of the briefing, {zone.identifier}",
            way_out=f"There are: {', '.join(KINDS)}",
        )
    return KINDS[kind]


def _measure(
    zone: Zone,
    tile: Tile,
    place: Patch,
    seen: NDArray[np.bool_],
    index: dict[str, NDArray[np.float32]],
    terrain: Terrain | None,
) -> _Measured | None:
    kind = zone.properties["kind"]
    if kind == "lake":
        return _lake(zone, tile, place, seen, index)
    if kind == "snow":
        return _snow(zone, tile, place, seen, index, terrain)
    return _greenness(zone, tile, place, seen, index["ndvi"])


def _point(zone: Zone, value: float, sigma: float, quantity: str = "", unit: str = "") -> Measure:
    own, own_unit, _ = _kind(zone)
    return Measure(
        name=f"{quantity or own}:{zone.identifier}",
        value=value,
        sigma=sigma,
        unit=unit or own_unit,
    )


def _lake(
    zone: Zone,
    tile: Tile,
    place: Patch,
    seen: NDArray[np.bool_],
    index: dict[str, NDArray[np.float32]],
) -> _Measured:
    """Return the open water in a region: shares of cells at the shore, filled where hidden."""
    part = (place.rows, place.columns)
    red, nir = (
        tile.numbers[tile.band_names.index(name)][part].astype(np.float32)
        for name in ("red", "nir")
    )
    water = index["ndwi"] > 0.0
    if "ndsi" in index:  # the same index as MNDWI
        water = (index["ndsi"] > 0.0) & (nir < red)
    water &= seen
    shore = grown(water, 2) & grown(~water, 2) & seen
    land, deep = grown(water, 4) & ~grown(water, 2) & seen, water & ~shore
    wet = water.astype(np.float32)
    if land.any() and deep.any():
        dry, dark = float(np.median(nir[land])), float(np.median(nir[deep]))
        mixed = (dry - nir[shore]) / max(dry - dark, 1.0)
        # Land is no single shade: small and large shares are none and all.
        wet[shore] = np.clip((mixed - _PURE) / (1.0 - 2.0 * _PURE), 0.0, 1.0)
    area, variance = _filled(wet, seen, place, tile.grid)
    edge = np.count_nonzero(water & grown(~water, 1))
    variance += edge / 12.0 + (SHORE_SIGMA * edge) ** 2
    km2 = tile.grid.cell_km2
    return _Measured(
        points=(_point(zone, area * km2, float(np.sqrt(variance)) * km2),),
        where=water & (place.share > 0.5),
    )


def _filled(
    wet: NDArray[np.float32], seen: NDArray[np.bool_], place: Patch, grid: Grid
) -> tuple[float, float]:
    """Return how many cells of a region are covered, and the variance that hiding leaves.

    Hidden ground has the share of the nearest seen block. How wrong that is goes with how mixed
    the hole's rim is: sqrt(p (1 - p)) of its area; at least 0.02, for a rim does not tell all.
    """
    size = max(1, round(_BLOCK_M / grid.gsd_m))
    held = block_sums(place.share, size)
    open_ = block_sums(place.share * seen, size)
    covered = block_sums(place.share * seen * wet, size)
    total = float(covered.sum())
    known = open_ > 0.5 * np.maximum(held, 1e-6)
    ratio = covered / np.maximum(open_, 1e-6)
    gone = held - open_
    variance = 0.0
    if known.any() and gone.any():
        _, (rows, columns) = ndimage.distance_transform_edt(~known, return_indices=True)
        total += float((gone * ratio[rows, columns]).sum())
        holes, _ = ndimage.label(gone > 0.5)
        for number, box in enumerate(ndimage.find_objects(holes), start=1):
            around = tuple(slice(max(side.start - 1, 0), side.stop + 1) for side in box)
            mine = holes[around] == number
            rim = grown(mine, 1) & known[around]
            mixed = float(ratio[around][rim].mean()) if rim.any() else 0.5
            doubt = 2.0 * _HIDDEN_LAKE * np.sqrt(mixed * (1.0 - mixed)) + 0.02
            variance += float((gone[around][mine].sum() * doubt) ** 2)
    outside = float(held.sum()) * (1.0 / place.inside - 1.0)
    mean = total / max(float(held.sum()), 1.0)
    return total + outside * mean, variance + (outside * 0.5) ** 2


def _snow(
    zone: Zone,
    tile: Tile,
    place: Patch,
    seen: NDArray[np.bool_],
    index: dict[str, NDArray[np.float32]],
    terrain: Terrain | None,
) -> _Measured | None:
    """Return the height of the snow line, if terrain and the ground tell it, and the cover."""
    part = (place.rows, place.columns)
    nir = tile.band("nir")[part]
    if "ndsi" in index:
        snow = (index["ndsi"] > _SNOW_INDEX) & (nir > _SNOW_NIR)
    else:
        visible = (tile.band("green")[part] + tile.band("red")[part]) / 2.0
        snow = (visible > _SNOW_VISIBLE) & (nir > _SNOW_VISIBLE)
    snow &= seen
    # Woods hide what lies below them: covered is what is bright as if at least half were snow.
    covered = snow & (tile.band("green")[part] > _HALF_SNOW_GREEN)
    count, variance = _filled(covered.astype(np.float32), seen, place, tile.grid)
    whole = float(place.share.sum(dtype=np.float64)) / place.inside
    cover = _point(
        zone,
        min(count / whole, 1.0),
        float(np.hypot(np.sqrt(variance) / whole, _COVER_SIGMA)),
        "snow_cover",
        "1",
    )
    where = snow & (place.share > 0.5)
    if terrain is None:
        return _Measured(points=(cover,), where=where)
    step = max(1, round(_LINE_CELL_M / tile.grid.gsd_m))
    east_m, north_m = tile.grid.centres(
        np.arange(place.rows.start, place.rows.stop, step),
        np.arange(place.columns.start, place.columns.stop, step),
    )
    height_m = heights_on_rows(terrain, tile.grid.epsg, east_m, north_m)
    thin = (slice(None, None, step), slice(None, None, step))
    usable = seen[thin] & (place.share[thin] > 0.5) & ~(index["ndvi"][thin] > _WOODED)
    usable &= ~((index["ndwi"][thin] > 0.0) & ~snow[thin])
    line = _line(height_m[usable], snow[thin][usable])
    squares = _square_lines(height_m, snow[thin], usable)
    if line is None or len(squares) < _LEAST_SQUARES:
        return _Measured(points=(cover,), where=where)
    scatter = float(np.std(squares, ddof=1)) / np.sqrt(len(squares))
    own = _point(zone, line, float(np.hypot(scatter, _LINE_SIGMA_M)))
    return _Measured(points=(own, cover), where=where)


def _line(height_m: NDArray[np.float32], snow: NDArray[np.bool_]) -> float | None:
    """Return the height with the least snow below it and bare ground above it; None without both.

    Where the minimum is flat its middle is taken.
    """
    least = max(20, snow.size // 100)
    if np.count_nonzero(snow) < least or np.count_nonzero(~snow) < least:
        return None
    order = np.argsort(height_m, kind="stable")
    white = snow[order]
    wrong = np.cumsum(white) + np.count_nonzero(~white) - np.cumsum(~white)
    best = np.flatnonzero(wrong == wrong.min())
    heights = height_m[order]
    return float((heights[best[0]] + heights[best[-1]]) / 2.0)


def _square_lines(
    height_m: NDArray[np.float32], snow: NDArray[np.bool_], usable: NDArray[np.bool_]
) -> list[float]:
    """Return the lines of the region's squares, 4 x 4 of them: how much it differs by place."""
    found = []
    for rows in np.array_split(np.arange(height_m.shape[0]), _LINE_SQUARES):
        for columns in np.array_split(np.arange(height_m.shape[1]), _LINE_SQUARES):
            part = np.ix_(rows, columns)
            mine = usable[part]
            line = _line(height_m[part][mine], snow[part][mine])
            if line is not None:
                found.append(line)
    return found


def _greenness(
    zone: Zone,
    tile: Tile,
    place: Patch,
    seen: NDArray[np.bool_],
    ndvi: NDArray[np.float32],
) -> _Measured | None:
    """Return the mean NDVI; what is hidden is as the seen blocks are, and scatters as they do."""
    clear = seen & ~np.isnan(ndvi)
    size = max(1, round(_BLOCK_M / tile.grid.gsd_m))
    weight = block_sums(place.share * clear, size)
    total = block_sums(place.share * np.where(clear, ndvi, np.float32(0.0)), size)
    visible = float(weight.sum())
    if visible == 0.0:
        return None
    mean = float(total.sum()) / visible
    full = weight > 0.5 * size**2
    scatter = float(np.std(total[full] / weight[full])) if full.any() else 0.3
    whole = float(place.share.sum(dtype=np.float64)) / place.inside
    # Blocks resemble their neighbours over some 300 m: 49 blocks count as one.
    alone = max(float(np.count_nonzero(full)) / 49.0, 1.0)
    lost = max(1.0 - visible / whole, 0.0)
    sigma = float(np.hypot(_NDVI_SIGMA, scatter * np.sqrt(lost / alone)))
    return _Measured(points=(_point(zone, mean, sigma),), where=clear & (place.share > 0.5))


def _alert(
    tile: Tile,
    context: Context,
    unseen: NDArray[np.bool_],
    share: float,
    changes: list[_Change],
    series: tuple[Measure, ...],
) -> Finding:
    """Return the alert on the clearest change; the details tell of all."""
    first = changes[0]
    quantity, unit, event = _kind(first.zone)
    area = np.zeros(tile.grid.shape, np.bool_)
    area[first.place.rows, first.place.columns] = first.measured.where
    size = extent(tile, area, unseen)
    sigmas = abs(first.change) / first.sigma
    part = abs(first.change) / (1000.0 if unit == "m" else max(abs(first.expected), 1e-6))
    now = first.measured.points[0]
    shown = "" if unit == "1" else f" {unit.replace('km2', 'km²')}"
    digits = {"m": 0, "km2": 1, "1": 2}[unit]
    return Finding(
        clear_share=share,
        evidence=Evidence(
            event=event,
            area_km2=size.area_km2,
            area_sigma_km2=size.area_sigma_km2,
            parts=size.parts,
            contrast=_CLEAR_PER_SIGMA * sigmas,
            cloud_edge_share=size.cloud_edge_share,
            spoilt_share=size.spoilt_share,
            clear_share=share,
            measures=(
                Measure(name=quantity, value=now.value, sigma=now.sigma, unit=unit),
                Measure(
                    name="expected", value=first.expected, sigma=first.expected_sigma, unit=unit
                ),
                Measure(name="change", value=first.change, sigma=first.sigma, unit=unit),
            ),
        ),
        area=area,
        confidence=float(1.0 - np.exp(-0.5 * (sigmas - 1.0))),
        severity=next((name for least, name in _SHARES if part >= least), "Minor"),
        headline=f"{quantity.replace('_', ' ').capitalize()} at {context.target}: "
        f"{now.value:.{digits}f}{shown}, {abs(first.change):.{digits}f}{shown} "
        f"{'more' if first.change > 0 else 'less'} than expected",
        details=tuple(
            {
                "id": change.zone.identifier,
                "kind": change.zone.properties["kind"],
                "value": round(change.measured.points[0].value, 4),
                "expected": round(change.expected, 4),
                "sigmas": round(change.change / change.sigma, 1),
                "longitude_deg": change.zone.longitude_deg,
                "latitude_deg": change.zone.latitude_deg,
            }
            for change in changes
        ),
        series=series,
    )
