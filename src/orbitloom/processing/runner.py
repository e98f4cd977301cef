"""The other side of `sandbox`: the process in which one look of a user's detector runs.

``python -m orbitloom.processing.runner FOLDER`` reads a request from its standard input, imports
what it needs, raises the walls, and only then touches what is the user's. One line of JSON
goes back, and behind it the scores as bytes; nothing is ever unpickled on either side.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import sysconfig
import time
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from orbitloom.processing.walls import audit_wall, raise_walls

__all__ = ["main"]

_Bands = dict[str, NDArray[np.float32]]
_Detect = Callable[[_Bands, NDArray[np.uint8], dict[str, Any]], Any]
_FILE = "<app>"
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
    walls = raise_walls(
        folder, readable, seconds=head["seconds"], memory_bytes=head["memory_mb"] << 20
    )
    started = time.process_time()

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
        sys.stdout.flush()
        sys.stderr.flush()
    except MemoryError:
        end("memory")
    except PermissionError as error:
        end("files", _told(error))
    except BaseException as error:
        end("crash", _told(error))
    else:
        say(answer | {"cpu_s": time.process_time() - started, "walls": walls}, scores)
        os._exit(0)


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


def _told(error: BaseException) -> str:
    """Return an error's kind and the user's line: nothing that differs from run to run."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    return type(error).__name__ + (f" in line {line}" if line else "")


def _python() -> Callable[[bytes, Mapping[str, Any]], _Detect]:
    def prepare(payload: bytes, head: Mapping[str, Any]) -> _Detect:
        module = types.ModuleType("app")
        sys.modules["app"] = module
        exec(compile(payload, _FILE, "exec"), module.__dict__)
        marked = [one for one in vars(module).values() if hasattr(one, "orbitloom_app")]
        detect: _Detect = marked[0]
        return detect

    return prepare


_ENGINES: dict[str, Callable[[], Callable[[bytes, Mapping[str, Any]], _Detect]]] = {
    "python": _python,
}

if __name__ == "__main__":
    main()
