"""What the chain does a second on one core: L1 with three indices, and a whole scene of 192 MB.

    OMP_NUM_THREADS=1 python benchmarks/throughput.py [--app flood] [--lines 4000] [--kernel-only]

Prints CPU seconds, the kernel's beside a plain numpy baseline measured in the same run, and the
chain's peak of memory. Of the CPU seconds those of the system are told apart: they hand out memory,
and on a virtual machine, whose host takes back what is free, they can be several times what they
are on a bare one. Without `--app` the chain runs for each application. A pixel is one of all eight
bands.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from orbitloom.processing import l0, l1, l2, l3
from orbitloom.processing.chain import ChainResult, process
from orbitloom.processing.kernels import fused_indices
from orbitloom.scenario import Target, load_instrument
from orbitloom.wire.capture_file import Capture, read_capture
from orbitloom.world.simulate import simulate

BANDS, LINES, COLUMNS = 8, 4000, 4000
TIMES = 3  # the least of so many runs counts
EVENTS = {  # what there is to find, in the setting that it implies
    "flood": "flood",
    "fire": "fire",
    "agriculture": "crop_stress",
    "maritime": "vessels",
    "climate": "lake",
}
PAIRS = np.array([[5, 3], [2, 5], [5, 7]])  # NDVI, NDWI, NBR by the bands of imager5m


def cpu_s(task: Callable[[], object], times: int = TIMES) -> float:
    """Return the least CPU time of some runs."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        task()
        spent.append(time.process_time() - start)
    return min(spent)


def plain_indices(dn: np.ndarray, dark: np.ndarray, gain: np.ndarray) -> list[np.ndarray]:
    """The same by numpy: an array an operation."""
    made = []
    bands = {band: (dn[band] - dark[band]) * gain[band] for band in np.unique(PAIRS)}
    for one, other in PAIRS:
        total = bands[one] + bands[other]
        with np.errstate(divide="ignore", invalid="ignore"):
            made.append(np.where(total > 0, (bands[one] - bands[other]) / total, np.nan))
    return made


def kernel() -> None:
    rng = np.random.default_rng(0)
    dn = rng.integers(100, 4096, (BANDS, LINES, COLUMNS), dtype=np.uint16)
    dark = rng.normal(64, 2, (BANDS, COLUMNS)).astype(np.float32)
    gain = rng.normal(0.1, 0.002, (BANDS, COLUMNS)).astype(np.float32)
    out = np.zeros((len(PAIRS), LINES, COLUMNS), np.float32)
    fused_indices(dn[:, :4].copy(), dark, gain, PAIRS)
    few = slice(0, 1000)  # numpy's intermediates are large
    plain_s = cpu_s(lambda: plain_indices(dn[:, few], dark, gain)) * LINES / 1000
    expected = np.stack(plain_indices(dn[:, few], dark, gain))
    fused_s = cpu_s(lambda: fused_indices(dn, dark, gain, PAIRS, out))
    fresh_s = cpu_s(lambda: fused_indices(dn, dark, gain, PAIRS))
    np.testing.assert_allclose(out[:, few], expected, rtol=1e-5, atol=1e-6)
    pixels = LINES * COLUMNS / 1e6
    print(f"L1 + three indices, {BANDS} bands of {LINES} x {COLUMNS}:")
    print(f"  fused, into an array that is there   {pixels / fused_s:7.0f} Mpx/s")
    print(f"  fused, into a new one                {pixels / fresh_s:7.0f} Mpx/s")
    print(f"  numpy                                {pixels / plain_s:7.0f} Mpx/s")
    print(f"  ratio                                {plain_s / fused_s:7.1f}")


def chain(folder: Path, app: str) -> None:
    """In a process of its own: print the whole's CPU times, then each level's, as JSON."""
    small, capture = read_capture(folder / "small"), read_capture(folder / "scene")

    def whole(of: Capture) -> ChainResult:
        return process(of.packets, of.task, of.calibration, app, "rules", of.briefing)

    whole(small)  # compiles
    runs = []
    for _ in range(TIMES):
        before = resource.getrusage(resource.RUSAGE_SELF)
        result = whole(capture)
        after = resource.getrusage(resource.RUSAGE_SELF)
        system_s = after.ru_stime - before.ru_stime
        runs.append((after.ru_utime - before.ru_utime + system_s, system_s))
    whole_s, system_s = min(runs)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    kind = json.loads(result.answer.record)["properties"]["kind"]
    told = {"whole_s": whole_s, "system_s": system_s, "peak_mb": peak_mb, "kind": kind}
    print(json.dumps(told), flush=True)

    spent: dict[str, float] = {}

    def step(name: str, task: Callable[[], object]) -> object:
        start = time.process_time()
        made = task()
        spent[name] = time.process_time() - start
        return made

    known, ordered = capture.calibration, capture.task
    frames = step(
        "L0",
        lambda: l0.reconstruct(
            capture.packets, ordered.capture, *known.dark_dn.shape, known.layout
        ),
    )
    place = step(
        "geolocation",
        lambda: l1.geolocate(frames.ancillary, known.ifov_rad, terrain=capture.briefing.terrain),
    )
    radiance = step("L1", lambda: l1.calibrate(frames, known))
    scene = step("L2", lambda: l2.to_reflectance(radiance, known, place, ordered.middle_ns))
    grid = l3.grid_for(place, known.gsd_m)
    tile = step("L3", lambda: l3.resample(scene, place, grid, known.band_names, 100.0))
    step("COG", lambda: l3.to_cog(tile))
    print(json.dumps(spent))


def scene(app: str, lines: int) -> None:
    design = load_instrument("imager5m").model_copy(update={"lines": lines})
    tiny = design.model_copy(update={"lines": 200, "columns": 200})
    target = Target(name="bench", latitude_deg=44.4, longitude_deg=11.9, event=EVENTS[app])
    with tempfile.TemporaryDirectory() as name:
        for part, imager in (("small", tiny), ("scene", design)):
            simulate(imager, target=target, seed=100, out=Path(name) / part, app=app)
        packets_mb = (Path(name) / "scene" / "packets.bin").stat().st_size / 1e6
        command = [sys.executable, __file__, "--chain", name, "--app", app]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    whole, levels = map(json.loads, told.strip().splitlines())
    raw_mb = lines * COLUMNS * BANDS * 12 / 8 / 1e6
    print(f"whole chain, app {app}: {raw_mb:.0f} MB at 12 bit, {packets_mb:.0f} MB of packets")
    print(
        f"  packets to answer ({whole['kind']}) {whole['whole_s']:7.2f} s of CPU, "
        f"{whole['system_s']:.2f} s of it the system's"
    )
    print(f"  peak of memory                {whole['peak_mb']:7.0f} MB")
    print(f"  pixels                        {lines * COLUMNS / whole['whole_s'] / 1e6:7.2f} Mpx/s")
    for level, spent in levels.items():
        print(f"    {level:12s} {spent:6.2f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--app", choices=tuple(EVENTS))
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--kernel-only", action="store_true")
    parser.add_argument("--chain", type=Path, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.chain is not None:
        chain(told.chain, told.app)
    else:
        kernel()
        for app in () if told.kernel_only else (told.app,) if told.app else EVENTS:
            scene(app, told.lines)
