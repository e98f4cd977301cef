"""How long against how many: one line a station net, as SVG and PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from orbitloom.report.plots import drawing

__all__ = ["Line", "sizes"]

# Okabe & Ito (2008), in the order in which nets come; markers say the same.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#595959")
_MARKERS = "osD^vPX"
_TICKS_S = {
    0.001: "1 ms",
    0.01: "10 ms",
    0.1: "0.1 s",
    1.0: "1 s",
    10.0: "10 s",
    60.0: "1 min",
    600.0: "10 min",
    3600.0: "1 h",
    6 * 3600.0: "6 h",
    24 * 3600.0: "24 h",
    72 * 3600.0: "72 h",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: how long for each fleet; None is longer than was looked at.

    Lines of one `name` share colour and marker; a faint one is dashed.
    """

    name: str
    satellites: Sequence[int]
    seconds: Sequence[float | None]
    faint: bool = False


def sizes(
    panels: Mapping[str, Sequence[Line]],
    ylabel: str,
    *,
    floor_s: float,
    ceiling_s: float,
    at_once: str = "at once",
) -> tuple[str, bytes]:
    """Return panels side by side: satellites across, time up, both logarithmic.

    Parameters
    ----------
    panels
        Lines by the panel's title.
    ylabel
        What the time is.
    floor_s
        What is not longer is drawn there, where the axis says `at_once`.
    ceiling_s
        What has not ended is drawn there, hollow; what was looked at is not longer.

    Returns
    -------
    str, bytes
        SVG and PNG.
    """
    octets = BytesIO()
    names = list(dict.fromkeys(line.name for lines in panels.values() for line in lines))
    with drawing(max(7.6, 0.8 + 4.2 * len(panels)), 4.6) as (figure, svg):
        axes: Any = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for part, (title, lines) in zip(axes, panels.items(), strict=True):
            for line in lines:
                _draw(part, line, names.index(line.name), floor_s, ceiling_s)
            part.set_title(title, loc="left", fontsize=9.5, weight="bold")
            _satellite_axis(part, sorted({n for line in lines for n in line.satellites}))
        _time_axis(axes[0], floor_s, ceiling_s, at_once)
        axes[0].set_ylabel(ylabel)
        for part in axes:
            part.grid(axis="y", color="#c9d1d9", linewidth=0.6)
            part.set_axisbelow(True)
        for place, name in enumerate(names):
            mark = {"color": _colour(place), "marker": _marker(place), "markersize": 5}
            axes[0].plot([], [], label=name, **mark)
        if any(line.faint for lines in panels.values() for line in lines):
            axes[0].plot([], [], color="#595959", linestyle=(0, (4, 2)), label="without lasers")
        if any(None in line.seconds for lines in panels.values() for line in lines):
            axes[0].plot([], [], "o", color="#595959", mfc="white", label="not within the span")
        handles, words = axes[0].get_legend_handles_labels()
        figure.legend(handles, words, loc="upper center", ncols=len(words), fontsize=8.5)
        top = 0.87
        figure.subplots_adjust(left=0.11, right=0.985, top=top, bottom=0.125, wspace=0.06)
        figure.savefig(octets, format="png", dpi=144, metadata={"Software": None})
    return svg[0], octets.getvalue()


def _colour(place: int) -> str:
    return _COLOURS[place % len(_COLOURS)]


def _marker(place: int) -> str:
    return _MARKERS[place % len(_MARKERS)]


def _draw(axes: Axes, line: Line, place: int, floor_s: float, ceiling_s: float) -> None:
    shown = [ceiling_s if s is None else min(max(s, floor_s), ceiling_s) for s in line.seconds]
    style: dict[str, Any] = {"color": _colour(place), "linewidth": 1.8}
    if line.faint:
        style |= {"linestyle": (0, (4, 2)), "linewidth": 1.1, "alpha": 0.8}
    axes.plot(line.satellites, shown, **style)
    for satellites, seconds, height in zip(line.satellites, line.seconds, shown, strict=True):
        axes.plot(
            satellites,
            height,
            _marker(place),
            color=_colour(place),
            markerfacecolor="white" if seconds is None else _colour(place),
            markersize=4 if line.faint else 6,
            clip_on=False,
            zorder=3,
        )


def _satellite_axis(axes: Axes, counts: Sequence[int]) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(list(counts)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([f"{count:,}" for count in counts])
    axes.set_xlabel("satellites")


def _time_axis(axes: Axes, floor_s: float, ceiling_s: float, at_once: str) -> None:
    axes.set_yscale("log")
    axes.set_ylim(floor_s, ceiling_s)
    ticks = {t: words for t, words in _TICKS_S.items() if 1.3 * floor_s < t < ceiling_s}
    ticks = {floor_s: at_once, **ticks}
    axes.yaxis.set_major_locator(FixedLocator(list(ticks)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticklabels(list(ticks.values()))
