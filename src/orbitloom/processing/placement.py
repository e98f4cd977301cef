"""Where a model's work is done if each satellite has the whole model: here, or on a freer one.

Only the chip moves. `placement_split` is for a model that is divided among satellites.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import simpy

__all__ = [
    "Job",
    "Link",
    "Outcome",
    "Site",
    "fly",
    "place",
    "replicas_s",
]

_LIGHT_KM_PER_S = 299_792.458


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A laser link."""

    rate_gbps: float
    range_km: float

    @property
    def light_s(self) -> float:
        """Light time."""
        return self.range_km / _LIGHT_KM_PER_S

    def sending_s(self, size_bytes: float) -> float:
        """Return how long the sender is busy with `size_bytes`."""
        return size_bytes * 8 / (self.rate_gbps * 1e9)

    def transfer_s(self, size_bytes: float) -> float:
        """Return light time and sending time of `size_bytes`."""
        return self.light_s + self.sending_s(size_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A satellite as a place for work.

    Attributes
    ----------
    name
        Its name.
    wait_s
        Until its computer is free.
    in_eclipse
        Whether it is in the Earth's shadow.
    charge
        Of its battery, share of capacity.
    temperature_c
        Of its computer.
    """

    name: str
    wait_s: float = 0.0
    in_eclipse: bool = False
    charge: float = 1.0
    temperature_c: float = 20.0

    def fit(self, least_charge: float, throttle_c: float) -> bool:
        """Return whether it may take work: cool, and not on a low battery in eclipse."""
        low = self.in_eclipse and self.charge < least_charge
        return not low and self.temperature_c < throttle_c


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An assessment: where its chip is and how large, when it is asked for, how long it takes."""

    name: str
    home: str
    chip_bytes: float
    work_s: float
    asked_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A job's end: by whom, when, and how often it was placed."""

    job: str
    site: str
    finished_s: float
    tries: int


def replicas_s(jobs: int, sites: int, work_s: float, move_s: float) -> float:
    """Return when the last of equal jobs is done that one free satellite asks for at once.

    It begins one each `work_s` from 0 on, every other satellite from `move_s` on, when a chip has
    come: the job that is begun last is the `jobs`-th of all these times.

    Parameters
    ----------
    jobs, sites
        How many there are; the one that asks is among the sites.
    work_s, move_s
        A job's work, and the transfer of its chip.
    """
    alone = math.ceil(move_s / work_s)  # begun at home before any chip has come
    if jobs <= alone:
        return jobs * work_s
    rounds, last = divmod(jobs - alone - 1, sites)
    # In each round the others come first: their times are at most a job's work before home's.
    begun_s = alone * work_s if last == sites - 1 else move_s
    return begun_s + (rounds + 1) * work_s


def place(
    job: Job,
    sites: Sequence[Site],
    links: Mapping[str, Link],
    *,
    least_charge: float = 0.7,
    throttle_c: float = 80.0,
) -> str | None:
    """Return the site where the job is done first, or None if no site is fit.

    Parameters
    ----------
    job
        What is placed.
    sites
        Satellites to choose from; the first of equals is taken.
    links
        From the job's home, by site. A site without a link is out of reach; home needs none.
    least_charge, throttle_c
        Below this charge a satellite in eclipse takes no work, nor does one as hot as this: the
        defaults of a scenario's `power` (depth of discharge 0.3) and `heat`.
    """
    best: tuple[float, str] | None = None
    for site in sites:
        if not site.fit(least_charge, throttle_c):
            continue
        if site.name != job.home and site.name not in links:
            continue
        move_s = 0.0 if site.name == job.home else links[site.name].transfer_s(job.chip_bytes)
        start_s = max(site.wait_s, move_s)
        if best is None or start_s < best[0]:
            best = (start_s, site.name)
    return None if best is None else best[1]


def fly(
    jobs: Sequence[Job],
    sites: Sequence[Site],
    link: Link,
    *,
    lost_s: Mapping[str, float] | None = None,
    notice_s: float = 1.0,
    least_charge: float = 0.7,
    throttle_c: float = 80.0,
) -> tuple[Outcome, ...]:
    """Fly jobs over a fleet in which each satellite does one job at a time, in order of placement.

    Whoever asked keeps the chip and outlives the run: it hands a job on when its satellite falls
    silent. A lost satellite is dead and never answers late, so nothing is done twice.

    Parameters
    ----------
    jobs
        What is asked.
    sites
        The fleet; `wait_s` is what each has to do at the start.
    link
        Between any two of them.
    lost_s
        When satellites are lost, by name.
    notice_s
        How long it takes until the silence is noticed.
    least_charge, throttle_c
        As for `place`.

    Returns
    -------
    tuple of Outcome
        In order of finishing. A job for which no satellite is left has none.
    """
    env = simpy.Environment()
    computers = {site.name: simpy.Resource(env, capacity=1) for site in sites}
    silent = {site.name: env.event() for site in sites}
    for name, at_s in (lost_s or {}).items():
        silent[name] = env.timeout(at_s)
    free_s = {site.name: site.wait_s for site in sites}
    links = {site.name: link for site in sites}
    gone: set[str] = set()
    outcomes: list[Outcome] = []

    def begun(site: Site) -> Generator[simpy.Event, Any, None]:
        with computers[site.name].request() as turn:
            yield turn
            yield env.timeout(site.wait_s)

    def worked(job: Job, name: str, move_s: float) -> Generator[simpy.Event, Any, None]:
        try:
            yield env.timeout(move_s)
            with computers[name].request() as turn:
                yield turn
                yield env.timeout(job.work_s)
        except simpy.Interrupt:
            return  # the satellite is lost, and the work with it

    def asked(job: Job) -> Generator[simpy.Event, Any, None]:
        yield env.timeout(job.asked_s)
        for tries in count(1):
            now_s = float(env.now)
            known = [
                replace(site, wait_s=max(free_s[site.name] - now_s, 0.0))
                for site in sites
                if site.name not in gone
            ]
            name = place(job, known, links, least_charge=least_charge, throttle_c=throttle_c)
            if name is None:
                return
            move_s = 0.0 if name == job.home else link.transfer_s(job.chip_bytes)
            free_s[name] = max(free_s[name], now_s + move_s) + job.work_s
            work = env.process(worked(job, name, move_s))
            yield work | silent[name]
            if work.triggered:
                outcomes.append(
                    Outcome(job=job.name, site=name, finished_s=float(env.now), tries=tries)
                )
                return
            work.interrupt()
            yield env.timeout(notice_s)
            gone.add(name)

    for site in sites:
        env.process(begun(site))
    for job in jobs:
        env.process(asked(job))
    env.run()
    return tuple(outcomes)
