"""One scene without a flight: make its packets, process them, hold the answer against the truth."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time as clock
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError
from rasterio.features import rasterize
from rasterio.transform import Affine
from rasterio.warp import transform_geom

from orbitloom._version import __version__
from orbitloom.errors import InputFileError, OutputError, ScenarioError
from orbitloom.ground import Ground
from orbitloom.ground.files import write_file
from orbitloom.ground.tile_item import write_tile
from orbitloom.processing import l3
from orbitloom.processing.answering import GRADES, answer_tile
from orbitloom.processing.apps import Context
from orbitloom.processing.byo import load_app
from orbitloom.processing.chain import judge, raise_levels
from orbitloom.processing.memory import Memory
from orbitloom.processing.outline import outline
from orbitloom.processing.sensors import open_scene
from orbitloom.report.summary import is_hit
from orbitloom.scenario import Scenario, SceneFile, Target, load, plugins
from orbitloom.scenario.load import load_instrument
from orbitloom.scenario.time import from_iso, to_iso
from orbitloom.twin.result import CaptureScore
from orbitloom.wire import Answer
from orbitloom.wire.briefing import Briefing
from orbitloom.wire.capture_file import Capture, read_capture, read_packets
from orbitloom.world.simulate import simulate as simulate_capture

__all__ = ["Known", "Processed", "process_packets", "process_scene", "score", "simulate"]

_RECORD = "process.json"
_MEMORY_BYTES = 2_000_000_000
_OWN = ("answer.geojson", "chip.tif", "L3.tif", "L3.json", "inbox", "catalog", "series.nc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a user knows of a place, as files; each may be missing.

    `fields`, `regions` and `land` are GeoJSON; `memory` is the on-board memory's file, read before
    and written after the look.
    """

    fields: Path | None = None
    regions: Path | None = None
    land: Path | None = None
    memory: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Processed:
    """What processing one scene gave.

    `level_bytes` has the levels that were reached; `seconds` is CPU time.
    """

    answer: Answer
    level_bytes: Mapping[str, int]
    seconds: float
    files: tuple[Path, ...]

    @property
    def said(self) -> Mapping[str, Any]:
        """The answer's properties."""
        said: Mapping[str, Any] = self.answer.feature["properties"]
        return said


def process_packets(
    source: Path,
    out: Path,
    *,
    instrument: str | None = None,
    app: str | None = None,
    model: str = "rules",
    known: Known | None = None,
) -> Processed:
    """Turn a capture's packets into its answer, and write everything to a folder.

    Parameters
    ----------
    source
        A capture's folder, or a file of packets alone; then `instrument` is needed.
    out
        Folder for the files: new, empty, or of an earlier run.
    instrument
        Name or TOML file of the imager that made the packets.
    app
        Name or file of the application; by default what was ordered.
    model
        Name of the model.
    known
        What is known of the place besides what came with the capture.

    Raises
    ------
    OrbitloomError
        If something cannot be used; says what, where and the way out.
    """
    started = clock.process_time()
    capture = _capture(source, instrument)
    task = capture.task if app is None else replace(capture.task, app=_app_name(app))
    application = load_app(app or task.app)
    _check_bands(application.requires, capture.calibration.band_names, application.name)
    memory = _memory(known)
    briefing = _with_known(capture.briefing, known)
    levels = raise_levels(capture.packets, task, capture.calibration, briefing)
    if memory is not None and levels.tile is not None:
        briefing = replace(briefing, baseline=memory.baseline(levels.tile.grid))
    assessor = plugins.load("models", model)()
    result = judge(
        levels, capture.packets, task, capture.calibration, application, assessor, briefing
    )
    _prepare(out)
    design = capture.about.get("instrument") or {}
    files = _deliver(out, result.answer, str(design.get("name") or instrument or "unknown"))
    if levels.tile is not None:
        said = result.answer.feature["properties"]
        files += write_tile(out, levels.cog, levels.footprint, said, task.middle_ns)
        if memory is not None and known is not None and known.memory is not None:
            memory.look(levels.tile)
            memory.to_file(known.memory)
    return _record(out, source, result.answer, result.level_bytes, started, files)


def process_scene(
    source: Path,
    out: Path,
    *,
    app: str,
    model: str = "rules",
    known: Known | None = None,
    scale: float | None = None,
    offset: float | None = None,
    bands: Sequence[str] | None = None,
    sensed_ns: int | None = None,
    at_surface: bool = False,
) -> Processed:
    """Turn a scene's file into an answer: the chain from L3 on.

    The parameters are those of `process_packets` and of `processing.sensors.open_scene`.

    Raises
    ------
    OrbitloomError
        If something cannot be used; says what, where and the way out.
    """
    started = clock.process_time()
    application = load_app(app)
    tile = open_scene(
        source, scale=scale, offset=offset, bands=bands, sensed_ns=sensed_ns, at_surface=at_surface
    )
    _check_bands(application.requires, tile.band_names, application.name)
    memory = _memory(known)
    briefing = _with_known(Briefing(), known)
    if memory is not None:
        briefing = replace(briefing, baseline=memory.baseline(tile.grid))
    cog = l3.to_cog(tile)
    properties: dict[str, Any] = {
        "app": application.name,
        "app_version": application.version,
        "briefing_sha256": briefing.digest(),
        "capture": 0,
        "gaps": 0,
        "gbt38026:grade": GRADES["L4"],
        "gsd": tile.grid.gsd_m,
        "packets_sha256": hashlib.sha256(cog).hexdigest(),
        "processing:level": "L4",
        "processing:software": {"orbitloom": __version__},
        "satellite": "unknown",
        "sensed": to_iso(tile.sensed_ns),
        "target": source.stem,
    }
    known_sun = np.isfinite(tile.sun_elevation_deg)
    shown = tile if known_sun else replace(tile, sun_elevation_deg=45.0, sun_azimuth_deg=0.0)
    context = Context(target=source.stem, sensed_ns=tile.sensed_ns, briefing=briefing)
    assessor = plugins.load("models", model)()
    edge = outline((tile.mask & 1) == 0, tile.grid, 2_000)
    answer = answer_tile(shown, context, application, assessor, properties, edge)
    _prepare(out)
    files = _deliver(out, answer, "unknown")
    files += write_tile(out, cog, edge, answer.feature["properties"], tile.sensed_ns)
    if memory is not None and known is not None and known.memory is not None:
        memory.look(tile)
        memory.to_file(known.memory)
    sizes = {"L3": len(cog), "L4": len(answer.to_bytes())}
    return _record(out, source, answer, sizes, started, files)


def simulate(
    instrument: str,
    out: Path,
    *,
    place: tuple[float, float],
    event: str = "flood",
    setting: str = "any",
    app: str = "flood",
    seed: int = 0,
    scene: Path | None = None,
    roll_deg: float = 0.0,
) -> Path:
    """Simulate one capture and write it to a folder; see `world.simulate.simulate`.

    `place` is latitude and longitude in degrees.

    Raises
    ------
    OrbitloomError
        If something cannot be used; says what, where and the way out.
    """
    try:
        target = Target.model_validate(
            {
                "name": "the target",
                "latitude_deg": place[0],
                "longitude_deg": place[1],
                "event": event,
                "setting": setting,
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise ScenarioError(
            f"{first['input']!r}: {first['msg'].lower()}",
            where=f"option --{'at' if 'deg' in str(first['loc'][0]) else first['loc'][0]}",
        ) from None
    return simulate_capture(
        load_instrument(instrument),
        target=target,
        seed=seed,
        out=out,
        app=app,
        scene=None if scene is None else SceneFile(file=scene),
        roll_deg=roll_deg,
    )


def score(folder: Path, truth: Path | None = None) -> dict[str, Any]:
    """Return how an answer of `process_packets` stands against the truth of what was simulated.

    Parameters
    ----------
    folder
        What `process_packets` wrote.
    truth
        The capture's folder, with ``truth.npz`` and ``truth.json``; by default the one that was
        processed.

    Returns
    -------
    dict
        ``event``, ``kind``, ``claimed``, ``truth_km2`` (visible), ``found_km2``, ``iou`` (None
        where neither has an area), ``observable``, and ``hit``.

    Raises
    ------
    InputFileError
        If a file is missing or no such file.
    """
    record = _json(folder / _RECORD, "'orbitloom process --packets DIR' writes it")
    source = truth or (folder / str(record["source"])).resolve()
    told = _json(source / "truth.json", "'orbitloom instrument simulate' writes it")
    try:
        with np.load(source / "truth.npz", allow_pickle=False) as arrays:
            area, imaged, visible = (
                arrays[name].astype(bool) for name in ("area", "imaged", "visible")
            )
    except (OSError, ValueError, KeyError) as error:
        raise InputFileError(
            f"cannot be read ({error})",
            where=str(source / "truth.npz"),
            way_out="'orbitloom instrument simulate' writes it",
        ) from None
    feature = _json(folder / "answer.geojson", "'orbitloom process' writes it")
    said = feature["properties"]
    found = np.zeros(area.shape, bool)
    if said["kind"] == "alert" and said.get("maturity") != "retracted":
        shape = transform_geom("EPSG:4326", f"EPSG:{told['epsg']}", feature["geometry"])
        found = rasterize(
            [(shape, 1)],
            out_shape=area.shape,
            transform=Affine(*told["transform"]),
            all_touched=False,
            dtype="uint8",
        ).astype(bool)
    cell_km2 = abs(told["transform"][0] * told["transform"][4]) * 1e-6
    union = int(np.count_nonzero((found | area) & visible))
    both = int(np.count_nonzero(found & area & visible))
    judged = CaptureScore(
        capture=int(said["capture"]),
        app=said["app"],
        event=told["event"],
        kind=said["kind"],
        claimed=str(said.get("event", "")),
        observable=round(int(np.count_nonzero(visible)) / max(int(np.count_nonzero(imaged)), 1), 4),
        truth_km2=round(float(np.count_nonzero(area & visible)) * cell_km2, 4),
        found_km2=round(float(np.count_nonzero(found)) * cell_km2, 4),
        iou=round(both / union, 4) if union else None,
    )
    names = ("event", "kind", "claimed", "observable", "truth_km2", "found_km2", "iou")
    return {name: getattr(judged, name) for name in names} | {
        "hit": is_hit(judged) if judged.kind == "alert" else None
    }


def _capture(source: Path, instrument: str | None) -> Capture:
    if source.is_dir() or (source.parent / "capture.json").exists():
        return read_capture(source)
    if instrument is None:
        raise InputFileError(
            "holds packets alone, and nothing says whose",
            where=str(source),
            way_out="Name the imager: --instrument imager5m, or a TOML file",
        )
    return read_packets(source, load_instrument(instrument))


def _app_name(app: str) -> str:
    return Path(app).stem if Path(app).suffix else app


def _check_bands(needed: Sequence[str], there: Sequence[str], app: str) -> None:
    missing = [band for band in needed if band not in there]
    if missing:
        raise ScenarioError(
            f"{app!r} needs the band{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
            where=f"bands {', '.join(there)}",
            way_out="Use an imager or a scene that has them, or another application",
        )


def _memory(known: Known | None) -> Memory | None:
    if known is None or known.memory is None:
        return None
    if known.memory.exists():
        return Memory.from_file(known.memory, _MEMORY_BYTES)
    return Memory(_MEMORY_BYTES)


def _with_known(briefing: Briefing, known: Known | None) -> Briefing:
    """Return the briefing with the user's polygons in place of those that came with it."""
    if known is None:
        return briefing
    way_out = "It must be GeoJSON"
    if known.fields is not None:
        briefing = replace(briefing, fields=_json(known.fields, way_out))
    if known.regions is not None:
        briefing = replace(briefing, regions=_json(known.regions, way_out))
    if known.land is not None:
        told = _json(known.land, way_out)
        whole = told.get("type") == "FeatureCollection"
        briefing = replace(briefing, land=_land(told) if whole else told)
    return briefing


def _land(collection: Mapping[str, Any]) -> dict[str, Any]:
    """Return all polygons of a collection as one geometry."""
    parts: list[Any] = []
    for feature in collection.get("features", []):
        geometry = feature.get("geometry") or {}
        inside = geometry.get("coordinates", [])
        parts += inside if geometry.get("type") == "MultiPolygon" else [inside]
    return {"type": "MultiPolygon", "coordinates": parts}


def _json(file: Path, way_out: str) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputFileError(
            f"cannot be read ({(error.strerror or str(error)).lower()})",
            where=str(file),
            way_out=way_out,
        ) from None
    except ValueError as error:
        raise InputFileError(f"is not JSON ({error})", where=str(file), way_out=way_out) from None
    if not isinstance(told, dict):
        raise InputFileError("is not a JSON object", where=str(file), way_out=way_out)
    return told


def _prepare(out: Path) -> None:
    """Refuse a folder that holds anything but an earlier run's files; remove those."""
    if out.exists() and not out.is_dir():
        raise OutputError("is not a folder", where=str(out), way_out="Choose another name")
    if out.is_dir() and any(out.iterdir()):
        if not (out / _RECORD).exists():
            raise OutputError(
                "is not empty, and no earlier run's folder",
                where=str(out),
                way_out="Choose another folder with --out",
            )
        for name in _OWN:
            path = out / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _deliver(out: Path, answer: Answer, instrument: str) -> tuple[Path, ...]:
    """Write the answer, and hand it to the ground: inbox and catalogue."""
    write_file(out / "answer.geojson", answer.record)
    files = [out / "answer.geojson"]
    if answer.chip:
        write_file(out / "chip.tif", answer.chip)
        files.append(out / "chip.tif")
    ground = Ground(out, _scenario(instrument))
    sensed_ns = from_iso(str(answer.feature["properties"]["sensed"]))
    delivered = ground.receive(answer, arrived_ns=sensed_ns, station="workbench")
    ground.close()
    return (*files, *delivered.files)


def _scenario(instrument: str) -> Scenario:
    """Return the scenario that the ground needs: a name for identifiers, and who gets what."""
    return load(
        "ring12",
        name="process",
        description=f"One scene of {instrument}",
        subscriptions=(
            {"name": "everyone", "kinds": ("alert", "nothing_found", "not_observable")},
        ),
    )


def _record(
    out: Path,
    source: Path,
    answer: Answer,
    sizes: Mapping[str, int],
    started: float,
    files: tuple[Path, ...],
) -> Processed:
    record = {
        "orbitloom": __version__,
        "source": os.path.relpath(source if source.is_dir() else source.parent, out),
        "digest": answer.digest(),
        "level_bytes": dict(sizes),
    }
    text = json.dumps(record, indent=2, sort_keys=True) + "\n"
    write_file(out / _RECORD, text.encode())
    return Processed(
        answer=answer,
        level_bytes=sizes,
        seconds=clock.process_time() - started,
        files=(*files, out / _RECORD),
    )
