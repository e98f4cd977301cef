"""Tip and cue: an alert asks a following satellite for a second look.

The satellite that found something knows the fleet's orbits. It picks the next other satellite that
will see the place, and sends it a tip over the lasers. That one holds the look against its own
plan, battery and store, and points or refuses. Look, decide, point: each is a line in the ledger,
on a trail of the second look's own that starts at the decision.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import simpy

from orbitloom.flight.plan import Plan, Resources
from orbitloom.processing.cost import chain_cost
from orbitloom.scenario.time import SECOND_NS, seconds_to_ns
from orbitloom.twin.clock import Clock
from orbitloom.twin.craft import Craft
from orbitloom.twin.result import CuedLook
from orbitloom.twin.trail import Trail
from orbitloom.wire import Answer, CaptureTask
from orbitloom.wire.briefing import Earlier
from orbitloom.wire.tip import Tip
from orbitloom.world.geometry import World

__all__ = ["Cueing"]


class Cueing:
    """Decides on second looks, and takes them in.

    Parameters
    ----------
    clock
        The time.
    world
        Who can see what when.
    crafts
        The satellites, by node number.
    send
        Sends so many bytes from a satellite to another, with the ledger of what is sent, and calls
        back with the node on arrival.
    point
        Starts a capture on a satellite, with what it is to confirm or retract.
    """

    def __init__(
        self,
        clock: Clock,
        world: World,
        crafts: list[Craft],
        send: Callable[[Craft, Craft, int, Trail, Callable[[int], Any]], None],
        point: Callable[[CaptureTask, Craft, Earlier], Generator[simpy.Event, Any, None]],
    ) -> None:
        self._clock = clock
        self._world = world
        self._scenario = world.scenario
        self._crafts = {craft.name: craft for craft in crafts}
        self._send = send
        self._point = point
        self._plans = {
            name: Plan(
                [(task.start_ns, task.end_ns) for task in world.tasks if task.satellite == name],
                seconds_to_ns(self._scenario.instrument.slew_s),
            )
            for name in self._crafts
        }
        self._next_capture = len(world.tasks)
        self.looks: list[CuedLook] = []
        self.trails: dict[int, Trail] = {}

    def consider(self, task: CaptureTask, answer: Answer, arm: str) -> None:
        """Ask for a second look at an alert, if one is wanted and somebody comes by in time."""
        cue = self._scenario.cue
        said = answer.feature["properties"]
        if not cue.within_min or answer.kind != "alert" or task.capture >= len(self._world.tasks):
            return
        now = self._clock.now_ns
        ready_ns = now + seconds_to_ns(self._scenario.instrument.slew_s + cue.margin_s)
        chances = self._world.second_looks(task, ready_ns)
        look = next((one for one in chances if not self._crafts[one.satellite].is_lost), None)
        if look is None or look.start_ns > now + seconds_to_ns(cue.within_min * 60.0):
            return
        look = replace(look, capture=self._next_capture)
        self._next_capture += 1
        tip = Tip.of(answer, look, sensed_ns=task.middle_ns, asked_ns=now)
        octets = tip.to_bytes()
        trail = self.trails[look.capture] = Trail(arm, look.capture, now)
        trail.step("decide", task.satellite, now, bytes_out=len(octets))
        number = len(self.looks)
        self.looks.append(
            CuedLook(first=task.capture, look=look, event=str(said["event"]), asked_ns=now)
        )
        self._send(
            self._crafts[task.satellite],
            self._crafts[look.satellite],
            len(octets),
            trail,
            lambda node: self._received(number, Tip.from_bytes(octets)),
        )

    def _received(self, number: int, tip: Tip) -> None:
        """Take the look into the plan, or refuse it; on the satellite that was asked."""
        look, now = tip.look, self._clock.now_ns
        craft, trail = self._crafts[look.satellite], self.trails[look.capture]
        refusal = self._plans[look.satellite].accept(
            look.start_ns, look.end_ns, now_ns=now, has=self._resources(craft, look)
        )
        self.looks[number] = replace(
            self.looks[number], received_ns=now, outcome=refusal or "pointed"
        )
        if refusal is None:
            trail.step("point", look.satellite, now)
            self._clock.process(self._point(look, craft, tip.earlier))
        else:
            trail.step("refuse", look.satellite, now)
            trail.place = f"refused by {look.satellite}: {refusal}"

    def _resources(self, craft: Craft, look: CaptureTask) -> Resources:
        """Return what a satellite has, and what the look takes: packets without compression."""
        scenario = self._scenario
        instrument = scenario.instrument
        size = instrument.lines * instrument.columns * len(instrument.bands) * instrument.bits // 8
        imaging_j = instrument.power_w * (look.end_ns - look.start_ns) / SECOND_NS
        computing_j = sum(cost.joules for cost in chain_cost(instrument, scenario.compute, size))
        craft.worker.collect()
        battery = craft.platform.battery
        return Resources(
            spare_j=battery.charge_j - battery.soft_limit_j,
            free_bytes=craft.store.free_bytes,
            look_j=imaging_j + computing_j,
            look_bytes=size,
        )
