"""What people on the ground know of a synthetic place: its fields, its regions, its coast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes
from rasterio.transform import Affine
from scipy import ndimage

from orbitloom.world.synthetic_noise import parcel_edge, row_shift
from orbitloom.world.synthetic_paint import (
    CROPS,
    PARISH_M,
    field_ndvi,
    field_traits,
    parish_parcels,
    parish_turn,
)
from orbitloom.world.synthetic_season import PHASES, crop_ndvi, leaf_share, local_day

if TYPE_CHECKING:
    from orbitloom.world.synthetic import SyntheticWorld

__all__ = ["draw_fields", "draw_land", "draw_regions"]

_FIELDS_M, _STEP_M = 3_500.0, 20.0
_ROAD_M, _MARGIN_M = 5.0, 8.0
_SMALLEST_HA, _WHOLE = 1.0, 0.85
_LAND_M, _LAND_STEP_M = 16_000.0, 50.0
_LOOKS_DAYS = np.arange(-110, -8, 8)
_NDVI_SIGMA = 0.02
_GREEN_M = 1_000.0


def draw_fields(world: SyntheticWorld) -> Mapping[str, Any]:
    """Return whole fields within 3.5 km, 8 m inside their edges, with this season's looks."""
    east, north = _grid(world, _FIELDS_M, _STEP_M)
    numbers, counts = np.unique(world.truth(east, north).field_id, return_counts=True)
    features = []
    for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        if number == 0:
            continue
        shape, traits = _field(world, number)
        full = shape.buffer(-_MARGIN_M)
        if full.geom_type != "Polygon" or full.area < _SMALLEST_HA * 1e4:
            continue
        if count * _STEP_M**2 < _WHOLE * shape.area:  # a wood or a road takes the rest
            continue
        features.append(
            {
                "type": "Feature",
                "id": f"field-{number}",
                "geometry": _geojson(world, full),
                "properties": {
                    "crop": CROPS[int(traits[0])],
                    "season": _season(world, number, traits),
                },
            }
        )
    return {"type": "FeatureCollection", "features": features}


def draw_land(world: SyntheticWorld) -> Mapping[str, Any]:
    """Return all that is not sea within 16 km, outlines to about 40 m."""
    east, north = _grid(world, _LAND_M, _LAND_STEP_M)
    mask = np.ascontiguousarray(world.truth(east, north).land[::-1])
    parts = _outlines(world, mask, _LAND_M, _LAND_STEP_M)
    whole = shapely.unary_union([part.simplify(40.0) for part in parts])
    pieces = [part for part in shapely.get_parts(whole) if part.geom_type == "Polygon"]
    return _geojson(world, shapely.MultiPolygon(pieces))


def draw_regions(world: SyntheticWorld) -> Mapping[str, Any]:
    """Return the lake, the snow and the greenness regions that the place has, with history.

    History is of this season before today: `[day_of_year, value, sigma]`; lake in km2 of open
    water, snow in m (height of the snow line), greenness as mean NDVI.
    """
    rng = world.place.rng("regions")
    features = []
    if world.plan.lake:
        features.append(_lake(world, rng))
    if world.plan.mountain:
        line = world.usual.plan.snow_line_bent
        middle = shapely.box(*_square(world, 0.0, 0.0, 5_000.0))
        looks = [line + 25.0 * rng.standard_normal() for _ in _LOOKS_DAYS]
        features.append(_region(world, "snow", "m", middle, looks, 25.0))
    if {"red", "nir"} <= set(world.bands):
        for number in range(3):
            de, dn = _green_square(world, rng)
            middle = shapely.box(*_square(world, de, dn, _GREEN_M))
            values = [value + 0.01 * rng.standard_normal() for value in _greenness(world, de, dn)]
            features.append(
                _region(world, "greenness", "1", middle, values, 0.012, name=f"greenness-{number}")
            )
    return {"type": "FeatureCollection", "features": features}


def _field(world: SyntheticWorld, number: int) -> tuple[Any, tuple[float, ...]]:
    """Return a field's polygon in the zone, and crop, phase, vigour and bright soil."""
    look, code = world.look, number - 1
    pi = look.parish_east + ((code & 31) - 16)
    pj = look.parish_north + (((code >> 5) & 31) - 16)
    i, j = ((code >> 10) & 127) - 64, ((code >> 17) & 127) - 64
    parish = _trapezoid(pi, pj, *PARISH_M, look.seed + 100)
    c, s = parish_turn(pi, pj, look.seed)
    width, height, key = parish_parcels(pi, pj, look.seed)
    parcel = _trapezoid(i, j, width, height, key)
    u = parcel[:, 0] * c - parcel[:, 1] * s + pi * PARISH_M[0]
    w = parcel[:, 0] * s + parcel[:, 1] * c + pj * PARISH_M[1]
    ring = shapely.Polygon(np.column_stack([u, w]))
    inside = ring.intersection(shapely.Polygon(parish).buffer(-_ROAD_M))
    turned = shapely.transform(
        inside,
        lambda xy: np.column_stack(
            [
                xy[:, 0] * look.turn_cos - xy[:, 1] * look.turn_sin,
                xy[:, 0] * look.turn_sin + xy[:, 1] * look.turn_cos,
            ]
        ),
    )
    return turned, field_traits(i, j, key, look.dryness)


def _trapezoid(i: int, j: int, width: float, height: float, seed: int) -> NDArray[np.float64]:
    """Return the corners of a parcel as `synthetic_noise.parcel` cuts it."""
    shift = row_shift(j, width, seed)
    west, east = parcel_edge(i, j, width, seed), parcel_edge(i + 1, j, width, seed)
    south, north = j * height, (j + 1) * height
    return np.array(
        [
            [west[0] - shift, south],
            [east[0] - shift, south],
            [east[1] - shift, north],
            [west[1] - shift, north],
        ]
    )


def _season(world: SyntheticWorld, number: int, traits: tuple[float, ...]) -> list[list[float]]:
    """Return the earlier looks of this season; about half were clear."""
    crop, phase, own, bright = traits
    rng = world.place.rng("season", number)
    clear = rng.random(_LOOKS_DAYS.size) < 0.55
    noise = 0.75 * _NDVI_SIGMA * rng.standard_normal(_LOOKS_DAYS.size)
    season = []
    for ahead, seen, error in zip(_LOOKS_DAYS.tolist(), clear, noise, strict=True):
        day = world.place.local_day + ahead + phase - PHASES // 2
        value = field_ndvi(
            float(crop_ndvi(int(crop), day)), own, bright, world.look.green, world.look.red_nir
        )
        if seen:
            season.append(
                [
                    (world.place.day_of_year + ahead - 1) % 365 + 1,
                    round(float(value + error), 4),
                    _NDVI_SIGMA,
                ]
            )
    return season


def _lake(world: SyntheticWorld, rng: np.random.Generator) -> dict[str, Any]:
    reach_m, step_m = 7_000.0, 40.0
    east, north = _grid(world, reach_m, step_m)
    water = np.ascontiguousarray(world.usual.truth(east, north).water_permanent[::-1])
    parts, count = ndimage.label(water)
    sizes = ndimage.sum_labels(water, parts, np.arange(1, count + 1))
    lake = parts == 1 + int(np.argmax(sizes))
    hull = shapely.union_all(_outlines(world, lake, reach_m, step_m)).envelope.buffer(
        500.0, join_style="mitre"
    )
    inside = shapely.contains_xy(hull, east, north)[::-1]
    area = float((water & inside).sum()) * step_m**2 / 1e6
    sigma = 0.015 * area
    looks = [area + sigma * rng.standard_normal() for _ in _LOOKS_DAYS]
    return _region(world, "lake", "km2", hull, looks, sigma)


def _greenness(world: SyntheticWorld, de: float, dn: float) -> list[float]:
    """Return the usual mean NDVI of a square on the days of the earlier looks."""
    axis = np.arange(-_GREEN_M + 20.0, _GREEN_M, 40.0)
    east, north = np.meshgrid(world.east_m + de + axis, world.north_m + dn + axis)
    red, nir = world.bands.index("red"), world.bands.index("nir")
    values = []
    for ahead in _LOOKS_DAYS.tolist():
        day = local_day(world.place.day_of_year, world.target.latitude_deg, float(ahead))
        leaf = leaf_share(day, world.target.latitude_deg)
        rho = world.usual.on_day(day, leaf).surface(east, north).reflectance
        values.append(float(((rho[nir] - rho[red]) / (rho[nir] + rho[red])).mean()))
    return values


def _green_square(world: SyntheticWorld, rng: np.random.Generator) -> tuple[float, float]:
    """Return the middle of a square that holds the least water of eight drawn."""
    places = rng.uniform(-4e3, 4e3, (8, 2))
    axis = np.arange(-_GREEN_M, _GREEN_M + 1.0, 200.0)
    wet = [
        world.usual.truth(
            *np.meshgrid(world.east_m + de + axis, world.north_m + dn + axis)
        ).water.mean()
        for de, dn in places
    ]
    de, dn = places[int(np.argmin(wet))].tolist()
    return de, dn


def _region(
    world: SyntheticWorld,
    kind: str,
    unit: str,
    shape: Any,
    values: list[float],
    sigma: float,
    name: str = "",
) -> dict[str, Any]:
    days = (world.place.day_of_year + _LOOKS_DAYS - 1) % 365 + 1
    return {
        "type": "Feature",
        "id": name or kind,
        "geometry": _geojson(world, shape),
        "properties": {
            "kind": kind,
            "unit": unit,
            "history": [
                [day, round(value, 4), round(sigma, 4)]
                for day, value in zip(days.tolist(), values, strict=True)
            ],
        },
    }


def _grid(
    world: SyntheticWorld, reach_m: float, step_m: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    axis = np.arange(-reach_m + step_m / 2.0, reach_m, step_m)
    east, north = np.meshgrid(world.east_m + axis, world.north_m + axis)
    return east, north


def _square(
    world: SyntheticWorld, de: float, dn: float, half_m: float
) -> tuple[float, float, float, float]:
    e, n = world.east_m + de, world.north_m + dn
    return e - half_m, n - half_m, e + half_m, n + half_m


def _outlines(
    world: SyntheticWorld, mask: NDArray[np.bool_], reach_m: float, step_m: float
) -> list[Any]:
    """Return the polygons of a north-up mask of `_grid`, in the zone."""
    corner = Affine(step_m, 0.0, world.east_m - reach_m, 0.0, -step_m, world.north_m + reach_m)
    found = shapes(mask.astype(np.uint8), mask=mask, transform=corner)
    return [shapely.geometry.shape(geometry) for geometry, _ in found]


def _geojson(world: SyntheticWorld, shape: Any) -> dict[str, Any]:
    """Return a shape of the zone as GeoJSON, to 1e-6 degrees."""

    def lonlat(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        longitude, latitude = world.place.lonlat(xy[:, 0], xy[:, 1])
        return np.round(np.column_stack([longitude, latitude]), 6).astype(np.float64)

    geometry: dict[str, Any] = shapely.geometry.mapping(shapely.transform(shape, lonlat))
    return geometry
