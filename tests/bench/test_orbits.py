"""The plain ways that orbits are measured beside say the same."""

import numpy as np
import pytest

from orbitloom.bench import orbits as bench
from orbitloom.scenario import WalkerFleet, time
from orbitloom.world.orbits import build_ephemeris
from orbitloom.world.walker import walker_positions
from orbitloom.world.windows import station_passes

START_NS = time.from_iso("2026-06-14T00:00:00Z")


def test_plain_positions_are_ours():
    fleet = WalkerFleet(planes=5, per_plane=4, phasing=2, inclination_deg=53)
    t_ns = START_NS + np.arange(500) * 10 * time.SECOND_NS
    ours = walker_positions(fleet, START_NS, t_ns)
    np.testing.assert_allclose(ours, bench.plain_positions(fleet, t_ns), rtol=0, atol=1e-6)


def test_plain_passes_are_ours_but_for_short_ones():
    ephemeris = build_ephemeris(bench.real_fleet(4), START_NS, START_NS + 6 * time.HOUR_NS)
    stations = bench.stations_20()[:6]
    ours = station_passes(ephemeris, stations)
    mine = {
        (int(a), int(b), int(rise)): int(fall)
        for a, b, rise, fall in zip(
            ours.first, ours.second, ours.start_ns, ours.end_ns, strict=True
        )
        if rise > ephemeris.start_ns and fall < ephemeris.end_ns
    }
    plain = bench.plain_passes(ephemeris.ecef_m, ephemeris.nodes_ns, stations)
    matched = 0
    for satellite, station, rise_ns, fall_ns in plain:
        for (a, b, begin_ns), end_ns in mine.items():
            near = abs(begin_ns - rise_ns) + abs(end_ns - fall_ns) < time.SECOND_NS
            matched += (a, b) == (satellite, station) and near
    assert matched >= 0.9 * len(mine) > 10


@pytest.mark.parametrize("satellites", [80])
def test_peak_memory_is_that_of_another_process(satellites):
    assert 50.0 < bench.peak_mb(satellites) < 1500.0
