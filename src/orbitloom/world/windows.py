"""When satellites are in sight of sites: passes, found on the ephemeris' nodes and refined between.

Elevation is compared as a sine, compiled, for all satellites and sites of a chunk at once; the
search for sign changes is that of `orbitloom.world.crossings`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from orbitloom.scenario import Station
from orbitloom.world.crossings import positive_spans
from orbitloom.world.earth import ecef_from_geodetic, geodetic_up
from orbitloom.world.hermite import hermite_point
from orbitloom.world.orbits import NODE_STEP_NS, Ephemeris

__all__ = ["Windows", "positive_spans", "sine_elevation", "site_passes", "station_passes"]

Rows = NDArray[np.intp]
Times = NDArray[np.int64]
Floats = NDArray[np.float64]

_REACH = 0.5  # of a sine: 30 degrees, more than a satellite near the horizon climbs in a step
_CHUNK = 4_000_000  # values of a condition at a time: 32 MB


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Windows:
    """Spans of time between two things, one row each, sorted by start.

    Attributes
    ----------
    first, second
        (n,) what the window is between: satellite and station, or two satellites.
    start_ns, end_ns
        (n,).
    """

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    start_ns: Times
    end_ns: Times

    def __len__(self) -> int:
        return int(self.first.size)

    @classmethod
    def between(
        cls,
        pairs: NDArray[np.integer],
        rows: Rows,
        start_ns: Times,
        end_ns: Times,
        clip: tuple[int, int],
    ) -> Windows:
        """Return the spans of rows of `pairs` (n, 2), cut to `clip`."""
        start_ns, end_ns = np.maximum(start_ns, clip[0]), np.minimum(end_ns, clip[1])
        keep = np.flatnonzero(start_ns < end_ns)
        first, second = pairs[rows[keep]].T.astype(np.int32)
        order = np.lexsort((second, first, start_ns[keep]))
        keep = keep[order]
        return cls(
            first=first[order], second=second[order], start_ns=start_ns[keep], end_ns=end_ns[keep]
        )


def sine_elevation(position_ecef_m: Floats, site_ecef_m: Floats, up: Floats) -> Floats:
    """Return the sine of the geometric elevation (no refraction) seen from sites, (...)."""
    sight = position_ecef_m - site_ecef_m
    return np.asarray(np.sum(sight * up, axis=-1) / np.linalg.norm(sight, axis=-1))


def station_passes(ephemeris: Ephemeris, stations: tuple[Station, ...]) -> Windows:
    """Return when each satellite (`first`) is above the mask of each station (`second`).

    Geometric elevation over the WGS84 horizon; refraction (0.1 deg at a mask of 5 deg) is left out.
    """
    latitude_deg = np.array([station.latitude_deg for station in stations])
    longitude_deg = np.array([station.longitude_deg for station in stations])
    altitude_m = np.array([station.altitude_m for station in stations])
    return site_passes(
        ephemeris,
        ecef_from_geodetic(latitude_deg, longitude_deg, altitude_m),
        geodetic_up(latitude_deg, longitude_deg),
        np.array([station.mask_deg for station in stations]),
    )


def site_passes(ephemeris: Ephemeris, site_ecef_m: Floats, up: Floats, mask_deg: Floats) -> Windows:
    """Return when each satellite (`first`) is higher than a mask over each site (`second`).

    Parameters
    ----------
    ephemeris
        Of the satellites.
    site_ecef_m, up
        (m, 3) places, and unit vectors to their zeniths.
    mask_deg
        (m,) lowest elevations.
    """
    sites, nodes = len(mask_deg), ephemeris.nodes_ns.size
    mask = np.sin(np.radians(np.asarray(mask_deg, dtype=np.float64)))
    site_ecef_m, up = np.ascontiguousarray(site_ecef_m), np.ascontiguousarray(up)
    states = ephemeris.ecef_m, ephemeris.ecef_m_s
    first_ns = int(ephemeris.nodes_ns[0])
    chunk = max(1, _CHUNK // max(1, sites * nodes))
    found = []
    for begin in range(0, len(ephemeris.names), chunk):
        values = np.empty((min(chunk, len(ephemeris.names) - begin) * sites, nodes))
        _elevation_nodes(ephemeris.ecef_m, begin, site_ecef_m, up, mask, values)

        def above(row: Rows, t_ns: Times, begin: int = begin) -> Floats:
            out = np.empty(row.size)
            _elevations(
                *states, first_ns, NODE_STEP_NS, begin, site_ecef_m, up, mask, row, t_ns, out
            )
            return out

        row, start_ns, end_ns = positive_spans(ephemeris.nodes_ns, values, above, _REACH)
        found.append((row // sites + begin, row % sites, start_ns, end_ns))
    first, second, start_ns, end_ns = (
        np.concatenate(column) for column in zip(*found, strict=True)
    )
    pairs = np.stack([first, second], axis=-1)
    clip = (ephemeris.start_ns, ephemeris.end_ns)
    return Windows.between(pairs, np.arange(first.size), start_ns, end_ns, clip)


@njit(cache=True, nogil=True, error_model="numpy")
def _elevation_nodes(
    p: Floats, begin: int, site_m: Floats, up: Floats, mask: Floats, out: Floats
) -> None:
    """Write sine of elevation less that of the mask at nodes into `out`, satellite by satellite.

    Rows of `out` (satellites * sites, n) begin with those of satellite `begin` over every site.
    """
    sites = mask.size
    for row in range(out.shape[0]):
        k, s = begin + row // sites, row % sites
        a, b, c = site_m[s, 0], site_m[s, 1], site_m[s, 2]
        ux, uy, uz, low = up[s, 0], up[s, 1], up[s, 2], mask[s]
        for j in range(out.shape[1]):
            x, y, z = p[k, j, 0] - a, p[k, j, 1] - b, p[k, j, 2] - c
            out[row, j] = (x * ux + y * uy + z * uz) / np.sqrt(x * x + y * y + z * z) - low


@njit(cache=True, nogil=True, error_model="numpy")
def _elevations(
    p: Floats,
    v: Floats,
    first_ns: int,
    step_ns: int,
    begin: int,
    site_m: Floats,
    up: Floats,
    mask: Floats,
    row: Rows,
    t_ns: Times,
    out: Floats,
) -> None:
    """Write sine of elevation less that of the mask for rows (k,) at times (k,) into `out`."""
    sites = mask.size
    for j in range(row.size):
        s = row[j] % sites
        x, y, z = hermite_point(p, v, begin + row[j] // sites, t_ns[j], first_ns, step_ns)
        x, y, z = x - site_m[s, 0], y - site_m[s, 1], z - site_m[s, 2]
        over = x * up[s, 0] + y * up[s, 1] + z * up[s, 2]
        out[j] = over / np.sqrt(x * x + y * y + z * z) - mask[s]
