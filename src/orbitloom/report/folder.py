"""The folder a flight writes to: made ready before, so that a bad one is refused at once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orbitloom.errors import OutputError

__all__ = ["FILES", "FOLDERS", "prepare", "writing"]

FILES = ("run.json", "summary.json", "ledger.parquet", "report.html")
FOLDERS = ("catalog", "inbox")


def prepare(folder: Path) -> None:
    """Make the folder ready for a flight.

    A new or empty folder is taken. One that holds an earlier flight (its `run.json` or
    `summary.json` says so) loses that flight's files, `catalog/` and `inbox/` with all that is in
    them, and keeps everything else. Any other folder with
    something in it is refused, so that nobody's files mix with ours. A `run.json` that says
    "not finished" marks the folder as ours until the flight's own takes its place.

    Raises
    ------
    OutputError
        If it is a file, holds something foreign, or cannot be written.
    """
    with writing(f"--out {folder}"):
        if folder.exists() and not folder.is_dir():
            raise OutputError(
                "is a file, not a folder",
                where=f"--out {folder}",
                way_out="Give the name of a folder, new or of an earlier flight",
            )
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            if not _holds_flight(folder):
                raise OutputError(
                    "holds files that are not of an earlier flight",
                    where=f"--out {folder}",
                    way_out="Give a new folder, or empty this one",
                )
            _clear(folder)
        (folder / "run.json").write_text('{\n  "finished": false,\n  "orbitloom": true\n}\n')


@contextmanager
def writing(where: str) -> Iterator[None]:
    """Turn what goes wrong with files into one clear error that names the folder, `where`."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise OutputError.from_os(error, where, "Give a folder that you may write to") from None


def _holds_flight(folder: Path) -> bool:
    run, figures = _json(folder / "run.json"), _json(folder / "summary.json")
    return "orbitloom" in run or {"scenario", "arms", "digest"} <= figures.keys()


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _clear(folder: Path) -> None:
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    for name in FOLDERS:
        old = folder / name
        if old.is_symlink():
            old.unlink()
        elif old.exists():
            shutil.rmtree(old)
