"""Table and plot of what faults do to deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

from orbitloom.report.fault_study import ALL, CALM, FaultLine, FaultStudy
from orbitloom.report.faults import KIND_WORDS
from orbitloom.report.plots import drawing
from orbitloom.report.sizing import Sizing
from orbitloom.report.words import count_words, duration_words

__all__ = ["fault_sizing"]

# Okabe & Ito (2008).
_COLOURS = ("#D55E00", "#CC79A7", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2")
_TICKS_S = {1.0: "1 s", 10.0: "10 s", 60.0: "1 min", 600.0: "10 min", 3600.0: "1 h", 21600.0: "6 h"}

_HEAD = (
    "what broke",
    "faults",
    "made",
    "came",
    "lost",
    "wait",
    "held up",
    "p50",
    "p90",
    "p99",
)


def fault_sizing(study: FaultStudy) -> Sizing:
    """Return a study of faults as table and plot."""
    worst = study.line(ALL) if any(line.kind == ALL for line in study.lines) else study.lines[-1]
    svg, png = _plot(study.lines)
    bad = {
        "lost otherwise": sum(line.lost_otherwise for line in study.lines),
        "delivered twice": sum(line.doubled for line in study.lines),
        "held up without a cause": sum(line.uncaused for line in study.lines),
    }
    told = (
        f"{count_words(study.runs, 'run')} of {study.hours:g} h and "
        f"{count_words(study.satellites, 'satellite')}, each with seeds of its own for what is "
        "sent and for what breaks, flown without faults, with each kind alone and with all. "
        "Bundles that were made, that came, that were lost with a satellite, that still waited at "
        "the end, and that a fault had held up. Percentiles are over all that were made; those "
        "that never came are last. What a lost satellite would have made "
        f"is not counted ({worst.never_made:,} in the last line). Over all flights: "
        + ", ".join(f"{what} {number}" for what, number in bad.items())
        + ". In the last line "
        f"{count_words(worst.custody.cut, 'transmission')} cut, {worst.custody.rerouted:,} sent "
        f"another way, {worst.custody.mended:,} mended, {worst.custody.duplicates:,} duplicates "
        f"dropped, {worst.went_round:,} late only by a longer way."
    )
    return Sizing(
        name="faults",
        title=f"{study.scenario}: what faults do to deliveries",
        told=told,
        head=_HEAD,
        lines=[_cells(line) for line in study.lines],
        svg=svg,
        png=png,
        record=study.record() | {"checks": bad},
    )


def _cells(line: FaultLine) -> tuple[str, ...]:
    return (
        _name(line.kind),
        f"{line.faults:,}",
        f"{line.made:,}",
        f"{line.delivered:,}",
        f"{line.lost:,}",
        f"{sum(line.waiting.values()):,}",
        f"{line.held_up:,}",
        *(duration_words(line.percentile_s(percent)) for percent in (50, 90, 99)),
    )


def _name(kind: str) -> str:
    return KIND_WORDS.get(kind, ("", kind))[1]


def _plot(lines: Sequence[FaultLine]) -> tuple[str, bytes]:
    """Return the share that has come after a time, a line a kind."""
    octets = BytesIO()
    known = [s for line in lines for s in line.delay_s if s is not None]
    low_s, high_s = 1.0, max([60.0, *known]) * 1.2
    with drawing(8.2, 4.4) as (figure, svg):
        axes: Any = figure.subplots()
        colours = iter(_COLOURS)
        for line in lines:
            seconds = [max(s, low_s) for s in line.delay_s if s is not None]
            shares = [(n + 1) / 100 for n in range(len(seconds))]
            dark = line.kind in (CALM, ALL)
            axes.plot(
                [*seconds, high_s],
                [*shares, shares[-1] if shares else 0.0],
                drawstyle="steps-post",
                color="#1d2733" if dark else next(colours),
                linestyle="-" if line.kind != CALM else (0, (4, 2)),
                linewidth=1.9 if dark else 1.3,
                label=_name(line.kind),
            )
        axes.set_xscale("log")
        axes.set_xlim(low_s, high_s)
        ticks = {s: words for s, words in _TICKS_S.items() if low_s <= s <= high_s}
        axes.xaxis.set_major_locator(FixedLocator(list(ticks)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticklabels(list(ticks.values()))
        axes.set_ylim(0.5, 1.005)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_ylabel("bundles that have come")
        axes.set_xlabel("after")
        axes.grid(color="#c9d1d9", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.legend(title="what broke", fontsize=8.5, loc="lower right")
        figure.subplots_adjust(left=0.09, right=0.985, top=0.97, bottom=0.125)
        figure.savefig(octets, format="png", dpi=144, metadata={"Software": None})
    return svg[0], octets.getvalue()
