"""Surface reflectance against the synthetic truth, and what taking the air out costs.

Run it from the repository root::

    python benchmarks/surface.py [--seeds 100-119] [--instrument imager5m]

For each seed a scene of 7 x 7 km at 10 m, with settings, events, places, seasons and Sun in turn,
goes through the air that the world draws (aerosol 0.05 to 0.3, water vapour 1 to 3 g/cm2), gets
noise of 0.002, and comes back through masks and `take_out`. It prints the RMSE of each band over
clear land, then CPU seconds for a scene of 4000 x 4000 pixels beside plain numpy in the same run.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from orbitloom.processing.masks import CLOUD, SHADOW, threshold_masks
from orbitloom.processing.surface import View, take_out
from orbitloom.scenario import Target, load_instrument
from orbitloom.scenario.time import from_iso
from orbitloom.wire.atmosphere import coefficients
from orbitloom.world.air import at_top, draw_air
from orbitloom.world.synthetic import SyntheticWorld

SETTINGS = ("any", "river", "forest", "farmland", "coast", "lake", "mountain")
EVENTS = (
    *("quiet", "flood", "fire", "burn", "crop_stress"),
    *("vessels", "lake", "snow", "cloud"),
)
SIDE, GSD_M = 700, 10.0


def one(seed, design):
    """Return the number of clear land pixels, each band's RMSE over them, and the aerosols."""
    rng = np.random.default_rng(seed)
    latitude, longitude = float(rng.uniform(-55, 65)), float(rng.uniform(-170, 170))
    t_ns = from_iso(f"2026-{rng.integers(1, 13):02d}-14T10:00:00Z")
    elevation, azimuth = float(rng.uniform(25, 70)), float(rng.uniform(90, 270))
    view_zenith, apart = float(rng.uniform(0, 25)), float(rng.uniform(0, 180))
    target = Target(
        name=f"T{seed}",
        latitude_deg=latitude,
        longitude_deg=longitude,
        setting=SETTINGS[seed % len(SETTINGS)],
    )
    world = SyntheticWorld(
        target,
        seed,
        bands=design.bands,
        t_ns=t_ns,
        sun_elevation_deg=elevation,
        sun_azimuth_deg=azimuth,
        event=EVENTS[seed % len(EVENTS)],
        gsd_m=GSD_M,
    )
    axis = (np.arange(SIDE) - SIDE / 2) * GSD_M
    east, north = np.meshgrid(world.east_m + axis, world.north_m - axis)
    surface, truth = world.surface(east, north), world.truth(east, north)
    ground = surface.reflectance.copy()
    air = draw_air(seed, target.name)
    sky = tuple(
        coefficients(
            band.wavelength_um,
            band.width_um,
            sun_zenith_deg=90.0 - elevation,
            view_zenith_deg=view_zenith,
            relative_azimuth_deg=apart,
            aot550=air.aot550,
            water_g_cm2=air.water_g_cm2,
            ozone_cm_atm=air.ozone_cm_atm,
        )
        for band in design.bands
    )
    rho = at_top(surface, list(range(len(design.bands))), sky)
    rho += rng.normal(0.0, 0.002, rho.shape).astype(np.float32)
    reach = 1.0 / np.tan(np.radians(elevation)) / GSD_M
    step = (np.cos(np.radians(azimuth)) * reach, -np.sin(np.radians(azimuth)) * reach)
    mask = threshold_masks(rho, world.bands, np.ones((SIDE, SIDE), bool), step)
    view = View(
        sun_zenith_deg=90.0 - elevation,
        view_zenith_deg=view_zenith,
        relative_azimuth_deg=apart,
        latitude_deg=latitude,
        longitude_deg=longitude,
        t_ns=t_ns,
    )
    widths = [band.width_um for band in design.bands]
    found = take_out(rho, world.bands, mask, [b.wavelength_um for b in design.bands], widths, view)
    clear = truth.land & ~truth.water & (truth.cloud_opacity < 0.02) & ~truth.shadow
    clear &= (truth.smoke_opacity < 0.02) & (truth.fire_share == 0)
    clear &= (mask & (CLOUD | SHADOW)) == 0
    error = (rho - ground)[:, clear]
    rmse = np.sqrt(np.mean(np.square(error), axis=1)) if clear.any() else np.full(len(rho), np.nan)
    told = f"{air.aot550:.2f} -> {found.aot550:.2f}{'' if found.estimated else ' (usual)'}"
    print(
        f"{seed:4d} {target.setting:9s} {EVENTS[seed % len(EVENTS)]:12s} clear {clear.mean():4.0%} "
        f"aerosol {told:22s} water {air.water_g_cm2:.1f} -> {found.water_g_cm2:.1f}  "
        + " ".join(f"{value:.3f}" for value in rmse)
    )
    return np.count_nonzero(clear), rmse, found.aot550 - air.aot550


def cost():
    """Print CPU seconds for 4000 x 4000 pixels of eight bands, and of the same in plain numpy."""
    design = load_instrument("imager5m")
    rng = np.random.default_rng(0)
    rho = rng.uniform(0.05, 0.4, (8, 4000, 4000)).astype(np.float32)
    mask = np.zeros(rho.shape[1:], np.uint8)
    view = View(
        sun_zenith_deg=35.0,
        view_zenith_deg=5.0,
        relative_azimuth_deg=60.0,
        latitude_deg=45.0,
        longitude_deg=10.0,
        t_ns=from_iso("2026-06-14T10:00:00Z"),
    )
    names = [band.name for band in design.bands]
    um, widths = [b.wavelength_um for b in design.bands], [b.width_um for b in design.bands]
    take_out(rho[:, :64, :64].copy(), names, mask[:64, :64].copy(), um, widths, view)
    plain = rho.copy()
    start = time.process_time()
    air = take_out(rho, names, mask, um, widths, view)
    ours = time.process_time() - start
    start = time.process_time()
    for band, of in zip(plain, air.coefficients, strict=True):
        band[:] = of.surface(band)
    theirs = time.process_time() - start
    assert np.allclose(rho, plain, atol=1e-5)
    print(
        f"4000 x 4000 x 8: {ours:.2f} CPU-s ({16.0 / ours:.0f} Mpx/s), "
        f"plain numpy {theirs:.2f} CPU-s without the estimate: {theirs / ours:.1f} times"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="100-119")
    parser.add_argument("--instrument", default="imager5m")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    design = load_instrument(options.instrument)
    print("bands: " + " ".join(band.name for band in design.bands))
    scores = [one(seed, design) for seed in range(int(first), int(last or first) + 1)]
    seen = [(rmse, miss) for count, rmse, miss in scores if count >= 5000]
    rmse = np.array([one for one, _ in seen])
    print("RMSE of each band " + " ".join(f"{x:.4f}" for x in np.sqrt(np.mean(rmse**2, axis=0))))
    print(
        f"RMSE of all {np.sqrt(np.mean(rmse**2)):.4f}, worst scene "
        f"{np.sqrt(np.mean(rmse**2, axis=1)).max():.4f}, worst band {rmse.max():.4f}; "
        f"aerosol's RMSE {np.sqrt(np.mean([miss**2 for _, miss in seen])):.3f}; "
        f"{len(seen)} of {len(scores)} scenes with clear land"
    )
    cost()


if __name__ == "__main__":
    main()
