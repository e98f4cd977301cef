"""Who links with whom: grids are joined, no satellite has more links than terminals."""

import networkx as nx
import numpy as np
import pytest

from orbitloom.scenario import WalkerFleet, time
from orbitloom.scenario.links import Laser
from orbitloom.world.link_rules import GridRule, RingRule, laser_links, link_rule
from orbitloom.world.orbits import build_ephemeris

START_NS = time.from_iso("2026-06-14T00:00:00Z")
STARLINK = WalkerFleet(planes=72, per_plane=22, altitude_km=550, inclination_deg=53, phasing=17)
IRIDIUM = WalkerFleet(
    planes=6, per_plane=11, altitude_km=780, inclination_deg=86.4, phasing=3, raan_spread_deg=180
)


def hour_of(fleet, hours=1.0):
    return build_ephemeris(fleet, START_NS, START_NS + int(hours * time.HOUR_NS))


@pytest.mark.parametrize("terminals", [1, 2, 3, 4])
@pytest.mark.parametrize("fleet", [STARLINK, IRIDIUM, WalkerFleet(planes=35, per_plane=80)])
def test_the_grid_keeps_to_the_terminals_and_joins_all_planes(fleet, terminals):
    satellites = fleet.planes * fleet.per_plane
    pairs = GridRule(fleet=fleet, terminals=terminals).candidates(hour_of(IRIDIUM, 0.1))
    degree = np.bincount(pairs.ravel(), minlength=satellites)
    graph = nx.Graph(pairs.tolist())
    if terminals == 4:
        seam = 0 if fleet.raan_spread_deg == 360 else fleet.per_plane
        assert len(pairs) == 2 * satellites - seam
    if terminals >= 3:
        assert degree.max() <= terminals
        assert nx.is_connected(graph)
        assert graph.number_of_nodes() == satellites
    else:
        assert nx.number_connected_components(graph) == fleet.planes


def test_the_neighbour_beside_is_the_nearest_slot():
    """By brute force: of the next plane's slots, the one that is nearest on the mean of an orbit.

    A chord grows with the angle between, so the mean is taken of its square.
    """
    for fleet in (STARLINK, IRIDIUM, WalkerFleet(planes=7, per_plane=40, phasing=5)):
        ephemeris = hour_of(fleet, 1.7)
        pairs = GridRule(fleet=fleet, terminals=4).candidates(ephemeris)
        across = pairs[pairs[:, 0] // fleet.per_plane != pairs[:, 1] // fleet.per_plane]
        t_ns = START_NS + np.arange(0, 100 * 60, 300) * time.SECOND_NS
        position_m = ephemeris.position_eci_m(t_ns)
        for first, second in across[:: max(1, len(across) // 12)]:
            plane = second // fleet.per_plane * fleet.per_plane
            others = position_m[plane : plane + fleet.per_plane]
            apart = np.mean(np.sum((others - position_m[first]) ** 2, axis=-1), axis=-1)
            assert apart[second - plane] <= 1.02 * apart.min()


def test_a_grid_holds_nearly_all_the_time():
    laser = Laser(terminals=4)
    ephemeris = hour_of(IRIDIUM, 2)
    links = laser_links(ephemeris, IRIDIUM, laser)
    pairs = GridRule(fleet=IRIDIUM, terminals=4).candidates(ephemeris)
    held = (links.end_ns - links.start_ns).sum() / (len(pairs) * 2 * time.HOUR_NS)
    assert held > 0.99


def test_two_terminals_make_rings_and_a_named_rule_is_taken():
    assert isinstance(link_rule(STARLINK, Laser(topology="ring")), RingRule)
    grid = link_rule(STARLINK, Laser())
    np.testing.assert_array_equal(
        grid.candidates(hour_of(IRIDIUM, 0.1)),
        RingRule(fleet=STARLINK).candidates(hour_of(IRIDIUM, 0.1)),
    )
