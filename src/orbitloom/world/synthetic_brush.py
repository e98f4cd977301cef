"""The brush: how materials are laid over each other, and the single objects laid last."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitloom.world.spectra import Material

__all__ = ["SLOTS", "Bins", "Thing", "lay", "overlap", "share", "square_of", "thing_over"]

SLOTS = 28
"""Materials that a point can hold; arrays of four more are enough."""

_HULL, _WAKE, _PLATFORM, _REEF, _MIRROR, _FIRE = range(6)
_ROCK, _CONCRETE, _ROOF_METAL = int(Material.ROCK), int(Material.CONCRETE), int(Material.ROOF_METAL)
_FOAM, _WHITE, _RED = int(Material.FOAM), int(Material.PAINT_WHITE), int(Material.PAINT_RED)


class Thing:
    """Kinds of single objects, the first number of a row of `Bins.things`."""

    HULL, WAKE, PLATFORM, ROCK, MIRROR, FIRE = range(6)


class Bins(NamedTuple):
    """Single objects, found by the square they reach into.

    `things` is (n, 8): kind, easting, northing, cos and sin of the heading (counter-clockwise from
    east), length, width, strength. `frame` is the corner of the squares (easting, northing), their
    size in m, and how many make a side; square k holds `members[starts[k]:starts[k + 1]]`.
    """

    things: NDArray[np.float64]
    starts: NDArray[np.int64]
    members: NDArray[np.int64]
    frame: tuple[float, float, float, int]


@njit(cache=True, nogil=True, error_model="numpy")
def share(inside_m: float, width_m: float) -> float:
    """Return the share inside of an edge that runs over a width."""
    half = 0.5 * width_m
    if inside_m <= -half:  # most points: divisions are dear
        return 0.0
    return 1.0 if inside_m >= half else inside_m / width_m + 0.5


@njit(cache=True, nogil=True, error_model="numpy")
def overlap(x: float, half: float, gsd: float) -> float:
    """Return the share of a pixel centred at x that an interval of +-half covers."""
    inside = min(x + 0.5 * gsd, half) - max(x - 0.5 * gsd, -half)
    return inside / gsd if inside > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def lay(ids: NDArray[np.int64], shares: NDArray[np.float64], n: int, new: int, a: float) -> int:
    """Lay a material over what is there, covering the share a; return how many there are now."""
    if a <= 0.0:
        return n
    for k in range(n):
        shares[k] *= 1.0 - a
    ids[n] = new
    shares[n] = a
    return n + 1


@njit(cache=True, nogil=True, error_model="numpy")
def square_of(e: float, n: float, frame: tuple[float, float, float, int]) -> int:
    """Return the number of the square that a point lies in, -1 beyond all."""
    i, j = np.floor((e - frame[0]) / frame[2]), np.floor((n - frame[1]) / frame[2])
    side = frame[3]
    return int(j) * side + int(i) if 0 <= i < side and 0 <= j < side else -1


@njit(cache=True, nogil=True, error_model="numpy")
def thing_over(
    e: float, n: float, things: NDArray[np.float64], row: int, g: float, water: float,
    ids: NDArray[np.int64], shares: NDArray[np.float64], count: int, marks: NDArray[np.float64],
) -> int:  # fmt: skip
    """Lay one object over the point."""
    kind, c, s = int(things[row, 0]), things[row, 3], things[row, 4]
    length, width, strength = things[row, 5], things[row, 6], things[row, 7]
    de, dn = e - things[row, 1], n - things[row, 2]
    x, y = de * c + dn * s, dn * c - de * s
    if kind == _FIRE:
        # A burning area spread as a Gaussian no finer than the sampling: its integral is the area.
        sigma = width
        square = (x * x + y * y) / (sigma * sigma)
        if square < 16.0:
            marks[7] += length / (2.0 * np.pi * sigma * sigma) * np.exp(-0.5 * square)
            marks[8] = row
        return count
    if kind == _WAKE:
        # Astern: a narrow turbulent wake that fades, and the faint arms of Kelvin's wedge.
        if x > 0.0 or x < -length or count + 2 > SLOTS:
            return count
        fade = np.exp(4.5 * x / length)
        half = 0.5 * width * (1.0 - 1.5 * x / length)
        foam = 0.45 * strength * fade * overlap(y, half, g)
        arm = abs(y) + x * 0.34
        foam += 0.07 * strength * fade * overlap(arm, 3.0, g)
        return lay(ids, shares, count, _FOAM, min(foam * water, 0.8))
    if kind == _HULL:
        # A bow over the foremost quarter; the superstructure aft is white.
        if abs(x) > 0.5 * length + g or abs(y) > 0.5 * width + g or count + 3 > SLOTS:
            return count
        half = 0.5 * width * min(max((0.5 * length - x) / (0.25 * length), 0.15), 1.0)
        hull = overlap(x, 0.5 * length, g) * overlap(y, half, g)
        house = overlap(x + 0.33 * length, 0.11 * length, g) * overlap(y, half, g)
        marks[11] = max(marks[11], hull)
        count = lay(ids, shares, count, _RED if strength < 0.5 else _CONCRETE, hull)
        if strength > 0.25 and hull > 0.0:
            house = max(house, (strength - 0.25) * hull)
        return lay(ids, shares, count, _WHITE, min(house, 1.0))
    if count + 1 > SLOTS:
        return count
    if kind == _MIRROR:
        disc = share(0.5 * width - np.hypot(x, y), g)
        # More light than a white roof scatters: the Sun itself in a tilted pane.
        count = lay(ids, shares, count, _ROOF_METAL, disc)
        shares[count - 1] *= strength if disc > 0.0 else 1.0
        return count
    covered = overlap(x, 0.5 * length, g) * overlap(y, 0.5 * width, g)
    if kind == _REEF:
        covered = share(0.5 * width - np.hypot(x, y), g)
    return lay(ids, shares, count, _CONCRETE if kind == _PLATFORM else _ROCK, covered)
