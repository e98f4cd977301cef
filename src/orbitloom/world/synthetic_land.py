"""The lie of the land: relief, sea, lakes, rivers, woods, towns, snow, flood, burn, clouds, smoke.

Every layer is a function of the position in a UTM zone and a seed, evaluated at the nodes of one
lattice that covers the zone (`NODE_M` apart, cut into blocks so that only what is asked for is
made) and bilinear between. Near the target a bump (1 within 6 km, 0 beyond 15 km) bends the layers
so that the wanted setting is there; thresholds are then set so that areas come out as drawn.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitloom.world.synthetic_noise import fbm, hash01, hash_cell, perlin, smoothstep

__all__ = [
    "BLOCK", "BRIGHT", "BURN", "CLOUD", "DRY", "FARM", "FLOOD", "HEIGHT", "LAYERS", "NODE_M", "OIL",
    "RIVER", "SEA", "SHADE", "SHADOW", "SMOKE", "SNOW", "STILL", "TOWN", "WIDTH", "WOOD", "Plan",
    "block", "cloud_noise", "lake_levels", "raw", "read_layer", "sample",
]  # fmt: skip

NODE_M = 40.0
BLOCK = 64
_PER_NODE = 1.0 / NODE_M
LAYERS = 18
"""How many layers there are; the numbers below are their places in the last axis of `block`."""

# Height, m; light on the slope over light on the level; m inside still water (sea and lakes).
HEIGHT, SHADE, STILL = 0, 1, 2
# Distance from the river's middle, signed, and its width, m; m inside flood and burn.
RIVER, WIDTH, FLOOD, BURN = 3, 4, 5, 6
# Above 0 inside woods, farmland, towns; dryness 0 to 1; m above the snow line.
WOOD, FARM, TOWN, DRY, SNOW = 7, 8, 9, 10, 11
# Opacity of cloud, of its shadow; the cloud's brightness; opacity of smoke; oil film 0 to 1.
CLOUD, SHADOW, BRIGHT, SMOKE, OIL = 12, 13, 14, 15, 16
# 1 where still water is sea, 0 where it is a lake.
SEA = 17
_BUMP_M = (6_000.0, 15_000.0)
_REACH_M = 600.0  # distances inside water, flood and burn are kept up to this
_HILLS_M, _PEAKS_M = 45.0, 1_450.0
_TOWN_M = 7_000.0
_SOFT = 0.22  # how fast a cloud's edge thickens, in units of its noise


class Plan(NamedTuple):
    """The draws and settings that the layers follow; lengths in m, directions as cos and sin."""

    seed: int
    east_m: float
    north_m: float
    sun_east: float
    sun_north: float
    sun_sine: float
    sun_cosine: float
    coast: float = 0.0
    coast_cos: float = 1.0
    coast_sin: float = 0.0
    coast_cut: float = 0.0
    river: float = 0.0
    river_cos: float = 1.0
    river_sin: float = 0.0
    river_width: float = 120.0
    river_wave: float = 5000.0
    river_phase: float = 0.0
    lake: float = 0.0
    lake_east: float = 0.0
    lake_north: float = 0.0
    lake_radius: float = 2000.0
    lake_cut: float = 0.0
    mountain: float = 0.0
    forest: float = 0.0
    farm: float = 0.0
    dryness: float = 0.0
    snow_line: float = 9e3
    snow_bend: float = 0.0
    snow_line_bent: float = 0.0
    flood: float = 0.0
    flood_cut: float = 0.0
    burn: float = 0.0
    burn_east: float = 0.0
    burn_north: float = 0.0
    burn_radius: float = 1500.0
    burn_cut: float = 0.0
    cloud: float = 0.0
    cloud_seed: int = 0
    cloud_wave: float = 2500.0
    cloud_cut: float = 0.0
    cloud_base: float = 1500.0
    smoke: float = 0.0
    smoke_east: float = 0.0
    smoke_north: float = 0.0
    wind_cos: float = 1.0
    wind_sin: float = 0.0
    oil: float = 0.0
    oil_east: float = 0.0
    oil_north: float = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _river_value(e: float, n: float, bump: float, p: Plan) -> float:
    """Return a field whose zero line is the river; its slope is about 1 / 10 km."""
    natural = 1.3 * fbm(e / 14e3, n / 14e3, p.seed + 31, 3)
    if p.river == 0.0:
        return natural + 0.9 * bump * (1.0 if p.lake + p.coast > 0.0 else 0.0)
    de, dn = e - p.east_m, n - p.north_m
    along = de * p.river_cos + dn * p.river_sin
    across = dn * p.river_cos - de * p.river_sin
    bend = 0.12 * p.river_wave * np.sin(2.0 * np.pi * along / p.river_wave + p.river_phase)
    bend += 1500.0 * fbm(e / 4e3, n / 4e3, p.seed + 32, 2)
    return float((1.0 - bump) * natural + bump * (across - bend) / 10e3)


@njit(cache=True, nogil=True, error_model="numpy")
def _lake_level(e: float, n: float, p: Plan) -> float:
    east, north = e - p.east_m - p.lake_east, n - p.north_m - p.lake_north
    ragged = 0.7 * fbm(e / 2.5e3, n / 2.5e3, p.seed + 22, 4)
    return float(ragged - np.hypot(east, north) / p.lake_radius)


@njit(cache=True, nogil=True, error_model="numpy")
def _cloud_noise(e: float, n: float, p: Plan) -> float:
    return float(fbm(e / p.cloud_wave, n / p.cloud_wave, p.cloud_seed, 6))


@njit(cache=True, nogil=True, error_model="numpy")
def _opacity(noise: float, cut: float) -> float:
    """Return a thin edge and a thick middle."""
    return float(smoothstep(0.0, 1.0, (noise - cut) / _SOFT + 0.5))


@njit(cache=True, nogil=True, error_model="numpy")
def _town(e: float, n: float, p: Plan) -> float:
    """Return how far inside a town a point is; towns are discs with ragged edges."""
    i, j = int(np.floor(e / _TOWN_M)), int(np.floor(n / _TOWN_M))
    best = -1.0
    for a in range(i - 1, i + 2):
        for b in range(j - 1, j + 2):
            bits = hash_cell(a, b, p.seed + 51)
            size = hash_cell(a, b, p.seed + 52)
            if hash01(size, 0) < 0.35:
                continue
            r = 250.0 + 1200.0 * hash01(size, 1) ** 2
            ce = (a + 0.15 + 0.7 * hash01(bits, 0)) * _TOWN_M
            cn = (b + 0.15 + 0.7 * hash01(bits, 1)) * _TOWN_M
            best = max(best, 1.0 - np.hypot(e - ce, n - cn) / r)
    if best > -1.0:
        best += 0.5 * fbm(e / 700.0, n / 700.0, p.seed + 53, 3)
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def raw(e: float, n: float, p: Plan, out: NDArray[np.float64]) -> None:
    """Write the layers at one point, with still, flood and burn not yet in metres."""
    de, dn = e - p.east_m, n - p.north_m
    away = np.hypot(de, dn)
    bump = 1.0 - smoothstep(_BUMP_M[0], _BUMP_M[1], away)
    # Land and sea.
    c = (1.0 - bump) * (0.3 + 1.2 * fbm(e / 70e3, n / 70e3, p.seed + 1, 4))
    detail = 0.1 * fbm(e / 3e3, n / 3e3, p.seed + 2, 4)
    if p.coast > 0.0:
        shore = (de * p.coast_cos + dn * p.coast_sin) / 9e3
        shore += 0.3 * fbm(e / 6e3, n / 6e3, p.seed + 3, 3) + p.coast_cut
        c += bump * shore
    else:
        c += bump * 0.8
    c += detail
    # Lakes.
    m = (1.0 - bump) * smoothstep(0.15, 0.5, fbm(e / 45e3, n / 45e3, p.seed + 11, 3))
    m += bump * p.mountain
    lake = fbm(e / 6e3, n / 6e3, p.seed + 21, 4) - 0.95 - m - 0.3 * p.lake * bump
    if p.lake > 0.0:
        lake = max(lake, _lake_level(e, n, p) - p.lake_cut)
    still = max(-c, 0.4 * lake)
    # Rivers, and the valleys they have cut.
    f = _river_value(e, n, bump, p)
    fe = (_river_value(e + 50.0, n, bump, p) - f) / 50.0
    fn = (_river_value(e, n + 50.0, bump, p) - f) / 50.0
    river = f / max(np.hypot(fe, fn), 2e-5)
    valley = smoothstep(0.0, 2500.0 - 1500.0 * m, abs(river))
    width = (1.0 - 0.7 * m) * ((1.0 - bump * p.river) * 28.0 + bump * p.river * p.river_width)
    hills = _HILLS_M * (1.0 + fbm(e / 3.5e3, n / 3.5e3, p.seed + 12, 4))
    peaks = 0.0
    if m > 0.0:
        x, y, strength = e / 9e3, n / 9e3, 1.0
        for octave in range(5):
            ridge = 1.0 - abs(perlin(x, y, p.seed + 13 + octave))
            peaks += strength * ridge * ridge
            x, y, strength = 1.6 * x + 1.2 * y, 1.6 * y - 1.2 * x, 0.45 * strength
        peaks = _PEAKS_M * m * min(max((peaks - 0.45) / 1.0, 0.05), 1.1)
    dry_land = smoothstep(0.0, 0.12, -still)
    height = 2.0 + 60.0 * max(c, 0.0) + dry_land * (0.06 + 0.94 * valley) * (hills + peaks)
    # Cover.
    wood = 1.1 * fbm(e / 2.6e3, n / 2.6e3, p.seed + 41, 5) - 0.15 + 0.25 * m
    wood += bump * (0.55 * p.forest - 0.45 * p.farm) - 0.25 * p.dryness
    farm = 0.35 + fbm(e / 9e3, n / 9e3, p.seed + 42, 4) - 2.0 * m
    farm += bump * (0.6 * p.farm - 0.35 * p.forest) - 0.2 * p.dryness
    dry = p.dryness + 0.35 * fbm(e / 12e3, n / 12e3, p.seed + 43, 3)
    line = p.snow_line + bump * p.snow_bend * (p.snow_line_bent - p.snow_line)
    out[HEIGHT] = height
    out[SHADE] = 1.0
    out[STILL] = still
    out[RIVER] = min(max(river, -5e3), 5e3)
    out[WIDTH] = width
    out[FLOOD] = out[BURN] = -1.0
    if p.flood > 0.0:
        # Wettest on the river, drier with distance from it and from the target.
        level = 1.3 * fbm(e / 1.8e3, n / 1.8e3, p.seed + 61, 5) - abs(river) / 400.0
        out[FLOOD] = level - (away / 2600.0) ** 4 - p.flood_cut
    if p.burn > 0.0:
        level = 0.9 * fbm(e / 1.3e3, n / 1.3e3, p.seed + 71, 5)
        far = np.hypot(de - p.burn_east, dn - p.burn_north) / p.burn_radius
        out[BURN] = level - far * far - p.burn_cut
    out[WOOD] = wood
    out[FARM] = farm
    out[TOWN] = _town(e, n, p) - 2.0 * m
    out[DRY] = min(max(dry, 0.0), 1.0)
    out[SNOW] = height - line + 60.0 * fbm(e / 500.0, n / 500.0, p.seed + 44, 3)
    out[CLOUD] = out[SHADOW] = out[BRIGHT] = out[SMOKE] = out[OIL] = 0.0
    if p.cloud > 0.0:
        noise = _cloud_noise(e, n, p)
        out[CLOUD] = _opacity(noise, p.cloud_cut)
        reach = (p.cloud_base - height) * p.sun_cosine / p.sun_sine
        beside = _cloud_noise(e + reach * p.sun_east, n + reach * p.sun_north, p)
        out[SHADOW] = _opacity(beside, p.cloud_cut)
        out[BRIGHT] = 0.38 + 0.3 * smoothstep(0.0, 0.9, noise - p.cloud_cut)
        out[BRIGHT] += 0.12 * fbm(e / 400.0, n / 400.0, p.cloud_seed + 1, 3)
    if p.smoke > 0.0:
        se, sn = de - p.smoke_east, dn - p.smoke_north
        down = se * p.wind_cos + sn * p.wind_sin
        if down > -300.0:
            spread = 150.0 + 0.16 * max(down, 0.0)
            side = (sn * p.wind_cos - se * p.wind_sin) / spread
            side += 0.9 * fbm(e / 1.2e3, n / 1.2e3, p.seed + 95, 4)
            thick = np.exp(-0.5 * side * side - max(down, 0.0) / 6e3)
            out[SMOKE] = 0.9 * thick * smoothstep(-300.0, 300.0, down)
    if p.oil > 0.0:
        oe, on = de - p.oil_east, dn - p.oil_north
        film = 1.0 - (oe / 1500.0) ** 2 - (on / 500.0) ** 2
        film += 1.2 * fbm(e / 900.0, n / 900.0, p.seed + 97, 4)
        out[OIL] = smoothstep(0.3, 0.45, film)
    out[SEA] = smoothstep(-0.02, 0.02, -c - 0.4 * lake)


@njit(cache=True, nogil=True, error_model="numpy")
def block(i0: int, j0: int, rows: int, columns: int, p: Plan) -> NDArray[np.float32]:
    """Return the layers (rows, columns, layers) at nodes from (i0, j0) on; rows run north.

    Node (i, j) lies at easting i * NODE_M and northing j * NODE_M.
    """
    wide = np.empty((rows + 2, columns + 2, LAYERS), np.float64)
    for r in range(rows + 2):
        for k in range(columns + 2):
            raw((i0 + k - 1) * NODE_M, (j0 + r - 1) * NODE_M, p, wide[r, k])
    out = np.empty((rows, columns, LAYERS), np.float32)
    for r in range(rows):
        for k in range(columns):
            here, west, east = wide[r + 1, k + 1], wide[r + 1, k], wide[r + 1, k + 2]
            south, north = wide[r, k + 1], wide[r + 2, k + 1]
            for number in range(LAYERS):
                out[r, k, number] = here[number]
            slope_e = (east[HEIGHT] - west[HEIGHT]) / (2.0 * NODE_M)
            slope_n = (north[HEIGHT] - south[HEIGHT]) / (2.0 * NODE_M)
            level = p.sun_sine - p.sun_cosine * (slope_e * p.sun_east + slope_n * p.sun_north)
            shade = level / p.sun_sine / np.sqrt(1.0 + slope_e * slope_e + slope_n * slope_n)
            out[r, k, SHADE] = min(max(shade, 0.12), 2.0)
            for number in (STILL, FLOOD, BURN):
                slope = np.hypot(east[number] - west[number], north[number] - south[number])
                metres = here[number] / max(slope / (2.0 * NODE_M), 1e-5)
                out[r, k, number] = min(max(metres, -_REACH_M), _REACH_M)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def sample(east: NDArray[np.float64], north: NDArray[np.float64], p: Plan) -> NDArray[np.float64]:
    """Return `raw` at points (n,), (n, layers)."""
    out = np.empty((east.size, LAYERS), np.float64)
    for k in range(east.size):
        raw(east[k], north[k], p, out[k])
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def cloud_noise(
    east: NDArray[np.float64], north: NDArray[np.float64], p: Plan
) -> NDArray[np.float64]:
    """Return the noise at points (n,) whose part above `Plan.cloud_cut` is cloud."""
    out = np.empty(east.size, np.float64)
    for k in range(east.size):
        out[k] = _cloud_noise(east[k], north[k], p)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def lake_levels(
    east: NDArray[np.float64], north: NDArray[np.float64], p: Plan
) -> NDArray[np.float64]:
    """Return the level of the setting's lake at points (n,); it lies where `lake_cut` is less."""
    out = np.empty(east.size, np.float64)
    for k in range(east.size):
        out[k] = _lake_level(east[k], north[k], p)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def read_layer(
    east: NDArray[np.float64], north: NDArray[np.float64], lattice: NDArray[np.float32],
    i0: int, j0: int, number: int,
) -> NDArray[np.float32]:  # fmt: skip
    """Return one layer at points (n,), from the nodes around them (node (i0, j0) first)."""
    out = np.empty(east.size, np.float32)
    for k in range(east.size):
        x, y = east[k] * _PER_NODE, north[k] * _PER_NODE
        fi, fj = np.floor(x), np.floor(y)
        a, b = x - fi, y - fj
        i, j = int(fi) - i0, int(fj) - j0
        low = (1.0 - a) * lattice[j, i, number] + a * lattice[j, i + 1, number]
        high = (1.0 - a) * lattice[j + 1, i, number] + a * lattice[j + 1, i + 1, number]
        out[k] = (1.0 - b) * low + b * high
    return out
