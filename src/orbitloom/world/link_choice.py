"""Links from windows: terminals are given out, minute by minute where there are too few.

If no satellite has more pairs that may link than terminals, every window is a link. Else the
terminals are given out anew each whole minute: pairs are taken from the cheapest up as long as
both have a free one, first those that join two groups not yet joined, then any (this closes
rings). A link that is held costs half as much, so that links do not flap. One that is given up
while its pair could still link ends by choice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario import Fleet, time
from orbitloom.scenario.links import Laser
from orbitloom.wire import EndCause
from orbitloom.world.lasers import Links, laser_windows
from orbitloom.world.link_rules import LinkRule, link_rule
from orbitloom.world.orbits import Ephemeris
from orbitloom.world.terminals import granted
from orbitloom.world.windows import Windows

__all__ = ["laser_links"]

_MINUTE_NS = 60 * time.SECOND_NS
_HELD = 0.5


def laser_links(
    ephemeris: Ephemeris,
    fleet: Fleet,
    laser: Laser,
    rule: LinkRule | None = None,
    passes: Windows | None = None,
) -> Links:
    """Return the links that are held, acquisition included.

    Parameters
    ----------
    ephemeris, fleet
        The satellites.
    laser
        Their terminals.
    rule
        Who links with whom; the scenario's if not given.
    passes
        Of the satellites over stations, for the rule that needs them.
    """
    rule = rule or link_rule(fleet, laser, ephemeris, passes)
    pairs = rule.candidates(ephemeris)
    windows = laser_windows(ephemeris, pairs, laser)
    if pairs.size == 0 or np.max(np.bincount(pairs.ravel())) <= laser.terminals:
        return windows
    return _choose(ephemeris, windows, rule, laser.terminals)


def _choose(ephemeris: Ephemeris, windows: Links, rule: LinkRule, terminals: int) -> Links:
    since_ns = np.full(len(windows), -1)
    links: list[tuple[NDArray[np.intp], NDArray[np.int64], int]] = []
    pairs = np.stack([windows.first, windows.second], axis=-1).astype(np.intp)
    for t_ns in range(ephemeris.start_ns, ephemeris.end_ns, _MINUTE_NS):
        possible = np.flatnonzero((windows.start_ns <= t_ns) & (t_ns < windows.end_ns))
        first, second = pairs[possible].T
        position_m = ephemeris.position_eci_m(t_ns)
        length_m = np.linalg.norm(position_m[first] - position_m[second], axis=-1)
        cost = rule.cost(pairs[possible], length_m, t_ns)
        cost[since_ns[possible] >= 0] *= _HELD
        order = np.argsort(cost, kind="stable")
        taken = granted(first[order], second[order], terminals, len(position_m), True)
        chosen = np.zeros(len(windows), np.bool_)
        chosen[possible[order[taken]]] = True
        ended = np.flatnonzero((since_ns >= 0) & ~chosen)
        links.append((ended, since_ns[ended], t_ns))
        since_ns[ended] = -1
        since_ns[chosen & (since_ns < 0)] = t_ns
    still = np.flatnonzero(since_ns >= 0)
    links.append((still, since_ns[still], ephemeris.end_ns))
    rows = np.concatenate([row for row, _, _ in links])
    start_ns = np.concatenate([start for _, start, _ in links])
    end_ns = np.concatenate([np.full(row.size, end, np.int64) for row, _, end in links])
    whole = windows.end_ns[rows] <= end_ns
    cause = np.where(whole, windows.end_cause[rows], EndCause.CHOICE)
    end_ns = np.minimum(end_ns, windows.end_ns[rows])
    clip = (ephemeris.start_ns, ephemeris.end_ns)
    return Links.between(pairs, (rows, start_ns, end_ns), cause, clip)
