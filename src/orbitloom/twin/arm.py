"""One arm of the comparison: the same captures, flown one way.

``orbit``     the chain runs on board; answers cross lasers and go down first.
``raw``       L0 packets cross the same lasers, first in first out; the chain runs at the station.
``bentpipe``  as ``raw`` without lasers: each satellite waits for its own pass, today's practice.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import simpy

from orbitloom.flight.computer import Computer, Segment
from orbitloom.ground.delivery import Ground
from orbitloom.processing.chain import ChainResult
from orbitloom.processing.cost import (
    Profile,
    StageCost,
    chain_cost,
    survey_cost_s_per_s,
)
from orbitloom.processing.inference import look_cost
from orbitloom.scenario import Arm
from orbitloom.scenario.time import SECOND_NS, seconds_to_ns
from orbitloom.twin.clock import Clock
from orbitloom.twin.craft import Craft, fleet_bus, survey_parts
from orbitloom.twin.cueing import Cueing
from orbitloom.twin.outages import Outages
from orbitloom.twin.result import ArmResult, CuedLook, Fate, FaultTotals, SurveyTotals
from orbitloom.twin.traffic import Links, Traffic
from orbitloom.twin.trail import Trail
from orbitloom.twin.worker import Worker
from orbitloom.twin.workshop import Workshop
from orbitloom.twin.writing import Services, Writing, wants_words
from orbitloom.wire import (
    LASER,
    Answer,
    Bundle,
    CaptureTask,
    LedgerRow,
    Priority,
    WaitCause,
    Wording,
)
from orbitloom.wire.briefing import Earlier
from orbitloom.world.geometry import World

__all__ = ["ArmFlight"]

_SURVEY = -1


class ArmFlight:
    """Flies one arm from the scenario's start to its end.

    Parameters
    ----------
    world
        The geometry, shared by all arms.
    workshop
        Where packets and answers are made, shared by all arms.
    arm
        Which way to fly.
    ground
        Receives the answers.
    on_capture
        Called after each capture, for whoever watches.

    Attributes
    ----------
    answers
        What this arm has made of the captures so far.
    """

    def __init__(
        self,
        world: World,
        workshop: Workshop,
        arm: Arm,
        ground: Ground,
        on_capture: Callable[[CaptureTask], None],
    ) -> None:
        scenario = world.scenario
        self.arm = arm
        self._scenario = scenario
        self._world = world
        self._workshop = workshop
        self._ground = ground
        self._on_capture = on_capture
        self._on_board = arm == "orbit"
        self.answers: dict[int, Answer] = {}
        self._clock = clock = Clock(scenario.start_ns)
        has_lasers = arm != "bentpipe"
        plan = world.contacts if has_lasers else world.contacts.only(world.contacts.medium != LASER)
        self._nodes = plan.nodes
        self._traffic = Traffic(
            clock,
            Links(
                plan=plan,
                light_time_ns=world.light_time_ns,
                laser_w=scenario.laser.power_w,
                downlink_w=scenario.downlink.power_w,
                arrived=self._arrived,
                keyed=lambda satellite, on: self._crafts[satellite].key(on),
                moved=self._moved,
                lost=self._lost_on_the_way,
                mend=self._mend,
                watched=bool(world.faults),
                receipt_ns=seconds_to_ns(scenario.faults.receipt_s),
            ),
        )
        self._profile: Profile = scenario.compute if self._on_board else scenario.ground
        imager = scenario.instrument
        self._look = look_cost(
            scenario.model,
            self._profile,
            imager.columns,
            imager.lines,
            scenario.perception.token_px,
        )
        self._survey_rate = survey_cost_s_per_s(scenario.survey, scenario.instrument, self._profile)
        self._bus = fleet_bus(
            world,
            has_lasers=has_lasers,
            survey_rate=self._survey_rate if self._on_board else 0.0,
        )
        self._crafts = [
            Craft(clock, scenario, self._bus, index, name)
            for index, name in enumerate(plan.nodes[: plan.satellites])
        ]
        self._stations = {node: Worker(clock, Computer(clock.now_ns)) for node in plan.stations}
        self._trails = {
            task.capture: Trail(arm, task.capture, task.middle_ns) for task in world.tasks
        }
        self._in_transit: dict[int, CaptureTask] = {}
        self._inbox: dict[int, tuple[int, str]] = {}  # capture: when, SHA-256 of the bytes
        self._lost: dict[int, tuple[str, WaitCause]] = {}  # capture: where, and why
        self._sent: set[int] = set()  # captures that have been handed to the network
        self._keeps_packets = scenario.faults.second_copy == "off"
        self._bundles = 0
        self._survey_bytes = dict.fromkeys(("produced", "processed", "downlinked"), 0)
        self._messages: dict[int, Callable[[int], Any]] = {}  # by bundle: who waits for it
        self._cueing = Cueing(clock, world, self._crafts, self._send_message, self._second_look)
        self._writing = Writing(
            clock,
            scenario,
            arm,
            self._profile,
            self._crafts,
            Services(
                plan=plan,
                light_time_ns=world.light_time_ns,
                words=workshop.words,
                send=self._send_message,
                deliver=self._deliver_words,
            ),
        )
        self._outages = Outages(clock, scenario, plan, world.faults, self._traffic, self)
        by_name = {craft.name: craft for craft in self._crafts}
        clock.process(self._survey(survey_parts(world)))
        for task in world.tasks:
            clock.process(self._capture(task, by_name[task.satellite]))

    @property
    def ledger(self) -> tuple[LedgerRow, ...]:
        """All rows of this arm, by capture and start."""
        trails = {**self._trails, **self._cueing.trails}
        written = self._writing.trails
        return tuple(
            row
            for capture, trail in trails.items()
            for row in (*trail.rows, *(written[capture].rows if capture in written else ()))
        )

    def fly(self) -> ArmResult:
        """Run the clock to the end and return what became of everything."""
        self._clock.run(until=self._scenario.end_ns)
        for worker in (*(craft.worker for craft in self._crafts), *self._stations.values()):
            worker.close()
        self._traffic.close()
        return ArmResult(
            arm=self.arm,
            fates=tuple(self._fate(task) for task in self._world.tasks),
            survey=self._survey_totals(),
            satellites=tuple(craft.history() for craft in self._crafts),
            cues=tuple(self._cue(look) for look in self._cueing.looks),
            words=self._writing.fates,
            faults=FaultTotals(
                happened=dict(self._outages.happened),
                harmless=self._outages.harmless,
                custody=self._traffic.custody,
            ),
        )

    def lost(self, satellite: int) -> None:
        """Lose a satellite with all that it alone holds, and what it was to see."""
        craft = self._crafts[satellite]
        craft.lose()
        looks = [cue.look for cue in self._cueing.looks if cue.outcome == "pointed"]
        for task in (*self._world.tasks, *looks):
            if task.satellite == craft.name and task.capture not in self._sent:
                self._lost.setdefault(task.capture, (craft.name, "satellite lost"))

    def reset(self, satellite: int, until_ns: int) -> None:
        """Start a satellite's computer anew."""
        self._crafts[satellite].worker.reset((until_ns - self._clock.now_ns) / SECOND_NS)

    def aged(self, satellite: int, share: float) -> None:
        """Leave so much of a satellite's battery."""
        self._crafts[satellite].age(share)

    def _second_look(
        self, task: CaptureTask, craft: Craft, earlier: Earlier
    ) -> Generator[simpy.Event, Any, None]:
        """Take a look that another satellite has asked for."""
        trail = self._trails[task.capture] = self._cueing.trails[task.capture]
        self._workshop.add(task, earlier)
        yield self._clock.until(task.start_ns)
        trail.wait(craft.name, task.middle_ns, "not in view")
        yield from self._capture(task, craft)

    def _send_message(
        self,
        sender: Craft,
        receiver: Craft | None,
        size: int,
        trail: Trail,
        arrived: Callable[[int], Any],
    ) -> None:
        """Send what is no answer: a tip, work that is handed on, words for the ground."""
        priority = Priority.ALERT if trail.product == "answer" else Priority.NORMAL
        bundle = self._bundle(sender, size, priority, capture=trail.capture)
        if receiver is not None:
            bundle = replace(bundle, destination=receiver.index)
        self._messages[bundle.bundle] = arrived
        self._traffic.send(bundle, trail)

    def _deliver_words(self, wording: Wording) -> None:
        wording = Wording.from_bytes(wording.to_bytes())
        self._ground.reword(wording, arrived_ns=self._clock.now_ns)

    def _cue(self, look: CuedLook) -> CuedLook:
        """Return a second look with what became of it."""
        task = look.look
        if look.outcome != "pointed":
            return look
        return replace(look, fate=self._fate(task), answer=self.answers.get(task.capture))

    def _capture(self, task: CaptureTask, craft: Craft) -> Generator[simpy.Event, Any, None]:
        clock, trail = self._clock, self._trails[task.capture]
        if clock.now_ns < task.start_ns:
            yield clock.until(task.start_ns)
        craft.image(True)
        yield clock.until(task.end_ns)
        craft.image(False)
        if craft.is_lost:
            return
        recording = self._workshop.record(task)
        seconds = (task.end_ns - task.start_ns) / SECOND_NS
        trail.step(
            "sense",
            craft.name,
            task.end_ns,
            bytes_out=recording.size_bytes,
            joules=self._scenario.instrument.power_w * seconds,
        )
        if not craft.store.put(task.capture, recording.size_bytes):
            self._lost[task.capture] = craft.name, "store full"
            return
        if not self._on_board:
            self._send(task, craft, recording.size_bytes, Priority.NORMAL)
        else:
            answer = yield from self._process(task, craft.worker, craft.name)
            if not self._keeps_packets:
                craft.store.drop(task.capture)
            size = len(answer.to_bytes())
            if self._scenario.perception.triage == "off":
                size += self._workshop.result(task).level_bytes.get("L3", 0)
            craft.store.put(task.capture, size)
            urgent = answer.kind == "alert"
            self._send(task, craft, size, Priority.ALERT if urgent else Priority.NORMAL)
            self._cueing.consider(task, answer, self.arm)
            if wants_words(answer):
                self._clock.process(self._writing.on_board(task, answer, craft))
        if task.capture < len(self._world.tasks):
            self._on_capture(task)

    def _process(
        self, task: CaptureTask, worker: Worker, node: str
    ) -> Generator[simpy.Event, Any, Answer]:
        """Run the chain: its time from the cost model, its bytes from the workshop."""
        future = self._workshop.start(task)
        size = self._workshop.record(task).size_bytes
        result = future.result()
        costs = tuple(
            cost
            for cost in chain_cost(self._scenario.instrument, self._profile, size)
            if cost.step in result.level_bytes
        )
        if self._scenario.perception.gate == "off":
            costs += (self._look,)
        yield from self._compute(task, worker, node, costs, result)
        self.answers[task.capture] = result.answer
        if task.capture < len(self._world.tasks):  # second looks stand beside the comparison
            self._workshop.score(task)
        return result.answer

    def _compute(
        self,
        task: CaptureTask,
        worker: Worker,
        node: str,
        costs: tuple[StageCost, ...],
        result: ChainResult,
    ) -> Generator[simpy.Event, Any, None]:
        trail, watts = self._trails[task.capture], _watts(costs)

        def write(segment: Segment) -> None:
            if segment.kind == "wait":
                trail.wait(node, segment.end_ns, segment.cause)
                return
            sizes = {"packets": self._workshop.record(task).size_bytes, **result.level_bytes}
            first, last = _LEVEL_IO[segment.step]
            trail.step(
                segment.step,
                node,
                segment.end_ns,
                bytes_in=sizes.get(first, 0),
                bytes_out=sizes.get(last, 0),
                joules=watts * segment.work_s,
            )

        yield from worker.run([(cost.step, cost.seconds) for cost in costs], write)

    def _send(self, task: CaptureTask, craft: Craft, size_bytes: int, priority: Priority) -> None:
        bundle = self._bundle(craft, size_bytes, priority, capture=task.capture)
        self._in_transit[bundle.bundle] = task
        self._sent.add(task.capture)
        self._traffic.send(bundle, self._trails[task.capture])

    def _bundle(
        self, craft: Craft, size_bytes: int, priority: Priority, capture: int = _SURVEY
    ) -> Bundle:
        self._bundles += 1
        return Bundle(
            bundle=self._bundles,
            source=craft.index,
            size_bytes=size_bytes,
            created_ns=self._clock.now_ns,
            priority=priority,
            capture=capture,
            divisible=capture == _SURVEY,
        )

    def _survey(self, parts: list[tuple[int, int, int]]) -> Generator[simpy.Event, Any, None]:
        """Take in each part of a strip when it is complete, before anything else at that time."""
        for end_ns, start_ns, satellite in parts:
            if end_ns > self._clock.now_ns:
                yield self._clock.ahead_of(end_ns)
            self._surveyed(self._crafts[satellite], start_ns, end_ns)

    def _surveyed(self, craft: Craft, start_ns: int, end_ns: int) -> None:
        """Put a part of a survey strip into the queues: its packets, or what is left of them."""
        if craft.is_lost:
            return
        survey = self._scenario.survey
        taken_bytes = survey.rate_mbps * 1e6 / 8 * (end_ns - start_ns) / SECOND_NS
        packets = round(taken_bytes / survey.compression)
        if packets == 0:
            return
        if self._on_board:
            scenes = taken_bytes / (survey.scene_mb * 1e6)
            size, priority = round(scenes * survey.record_bytes), Priority.BULK
        else:
            size, priority = packets, Priority.NORMAL
        bundle = self._bundle(craft, max(size, 1), priority)
        if craft.store.put(-bundle.bundle, bundle.size_bytes):
            self._survey_bytes["produced"] += packets
            self._traffic.send(bundle)

    def _moved(self, bundle: Bundle, sender: int, receiver: int) -> None:
        """Free what has left its source; a relay's buffer is not counted against its store."""
        if sender == bundle.source and bundle.bundle not in self._messages:
            key = -bundle.bundle if bundle.capture == _SURVEY else bundle.capture
            store = self._crafts[sender].store
            held = store.held_bytes(key)  # nothing, if a fault has sent it this way again
            packets_too = self._keeps_packets and bundle.capture != _SURVEY
            store.drop(key, held if packets_too else min(held, bundle.size_bytes))

    def _lost_on_the_way(self, bundle: Bundle, node: int, cause: WaitCause) -> None:
        """Note what nothing is left of."""
        self._messages.pop(bundle.bundle, None)
        task = self._in_transit.pop(bundle.bundle, None)
        if task is not None:
            self._lost[task.capture] = self._nodes[node], cause

    def _mend(self, bundle: Bundle, node: int) -> Generator[simpy.Event, Any, bool]:
        """Make a damaged product whole: from its second copy, or from the packets once more."""
        faults, task = self._scenario.faults, self._in_transit.get(bundle.bundle)
        if faults.second_copy == "on":
            yield self._clock.timeout(
                seconds_to_ns(bundle.size_bytes / (faults.mend_mb_per_s * 1e6))
            )
            return True
        if task is None or not self._on_board or node != bundle.source:
            return False
        yield from self._process(task, self._crafts[node].worker, self._nodes[node])
        return True

    def _arrived(self, bundle: Bundle, station: int) -> None:
        if bundle.bundle in self._messages:
            self._messages.pop(bundle.bundle)(station)
        elif bundle.capture == _SURVEY:
            self._survey_bytes["downlinked"] += bundle.size_bytes
            if not self._on_board:
                self._clock.process(self._process_survey(bundle.size_bytes, station))
        else:
            self._clock.process(self._receive(self._in_transit.pop(bundle.bundle), station))

    def _process_survey(self, size_bytes: int, station: int) -> Generator[simpy.Event, Any, None]:
        survey = self._scenario.survey
        imaged_s = size_bytes * survey.compression * 8 / (survey.rate_mbps * 1e6)
        stages = [("survey", self._survey_rate * imaged_s)]
        yield from self._stations[station].run(stages, lambda segment: None)
        self._survey_bytes["processed"] += size_bytes

    def _receive(self, task: CaptureTask, station: int) -> Generator[simpy.Event, Any, None]:
        name = self._nodes[station]
        if self._on_board:
            octets = self._workshop.result(task).answer.to_bytes()
        else:
            answer = yield from self._process(task, self._stations[station], name)
            octets = answer.to_bytes()
        trail = self._trails[task.capture]
        answer = Answer.from_bytes(octets)
        self._ground.receive(answer, arrived_ns=self._clock.now_ns, station=name)
        trail.step("inbox", name, self._clock.now_ns, bytes_in=len(octets), bytes_out=len(octets))
        self._inbox[task.capture] = self._clock.now_ns, hashlib.sha256(octets).hexdigest()
        if not self._on_board and wants_words(answer):
            worker = self._stations[station]
            yield from self._writing.at_station(task, answer, worker, name)

    def _fate(self, task: CaptureTask) -> Fate:
        trail = self._trails[task.capture]
        inbox_ns, digest = self._inbox.get(task.capture, (None, ""))
        place = trail.place
        if task.capture in self._lost:
            name, cause = self._lost[task.capture]
            trail.wait(name, self._clock.now_ns, cause)
            place = _PLACES.get(cause, "lost on {}: {}").format(name, cause)
        elif inbox_ns is None and not place:
            last = trail.rows[-1]
            place = f"on {last.node}: {last.wait_cause or last.step}"
        written = self._writing.trails.get(task.capture)
        trails = (trail,) if written is None else (trail, written)
        return Fate(
            capture=task.capture,
            digest=digest,
            inbox_ns=inbox_ns,
            latency_ns=None if inbox_ns is None else inbox_ns - task.middle_ns,
            downlinked_bytes=sum(one.downlinked_bytes for one in trails),
            laser_bytes=sum(one.laser_bytes for one in trails),
            joules=sum(one.joules for one in trails),
            place=place,
            lost=task.capture in self._lost,
        )

    def _survey_totals(self) -> SurveyTotals:
        totals = self._survey_bytes
        processed = totals["processed"]
        if self._on_board and self._survey_rate > 0:
            done_s = math.fsum(self._bus.rows["survey_done_s"])
            survey = self._scenario.survey
            packets_per_s = survey.rate_mbps * 1e6 / 8 / survey.compression
            # What flows in from a part that was not complete at the end is not produced yet.
            processed = min(round(done_s / self._survey_rate * packets_per_s), totals["produced"])
        return SurveyTotals(
            produced_bytes=totals["produced"],
            processed_bytes=processed,
            downlinked_bytes=totals["downlinked"],
            waiting_bytes=max(0, totals["produced"] - processed),
        )


_PLACES = {"store full": "not recorded on {}: {}", "satellite lost": "lost with {}"}

_LEVEL_IO = {
    "L0": ("packets", "L0"),
    "L1": ("L0", "L1"),
    "L2": ("L1", "L2"),
    "L3": ("L2", "L3"),
    "L4": ("L3", "L4"),
    "look": ("L3", "L4"),
}


def _watts(costs: tuple[StageCost, ...]) -> float:
    """Return the power above idle that these steps draw, the same for all of them."""
    seconds = sum(cost.seconds for cost in costs)
    return sum(cost.joules for cost in costs) / seconds if seconds else 0.0
