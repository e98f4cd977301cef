"""How much of the gain is the survey's queue, and how much the wait for a pass.

Flies the arms of a scenario at several survey rates over the same captures: nothing between the
targets; the target imager itself (68 Mbit/s); the default, a PhiSat-2 class imager (541 Mbit/s).
The bytes of the captures are made once, for they do not depend on the survey.

    python benchmarks/survey_sensitivity.py [--scenario flood12] [--hours 6] [--stations polar2]
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor

from orbitloom.ground.delivery import Ground
from orbitloom.report.summary import percentile_ns
from orbitloom.scenario import load
from orbitloom.twin.arm import ArmFlight
from orbitloom.twin.workshop import Workshop
from orbitloom.world.geometry import World

RATES_MBPS = (0.0, 68.0, 541.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scenario", default="flood12")
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--stations", default=None)
    options = parser.parse_args()
    base = load(options.scenario, hours=options.hours, stations=options.stations)
    with ThreadPoolExecutor(2) as executor:
        workshop = Workshop(World(base), executor)
        print(f"{base.name}, {base.hours:g} h, stations {', '.join(s.name for s in base.stations)}")
        print(f"{'survey Mbit/s':>13}  {'arm':<9}{'delivered':>10}{'p50 s':>10}{'p90 s':>10}")
        for rate_mbps in RATES_MBPS:
            survey = base.survey.model_copy(update={"rate_mbps": rate_mbps})
            scenario = base.model_copy(update={"survey": survey})
            world = World(scenario)
            for arm in scenario.arms:
                flight = ArmFlight(world, workshop, arm, Ground(None, scenario), lambda task: None)
                latencies = [fate.latency_ns for fate in flight.fly().fates]
                done = sum(latency is not None for latency in latencies)
                p50, p90 = (percentile_ns(latencies, percent) for percent in (50, 90))
                print(
                    f"{rate_mbps:13.0f}  {arm:<9}{done:>5}/{len(latencies):<4}"
                    f"{_seconds(p50):>10}{_seconds(p90):>10}"
                )


def _seconds(latency_ns: int | None) -> str:
    return "after end" if latency_ns is None else f"{latency_ns / 1e9:.1f}"


if __name__ == "__main__":
    main()
