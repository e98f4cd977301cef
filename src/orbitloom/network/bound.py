"""How much a plan could deliver at most: a linear programme over the time-expanded network.

Time is cut wherever a contact starts or ends or something is made. In each piece k a contact c
carries x(c, k) bits, at most its rate times the piece; a node keeps s(n, k) for the next piece:

    s(n, k) = s(n, k-1) + made(n, k) + sum x(into n, k) - sum x(out of n, k) >= 0,

and what comes into stations is maximal (Ford and Fulkerson, Flows in Networks, 1962, chapter III;
solved with HiGHS through scipy). Bits may be cut anywhere, cross several hops within one piece and
need no light time, so no router delivers more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array

from orbitloom.wire import ContactPlan

__all__ = ["most_delivered_bytes"]

_BITS = 8e9  # of a byte, in bit/s times ns


def most_delivered_bytes(
    plan: ContactPlan, sources: ArrayLike, sizes_bytes: ArrayLike, times_ns: ArrayLike
) -> float:
    """Return how many bytes can reach any station by the end of a plan, at most.

    Parameters
    ----------
    plan
        The contacts; some thousand pieces of contacts are solved in seconds.
    sources, sizes_bytes, times_ns
        (k,) the node that makes each bundle, how large it is and when it is there.
    """
    from scipy.optimize import linprog

    source, size, made_ns = (np.atleast_1d(c) for c in (sources, sizes_bytes, times_ns))
    cuts = np.unique(np.concatenate([plan.start_ns, plan.end_ns, made_ns]))
    pieces, nodes = cuts.size, plan.satellites
    contact, piece = _pieces(plan, cuts)
    capacity = plan.rate_bps[contact] * (cuts[piece + 1] - cuts[piece]) / _BITS
    flying = plan.receiver[contact] < nodes
    flows = np.arange(contact.size)
    stores = contact.size + np.arange(nodes * pieces)
    # One row a node and piece: what it keeps and sends, less what it had and gets, is what it made.
    row_of = plan.sender[contact].astype(np.int64) * pieces + piece
    row_into = plan.receiver[contact].astype(np.int64) * pieces + piece
    every = np.arange(nodes * pieces)
    later = every[every % pieces > 0]
    rows = np.concatenate([row_of, row_into[flying], every, later])
    columns = np.concatenate([flows, flows[flying], stores, stores[later - 1]])
    signs = np.concatenate(
        [np.ones(flows.size), -np.ones(flying.sum()), np.ones(every.size), -np.ones(later.size)]
    )
    made = np.zeros(nodes * pieces)
    np.add.at(made, source * pieces + np.searchsorted(cuts, made_ns), size)
    unit = max(float(np.sum(size)), 1.0)  # of the order of one, which solvers like
    down = np.where(flying, 0.0, -1.0)
    result = linprog(
        np.concatenate([down, np.zeros(stores.size)]),
        A_eq=coo_array((signs, (rows, columns)), shape=(every.size, flows.size + stores.size)),
        b_eq=made / unit,
        bounds=np.stack(
            [
                np.zeros(flows.size + stores.size),
                np.concatenate([capacity / unit, np.full(stores.size, np.inf)]),
            ],
            axis=-1,
        ),
        method="highs",
    )
    return float(-result.fun) * unit


def _pieces(
    plan: ContactPlan, cuts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the contacts and the pieces of time that they fill, one row each."""
    first, last = np.searchsorted(cuts, plan.start_ns), np.searchsorted(cuts, plan.end_ns)
    count = last - first
    contact = np.repeat(np.arange(len(plan)), count)
    within = np.arange(contact.size) - np.repeat(np.cumsum(count) - count, count)
    return contact, first[contact] + within
