"""What `fly` returns: the flight's figures, its ledger, and how it shows itself."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orbitloom.report.folder import writing
from orbitloom.report.gain import Gain, gain
from orbitloom.report.ledger import ledger_frame, write_ledger
from orbitloom.report.summary import summary, summary_bytes
from orbitloom.twin.result import FlightResult

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

__all__ = ["Report", "run_record"]


class Report:
    """A flight, ready to be read.

    Parameters
    ----------
    result
        What the flight left behind.
    folder
        Where its files are, if they were kept.
    note
        What the reader should know of how it was flown: why no model wrote, say.

    Attributes
    ----------
    summary
        The figures, as in `summary.json`.
    ledger
        One row a step: a pandas DataFrame.
    """

    def __init__(self, result: FlightResult, *, folder: Path | None = None, note: str = "") -> None:
        self.result = result
        self.folder = folder
        self.note = note

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The figures, as in `summary.json`."""
        return summary(self.result)

    @cached_property
    def ledger(self) -> pd.DataFrame:
        """One row a step, over all arms and captures."""
        return ledger_frame(self.result.ledger)

    @cached_property
    def gain(self) -> Gain:
        """Where the first arm's gain over the others comes from."""
        return gain(self.result)

    def save(self, folder: str | Path, *, run: Mapping[str, Any] | None = None) -> Path:
        """Write summary.json, ledger.parquet, report.html and, if `run` is given, run.json.

        Parameters
        ----------
        folder
            Where to; made if it is not there.
        run
            What `run_record` returned.

        Returns
        -------
        Path
            The folder, which the report now remembers as its own.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        folder = Path(folder)
        with writing(str(folder)):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "summary.json").write_bytes(summary_bytes(self.summary))
            write_ledger(self.ledger, folder / "ledger.parquet")
            (folder / "report.html").write_text(self.to_html(), encoding="utf-8")
            if run is not None:
                text = json.dumps(run, sort_keys=True, indent=2) + "\n"
                (folder / "run.json").write_text(text, encoding="utf-8")
        self.folder = folder
        return folder

    def to_html(self) -> str:
        """Return `report.html`: one file with everything in it, that loads nothing."""
        from orbitloom.report.html import page

        return page(self.result, self.summary, self.gain)

    def _repr_html_(self) -> str:
        from orbitloom.report.html import card

        return card(self.summary, self.gain)

    def __rich__(self) -> RenderableType:
        from orbitloom.report.terminal import overview

        return overview(self.summary, self.gain, self.folder, self.note)

    def __repr__(self) -> str:
        figures = self.summary
        return (
            f"<Report of {figures['scenario']}: {figures['captures']} captures, "
            f"{figures['satellites']} satellites, {figures['simulated_s'] / 3600:g} h>"
        )


def run_record(*, wall_s: float, executor: str) -> dict[str, Any]:
    """Return what differs from run to run: the time it took and the machine it ran on.

    Parameters
    ----------
    wall_s
        Wall-clock time of the flight, seconds.
    executor
        Which executor ran the processing.
    """
    return {
        "orbitloom": version("orbitloom"),
        "finished": True,
        "wall_s": round(wall_s, 3),
        "executor": executor,
        "peak_memory_mb": _peak_memory_mb(),
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
        },
    }


def _peak_memory_mb() -> float | None:
    """Return the largest memory this process held, MB; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)
