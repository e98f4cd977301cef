"""The on-board memory: what places usually look like, bounded in bytes.

For each fixed tile (`tiles.Square`) it keeps, cell by cell, the last few clear looks with their
times. What is usual is their median; a flood or a fire in fewer than half of them does not move it.
The result does not depend on the order in which looks come, nor on who saw them: two memories
merged hold the same as one that saw everything.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitloom.errors import InputFileError, ScenarioError
from orbitloom.processing.l2 import CLOUD, NO_DATA, SHADOW, SNOW, SPOILT, WATER
from orbitloom.processing.l3 import Grid, Tile
from orbitloom.processing.tiles import SQUARE_M, Square, tiles_of
from orbitloom.scenario.time import SECOND_NS
from orbitloom.wire.briefing import WATER_STEPS, WATER_UNKNOWN, Baseline

__all__ = ["Memory"]

_UNCLEAR = NO_DATA | SPOILT | CLOUD | SHADOW | SNOW
_MINUTE_NS = 60 * SECOND_NS
_MOST_LOOKS = 16
# What the readers of zip, npy and JSON raise where bytes are not what they should be.
_NO_MEMORY = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    EOFError,
    RuntimeError,
    OverflowError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
)


@dataclass(slots=True, kw_only=True, eq=False)
class _Place:
    """The looks at one square, newest first.

    `stack` is (looks, bands, rows, columns) uint16, 0 where a look lacks the band; `water` (looks,
    rows, columns) uint8 in half per cent; `minute` alike, uint32 since 1970 plus one, 0 where there
    is no look. `newest_ns` is the time of the last look that was clear anywhere, `orders` how often
    the place was asked for.
    """

    bands: tuple[str, ...]
    stack: NDArray[np.uint16]
    water: NDArray[np.uint8]
    minute: NDArray[np.uint32]
    newest_ns: int = 0
    orders: int = 0

    @property
    def nbytes(self) -> int:
        return self.stack.nbytes + self.water.nbytes + self.minute.nbytes

    def with_bands(self, names: tuple[str, ...]) -> None:
        """Make room for more bands."""
        bands = tuple(sorted({*self.bands, *names}))
        if bands != self.bands:
            looks, _, rows, columns = self.stack.shape
            stack = np.zeros((looks, len(bands), rows, columns), np.uint16)
            stack[:, [bands.index(name) for name in self.bands]] = self.stack
            self.bands, self.stack = bands, stack


class Memory:
    """What places usually look like.

    Parameters
    ----------
    limit_bytes
        What it may hold. Beyond it squares are forgotten: of the half that was looked at longest
        ago the one with the fewest orders (of those alike the older, then the first by name).
    cell_m
        Size of its cells; it divides 10 km.
    looks
        Clear looks that are kept a cell.

    Raises
    ------
    ScenarioError
        If a parameter is not possible.
    """

    def __init__(self, limit_bytes: int, *, cell_m: float = 20.0, looks: int = 5) -> None:
        whole = 1.0 <= cell_m <= 1000.0 and SQUARE_M % cell_m == 0
        if not (limit_bytes > 0 and whole and 1 <= looks <= _MOST_LOOKS):
            raise ScenarioError(
                f"limit_bytes {limit_bytes}, cell_m {cell_m}, looks {looks}",
                where="memory",
                way_out=f"Take bytes, 1 to 1000 m that divide 10 km, 1 to {_MOST_LOOKS} looks",
            )
        self._limit_bytes, self._cell_m, self._looks = limit_bytes, cell_m, looks
        self._places: dict[Square, _Place] = {}
        self._at_surface: bool | None = None

    @property
    def nbytes(self) -> int:
        """Room that it takes."""
        return sum(place.nbytes for place in self._places.values())

    @property
    def squares(self) -> tuple[Square, ...]:
        """What it remembers."""
        return tuple(sorted(self._places))

    def look(self, tile: Tile, *, exclude: NDArray[np.bool_] | None = None) -> None:
        """Remember a look where it was clear.

        A cell is clear where at least half of its pixels are: measured, and neither saturated nor
        cloud, shadow or snow. Their mean is kept. A look that is known already changes nothing.

        Parameters
        ----------
        exclude
            (rows, columns) of the tile: what does not belong to how the place usually is, such as
            the area of a finding. Once that is confirmed as the new normal, look again without.

        Raises
        ------
        InputFileError
            If the tile is on no UTM zone, or is at the surface where earlier ones were not.
        """
        self._one_kind(tile.at_surface)
        spoilt = (tile.mask & _UNCLEAR) != 0
        if exclude is not None:
            spoilt |= exclude
        for square in tiles_of(tile.grid):
            grid = square.grid(self._cell_m, tile.grid.epsg)
            values = np.zeros((len(tile.band_names), *grid.shape), np.uint16)
            water = np.full(grid.shape, WATER_UNKNOWN, np.uint8)
            rows = _ranges(grid.shape[0], grid.transform[4:], tile.grid.transform[4:])
            columns = _ranges(grid.shape[1], grid.transform[0:3:2], tile.grid.transform[0:3:2])
            _binned(tile.numbers, tile.mask, spoilt, rows, columns, values, water)
            seen = water != WATER_UNKNOWN
            if not seen.any():
                continue
            place = self._place(square, grid, tile.band_names)
            placed = np.zeros((len(place.bands), *grid.shape), np.uint16)
            placed[[place.bands.index(name) for name in tile.band_names]] = values
            minute = np.where(seen, tile.sensed_ns // _MINUTE_NS + 1, 0).astype(np.uint32)
            _push(place.stack, place.water, place.minute, placed, water, minute)
            place.newest_ns = max(place.newest_ns, tile.sensed_ns)
        self._forget()

    def baseline(self, grid: Grid) -> Baseline | None:
        """Return what a place usually looks like, around a look's grid; None if it is unknown.

        It counts as an order for the squares that it lies on.
        """
        a, _, west, _, e, north = grid.transform
        cell = self._cell_m
        # One cell more on each side, so that values can be interpolated up to the grid's edge.
        left, top = floor(west / cell) - 1, ceil(north / cell) + 1
        right = ceil((west + a * grid.shape[1]) / cell) + 1
        bottom = floor((north + e * grid.shape[0]) / cell) - 1
        wide = Grid(
            epsg=grid.epsg,
            transform=(cell, 0.0, left * cell, 0.0, -cell, top * cell),
            shape=(top - bottom, right - left),
        )
        found = {
            square: self._places[square] for square in tiles_of(wide) if square in self._places
        }
        if not found:
            return None
        names = tuple(sorted({name for place in found.values() for name in place.bands}))
        shape = (len(names), *wide.shape)
        median, spread = np.zeros(shape, np.uint16), np.zeros(shape, np.uint16)
        water = np.full(wide.shape, WATER_UNKNOWN, np.uint8)
        looks = np.zeros(wide.shape, np.uint8)
        for square, place in found.items():
            place.orders += 1
            here = square.grid(cell, grid.epsg)
            down = top - round(here.transform[5] / cell)
            across = round(here.transform[2] / cell) - left
            rows = slice(max(down, 0), max(min(down + here.shape[0], shape[1]), 0))
            columns = slice(max(across, 0), max(min(across + here.shape[1], shape[2]), 0))
            of = (
                slice(rows.start - down, rows.stop - down),
                slice(columns.start - across, columns.stop - across),
            )
            for band, name in enumerate(place.bands):
                to = (names.index(name), rows, columns)
                _usual(place.stack[:, band][:, *of], median[to], spread[to])
            _counted(
                place.water[:, *of],
                place.minute[:, *of],
                water[rows, columns],
                looks[rows, columns],
            )
        if not looks.any():
            return None
        return Baseline(
            epsg=grid.epsg,
            transform=wide.transform,
            band_names=names,
            median=median,
            spread=spread,
            water=water,
            looks=looks,
            newest_ns=max(place.newest_ns for place in found.values()),
        )

    def merge(self, other: Memory) -> None:
        """Take in what another memory holds, such as a neighbour's.

        Whoever merges whom, both then hold the same: the latest looks of either.

        Raises
        ------
        InputFileError
            If their cells or looks differ, or one is at the surface and the other is not.
        """
        if (self._cell_m, self._looks) != (other._cell_m, other._looks):
            raise InputFileError(
                f"{other._looks} looks on {other._cell_m} m cells,"
                f" not {self._looks} on {self._cell_m} m",
                where="memory",
                way_out="Merge memories of the same kind",
            )
        if other._at_surface is not None:
            self._one_kind(other._at_surface)
        for square, theirs in sorted(other._places.items()):
            place = self._place(square, square.grid(self._cell_m), theirs.bands)
            order = [place.bands.index(name) for name in theirs.bands]
            for slot in range(self._looks):
                values = np.zeros(place.stack.shape[1:], np.uint16)
                values[order] = theirs.stack[slot]
                minute, water = theirs.minute[slot], theirs.water[slot]
                _push(place.stack, place.water, place.minute, values, water, minute)
            place.newest_ns = max(place.newest_ns, theirs.newest_ns)
            place.orders = max(place.orders, theirs.orders)
        self._forget()

    def to_file(self, path: Path) -> None:
        """Write it; the same memory gives the same bytes."""
        arrays: dict[str, NDArray[Any]] = {}
        index: dict[str, Any] = {
            "format": "orbitloom-memory-1",
            "cell_m": self._cell_m,
            "looks": self._looks,
            "at_surface": self._at_surface,
            "squares": {},
        }
        for square, place in sorted(self._places.items()):
            index["squares"][square.name] = {
                "bands": place.bands,
                "newest_ns": place.newest_ns,
                "orders": place.orders,
            }
            for part in ("stack", "water", "minute"):
                arrays[f"{square.name}-{part}"] = getattr(place, part)
        text = json.dumps(index, sort_keys=True).encode()
        with io.BytesIO() as buffer:
            arrays["index"] = np.frombuffer(text, np.uint8)
            np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # takes arrays by name
            path.write_bytes(buffer.getvalue())

    @classmethod
    def from_file(cls, path: Path, limit_bytes: int) -> Memory:
        """Read one.

        Raises
        ------
        InputFileError
            If the file cannot be read, or is no memory.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InputFileError.from_os(error, path) from None
        try:
            with io.BytesIO(data) as buffer, np.load(buffer, allow_pickle=False) as file:
                index = json.loads(bytes(file["index"]))
                memory = cls(limit_bytes, cell_m=index["cell_m"], looks=index["looks"])
                memory._at_surface = index["at_surface"]
                for name, about in index["squares"].items():
                    square = Square.parse(name)
                    place = _Place(
                        bands=tuple(about["bands"]),
                        stack=file[f"{name}-stack"],
                        water=file[f"{name}-water"],
                        minute=file[f"{name}-minute"],
                        newest_ns=int(about["newest_ns"]),
                        orders=int(about["orders"]),
                    )
                    memory._check(square, place)
                    memory._places[square] = place
        except _NO_MEMORY as error:
            raise InputFileError(f"is no memory ({error})", where=str(path)) from None
        memory._forget()
        return memory

    def _check(self, square: Square, place: _Place) -> None:
        shape = (self._looks, *square.grid(self._cell_m).shape)
        for part, kind, size in (
            (place.stack, np.uint16, (shape[0], len(place.bands), *shape[1:])),
            (place.water, np.uint8, shape),
            (place.minute, np.uint32, shape),
        ):
            if part.dtype != kind or part.shape != size:
                raise ValueError(f"{square.name} holds {part.dtype} {part.shape}")

    def _one_kind(self, at_surface: bool) -> None:
        if self._at_surface is None:
            self._at_surface = at_surface
        elif self._at_surface != at_surface:
            raise InputFileError(
                "reflectance at the surface and above the atmosphere would be mixed",
                where="memory",
                way_out="Keep a memory for each",
            )

    def _place(self, square: Square, grid: Grid, bands: tuple[str, ...]) -> _Place:
        """Return a square's looks, with room for these bands."""
        if square not in self._places:
            names, shape = tuple(sorted(bands)), (self._looks, *grid.shape)
            self._places[square] = _Place(
                bands=names,
                stack=np.zeros((shape[0], len(names), *grid.shape), np.uint16),
                water=np.full(shape, WATER_UNKNOWN, np.uint8),
                minute=np.zeros(shape, np.uint32),
            )
        place = self._places[square]
        place.with_bands(bands)
        return place

    def _forget(self) -> None:
        """Forget squares until what is left fits."""
        while self.nbytes > self._limit_bytes:
            by_age = sorted(self._places, key=lambda one: (self._places[one].newest_ns, one))
            older = by_age[: (len(by_age) + 1) // 2]
            del self._places[min(older, key=lambda one: self._places[one].orders)]


def _ranges(count: int, of: tuple[float, ...], on: tuple[float, ...]) -> NDArray[np.int64]:
    """Return which of an axis's cells have their centre in each cell of another: first, past last.

    `of` and `on` are the axes' steps and starts. A cell that holds no centre takes the cell that
    its own centre is in.
    """
    edges = (of[1] + of[0] * np.arange(count + 1) - on[1]) / on[0]
    first = np.ceil(edges - 0.5).astype(np.int64)
    bounds = np.stack([first[:-1], first[1:]], axis=1)
    centre = np.floor((edges[:-1] + edges[1:]) / 2).astype(np.int64)
    empty = bounds[:, 0] == bounds[:, 1]
    bounds[empty] = np.stack([centre, centre + 1], axis=1)[empty]
    return bounds


@njit(cache=True, nogil=True)
def _binned(
    numbers: NDArray[np.uint16],
    mask: NDArray[np.uint8],
    spoilt: NDArray[np.bool_],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    values: NDArray[np.uint16],
    water: NDArray[np.uint8],
) -> None:
    """Write each cell's mean over its clear pixels, and the share of them that is water."""
    bands, height, width = numbers.shape
    total = np.empty(bands, np.int64)
    for row in range(rows.shape[0]):
        top, bottom = rows[row]
        for column in range(columns.shape[0]):
            left, right = columns[column]
            pixels = (bottom - top) * (right - left)
            total[:] = 0
            clear, wet = 0, 0
            for y in range(max(top, 0), min(bottom, height)):
                for x in range(max(left, 0), min(right, width)):
                    if not spoilt[y, x]:
                        clear += 1
                        wet += (mask[y, x] & WATER) != 0
                        for band in range(bands):
                            total[band] += numbers[band, y, x]
            if clear > 0 and 2 * clear >= pixels:
                for band in range(bands):
                    values[band, row, column] = max((2 * total[band] + clear) // (2 * clear), 1)
                water[row, column] = (2 * WATER_STEPS * wet + clear) // (2 * clear)


@njit(cache=True, nogil=True)
def _push(
    stack: NDArray[np.uint16],
    water: NDArray[np.uint8],
    minute: NDArray[np.uint32],
    values: NDArray[np.uint16],
    wet: NDArray[np.uint8],
    when: NDArray[np.uint32],
) -> None:
    """Put a look among those that are kept, newest first; the oldest goes.

    Looks of the same minute are in the order of their values, and equal ones are one.
    """
    looks, bands, height, width = stack.shape
    for row in range(height):
        for column in range(width):
            time = when[row, column]
            if time == 0:
                continue
            slot = 0
            known = False
            while slot < looks and minute[slot, row, column] >= time:
                if minute[slot, row, column] == time:
                    order = np.int64(water[slot, row, column]) - np.int64(wet[row, column])
                    for band in range(bands):
                        if order == 0:
                            order = np.int64(stack[slot, band, row, column]) - np.int64(
                                values[band, row, column]
                            )
                    known = order == 0
                    if order >= 0:
                        break
                slot += 1
            if known or slot == looks:
                continue
            for later in range(looks - 1, slot, -1):
                minute[later, row, column] = minute[later - 1, row, column]
                water[later, row, column] = water[later - 1, row, column]
                for band in range(bands):
                    stack[later, band, row, column] = stack[later - 1, band, row, column]
            minute[slot, row, column] = time
            water[slot, row, column] = wet[row, column]
            for band in range(bands):
                stack[slot, band, row, column] = values[band, row, column]


@njit(cache=True, nogil=True)
def _twice_median(ordered: NDArray[np.int64], count: int) -> np.int64:
    """Return twice the median of the first `count` values."""
    twice: np.int64 = ordered[(count - 1) // 2] + ordered[count // 2]
    return twice


@njit(cache=True, nogil=True)
def _usual(
    stack: NDArray[np.uint16], median: NDArray[np.uint16], spread: NDArray[np.uint16]
) -> None:
    """Write a band's median and 1.4826 times its median absolute deviation over the looks."""
    looks, height, width = stack.shape
    values = np.empty(looks, np.int64)
    for row in range(height):
        for column in range(width):
            count = 0
            for slot in range(looks):
                value = np.int64(stack[slot, row, column])
                if value > 0:
                    at = count
                    while at > 0 and values[at - 1] > value:
                        values[at] = values[at - 1]
                        at -= 1
                    values[at] = value
                    count += 1
            if count == 0:
                continue
            twice = _twice_median(values, count)
            for one in range(count):
                value = abs(2 * values[one] - twice)
                at = one
                while at > 0 and values[at - 1] > value:
                    values[at] = values[at - 1]
                    at -= 1
                values[at] = value
            median[row, column] = (twice + 1) // 2
            deviation = 1.4826 * np.float64(_twice_median(values, count)) / 4.0
            spread[row, column] = int(min(deviation + 0.5, 65535.0))


@njit(cache=True, nogil=True)
def _counted(
    water: NDArray[np.uint8],
    minute: NDArray[np.uint32],
    share: NDArray[np.uint8],
    looks: NDArray[np.uint8],
) -> None:
    """Write the mean share of water over the looks, and how many there are."""
    slots, height, width = water.shape
    for row in range(height):
        for column in range(width):
            count, total = 0, 0
            for slot in range(slots):
                if minute[slot, row, column] > 0:
                    count += 1
                    total += water[slot, row, column]
            looks[row, column] = count
            if count > 0:
                share[row, column] = (2 * total + count) // (2 * count)
