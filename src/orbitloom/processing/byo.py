"""Bring your own detector: a Python file, a network, or a process graph becomes an application.

All three run in the sandbox, and make a finding the same way: scores above the threshold (or
points) where the ground was seen. An installed application is loaded by its name as ever.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from orbitloom.errors import InputFileError
from orbitloom.processing import regions
from orbitloom.processing.apps import App, Context, Evidence, Finding
from orbitloom.processing.detector import Detector, read_detector, read_limited
from orbitloom.processing.l2 import NO_DATA
from orbitloom.processing.l3 import Grid, Tile
from orbitloom.processing.morphology import large
from orbitloom.processing.onnx_manifest import read_network
from orbitloom.processing.sandbox import Code, Outcome, run
from orbitloom.scenario import plugins

__all__ = ["DetectorApp", "load_app"]

_LARGEST_SOURCE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorApp(regions.OpticalApp):
    """A user's detector as an application: it runs in the sandbox, one process a look.

    Attributes
    ----------
    name
        The file's, without its ending.
    version
        ``sha256:`` and the SHA-256 of the user's bytes.
    """

    gated: ClassVar[bool] = False  # it may look for cloud
    name: str
    version: str
    detector: Detector
    code: Code

    @property
    def requires(self) -> tuple[str, ...]:
        """Bands that it cannot do without."""
        return self.detector.bands

    def analyse(self, tile: Tile, context: Context) -> Finding:
        """Return what it found, or by which limit it was stopped."""
        unseen, share, silent = self.view(tile)
        if silent == "night":
            return Finding(clear_share=share, reason="night")
        outcome = self.look(tile, context)
        if outcome.cause is not None:
            return Finding(clear_share=share, reason="app", cause=outcome.cause)
        ignored = (tile.mask & NO_DATA) != 0 if self.detector.through_cloud else unseen
        finding = self._found(tile, context, outcome, ignored, share)
        return finding or Finding(clear_share=share, reason=silent)

    def look(self, tile: Tile, context: Context) -> Outcome:
        """Run the detector over a tile; return all that came of it."""
        info = {
            "target": context.target,
            "sensed_ns": context.sensed_ns,
            "gsd_m": tile.grid.gsd_m,
            "epsg": tile.grid.epsg,
            "transform": list(tile.grid.transform),
            "sun_elevation_deg": tile.sun_elevation_deg,
            "sun_azimuth_deg": tile.sun_azimuth_deg,
        }
        return run(self.code, self.detector, tile, info)

    def _found(
        self,
        tile: Tile,
        context: Context,
        outcome: Outcome,
        ignored: NDArray[np.bool_],
        share: float,
    ) -> Finding | None:
        detector = self.detector
        if outcome.scores is not None:
            scores = outcome.scores
            least = detector.least_part_km2 / tile.grid.cell_km2
            area = large((scores > detector.threshold) & ~ignored, least)
            points: list[dict[str, Any]] = []
        else:
            points = [
                dict(point)
                for point in outcome.points
                if not ignored[int(point["row"]), int(point["column"])]
                and point.get("score", 1.0) > detector.threshold
            ]
            area, scores = np.zeros(tile.grid.shape, bool), np.ones(tile.grid.shape, np.float32)
            for point in points:
                cell = int(point["row"]), int(point["column"])
                area[cell], scores[cell] = True, point.get("score", 1.0)
        if not area.any():
            return None
        extent = regions.extent(tile, area, ignored)
        # A point is somewhere in its cell, how large it is was not measured; a tile found whole has
        # no edge, and is not certain all the same.
        uneven_km2 = (max(len(points), 1) / 12.0) ** 0.5 * tile.grid.cell_km2
        sigma_km2 = uneven_km2 if points else max(extent.area_sigma_km2, uneven_km2)
        score = float(np.median(scores[area]))
        what = detector.event.replace("_", " ")
        size = f"{len(points)} found" if points else f"{extent.area_km2:.2f} km²"
        return Finding(
            clear_share=share,
            evidence=Evidence(
                event=detector.event,
                area_km2=extent.area_km2,
                area_sigma_km2=sigma_km2,
                parts=extent.parts,
                contrast=score - detector.threshold,
                cloud_edge_share=extent.cloud_edge_share,
                spoilt_share=extent.spoilt_share,
                clear_share=share,
            ),
            area=area,
            confidence=min(score, 0.95),
            severity=regions.severity(extent.area_km2),
            headline=f"{what.capitalize()} at {context.target}: {size}",
            details=_placed(points, tile.grid),
        )


def _placed(points: list[dict[str, Any]], grid: Grid) -> tuple[dict[str, Any], ...]:
    """Return points with their longitude and latitude in place of row and column."""
    if not points:
        return ()
    longitude, latitude = grid.longitudes_latitudes(
        [point["row"] for point in points], [point["column"] for point in points]
    )
    return tuple(
        {key: value for key, value in point.items() if key not in ("row", "column")}
        | {"longitude_deg": round(x, 6), "latitude_deg": round(y, 6)}
        for point, x, y in zip(points, longitude.tolist(), latitude.tolist(), strict=True)
    )


def load_app(name: str | Path) -> App:
    """Return an application by the name of an entry point, or from a user's file.

    Parameters
    ----------
    name
        An entry point in ``orbitloom.apps``, or the path of a ``.py`` file with a function marked
        by `orbitloom.app`, of a network's manifest (``.toml``; or the ``.onnx`` beside it), or of
        an openEO process graph (``.json``).

    Raises
    ------
    ScenarioError
        If no application has that name.
    InputFileError
        If the file cannot be used as it is.
    """
    ending = Path(name).suffix
    if ending == ".py":
        return _from_python(Path(name))
    if ending in (".onnx", ".toml"):
        return _from_network(Path(name))
    if ending == ".json":
        return _from_graph(Path(name))
    found = plugins.load("apps", str(name))
    if hasattr(found, "orbitloom_app"):
        return _from_python(Path(inspect.getsourcefile(found) or ""), name=str(name))
    application: App = found()
    return application


def _from_python(path: Path, name: str = "") -> DetectorApp:
    source = read_limited(path, _LARGEST_SOURCE)
    return DetectorApp(
        name=name or path.stem,
        version=_version(source),
        detector=read_detector(source, str(path)),
        code=Code(kind="python", payload=source, settings={}),
    )


def _from_network(path: Path) -> DetectorApp:
    network = read_network(path)
    return DetectorApp(
        name=path.stem,
        version=_version(network.manifest, network.model),
        detector=network.detector,
        code=Code(kind="onnx", payload=network.model, settings=network.settings),
    )


def _from_graph(path: Path) -> DetectorApp:
    from orbitloom.processing.graph import read_graph

    where, payload = str(path), read_limited(path, _LARGEST_SOURCE)
    graph = read_graph(payload, where)
    if graph.needs_baseline:
        raise InputFileError(
            "compares with the baseline, which a user's graph is not given",
            where=where,
            way_out="Load the look only",
        )
    said = json.loads(payload).get("orbitloom")
    if not isinstance(said, dict):
        raise InputFileError(
            "does not say what it finds",
            where=where,
            way_out='Add "orbitloom": {"event": "..."} beside "process_graph"',
        )
    return DetectorApp(
        name=path.stem,
        version=_version(payload),
        detector=read_detector({"bands": list(graph.bands)} | said, where),
        code=Code(kind="graph", payload=payload, settings={}),
    )


def _version(*parts: bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(part)
    return f"sha256:{total.hexdigest()}"
