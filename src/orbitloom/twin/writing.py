"""Words that follow an alert: a language model's work, after the alert has left.

An alert never waits for its words. On board they are made in the satellite's own queue, from its
own battery, or by a laser neighbour in the Sun, and follow as a small bundle; in the other arms at
the station that made the answer. The text itself is made once, by the real model, and every
satellite is charged what the model that it claims to carry takes for the tokens that were counted.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import simpy

from orbitloom.flight.computer import Segment
from orbitloom.processing.cost import Profile, StageCost
from orbitloom.processing.inference import writing_cost
from orbitloom.processing.language.writer import Written
from orbitloom.processing.placement import Job, Link, Site, place
from orbitloom.scenario import Arm, Scenario
from orbitloom.twin.clock import Clock
from orbitloom.twin.craft import Craft
from orbitloom.twin.result import WordsFate
from orbitloom.twin.trail import Trail
from orbitloom.twin.worker import Worker
from orbitloom.wire import LASER, Answer, CaptureTask, ContactPlan, Wording

__all__ = ["Services", "Writing", "wants_words"]

_LIGHT_KM_PER_NS = 299_792.458e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What writing asks of the arm that it belongs to.

    Attributes
    ----------
    plan
        The contacts of this arm.
    light_time_ns
        One-way light time from a node to another at a time.
    words
        Gives the words of a capture's answer.
    send
        Sends so many bytes of a trail from a satellite to another, or with None to the ground, and
        calls back with the node where they arrived.
    deliver
        Hands words to the ground.
    """

    plan: ContactPlan
    light_time_ns: Callable[[int, int, int], int]
    words: Callable[[CaptureTask], Written]
    send: Callable[[Craft, Craft | None, int, Trail, Callable[[int], Any]], None]
    deliver: Callable[[Wording], None]


def wants_words(answer: Answer) -> bool:
    """Return whether an answer gets words of its own: an alert that still holds."""
    said = answer.feature["properties"]
    return bool(said["kind"] == "alert" and said.get("maturity") != "retracted")


class Writing:
    """The writing of one arm.

    Parameters
    ----------
    clock
        The time.
    scenario
        Says which model is claimed, and when work is handed on.
    arm
        Which way is flown.
    profile
        The computer that writes: a satellite's or a station's.
    crafts
        The satellites, by node number.
    services
        What it asks of the arm.
    """

    def __init__(
        self,
        clock: Clock,
        scenario: Scenario,
        arm: Arm,
        profile: Profile,
        crafts: list[Craft],
        services: Services,
    ) -> None:
        self._clock = clock
        self._scenario = scenario
        self._arm = arm
        self._profile = profile
        self._crafts = crafts
        self._ask = services
        self._fates: dict[int, WordsFate] = {}
        self.trails: dict[int, Trail] = {}

    @property
    def fates(self) -> tuple[WordsFate, ...]:
        """What became of the words of each alert, by capture."""
        return tuple(self._told(self._fates[capture]) for capture in sorted(self._fates))

    def on_board(
        self, task: CaptureTask, answer: Answer, home: Craft
    ) -> Generator[simpy.Event, Any, None]:
        """Write on the satellite, or on a neighbour, and send what the model wrote."""
        written, costs = self._begin(task)
        trail = self.trails[task.capture]
        size = len(answer.to_bytes())
        craft = self._site(home, size, sum(cost.seconds for cost in costs))
        if craft is not home:
            self._note(task, handed_on_to=craft.name)
            there = self._clock.event()
            self._ask.send(home, craft, size, trail, there.succeed)
            yield there
        yield from self._work(trail, craft.worker, craft.name, costs)
        if written.writer == "model":
            wording = self._wording(task, answer, written, costs)
            self._ask.send(
                craft,
                None,
                len(wording.to_bytes()),
                trail,
                lambda node: self._arrived(wording, self._ask.plan.nodes[node]),
            )

    def at_station(
        self, task: CaptureTask, answer: Answer, worker: Worker, station: str
    ) -> Generator[simpy.Event, Any, None]:
        """Write where the answer was made."""
        written, costs = self._begin(task)
        yield from self._work(self.trails[task.capture], worker, station, costs)
        if written.writer == "model":
            self._arrived(self._wording(task, answer, written, costs), station)

    def _begin(self, task: CaptureTask) -> tuple[Written, tuple[StageCost, ...]]:
        written = self._ask.words(task)
        self.trails[task.capture] = Trail(self._arm, task.capture, self._clock.now_ns, "words")
        self._fates[task.capture] = WordsFate(capture=task.capture, writer=written.writer)
        return written, self._costs(written)

    def _costs(self, written: Written) -> tuple[StageCost, ...]:
        """Return what each attempt costs the model claimed.

        Where nobody counted tokens (no model here, or one that fell silent) the scenario's stand
        in: what a satellite carries does not depend on what this machine runs.
        """
        model = self._scenario.model
        counted = [
            model.model_copy(
                update={
                    "prompt_tokens": attempt.prompt_tokens,
                    "answer_tokens": attempt.completion_tokens,
                }
            )
            for attempt in written.attempts
            if attempt.prompt_tokens and attempt.completion_tokens
        ]
        return tuple(writing_cost(one, self._profile) for one in counted or [model])

    def _work(
        self, trail: Trail, worker: Worker, node: str, costs: tuple[StageCost, ...]
    ) -> Generator[simpy.Event, Any, None]:
        watts = sum(cost.joules for cost in costs) / sum(cost.seconds for cost in costs)

        def write(segment: Segment) -> None:
            if segment.kind == "wait":
                trail.wait(node, segment.end_ns, segment.cause)
            else:
                trail.step(segment.step, node, segment.end_ns, joules=watts * segment.work_s)

        yield from worker.run([(cost.step, cost.seconds) for cost in costs], write)

    def _site(self, home: Craft, chip_bytes: int, work_s: float) -> Craft:
        """Return who writes: by `placement.place`, home or a neighbour that it has a laser to."""
        now, plan, model = self._clock.now_ns, self._ask.plan, self._scenario.model
        open_now = (plan.start_ns <= now) & (now < plan.end_ns)
        mine = open_now & (plan.medium == LASER) & (plan.sender == home.index)
        links = {
            self._crafts[int(node)].name: Link(
                rate_gbps=float(rate) / 1e9,
                range_km=self._ask.light_time_ns(home.index, int(node), now) * _LIGHT_KM_PER_NS,
            )
            for node, rate in zip(plan.receiver[mine], plan.rate_bps[mine], strict=True)
        }
        near = [home, *(one for one in self._crafts if one.name in links and one.may_work)]
        job = Job(name="words", home=home.name, chip_bytes=chip_bytes, work_s=work_s)
        name = place(
            job,
            [self._state(craft) for craft in near],
            links,
            least_charge=model.hand_on_below,
            throttle_c=self._scenario.heat.throttle_c,
        )
        return next((craft for craft in near if craft.name == name), home)

    def _state(self, craft: Craft) -> Site:
        craft.worker.collect()
        platform = craft.platform
        return Site(
            name=craft.name,
            wait_s=platform.computer.backlog_s,
            in_eclipse=platform.battery.sunlight == 0.0,
            charge=platform.battery.charge_j / platform.battery.capacity_j,
            temperature_c=platform.thermal.temperature_c,
        )

    def _wording(
        self,
        task: CaptureTask,
        answer: Answer,
        written: Written,
        costs: tuple[StageCost, ...],
    ) -> Wording:
        tokens = _tokens(written)
        modelled = {
            "prompt_tokens": tokens[0],
            "completion_tokens": tokens[1],
            "modelled_s": round(sum(cost.seconds for cost in costs), 6),
            "modelled_j": round(sum(cost.joules for cost in costs), 6),
        }
        known: Mapping[str, str] = {k: v for k, v in written.provenance.items() if v}
        return Wording(
            capture=task.capture,
            answer_sha256=answer.digest(),
            headline=written.words.headline,
            text=written.words.text,
            provenance={"writer": written.writer, **known, **modelled},
        )

    def _arrived(self, wording: Wording, station: str) -> None:
        trail, now = self.trails[wording.capture], self._clock.now_ns
        size = len(wording.to_bytes())
        trail.step("inbox", station, now, bytes_in=size, bytes_out=size)
        fate = self._fates[wording.capture]
        self._fates[wording.capture] = replace(fate, inbox_ns=now, wording=wording)
        self._ask.deliver(wording)

    def _note(self, task: CaptureTask, *, handed_on_to: str) -> None:
        fate = self._fates[task.capture]
        self._fates[task.capture] = replace(fate, handed_on_to=handed_on_to)

    def _told(self, fate: WordsFate) -> WordsFate:
        trail = self.trails[fate.capture]
        return replace(
            fate,
            joules=trail.joules,
            downlinked_bytes=trail.downlinked_bytes,
            laser_bytes=trail.laser_bytes,
        )


def _tokens(written: Written) -> tuple[int, int]:
    """Return the tokens in and out of all attempts, as the server counted them."""
    return (
        sum(attempt.prompt_tokens for attempt in written.attempts),
        sum(attempt.completion_tokens for attempt in written.attempts),
    )
