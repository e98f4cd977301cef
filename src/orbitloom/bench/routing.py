"""The router at 2,800 satellites: alerts and scenes routed and booked, and a full tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.bench.plain_router import PlainRouter
from orbitloom.bench.row import Row, cpu_s
from orbitloom.network.router import Router
from orbitloom.scenario import stream
from orbitloom.wire import LASER, RF, Bundle, ContactPlan, Priority

__all__ = ["rows", "walker_day"]

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]

_S = 1_000_000_000
_DAY_S = 86_400.0
_RADIUS_M, _EARTH_M = 6_883_137.0, 6_378_137.0
_LIGHT_M_S = 299_792_458.0
_STATIONS_DEG = (
    (30.3, 120.2), (40.4, 116.9), (25.6, 103.7), (39.5, 75.9), (78.2, 15.4), (-72.0, 2.5),
    (64.8, -147.7), (-53.2, -70.9), (19.0, -155.7), (-25.9, 27.7), (-29.0, 115.3), (37.9, -75.5),
)  # fmt: skip


def walker_day(planes: int = 35, per_plane: int = 80, piece_s: float = 970.0) -> ContactPlan:
    """Return a day of a Walker fleet at 505 km and 97.4 degrees, with links of a +grid.

    Circular orbits over a turning sphere: the shape and size of a real plan, made in seconds.
    Links in a plane last all day. Links to the next plane come in pieces of about `piece_s`, each
    with the light time of its middle, and are down where the planes cross (above 75 degrees of
    latitude). Twelve stations with two antennas each serve passes above 10 degrees.
    """
    n = planes * per_plane
    satellite = np.arange(n)
    plane, place = satellite // per_plane, satellite % per_plane
    raan = 2 * np.pi * plane / planes
    phase = 2 * np.pi * (place / per_plane + (planes // 2) * plane / n)
    tilt = np.radians(97.4)
    motion = np.sqrt(3.986004418e14 / _RADIUS_M**3)

    def position_m(which: Numbers, t_s: Floats) -> Floats:
        u = phase[which] + motion * t_s
        along, across = np.cos(u), np.sin(u) * np.cos(tilt)
        c, s = np.cos(raan[which]), np.sin(raan[which])
        return _RADIUS_M * np.stack(
            [along * c - across * s, along * s + across * c, np.sin(u) * np.sin(tilt)], axis=-1
        )

    ahead = plane * per_plane + (place + 1) % per_plane
    right = (plane + 1) % planes * per_plane + place
    spacing_s = 2 * _RADIUS_M * np.sin(np.pi / per_plane) / _LIGHT_M_S
    columns = [(satellite, ahead, np.zeros(n), np.full(n, _DAY_S), np.full(n, spacing_s))]
    # Pieces: from one upward or downward crossing of 75 degrees to the next, cut evenly.
    edge = np.arcsin(np.sin(np.radians(75)) / np.sin(tilt))
    period = 2 * np.pi / motion
    for branch in (0.0, np.pi):
        first = (branch - edge - phase) % (2 * np.pi) / motion - period
        for turn in range(int(_DAY_S / period) + 2):
            cuts = max(1, round(2 * edge / motion / piece_s))
            for cut in range(cuts):
                start = first + turn * period + cut * 2 * edge / motion / cuts
                end = np.minimum(start + 2 * edge / motion / cuts, _DAY_S)
                start = np.maximum(start + (60.0 if cut == 0 else 0.0), 0.0)
                up = start < end
                here, there = satellite[up], right[up]
                middle = (start[up] + end[up]) / 2
                gap = position_m(here, middle) - position_m(there, middle)
                light = np.linalg.norm(gap, axis=-1) / _LIGHT_M_S
                columns.append((here, there, start[up], end[up], light))
    one, other, start, end, light = (np.concatenate(c) for c in zip(*columns, strict=True))
    down = _served(position_m, n)
    sender = np.concatenate([one, other, down[0]])
    count = 2 * one.size
    return ContactPlan(
        nodes=tuple(f"node{i}" for i in range(n + len(_STATIONS_DEG))),
        satellites=n,
        sender=sender.astype(np.int32),
        receiver=np.concatenate([other, one, n + down[1]]).astype(np.int32),
        start_ns=np.rint(np.concatenate([start, start, down[2]]) * _S).astype(np.int64),
        end_ns=np.rint(np.concatenate([end, end, down[3]]) * _S).astype(np.int64),
        rate_bps=np.where(np.arange(sender.size) < count, 10e9, 160e6),
        light_time_ns=np.rint(np.concatenate([light, light, down[4]]) * _S).astype(np.int64),
        medium=np.where(np.arange(sender.size) < count, LASER, RF).astype(np.int8),
    )


def _served(
    position_m: Callable[[Numbers, Floats], Floats], n: int, antennas: int = 2, step_s: float = 20.0
) -> tuple[NDArray[Any], ...]:
    """Return satellite, station, start, end and light time of passes that an antenna serves."""
    t_s = np.arange(0.0, _DAY_S, step_s)
    turned = 7.2921159e-5 * t_s
    passes = []
    for station, (latitude, longitude) in enumerate(np.radians(_STATIONS_DEG)):
        up = np.stack(
            [
                np.cos(latitude) * np.cos(longitude + turned),
                np.cos(latitude) * np.sin(longitude + turned),
                np.full(t_s.size, np.sin(latitude)),
            ],
            axis=-1,
        )
        for satellite in range(n):
            sight = position_m(np.full(t_s.size, satellite), t_s) - _EARTH_M * up
            length = np.linalg.norm(sight, axis=-1)
            above = np.einsum("ij,ij->i", sight, up) > np.sin(np.radians(10)) * length
            edges = np.flatnonzero(np.diff(above.astype(np.int8), prepend=0, append=0))
            for rise, fall in edges.reshape(-1, 2):
                light = length[(rise + fall) // 2] / _LIGHT_M_S
                passes.append((t_s[rise], t_s[fall - 1] + step_s, satellite, station, light))
    passes.sort()
    free = [[0.0] * antennas for _ in _STATIONS_DEG]
    sending: dict[int, float] = {}
    served = []
    for start, end, satellite, station, light in passes:
        antenna = min(range(antennas), key=free[station].__getitem__)
        begin = max(start, free[station][antenna], sending.get(satellite, 0.0))
        if begin < end:
            free[station][antenna] = sending[satellite] = end
            served.append((satellite, station, begin, end, light))
    columns = np.array(served).T
    return (columns[0].astype(int), columns[1].astype(int), *columns[2:])


def rows() -> Iterator[Row]:
    """Yield what a day of 2,800 satellites costs to route, beside the same in plain Python."""
    plan = walker_day()
    router, plain = Router(plan), PlainRouter(plan)
    random = stream(0, "bench", "routing")
    what = f"{plan.satellites:,} satellites, {len(plan):,} contacts"
    cases = (
        ("alerts of 10 kB", 10_000, Priority.ALERT, 5000, 100),
        ("scenes of 100 MB", 100_000_000, Priority.NORMAL, 5000, 2),
    )
    for name, size, priority, count, few in cases:
        times_ns = np.sort(random.integers(0, 80_000 * _S, count))
        sources = random.integers(plan.satellites, size=count)
        bundles = [
            Bundle(bundle=i, source=int(source), size_bytes=size, created_ns=0, priority=priority)
            for i, source in enumerate(sources)
        ]

        def one_by_one(
            by: Router | PlainRouter | None = None,
            count: int = count,
            bundles: list[Bundle] = bundles,
            times_ns: Numbers = times_ns,
        ) -> None:
            by = router.unbooked() if by is None else by
            for bundle, t_ns in zip(bundles[:count], times_ns.tolist(), strict=False):
                route = by.route(bundle, bundle.source, t_ns)
                if route is not None:
                    by.book(route, bundle)

        def in_one_call(
            sources: Numbers = sources,
            times_ns: Numbers = times_ns,
            size: int = size,
            priority: Priority = priority,
        ) -> None:
            router.unbooked().route_many(sources, times_ns, size, priority)

        baseline = few / cpu_s(partial(one_by_one, plain, few), runs=1, warm_up=False)
        for how, run in (
            ("one by one", one_by_one),
            ("in one call", in_one_call),
        ):
            yield Row(
                what=f"{name} routed and booked, {how}: {what}",
                value=count / cpu_s(run),
                unit="bundles/CPU-s",
                limit=5000,
                at_least=True,
                plain=baseline,
                plain_by=f"plain Python, {few} of them",
            )
    tree = cpu_s(lambda: plain.tree(0, 40_000 * _S), runs=1, warm_up=False)
    yield Row(
        what=f"earliest arrival at every node from one: {what}",
        value=1e3 * cpu_s(lambda: router.tree(0, 40_000 * _S), runs=5),
        unit="CPU-ms",
        limit=20.0,
        plain=1e3 * tree,
        plain_by="plain Python",
    )
