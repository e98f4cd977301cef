"""What several tests of the world share."""

from pathlib import Path

import astropy_iers_data
import numpy as np
import pytest
from astropy.time import Time
from astropy.utils import iers
from sgp4.api import WGS72, Satrec
from sgp4.exporter import export_tle

from orbitloom.scenario import load, time
from orbitloom.world.geometry import World
from orbitloom.world.orbits import build_ephemeris

_SGP4_DAY_0 = 2_433_281.5  # 1949-12-31T00:00
SHARED = Path(__file__).resolve().parents[2].parent / "shared"


@pytest.fixture
def same_iers_table():
    """Let astropy read the Earth rotation table that Orbitloom reads, and nothing else."""
    table = iers.IERS_A.open(astropy_iers_data.IERS_A_FILE)
    with iers.conf.set_temp("auto_download", False), iers.earth_orientation_table.set(table):
        yield


@pytest.fixture(scope="session")
def utc_time():
    """Turn times in ns into astropy's."""

    def convert(t_ns):
        day, rest = np.divmod(t_ns, time.DAY_NS)
        return Time(2_440_587.5 + day, rest / time.DAY_NS, format="jd", scale="utc")

    return convert


@pytest.fixture(scope="session")
def catalogue_file(tmp_path_factory):
    """Give the catalogue's lines of `scs01`; without them, the package's elements as lines."""
    catalogue = SHARED / "data" / "elements" / "scs01_2026-06-13.tle"
    if catalogue.is_file():
        return catalogue
    file = tmp_path_factory.mktemp("elements") / "scs01.tle"
    lines = []
    for number, one in enumerate(load("scs01").fleet.elements):
        record = Satrec()
        new_year = Time(f"20{one.epoch_yyddd[:2]}-01-01", scale="utc").jd
        epoch_days = new_year - _SGP4_DAY_0 + float(one.epoch_yyddd[2:]) - 1.0
        angles = (one.argument_of_perigee_deg, one.inclination_deg, one.mean_anomaly_deg)
        perigee, inclination, anomaly = np.radians(angles)
        motion = one.mean_motion_rev_per_day * 2 * np.pi / 1440
        record.sgp4init(
            WGS72, "i", one.norad_id, epoch_days, one.bstar_per_re, 0.0, 0.0,
            one.eccentricity, perigee, inclination, anomaly, motion, np.radians(one.raan_deg),
        )  # fmt: skip
        record.intldesg = f"25100{chr(ord('A') + number)}"
        lines += [one.name, *export_tle(record)]
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture(scope="session")
def flood12():
    return World(load("flood12"))


@pytest.fixture(scope="session")
def scs01_ephemeris():
    scenario = load("scs01", hours=24)
    return build_ephemeris(scenario.fleet, scenario.start_ns, scenario.end_ns)
