"""The contact plan: who can send to whom and when, made of passes and laser links.

*Downlinks.* A satellite has one transmitter, a station `antennas` antennas. Passes are served in
the order in which they rise: a pass gets an antenna and the transmitter at once if both are free,
else as soon as both are, for what then remains of it. Stations only receive.

*Lasers.* Each link carries data both ways, from the end of its acquisition, at the rate that the
light allows: where that changes a contact ends and the next begins. Acquiring a partner anew takes
less than a first meeting if they parted lately. Links that are held when the flight starts were
acquired before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario import Station, time
from orbitloom.scenario.links import Downlink, Laser
from orbitloom.wire import LASER, RF, ContactPlan, EndCause
from orbitloom.world.laser_budget import LaserBudget
from orbitloom.world.lasers import LinkLimits, Links
from orbitloom.world.link_rates import rate_pieces
from orbitloom.world.orbits import Ephemeris
from orbitloom.world.windows import Windows

__all__ = ["SPEED_OF_LIGHT_M_S", "acquisition_ns", "contact_plan", "served_passes"]

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
    links: Links,
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
    flows_ns = links.start_ns + acquisition_ns(links, ephemeris.start_ns, laser)
    longest_m = LinkLimits.of(laser).range_m
    pieces = rate_pieces(ephemeris, links, flows_ns, LaserBudget.of(laser), longest_m)
    one, other = links.first[pieces.link], links.second[pieces.link]
    sender = np.concatenate([one, other, served.first])
    receiver = np.concatenate([other, one, served.second + np.int32(satellites)])
    start_ns = np.concatenate([pieces.start_ns, pieces.start_ns, served.start_ns])
    end_ns = np.concatenate([pieces.end_ns, pieces.end_ns, served.end_ns])
    set_ns = np.where(served.end_ns >= ephemeris.end_ns, EndCause.PLAN, EndCause.HORIZON)
    is_laser = np.arange(sender.size) < 2 * one.size
    middle_ns = (start_ns + end_ns) // 2
    from_m = ephemeris.position_ecef_m(middle_ns, sender)
    to_m = np.empty_like(from_m)
    to_m[is_laser] = ephemeris.position_ecef_m(middle_ns[is_laser], receiver[is_laser])
    to_m[~is_laser] = station_m[served.second]
    light_s = np.linalg.norm(to_m - from_m, axis=-1) / SPEED_OF_LIGHT_M_S
    down_bps = np.full(len(served), 1e6 * downlink.rate_mbps)
    return ContactPlan(
        nodes=(*ephemeris.names, *(station.name for station in stations)),
        satellites=satellites,
        sender=sender.astype(np.int32),
        receiver=receiver.astype(np.int32),
        start_ns=start_ns,
        end_ns=end_ns,
        rate_bps=np.concatenate([pieces.rate_bps, pieces.rate_bps, down_bps]),
        light_time_ns=np.rint(light_s * time.SECOND_NS).astype(np.int64),
        medium=np.where(is_laser, LASER, RF).astype(np.int8),
        end_cause=np.concatenate([pieces.end_cause, pieces.end_cause, set_ns]).astype(np.int8),
    )


def acquisition_ns(links: Links, flight_start_ns: int, laser: Laser) -> NDArray[np.int64]:
    """Return how long each link takes to acquire, ns.

    Nothing if it is held when the flight starts, `reacquisition_s` if its pair parted within
    `reacquisition_within_s`, else `acquisition_s`.
    """
    order = np.lexsort((links.start_ns, links.second, links.first))
    first, second = links.first[order], links.second[order]
    apart_ns = links.start_ns[order][1:] - links.end_ns[order][:-1]
    again = (first[1:] == first[:-1]) & (second[1:] == second[:-1])
    again &= apart_ns <= time.seconds_to_ns(laser.reacquisition_within_s)
    takes_ns = np.full(len(links), time.seconds_to_ns(laser.acquisition_s))
    takes_ns[order[1:][again]] = time.seconds_to_ns(min(laser.acquisition_s, laser.reacquisition_s))
    takes_ns[links.start_ns == flight_start_ns] = 0
    return takes_ns
