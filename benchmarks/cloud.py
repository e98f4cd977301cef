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
from pathlib import Path

import numpy as np

from orbitloom.processing.cloudnet import BANDS
from orbitloom.processing.masks import CLOUD, SHADOW, cloud_masks, threshold_masks
from orbitloom.testing.pictures import pictures

REAL = Path(__file__).parents[1] / ".." / "shared" / "data" / "cloud_s2" / "sentinel2.npz"
PIXEL_M = 10.0


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
    for one in pictures(seeds, pixel_m=PIXEL_M):
        told = one.truth
        judge(tally, "synthetic", one.toa, told.cloud, told.shadow, one.shadow_step_px, PIXEL_M)
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
