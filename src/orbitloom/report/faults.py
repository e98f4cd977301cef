"""What a report says of faults: the figures, and a paragraph where there were any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orbitloom.report.words import bytes_words, count_words, duration_words
from orbitloom.scenario.faults import FAULT_KINDS
from orbitloom.scenario.time import SECOND_NS
from orbitloom.twin.result import ArmResult, FlightResult
from orbitloom.wire import FAULT_CAUSES

__all__ = ["KIND_WORDS", "fault_figures", "fault_sentences"]

KIND_WORDS = {
    "satellite_lost": ("satellite lost", "satellites lost"),
    "terminal_lost": ("laser terminal lost", "laser terminals lost"),
    "station_out": ("station outage", "station outages"),
    "not_acquired": ("link not acquired at once", "links not acquired at once"),
    "clock_step": ("clock step", "clock steps"),
    "bit_flip": ("bit flip", "bit flips"),
    "computer_reset": ("computer reset", "computer resets"),
    "battery_ageing": ("battery aged", "batteries aged"),
    "weather": ("spell of weather over a station", "spells of weather over stations"),
}
"""Each kind of fault, one and many of it."""


def fault_figures(result: FlightResult) -> dict[str, Any]:
    """Return what broke in a flight and what came of it; the same keys in every flight.

    Returns
    -------
    dict
        ``happened``: how often each kind did. ``arms``, for each arm: ``harmless``, faults that hit
        nothing; ``lost``, answers of which a fault has left nothing; ``lost_bundles`` and
        ``lost_bytes``, all that was lost on the way; ``delayed``, answers that waited for a fault;
        ``delay_s``, how long, by cause; ``cut``, ``rerouted``, ``copies``, ``duplicates`` and
        ``mended`` of `orbitloom.twin.custody.Custody`.
    """
    arms = list(result.arms.values())
    happened = arms[0].faults.happened
    return {
        "happened": {kind: happened.get(kind, 0) for kind in (*FAULT_KINDS, "weather")},
        "arms": {arm.arm: _arm(arm, result) for arm in arms},
    }


def _arm(arm: ArmResult, result: FlightResult) -> dict[str, Any]:
    waited_ns = dict.fromkeys(FAULT_CAUSES, 0)
    delayed: set[int] = set()
    if arm.faults.happened:
        lost = {fate.capture for fate in arm.fates if fate.lost}
        for row in result.ledger:
            mine = row.arm == arm.arm and row.product == "answer" and row.capture not in lost
            if mine and row.wait_cause in waited_ns and row.capture < len(result.tasks):
                waited_ns[row.wait_cause] += row.end_ns - row.start_ns
                delayed.add(row.capture)
    custody = arm.faults.custody
    return {
        "harmless": arm.faults.harmless,
        "lost": sum(fate.lost and fate.place.startswith("lost ") for fate in arm.fates),
        "lost_bundles": custody.lost,
        "lost_bytes": custody.lost_bytes,
        "delayed": len(delayed),
        "delay_s": {cause: ns / SECOND_NS for cause, ns in waited_ns.items()},
        "cut": custody.cut,
        "rerouted": custody.rerouted,
        "copies": custody.copies,
        "duplicates": custody.duplicates,
        "mended": custody.mended,
    }


def fault_sentences(told: Mapping[str, Any], captures: int) -> list[str]:
    """Return what broke, and what came of it in each arm, in words; nothing if nothing did.

    Parameters
    ----------
    told
        ``faults`` of the summary.
    captures
        How many there were.
    """
    broke = [
        count_words(number, *KIND_WORDS[kind])
        for kind, number in told["happened"].items()
        if number
    ]
    if not broke:
        return []
    return [
        f"What broke: {', '.join(broke)}.",
        *(_sentence(arm, one, captures) for arm, one in told["arms"].items()),
    ]


def _sentence(arm: str, told: Mapping[str, Any], captures: int) -> str:
    parts = [f"{told['lost']} of {count_words(captures, 'answer')} lost"]
    waits = {cause: seconds for cause, seconds in told["delay_s"].items() if seconds}
    if waits:
        most = max(waits, key=waits.__getitem__)
        total = duration_words(sum(waits.values()))
        parts.append(f"{told['delayed']} held up by {total} together, mostly by {most!r}")
    else:
        parts.append("none held up")
    if told["mended"]:
        parts.append(f"{count_words(told['mended'], 'damaged product')} mended")
    if told["lost_bundles"]:
        words = count_words(told["lost_bundles"], "bundle")
        parts.append(f"{words} of {bytes_words(told['lost_bytes'])} lost on the way")
    if told["duplicates"]:
        parts.append(f"{count_words(told['duplicates'], 'duplicate')} dropped")
    return f"{arm}: {'; '.join(parts)}."
