"""A small network of our own for cloud, shadow, snow and water, run at 20 m by onnxruntime.

A U-Net of 250,000 parameters, trained on synthetic cloud alone (scripts/train_cloud.py); its
manifest, ``models/cloud.toml``, says on what, and how well it does. One thread, so that the same
picture gives the same masks anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.processing.blocks import block_means
from orbitloom.processing.perception import manifest
from orbitloom.processing.perception.tuning import Tuning

__all__ = ["BANDS", "CLASSES", "chances", "features", "head", "model_hash", "suits"]

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")
"""What the network looks at; the last two may be missing."""
CLASSES = ("cloud", "shadow", "snow", "water")

_NEEDED = 4
_RANGE = (0.0, 1.5)
_MULTIPLE = 16
_TILE, _OVERLAP = 640, 96  # cells; what a cell sees of its surroundings is less than the overlap
_CHANCE = "chance"


def suits(band_names: Sequence[str]) -> bool:
    """Return whether the network can work with these bands."""
    return set(BANDS[:_NEEDED]) <= set(band_names)


def chances(
    toa: NDArray[np.float32],
    band_names: Sequence[str],
    good: NDArray[np.bool_],
    shrink: int,
    tuning: Tuning | None = None,
) -> NDArray[np.float32]:
    """Return how probable each class is, on a grid that is `shrink` times coarser.

    Parameters
    ----------
    toa
        (bands, lines, columns) reflectance at the top of the atmosphere.
    band_names
        Common names, in the order of `toa`.
    good
        (lines, columns): where it was measured.
    shrink
        Pixels a cell, along each side.
    tuning
        What an update changes of the network (`perception.update`); None for the network as it is.

    Returns
    -------
    NDArray
        (4, lines / shrink, columns / shrink), rounded up, in the order of `CLASSES`.

    Raises
    ------
    ValueError
        If the network does not suit the bands.
    ModelError
        If the network's file is not the one that its manifest describes, or the tuning does not
        fit the picture.
    """
    picture, (lines, columns) = _picture(toa, band_names, good, shrink, tuning)
    return _run(picture, _CHANCE, tuning)[:, :lines, :columns]


def features(
    toa: NDArray[np.float32],
    band_names: Sequence[str],
    good: NDArray[np.bool_],
    shrink: int,
    tuning: Tuning | None = None,
) -> NDArray[np.float32]:
    """Return what the network's last layer works on: (features, y, x), one for 2 x 2 cells.

    Parameters and errors are those of `chances`; of `tuning` its adapter counts. The last layer
    gives for each of these places 16 logits: class by class its four cells, line by line.
    """
    picture, (lines, columns) = _picture(toa, band_names, good, shrink, tuning)
    return _run(picture, _manifest().head.features, tuning)[:, : -(-lines // 2), : -(-columns // 2)]


@lru_cache(maxsize=1)
def head() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the network's own last layer: weights (16, features) and bias (16,)."""
    names = _manifest().head
    nothing = np.zeros((1, len(BANDS) + 2, _MULTIPLE, _MULTIPLE), np.float32)
    weights, bias = _session(True).run([names.weights, names.bias], {"picture": nothing})
    return weights[:, :, 0, 0], bias


def model_hash() -> str:
    """Return the SHA-256 of the network's file, for the record of what made a product."""
    return _manifest().sha256


def _manifest() -> manifest.Manifest:
    return _files()[0]


@lru_cache(maxsize=1)
def _files() -> tuple[manifest.Manifest, bytes, bytes]:
    return manifest.load("cloud")


def _up(size: int) -> int:
    return -(-size // _MULTIPLE) * _MULTIPLE


def _picture(
    toa: NDArray[np.float32],
    band_names: Sequence[str],
    good: NDArray[np.bool_],
    shrink: int,
    tuning: Tuning | None,
) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """Return what goes into the network, and how many lines and columns of it are picture."""
    if not suits(band_names):
        raise ValueError(f"the cloud network needs {', '.join(BANDS[:_NEEDED])}")
    lines, columns = good.shape
    shape = -(-lines // shrink), -(-columns // shrink)
    picture = np.zeros((len(BANDS) + 2, *(_up(size) for size in shape)), np.float32)
    for number, name in enumerate(BANDS):
        if name in band_names:
            band = toa[band_names.index(name)]
            if tuning is not None:
                band = tuning.adapted(band, number)
            band = block_means(band, good, shrink)
            picture[number, : shape[0], : shape[1]] = np.clip(band, *_RANGE)
        if number >= _NEEDED:
            picture[len(BANDS) + number - _NEEDED] = name in band_names
    # Beyond the edge the picture goes on as it ends, as the network never saw a black margin.
    picture[:, shape[0] :] = picture[:, shape[0] - 1 : shape[0]]
    picture[:, :, shape[1] :] = picture[:, :, shape[1] - 1 : shape[1]]
    return picture, shape


def _run(picture: NDArray[np.float32], output: str, tuning: Tuning | None) -> NDArray[np.float32]:
    """Run the network tile by tile, so that memory stays bounded, and keep the tiles' insides."""
    fed: dict[str, NDArray[np.float32]] = {}
    if tuning is not None and tuning.weights is not None and tuning.bias is not None:
        names = _manifest().head
        fed = {names.weights: tuning.weights[:, :, None, None], names.bias: tuning.bias}
    # Without anything new the network runs as its file has it, to the last bit.
    session = _session(bool(fed) or output != _CHANCE)
    cell = 1 if output == _CHANCE else 2
    _, lines, columns = picture.shape
    out: NDArray[np.float32] | None = None
    step = _TILE - 2 * _OVERLAP
    for top in range(0, lines, step):
        for left in range(0, columns, step):
            first, start = max(top - _OVERLAP, 0), max(left - _OVERLAP, 0)
            part = picture[None, :, first : top + _TILE - _OVERLAP, start : left + _TILE - _OVERLAP]
            (found,) = session.run([output], {"picture": np.ascontiguousarray(part), **fed})
            if out is None:
                out = np.empty((found.shape[1], lines // cell, columns // cell), np.float32)
            rows, places = (top - first) // cell, (left - start) // cell
            size = step // cell
            inside = found[0][:, rows : rows + size, places : places + size]
            row, place = top // cell, left // cell
            out[:, row : row + inside.shape[1], place : place + inside.shape[2]] = inside
    assert out is not None
    return out


@lru_cache(maxsize=2)
def _session(opened: bool) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    said, octets, _ = _files()
    return onnxruntime.InferenceSession(
        octets + (_opening(said.head) if opened else b""),
        sess_options=options,
        providers=["CPUExecutionProvider"],
    )


def _opening(names: manifest.Head) -> bytes:
    """Return what, put behind the network's file, lets its last layer be seen and replaced.

    A protocol buffer goes on where it ended: fields that follow are merged into the message before.
    These make the head's tensors inputs of the graph, which the file's own values stand for unless
    others are given, and outputs (onnx.proto: ModelProto.graph 7, GraphProto.input 11 and output
    12, ValueInfoProto.name 1 and type 2, TypeProto.tensor_type 1, elem_type 1: float).
    """

    def message(number: int, content: bytes) -> bytes:
        size, octets = len(content), bytearray([number << 3 | 2])
        while size > 127:
            octets.append(size & 127 | 128)
            size >>= 7
        return bytes(octets) + bytes([size]) + content

    def value(name: str) -> bytes:
        return message(1, name.encode()) + message(2, message(1, b"\x08\x01"))

    replaced, seen = (names.weights, names.bias), (names.weights, names.bias, names.features)
    return message(
        7,
        b"".join(message(11, value(name)) for name in replaced)
        + b"".join(message(12, value(name)) for name in seen),
    )
