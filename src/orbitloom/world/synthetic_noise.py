"""Numbers that belong to positions: hashes, gradient noise, and the plane cut into parcels.

Each is a pure function of integers or of a position and a seed, so that a place has one answer
whoever asks, with no array in between. Gradient noise is Perlin's (2002, with the quintic fade).
The parcels are trapezoids: rows of equal height, cut by slanted lines whose ends are displaced at
random, so that a point finds its parcel and its distance from the edges in constant time.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = [
    "fbm",
    "hash01",
    "hash_cell",
    "parcel",
    "parcel_edge",
    "perlin",
    "perlin_near",
    "row_shift",
    "smoothstep",
]

_ANGLES = np.linspace(0.0, 2.0 * np.pi, 64, endpoint=False)
_GX, _GY = np.cos(_ANGLES), np.sin(_ANGLES)
_K1, _K2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_K3, _K4 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_S33, _S29, _S58, _S40 = np.uint64(33), np.uint64(29), np.uint64(58), np.uint64(40)
_PERLIN_SCALE = 1.5  # so that it spans about -1 to 1, standard deviation 0.4
_SLANT = 0.3  # how far the ends of a parcel's sides are displaced, of its width


@njit(cache=True, nogil=True)
def hash_cell(i: int, j: int, seed: int) -> np.uint64:
    """Return 64 random bits that belong to two integers and a seed (murmur3's finaliser)."""
    h = np.uint64(i) * _K1 + np.uint64(j) * _K2 + np.uint64(seed)
    h ^= h >> _S33
    h *= _K3
    h ^= h >> _S29
    h *= _K4
    return h ^ (h >> _S33)


@njit(cache=True, nogil=True)
def hash01(bits: np.uint64, part: int) -> float:
    """Return one of two numbers in 0 to 1 (part 0 or 1, 24 bits each) that a hash holds."""
    shift = _S40 if part == 0 else np.uint64(12)
    return float((bits >> shift) & np.uint64(0xFFFFFF)) / 16777216.0


@njit(cache=True, nogil=True)
def smoothstep(low: float, high: float, x: float) -> float:
    """Return 0 below `low`, 1 above `high`, and a cubic between."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@njit(cache=True, nogil=True)
def perlin(x: float, y: float, seed: int) -> float:
    """Return smooth noise of about -1 to 1 whose waves are about two units long."""
    fx, fy = np.floor(x), np.floor(y)
    i, j = int(fx), int(fy)
    a, b = hash_cell(i, j, seed) >> _S58, hash_cell(i + 1, j, seed) >> _S58
    c, d = hash_cell(i, j + 1, seed) >> _S58, hash_cell(i + 1, j + 1, seed) >> _S58
    return _between(x - fx, y - fy, _GX[a], _GY[a], _GX[b], _GY[b], _GX[c], _GY[c], _GX[d], _GY[d])


@njit(cache=True, nogil=True)
def perlin_near(x: float, y: float, seed: int, memo: NDArray[np.float64], at: int) -> float:
    """Return `perlin`, quicker where the last point of this seed lay in the same cell.

    Ten numbers of `memo` from `at` on are for this seed; NaN at first.
    """
    fx, fy = np.floor(x), np.floor(y)
    if fx != memo[at] or fy != memo[at + 1]:
        i, j = int(fx), int(fy)
        memo[at], memo[at + 1] = fx, fy
        for corner in range(4):
            k = hash_cell(i + (corner & 1), j + (corner >> 1), seed) >> _S58
            memo[at + 2 + 2 * corner], memo[at + 3 + 2 * corner] = _GX[k], _GY[k]
    return _between(
        x - fx,
        y - fy,
        memo[at + 2],
        memo[at + 3],
        memo[at + 4],
        memo[at + 5],
        memo[at + 6],
        memo[at + 7],
        memo[at + 8],
        memo[at + 9],
    )


@njit(cache=True, nogil=True)
def _between(
    dx: float, dy: float, ax: float, ay: float, bx: float, by: float, cx: float, cy: float,
    ex: float, ey: float,
) -> float:  # fmt: skip
    u = dx * dx * dx * (dx * (dx * 6.0 - 15.0) + 10.0)
    v = dy * dy * dy * (dy * (dy * 6.0 - 15.0) + 10.0)
    a, b = ax * dx + ay * dy, bx * (dx - 1.0) + by * dy
    c, d = cx * dx + cy * (dy - 1.0), ex * (dx - 1.0) + ey * (dy - 1.0)
    low, high = a + u * (b - a), c + u * (d - c)
    return _PERLIN_SCALE * (low + v * (high - low))


@njit(cache=True, nogil=True)
def fbm(x: float, y: float, seed: int, octaves: int) -> float:
    """Return noise of several octaves, each half as strong and half as long as the one before."""
    total, strength = 0.0, 1.0
    for octave in range(octaves):
        total += strength * perlin(x, y, seed + 7919 * octave)
        # Turned a little from octave to octave, so that no direction stands out.
        x, y = 1.6 * x + 1.2 * y + 17.3, 1.6 * y - 1.2 * x + 5.7
        strength *= 0.5
    return total


@njit(cache=True, nogil=True)
def parcel_edge(i: int, j: int, width: float, seed: int) -> tuple[float, float]:
    """Return where the west side of parcel i of row j starts (south) and ends (north)."""
    bits = hash_cell(i, j, seed)
    return (
        (i + _SLANT * (2.0 * hash01(bits, 0) - 1.0)) * width,
        (i + _SLANT * (2.0 * hash01(bits, 1) - 1.0)) * width,
    )


@njit(cache=True, nogil=True)
def row_shift(j: int, width: float, seed: int) -> float:
    """Return how far row j of parcels is moved west, m."""
    return width * hash01(hash_cell(j, 77, seed), 0)


@njit(cache=True, nogil=True)
def parcel(
    x: float, y: float, width: float, height: float, seed: int, memo: NDArray[np.float64], at: int
) -> tuple[int, int, float]:
    """Return column and row of the parcel a point lies in, and its distance from the edge.

    Each row is moved by its own share of a width, so that the parcels lie like bricks. Eight
    numbers of `memo` from `at` on remember the last parcel, NaN at first: points mostly come by
    the row, and the next is mostly in the same parcel.
    """
    up = y / height
    row = np.floor(up)
    up -= row
    j = int(row)
    if memo[at] == row and memo[at + 1] == seed:
        x += memo[at + 3]
        west = memo[at + 4] + (memo[at + 5] - memo[at + 4]) * up
        east = memo[at + 6] + (memo[at + 7] - memo[at + 6]) * up
        if west <= x < east:
            return int(memo[at + 2]), j, min(min(x - west, east - x), min(up, 1.0 - up) * height)
    else:
        memo[at], memo[at + 1], memo[at + 3] = row, seed, row_shift(j, width, seed)
        x += memo[at + 3]
    i = int(np.floor(x / width))
    for k in range(i - 1, i + 2):
        memo[at + 4], memo[at + 5] = parcel_edge(k, j, width, seed)
        memo[at + 6], memo[at + 7] = parcel_edge(k + 1, j, width, seed)
        west = memo[at + 4] + (memo[at + 5] - memo[at + 4]) * up
        east = memo[at + 6] + (memo[at + 7] - memo[at + 6]) * up
        if x < east:
            i = k
            break
    memo[at + 2] = i
    return i, j, min(min(x - west, east - x), min(up, 1.0 - up) * height)
