"""How good the applications are, on synthetic worlds: scores and a confusion table.

    python benchmarks/app_scores.py flood --seeds 0-19
    python benchmarks/app_scores.py fire --seeds 0-19 --cells 512

A scene is a square of `--cells` cells around a target, made the quick way: the world's reflectance
on the tile's own grid, blurred, noised and clipped as the imager would, no packets; the chain's own
masks, of the picture above a usual atmosphere, which is then as if taken out exactly. Each seed
gives one scene for every (setting, event) of the application, and what the on-board memory would
know: two clear looks of the same place without the event; and its terrain, good to 4 m.
Thresholds were set on seeds 100 to 119; seeds 0 to 19 were not looked at for any of them.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from orbitloom.processing.apps import App, Context, Finding
from orbitloom.processing.assess import RuleModel
from orbitloom.processing.fire import FireApp
from orbitloom.processing.flood import FloodApp
from orbitloom.processing.l3 import SCALE, Grid, Tile
from orbitloom.processing.masks import SPOILT, cloud_masks
from orbitloom.processing.memory import Memory
from orbitloom.scenario import Target, hardware, load_instrument, stream
from orbitloom.scenario.time import DAY_NS, from_iso
from orbitloom.wire.atmosphere import coefficients
from orbitloom.wire.briefing import Briefing, Terrain
from orbitloom.world.scene import Surface, utm_origin
from orbitloom.world.synthetic import SyntheticWorld

FIRST_NS = from_iso("2026-01-01T00:00:00Z")
_MEMORY_BYTES = 200_000_000
_NEAR_CELLS = 4  # how far a hot cell may lie from a fire's middle
Judge = Callable[["Scene", Finding], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """A place and a moment: what is there, what the satellite sees, what it knew before."""

    seed: int
    setting: str
    event: str
    world: Any
    tile: Tile
    truth: Any
    briefing: Briefing
    clear: NDArray[np.bool_]
    """Truly in view: neither below cloud nor in its shadow."""


@dataclass(slots=True)
class Scores:
    """What came of an application's scenes."""

    app: str
    rows: list[dict[str, Any]] = field(default_factory=list)

    def mean(self, name: str) -> float | None:
        values = [row[name] for row in self.rows if row.get(name) is not None]
        return float(np.mean(values)) if values else None

    def total(self, name: str) -> float:
        return float(sum(row[name] for row in self.rows if row.get(name) is not None))

    def confusion(self) -> Counter[tuple[str, str]]:
        return Counter((row["event"], row["said"]) for row in self.rows)


def target_of(seed: int, setting: str, event: str) -> tuple[Target, int, float, float]:
    """Return a place, a moment and where the Sun stands."""
    rng = stream(seed, "app scores", setting, event)
    target = Target(
        name=f"{setting} {event}",
        latitude_deg=float(rng.uniform(-45.0, 55.0)),
        longitude_deg=float(rng.uniform(-179.0, 179.0)),
        setting=setting,  # type: ignore[arg-type]
    )
    t_ns = FIRST_NS + int(rng.integers(0, 365)) * DAY_NS
    return target, t_ns, float(rng.uniform(25.0, 65.0)), float(rng.uniform(90.0, 170.0))


def grid_around(target: Target, cells: int, gsd_m: float) -> Grid:
    epsg, east_m, north_m = utm_origin(target.latitude_deg, target.longitude_deg)
    west = np.floor((east_m - cells * gsd_m / 2) / gsd_m) * gsd_m
    north = np.ceil((north_m + cells * gsd_m / 2) / gsd_m) * gsd_m
    return Grid(
        epsg=epsg,
        transform=(gsd_m, 0.0, float(west), 0.0, -gsd_m, float(north)),
        shape=(cells, cells),
    )


def centres(grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the easting and the northing of every cell, (rows, columns)."""
    rows, columns = grid.shape
    return np.broadcast_arrays(*grid.centres(np.arange(rows)[:, None], np.arange(columns)))


def seen(
    surface: Surface,
    grid: Grid,
    imager: hardware.Instrument,
    rng: np.random.Generator,
    *,
    t_ns: int,
    sun_elevation_deg: float,
    sun_azimuth_deg: float,
) -> Tile:
    """Return the tile that the imager would give: blurred, noised, clipped, masked."""
    sine = np.sin(np.radians(sun_elevation_deg))
    sigma_px = np.sqrt(-2.0 * np.log(imager.mtf_nyquist)) / np.pi
    numbers = np.empty(surface.reflectance.shape, np.uint16)
    mask = np.zeros(grid.shape, np.uint8)
    rho = np.array(surface.reflectance)
    if surface.cloud is not None:
        rho += surface.cloud * (surface.cloud_reflectance - rho)
    per_reflectance = np.array([band.esun_w_m2_um * sine / np.pi for band in imager.bands])
    codes = 2**imager.bits - 1 - imager.dark_dn
    for index, band in enumerate(imager.bands):
        radiance = rho[index] * per_reflectance[index]
        if surface.emitted is not None:
            radiance += surface.emitted[index]
        radiance = ndimage.gaussian_filter(radiance, sigma_px, mode="nearest", truncate=3.0)
        dn = radiance / band.full_scale_radiance * codes
        per_dn = imager.full_well_e / codes
        noise_dn = np.sqrt(np.maximum(dn, 0.0) / per_dn + (imager.read_noise_e / per_dn) ** 2)
        dn += noise_dn * rng.standard_normal(dn.shape, np.float32)
        mask |= np.where(dn >= codes, SPOILT, 0).astype(np.uint8)
        rho[index] = np.clip(np.rint(dn), 0, codes) * (
            band.full_scale_radiance / codes / per_reflectance[index]
        )
        numbers[index] = np.clip(np.rint(rho[index] / SCALE), 1, 65_535)
    cotangent = 1.0 / np.tan(np.radians(sun_elevation_deg)) / grid.gsd_m
    azimuth = np.radians(sun_azimuth_deg)
    step_px = (float(np.cos(azimuth) * cotangent), float(-np.sin(azimuth) * cotangent))
    names = tuple(band.name for band in imager.bands)
    for index, band in enumerate(imager.bands):  # masks are made from above the atmosphere
        rho[index] = coefficients(
            band.wavelength_um,
            band.width_um,
            sun_zenith_deg=90.0 - sun_elevation_deg,
            view_zenith_deg=5.0,
            relative_azimuth_deg=90.0,
            aot550=0.15,
            water_g_cm2=2.0,
            ozone_cm_atm=0.3,
        ).toa(rho[index])
    mask |= cloud_masks(rho, names, np.ones(grid.shape, bool), step_px, grid.gsd_m)
    return Tile(
        grid=grid,
        band_names=names,
        numbers=numbers,
        mask=mask,
        imaged_share=1.0,
        sun_elevation_deg=sun_elevation_deg,
        sun_azimuth_deg=sun_azimuth_deg,
        off_nadir_deg=0.0,
        snr=80.0,
        sensed_ns=t_ns,
        solar_radiance=per_reflectance,
        at_surface=True,
    )


def scene_of(
    imager: hardware.Instrument, seed: int, setting: str, event: str, cells: int, looks: int
) -> Scene:
    target, t_ns, elevation_deg, azimuth_deg = target_of(seed, setting, event)
    grid = grid_around(target, cells, imager.gsd_m)

    world = SyntheticWorld(
        target,
        seed,
        bands=imager.bands,
        t_ns=t_ns,
        sun_elevation_deg=elevation_deg,
        sun_azimuth_deg=azimuth_deg,
        event=event,
        gsd_m=imager.gsd_m,
    )

    def look_at(surface: Surface, moment_ns: int, name: str) -> Tile:
        rng = stream(seed, "app scores", setting, event, name)
        return seen(
            surface,
            grid,
            imager,
            rng,
            t_ns=moment_ns,
            sun_elevation_deg=elevation_deg,
            sun_azimuth_deg=azimuth_deg,
        )

    memory, usual = Memory(_MEMORY_BYTES), world.usual.surface(*centres(grid))
    for number in range(looks):
        then_ns = t_ns - (looks - number) * 10 * DAY_NS
        memory.look(look_at(usual, then_ns, f"before {number}"))
    truth = world.truth(*centres(grid))
    (a, _, west, _, e, north), (rows, columns) = grid.transform, grid.shape
    east_m = np.arange(west - 300.0, west + a * columns + 300.0, 30.0) + 15.0
    north_m = np.arange(north + 300.0, north + e * rows - 300.0, -30.0) - 15.0
    height_m = world.height_m(*np.meshgrid(east_m, north_m))
    height_m = height_m + stream(seed, "terrain", setting, event).normal(0.0, 4.0, height_m.shape)
    terrain = Terrain(
        epsg=grid.epsg,
        transform=(30.0, 0.0, float(west) - 300.0, 0.0, -30.0, float(north) + 300.0),
        height_m=height_m.astype(np.float32),
    )
    return Scene(
        seed=seed,
        setting=setting,
        event=event,
        world=world,
        tile=look_at(world.surface(*centres(grid)), t_ns, "now"),
        truth=truth,
        briefing=Briefing(baseline=memory.baseline(grid), terrain=terrain),
        clear=~(truth.cloud | truth.shadow),
    )


def said_of(finding: Finding) -> str:
    """Return what goes out: the event of an alert that the model keeps, else why there is none."""
    if finding.evidence is None:
        return finding.reason or "nothing"
    if RuleModel().assess(finding.evidence).verdict == "hold":
        return "held back"
    return finding.evidence.event


def overlap(found: NDArray[np.bool_], there: NDArray[np.bool_]) -> float | None:
    either = np.count_nonzero(found | there)
    return float(np.count_nonzero(found & there) / either) if either else None


def area_scores(scene: Scene, finding: Finding, there: NDArray[np.bool_], event: str) -> dict:
    """Return how an area compares with the truth, where it could be seen."""
    there = there & scene.clear
    alert = said_of(finding) == event
    found = finding.area & scene.clear if alert and finding.area is not None else there & False
    row: dict[str, Any] = {"event": scene.event, "said": said_of(finding)}
    cell_km2 = scene.tile.grid.cell_km2
    counts = scene.clear.mean() >= 0.2 and there.sum() * cell_km2 >= 0.1
    if counts:
        row["iou"] = overlap(found, there) or 0.0
        row["cell_recall"] = float(np.count_nonzero(found & there) / there.sum())
        row["recall"] = float(alert and row["iou"] >= 0.5)
    row["alert"] = float(alert)
    row["false"] = float(alert and not (counts and row["iou"] >= 0.5))
    if alert and counts and finding.evidence is not None:
        # Water found in shadow is not wrong, though none was to be seen there.
        there |= finding.area & (scene.truth.flood if event == "flood" else scene.truth.burnt)
        off = finding.evidence.area_km2 - there.sum() * cell_km2
        row["sigmas"] = float(off / finding.evidence.area_sigma_km2)
        row["within_1_sigma"] = float(abs(row["sigmas"]) <= 1.0)
    return row


def judge_flood(scene: Scene, finding: Finding) -> dict[str, Any]:
    return area_scores(scene, finding, scene.truth.flood, "flood")


def judge_fire(scene: Scene, finding: Finding) -> dict[str, Any]:
    """Count fires of 50 m2 and more, their power, what is said to burn and does not, and scars."""
    row = area_scores(scene, finding, scene.truth.burnt, "burn_scar")
    if scene.event == "fire":  # the alert is on what burns
        row = {"event": scene.event, "said": row["said"]}
    hot = row["said"] == "fire"
    found = finding.area if hot and finding.area is not None else np.zeros_like(scene.clear)
    near = ndimage.binary_dilation(found, iterations=_NEAR_CELLS)
    rows, columns = scene.tile.grid.shape
    a, _, west, _, _, north = scene.tile.grid.transform
    there = np.zeros_like(found)
    fires = missed = 0
    power_mw = 0.0
    for fire in scene.world.fires():
        at = int((north - fire.northing_m) / a), int((fire.easting_m - west) / a)
        if not (0 <= at[0] < rows and 0 <= at[1] < columns):
            continue
        there[at] = True
        power_mw += fire.power_mw
        if fire.area_m2 >= 50.0 and not scene.truth.cloud[at]:
            fires += 1
            missed += not near[at]
    around = ndimage.binary_dilation(there, iterations=_NEAR_CELLS)
    labels, spots = ndimage.label(ndimage.binary_dilation(found, iterations=2))
    right = np.unique(labels[around & (labels > 0)]).size
    row |= {"fires": float(fires), "fires_found": float(fires - missed)}
    row |= {"spots": float(spots), "false_spots": float(spots - right)}
    row["false"] = float(row.get("false", 0.0) or (hot and not there.any()))
    row["alert"] = float(row["said"] in {"fire", "burn_scar"})
    if hot and there.any() and finding.evidence is not None:
        power = next(m for m in finding.evidence.measures if m.name == "fire_power")
        row["power_ratio"] = power.value / power_mw
        row["power_sigmas"] = (power.value - power_mw) / power.sigma
    return row


APPS: dict[str, tuple[Callable[[], App], Judge, tuple[tuple[str, str], ...]]] = {
    "flood": (
        FloodApp,
        judge_flood,
        (
            ("river", "flood"),
            ("any", "flood"),
            ("river", "quiet"),
            ("mountain", "quiet"),
            ("coast", "quiet"),
            ("forest", "burn"),
            ("river", "cloud"),
        ),
    ),
    "fire": (
        FireApp,
        judge_fire,
        (
            ("forest", "fire"),
            ("farmland", "fire"),
            ("forest", "burn"),
            ("farmland", "quiet"),
            ("coast", "quiet"),
            ("mountain", "quiet"),
            ("river", "flood"),
            ("forest", "cloud"),
        ),
    ),
}
"""Each application's maker, judge, and scenes: (setting, event)."""


def scores(
    app: str,
    seeds: Iterable[int],
    *,
    cells: int = 1024,
    looks: int = 2,
    tell: Callable[[str], None] | None = None,
) -> Scores:
    """Return an application's scores over seeds; `tell` hears of each scene."""
    make, judge, places = APPS[app]
    imager = load_instrument("imager5m")
    told = Scores(app=app)
    for seed in seeds:
        for setting, event in places:
            scene = scene_of(imager, seed, setting, event, cells, looks)
            finding = make().analyse(
                scene.tile,
                Context(
                    target=f"{setting} {seed}",
                    sensed_ns=scene.tile.sensed_ns,
                    briefing=scene.briefing,
                ),
            )
            row = judge(scene, finding)
            told.rows.append({"seed": seed, "setting": setting} | row)
            if tell is not None:
                tell(line_of(told.rows[-1]))
    return told


def line_of(row: dict[str, Any]) -> str:
    return " ".join(
        f"{name}={value:.3f}" if isinstance(value, float) else f"{name}={value}"
        for name, value in row.items()
    )


def lines(told: Scores) -> Iterator[str]:
    """Yield a report: the confusion table, the figures."""
    table = told.confusion()
    events, words = sorted({event for event, _ in table}), sorted({said for _, said in table})
    yield "truth \\ said".ljust(14) + "".join(word.rjust(13) for word in words)
    for event in events:
        yield event.ljust(14) + "".join(str(table[event, word]).rjust(13) for word in words)
    names = sorted({name for row in told.rows for name, value in row.items()
                    if isinstance(value, float)})  # fmt: skip
    for name in names:
        yield f"{name:>16}: mean {told.mean(name):.4f}, total {told.total(name):g}"
    if told.total("fires"):
        yield f"     fire recall: {told.total('fires_found') / told.total('fires'):.4f}"
    alerts = told.total("alert")
    yield f"   false / alert: {told.total('false') / max(alerts, 1.0):.4f} of {alerts:g}"


def seed_range(text: str) -> range:
    """Return the seeds of "7" or "0-19"."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("app", choices=sorted(APPS))
    parser.add_argument("--seeds", default="0-19", help="one number or a range; default 0-19")
    parser.add_argument("--cells", type=int, default=1024, help="side of a scene; default 1024")
    parser.add_argument("--looks", type=int, default=2, help="before; 0 is no baseline; default 2")
    parser.add_argument("--rows", action="store_true", help="print every scene")
    options = parser.parse_args()
    seeds = seed_range(options.seeds)
    start_s = time.process_time()
    tell = partial(print, flush=True) if options.rows else None
    told = scores(options.app, seeds, cells=options.cells, looks=options.looks, tell=tell)
    for line in lines(told):
        print(line)
    print(f"{time.process_time() - start_s:.0f} s CPU, {len(told.rows)} scenes")


if __name__ == "__main__":
    main()
