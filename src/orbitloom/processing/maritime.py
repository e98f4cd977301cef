"""The maritime application: vessels, and which of them are silent on AIS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from rasterio.transform import Affine
from rasterio.warp import transform_geom
from scipy import ndimage
from shapely.geometry import shape

from orbitloom.processing.ais_match import Identity, match, predict
from orbitloom.processing.apps import Context, Evidence, Finding, Measure, Severity
from orbitloom.processing.l2 import CLOUD, NO_DATA, SPOILT, WATER
from orbitloom.processing.l3 import Grid, Tile
from orbitloom.processing.morphology import grown, large
from orbitloom.processing.regions import OpticalApp
from orbitloom.processing.vessels import Vessel, find_vessels, hulls
from orbitloom.wire.briefing import WATER_STEPS, WATER_UNKNOWN, Baseline

__all__ = ["MaritimeApp", "land_cells", "sea_cells", "static_cells"]

_LARGEST_SHIP_M2 = 40_000.0  # with foam and the masks' margins; what is larger is land or cloud
_LEAST_SEA_KM2 = 1.0
_CLEAR_CONTRAST = 0.15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaritimeApp(OpticalApp):
    """Vessels at sea, matched with AIS; those without are the alert.

    Parameters
    ----------
    least_length_cells
        Shorter vessels are told of, but are no alert: 4 cells are 20 m at 5 m.
    shore_m
        Nearer to land nothing is looked for: breakers, piers, rocks.
    """

    name: str = "maritime"
    version: str = "1"
    requires: tuple[str, ...] = ("green", "nir")
    least_length_cells: float = 4.0
    shore_m: float = 60.0

    def analyse(self, tile: Tile, context: Context) -> Finding:
        """Return the vessels that are silent on AIS, or why it cannot be said.

        The share that is clear is that of the sea where it is known, else that of the footprint.
        """
        footprint = (tile.mask & NO_DATA) == 0
        hidden = _hidden(tile)
        seen = float(np.count_nonzero(footprint & ~hidden))
        clear_share = seen * tile.imaged_share / max(float(np.count_nonzero(footprint)), 1.0)
        if tile.sun_elevation_deg < self.least_sun_elevation_deg:
            return Finding(clear_share=clear_share, reason="night")
        briefing = context.briefing
        land = land_cells(tile.grid, briefing.land, self.shore_m)
        water = sea_cells(tile, land, briefing.baseline, self.shore_m)
        sea = water & ~hidden
        if land is not None:
            whole = float(np.count_nonzero(footprint & ~land))
            clear_share = float(np.count_nonzero(sea)) * tile.imaged_share / max(whole, 1.0)
        vessels = find_vessels(tile, sea, static_cells(tile.grid, briefing.baseline))
        identities = match(vessels, predict(context.ais, context.sensed_ns))
        series = _series(vessels, identities, float(np.count_nonzero(sea)) * tile.grid.cell_km2)
        details = _details(vessels, identities)
        least_m = self.least_length_cells * tile.grid.gsd_m
        dark = tuple(
            vessel
            for vessel, identity in zip(vessels, identities, strict=True)
            if identity.state == "dark" and vessel.length_m >= least_m
        )
        if dark:
            evidence = _evidence(tile, dark, clear_share)
            return Finding(
                clear_share=clear_share,
                evidence=evidence,
                area=_around(hulls(dark, tile.grid)),
                confidence=_confidence(evidence, dark),
                severity=_severity(dark),
                headline=_headline(context.target, dark, len(vessels)),
                details=details,
                series=series,
            )
        reason = self.why_silent(tile, clear_share)
        return Finding(clear_share=clear_share, reason=reason, details=details, series=series)


def _hidden(tile: Tile) -> NDArray[np.bool_]:
    """Return what cannot be seen: no data, and cloud that is larger than a ship.

    A white ship is cloud to a cloud test; what is no larger than one is looked at.
    """
    cloud = (tile.mask & CLOUD) != 0
    return np.asarray(((tile.mask & NO_DATA) != 0) | _larger(cloud, tile.grid))


def _larger(mask: NDArray[np.bool_], grid: Grid) -> NDArray[np.bool_]:
    """Return the mask without parts that a ship could be."""
    most_cells = _LARGEST_SHIP_M2 / (grid.cell_km2 * 1e6)
    return large(mask, np.floor(most_cells) + 1.0, corners=True)


def land_cells(
    grid: Grid, land: Mapping[str, Any] | None, shore_m: float
) -> NDArray[np.bool_] | None:
    """Return the cells on land or within `shore_m` of it, (rows, columns); None if not known.

    Parameters
    ----------
    land
        GeoJSON geometry in longitude and latitude, as in `Briefing.land`.
    """
    if land is None:
        return None
    projected = shape(transform_geom("EPSG:4326", f"EPSG:{grid.epsg}", dict(land)))
    if projected.is_empty:
        return np.zeros(grid.shape, np.bool_)
    with_shore = projected.buffer(shore_m)
    return np.asarray(
        geometry_mask(
            [with_shore], grid.shape, Affine(*grid.transform), all_touched=True, invert=True
        )
    )


def sea_cells(
    tile: Tile,
    land: NDArray[np.bool_] | None,
    baseline: Baseline | None,
    shore_m: float,
) -> NDArray[np.bool_]:
    """Return where the sea is, vessels on it included, (rows, columns).

    The first that is known of: not land; what the baseline holds for water most of the time; what
    the tile's mask holds for water. The last two go in from the shore by `shore_m` as well, and
    take in whatever is no larger than a ship.
    """
    if land is not None:
        return np.asarray(~land)
    usual = (
        None if baseline is None else _on_grid(baseline, baseline.water, tile.grid, WATER_UNKNOWN)
    )
    if usual is not None and np.any(usual != WATER_UNKNOWN):
        dry = usual < WATER_STEPS // 2
        dry |= (usual == WATER_UNKNOWN) & ((tile.mask & WATER) == 0)
    else:
        dry = (tile.mask & (WATER | CLOUD | NO_DATA)) == 0
    shore = _larger(dry, tile.grid)
    cells = max(round(shore_m / tile.grid.gsd_m), 1)
    near = ndimage.distance_transform_edt(~shore) <= cells if shore.any() else shore
    sea: NDArray[np.bool_] = ~near & ((tile.mask & NO_DATA) == 0)
    return large(sea, _LEAST_SEA_KM2 / 4.0 / tile.grid.cell_km2)


def static_cells(grid: Grid, baseline: Baseline | None) -> NDArray[np.bool_] | None:
    """Return where something usually stands in the water: platforms, rocks, moorings.

    Where the baseline's near infrared is brighter than the water around it by more than any water
    is, grown by a cell of the baseline; None without a baseline.
    """
    if baseline is None or "nir" not in baseline.band_names:
        return None
    nir = baseline.median[baseline.band_names.index("nir")].astype(np.float32)
    seen = nir > 0
    if not seen.any():
        return None
    # A window of 640 m: the lower quartile is water wherever water is a quarter of it.
    size = max(3, 2 * round(320.0 / baseline.transform[0]) + 1)
    coarse = ndimage.percentile_filter(nir[::4, ::4], 25, size=max(3, size // 4))
    around = np.kron(coarse, np.ones((4, 4), np.float32))[: nir.shape[0], : nir.shape[1]]
    stands = seen & (nir - around > 150.0)
    return np.asarray(_on_grid(baseline, grown(stands, 1).astype(np.uint8), grid, 0) != 0)


def _on_grid(
    baseline: Baseline, values: NDArray[np.uint8], grid: Grid, beyond: int
) -> NDArray[np.uint8]:
    """Return a layer of the baseline on the tile's grid, nearest neighbour."""
    result = np.full(grid.shape, beyond, np.uint8)
    if baseline.epsg != grid.epsg:
        return result
    east_m, north_m = grid.centres(np.arange(grid.shape[0]), np.arange(grid.shape[1]))
    base_a, _, base_west, _, base_e, base_north = baseline.transform
    columns = np.floor((east_m - base_west) / base_a).astype(np.intp)
    rows = np.floor((north_m - base_north) / base_e).astype(np.intp)
    good_rows = (rows >= 0) & (rows < values.shape[0])
    good_columns = (columns >= 0) & (columns < values.shape[1])
    result[np.ix_(good_rows, good_columns)] = values[np.ix_(rows[good_rows], columns[good_columns])]
    return result


def _around(area: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return hulls with two cells of sea around: an outline that can be seen."""
    return grown(area, 2)


def _details(
    vessels: tuple[Vessel, ...], identities: tuple[Identity, ...]
) -> tuple[Mapping[str, Any], ...]:
    """Return a mapping a vessel, the dark first and the long before the short."""
    order = {"dark": 0, "ambiguous": 1, "none heard": 2, "matched": 3}
    pairs = sorted(
        zip(vessels, identities, strict=True),
        key=lambda pair: (order[pair[1].state], -pair[0].length_m),
    )
    details = []
    for vessel, identity in pairs:
        detail: dict[str, Any] = {
            "ais": identity.state,
            "longitude_deg": round(vessel.longitude_deg, 5),
            "latitude_deg": round(vessel.latitude_deg, 5),
            "position_sigma_m": round(vessel.position_sigma_m, 1),
            "length_m": round(vessel.length_m),
            "length_sigma_m": round(vessel.length_sigma_m, 1),
            "width_m": round(vessel.width_m),
            "heading_deg": round(vessel.heading_deg) % 360,
            "heading_sigma_deg": round(vessel.heading_sigma_deg, 1),
            "heading_known": vessel.heading_known,
        }
        if identity.report is not None:
            detail["mmsi"] = identity.report.mmsi
            if identity.state == "matched" and identity.report.speed_kn is not None:
                detail["speed_kn"] = round(identity.report.speed_kn, 1)
            if identity.state == "matched" and identity.report.course_deg is not None:
                detail["course_deg"] = round(identity.report.course_deg, 1)
        details.append(detail)
    return tuple(details)


def _series(
    vessels: tuple[Vessel, ...], identities: tuple[Identity, ...], sea_km2: float
) -> tuple[Measure, ...]:
    """Return what was counted, whether or not it is an alert; a count's sigma is its root."""

    def count(name: str, number: int) -> Measure:
        return Measure(name=name, value=float(number), sigma=float(np.sqrt(number)), unit="1")

    states = [identity.state for identity in identities]
    return (
        count("vessels", len(vessels)),
        count("vessels_matched", states.count("matched")),
        count("vessels_dark", states.count("dark")),
        Measure(name="sea_searched", value=sea_km2, sigma=0.0, unit="km2"),
    )


def _evidence(tile: Tile, dark: tuple[Vessel, ...], clear_share: float) -> Evidence:
    """Measure the dark vessels: area is that of their hulls."""
    areas = np.array([vessel.length_m * vessel.width_m for vessel in dark])
    width_sigma_m = 0.35 * tile.grid.gsd_m
    sigmas = np.array(
        [np.hypot(v.length_sigma_m * v.width_m, width_sigma_m * v.length_m) for v in dark]
    )
    cells = _around(hulls(dark, tile.grid))
    cloud = _larger((tile.mask & CLOUD) != 0, tile.grid)
    near = grown(cloud, 3)
    touched = [bool(near[round(v.row), round(v.column)]) for v in dark]
    longest = max(dark, key=lambda vessel: vessel.length_m)
    return Evidence(
        event="dark_vessel",
        area_km2=float(areas.sum()) * 1e-6,
        area_sigma_km2=float(np.sqrt(np.sum(sigmas**2))) * 1e-6,
        parts=len(dark),
        contrast=float(np.median([vessel.contrast for vessel in dark])) / _CLEAR_CONTRAST * 0.3,
        cloud_edge_share=float(np.mean(touched)),
        spoilt_share=float(np.mean((tile.mask[cells] & SPOILT) != 0)),
        clear_share=clear_share,
        measures=(
            Measure(
                name="longest",
                value=longest.length_m,
                sigma=longest.length_sigma_m,
                unit="m",
            ),
        ),
    )


def _confidence(evidence: Evidence, dark: tuple[Vessel, ...]) -> float:
    """Return 0 to 1: clear in contrast, measured well, not beside cloud."""
    clear = min(1.0, max(0.0, evidence.contrast) / 0.3)
    sharp = float(np.mean([max(0.0, 1.0 - v.length_sigma_m / v.length_m) for v in dark]))
    return clear * sharp * (1.0 - 0.5 * evidence.cloud_edge_share)


def _severity(dark: tuple[Vessel, ...]) -> Severity:
    return "Moderate" if max(vessel.length_m for vessel in dark) >= 100.0 else "Minor"


def _headline(target: str, dark: tuple[Vessel, ...], seen: int) -> str:
    longest = max(dark, key=lambda vessel: vessel.length_m)
    noun = "vessel" if len(dark) == 1 else "vessels"
    return (
        f"{len(dark)} {noun} without AIS at {target}, the longest "
        f"{longest.length_m:.0f} ± {longest.length_sigma_m:.0f} m; {seen} seen in all"
    )
