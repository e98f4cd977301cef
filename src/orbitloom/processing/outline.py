"""From a mask on a UTM grid to GeoJSON polygons in WGS84 (RFC 7946), small enough to send."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes
from rasterio.transform import Affine
from rasterio.warp import transform as warp_points
from shapely import affinity
from shapely.geometry import MultiPolygon, Polygon, box, mapping, shape
from shapely.geometry.polygon import orient

from orbitloom.processing.l3 import Grid
from orbitloom.wire import canonical_json

__all__ = ["footprint", "outline"]

_DECIMALS = 5  # 1.1 m, a ninth of a cell
_LEAST_POINT_BYTES = 10  # of a pair of coordinates with its brackets: most take twice as many
_FIRST_TOLERANCE_CELLS = 0.5
_GROWTH = 1.2
_LEAST_DETAIL = 40.0  # least area of a hole or a part, in squares of the tolerance


def outline(area: NDArray[np.bool_], grid: Grid, budget_bytes: int) -> dict[str, Any]:
    """Return a mask's outline as a GeoJSON geometry, simplified until it fits the budget.

    Douglas-Peucker that keeps topology, tolerance from half a cell up; with it grows the least area
    of a hole or a part that is kept.
    """
    rows, columns = (np.flatnonzero(area.any(axis=axis)) for axis in (1, 0))
    some = area[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]  # the rest costs time alone
    a, b, west, d, e, north = grid.transform
    here = Affine(a, b, west + a * columns[0], d, e, north + e * rows[0])
    found = shapes(some.astype(np.uint8), mask=some, transform=here)
    pieces: list[Any] = [shape(geometry) for geometry, _ in found]
    tolerance_m = _FIRST_TOLERANCE_CELLS * grid.gsd_m
    while True:
        least_m2 = _LEAST_DETAIL * tolerance_m**2
        kept = [_without_holes_below(piece, least_m2) for piece in pieces if piece.area >= least_m2]
        whole = MultiPolygon(kept or [max(pieces, key=lambda piece: piece.area)])
        simple = whole.simplify(tolerance_m)
        if shapely.get_num_coordinates(simple) * _LEAST_POINT_BYTES <= budget_bytes:
            geometry = _to_geojson(simple, grid.epsg)
            if len(canonical_json(geometry)) <= budget_bytes:
                return geometry
        tolerance_m *= _GROWTH


def footprint(
    longitude_deg: NDArray[np.float64], latitude_deg: NDArray[np.float64]
) -> dict[str, Any]:
    """Return the ring around a geolocation grid's outermost pixel centres as a GeoJSON geometry."""
    step = max(1, (longitude_deg.shape[0] - 1) // 4), max(1, (longitude_deg.shape[1] - 1) // 4)
    corners = [
        np.concatenate(
            [
                values[0, : -1 : step[1]],
                values[: -1 : step[0], -1],
                values[-1, : 0 : -step[1]],
                values[: 0 : -step[0], 0],
            ]
        )
        for values in (longitude_deg, latitude_deg)
    ]
    middle = float(corners[0][0])
    longitude = middle + (corners[0] - middle + 180.0) % 360.0 - 180.0
    return _finished(Polygon(np.column_stack([longitude, corners[1]])))


def _without_holes_below(polygon: Polygon, least_m2: float) -> Polygon:
    holes = [ring for ring in polygon.interiors if Polygon(ring).area >= least_m2]
    return Polygon(polygon.exterior, holes)


def _to_geojson(geometry: Any, epsg: int) -> dict[str, Any]:
    def to_degrees(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = points.T
        lon, lat = warp_points(f"EPSG:{epsg}", "EPSG:4326", x.tolist(), y.tolist())[:2]
        longitude = np.array(lon)
        # Around 180 degrees the two sides come as +180 and -180: count on from the first.
        longitude = longitude[0] + (longitude - longitude[0] + 180.0) % 360.0 - 180.0
        return np.column_stack([longitude, np.array(lat)])

    return _finished(shapely.transform(geometry, to_degrees))


def _finished(geometry: Any) -> dict[str, Any]:
    """Return it cut at 180 degrees, rounded, valid, and wound as RFC 7946 3.1.6 asks."""
    parts = _cut_at_antimeridian(geometry)
    rounded = shapely.transform(
        shapely.union_all(parts) if len(parts) > 1 else parts[0],
        lambda points: np.round(points, _DECIMALS),
    )
    valid = rounded if rounded.is_valid else rounded.buffer(0)
    polygons = [part for part in getattr(valid, "geoms", [valid]) if part.area > 0]
    wound = [orient(part, 1.0) for part in polygons]
    geojson: dict[str, Any] = mapping(wound[0] if len(wound) == 1 else MultiPolygon(wound))
    # shapely's buffer and orient pass floats through, but -0.0 and 12.300000000000001 do occur.
    return {"type": geojson["type"], "coordinates": _plain(geojson["coordinates"])}


def _cut_at_antimeridian(geometry: Any) -> list[Any]:
    west, _, east, _ = geometry.bounds
    if west >= -180.0 and east <= 180.0:
        return [geometry]
    parts = []
    for turn in (-360.0, 0.0, 360.0):
        moved = affinity.translate(geometry, turn)
        part = moved.intersection(box(-180.0, -90.0, 180.0, 90.0))
        if not part.is_empty:
            parts.append(part)
    return parts


def _plain(coordinates: Any) -> Any:
    if isinstance(coordinates, float | int):
        return round(float(coordinates), _DECIMALS) + 0.0
    return [_plain(each) for each in coordinates]
