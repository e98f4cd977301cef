"""One scene without a flight: make its packets, process them, hold the answer against the truth."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time as clock
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from rasterio.warp import transform as transform_points

from orbitloom._version import __version__
from orbitloom.errors import InputFileError, OutputError, ScenarioError
from orbitloom.ground import Ground
from orbitloom.ground.arrival import slug
from orbitloom.ground.files import write_file
from orbitloom.ground.tile_item import write_tile
from orbitloom.known import Known, Notebook, read_json
from orbitloom.processing import l3
from orbitloom.processing.answering import GRADES, answer_tile
from orbitloom.processing.apps import Context
from orbitloom.processing.byo import load_app
from orbitloom.processing.chain import judge, raise_levels
from orbitloom.processing.masks import NO_DATA
from orbitloom.processing.outline import outline
from orbitloom.processing.sensors import open_scene
from orbitloom.report.summary import is_hit
from orbitloom.scenario import SceneFile, Target, load, plugins
from orbitloom.scenario.hardware import Instrument
from orbitloom.scenario.load import load_instrument
from orbitloom.scenario.time import from_iso, to_iso
from orbitloom.twin.score import compare
from orbitloom.wire import Answer
from orbitloom.wire.briefing import Briefing
from orbitloom.wire.capture_file import Capture, read_capture, read_packets
from orbitloom.world.observe import Truth
from orbitloom.world.simulate import simulate as simulate_capture

__all__ = [
    "Known",
    "Processed",
    "Progress",
    "process_packets",
    "process_scene",
    "score",
    "simulate",
]

Progress = Callable[[str, float], None]
"""Told what is happening and which share of the work is done, 0 to 1."""

_RECORD = "process.json"
_EDGE_BYTES = 2_000
_LEAST_LENGTH_M = 20.0
_SAME_PLACE_M = 100.0  # centre to centre: half of a long ship, and the geolocation's error
_LAND = {
    "flood": "river",
    "fire": "forest",
    "burn": "forest",
    "crop_stress": "farmland",
    "vessels": "coast",
    "lake": "lake",
    "snow": "mountain",
}
_LOOKS_FOR = {
    "fire": "fire",
    "burn": "fire",
    "crop_stress": "agriculture",
    "vessels": "maritime",
    "lake": "climate",
    "snow": "climate",
}
_OWN = ("answer.geojson", "chip.tif", "L3.tif", "L3.json", "inbox", "catalog")


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
    progress: Progress | None = None,
) -> Processed:
    """Turn a capture's packets into its answer, and write everything to a folder.

    Parameters
    ----------
    source
        A capture's folder, or a file of packets alone; then, and only then, `instrument` is needed.
    out
        Folder for the files: new, empty, or of an earlier run.
    instrument
        Name or TOML file of the imager that made the packets.
    app
        Name or file of the application; by default what was ordered.
    model
        Name of the model.
    known
        What is known of the place besides what came with the capture. A memory that knows the
        place wins over the baseline that came with it.
    progress
        Told what is happening and which share of the work is done, 0 to 1.

    Raises
    ------
    OrbitloomError
        If something cannot be used; says what, where and the way out.
    """
    started = clock.process_time()
    tell, known = progress or _silent, known or Known()
    _check_folder(out, _RECORD)
    capture = _capture(source, instrument)
    application = load_app(app or capture.task.app)
    task = replace(capture.task, app=application.name)
    _check_bands(application.requires, capture.calibration.band_names, application.name)
    assessor, notebook = plugins.load("models", model)(), Notebook(known.memory)
    briefing = known.laid_over(capture.briefing)
    tell("L0 to L3", 0.1)
    levels = raise_levels(capture.packets, task, capture.calibration, briefing)
    if levels.tile is not None:
        usual = notebook.baseline(levels.tile.grid, briefing.baseline)
        briefing = replace(briefing, baseline=usual)
    tell(application.name, 0.7)
    result = judge(
        levels, capture.packets, task, capture.calibration, application, assessor, briefing
    )
    tell("writing", 0.9)
    files = _record(out, source, result.answer, result.level_bytes)
    files += _deliver(out, result.answer, _imager(capture.about, instrument))
    if levels.tile is not None:
        files += write_tile(out, levels.cog, levels.footprint, result.answer, task.middle_ns)
        notebook.keep(levels.tile)
    return Processed(
        answer=result.answer,
        level_bytes=result.level_bytes,
        seconds=clock.process_time() - started,
        files=files,
    )


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
    window: tuple[int, int, int, int] | None = None,
    sensed_ns: int | None = None,
    at_surface: bool = False,
    progress: Progress | None = None,
) -> Processed:
    """Turn a scene's file into an answer: the chain from L3 on.

    The parameters are those of `process_packets` and of `processing.sensors.open_scene`.

    Raises
    ------
    InputFileError
        If nothing says when the scene was taken; or as `open_scene`.
    OrbitloomError
        If something else cannot be used; says what, where and the way out.
    """
    started = clock.process_time()
    tell, known = progress or _silent, known or Known()
    _check_folder(out, _RECORD)
    application = load_app(app)
    assessor, notebook = plugins.load("models", model)(), Notebook(known.memory)
    briefing = known.laid_over(Briefing())
    tell("reading the scene", 0.1)
    try:
        tile = open_scene(
            source,
            scale=scale,
            offset=offset,
            bands=bands,
            window=window,
            sensed_ns=sensed_ns,
            at_surface=at_surface,
        )
    except ScenarioError as error:  # its bands do not serve; it does not know the file
        error.where = error.where or str(source)
        raise
    if not tile.sensed_ns:
        raise InputFileError(
            "does not say when it was taken",
            where=str(source),
            way_out="State it, as --sensed 2026-06-14T10:30:00Z",
        )
    _check_bands(application.requires, tile.band_names, application.name)
    briefing = replace(briefing, baseline=notebook.baseline(tile.grid))
    cog = l3.to_cog(tile)
    name = slug(source.stem)
    properties: dict[str, Any] = {
        "app": application.name,
        "app_version": application.version,
        "briefing_sha256": briefing.digest(),
        "capture": 0,
        "gaps": 0,
        "gbt38026:grade": GRADES["L4"],
        "gsd": tile.grid.gsd_m,
        "processing:level": "L4",
        "processing:software": {"orbitloom": __version__},
        "satellite": "unknown",
        "scene_sha256": _digest(source),
        "sensed": to_iso(tile.sensed_ns),
        "target": name,
    }
    tell(application.name, 0.6)
    context = Context(target=name, sensed_ns=tile.sensed_ns, briefing=briefing)
    edge = outline((tile.mask & NO_DATA) == 0, tile.grid, _EDGE_BYTES)
    answer = answer_tile(tile, context, application, assessor, properties, edge)
    tell("writing", 0.9)
    sizes = {"L3": len(cog), "L4": len(answer.to_bytes())}
    files = _record(out, source, answer, sizes)
    files += _deliver(out, answer, None)
    files += write_tile(out, cog, edge, answer, tile.sensed_ns)
    notebook.keep(tile)
    return Processed(
        answer=answer, level_bytes=sizes, seconds=clock.process_time() - started, files=files
    )


def simulate(
    instrument: str,
    out: Path,
    *,
    place: tuple[float, float],
    event: str = "flood",
    setting: str | None = None,
    app: str | None = None,
    seed: int = 0,
    scene: Path | None = None,
    roll_deg: float = 0.0,
) -> Path:
    """Simulate one capture and write it to a folder; see `world.simulate.simulate`.

    `place` is latitude and longitude in degrees. Where not stated, the land is such as the event
    happens on, and the application ordered is the one that looks for it.

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
                "setting": setting or _LAND.get(event, "any"),
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise ScenarioError(
            f"{first['input']!r}: {first['msg'].lower()}",
            where=f"option --{'at' if 'deg' in str(first['loc'][0]) else first['loc'][0]}",
        ) from None
    if seed < 0:
        raise ScenarioError(f"{seed} is below 0", where="option --seed")
    ordered = app or _LOOKS_FOR.get(event, "flood")
    load_app(ordered)
    _check_folder(out, "capture.json")
    return simulate_capture(
        load_instrument(instrument),
        target=target,
        seed=seed,
        out=out,
        app=ordered,
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
        where neither has an area), ``observable``, and ``hit``. Of the application maritime also
        ``vessels`` (true ones of 20 m or more that could be seen), ``vessels_found`` (of those that
        the answer lists) and ``vessels_false``.

    Raises
    ------
    InputFileError
        If a file is missing or no such file.
    """
    record = read_json(folder / _RECORD, "'orbitloom process --packets DIR' writes it")
    source = truth or (folder / str(record["source"])).resolve()
    told = read_json(source / "truth.json", "'orbitloom instrument simulate' writes it")
    try:
        with np.load(source / "truth.npz", allow_pickle=False) as arrays:
            masks = {name: arrays[name].astype(bool) for name in ("area", "imaged", "visible")}
    except (OSError, ValueError, KeyError) as error:
        raise InputFileError(
            f"cannot be read ({error})",
            where=str(source / "truth.npz"),
            way_out="'orbitloom instrument simulate' writes it",
        ) from None
    feature = read_json(folder / "answer.geojson", "'orbitloom process' writes it")
    said = feature["properties"]
    actual = Truth(event=told["event"], **masks)
    shape = actual.area.shape
    judged = compare(
        feature,
        actual,
        l3.Grid(epsg=told["epsg"], transform=tuple(told["transform"]), shape=shape),
    )
    names = ("event", "kind", "claimed", "observable", "truth_km2", "found_km2", "iou")
    result = {name: _rounded(getattr(judged, name)) for name in names} | {
        "hit": is_hit(judged) if judged.kind == "alert" else None
    }
    if said["app"] == "maritime":
        result |= _vessels(said.get("details", ()), told, actual.visible)
    return result


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def _vessels(
    listed: Sequence[Mapping[str, Any]], told: Mapping[str, Any], visible: NDArray[np.bool_]
) -> dict[str, int]:
    """Return how many of the vessels that could be seen an answer lists, each once, and others."""
    a, _, west, _, e, north = told["transform"]
    small: list[Mapping[str, Any]] = []
    true: list[Mapping[str, Any]] = []
    for ship in told.get("vessels", ()):
        column = int(np.floor((ship["easting_m"] - west) / a))
        row = int(np.floor((ship["northing_m"] - north) / e))
        seen = 0 <= row < visible.shape[0] and 0 <= column < visible.shape[1]
        if seen and visible[row, column]:
            (true if ship["length_m"] >= _LEAST_LENGTH_M else small).append(ship)
    found: set[int] = set()
    false = 0
    for one in listed:
        (x,), (y,) = transform_points(
            "EPSG:4326", f"EPSG:{told['epsg']}", [one["longitude_deg"]], [one["latitude_deg"]]
        )[:2]
        near = [
            (float(np.hypot(ship["easting_m"] - x, ship["northing_m"] - y)), number)
            for number, ship in enumerate([*true, *small])
            if number not in found
        ]
        if near and min(near)[0] <= _SAME_PLACE_M:
            found.add(min(near)[1])
        else:
            false += 1
    return {
        "vessels": len(true),
        "vessels_found": sum(number < len(true) for number in found),
        "vessels_false": false,
    }


def _capture(source: Path, instrument: str | None) -> Capture:
    if source.is_dir() or (instrument is None and (source.parent / "capture.json").exists()):
        if instrument is not None:
            raise ScenarioError(
                f"{str(source)!r} says itself what imager made it",
                where="option --instrument",
                way_out="Leave it away, or give the packets' file alone",
            )
        return read_capture(source)
    if instrument is None:
        raise InputFileError(
            "holds packets alone, and nothing says whose"
            if source.exists()
            else "no such file or folder",
            where=str(source),
            way_out="Name the imager: --instrument imager5m, or a TOML file"
            if source.exists()
            else "Check the path",
        )
    return read_packets(source, load_instrument(instrument))


def _imager(about: Mapping[str, Any], instrument: str | None) -> Instrument:
    """Return the imager that a capture tells of, or that the user named."""
    told = about.get("instrument")
    if instrument is None and isinstance(told, dict):
        with contextlib.suppress(ValidationError):
            return Instrument.model_validate(told)
    return load_instrument(instrument or "imager10m")


def _silent(_what: str, _share: float) -> None:
    """Stand in where nobody wants to be told."""


def _check_bands(needed: Sequence[str], there: Sequence[str], app: str) -> None:
    missing = [band for band in needed if band not in there]
    if missing:
        raise ScenarioError(
            f"{app!r} needs the band{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
            where=f"bands {', '.join(there)}",
            way_out="Use an imager or a scene that has them, or another application",
        )


def _digest(source: Path) -> str:
    """Return the SHA-256 of a scene: of its file, or of all files' of its folder, in order."""
    metadata = "_MTL." in source.name or source.name.startswith("MTD_")
    folder = source.parent if metadata else source
    if folder.is_file():
        with folder.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(f"{path.relative_to(folder).as_posix()} {_digest(path)}\n".encode())
    return total.hexdigest()


def _check_folder(out: Path, mark: str) -> None:
    """Refuse a folder that holds anything but what the same command has written."""
    if out.exists() and not out.is_dir():
        raise OutputError("is not a folder", where=str(out), way_out="Choose another name")
    if out.is_dir() and any(out.iterdir()) and not (out / mark).exists():
        raise OutputError(
            f"is not empty, and has no {mark} of an earlier run",
            where=str(out),
            way_out="Choose another folder with --out",
        )


def _deliver(out: Path, answer: Answer, imager: Instrument | None) -> tuple[Path, ...]:
    """Write the answer, and hand it to the ground: inbox and catalogue."""
    write_file(out / "answer.geojson", answer.record)
    files = [out / "answer.geojson"]
    if answer.chip:
        write_file(out / "chip.tif", answer.chip)
        files.append(out / "chip.tif")
    scenario = load(
        "ring12",
        name="process",
        description="One scene, processed without a flight",
        subscriptions=(
            {"name": "everyone", "kinds": ("alert", "nothing_found", "not_observable")},
        ),
    )
    if imager is not None:
        scenario = scenario.model_copy(update={"instrument": imager})
    ground = Ground(out, scenario)
    sensed_ns = from_iso(str(answer.feature["properties"]["sensed"]))
    delivered = ground.receive(answer, arrived_ns=sensed_ns, station="workbench")
    ground.close()
    return (*files, *delivered.files)


def _record(out: Path, source: Path, answer: Answer, sizes: Mapping[str, int]) -> tuple[Path, ...]:
    """Clear the folder of an earlier run, and write first what makes it known as one."""
    for name in _OWN:
        path = out / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    record = {
        "orbitloom": __version__,
        "source": os.path.relpath(source if source.is_dir() else source.parent, out),
        "digest": answer.digest(),
        "level_bytes": dict(sizes),
    }
    text = json.dumps(record, indent=2, sort_keys=True) + "\n"
    write_file(out / _RECORD, text.encode())
    return (out / _RECORD,)
