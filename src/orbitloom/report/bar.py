"""A bar on the terminal for work that takes a while."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress"]


@contextmanager
def progress(first: str) -> Iterator[Callable[[str, float], None] | None]:
    """Give a function ``(what is happening, share done)`` that draws a bar on standard error.

    None where standard error is not a terminal: a log keeps no bar.

    Parameters
    ----------
    first
        What is happening before anybody says so.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn())
    with Progress(
        *columns,
        TextColumn("{task.description}", markup=False),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(first, total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)
