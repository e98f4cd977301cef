"""Runs a network over a tile, square by square, in the sandbox: one thread, the same every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from orbitloom.processing.detector import Misfit

__all__ = ["prepare"]

_Float = NDArray[np.float32]
_Detect = Callable[[dict[str, _Float], NDArray[np.uint8], dict[str, Any]], Any]


def prepare(payload: bytes, head: Mapping[str, Any]) -> _Detect:
    """Return what detects with a network; `head` has its ``settings``, ``bands``, ``threshold``."""
    session = _session(payload)
    source, sink = session.get_inputs()[0], session.get_outputs()[0]
    size = head["settings"]["input"]["size"]
    wanted = [1, len(head["bands"]), size, size]
    shape = source.shape
    if len(session.get_inputs()) != 1 or len(shape) != 4 or source.type != "tensor(float)":
        raise Misfit("the network must take one float32 array (1, bands, size, size)")
    for have, want in zip(shape, wanted, strict=True):
        if isinstance(have, int) and have != want:
            raise Misfit(f"the network takes {_dims(shape)}, its manifest says {_dims(wanted)}")

    def detect(bands: dict[str, _Float], mask: NDArray[np.uint8], info: dict[str, Any]) -> Any:
        def ask(square: _Float) -> _Float:
            return np.asarray(session.run([sink.name], {source.name: square})[0])

        if head["settings"]["output"]["kind"] == "boxes":
            return _boxes(bands, head, ask, float(info["gsd_m"]))
        return _scores(bands, head, ask)

    return detect


def _session(payload: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(payload, options, providers=["CPUExecutionProvider"])


def _dims(shape: list[Any]) -> str:
    return " x ".join(str(one) if isinstance(one, int) else "any" for one in shape)


def _squares(
    bands: dict[str, _Float], head: Mapping[str, Any]
) -> Iterator[tuple[int, int, _Float]]:
    """Yield each square's core, first row and column, and the square (1, bands, size, size)."""
    said = head["settings"]["input"]
    size, margin = said["size"], said["margin"]
    count = len(bands)
    offset = np.array(said["offset"] or [0.0] * count, np.float32)[:, None, None]
    scale = np.array(said["scale"] or [1.0] * count, np.float32)[:, None, None]
    rows, columns = next(iter(bands.values())).shape
    steps = size - 2 * margin
    for top in range(0, rows, steps):
        row = np.clip(np.arange(top - margin, top - margin + size), 0, rows - 1)
        for left in range(0, columns, steps):
            column = np.clip(np.arange(left - margin, left - margin + size), 0, columns - 1)
            square = np.stack([band[np.ix_(row, column)] for band in bands.values()])
            square = (square - offset) / scale
            np.nan_to_num(square, copy=False, nan=0.0)
            yield top, left, np.ascontiguousarray(square[None], dtype=np.float32)


def _scores(
    bands: dict[str, _Float], head: Mapping[str, Any], ask: Callable[[_Float], _Float]
) -> _Float:
    size, margin = (head["settings"]["input"][key] for key in ("size", "margin"))
    said = head["settings"]["output"]
    rows, columns = next(iter(bands.values())).shape
    scores = np.zeros((rows, columns), np.float32)
    core = slice(margin, size - margin)
    for top, left, square in _squares(bands, head):
        given = ask(square)
        layers = given[:, None] if given.ndim == 3 else given
        if layers.ndim != 4 or layers.shape[0] != 1 or layers.shape[2:] != (size, size):
            raise Misfit(f"the network gives {_dims(list(given.shape))} for a square of {size}")
        if said["channel"] >= layers.shape[1]:
            raise Misfit(f"the network gives {layers.shape[1]} channels")
        inner = _probability(layers[0, :, core, core], said["kind"], said["channel"])
        there = scores[top : top + inner.shape[0], left : left + inner.shape[1]]
        there[:] = inner[: there.shape[0], : there.shape[1]]
    return scores


def _probability(layers: _Float, kind: str, channel: int) -> _Float:
    if kind == "score":
        return np.asarray(layers[channel])
    if kind == "logit":
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * layers[channel])), np.float32)
    powers = np.exp(layers - layers.max(axis=0))
    return np.asarray(powers[channel] / powers.sum(axis=0), np.float32)


def _boxes(
    bands: dict[str, _Float],
    head: Mapping[str, Any],
    ask: Callable[[_Float], _Float],
    gsd_m: float,
) -> list[dict[str, float]]:
    """Return the boxes as points at their middle; one seen in two squares counts in its own."""
    size, margin = (head["settings"]["input"][key] for key in ("size", "margin"))
    rows, columns = next(iter(bands.values())).shape
    points = []
    for top, left, square in _squares(bands, head):
        given = ask(square)
        if given.ndim != 2 or given.shape[1] != 5:
            raise Misfit(f"the network gives {_dims(list(given.shape))}, and not boxes (n, 5)")
        for first_row, first_column, last_row, last_column, score in given.astype(float).tolist():
            row, column = (first_row + last_row) / 2, (first_column + last_column) / 2
            in_core = all(margin <= middle < size - margin for middle in (row, column))
            row, column = row + top - margin, column + left - margin
            if not in_core or row >= rows or column >= columns or score <= head["threshold"]:
                continue
            height_m, width_m = (last_row - first_row) * gsd_m, (last_column - first_column) * gsd_m
            points.append(
                {
                    "row": row,
                    "column": column,
                    "score": round(score, 4),
                    "height_m": round(height_m, 1),
                    "width_m": round(width_m, 1),
                }
            )
    return points
