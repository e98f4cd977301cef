"""Everything the geometry of a scenario is, built when first asked for and shared by all arms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitloom.scenario import Scenario, TleFleet, time
from orbitloom.wire import CaptureTask, ContactPlan
from orbitloom.world.cache import Cache
from orbitloom.world.captures import capture_tasks, second_looks
from orbitloom.world.contacts import SPEED_OF_LIGHT_M_S, contact_plan
from orbitloom.world.earth import ecef_from_geodetic
from orbitloom.world.eclipse import Sunlight, fleet_sunlight
from orbitloom.world.faults import Fault, fault_plan
from orbitloom.world.flown import flown_contacts
from orbitloom.world.hermite import hermite_point
from orbitloom.world.lasers import Links
from orbitloom.world.link_choice import laser_links
from orbitloom.world.looks import Looks, target_looks
from orbitloom.world.orbits import NODE_STEP_NS, build_ephemeris
from orbitloom.world.propagators import KeptPropagator, Propagator, Sgp4Propagator
from orbitloom.world.strips import Strips, fleet_strips
from orbitloom.world.windows import Windows, station_passes

__all__ = ["World"]

_WORTH_KEEPING = 100_000  # states at nodes; less is found faster than a file is read


class World:
    """The geometry of a scenario.

    Orbits are computed at once, what follows from them when it is first asked for.

    Parameters
    ----------
    scenario
        Fleet, stations, targets and hardware.
    cache
        Where the results of large fleets are kept between runs; nowhere if not given.
    propagator
        Of real elements; the `sgp4` package if not given.

    Attributes
    ----------
    scenario
        As given.
    ephemeris
        States of the fleet, `orbitloom.world.orbits.Ephemeris`.

    Raises
    ------
    ScenarioError
        If a fault is that of a satellite or station that is not there.
    OrbitError
        If an orbit cannot be flown.
    InputFileError
        If a file of elements is corrupt.

    Examples
    --------
    >>> from orbitloom.scenario import load
    >>> scenario = load("ring12", hours=0.5)
    >>> world = World(scenario)
    >>> world.contacts.nodes[:2], world.light_time_ns(0, 1, scenario.start_ns) // 10_000
    (('SAT-01', 'SAT-02'), 1188)
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        cache: Cache | None = None,
        propagator: Propagator | None = None,
    ) -> None:
        self.scenario = scenario
        self._propagator = KeptPropagator(propagator or Sgp4Propagator(), cache or Cache())
        self.ephemeris = build_ephemeris(
            scenario.fleet, scenario.start_ns, scenario.end_ns, propagator=self._propagator
        )
        large = self.ephemeris.ecef_m.size // 3 >= _WORTH_KEEPING
        self._cache = cache if cache is not None and large else Cache()
        self._station_m = ecef_from_geodetic(
            [station.latitude_deg for station in scenario.stations],
            [station.longitude_deg for station in scenario.stations],
            [station.altitude_m for station in scenario.stations],
        )

    @cached_property
    def contacts(self) -> ContactPlan:
        """The contact plan; satellites are nodes 0 to n - 1, stations follow."""
        stations = self.scenario.stations

        def make() -> dict[str, NDArray[Any]]:
            plan = contact_plan(
                self.ephemeris,
                stations,
                self._station_m,
                self.passes,
                self._links,
                self.scenario.laser,
                self.scenario.downlink,
                self.scenario.optical,
            )
            return {name: getattr(plan, name) for name in plan.columns()}

        # Whatever else may come to bear on contacts is in the scenario too.
        kept = self._cache.arrays(
            "contacts", [*self._orbits(), self.scenario.model_dump_json()], make
        )
        return ContactPlan(
            nodes=(*self.ephemeris.names, *(station.name for station in stations)),
            satellites=len(self.ephemeris.names),
            **kept,
        )

    @cached_property
    def tasks(self) -> tuple[CaptureTask, ...]:
        """The captures, sorted by start and numbered in that order."""
        return capture_tasks(self.scenario, self.ephemeris, self._looks)

    @cached_property
    def faults(self) -> tuple[Fault, ...]:
        """What breaks, by time.

        Raises
        ------
        ScenarioError
            If a fault is that of a satellite or station that is not there.
        """
        return fault_plan(self.scenario, self.contacts)

    @cached_property
    def passes(self) -> Windows:
        """When satellites (`first`) are above the masks of stations (`second`)."""
        kept = self._cache.arrays(
            "passes",
            [*self._orbits(), *(station.model_dump_json() for station in self.scenario.stations)],
            lambda: _columns(station_passes(self.ephemeris, self.scenario.stations)),
        )
        return Windows(**kept)

    @cached_property
    def fleet_sunlight(self) -> Sunlight:
        """The sunlight of all satellites as step functions."""
        kept = self._cache.arrays(
            "sunlight", self._orbits(), lambda: _columns(fleet_sunlight(self.ephemeris))
        )
        return Sunlight(**kept)

    @cached_property
    def fleet_strips(self) -> Strips:
        """The background imaging of all satellites, one strip an orbit."""
        return fleet_strips(self.ephemeris, self.scenario.survey)

    @cached_property
    def _looks(self) -> Looks:
        targets, roll_deg = self.scenario.targets, self.scenario.instrument.max_roll_deg
        places = (f"{target.latitude_deg!r} {target.longitude_deg!r}" for target in targets)
        kept = self._cache.arrays(
            "looks",
            [*self._orbits(), repr(roll_deg), *places],
            lambda: _columns(target_looks(self.ephemeris, targets, roll_deg)),
        )
        return Looks(**kept)

    @cached_property
    def _links(self) -> Links:
        fleet, laser = self.scenario.fleet, self.scenario.laser
        kept = self._cache.arrays(
            "links",
            [*self._orbits(), self.scenario.model_dump_json()],
            lambda: _columns(laser_links(self.ephemeris, fleet, laser, passes=self.passes)),
        )
        return Links(**kept)

    def _orbits(self) -> list[str | bytes]:
        """Return all that the states of the fleet depend on."""
        fleet = self.scenario.fleet
        content = fleet.file.read_bytes() if isinstance(fleet, TleFleet) else b""
        told = fleet.model_dump_json(exclude={"file"})
        span = f"{self.scenario.start_ns} {self.scenario.end_ns} {NODE_STEP_NS}"
        return [told, content, span, self._propagator.name]

    def flown_contacts(self) -> ContactPlan:
        """Return the contacts that come about, see `orbitloom.world.flown`."""
        return flown_contacts(self.contacts, self.scenario)

    def second_looks(self, first: CaptureTask, after_ns: int) -> Iterator[CaptureTask]:
        """Yield other satellites' looks at a target again; see `captures.second_looks`."""
        return second_looks(self.scenario, self.ephemeris, self._looks, first, after_ns)

    def light_time_ns(self, sender: int, receiver: int, t_ns: int) -> int:
        """Return how long a signal between two nodes of the plan takes, sent at a time, ns.

        The distance is that of the moment of sending (in 20 ms a node moves 150 m: 0.5 us).

        Raises
        ------
        OrbitError
            If the time lies outside the flight and its margins.
        """
        ephemeris = self.ephemeris
        since_ns = t_ns - self._first_ns
        if not 0 <= since_ns <= NODE_STEP_NS * (ephemeris.ecef_m.shape[1] - 1):
            ephemeris.position_ecef_m(t_ns, 0)  # says what is wrong
        distance_m = _distance_m(
            ephemeris.ecef_m,
            ephemeris.ecef_m_s,
            self._station_m,
            sender,
            receiver,
            since_ns,
            NODE_STEP_NS,
        )
        return time.seconds_to_ns(distance_m / SPEED_OF_LIGHT_M_S)

    @cached_property
    def _first_ns(self) -> int:
        return int(self.ephemeris.nodes_ns[0])

    def sunlight(self, satellite: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return a satellite's sunlight as a step function, see `orbitloom.world.eclipse`.

        Returns
        -------
        t_ns, fraction
            (k,) each; the fraction holds from its time on. The first time is the flight's start.
        """
        return self.fleet_sunlight.of(satellite)

    def survey_strips(self, satellite: int) -> tuple[tuple[int, int], ...]:
        """Return start and end (ns) of a satellite's background imaging, one strip an orbit."""
        return self.fleet_strips.of(satellite)

    @cached_property
    def _links_by_satellite(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows of links in the order of their satellites, and where each satellite's begin."""
        ends = np.concatenate([self._links.first, self._links.second])
        order = np.argsort(ends, kind="stable")
        offsets = np.searchsorted(ends[order], np.arange(len(self.ephemeris.names) + 1))
        return order % max(1, len(self._links)), offsets

    def laser_links(self, satellite: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how many terminals of a satellite are powered, as a step function.

        Returns
        -------
        t_ns, terminals
            (k,) each; the number holds from its time on. The first time is the flight's start.
            A terminal is powered while it acquires.
        """
        rows, offsets = self._links_by_satellite
        mine = rows[offsets[satellite] : offsets[satellite + 1]]
        start_ns, end_ns = self._links.start_ns[mine], self._links.end_ns[mine]
        t_ns = np.unique(np.concatenate([[self.ephemeris.start_ns], start_ns, end_ns]))
        t_ns = t_ns[t_ns < self.ephemeris.end_ns].astype(np.int64)
        begun = np.searchsorted(np.sort(start_ns), t_ns, side="right")
        ended = np.searchsorted(np.sort(end_ns), t_ns, side="right")
        return t_ns, (begun - ended).astype(np.int64)


def _columns(table: Windows | Links | Looks | Sunlight) -> dict[str, NDArray[Any]]:
    """Return the columns of a table by name."""
    return {field.name: getattr(table, field.name) for field in fields(table)}


@njit(cache=True, error_model="numpy")  # too short to let go of Python's lock and wait for it
def _distance_m(
    p: NDArray[np.float64],
    v: NDArray[np.float64],
    fixed_m: NDArray[np.float64],
    one: int,
    other: int,
    since_ns: int,
    step_ns: int,
) -> float:
    """Return how far two nodes are apart: satellites first, then those with fixed places (m, 3)."""
    x, y, z = 0.0, 0.0, 0.0
    for sign, node in ((1.0, one), (-1.0, other)):
        if node < p.shape[0]:
            a, b, c = hermite_point(p, v, node, since_ns, 0, step_ns)
        else:
            s = node - p.shape[0]
            a, b, c = fixed_m[s, 0], fixed_m[s, 1], fixed_m[s, 2]
        x, y, z = x + sign * a, y + sign * b, z + sign * c
    return float(np.sqrt(x * x + y * y + z * z))
