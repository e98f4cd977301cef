"""Windows, judged by skyfield's altaz and by conditions whose roots are known."""

from pathlib import Path

import astropy_iers_data
import numpy as np
import pytest
from skyfield.api import EarthSatellite, Loader, wgs84
from skyfield.data import iers

from orbitloom.scenario import Station, load, time
from orbitloom.scenario.load import station_nets
from orbitloom.world.earth import ecef_from_geodetic, geodetic_up
from orbitloom.world.elements import satrec_from_elements
from orbitloom.world.windows import positive_spans, sine_elevation, station_passes

START_NS = time.from_iso("2026-06-14T00:00:00Z")


@pytest.fixture(scope="module")
def stations():
    return tuple(Station(**station) for station in station_nets()["world12"])


@pytest.fixture(scope="module")
def skyfield_scale():
    """Skyfield's time scale and polar motion from the same IERS table as ours."""
    table = Path(astropy_iers_data.IERS_A_FILE)
    scale = Loader(str(table.parent), verbose=False).timescale(builtin=False)
    with table.open("rb") as file:
        iers.install_polar_motion_table(scale, iers.parse_x_y_dut1_from_finals_all(file))
    return scale


def altitude_deg(scale, satellite, station, t_ns):
    day, rest = np.divmod(t_ns, time.DAY_NS)
    moments = scale.tt_jd(2_440_587.5 + day, rest / time.DAY_NS + (37 + 32.184) / 86_400)
    place = wgs84.latlon(station.latitude_deg, station.longitude_deg, station.altitude_m)
    return (satellite - place).at(moments).altaz()[0].degrees


def test_rise_and_set_within_2_ms_of_skyfield(scs01_ephemeris, stations, skyfield_scale):
    passes = station_passes(scs01_ephemeris, stations)
    elements = load("scs01").fleet.elements
    whole = (passes.start_ns > scs01_ephemeris.start_ns) & (passes.end_ns < scs01_ephemeris.end_ns)
    chosen = np.flatnonzero(whole)
    assert chosen.size >= 200
    grazing, worst_ms = [], 0.0
    for k in range(12):
        record = satrec_from_elements(elements[k])
        satellite = EarthSatellite.from_satrec(record, skyfield_scale)
        for s, station in enumerate(stations):
            rows = chosen[(passes.first[chosen] == k) & (passes.second[chosen] == s)]
            if rows.size == 0:
                continue
            ours = np.concatenate([passes.start_ns[rows], passes.end_ns[rows]])
            h_ns = 100_000_000
            low, here, high = (
                altitude_deg(skyfield_scale, satellite, station, ours + h) for h in (-h_ns, 0, h_ns)
            )
            rate_deg_s = (high - low) / 0.2
            error_s = (here - station.mask_deg) / rate_deg_s  # one Newton step to skyfield's root
            steep = np.abs(rate_deg_s) > 0.005
            worst_ms = max(worst_ms, 1e3 * np.max(np.abs(error_s[steep]), initial=0.0))
            assert np.max(np.abs(here - station.mask_deg)) < 5e-5
            grazing += [(k, station.name, int(t)) for t in ours[~steep]]
    print(f"{chosen.size} passes: worst rise or set {worst_ms:.3f} ms from skyfield's")
    print(f"grazing (slower than 0.005 deg/s; satellite, station, time): {grazing}")
    assert worst_ms < 2.0
    assert len(grazing) < 0.05 * 2 * chosen.size


def test_no_pass_is_missed_or_invented(scs01_ephemeris, stations):
    passes = station_passes(scs01_ephemeris, stations)
    t_ns = START_NS + np.arange(0, 24 * time.HOUR_NS, 5 * time.SECOND_NS)
    for s in (0, 4, 11):
        station = stations[s]
        place = (station.latitude_deg, station.longitude_deg)
        seen = sine_elevation(
            scs01_ephemeris.position_ecef_m(t_ns), ecef_from_geodetic(*place), geodetic_up(*place)
        ) > np.sin(np.radians(station.mask_deg))
        for k in range(12):
            rows = (passes.first == k) & (passes.second == s)
            inside = np.zeros(t_ns.size, dtype=bool)
            for start_ns, end_ns in zip(passes.start_ns[rows], passes.end_ns[rows], strict=True):
                inside |= (t_ns >= start_ns) & (t_ns < end_ns)
            assert np.array_equal(seen[k], inside)


NODES_NS = START_NS + 60 * time.SECOND_NS * np.arange(10)


def spans_of(function):
    """Return the spans in which a function of seconds since the first node is positive, s."""

    def condition(rows, t_ns):
        return function((t_ns - START_NS) / time.SECOND_NS) + 0.0 * rows

    values = condition(np.zeros(NODES_NS.size), NODES_NS)[None]
    rows, start_ns, end_ns = positive_spans(NODES_NS, values, condition, reach=1.0)
    assert np.all(rows == 0)
    return [
        ((a - START_NS) / time.SECOND_NS, (b - START_NS) / time.SECOND_NS)
        for a, b in zip(start_ns, end_ns, strict=True)
    ]


@pytest.mark.parametrize("middle", [130.0, 150.0, 170.0, 240.0])
@pytest.mark.parametrize("half", [0.5, 5.0, 29.0])
def test_a_pass_between_two_nodes_is_found(middle, half):
    found = spans_of(lambda t: (half**2 - (t - middle) ** 2) * 1e-6)
    assert found == [pytest.approx((middle - half, middle + half), abs=2e-5)]


@pytest.mark.parametrize("half", [0.5, 5.0, 29.0])
def test_a_gap_between_two_nodes_is_found(half):
    found = spans_of(lambda t: ((t - 150.0) ** 2 - half**2) * 1e-6)
    assert found == [
        pytest.approx((0.0, 150.0 - half), abs=2e-5),
        pytest.approx((150.0 + half, 540.0), abs=2e-5),
    ]


def test_what_only_touches_is_no_window():
    assert spans_of(lambda t: -1e-9 - (t - 150.0) ** 2 * 1e-6) == []
    assert spans_of(lambda t: -1.0 + 0.0 * t) == []


def test_what_always_holds_is_one_window():
    assert spans_of(lambda t: 1.0 + 0.0 * t) == [(0.0, 540.0)]
