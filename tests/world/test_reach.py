"""Who reaches the ground: the compiled search against connected components of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from orbitloom.scenario import WalkerFleet, load, time
from orbitloom.scenario.links import Laser
from orbitloom.world.earth import ecef_from_geodetic, geodetic_up
from orbitloom.world.lasers import line_of_sight
from orbitloom.world.orbits import build_ephemeris
from orbitloom.world.reach import reaching
from orbitloom.world.windows import sine_elevation

START_NS = time.from_iso("2026-06-14T00:00:00Z")
FLEETS = {
    "real": load("scs01").fleet,
    "planes": WalkerFleet(planes=5, per_plane=9, phasing=2, raan_spread_deg=180.0),
    "pairs": WalkerFleet(planes=10, per_plane=2, phasing=3),
    "one": WalkerFleet(per_plane=1),
}


@pytest.mark.parametrize("name", FLEETS)
@pytest.mark.parametrize("laser", [None, Laser(), Laser(max_range_km=2500.0)])
def test_reach_is_that_of_connected_components(name, laser):
    ephemeris = build_ephemeris(FLEETS[name], START_NS, START_NS + 3 * time.HOUR_NS)
    t_ns = START_NS + np.random.default_rng(3).integers(0, 3 * time.HOUR_NS, 60)
    places = np.array([[30.3, 120.2], [78.2, 15.4], [-46.5, 168.4]]).T
    site_m, up = ecef_from_geodetic(*places), geodetic_up(*places)
    mask_deg = np.array([5.0, 10.0, 0.0])

    found = reaching(ephemeris, t_ns, site_m, up, mask_deg, laser)

    for k, t in enumerate(t_ns.tolist()):
        position_m = ephemeris.position_ecef_m(t)
        sine = sine_elevation(position_m[:, None], site_m, up)
        sees = (sine > np.sin(np.radians(mask_deg))).any(axis=1)
        if laser is not None:
            length, lowest = line_of_sight(position_m[:, None], position_m[None, :])
            near = length < 1e3 * laser.max_range_km
            joined = near & (lowest > 1e3 * laser.grazing_height_km)
            groups = connected_components(csr_array(joined), directed=False)[1]
            sees = np.isin(groups, groups[sees])
        assert found[:, k].tolist() == sees.tolist()


def test_members_alone_take_part_and_large_fleets_come_in_parts(monkeypatch):
    ephemeris = build_ephemeris(FLEETS["real"], START_NS, START_NS + time.HOUR_NS)
    t_ns = START_NS + time.SECOND_NS * np.arange(0, 3600, 60)
    places = np.array([[78.2], [15.4]])
    ground = ecef_from_geodetic(*places), geodetic_up(*places), np.array([5.0])
    some = np.array([0, 2, 4])

    alone = reaching(ephemeris, t_ns, *ground, None)
    assert np.array_equal(reaching(ephemeris, t_ns, *ground, None, members=some), alone[some])
    whole = reaching(ephemeris, t_ns, *ground, Laser(), members=some)
    assert not np.any(whole & ~reaching(ephemeris, t_ns, *ground, Laser())[some])
    shares: list[float] = []
    monkeypatch.setattr("orbitloom.world.reach._CHUNK", 30)
    parts = reaching(ephemeris, t_ns, *ground, Laser(), members=some, progress=shares.append)
    assert np.array_equal(parts, whole)
    assert shares == [pytest.approx((i + 1) / 6) for i in range(6)]
