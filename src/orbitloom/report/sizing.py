"""What a study of sizes leaves behind: a table, a plot, and the figures as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, TypeVar

from orbitloom.report.folder import writing
from orbitloom.report.html import document, table
from orbitloom.report.latency import Latencies, Latency
from orbitloom.report.sizing_plot import Line, sizes
from orbitloom.report.waits import Wait, Waits
from orbitloom.report.words import bytes_words, duration_words

__all__ = ["Sizing", "latency_sizing", "waits_sizing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """A study that is done.

    Attributes
    ----------
    name
        What its files are called.
    title, told
        One line of what was compared, and sentences on how to read it.
    head, lines
        The table, cells as text.
    svg, png
        The plot.
    record
        All figures, ready for JSON.
    """

    name: str
    title: str
    told: str
    head: Sequence[str]
    lines: Sequence[Sequence[str]]
    svg: str
    png: bytes
    record: Mapping[str, Any]

    def save(self, folder: Path) -> tuple[Path, ...]:
        """Write ``NAME.json``, ``NAME.html`` and ``NAME.png``; return where they are.

        Raises
        ------
        OutputError
            If the folder cannot be written.
        """
        files = tuple(folder / f"{self.name}.{end}" for end in ("html", "png", "json"))
        with writing(str(folder)):
            folder.mkdir(parents=True, exist_ok=True)
            files[0].write_text(self.to_html(), encoding="utf-8")
            files[1].write_bytes(self.png)
            text = json.dumps(self.record, indent=2, sort_keys=True)
            files[2].write_text(text + "\n", encoding="utf-8")
        return files

    def to_html(self) -> str:
        """Return a page with plot and table."""
        head = (
            f"<header><p>Orbitloom study</p><h1>{escape(self.title)}</h1></header>"
            f"<p>{escape(self.told)}</p>"
        )
        # The XML declaration of a file of its own has no place inside a page.
        figure = f"<figure>{self.svg[self.svg.index('<svg') :]}</figure>"
        return document(
            f"Orbitloom: {self.title}", (head, figure, table(self.head, self.lines, ""))
        )


def waits_sizing(study: Waits) -> Sizing:
    """Return table and plot of a study of waits."""
    by_lasers: dict[tuple[str, str], dict[bool, Wait]] = {}
    for line in study.lines:
        by_lasers.setdefault((line.fleet, line.net), {})[line.lasers] = line
    lines = []
    for (fleet, net), pair in by_lasers.items():
        alone, joined = pair[False], pair[True]
        lines.append(
            (
                fleet,
                net,
                *(_minutes(m, study.hours) for m in alone.minutes),
                *(_minutes(m, study.hours) for m in joined.minutes),
                f"{joined.share:.1%}",
            )
        )
    drawn = [
        Line(
            name=net,
            satellites=[line.satellites for line in mine],
            seconds=[None if line.minutes[1] is None else 60 * line.minutes[1] for line in mine],
            faint=not lasers,
        )
        for net in dict.fromkeys(line.net for line in study.lines)
        for lasers in (True, False)
        if (
            mine := _by_size(
                line for line in study.lines if (line.net, line.lasers) == (net, lasers)
            )
        )
    ]
    svg, png = sizes(
        {"90 of 100 captures wait less": drawn},
        "from capture to contact, 90th percentile",
        floor_s=study.step_s / 2,
        ceiling_s=3600 * study.hours,
    )
    return Sizing(
        name="waits",
        title=f"{study.scenario}: how long a capture waits for a contact",
        told=(
            f"{study.hours:g} h from {study.start}, looked at each {study.step_s:g} s; captures in "
            f"the first {study.captures_hours:g} h, by every satellite at every look. Alone, a "
            "satellite waits for its own pass; with lasers, for a pass of any satellite that it is "
            "joined to at that moment, with no limit on links. Minutes; 0 is in contact already. "
            "The last column is the share of time in contact, with lasers."
        ),
        head=(
            *("fleet", "net"),
            *("alone\np50", "alone\np90", "alone\np99"),
            *("lasers\np50", "lasers\np90", "lasers\np99", "in\ncontact"),
        ),
        lines=lines,
        svg=svg,
        png=png,
        record=study.record(),
    )


def latency_sizing(study: Latencies) -> Sizing:
    """Return table and plot of a study of latencies."""
    several = {
        what
        for what in ("terminals", "rate_mbps")
        if len({getattr(line, what) for line in study.lines}) > 1
    }
    lines = [
        (
            line.fleet,
            line.net,
            *((f"{line.terminals}",) if "terminals" in several else ()),
            *((_rate(line.rate_mbps),) if "rate_mbps" in several else ()),
            *(
                f"> {study.hours:g} h" if seconds is None else duration_words(seconds)
                for seconds in line.seconds
            ),
            f"{line.delivered:.1%}",
        )
        for line in study.lines
    ]
    panels: dict[str, list[Line]] = {}
    for held, rate in dict.fromkeys((line.terminals, line.rate_mbps) for line in study.lines):
        parts = [f"{held} laser terminals"] if "terminals" in several else []
        parts += [f"down at {_rate(rate)}"] if "rate_mbps" in several else []
        mine = [x for x in study.lines if (x.terminals, x.rate_mbps) == (held, rate)]
        panels[", ".join(parts) or "90 of 100 answers take less"] = [
            Line(
                name=net,
                satellites=[line.satellites for line in of_net],
                seconds=[line.seconds[1] for line in of_net],
            )
            for net in dict.fromkeys(line.net for line in mine)
            if (of_net := _by_size(line for line in mine if line.net == net))
        ]
    fastest = [s for line in study.lines for s in line.seconds if s is not None]
    floor_s = 10.0 ** math.floor(math.log10(max(min(fastest, default=1.0), 1e-4)))
    svg, png = sizes(
        panels,
        "from capture to station, 90th percentile",
        floor_s=floor_s,
        ceiling_s=3600 * study.hours,
        at_once=duration_words(floor_s),
    )
    antennas = "" if study.antennas is None else f", {study.antennas} antennas a station"
    load = "share the network" if study.shared else "have the network to themselves"
    return Sizing(
        name="latency",
        title=f"{study.scenario}: how long {bytes_words(study.size_bytes)} take to a station",
        told=(
            f"{study.captures:,} random captures in the first {study.captures_hours:g} of "
            f"{study.hours:g} h from {study.start}; their answers of "
            f"{bytes_words(study.size_bytes)} {load} and take the way of earliest arrival over the "
            f"contact plan, with {_counts(study)} laser terminals a satellite{antennas}, and their "
            "acquisition. Computing is not in it."
        ),
        head=(
            *("fleet", "net"),
            *(("lasers",) if "terminals" in several else ()),
            *(("down at",) if "rate_mbps" in several else ()),
            *("p50", "p90", "p99", "delivered"),
        ),
        lines=lines,
        svg=svg,
        png=png,
        record=study.record(),
    )


_Told = TypeVar("_Told", Wait, Latency)


def _by_size(lines: Iterable[_Told]) -> list[_Told]:
    return sorted(lines, key=lambda line: line.satellites)


def _minutes(minutes: float | None, hours: float) -> str:
    if minutes is None:
        return f"> {hours:g} h"
    return f"{minutes:.1f}"


def _rate(rate_mbps: float | None) -> str:
    return "own rate" if rate_mbps is None else f"{rate_mbps:g} Mbit/s"


def _counts(study: Latencies) -> str:
    return " or ".join(str(n) for n in dict.fromkeys(line.terminals for line in study.lines))
