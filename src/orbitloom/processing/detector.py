"""What a user says of a detector of his: its bands, its event, its budget.

A Python function becomes a detector by a decorator, which changes nothing of the function::

    import orbitloom

    @orbitloom.app(bands=("red", "nir"), event="greening")
    def detect(bands, mask, info):
        red, nir = bands["red"], bands["nir"]
        return (nir - red) / (nir + red) > 0.8

Everything here is light, for it is imported beside the user's code in its own process.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from orbitloom.errors import InputFileError

__all__ = ["Detector", "Misfit", "app", "read_detector", "read_limited"]

_Function = TypeVar("_Function", bound=Callable[..., Any])

_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LONGEST_S = 600.0
_LARGEST_MB = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """What is said of a detector, the same for a function, a network and a process graph.

    Attributes
    ----------
    bands
        Bands that it takes, by STAC common name.
    event
        What it finds, one word in lower case; every alert of its carries it.
    seconds
        CPU time that it may take for one tile.
    memory_mb
        Memory that it may take, the bands' arrays included (float32: 4 bytes a cell and band).
    threshold
        Cells with a score above it are found; a mask of true and false has the scores 1 and 0.
    least_part_km2
        Smaller separate areas are left out; for found points nothing is.
    through_cloud
        Whether what it finds below cloud and shadow counts too.

    Raises
    ------
    InputFileError
        If a value is not of its kind.
    """

    bands: tuple[str, ...]
    event: str
    seconds: float = 10.0
    memory_mb: int = 1024
    threshold: float = 0.5
    least_part_km2: float = 0.0
    through_cloud: bool = False

    def __post_init__(self) -> None:
        bands = self.bands
        _hold(
            isinstance(bands, tuple)
            and 1 <= len(bands) <= 64
            and len(set(bands)) == len(bands)
            and all(isinstance(band, str) and band for band in bands),
            "bands",
            bands,
            "names of bands, each once, such as ('red', 'nir')",
        )
        _hold(
            isinstance(self.event, str) and bool(_WORD.fullmatch(self.event)),
            "event",
            self.event,
            "one word in lower case, such as 'algae'",
        )
        for name, least, most in (
            ("seconds", 0.0, _LONGEST_S),
            ("threshold", 0.0, 1.0),
            ("least_part_km2", -1e-9, 1e6),
        ):
            value = getattr(self, name)
            right = isinstance(value, int | float) and not isinstance(value, bool)
            _hold(
                right and least < value <= most,
                name,
                value,
                f"a number from {max(least, 0.0):g} to {most:g}",
            )
        _hold(
            isinstance(self.memory_mb, int)
            and not isinstance(self.memory_mb, bool)
            and 16 <= self.memory_mb <= _LARGEST_MB,
            "memory_mb",
            self.memory_mb,
            f"a whole number from 16 to {_LARGEST_MB}",
        )
        _hold(isinstance(self.through_cloud, bool), "through_cloud", self.through_cloud, "a bool")


class Misfit(Exception):
    """A network or a graph does not take or give what is said of it."""


def _hold(right: bool, name: str, value: object, wanted: str) -> None:
    if not right:
        raise InputFileError(f"{name} = {value!r} cannot be used", way_out=f"Give {wanted}")


_KEYS = tuple(field.name for field in fields(Detector))


def app(**said: Any) -> Callable[[_Function], _Function]:
    """Mark a function as a detector; the keywords are the attributes of `Detector`.

    The function takes ``bands`` (name -> (rows, columns) float32 reflectance, NaN where there is no
    data), ``mask`` ((rows, columns) uint8, flags of `orbitloom.processing.l2`) and ``info``, a dict
    with ``target``, ``sensed_ns``, ``gsd_m``, ``epsg``, ``transform``, ``sun_elevation_deg``,
    ``sun_azimuth_deg``. It returns a mask of bool, scores from 0 to 1, or a list of points: dicts
    with ``row``, ``column`` and what else is to be told of each.

    The keywords must be literal values: they are read without running the file.
    """
    detector = _detector(said)

    def mark(function: _Function) -> _Function:
        function.__dict__["orbitloom_app"] = detector
        return function

    return mark


def _detector(said: dict[str, Any]) -> Detector:
    unknown = sorted(set(said) - set(_KEYS))
    if unknown:
        raise InputFileError(
            f"nothing is called {unknown[0]!r}", way_out=f"Known: {', '.join(_KEYS)}"
        )
    missing = sorted({"bands", "event"} - set(said))
    if missing:
        raise InputFileError(f"{missing[0]} is missing", way_out="Give bands and event")
    if isinstance(said["bands"], list):
        said = said | {"bands": tuple(said["bands"])}
    return Detector(**said)


def read_detector(said: dict[str, Any] | bytes, where: str) -> Detector:
    """Return the detector that a manifest's table, or the source of a Python file, describes.

    Source is parsed, never run.

    Raises
    ------
    InputFileError
        If it does not say what a detector needs, or more than one function is marked.
    """
    try:
        return _detector(_decoration(said) if isinstance(said, bytes) else said)
    except InputFileError as error:
        raise InputFileError(error.what, where=where, way_out=error.way_out) from None


def read_limited(
    path: Path, largest_bytes: int, way_out: str = "Check the path and its rights"
) -> bytes:
    """Return a user's file, of which no more is read than it may hold.

    Raises
    ------
    InputFileError
        If it cannot be read, with this way out, or is larger.
    """
    try:
        with path.open("rb") as file:
            data = file.read(largest_bytes + 1)
    except OSError as error:
        raise InputFileError.from_os(error, path, way_out) from None
    if len(data) > largest_bytes:
        raise InputFileError(f"is larger than {largest_bytes >> 10} KiB", where=str(path))
    return data


def _decoration(source: bytes) -> dict[str, Any]:
    """Return the keywords of the one `app(...)` decorator in a source."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        raise InputFileError(
            f"is not Python: {getattr(error, 'msg', None) or error}"
            + (f" (line {line})" if line else "")
        ) from None
    calls = [
        mark
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        for mark in node.decorator_list
        if isinstance(mark, ast.Call) and _is_app(mark.func)
    ]
    if len(calls) != 1:
        raise InputFileError(
            f"has {len(calls) or 'no'} functions marked with @orbitloom.app(...)",
            way_out="Mark exactly one function at the top level",
        )
    try:
        return {key.arg or "**": ast.literal_eval(key.value) for key in calls[0].keywords}
    except ValueError:
        raise InputFileError(
            f"line {calls[0].lineno}: a keyword of @orbitloom.app is not a literal value",
            way_out='Write the value itself, as in bands=("red", "nir"): the file is not run to '
            "read them",
        ) from None


def _is_app(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return function.attr == "app" and isinstance(function.value, ast.Name)
    return isinstance(function, ast.Name) and function.id == "app"
