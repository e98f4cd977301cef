"""Places on the globe in degrees: valid polygons, their bounding box, and boxes that ask for them.

RFC 7946: longitude first; a polygon's outer ring runs counterclockwise; what crosses the
antimeridian is cut there into parts, and its bounding box has west greater than east.
"""

from __future__ import annotations

from typing import Any

import shapely
from shapely.geometry import MultiPolygon, Point, Polygon, box, shape
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from orbitloom.errors import PacketError

__all__ = ["Bbox", "bounding_box", "inside", "polygons", "read_geometry"]

Bbox = tuple[float, float, float, float]
"""West, south, east, north in degrees; west is greater than east across the antimeridian."""


def read_geometry(geometry: Any) -> BaseGeometry:
    """Return a point, or valid polygons with outer rings counterclockwise (RFC 7946, 3.1.6).

    Parameters
    ----------
    geometry
        The ``geometry`` member of a GeoJSON feature: a point, a polygon or several.

    Raises
    ------
    PacketError
        If it is none of these, or has no area.
    """
    try:
        found = shape(geometry)
    except (AttributeError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError):
        raise PacketError("an answer's geometry is not GeoJSON") from None
    if isinstance(found, Point) and not found.is_empty:
        return found
    if not found.is_valid:
        found = shapely.make_valid(found)
    parts = [orient(part) for part in polygons(found)]
    if not parts:
        raise PacketError(f"an answer's place is a {found.geom_type} without area")
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def polygons(geometry: BaseGeometry) -> list[Polygon]:
    """Return the polygons that a geometry is made of; none for a point or a line."""
    if isinstance(geometry, Polygon):
        return [] if geometry.is_empty else [geometry]
    return [part for inner in getattr(geometry, "geoms", ()) for part in polygons(inner)]


def bounding_box(geometry: BaseGeometry) -> Bbox:
    """Return the bounding box (RFC 7946, 5): the narrow one, for what the antimeridian cuts."""
    west, south, east, north = geometry.bounds
    if (west, east) == (-180.0, 180.0):
        bounds = [part.bounds for part in polygons(geometry)]
        eastern = [bound[0] for bound in bounds if bound[0] >= 0.0]
        western = [bound[2] for bound in bounds if bound[2] <= 0.0]
        if eastern and western and len(eastern) + len(western) == len(bounds):
            return min(eastern), south, max(western), north
    return west, south, east, north


def inside(geometry: BaseGeometry, bbox: Bbox) -> bool:
    """Return whether any of the geometry lies in the box, its edge included."""
    west, south, east, north = bbox
    if west <= east:
        return bool(geometry.intersects(box(west, south, east, north)))
    return bool(
        geometry.intersects(box(west, south, 180.0, north))
        or geometry.intersects(box(-180.0, south, east, north))
    )
