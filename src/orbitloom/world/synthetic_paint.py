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
from orbitloom.world.synthetic_brush import SLOTS, Bins, lay, overlap, share, square_of, thing_over
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
from orbitloom.world.synthetic_noise import (
    hash01,
    hash_cell,
    parcel,
    perlin_near,
    row_shift,
    smoothstep,
)

__all__ = [
    "CLASSES", "CROPS", "NUMBERS", "PARISH_M", "Look", "RedNir", "field_ndvi", "field_traits",
    "paint", "parish_parcels", "parish_turn", "survey",
]  # fmt: skip

CLASSES = ("water", "soil", "crop", "grass", "forest", "town", "sand", "rock", "snow", "burnt")
"""What `survey` numbers: the class with the largest share."""

CROPS = ("winter wheat", "maize", "sugar beet", "rapeseed", "meadow", "fallow")
_CROP_SHARES = np.cumsum([0.28, 0.22, 0.16, 0.10, 0.18, 0.06])
_MEADOW = 4
PARISH_M = (3_200.0, 2_600.0)
_PARISH, _FIELD = 36, 60  # where the painter remembers the last parish and field
_PHASES = 17
_PER_17_M, _PER_75_M, _PER_800_M = 1.0 / 17.0, 1.0 / 75.0, 1.0 / 800.0
_PER_NODE = 1.0 / NODE_M

RedNir = tuple[float, float, float, float, float, float]
"""Reflectance in red and NIR of dark soil, of bright soil, and of a green crop."""

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


class Look(NamedTuple):
    """What the painter has to know besides the layers."""

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
    dryness: float
    leaf: float
    green: float
    red_nir: RedNir


@njit(cache=True, nogil=True, error_model="numpy")
def parish_turn(pi: int, pj: int, seed: int) -> tuple[float, float]:
    """Return cos and sin of the direction that a parish's parcels lie in."""
    angle = np.pi * hash01(hash_cell(pi, pj, seed + 101), 0)
    return np.cos(angle), np.sin(angle)


@njit(cache=True, nogil=True, error_model="numpy")
def parish_parcels(pi: int, pj: int, seed: int) -> tuple[float, float, int]:
    """Return width and height of a parish's parcels (2 to 18 ha), m, and their seed."""
    bits = hash_cell(pi, pj, seed + 102)
    area = 2.5e4 * 6.0 ** hash01(bits, 0)
    aspect = 1.0 + 1.6 * hash01(bits, 1)
    key = int(hash_cell(pi, pj, seed + 103) & np.uint64(0x3FFFFFFF))
    return np.sqrt(area / aspect), np.sqrt(area * aspect), key


@njit(cache=True, nogil=True, error_model="numpy")
def field_traits(i: int, j: int, key: int, dryness: float) -> tuple[int, int, float, float]:
    """Return a field's crop, its phase, its own vigour, and the share of bright soil in it."""
    bits, more = hash_cell(i, j, key + 1), hash_cell(i, j, key + 2)
    u = hash01(bits, 0)
    crop = 0
    while u > _CROP_SHARES[crop]:
        crop += 1
    bright = min(max(0.15 + 0.8 * dryness + 0.5 * (hash01(more, 0) - 0.5), 0.0), 1.0)
    return crop, int(hash01(bits, 1) * _PHASES), 0.12 * (hash01(more, 1) - 0.5), bright


@njit(cache=True, nogil=True, error_model="numpy")
def _soil_red_nir(bright: float, red_nir: RedNir) -> tuple[float, float]:
    return (
        (1.0 - bright) * red_nir[0] + bright * red_nir[2],
        (1.0 - bright) * red_nir[1] + bright * red_nir[3],
    )


@njit(cache=True, nogil=True, error_model="numpy")
def field_ndvi(usual: float, own: float, bright: float, year: float, red_nir: RedNir) -> float:
    """Return a field's NDVI from its crop's usual one (0.2 is bare), its own vigour, and soil."""
    red, nir = _soil_red_nir(bright, red_nir)
    soil = (nir - red) / (nir + red)
    vigour = min(max(usual + year - 0.2, 0.0) / 0.68 * (1.0 + own), 1.0)
    return soil + vigour * (0.84 - soil)


@njit(cache=True, nogil=True, error_model="numpy")
def _enter_field(
    pi: int, pj: int, i: int, j: int, look: Look, crops: NDArray[np.float64],
    memo: NDArray[np.float64],
) -> None:  # fmt: skip
    """Write what the points of a field have in common.

    From `_FIELD` on: its seed, column and row, its NDVI, its soil's NDVI, red and NIR, share of
    bright soil and of straw, crop, whether stressed, and number.
    """
    c, s, width, height = memo[_PARISH + 2], memo[_PARISH + 3], memo[_PARISH + 4], memo[_PARISH + 5]
    key = int(memo[_PARISH + 6])
    # The parcel's middle, back in the zone.
    x, y = (i + 0.5) * width - row_shift(j, width, key), (j + 0.5) * height
    u, w = x * c - y * s + pi * PARISH_M[0], x * s + y * c + pj * PARISH_M[1]
    away = np.hypot(
        u * look.turn_cos - w * look.turn_sin - look.east_m,
        u * look.turn_sin + w * look.turn_cos - look.north_m,
    )
    crop, phase, own, bright = field_traits(i, j, key, look.dryness)
    ndvi = field_ndvi(crops[crop, phase, 0], own, bright, look.green, look.red_nir)
    red, nir = _soil_red_nir(bright, look.red_nir)
    soil = (nir - red) / (nir + red)
    stressed = 0
    if look.stress > 0.0 and ndvi - soil > 0.3 and away < look.stress_reach_m:
        pick = hash_cell(i, j, key + 3)
        if hash01(pick, 0) < look.stress:
            stressed = 1
            ndvi = soil + (ndvi - soil) * (1.0 - (0.15 + 0.45 * hash01(pick, 1)))
    memo[_FIELD], memo[_FIELD + 1], memo[_FIELD + 2] = key, i, j
    memo[_FIELD + 3], memo[_FIELD + 4], memo[_FIELD + 5], memo[_FIELD + 6] = ndvi, soil, red, nir
    memo[_FIELD + 7], memo[_FIELD + 8], memo[_FIELD + 9] = bright, crops[crop, phase, 1], crop
    memo[_FIELD + 10] = stressed
    memo[_FIELD + 11] = (
        1
        + ((pi - look.parish_east + 16) & 31)
        + (((pj - look.parish_north + 16) & 31) << 5)
        + (((i + 64) & 127) << 10)
        + (((j + 64) & 127) << 17)
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _green_share(ndvi: float, red: float, nir: float, red_nir: RedNir) -> float:
    """Return the share of green plants whose mixture with a soil has this NDVI."""
    dr, dn = red_nir[4] - red, red_nir[5] - nir
    green = (ndvi * (nir + red) - (nir - red)) / (dn - dr - ndvi * (dn + dr))
    return min(max(green, 0.0), 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _cover(
    e: float, n: float, v: NDArray[np.float32], look: Look,
    ids: NDArray[np.int64], shares: NDArray[np.float64], marks: NDArray[np.float64],
    crops: NDArray[np.float64], memo: NDArray[np.float64],
) -> int:  # fmt: skip
    """Write materials, shares and marks of one point; return how many materials there are.

    Marks: 0 water now, 1 usual water, 2 flood, 3 burnt, 4 snow, 5 field, 6 stressed, 7 burning
    share, 8 fire's row or -1, 9 texture, 10 sky mirrored by water, 11 vessel.
    """
    g = look.gsd_m
    seed = look.seed
    t1 = perlin_near(e * _PER_75_M, n * _PER_75_M, seed + 1, memo, 0)
    t2 = perlin_near(e * _PER_17_M, n * _PER_17_M, seed + 2, memo, 12)
    for k in range(12):
        marks[k] = 0.0
    marks[8] = -1.0
    marks[9] = 1.0
    # Water's edge first: what lies below it need not be painted.
    fine = 7.0 * t1 + 3.0 * t2
    river = 0.5 * v[WIDTH] - abs(v[RIVER]) + 0.6 * fine
    still = v[STILL] + fine
    lake_or_river = max(still, river)
    usual = share(lake_or_river, g)
    flood = 0.0
    if v[FLOOD] > -100.0:
        flood = share(v[FLOOD] + 1.5 * fine, g)
    water = max(usual, flood)
    marks[1], marks[2] = usual, flood
    count = 0
    if water < 1.0:
        count = _land(e, n, v, t1, t2, fine, still, look, ids, shares, marks, crops, memo)
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
        count = lay(ids, shares, count, _CLEAR, water)
        count = _mix(ids, shares, count, water * deep, _DEEP, water)
        count = _mix(ids, shares, count, water * turbid, _TURBID, water)
        sky = 0.012 + 0.008 * sea * (1.0 + 0.5 * t2 + 0.3 * t1)
        # Oil damps the ripples that mirror the brighter sky.
        marks[10] = water * sky * (1.0 - 0.75 * v[OIL] * sea)
        if sea > 0.5 and t2 > 0.72:
            count = lay(ids, shares, count, _FOAM, 0.25 * (t2 - 0.72) * water)
    marks[0] = water
    marks[9] += water * (1.0 - marks[9])
    return count


@njit(cache=True, nogil=True, error_model="numpy")
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


@njit(cache=True, nogil=True, error_model="numpy")
def _land(
    e: float, n: float, v: NDArray[np.float32], t1: float, t2: float, fine: float, still: float,
    look: Look, ids: NDArray[np.int64], shares: NDArray[np.float64], marks: NDArray[np.float64],
    crops: NDArray[np.float64], memo: NDArray[np.float64],
) -> int:  # fmt: skip
    g, seed, dry = look.gsd_m, look.seed, v[DRY]
    # Parishes, with roads along their edges; parcels within, each parish with its own direction.
    u = e * look.turn_cos + n * look.turn_sin
    w = n * look.turn_cos - e * look.turn_sin
    pi, pj, road = parcel(u, w, PARISH_M[0], PARISH_M[1], seed + 100, memo, 24)
    if memo[_PARISH] != pi or memo[_PARISH + 1] != pj:
        memo[_PARISH], memo[_PARISH + 1] = pi, pj
        memo[_PARISH + 2], memo[_PARISH + 3] = parish_turn(pi, pj, seed)
        memo[_PARISH + 4], memo[_PARISH + 5], memo[_PARISH + 6] = parish_parcels(pi, pj, seed)
    c, s, key = memo[_PARISH + 2], memo[_PARISH + 3], int(memo[_PARISH + 6])
    x0, y0 = u - pi * PARISH_M[0], w - pj * PARISH_M[1]
    x, y = x0 * c + y0 * s, y0 * c - x0 * s
    rough = 0.04 * t1 + 0.015 * t2
    speckle = hash01(hash_cell(int(np.floor(e * 0.25)), int(np.floor(n * 0.25)), seed), 0) - 0.5
    texture = 0.04 * t1 + 0.04 * t2 + 0.04 * speckle
    # Bare mountain tops, and the woods below them.
    rocky = 0.0
    if v[HEIGHT] > 850.0:
        rocky = smoothstep(1000.0, 1350.0, v[HEIGHT] + 120.0 * t1)
    town = v[TOWN] + 0.5 * rough
    wood = 0.0
    if town <= 0.05:
        wood = share(v[WOOD] + rough - 0.5 * rocky, 0.0025 * g)
    count = 0
    if wood < 1.0:
        if town > 0.0:
            count = _streets(x, y, town, t2, g, key, ids, shares, memo)
            texture = 0.1 * speckle
        elif v[FARM] + rough > 0.0 and dry < 0.85:
            i, j, edge = parcel(x, y, memo[_PARISH + 4], memo[_PARISH + 5], key, memo, 48)
            if memo[_FIELD] != key or memo[_FIELD + 1] != i or memo[_FIELD + 2] != j:
                _enter_field(pi, pj, i, j, look, crops, memo)
            ndvi = max(
                memo[_FIELD + 3] + 0.03 * t1 * (memo[_FIELD + 3] - memo[_FIELD + 4]),
                memo[_FIELD + 4],
            )
            green = _green_share(ndvi, memo[_FIELD + 5], memo[_FIELD + 6], look.red_nir)
            count = lay(ids, shares, 0, _SOIL_DARK, 1.0)
            count = lay(ids, shares, count, _SOIL_BRIGHT, memo[_FIELD + 7])
            count = lay(ids, shares, count, _CROP_RIPE, memo[_FIELD + 8])
            plant = _GRASS_GREEN if memo[_FIELD + 9] == _MEADOW else _CROP_GREEN
            count = lay(ids, shares, count, plant, green)
            count = lay(ids, shares, count, _GRASS_DRY, 0.8 * overlap(edge, 2.0, g))
            if wood < 0.5:
                marks[5], marks[6] = memo[_FIELD + 11], memo[_FIELD + 10]
        else:
            lush = min(max(0.72 + look.green - 0.9 * dry + 0.3 * t1, 0.05), 0.95)
            count = lay(ids, shares, 0, _SOIL_BRIGHT if dry > 0.5 else _SOIL_DARK, 1.0)
            count = lay(ids, shares, count, _GRASS_DRY, 0.75 - 0.5 * dry)
            count = lay(ids, shares, count, _GRASS_GREEN, lush)
    if wood > 0.0:
        # Stands of one age; a few were cut not long ago.
        i, j, _ = parcel(x, y, 1.9 * memo[_PARISH + 4], 1.4 * memo[_PARISH + 5], key + 21, memo, 72)
        stand = hash_cell(i, j, key + 22)
        own = hash01(stand, 0)
        mixed = perlin_near(e * _PER_800_M, n * _PER_800_M, seed + 5, memo, 84) + 0.9 * (own - 0.5)
        conifer = smoothstep(-0.3, 0.3, mixed + (v[HEIGHT] - 250.0) / 700.0)
        canopy = wood * min(0.9 + 0.15 * t2 + 0.1 * speckle, 1.0)
        if hash01(stand, 1) < 0.025:
            canopy *= 0.25
        leaf = look.leaf + (1.0 - look.leaf) * conifer
        count = lay(ids, shares, count, _GRASS_DRY, wood)
        count = lay(ids, shares, count, _BROADLEAF, canopy * leaf)
        count = lay(ids, shares, count, _CONIFER, canopy * conifer)
        texture += wood * (0.1 * t2 + 0.12 * speckle + 0.14 * (hash01(stand, 1) - 0.5))
    marks[9] = 1.0 + texture
    if rocky > 0.0:
        count = lay(ids, shares, count, _ROCK, 0.85 * rocky * (1.0 - wood))
    if rocky < 0.9:
        count = lay(ids, shares, count, _ASPHALT, overlap(road, 4.5, g))
    # Shores: sand by the sea, wet ground elsewhere.
    if still > -70.0:
        beach = v[SEA] * share(still + 35.0 + 25.0 * t1, 8.0)
        count = lay(ids, shares, count, _SAND, beach)
        count = lay(ids, shares, count, _SOIL_WET, 0.7 * share(still + 7.0, 8.0))
        if beach >= 0.5:
            marks[5] = marks[6] = 0.0
    if v[BURN] > -100.0:
        burnt = share(v[BURN] + 2.0 * fine, g)
        severity = 0.82 + 0.14 * t1
        count = lay(ids, shares, count, _CHAR, burnt * severity)
        marks[3] = burnt
    if v[SNOW] > -160.0:
        snow = min(max(v[SNOW] / 70.0 + 0.5 + 0.45 * t1 + 0.2 * t2, 0.0), 1.0)
        snow *= 1.0 - 0.7 * wood
        old = 1.0 - smoothstep(0.0, 400.0, v[SNOW])
        count = lay(ids, shares, count, _SNOW_FRESH, snow)
        count = lay(ids, shares, count, _SNOW_OLD, snow * old)
        marks[4] = snow
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _streets(
    x: float, y: float, town: float, t2: float, g: float, key: int,
    ids: NDArray[np.int64], shares: NDArray[np.float64], memo: NDArray[np.float64],
) -> int:  # fmt: skip
    """Paint blocks of houses, gardens and halls between streets."""
    bi, bj, edge = parcel(x, y, 110.0, 80.0, key + 7, memo, 96)
    block = hash_cell(bi, bj, key + 8)
    kind, tone = hash01(block, 0), hash01(block, 1)
    if kind < 0.10:  # halls: one large roof
        count = lay(ids, shares, 0, _CONCRETE, 1.0)
        roof = share(edge - 14.0, g)
        count = lay(ids, shares, count, _ROOF_METAL if tone < 0.5 else _CONCRETE, roof)
        if tone > 0.75:
            count = lay(ids, shares, count, _ASPHALT, 0.6 * roof)
    elif kind < 0.20:  # parks
        count = lay(ids, shares, 0, _GRASS_GREEN, 1.0)
        count = lay(ids, shares, count, _BROADLEAF, min(max(0.5 + t2, 0.0), 1.0))
    else:
        hi, hj, gap = parcel(x, y, 21.0, 17.0, key + 9, memo, 108)
        house = hash_cell(hi, hj, key + 10)
        built = hash01(house, 0)
        count = lay(ids, shares, 0, _GRASS_GREEN, 1.0)
        count = lay(ids, shares, count, _CONCRETE, 0.25 + 0.3 * min(town, 1.0))
        count = lay(ids, shares, count, _BROADLEAF, 0.25 * min(max(0.5 + t2, 0.0), 1.0))
        if built < 0.45 + 0.4 * town:
            roof = share(gap - 2.5, g)
            shade = hash01(house, 1)
            material = _ROOF_TILE if shade < 0.55 else _CONCRETE
            if shade > 0.86:
                material = _ASPHALT
            elif shade > 0.83:
                material = _ROOF_METAL
            count = lay(ids, shares, count, material, roof)
    return lay(ids, shares, count, _ASPHALT, overlap(edge, 3.5, g))


@njit(cache=True, nogil=True, error_model="numpy")
def _read(
    e: float, n: float, lattice: NDArray[np.float32], i0: int, j0: int,
    v: NDArray[np.float32], ends: NDArray[np.float32], last: NDArray[np.float64],
) -> None:  # fmt: skip
    """Read the layers between their nodes.

    `ends` (2, layers) are their values west and east of the point; neighbours in a row share them.
    """
    x, y = e * _PER_NODE, n * _PER_NODE
    i, j = int(np.floor(x)), int(np.floor(y))
    if last[0] != i or last[1] != n:
        last[0], last[1] = i, n
        up = np.float32(y - j)
        for k in range(LAYERS):
            south, north = lattice[j - j0, i - i0, k], lattice[j - j0 + 1, i - i0, k]
            ends[0, k] = south + up * (north - south)
        for k in range(LAYERS):
            south, north = lattice[j - j0, i - i0 + 1, k], lattice[j - j0 + 1, i - i0 + 1, k]
            ends[1, k] = south + up * (north - south)
    right = np.float32(x - i)
    for k in range(LAYERS):
        v[k] = ends[0, k] + right * (ends[1, k] - ends[0, k])


@njit(cache=True, nogil=True, error_model="numpy")
def paint(
    east: NDArray[np.float64], north: NDArray[np.float64], lattice: NDArray[np.float32],
    i0: int, j0: int, look: Look, crops: NDArray[np.float64], bins: Bins,
    spectra: NDArray[np.float32],
    shade: NDArray[np.float32], smoke: NDArray[np.float32], cloud_colour: NDArray[np.float32],
    radiance: NDArray[np.float32], rho: NDArray[np.float32], cloud: NDArray[np.float32],
    cloud_rho: NDArray[np.float32], emitted: NDArray[np.float32],
) -> None:  # fmt: skip
    """Write what points (n,) send up: reflectance (bands, n), cloud (n,), emitted (bands, n).

    `spectra` is (materials, bands), `shade` the share of light in full shadow, `smoke` (2, bands)
    its reflectance and relative opacity, `radiance` (things, bands) of each fire's black body.
    The last three come as zeros, or empty where there is no cloud or no fire.
    """
    bands = spectra.shape[1]
    ids, shares = np.empty(SLOTS + 4, np.int64), np.empty(SLOTS + 4, np.float64)
    v, ends = np.empty(LAYERS, np.float32), np.empty((2, LAYERS), np.float32)
    last, marks = np.full(2, np.nan), np.empty(12, np.float64)
    memo = np.full(120, np.nan)
    things, starts, members, frame = bins.things, bins.starts, bins.members, bins.frame
    # Bands by the eight, for the vector unit.
    eights = (bands + 7) // 8
    wide = np.zeros((spectra.shape[0], 8 * eights), np.float32)
    wide[:, :bands] = spectra
    total = np.empty(8 * eights, np.float32)
    clouded, burning = cloud.size > 0, emitted.size > 0
    for k in range(east.size):
        _read(east[k], north[k], lattice, i0, j0, v, ends, last)
        count = _cover(east[k], north[k], v, look, ids, shares, marks, crops, memo)
        square = square_of(east[k], north[k], frame)
        if square >= 0:
            for place in range(starts[square], starts[square + 1]):
                count = thing_over(
                    east[k], north[k], things, members[place], look.gsd_m, marks[0],
                    ids, shares, count, marks,
                )  # fmt: skip
        total[:] = 0.0
        for m in range(count):
            share, row = np.float32(shares[m]), ids[m]
            for eight in range(eights):
                for b in range(8):
                    total[8 * eight + b] += share * wide[row, 8 * eight + b]
        light = marks[0] + (1.0 - marks[0]) * v[SHADE]
        scale, sky = np.float32(marks[9] * light), np.float32(marks[10])
        dark, haze = np.float32(v[SHADOW]), np.float32(v[SMOKE])
        for b in range(bands):
            rho[b, k] = (total[b] * scale + sky) * (
                np.float32(1.0) - (np.float32(1.0) - shade[b]) * dark
            )
        if haze > 0.0:
            for b in range(bands):
                rho[b, k] += haze * smoke[1, b] * (smoke[0, b] - rho[b, k])
        if clouded and v[CLOUD] > 0.0:
            cloud[k] = v[CLOUD]
            for b in range(bands):
                cloud_rho[b, k] = cloud_colour[b] * v[BRIGHT]
        if burning and marks[8] >= 0.0:
            part, row_of = min(marks[7], 1.0), int(marks[8])
            for b in range(bands):
                emitted[b, k] = part * radiance[row_of, b]


@njit(cache=True, nogil=True, error_model="numpy")
def survey(
    east: NDArray[np.float64], north: NDArray[np.float64], lattice: NDArray[np.float32],
    i0: int, j0: int, look: Look, crops: NDArray[np.float64], bins: Bins,
    numbers: NDArray[np.float32],
    fields: NDArray[np.int32], classes: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Write what is at points (n,): see `NUMBERS` for `numbers` (len(NUMBERS), n)."""
    ids, shares = np.empty(SLOTS + 4, np.int64), np.empty(SLOTS + 4, np.float64)
    v, ends = np.empty(LAYERS, np.float32), np.empty((2, LAYERS), np.float32)
    last, marks = np.full(2, np.nan), np.empty(12, np.float64)
    memo = np.full(120, np.nan)
    things, starts, members, frame = bins.things, bins.starts, bins.members, bins.frame
    sums = np.empty(len(CLASSES), np.float64)
    for k in range(east.size):
        _read(east[k], north[k], lattice, i0, j0, v, ends, last)
        count = _cover(east[k], north[k], v, look, ids, shares, marks, crops, memo)
        square = square_of(east[k], north[k], frame)
        if square >= 0:
            for place in range(starts[square], starts[square + 1]):
                count = thing_over(
                    east[k], north[k], things, members[place], look.gsd_m, marks[0],
                    ids, shares, count, marks,
                )  # fmt: skip
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
        numbers[7, k] = things[int(marks[8]), 7] if marks[8] >= 0.0 else 0.0
        numbers[8, k], numbers[9, k] = v[CLOUD], v[SHADOW]
        numbers[10, k], numbers[11, k] = marks[11], v[SMOKE]
        numbers[12, k] = 1.0 if (v[SEA] * (v[STILL] > 0.0)) < 0.5 else 0.0


NUMBERS = (
    "water", "usual_water", "flood", "burnt", "snow", "stressed", "burning", "temperature_k",
    "cloud", "shadow", "vessel", "smoke", "land",
)  # fmt: skip
"""Rows of `survey`'s numbers: shares of a point's square, 0 to 1, but for the temperature."""
