"""Even fleets, judged by the closed form written out a second time, satellite by satellite."""

import numpy as np
import pytest

from orbitloom.scenario import WalkerFleet, time
from orbitloom.world.earth import builtin_orientation
from orbitloom.world.orbits import build_ephemeris
from orbitloom.world.walker import (
    ltdn_raan_rad,
    walker_chunks,
    walker_names,
    walker_positions,
)

START_NS = time.from_iso("2026-06-14T00:00:00Z")
FLEETS = [
    WalkerFleet(planes=7, per_plane=5, phasing=3, inclination_deg=53.0, altitude_km=550),
    WalkerFleet(planes=1, per_plane=12),
    WalkerFleet(planes=6, per_plane=1, phasing=2, inclination_deg=86.4, raan_spread_deg=180),
]


def plain_teme_m(fleet, t_ns):
    """Return positions by rotations about axes: argument of latitude, inclination, node."""
    axis_m = 6_378_137.0 + 1e3 * fleet.altitude_km
    motion = np.sqrt(3.986004418e14 / axis_m**3)
    inclination = np.radians(fleet.inclination_deg)
    k = 1.5 * 1.08262668e-3 * (6_378_137.0 / axis_m) ** 2
    since_s = (t_ns - START_NS) / 1e9
    total = fleet.planes * fleet.per_plane
    out = np.empty((total, t_ns.size, 3))
    for satellite in range(total):
        plane, place = divmod(satellite, fleet.per_plane)
        u = 2 * np.pi * (place / fleet.per_plane + fleet.phasing * plane / total)
        u = u + motion * (1 + k * (3 - 4 * np.sin(inclination) ** 2)) * since_s
        node = ltdn_raan_rad(fleet.ltdn_h, START_NS)
        node = node + np.radians(fleet.raan_spread_deg) * plane / fleet.planes
        node = node - k * motion * np.cos(inclination) * since_s
        x, y = axis_m * np.cos(u), axis_m * np.sin(u)
        x, y, z = x, y * np.cos(inclination), y * np.sin(inclination)
        out[satellite, :, 0] = np.cos(node) * x - np.sin(node) * y
        out[satellite, :, 1] = np.sin(node) * x + np.cos(node) * y
        out[satellite, :, 2] = z
    return out


@pytest.mark.parametrize("fleet", FLEETS)
def test_positions_are_the_closed_form_to_a_micrometre(fleet):
    t_ns = START_NS + np.arange(-60, 2 * 8640) * 10 * time.SECOND_NS
    expected = plain_teme_m(fleet, t_ns)
    found = walker_positions(fleet, START_NS, t_ns, frame="teme")
    assert np.max(np.abs(found - expected)) < 1e-6
    to_itrs = builtin_orientation().teme_to_itrs_matrix(t_ns)
    ecef = np.einsum("nij,snj->sni", to_itrs, expected)
    assert np.max(np.abs(walker_positions(fleet, START_NS, t_ns, frame="ecef") - ecef)) < 1e-6
    to_gcrs = np.swapaxes(builtin_orientation().gcrs_to_itrs_matrix(t_ns), -1, -2)
    eci = np.einsum("nij,snj->sni", to_gcrs, ecef)
    assert np.max(np.abs(walker_positions(fleet, START_NS, t_ns) - eci)) < 1e-6


def test_uneven_times_and_a_given_array_do_as_well():
    fleet = FLEETS[0]
    t_ns = START_NS + np.array([5, 1, 7_777_777_777_777, 3], dtype=np.int64)
    out = np.empty((35, 4, 3))
    found = walker_positions(fleet, START_NS, t_ns, frame="teme", out=out)
    assert found is out
    assert np.max(np.abs(out - plain_teme_m(fleet, t_ns))) < 1e-6


@pytest.mark.parametrize("frame", ["eci", "ecef", "teme"])
def test_chunks_are_the_same_positions(monkeypatch, frame):
    monkeypatch.setattr("orbitloom.world.walker._CHUNK_BYTES", 24 * 35 * 100)
    t_ns = START_NS + np.arange(250) * 10 * time.SECOND_NS
    whole = walker_positions(FLEETS[0], START_NS, t_ns, frame=frame)
    sizes = []
    for part, positions in walker_chunks(FLEETS[0], START_NS, t_ns, frame=frame):
        np.testing.assert_allclose(positions, whole[:, part], rtol=0, atol=1e-8)
        sizes.append(positions.shape[1])
    assert sizes == [100, 100, 50]


@pytest.mark.parametrize("fleet", FLEETS)
def test_the_ephemeris_is_the_closed_form_between_nodes(fleet):
    ephemeris = build_ephemeris(fleet, START_NS, START_NS + 24 * time.HOUR_NS)
    assert ephemeris.names == walker_names(fleet)
    t_ns = np.random.default_rng(1).integers(ephemeris.start_ns, ephemeris.end_ns, 2000)
    for frame, found in (
        ("ecef", ephemeris.position_ecef_m(t_ns)),
        ("eci", ephemeris.position_eci_m(t_ns)),
    ):
        exact = walker_positions(fleet, START_NS, t_ns, frame=frame)
        assert np.max(np.linalg.norm(found - exact, axis=-1)) < 1e-4
