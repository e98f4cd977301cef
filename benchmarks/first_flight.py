"""What a newcomer meets: how long the first command takes, how much memory, how soon help comes.

    python benchmarks/first_flight.py [--executor threads|processes] [--hours 6]

Prints wall and CPU seconds of `orbitloom fly` as a whole process, its peak memory, seconds flown
per CPU-second, the best of five `orbitloom --help`, and the size of the installed packages.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import distributions
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--executor", default="threads")
    parser.add_argument("--hours", type=float, default=6.0)
    options = parser.parse_args()
    command = [sys.executable, "-m", "orbitloom"]
    helps = [_timed([*command, "--help"])[0] for _ in range(6)][1:]
    print(f"orbitloom --help, best of 5 warm: {min(helps):.2f} s wall")
    with tempfile.TemporaryDirectory() as folder:
        flight = ["fly", "--json", "--executor", options.executor, "--hours", str(options.hours)]
        wall_s, cpu_s, output = _timed([*command, *flight, "--out", f"{folder}/flight"])
        figures = json.loads(output)
        run = json.loads(Path(folder, "flight", "run.json").read_bytes())
    flown_s = figures["satellites"] * figures["simulated_s"]
    print(f"orbitloom fly, {figures['captures']} captures: {wall_s:.1f} s wall, {cpu_s:.1f} CPU-s")
    print(f"  {flown_s / cpu_s:,.0f} satellite-seconds per CPU-second, pixels and files included")
    print(f"  peak memory of the process {run['peak_memory_mb']:.0f} MB on {os.cpu_count()} cores")
    print(f"packages in this environment: {_installed_mb():.0f} MB")


def _timed(command: list[str]) -> tuple[float, float, bytes]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    wall_s = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall_s, cpu_s, output


def _installed_mb() -> float:
    files = {
        path
        for distribution in distributions()
        for file in distribution.files or ()
        if (path := Path(str(distribution.locate_file(file))).resolve()).is_file()
    }
    return sum(path.stat().st_size for path in files) / 1e6


if __name__ == "__main__":
    main()
