"""The cut plan of the bench carries what the whole one does."""

import numpy as np

from orbitloom.bench.routing import in_pieces
from orbitloom.network.router import Router
from orbitloom.testing.router import sample_plan


def test_a_plan_in_pieces_is_the_same_network() -> None:
    rows = [(i, (i + d) % 6, 7 * i, 1000, 8e6, 0.01) for i in range(6) for d in (1, -1)]
    plan = sample_plan([*rows, (3, 6, 100, 400, 8e6, 0.003)], 6, 1)
    finer = in_pieces(plan, 3)
    assert len(finer) == 3 * 12 + 1
    for column in ("start_ns", "end_ns"):
        assert set(getattr(plan, column)) <= set(getattr(finer, column))
    assert np.sum(finer.end_ns - finer.start_ns) == np.sum(plan.end_ns - plan.start_ns)
    whole, cut = (Router(p).tree(0, 0, 1000)[0] for p in (plan, finer))
    assert np.array_equal(whole, cut)
