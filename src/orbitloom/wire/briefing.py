"""What goes up with a task beyond where to look: what was known of the place before the look.

It is data, made on the ground or by earlier looks, and the same wherever the chain runs; so the
answer stays a function of the packets, the task, the calibration and the briefing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.wire.answer import canonical_json

__all__ = ["WATER_STEPS", "WATER_UNKNOWN", "Baseline", "Briefing", "Earlier", "Terrain"]

Affine6 = tuple[float, float, float, float, float, float]
"""a, b, c, d, e, f: x = a * column + b * row + c, y = d * column + e * row + f, of cell corners."""

WATER_STEPS, WATER_UNKNOWN = 200, 255
"""Of `Baseline.water`: what stands for water at every look, and for none that was clear."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """What a place usually looks like: the on-board memory of one place on a UTM grid.

    Attributes
    ----------
    epsg, transform
        North-up grid; its cells may be coarser than a tile's.
    band_names
        Bands of `median` and `spread`.
    median, spread
        (bands, rows, columns) uint16, surface reflectance x 10,000; 0 where nothing was ever seen.
        Spread is 1.4826 times the median absolute deviation, a robust standard deviation.
    water
        (rows, columns) uint8: share of clear looks that showed open water, 0 to `WATER_STEPS`
        (half per cent); `WATER_UNKNOWN` where nothing was ever seen.
    looks
        (rows, columns) uint8: clear looks that went in.
    newest_ns
        Time of the latest of them.
    """

    epsg: int
    transform: Affine6
    band_names: tuple[str, ...]
    median: NDArray[np.uint16]
    spread: NDArray[np.uint16]
    water: NDArray[np.uint8]
    looks: NDArray[np.uint8]
    newest_ns: int

    @property
    def nbytes(self) -> int:
        """Room it takes."""
        return self.median.nbytes + self.spread.nbytes + self.water.nbytes + self.looks.nbytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terrain:
    """Heights above the WGS84 ellipsoid on a north-up UTM grid, bilinear between cell centres.

    `height_m` is (rows, columns) float32; beyond its edges the nearest value holds.
    """

    epsg: int
    transform: Affine6
    height_m: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A finding that this look is to confirm or to retract: the cue of a tip.

    `geometry` is the GeoJSON geometry of the earlier alert, `answer` its id, `event` its event;
    `count` the number of separate parts or objects found.
    """

    answer: str
    event: str
    sensed_ns: int
    confidence: float
    area_km2: float
    count: int
    geometry: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Briefing:
    """What was known before a look; every part may be missing.

    Attributes
    ----------
    baseline
        What the place usually looks like.
    terrain
        Heights, for the geolocation.
    fields
        GeoJSON FeatureCollection of field polygons (longitude, latitude); each feature has an
        ``id`` and properties ``crop`` and ``season``: earlier looks of this season as
        ``[day_of_year, ndvi, sigma]``.
    regions
        GeoJSON FeatureCollection of polygons to keep a series of; properties ``kind`` ("lake",
        "snow", "greenness") and ``history``: ``[day_of_year, value, sigma]``.
    land
        GeoJSON geometry (Polygon or MultiPolygon) of land, for whoever looks at the sea only.
    earlier
        What to confirm or retract.
    """

    baseline: Baseline | None = None
    terrain: Terrain | None = None
    fields: Mapping[str, Any] | None = None
    regions: Mapping[str, Any] | None = None
    land: Mapping[str, Any] | None = None
    earlier: Earlier | None = None

    def digest(self) -> str:
        """Return a SHA-256 over everything in it: it names what an answer rests on."""
        total = hashlib.sha256()
        for part in (self.fields, self.regions, self.land):
            total.update(canonical_json(part))
        if self.baseline is not None:
            known = self.baseline
            total.update(repr((known.epsg, known.transform, known.band_names)).encode())
            for layer in (known.median, known.spread, known.water, known.looks):
                total.update(np.ascontiguousarray(layer).tobytes())
        if self.terrain is not None:
            total.update(repr((self.terrain.epsg, self.terrain.transform)).encode())
            total.update(np.ascontiguousarray(self.terrain.height_m).tobytes())
        if self.earlier is not None:
            earlier = {name: getattr(self.earlier, name) for name in Earlier.__slots__}
            total.update(canonical_json(earlier))
        return total.hexdigest()
