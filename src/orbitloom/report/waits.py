"""How long a random capture waits for its first contact: fleets against station nets.

A capture waits until its satellite sees a station ("alone"), or until any satellite does that it is
joined to by lasers at that moment ("lasers"), see `orbitloom.world.reach`. Each satellite and each
step of time counts once. No bytes are sent and no terminal or antenna is short of: this is what
geometry allows, before the network has its say (`orbitloom study latency`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.report.fleets import FleetOf, net_of
from orbitloom.scenario import Scenario, Station, time
from orbitloom.scenario.links import Laser
from orbitloom.world.earth import EQUATORIAL_RADIUS_M, ecef_from_geodetic, geodetic_up
from orbitloom.world.orbits import Ephemeris, build_ephemeris
from orbitloom.world.reach import reaching

__all__ = ["PERCENTILES", "Wait", "Waits", "contact_of", "study_waits", "wait_minutes"]

PERCENTILES = (50, 90, 99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One line: a fleet and a net.

    Attributes
    ----------
    fleet, satellites
        What flies.
    net, stations
        What listens.
    lasers
        Whether satellites speak for each other.
    minutes
        Of the wait, at `PERCENTILES`; None if it does not end within the span.
    share
        Of time in contact.
    """

    fleet: str
    satellites: int
    net: str
    stations: int
    lasers: bool
    minutes: tuple[float | None, ...]
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """All lines of a study, and what they were made with."""

    scenario: str
    start: str
    hours: float
    captures_hours: float
    step_s: float
    lines: tuple[Wait, ...]

    def record(self) -> dict[str, Any]:
        """Return all of it, ready for JSON."""
        return {
            "study": "waits",
            "scenario": self.scenario,
            "start": self.start,
            "hours": self.hours,
            "captures_hours": self.captures_hours,
            "step_s": self.step_s,
            "percentiles": list(PERCENTILES),
            "lines": [
                {
                    "fleet": line.fleet,
                    "satellites": line.satellites,
                    "net": line.net,
                    "stations": line.stations,
                    "lasers": line.lasers,
                    "wait_min": [None if m is None else round(m, 3) for m in line.minutes],
                    "contact_share": round(line.share, 6),
                }
                for line in self.lines
            ],
        }


def contact_of(
    ephemeris: Ephemeris,
    t_ns: NDArray[np.int64],
    stations: Sequence[Station],
    laser: Laser | None,
    *,
    sphere: bool = False,
    members: NDArray[np.intp] | None = None,
    progress: Callable[[float], None] | None = None,
) -> NDArray[np.bool_]:
    """Return whether satellites (n) reach any of the stations at moments (k,), as (n, k).

    Parameters
    ----------
    sphere
        Whether stations stand on a sphere of the equatorial radius, not on WGS84: as in a published
        study that ours is held against.
    """
    latitude_deg = np.array([station.latitude_deg for station in stations])
    longitude_deg = np.array([station.longitude_deg for station in stations])
    if sphere:
        latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
        up = np.stack(
            [
                np.cos(latitude) * np.cos(longitude),
                np.cos(latitude) * np.sin(longitude),
                np.sin(latitude),
            ],
            axis=-1,
        )
        site_m = EQUATORIAL_RADIUS_M * up
    else:
        altitude_m = np.array([station.altitude_m for station in stations])
        up = geodetic_up(latitude_deg, longitude_deg)
        site_m = ecef_from_geodetic(latitude_deg, longitude_deg, altitude_m)
    mask_deg = np.array([station.mask_deg for station in stations])
    return reaching(
        ephemeris, t_ns, site_m, up, mask_deg, laser, members=members, progress=progress
    )


def wait_minutes(contact: NDArray[np.bool_], captures: int, step_s: float) -> list[float | None]:
    """Return the percentiles of the wait for the next contact, minutes.

    Parameters
    ----------
    contact
        (n, k) whether a satellite is in contact at each step.
    captures
        Captures are taken at the first so many steps.
    step_s
        Between two steps.

    Examples
    --------
    >>> import numpy as np
    >>> wait_minutes(np.array([[False, False, True, False]]), 3, 60.0)[:2]
    [1.0, 1.8]
    >>> wait_minutes(np.array([[True, False, False, False]]), 4, 60.0)
    [None, None, None]
    """
    steps = np.arange(contact.shape[1])
    never = 2 * contact.shape[1]
    following = np.where(contact, steps, never)[:, ::-1]
    wait = (np.minimum.accumulate(following, axis=1)[:, ::-1] - steps)[:, :captures]
    open_ended = wait > contact.shape[1]
    minutes = np.where(open_ended, np.inf, wait * step_s / 60.0)
    with np.errstate(invalid="ignore"):  # between a number and infinity lies no number
        found = np.percentile(minutes, PERCENTILES).tolist()
    return [value if np.isfinite(value) else None for value in found]


def study_waits(
    scenario: Scenario,
    fleets: Sequence[FleetOf],
    nets: Sequence[str],
    *,
    hours: float = 48.0,
    captures_hours: float = 34.0,
    step_s: float = 20.0,
    progress: Callable[[str, float], None] | None = None,
) -> Waits:
    """Return how long captures wait, for each fleet and net, alone and with lasers.

    Parameters
    ----------
    scenario
        Start, laser, and what the fleets have in common.
    fleets, nets
        What to compare.
    hours, captures_hours
        What is looked at, and from how much of it captures are taken: the rest is for the last ones
        to wait in.
    step_s
        Between two looks.
    """
    span_ns = time.seconds_to_ns(3600.0 * hours)
    step_ns = time.seconds_to_ns(step_s)
    t_ns = scenario.start_ns + step_ns * np.arange(span_ns // step_ns, dtype=np.int64)
    captures = int(3600.0 * captures_hours / step_s)
    weights = np.array([one.satellites for one in fleets], dtype=float)
    done = np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
    lines: list[Wait] = []
    for turn, fleet in enumerate(fleets):
        ephemeris = build_ephemeris(fleet.fleet, scenario.start_ns, scenario.start_ns + span_ns)
        for place, net in enumerate(nets):
            stations = net_of(net, scenario)
            for number, laser in enumerate((None, scenario.laser)):
                if progress is not None:
                    part = (2 * place + number) / (2 * len(nets))
                    share = done[turn] + part * (done[turn + 1] - done[turn])
                    progress(f"{fleet.name}, {net}", float(share))
                contact = contact_of(ephemeris, t_ns, stations, laser)
                lines.append(
                    Wait(
                        fleet=fleet.name,
                        satellites=len(ephemeris.names),
                        net=net,
                        stations=len(stations),
                        lasers=laser is not None,
                        minutes=tuple(wait_minutes(contact, captures, step_s)),
                        share=float(contact.mean()),
                    )
                )
    return Waits(
        scenario=scenario.name,
        start=scenario.start,
        hours=hours,
        captures_hours=captures_hours,
        step_s=step_s,
        lines=tuple(lines),
    )
