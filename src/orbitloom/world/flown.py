"""The contacts that come about: the plan as it was uploaded, thinned by weather that was drawn.

A plan says how sure each contact is (`ContactPlan.confidence`). What happens is one draw of the
weather: cloud over optical stations, and, where the radio's rate follows a budget, rain that is
heavier than was taken off. It is drawn from the scenario's seed, so it is the same each time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario import Scenario
from orbitloom.wire import OPTICAL, RF, ContactPlan
from orbitloom.world.cloud_cover import drawn_weather, weathered

__all__ = ["flown_contacts"]

_RAIN_M = 50e3  # cells of rain: sites this far apart hardly share a deep fade (ITU-R P.618, 2.2.4)


def flown_contacts(
    plan: ContactPlan, scenario: Scenario, station_m: NDArray[np.float64]
) -> ContactPlan:
    """Return the plan's contacts that come about; the plan itself if nothing depends on weather.

    Parameters
    ----------
    plan
        As it was uploaded.
    scenario
        Its stations, seed, and span of time.
    station_m
        (stations, 3) where the stations are, m.
    """
    stations = scenario.stations
    optical = np.array([one.kind == "optical" for one in stations])
    kinds = [
        (
            "cloud",
            OPTICAL,
            optical,
            np.array([one.clear_sky for one in stations]),
            3600.0 * np.array([one.cloud_spell_h for one in stations]),
            1e3 * scenario.optical.cloud_correlation_km,
        )
    ]
    if scenario.downlink.rate == "budget":
        share = 1.0 - scenario.downlink.rain_exceeded_percent / 100.0
        spell_s = 60.0 * np.array([one.rain_spell_min for one in stations])
        kinds.append(("rain", RF, ~optical, np.full(len(stations), share), spell_s, _RAIN_M))
    for name, medium, own, clear_share, spell_s, correlation_m in kinds:
        if not own.any():
            continue
        weather = drawn_weather(
            scenario.seed,
            name,
            station_m[own],
            clear_share[own],
            spell_s[own],
            correlation_m,
            (scenario.start_ns, scenario.end_ns),
        )
        sites = np.where(own, np.cumsum(own) - 1, -1)
        plan = weathered(plan, weather, medium, sites)
    return plan
