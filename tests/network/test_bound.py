"""What the router delivers against what no router can exceed."""

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from orbitloom.network.bound import most_delivered_bytes
from orbitloom.network.router import Router
from orbitloom.scenario import stream
from orbitloom.testing.router import sample_plan
from orbitloom.wire import ContactPlan

S = 1_000_000_000


def plan_of(random: np.random.Generator) -> ContactPlan:
    """Eight satellites with links that come and go, and short passes over two stations."""
    rows = []
    for _ in range(40):
        a, b = random.permutation(8)[:2].tolist()
        start = float(random.uniform(0, 3000))
        end = start + float(random.uniform(100, 900))
        rate = float(random.choice([2e6, 8e6]))
        rows += [(a, b, start, end, rate, 0.005), (b, a, start, end, rate, 0.005)]
    for _ in range(14):
        rise = float(random.uniform(0, 3600))
        rows.append(
            (
                int(random.integers(8)),
                8 + int(random.integers(2)),
                rise,
                rise + float(random.uniform(60, 400)),
                1e6,
                0.003,
            )
        )
    return sample_plan(rows, 8, 2)


def test_by_hand() -> None:
    """Two passes of 10 s at 1 kB/s; the first is over before the second bundle is made."""
    plan = sample_plan([(0, 1, 0, 10, 8e3, 0), (0, 1, 50, 60, 8e3, 0)], 1, 1)
    assert most_delivered_bytes(plan, [0, 0], [4_000, 50_000], [0, 20 * S]) == pytest.approx(14_000)
    assert most_delivered_bytes(plan, [0], [50_000], [5 * S]) == pytest.approx(15_000)


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_maximum_flow_of_networkx(seed: int) -> None:
    random = stream(seed, "bound against networkx")
    plan = plan_of(random)
    sources, sizes, times = random.integers(8, size=6), random.integers(1, 40, 6), np.arange(6) * S
    cuts = np.unique(np.concatenate([plan.start_ns, plan.end_ns, times])).tolist()
    graph = nx.DiGraph()
    for piece, (since, until) in enumerate(pairwise(cuts)):
        for n in range(8):
            graph.add_edge((n, piece), (n, piece + 1))
        for c in range(len(plan)):
            if plan.start_ns[c] <= since and until <= plan.end_ns[c]:
                there = int(plan.receiver[c])
                to = "ground" if there >= 8 else (there, piece)
                bits = round(plan.rate_bps[c] * (until - since) / 1e9)
                known = graph.get_edge_data((int(plan.sender[c]), piece), to, {"capacity": 0})
                graph.add_edge((int(plan.sender[c]), piece), to, capacity=known["capacity"] + bits)
    for source, size, time in zip(sources.tolist(), sizes.tolist(), times.tolist(), strict=True):
        graph.add_edge("made", f"bundle{time}", capacity=size * 8_000_000)
        graph.add_edge(f"bundle{time}", (source, cuts.index(time)))
    flow, _ = nx.maximum_flow(graph, "made", "ground")
    ours = most_delivered_bytes(plan, sources, sizes * 1_000_000, times)
    assert ours == pytest.approx(flow / 8, rel=1e-6)


@pytest.mark.parametrize(
    ("load", "whole_floor", "flow_floor"), [(0.8, 0.97, 0.98), (1.5, 0.9, 0.97)]
)
def test_what_the_router_delivers(load: float, whole_floor: float, flow_floor: float) -> None:
    """Booked in the order in which they are made, over 20 plans; see docs/design/network.md."""
    shares: dict[bool, list[float]] = {False: [], True: []}
    for case in range(20):
        random = stream(case, "bound")
        plan = plan_of(random)
        down = plan.receiver >= 8
        capacity = np.sum((plan.end_ns - plan.start_ns)[down] * plan.rate_bps[down]) / 8e9
        count = 60
        times = np.sort(random.integers(0, 2400 * S, count))
        sources = random.integers(8, size=count)
        sizes = random.integers(1, 1000, count)
        sizes = np.maximum(sizes * load * capacity / sizes.sum(), 1).astype(np.int64)
        most = most_delivered_bytes(plan, sources, sizes, times)
        for divisible, share in shares.items():
            router = Router(plan, least_part_bytes=10_000)
            routes = router.route_many(sources, times, sizes, divisible=divisible)
            share.append(float(routes.size_bytes.sum()) / most)
            assert share[-1] <= 1 + 1e-6
    assert np.mean(shares[False]) > whole_floor
    assert np.mean(shares[True]) > flow_floor
