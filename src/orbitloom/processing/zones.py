"""A briefing's polygons on a look's grid: which cells are theirs, and to what share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine
from shapely.geometry.base import BaseGeometry

from orbitloom.errors import InputFileError
from orbitloom.processing.l3 import Grid
from orbitloom.processing.terrain import project

__all__ = ["Patch", "Zone", "labels", "patch", "read_zones"]

_SUB = 4  # parts of a cell's side: shares to 1/16, off by 1/50 of a cell on average
_STRIP = 256  # rows at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Zone:
    """A polygon of a briefing: `shape` in the grid's own metres, and a point within it."""

    identifier: str
    properties: Mapping[str, Any]
    shape: BaseGeometry
    longitude_deg: float
    latitude_deg: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patch:
    """Where a zone lies on a grid.

    Attributes
    ----------
    rows, columns
        Its part of the grid.
    share
        (rows, columns) float32: share of each cell that lies in the zone.
    inside
        Share of the zone that lies on the grid.
    """

    rows: slice
    columns: slice
    share: NDArray[np.float32]
    inside: float


def read_zones(collection: Mapping[str, Any] | None, grid: Grid, where: str) -> tuple[Zone, ...]:
    """Return the polygons of a GeoJSON FeatureCollection in longitude and latitude.

    Raises
    ------
    InputFileError
        If it is none, or a feature lacks an id or is no polygon, or two have the same id.
    """
    if collection is None:
        return ()
    features = collection.get("features")
    if not isinstance(features, Sequence):
        raise InputFileError("is no GeoJSON FeatureCollection", where=where)
    each = [f"{where}[{n}]" for n in range(len(features))]
    polygons = [_polygon(feature, place) for feature, place in zip(features, each, strict=True)]

    def metres(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(project(xy[:, 0].copy(), xy[:, 1].copy(), 4326, grid.epsg))

    shapes = shapely.transform(np.array(polygons, object), metres)  # all their points at once
    zones = tuple(map(_zone, features, polygons, shapes, each))
    counts = Counter(zone.identifier for zone in zones)
    twice = next((name for name, count in counts.items() if count > 1), None)
    if twice is not None:
        raise InputFileError(
            f"the id {twice!r} is there twice", where=where, way_out="Give each its own"
        )
    return zones


def _polygon(feature: Any, where: str) -> BaseGeometry:
    """Return a feature's polygon, longitude and latitude."""
    try:
        lonlat = shapely.geometry.shape(feature["geometry"])
        dict(feature.get("properties") or {})
        identifier = feature.get("id")
        polygonal = lonlat.geom_type in {"Polygon", "MultiPolygon"} and not lonlat.is_empty
    except (AttributeError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError):
        polygonal, identifier = False, "?"
    if not polygonal:
        raise InputFileError(
            "is no feature with a polygon", where=where, way_out="Give GeoJSON (RFC 7946)"
        )
    if identifier is None:
        raise InputFileError("has no id", where=where, way_out='Give each feature an "id"')
    return lonlat


def _zone(
    feature: Mapping[str, Any], lonlat: BaseGeometry, shape: BaseGeometry, where: str
) -> Zone:
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        raise InputFileError(
            "lies where the look's map projection does not reach",
            where=where,
            way_out="Coordinates are longitude, latitude in degrees",
        )
    if not shape.is_valid:
        shape = shapely.make_valid(shape)
    middle = lonlat.representative_point()
    return Zone(
        identifier=str(feature["id"]),
        properties=dict(feature.get("properties") or {}),
        shape=shape,
        longitude_deg=round(float(middle.x), 5),
        latitude_deg=round(float(middle.y), 5),
    )


def labels(shapes: Sequence[BaseGeometry], grid: Grid) -> NDArray[np.int32]:
    """Return the number, from 1 on, of the shape that each cell's centre lies in; 0 in none.

    Where shapes overlap a cell belongs to the last.
    """
    numbered = [(shape, n) for n, shape in enumerate(shapes, start=1) if not shape.is_empty]
    if not numbered:
        return np.zeros(grid.shape, np.int32)
    return np.asarray(
        rasterize(numbered, out_shape=grid.shape, transform=Affine(*grid.transform), dtype="int32")
    )


def patch(zone: Zone, grid: Grid) -> Patch | None:
    """Return where a zone lies on a grid; None if it does not."""
    a, _, west, _, e, north = grid.transform
    low_e, low_n, high_e, high_n = zone.shape.bounds
    first = max(int(np.floor((low_e - west) / a)), 0), max(int(np.floor((high_n - north) / e)), 0)
    last = (
        min(int(np.ceil((high_e - west) / a)), grid.shape[1]),
        min(int(np.ceil((low_n - north) / e)), grid.shape[0]),
    )
    if last[0] <= first[0] or last[1] <= first[1]:
        return None
    rows, columns = slice(first[1], last[1]), slice(first[0], last[0])
    share = np.empty((last[1] - first[1], last[0] - first[0]), np.float32)
    for top in range(0, share.shape[0], _STRIP):
        part = share[top : top + _STRIP]
        fine = rasterize(
            [zone.shape],
            out_shape=(part.shape[0] * _SUB, part.shape[1] * _SUB),
            transform=Affine(
                a / _SUB, 0.0, west + a * first[0], 0.0, e / _SUB, north + e * (first[1] + top)
            ),
            dtype="uint8",
        )
        part[:] = fine.reshape(part.shape[0], _SUB, part.shape[1], _SUB).mean(axis=(1, 3))
    held = float(share.sum(dtype=np.float64)) * a * -e
    if held == 0.0:
        return None
    return Patch(rows=rows, columns=columns, share=share, inside=min(held / zone.shape.area, 1.0))
