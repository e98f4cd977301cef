"""What weather makes of a plan: one draw of the sky over each station.

A plan says how sure each contact is (`ContactPlan.confidence`). What happens is one draw of the
weather: cloud over optical stations, and, where the radio's rate follows a budget, rain that is
heavier than was taken off. It is drawn from the scenario's seed, so it is the same each time.
`closed_spells` is for those who fly a plan that counted on the sky, `flown_contacts` for those who
want to know what could have been planned.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario import Scenario
from orbitloom.wire import OPTICAL, RF, ContactPlan
from orbitloom.world.cloud_cover import Weather, drawn_weather, weathered
from orbitloom.world.earth import ecef_from_geodetic

__all__ = ["closed_spells", "flown_contacts"]

_RAIN_M = 50e3  # cells of rain: sites this far apart hardly share a deep fade (ITU-R P.618, 2.2.4)


def flown_contacts(plan: ContactPlan, scenario: Scenario) -> ContactPlan:
    """Return the plan's contacts that come about; the plan itself if nothing depends on weather.

    Parameters
    ----------
    plan
        As it was uploaded.
    scenario
        Its stations, seed, and span of time.
    """
    for medium, own, weather in _weathers(scenario):
        sites = np.where(own, np.cumsum(own) - 1, -1)
        plan = weathered(plan, weather, medium, sites)
    return plan


def closed_spells(scenario: Scenario) -> list[tuple[int, int, int]]:
    """Return station, start and end (ns) of each spell in which the sky over it is closed."""
    found = []
    for _, own, weather in _weathers(scenario):
        for site, station in enumerate(np.flatnonzero(own).tolist()):
            starts, ends = Weather(
                start_ns=weather.start_ns, step_ns=weather.step_ns, clear=~weather.clear
            ).spells(site)
            found += [(station, *span) for span in zip(starts.tolist(), ends.tolist(), strict=True)]
    return found


def _weathers(scenario: Scenario) -> Iterator[tuple[int, NDArray[np.bool_], Weather]]:
    """Yield medium, (stations,) which stations, and the weather over those."""
    stations = scenario.stations
    site_m = ecef_from_geodetic(
        [one.latitude_deg for one in stations],
        [one.longitude_deg for one in stations],
        [one.altitude_m for one in stations],
    )
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
            site_m[own],
            clear_share[own],
            spell_s[own],
            correlation_m,
            (scenario.start_ns, scenario.end_ns),
        )
        yield medium, own, weather
