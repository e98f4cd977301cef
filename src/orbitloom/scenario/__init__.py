"""What a user writes: one TOML file, validated, with every default's basis at hand."""

from orbitloom.scenario.fleet import ElementSet, ElementsFleet, Fleet, TleFleet, WalkerFleet
from orbitloom.scenario.load import (
    instrument_names,
    load,
    load_instrument,
    scenario_names,
    station_nets,
    target_lists,
)
from orbitloom.scenario.model import (
    ARMS,
    Arm,
    Scenario,
    SceneFile,
    Station,
    Subscription,
    Target,
)
from orbitloom.scenario.streams import stream

__all__ = [
    "ARMS",
    "Arm",
    "ElementSet",
    "ElementsFleet",
    "Fleet",
    "Scenario",
    "SceneFile",
    "Station",
    "Subscription",
    "Target",
    "TleFleet",
    "WalkerFleet",
    "instrument_names",
    "load",
    "load_instrument",
    "scenario_names",
    "station_nets",
    "stream",
    "target_lists",
]
