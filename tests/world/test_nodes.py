"""Rates at nodes, and what they leave between nodes on round and long orbits."""

import numpy as np
import pytest
from sgp4.api import SatrecArray

from orbitloom.scenario import ElementsFleet, load, time
from orbitloom.world.earth import julian_date
from orbitloom.world.elements import satrec_from_elements
from orbitloom.world.nodes import rates, turn_states
from orbitloom.world.orbits import build_ephemeris
from orbitloom.world.walker import turn_to

START_NS = time.from_iso("2026-06-14T00:00:00Z")


def test_rates_of_a_circle():
    rate = 1.1e-3  # rad/s: a low orbit
    t_s = 60.0 * np.arange(-4, 100)
    values = 7e6 * np.stack([np.cos(rate * t_s), np.sin(rate * t_s)], axis=-1)
    exact = 7e6 * rate * np.stack([-np.sin(rate * t_s), np.cos(rate * t_s)], axis=-1)
    assert np.max(np.abs(rates(values, 60.0) - exact[4:-4])) < 1e-8


def test_turned_states_are_the_turned_positions_and_their_rates():
    rng = np.random.default_rng(2)
    raw, matrix = rng.normal(size=(3, 20, 3)), rng.normal(size=(20, 3, 3))
    position, velocity = np.empty((3, 12, 3)), np.empty((3, 12, 3))
    turn_states(raw, matrix, 1e3, 60.0, position, velocity)
    turned = 1e3 * np.einsum("nij,knj->kni", matrix, raw)
    np.testing.assert_allclose(position, turned[:, 4:-4], rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(velocity, rates(turned, 60.0), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("eccentricity", "rev_per_day", "limit_m"),
    [(0.001, 16.3, 1e-4), (0.1, 13.0, 3e-4), (0.5, 5.6, 2e-3), (0.73, 2.26, 4e-3)],
)
def test_between_nodes_of_eccentric_orbits(eccentricity, rev_per_day, limit_m):
    """Round to 225 km by 35,000 km: the nodes, 60 s apart, hold even at 10 km/s."""
    orbit = {
        "eccentricity": eccentricity,
        "mean_motion_rev_per_day": rev_per_day,
        "bstar_per_re": 0.0,
    }
    elements = load("scs01").fleet.elements[0].model_copy(update=orbit)
    fleet = ElementsFleet(kind="elements", elements=(elements,))
    ephemeris = build_ephemeris(fleet, START_NS, START_NS + time.DAY_NS)
    t_ns = np.random.default_rng(4).integers(ephemeris.start_ns, ephemeris.end_ns, 5000)
    error, teme_km, _ = SatrecArray([satrec_from_elements(elements)]).sgp4(*julian_date(t_ns))
    assert not np.any(error)
    for frame, ours in (
        ("ecef", ephemeris.position_ecef_m(t_ns, 0)),
        ("eci", ephemeris.position_eci_m(t_ns, 0)),
    ):
        exact = 1e3 * np.einsum("nij,nj->ni", turn_to(frame, t_ns), teme_km[0])
        assert np.max(np.linalg.norm(ours - exact, axis=-1)) < limit_m
