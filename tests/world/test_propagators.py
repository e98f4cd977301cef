"""The two propagators keep the contract; heyoka's only where it is installed."""

from importlib.util import find_spec

import numpy as np
import pytest

from orbitloom.errors import OrbitError
from orbitloom.scenario import load, time
from orbitloom.testing.propagator import PropagatorContract
from orbitloom.world.cache import Cache
from orbitloom.world.orbits import build_ephemeris
from orbitloom.world.propagators import HeyokaPropagator, KeptPropagator, Sgp4Propagator


class TestSgp4(PropagatorContract):
    @pytest.fixture
    def propagator(self):
        return Sgp4Propagator()


@pytest.mark.skipif(find_spec("heyoka") is None, reason="heyoka is an extra: orbitloom[heyoka]")
class TestHeyoka(PropagatorContract):
    @pytest.fixture
    def propagator(self):
        return HeyokaPropagator()

    def test_an_ephemeris_is_the_same(self, propagator):
        scenario = load("scs01", hours=3)
        span = scenario.fleet, scenario.start_ns, scenario.end_ns
        ours, theirs = build_ephemeris(*span), build_ephemeris(*span, propagator=propagator)
        assert np.max(np.abs(ours.ecef_m - theirs.ecef_m)) < 1e-3


class TestKept(PropagatorContract):
    @pytest.fixture
    def propagator(self, tmp_path, monkeypatch):
        monkeypatch.setattr("orbitloom.world.propagators._WORTH_KEEPING", 0)
        return KeptPropagator(Sgp4Propagator(), Cache(folder=tmp_path))

    def test_the_second_answer_is_the_first(self, propagator, tmp_path):
        scenario = load("scs01", hours=1)
        span = scenario.fleet, scenario.start_ns, scenario.end_ns
        plain = build_ephemeris(*span)
        for _ in range(2):
            kept = build_ephemeris(*span, propagator=propagator)
            assert kept.ecef_m.tobytes() == plain.ecef_m.tobytes()
            assert kept.eci_m_s.tobytes() == plain.eci_m_s.tobytes()
        assert len(list(tmp_path.iterdir())) == 1
        later = scenario.start_ns + time.SECOND_NS, scenario.end_ns
        build_ephemeris(scenario.fleet, *later, propagator=propagator)
        assert len(list(tmp_path.iterdir())) == 2


def test_without_heyoka_the_way_out_is_told(monkeypatch):
    monkeypatch.setattr("orbitloom.world.propagators.find_spec", lambda name: None)
    with pytest.raises(OrbitError, match=r"orbitloom\[heyoka\]"):
        HeyokaPropagator()


def test_a_propagator_that_fails_is_told_with_the_satellite_s_name():
    class Failing:
        name = "failing"

        def positions_km(self, records, t_ns):
            errors = np.zeros((len(records), t_ns.size), np.uint8)
            errors[2, 5] = 6
            return errors, np.full((len(records), t_ns.size, 3), 7000.0)

    scenario = load("scs01", hours=1)
    name = scenario.fleet.elements[2].name
    start_ns = scenario.start_ns
    with pytest.raises(OrbitError, match=f"{name} cannot be propagated to 2026-06-13T23:51"):
        build_ephemeris(scenario.fleet, start_ns, start_ns + time.HOUR_NS, propagator=Failing())
