"""What is imaged: which looks at targets are taken.

At rest a satellite's z axis points to the Earth's centre, x along the level part of the velocity
over ground, y to the right; a positive roll looks to the right. What can be looked at is found in
`orbitloom.world.looks`, the imaging between targets in `orbitloom.world.strips`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario import Scenario, time
from orbitloom.scenario.hardware import Instrument
from orbitloom.wire import CaptureTask
from orbitloom.world.earth import ecef_from_geodetic, geodetic_from_ecef
from orbitloom.world.looks import Looks, target_looks
from orbitloom.world.orbits import Ephemeris

__all__ = ["body_axes", "capture_tasks", "line_period_ns", "second_looks"]

Floats = NDArray[np.float64]


def body_axes(position_ecef_m: Floats, velocity_ecef_m_s: Floats) -> Floats:
    """Return the body axes at rest, (..., 3, 3): rows x forward, y right, z to Earth's centre."""
    down = -position_ecef_m / np.linalg.norm(position_ecef_m, axis=-1, keepdims=True)
    right = np.cross(down, velocity_ecef_m_s)
    right /= np.linalg.norm(right, axis=-1, keepdims=True)
    return np.stack([np.cross(right, down), right, down], axis=-2)


def line_period_ns(instrument: Instrument, ephemeris: Ephemeris, satellite: int, t_ns: int) -> int:
    """Return the time in which the sub-satellite point moves one sample on, ns.

    Measured between the geodetic nadirs half a second before and after.
    """
    half_ns = time.SECOND_NS // 2
    moments = np.array([t_ns - half_ns, t_ns + half_ns], dtype=np.int64)
    latitude_deg, longitude_deg, _ = geodetic_from_ecef(
        ephemeris.position_ecef_m(moments, satellite)
    )
    before_m, after_m = ecef_from_geodetic(latitude_deg, longitude_deg)
    return time.seconds_to_ns(instrument.gsd_m / float(np.linalg.norm(after_m - before_m)))


def capture_tasks(
    scenario: Scenario, ephemeris: Ephemeris, looks: Looks | None = None
) -> tuple[CaptureTask, ...]:
    """Return the captures of a flight, sorted by start and numbered in that order.

    Each target is captured once in each 24 h from the flight's start, in the look with the smallest
    roll that its satellite can take: the Sun is high enough, the whole capture lies within the
    flight, and `slew_s` remains to the satellite's other captures. Looks are chosen from the
    smallest roll up. `looks` are those of `target_looks`, found here if not given.
    """
    instrument = scenario.instrument
    looks = looks or target_looks(ephemeris, scenario.targets, instrument.max_roll_deg)
    slew_ns = time.seconds_to_ns(instrument.slew_s)
    days = -(-(ephemeris.end_ns - ephemeris.start_ns) // time.DAY_NS)
    wanted = days * len(scenario.targets)
    bright = np.flatnonzero(looks.sun_elevation_deg >= instrument.min_sun_elevation_deg)
    order = bright[np.argsort(np.abs(looks.roll_deg[bright]), kind="stable")]
    taken: set[tuple[int, int]] = set()
    busy: dict[int, list[tuple[int, int]]] = {}
    chosen: list[tuple[int, int, int]] = []
    for look, satellite, target, t_ns in zip(
        order.tolist(),
        looks.satellite[order].tolist(),
        looks.target[order].tolist(),
        looks.t_ns[order].tolist(),
        strict=True,
    ):
        visit = (target, (t_ns - ephemeris.start_ns) // time.DAY_NS)
        if visit in taken:
            continue
        if len(taken) == wanted:
            break
        start_ns, end_ns = _exposure(scenario, ephemeris, satellite, t_ns)
        others = busy.setdefault(satellite, [])
        if start_ns < ephemeris.start_ns or end_ns >= ephemeris.end_ns:
            continue
        if any(start_ns < end + slew_ns and start < end_ns + slew_ns for start, end in others):
            continue
        taken.add(visit)
        others.append((start_ns, end_ns))
        chosen.append((start_ns, end_ns, look))
    chosen.sort(key=lambda item: (item[0], int(looks.satellite[item[2]])))
    return tuple(
        _task(scenario, ephemeris, looks, capture, *choice) for capture, choice in enumerate(chosen)
    )


def second_looks(
    scenario: Scenario, ephemeris: Ephemeris, looks: Looks, first: CaptureTask, after_ns: int
) -> Iterator[CaptureTask]:
    """Yield the chances of other satellites to look at a capture's target again, soonest first.

    Each starts after `after_ns`, in enough light, and ends within the flight. Their capture number
    is -1: nobody has promised to take them.
    """
    names = ephemeris.names
    target = next(i for i, place in enumerate(scenario.targets) if place.name == first.target)
    bright = looks.sun_elevation_deg >= scenario.instrument.min_sun_elevation_deg
    others = looks.satellite != names.index(first.satellite)
    rows = np.flatnonzero((looks.target == target) & others & bright & (looks.t_ns > after_ns))
    for look in rows[np.argsort(looks.t_ns[rows], kind="stable")].tolist():
        satellite, t_ns = int(looks.satellite[look]), int(looks.t_ns[look])
        start_ns, end_ns = _exposure(scenario, ephemeris, satellite, t_ns)
        if after_ns < start_ns and end_ns < ephemeris.end_ns:
            yield _task(scenario, ephemeris, looks, -1, start_ns, end_ns, look)


def _exposure(
    scenario: Scenario, ephemeris: Ephemeris, satellite: int, t_ns: int
) -> tuple[int, int]:
    """Return start and end of a capture whose target is abeam at a time."""
    instrument = scenario.instrument
    duration_ns = instrument.lines * line_period_ns(instrument, ephemeris, satellite, t_ns)
    start_ns = t_ns - duration_ns // 2
    return start_ns, start_ns + duration_ns


def _task(
    scenario: Scenario,
    ephemeris: Ephemeris,
    looks: Looks,
    capture: int,
    start_ns: int,
    end_ns: int,
    look: int,
) -> CaptureTask:
    target = scenario.targets[int(looks.target[look])]
    return CaptureTask(
        capture=capture,
        satellite=ephemeris.names[int(looks.satellite[look])],
        target=target.name,
        latitude_deg=target.latitude_deg,
        longitude_deg=target.longitude_deg,
        start_ns=start_ns,
        end_ns=end_ns,
        roll_deg=float(looks.roll_deg[look]),
        app=target.app or scenario.app,
    )
