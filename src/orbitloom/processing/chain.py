"""The whole chain as one function: packets in, an answer out. The same in orbit and on the ground.

It knows the packets, what was ordered and the instrument's calibration; nothing of the truth, of
where it runs, or of the time it takes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from orbitloom._version import __version__
from orbitloom.errors import PacketError
from orbitloom.processing import l0, l1, l2, l3
from orbitloom.processing.answering import GRADES, answer_tile, feature_answer
from orbitloom.processing.apps import App, Context
from orbitloom.processing.assess import Model
from orbitloom.processing.byo import load_app
from orbitloom.processing.outline import footprint
from orbitloom.scenario import plugins
from orbitloom.scenario.time import to_iso
from orbitloom.wire import Answer, Calibration, CaptureTask
from orbitloom.wire.briefing import Briefing
from orbitloom.wire.nmea import reports

__all__ = ["GATE_CLEAR_SHARE", "ChainResult", "Levels", "judge", "process", "raise_levels"]

_UNCLEAR = l2.NO_DATA | l2.SPOILT | l2.CLOUD | l2.SHADOW

_IMAGED_SHARE = 0.5  # with less it is gaps that hide the ground

GATE_CLEAR_SHARE = 0.02
"""With less of a scene clear the gate closes; no application of ours says anything of 0.05."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChainResult:
    """What processing one capture gave.

    Attributes
    ----------
    answer
        The L4 result.
    level_bytes
        Size of each level's product, ``L0`` to ``L4``; a level that was not reached has none, as L3
        of a scene at which the gate closed.
    packets, duplicates, damaged, refused
        See `l0.Frames`.
    gaps
        Packets that are missing.
    grid
        Of the L3 tile, whether or not it was made; None if nothing could be placed on Earth.
    """

    answer: Answer
    level_bytes: Mapping[str, int]
    packets: int
    duplicates: int
    damaged: int
    refused: int
    gaps: int
    grid: l3.Grid | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Levels:
    """What L0 to L3 make of a capture.

    Attributes
    ----------
    tile
        L3; None if nothing could be placed on Earth, or the gate has closed.
    grid
        Of the tile; None if nothing could be placed on Earth.
    clear_share
        Of the scene, by L2's masks.
    cog
        The tile as a cloud-optimised GeoTIFF; empty without one.
    reason
        Why there is no tile: "gap", "geolocation" or "cloud".
    footprint
        GeoJSON geometry of the tile; of the target as ordered, without one.
    level_bytes
        Size of each level's product.
    frames
        L0, without the pixels' own array.
    """

    tile: l3.Tile | None
    grid: l3.Grid | None = None
    clear_share: float = 0.0
    cog: bytes
    reason: str
    footprint: dict[str, Any]
    level_bytes: dict[str, int]
    frames: l0.Frames


def process(
    packets: bytes,
    task: CaptureTask,
    calibration: Calibration,
    app: str,
    model: str,
    briefing: Briefing | None = None,
    *,
    gate: bool = False,
) -> ChainResult:
    """Turn a capture's packets into its answer.

    Parameters
    ----------
    packets
        As they came over the bus.
    task, calibration
        What was ordered, and what is known of the instrument.
    app
        An entry point in ``orbitloom.apps``, or a file of a user's: see `byo.load_app`.
    model
        An entry point in ``orbitloom.models``.
    briefing
        What was known of the place before the look.
    gate
        Whether a scene that is under cloud ends at L2, before anything costly. Applications of
        users' are not kept from it: they may look for cloud.

    Raises
    ------
    ScenarioError
        If no application or model has that name.
    InputFileError
        If the application's file cannot be used.
    """
    briefing = briefing or Briefing()
    application = load_app(app)
    closes = gate and getattr(application, "gated", False)
    levels = raise_levels(packets, task, calibration, briefing, GATE_CLEAR_SHARE if closes else 0.0)
    return judge(
        # Only the size of the coded tile is told: its memory is the application's.
        replace(levels, cog=b""),
        packets,
        task,
        calibration,
        application,
        plugins.load("models", model)(),
        briefing,
    )


def raise_levels(
    packets: bytes,
    task: CaptureTask,
    calibration: Calibration,
    briefing: Briefing,
    least_clear_share: float = 0.0,
) -> Levels:
    """Return L0 to L3 of a capture; the parameters are those of `process`.

    With less than `least_clear_share` of the scene clear, L2 is the last.
    """
    bands, columns = calibration.dark_dn.shape
    frames = l0.reconstruct(packets, task.capture, bands, columns, calibration.layout)
    sizes = {"L0": frames.dn.nbytes}
    point = [round(task.longitude_deg, 5), round(task.latitude_deg, 5)]
    nowhere = {"type": "Point", "coordinates": point}
    if len(frames.ancillary) < 2 or not frames.valid.any():
        return _no_tile("gap", nowhere, sizes, frames)
    try:
        place = l1.geolocate(frames.ancillary, calibration.ifov_rad, terrain=briefing.terrain)
        radiance = l1.calibrate(frames, calibration)
        snr = _snr(radiance, calibration)
        sizes["L1"] = radiance.radiance.nbytes + radiance.quality.nbytes
        frames = replace(frames, dn=frames.dn[:, :0].copy())
        scene = l2.to_reflectance(radiance, calibration, place, task.middle_ns)
        del radiance
        sizes["L2"] = scene.reflectance.nbytes + scene.mask.nbytes
        grid = l3.grid_for(place, calibration.gsd_m)
        around = footprint(place.longitude_deg, place.latitude_deg)
        clear_share = float(np.mean((scene.mask & _UNCLEAR) == 0))
        imaged_share = float(np.mean((scene.mask & l2.NO_DATA) == 0))
        if clear_share < least_clear_share and imaged_share >= _IMAGED_SHARE:
            gated = _no_tile("cloud", around, sizes, frames)
            return replace(gated, grid=grid, clear_share=clear_share)
        tile = l3.resample(scene, place, grid, calibration.band_names, snr)
        del scene
    except PacketError:  # whole packets that tell of no possible view of the Earth
        return _no_tile("geolocation", nowhere, sizes, frames)
    cog = l3.to_cog(tile)
    sizes["L3"] = len(cog)
    return Levels(
        tile=replace(tile, sensed_ns=task.middle_ns),
        grid=grid,
        clear_share=clear_share,
        cog=cog,
        reason="",
        footprint=around,
        level_bytes=sizes,
        frames=frames,
    )


def judge(
    levels: Levels,
    packets: bytes,
    task: CaptureTask,
    calibration: Calibration,
    app: App,
    model: Model,
    briefing: Briefing,
) -> ChainResult:
    """Return the answer to a capture whose levels are there; see `process`."""
    properties: dict[str, Any] = {
        "app": app.name,
        "app_version": app.version,
        "briefing_sha256": briefing.digest(),
        "calibration_id": calibration.calibration_id,
        "capture": task.capture,
        "gaps": len(levels.frames.gaps),
        "gbt38026:grade": GRADES["L4"],
        "gsd": calibration.gsd_m,
        "packets_sha256": hashlib.sha256(packets).hexdigest(),
        "processing:level": "L4",
        "processing:software": {"orbitloom": __version__},
        "satellite": task.satellite,
        "sensed": to_iso(task.middle_ns),
        "target": task.target,
    }
    if levels.tile is None:
        properties |= {
            "kind": "not_observable",
            "reason": levels.reason,
            "clear_share": round(levels.clear_share, 4),
        }
        if levels.grid is not None:
            properties["eo:cloud_cover"] = round(100.0 * (1.0 - levels.clear_share), 2)
        answer = feature_answer(levels.footprint, properties)
    else:
        context = Context(
            target=task.target,
            sensed_ns=task.middle_ns,
            briefing=briefing,
            ais=reports(levels.frames.sentences),
        )
        answer = answer_tile(levels.tile, context, app, model, properties, levels.footprint)
    frames = levels.frames
    return ChainResult(
        answer=answer,
        level_bytes=levels.level_bytes | {"L4": len(answer.to_bytes())},
        packets=frames.packets,
        duplicates=frames.duplicates,
        damaged=frames.damaged,
        refused=frames.refused,
        gaps=len(frames.gaps),
        grid=levels.grid,
    )


def _no_tile(
    reason: str, nowhere: dict[str, Any], sizes: dict[str, int], frames: l0.Frames
) -> Levels:
    return Levels(
        tile=None, cog=b"", reason=reason, footprint=nowhere, level_bytes=sizes, frames=frames
    )


def _snr(radiance: l1.Radiance, calibration: Calibration) -> float:
    """Return the signal-to-noise ratio of the median pixel in the weakest band."""
    ratios = []
    for band in range(radiance.radiance.shape[0]):
        level = np.median(radiance.radiance[band, ::16, ::16])
        ratios.append(float(level / l1.noise(np.array([level]), band, calibration)[0]))
    return min(ratios)
