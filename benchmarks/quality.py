"""How good the answers are: default targets over many seeds, against the truth.

Prints one line a seed and their mean: recall of floods that could be seen, precision, false alerts
on quiet and clouded targets, intersection over union of the delivered polygon with what was
flooded and visible, error of the area in units of its stated sigma, and bytes of an answer.

    python benchmarks/quality.py --seeds 0-9 --captures 6

A flood counts as seen when at least `LEAST_VISIBLE_KM2` of it is visible; thresholds were set on
seeds 100-109, so 0-9 are a test.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from rasterio.features import rasterize
from rasterio.transform import Affine
from rasterio.warp import transform_geom

from orbitloom.processing.chain import process
from orbitloom.scenario import load
from orbitloom.wire import Calibration
from orbitloom.world.geometry import World
from orbitloom.world.observe import ObservationJob, calibration, observation_job, observe, truth

LEAST_VISIBLE_KM2 = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    seed: int
    target: str
    event: str
    kind: str
    reason: str
    visible_km2: float
    iou: float
    area_error_sigmas: float
    octets: int
    gaps_equal: bool


def score(job: ObservationJob, known: Calibration) -> Score:
    seen = observe(job)
    result = process(seen.packets, job.task, known, "flood", "rules")
    properties = result.answer.feature["properties"]
    iou = errors = visible_km2 = float("nan")
    if result.grid is not None:
        grid = result.grid
        real = truth(job, grid.epsg, grid.transform, grid.shape)
        flood = real.flood & real.visible
        visible_km2 = float(flood.sum()) * grid.cell_km2
        if properties["kind"] == "alert":
            found = rasterize(
                [
                    transform_geom(
                        "EPSG:4326", f"EPSG:{grid.epsg}", result.answer.feature["geometry"]
                    )
                ],
                out_shape=grid.shape,
                transform=Affine(*grid.transform),
            ).astype(bool)
            iou = float((found & flood).sum() / max((found | flood).sum(), 1))
            errors = (properties["area_km2"] - visible_km2) / properties["area_sigma_km2"]
    return Score(
        seed=job.seed,
        target=job.task.target,
        event=job.event,
        kind=properties["kind"],
        reason=properties.get("reason", ""),
        visible_km2=visible_km2,
        iou=iou,
        area_error_sigmas=errors,
        octets=len(result.answer.to_bytes()),
        gaps_equal=result.gaps == len(seen.dropped),
    )


def jobs(seed: int, captures: int | None) -> Iterable[tuple[ObservationJob, Calibration]]:
    scenario = load("ring12", seed=seed)
    world = World(scenario)
    for task in world.tasks[:captures]:
        yield (
            observation_job(scenario, world.ephemeris, task),
            calibration(scenario, task.satellite),
        )


def summary(name: str, scores: list[Score]) -> str:
    alerts = [each for each in scores if each.kind == "alert"]
    floods = [
        each for each in scores if each.event == "flood" and each.visible_km2 >= LEAST_VISIBLE_KM2
    ]
    caught = sum(each.kind == "alert" for each in floods)
    false = sum(each.event != "flood" for each in alerts)
    ious = [each.iou for each in alerts if each.event == "flood"]
    sigmas = [each.area_error_sigmas for each in alerts if each.event == "flood"]
    octets = [each.octets for each in alerts]

    def mean(values: list[float]) -> float:
        return float(np.mean(values)) if values else float("nan")

    return (
        f"{name:>7} {len(scores):9d} {len(floods):7d} {caught / max(len(floods), 1):7.3f} "
        f"{1 - false / max(len(alerts), 1):10.3f} {false:6d} {mean(ious):9.3f} "
        f"{min(ious, default=float('nan')):8.3f} {mean([abs(each) for each in sigmas]):13.2f} "
        f"{max(octets, default=0):10d} {sum(each.gaps_equal for each in scores):5d}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--captures", type=int, help="of each seed; default all")
    parser.add_argument("--seeds", default="0-9", help="one number or a range, e.g. 0-9")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--every", action="store_true", help="print each capture too")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    print(
        "   seed  captures  floods  recall  precision  false  mean IoU  min IoU  |area|/sigma"
        "  max bytes  gaps="
    )
    everything: list[Score] = []
    with ProcessPoolExecutor(options.workers) as pool:
        for seed in range(int(first), int(last or first) + 1):
            work = list(jobs(seed, options.captures))
            scores = list(pool.map(score, *zip(*work, strict=True)))
            everything += scores
            if options.every:
                for each in scores:
                    print(each)
            print(summary(str(seed), scores), flush=True)
    print(summary("all", everything))


if __name__ == "__main__":
    main()
