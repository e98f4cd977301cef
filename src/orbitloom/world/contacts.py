"""The contact plan: who can send to whom and when, made of passes and laser links.

*Downlinks.* See `orbitloom.world.downlinks`. Stations only receive.

*Lasers.* Each link carries data both ways, from the end of its acquisition, at the rate that the
light allows: where that changes a contact ends and the next begins. Acquiring a partner anew takes
less than a first meeting if they parted lately. Links that are held when the flight starts were
acquired before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario import Station, time
from orbitloom.scenario.links import Downlink, Laser, OpticalDownlink
from orbitloom.wire import LASER, ContactPlan
from orbitloom.world.downlinks import downlinks
from orbitloom.world.laser_budget import LaserBudget
from orbitloom.world.lasers import LinkLimits, Links
from orbitloom.world.link_rates import rate_pieces
from orbitloom.world.orbits import Ephemeris
from orbitloom.world.windows import Windows

__all__ = ["SPEED_OF_LIGHT_M_S", "acquisition_ns", "contact_plan"]

SPEED_OF_LIGHT_M_S = 299_792_458.0


def contact_plan(
    ephemeris: Ephemeris,
    stations: tuple[Station, ...],
    station_m: NDArray[np.float64],
    passes: Windows,
    links: Links,
    laser: Laser,
    downlink: Downlink,
    optical: OpticalDownlink | None = None,
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
    laser, downlink, optical
        Their rates and acquisition times; without `optical` the defaults.
    """
    satellites = len(ephemeris.names)
    down = downlinks(ephemeris, stations, station_m, passes, downlink, optical or OpticalDownlink())
    flows_ns = links.start_ns + acquisition_ns(links, ephemeris.start_ns, laser)
    longest_m = LinkLimits.of(laser).range_m
    pieces = rate_pieces(ephemeris, links, flows_ns, LaserBudget.of(laser), longest_m)
    one, other = links.first[pieces.link], links.second[pieces.link]
    sender = np.concatenate([one, other, down.satellite])
    receiver = np.concatenate([other, one, down.station + np.int32(satellites)])
    start_ns = np.concatenate([pieces.start_ns, pieces.start_ns, down.start_ns])
    end_ns = np.concatenate([pieces.end_ns, pieces.end_ns, down.end_ns])
    is_laser = np.arange(sender.size) < 2 * one.size
    middle_ns = (start_ns + end_ns) // 2
    from_m = ephemeris.position_ecef_m(middle_ns, sender)
    to_m = np.empty_like(from_m)
    to_m[is_laser] = ephemeris.position_ecef_m(middle_ns[is_laser], receiver[is_laser])
    to_m[~is_laser] = station_m[down.station]
    light_s = np.linalg.norm(to_m - from_m, axis=-1) / SPEED_OF_LIGHT_M_S
    return ContactPlan(
        nodes=(*ephemeris.names, *(station.name for station in stations)),
        satellites=satellites,
        sender=sender.astype(np.int32),
        receiver=receiver.astype(np.int32),
        start_ns=start_ns,
        end_ns=end_ns,
        rate_bps=np.concatenate([pieces.rate_bps, pieces.rate_bps, down.rate_bps]),
        light_time_ns=np.rint(light_s * time.SECOND_NS).astype(np.int64),
        medium=np.concatenate([np.full(2 * one.size, LASER, np.int8), down.medium]),
        confidence=np.concatenate([np.ones(2 * one.size), down.confidence]),
        end_cause=np.concatenate([pieces.end_cause, pieces.end_cause, down.end_cause]),
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
