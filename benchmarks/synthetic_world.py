"""How fast the synthetic world is: 2048 x 2048 points, 8 bands, 5 m, with its constructor.

Prints CPU seconds, and beside them those of plain numpy for one octave of the same gradient noise
at as many points (the world needs two a point, besides all the rest).
"""

from __future__ import annotations

import time

import numpy as np

from orbitloom.scenario import Target
from orbitloom.scenario.hardware import Band
from orbitloom.scenario.time import from_iso
from orbitloom.world.synthetic import SyntheticWorld

SIDE, GSD_M = 2048, 5.0
TIMES = 3  # the least of so many runs counts
WAVES = (0.443, 0.490, 0.560, 0.665, 0.705, 0.842, 1.610, 2.190)
BANDS = tuple(
    Band(name=f"b{k}", wavelength_um=wave, esun_w_m2_um=1000.0, full_scale_radiance=500.0)
    for k, wave in enumerate(WAVES)
)


def build(setting: str, event: str, seed: int) -> SyntheticWorld:
    return SyntheticWorld(
        Target(name=event, latitude_deg=46.0, longitude_deg=11.0, setting=setting),
        seed,
        bands=BANDS,
        t_ns=from_iso("2026-07-05T10:00:00Z"),
        sun_elevation_deg=55.0,
        sun_azimuth_deg=150.0,
        event=event,
    )


def plain_noise(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    angles = np.linspace(0.0, 2.0 * np.pi, 64, endpoint=False)
    table = np.stack([np.cos(angles), np.sin(angles)])
    i, j = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    dx, dy = x - i, y - j

    def corner(a: int, b: int) -> np.ndarray:
        h = (i + a).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        h += (j + b).astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
        for shift, factor in ((33, 0xFF51AFD7ED558CCD), (29, 0xC4CEB9FE1A85EC53)):
            h ^= h >> np.uint64(shift)
            h *= np.uint64(factor)
        g = table[:, (h ^ (h >> np.uint64(33))) >> np.uint64(58)]
        return g[0] * (dx - a) + g[1] * (dy - b)

    u, v = (t**3 * (t * (t * 6.0 - 15.0) + 10.0) for t in (dx, dy))
    low = corner(0, 0) + u * (corner(1, 0) - corner(0, 0))
    high = corner(0, 1) + u * (corner(1, 1) - corner(0, 1))
    return low + v * (high - low)


def main() -> None:
    axis = (np.arange(SIDE) - SIDE / 2.0) * GSD_M
    warm = build("river", "flood", 0)
    for event in ("flood", "cloud", "fire"):
        build("any", event, 0).surface(np.array(warm.east_m), np.array(warm.north_m))
    for setting, event, seed in (
        ("farmland", "quiet", 103), ("river", "flood", 101), ("coast", "vessels", 100),
        ("forest", "fire", 102), ("mountain", "snow", 100), ("any", "cloud", 100),
    ):  # fmt: skip
        runs = []
        for _ in range(TIMES):
            start = time.process_time()
            world = build(setting, event, seed)
            built = time.process_time()
            east, north = np.meshgrid(world.east_m + axis, world.north_m - axis)
            meshed = time.process_time()
            surface = world.surface(east, north)
            runs.append((built - start, time.process_time() - meshed))
        constructor, painted = min(runs, key=sum)
        total = constructor + painted
        print(
            f"{setting:9s} {event:9s} constructor {constructor:5.3f} s, surface "
            f"{painted:5.3f} s, {surface.reflectance.size / total / 1e6:5.1f} M samples/s"
            f"{', with cloud' if surface.cloud is not None else ''}"
        )
    start = time.process_time()
    plain_noise(east / 75.0, north / 75.0)
    plain = time.process_time() - start
    print(f"plain numpy, one octave of noise alone: {plain:5.3f} s ({plain / total:.1f} x a world)")


if __name__ == "__main__":
    main()
