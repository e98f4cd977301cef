"""Laser links: a snapshot with its shortest paths, and the contact plan of a day.

The plain ways are what one writes first. Snapshot: the same positions, limits and masks in numpy,
a networkx graph, its Dijkstra from each station. Contact plan: each condition in numpy over all
pairs on a grid of 10 s, and passes the same way. It finds
what the grid sees, to 10 s instead of a microsecond, and writes no plan.
It is measured on a part of the pairs and of the satellites, and scaled by their number.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from orbitloom.bench.row import Row, cpu_s
from orbitloom.scenario import Station, WalkerFleet, time
from orbitloom.scenario.links import Downlink, Laser
from orbitloom.scenario.load import station_nets
from orbitloom.world.contacts import contact_plan
from orbitloom.world.earth import EQUATORIAL_RADIUS_M, ecef_from_geodetic, geodetic_up
from orbitloom.world.lasers import LinkLimits, line_of_sight, sun_directions
from orbitloom.world.link_choice import laser_links
from orbitloom.world.link_rules import link_rule
from orbitloom.world.orbits import Ephemeris, build_ephemeris
from orbitloom.world.snapshot import Snapshots
from orbitloom.world.windows import station_passes

__all__ = ["rows"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_START_NS = time.from_iso("2026-06-14T00:00:00Z")
_LASER = Laser(terminals=4)
_FLEETS = (
    (
        WalkerFleet(planes=72, per_plane=22, phasing=17, altitude_km=550, inclination_deg=53),
        0.015,
        22.0,
    ),
    (WalkerFleet(planes=35, per_plane=80, phasing=17), 0.025, 45.0),
)
_PART = 40  # the plain plan is made for one in so many pairs and satellites
_STEP_NS = 10 * time.SECOND_NS


def rows() -> Iterator[Row]:
    """Yield the figures of snapshots and contact plans at 1,584 and 2,800 satellites."""
    for fleet, limit, _ in _FLEETS:
        yield _snapshot(fleet, limit)
    for fleet, _, limit in _FLEETS:
        yield _plan(fleet, limit)


def _stations() -> tuple[Station, ...]:
    return tuple(Station(**one) for one in station_nets()["world12"])


def _places(stations: tuple[Station, ...]) -> tuple[Floats, Floats, Floats]:
    """Return positions (m, 3), zeniths (m, 3) and sines of the masks (m,)."""
    latitude = [one.latitude_deg for one in stations]
    longitude = [one.longitude_deg for one in stations]
    site_m = ecef_from_geodetic(latitude, longitude, [one.altitude_m for one in stations])
    mask = np.sin(np.radians([one.mask_deg for one in stations]))
    return site_m, geodetic_up(latitude, longitude), mask


def _snapshot(fleet: WalkerFleet, limit: float) -> Row:
    ephemeris = build_ephemeris(fleet, _START_NS, _START_NS + time.HOUR_NS)
    pairs = link_rule(fleet, _LASER).candidates(ephemeris)
    stations = _stations()
    snapshots = Snapshots(ephemeris, pairs, stations, _LASER)
    moments = iter(range(_START_NS, _START_NS + time.HOUR_NS, 7 * time.SECOND_NS))

    def plain() -> None:
        _plain_snapshot(ephemeris, pairs, stations, next(moments))

    try:
        import networkx  # noqa: F401
    except ImportError:
        plain_s = None
    else:
        plain_s = cpu_s(plain)
    return Row(
        what=f"snapshot and paths between 12 stations, {len(ephemeris.names):,} satellites",
        value=cpu_s(lambda: snapshots.at(next(moments)), runs=20),
        unit="CPU-s",
        limit=limit,
        plain=plain_s,
        plain_by="numpy and networkx",
    )


def _plain_snapshot(
    ephemeris: Ephemeris, pairs: NDArray[np.intp], stations: tuple[Station, ...], t_ns: int
) -> Floats:
    import networkx as nx

    limits = LinkLimits.of(_LASER)
    first, second = pairs.T
    a_m, a_m_s = ephemeris.position_eci_m(t_ns), ephemeris.velocity_eci_m_s(t_ns)
    free, length_m = _plain_free(
        a_m[first],
        a_m_s[first],
        a_m[second],
        a_m_s[second],
        sun_directions(np.array([t_ns])),
        limits,
    )
    graph = nx.DiGraph()
    for a, b, length in zip(first[free], second[free], length_m[free], strict=True):
        graph.add_edge(a, b, weight=length)
        graph.add_edge(b, a, weight=length)
    site_m, up, mask = _places(stations)
    sight = ephemeris.position_ecef_m(t_ns) - site_m[:, None]
    slant_m = np.linalg.norm(sight, axis=-1)
    seen = np.sum(sight * up[:, None], axis=-1) > slant_m * mask[:, None]
    for station, satellite in np.argwhere(seen):
        graph.add_edge(("from", station), satellite, weight=slant_m[station, satellite])
        graph.add_edge(satellite, ("to", station), weight=slant_m[station, satellite])
    delay = np.full((len(stations), len(stations)), np.inf)
    for start in range(len(stations)):
        if ("from", start) in graph:
            lengths = nx.single_source_dijkstra_path_length(graph, ("from", start))
            delay[start] = [lengths.get(("to", end), np.inf) for end in range(len(stations))]
    return delay


def _plain_free(
    a_m: Floats, a_m_s: Floats, b_m: Floats, b_m_s: Floats, sun: Floats, limits: LinkLimits
) -> tuple[Flags, Floats]:
    """Return whether pairs (..., 3) keep all limits, and their distances."""
    length_m, lowest_m = line_of_sight(a_m, b_m)
    line, moving = b_m - a_m, b_m_s - a_m_s
    free = (length_m < limits.range_m) & (lowest_m > limits.grazing_m)
    free &= np.abs(np.sum(line * moving, axis=-1)) < limits.range_rate_m_s * length_m
    for here_m, here_m_s, there in ((a_m, a_m_s, line), (b_m, b_m_s, -line)):
        height2 = np.sum(here_m * here_m, axis=-1)
        turn = np.cross(here_m, here_m_s) / height2[..., None]
        turned = np.cross(line, moving - np.cross(turn, line))
        free &= np.linalg.norm(turned, axis=-1) < limits.slew_rad_s * length_m**2
        apart = np.arccos(np.clip(np.sum(there * sun[..., :3], axis=-1) / length_m, -1, 1))
        height = np.sqrt(height2)
        below = np.arccos(np.clip(-np.sum(here_m * sun[..., :3], axis=-1) / height, -1, 1))
        dark = below < np.arcsin(EQUATORIAL_RADIUS_M / height) - sun[..., 3]
        free &= (apart > limits.sun_rad) | dark
    return free, length_m


def _plan(fleet: WalkerFleet, limit: float) -> Row:
    stations = _stations()

    def ours(span_ns: int) -> None:
        ephemeris = build_ephemeris(fleet, _START_NS, _START_NS + span_ns)
        contact_plan(
            ephemeris,
            stations,
            _places(stations)[0],
            station_passes(ephemeris, stations),
            laser_links(ephemeris, fleet, _LASER),
            _LASER,
            Downlink(),
        )

    ephemeris = build_ephemeris(fleet, _START_NS, _START_NS + time.DAY_NS)
    pairs = link_rule(fleet, _LASER).candidates(ephemeris)
    ours(time.HOUR_NS)  # compiles
    value = cpu_s(lambda: ours(time.DAY_NS), runs=1, warm_up=False)
    part_s = cpu_s(lambda: _plain_plan(ephemeris, pairs, stations), runs=1, warm_up=False)
    return Row(
        what=f"contact plan of a day, 12 stations, {len(ephemeris.names):,} satellites",
        value=value,
        unit="CPU-s",
        limit=limit,
        plain=_PART * part_s,
        plain_by=f"numpy every 10 s, on 1 in {_PART}",
    )


def _plain_plan(
    ephemeris: Ephemeris, pairs: NDArray[np.intp], stations: tuple[Station, ...]
) -> int:
    """Find the changes of links and passes for a part of the fleet; return how many."""
    limits = LinkLimits.of(_LASER)
    t_ns = np.arange(ephemeris.start_ns, ephemeris.end_ns, _STEP_NS)
    sun = sun_directions(t_ns)
    changes = 0
    for first, second in pairs[::_PART]:
        free, _ = _plain_free(
            ephemeris.position_eci_m(t_ns, int(first)),
            ephemeris.velocity_eci_m_s(t_ns, int(first)),
            ephemeris.position_eci_m(t_ns, int(second)),
            ephemeris.velocity_eci_m_s(t_ns, int(second)),
            sun,
            limits,
        )
        changes += int(np.count_nonzero(free[1:] != free[:-1]))
    site_m, up, mask = _places(stations)
    for satellite in range(0, len(ephemeris.names), _PART):
        sight = ephemeris.position_ecef_m(t_ns, satellite) - site_m[:, None]
        sine = np.sum(sight * up[:, None], axis=-1) / np.linalg.norm(sight, axis=-1)
        above = sine > mask[:, None]
        changes += int(np.count_nonzero(above[:, 1:] != above[:, :-1]))
    return changes
