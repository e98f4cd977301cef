"""Contact plans as files: which format a name means, and one door for reading and writing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from orbitloom.errors import InputFileError, OutputError
from orbitloom.wire.contact_arrow import read_arrow, write_arrow
from orbitloom.wire.contact_hdtn import read_hdtn, write_hdtn
from orbitloom.wire.contact_ion import read_ion, write_ion
from orbitloom.wire.contacts import ContactPlan

__all__ = ["SUFFIXES", "PlanFormat", "format_of", "read_plan", "write_plan"]

PlanFormat = Literal["arrow", "ion", "hdtn"]

SUFFIXES: Mapping[str, PlanFormat] = {
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ionrc": "ion",
    ".rc": "ion",
    ".ion": "ion",
    ".json": "hdtn",
}
"""The format that a file's name means, by its end."""


def format_of(file: Path) -> PlanFormat | None:
    """Return the format that a file's name means, or None if it means none."""
    return SUFFIXES.get(file.suffix.lower())


def write_plan(
    plan: ContactPlan,
    file: Path,
    format: PlanFormat,
    *,
    epoch_ns: int | None = None,
    title: str = "",
) -> None:
    """Write a plan.

    Parameters
    ----------
    epoch_ns
        What seconds count from in the formats that count them; the first contact's start if None.
    title
        One line for people, in the formats that have comments.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    try:
        if format == "arrow":
            write_arrow(plan, file, epoch_ns=epoch_ns)
        elif format == "ion":
            write_ion(plan, file, epoch_ns=epoch_ns, title=title)
        else:
            write_hdtn(plan, file, epoch_ns=epoch_ns)
    except OSError as error:
        raise OutputError.from_os(error, file, "Give a file that you may write") from None


def read_plan(file: Path, *, reference_ns: int = 0) -> ContactPlan:
    """Return the plan of a file in the format that its name means.

    Parameters
    ----------
    reference_ns
        What seconds count from, where the file does not say.

    Raises
    ------
    InputFileError
        If the name means no format, the file cannot be read, or something in it is wrong.
    """
    format = format_of(file)
    if format is None:
        raise InputFileError(
            "its name does not say which contact plan it holds",
            where=str(file),
            way_out=f"Known ends: {', '.join(SUFFIXES)}",
        )
    if format == "arrow":
        return read_arrow(file)
    read = read_ion if format == "ion" else read_hdtn
    return read(file, reference_ns=reference_ns)
