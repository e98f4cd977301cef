"""What a user knows of a place besides the look itself: polygons, and a memory of earlier looks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import mapping, shape

from orbitloom.errors import InputFileError, OutputError
from orbitloom.processing.l3 import Grid, Tile
from orbitloom.processing.memory import Memory
from orbitloom.wire.briefing import Baseline, Briefing

__all__ = ["Known", "Notebook", "read_json"]

_MEMORY_BYTES = 2_000_000_000
_GEOJSON = "Give GeoJSON (RFC 7946): longitude, latitude in degrees"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a user knows of a place, as files; each may be missing.

    `fields`, `regions` and `land` are GeoJSON; `memory` is the on-board memory's file, read before
    and written after the look.
    """

    fields: Path | None = None
    regions: Path | None = None
    land: Path | None = None
    memory: Path | None = None

    def laid_over(self, briefing: Briefing) -> Briefing:
        """Return a briefing with these polygons in place of those that came with it.

        Raises
        ------
        InputFileError
            If a file cannot be read, or is no GeoJSON of the kind that is needed.
        """
        if self.fields is not None:
            briefing = replace(briefing, fields=_collection(self.fields))
        if self.regions is not None:
            briefing = replace(briefing, regions=_collection(self.regions))
        if self.land is not None:
            briefing = replace(briefing, land=_land(self.land))
        return briefing


class Notebook:
    """The memory's file of a `Known`: read at once, written when the look is done.

    Without a file it remembers nothing.

    Raises
    ------
    InputFileError
        If the file is there and is no memory.
    OutputError
        If its folder is not there.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._memory = Memory(_MEMORY_BYTES)
        if file is not None and file.exists():
            self._memory = Memory.from_file(file, _MEMORY_BYTES)
        elif file is not None and not file.absolute().parent.is_dir():
            raise OutputError(
                "cannot be written (its folder is not there)",
                where=str(file),
                way_out="Make the folder, or name another file",
            )

    def baseline(self, grid: Grid, otherwise: Baseline | None = None) -> Baseline | None:
        """Return how a place usually looks by this memory, or else what came with the look."""
        return self._memory.baseline(grid) or otherwise

    def keep(self, tile: Tile) -> None:
        """Remember a look, and write the file.

        Raises
        ------
        InputFileError
            If looks at the surface and above the atmosphere would be mixed.
        OutputError
            If the file cannot be written.
        """
        if self._file is None:
            return
        self._memory.look(tile)
        part = self._file.with_name(f".{self._file.name}.part")
        try:
            self._memory.to_file(part)
            part.replace(self._file)
        except OSError as error:
            raise OutputError.from_os(
                error, self._file, "Mend its rights and free space, or name another file"
            ) from None


def read_json(file: Path, way_out: str) -> dict[str, Any]:
    """Return a file's JSON object.

    Raises
    ------
    InputFileError
        If it cannot be read, or holds none.
    """
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputFileError.from_os(error, file, way_out) from None
    except (ValueError, RecursionError) as error:
        raise InputFileError(f"is not JSON ({error})", where=str(file), way_out=way_out) from None
    if not isinstance(told, dict):
        raise InputFileError("is not a JSON object", where=str(file), way_out=way_out)
    return told


def _collection(file: Path) -> dict[str, Any]:
    told = read_json(file, _GEOJSON)
    if told.get("type") != "FeatureCollection" or not isinstance(told.get("features"), list):
        raise InputFileError("is no FeatureCollection", where=str(file), way_out=_GEOJSON)
    return told


def _land(file: Path) -> dict[str, Any]:
    """Return all polygons of a file (geometry, feature or collection) as one geometry."""
    told = read_json(file, _GEOJSON)
    features = told.get("features", ()) if told.get("type") == "FeatureCollection" else (told,)
    try:
        shapes = [shape(_geometry(feature)) for feature in features]
    except (AttributeError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError):
        shapes = []
    if not shapes or any(
        one.is_empty or one.geom_type not in ("Polygon", "MultiPolygon") for one in shapes
    ):
        raise InputFileError("holds more or less than polygons", where=str(file), way_out=_GEOJSON)
    whole = shapely.union_all([shapely.make_valid(one) for one in shapes])
    west, south, east, north = whole.bounds
    if west < -180.0 or east > 180.0 or south < -90.0 or north > 90.0:
        raise InputFileError(
            f"reaches from {west:g}, {south:g} to {east:g}, {north:g}, which are no degrees",
            where=str(file),
            way_out=_GEOJSON,
        )
    return dict(mapping(whole))


def _geometry(part: Mapping[str, Any]) -> Any:
    return part["geometry"] if part.get("type") == "Feature" else part
