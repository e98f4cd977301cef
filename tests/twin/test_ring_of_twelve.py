"""The real ring of twelve: one satellite lost makes it a chain, a second one splits it."""

from __future__ import annotations

import networkx as nx
import pytest

from orbitloom.scenario import load
from orbitloom.twin.network_flight import NetworkFlight, NetworkResult, Shipment
from orbitloom.wire import LASER
from orbitloom.world.geometry import World

MINUTE_NS = 60 * 10**9
FIRST, SECOND = 2, 8  # SAT-03 at 30 min, SAT-09 at 90 min


@pytest.fixture(scope="module")
def world() -> World:
    events = [
        {"kind": "satellite_lost", "satellite": "SAT-03", "at_min": 30.0},
        {"kind": "satellite_lost", "satellite": "SAT-09", "at_min": 90.0},
    ]
    return World(load("ring12", hours=3.0, faults={"events": events}))


@pytest.fixture(scope="module")
def flown(world: World) -> NetworkResult:
    """Each satellite sends an alert each minute."""
    start_ns = world.scenario.start_ns
    shipments = [
        Shipment(
            kind="alert", satellite=satellite, t_ns=start_ns + minute * MINUTE_NS, size_bytes=10_000
        )
        for minute in range(178)
        for satellite in range(12)
    ]
    return NetworkFlight(world.scenario, world.contacts, shipments, world.faults).fly()


def graph(world: World, lost: set[int]) -> nx.Graph:
    """Return who is joined by lasers all the time, without the lost."""
    plan = world.contacts
    lasers = plan.medium == LASER
    joined = nx.Graph()
    joined.add_nodes_from(range(12))
    joined.add_edges_from(
        zip(plan.sender[lasers].tolist(), plan.receiver[lasers].tolist(), strict=True)
    )
    joined.remove_nodes_from(lost)
    return joined


def test_networkx_sees_a_chain_and_then_two(world: World) -> None:
    ring, chain, split = (graph(world, lost) for lost in (set(), {FIRST}, {FIRST, SECOND}))
    assert sorted(dict(ring.degree).values()) == [2] * 12
    assert sorted(dict(chain.degree).values()) == [1, 1] + [2] * 9
    assert sorted(map(sorted, nx.connected_components(split))) == [
        [0, 1, 9, 10, 11],
        [3, 4, 5, 6, 7],
    ]


@pytest.mark.parametrize(
    ("since_min", "until_min", "lost"), [(0, 30, 0), (31, 90, 1), (91, 178, 2)]
)
def test_bundles_go_only_where_the_graph_says(
    world: World, flown: NetworkResult, since_min: int, until_min: int, lost: int
) -> None:
    joined = graph(world, {FIRST, SECOND} if lost == 2 else {FIRST} if lost else set())
    names = world.contacts.nodes
    seen = set()
    for fate in flown.fates:
        minute = (fate.shipment.t_ns - world.scenario.start_ns) // MINUTE_NS
        later = fate.inbox_ns is None or fate.inbox_ns > world.scenario.start_ns + (
            (until_min if lost < 2 else 180) * MINUTE_NS
        )
        if not since_min <= minute < until_min or not fate.sent or later:
            continue
        way = [
            names.index(row.node)
            for row in flown.ledger
            if row.capture == fate.number and row.step in ("laser", "downlink")
        ]
        assert nx.is_path(joined, way)
        seen.add(way[0])
    assert seen == set(joined.nodes)


def test_each_part_of_the_split_waits_for_a_pass_of_its_own(
    world: World, flown: NetworkResult
) -> None:
    """A bundle comes no sooner than the first pass of its part, and waits till then at most."""
    plan = world.contacts
    split = graph(world, {FIRST, SECOND})
    begun = world.scenario.start_ns + 91 * MINUTE_NS
    checked = 0
    for fate in flown.fates:
        if fate.shipment.t_ns < begun or not fate.sent:
            continue
        part = nx.node_connected_component(split, fate.shipment.satellite)
        passes = (plan.medium != LASER) & [sender in part for sender in plan.sender.tolist()]
        passes &= plan.end_ns > fate.shipment.t_ns + 10**9
        first_ns = max(int(plan.start_ns[passes].min()), fate.shipment.t_ns) if passes.any() else 0
        assert (fate.inbox_ns is None) == (first_ns == 0)
        if fate.inbox_ns is not None:
            assert 0 <= fate.inbox_ns - first_ns < 2 * 10**9
            checked += 1
    assert checked > 500


def test_nothing_is_lost_but_what_the_lost_would_have_made(flown: NetworkResult) -> None:
    lost = {fate.shipment.satellite for fate in flown.fates if fate.lost}
    assert lost == {FIRST, SECOND}
    assert max(fate.arrivals for fate in flown.fates) == 1
