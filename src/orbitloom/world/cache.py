"""What took seconds is kept by its content, so that a second run of the same fleet starts at once.

A key is the SHA-256 of everything that an answer depends on: the caller's parts, the form of the
files, the version of Orbitloom and the text of its `world`, the versions of the libraries that
compute, and the table of the Earth's rotation. So an answer with the cache has the bytes of one
without it. A file that cannot be read is made again, and a folder that cannot be written is not
needed: nothing here is fatal.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom._version import __version__
from orbitloom.world.earth import builtin_orientation

__all__ = ["Cache"]

Arrays = dict[str, NDArray[Any]]

_FORMAT = 1  # of the files, and of what is kept in them: raise it when a result changes its meaning
_LIBRARIES = ("numba", "numpy", "pyerfa", "sgp4")
_VARIABLE = "ORBITLOOM_CACHE"
_OURS = re.compile(r"[a-z]+-[0-9a-f]{64}\.npz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """A folder of results.

    Attributes
    ----------
    folder
        Where they are; None to keep nothing.
    limit_bytes
        How large it may become: what was not used for longest is removed first.

    Examples
    --------
    >>> Cache().arrays("squares", ["ten"], lambda: {"x": np.arange(3) ** 2})
    {'x': array([0, 1, 4])}
    """

    folder: Path | None = None
    limit_bytes: int = 2_000_000_000

    @classmethod
    def of_user(cls, environ: Mapping[str, str] = os.environ) -> Cache:
        """Return the user's cache: the platform's folder, or where `ORBITLOOM_CACHE` says.

        ``ORBITLOOM_CACHE=off`` keeps nothing. On Linux the folder is ``orbitloom`` in
        ``XDG_CACHE_HOME`` or ``~/.cache``, on macOS in ``~/Library/Caches``, on Windows in
        ``LOCALAPPDATA``.
        """
        told = environ.get(_VARIABLE, "").strip()
        if told.lower() == "off":
            return cls()
        if told:
            return cls(folder=Path(told).expanduser())
        if sys.platform == "darwin":
            base = Path("~/Library/Caches")
        elif sys.platform == "win32":
            base = Path(environ.get("LOCALAPPDATA") or "~/AppData/Local")
        else:
            base = Path(environ.get("XDG_CACHE_HOME") or "~/.cache")
        try:
            return cls(folder=base.expanduser() / "orbitloom")
        except RuntimeError:  # no home: a container's nameless user
            return cls()

    def arrays(self, what: str, parts: list[str | bytes], make: Callable[[], Arrays]) -> Arrays:
        """Return named arrays, from the folder or made now.

        Parameters
        ----------
        what
            What kind of result, a word for the file's name.
        parts
            Everything it depends on.
        make
            Makes it.
        """
        if self.folder is None:
            return make()
        file = self.folder / f"{what}-{_key(what, parts)}.npz"
        kept = _read(file)
        if kept is not None:
            with suppress(OSError):
                os.utime(file)
            return kept
        made = make()
        with suppress(OSError):
            self._write(file, made)
        return made

    def _write(self, file: Path, arrays: Arrays) -> None:
        if sum(array.nbytes for array in arrays.values()) > self.limit_bytes:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=file.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                np.savez(stream, **arrays)  # type: ignore[arg-type]
            Path(name).replace(file)
        finally:
            Path(name).unlink(missing_ok=True)
        self._tidy(file.parent)

    def _tidy(self, folder: Path) -> None:
        files = []
        for file in folder.iterdir():
            if not _OURS.fullmatch(file.name):
                continue  # a folder that the user named may hold what is not ours
            with suppress(OSError):  # another process may have removed it
                about = file.stat()
                files.append((about.st_mtime_ns, about.st_size, file))
        total = sum(size for _, size, _ in files)
        for _, size, file in sorted(files, key=lambda item: item[0]):
            if total <= self.limit_bytes:
                break
            with suppress(OSError):
                file.unlink()
            total -= size


def _key(what: str, parts: list[str | bytes]) -> str:
    """Return the SHA-256 of everything that a result depends on, in hexadecimal digits."""
    digest = sha256()
    table = builtin_orientation()
    for part in (
        what,
        f"{_FORMAT} {__version__} {[version(library) for library in _LIBRARIES]}",
        *(file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py"))),
        *(c.tobytes() for c in (table.t_ns, table.x_rad, table.y_rad, table.ut1_minus_tai_s)),
        *parts,
    ):
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def _read(file: Path) -> Arrays | None:
    """Return what a file holds; None if it is not there or damaged (its parts have a CRC-32)."""
    try:
        # numpy would leave a file open that it cannot read.
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None
