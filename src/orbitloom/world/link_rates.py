"""Links cut into pieces of one rate: as the range grows and shrinks, so does the light.

Each rate of the ladder has its range (`LaserBudget.reach_m`), so a piece ends where the range
passes one of them. The terminals stay locked: the next piece needs no acquisition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitloom.wire import EndCause
from orbitloom.world.laser_budget import LaserBudget
from orbitloom.world.lasers import Links, range_spans
from orbitloom.world.orbits import Ephemeris

__all__ = ["Pieces", "rate_pieces"]

Times = NDArray[np.int64]

_RESOLUTION_NS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pieces:
    """Parts of links, (n,) each, in the order of their links and in time.

    Attributes
    ----------
    link
        Which link.
    start_ns, end_ns
        Of the part.
    rate_bps
        Its rate.
    end_cause
        Why it ends, a `wire.EndCause`: `RATE`, or the link's own.
    """

    link: NDArray[np.intp]
    start_ns: Times
    end_ns: Times
    rate_bps: NDArray[np.float64]
    end_cause: NDArray[np.int8]


def rate_pieces(
    ephemeris: Ephemeris, links: Links, flows_ns: Times, budget: LaserBudget, longest_m: float
) -> Pieces:
    """Return the pieces of links between the time data flows and their ends.

    Parameters
    ----------
    ephemeris
        Of the satellites.
    links, flows_ns
        The links, and (n,) when acquisition is over; a link that ends before has no piece.
    budget
        Which rate a range carries.
    longest_m
        No link is longer: rates that reach further need no cut.
    """
    rows = np.flatnonzero(flows_ns < links.end_ns)
    pairs, pair = np.unique(
        np.stack([links.first[rows], links.second[rows]], axis=-1).astype(np.intp),
        axis=0,
        return_inverse=True,
    )
    pair = pair.ravel()
    starts = [flows_ns[rows]]
    owners = [np.arange(rows.size)]
    for rate in budget.rates_bps:
        reach_m = budget.reach_m(rate)
        if reach_m >= longest_m or rows.size == 0:
            continue
        row, start_ns, end_ns = range_spans(ephemeris, pairs, reach_m)
        owner, cut_ns = _within(
            pair,
            flows_ns[rows],
            links.end_ns[rows],
            np.concatenate([row, row]),
            np.concatenate([start_ns, end_ns]),
        )
        owners.append(owner)
        starts.append(cut_ns)
    owner, start_ns = np.concatenate(owners), np.concatenate(starts)
    order = np.lexsort((start_ns, owner))
    owner, start_ns = owner[order], start_ns[order]
    last = np.append(owner[1:] != owner[:-1], True)[: owner.size]
    end_ns = np.where(last, links.end_ns[rows][owner], np.append(start_ns[1:], 0)[: owner.size])
    middle_ns = (start_ns + end_ns) // 2
    first, second = pairs[pair[owner]].T
    between_m = ephemeris.position_eci_m(middle_ns, first) - ephemeris.position_eci_m(
        middle_ns, second
    )
    return Pieces(
        link=rows[owner],
        start_ns=start_ns,
        end_ns=end_ns,
        rate_bps=budget.rate_bps(np.linalg.norm(between_m, axis=-1)),
        end_cause=np.where(last, links.end_cause[rows][owner], EndCause.RATE).astype(np.int8),
    )


def _within(
    pair: NDArray[np.intp], start_ns: Times, end_ns: Times, row: NDArray[np.intp], t_ns: Times
) -> tuple[NDArray[np.intp], Times]:
    """Return which spans of pairs hold which of the pairs' cuts, their very ends left out."""
    order = np.lexsort((t_ns, row))
    row, t_ns = row[order], t_ns[order]
    origin_ns = min(int(t_ns.min(initial=0)), int(start_ns.min(initial=0)))
    width = (max(int(t_ns.max(initial=0)), int(end_ns.max(initial=0))) - origin_ns) // 1_000 + 2

    def key(number: NDArray[np.intp], moment_ns: Times) -> Times:
        return np.asarray(number * width + (moment_ns - origin_ns) // _RESOLUTION_NS)

    keys = key(row, t_ns)
    low = np.searchsorted(keys, key(pair, start_ns), side="right")
    high = np.maximum(np.searchsorted(keys, key(pair, end_ns), side="left"), low)
    count = high - low
    owner = np.repeat(np.arange(pair.size), count)
    within = np.arange(owner.size) - np.repeat(np.cumsum(count) - count, count)
    return owner, t_ns[low[owner] + within]
