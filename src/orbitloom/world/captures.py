"""What is imaged: looks at targets, and the survey strips between them.

A target is looked at when it crosses the plane through the satellite across its track, by rolling
the boresight onto it. Body axes at rest: z to the Earth's centre, x along the horizontal part of
the velocity over ground, y to the right (x forward, z down); a positive roll looks to the right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario import Scenario, Target, time
from orbitloom.scenario.hardware import Instrument, Survey
from orbitloom.wire import CaptureTask
from orbitloom.world.earth import ecef_from_geodetic
from orbitloom.world.orbits import MU_M3_S2, Ephemeris
from orbitloom.world.sun import sun_elevation_deg, sun_position_eci_m
from orbitloom.world.windows import bisect

__all__ = ["Looks", "body_axes", "capture_tasks", "line_period_ns", "survey_strips", "target_looks"]

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
        (n,) roll that points at it, positive to the right.
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

    Ground speed is the horizontal velocity in the Earth-fixed frame, scaled from the orbit's radius
    to the ellipsoid's below.
    """
    position_m = ephemeris.position_ecef_m(t_ns, satellite)
    velocity_m_s = ephemeris.velocity_ecef_m_s(t_ns, satellite)
    radius_m = float(np.linalg.norm(position_m))
    forward = body_axes(position_m, velocity_m_s)[0]
    speed_m_s = float(forward @ velocity_m_s) * _ellipsoid_radius_m(position_m) / radius_m
    return time.seconds_to_ns(instrument.gsd_m / speed_m_s)


def _ellipsoid_radius_m(position_ecef_m: Floats) -> float:
    """Return the radius of WGS84 where a geocentric line of sight pierces it, m."""
    equator_m = ecef_from_geodetic(0.0, 0.0)[0]
    pole_m = ecef_from_geodetic(90.0, 0.0)[2]
    direction = position_ecef_m / np.linalg.norm(position_ecef_m)
    return float(1.0 / np.linalg.norm(direction / [equator_m, equator_m, pole_m]))


def target_looks(ephemeris: Ephemeris, targets: tuple[Target, ...], max_roll_deg: float) -> Looks:
    """Return every look at every target within a roll, by day and night."""
    latitude_deg = np.array([target.latitude_deg for target in targets])
    longitude_deg = np.array([target.longitude_deg for target in targets])
    target_m = ecef_from_geodetic(latitude_deg, longitude_deg)
    direction = target_m / np.linalg.norm(target_m, axis=-1, keepdims=True)
    found = []
    for satellite in range(len(ephemeris.names)):

        def ahead(row: NDArray[np.intp], t_ns: Times, satellite: int = satellite) -> Floats:
            position_m = ephemeris.position_ecef_m(t_ns, satellite)
            axes = body_axes(position_m, ephemeris.velocity_ecef_m_s(t_ns, satellite))
            return np.sum((target_m[row] - position_m) * axes[:, 0], axis=-1)

        nodes_m, nodes_m_s = ephemeris.ecef_m[satellite], ephemeris.ecef_m_s[satellite]
        forward = body_axes(nodes_m, nodes_m_s)[:, 0]
        # The forward axis is level, so only the target's own component along it counts.
        along = direction @ forward.T > 0
        above = direction @ (nodes_m / np.linalg.norm(nodes_m, axis=-1, keepdims=True)).T
        row, i = np.nonzero(along[:, :-1] & ~along[:, 1:] & (above[:, :-1] > _NEAR_SIDE))
        low, high = ephemeris.nodes_ns[i], ephemeris.nodes_ns[i + 1]
        t_ns = bisect(ahead, row, low, high, np.zeros(row.size, dtype=np.bool_))
        position_m = ephemeris.position_ecef_m(t_ns, satellite)
        axes = body_axes(position_m, ephemeris.velocity_ecef_m_s(t_ns, satellite))
        right, down = np.einsum("kni,ki->nk", axes[:, 1:], target_m[row] - position_m)
        roll_deg = np.degrees(np.arctan2(right, down))
        within = (np.abs(roll_deg) <= max_roll_deg) & (t_ns >= ephemeris.start_ns)
        within &= t_ns <= ephemeris.end_ns
        found.append(
            (np.full(row.size, satellite)[within], row[within], t_ns[within], roll_deg[within])
        )
    satellites, rows, t_ns, roll_deg = (
        np.concatenate(column) for column in zip(*found, strict=True)
    )
    order = np.lexsort((t_ns, satellites))
    satellites, rows, t_ns, roll_deg = (
        column[order] for column in (satellites, rows, t_ns, roll_deg)
    )
    return Looks(
        satellite=satellites,
        target=rows,
        t_ns=t_ns,
        roll_deg=roll_deg,
        sun_elevation_deg=sun_elevation_deg(latitude_deg[rows], longitude_deg[rows], t_ns),
    )


def capture_tasks(scenario: Scenario, ephemeris: Ephemeris) -> tuple[CaptureTask, ...]:
    """Return the captures of a flight, sorted by start and numbered in that order.

    Each target is captured once in each 24 h from the flight's start, in the look with the smallest
    roll that its satellite can take: the Sun is high enough, the whole capture lies within the
    flight, and `slew_s` remains to the satellite's other captures. Looks are chosen from the
    smallest roll up.
    """
    instrument = scenario.instrument
    looks = target_looks(ephemeris, scenario.targets, instrument.max_roll_deg)
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
        duration_ns = instrument.lines * line_period_ns(instrument, ephemeris, satellite, t_ns)
        start_ns = t_ns - duration_ns // 2
        end_ns = start_ns + duration_ns
        others = busy.setdefault(satellite, [])
        if start_ns < ephemeris.start_ns or end_ns > ephemeris.end_ns:
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
        return np.sum(velocity_m_s * sun_position_eci_m(t_ns), axis=-1)

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
