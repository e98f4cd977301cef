"""Who links with whom.

A rule names the pairs that may ever link and what each would cost at a moment. If no satellite
has more such pairs than terminals, every window is a link. Else terminals are given out anew each
whole minute: pairs are taken from the cheapest up as long as both have a free terminal, first
those that join two groups not yet joined, then any (this closes rings). A link that is held costs
half as much, so that links do not flap.

=============  ====================================================================
`RingRule`     neighbours in the plane, before and behind
`GridRule`     the ring, and the nearest in the planes to both sides, for good
`NearestRule`  whoever is near
=============  ====================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitloom.scenario import Fleet, WalkerFleet, time
from orbitloom.scenario.links import Laser
from orbitloom.wire import EndCause
from orbitloom.world.lasers import Links, laser_windows
from orbitloom.world.orbits import Ephemeris

__all__ = ["GridRule", "LinkRule", "NearestRule", "RingRule", "laser_links", "link_rule"]

Floats = NDArray[np.float64]
Pairs = NDArray[np.intp]
Flags = NDArray[np.bool_]

_MINUTE_NS = 60 * time.SECOND_NS
_HELD = 0.5


class LinkRule(Protocol):
    """Which satellites point their terminals at each other."""

    def candidates(self, ephemeris: Ephemeris) -> Pairs:
        """Return the pairs (n, 2) that may ever link, the lower number first, sorted."""
        ...

    def cost(self, pairs: Pairs, length_m: Floats, t_ns: int) -> Floats:
        """Return what links of pairs (n, 2) of some length would cost now, (n,) above 0."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RingRule:
    """Neighbours in the plane of an even fleet, before and behind."""

    fleet: WalkerFleet

    def candidates(self, ephemeris: Ephemeris) -> Pairs:
        """Return the neighbours in each plane."""
        here = np.arange(self.fleet.planes * self.fleet.per_plane)
        place = here % self.fleet.per_plane
        return _unique(here, here - place + (place + 1) % self.fleet.per_plane)

    def cost(self, pairs: Pairs, length_m: Floats, t_ns: int) -> Floats:
        """Return the lengths."""
        return _to_the_metre(length_m)


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRule:
    """The ring, and for good the one in each neighbouring plane that is nearest on the whole.

    At equal distance from the node, satellites of planes dRAAN apart stand dRAAN cos i apart along
    their tracks; the slot in the next plane is the one that leaves least of this and the phasing.
    With fewer than four terminals the ring goes first. With three, each satellite has one
    neighbour beside it, to the east for every other place and plane, to the west for the rest, so
    that all planes are joined. The planes of a Walker star do not link across its seam, where they
    counter-rotate.
    """

    fleet: WalkerFleet
    terminals: int

    def candidates(self, ephemeris: Ephemeris) -> Pairs:
        """Return the grid, as far as terminals go."""
        ring = RingRule(fleet=self.fleet).candidates(ephemeris)
        if self.terminals <= 2 or self.fleet.planes == 1:
            return ring
        here, beside = self._beside()
        plane, place = np.divmod(here, self.fleet.per_plane)
        # Counted along the links across, not along the tracks, so that parities of planes agree.
        row = (place + np.append(0, np.cumsum(self._slots_back()))[plane]) % self.fleet.per_plane
        across = np.sort(np.stack([here, beside], axis=-1), axis=-1)
        across = across[np.lexsort((plane, (plane + row) % 2))]
        wanted = np.concatenate([ring, across])
        satellites = self.fleet.planes * self.fleet.per_plane
        first, second = np.ascontiguousarray(wanted.T)
        taken = wanted[_taken(first, second, self.terminals, satellites, False)]
        return _unique(*taken.T)

    def cost(self, pairs: Pairs, length_m: Floats, t_ns: int) -> Floats:
        """Return the lengths."""
        return _to_the_metre(length_m)

    def _beside(self) -> tuple[Pairs, Pairs]:
        """Return each satellite and its neighbour in the next plane east, but for the seam's."""
        slots, planes = self.fleet.per_plane, self.fleet.planes
        back = self._slots_back()
        plane, place = np.divmod(np.arange(back.size * slots), slots)
        beside = (plane + 1) % planes * slots + (place - back[plane]) % slots
        return plane * slots + place, beside

    def _slots_back(self) -> Pairs:
        """Return how many slots behind the neighbour in the next plane stands, for each plane.

        Not for the last plane of a star.
        """
        fleet = self.fleet
        closed = fleet.raan_spread_deg == 360.0
        plane = np.arange(fleet.planes if closed else fleet.planes - 1)
        steps = np.where(plane == fleet.planes - 1, 1 - fleet.planes, 1)
        ahead = fleet.phasing * steps / fleet.planes
        drift_deg = fleet.raan_spread_deg / fleet.planes * np.cos(np.radians(fleet.inclination_deg))
        back: Pairs = np.rint(ahead + drift_deg / 360.0 * fleet.per_plane).astype(np.intp)
        return back


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestRule:
    """Whoever is near, in fleets that keep no order."""

    def candidates(self, ephemeris: Ephemeris) -> Pairs:
        """Return any two."""
        return np.stack(np.triu_indices(len(ephemeris.names), k=1), axis=-1)

    def cost(self, pairs: Pairs, length_m: Floats, t_ns: int) -> Floats:
        """Return the lengths."""
        return _to_the_metre(length_m)


def link_rule(fleet: Fleet, laser: Laser) -> LinkRule:
    """Return the rule that a scenario names."""
    name = laser.topology
    if not isinstance(fleet, WalkerFleet):
        return NearestRule()
    if name == "ring":
        return RingRule(fleet=fleet)
    return GridRule(fleet=fleet, terminals=laser.terminals)


def laser_links(
    ephemeris: Ephemeris, fleet: Fleet, laser: Laser, rule: LinkRule | None = None
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
    """
    rule = rule or link_rule(fleet, laser)
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
        taken = _taken(first[order], second[order], terminals, len(position_m), True)
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


@njit(cache=True, nogil=True, error_model="numpy")
def _taken(first: Pairs, second: Pairs, terminals: int, satellites: int, joins: bool) -> Flags:
    """Return which pairs, in order of cost, are linked; with `joins` those first that join groups.

    Groups are kept as trees with shortened paths.
    """
    taken = np.zeros(first.size, np.bool_)
    free = np.full(satellites, terminals)
    group = np.arange(satellites)
    for joining in (True, False):
        if joining and not joins:
            continue
        for i in range(first.size):
            a, b = first[i], second[i]
            if taken[i] or free[a] == 0 or free[b] == 0:
                continue
            if joining:
                x, y = a, b
                while group[x] != x:
                    group[x] = group[group[x]]
                    x = group[x]
                while group[y] != y:
                    group[y] = group[group[y]]
                    y = group[y]
                if x == y:
                    continue
                group[x] = y
            taken[i] = True
            free[a] -= 1
            free[b] -= 1
    return taken


def _to_the_metre(length_m: Floats) -> Floats:
    # So that the even hops of a ring are told apart by number, not by rounding.
    return np.asarray(np.rint(length_m))


def _unique(first: Pairs, second: Pairs) -> Pairs:
    pairs = np.sort(np.stack([first, second], axis=-1), axis=-1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
