"""Writing: a file is there whole or not at all, and a place that refuses is named."""

from __future__ import annotations

import os
from pathlib import Path

from orbitloom.errors import OutputError

__all__ = ["write_file"]


def write_file(path: Path, content: bytes) -> None:
    """Write a file, with its folder, under a temporary name first.

    Raises
    ------
    OutputError
        If the place cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        raise OutputError.from_os(
            error, path, "Give another folder with --out, or mend its rights and free space"
        ) from None
