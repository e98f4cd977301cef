"""A small network of our own for cloud, shadow, snow and water, run at 20 m by onnxruntime.

A U-Net of 250,000 parameters, trained on synthetic cloud alone (scripts/train_cloud.py); its
manifest, ``models/cloud.toml``, says on what, and how well it does. One thread, so that the same
picture gives the same masks anywhere.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.processing.blocks import block_means

__all__ = ["BANDS", "CLASSES", "chances", "model_hash", "suits"]

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")
"""What the network looks at; the last two may be missing."""
CLASSES = ("cloud", "shadow", "snow", "water")

_NEEDED = 4
_RANGE = (0.0, 1.5)
_MULTIPLE = 16
_TILE, _OVERLAP = 640, 96  # cells; what a cell sees of its surroundings is less than the overlap


def suits(band_names: Sequence[str]) -> bool:
    """Return whether the network can work with these bands."""
    return set(BANDS[:_NEEDED]) <= set(band_names)


def chances(
    toa: NDArray[np.float32],
    band_names: Sequence[str],
    good: NDArray[np.bool_],
    shrink: int,
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

    Returns
    -------
    NDArray
        (4, lines / shrink, columns / shrink), rounded up, in the order of `CLASSES`.

    Raises
    ------
    ValueError
        If the network does not suit the bands.
    """
    if not suits(band_names):
        raise ValueError(f"the cloud network needs {', '.join(BANDS[:_NEEDED])}")
    lines, columns = good.shape
    shape = -(-lines // shrink), -(-columns // shrink)
    picture = np.zeros((len(BANDS) + 2, *(_up(size) for size in shape)), np.float32)
    for number, name in enumerate(BANDS):
        if name in band_names:
            band = block_means(toa[band_names.index(name)], good, shrink)
            picture[number, : shape[0], : shape[1]] = np.clip(band, *_RANGE)
        if number >= _NEEDED:
            picture[len(BANDS) + number - _NEEDED] = name in band_names
    # Beyond the edge the picture goes on as it ends, as the network never saw a black margin.
    picture[:, shape[0] :] = picture[:, shape[0] - 1 : shape[0]]
    picture[:, :, shape[1] :] = picture[:, :, shape[1] - 1 : shape[1]]
    return _run(picture)[:, : shape[0], : shape[1]]


@lru_cache(maxsize=1)
def model_hash() -> str:
    """Return the SHA-256 of the network's file, for the record of what made a product."""
    return hashlib.sha256(_weights()).hexdigest()


def _up(size: int) -> int:
    return -(-size // _MULTIPLE) * _MULTIPLE


def _run(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Run the network tile by tile, so that memory stays bounded, and keep the tiles' insides."""
    session = _session()
    _, lines, columns = picture.shape
    out = np.empty((len(CLASSES), lines, columns), np.float32)
    step = _TILE - 2 * _OVERLAP
    for top in range(0, lines, step):
        for left in range(0, columns, step):
            first, start = max(top - _OVERLAP, 0), max(left - _OVERLAP, 0)
            part = picture[None, :, first : top + _TILE - _OVERLAP, start : left + _TILE - _OVERLAP]
            (found,) = session.run(None, {"picture": np.ascontiguousarray(part)})
            inside = found[0][
                :, top - first : top - first + step, left - start : left - start + step
            ]
            out[:, top : top + inside.shape[1], left : left + inside.shape[2]] = inside
    return out


def _weights() -> bytes:
    folder = files("orbitloom.processing").joinpath("models")
    manifest = tomllib.loads(folder.joinpath("cloud.toml").read_text(encoding="utf-8"))
    octets = folder.joinpath("cloud.onnx").read_bytes()
    if hashlib.sha256(octets).hexdigest() != manifest["sha256"]:
        raise RuntimeError("the cloud network's file is not the one that its manifest describes")
    return octets


@lru_cache(maxsize=1)
def _session() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        _weights(), sess_options=options, providers=["CPUExecutionProvider"]
    )
