"""The façade: one function that flies, one class that tells what came of it."""

from __future__ import annotations

import os
import time as clock
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from orbitloom.errors import ModelError, OrbitError, ScenarioError
from orbitloom.processing.byo import load_app
from orbitloom.processing.language.chat import probe
from orbitloom.processing.language.runtime import open_model
from orbitloom.processing.language.writer import write
from orbitloom.report.folder import prepare
from orbitloom.report.report import Report, run_record
from orbitloom.scenario import Scenario, load
from orbitloom.twin.flight import Progress
from orbitloom.twin.flight import fly as fly_twin
from orbitloom.twin.workshop import Writer
from orbitloom.world.cache import Cache
from orbitloom.world.faults import check_events
from orbitloom.world.orbits import build_ephemeris
from orbitloom.world.propagators import KeptPropagator, Sgp4Propagator
from orbitloom.world.scene import check_scene

__all__ = ["Report", "check", "fly"]

_WORKERS = 2
"""Enough to simulate the next capture while one is processed; each holds a scene in memory."""


def fly(
    scenario: str | Path | Scenario = "ring12",
    *,
    satellites: int | None = None,
    hours: float | None = None,
    seed: int | None = None,
    stations: str | None = None,
    arms: Sequence[str] | None = None,
    scene: str | Path | None = None,
    model: str | None = None,
    executor: str | Executor = "threads",
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Fly a constellation and return the report.

    Parameters
    ----------
    scenario
        Name of a built-in scenario, a TOML file, or a `Scenario`.
    satellites
        Another number of satellites in an even fleet; its planes follow from it.
    hours, seed, stations, arms
        Win over the scenario's own, if given.
    scene
        A GeoTIFF of reflectance (blue, green, red, NIR), laid at every target.
    model
        Who words the alerts, over the scenario's ``model.writer``: ``embedded``, a file
        ``X.gguf[+ADAPTER.gguf]``, ``http://host:port/v1#name``, or ``template``. An embedded model
        that is not installed gives way to the template, and the report says so.
    executor
        ``"threads"``, ``"processes"``, or any `concurrent.futures.Executor`. The results are the
        same.
    out
        Folder for the files; None writes none.
    progress
        Called with what is happening and the share done, 0 to 1.

    Raises
    ------
    OrbitloomError
        If the scenario, a file or the folder cannot be used; says what, where and the way out.

    Examples
    --------
    >>> import orbitloom as ol
    >>> report = ol.fly("ring12", hours=6)  # doctest: +SKIP
    >>> report.summary["arms"]["orbit"]["latency_s"]["p90"]  # doctest: +SKIP
    """
    started = clock.perf_counter()
    loaded = _loaded(scenario, satellites, hours, seed, stations, arms, scene, model)
    folder = None if out is None else Path(out)
    check(loaded)
    writer, note = _writer(loaded, progress)
    with _executor(executor) as runner:
        if folder is not None:
            prepare(folder)
        result = fly_twin(
            loaded,
            executor=runner,
            folder=folder,
            progress=progress,
            writer=writer,
            cache=Cache.of_user(),
        )
    report = Report(result, note=note)
    if folder is not None:
        kind = executor if isinstance(executor, str) else type(executor).__name__
        report.save(folder, run=run_record(wall_s=clock.perf_counter() - started, executor=kind))
    return report


def check(scenario: Scenario) -> tuple[str, ...]:
    """Return the names of a scenario's satellites, if all that it names can be used.

    `fly` asks before it touches a folder, so that a bad file does not cost an earlier flight.

    Raises
    ------
    OrbitError
        If a satellite's elements cannot be propagated.
    InputFileError
        If the file of elements, the scene or an application's file is not what it should be.
    ScenarioError
        If an application needs a band that the imager has not, or a fault is that of a satellite,
        station or terminal that is not there.
    """
    _check_apps(scenario)
    if scenario.scene is not None:
        check_scene(scenario.scene)
    try:
        propagator = KeptPropagator(Sgp4Propagator(), Cache.of_user())
        span = scenario.start_ns, scenario.end_ns
        names = build_ephemeris(scenario.fleet, *span, propagator=propagator).names
    except OrbitError as error:
        error.where = error.where or f"scenario {scenario.name}, key fleet"
        raise
    check_events(scenario, names)
    return names


def _check_apps(scenario: Scenario) -> None:
    """Refuse an application that cannot fly, as long as nothing has been uploaded."""
    there = [band.name for band in scenario.instrument.bands]
    for name in sorted({target.app or scenario.app for target in scenario.targets}):
        application = load_app(name)
        missing = [band for band in application.requires if band not in there]
        if missing:
            raise ScenarioError(
                f"{name!r} needs the band{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
                where=f"scenario {scenario.name}, key app",
                way_out=f"{scenario.instrument.name!r} has {', '.join(there)}; order it on another "
                "imager, or order another application",
            )


def _loaded(
    scenario: str | Path | Scenario,
    satellites: int | None,
    hours: float | None,
    seed: int | None,
    stations: str | None,
    arms: Sequence[str] | None,
    scene: str | Path | None,
    model: str | None,
) -> Scenario:
    given = {
        "satellites": satellites,
        "hours": hours,
        "seed": seed,
        "stations": stations,
        "arms": None if arms is None else tuple(arms),
        "scene": None if scene is None else {"file": Path(scene).absolute()},
    }
    loaded = load(scenario, **given)
    if model is None:
        return loaded
    return load(loaded, model={**loaded.model.model_dump(), "writer": model})


def _writer(scenario: Scenario, progress: Progress | None) -> tuple[Writer, str]:
    """Return who words the alerts, and what is to be said of it.

    Raises
    ------
    ModelError
        If the scenario names a model that cannot be had, other than the embedded one.
    """
    name = scenario.model.writer
    try:
        if progress is not None and name != "template":
            progress(f"waking the language model {name}", 0.0)
        endpoint = open_model(name)
        able = None if endpoint is None else probe(endpoint)
    except ModelError as error:
        if name != "embedded":
            error.where = error.where or f"scenario {scenario.name}, key model.writer"
            raise
        return write, f"{error}. The template words the alerts."
    return partial(write, endpoint=endpoint, able=able), ""


@contextmanager
def _executor(executor: str | Executor) -> Iterator[Executor]:
    if isinstance(executor, Executor):
        yield executor
        return
    workers = max(1, min(_WORKERS, os.cpu_count() or 1))
    made: Executor
    if executor == "threads":
        made = ThreadPoolExecutor(workers)
    elif executor == "processes":
        # Forking a process that has threads (a progress bar, GDAL) can deadlock.
        made = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    else:
        raise ScenarioError(
            f"there is no executor {executor!r}", way_out="Known: threads, processes"
        )
    with made:
        yield made
