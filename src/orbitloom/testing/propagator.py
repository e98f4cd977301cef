"""The contract of a propagator: inherit it, give yours, and pytest checks that it keeps it.

::

    from orbitloom.testing.propagator import PropagatorContract

    class TestMine(PropagatorContract):
        @pytest.fixture
        def propagator(self):
            return MyPropagator()
"""

from __future__ import annotations

import numpy as np
import pytest
from sgp4.api import Satrec

from orbitloom.scenario import load, time
from orbitloom.scenario.fleet import ElementSet, ElementsFleet
from orbitloom.world.elements import satrec_from_elements
from orbitloom.world.propagators import Propagator

__all__ = ["PropagatorContract"]


class PropagatorContract:
    """What every propagator keeps, ours and a user's."""

    @pytest.fixture
    def propagator(self) -> Propagator:
        """Return the propagator under test."""
        raise NotImplementedError("give the contract one: override the fixture 'propagator'")

    @pytest.fixture
    def elements(self) -> ElementSet:
        """Return the elements of a real satellite in low orbit."""
        fleet = load("scs01").fleet
        assert isinstance(fleet, ElementsFleet)
        return fleet.elements[0]

    def test_positions_are_those_of_the_sgp4_package(
        self, propagator: Propagator, elements: ElementSet
    ) -> None:
        """To a millimetre, low and high, round and long, in the order of the records."""
        high = {"mean_motion_rev_per_day": 2.005, "eccentricity": 0.7}
        one = {"eccentricity": 0.05, "mean_motion_rev_per_day": 13.5}
        some = [elements.model_copy(update=changes) for changes in ({}, high, one)]
        records = [satrec_from_elements(each) for each in some]
        t_ns = time.from_iso("2026-06-14T00:00:00Z") + np.arange(200) * 300 * time.SECOND_NS
        errors, position_km = propagator.positions_km(records, t_ns)
        assert position_km.shape == (3, 200, 3)
        assert not np.any(errors)
        day, rest = np.divmod(t_ns, time.DAY_NS)
        for record, found_km in zip(records, position_km, strict=True):
            fresh = Satrec.sgp4_array(record, 2_440_587.5 + day, rest / time.DAY_NS)
            assert not np.any(fresh[0])
            np.testing.assert_allclose(found_km, fresh[1], rtol=0, atol=1e-6)

    def test_one_that_cannot_be_flown_is_told(
        self, propagator: Propagator, elements: ElementSet
    ) -> None:
        """An error code that is not 0, for that satellite only."""
        bad = elements.model_copy(update={"eccentricity": 0.9})
        records = [satrec_from_elements(each) for each in (elements, bad)]
        t_ns = time.from_iso("2026-06-14T00:00:00Z") + np.arange(60) * 60 * time.SECOND_NS
        errors, _ = propagator.positions_km(records, t_ns)
        assert not np.any(errors[0])
        assert np.any(errors[1])
