"""From layers to light: the mixture of materials at each point, and what it sends up.

At a point the painter keeps a short list of (material, share) and lays one thing over the other, as
a picture is painted: `over` scales what is there and adds the new. Shares are areas of a square of
the sampling distance, so edges are mixed pixels. The sum over the list of share times spectrum is
the reflectance; the same list says what class the point is of, so truth and picture cannot differ.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitloom.world.spectra import Material
from orbitloom.world.synthetic_land import (
    BRIGHT,
    BURN,
    CLOUD,
    DRY,
    FARM,
    FLOOD,
    HEIGHT,
    LAYERS,
    NODE_M,
    OIL,
    RIVER,
    SEA,
    SHADE,
    SHADOW,
    SMOKE,
    SNOW,
    STILL,
    TOWN,
    WIDTH,
    WOOD,
)  # fmt: skip
from orbitloom.world.synthetic_noise import hash01, hash_cell, parcel, perlin, row_shift, smoothstep

__all__ = [
    "CLASSES", "CROPS", "NUMBERS", "PARISH_M", "Bins", "Look", "Thing",
    "field_ndvi", "field_traits", "paint", "parish_parcels", "parish_turn", "survey",
]  # fmt: skip

CLASSES = ("water", "soil", "crop", "grass", "forest", "town", "sand", "rock", "snow", "burnt")
"""What `survey` numbers: the class with the largest share."""

CROPS = ("winter wheat", "maize", "sugar beet", "rapeseed", "meadow", "fallow")
_CROP_SHARES = np.cumsum([0.28, 0.22, 0.16, 0.10, 0.18, 0.06])
_MEADOW = 4
PARISH_M = (3_200.0, 2_600.0)
_SLOTS = 28  # materials that a point can hold
_PHASES = 17

_CLASS_OF = np.zeros(len(Material), np.int64)
for _name, _members in {
    "water": "WATER_CLEAR WATER_DEEP WATER_TURBID FOAM",
    "soil": "SOIL_DARK SOIL_BRIGHT SOIL_WET",
    "crop": "CROP_GREEN CROP_RIPE",
    "grass": "GRASS_GREEN GRASS_DRY",
    "forest": "BROADLEAF CONIFER",
    "town": "ROOF_TILE CONCRETE ROOF_METAL ASPHALT PAINT_WHITE PAINT_RED",
    "sand": "SAND",
    "rock": "ROCK",
    "snow": "SNOW_FRESH SNOW_OLD",
    "burnt": "CHAR",
}.items():
    for _member in _members.split():
        _CLASS_OF[Material[_member]] = CLASSES.index(_name)

_SOIL_DARK, _SOIL_BRIGHT, _SOIL_WET = (
    int(Material.SOIL_DARK), int(Material.SOIL_BRIGHT), int(Material.SOIL_WET))  # fmt: skip
_CROP_GREEN, _CROP_RIPE = int(Material.CROP_GREEN), int(Material.CROP_RIPE)
_GRASS_GREEN, _GRASS_DRY = int(Material.GRASS_GREEN), int(Material.GRASS_DRY)
_BROADLEAF, _CONIFER = int(Material.BROADLEAF), int(Material.CONIFER)
_ROOF_TILE, _CONCRETE = int(Material.ROOF_TILE), int(Material.CONCRETE)
_ROOF_METAL, _ASPHALT = int(Material.ROOF_METAL), int(Material.ASPHALT)
_SAND, _ROCK = int(Material.SAND), int(Material.ROCK)
_CLEAR, _DEEP, _TURBID = (
    int(Material.WATER_CLEAR), int(Material.WATER_DEEP), int(Material.WATER_TURBID))  # fmt: skip
_SNOW_FRESH, _SNOW_OLD = int(Material.SNOW_FRESH), int(Material.SNOW_OLD)
_CHAR, _FOAM = int(Material.CHAR), int(Material.FOAM)
_WHITE, _RED = int(Material.PAINT_WHITE), int(Material.PAINT_RED)


class Thing:
    """Kinds of single objects, the first number of a row of `Bins.things`."""

    HULL, WAKE, PLATFORM, ROCK, MIRROR, FIRE = range(6)


_HULL, _WAKE, _PLATFORM, _REEF, _MIRROR, _FIRE = range(6)


class Bins(NamedTuple):
    """Single objects, found by the square they reach into.

    `things` is (n, 8): kind, easting, northing, cos and sin of the heading (counter-clockwise from
    east), length, width, strength; `starts` (rows, columns + 1) and `members` list those of each
    square of `BIN_M` from (`east_m`, `north_m`) on.
    """

    things: NDArray[np.float64]
    starts: NDArray[np.int64]
    members: NDArray[np.int64]
    columns: int
    rows: int
    bin_m: float
    east_m: float
    north_m: float


class Look(NamedTuple):
    """What the painter has to know besides the layers.

    `crops` is (crops, phases, 2): NDVI and share of straw on the ground today. `red_nir` holds the
    reflectance of dark soil, bright soil and green crop in red and NIR, (3, 2).
    """

    seed: int
    gsd_m: float
    east_m: float
    north_m: float
    turn_cos: float
    turn_sin: float
    parish_east: int
    parish_north: int
    stress: float
    stress_reach_m: float
    leaf: float
    green: float
    crops: NDArray[np.float64]
    red_nir: NDArray[np.float64]


@njit(cache=True, nogil=True)
def _share(inside_m: float, width_m: float) -> float:
    return min(max(inside_m / width_m + 0.5, 0.0), 1.0)


@njit(cache=True, nogil=True)
def _overlap(x: float, half: float, gsd: float) -> float:
    """Return the share of a pixel centred at x that an interval of +-half covers."""
    return max(min(x + 0.5 * gsd, half) - max(x - 0.5 * gsd, -half), 0.0) / gsd


@njit(cache=True, nogil=True)
def _over(ids: NDArray[np.int64], shares: NDArray[np.float64], n: int, new: int, a: float) -> int:
    """Lay a material over what is there, covering the share a; return how many there are now."""
    if a <= 0.0:
        return n
    for k in range(n):
        shares[k] *= 1.0 - a
    ids[n] = new
    shares[n] = a
    return n + 1


@njit(cache=True, nogil=True)
def parish_turn(pi: int, pj: int, seed: int) -> tuple[float, float]:
    """Return cos and sin of the direction that a parish's parcels lie in."""
    angle = np.pi * hash01(hash_cell(pi, pj, seed + 101), 0)
    return np.cos(angle), np.sin(angle)


@njit(cache=True, nogil=True)
def parish_parcels(pi: int, pj: int, seed: int) -> tuple[float, float, int]:
    """Return width and height of a parish's parcels (2 to 18 ha), m, and their seed."""
    bits = hash_cell(pi, pj, seed + 102)
    area = 2.5e4 * 6.0 ** hash01(bits, 0)
    aspect = 1.0 + 1.6 * hash01(bits, 1)
    key = int(hash_cell(pi, pj, seed + 103) & np.uint64(0x3FFFFFFF))
    return np.sqrt(area / aspect), np.sqrt(area * aspect), key


@njit(cache=True, nogil=True)
def field_traits(i: int, j: int, key: int, dry: float) -> tuple[int, int, float, float]:
    """Return a field's crop, its phase, its own vigour, and the share of bright soil in it."""
    bits, more = hash_cell(i, j, key + 1), hash_cell(i, j, key + 2)
    u = hash01(bits, 0)
    crop = 0
    while u > _CROP_SHARES[crop]:
        crop += 1
    bright = min(max(0.15 + 0.8 * dry + 0.5 * (hash01(more, 0) - 0.5), 0.0), 1.0)
    return crop, int(hash01(bits, 1) * _PHASES), 0.12 * (hash01(more, 1) - 0.5), bright


@njit(cache=True, nogil=True)
def _soil_red_nir(bright: float, red_nir: NDArray[np.float64]) -> tuple[float, float]:
    return (
        (1.0 - bright) * red_nir[0, 0] + bright * red_nir[1, 0],
        (1.0 - bright) * red_nir[0, 1] + bright * red_nir[1, 1],
    )


@njit(cache=True, nogil=True)
def field_ndvi(
    usual: float, own: float, bright: float, year: float, red_nir: NDArray[np.float64]
) -> float:
    """Return a field's NDVI from its crop's usual one (0.2 is bare), its own vigour, and soil."""
    red, nir = _soil_red_nir(bright, red_nir)
    soil = (nir - red) / (nir + red)
    vigour = min(max(usual + year - 0.2, 0.0) / 0.68 * (1.0 + own), 1.0)
    return soil + vigour * (0.84 - soil)


@njit(cache=True, nogil=True)
def _field(
    i: int, j: int, key: int, centre_away: float, dry: float, grain: float, look: Look
) -> tuple[int, float, float, float, int]:
    """Return crop, shares of green, straw and bright soil, and 1 if it is stressed."""
    crop, phase, own, bright = field_traits(i, j, key, dry)
    ndvi = field_ndvi(look.crops[crop, phase, 0], own, bright, look.green, look.red_nir)
    red, nir = _soil_red_nir(bright, look.red_nir)
    soil = (nir - red) / (nir + red)
    stressed = 0
    if look.stress > 0.0 and ndvi - soil > 0.3 and centre_away < look.stress_reach_m:
        pick = hash_cell(i, j, key + 3)
        if hash01(pick, 0) < look.stress:
            stressed = 1
            ndvi = soil + (ndvi - soil) * (1.0 - (0.15 + 0.45 * hash01(pick, 1)))
    ndvi = max(ndvi + 0.03 * grain * (ndvi - soil), soil)
    # The share of green whose mixture with soil has this NDVI.
    dr, dn = look.red_nir[2, 0] - red, look.red_nir[2, 1] - nir
    green = (ndvi * (nir + red) - (nir - red)) / (dn - dr - ndvi * (dn + dr))
    return crop, min(max(green, 0.0), 1.0), look.crops[crop, phase, 1], bright, stressed


@njit(cache=True, nogil=True)
def _cover(
    e: float, n: float, v: NDArray[np.float64], look: Look, bins: Bins,
    ids: NDArray[np.int64], shares: NDArray[np.float64], marks: NDArray[np.float64],
) -> int:  # fmt: skip
    """Write materials, shares and marks of one point; return how many materials there are.

    Marks: 0 water now, 1 usual water, 2 flood, 3 burnt, 4 snow, 5 field, 6 stressed, 7 burning
    share, 8 fire's row or -1, 9 texture, 10 sky mirrored by water, 11 vessel.
    """
    g = look.gsd_m
    seed = look.seed
    t1, t2 = perlin(e / 75.0, n / 75.0, seed + 1), perlin(e / 17.0, n / 17.0, seed + 2)
    for k in range(12):
        marks[k] = 0.0
    marks[8] = -1.0
    # Water's edge first: what lies below it need not be painted.
    fine = 7.0 * t1 + 3.0 * t2
    river = 0.5 * v[WIDTH] - abs(v[RIVER]) + 0.6 * fine
    still = v[STILL] + fine
    lake_or_river = max(still, river)
    usual = _share(lake_or_river, g)
    flood = 0.0
    if v[FLOOD] > -100.0:
        flood = _share(v[FLOOD] + 1.5 * fine, g)
    water = max(usual, flood)
    marks[1], marks[2] = usual, flood
    count = 0
    if water < 1.0:
        count = _land(e, n, v, t1, t2, fine, still, look, ids, shares, marks)
    if water > 0.0:
        sea = v[SEA]
        deep = sea * smoothstep(60.0, 550.0, still)
        turbid = 0.12 + 0.1 * t1 + sea * 0.4 * np.exp(-max(still, 0.0) / 180.0)
        if flood > usual:
            turbid = 0.85 + 0.15 * t1
            deep = 0.0
        elif river >= still:
            turbid = 0.6 + 0.2 * t1
            deep = 0.0
        deep *= 0.85
        turbid = min(max(turbid, 0.0), 1.0 - deep)
        count = _over(ids, shares, count, _CLEAR, water)
        count = _mix(ids, shares, count, water * deep, _DEEP, water)
        count = _mix(ids, shares, count, water * turbid, _TURBID, water)
        sky = 0.012 + 0.008 * sea * (1.0 + 0.5 * t2 + 0.3 * t1)
        # Oil damps the ripples that mirror the brighter sky.
        marks[10] = water * sky * (1.0 - 0.75 * v[OIL] * sea)
        if sea > 0.5 and t2 > 0.72:
            count = _over(ids, shares, count, _FOAM, 0.25 * (t2 - 0.72) * water)
    marks[0] = water
    marks[9] = 1.0 + (1.0 - water) * (0.05 * t1 + 0.07 * t2)
    # Single objects.
    bi = int(np.floor((e - bins.east_m) / bins.bin_m))
    bj = int(np.floor((n - bins.north_m) / bins.bin_m))
    if 0 <= bi < bins.columns and 0 <= bj < bins.rows:
        square = bj * bins.columns + bi
        for place in range(bins.starts[square], bins.starts[square + 1]):
            count = _thing(e, n, bins, bins.members[place], g, water, ids, shares, count, marks)
    return count


@njit(cache=True, nogil=True)
def _mix(
    ids: NDArray[np.int64], shares: NDArray[np.float64], n: int, part: float, new: int, whole: float
) -> int:
    """Turn a part of the last-laid clear water into another water."""
    if part <= 0.0 or whole <= 0.0:
        return n
    for k in range(n):
        if ids[k] == _CLEAR:
            shares[k] -= part
    ids[n] = new
    shares[n] = part
    return n + 1


@njit(cache=True, nogil=True)
def _land(
    e: float, n: float, v: NDArray[np.float64], t1: float, t2: float, fine: float, still: float,
    look: Look, ids: NDArray[np.int64], shares: NDArray[np.float64], marks: NDArray[np.float64],
) -> int:  # fmt: skip
    g, seed, dry = look.gsd_m, look.seed, v[DRY]
    # Parishes, with roads along their edges; parcels within, each parish with its own direction.
    u = e * look.turn_cos + n * look.turn_sin
    w = n * look.turn_cos - e * look.turn_sin
    pi, pj, road = parcel(u, w, PARISH_M[0], PARISH_M[1], seed + 100)
    c, s = parish_turn(pi, pj, seed)
    width, height, key = parish_parcels(pi, pj, seed)
    x0, y0 = u - pi * PARISH_M[0], w - pj * PARISH_M[1]
    x, y = x0 * c + y0 * s, y0 * c - x0 * s
    count = 0
    rough = 0.04 * t1 + 0.015 * t2
    town = v[TOWN] + 0.5 * rough
    if town > 0.0:
        count = _streets(x, y, town, t2, g, key, ids, shares)
    elif v[FARM] + rough > 0.0 and v[DRY] < 0.85:
        i, j, edge = parcel(x, y, width, height, key)
        # The parcel's middle, back in the zone.
        mx = (i + 0.5) * width - row_shift(j, width, key)
        my = (j + 0.5) * height
        mu = mx * c - my * s + pi * PARISH_M[0]
        mw = mx * s + my * c + pj * PARISH_M[1]
        me = mu * look.turn_cos - mw * look.turn_sin
        mn = mu * look.turn_sin + mw * look.turn_cos
        centre_away = np.hypot(me - look.east_m, mn - look.north_m)
        crop, green, straw, bright, stressed = _field(i, j, key, centre_away, dry, t1, look)
        count = _over(ids, shares, 0, _SOIL_DARK, 1.0)
        count = _over(ids, shares, count, _SOIL_BRIGHT, bright)
        count = _over(ids, shares, count, _CROP_RIPE, straw)
        count = _over(ids, shares, count, _GRASS_GREEN if crop == _MEADOW else _CROP_GREEN, green)
        margin = _overlap(edge, 2.0, g)
        count = _over(ids, shares, count, _GRASS_DRY, 0.8 * margin)
        number = (
            1
            + ((pi - look.parish_east + 16) & 31)
            + (((pj - look.parish_north + 16) & 31) << 5)
            + (((i + 64) & 127) << 10)
            + (((j + 64) & 127) << 17)
        )
        marks[5] = number
        marks[6] = stressed
    else:
        lush = min(max(0.75 + look.green - 0.9 * dry + 0.35 * t1, 0.05), 0.95)
        count = _over(ids, shares, 0, _SOIL_BRIGHT if dry > 0.5 else _SOIL_DARK, 1.0)
        count = _over(ids, shares, count, _GRASS_DRY, 0.75 - 0.5 * dry)
        count = _over(ids, shares, count, _GRASS_GREEN, lush)
    # Bare mountain tops above the trees, trees, and roads through them.
    rocky = smoothstep(850.0, 1250.0, v[HEIGHT] + 120.0 * t1)
    count = _over(ids, shares, count, _ROCK, 0.8 * rocky)
    wood = 0.0
    if town <= 0.05:
        wood = _share(v[WOOD] + rough - 0.5 * rocky, 0.0025 * g)
        if wood > 0.0:
            conifer = smoothstep(
                -0.25, 0.25, perlin(e / 900.0, n / 900.0, seed + 5) + v[HEIGHT] / 900.0
            )
            canopy = wood * (0.9 + 0.1 * t2)
            leaf = look.leaf + (1.0 - look.leaf) * conifer
            count = _over(ids, shares, count, _GRASS_DRY, canopy)
            count = _over(ids, shares, count, _BROADLEAF, canopy * leaf)
            count = _over(ids, shares, count, _CONIFER, canopy * conifer)
            if wood >= 0.5:
                marks[5] = marks[6] = 0.0
    if rocky < 0.9:
        tarred = _overlap(road, 4.5, g)
        count = _over(ids, shares, count, _ASPHALT, tarred)
    # Shores: sand by the sea, wet ground elsewhere.
    if still > -70.0:
        beach = v[SEA] * _share(still + 35.0 + 25.0 * t1, 8.0)
        count = _over(ids, shares, count, _SAND, beach)
        count = _over(ids, shares, count, _SOIL_WET, 0.7 * _share(still + 7.0, 8.0))
        if beach >= 0.5:
            marks[5] = marks[6] = 0.0
    if v[BURN] > -100.0:
        burnt = _share(v[BURN] + 2.0 * fine, g)
        severity = 0.82 + 0.14 * t1
        count = _over(ids, shares, count, _CHAR, burnt * severity)
        marks[3] = burnt
    if v[SNOW] > -160.0:
        snow = min(max(v[SNOW] / 70.0 + 0.5 + 0.45 * t1 + 0.2 * t2, 0.0), 1.0)
        snow *= 1.0 - 0.7 * wood
        old = 1.0 - smoothstep(0.0, 400.0, v[SNOW])
        count = _over(ids, shares, count, _SNOW_FRESH, snow)
        count = _over(ids, shares, count, _SNOW_OLD, snow * old)
        marks[4] = snow
    return count


@njit(cache=True, nogil=True)
def _streets(
    x: float, y: float, town: float, t2: float, g: float, key: int,
    ids: NDArray[np.int64], shares: NDArray[np.float64],
) -> int:  # fmt: skip
    """Paint blocks of houses, gardens and halls between streets."""
    bi, bj, edge = parcel(x, y, 110.0, 80.0, key + 7)
    block = hash_cell(bi, bj, key + 8)
    kind, tone = hash01(block, 0), hash01(block, 1)
    if kind < 0.10:  # halls: one large roof
        count = _over(ids, shares, 0, _CONCRETE, 1.0)
        roof = _share(edge - 14.0, g)
        count = _over(ids, shares, count, _ROOF_METAL if tone < 0.5 else _CONCRETE, roof)
        if tone > 0.75:
            count = _over(ids, shares, count, _ASPHALT, 0.6 * roof)
    elif kind < 0.20:  # parks
        count = _over(ids, shares, 0, _GRASS_GREEN, 1.0)
        count = _over(ids, shares, count, _BROADLEAF, min(max(0.5 + t2, 0.0), 1.0))
    else:
        hi, hj, gap = parcel(x, y, 21.0, 17.0, key + 9)
        house = hash_cell(hi, hj, key + 10)
        built = hash01(house, 0)
        count = _over(ids, shares, 0, _GRASS_GREEN, 1.0)
        count = _over(ids, shares, count, _CONCRETE, 0.25 + 0.3 * min(town, 1.0))
        count = _over(ids, shares, count, _BROADLEAF, 0.25 * min(max(0.5 + t2, 0.0), 1.0))
        if built < 0.45 + 0.4 * town:
            roof = _share(gap - 2.5, g)
            shade = hash01(house, 1)
            material = _ROOF_TILE if shade < 0.55 else _CONCRETE
            if shade > 0.86:
                material = _ASPHALT
            elif shade > 0.83:
                material = _ROOF_METAL
            count = _over(ids, shares, count, material, roof)
    return _over(ids, shares, count, _ASPHALT, _overlap(edge, 3.5, g))


@njit(cache=True, nogil=True)
def _thing(
    e: float, n: float, bins: Bins, row: int, g: float, water: float,
    ids: NDArray[np.int64], shares: NDArray[np.float64], count: int, marks: NDArray[np.float64],
) -> int:  # fmt: skip
    """Lay one object over the point."""
    thing = bins.things[row]
    kind, c, s, length, width = int(thing[0]), thing[3], thing[4], thing[5], thing[6]
    de, dn = e - thing[1], n - thing[2]
    x, y = de * c + dn * s, dn * c - de * s
    if kind == _FIRE:
        # A burning area spread as a Gaussian no finer than the sampling: its integral is the area.
        sigma = thing[6]
        square = (x * x + y * y) / (sigma * sigma)
        if square < 16.0:
            marks[7] += thing[5] / (2.0 * np.pi * sigma * sigma) * np.exp(-0.5 * square)
            marks[8] = row
        return count
    if kind == _WAKE:
        # Astern: a narrow turbulent wake that fades, and the faint arms of Kelvin's wedge.
        if x > 0.0 or x < -length or count + 2 > _SLOTS:
            return count
        fade = np.exp(3.0 * x / length)
        half = 0.5 * width * (1.0 - 2.5 * x / length)
        foam = 0.55 * thing[7] * fade * _overlap(y, half, g)
        arm = abs(y) + x * 0.34
        foam += 0.12 * thing[7] * fade * _overlap(arm, 3.0, g)
        return _over(ids, shares, count, _FOAM, min(foam * water, 0.8))
    if kind == _HULL:
        # A bow over the foremost quarter; the superstructure aft is white.
        if abs(x) > 0.5 * length + g or abs(y) > 0.5 * width + g or count + 3 > _SLOTS:
            return count
        half = 0.5 * width * min(max((0.5 * length - x) / (0.25 * length), 0.15), 1.0)
        hull = _overlap(x, 0.5 * length, g) * _overlap(y, half, g)
        house = _overlap(x + 0.33 * length, 0.11 * length, g) * _overlap(y, half, g)
        tone = thing[7]
        marks[11] = max(marks[11], hull)
        count = _over(ids, shares, count, _RED if tone < 0.5 else _CONCRETE, hull)
        if tone > 0.25 and hull > 0.0:
            house = max(house, (tone - 0.25) * hull)
        return _over(ids, shares, count, _WHITE, min(house, 1.0))
    if count + 1 > _SLOTS:
        return count
    if kind == _MIRROR:
        disc = _share(0.5 * width - np.hypot(x, y), g)
        # More light than a white roof scatters: the Sun itself in a tilted pane.
        count = _over(ids, shares, count, _ROOF_METAL, disc)
        shares[count - 1] *= thing[7] if disc > 0.0 else 1.0
        return count
    covered = _overlap(x, 0.5 * length, g) * _overlap(y, 0.5 * width, g)
    if kind == _REEF:
        covered = _share(0.5 * width - np.hypot(x, y), g)
    return _over(ids, shares, count, _CONCRETE if kind == _PLATFORM else _ROCK, covered)


@njit(cache=True, nogil=True)
def _read(
    e: float, n: float, lattice: NDArray[np.float32], i0: int, j0: int, v: NDArray[np.float64]
) -> None:
    """Read the layers between their nodes."""
    x, y = e / NODE_M, n / NODE_M
    fi, fj = np.floor(x), np.floor(y)
    a, b = x - fi, y - fj
    i, j = int(fi) - i0, int(fj) - j0
    p, q, r, s = lattice[j, i], lattice[j, i + 1], lattice[j + 1, i], lattice[j + 1, i + 1]
    wp, wq, wr, ws = (1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b
    for k in range(LAYERS):
        v[k] = wp * p[k] + wq * q[k] + wr * r[k] + ws * s[k]


@njit(cache=True, nogil=True)
def paint(
    east: NDArray[np.float64], north: NDArray[np.float64], lattice: NDArray[np.float32],
    i0: int, j0: int, look: Look, bins: Bins, spectra: NDArray[np.float32],
    shade: NDArray[np.float32], smoke: NDArray[np.float32], cloud_colour: NDArray[np.float32],
    radiance: NDArray[np.float32], rho: NDArray[np.float32], cloud: NDArray[np.float32],
    cloud_rho: NDArray[np.float32], emitted: NDArray[np.float32],
) -> None:  # fmt: skip
    """Write what points (n,) send up: reflectance (bands, n), cloud (n,), emitted (bands, n).

    `spectra` is (materials, bands), `shade` the share of light in full shadow, `smoke` (2, bands)
    its reflectance and relative opacity, `radiance` (things, bands) of each fire's black body.
    The last arrays may be empty where there is no cloud or no fire.
    """
    bands = spectra.shape[1]
    ids, shares = np.empty(_SLOTS + 4, np.int64), np.empty(_SLOTS + 4, np.float64)
    v, marks = np.empty(LAYERS, np.float64), np.empty(12, np.float64)
    total = np.empty(bands, np.float32)
    clouded, burning = cloud.size > 0, emitted.size > 0
    for k in range(east.size):
        _read(east[k], north[k], lattice, i0, j0, v)
        count = _cover(east[k], north[k], v, look, bins, ids, shares, marks)
        total[:] = 0.0
        for m in range(count):
            share, row = np.float32(shares[m]), spectra[ids[m]]
            for b in range(bands):
                total[b] += share * row[b]
        light = marks[0] + (1.0 - marks[0]) * v[SHADE]
        scale, sky = np.float32(marks[9] * light), np.float32(marks[10])
        dark, haze = np.float32(v[SHADOW]), np.float32(v[SMOKE])
        for b in range(bands):
            value = (total[b] * scale + sky) * (
                np.float32(1.0) - (np.float32(1.0) - shade[b]) * dark
            )
            if haze > 0.0:
                value += haze * smoke[1, b] * (smoke[0, b] - value)
            rho[b, k] = value
        if clouded:
            cloud[k] = v[CLOUD]
            for b in range(bands):
                cloud_rho[b, k] = cloud_colour[b] * v[BRIGHT]
        if burning:
            part, row_of = min(marks[7], 1.0), int(marks[8])
            for b in range(bands):
                emitted[b, k] = part * radiance[row_of, b] if row_of >= 0 else 0.0


@njit(cache=True, nogil=True)
def survey(
    east: NDArray[np.float64], north: NDArray[np.float64], lattice: NDArray[np.float32],
    i0: int, j0: int, look: Look, bins: Bins, numbers: NDArray[np.float32],
    fields: NDArray[np.int32], classes: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Write what is at points (n,): see `NUMBERS` for `numbers` (len(NUMBERS), n)."""
    ids, shares = np.empty(_SLOTS + 4, np.int64), np.empty(_SLOTS + 4, np.float64)
    v, marks = np.empty(LAYERS, np.float64), np.empty(12, np.float64)
    sums = np.empty(len(CLASSES), np.float64)
    for k in range(east.size):
        _read(east[k], north[k], lattice, i0, j0, v)
        count = _cover(east[k], north[k], v, look, bins, ids, shares, marks)
        sums[:] = 0.0
        for m in range(count):
            sums[_CLASS_OF[ids[m]]] += shares[m]
        classes[k] = np.argmax(sums)
        dry = marks[0] < 0.5
        fields[k] = int(marks[5]) if dry else 0
        numbers[0, k], numbers[1, k] = marks[0], marks[1]
        numbers[2, k] = marks[2] if marks[1] < 0.5 else 0.0
        numbers[3, k] = marks[3] if dry else 0.0
        numbers[4, k] = marks[4] if dry else 0.0
        numbers[5, k] = marks[6] if dry else 0.0
        numbers[6, k] = min(marks[7], 1.0)
        numbers[7, k] = bins.things[int(marks[8]), 7] if marks[8] >= 0.0 else 0.0
        numbers[8, k], numbers[9, k] = v[CLOUD], v[SHADOW]
        numbers[10, k], numbers[11, k] = marks[11], v[SMOKE]
        numbers[12, k] = 1.0 if (v[SEA] * (v[STILL] > 0.0)) < 0.5 else 0.0


NUMBERS = (
    "water", "usual_water", "flood", "burnt", "snow", "stressed", "burning", "temperature_k",
    "cloud", "shadow", "vessel", "smoke", "land",
)  # fmt: skip
"""Rows of `survey`'s numbers: shares of a point's square, 0 to 1, but for the temperature."""
