"""How the Earth is turned: GCRS and TEME to ITRS, and geodetic places on the WGS84 ellipsoid.

Precession-nutation is IAU 2006/2000A through the CIO (IERS Conventions 2010, chapter 5), Earth
rotation and polar motion come from the table *finals2000A* of the IERS that the package
``astropy-iers-data`` ships. Bulletin B values are taken where the table has them, predictions
(about a year ahead) after that. Celestial pole offsets (about 0.4 mas, 1 cm in low orbit) are
left out, as astropy does.

Past the table's end its last values hold: UT1 drifts by some milliseconds a month, 0.5 m each on
the equator. `EarthOrientation.is_extrapolated` tells. Before its start (1973) nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import astropy_iers_data
import erfa
import numpy as np
from numpy.typing import ArrayLike, NDArray

from orbitloom.errors import OrbitError
from orbitloom.scenario import time

__all__ = [
    "EARTH_RATE_RAD_S",
    "EQUATORIAL_RADIUS_M",
    "EarthOrientation",
    "builtin_orientation",
    "ecef_from_geodetic",
    "geodetic_from_ecef",
    "geodetic_up",
    "julian_date",
    "on_grid",
    "tai_minus_utc_s",
    "terrestrial_time",
]

Times = NDArray[np.int64]
Floats = NDArray[np.float64]

EQUATORIAL_RADIUS_M = 6_378_137.0
"""WGS84 semi-major axis, m."""

EARTH_RATE_RAD_S = 2.0 * np.pi * 1.00273781191135448 / 86_400.0
"""dERA/dUT1, rad/s (IERS Conventions 2010, equation 5.15)."""

_JD_1970 = 2_440_587.5
_MJD_1970 = 40_587
_GRID_NS = 3 * time.HOUR_NS


@dataclass(frozen=True, slots=True, eq=False)
class EarthOrientation:
    """Earth rotation and polar motion over time, from a table with one row a day.

    Attributes
    ----------
    t_ns
        (n,) times of the rows, 0 h UTC.
    x_rad, y_rad
        (n,) polar motion.
    ut1_minus_tai_s
        (n,); TAI, because its difference to UT1 has no jumps to interpolate over.
    """

    t_ns: Times
    x_rad: Floats
    y_rad: Floats
    ut1_minus_tai_s: Floats
    _seconds: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Keep the row times as seconds, which `numpy.interp` wants."""
        object.__setattr__(self, "_seconds", self.t_ns / time.SECOND_NS)

    @classmethod
    def read(cls, file: str | Path) -> EarthOrientation:
        """Return the table in a file of the IERS format *finals2000A*.

        Columns as in the IERS ``readme.finals2000A``: Bulletin A in 19-27, 38-46 and 59-68,
        Bulletin B in 135-144, 145-154 and 155-165, modified Julian date in 8-15.
        """
        rows = []
        for line in Path(file).read_text(encoding="ascii").splitlines():
            mjd = int(float(line[7:15]))
            if line[134:165].strip():
                rows.append((mjd, line[134:144], line[144:154], line[154:165]))
            elif line[58:68].strip():
                rows.append((mjd, line[18:27], line[37:46], line[58:68]))
        table = np.array(rows, dtype=np.float64)
        t_ns = (table[:, 0].astype(np.int64) - _MJD_1970) * time.DAY_NS
        arcsec = np.pi / 648_000.0
        return cls(
            t_ns=t_ns,
            x_rad=table[:, 1] * arcsec,
            y_rad=table[:, 2] * arcsec,
            ut1_minus_tai_s=table[:, 3] - tai_minus_utc_s(t_ns),
        )

    def is_extrapolated(self, t_ns: int) -> bool:
        """Return whether a time lies past the table's end, where its last values hold."""
        return bool(t_ns > self.t_ns[-1])

    def ut1_minus_utc_s(self, t_ns: Times) -> Floats:
        """Return UT1 - UTC at times (n,), s.

        Raises
        ------
        OrbitError
            If a time lies before the table's first row.
        """
        if np.min(t_ns, initial=self.t_ns[0]) < self.t_ns[0]:
            raise OrbitError(
                f"the Earth's rotation is not tabulated at {time.to_iso(int(np.min(t_ns)))}",
                way_out=f"Start at {time.to_iso(int(self.t_ns[0]))} or later",
            )
        return self._interpolate(t_ns, self.ut1_minus_tai_s) + tai_minus_utc_s(t_ns)

    def gcrs_to_itrs_matrix(self, t_ns: Times) -> Floats:
        """Return the rotations (n, 3, 3) that turn GCRS vectors into ITRS at times (n,)."""
        t_ns = np.asarray(t_ns, dtype=np.int64)
        celestial = erfa.c2ixys(*on_grid(_pole, t_ns, _GRID_NS).T)
        era = erfa.era00(*julian_date(t_ns, self.ut1_minus_utc_s(t_ns)))
        return np.asarray(erfa.c2tcio(celestial, era, self.polar_motion_matrix(t_ns)))

    def teme_to_itrs_matrix(self, t_ns: Times) -> Floats:
        """Return the rotations (n, 3, 3) from SGP4's frame to ITRS at times (n,).

        GMST of 1982 about the pole of date, then polar motion (Vallado et al., AIAA 2006-6753,
        appendix C).
        """
        t_ns = np.asarray(t_ns, dtype=np.int64)
        gmst = self.gmst_rad(t_ns)
        identity = np.broadcast_to(np.eye(3), (*gmst.shape, 3, 3))
        return np.asarray(self.polar_motion_matrix(t_ns) @ erfa.rz(gmst, identity))

    def gmst_rad(self, t_ns: Times) -> Floats:
        """Return Greenwich mean sidereal time (IAU 1982) at times (n,), rad."""
        return np.asarray(erfa.gmst82(*julian_date(t_ns, self.ut1_minus_utc_s(t_ns))))

    def polar_motion_matrix(self, t_ns: Times) -> Floats:
        """Return the rotations (n, 3, 3) from the terrestrial intermediate system to ITRS."""
        x_rad, y_rad = (self._interpolate(t_ns, column) for column in (self.x_rad, self.y_rad))
        return np.asarray(erfa.pom00(x_rad, y_rad, erfa.sp00(*terrestrial_time(t_ns))))

    def _interpolate(self, t_ns: Times, column: Floats) -> Floats:
        seconds = np.asarray(t_ns, dtype=np.int64) / time.SECOND_NS
        return np.asarray(np.interp(seconds, self._seconds, column))


@cache
def builtin_orientation() -> EarthOrientation:
    """Return the orientation by the table that ``astropy-iers-data`` ships."""
    return EarthOrientation.read(astropy_iers_data.IERS_A_FILE)


def tai_minus_utc_s(t_ns: Times) -> Floats:
    """Return TAI - UTC at times (n,) after 1972, s, by ERFA's table of leap seconds."""
    table = erfa.leap_seconds.get()
    months = (table["year"] - 1970) * 12 + table["month"] - 1
    starts = months.astype("datetime64[M]").astype("datetime64[ns]").astype(np.int64)
    return np.asarray(table["tai_utc"][np.searchsorted(starts, t_ns, side="right") - 1])


def julian_date(t_ns: Times, offset_s: ArrayLike = 0.0) -> tuple[Floats, Floats]:
    """Return times as two-part Julian dates (n,), (n,): midnight, and the day's fraction."""
    day, rest = np.divmod(np.asarray(t_ns, dtype=np.int64), time.DAY_NS)
    return _JD_1970 + day, rest / time.DAY_NS + np.asarray(offset_s) / 86_400.0


def terrestrial_time(t_ns: Times) -> tuple[Floats, Floats]:
    """Return times in TT as two-part Julian dates (n,), (n,)."""
    return julian_date(t_ns, tai_minus_utc_s(t_ns) + 32.184)


def on_grid(function: Callable[[Times], Floats], t_ns: Times, step_ns: int) -> Floats:
    """Return a slow function at times (n,) -> (n, k) by cubics through its values on a grid.

    The grid is fixed in time, so that a value does not depend on which others are asked for.
    """
    cell = np.asarray(t_ns, dtype=np.int64) // step_ns
    needed = np.unique(np.add.outer(cell, np.arange(-1, 3)))
    values = function(needed * step_ns)
    first = np.searchsorted(needed, cell - 1)
    u = (t_ns - cell * step_ns) / step_ns
    weights = (
        -u * (u - 1) * (u - 2) / 6,
        (u + 1) * (u - 1) * (u - 2) / 2,
        -(u + 1) * u * (u - 2) / 2,
        (u + 1) * u * (u - 1) / 6,
    )
    terms = [weight[..., None] * values[first + k] for k, weight in enumerate(weights)]
    return np.asarray(sum(terms))


def _pole(t_ns: Times) -> Floats:
    """Return X, Y of the celestial intermediate pole and the CIO locator s, (n, 3) rad."""
    return np.stack(erfa.xys06a(*terrestrial_time(t_ns)), axis=-1)


def ecef_from_geodetic(
    latitude_deg: ArrayLike, longitude_deg: ArrayLike, altitude_m: ArrayLike = 0.0
) -> Floats:
    """Return positions (..., 3) in the Earth-fixed frame, m, of places on WGS84."""
    longitude, latitude = np.radians(longitude_deg), np.radians(latitude_deg)
    height = np.broadcast_to(altitude_m, np.broadcast_shapes(longitude.shape, latitude.shape))
    return np.asarray(erfa.gd2gc(erfa.WGS84, longitude, latitude, height))


def geodetic_from_ecef(position_ecef_m: Floats) -> tuple[Floats, Floats, Floats]:
    """Return latitude (deg), longitude (deg) and height (m) on WGS84 of positions (..., 3)."""
    longitude, latitude, height = erfa.gc2gd(erfa.WGS84, position_ecef_m)
    return np.degrees(latitude), np.degrees(longitude), np.asarray(height)


def geodetic_up(latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Floats:
    """Return the unit normals (..., 3) of the ellipsoid in the Earth-fixed frame."""
    return np.asarray(erfa.s2c(np.radians(longitude_deg), np.radians(latitude_deg)))
