"""Orbits, passes, light and looks of a day, in CPU seconds, and the memory that it takes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np
from numpy.typing import NDArray

from orbitloom.bench.row import Row, cpu_s
from orbitloom.scenario import ElementsFleet, Station, Target, WalkerFleet, load, time
from orbitloom.scenario.fleet import ElementSet
from orbitloom.scenario.hardware import Survey
from orbitloom.world.cache import Cache
from orbitloom.world.earth import ecef_from_geodetic, geodetic_up
from orbitloom.world.eclipse import fleet_sunlight
from orbitloom.world.geometry import World
from orbitloom.world.looks import target_looks
from orbitloom.world.orbits import build_ephemeris
from orbitloom.world.strips import fleet_strips
from orbitloom.world.walker import ltdn_raan_rad, turn_to, walker_positions
from orbitloom.world.windows import sine_elevation, station_passes

__all__ = [
    "day_in_memory",
    "peak_mb",
    "plain_passes",
    "plain_positions",
    "real_fleet",
    "rows",
    "stations_20",
]

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

_START_NS = time.from_iso("2026-06-14T00:00:00Z")
_DAY_NS = _START_NS + time.DAY_NS
_STEP_NS = 10 * time.SECOND_NS
_SAMPLE = 40  # satellites that the plain ways are measured on, of 2,800
_FLEETS = {
    2800: WalkerFleet(planes=35, per_plane=80, phasing=17),
    10_000: WalkerFleet(planes=100, per_plane=100, phasing=50),
}


def rows() -> Iterator[Row]:
    """Yield positions, nodes, windows, light, looks, memory and a second run."""
    yield from _positions()
    yield from _nodes_and_windows()
    yield from _light_and_looks()
    yield Row(
        what="peak memory: positions, SGP4 nodes and windows of 2,800",
        value=peak_mb(2800),
        unit="MB",
        limit=1500.0,
    )
    yield from _second_run()


def _positions() -> Iterator[Row]:
    t_ns = np.arange(_START_NS, _DAY_NS, _STEP_NS)
    some, many = _FLEETS[2800], _FLEETS[10_000]
    yield Row(
        what="positions of 2,800 (J2), 1 day at 10 s",
        value=cpu_s(lambda: walker_positions(some, _START_NS, t_ns)),
        unit="CPU-s",
        limit=0.6,
        plain=cpu_s(lambda: plain_positions(some, t_ns), runs=1),
        plain_by="numpy",
    )
    yield Row(
        what="positions of 10,000 (J2), 1 day at 10 s",
        value=cpu_s(lambda: walker_positions(many, _START_NS, t_ns)),
        unit="CPU-s",
        limit=3.0,
    )


def _nodes_and_windows() -> Iterator[Row]:
    stations = stations_20()
    few = build_ephemeris(real_fleet(_SAMPLE), _START_NS, _DAY_NS)
    station_passes(few, stations)  # compiles
    plain_s = cpu_s(lambda: plain_passes(few.ecef_m, few.nodes_ns, stations), runs=1)
    for number, runs, factor in ((2800, 2, 1.0), (10_000, 1, 5.0)):
        real = real_fleet(number)
        nodes_s, windows_s = float("inf"), float("inf")
        for _ in range(runs):
            begun_s = process_time()
            ephemeris = build_ephemeris(real, _START_NS, _DAY_NS)
            nodes_s = min(nodes_s, process_time() - begun_s)
            begun_s = process_time()
            station_passes(ephemeris, stations)
            windows_s = min(windows_s, process_time() - begun_s)
            del ephemeris
        yield Row(
            what=f"SGP4 nodes of {number:,}, 1 day, ITRS and GCRS",
            value=nodes_s,
            unit="CPU-s",
            limit=3.0 * factor,
        )
        yield Row(
            what=f"the same for {number:,}, and windows over 20 stations",
            value=nodes_s + windows_s,
            unit="CPU-s",
            limit=6.0 * factor,
            plain=nodes_s + plain_s * number / _SAMPLE,
            plain_by=f"nodes as ours; then numpy by pair on {_SAMPLE} satellites, scaled up",
        )


def _light_and_looks() -> Iterator[Row]:
    ephemeris = build_ephemeris(_FLEETS[2800], _START_NS, _DAY_NS)
    targets = _targets(100)
    yield Row(
        what="sunlight of 2,800, 1 day",
        value=cpu_s(lambda: fleet_sunlight(ephemeris), runs=2),
        unit="CPU-s",
    )
    yield Row(
        what="looks of 2,800 at 100 targets, 1 day",
        value=cpu_s(lambda: target_looks(ephemeris, targets, 30.0), runs=2),
        unit="CPU-s",
    )
    yield Row(
        what="survey strips of 2,800, 1 day",
        value=cpu_s(lambda: fleet_strips(ephemeris, Survey()), runs=2),
        unit="CPU-s",
    )


def _second_run() -> Iterator[Row]:
    """Yield what passes, sunlight and looks of a fleet cost, and what they cost again."""
    changes = {"fleet": real_fleet(2800), "stations": stations_20(), "targets": _targets(100)}
    scenario = load("ring12", hours=24).model_copy(update=changes)

    def run(cache: Cache) -> None:
        world = World(scenario, cache=cache)
        _ = world.passes, world.fleet_sunlight, world.tasks

    with TemporaryDirectory() as folder:
        first_s = cpu_s(lambda: run(Cache()), runs=1)
        cache = Cache(folder=Path(folder))
        yield Row(
            what="orbits (SGP4), passes, light and captures of 2,800 again, cached",
            value=cpu_s(lambda: run(cache), runs=2),
            unit="CPU-s",
            plain=first_s,
            plain_by="without the cache",
        )


def real_fleet(satellites: int) -> ElementsFleet:
    """Return mean elements of a made-up fleet that SGP4 propagates: 53 and 97.4 degrees, 500 km."""
    draw = np.random.default_rng(1)
    elements = []
    for number in range(satellites):
        raan, perigee, anomaly = draw.uniform(0.0, 360.0, 3).tolist()
        elements.append(
            ElementSet(
                name=f"SAT {number}",
                epoch_yyddd="26164.5",
                inclination_deg=(53.0, 97.4)[number % 2],
                raan_deg=raan,
                eccentricity=float(draw.uniform(1e-4, 2e-3)),
                argument_of_perigee_deg=perigee,
                mean_anomaly_deg=anomaly,
                mean_motion_rev_per_day=float(draw.uniform(14.9, 15.3)),
                bstar_per_re=1e-4,
            )
        )
    return ElementsFleet(kind="elements", elements=tuple(elements))


def stations_20() -> tuple[Station, ...]:
    """Return 20 stations, spread over the land's latitudes, with masks of 5 degrees."""
    draw = np.random.default_rng(2)
    return tuple(
        Station(name=f"G{n}", latitude_deg=latitude, longitude_deg=longitude, mask_deg=5.0)
        for n, (latitude, longitude) in enumerate(draw.uniform((-55, -180), (78, 180), (20, 2)))
    )


def _targets(count: int) -> tuple[Target, ...]:
    draw = np.random.default_rng(3)
    return tuple(
        Target(name=f"T{n}", latitude_deg=latitude, longitude_deg=longitude)
        for n, (latitude, longitude) in enumerate(draw.uniform((-50, -180), (60, 180), (count, 2)))
    )


def plain_positions(fleet: WalkerFleet, t_ns: Times) -> Floats:
    """Return what `walker_positions` does, in GCRS, the plain way: numpy, all angles at once."""
    axis_m = 6_378_137.0 + 1e3 * fleet.altitude_km
    motion = (3.986004418e14 / axis_m**3) ** 0.5
    sin_i, cos_i = (
        np.sin(np.radians(fleet.inclination_deg)),
        np.cos(np.radians(fleet.inclination_deg)),
    )
    k = 1.5 * 1.08262668e-3 * (6_378_137.0 / axis_m) ** 2
    since_s = (t_ns - _START_NS) / 1e9
    total = fleet.planes * fleet.per_plane
    plane, place = (axis[:, None] for axis in np.divmod(np.arange(total), fleet.per_plane))
    node = ltdn_raan_rad(fleet.ltdn_h, _START_NS) - k * motion * cos_i * since_s
    node = node + np.radians(fleet.raan_spread_deg) * plane / fleet.planes
    u = 2 * np.pi * (place / fleet.per_plane + fleet.phasing * plane / total)
    u = u + motion * (1 + k * (3 - 4 * sin_i**2)) * since_s
    out = np.empty((total, t_ns.size, 3))
    cos_u, sin_u, cos_node, sin_node = np.cos(u), np.sin(u), np.cos(node), np.sin(node)
    out[..., 0] = axis_m * (cos_node * cos_u - sin_node * cos_i * sin_u)
    out[..., 1] = axis_m * (sin_node * cos_u + cos_node * cos_i * sin_u)
    out[..., 2] = axis_m * sin_i * sin_u
    matrix = np.asarray(turn_to("eci", t_ns))
    return np.asarray(np.einsum("nij,snj->sni", matrix, out))


def plain_passes(
    ecef_m: Floats, nodes_ns: Times, stations: tuple[Station, ...]
) -> list[tuple[int, int, int, int]]:
    """Return satellite, station, rise and set the plain way: numpy, one pair after the other.

    Elevations every 10 s from splines through the nodes, edges by lines between; passes between
    two samples are lost, edges are off by some 0.01 s.
    """
    from scipy.interpolate import CubicSpline

    fine_ns = np.arange(nodes_ns[0], nodes_ns[-1], _STEP_NS)
    found = []
    for satellite, nodes_m in enumerate(ecef_m):
        position_m = CubicSpline((nodes_ns - nodes_ns[0]) / 1e9, nodes_m)(
            (fine_ns - nodes_ns[0]) / 1e9
        )
        for number, station in enumerate(stations):
            place = (station.latitude_deg, station.longitude_deg)
            value = sine_elevation(position_m, ecef_from_geodetic(*place), geodetic_up(*place))
            value = value - np.sin(np.radians(station.mask_deg))
            i = np.flatnonzero((value[1:] > 0) != (value[:-1] > 0))
            edge_ns = fine_ns[i] + (value[i] / (value[i] - value[i + 1]) * _STEP_NS).astype(int)
            edges = edge_ns[int(value[0] > 0) :].tolist()
            found += [
                (satellite, number, a, b) for a, b in zip(edges[::2], edges[1::2], strict=False)
            ]
    return found


def peak_mb(satellites: int) -> float:
    """Return the peak memory of a process that makes a day's positions, nodes and windows, MB."""
    code = f"from orbitloom.bench.orbits import day_in_memory; day_in_memory({satellites})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return float(done.stdout) / 1e6


def day_in_memory(satellites: int) -> None:
    """Make positions, nodes and windows of a day, keep all, and print the most bytes they took."""
    fleet = WalkerFleet(planes=max(1, satellites // 80), per_plane=80)
    kept = [walker_positions(fleet, _START_NS, np.arange(_START_NS, _DAY_NS, _STEP_NS))]
    ephemeris = build_ephemeris(real_fleet(satellites), _START_NS, _DAY_NS)
    windows = station_passes(ephemeris, stations_20())
    print(_peak_bytes())
    del kept, ephemeris, windows


def _peak_bytes() -> int:
    """Return the most memory that this process had."""
    status = Path("/proc/self/status")
    if status.exists():  # what `getrusage` says there includes the parent's share at its birth
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # bytes on macOS
