"""One moment of a fleet: which links are up, how fast, and how far stations are from each other.

For studies of latency and capacity that need many moments and no queues. Links are those the rule
names and that keep every limit of `orbitloom.world.lasers`; a station sees each satellite above
its mask. Paths between stations run over satellites only, and the shortest is that of least
light time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario import Station
from orbitloom.scenario.links import Laser
from orbitloom.world.earth import ecef_from_geodetic, geodetic_up
from orbitloom.world.laser_budget import LaserBudget
from orbitloom.world.laser_kernels import link_ranges
from orbitloom.world.lasers import LinkLimits, sun_directions
from orbitloom.world.orbits import Ephemeris
from orbitloom.world.shortest_paths import between_ends

__all__ = ["Snapshot", "Snapshots"]

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_SPEED_OF_LIGHT_M_S = 299_792_458.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot:
    """A fleet and its stations at one moment; stations are numbered after the satellites.

    Attributes
    ----------
    t_ns
        When.
    first, second
        (m,) ends of each link that is up: lasers first, then satellite and station.
    length_m
        (m,) their lengths.
    rate_bps
        (lasers,) what the light of each laser carries.
    delay_s
        (stations, stations) least light time between stations, infinite without a way.
    before
        (stations, nodes) the node before each on the way from a station, -1 if none or further
        than the furthest station.
    """

    t_ns: int
    first: Numbers
    second: Numbers
    length_m: Floats
    rate_bps: Floats
    delay_s: Floats
    before: Numbers

    def path(self, start: int, end: int) -> tuple[int, ...]:
        """Return the nodes from one station to another, by number of station; empty if no way."""
        nodes, stations = self.before.shape[1], len(self.delay_s)
        if not np.isfinite(self.delay_s[start, end]):
            return ()
        way = [nodes - stations + end]
        while self.before[start, way[-1]] >= 0:
            way.append(int(self.before[start, way[-1]]))
        return tuple(reversed(way))


class Snapshots:
    """Takes snapshots of a fleet.

    Parameters
    ----------
    ephemeris
        The satellites.
    pairs
        (n, 2) which of them may link, as `LinkRule.candidates` returns.
    stations
        On the ground.
    laser
        The satellites' terminals.
    """

    def __init__(
        self,
        ephemeris: Ephemeris,
        pairs: NDArray[np.intp],
        stations: tuple[Station, ...],
        laser: Laser,
    ) -> None:
        self._ephemeris = ephemeris
        self._first, self._second = np.ascontiguousarray(pairs.reshape(-1, 2).T, np.int64)
        places = np.array(
            [(one.latitude_deg, one.longitude_deg, one.altitude_m) for one in stations]
        ).reshape(-1, 3)
        self._site_m = ecef_from_geodetic(*places.T)
        self._up = geodetic_up(places[:, 0], places[:, 1])
        self._mask = np.sin(np.radians([one.mask_deg for one in stations]))
        self._limits = LinkLimits.of(laser).packed
        self._budget = LaserBudget.of(laser)

    def at(self, t_ns: int) -> Snapshot:
        """Return the snapshot of a moment of the flight."""
        ephemeris = self._ephemeris
        length_m = np.empty(self._first.size)
        link_ranges(
            ephemeris.position_eci_m(t_ns),
            ephemeris.velocity_eci_m_s(t_ns),
            self._first,
            self._second,
            sun_directions(np.array([t_ns]))[0],
            self._limits,
            length_m,
        )
        lit = np.flatnonzero(length_m > 0)
        length_m = length_m[lit]
        satellite, station, slant_m = self._seen(ephemeris.position_ecef_m(t_ns))
        satellites, stations = len(ephemeris.names), len(self._site_m)
        first = np.concatenate([self._first[lit], satellite])
        second = np.concatenate([self._second[lit], satellites + station])
        lengths_m = np.concatenate([length_m, slant_m])
        before = np.empty((stations, satellites + stations), np.int64)
        apart_m = between_ends(first, second, lengths_m, satellites + stations, stations, before)
        return Snapshot(
            t_ns=t_ns,
            first=first,
            second=second,
            length_m=lengths_m,
            rate_bps=self._budget.rate_bps(length_m),
            delay_s=apart_m / _SPEED_OF_LIGHT_M_S,
            before=before,
        )

    def _seen(self, position_m: Floats) -> tuple[Numbers, Numbers, Floats]:
        """Return satellites, the stations that see them, and how far they are."""
        height = position_m @ self._up.T - np.sum(self._site_m * self._up, axis=-1)
        satellite, station = np.nonzero(height > 0)
        slant_m = np.linalg.norm(position_m[satellite] - self._site_m[station], axis=-1)
        above = height[satellite, station] > slant_m * self._mask[station]
        return satellite[above], station[above], slant_m[above]
