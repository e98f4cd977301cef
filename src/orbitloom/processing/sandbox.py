"""Runs a user's detector in a process of its own, inside walls, and judges what comes back.

Each look gets a fresh process (`runner`), so that nothing lives on from one look to the next: the
finding depends on the tile alone, and a detector that was stopped harms nobody. Data go in and out
through pipes, as JSON and plain arrays; what comes back is trusted in nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from orbitloom.processing.detector import Detector
from orbitloom.processing.l2 import NO_DATA
from orbitloom.processing.l3 import Tile

__all__ = ["Cause", "Code", "Outcome", "run"]

Cause = Literal["time", "memory", "network", "files", "process", "output", "crash"]
"""Why a detector was stopped.

``time``, ``memory``
    It took more than its budget.
``network``, ``files``, ``process``
    It reached for the network, for a file outside its folder, or for another process, a thread or
    a native library.
``output``
    It printed too much, or what it returned is not what a detector returns.
``crash``
    It ended by an error or without a word.
"""

_CAUSES: tuple[Cause, ...] = get_args(Cause)
_MOST_PRINTED = 1 << 16
_MOST_LINE = 1 << 20
_MOST_POINTS = 2_000
_MOST_KEYS = 16
_MOST_TEXT = 100
_MOST_SCRATCH = 64 << 20
_BLOCK = 65_536  # a file counts so much at the least: 1,024 are the most
_TICK_S = 0.1
_LARGEST_NUMBER = 1e15
_SIGXCPU, _SIGKILL = 24, 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What runs: a kind of engine, and the user's bytes; `settings` are the manifest's."""

    kind: Literal["python", "onnx", "graph"]
    payload: bytes
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What one run gave: a `cause`, or scores, or points.

    Attributes
    ----------
    cause, detail
        Why it was stopped, and what can be said of it; empty if it was not.
    scores
        (rows, columns) float32 from 0 to 1; 0 where there is no data.
    points
        Each with ``row``, ``column`` and what else was told.
    cpu_s, memory_mb
        What it took of its budget, by its own account; 0 where it does not tell.
    walls
        Which walls stood.
    printed
        The first 64 KiB that it printed.
    """

    cause: Cause | None = None
    detail: str = ""
    scores: NDArray[np.float32] | None = None
    points: tuple[Mapping[str, Any], ...] = ()
    cpu_s: float = 0.0
    memory_mb: float = 0.0
    walls: tuple[str, ...] = ()
    printed: str = ""


class _Refused(Exception):
    """What came back is not what a detector returns."""


def run(
    code: Code,
    detector: Detector,
    tile: Tile,
    info: Mapping[str, Any],
    *,
    wall_s: float | None = None,
) -> Outcome:
    """Run a detector over a tile, in a process that ends with it.

    Parameters
    ----------
    code, detector
        What runs, and its bands and budget.
    tile, info
        What it sees.
    wall_s
        Longest time by the clock on the wall, for one that sleeps; by default ten times the CPU
        time and ten seconds, so that a busy machine stops nobody.
    """
    longest_s = 10.0 * (detector.seconds + 1.0) if wall_s is None else wall_s
    with tempfile.TemporaryDirectory(prefix="orbitloom-app-") as name:
        folder = Path(name).resolve()
        process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-B", "-m", "orbitloom.processing.runner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=_environment(folder),
            start_new_session=True,
        )
        look = _Look(process, folder, longest_s)
        try:
            return look.outcome(_request(code, detector, tile, info), tile, detector)
        finally:
            look.close()


def _environment(folder: Path) -> dict[str, str]:
    """Return all that the process is told of its surroundings: the user's secrets are not in it."""
    told = {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
    if "SYSTEMROOT" in os.environ:  # Python does not start on Windows without it
        told["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    return told


def _request(
    code: Code, detector: Detector, tile: Tile, info: Mapping[str, Any]
) -> list[bytes | memoryview]:
    head = {
        "kind": code.kind,
        "settings": dict(code.settings),
        "payload_bytes": len(code.payload),
        "bands": list(detector.bands),
        "shape": list(tile.grid.shape),
        "seconds": detector.seconds,
        "memory_mb": detector.memory_mb,
        "threshold": detector.threshold,
        "info": dict(info),
    }
    text = json.dumps(head).encode()
    layers: list[NDArray[Any]] = [tile.mask]
    layers += [
        tile.numbers[tile.band_names.index(band)].astype("<u2", copy=False)
        for band in detector.bands
    ]
    views = [np.ascontiguousarray(layer).data.cast("B") for layer in layers]
    return [struct.pack(">I", len(text)) + text, code.payload, *views]


class _Look:
    """One process under watch: written to, listened to, timed, and ended."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, longest_s: float) -> None:
        self._process = process
        self._folder = folder
        self._longest_s = longest_s
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._killed: Cause | None = None
        self._printed = bytearray()
        self._threads: list[threading.Thread] = []

    def outcome(self, request: list[bytes | memoryview], tile: Tile, detector: Detector) -> Outcome:
        """Hand the request over, wait for the answer, and return what came of it."""
        source, answers, printed = (
            _there(pipe)
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        self._start(_write, source, request)
        listener = self._start(self._listen, printed)
        self._start(self._watch)
        said, found, problem, detail = None, {}, None, ""
        try:
            said = _first_line(answers)
            if said is not None and said.get("cause") in _CAUSES:
                problem, detail = said["cause"], _text(said.get("detail", ""))
            elif said is not None:
                found = _judged(said, answers, tile) | _account(said)
        except _Refused as error:
            problem, detail = "output", str(error)
        code, cpu_s = self._end(at_once=said is not None or problem is not None)
        listener.join()
        if self._killed is not None:
            problem, detail = self._killed, ""
        elif len(self._printed) > _MOST_PRINTED:  # it ended before the listener had read it all
            problem, detail = "output", ""
        elif problem is None and said is None:
            problem, detail = _silence(code, cpu_s, detector.seconds)
        return Outcome(
            cause=problem,
            detail=detail,
            printed=bytes(self._printed).decode(errors="replace"),
            **({} if problem else found),
        )

    def close(self) -> None:
        """End the process, whatever it is at, and what watches it."""
        self._end(at_once=True)
        for thread in self._threads:
            thread.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _start(self, work: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _listen(self, pipe: IO[bytes]) -> None:
        while part := os.read(pipe.fileno(), 1 << 16):
            self._printed += part[: _MOST_PRINTED + 1 - len(self._printed)]
            if len(self._printed) > _MOST_PRINTED:
                self._kill("output")

    def _watch(self) -> None:
        end_s = time.monotonic() + self._longest_s
        while not self._over.wait(_TICK_S):
            if time.monotonic() > end_s:
                self._kill("time")
            elif _size(self._folder) > _MOST_SCRATCH:
                self._kill("files")

    def _kill(self, cause: Cause | None) -> None:
        with self._lock:
            if self._process.returncode is not None:
                return
            self._killed = self._killed or cause
            if hasattr(os, "killpg"):  # `Popen.kill` would collect what `wait4` is to tell
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def _end(self, *, at_once: bool) -> tuple[int, float]:
        """Wait for the process; return its exit code and CPU time."""
        process = self._process
        if process.returncode is not None:
            return process.returncode, 0.0
        if at_once:
            self._kill(None)
        if not hasattr(os, "wait4"):
            code, cpu_s = process.wait(), 0.0
        else:
            _, status, used = os.wait4(process.pid, 0)
            code, cpu_s = os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime
        with self._lock:
            process.returncode = code
        self._over.set()
        return code, cpu_s


def _there(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("the process was started without its pipes")
    return pipe


def _write(pipe: IO[bytes], parts: list[bytes | memoryview]) -> None:
    # It may end, or be ended, before it has read everything.
    with contextlib.suppress(BrokenPipeError, OSError):
        for part in parts:
            pipe.write(part)
        pipe.close()


def _size(folder: Path) -> int:
    """Return the bytes of a folder's files, at least a block each; it has no folders in it."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            total += max(entry.stat(follow_symlinks=False).st_size, _BLOCK)
    return total


def _first_line(pipe: IO[bytes]) -> dict[str, Any] | None:
    """Return what it said; None if it ended without a word."""
    line = pipe.readline(_MOST_LINE)
    if not line:
        return None
    if not line.endswith(b"\n"):
        raise _Refused("what it returned is too large, or was cut off")
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        raise _Refused("its answer is not JSON") from None
    if not isinstance(said, dict):
        raise _Refused("its answer is not an object")
    return said


def _judged(said: Mapping[str, Any], pipe: IO[bytes], tile: Tile) -> dict[str, Any]:
    """Return the scores or the points, if they are what a detector returns."""
    rows, columns = tile.grid.shape
    if "points" in said:
        return {"points": _points(said["points"], rows, columns)}
    kind = next((kind for kind in ("mask", "score") if kind in said), None)
    if kind is None:
        raise _Refused("it returned neither bool, nor scores of a float type, nor points")
    if said[kind] != [rows, columns]:
        raise _Refused(f"what it returned has not the tile's shape, {rows} x {columns}")
    dtype = np.dtype(np.uint8 if kind == "mask" else "<f4")
    data = pipe.read(rows * columns * dtype.itemsize)
    if len(data) != rows * columns * dtype.itemsize:
        raise _Refused("what it returned was cut off")
    scores = np.frombuffer(data, dtype).reshape(rows, columns).astype(np.float32)
    scores[(tile.mask & NO_DATA) != 0] = 0.0
    if not np.isfinite(scores).all():
        raise _Refused("a score is not a number where the tile has data")
    if scores.size and (scores.min() < 0.0 or scores.max() > 1.0):
        raise _Refused("a score is not from 0 to 1")
    return {"scores": scores}


def _account(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what it says it took, and which walls it says stood."""
    told = {name: said.get(name, 0.0) for name in ("cpu_s", "memory_mb")}
    walls = said.get("walls")
    if not all(isinstance(value, int | float) for value in told.values()):
        raise _Refused("its account is not in numbers")
    return told | {"walls": tuple(map(_text, walls)) if isinstance(walls, list) else ()}


def _points(said: Any, rows: int, columns: int) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(said, list) or len(said) > _MOST_POINTS:
        raise _Refused(f"it returned more than {_MOST_POINTS} points")
    for point in said:
        if not isinstance(point, dict) or len(point) > _MOST_KEYS:
            raise _Refused(f"a point is not a dict of up to {_MOST_KEYS} values")
        for key, value in point.items():
            if not _is_plain(key) or not _is_plain(value):
                raise _Refused("a point holds more than finite numbers and short text")
        for key, size in (("row", rows), ("column", columns)):
            place = point.get(key)
            if isinstance(place, bool) or not isinstance(place, int | float):
                raise _Refused(f"a point has no number {key!r}")
            if not 0 <= place < size:
                raise _Refused(f"a point's {key} is outside of the tile")
        score = point.get("score", 1.0)
        if isinstance(score, str) or not 0.0 <= score <= 1.0:
            raise _Refused("a point's score is not from 0 to 1")
    return tuple(said)


def _text(value: Any) -> str:
    return str(value)[:_MOST_TEXT].encode(errors="replace").decode()


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _MOST_TEXT and value.isprintable()
    return isinstance(value, int | float) and abs(value) < _LARGEST_NUMBER


def _silence(code: int, cpu_s: float, seconds: float) -> tuple[Cause, str]:
    """Return why a process ended without a word."""
    if code == -_SIGXCPU or (code == -_SIGKILL and cpu_s >= seconds):
        return "time", ""
    if code == -_SIGKILL:  # by the system, which was short of memory
        return "memory", ""
    return "crash", f"it ended with code {code} and no answer"
