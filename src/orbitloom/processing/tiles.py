"""Fixed tiles: the 10 km squares of the Military Grid Reference System, cut, mosaic, composite.

A look's grid lies where the satellite happened to point. Cut along fixed squares, looks of any date
lie over each other cell by cell. A square is named as MGRS names it to 10 km, ``33TTG97``: UTM
zone, latitude band, 100 km square, and its two digits (NGA.SIG.0012, annex B). Zones are the
regular ones of 6 degrees, as everywhere in the house; a square that two latitude bands share has
the band of its centre.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray
from rasterio.warp import transform as warp_points

from orbitloom.errors import InputFileError
from orbitloom.processing.l2 import CLOUD, NO_DATA, SHADOW, SPOILT
from orbitloom.processing.l3 import Grid, Tile

__all__ = ["SQUARE_M", "Square", "composite", "cut", "lattice", "tiles_of"]

SQUARE_M = 10_000
"""Side of a fixed tile, metres."""

_COLUMNS = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")  # by zone; from 100 km of easting on
_ROWS = "ABCDEFGHJKLMNPQRSTUV"  # every 2,000 km anew; in even zones five letters on
_BANDS = "CDEFGHJKLMNPQRSTUVWX"  # of 8 degrees from 80 degrees south on
_NAME = re.compile(r"(\d{2})([C-HJ-NP-X])([A-HJ-NP-Z])([A-HJ-NP-V])(\d)(\d)")
_TENTHS = 10  # squares along a 100 km square
_WORST = 5
_EQUATOR_M = 10_000_000  # false northing of the southern zones


@dataclass(frozen=True, slots=True, order=True)
class Square:
    """A fixed tile: its UTM zone's EPSG code and the metres of its south-west corner."""

    epsg: int
    west_m: int
    south_m: int

    @property
    def name(self) -> str:
        """Its MGRS name to 10 km.

        Examples
        --------
        >>> Square(32633, 290_000, 4_640_000).name
        '33TTG94'
        """
        zone, column, row = self.epsg % 100, self.west_m // 100_000, self.south_m // 100_000
        return "".join(
            (
                f"{zone:02d}",
                _band(self),
                _COLUMNS[(zone - 1) % 3][column - 1],
                _ROWS[(row + 5 * (zone % 2 == 0)) % 20],
                str(self.west_m // SQUARE_M % _TENTHS),
                str(self.south_m // SQUARE_M % _TENTHS),
            )
        )

    @classmethod
    def parse(cls, name: str) -> Square:
        """Return the square of that name.

        Raises
        ------
        InputFileError
            If it is no MGRS name to 10 km, or names no place.

        Examples
        --------
        >>> Square.parse("33TTG94")
        Square(epsg=32633, west_m=290000, south_m=4640000)
        """
        found = _NAME.fullmatch(name)
        if found:
            zone, band = int(found[1]), found[2]
            column = _COLUMNS[(zone - 1) % 3].find(found[3])
            row = (_ROWS.index(found[4]) - 5 * (zone % 2 == 0)) % 20
            epsg = (32600 if band >= "N" else 32700) + zone
            west_m = (column + 1) * 100_000 + int(found[5]) * SQUARE_M
            for turn in range(5 if 1 <= zone <= 60 and column >= 0 else 0):
                south_m = turn * 2_000_000 + row * 100_000 + int(found[6]) * SQUARE_M
                square = cls(epsg, west_m, south_m)
                if _band(square) == band:
                    return square
        raise InputFileError(
            f"{name!r} names no square",
            where="tile",
            way_out="A name is zone, latitude band, 100 km square, two digits: 33TTG94",
        )

    def grid(self, gsd_m: float, epsg: int | None = None) -> Grid:
        """Return its grid: the cells of a size whose centres lie in it, the west and south in.

        Cells begin at multiples of their size, so that all looks of that size share them.

        Parameters
        ----------
        epsg
            The square's own, or its zone's on the other hemisphere, where a look from across the
            equator has its grid.
        """
        shift_m = 0 if epsg in (None, self.epsg) else _EQUATOR_M * (1 if self.epsg < 32700 else -1)
        south_m = self.south_m + shift_m
        first, last = _first(self.west_m, gsd_m), _first(self.west_m + SQUARE_M, gsd_m)
        bottom, top = _first(south_m, gsd_m), _first(south_m + SQUARE_M, gsd_m)
        return Grid(
            epsg=self.epsg if epsg is None else epsg,
            transform=(gsd_m, 0.0, first * gsd_m, 0.0, -gsd_m, top * gsd_m),
            shape=(top - bottom, last - first),
        )


def _first(edge_m: float, gsd_m: float) -> int:
    """Return the number of the first cell whose centre is not before an edge."""
    return ceil(edge_m / gsd_m - 0.5)


def _band(square: Square) -> str:
    centre = [square.west_m + SQUARE_M / 2], [square.south_m + SQUARE_M / 2]
    latitude = warp_points(f"EPSG:{square.epsg}", "EPSG:4326", *centre)[1][0]
    return _BANDS[int(min(max((latitude + 80.0) // 8.0, 0), len(_BANDS) - 1))]


def tiles_of(grid: Grid) -> tuple[Square, ...]:
    """Return the fixed tiles that a grid touches, from south to north and west to east.

    Beyond the equator they are the other hemisphere's, whose northing is 10,000 km apart.

    Raises
    ------
    InputFileError
        If it lies beyond what a UTM zone's squares cover: 100 to 900 km of easting.
    """
    a, _, west, _, e, north = grid.transform
    rows, columns = grid.shape
    east, south = west + a * columns, north + e * rows
    if not (32601 <= grid.epsg <= 32660 or 32701 <= grid.epsg <= 32760):
        raise InputFileError(
            "is no UTM zone on WGS 84", where=f"EPSG:{grid.epsg}", way_out="Put the grid on one"
        )
    if west < 100_000 or east > 900_000:
        raise InputFileError(
            f"has eastings from {west:.0f} to {east:.0f} m",
            where=f"grid on EPSG:{grid.epsg}",
            way_out="Put it on the UTM zone that it lies in",
        )
    return tuple(
        _canonical(grid.epsg, column * SQUARE_M, row * SQUARE_M)
        for row in range(int(south // SQUARE_M), ceil(north / SQUARE_M))
        for column in range(int(west // SQUARE_M), ceil(east / SQUARE_M))
    )


def _canonical(epsg: int, west_m: int, south_m: int) -> Square:
    if epsg < 32700 and south_m < 0:
        return Square(epsg + 100, west_m, south_m + _EQUATOR_M)
    if epsg > 32700 and south_m >= _EQUATOR_M:
        return Square(epsg - 100, west_m, south_m - _EQUATOR_M)
    return Square(epsg, west_m, south_m)


def lattice(grid: Grid) -> tuple[int, int]:
    """Return the number of a grid's first column, and of the edge above its first row.

    Raises
    ------
    InputFileError
        If its cells do not begin at multiples of their size.
    """
    step, _, west, _, _, north = grid.transform
    column, row = west / step, north / step
    if max(abs(column - round(column)), abs(row - round(row))) > 1e-6:
        raise InputFileError(
            f"begins at {west} E, {north} N, no multiple of {step} m",
            where="grid",
            way_out="Resample it so that its edges are multiples of its cell",
        )
    return round(column), round(row)


def _windows(source: Grid, target: Grid) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return where two grids overlap: the part of the source, and the same part of the target."""
    (left, top), (there, above) = lattice(source), lattice(target)
    parts = []
    for shift, size, room in (
        (above - top, source.shape[0], target.shape[0]),
        (left - there, source.shape[1], target.shape[1]),
    ):
        start, stop = max(shift, 0), min(shift + size, room)
        stop = max(stop, start)
        parts.append((slice(start - shift, stop - shift), slice(start, stop)))
    (of_rows, to_rows), (of_columns, to_columns) = parts
    return (of_rows, of_columns), (to_rows, to_columns)


def cut(tile: Tile, square: Square) -> Tile:
    """Return what a look shows of a fixed tile, on the fixed tile's grid; no data elsewhere."""
    return composite([tile], square.grid(tile.grid.gsd_m, tile.grid.epsg))


def composite(looks: Sequence[Tile], grid: Grid | None = None) -> Tile:
    """Return looks laid together: a mosaic beside each other, the best cell where they overlap.

    A cell comes from the look that saw it clearly; else spoilt, in shadow, in cloud, in this order.
    Of looks alike in that, from the one nearest to nadir, then with the higher Sun, then the
    latest, then the first given.

    Parameters
    ----------
    looks
        Of the same bands, zone and cell size.
    grid
        Where to lay them; all that they cover if not given.

    Returns
    -------
    Tile
        Its Sun, view, time and signal-to-noise ratio are those of the look that most cells are
        from.

    Raises
    ------
    InputFileError
        If there are none, or they do not fit together.
    """
    first = _fitting(looks, grid)
    target = _union(looks) if grid is None else grid
    ordered = sorted(
        looks, key=lambda look: (look.off_nadir_deg, -look.sun_elevation_deg, -look.sensed_ns)
    )
    numbers = np.zeros((len(first.band_names), *target.shape), np.uint16)
    mask = np.full(target.shape, NO_DATA, np.uint8)
    best = np.full(target.shape, _WORST - 1, np.uint8)
    main, most = ordered[0], -1
    for look in ordered:
        of, to = _windows(look.grid, target)
        rank = _rank(look.mask[of])
        better = rank < best[to]
        for band, layer in zip(look.numbers, numbers, strict=True):
            np.copyto(layer[to], band[of], where=better)
        np.copyto(mask[to], look.mask[of], where=better)
        np.copyto(best[to], rank, where=better)
        taken = int(np.count_nonzero(better))
        if taken > most:
            main, most = look, taken
    imaged = np.count_nonzero((mask & NO_DATA) == 0) / max(mask.size, 1)
    return replace(main, grid=target, numbers=numbers, mask=mask, imaged_share=float(imaged))


def _rank(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return how good cells are: 0 clear, 1 spoilt, 2 shadow, 3 cloud, 4 no data."""
    rank = np.zeros(mask.shape, np.uint8)
    for value, flag in enumerate((SPOILT, SHADOW, CLOUD, NO_DATA), start=1):
        rank[(mask & flag) != 0] = value
    return rank


def _fitting(looks: Sequence[Tile], grid: Grid | None) -> Tile:
    if not looks:
        raise InputFileError("there are no looks to lay together", where="composite")
    first = looks[0]
    where = first.grid if grid is None else grid
    kind = (first.band_names, first.at_surface, where.epsg, where.gsd_m)
    for look in looks:
        other = (look.band_names, look.at_surface, look.grid.epsg, look.grid.gsd_m)
        if other != kind:
            raise InputFileError(
                f"bands, at the surface or not, zone and cell are {other}, not {kind}",
                where="composite",
                way_out="Lay together looks of one kind on one UTM zone",
            )
    return first


def _union(looks: Sequence[Tile]) -> Grid:
    corners = [(*lattice(look.grid), *look.grid.shape) for look in looks]
    left = min(column for column, _, _, _ in corners)
    top = max(row for _, row, _, _ in corners)
    right = max(column + columns for column, _, _, columns in corners)
    bottom = min(row - rows for _, row, rows, _ in corners)
    gsd_m = looks[0].grid.gsd_m
    return replace(
        looks[0].grid,
        transform=(gsd_m, 0.0, left * gsd_m, 0.0, -gsd_m, top * gsd_m),
        shape=(top - bottom, right - left),
    )
