"""When something holds: spans of time found on the ephemeris' nodes and refined between them.

A condition is a function of time that is positive while it holds. It is sampled at the 60 s nodes;
each change of sign is a bracket, and so is each dip or bump between nodes that reaches over to the
other sign (a grazing pass may rise and set between two nodes). Brackets are bisected, all at once,
to a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario import Station
from orbitloom.world.earth import ecef_from_geodetic, geodetic_up
from orbitloom.world.orbits import Ephemeris

__all__ = ["Windows", "bisect", "positive_spans", "sine_elevation", "site_passes", "station_passes"]

Rows = NDArray[np.intp]
Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Condition = Callable[[Rows, Times], Floats]

_RESOLUTION_NS = 1_000
_REACH = 0.5  # of a sine: 30 degrees, more than a satellite near the horizon climbs in a step
_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0


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


def positive_spans(
    nodes_ns: Times, values: Floats, condition: Condition, reach: float
) -> tuple[Rows, Times, Times]:
    """Return the spans in which conditions are positive.

    Parameters
    ----------
    nodes_ns
        (n,) times of the nodes.
    values
        (m, n) the m conditions at the nodes.
    condition
        Their values for k rows at k times.
    reach
        The most that a condition can change within one step: extrema at nodes farther from zero
        are not looked into.

    Returns
    -------
    rows, start_ns, end_ns
        (k,) each, sorted by row and start. A span that is open at the first or last node begins or
        ends there.
    """
    above = values > 0
    row, i = np.nonzero(above[:, 1:] != above[:, :-1])
    turn_row, turn_i, turn_ns = _hidden_turns(nodes_ns, values, condition, reach)
    turn_above = ~above[turn_row, turn_i]
    rows = np.concatenate([row, turn_row, turn_row])
    low = np.concatenate([nodes_ns[i], nodes_ns[turn_i - 1], turn_ns])
    high = np.concatenate([nodes_ns[i + 1], turn_ns, nodes_ns[turn_i + 1]])
    rising = np.concatenate([~above[row, i], turn_above, ~turn_above])
    roots = bisect(condition, rows, low, high, rising)
    open_first, open_last = np.flatnonzero(above[:, 0]), np.flatnonzero(above[:, -1])
    start_row = np.concatenate([rows[rising], open_first])
    start_ns = np.concatenate([roots[rising], np.full(open_first.size, nodes_ns[0])])
    end_row = np.concatenate([rows[~rising], open_last])
    end_ns = np.concatenate([roots[~rising], np.full(open_last.size, nodes_ns[-1])])
    starts, ends = np.lexsort((start_ns, start_row)), np.lexsort((end_ns, end_row))
    return start_row[starts], start_ns[starts], end_ns[ends]


def bisect(
    condition: Condition, rows: Rows, low: Times, high: Times, rising: NDArray[np.bool_]
) -> Times:
    """Return where conditions change sign between `low` and `high` (k,), to a microsecond."""
    low, high = low.copy(), high.copy()
    while rows.size and np.max(high - low) > _RESOLUTION_NS:
        middle = (low + high) // 2
        before = (condition(rows, middle) > 0) != rising
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    return high


def _hidden_turns(
    nodes_ns: Times, values: Floats, condition: Condition, reach: float
) -> tuple[Rows, Rows, Times]:
    """Return row, node and time of extrema beside a node that have the other sign."""
    above = values > 0
    size = np.abs(values)
    here = size[:, 1:-1]
    same = (above[:, :-2] == above[:, 1:-1]) & (above[:, 2:] == above[:, 1:-1])
    row, i = np.nonzero(same & (here <= size[:, :-2]) & (here < size[:, 2:]) & (here < reach))
    i += 1
    outward = np.where(above[row, i], 1.0, -1.0)
    low, high = nodes_ns[i - 1].astype(np.int64), nodes_ns[i + 1].astype(np.int64)
    while row.size and np.max(high - low) > 1_000 * _RESOLUTION_NS:
        part = ((high - low) * _GOLDEN).astype(np.int64)
        left, right = high - part, low + part
        nearer = outward * condition(row, left) < outward * condition(row, right)
        low, high = np.where(nearer, low, left), np.where(nearer, right, high)
    turn_ns = (low + high) // 2
    over = (condition(row, turn_ns) > 0) != above[row, i]
    return row[over], i[over], turn_ns[over]


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
    mask = np.sin(np.radians(mask_deg))
    found = []
    for satellite in range(len(ephemeris.names)):

        def above(site: Rows, t_ns: Times, satellite: int = satellite) -> Floats:
            position_m = ephemeris.position_ecef_m(t_ns, satellite)
            return sine_elevation(position_m, site_ecef_m[site], up[site]) - mask[site]

        nodes_m = ephemeris.ecef_m[satellite]
        values = sine_elevation(nodes_m, site_ecef_m[:, None], up[:, None]) - mask[:, None]
        site, start_ns, end_ns = positive_spans(ephemeris.nodes_ns, values, above, _REACH)
        found.append((np.full(site.size, satellite), site, start_ns, end_ns))
    first, second, start_ns, end_ns = (
        np.concatenate(column) for column in zip(*found, strict=True)
    )
    pairs = np.stack([first, second], axis=-1)
    clip = (ephemeris.start_ns, ephemeris.end_ns)
    return Windows.between(pairs, np.arange(first.size), start_ns, end_ns, clip)
