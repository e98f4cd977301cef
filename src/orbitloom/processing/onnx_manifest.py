"""A network as a detector: an ONNX file and the manifest (TOML) that says how to use it.

What can be known of the file without running it is looked at here, by walking its protocol buffer
(onnx.proto of ONNX 1.x; the numbers of its fields never change): which operators it uses, and
whether its weights are in it. Its shapes are seen when it runs, in the sandbox.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orbitloom.errors import InputFileError
from orbitloom.processing.detector import Detector, read_detector, read_limited

__all__ = ["Input", "Network", "Output", "read_network"]

_TWO_FILES = "A network is an .onnx file and a manifest of the same name, .toml, beside it"
_LARGEST_MANIFEST = 1 << 16
_LARGEST_MODEL = 50 << 20
_LEAST_OPSET = 7
_REFUSED = {
    **dict.fromkeys(("Loop", "Scan"), "nobody knows before how long it runs"),
    **dict.fromkeys(
        (
            "Bernoulli",
            "Multinomial",
            "RandomNormal",
            "RandomNormalLike",
            "RandomUniform",
            "RandomUniformLike",
        ),
        "the same tile must give the same answer",
    ),
}
# Numbers of fields in onnx.proto, by the message that they are in.
_MODEL = {8: "opset", 7: "graph", 25: "function"}
_INSIDE = {
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_DEEPEST = 32


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


class Input(_Strict):
    """What goes in: float32 (1, bands, size, size), normalised as (reflectance - offset) / scale.

    The tile is cut in overlapping squares; of each one's answer `margin` cells at its border are
    not used. Beyond the tile its border is repeated; where there is no data stands 0.
    """

    size: int = Field(ge=8, le=4096)
    margin: int = Field(default=0, ge=0)
    offset: list[float] = []
    scale: list[Annotated[float, Field(gt=0)]] = []

    @model_validator(mode="after")
    def _has_a_core(self) -> Input:
        if self.size <= 2 * self.margin:
            raise ValueError("margin leaves nothing of size")
        return self


class Output(_Strict):
    """What comes out, of the network's first output.

    ``score``: (1, channels, size, size) or (1, size, size), from 0 to 1; ``logit``: the same before
    a sigmoid; ``softmax``: before a softmax over the channels; `channel` is the one that counts.
    ``boxes``: (n, 5): first row, first column, last row, last column in cells of the square, score.
    """

    kind: Literal["score", "logit", "softmax", "boxes"]
    channel: int = Field(default=0, ge=0)


class _Manifest(_Strict):
    bands: list[str]
    event: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    training_data: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    input: Input
    output: Output
    model: str = ""
    seconds: float = 10.0
    memory_mb: int = 1024
    threshold: float = 0.5
    least_part_km2: float = 0.0
    through_cloud: bool = False

    @model_validator(mode="after")
    def _one_number_a_band(self) -> _Manifest:
        for name in ("offset", "scale"):
            if len(getattr(self.input, name)) not in (0, len(self.bands)):
                raise ValueError(f"input.{name} takes one number a band, or none")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network that may be tried: its file, its manifest's bytes and what they say."""

    detector: Detector
    manifest: bytes
    model: bytes
    settings: dict[str, Any]


def read_network(path: Path) -> Network:
    """Return the network of a manifest, or of the ``.onnx`` file beside one.

    Raises
    ------
    InputFileError
        If a file cannot be read, the manifest is wrong, the network is not the one it names, or
        does what no network here may.
    """
    manifest_path = path.with_suffix(".toml")
    manifest = read_limited(manifest_path, _LARGEST_MANIFEST, _TWO_FILES)
    where = str(manifest_path)
    try:
        said = _Manifest.model_validate(tomllib.loads(manifest.decode()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputFileError(f"is not valid TOML: {error}", where=where) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise InputFileError(
            first["msg"],
            where=f"{where}, key {key}",
            way_out="docs/how-to/own-app.md shows a manifest that works",
        ) from None
    table = said.model_dump(exclude={"sha256", "training_data", "licence", "input", "output"})
    named = table.pop("model") or path.with_suffix(".onnx").name
    if Path(named).name != named:
        raise InputFileError(
            f"model = {named!r} is not in its folder",
            where=where,
            way_out="Put the network beside the manifest",
        )
    detector = read_detector(table, where)
    model = read_limited(manifest_path.with_name(named), _LARGEST_MODEL, _TWO_FILES)
    digest = hashlib.sha256(model).hexdigest()
    if digest != said.sha256:
        raise InputFileError(
            f"{named} is not the network that it names: its SHA-256 is {digest}",
            where=where,
            way_out="Put that into sha256 if it is the right file",
        )
    _look_over(model, str(manifest_path.with_name(named)))
    settings = {"input": said.input.model_dump(), "output": said.output.model_dump()}
    return Network(detector=detector, manifest=manifest, model=model, settings=settings)


def _look_over(model: bytes, where: str) -> None:
    """Refuse operators and weights that cannot fly."""
    seen = False
    try:
        for kind, value in _parts(memoryview(model), _MODEL, 0):
            if kind == "opset":
                _check_opset(dict(_scalars(value)))
            elif kind == "node":
                seen = True
                _check_node(dict(_scalars(value)))
            elif kind == "tensor" and 13 in dict(_scalars(value)):
                raise InputFileError(
                    "its weights are in another file", way_out="Save them inside the .onnx"
                )
    except InputFileError as error:
        raise InputFileError(error.what, where=where, way_out=error.way_out) from None
    except (IndexError, ValueError, RecursionError):
        seen = False
    if not seen:
        raise InputFileError("is not an ONNX file", where=where)


def _check_opset(said: dict[int, Any]) -> None:
    domain, version = _text(said.get(1, b"")), said.get(2, 0)
    if domain in ("", "ai.onnx") and version < _LEAST_OPSET:
        raise InputFileError(
            f"its operator set {version} is too old", way_out=f"Export with {_LEAST_OPSET} or later"
        )


def _check_node(said: dict[int, Any]) -> None:
    operator, domain = _text(said.get(4, b"")), _text(said.get(7, b""))
    if domain not in ("", "ai.onnx"):
        raise InputFileError(
            f"its operator {operator!r} is not of ONNX, but of {domain!r}",
            way_out="Export with standard operators only",
        )
    if operator in _REFUSED:
        raise InputFileError(f"its operator {operator!r} is refused: {_REFUSED[operator]}")


def _text(value: Any) -> str:
    return bytes(value).decode(errors="replace")


def _parts(
    message: memoryview, fields: dict[int, str], depth: int
) -> Iterator[tuple[str, memoryview]]:
    """Yield every message of interest in a message, at any depth."""
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    for number, value in _scalars(message):
        kind = fields.get(number)
        if kind is not None and isinstance(value, memoryview):
            yield kind, value
            yield from _parts(value, _INSIDE.get(kind, {}), depth + 1)


def _scalars(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the fields of a protocol buffer: numbers and their values, or bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        value: int | memoryview
        if wire == 0:
            value, at = _varint(message, at)
        else:
            size = {1: 8, 5: 4}.get(wire, 0)
            if wire == 2:
                size, at = _varint(message, at)
            elif not size:
                raise ValueError("no such wire type")
            if at + size > len(message):
                raise ValueError("cut off")
            value, at = message[at : at + size], at + size
        yield key >> 3, value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number is too long")
