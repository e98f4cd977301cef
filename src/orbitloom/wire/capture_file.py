"""A capture as a folder: what a simulated one is written to, and a real one can be brought in.

::

    packets.bin       the packets, one after another, as they came
    capture.json      what was ordered, by what imager, and what the other files must be
    calibration.npz   what is known of the imager
    briefing.npz      what was known of the place: arrays
    briefing.json     the same: polygons and the earlier finding

A satellite needs no more than this. Whoever simulates puts the truth beside it, which no reader of
a capture opens. Packets alone, with their imager's TOML file, are read as well: with the imager's
nominal calibration, and where and when the ancillary packets say.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.errors import InputFileError, OutputError, PacketError
from orbitloom.scenario.hardware import Instrument, PacketLayout
from orbitloom.wire.briefing import Baseline, Briefing, Earlier, Terrain
from orbitloom.wire.imager import decode_ancillary
from orbitloom.wire.space_packet import Packet, split_packets
from orbitloom.wire.tasking import Calibration, CaptureTask

__all__ = [
    "Capture",
    "nominal_calibration",
    "read_capture",
    "read_packets",
    "write_arrays",
    "write_capture",
]

_FORMAT = "orbitloom-capture/1"
_PACKETS, _ABOUT = "packets.bin", "capture.json"
_CALIBRATION, _ARRAYS, _POLYGONS = "calibration.npz", "briefing.npz", "briefing.json"
_MAKE = "'orbitloom instrument simulate' writes one"
_GSD_ALTITUDE_M = 505e3
_NOMINAL_GAIN_SIGMA = 0.05  # absolute calibration before any look at a reference


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Capture:
    """All that processing one capture takes.

    `about` is what is said of it besides: the imager, and what was simulated.
    """

    packets: bytes
    task: CaptureTask
    calibration: Calibration
    briefing: Briefing
    about: Mapping[str, Any]


def write_capture(capture: Capture, folder: Path) -> None:
    """Write a capture to a folder, which is made if it is not there.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    known = capture.calibration
    numbers = {
        field.name: getattr(known, field.name)
        for field in fields(known)
        if field.name != "layout" and getattr(known, field.name) is not None
    }
    arrays, polygons = _briefing_parts(capture.briefing)
    content = {
        _PACKETS: capture.packets,
        _CALIBRATION: _archive(numbers),
        _ARRAYS: _archive(arrays),
        _POLYGONS: json.dumps(polygons, ensure_ascii=False, allow_nan=False).encode(),
    }
    about = {
        "format": _FORMAT,
        "task": asdict(capture.task),
        "layout": known.layout.model_dump(mode="json"),
        "files": {
            name: {"bytes": len(octets), "sha256": hashlib.sha256(octets).hexdigest()}
            for name, octets in content.items()
        },
        "about": dict(capture.about),
    }
    text = json.dumps(about, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, octets in {**content, _ABOUT: text.encode()}.items():
            (folder / name).write_bytes(octets)
    except OSError as error:
        raise OutputError.from_os(error, folder, "Choose another folder") from None


def write_arrays(arrays: Mapping[str, Any], file: Path) -> None:
    """Write arrays as .npz, the same bytes for the same arrays."""
    file.write_bytes(_archive(arrays))


def read_capture(path: str | Path) -> Capture:
    """Read a capture's folder.

    Parameters
    ----------
    path
        The folder, or its packets.bin.

    Raises
    ------
    InputFileError
        If a file is missing, of another kind, cut or changed.
    """
    folder = Path(path)
    if folder.name == _PACKETS and not folder.is_dir():
        folder = folder.parent
    where = str(folder / _ABOUT)
    text = _read(folder, _ABOUT)
    try:
        told = json.loads(text)
    except ValueError:
        raise _foreign(where, "is not JSON") from None
    if not isinstance(told, dict) or told.get("format") != _FORMAT:
        raise _foreign(where, f"does not say format {_FORMAT!r}")
    try:
        content = {name: _sound(folder, name, told["files"]) for name in told["files"]}
        numbers = _opened(content[_CALIBRATION])
        plain: dict[str, Any] = {
            key: value if value.ndim else value.item() for key, value in numbers.items()
        }
        plain["band_names"] = tuple(map(str, numbers["band_names"]))
        calibration = Calibration(**plain, layout=PacketLayout.model_validate(told["layout"]))
        return Capture(
            packets=content[_PACKETS],
            task=CaptureTask(**told["task"]),
            calibration=calibration,
            briefing=_briefing(_opened(content[_ARRAYS]), json.loads(content[_POLYGONS])),
            about=told["about"],
        )
    except (KeyError, TypeError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        if isinstance(error, InputFileError):
            raise
        raise _foreign(
            where, f"cannot be understood ({str(error) or type(error).__name__})"
        ) from None


def read_packets(file: str | Path, design: Instrument) -> Capture:
    """Read packets alone, by their imager's design.

    The calibration is nominal, and the task is what the first ancillary packet tells.

    Raises
    ------
    InputFileError
        If the file cannot be read, or no ancillary packet of such an imager is in it.
    """
    path = Path(file)
    packets = _read(path.parent, path.name)
    shape = (len(design.bands), design.columns)
    for packet in split_packets(packets, design.layout.time_code):
        if not isinstance(packet, Packet) or packet.apid != design.layout.ancillary_apid:
            continue
        try:
            record = decode_ancillary(packet.body)
        except PacketError:
            continue
        if (record.bands, record.columns) != shape:
            raise InputFileError(
                f"is of {record.bands} bands and {record.columns} columns; {design.name!r} has "
                f"{shape[0]} and {shape[1]}",
                where=str(path),
                way_out="Name the imager that made it",
            )
        x, y, z = record.position_ecef_m
        task = CaptureTask(
            capture=record.capture,
            satellite="unknown",
            target=path.stem,
            latitude_deg=float(np.degrees(np.arctan2(z, np.hypot(x, y)))),
            longitude_deg=float(np.degrees(np.arctan2(y, x))),
            start_ns=record.first_line_ns,
            end_ns=record.first_line_ns + record.lines * record.line_period_ns,
            roll_deg=0.0,
        )
        calibration = nominal_calibration(design)
        return Capture(
            packets=packets, task=task, calibration=calibration, briefing=Briefing(), about={}
        )
    raise InputFileError(
        f"holds no ancillary packet (APID {design.layout.ancillary_apid:#x}) of {design.name!r}",
        where=str(path),
        way_out="Check the imager's layout: APIDs and time code",
    )


def nominal_calibration(design: Instrument) -> Calibration:
    """Return the calibration of an imager that nobody has measured: what its design says."""
    usable_dn = 2**design.bits - 1 - design.dark_dn
    electrons_per_dn = design.full_well_e / usable_dn
    shape = (len(design.bands), design.columns)
    offset_px = np.array([band.offset_px for band in design.bands])
    return Calibration(
        calibration_id=f"{design.name}/nominal",
        band_names=tuple(band.name for band in design.bands),
        wavelength_um=np.array([band.wavelength_um for band in design.bands]),
        esun_w_m2_um=np.array([band.esun_w_m2_um for band in design.bands]),
        radiance_per_dn=np.array([band.full_scale_radiance for band in design.bands]) / usable_dn,
        dark_dn=np.full(shape, design.dark_dn, np.float32),
        response=np.ones(shape, np.float32),
        electrons_per_dn=electrons_per_dn,
        read_noise_dn=design.read_noise_e / electrons_per_dn,
        saturation_dn=2**design.bits - 1,
        ifov_rad=design.gsd_m / _GSD_ALTITUDE_M,
        gsd_m=design.gsd_m,
        fwhm_um=np.array([band.width_um for band in design.bands]),
        offset_px=offset_px if offset_px.any() else None,
        response_sigma=float(np.hypot(design.prnu, _NOMINAL_GAIN_SIGMA)),
        dark_sigma_dn=design.dark_nonuniformity_dn,
        layout=design.layout,
    )


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise InputFileError.from_os(
            error, folder / name, f"Give a capture's folder; {_MAKE}"
        ) from None


def _foreign(where: str, what: str) -> InputFileError:
    return InputFileError(what, where=where, way_out=f"Give a capture's folder; {_MAKE}")


def _sound(folder: Path, name: str, files: Mapping[str, Any]) -> bytes:
    """Return a file's octets if they are those that were written."""
    octets, told = _read(folder, Path(name).name), files[name]
    if hashlib.sha256(octets).hexdigest() != told["sha256"]:
        kind = "was cut" if len(octets) < told["bytes"] else "was changed"
        raise InputFileError(
            f"{kind}: {len(octets)} octets with another checksum, {told['bytes']} were written",
            where=str(folder / name),
            way_out="Copy it again, or process the packets alone with their imager: "
            "--instrument NAME --packets FILE",
        )
    return octets


def _archive(arrays: Mapping[str, Any]) -> bytes:
    """Return a .npz without the time of day that numpy's own would have in it."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, values in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(values), allow_pickle=False)
    return held.getvalue()


def _opened(octets: bytes) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(octets), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _briefing_parts(briefing: Briefing) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a briefing as arrays, and as what JSON can say."""
    arrays: dict[str, Any] = {}
    told: dict[str, Any] = {
        "fields": briefing.fields,
        "regions": briefing.regions,
        "land": briefing.land,
        "earlier": None if briefing.earlier is None else asdict(briefing.earlier),
        "baseline": None,
        "terrain": None,
    }
    if briefing.baseline is not None:
        known = briefing.baseline
        told["baseline"] = {
            "epsg": known.epsg,
            "transform": list(known.transform),
            "band_names": list(known.band_names),
            "newest_ns": known.newest_ns,
        }
        for name in ("median", "spread", "water", "looks"):
            arrays[name] = getattr(known, name)
    if briefing.terrain is not None:
        terrain = briefing.terrain
        told["terrain"] = {"epsg": terrain.epsg, "transform": list(terrain.transform)}
        arrays["height_m"] = terrain.height_m
    return arrays, told


def _briefing(arrays: Mapping[str, NDArray[Any]], told: dict[str, Any]) -> Briefing:
    baseline, terrain = told["baseline"], told["terrain"]
    return Briefing(
        baseline=None
        if baseline is None
        else Baseline(
            epsg=baseline["epsg"],
            transform=tuple(baseline["transform"]),
            band_names=tuple(baseline["band_names"]),
            newest_ns=baseline["newest_ns"],
            **{name: arrays[name] for name in ("median", "spread", "water", "looks")},
        ),
        terrain=None
        if terrain is None
        else Terrain(
            epsg=terrain["epsg"],
            transform=tuple(terrain["transform"]),
            height_m=arrays["height_m"],
        ),
        fields=told["fields"],
        regions=told["regions"],
        land=told["land"],
        earlier=None if told["earlier"] is None else Earlier(**told["earlier"]),
    )
