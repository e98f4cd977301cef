"""One producer makes ten times what the others make, and first."""

import numpy as np
import pytest

from orbitloom.network.fairness import FairWindow, jain_index
from orbitloom.network.router import Router
from orbitloom.testing.router import sample_plan
from orbitloom.wire import Bundle, ContactPlan, Priority

S = 1_000_000_000
PRODUCERS = 4


def star() -> ContactPlan:
    """Four satellites around a fifth, which has one pass of 100 s: 100 bundles of 20 kB."""
    rows = [(n, 4, 0, 2000, 80e6, 0.005) for n in range(PRODUCERS)]
    return sample_plan([*rows, (4, 5, 1000, 1100, 160e3, 0.003)], 5, 1)


def bundles(size_bytes: int = 20_000, *, divisible: bool = False) -> list[Bundle]:
    """Return 300 of the greedy producer 0, then 50 of each other one."""
    sources = [0] * 300 + [n for n in range(1, PRODUCERS) for _ in range(50)]
    return [
        Bundle(
            bundle=number,
            source=source,
            size_bytes=size_bytes,
            created_ns=0,
            priority=Priority.NORMAL,
            divisible=divisible,
        )
        for number, source in enumerate(sources)
    ]


def delivered(routed) -> np.ndarray:
    total = np.zeros(PRODUCERS)
    for bundle, route in routed:
        if route is not None:
            total[bundle.source] += bundle.size_bytes
    return total


def test_first_come_first_served_is_unfair() -> None:
    router, routed = Router(star()), []
    for bundle in bundles():
        route = router.route(bundle, bundle.source, 0)
        if route is not None:
            router.book(route, bundle)
        routed.append((bundle, route))
    assert jain_index(delivered(routed)) == pytest.approx(0.25)


@pytest.mark.parametrize("divisible", [False, True])
def test_in_rounds_all_get_the_same(divisible: bool) -> None:
    window = FairWindow(Router(star(), least_part_bytes=1_000), quantum_bytes=20_000)
    offered = bundles(divisible=divisible)
    for bundle in offered:
        window.offer(bundle, bundle.source)
    routed = window.book(0)
    assert jain_index(delivered(routed)) > 0.999
    assert np.sum(delivered(routed)) == pytest.approx(2_000_000, rel=0.01)
    assert sum(bundle.size_bytes for bundle, _ in routed) == 450 * 20_000
    assert window.book(0) == []


def test_weights_are_shares_of_bytes_whatever_the_sizes() -> None:
    weights = {0: 1.0, 1: 3.0, 2: 2.0, 3: 2.0}
    window = FairWindow(Router(star()), weights=weights, quantum_bytes=5_000)
    for number, bundle in enumerate(bundles()):
        sizes = (20_000, 40_000, 10_000, 25_000)
        window.offer(
            Bundle(
                bundle=number,
                source=bundle.source,
                size_bytes=sizes[bundle.source],
                created_ns=0,
                priority=Priority.NORMAL,
            ),
            bundle.source,
        )
    shares = delivered(window.book(0))
    assert jain_index(shares / np.array([weights[n] for n in range(PRODUCERS)])) > 0.98
    assert shares[1] == pytest.approx(3 * shares[0], rel=0.2)


def test_an_alert_does_not_wait_for_its_turn() -> None:
    window = FairWindow(Router(star()), quantum_bytes=20_000)
    for bundle in bundles():
        window.offer(bundle, bundle.source)
    alert = Bundle(bundle=999, source=2, size_bytes=100, created_ns=0, priority=Priority.ALERT)
    window.offer(alert, 2)
    first, route = window.book(0)[0]
    assert first == alert
    assert route is not None
    assert route.hops[-1].start_ns == 1000 * S
