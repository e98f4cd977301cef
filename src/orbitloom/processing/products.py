"""What the metadata of Landsat and Sentinel-2 products say of their numbers.

- Landsat 8 and 9, Collection 1 or 2, Level-1. Reflectance is ``(M * DN + A) / sin(elevation)``
  (USGS, Landsat 8 Data Users Handbook, section 5.2) with the Sun's elevation of the scene's centre.
- Sentinel-2 Level-1C or 2A. Reflectance is ``(DN + offset) / quantification`` (ESA, Sentinel-2
  Products Specification Document); the offset is -1000 from processing baseline 04.00 on
  (25 January 2022), and a product that does not state it is refused.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from orbitloom.errors import InputFileError
from orbitloom.scenario.time import SECOND_NS

__all__ = [
    "SENTINEL2",
    "RawBand",
    "RawScene",
    "landsat_scene",
    "sentinel2_scene",
]

_LANDSAT = {
    "coastal": (1, 0.443, 0.016),
    "blue": (2, 0.482, 0.060),
    "green": (3, 0.561, 0.057),
    "red": (4, 0.655, 0.037),
    "nir": (5, 0.865, 0.028),
    "swir16": (6, 1.609, 0.085),
    "swir22": (7, 2.201, 0.187),
}
"""Number, centre and full width at half maximum in um: USGS, OLI; OLI-2 is within 0.002."""
SENTINEL2 = {
    "coastal": ("B01", 0.4427, 0.020),
    "blue": ("B02", 0.4924, 0.066),
    "green": ("B03", 0.5598, 0.036),
    "red": ("B04", 0.6646, 0.031),
    "rededge": ("B05", 0.7041, 0.015),
    "nir": ("B08", 0.8328, 0.106),
    "swir16": ("B11", 1.6137, 0.091),
    "swir22": ("B12", 2.2024, 0.175),
}
"""Name, centre and full width at half maximum in um: ESA, Sentinel-2A; the others within 0.02."""
# ESA's metadata count the bands so, from 0.
_BAND_IDS = (
    *("B01", "B02", "B03", "B04", "B05", "B06", "B07"),
    *("B08", "B8A", "B09", "B10", "B11", "B12"),
)
_OFFSET_SINCE = 4.0  # processing baseline
_STATE_OFFSET = (
    "State it: offset -0.1 for processing baseline 04.00 and later (since 25 January 2022, unless "
    "your archive has taken it out), 0 for earlier ones"
)
_SUFFIXES = (".jp2", ".tif", ".tiff")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawBand:
    """Where a band's numbers stand and what they mean: reflectance = scale * DN + offset.

    `um` and `fwhm_um` are 0 where not known.
    """

    file: Path
    number: int = 1
    scale: float = 1.0
    offset: float = 0.0
    um: float = 0.0
    fwhm_um: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RawScene:
    """A scene as its metadata tell it.

    Angles are at the ground, azimuths from north over east; the Sun's are NaN and the time 0 where
    nothing tells them. `fill` and `saturated` are numbers that stand for no measurement.
    """

    bands: Mapping[str, RawBand]
    at_surface: bool
    sensed_ns: int = 0
    sun_elevation_deg: float = math.nan
    sun_azimuth_deg: float = math.nan
    view_zenith_deg: float = 0.0
    view_azimuth_deg: float = 0.0
    fill: int | None = None
    saturated: int | None = None


def _read_mtl(path: Path) -> dict[str, Any]:
    """Return the entries of a Landsat MTL file, text or JSON, without their groups."""
    where = str(path)
    try:
        text = path.read_text(encoding="utf-8")
        entries = dict(_leaves(json.loads(text)) if text.lstrip().startswith("{") else _lines(text))
    except (OSError, ValueError) as error:
        raise InputFileError(f"cannot be read ({error})", where=where) from None
    if entries.get("SPACECRAFT_ID") not in ("LANDSAT_8", "LANDSAT_9"):
        raise InputFileError(
            f"is of {entries.get('SPACECRAFT_ID', 'no spacecraft that it names')}",
            where=where,
            way_out="Landsat 8 and 9 are read; open others' bands as a GeoTIFF with their scale",
        )
    level = str(entries.get("PROCESSING_LEVEL", entries.get("DATA_TYPE", "")))
    if not level.startswith("L1") or "LEVEL2" in text:
        raise InputFileError(
            f"is of level {level or 'unknown'}, not Level-1",
            where=where,
            way_out="Open Level-2 bands as a GeoTIFF: scale 0.0000275, offset -0.2, at_surface",
        )
    return entries


def _leaves(tree: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value)
        else:
            yield key, value


def _lines(text: str) -> Iterator[tuple[str, Any]]:
    for line in text.splitlines():
        key, equals, value = (part.strip() for part in line.partition("="))
        if equals and key not in ("GROUP", "END_GROUP"):
            yield key, value.strip('"')


def _landsat_scale(mtl: Mapping[str, Any], band: int, where: str) -> tuple[float, float]:
    try:
        elevation_deg = float(mtl["SUN_ELEVATION"])
        multiplied = float(mtl[f"REFLECTANCE_MULT_BAND_{band}"])
        added = float(mtl[f"REFLECTANCE_ADD_BAND_{band}"])
    except (KeyError, ValueError) as error:
        raise InputFileError(
            f"does not state {error}", where=where, way_out="Fetch the MTL file anew"
        ) from None
    if not 0.0 < elevation_deg <= 90.0:
        raise InputFileError(
            f"was taken with the Sun at {elevation_deg:.1f} degrees",
            where=where,
            way_out="A scene taken by night has no reflectance",
        )
    sine = math.sin(math.radians(elevation_deg))
    return multiplied / sine, added / sine


def landsat_scene(path: Path, wanted: Sequence[str] | None) -> RawScene:
    """Return what a Landsat Level-1 scene says of itself.

    Parameters
    ----------
    path
        Its MTL file, or the folder with it.
    wanted
        Common names of the bands to read; all that are there if None.

    Raises
    ------
    InputFileError
        If there is no MTL file or more than one, it is not Level-1, or a band is missing.
    """
    found = sorted({*path.glob("*_MTL.json"), *path.glob("*_MTL.txt")}) if path.is_dir() else [path]
    if len({one.stem for one in found}) != 1:
        raise InputFileError(
            f"holds {len(found)} MTL files", where=str(path), way_out="Name the one to read"
        )
    mtl = _read_mtl(found[0])
    where = str(found[0])
    bands = {}
    for name, (number, um, fwhm_um) in _LANDSAT.items():
        told = found[0].parent / str(mtl.get(f"FILE_NAME_BAND_{number}", ""))
        files = [told] if told.is_file() else sorted(found[0].parent.glob(f"*_B{number}.TIF"))
        if files and (wanted is None or name in wanted):
            scale, offset = _landsat_scale(mtl, number, where)
            bands[name] = RawBand(file=files[0], scale=scale, offset=offset, um=um, fwhm_um=fwhm_um)
    _check_wanted(bands, wanted, where)
    try:
        clock = str(mtl["SCENE_CENTER_TIME"]).strip('"').rstrip("Z")[:15]
        sensed_ns = _to_ns(f"{mtl['DATE_ACQUIRED']}T{clock}", where)
        azimuth_deg = float(mtl["SUN_AZIMUTH"])
    except (KeyError, ValueError) as error:
        raise InputFileError(f"does not state {error}", where=where) from None
    return RawScene(
        bands=bands,
        at_surface=False,
        sensed_ns=sensed_ns,
        sun_elevation_deg=float(mtl["SUN_ELEVATION"]),
        sun_azimuth_deg=azimuth_deg % 360.0,
        fill=0,
        saturated=65_535,
    )


def sentinel2_scene(
    path: Path,
    wanted: Sequence[str] | None,
    scale: float | None,
    offset: float | None,
    at_surface: bool,
) -> RawScene:
    """Return what a Sentinel-2 product says of itself.

    Parameters
    ----------
    path
        A SAFE folder, its ``MTD_MSIL1C.xml`` or ``MTD_MSIL2A.xml``, or a folder of one raster a
        band (``B02.tif``).
    wanted
        Common names of the bands to read; all that are there if None.
    scale, offset
        Of a folder of bands, as the user states; of a SAFE folder only what it does not state.
    at_surface
        Whether a folder of bands is Level-2A; a SAFE folder says it itself.

    Raises
    ------
    InputFileError
        If the offset is not stated, the statement is not what the product says, or a band or the
        metadata cannot be read.
    """
    folder = path if path.is_dir() else path.parent
    products = sorted(folder.glob("MTD_MSIL??.xml")) if path.is_dir() else [path]
    if not products:
        return _band_folder(folder, wanted, scale, offset, at_surface)
    where = str(products[0])
    product = _xml(products[0])
    surface = products[0].stem.endswith("L2A")
    quantified = _text(product, "BOA_QUANTIFICATION_VALUE" if surface else "QUANTIFICATION_VALUE")
    if quantified is None:
        raise InputFileError("states no quantification value", where=where)
    quantification = float(quantified)
    if scale is not None and not math.isclose(scale * quantification, 1.0, rel_tol=1e-6):
        raise InputFileError(
            f"states the scale {1 / quantification:g}, not {scale:g}",
            where=where,
            way_out="Leave the scale to the product",
        )
    offsets = _offsets(product, surface, quantification, offset, where)
    granules = sorted(folder.glob("GRANULE/*/MTD_TL.xml"))
    if len(granules) != 1:
        raise InputFileError(
            f"holds {len(granules)} granules, not one",
            where=str(folder),
            way_out="Fetch the product anew; products of before 2017 held several",
        )
    tile = _xml(granules[0])
    images = [file for file in granules[0].parent.rglob("*") if file.suffix.lower() in _SUFFIXES]
    bands = {}
    for name, (band, um, fwhm_um) in SENTINEL2.items():
        fits = [file for file in images if re.search(rf"_{band}(_\d\dm)?$", file.stem)]
        if fits and (wanted is None or name in wanted):
            finest = min(fits, key=lambda file: file.stem)  # _10m before _20m before _60m
            bands[name] = RawBand(
                file=finest,
                scale=1.0 / quantification,
                offset=offsets[_BAND_IDS.index(band)],
                um=um,
                fwhm_um=fwhm_um,
            )
    _check_wanted(bands, wanted, where)
    sensed = _text(tile, "SENSING_TIME") or _text(product, "PRODUCT_START_TIME")
    sun_deg = _angles(tile, "Mean_Sun_Angle")[0]
    view_deg = np.mean(_angles(tile, "Mean_Viewing_Incidence_Angle"), axis=0)
    return RawScene(
        bands=bands,
        at_surface=surface,
        sensed_ns=_to_ns(sensed, where) if sensed else 0,
        sun_elevation_deg=90.0 - sun_deg[0],
        sun_azimuth_deg=sun_deg[1],
        view_zenith_deg=float(np.nan_to_num(view_deg[0])),
        view_azimuth_deg=float(np.nan_to_num(view_deg[1])),
        fill=0,
        saturated=65_535,
    )


def _offsets(
    product: ElementTree.Element,
    surface: bool,
    quantification: float,
    stated: float | None,
    where: str,
) -> list[float]:
    """Return the offset of each of the 13 bands, in reflectance."""
    tag = "BOA_ADD_OFFSET" if surface else "RADIO_ADD_OFFSET"
    told = {
        int(one.attrib["band_id"]): float(one.text or "nan") / quantification
        for one in product.iter()
        if _local(one) == tag and "band_id" in one.attrib
    }
    baseline = _text(product, "PROCESSING_BASELINE")
    if not told and baseline is not None and float(baseline) < _OFFSET_SINCE:
        told = dict.fromkeys(range(len(_BAND_IDS)), 0.0)
    if not told:
        if stated is None:
            raise InputFileError(
                f"does not state {tag}, at processing baseline {baseline or 'unknown'}",
                where=where,
                way_out=_STATE_OFFSET,
            )
        told = dict.fromkeys(range(len(_BAND_IDS)), stated)
    offsets = [told.get(band, math.nan) for band in range(len(_BAND_IDS))]
    if not np.isfinite(offsets).all():
        raise InputFileError(f"states {tag} for some bands only", where=where)
    if stated is not None and not np.allclose(offsets, stated):
        raise InputFileError(
            f"states the offset {offsets[1]:g}, not {stated:g}",
            where=where,
            way_out="Leave the offset to the product",
        )
    return offsets


def _band_folder(
    folder: Path,
    wanted: Sequence[str] | None,
    scale: float | None,
    offset: float | None,
    at_surface: bool,
) -> RawScene:
    """Return a folder of one raster a band, named by Sentinel-2's or the common names."""
    where = str(folder)
    images = [file for file in folder.iterdir() if file.suffix.lower() in _SUFFIXES]
    bands = {}
    for name, (band, um, fwhm_um) in SENTINEL2.items():
        fits = [
            file
            for file in images
            if re.search(rf"(^|_)({band}|{name})(_\d\dm)?$", file.stem, re.IGNORECASE)
        ]
        if len(fits) > 1:
            raise InputFileError(
                f"holds more than one file of band {band}",
                where=where,
                way_out="Keep the finest of each band in a folder of its own",
            )
        if fits and (wanted is None or name in wanted):
            told = _file_scale(fits[0]) if scale is None and offset is None else None
            if told is None and offset is None:
                raise InputFileError(
                    "the offset of its numbers is not stated", where=where, way_out=_STATE_OFFSET
                )
            one, other = told or (1e-4 if scale is None else scale, offset or 0.0)
            bands[name] = RawBand(file=fits[0], scale=one, offset=other, um=um, fwhm_um=fwhm_um)
    _check_wanted(bands, wanted, where)
    return RawScene(bands=bands, at_surface=at_surface, fill=0, saturated=65_535)


def _file_scale(file: Path) -> tuple[float, float] | None:
    """Return scale and offset by the file's own tags; None if it has none."""
    import rasterio
    from rasterio.errors import RasterioError

    try:
        with rasterio.open(file) as source:
            scale, offset = float(source.scales[0]), float(source.offsets[0])
    except RasterioError as error:
        raise InputFileError(f"cannot be read as an image ({error})", where=str(file)) from None
    return None if scale == 1.0 and offset == 0.0 else (scale, offset)


def _check_wanted(bands: Mapping[str, RawBand], wanted: Sequence[str] | None, where: str) -> None:
    missing = [name for name in wanted or () if name not in bands]
    if missing or not bands:
        raise InputFileError(
            f"holds no band {missing[0]!r}" if missing else "holds no band that is known",
            where=where,
            way_out=f"It holds: {', '.join(bands) or 'none of ' + ', '.join(SENTINEL2)}",
        )


def _xml(path: Path) -> ElementTree.Element:
    try:
        return ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise InputFileError(f"cannot be read ({error})", where=str(path)) from None


def _local(element: ElementTree.Element) -> str:
    """Return a tag without its namespace."""
    return element.tag.rpartition("}")[2]


def _text(root: ElementTree.Element, tag: str) -> str | None:
    return next((one.text for one in root.iter() if _local(one) == tag), None)


def _angles(root: ElementTree.Element, tag: str) -> list[tuple[float, float]]:
    """Return zenith and azimuth of each element of that name; NaN where there is none."""
    found = [one for one in root.iter() if _local(one) == tag]
    return [
        (float(_text(one, "ZENITH_ANGLE") or "nan"), float(_text(one, "AZIMUTH_ANGLE") or "nan"))
        for one in found
    ] or [(math.nan, math.nan)]


def _to_ns(text: str, where: str) -> int:
    try:
        moment = datetime.fromisoformat(text.strip().rstrip("Z")).replace(tzinfo=UTC)
    except ValueError:
        raise InputFileError(f"states no time but {text!r}", where=where) from None
    return round(moment.timestamp() * 1000) * (SECOND_NS // 1000)
