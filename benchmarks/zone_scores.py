"""How good agriculture and climate are, on synthetic worlds: fields and regions against the truth.

    python benchmarks/zone_scores.py agriculture --seeds 0-19
    python benchmarks/zone_scores.py climate --seeds 0-19

Scenes as in `app_scores.py`: the world's reflectance blurred, noised and clipped as the imager
would, with the chain's own masks, without packets. Agriculture sees squares of
`--cells` cells of 5 m; climate the box around all regions in cells of 10 m, with terrain good to
4 m. A field counts as stressed if most of it is. Thresholds were set on seeds 100 to 119.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import replace

import numpy as np

from app_scores import Scene, centres, grid_around, said_of, scene_of, seed_range, seen, target_of
from orbitloom.processing.agriculture import AgricultureApp
from orbitloom.processing.apps import Context
from orbitloom.processing.climate import ClimateApp
from orbitloom.processing.l3 import Grid
from orbitloom.processing.zones import labels, patch, read_zones
from orbitloom.scenario import load_instrument, stream
from orbitloom.wire.briefing import Briefing, Terrain
from orbitloom.world.synthetic import SyntheticWorld

FIELDS = (("farmland", "crop_stress"), ("farmland", "quiet"), ("farmland", "cloud"))
REGIONS = (
    ("lake", "lake"),
    ("lake", "quiet"),
    ("mountain", "snow"),
    ("mountain", "quiet"),
    ("farmland", "quiet"),
)


def field_counts(scene: Scene) -> tuple[Counter[tuple[bool, str]], str]:
    """Return how many fields are (truly stressed, said), and what the scene's answer says."""
    app, fields = AgricultureApp(), scene.world.fields()
    briefing = replace(scene.briefing, fields=fields)
    context = Context(target="X", sensed_ns=scene.tile.sensed_ns, briefing=briefing)
    grid = scene.tile.grid
    zones = read_zones(fields, grid, "fields")
    inner = labels([zone.shape.buffer(-grid.gsd_m) for zone in zones], grid).ravel()
    size = np.bincount(inner, minlength=len(zones) + 1)
    ill = np.bincount(inner, weights=scene.truth.crop_stress.ravel(), minlength=size.size)
    truly = {
        zone.identifier: bool(ill[n] > 0.5 * size[n])
        for n, zone in enumerate(zones, 1)
        if size[n] >= app.least_cells
    }
    counts: Counter[tuple[bool, str]] = Counter()
    for field in app.fields(scene.tile, context):
        if field["id"] in truly:
            counts[truly[field["id"]], field.get("reason", field["status"])] += 1
    return counts, said_of(app.analyse(scene.tile, context))


def agriculture(seeds: range, cells: int, rows: bool) -> None:
    imager = load_instrument("imager5m")
    total: Counter[tuple[bool, str]] = Counter()
    answers: Counter[tuple[str, str]] = Counter()
    for seed in seeds:
        for setting, event in FIELDS:
            counts, said = field_counts(scene_of(imager, seed, setting, event, cells, 0))
            total += counts
            answers[event, said] += 1
            if rows:
                print(seed, event, said, dict(counts), flush=True)
    print("a field, truly stressed / said:")
    for (truly, said), count in sorted(total.items()):
        print(f"  {'stressed' if truly else 'not':>8} {said:<12} {count}")
    hits, false = total[True, "stressed"], total[False, "stressed"]
    missed = total[True, "normal"]
    silent = sum(n for (truly, said), n in total.items() if truly) - hits - missed
    print(f"precision {hits / max(hits + false, 1):.4f}, recall {hits / max(hits + missed, 1):.4f}")
    print(f"without an answer: {silent} of {hits + missed + silent} stressed fields")
    print("a scene, event / said:", {" / ".join(key): n for key, n in sorted(answers.items())})


def region_rows(seed: int, setting: str, event: str) -> tuple[list[tuple[str, float, float]], str]:
    """Return of each point: its quantity, how far it is off, its sigma; and what is said."""
    imager = load_instrument("imager5m")
    target, t_ns, elevation_deg, azimuth_deg = target_of(seed, setting, event)
    sun = {"sun_elevation_deg": elevation_deg, "sun_azimuth_deg": azimuth_deg}
    world = SyntheticWorld(
        target, seed, bands=imager.bands, t_ns=t_ns, event=event, gsd_m=10.0, **sun
    )
    regions = world.regions()
    bounds = np.array(
        [z.shape.bounds for z in read_zones(regions, grid_around(target, 8, 10.0), "regions")]
    )
    west, south = np.floor(bounds[:, :2].min(axis=0) / 10.0) * 10.0 - 50.0
    east, north = np.ceil(bounds[:, 2:].max(axis=0) / 10.0) * 10.0 + 50.0
    shape = round((north - south) / 10.0), round((east - west) / 10.0)
    step = (10.0, 0.0, float(west), 0.0, -10.0, float(north))
    grid = Grid(epsg=world.epsg, transform=step, shape=shape)
    rng = stream(seed, "zone scores", setting, event)
    tile = seen(world.surface(*centres(grid)), grid, imager, rng, t_ns=t_ns, **sun)
    height_m = world.height_m(
        *np.meshgrid(np.arange(west, east, 30.0) + 15.0, np.arange(north, south, -30.0) - 15.0)
    )
    height_m = height_m + rng.normal(0.0, 4.0, height_m.shape).astype(np.float32)
    terrain = Terrain(
        epsg=grid.epsg,
        transform=(30.0, 0.0, float(west), 0.0, -30.0, float(north)),
        height_m=height_m.astype(np.float32),
    )
    finding = ClimateApp().analyse(
        tile,
        Context(target="X", sensed_ns=t_ns, briefing=Briefing(regions=regions, terrain=terrain)),
    )
    truth, clean = world.truth(*centres(grid)), world.surface(*centres(grid)).reflectance
    red, nir = (clean[world.bands.index(name)] for name in ("red", "nir"))
    ndvi = (nir - red) / (nir + red)
    rows = []
    for zone in read_zones(regions, grid, "regions"):
        place = patch(zone, grid)
        part = (place.rows, place.columns)
        true = {
            "lake_area": (truth.water[part] * place.share).sum() * grid.cell_km2,
            "snow_line": world.plan.snow_line_bent,
            "snow_cover": (truth.snow[part] * place.share).sum() / place.share.sum(),
            "greenness": (ndvi[part] * place.share).sum() / place.share.sum(),
        }
        for point in finding.series:
            quantity, _, name = point.name.partition(":")
            if name == zone.identifier:
                rows.append((quantity, float(point.value - true[quantity]), point.sigma))
    return rows, said_of(finding)


def climate(seeds: range, rows: bool) -> None:
    found: list[tuple[str, float, float]] = []
    answers: Counter[tuple[str, str]] = Counter()
    for seed in seeds:
        for setting, event in REGIONS:
            points, said = region_rows(seed, setting, event)
            found += points
            answers[f"{setting} {event}", said] += 1
            if rows:
                for quantity, off, sigma in points:
                    print(f"{seed} {setting} {event} {quantity}: {off:+.4f} +- {sigma:.4f}")
                print(seed, setting, event, said, flush=True)
    for name in sorted({quantity for quantity, _, _ in found}):
        off = np.array([row[1] for row in found if row[0] == name])
        sigmas = off / np.array([row[2] for row in found if row[0] == name])
        print(
            f"{name:>10}: {off.size} points, within 95 %: {np.mean(np.abs(sigmas) < 1.96):.3f}, "
            f"within 1 sigma: {np.mean(np.abs(sigmas) < 1.0):.3f}, mean off {off.mean():+.4f}, "
            f"rms {np.sqrt(np.mean(off**2)):.4f}"
        )
    sigmas = np.array([row[1] / row[2] for row in found])
    print(f"       all: {sigmas.size} points, within 95 %: {np.mean(np.abs(sigmas) < 1.96):.3f}")
    print("a scene / said:", {" / ".join(key): n for key, n in sorted(answers.items())})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("app", choices=("agriculture", "climate"))
    parser.add_argument("--seeds", default="0-19", help="one number or a range; default 0-19")
    parser.add_argument("--cells", type=int, default=1024, help="side of a field scene")
    parser.add_argument("--rows", action="store_true", help="print every scene")
    options = parser.parse_args()
    seeds = seed_range(options.seeds)
    start_s = time.process_time()
    if options.app == "agriculture":
        agriculture(seeds, options.cells, options.rows)
    else:
        climate(seeds, options.rows)
    print(f"{time.process_time() - start_s:.0f} s CPU")


if __name__ == "__main__":
    main()
