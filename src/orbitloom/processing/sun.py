"""Where the Sun stands, from the clock alone: what L2 needs to turn radiance into reflectance.

Processing asks no other layer for it, since the same code runs on board.
"""

from __future__ import annotations

import erfa
import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario.time import DAY_NS

__all__ = ["sun_cosine", "sun_direction"]

_UNIX_EPOCH_JD = 2_440_587.5
_TT_MINUS_UTC_S = 69.184  # 37 leap seconds + 32.184 s; none has been announced since 2017


def sun_direction(t_ns: int) -> tuple[NDArray[np.float64], float]:
    """Return the unit vector from Earth to Sun, Earth-fixed, and the distance in au.

    Earth's heliocentric position by VSOP2000 (`erfa.epv00`), turned by IAU 2006/2000A. UT1 is taken
    as UTC and polar motion as zero, together below 15 arcsec of Sun direction; annual aberration
    (20 arcsec) is left out as well.
    """
    days, in_day_ns = divmod(t_ns, DAY_NS)
    whole, utc = _UNIX_EPOCH_JD + days, in_day_ns / DAY_NS
    tt = utc + _TT_MINUS_UTC_S / 86_400.0
    earth_au = np.asarray(erfa.epv00(whole, tt)[0]["p"])
    distance_au = float(np.linalg.norm(earth_au))
    to_itrs = np.asarray(erfa.c2t06a(whole, tt, whole, utc, 0.0, 0.0))
    return to_itrs @ (-earth_au / distance_au), distance_au


def sun_cosine(
    direction_ecef: NDArray[np.float64],
    longitude_deg: NDArray[np.float64],
    latitude_deg: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the cosine of the Sun's zenith angle at places on the ellipsoid (sine of elevation).

    The Sun's parallax (9 arcsec) is left out.
    """
    longitude, latitude = np.radians(longitude_deg), np.radians(latitude_deg)
    x, y, z = direction_ecef
    return np.asarray(
        np.cos(latitude) * (np.cos(longitude) * x + np.sin(longitude) * y) + np.sin(latitude) * z
    )
