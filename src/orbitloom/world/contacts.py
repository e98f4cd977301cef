"""The contact plan: who can send to whom and when, made of passes and laser links.

*Downlinks.* A satellite has one transmitter, a station `antennas` antennas. Passes are served in
the order in which they rise: a pass gets an antenna and the transmitter at once if both are free,
else as soon as both are, for what then remains of it. Stations only receive.

*Lasers.* Each link carries data both ways, from the end of its acquisition.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario import Station, time
from orbitloom.scenario.links import Downlink, Laser
from orbitloom.wire import LASER, RF, ContactPlan
from orbitloom.world.orbits import Ephemeris
from orbitloom.world.windows import Windows

__all__ = ["SPEED_OF_LIGHT_M_S", "contact_plan", "served_passes"]

SPEED_OF_LIGHT_M_S = 299_792_458.0


def served_passes(passes: Windows, stations: tuple[Station, ...]) -> Windows:
    """Return the parts of passes (satellite, station) in which an antenna listens."""
    antennas = [[0] * station.antennas for station in stations]
    transmitter: dict[int, int] = {}
    start_ns = passes.start_ns.copy()
    columns = (passes.first, passes.second, passes.start_ns, passes.end_ns)
    for row, (satellite, station, rise_ns, set_ns) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        free = antennas[station]
        antenna = min(range(len(free)), key=free.__getitem__)
        begin_ns = max(rise_ns, free[antenna], transmitter.get(satellite, 0))
        start_ns[row] = begin_ns
        if begin_ns < set_ns:
            free[antenna] = transmitter[satellite] = set_ns
    rows = np.arange(len(passes))
    pairs = np.stack([passes.first, passes.second], axis=-1)
    span = (int(start_ns.min(initial=0)), int(passes.end_ns.max(initial=0)))
    return Windows.between(pairs, rows, start_ns, passes.end_ns, span)


def contact_plan(
    ephemeris: Ephemeris,
    stations: tuple[Station, ...],
    station_m: NDArray[np.float64],
    passes: Windows,
    links: Windows,
    laser: Laser,
    downlink: Downlink,
) -> ContactPlan:
    """Return the plan of a flight.

    Parameters
    ----------
    ephemeris
        Of the fleet: nodes 0 to n - 1 of the plan.
    stations, station_m
        Nodes from n on, and their positions (m, 3) in the Earth-fixed frame, m.
    passes, links
        What `station_passes` and `laser_links` found.
    laser, downlink
        Their rates and the acquisition time.
    """
    satellites = len(ephemeris.names)
    served = served_passes(passes, stations)
    acquisition_ns = time.seconds_to_ns(laser.acquisition_s)
    held = links.start_ns == ephemeris.start_ns
    flows_ns = np.where(held, links.start_ns, links.start_ns + acquisition_ns)
    lit = flows_ns < links.end_ns
    one, other, flows_ns, ends_ns = (
        column[lit] for column in (links.first, links.second, flows_ns, links.end_ns)
    )
    sender = np.concatenate([one, other, served.first])
    receiver = np.concatenate([other, one, served.second + np.int32(satellites)])
    start_ns = np.concatenate([flows_ns, flows_ns, served.start_ns])
    end_ns = np.concatenate([ends_ns, ends_ns, served.end_ns])
    is_laser = np.arange(sender.size) < 2 * one.size
    middle_ns = (start_ns + end_ns) // 2
    from_m = ephemeris.position_ecef_m(middle_ns, sender)
    to_m = np.empty_like(from_m)
    to_m[is_laser] = ephemeris.position_ecef_m(middle_ns[is_laser], receiver[is_laser])
    to_m[~is_laser] = station_m[served.second]
    light_s = np.linalg.norm(to_m - from_m, axis=-1) / SPEED_OF_LIGHT_M_S
    return ContactPlan(
        nodes=(*ephemeris.names, *(station.name for station in stations)),
        satellites=satellites,
        sender=sender.astype(np.int32),
        receiver=receiver.astype(np.int32),
        start_ns=start_ns,
        end_ns=end_ns,
        rate_bps=np.where(is_laser, 1e9 * laser.rate_gbps, 1e6 * downlink.rate_mbps),
        light_time_ns=np.rint(light_s * time.SECOND_NS).astype(np.int64),
        medium=np.where(is_laser, LASER, RF).astype(np.int8),
    )
