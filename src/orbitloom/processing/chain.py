"""The whole chain as one function: packets in, an answer out. The same in orbit and on the ground.

It knows the packets, what was ordered and the instrument's calibration; nothing of the truth, of
where it runs, or of the time it takes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from orbitloom.errors import PacketError
from orbitloom.processing import l0, l1, l2, l3
from orbitloom.processing.answering import GRADES, answer_tile, feature_answer
from orbitloom.processing.apps import App, Context
from orbitloom.processing.assess import Model
from orbitloom.processing.outline import footprint
from orbitloom.scenario import plugins
from orbitloom.scenario.time import to_iso
from orbitloom.wire import Answer, Calibration, CaptureTask
from orbitloom.wire.briefing import Briefing

__all__ = ["ChainResult", "process"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChainResult:
    """What processing one capture gave.

    Attributes
    ----------
    answer
        The L4 result.
    level_bytes
        Size of each level's product, ``L0`` to ``L4``; a level that was not reached has none.
    packets, duplicates, damaged, refused
        See `l0.Frames`.
    gaps
        Packets that are missing.
    grid
        Of the L3 tile; None if nothing could be placed on Earth.
    """

    answer: Answer
    level_bytes: Mapping[str, int]
    packets: int
    duplicates: int
    damaged: int
    refused: int
    gaps: int
    grid: l3.Grid | None

    @property
    def assessed(self) -> bool:
        """Whether the on-board model was asked, which costs time and energy."""
        return "model" in self.answer.feature["properties"]


def process(
    packets: bytes,
    task: CaptureTask,
    calibration: Calibration,
    app: str,
    model: str,
    briefing: Briefing | None = None,
) -> ChainResult:
    """Turn a capture's packets into its answer.

    Parameters
    ----------
    packets
        As they came over the bus.
    task, calibration
        What was ordered, and what is known of the instrument.
    app, model
        Names of entry points in ``orbitloom.apps`` and ``orbitloom.models``.
    briefing
        What was known of the place before the look.

    Raises
    ------
    ScenarioError
        If no application or model has that name.
    """
    application: App = plugins.load("apps", app)()
    assessor: Model = plugins.load("models", model)()
    bands, columns = calibration.dark_dn.shape
    frames = l0.reconstruct(packets, task.capture, bands, columns)
    properties: dict[str, Any] = {
        "app": application.name,
        "app_version": application.version,
        "calibration_id": calibration.calibration_id,
        "capture": task.capture,
        "gaps": len(frames.gaps),
        "gbt38026:grade": GRADES["L4"],
        "gsd": calibration.gsd_m,
        "packets_sha256": hashlib.sha256(packets).hexdigest(),
        "processing:level": "L4",
        "satellite": task.satellite,
        "sensed": to_iso(task.middle_ns),
        "target": task.target,
    }
    sizes = {"L0": frames.dn.nbytes}
    if len(frames.ancillary) < 2 or not frames.valid.any():
        return _unplaced("gap", task, properties, sizes, frames)
    try:
        place = l1.geolocate(frames.ancillary, calibration.ifov_rad)
        radiance = l1.calibrate(frames, calibration)
        snr = _snr(radiance, calibration)
        sizes["L1"] = radiance.radiance.nbytes + radiance.quality.nbytes
        scene = l2.to_reflectance(radiance, calibration, place, task.middle_ns)
        del radiance
        sizes["L2"] = scene.reflectance.nbytes + scene.mask.nbytes
        grid = l3.grid_for(place, calibration.gsd_m)
        tile = l3.resample(scene, place, grid, calibration.band_names, snr)
        del scene
    except PacketError:  # whole packets that tell of no possible view of the Earth
        return _unplaced("geolocation", task, properties, sizes, frames)
    sizes["L3"] = len(l3.to_cog(tile))

    context = Context(target=task.target, sensed_ns=task.middle_ns, briefing=briefing or Briefing())
    ring = footprint(place.longitude_deg, place.latitude_deg)
    answer = answer_tile(tile, context, application, assessor, properties, ring)
    return _result(answer, sizes, frames, grid)


def _unplaced(
    reason: str,
    task: CaptureTask,
    properties: dict[str, Any],
    sizes: dict[str, int],
    frames: l0.Frames,
) -> ChainResult:
    """Return the answer for packets that cannot be placed on Earth: at the target as ordered."""
    properties |= {"kind": "not_observable", "reason": reason, "clear_share": 0.0}
    point = [round(task.longitude_deg, 5), round(task.latitude_deg, 5)]
    answer = feature_answer({"type": "Point", "coordinates": point}, properties)
    return _result(answer, sizes, frames, None)


def _result(
    answer: Answer, sizes: dict[str, int], frames: l0.Frames, grid: l3.Grid | None
) -> ChainResult:
    return ChainResult(
        answer=answer,
        level_bytes=sizes | {"L4": len(answer.to_bytes())},
        packets=frames.packets,
        duplicates=frames.duplicates,
        damaged=frames.damaged,
        refused=frames.refused,
        gaps=len(frames.gaps),
        grid=grid,
    )


def _snr(radiance: l1.Radiance, calibration: Calibration) -> float:
    """Return the signal-to-noise ratio of the median pixel in the weakest band."""
    ratios = []
    for band in range(radiance.radiance.shape[0]):
        level = np.median(radiance.radiance[band, ::16, ::16])
        ratios.append(float(level / l1.noise(np.array([level]), band, calibration)[0]))
    return min(ratios)
