"""Who links with whom: a rule names the pairs that may ever link, and what each costs at a moment.

==============  ==============================================================================
`RingRule`      neighbours in the plane, before and behind
`GridRule`      the ring, and the nearest in the planes to both sides, for good
`AdjacentRule`  the ring, and whoever is nearest just now in the planes to both sides
`NearestRule`   whoever is near, in fleets that keep no order
`DemandRule`    near satellites of which one waits long for a station and the other does not
==============  ==============================================================================

`orbitloom.world.link_choice` gives out the terminals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from orbitloom.scenario import Fleet, WalkerFleet, time
from orbitloom.scenario.links import Laser
from orbitloom.world.earth import EQUATORIAL_RADIUS_M
from orbitloom.world.orbits import Ephemeris
from orbitloom.world.terminals import granted
from orbitloom.world.walker import MU_M3_S2
from orbitloom.world.windows import Windows

__all__ = [
    "AdjacentRule",
    "DemandRule",
    "GridRule",
    "LinkRule",
    "NearestRule",
    "RingRule",
    "link_rule",
]

Floats = NDArray[np.float64]
Pairs = NDArray[np.intp]

_MINUTE_NS = 60 * time.SECOND_NS
_RING = 1e-3  # of the cost of a link across: the ring goes first
_FEW = 200  # satellites of which any two may link
_LOOK_NS = 5 * _MINUTE_NS
_WAIT_S = 600.0  # a link that saves so much waiting costs half its length


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
        # Of two planes each is east of the other: a pair may come twice.
        across = across[np.sort(np.unique(across, axis=0, return_index=True)[1])]
        wanted = np.concatenate([ring, across])
        satellites = self.fleet.planes * self.fleet.per_plane
        first, second = np.ascontiguousarray(wanted.T)
        taken = wanted[granted(first, second, self.terminals, satellites, False)]
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
class AdjacentRule:
    """The ring, and across it whoever is nearest just now in the planes to both sides.

    With few terminals the ring goes first, but for the hop that closes it: that joins nothing.
    Where planes counter-rotate (the seam of a star, or planes far apart) these are short meetings.
    All planes are alike, so who is ever nearest is found over one revolution.
    """

    fleet: WalkerFleet

    def candidates(self, ephemeris: Ephemeris) -> Pairs:
        """Return the ring, and who is ever the nearest across."""
        fleet = self.fleet
        ring = RingRule(fleet=fleet).candidates(ephemeris)
        if fleet.planes == 1:
            return ring
        radius_m = EQUATORIAL_RADIUS_M + 1e3 * fleet.altitude_km
        minutes = int(2 * np.pi * np.sqrt(radius_m**3 / MU_M3_S2) / 60) + 2
        last_ns = min(ephemeris.start_ns + minutes * _MINUTE_NS, ephemeris.end_ns)
        found = [ring]
        for t_ns in range(ephemeris.start_ns, last_ns, _MINUTE_NS):
            at_m = ephemeris.position_eci_m(t_ns).reshape(fleet.planes, fleet.per_plane, 3)
            beside_m = np.roll(at_m, -1, axis=0)
            # |a - b|^2 is least where a . b is greatest: all are equally high.
            near = np.einsum("pic,pjc->pij", at_m, beside_m)
            plane = np.arange(fleet.planes)[:, None]
            here = plane * fleet.per_plane + np.arange(fleet.per_plane)
            there = (plane + 1) % fleet.planes * fleet.per_plane
            found.append(_unique(here.ravel(), (there + near.argmax(axis=2)).ravel()))
            back = plane * fleet.per_plane + near.argmax(axis=1)
            found.append(_unique(back.ravel(), (there + np.arange(fleet.per_plane)).ravel()))
        return np.unique(np.concatenate(found), axis=0)

    def cost(self, pairs: Pairs, length_m: Floats, t_ns: int) -> Floats:
        """Return the lengths; next to nothing within a plane."""
        plane = pairs // self.fleet.per_plane
        share = np.where(plane[:, 0] == plane[:, 1], _RING, 1.0)
        return _to_the_metre(length_m) * share


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestRule:
    """Whoever is near, in fleets that keep no order.

    Of more than 200 satellites, only those may link that at some fifth minute are among the
    `most` nearest of one another.
    """

    most: int = 4

    def candidates(self, ephemeris: Ephemeris) -> Pairs:
        """Return any two, or the near ones of many."""
        satellites = len(ephemeris.names)
        if satellites <= _FEW:
            return np.stack(np.triu_indices(satellites, k=1), axis=-1)
        here = np.repeat(np.arange(satellites), self.most)
        found = []
        for t_ns in range(ephemeris.start_ns, ephemeris.end_ns, _LOOK_NS):
            at_m = ephemeris.position_eci_m(t_ns)
            _, near = cKDTree(at_m).query(at_m, k=self.most + 1)
            found.append(_unique(here, near[:, 1:].ravel()))
        return np.unique(np.concatenate(found), axis=0)

    def cost(self, pairs: Pairs, length_m: Floats, t_ns: int) -> Floats:
        """Return the lengths."""
        return _to_the_metre(length_m)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DemandRule:
    """Links that bring data from satellites that wait long for a station to those that do not.

    A link costs its length / (1 + what it saves / 10 min). It saves the difference of both ends'
    times until a station sees them next, weighted with how much data the one has that waits longer.

    Attributes
    ----------
    near
        The rule whose pairs these are.
    start_ns
        Time of the first column of `wait_s`.
    wait_s
        (satellites, minutes) time until the next pass begins, 0 within one.
    demand
        (satellites,) data each makes, relative to the mean.
    """

    near: LinkRule
    start_ns: int
    wait_s: Floats
    demand: Floats

    @classmethod
    def of(
        cls, near: LinkRule, ephemeris: Ephemeris, passes: Windows, demand: Floats | None = None
    ) -> DemandRule:
        """Return the rule for passes of satellites (`first`) over stations.

        Without a pass to come a satellite waits as long as the flight.
        """
        satellites = len(ephemeris.names)
        t_ns = np.arange(ephemeris.start_ns, ephemeris.end_ns, _MINUTE_NS)
        span_ns = ephemeris.end_ns - ephemeris.start_ns
        wait_ns = np.full((satellites, t_ns.size), span_ns)
        order = np.argsort(passes.first, kind="stable")
        bounds = np.searchsorted(passes.first[order], np.arange(satellites + 1))
        for satellite in range(satellites):
            own = order[bounds[satellite] : bounds[satellite + 1]]
            if own.size == 0:
                continue
            rise_ns, ends_ns = passes.start_ns[own], np.maximum.accumulate(passes.end_ns[own])
            following = np.searchsorted(rise_ns, t_ns, side="right")
            upcoming = following < own.size
            wait_ns[satellite, upcoming] = rise_ns[following[upcoming]] - t_ns[upcoming]
            begun = following > 0
            seen = np.zeros(t_ns.size, np.bool_)
            seen[begun] = ends_ns[following[begun] - 1] > t_ns[begun]
            wait_ns[satellite, seen] = 0
        demand = np.ones(satellites) if demand is None else demand / np.mean(demand)
        return cls(
            near=near, start_ns=ephemeris.start_ns, wait_s=wait_ns / time.SECOND_NS, demand=demand
        )

    def candidates(self, ephemeris: Ephemeris) -> Pairs:
        """Return the pairs of the rule for what is near."""
        return self.near.candidates(ephemeris)

    def cost(self, pairs: Pairs, length_m: Floats, t_ns: int) -> Floats:
        """Return the lengths, less where a link saves waiting."""
        minute = min((t_ns - self.start_ns) // _MINUTE_NS, self.wait_s.shape[1] - 1)
        wait_s = self.wait_s[:, minute][pairs]
        saves_s = np.abs(wait_s[:, 0] - wait_s[:, 1])
        waits_longer = pairs[np.arange(len(pairs)), wait_s.argmax(axis=1)]
        saves_s *= self.demand[waits_longer]
        return np.asarray(np.maximum(length_m, 1.0) / (1.0 + saves_s / _WAIT_S))


def link_rule(
    fleet: Fleet, laser: Laser, ephemeris: Ephemeris | None = None, passes: Windows | None = None
) -> LinkRule:
    """Return the rule that a scenario names.

    Parameters
    ----------
    fleet, laser
        Of the scenario.
    ephemeris, passes
        Which `DemandRule` needs; without passes nobody waits.
    """
    near: LinkRule = AdjacentRule(fleet=fleet) if isinstance(fleet, WalkerFleet) else NearestRule()
    match laser.topology:
        case "demand" if ephemeris is not None and passes is not None:
            return DemandRule.of(near, ephemeris, passes)
        case "adjacent" | "demand":
            return near
        case "nearest":
            return NearestRule()
    if not isinstance(fleet, WalkerFleet):
        return NearestRule()
    if laser.topology == "ring":
        return RingRule(fleet=fleet)
    return GridRule(fleet=fleet, terminals=laser.terminals)


def _to_the_metre(length_m: Floats) -> Floats:
    # So that the even hops of a ring are told apart by number, not by rounding.
    return np.asarray(np.rint(length_m))


def _unique(first: Pairs, second: Pairs) -> Pairs:
    pairs = np.sort(np.stack([first, second], axis=-1), axis=-1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
