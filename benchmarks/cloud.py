"""How well cloud is told: by the network, and by thresholds.

    python benchmarks/cloud.py --seeds 0-19

Intersection over union of the cloud masks, all pixels of all scenes together: on synthetic scenes
(5 km at 10 m, cloud where a fifth of the light or more comes from it, every setting), with all
bands and with four; and on a labelled Sentinel-2 scene if ``../shared/data/cloud_s2`` is beside the
repository, at its own pixel and averaged to 40 m. The network sees cells of 20 m, and of 40 m. It
was trained on seeds from 1000 up (scripts/train_cloud.py); thresholds are the literature's. With
the extra `ukis` the weights of ukis-csmask, trained on labelled real scenes, are judged too.
"""

from __future__ import annotations

import argparse
import time as clock
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from orbitloom.processing.cloudnet import BANDS
from orbitloom.processing.masks import CLOUD, SHADOW, cloud_masks, threshold_masks
from orbitloom.scenario import Target, load_instrument, time
from orbitloom.wire.atmosphere import coefficients
from orbitloom.world.synthetic import SyntheticWorld

SETTINGS = ("river", "forest", "farmland", "coast", "lake", "mountain")
EVENTS = ("cloud", "quiet", "flood", "fire", "lake", "snow", "vessels", "crop_stress")
REAL = Path(__file__).parents[1] / ".." / "shared" / "data" / "cloud_s2" / "sentinel2.npz"
SIZE, PIXEL_M = 512, 10.0


def scenes(seeds: list[int]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, tuple]]:
    """Yield reflectance at the top, true cloud, true shadow, and how far shadows move a metre."""
    bands = tuple(band for band in load_instrument("imager5m").bands if band.name in BANDS)
    for seed in seeds:
        for number, setting in enumerate(SETTINGS):
            rng = np.random.default_rng([seed, number])
            latitude = float(np.degrees(np.arcsin(rng.uniform(-0.8, 0.9))))
            target = Target(
                name=f"cloud {number}",
                latitude_deg=latitude,
                longitude_deg=float(rng.uniform(-179.0, 179.0)),
                setting=setting,
            )
            elevation, azimuth = float(rng.uniform(25.0, 70.0)), float(rng.uniform(0.0, 360.0))
            world = SyntheticWorld(
                target,
                seed,
                bands=bands,
                t_ns=time.from_iso("2026-01-01T10:30:00Z") + int(rng.integers(365)) * time.DAY_NS,
                sun_elevation_deg=elevation,
                sun_azimuth_deg=azimuth,
                event=EVENTS[int(rng.integers(len(EVENTS)))],
                gsd_m=PIXEL_M,
            )
            axis = (np.arange(SIZE) - (SIZE - 1) / 2) * PIXEL_M
            east, north = np.meshgrid(world.east_m + axis, world.north_m - axis)
            surface = world.surface(east, north)
            aot, water = float(rng.uniform(0.05, 0.3)), float(rng.uniform(1.0, 3.0))
            top = np.stack(
                [
                    coefficients(
                        band.wavelength_um,
                        band.width_um,
                        sun_zenith_deg=90.0 - elevation,
                        view_zenith_deg=float(rng.uniform(0.0, 25.0)),
                        relative_azimuth_deg=float(rng.uniform(0.0, 180.0)),
                        aot550=aot,
                        water_g_cm2=water,
                        ozone_cm_atm=0.3,
                    ).toa(rho)
                    for band, rho in zip(bands, surface.reflectance, strict=True)
                ]
            )
            if surface.cloud is not None and surface.cloud_reflectance is not None:
                top = top + surface.cloud * (surface.cloud_reflectance - top)
            top = top + rng.normal(0.0, 0.003, top.shape)
            reach = 1.0 / np.tan(np.radians(elevation)) / PIXEL_M
            turn = np.radians(azimuth)
            step = (float(np.cos(turn) * reach), float(-np.sin(turn) * reach))
            told = world.truth(east, north)
            order = [[band.name for band in bands].index(name) for name in BANDS]
            yield top[order].astype(np.float32), told.cloud, told.shadow, step


class Tally:
    """Intersection and union, added up."""

    def __init__(self) -> None:
        self.both: dict[tuple, int] = {}
        self.either: dict[tuple, int] = {}

    def add(self, key: tuple, found: np.ndarray, true: np.ndarray) -> None:
        self.both[key] = self.both.get(key, 0) + int(np.count_nonzero(found & true))
        self.either[key] = self.either.get(key, 0) + int(np.count_nonzero(found | true))

    def show(self) -> None:
        for key, either in self.either.items():
            print(f"{'  '.join(f'{part:<22}' for part in key)}{self.both[key] / either:.3f}")


def ukis(top: np.ndarray, names: tuple) -> np.ndarray | None:
    """Return the masks of ukis-csmask, if it is installed: an independent network."""
    try:
        from ukis_csmask.mask import CSmask
    except ImportError:
        return None
    picture = np.ascontiguousarray(top.transpose(1, 2, 0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 128 x 128 at 40 m is smaller than it likes
        classes = CSmask(picture, [*names], product_level="l1c", intra_op_num_threads=1).csm
    return np.where(classes == 1, CLOUD, np.where(classes == 2, SHADOW, 0))[..., 0]


def judge(
    tally: Tally, where: str, top: np.ndarray, cloud: np.ndarray, shadow: np.ndarray | None,
    step: tuple | None, pixel_m: float,
) -> None:  # fmt: skip
    good = np.ones(cloud.shape, bool)
    for names in (BANDS, BANDS[:4]):
        part = np.ascontiguousarray(top[: len(names)])
        what = f"{len(names)} bands"
        found = {"thresholds": threshold_masks(part, names, good, step)}
        for cell_m in (20.0, 40.0):
            if cell_m >= pixel_m:
                found[f"network at {cell_m:.0f} m"] = cloud_masks(
                    part, names, good, step, pixel_m, cell_m
                )
        referee = ukis(part, names)
        if referee is not None:
            found["ukis-csmask"] = referee
        for who, mask in found.items():
            tally.add((where, what, who, "cloud"), (mask & CLOUD) != 0, cloud)
            if shadow is not None:
                open_ground = ~cloud
                tally.add(
                    (where, what, who, "shadow"),
                    ((mask & SHADOW) != 0) & open_ground,
                    shadow & open_ground,
                )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", default="0-19", help="first-last")
    first, _, last = parser.parse_args().seeds.partition("-")
    seeds = list(range(int(first), int(last or first) + 1))
    tally, started = Tally(), clock.process_time()
    for top, cloud, shadow, step in scenes(seeds):
        judge(tally, "synthetic", top, cloud, shadow, step, PIXEL_M)
    if REAL.exists():
        data = np.load(REAL)
        top = np.ascontiguousarray(data["img"].transpose(2, 0, 1), np.float32)
        cloud = data["msk"][..., 0] == 4
        judge(tally, "real, own pixel", top, cloud, None, None, PIXEL_M)
        coarse = top.reshape(len(BANDS), 128, 4, 128, 4).mean((2, 4))
        share = cloud.reshape(128, 4, 128, 4).mean((1, 3))
        judge(tally, "real, 40 m", coarse, share >= 0.5, None, None, 40.0)
    tally.show()
    print(f"{clock.process_time() - started:.0f} s of CPU time")


if __name__ == "__main__":
    main()
