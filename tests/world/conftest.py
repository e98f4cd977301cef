"""What several tests of the world share."""

from pathlib import Path

import astropy_iers_data
import numpy as np
import pytest
from astropy.time import Time
from astropy.utils import iers

from orbitloom.scenario import load, time
from orbitloom.world.geometry import World
from orbitloom.world.orbits import build_ephemeris

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
def elements_folder():
    folder = SHARED / "data" / "elements"
    if not folder.is_dir():
        pytest.skip("the shared folder with the catalogue's elements is not here")
    return folder


@pytest.fixture(scope="session")
def ring12():
    return World(load("ring12"))


@pytest.fixture(scope="session")
def scs01_ephemeris():
    scenario = load("scs01", hours=24)
    return build_ephemeris(scenario.fleet, scenario.start_ns, scenario.end_ns)
