"""What is imaged: looks at targets, and the survey strips between them.

A target is looked at when it crosses the plane through the satellite across its track (the plane of
the body axes y and z at rest), by rolling the boresight onto it. At rest z points to the Earth's
centre, x along the level part of the velocity over ground, y to the right; a positive roll looks to
the right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario import Scenario, Target, time
from orbitloom.scenario.hardware import Instrument, Survey
from orbitloom.wire import CaptureTask
from orbitloom.world.earth import ecef_from_geodetic, geodetic_from_ecef
from orbitloom.world.orbits import Ephemeris
from orbitloom.world.sun import sun_elevation_deg, sun_position_eci_m
from orbitloom.world.walker import MU_M3_S2
from orbitloom.world.windows import bisect

__all__ = [
    "Looks",
    "body_axes",
    "capture_tasks",
    "line_period_ns",
    "second_looks",
    "survey_strips",
    "target_looks",
]

Times = NDArray[np.int64]
Floats = NDArray[np.float64]

_NEAR_SIDE = 0.6  # cosine of the Earth angle within which a target can be in sight


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looks:
    """Chances to look at targets, one row each, sorted by satellite and time.

    Attributes
    ----------
    satellite, target
        (n,) numbers.
    t_ns
        (n,) when the target crosses the across-track plane.
    roll_deg
        (n,) roll that points at it.
    sun_elevation_deg
        (n,) at the target.
    """

    satellite: NDArray[np.intp]
    target: NDArray[np.intp]
    t_ns: Times
    roll_deg: Floats
    sun_elevation_deg: Floats


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


def target_looks(ephemeris: Ephemeris, targets: tuple[Target, ...], max_roll_deg: float) -> Looks:
    """Return every look at every target within a roll, by day and night."""
    latitude_deg = np.array([target.latitude_deg for target in targets])
    longitude_deg = np.array([target.longitude_deg for target in targets])
    target_m = ecef_from_geodetic(latitude_deg, longitude_deg)
    direction = target_m / np.linalg.norm(target_m, axis=-1, keepdims=True)
    found = []
    for satellite in range(len(ephemeris.names)):

        def ahead(row: NDArray[np.intp], t_ns: Times, satellite: int = satellite) -> Floats:
            forward, _, _, position_m = _axes(ephemeris, satellite, t_ns)
            return np.asarray(np.sum((target_m[row] - position_m) * forward, axis=-1))

        forward, _, down, _ = _axes(ephemeris, satellite, ephemeris.nodes_ns)
        along = target_m @ forward.T > 0  # the forward axis is level: the position has no share
        near = direction @ -down.T > _NEAR_SIDE
        row, i = np.nonzero(along[:, :-1] & ~along[:, 1:] & near[:, :-1])
        low, high = ephemeris.nodes_ns[i], ephemeris.nodes_ns[i + 1]
        t_ns = bisect(ahead, row, low, high, np.zeros(row.size, dtype=np.bool_))
        _, right, down, position_m = _axes(ephemeris, satellite, t_ns)
        sight = target_m[row] - position_m
        roll = np.arctan2(np.sum(sight * right, axis=-1), np.sum(sight * down, axis=-1))
        seen = np.abs(roll) <= np.radians(max_roll_deg)
        seen &= (ephemeris.start_ns <= t_ns) & (t_ns <= ephemeris.end_ns)
        found.append((np.full(row.size, satellite), row, t_ns, np.degrees(roll), seen))
    satellites, rows, t_ns, roll_deg, seen = (
        np.concatenate(column) for column in zip(*found, strict=True)
    )
    keep = np.flatnonzero(seen)
    keep = keep[np.lexsort((t_ns[keep], satellites[keep]))]
    return Looks(
        satellite=satellites[keep],
        target=rows[keep],
        t_ns=t_ns[keep],
        roll_deg=roll_deg[keep],
        sun_elevation_deg=sun_elevation_deg(
            latitude_deg[rows[keep]], longitude_deg[rows[keep]], t_ns[keep]
        ),
    )


def _axes(
    ephemeris: Ephemeris, satellite: int, t_ns: Times
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return forward, right and down at rest, and the position, (n, 3) each, Earth-fixed."""
    position_m = ephemeris.position_ecef_m(t_ns, satellite)
    axes = body_axes(position_m, ephemeris.velocity_ecef_m_s(t_ns, satellite))
    return axes[..., 0, :], axes[..., 1, :], axes[..., 2, :], position_m


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
    taken: set[tuple[int, int]] = set()
    busy: dict[int, list[tuple[int, int]]] = {}
    chosen: list[tuple[int, int, int]] = []
    for look in np.argsort(np.abs(looks.roll_deg), kind="stable").tolist():
        if looks.sun_elevation_deg[look] < instrument.min_sun_elevation_deg:
            continue
        satellite, t_ns = int(looks.satellite[look]), int(looks.t_ns[look])
        visit = (int(looks.target[look]), (t_ns - ephemeris.start_ns) // time.DAY_NS)
        if visit in taken:
            continue
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


def survey_strips(
    ephemeris: Ephemeris, satellite: int, survey: Survey
) -> tuple[tuple[int, int], ...]:
    """Return start and end (ns) of the background imaging: one strip an orbit, in daylight.

    Each strip lasts `duty_s_per_orbit`, centred where the Sun is highest over the sub-satellite
    point, and is cut to the flight.
    """

    def climbing(row: NDArray[np.intp], t_ns: Times) -> Floats:
        velocity_m_s = ephemeris.velocity_eci_m_s(t_ns, satellite)
        return np.asarray(np.sum(velocity_m_s * sun_position_eci_m(t_ns), axis=-1))

    nodes_ns = ephemeris.nodes_ns
    towards = climbing(np.zeros(0, np.intp), nodes_ns) > 0
    i = np.flatnonzero(towards[:-1] & ~towards[1:])
    noons = bisect(
        climbing,
        np.zeros(i.size, np.intp),
        nodes_ns[i],
        nodes_ns[i + 1],
        np.zeros(i.size, np.bool_),
    ).tolist()
    if noons:
        # The neighbouring orbits' noons lie outside the nodes, but their strips may reach in.
        period_ns = _period_ns(ephemeris, satellite)
        noons = [noons[0] - period_ns, *noons, noons[-1] + period_ns]
    half_ns = time.seconds_to_ns(survey.duty_s_per_orbit / 2)
    strips: list[tuple[int, int]] = []
    done_ns = ephemeris.start_ns
    for noon_ns in noons:
        start_ns, end_ns = max(noon_ns - half_ns, done_ns), min(noon_ns + half_ns, ephemeris.end_ns)
        if start_ns < end_ns:
            strips.append((start_ns, end_ns))
            done_ns = end_ns
    return tuple(strips)


def _period_ns(ephemeris: Ephemeris, satellite: int) -> int:
    """Return the orbital period by the vis-viva equation, ns."""
    radius_m = float(np.linalg.norm(ephemeris.eci_m[satellite, 0]))
    speed_m_s = float(np.linalg.norm(ephemeris.eci_m_s[satellite, 0]))
    axis_m = 1.0 / (2.0 / radius_m - speed_m_s**2 / MU_M3_S2)
    return time.seconds_to_ns(2.0 * np.pi * (axis_m**3 / MU_M3_S2) ** 0.5)
