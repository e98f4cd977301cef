"""Contacts with stations: passes, as far as antennas serve them, at the rates that signals carry.

*Radio, fixed rate*: the scenario's, for all of a pass. *Radio, by budget*: modulation and coding
are set every ten seconds to what both ends of the slot carry, rain taken off that is exceeded in a
given share of the time; the contact is as sure as that share leaves. *Optical*: a fixed rate after
acquisition, as sure as the sky is clear. A satellite has one transmitter of each kind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario import Station, time
from orbitloom.scenario.links import Downlink, OpticalDownlink
from orbitloom.wire import OPTICAL, RF, EndCause
from orbitloom.world.antennas import served_passes
from orbitloom.world.earth import geodetic_up
from orbitloom.world.orbits import Ephemeris
from orbitloom.world.radio import RadioBudget
from orbitloom.world.windows import Windows, sine_elevation

__all__ = ["Downlinks", "downlinks"]

Times = NDArray[np.int64]
Floats = NDArray[np.float64]

_SLOT_NS = 10 * time.SECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Downlinks:
    """Contacts with stations, (n,) each.

    Attributes
    ----------
    satellite, station
        Their numbers.
    start_ns, end_ns, rate_bps, medium, confidence, end_cause
        As in a `wire.ContactPlan`.
    """

    satellite: NDArray[np.int32]
    station: NDArray[np.int32]
    start_ns: Times
    end_ns: Times
    rate_bps: Floats
    medium: NDArray[np.int8]
    confidence: Floats
    end_cause: NDArray[np.int8]

    def __len__(self) -> int:
        return int(self.satellite.size)


def downlinks(
    ephemeris: Ephemeris,
    stations: tuple[Station, ...],
    station_m: Floats,
    passes: Windows,
    downlink: Downlink,
    optical: OpticalDownlink,
) -> Downlinks:
    """Return the contacts with all stations.

    Parameters
    ----------
    ephemeris
        Of the satellites.
    stations, station_m
        And their positions (m, 3), Earth-fixed, m.
    passes
        Of satellites (`first`) over stations (`second`).
    downlink, optical
        The satellites' transmitters.
    """
    is_optical = np.array([one.kind == "optical" for one in stations], np.bool_)
    by_light = is_optical[passes.second] if len(stations) else np.zeros(len(passes), np.bool_)
    radio = served_passes(_only(passes, ~by_light), stations, downlink.conflicts)
    light = served_passes(_only(passes, by_light), stations, downlink.conflicts)
    if downlink.rate == "budget":
        radio_contacts = _by_budget(ephemeris, stations, station_m, radio, downlink)
    else:
        rate_bps = np.full(len(radio), 1e6 * downlink.rate_mbps)
        radio_contacts = _whole(ephemeris, radio, RF, rate_bps, np.ones(len(radio)))
    locked_ns = light.start_ns + time.seconds_to_ns(optical.acquisition_s)
    lit = np.flatnonzero(locked_ns < light.end_ns)
    light = Windows(
        first=light.first[lit],
        second=light.second[lit],
        start_ns=locked_ns[lit],
        end_ns=light.end_ns[lit],
    )
    clear = np.array([one.clear_sky for one in stations])
    sure = clear[light.second] if len(stations) else np.ones(0)
    rate_bps = np.full(len(light), 1e9 * optical.rate_gbps)
    both = (radio_contacts, _whole(ephemeris, light, OPTICAL, rate_bps, sure))
    columns = Downlinks.__slots__
    return Downlinks(
        **{name: np.concatenate([getattr(one, name) for one in both]) for name in columns}
    )


def _only(passes: Windows, keep: NDArray[np.bool_]) -> Windows:
    return Windows(
        first=passes.first[keep],
        second=passes.second[keep],
        start_ns=passes.start_ns[keep],
        end_ns=passes.end_ns[keep],
    )


def _causes(ephemeris: Ephemeris, end_ns: Times) -> NDArray[np.int8]:
    last = end_ns >= ephemeris.end_ns
    return np.where(last, EndCause.PLAN, EndCause.HORIZON).astype(np.int8)


def _whole(
    ephemeris: Ephemeris, served: Windows, medium: int, rate_bps: Floats, confidence: Floats
) -> Downlinks:
    return Downlinks(
        satellite=served.first,
        station=served.second,
        start_ns=served.start_ns,
        end_ns=served.end_ns,
        rate_bps=rate_bps,
        medium=np.full(len(served), medium, np.int8),
        confidence=confidence,
        end_cause=_causes(ephemeris, served.end_ns),
    )


def _by_budget(
    ephemeris: Ephemeris,
    stations: tuple[Station, ...],
    station_m: Floats,
    served: Windows,
    downlink: Downlink,
) -> Downlinks:
    found = [_whole(ephemeris, _only(served, served.first < 0), RF, np.ones(0), np.ones(0))]
    for number, station in enumerate(stations):
        own = _only(served, served.second == number)
        if len(own) == 0:
            continue
        budget = RadioBudget(downlink=downlink, station=station)
        up = geodetic_up(station.latitude_deg, station.longitude_deg)
        slots = -((own.start_ns - own.end_ns) // _SLOT_NS)
        row = np.repeat(np.arange(len(own)), slots)
        within = np.arange(row.size) - np.repeat(np.cumsum(slots) - slots, slots)
        start_ns = own.start_ns[row] + within * _SLOT_NS
        end_ns = np.minimum(start_ns + _SLOT_NS, own.end_ns[row])
        rates = []
        for t_ns in (start_ns, end_ns):
            at_m = ephemeris.position_ecef_m(t_ns, own.first[row].astype(np.int64))
            range_m = np.linalg.norm(at_m - station_m[number], axis=-1)
            sine = sine_elevation(at_m, station_m[number], up)
            rates.append(budget.rate_bps(range_m, np.arcsin(np.clip(sine, -1.0, 1.0))))
        rate_bps = np.minimum(*rates)
        begins = np.append(True, (row[1:] != row[:-1]) | (rate_bps[1:] != rate_bps[:-1]))
        first = np.flatnonzero(begins)
        last = np.append(first[1:], row.size) - 1
        goes_on = np.append(row[first[1:]] == row[first[:-1]], False)
        dies = goes_on & (np.append(rate_bps[first[1:]], 0.0) == 0.0)
        cause = _causes(ephemeris, end_ns[last])
        cause = np.where(goes_on, EndCause.RATE, cause)
        cause = np.where(dies, EndCause.RANGE, cause)
        keep = np.flatnonzero(rate_bps[first] > 0)
        found.append(
            Downlinks(
                satellite=own.first[row[first[keep]]],
                station=own.second[row[first[keep]]],
                start_ns=start_ns[first[keep]],
                end_ns=end_ns[last[keep]],
                rate_bps=rate_bps[first[keep]],
                medium=np.full(keep.size, RF, np.int8),
                confidence=np.full(keep.size, 1.0 - downlink.rain_exceeded_percent / 100.0),
                end_cause=cause[keep].astype(np.int8),
            )
        )
    columns = Downlinks.__slots__
    return Downlinks(
        **{name: np.concatenate([getattr(one, name) for one in found]) for name in columns}
    )
