"""Changes of sign: guaranteed, to a microsecond, few evaluations, nothing hidden between nodes."""

import numpy as np
import pytest

from orbitloom.scenario import time
from orbitloom.world.crossings import crossings, positive_spans

SECOND_NS = time.SECOND_NS
START_NS = time.from_iso("2026-06-14T00:00:00Z")


def bracketed(function, roots_s, low_s=0.0, high_s=60.0):
    """Return found roots (s) of function(t - root), and how often each was evaluated."""
    roots = np.asarray(roots_s)
    asked = np.zeros(roots.size, int)

    def condition(rows, t_ns):
        np.add.at(asked, rows, 1)
        return function((t_ns - START_NS) / SECOND_NS - roots[rows])

    rows = np.arange(roots.size)
    low, high = (
        np.full(roots.size, START_NS + round(edge * SECOND_NS)) for edge in (low_s, high_s)
    )
    values = [function((edge - START_NS) / SECOND_NS - roots) for edge in (low, high)]
    found = crossings(condition, rows, low, high, *values)
    return (found - START_NS) / SECOND_NS, asked


ROOTS_S = np.random.default_rng(5).uniform(0.0, 60.0, 500)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(
    ("function", "most"),
    [
        (lambda x: x, 6),
        (lambda x: x + 2e-3 * x * x * np.sign(x + 100), 12),
        (lambda x: np.sin(x / 60.0), 12),
        (lambda x: np.expm1(x / 5.0), 30),
        (lambda x: x**3, 30),
        (lambda x: np.where(x > 0, 1.0, -1.0), 30),
        (lambda x: np.where(x > 0, 1e-12, -1e12), 30),
        (np.cbrt, 30),
    ],
)
def test_roots_are_within_a_microsecond_and_never_slower_than_bisection(function, most, sign):
    found, asked = bracketed(lambda x: sign * function(x), ROOTS_S)
    assert np.max(np.abs(found - ROOTS_S)) < 1.5e-6
    assert np.max(asked) <= most  # bisection: 26


def test_a_root_at_an_end_of_its_bracket():
    for sign, root in ((1.0, 0.0), (-1.0, 60.0)):
        found, _ = bracketed(lambda x, sign=sign: sign * x, [root])
        assert found[0] == pytest.approx(root, abs=1.5e-6)


def test_nothing_to_look_for():
    empty = np.empty(0, np.int64)
    found = crossings(lambda rows, t_ns: t_ns * 1.0, empty, empty, empty, *np.empty((2, 0)))
    assert found.size == 0


@pytest.mark.parametrize("seed", range(3))
def test_random_bumps_are_all_found(seed):
    """Sums of two slow sines, lifted so that half of the extrema only just reach over zero."""
    rng = np.random.default_rng(seed)
    m, nodes_ns = 200, START_NS + 60 * SECOND_NS * np.arange(100)
    period_s, phase = rng.uniform(900, 5000, (m, 2)), rng.uniform(0, 2 * np.pi, (m, 2))
    size = rng.uniform(0.2, 1.0, (m, 2))

    def raw(rows, t_s):
        return sum(
            size[rows, k] * np.sin(2 * np.pi * t_s / period_s[rows, k] + phase[rows, k])
            for k in range(2)
        )

    fine_s = np.arange(0, 60 * 99 + 0.05, 0.1)
    fine = raw(np.arange(m)[:, None], fine_s[None, :])
    # Lift each row so that one of its extrema reaches over zero for a second or a few.
    lift = np.empty(m)
    for k in range(m):
        inner = np.flatnonzero((np.diff(fine[k])[:-1] > 0) != (np.diff(fine[k])[1:] > 0)) + 1
        at = rng.choice(inner[(inner > 700) & (inner < fine_s.size - 700)])
        curvature = abs(fine[k, at - 1] - 2 * fine[k, at] + fine[k, at + 1]) / 0.01
        over = curvature * rng.uniform(1.0, 10.0) ** 2 / 2
        lift[k] = fine[k, at] - np.sign(fine[k, at] - fine[k, at - 1]) * over

    def condition(rows, t_ns):
        return raw(rows, (t_ns - START_NS) / SECOND_NS) - lift[rows]

    values = condition(np.arange(m)[:, None], nodes_ns[None, :])
    rows, start_ns, end_ns = positive_spans(nodes_ns, values, condition, reach=10.0)
    assert np.all(start_ns < end_ns)
    begins = np.searchsorted(rows, np.arange(m + 1))
    for k in range(m):
        part = slice(begins[k], begins[k + 1])
        above = fine[k] - lift[k] > 0
        turns = np.flatnonzero(above[1:] != above[:-1])
        edges_s = np.sort(np.concatenate([start_ns[part], end_ns[part]]) - START_NS) / SECOND_NS
        edges_s = edges_s[(edges_s > 0) & (edges_s < fine_s[-1])]
        assert edges_s.size == turns.size
        assert np.all((fine_s[turns] <= edges_s) & (edges_s <= fine_s[turns + 1] + 2e-6))
