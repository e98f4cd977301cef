"""The other side of `sandbox`: the process in which one look of a user's detector runs.

``python -m orbitloom.processing.runner`` reads a request from its standard input, imports what it
needs, raises the walls around the folder that it was started in, and only then touches what is the
user's. One line of JSON goes back, and behind it the scores as bytes; nothing is ever unpickled on
either side.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import struct
import sys
import sysconfig
import time
import traceback
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from orbitloom.processing.detector import Misfit
from orbitloom.processing.walls import audit_wall, raise_walls

__all__ = ["main"]

_Bands = dict[str, NDArray[np.float32]]
_Detect = Callable[[_Bands, NDArray[np.uint8], dict[str, Any]], Any]
_FILE = "<app>"
_FILE_ERRORS = (errno.EPERM, errno.EACCES, errno.EFBIG, errno.EMFILE, errno.ENOSPC)
_NO_DATA = 1
_SCALE = np.float32(1e-4)


def main() -> None:
    """Serve one request, then end."""
    source = sys.stdin.buffer
    answers = os.dup(1)
    os.dup2(2, 1)
    head = json.loads(_exactly(source, struct.unpack(">I", _exactly(source, 4))[0]))
    payload = _exactly(source, head["payload_bytes"])
    prepare = _ENGINES[head["kind"]]()
    folder, readable = Path(os.getcwd()), _libraries()
    # Where an import would look besides, it would meet a wall.
    sys.path[:] = [
        place for place in sys.path if any(Path(place).is_relative_to(one) for one in readable)
    ]
    started, memory = time.process_time(), _Memory()
    walls = raise_walls(
        folder, readable, seconds=head["seconds"], memory_bytes=head["memory_mb"] << 20
    )

    def say(answer: Mapping[str, Any], scores: bytes = b"", /, *, write: Any = os.write) -> None:
        for part in (json.dumps(answer).encode() + b"\n", scores):
            view = memoryview(part)
            while view:
                view = view[write(answers, view) :]

    def end(cause: str, detail: str = "", /, *, leave: Any = os._exit) -> None:
        say({"cause": cause, "detail": detail})
        leave(1)

    audit_wall(folder, readable, end)
    try:
        bands, mask = _tile(source, head)
        found = prepare(payload, head)(bands, mask, head["info"])
        answer, scores = _pack(found)
    except BaseException as error:
        _flush(error)
        end(*_ended(error))
    else:
        _flush(None)
        cpu_s = time.process_time() - started
        say(answer | {"cpu_s": cpu_s, "memory_mb": memory.taken_mb(), "walls": walls}, scores)
        os._exit(0)


class _Memory:
    """The address space taken since it was made, as the limit counts it."""

    def __init__(self) -> None:
        self._status: BinaryIO | None = None
        if sys.platform == "linux":  # opened now: behind the walls it could not be
            self._status = open("/proc/self/status", "rb", buffering=0)  # noqa: SIM115
        self._before_kb = self._kb(b"VmSize:")

    def taken_mb(self) -> float:
        """Return the most that was taken; 0 where the system does not tell."""
        return (self._kb(b"VmPeak:") - self._before_kb) / 1024.0

    def _kb(self, key: bytes) -> int:
        if self._status is None:
            return 0
        self._status.seek(0)
        told = self._status.read(1 << 16)
        return int(told[told.index(key) + len(key) :].split()[0])


def _exactly(source: BinaryIO, size: int) -> bytes:
    data = source.read(size)
    if len(data) != size:
        os._exit(2)
    return data


def _libraries() -> tuple[Path, ...]:
    """Return what a Python program reads to run: the interpreter, libraries, and this package."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    places = [Path(sysconfig.get_path(name)) for name in names]
    places += [Path(sys.base_prefix, "lib"), Path(__file__).parents[1]]
    places += [
        Path(f"{top}/{lib}") for top in ("", "/usr", "/usr/local") for lib in ("lib", "lib64")
    ]
    places += [Path("/etc/ld.so.cache"), Path("/usr/share/zoneinfo")]
    return tuple(place for place in places if place.exists())


def _tile(source: BinaryIO, head: Mapping[str, Any]) -> tuple[_Bands, NDArray[np.uint8]]:
    rows, columns = head["shape"]
    mask = np.frombuffer(_exactly(source, rows * columns), np.uint8).reshape(rows, columns).copy()
    empty = (mask & _NO_DATA) != 0
    bands = {}
    for name in head["bands"]:
        numbers = np.frombuffer(_exactly(source, 2 * rows * columns), "<u2")
        band = numbers.reshape(rows, columns) * _SCALE
        band[empty] = np.nan
        bands[name] = band
    return bands, mask


def _pack(found: Any) -> tuple[dict[str, Any], bytes]:
    """Return what was found as JSON and bytes; the other side judges it."""
    if found is None:
        return {"points": []}, b""
    if isinstance(found, list | tuple):
        return {"points": [_plain(dict(point)) for point in found]}, b""
    scores = np.asarray(found)
    kind = "mask" if scores.dtype == np.bool_ else "score" if scores.dtype.kind == "f" else "other"
    dtype = np.uint8 if kind == "mask" else np.dtype("<f4")
    answer = {kind: list(scores.shape), "dtype": str(scores.dtype)}
    return answer, b"" if kind == "other" else scores.astype(dtype).tobytes()


def _plain(point: dict[Any, Any]) -> dict[str, Any]:
    return {
        str(key): value.item() if isinstance(value, np.generic) else value
        for key, value in point.items()
    }


def _ended(error: BaseException) -> tuple[str, str]:
    """Return the cause and the detail of an error."""
    if isinstance(error, MemoryError):
        return "memory", ""
    if isinstance(error, Misfit):
        return "output", str(error)
    if isinstance(error, OSError) and error.errno in _FILE_ERRORS:
        return "files", _told(error)
    if "allocat" in str(error) and "onnxruntime" in type(error).__module__:
        return "memory", ""
    return "crash", _told(error)


def _flush(error: BaseException | None) -> None:
    """Let out what was printed, and an error's traceback, which its author will want to see."""
    with contextlib.suppress(BaseException):  # all of this may have been tampered with
        sys.stdout.flush()
        if error is not None:
            traceback.print_exception(error)
        sys.stderr.flush()


def _told(error: BaseException) -> str:
    """Return an error's kind and the user's line: nothing that differs from run to run."""
    lines = [
        line
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename == _FILE
    ]
    return type(error).__name__ + (f" in line {lines[-1]}" if lines else "")


def _python() -> Callable[[bytes, Mapping[str, Any]], _Detect]:
    def prepare(payload: bytes, head: Mapping[str, Any]) -> _Detect:
        module = types.ModuleType("app")
        sys.modules["app"] = module
        exec(compile(payload, _FILE, "exec"), module.__dict__)
        marked = [one for one in vars(module).values() if hasattr(one, "orbitloom_app")]
        detect: _Detect = marked[0]
        return detect

    return prepare


def _onnx() -> Callable[[bytes, Mapping[str, Any]], _Detect]:
    from orbitloom.processing import onnx_engine

    return onnx_engine.prepare


def _graph() -> Callable[[bytes, Mapping[str, Any]], _Detect]:
    from orbitloom.processing import graph_engine

    return graph_engine.prepare


_ENGINES: dict[str, Callable[[], Callable[[bytes, Mapping[str, Any]], _Detect]]] = {
    "python": _python,
    "onnx": _onnx,
    "graph": _graph,
}

if __name__ == "__main__":
    main()
