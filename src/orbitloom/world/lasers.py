"""Which satellites hold a laser link, and when.

Two satellites can link while they are within range and the line between them stays higher than the
grazing height above a sphere of the equatorial radius (on the safe side: the poles lie 21 km
lower). Its lowest point is the foot of the Earth's centre on the line, if that lies between them.

Who links with whom: Walker fleets point at their neighbours in the plane, before and behind. Any
other fleet is joined anew each whole minute: pairs are taken from the nearest up as long as both
have a free terminal, first those that join two groups not yet joined, then any (this closes
rings). A link that is held counts as half as long, so that links do not flap. A link lasts while
its pair is chosen and can link; data flows `acquisition_s` after it begins, unless it was held when
the flight starts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario import Fleet, WalkerFleet, time
from orbitloom.scenario.links import Laser
from orbitloom.world.earth import EQUATORIAL_RADIUS_M
from orbitloom.world.orbits import Ephemeris
from orbitloom.world.windows import Windows, positive_spans

__all__ = ["laser_links", "laser_windows", "line_of_sight", "link_candidates"]

Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Pairs = NDArray[np.intp]

_MINUTE_NS = 60 * time.SECOND_NS
_HELD = 0.5
_REACH_M = 1e6  # two satellites close in at 15.5 km/s at most: 930 km in a step
_CHUNK = 4_000_000


def line_of_sight(a_m: Floats, b_m: Floats) -> tuple[Floats, Floats]:
    """Return length and lowest height of lines between positions (..., 3), m.

    The height is over a sphere of the equatorial radius.
    """
    line = b_m - a_m
    length2 = np.sum(line * line, axis=-1)
    share = np.clip(-np.sum(a_m * line, axis=-1) / np.maximum(length2, 1.0), 0.0, 1.0)
    foot = a_m + share[..., None] * line
    return np.sqrt(length2), np.linalg.norm(foot, axis=-1) - EQUATORIAL_RADIUS_M


def link_candidates(fleet: Fleet, satellites: int) -> Pairs:
    """Return the pairs (n, 2) that may link: neighbours in a plane, or any two."""
    if not isinstance(fleet, WalkerFleet):
        return np.stack(np.triu_indices(satellites, k=1), axis=-1)
    here = np.arange(satellites)
    place = here % fleet.per_plane
    ahead = here - place + (place + 1) % fleet.per_plane
    pairs = np.sort(np.stack([here, ahead], axis=-1), axis=-1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)


def laser_windows(ephemeris: Ephemeris, pairs: Pairs, laser: Laser) -> Windows:
    """Return when pairs (n, 2) of satellites can link."""
    longest_m, grazing_m = 1e3 * laser.max_range_km, 1e3 * laser.grazing_height_km

    def clearance(a_m: Floats, b_m: Floats) -> Floats:
        length, lowest = line_of_sight(a_m, b_m)
        return np.minimum(longest_m - length, lowest - grazing_m)

    chunk = max(1, _CHUNK // ephemeris.nodes_ns.size)
    spans: list[tuple[NDArray[np.intp], Times, Times]] = []
    for offset in range(0, len(pairs), chunk):
        first, second = pairs[offset : offset + chunk].T

        def free(
            row: NDArray[np.intp], t_ns: Times, first: Pairs = first, second: Pairs = second
        ) -> Floats:
            return clearance(
                ephemeris.position_eci_m(t_ns, first[row]),
                ephemeris.position_eci_m(t_ns, second[row]),
            )

        values = clearance(ephemeris.eci_m[first], ephemeris.eci_m[second])
        rows, start_ns, end_ns = positive_spans(ephemeris.nodes_ns, values, free, _REACH_M)
        spans.append((rows + offset, start_ns, end_ns))
    if not spans:
        spans.append((np.empty(0, np.intp), np.empty(0, np.int64), np.empty(0, np.int64)))
    rows, start_ns, end_ns = (np.concatenate(column) for column in zip(*spans, strict=True))
    return Windows.between(pairs, rows, start_ns, end_ns, (ephemeris.start_ns, ephemeris.end_ns))


def laser_links(ephemeris: Ephemeris, fleet: Fleet, laser: Laser) -> Windows:
    """Return the links that are held, acquisition included; each row one link, `first` < `second`.

    The rule is the module's.
    """
    satellites = len(ephemeris.names)
    pairs = link_candidates(fleet, satellites)
    windows = laser_windows(ephemeris, pairs, laser)
    if pairs.size == 0 or np.max(np.bincount(pairs.ravel())) <= laser.terminals:
        return windows
    return _choose(ephemeris, windows, laser.terminals)


def _choose(ephemeris: Ephemeris, windows: Windows, terminals: int) -> Windows:
    minutes_ns = np.arange(ephemeris.start_ns, ephemeris.end_ns, _MINUTE_NS)
    held: dict[int, int] = {}
    links: list[tuple[int, int, int]] = []
    for t_ns in minutes_ns.tolist():
        possible = np.flatnonzero((windows.start_ns <= t_ns) & (t_ns < windows.end_ns))
        position_m = ephemeris.position_eci_m(t_ns)
        first, second = windows.first[possible], windows.second[possible]
        # To the metre, so that the even hops of a ring are told apart by number, not by rounding.
        length = np.rint(np.linalg.norm(position_m[first] - position_m[second], axis=-1))
        length[np.isin(possible, list(held))] *= _HELD
        order = np.argsort(length, kind="stable")
        chosen = {
            int(possible[order[i]])
            for i in _join(
                first[order].tolist(), second[order].tolist(), terminals, len(position_m)
            )
        }
        links += [(window, held.pop(window), t_ns) for window in sorted(held.keys() - chosen)]
        held.update(dict.fromkeys(sorted(chosen - held.keys()), t_ns))
    links += [(window, since, ephemeris.end_ns) for window, since in held.items()]
    rows, start_ns, end_ns = np.array(links, dtype=np.int64).reshape(-1, 3).T
    end_ns = np.minimum(end_ns, windows.end_ns[rows])
    pairs = np.stack([windows.first, windows.second], axis=-1)
    clip = (ephemeris.start_ns, ephemeris.end_ns)
    return Windows.between(pairs, rows, start_ns, end_ns, clip)


def _join(first: list[int], second: list[int], terminals: int, satellites: int) -> list[int]:
    """Return which pairs, sorted by length, are linked: joins of groups first, then the rest."""
    free = [terminals] * satellites
    group = list(range(satellites))
    taken, later = [], []

    def root(satellite: int) -> int:
        while group[satellite] != satellite:
            group[satellite] = group[group[satellite]]
            satellite = group[satellite]
        return satellite

    for i, (a, b) in enumerate(zip(first, second, strict=True)):
        if not (free[a] and free[b]):
            continue
        if root(a) == root(b):
            later.append(i)
            continue
        group[root(a)] = root(b)
        free[a] -= 1
        free[b] -= 1
        taken.append(i)
    for i in later:
        a, b = first[i], second[i]
        if free[a] and free[b]:
            free[a] -= 1
            free[b] -= 1
            taken.append(i)
    return taken
