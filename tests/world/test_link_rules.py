"""Who links with whom: grids are joined, no satellite has more links than terminals."""

import networkx as nx
import numpy as np
import pytest

from orbitloom.errors import ScenarioError
from orbitloom.scenario import Station, WalkerFleet, load, time
from orbitloom.scenario.links import Laser
from orbitloom.scenario.load import station_nets
from orbitloom.testing.link_rule import LinkRuleContract
from orbitloom.world.link_choice import laser_links
from orbitloom.world.link_rules import (
    AdjacentRule,
    DemandRule,
    GridRule,
    NearestRule,
    RingRule,
    link_rule,
)
from orbitloom.world.orbits import build_ephemeris
from orbitloom.world.windows import station_passes

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


def test_of_two_planes_no_pair_takes_two_terminals():
    fleet = WalkerFleet(planes=2, per_plane=12)
    pairs = GridRule(fleet=fleet, terminals=3).candidates(hour_of(IRIDIUM, 0.1))
    assert len(pairs) == 24 + 12
    assert np.all(np.bincount(pairs.ravel()) == 3)


def test_one_real_satellite_links_with_nobody():
    scenario = load("scs01", hours=0.5)
    alone = scenario.fleet.model_copy(update={"elements": scenario.fleet.elements[:1]})
    ephemeris = build_ephemeris(alone, scenario.start_ns, scenario.end_ns)
    for topology in ("auto", "nearest", "demand"):
        assert len(laser_links(ephemeris, alone, Laser(topology=topology))) == 0


def test_planes_that_are_not_known_make_no_grid():
    with pytest.raises(ScenarioError, match="needs an even fleet"):
        load("scs01", laser={"topology": "grid"})


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


class TestRing(LinkRuleContract):
    @pytest.fixture
    def rule(self):
        return RingRule(fleet=self.fleet)


class TestGrid(LinkRuleContract):
    @pytest.fixture
    def rule(self):
        return GridRule(fleet=self.fleet, terminals=3)


class TestAdjacent(LinkRuleContract):
    @pytest.fixture
    def rule(self):
        return AdjacentRule(fleet=self.fleet)

    def test_across_goes_whoever_is_nearest_of_the_next_plane(self, rule, ephemeris):
        pairs = {tuple(pair) for pair in rule.candidates(ephemeris).tolist()}
        for minute in (0, 31, 77):
            at_m = ephemeris.position_eci_m(START_NS + minute * 60 * time.SECOND_NS)
            for here in range(0, 60, 7):
                plane = (here // 12 + 1) % 5 * 12
                there = plane + np.argmin(
                    np.linalg.norm(at_m[plane : plane + 12] - at_m[here], axis=-1)
                )
                assert (min(here, there), max(here, there)) in pairs

    @pytest.mark.parametrize("terminals", [2, 4])
    def test_the_ring_comes_first_but_for_the_hop_that_closes_it(self, rule, ephemeris, terminals):
        """Joining two planes goes before closing a ring, which joins nothing."""
        links = laser_links(ephemeris, self.fleet, Laser(terminals=terminals), rule)
        t_ns = START_NS + 40 * 60 * time.SECOND_NS
        on = (links.start_ns <= t_ns) & (t_ns < links.end_ns)
        inside = links.first[on] // 12 == links.second[on] // 12
        assert np.all(np.bincount(links.first[on][inside] // 12) >= 11)
        pairs = zip(links.first[on].tolist(), links.second[on].tolist(), strict=True)
        assert nx.is_connected(nx.Graph(pairs)) or terminals == 2


class TestNearest(LinkRuleContract):
    @pytest.fixture
    def rule(self):
        return NearestRule()

    def test_of_many_only_the_near_may_link(self):
        fleet = WalkerFleet(planes=10, per_plane=30, phasing=5)
        ephemeris = hour_of(fleet, 0.2)
        pairs = NearestRule(most=3).candidates(ephemeris)
        assert 300 * 3 / 2 <= len(pairs) < 300 * 10
        at_m = ephemeris.position_eci_m(START_NS)
        apart = np.linalg.norm(at_m[:, None] - at_m, axis=-1)
        for here in range(0, 300, 29):
            for there in np.argsort(apart[here])[1:4]:
                assert [min(here, there), max(here, there)] in pairs.tolist()


class TestDemand(LinkRuleContract):
    @pytest.fixture
    def passes(self, ephemeris):
        stations = tuple(Station(**one) for one in station_nets()["polar2"])
        return station_passes(ephemeris, stations)

    @pytest.fixture
    def rule(self, ephemeris, passes):
        return DemandRule.of(NearestRule(), ephemeris, passes)

    def test_waits_are_those_until_the_next_pass(self, rule, ephemeris, passes):
        for satellite in range(0, 60, 11):
            own = passes.first == satellite
            for minute in range(0, 120, 13):
                t_ns = START_NS + minute * 60 * time.SECOND_NS
                seen = own & (passes.start_ns <= t_ns) & (t_ns < passes.end_ns)
                coming = passes.start_ns[own & (passes.start_ns > t_ns)]
                expected = (
                    0.0 if seen.any() else (coming.min(initial=START_NS + 2**60) - t_ns) / 1e9
                )
                expected = min(expected, 7200.0)
                assert rule.wait_s[satellite, minute] == pytest.approx(expected, abs=1e-6)

    def test_links_save_more_waiting_than_the_nearest_would(self, rule, ephemeris):
        """Mean over time of the least wait within reach of one hop."""

        def mean_wait_s(links):
            total = []
            for minute in range(0, 120, 5):
                t_ns = START_NS + minute * 60 * time.SECOND_NS
                on = (links.start_ns <= t_ns) & (t_ns < links.end_ns)
                wait_s = rule.wait_s[:, minute]
                least = wait_s.copy()
                for a, b in ((links.first, links.second), (links.second, links.first)):
                    np.minimum.at(least, a[on], wait_s[b[on]])
                total.append(least.mean())
            return np.mean(total)

        laser = Laser(terminals=2)
        near = laser_links(ephemeris, self.fleet, laser, NearestRule())
        assert mean_wait_s(laser_links(ephemeris, self.fleet, laser, rule)) < 0.9 * mean_wait_s(
            near
        )

    def test_a_scenario_s_word_makes_it(self, ephemeris, passes):
        made = link_rule(self.fleet, Laser(topology="demand"), ephemeris, passes)
        assert isinstance(made, DemandRule)
        assert isinstance(made.near, AdjacentRule)
        assert isinstance(link_rule(self.fleet, Laser(topology="adjacent")), AdjacentRule)
        assert isinstance(link_rule(self.fleet, Laser(topology="nearest")), NearestRule)
