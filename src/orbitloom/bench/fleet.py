"""What a fleet's buses cost: Sun, batteries, heat, queues, lasers and passes of a day."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from orbitloom.bench import objects
from orbitloom.bench.row import Row, cpu_s
from orbitloom.flight.bus import Bus
from orbitloom.flight.march import INPUTS
from orbitloom.flight.platform import Platform
from orbitloom.processing.cost import chain_cost, survey_cost_s_per_s
from orbitloom.scenario import load
from orbitloom.scenario.fleet import WalkerFleet
from orbitloom.twin.craft import fleet_bus
from orbitloom.wire import LASER
from orbitloom.world.geometry import World

__all__ = ["advance", "advance_objects", "rows", "world_of"]

_FLEETS = ((12, 1, 12, 1e6), (1584, 72, 22, 5e6), (2800, 35, 80, 5e6))
_PACKETS_BYTES = 20_000_000


def world_of(planes: int, per_plane: int, hours: float = 24.0) -> World:
    """Return the geometry of an even fleet of SCS-01's height, with what the buses ask of it."""
    fleet = WalkerFleet(planes=planes, per_plane=per_plane, phasing=planes // 2)
    world = World(load("ring12", fleet=fleet.model_dump(), hours=hours))
    fleet_bus(world, has_lasers=True, survey_rate=0.0)  # the world keeps what it has found
    return world


def advance(world: World) -> Bus:
    """Fly all buses from start to end, and return them.

    Each satellite surveys for 15 minutes an orbit, is given the chain of a capture in the middle of
    each strip, and keys its transmitter in every pass that a station's antenna takes.
    """
    scenario = world.scenario
    rate = survey_cost_s_per_s(scenario.survey, scenario.instrument, scenario.compute)
    bus = fleet_bus(world, has_lasers=True, survey_rate=rate)
    for index, events in enumerate(_events(world)):
        craft = Platform.of(bus, index)
        for t_ns, number, watts in events:
            if number < 0:
                craft.set_load("downlink", watts, t_ns)
            else:
                craft.submit(number, _stages(world), t_ns)
        craft.advance(scenario.end_ns)
    return bus


def advance_objects(world: World) -> list[objects.Platform]:
    """Fly the same with a few Python objects for each satellite: the plain way."""
    scenario = world.scenario
    rate = survey_cost_s_per_s(scenario.survey, scenario.instrument, scenario.compute)
    known = fleet_bus(world, has_lasers=True, survey_rate=rate).inputs
    crafts = []
    for index, events in enumerate(_events(world)):
        craft = objects.Platform(scenario.power, scenario.heat, scenario.compute, scenario.start_ns)
        mine = slice(known.first[index], known.first[index + 1])
        inputs = zip(
            *(column[mine].tolist() for column in (known.t_ns, known.kind, known.value)),
            strict=True,
        )
        steps = [(t, -2 - kind, value) for t, kind, value in inputs]
        for t_ns, what, value in sorted([*steps, *events], key=lambda step: step[0]):
            if what >= 0:
                craft.submit(what, _stages(world), t_ns)
            elif what == -1:
                craft.set_load("downlink", value, t_ns)
            elif INPUTS[-2 - what] == "sunlight":
                craft.set_sunlight(value, t_ns)
            elif INPUTS[-2 - what] == "inflow":
                craft.set_inflow(value, t_ns)
            else:
                craft.set_load(INPUTS[-2 - what], value, t_ns)
        craft.advance(scenario.end_ns)
        crafts.append(craft)
    return crafts


def rows() -> Iterator[Row]:
    """Yield satellite-seconds a CPU second at 12, 1,584 and 2,800 satellites."""
    plain = None
    for satellites, planes, per_plane, limit in _FLEETS:
        world = world_of(planes, per_plane)
        seconds = satellites * world.scenario.hours * 3600.0
        if plain is None:
            plain = seconds / cpu_s(partial(advance_objects, world), runs=1)
        yield Row(
            what=f"buses of {satellites:,} satellites, a day: Sun, battery, heat, queue, lasers",
            value=seconds / cpu_s(partial(advance, world), runs=2),
            unit="satellite-s/CPU-s",
            limit=limit,
            at_least=True,
            plain=plain,
            plain_by="Python objects, 12 satellites",
        )


def _stages(world: World) -> list[tuple[str, float]]:
    scenario = world.scenario
    costs = chain_cost(scenario.instrument, scenario.compute, _PACKETS_BYTES)
    return [(cost.step, cost.seconds) for cost in costs]


def _events(world: World) -> list[list[tuple[int, int, float]]]:
    """Return time, number of a job or -1, and the transmitter's watts, for each satellite."""
    plan, watts = world.contacts, world.scenario.downlink.power_w
    events: list[list[tuple[int, int, float]]] = [[] for _ in range(plan.satellites)]
    down = np.flatnonzero(plan.medium != LASER)
    for contact in down[np.argsort(plan.start_ns[down], kind="stable")].tolist():
        mine = events[int(plan.sender[contact])]
        mine.append((int(plan.start_ns[contact]), -1, watts))
        mine.append((int(plan.end_ns[contact]), -1, 0.0))
    for index, mine in enumerate(events):
        strips = world.survey_strips(index)
        mine += [((start + end) // 2, number, 0.0) for number, (start, end) in enumerate(strips)]
        mine.sort(key=lambda event: event[0])
    return events
