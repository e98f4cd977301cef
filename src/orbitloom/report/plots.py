"""The report's charts, as SVG that is the same bytes for the same flight.

Colours are those of Okabe & Ito (2008), which colour-blind readers can tell apart; what a colour
says, a marker, a dash or a label says too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, PercentFormatter
from numpy.typing import NDArray

from orbitloom.report.gain import group_of
from orbitloom.report.incumbents import INCUMBENTS
from orbitloom.report.land import land
from orbitloom.report.words import duration_words
from orbitloom.scenario import Arm
from orbitloom.scenario.time import HOUR_NS, SECOND_NS
from orbitloom.twin.result import ArmResult, FlightResult, SatelliteHistory
from orbitloom.wire import LedgerRow

__all__ = [
    "ARM_COLOURS",
    "KIND_COLOURS",
    "SHOWN_SATELLITES",
    "battery_and_heat",
    "drawing",
    "latencies",
    "time_split",
    "waterfall",
    "world_map",
]

ARM_COLOURS = {"orbit": "#0072B2", "raw": "#D55E00", "bentpipe": "#595959"}
KIND_COLOURS = {"alert": "#D55E00", "nothing_found": "#009E73", "not_observable": "#595959"}
_KIND_MARKERS = {"alert": "o", "nothing_found": "s", "not_observable": "X"}
_ARM_DASHES: dict[str, Any] = {"orbit": "-", "raw": (0, (5, 1.5)), "bentpipe": (0, (1.5, 1.5))}
_GROUP_COLOURS = {
    "waiting for a pass": "#E69F00",
    "queueing for a link": "#CC79A7",
    "sending": "#56B4E9",
    "light travelling": "#F0E442",
    "waiting for the computer": "#999999",
    "waiting for power or cooling": "#D55E00",
    "computing L0 to L4": "#0072B2",
    "running the model": "#009E73",
    "finishing the capture": "#44546A",
    "waiting because of a fault": "#b2182b",
    "other": "#CCCCCC",
}
_SEA, _LAND = (238, 243, 247), (214, 217, 210)
_INK, _FAINT = "#1d2733", "#c9d1d9"
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "orbitloom",
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica Neue", "Helvetica", "Arial", "DejaVu Sans", "sans-serif"],
    "font.size": 9.5,
    "text.color": _INK,
    "text.parse_math": False,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "xtick.labelcolor": _INK,
    "legend.frameon": False,
}
_TICKS_S = (0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 6 * 3600.0, 24 * 3600.0, 240 * 3600.0)
SHOWN_SATELLITES = 24
"""Up to so many are shown one by one; of a larger fleet how it spreads."""


@contextmanager
def drawing(width: float, height: float) -> Iterator[tuple[Figure, list[str]]]:
    """Give a figure, and a list that holds its SVG afterwards."""
    svg: list[str] = []
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **_STYLE}):
        figure = Figure(figsize=(width, height))
        yield figure, svg
        octets = BytesIO()
        figure.savefig(octets, format="svg", metadata={"Date": None, "Creator": None})
        svg.append(_same_names(octets.getvalue().decode()))


def _same_names(svg: str) -> str:
    """Give clip paths numbers for names: matplotlib takes addresses in memory for some."""
    names = dict.fromkeys(re.findall(r'<clipPath id="(p[0-9a-f]+)"', svg))
    for number, name in enumerate(names):
        svg = svg.replace(name, f"clip{number}")
    return svg


def _time_axis(axes: Axes, low_s: float, high_s: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(low_s, high_s)
    ticks = [tick for tick in _TICKS_S if low_s <= tick <= high_s]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([_tick_words(tick) for tick in ticks])
    axes.grid(axis="x", color=_FAINT, linewidth=0.6)
    axes.set_axisbelow(True)


def _tick_words(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min" if seconds < 3600 else f"{seconds / 3600:g} h"


def latencies(result: FlightResult) -> str:
    """Return the share of answers in the inbox against the time since the capture, for each arm.

    An arm that has not delivered all ends below 1, and the legend says how many it has. Below, on
    the same axis, what services of today publish.
    """
    published = [
        (entry.service, entry.fastest_s, entry.slowest_s)
        for entry in INCUMBENTS
        if entry.fastest_s is not None and entry.slowest_s is not None
    ]
    flown_s = (result.scenario.end_ns - result.scenario.start_ns) / SECOND_NS
    high_s = max(flown_s * 1.6, 13 * 3600.0)
    with drawing(9.2, 5.2) as (figure, svg):
        upper, lower = figure.subplots(
            2, 1, sharex=True, gridspec_kw={"height_ratios": (3.2, 1.3), "hspace": 0.08}
        )
        for name, arm in result.arms.items():
            _ecdf(upper, name, arm, high_s)
        upper.set_ylim(0, 1.04)
        upper.set_yticks(
            (0, 0.25, 0.5, 0.75, 0.9, 1.0), ("0", "25 %", "50 %", "75 %", "90 %", "all")
        )
        upper.set_ylabel("answers in the inbox")
        upper.axhline(0.9, color=_FAINT, linewidth=0.8)
        figure.legend(loc="upper center", ncols=3, fontsize=9.5)
        upper.tick_params(axis="x", length=0, labelbottom=False)
        for line, (service, fast_s, slow_s) in enumerate(published):
            lower.plot((fast_s, slow_s), (line, line), color="#8A8A8A", linewidth=5, alpha=0.55)
            lower.text(fast_s * 0.85, line, service, ha="right", va="center", fontsize=8.5)
        lower.set_ylim(len(published) - 0.5, -0.6)
        lower.set_yticks([])
        lower.set_ylabel("published\ntoday")
        lower.spines["left"].set_visible(False)
        for axes in (upper, lower):
            _time_axis(axes, 0.9, high_s)
        lower.set_xlabel("time from the middle of the capture to the inbox")
        figure.subplots_adjust(left=0.085, right=0.99, top=0.935, bottom=0.105)
    return svg[0]


def _ecdf(axes: Axes, name: str, arm: ArmResult, high_s: float) -> None:
    arrived = sorted(value for value in arm.latencies_s if value is not None)
    total = len(arm.latencies_s)
    share = np.arange(1, len(arrived) + 1) / max(total, 1)
    x = np.array([0.01, *arrived, high_s])
    y = np.array([0.0, *share, share[-1] if arrived else 0.0])
    label = f"{name}: {len(arrived)} of {total} delivered by the end"
    axes.plot(
        x,
        y,
        drawstyle="steps-post",
        color=ARM_COLOURS[name],
        linestyle=_ARM_DASHES[name],
        lw=2,
        label=label,
    )


def time_split(seconds: dict[str, dict[str, float]]) -> str:
    """Return each arm's mean time, cut into what it was spent on, as shares of that mean."""
    with drawing(9.2, 0.62 + 0.62 * len(seconds)) as (figure, svg):
        axes = figure.subplots()
        used = [
            group for group in _GROUP_COLOURS if any(arm.get(group) for arm in seconds.values())
        ]
        for line, spent in enumerate(seconds.values()):
            total, left = sum(spent.values()), 0.0
            for group in used:
                share = spent.get(group, 0.0) / total if total else 0.0
                axes.barh(line, share, left=left, height=0.62, color=_GROUP_COLOURS[group])
                if share > 0.12:
                    axes.text(
                        left + share / 2,
                        line,
                        duration_words(spent[group]),
                        ha="center",
                        va="center",
                        fontsize=8.5,
                        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
                    )
                left += share
            axes.text(1.01, line, duration_words(total), va="center", fontweight="bold")
        axes.set_yticks(range(len(seconds)), list(seconds))
        axes.set_ylim(len(seconds) - 0.5, -0.5)
        axes.set_xlim(0, 1)
        axes.set_xticks([])
        axes.tick_params(axis="y", length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        for group in used:
            axes.bar(0, 0, color=_GROUP_COLOURS[group], label=group)
        if used:
            figure.legend(
                loc="lower center", ncols=4, fontsize=8.5, handlelength=1, columnspacing=1.4
            )
        bottom = 0.46 / (0.62 + 0.62 * len(seconds)) * (1 + (len(used) > 4))
        figure.subplots_adjust(left=0.09, right=0.885, top=0.99, bottom=bottom)
    return svg[0]


def waterfall(rows: Sequence[LedgerRow]) -> str:
    """Return one answer's steps in each arm as bars over logarithmic time since the capture."""
    arms: dict[str, list[LedgerRow]] = {}
    for row in rows:
        if row.end_ns > row.start_ns:
            arms.setdefault(row.arm, []).append(row)
    start_ns = min(row.start_ns for row in rows)
    high_s = max(max(row.end_ns - start_ns for row in rows) / SECOND_NS * 1.8, 30.0)
    low_s = 0.5
    lines = [len(steps) for steps in arms.values()]
    with drawing(9.2, 0.55 + 0.42 * len(arms) + 0.2 * sum(lines)) as (figure, svg):
        panels = figure.subplots(
            len(arms), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": lines}
        )[:, 0]
        for axes, (name, steps) in zip(panels, arms.items(), strict=True):
            for line, row in enumerate(steps):
                begin_s = max((row.start_ns - start_ns) / SECOND_NS, low_s)
                end_s = max((row.end_ns - start_ns) / SECOND_NS, begin_s * 1.012)
                colour = _GROUP_COLOURS[group_of(row)]
                axes.barh(line, end_s - begin_s, left=begin_s, height=0.78, color=colour)
                words = duration_words((row.end_ns - row.start_ns) / SECOND_NS)
                axes.text(end_s * 1.03, line, words, va="center", fontsize=7.5)
            axes.set_yticks(range(len(steps)), [_step_words(row) for row in steps], fontsize=8)
            axes.set_ylim(len(steps) - 0.4, -0.6)
            axes.tick_params(axis="y", length=0)
            total = duration_words((steps[-1].end_ns - start_ns) / SECOND_NS)
            axes.set_title(
                f"{name}: {total}", loc="left", fontsize=9.5, color=ARM_COLOURS[name], weight="bold"
            )
            _time_axis(axes, low_s, high_s)
        panels[-1].set_xlabel("time since the middle of the capture")
        figure.set_layout_engine("constrained")
    return svg[0]


def _step_words(row: LedgerRow) -> str:
    what = f"wait: {row.wait_cause}" if row.wait_cause else row.step
    return f"{what} · {row.node}"


def world_map(result: FlightResult) -> str:
    """Return the fleet's tracks, the stations and the targets, captured ones by their outcome."""
    with drawing(9.2, 4.85) as (figure, svg):
        axes = figure.subplots()
        backdrop = np.array([_SEA, _LAND], dtype=np.uint8)[land().astype(np.intp)]
        axes.imshow(backdrop, extent=(-180, 180, -90, 90), interpolation="none", aspect="equal")
        few = len(result.track_deg) <= SHOWN_SATELLITES  # the tracks of more would hide the land
        for track in result.track_deg if few else ():
            axes.plot(*_cut_at_date_line(track), color="#0072B2", linewidth=0.45, alpha=0.35)
        if result.track_deg.size:
            now = result.track_deg[:, 0]
            axes.plot(
                now[:, 1],
                now[:, 0],
                "d",
                color="#0072B2",
                markersize=4 if few else 1.5,
                markeredgewidth=1 if few else 0,
                label="satellite at the start",
            )
        looked = {task.target for task in result.tasks}
        rest = [target for target in result.scenario.targets if target.name not in looked]
        axes.plot(
            [target.longitude_deg for target in rest],
            [target.latitude_deg for target in rest],
            ".",
            color="#6b7785",
            markersize=3,
            label="not looked at",
        )
        for kind, colour in KIND_COLOURS.items():
            found = [
                result.tasks[capture]
                for capture, answer in result.answers.items()
                if answer.kind == kind
            ]
            axes.plot(
                [task.longitude_deg for task in found],
                [task.latitude_deg for task in found],
                _KIND_MARKERS[kind],
                color=colour,
                markersize=7,
                markeredgecolor="white",
                markeredgewidth=0.7,
                label=f"{kind.replace('_', ' ')}: {len(found)}",
            )
        for station in result.scenario.stations:
            axes.plot(
                station.longitude_deg,
                station.latitude_deg,
                "^",
                color=_INK,
                markersize=7,
                markeredgecolor="white",
            )
            axes.annotate(
                station.name,
                (station.longitude_deg, station.latitude_deg),
                xytext=(6, 2),
                textcoords="offset points",
                fontsize=8,
                fontweight="bold",
            )
        axes.plot([], [], "^", color=_INK, markersize=7, label="station")
        axes.set(xlim=(-180, 180), ylim=(-90, 90))
        axes.set_xticks(range(-120, 121, 60), ["120° W", "60° W", "0°", "60° E", "120° E"])
        axes.set_yticks(range(-60, 61, 30), ["60° S", "30° S", "0°", "30° N", "60° N"])
        axes.grid(color="white", linewidth=0.7)
        axes.tick_params(length=0, labelsize=8)
        for spine in axes.spines.values():
            spine.set_visible(False)
        figure.legend(loc="lower center", ncols=6, fontsize=8.5, handletextpad=0.2)
        figure.subplots_adjust(left=0.055, right=0.995, top=0.995, bottom=0.115)
    return svg[0]


def _cut_at_date_line(
    track: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitudes and latitudes with a gap wherever the track crosses 180 degrees."""
    cuts = np.flatnonzero(np.abs(np.diff(track[:, 1])) > 180) + 1
    return np.insert(track[:, 1], cuts, np.nan), np.insert(track[:, 0], cuts, np.nan)


def battery_and_heat(result: FlightResult, arm: Arm) -> str:
    """Return the battery and the computer's temperature of a fleet in one arm.

    Up to `SHOWN_SATELLITES` each has a panel: the soft limit is dashed; shaded stretches are those
    in which work waited for power or cooling. Of a larger fleet, medians and bands.
    """
    fleet = result.arms[arm].satellites
    if len(fleet) > SHOWN_SATELLITES:
        return _fleet_spread(result, fleet)
    scenario = result.scenario
    columns = min(4, max(len(fleet), 1))
    lines = -(-len(fleet) // columns)
    soft = 1 - scenario.power.soft_depth_of_discharge
    held = _held(result, arm)
    with drawing(9.2, 0.55 + 1.25 * lines) as (figure, svg):
        panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
        warm = [axes.twinx() for axes in panels]
        for axes, right, history in zip(panels, warm, fleet, strict=False):
            _one_satellite(axes, right, history, scenario.start_ns)
            axes.axhline(soft, color=_INK, linewidth=0.7, linestyle=(0, (4, 3)))
            for begin_ns, end_ns in held.get(history.name, ()):
                begin_h, end_h = ((t - scenario.start_ns) / HOUR_NS for t in (begin_ns, end_ns))
                axes.axvspan(begin_h, max(end_h, begin_h + 0.02), color="#E69F00", alpha=0.45, lw=0)
            note = f"  held {duration_words(history.held_s)}" if history.held_s else ""
            axes.set_title(history.name + note, loc="left", fontsize=8, pad=2)
        low = min([soft, *(one.lowest_wh / one.capacity_wh for one in fleet)])
        top_c = max([scenario.heat.throttle_c, *(one.hottest_c for one in fleet)])
        for number, (axes, right) in enumerate(zip(panels, warm, strict=True)):
            axes.set_ylim(max(low - 0.22, 0), 1.03)  # keeps 20 °C clear of the soft limit
            axes.set_yticks([soft, 1.0], [f"{soft:.0%}", "100%"], color="#0072B2", fontsize=7.5)
            axes.set_xlim(0, scenario.hours)
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, prune="upper"))
            axes.tick_params(length=0, labelsize=7.5)
            right.set_ylim(0, top_c * 1.08)
            ends = number % columns == columns - 1 or number == len(fleet) - 1
            right.set_yticks(
                [20, scenario.heat.throttle_c],
                ["20 °C", f"{scenario.heat.throttle_c:g} °C"] if ends else ["", ""],
                color="#B2432F",
                fontsize=7.5,
            )
            right.tick_params(length=0)
            if number >= len(fleet):
                axes.set_visible(False)
                right.set_visible(False)
        figure.supxlabel("hours since the start", fontsize=8.5, y=0.01)
        height = figure.get_figheight()
        figure.subplots_adjust(
            left=0.045,
            right=0.945,
            top=1 - 0.22 / height,
            bottom=0.5 / height,
            hspace=0.3,
            wspace=0.1,
        )
    return svg[0]


def _padded(rows: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return rows as one array; those of satellites that were lost end in NaN."""
    padded = np.full((len(rows), max(map(len, rows))), np.nan)
    for row, values in zip(padded, rows, strict=True):
        row[: len(values)] = values
    return padded


def _fleet_spread(result: FlightResult, fleet: Sequence[SatelliteHistory]) -> str:
    """Return how charge and temperature of a large fleet spread over time, and the worst."""
    scenario = result.scenario
    t_ns = max((one.t_ns for one in fleet), key=len)
    hours = (t_ns - scenario.start_ns) / HOUR_NS
    charge = _padded([one.battery_wh / one.capacity_wh for one in fleet])
    warmth = _padded([one.computer_c for one in fleet])
    worst = min(range(len(fleet)), key=lambda i: fleet[i].lowest_wh / fleet[i].capacity_wh)
    soft = 1 - scenario.power.soft_depth_of_discharge
    with drawing(9.2, 4.0) as (figure, svg):
        upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"hspace": 0.12})
        for axes, values, colour in ((upper, charge, "#0072B2"), (lower, warmth, "#B2432F")):
            least, low, middle, high, most = np.nanquantile(values, (0, 0.05, 0.5, 0.95, 1), axis=0)
            axes.fill_between(hours, least, most, color=colour, alpha=0.15, lw=0)
            axes.fill_between(hours, low, high, color=colour, alpha=0.25, lw=0)
            axes.plot(hours, middle, color=colour, linewidth=1.3)
            axes.plot(hours, values[worst], color=_INK, linewidth=0.8, linestyle=(0, (1, 1.5)))
            axes.tick_params(length=0, labelsize=8.5)
        upper.axhline(soft, color=_INK, linewidth=0.7, linestyle=(0, (4, 3)))
        upper.set_ylim(min(soft, float(np.nanmin(charge))) - 0.05, 1.02)
        upper.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        upper.set_ylabel("battery")
        lower.set_ylabel("computer, °C")
        lower.set_xlim(0, scenario.hours)
        lower.set_xlabel("hours since the start")
        upper.set_title(f"dotted: {fleet[worst].name}", loc="right", fontsize=8.5, pad=3)
        figure.subplots_adjust(left=0.075, right=0.99, top=0.93, bottom=0.125)
    return svg[0]


def _one_satellite(axes: Axes, right: Axes, history: SatelliteHistory, start_ns: int) -> None:
    hours = (history.t_ns - start_ns) / HOUR_NS
    axes.plot(hours, history.battery_wh / history.capacity_wh, color="#0072B2", linewidth=1.3)
    right.plot(hours, history.computer_c, color="#B2432F", linewidth=0.9, linestyle=(0, (3, 1)))


def _held(result: FlightResult, arm: str) -> dict[str, list[tuple[int, int]]]:
    """Return when work of targets waited for power or cooling, by satellite."""
    held: dict[str, list[tuple[int, int]]] = {}
    for row in result.ledger:
        if row.arm == arm and row.wait_cause in ("battery low", "computer hot"):
            held.setdefault(row.node, []).append((row.start_ns, row.end_ns))
    return held
