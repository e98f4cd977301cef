"""Snapshots: paths as networkx finds them, links as the windows have them."""

import itertools

import networkx as nx
import numpy as np
import pytest

from orbitloom.scenario import Station, WalkerFleet, stream, time
from orbitloom.scenario.links import Laser
from orbitloom.scenario.load import station_nets
from orbitloom.world.lasers import laser_windows
from orbitloom.world.link_rules import GridRule
from orbitloom.world.orbits import build_ephemeris
from orbitloom.world.snapshot import Snapshots
from orbitloom.world.windows import station_passes

START_NS = time.from_iso("2026-06-14T00:00:00Z")
LASER = Laser(terminals=4)
SMALL = WalkerFleet(planes=9, per_plane=16, phasing=4, altitude_km=800, inclination_deg=97.4)
LIGHT_M_S = 299_792_458.0


def stations():
    return tuple(Station(**one) for one in station_nets()["world12"])


def setting(fleet, hours):
    ephemeris = build_ephemeris(fleet, START_NS, START_NS + int(hours * time.HOUR_NS))
    pairs = GridRule(fleet=fleet, terminals=4).candidates(ephemeris)
    return ephemeris, pairs, Snapshots(ephemeris, pairs, stations(), LASER)


def referee_s(shot, satellites):
    """The delays by networkx; stations send or receive, they pass nothing on."""
    graph = nx.DiGraph()
    for a, b, length_m in zip(
        shot.first.tolist(), shot.second.tolist(), shot.length_m, strict=True
    ):
        if b < satellites:
            graph.add_edge(a, b, weight=length_m)
            graph.add_edge(b, a, weight=length_m)
        else:
            graph.add_edge(a, ("to", b - satellites), weight=length_m)
            graph.add_edge(("from", b - satellites), a, weight=length_m)
    count = len(shot.delay_s)
    delay = np.full((count, count), np.inf)
    np.fill_diagonal(delay, 0.0)
    for start in range(count):
        if ("from", start) not in graph:
            continue
        lengths = nx.single_source_dijkstra_path_length(graph, ("from", start))
        for end in range(count):
            if end != start:
                delay[start, end] = lengths.get(("to", end), np.inf) / LIGHT_M_S
    return delay


def test_paths_are_those_of_networkx_on_100_random_snapshots():
    ephemeris, _, snapshots = setting(SMALL, 24)
    draw = stream(5, "snapshots")
    ways = 0
    for t_ns in draw.integers(ephemeris.start_ns, ephemeris.end_ns, 100):
        shot = snapshots.at(int(t_ns))
        np.testing.assert_allclose(shot.delay_s, referee_s(shot, 144), rtol=1e-12)
        ways += np.count_nonzero(np.isfinite(shot.delay_s)) - 12
    assert ways > 5_000


def test_a_snapshot_of_1584_satellites_too():
    fleet = WalkerFleet(planes=72, per_plane=22, altitude_km=550, inclination_deg=53, phasing=17)
    ephemeris, _, snapshots = setting(fleet, 0.2)
    shot = snapshots.at(ephemeris.start_ns + 77 * time.SECOND_NS)
    np.testing.assert_allclose(shot.delay_s, referee_s(shot, 1584), rtol=1e-12)
    # Svalbard and Troll lie beyond a fleet inclined by 53 degrees.
    assert np.all(np.isinf(np.delete(shot.delay_s[4], 4)))
    assert shot.path(4, 0) == ()


def test_a_path_goes_over_links_and_is_as_long_as_it_says():
    ephemeris, _, snapshots = setting(SMALL, 1)
    shot = snapshots.at(ephemeris.start_ns + 100 * time.SECOND_NS)
    links = {}
    for a, b, length_m in zip(
        shot.first.tolist(), shot.second.tolist(), shot.length_m, strict=True
    ):
        links[a, b] = links[b, a] = length_m
    assert np.count_nonzero(np.isfinite(shot.delay_s)) > 100
    for start, end in np.argwhere(np.isfinite(shot.delay_s)):
        way = shot.path(start, end)
        assert (way[0], way[-1]) == (144 + start, 144 + end)
        length_m = sum(links[pair] for pair in itertools.pairwise(way))
        assert length_m / LIGHT_M_S == pytest.approx(shot.delay_s[start, end], rel=1e-12)
        assert all(node < 144 for node in way[1:-1])


def test_links_are_those_of_the_windows_and_the_passes():
    ephemeris, pairs, snapshots = setting(SMALL, 2)
    windows = laser_windows(ephemeris, pairs, LASER)
    passes = station_passes(ephemeris, stations())
    for t_ns in range(ephemeris.start_ns + 1, ephemeris.end_ns, 601 * time.SECOND_NS):
        shot = snapshots.at(t_ns)
        on = (windows.start_ns <= t_ns) & (t_ns < windows.end_ns)
        seen = (passes.start_ns <= t_ns) & (t_ns < passes.end_ns)
        expected = set(zip(windows.first[on].tolist(), windows.second[on].tolist(), strict=True))
        expected |= set(
            zip(passes.first[seen].tolist(), (144 + passes.second[seen]).tolist(), strict=True)
        )
        assert set(zip(shot.first.tolist(), shot.second.tolist(), strict=True)) == expected
        assert shot.rate_bps.size == np.count_nonzero(shot.second < 144)
        assert np.all(shot.rate_bps == 10e9)
