"""Everything the geometry of a scenario is, built once and shared by all arms."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario import Scenario, time
from orbitloom.wire import CaptureTask, ContactPlan
from orbitloom.world import sun
from orbitloom.world.captures import capture_tasks, second_looks, survey_strips, target_looks
from orbitloom.world.contacts import SPEED_OF_LIGHT_M_S, contact_plan
from orbitloom.world.earth import ecef_from_geodetic
from orbitloom.world.flown import flown_contacts
from orbitloom.world.link_choice import laser_links
from orbitloom.world.orbits import build_ephemeris
from orbitloom.world.windows import station_passes

__all__ = ["World"]


class World:
    """The geometry of a scenario.

    Parameters
    ----------
    scenario
        Fleet, stations, targets and hardware.

    Attributes
    ----------
    scenario
        As given.
    ephemeris
        States of the fleet, `orbitloom.world.orbits.Ephemeris`.
    contacts
        The contact plan; satellites are nodes 0 to n - 1, stations follow.
    tasks
        The captures, sorted by start and numbered in that order.

    Raises
    ------
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

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.ephemeris = build_ephemeris(scenario.fleet, scenario.start_ns, scenario.end_ns)
        self._station_m = ecef_from_geodetic(
            [station.latitude_deg for station in scenario.stations],
            [station.longitude_deg for station in scenario.stations],
            [station.altitude_m for station in scenario.stations],
        )
        passes = station_passes(self.ephemeris, scenario.stations)
        self._links = laser_links(self.ephemeris, scenario.fleet, scenario.laser, passes=passes)
        self.contacts = contact_plan(
            self.ephemeris,
            scenario.stations,
            self._station_m,
            passes,
            self._links,
            scenario.laser,
            scenario.downlink,
            scenario.optical,
        )
        self._looks = target_looks(
            self.ephemeris, scenario.targets, scenario.instrument.max_roll_deg
        )
        self.tasks = capture_tasks(scenario, self.ephemeris, self._looks)

    def flown_contacts(self) -> ContactPlan:
        """Return the contacts that come about under the weather drawn, see `world.flown`."""
        return flown_contacts(self.contacts, self.scenario, self._station_m)

    def second_looks(self, first: CaptureTask, after_ns: int) -> Iterator[CaptureTask]:
        """Yield other satellites' looks at a target again; see `captures.second_looks`."""
        return second_looks(self.scenario, self.ephemeris, self._looks, first, after_ns)

    def light_time_ns(self, sender: int, receiver: int, t_ns: int) -> int:
        """Return how long a signal between two nodes of the plan takes, sent at a time, ns.

        The distance is that of the moment of sending (in 20 ms a node moves 150 m: 0.5 us).
        """
        distance_m = np.linalg.norm(
            self._position_m(sender, t_ns) - self._position_m(receiver, t_ns)
        )
        return time.seconds_to_ns(float(distance_m) / SPEED_OF_LIGHT_M_S)

    def _position_m(self, node: int, t_ns: int) -> NDArray[np.float64]:
        if node < self.contacts.satellites:
            return self.ephemeris.position_ecef_m(t_ns, node)
        position: NDArray[np.float64] = self._station_m[node - self.contacts.satellites]
        return position

    def sunlight(self, satellite: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return a satellite's sunlight as a step function, see `orbitloom.world.sun.sunlight`."""
        return sun.sunlight(self.ephemeris, satellite)

    def survey_strips(self, satellite: int) -> tuple[tuple[int, int], ...]:
        """Return start and end (ns) of a satellite's background imaging, one strip an orbit."""
        return survey_strips(self.ephemeris, satellite, self.scenario.survey)

    def laser_links(self, satellite: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how many terminals of a satellite are powered, as a step function.

        Returns
        -------
        t_ns, terminals
            (k,) each; the number holds from its time on. The first time is the flight's start.
            A terminal is powered while it acquires.
        """
        mine = (self._links.first == satellite) | (self._links.second == satellite)
        start_ns, end_ns = self._links.start_ns[mine], self._links.end_ns[mine]
        t_ns = np.unique(np.concatenate([[self.ephemeris.start_ns], start_ns, end_ns]))
        t_ns = t_ns[t_ns < self.ephemeris.end_ns].astype(np.int64)
        begun = np.searchsorted(np.sort(start_ns), t_ns, side="right")
        ended = np.searchsorted(np.sort(end_ns), t_ns, side="right")
        return t_ns, (begun - ended).astype(np.int64)
