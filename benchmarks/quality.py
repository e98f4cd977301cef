"""How good the answers are: all captures of the default flight over many seeds, against the truth.

    python benchmarks/quality.py --seeds 0-9 --workers 2

One line a seed, then all together. Recall, precision, false alerts and mean IoU are those of
`summary.json`. Then the least IoU of the floods that count there; how far the stated areas of
alerts on floods lie from what was visible, in units of their stated sigma, and the share within one
(normal errors have a mean of 0.80, and 0.68 within one); and the largest answer in bytes.

The thresholds of `processing.flood` and `processing.l2` were set on seeds 100 to 104 and on the
labelled cloud scene that the design note names, the uncertainty of an area on seeds 110 to 113.
Seeds 0 to 9 were not looked at for any of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from orbitloom.processing.chain import process
from orbitloom.report.summary import quality
from orbitloom.scenario import load
from orbitloom.twin.result import CaptureScore
from orbitloom.twin.score import score
from orbitloom.wire import Calibration
from orbitloom.world.geometry import World
from orbitloom.world.observe import ObservationJob, calibration, observation_job, observe

COLUMNS = [
    "captures",
    "recall",
    "precision",
    "false",
    "meanIoU",
    "minIoU",
    "|error|/sigma",
    "within1",
    "largest",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A capture's score, its area's error in sigmas (None without an alert), its answer's bytes."""

    score: CaptureScore
    error_sigmas: float | None
    octets: int


def jobs(seed: int, captures: int | None) -> Iterator[tuple[ObservationJob, Calibration]]:
    scenario = load("flood12", seed=seed)
    world = World(scenario)
    for task in world.tasks[:captures]:
        known = calibration(scenario, task.satellite)
        yield observation_job(scenario, world.ephemeris, task), known


def judge(job: ObservationJob, known: Calibration) -> Judged:
    result = process(observe(job).packets, job.task, known, "flood", "rules")
    scored = score(job, result.answer, result.grid)
    properties = result.answer.feature["properties"]
    error = None
    if scored.kind == "alert" and scored.event == "flood":
        error = (properties["area_km2"] - scored.truth_km2) / properties["area_sigma_km2"]
    return Judged(score=scored, error_sigmas=error, octets=len(result.answer.to_bytes()))


def line(name: str, judged: Sequence[Judged]) -> str:
    scores = [each.score for each in judged]
    figures = quality(scores)
    ious = [quality([each])["iou_mean"] for each in scores]
    errors = np.abs([each.error_sigmas for each in judged if each.error_sigmas is not None])
    values = (
        len(scores),
        figures["recall"],
        figures["precision"],
        figures["false_alerts"],
        figures["iou_mean"],
        min((iou for iou in ious if iou is not None), default=None),
        float(errors.mean()) if errors.size else None,
        float((errors <= 1.0).mean()) if errors.size else None,
        max(each.octets for each in judged),
    )
    cells = (f"{value:.3f}" if isinstance(value, float) else str(value) for value in values)
    return " ".join(
        [
            f"{name:>4}",
            *(f"{cell:>{len(column)}}" for cell, column in zip(cells, COLUMNS, strict=True)),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0-9", help="one number or a range; default 0-9")
    parser.add_argument("--captures", type=int, help="of each seed; default all")
    parser.add_argument("--workers", type=int, default=2, help="processes; default 2")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    print("seed", *COLUMNS)
    everything: list[Judged] = []
    with ProcessPoolExecutor(options.workers) as pool:
        for seed in range(int(first), int(last or first) + 1):
            judged = list(pool.map(judge, *zip(*jobs(seed, options.captures), strict=True)))
            everything += judged
            print(line(str(seed), judged), flush=True)
    print(line("all", everything))


if __name__ == "__main__":
    main()
