"""Where conditions change sign: brackets found on nodes, roots refined between them.

One compiled pass over the values at the nodes finds each change of sign, and each dip or bump at a
node that may reach over to the other sign between nodes (a grazing pass may rise and set between
two of them). For a condition that is concave (or convex) around its extremum, the true one lies
beyond the node's by less than the second difference of the values there; candidates within four
times that are searched, by golden section, until a point with the other sign turns up.

Roots are refined by ITP (Oliveira and Takahashi 2020, ACM Transactions on Mathematical Software 47,
5): steps of a truncated false position, kept so near to the middle that there are never more than
three more of them than bisection would take. About seven evaluations bring 60 s down to 1 us.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["Condition", "crossings", "positive_spans"]

Rows = NDArray[np.intp]
Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Condition = Callable[[Rows, Times], Floats]

_RESOLUTION_NS = 1_000
_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0
_SAFETY = 4.0
_SLACK = 3  # ITP's n0: iterations allowed beyond those of bisection
_PULL = 0.0005  # ITP's k1: how far the first estimate is drawn to the middle, of the bracket


def positive_spans(
    nodes_ns: Times, values: Floats, condition: Condition, reach: float
) -> tuple[Rows, Times, Times]:
    """Return the spans in which conditions are positive.

    Parameters
    ----------
    nodes_ns
        (n,) times of the nodes.
    values
        (m, n) the m conditions at the nodes.
    condition
        Their values for k rows at k times.
    reach
        The most that a condition can change within one step: extrema at nodes farther from zero
        are not looked into.

    Returns
    -------
    rows, start_ns, end_ns
        (k,) each, sorted by row and start. A span that is open at the first or last node begins or
        ends there.
    """
    values = np.ascontiguousarray(values, dtype=np.float64)
    row, node, is_turn = _candidates(values, reach)
    change, turn = np.flatnonzero(~is_turn), np.flatnonzero(is_turn)
    turn, turn_ns, turn_value = _hidden_turns(nodes_ns, values, condition, row, node, turn)
    row_c, i = row[change], node[change]
    row_t, j = row[turn], node[turn]
    rows = np.concatenate([row_c, row_t, row_t])
    low = np.concatenate([nodes_ns[i], nodes_ns[j - 1], turn_ns])
    high = np.concatenate([nodes_ns[i + 1], turn_ns, nodes_ns[j + 1]])
    low_value = np.concatenate([values[row_c, i], values[row_t, j - 1], turn_value])
    high_value = np.concatenate([values[row_c, i + 1], turn_value, values[row_t, j + 1]])
    rising = high_value > 0
    roots = crossings(condition, rows, low, high, low_value, high_value)
    open_first, open_last = np.flatnonzero(values[:, 0] > 0), np.flatnonzero(values[:, -1] > 0)
    start_row = np.concatenate([rows[rising], open_first])
    start_ns = np.concatenate([roots[rising], np.full(open_first.size, nodes_ns[0])])
    end_row = np.concatenate([rows[~rising], open_last])
    end_ns = np.concatenate([roots[~rising], np.full(open_last.size, nodes_ns[-1])])
    starts, ends = np.lexsort((start_ns, start_row)), np.lexsort((end_ns, end_row))
    return start_row[starts], start_ns[starts], end_ns[ends]


def crossings(
    condition: Condition,
    rows: Rows,
    low_ns: Times,
    high_ns: Times,
    low_value: Floats,
    high_value: Floats,
) -> Times:
    """Return where conditions change sign within brackets, to a microsecond.

    Parameters
    ----------
    condition
        Values for k rows at k times.
    rows
        (k,) which condition.
    low_ns, high_ns
        (k,) the brackets; whether the condition is positive differs between their ends.
    low_value, high_value
        (k,) the condition there.

    Returns
    -------
    NDArray
        (k,) the first whole step past the change that is known, 1 us at most after it.
    """
    root_ns = high_ns.astype(np.int64)
    alive = np.flatnonzero(high_ns - low_ns > _RESOLUTION_NS)
    at, origin = rows[alive], low_ns[alive].astype(np.int64)
    rising = high_value[alive] > 0
    a, b = np.zeros(alive.size), (high_ns - low_ns)[alive].astype(np.float64)
    y_a, y_b = low_value[alive], high_value[alive]
    pull = _PULL / b
    # The widest that a bracket may be so that bisection alone could still keep the promise.
    widest = _RESOLUTION_NS * 2.0 ** (np.ceil(np.log2(b / _RESOLUTION_NS)) + _SLACK)
    while alive.size:
        width, half = b - a, (a + b) / 2.0
        fall = y_b - y_a
        chord = np.where(fall == 0.0, half, (y_b * a - y_a * b) / np.where(fall == 0, 1.0, fall))
        towards = np.sign(half - chord)
        drawn = pull * width * width
        x = np.where(drawn <= np.abs(half - chord), chord + towards * drawn, half)
        room = np.maximum(widest / 2.0 - width / 2.0, 0.0)
        x = np.clip(x, half - room, half + room)
        # Half a resolution into the bracket: a converged end then brings the other one near.
        edge = np.minimum(_RESOLUTION_NS / 2.0, width / 2.0)
        x = np.rint(np.clip(x, a + edge, b - edge))
        y = condition(at, origin + x.astype(np.int64))
        after = (y > 0) == rising
        a, y_a = np.where(after, a, x), np.where(after, y_a, y)
        b, y_b = np.where(after, x, b), np.where(after, y, y_b)
        widest = widest / 2.0
        done = b - a <= _RESOLUTION_NS
        if np.any(done):
            root_ns[alive[done]] = origin[done] + b[done].astype(np.int64)
            keep = ~done
            alive, at, origin, rising = alive[keep], at[keep], origin[keep], rising[keep]
            a, b, y_a, y_b = a[keep], b[keep], y_a[keep], y_b[keep]
            pull, widest = pull[keep], widest[keep]
    return root_ns


def _candidates(values: Floats, reach: float) -> tuple[Rows, Rows, NDArray[np.bool_]]:
    """Return row and node of each change of sign after a node and each turn at a node."""
    capacity = 1024 + values.size // 64
    while True:
        row, node = np.empty(capacity, np.intp), np.empty(capacity, np.intp)
        is_turn = np.empty(capacity, np.bool_)
        count = _scan(values, reach, _SAFETY, row, node, is_turn)
        if count <= capacity:
            return row[:count], node[:count], is_turn[:count]
        capacity = count


@njit(cache=True, nogil=True, error_model="numpy")
def _scan(
    values: Floats,
    reach: float,
    safety: float,
    row: Rows,
    node: Rows,
    is_turn: NDArray[np.bool_],
) -> int:
    """Write the candidates as far as there is room, and return how many there are."""
    count = 0
    last = values.shape[1] - 1
    for k in range(values.shape[0]):
        for i in range(last):
            here, after = values[k, i], values[k, i + 1]
            if (here > 0.0) != (after > 0.0):
                if count < row.size:
                    row[count], node[count], is_turn[count] = k, i, False
                count += 1
            elif i > 0:
                before = values[k, i - 1]
                size = abs(here)
                if (
                    size < reach
                    and size < abs(after)
                    and size <= abs(before)
                    and (before > 0.0) == (here > 0.0)
                    and size <= safety * abs(before - 2.0 * here + after)
                ):
                    if count < row.size:
                        row[count], node[count], is_turn[count] = k, i, True
                    count += 1
    return count


def _hidden_turns(
    nodes_ns: Times, values: Floats, condition: Condition, row: Rows, node: Rows, turn: Rows
) -> tuple[Rows, Times, Floats]:
    """Return which of the turns reach over to the other sign, and a time and value there."""
    at, i = row[turn], node[turn]
    outward = np.where(values[at, i] > 0, 1.0, -1.0)  # times a value: below zero past the turn
    low, high = nodes_ns[i - 1].astype(np.float64), nodes_ns[i + 1].astype(np.float64)
    origin = nodes_ns[i - 1].astype(np.int64)
    low, high = np.zeros(i.size), (nodes_ns[i + 1] - nodes_ns[i - 1]).astype(np.float64)
    left, right = high - _GOLDEN * high, _GOLDEN * high

    def asked(rows: Rows, origin: Times, x: Floats, sign: Floats) -> Floats:
        return sign * condition(rows, origin + np.rint(x).astype(np.int64))

    y_left, y_right = asked(at, origin, left, outward), asked(at, origin, right, outward)
    found_turn, found_ns, found_value = [], [], []
    while turn.size:
        nearer = y_left < y_right
        x, y = np.where(nearer, left, right), np.where(nearer, y_left, y_right)
        over = (outward * y > 0) != (outward > 0)
        found_turn.append(turn[over])
        found_ns.append(origin[over] + np.rint(x[over]).astype(np.int64))
        found_value.append((outward * y)[over])
        keep = ~over & (high - low > 1_000 * _RESOLUTION_NS)
        turn, at, origin, outward, nearer = (
            column[keep] for column in (turn, at, origin, outward, nearer)
        )
        low, high, left, right = low[keep], high[keep], left[keep], right[keep]
        y_left, y_right = y_left[keep], y_right[keep]
        low, high = np.where(nearer, low, left), np.where(nearer, right, high)
        fresh = np.where(nearer, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        y = asked(at, origin, fresh, outward)
        left, right = np.where(nearer, fresh, right), np.where(nearer, left, fresh)
        y_left, y_right = np.where(nearer, y, y_right), np.where(nearer, y_left, y)
    if not found_turn:
        return turn, np.empty(0, np.int64), np.empty(0)
    return np.concatenate(found_turn), np.concatenate(found_ns), np.concatenate(found_value)
