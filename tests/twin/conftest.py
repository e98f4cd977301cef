"""A flight small enough for a test and still whole: real packets, real chain, three arms."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from orbitloom.scenario import Scenario, load
from orbitloom.scenario.hardware import Instrument
from orbitloom.twin.flight import fly
from orbitloom.twin.result import FlightResult

SMALL = Instrument(columns=400, lines=400).model_dump()


Small = Callable[..., Scenario]


@pytest.fixture(scope="session")
def small() -> Small:
    """Give a function that returns flood12 for an hour with scenes of 4 km, and what is changed."""

    def build(**changes: Any) -> Scenario:
        return load("flood12", **{"hours": 1.0, "instrument": SMALL, **changes})

    return build


@pytest.fixture(scope="session")
def flown(small: Small) -> FlightResult:
    """One small flight that many tests look at."""
    with ThreadPoolExecutor(2) as executor:
        return fly(small(), executor=executor)
