"""What a raster of the user's own must say before its numbers can be reflectances.

Where it lies, which band is which, and by which scale numbers become reflectance: each is taken
from the file or from what the user states, and a file that does not say it is refused, never
guessed at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

from orbitloom.errors import InputFileError

__all__ = ["check_plausible", "named_bands", "pixel_size_m", "scale_and_offset"]

_ALIASES = {
    "coastal": ("coastal", "b01", "b1", "coastal aerosol"),
    "blue": ("blue", "b02", "b2"),
    "green": ("green", "b03", "b3"),
    "red": ("red", "b04", "b4"),
    "rededge": ("rededge", "red edge", "rededge1", "red edge 1"),
    "nir": ("nir", "b08", "b8", "near infrared"),
    "swir16": ("swir16", "swir1", "swir 1"),
    "swir22": ("swir22", "swir2", "swir 2"),
}
# Bands 5, 11 and 12 are others with Landsat: Sentinel-2's numbers only beside its band 8.
_BESIDE_B08 = {"b05": "rededge", "b5": "rededge", "b11": "swir16", "b12": "swir22"}
# Where each band's centre lies, um: the ranges of STAC's eo extension for the common names.
_RANGES_UM = {
    "coastal": (0.40, 0.455),
    "blue": (0.455, 0.53),
    "green": (0.53, 0.60),
    "red": (0.60, 0.69),
    "rededge": (0.69, 0.73),
    "nir": (0.76, 0.90),
    "swir16": (1.55, 1.75),
    "swir22": (2.08, 2.35),
}
_UNNAMED = ("blue", "green", "red", "nir")
# The darkest per cent of any scene's reflectances lies above the first of these, the brightest
# between the others: water is not black in blue, snow and glint exceed 1.
_PLAUSIBLE = (-0.2, 0.01, 1.6)
_NAMING = "gdal_edit.py or rasterio can set a band's description; or state the bands' names"


def pixel_size_m(source: Any, where: str) -> tuple[float, float]:
    """Return the height and the width of a pixel in metres.

    Parameters
    ----------
    source
        An open rasterio dataset.
    where
        The file, for messages.

    Raises
    ------
    InputFileError
        If it has no coordinate reference system, one that is not in metres, or is not north up.
    """
    crs = source.crs
    if crs is None:
        raise InputFileError(
            "has no coordinate reference system",
            where=where,
            way_out="Give it one: gdal_edit.py -a_srs EPSG:32632 FILE",
        )
    if not crs.is_projected or crs.linear_units_factor[1] != 1.0:
        raise InputFileError(
            f"its coordinate reference system {crs.to_string()} is not in metres",
            where=where,
            way_out="Bring it to its UTM zone first: gdalwarp -t_srs EPSG:326ZZ IN OUT",
        )
    t = source.transform
    if t.b or t.d or t.a <= 0 or t.e >= 0:
        raise InputFileError(
            "is not north up", where=where, way_out="Straighten it first: gdalwarp IN OUT"
        )
    return -float(t.e), float(t.a)


def named_bands(source: Any, where: str, stated: Sequence[str] | None = None) -> dict[str, int]:
    """Return the number of each band by its common name (STAC's eo extension).

    A band is known by its description, else by its ``wavelength`` tag, else by its colour
    interpretation; four bands without any of these are blue, green, red and near infrared.

    Parameters
    ----------
    source
        An open rasterio dataset.
    where
        The file, for messages.
    stated
        Common names in the order of the bands, as the user says; "" for a band to leave out.

    Raises
    ------
    InputFileError
        If the bands are not named and not four, if a name stands twice, or if what the user states
        is not what the file says.
    """
    told = [_told(source, number) for number in range(1, source.count + 1)]
    if stated is not None:
        if len(stated) != source.count:
            raise InputFileError(
                f"has {source.count} bands, and {len(stated)} names are stated",
                where=where,
                way_out='Name every band in order, "" for one to leave out',
            )
        strange = [name for name in stated if name and name not in _ALIASES]
        if strange:
            raise InputFileError(
                f"{strange[0]!r} is no band's common name",
                where=where,
                way_out=f"The names are: {', '.join(_ALIASES)}",
            )
        for number, (name, known) in enumerate(zip(stated, told, strict=True), 1):
            if name and known and name != known:
                raise InputFileError(
                    f"band {number} is stated to be {name}, but the file says {known}",
                    where=where,
                    way_out="Correct the order of the stated names, or the file's tags",
                )
        told = list(stated)
    names = [name for name in told if name]
    if not names:
        if source.count != len(_UNNAMED):
            raise InputFileError(
                f"has {source.count} band{'s' if source.count != 1 else ''}, not four, and none "
                "is named",
                where=where,
                way_out=f"Give {', '.join(_UNNAMED)} in this order, or name the bands: {_NAMING}",
            )
        return {name: number for number, name in enumerate(_UNNAMED, 1)}
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputFileError(
            f"has more than one {twice} band", where=where, way_out=f"Name each once: {_NAMING}"
        )
    return {name: number for number, name in enumerate(told, 1) if name}


def _told(source: Any, number: int) -> str:
    """Return what the file says of a band: its common name, or nothing."""
    texts = [(text or "").strip().lower() for text in source.descriptions]
    text = texts[number - 1]
    if text in _BESIDE_B08:
        return _BESIDE_B08[text] if {"b08", "b8"} & set(texts) else ""
    for name, aliases in _ALIASES.items():
        if text in aliases:
            return name
    if text:
        return ""
    tags = {key.lower(): value for key, value in source.tags(number).items()}
    if "wavelength" in tags:
        try:
            um = float(tags["wavelength"].split()[0])
        except (ValueError, IndexError):
            return ""
        um = um / 1e3 if um > 100.0 else um  # nanometres
        return next((name for name, (a, b) in _RANGES_UM.items() if a <= um < b), "")
    colours = source.colorinterp
    if {ColorInterp.red, ColorInterp.green, ColorInterp.blue} <= set(colours):
        colour = colours[number - 1]
        rest = colour in (ColorInterp.undefined, ColorInterp.gray) and source.count == 4
        return "nir" if rest else {3: "red", 4: "green", 5: "blue"}.get(int(colour), "")
    return ""


def scale_and_offset(
    source: Any,
    numbers: Sequence[int],
    where: str,
    scale: float | None,
    offset: float | None,
    key: str = "scale",
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return scale and offset of some bands, (bands,) each: as stated, else by the file's tags.

    Parameters
    ----------
    source, where
        As in `pixel_size_m`.
    numbers
        Of the bands.
    scale, offset
        What the user states; an offset is nothing without a scale.
    key
        What the user would call the scale, for the message.

    Raises
    ------
    InputFileError
        If neither states it.
    """
    if scale is not None:
        told = [scale] * len(numbers), [offset or 0.0] * len(numbers)
    else:
        told = (
            [source.scales[number - 1] for number in numbers],
            [source.offsets[number - 1] for number in numbers],
        )
        if all(value == 1.0 for value in told[0]) and not any(told[1]):
            raise InputFileError(
                "does not state the scale of its values",
                where=where,
                way_out=f"Set {key} (1.0 if the values are reflectances), "
                "or the file's tag: gdal_edit.py -scale 0.0001 FILE",
            )
    return np.array(told[0], np.float32), np.array(told[1], np.float32)


def check_plausible(image: NDArray[np.float32], where: str) -> None:
    """Refuse values that are no reflectances; NaN is left out.

    Parameters
    ----------
    image
        (bands, rows, columns).

    Raises
    ------
    InputFileError
        If the darkest or the brightest per cent are out of all reason.
    """
    step = max(1, int(np.sqrt(image[0].size / 1e5)))
    low, high = np.nanpercentile(image[:, ::step, ::step], (1.0, 99.0))
    if low < _PLAUSIBLE[0] or not _PLAUSIBLE[1] < high < _PLAUSIBLE[2]:
        raise InputFileError(
            f"values from {low:.4g} to {high:.4g} at the stated scale are no reflectances",
            where=where,
            way_out="Correct the scale and the offset (0.0001 for Sentinel-2 numbers, "
            "1.0 for reflectances)",
        )
