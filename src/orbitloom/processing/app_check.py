"""Whether an application can fly on an instrument: looked at, and tried, before it is uploaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.errors import InputFileError
from orbitloom.processing.apps import App, Context
from orbitloom.processing.byo import DetectorApp
from orbitloom.processing.l2 import CLOUD, NO_DATA
from orbitloom.processing.l3 import SCALE, Grid, Tile
from orbitloom.processing.sandbox import Outcome
from orbitloom.scenario import stream
from orbitloom.scenario.hardware import Instrument

__all__ = ["Checked", "check", "trial_tile"]

_SEED = 100
_PATCH = 32
_CONTEXT = Context(target="a trial")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found of an application that may fly.

    Attributes
    ----------
    name, version, bands
        Of the application.
    shape
        Rows and columns of the tile that it was tried on.
    cpu_s, memory_mb
        What the look took; 0 for an installed application, which runs without a sandbox.
    seconds, budget_mb
        What it may take; 0 likewise.
    walls
        Which walls stood around it on this machine.
    """

    name: str
    version: str
    bands: tuple[str, ...]
    shape: tuple[int, int]
    cpu_s: float = 0.0
    seconds: float = 0.0
    memory_mb: float = 0.0
    budget_mb: float = 0.0
    walls: tuple[str, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """Return it as lines for people."""
        said = [
            f"{self.name} {self.version}",
            f"bands: {', '.join(self.bands) or 'none'}",
            f"tried twice on {self.shape[0]} x {self.shape[1]} cells, with the same answer",
        ]
        if self.seconds:
            said += [
                f"CPU time: {self.cpu_s:.1f} of {self.seconds:g} s",
                f"memory: {self.memory_mb:.0f} of {self.budget_mb:g} MB",
                f"walls on this machine: {', '.join(self.walls) or 'none'}",
            ]
        else:
            said.append("an installed application: it runs without a sandbox")
        return tuple(said)


def check(app: App, instrument: Instrument) -> Checked:
    """Return what a trial of an application on an instrument's scenes found.

    It is run twice over a tile as large as the instrument's scene.

    Raises
    ------
    InputFileError
        If a band is missing, it is stopped, or its two answers differ.
    """
    names = tuple(band.name for band in instrument.bands)
    missing = [band for band in app.requires if band not in names]
    if missing:
        raise InputFileError(
            f"needs the band {missing[0]!r}, which the instrument has not",
            where=app.name,
            way_out=f"Its bands: {', '.join(names)}",
        )
    shape = (instrument.lines, instrument.columns)
    if not isinstance(app, DetectorApp):
        tile = trial_tile(names, shape, instrument.gsd_m)
        first, second = (app.analyse(tile, _CONTEXT) for _ in range(2))
        _hold_equal(
            app,
            (first.reason, first.evidence, first.details)
            == (second.reason, second.evidence, second.details)
            and np.array_equal(_or_empty(first.area), _or_empty(second.area)),
        )
        return Checked(name=app.name, version=app.version, bands=app.requires, shape=shape)
    detector = app.detector
    bands_mb = 4e-6 * len(detector.bands) * shape[0] * shape[1]
    if bands_mb > detector.memory_mb:
        raise InputFileError(
            f"its bands alone take {bands_mb:.0f} MB of the {detector.memory_mb} that it asks for",
            where=app.name,
            way_out="Raise memory_mb, or take fewer bands",
        )
    tile = trial_tile(names, shape, instrument.gsd_m)
    once, again = (_looked(app, tile) for _ in range(2))
    _hold_equal(
        app,
        once.points == again.points
        and np.array_equal(_or_empty(once.scores), _or_empty(again.scores)),
    )
    return Checked(
        name=app.name,
        version=app.version,
        bands=app.requires,
        shape=shape,
        cpu_s=max(once.cpu_s, again.cpu_s),
        seconds=detector.seconds,
        memory_mb=max(once.memory_mb, again.memory_mb),
        budget_mb=detector.memory_mb,
        walls=once.walls,
    )


def trial_tile(bands: tuple[str, ...], shape: tuple[int, int], gsd_m: float) -> Tile:
    """Return a tile of patches with reflectances from 0.02 to 0.5, some cloud, and an edge.

    Parameters
    ----------
    bands
        Their names.
    shape
        Rows and columns.
    gsd_m
        Side of a cell, metres.
    """
    draw = stream(_SEED, "app check")
    rows, columns = shape
    row, column = (np.arange(count) // _PATCH for count in shape)
    numbers = np.empty((len(bands), rows, columns), np.uint16)
    for band in range(len(bands)):
        patches = draw.integers(200, 5000, (rows // _PATCH + 1, columns // _PATCH + 1))
        numbers[band] = patches[row[:, None], column]
        numbers[band] += draw.integers(0, 50, (rows, 1), np.uint16)
    mask = np.zeros(shape, np.uint8)
    mask[: rows // 8, : columns // 8] = CLOUD
    numbers[:, : rows // 8, : columns // 8] = round(0.7 / SCALE)
    mask[-(rows // 16) :] = NO_DATA
    numbers[:, mask == NO_DATA] = 0
    return Tile(
        grid=Grid(epsg=32633, transform=(gsd_m, 0.0, 5e5, 0.0, -gsd_m, 5e6), shape=shape),
        band_names=bands,
        numbers=numbers,
        mask=mask,
        imaged_share=1.0,
        sun_elevation_deg=40.0,
        off_nadir_deg=3.0,
        snr=80.0,
        solar_radiance=np.full(len(bands), 300.0),
        at_surface=True,
    )


def _looked(app: DetectorApp, tile: Tile) -> Outcome:
    outcome = app.look(tile, _CONTEXT)
    if outcome.cause is None:
        return outcome
    printed = outcome.printed.strip().splitlines()
    raise InputFileError(
        f"was stopped: {outcome.cause}" + (f" ({outcome.detail})" if outcome.detail else ""),
        where=app.name,
        way_out=f"It printed last: {printed[-1][:200]!r}" if printed else "",
    )


def _hold_equal(app: App, equal: bool) -> None:
    if not equal:
        raise InputFileError(
            "gives two answers for the same tile",
            where=app.name,
            way_out="Draw no random numbers without a seed, and keep nothing of the clock",
        )


def _or_empty(layer: NDArray[Any] | None) -> NDArray[Any]:
    return np.empty(0) if layer is None else layer
