"""The flight on a terminal: the arms side by side, and what the difference is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from orbitloom.report.faults import fault_sentences
from orbitloom.report.gain import Gain
from orbitloom.report.incumbents import INCUMBENTS
from orbitloom.report.words import (
    ARM_WORDS,
    bytes_words,
    count_words,
    duration_words,
    words_line,
)

__all__ = ["overview"]


def overview(
    figures: dict[str, Any], gain: Gain, folder: Path | None, note: str = ""
) -> RenderableType:
    """Return the flight for a rich console.

    Parameters
    ----------
    figures
        What `summary` returned.
    gain
        Where the gain comes from.
    folder
        Where the files are, if they were kept.
    note
        What the reader should know of how it was flown.
    """
    title = Text.assemble(
        (figures["scenario"], "bold"),
        f": {count_words(figures['satellites'], 'satellite')}, "
        f"{duration_words(figures['simulated_s'])}, {count_words(figures['captures'], 'capture')}, "
        f"seed {figures['seed']}",
    )
    parts: list[RenderableType] = [Text(), title, Text(), _arms(figures["arms"]), Text()]
    parts.append(Text.assemble(("quality  ", "bold"), _quality_words(figures["quality"])))
    if figures["words"]["alerts"]:
        parts.append(Text.assemble(("words    ", "bold"), words_line(figures["words"])))
    broke = fault_sentences(figures["faults"], figures["captures"])
    for number, sentence in enumerate(broke):
        parts.append(Text.assemble(("         " if number else "faults   ", "bold"), sentence))
    if note:
        parts.append(Text.assemble(("note     ", "bold"), note))
    parts.append(Text())
    parts.append(Text("where the gain comes from", "bold"))
    parts += [Text(f"  {sentence}") for sentence in gain.sentences]
    parts += [Text(), _today()]
    if folder is not None:
        parts += [Text(), _files(folder)]
    return Group(*parts)


def _quality_words(quality: dict[str, Any]) -> str:
    """Return the quality of the answers in one line."""
    if quality["false_alerts"] is None:
        return "not judged: the truth of these scenes does not know such events"
    shares = {
        "recall": quality["recall"],
        "precision": quality["precision"],
        "mean IoU": quality["iou_mean"],
    }
    words = [f"{name} {'-' if value is None else f'{value:.2f}'}" for name, value in shares.items()]
    return ", ".join([*words, count_words(quality["false_alerts"], "false alert")])


def _arms(arms: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for name in arms:
        table.add_column(f"{name}\n[dim]{ARM_WORDS[name]}[/dim]", justify="right")
    rows: dict[str, list[str]] = {
        "delivered": [f"{arm['delivered']} of {arm['answers']}" for arm in arms.values()],
        "latency p50": [duration_words(arm["latency_s"]["p50"]) for arm in arms.values()],
        "latency p90": [duration_words(arm["latency_s"]["p90"]) for arm in arms.values()],
        "bytes down per answer": [bytes_words(arm["bytes_per_answer"]) for arm in arms.values()],
        "joules per answer": [
            "-" if arm["joules_per_answer"] is None else f"{arm['joules_per_answer']:,.0f} J"
            for arm in arms.values()
        ],
    }
    rows["the whole fleet used"] = [
        f"{arm['fleet_energy_wh'] / 1e3:,.1f} kWh" for arm in arms.values()
    ]
    if any(arm["unmet_wh"] for arm in arms.values()):
        rows["empty batteries lacked"] = [f"{arm['unmet_wh']:,.0f} Wh" for arm in arms.values()]
    if any(arm["lost"] for arm in arms.values()):
        rows["lost"] = [str(arm["lost"]) for arm in arms.values()]
    for name, cells in rows.items():
        table.add_row(name, *cells, style="bold" if name == "latency p90" else "")
    return table


def _today() -> Table:
    table = Table(
        "what users get today",
        "look to user, as published",
        box=None,
        pad_edge=False,
        header_style="bold",
    )
    for incumbent in INCUMBENTS:
        table.add_row(incumbent.service, incumbent.latency, style="dim")
    return table


def _files(folder: Path) -> Text:
    return Text.assemble(
        ("files  ", "bold"),
        str(folder / "report.html"),
        " (open it in a browser), summary.json, ledger.parquet, catalog/, inbox/",
    )
