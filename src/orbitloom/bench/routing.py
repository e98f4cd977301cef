"""The router at 2,800 satellites: alerts and scenes routed and booked, and a full tree."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.bench.plain_router import PlainRouter
from orbitloom.bench.row import Row, cpu_s
from orbitloom.network.router import Router
from orbitloom.scenario import load, stream
from orbitloom.wire import RF, Bundle, ContactPlan, Priority
from orbitloom.world.geometry import World

__all__ = ["in_pieces", "rows"]

Numbers = NDArray[np.int64]

_S = 1_000_000_000


def in_pieces(plan: ContactPlan, pieces: int) -> ContactPlan:
    """Return a plan with each laser contact cut into pieces that follow each other.

    The same network with more contacts, as if rates changed more often.
    """
    count = np.where(plan.medium == RF, 1, pieces)
    row = np.repeat(np.arange(len(plan)), count)
    piece = np.arange(row.size) - np.repeat(np.cumsum(count) - count, count)
    length_ns = (plan.end_ns - plan.start_ns)[row]
    columns: dict[str, Any] = {name: getattr(plan, name)[row] for name in plan.columns()}
    columns["end_ns"] = columns["start_ns"] + length_ns * (piece + 1) // count[row]
    columns["start_ns"] = columns["start_ns"] + length_ns * piece // count[row]
    return ContactPlan(nodes=plan.nodes, satellites=plan.satellites, **columns)


def rows() -> Iterator[Row]:
    """Yield what a day of 2,800 satellites costs to route, beside the same in plain Python."""
    plan = World(load("walker2800", hours=24)).contacts
    begin_ns = int(plan.start_ns.min())
    router, plain = Router(plan), PlainRouter(plan)
    random = stream(0, "bench", "routing")
    what = f"{plan.satellites:,} satellites, {len(plan):,} contacts"
    cases = (
        ("alerts of 10 kB", 10_000, Priority.ALERT, 5000, 50),
        ("scenes of 100 MB", 100_000_000, Priority.NORMAL, 5000, 1),
    )
    for name, size, priority, count, few in cases:
        times_ns = begin_ns + np.sort(random.integers(0, 80_000 * _S, count))
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
    lasers = int(np.count_nonzero(plan.medium != RF))
    finer = in_pieces(plan, -(-500_000 // max(lasers, 1)))
    router, plain, t_ns = Router(finer), PlainRouter(finer), begin_ns + 40_000 * _S
    yield Row(
        what="earliest arrival at every node from one: "
        f"{plan.satellites:,} satellites, {len(finer):,} contacts",
        value=1e3 * cpu_s(lambda: router.tree(0, t_ns), runs=5),
        unit="CPU-ms",
        limit=20.0,
        plain=1e3 * cpu_s(lambda: plain.tree(0, t_ns), runs=1, warm_up=False),
        plain_by="plain Python",
    )
