"""All figures in one run: each part of the fabric, and what it must keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from orbitloom.bench.row import Row

__all__ = ["HEAD", "PARTS", "as_json", "line", "measured"]

PARTS = ("orbits", "links", "routing", "fleet")
"""Modules beside this one; each has ``rows()``."""

HEAD = ("what", "figure", "limit", "times better than")


def measured(
    parts: tuple[str, ...] = PARTS, progress: Callable[[str, float], None] | None = None
) -> Iterator[tuple[str, Row]]:
    """Yield each part's rows as they are measured.

    Parameters
    ----------
    parts
        Which of `PARTS`.
    progress
        Told what is being measured, and which share is done.
    """
    for number, part in enumerate(parts):
        if progress is not None:
            progress(f"measuring {part}", number / len(parts))
        for row in import_module(f"orbitloom.bench.{part}").rows():
            if progress is not None:
                progress(f"{part}: {row.what}", number / len(parts))
            yield part, row


def line(row: Row) -> tuple[str, ...]:
    """Return a row as text, in the order of `HEAD`."""
    sign = "≥" if row.at_least else "≤"
    limit = "" if row.limit is None else f"{sign} {_number(row.limit)}"
    times = "" if row.ratio is None else f"{_number(row.ratio)}: {row.plain_by}"
    missed = "" if row.held else "  MISSED"
    return row.what, f"{_number(row.value)} {row.unit}{missed}", limit, times


def as_json(part: str, row: Row) -> dict[str, Any]:
    """Return a row as plain values."""
    return {
        "part": part,
        "what": row.what,
        "value": row.value,
        "unit": row.unit,
        "limit": row.limit,
        "at_least": row.at_least,
        "held": row.held,
        "plain": row.plain,
        "plain_by": row.plain_by,
        "ratio": row.ratio,
    }


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
