"""`report.html`: one page that holds all it shows and loads nothing.

Everything that comes from a scenario or an answer is escaped: names are anybody's.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import numpy as np

from orbitloom.report import plots
from orbitloom.report.faults import fault_sentences
from orbitloom.report.gain import GROUPS, Gain
from orbitloom.report.incumbents import INCUMBENTS
from orbitloom.report.pictures import picture
from orbitloom.report.show import rows, short
from orbitloom.report.summary import HIT_IOU, OBSERVABLE_SHARE, SPEAKS_OF, is_hit
from orbitloom.report.words import (
    ARM_WORDS,
    bytes_words,
    count_words,
    duration_words,
    times_words,
    words_line,
)
from orbitloom.scenario import Scenario
from orbitloom.scenario.time import SECOND_NS, to_iso
from orbitloom.twin.result import FlightResult, SatelliteHistory

__all__ = ["card", "document", "page", "table"]

_MOST_PICTURES = 40
_WORST_SATELLITES = 12
_KEY_SECTIONS = (
    "fleet",
    "instrument",
    "compute",
    "model",
    "power",
    "laser",
    "downlink",
    "survey",
    "ground",
)
_KEYS_NOT_SHOWN = {
    "fleet.elements",
    "model.kind",
    "model.writer",
    *(
        f"instrument.{key}"
        for key in (
            "kind",
            "bands",
            "full_well_e",
            "read_noise_e",
            "dark_dn",
            "dark_nonuniformity_dn",
            "prnu",
            "calibration_residual",
        )
    ),
}


def page(result: FlightResult, figures: Mapping[str, Any], gain: Gain) -> str:
    """Return the whole report as HTML.

    Parameters
    ----------
    result, figures, gain
        The flight, what `summary` and what `gain` made of it.
    """
    body = [
        _head(result, figures),
        _latency(result, figures),
        _where_from(gain),
        _faults(figures),
        _map(result),
        _alerts(result),
        _words(result, figures),
        _trail(result),
        _power(result),
        _quality(figures["quality"], result),
        _survey(result, figures["arms"]),
        _scenario(result.scenario),
        _foot(figures),
    ]
    return document(f"Orbitloom: {result.scenario.name}", body)


def document(title: str, parts: Iterable[str]) -> str:
    """Return a whole page of parts that are HTML already; empty ones are left out."""
    css = (files("orbitloom.report") / "page.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{css}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body>\n</html>\n"
    )


def card(figures: Mapping[str, Any], gain: Gain) -> str:
    """Return the few lines that a notebook shows."""
    sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in gain.sentences)
    title = (
        f"{figures['scenario']}: {count_words(figures['satellites'], 'satellite')}, "
        f"{duration_words(figures['simulated_s'])}, {count_words(figures['captures'], 'capture')}"
    )
    return f"<div><b>{escape(title)}</b>{_arms(figures['arms'])}<ul>{sentences}</ul></div>"


def _head(result: FlightResult, figures: Mapping[str, Any]) -> str:
    scenario = result.scenario
    alerts = sum(answer.kind == "alert" for answer in result.answers.values())
    facts = (
        f"{count_words(len(result.satellites), 'satellite')}, "
        f"{count_words(len(scenario.stations), 'ground station')}, "
        f"{duration_words(figures['simulated_s'])} from {to_iso(scenario.start_ns)[:16]} UTC, "
        f"seed {scenario.seed}"
    )
    tiles = "".join(
        f'<div class="tile"><b>{escape(big)}</b><span>{escape(small)}</span></div>'
        for big, small in _tiles(figures, alerts)
    )
    return (
        f"<header><p>Orbitloom flight report</p><h1>{escape(scenario.name)}</h1>"
        f"<p>{escape(scenario.description)}{'. ' if scenario.description else ''}{escape(facts)}."
        f'</p></header>\n<div class="tiles">{tiles}</div>{_assumed(scenario)}'
    )


def _assumed(scenario: Scenario) -> str:
    """Return the assumption that decides most, where nobody can miss it."""
    survey = scenario.survey
    if not survey.duty_s_per_orbit or not survey.rate_mbps:
        return '<p class="note">No survey between the targets: every link is free for them.</p>'
    return (
        '<p class="note">Between its targets each satellite surveys for '
        f"{survey.duty_s_per_orbit / 60:g} minutes an orbit at {survey.rate_mbps:g} Mbit/s, an "
        "assumption that loads every arm: processed on board in orbit, sent down with the rest in "
        "raw and bentpipe. Where raw data queue, they queue mostly behind that flow; with no "
        "survey at all, raw data over lasers to a station in view can be as soon as an answer "
        "made in orbit, for many times the bytes.</p>"
    )


def _tiles(figures: Mapping[str, Any], alerts: int) -> list[tuple[str, str]]:
    arms, quality = figures["arms"], figures["quality"]
    first, last = next(iter(arms)), list(arms)[-1]
    p90, other = arms[first]["latency_s"]["p90"], arms[last]["latency_s"]["p90"]
    against = f"; {last}: {duration_words(other)}"
    if other is None:
        count = f"{arms[last]['delivered']} of {arms[last]['answers']}"
        against = f"; in {last} {count} had arrived when the flight ended"
    tiles = [
        (
            duration_words(p90),
            f"from look to inbox for 90 % of the answers ({first})"
            + (against if last != first else ""),
        )
    ]
    down, more = arms[first]["bytes_per_answer"], arms[last]["bytes_per_answer"]
    if last != first and down and more:
        tiles.append(
            (
                f"{times_words(more / down)}× fewer" if more >= down else bytes_words(down),
                f"bytes sent down per answer: {bytes_words(down)} instead of {bytes_words(more)}",
            )
        )
    else:
        tiles.append((bytes_words(down), "sent down per answer"))
    delivered, answers = arms[first]["delivered"], arms[first]["answers"]
    words = f"{count_words(alerts, 'alert')}; the others say that nothing was found or seen"
    tiles.append((f"{delivered} of {answers}", f"answers delivered ({first}). {words}"))
    if quality["false_alerts"] is None:
        return tiles
    recall, iou = quality["recall"], quality["iou_mean"]
    tiles.append(
        (
            "-" if recall is None else f"{recall:.0%} found",
            "of the events that could be seen; "
            + (f"mean IoU {iou:.2f}; " if iou is not None else "")
            + count_words(quality["false_alerts"], "false alert"),
        )
    )
    return tiles


def _latency(result: FlightResult, figures: Mapping[str, Any]) -> str:
    published = table(
        ("service", "look to user, as published"),
        [(entry.service, entry.latency) for entry in INCUMBENTS],
        "What users get today. Each was measured by its publisher in its own way.",
        words=True,
    )
    return (
        "<h2>How soon an answer arrives</h2>"
        "<p>The same captures, the same contacts and queues, the same software. Only the place "
        "where it runs differs, and whether satellites pass data on by laser.</p>"
        + _chart(
            plots.latencies(result),
            "Share of answers in the inbox against time since the capture, for each arm: "
            + _latency_words(figures["arms"]),
        )
        + _arms(figures["arms"])
        + published
    )


def _latency_words(arms: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{name} p50 {duration_words(arm['latency_s']['p50'])}, "
        f"p90 {duration_words(arm['latency_s']['p90'])}"
        for name, arm in arms.items()
    )


def _arms(arms: Mapping[str, Any]) -> str:
    def line(name: str, cells: Iterable[str]) -> tuple[str, ...]:
        return (name, *cells)

    values = list(arms.values())
    lines = [
        line("", (ARM_WORDS[name] for name in arms)),
        line("delivered", (f"{arm['delivered']} of {arm['answers']}" for arm in values)),
        line("not by the end", (str(arm["undelivered"]) for arm in values)),
        line("lost", (str(arm["lost"]) for arm in values)),
        *(
            line(f"latency {p}", (duration_words(arm["latency_s"][p]) for arm in values))
            for p in ("p50", "p90", "p99")
        ),
        line("bytes down per answer", (bytes_words(arm["bytes_per_answer"]) for arm in values)),
        line("bytes down", (bytes_words(arm["downlinked_bytes"]) for arm in values)),
        line("bytes over lasers", (bytes_words(arm["laser_bytes"]) for arm in values)),
        line("energy of all captures", (f"{arm['energy_wh']:.1f} Wh" for arm in values)),
        line(
            "energy per answer",
            (
                "-" if arm["joules_per_answer"] is None else f"{arm['joules_per_answer']:,.0f} J"
                for arm in values
            ),
        ),
        line(
            "the whole fleet used", (f"{arm['fleet_energy_wh'] / 1e3:,.1f} kWh" for arm in values)
        ),
    ]
    caption = (
        "The arms of the comparison. Bytes and energy are those of the captures' answers, an "
        "answer's those of the delivered ones; what the whole fleet used is platforms, laser "
        "terminals, survey and all; percentiles are nearest-rank over all captures, the "
        "undelivered last."
    )
    return table(("", *arms), lines, caption)


def _where_from(gain: Gain) -> str:
    sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in gain.sentences)
    means = list(gain.seconds.values())
    groups = [group for group in GROUPS if any(spent[group] for spent in means)]
    lines = [
        (group, *(duration_words(spent[group]) if spent[group] else "-" for spent in means))
        for group in groups
    ]
    lines.append(("all", *(duration_words(sum(spent.values())) for spent in gain.seconds.values())))
    split = {arm: dict(spent) for arm, spent in gain.seconds.items()}
    return (
        "<h2>Where the gain comes from</h2>"
        "<p>Mean time of a capture, by what it was spent on. A capture that had not arrived counts "
        "until the end of the flight, so the time of an arm that owes answers is a lower bound.</p>"
        + _chart(plots.time_split(split), "Mean time of each arm, cut into what it was spent on")
        + f"<ul>{sentences}</ul>"
        + table(("mean time per capture", *gain.seconds), lines, "")
    )


def _faults(figures: Mapping[str, Any]) -> str:
    """Return what broke; nothing if nothing did."""
    sentences = fault_sentences(figures["faults"], figures["captures"])
    if not sentences:
        return ""
    return f"<h2>What broke</h2><p>{escape(' '.join(sentences))}</p>"


def _map(result: FlightResult) -> str:
    kinds = [answer.kind for answer in result.answers.values()]
    return (
        "<h2>Where it was</h2>"
        + _chart(
            plots.world_map(result),
            f"World map with {len(result.satellites)} satellites and their tracks, "
            f"{len(result.scenario.stations)} stations and {len(result.scenario.targets)} targets: "
            f"{kinds.count('alert')} alerts, {kinds.count('nothing_found')} with nothing found, "
            f"{kinds.count('not_observable')} not observable",
        )
        + '<p class="note">Land: GLOBE elevation model, NOAA, thinned to half a degree.</p>'
    )


def _alerts(result: FlightResult) -> str:
    alerts = [number for number, answer in result.answers.items() if answer.kind == "alert"]
    if not alerts:
        return "<h2>What was found</h2><p>No alert was raised.</p>"
    shown = alerts[:_MOST_PICTURES]
    more = (
        f'<p class="note">{len(alerts) - len(shown)} more are in the catalogue.</p>'
        if len(alerts) > len(shown)
        else ""
    )
    legend = (
        '<p class="note">Left: true colour. Right: what was classed, and the polygon that went '
        'out. <span class="key"><i style="background:#0072b2"></i>found</span>'
        '<span class="key"><i style="background:#fff"></i>cloud</span>'
        '<span class="key"><i style="background:#333"></i>shadow</span>'
        '<span class="key"><i style="background:#ffd400"></i>polygon of the alert</span></p>'
    )
    cards = "".join(_alert(result, number) for number in shown)
    return f'<h2>What was found</h2>{legend}<div class="alerts">{cards}</div>{more}'


def _alert(result: FlightResult, number: int) -> str:
    answer, score, task = result.answers[number], result.scores[number], result.tasks[number]
    told = answer.feature["properties"]
    arm, fates = next(iter((name, one.fates) for name, one in result.arms.items()))
    latency_ns = next((fate.latency_ns for fate in fates if fate.capture == task.capture), None)
    arrived = (
        f"Not in the inbox by the end ({arm})."
        if latency_ns is None
        else f"In the inbox after {duration_words(latency_ns / SECOND_NS)} ({arm})."
    )
    event = str(told["event"])
    what = "under water" if event == "flood" else f"of {event.replace('_', ' ')}"
    if event not in SPEAKS_OF:
        truth = "not judged: the truth does not know such events"
    elif not is_hit(score):
        truth = f"false alert: the target was {score.event.replace('_', ' ')}"
    else:
        truth = "true"
        if score.truth_km2:
            truth += f", {score.truth_km2:.2f} km²"
            truth += f", IoU {score.iou:.2f}" if score.iou is not None else ""
    return (
        f'<article class="alert">{_pair(result, number)}<h3>{escape(str(task.target))}</h3>'
        f"<p>{told['area_km2']:.2f} ± {told['area_sigma_km2']:.2f} km² {escape(what)}, "
        f"confidence {told['confidence']:.2f}. {escape(arrived)}</p>"
        f'<p class="note">{escape(task.satellite)}, {escape(str(told["sensed"])[:19])} UTC, '
        f"rolled {abs(task.roll_deg):.0f}°; {escape(truth)}.</p></article>"
    )


def _words(result: FlightResult, figures: Mapping[str, Any]) -> str:
    """Return who worded the alerts, and two texts to read."""
    told = figures["words"]
    if not told["alerts"]:
        return ""
    first, arm = next(iter(figures["arms"].items()))
    sentences = [
        f"{words_line(told)}. In {first} the model claimed took "
        f"{arm['words']['energy_wh']:.1f} Wh for them."
    ]
    if arm["words"]["after_s"] is not None:
        sentences.append(
            f"No alert waited for it: the text followed {duration_words(arm['words']['after_s'])} "
            f"after the capture (median, {first})."
        )
    if arm["words"]["handed_on"]:
        sentences.append(
            "Written by a laser neighbour, for a satellite in eclipse, hot or busy: "
            f"{count_words(arm['words']['handed_on'], 'text')}."
        )
    samples = "".join(
        f"<blockquote><b>{escape(written.words.headline)}</b><br>{escape(written.words.text)}"
        f"<footer>{escape(written.writer)}</footer></blockquote>"
        for written in list(result.words.values())[:2]
    )
    return (
        "<h2>In words</h2><p>The model gets names of facts, no values; code fills those in, and a "
        f"guard refuses what breaks a rule. {escape(' '.join(sentences))}</p>{samples}"
    )


def _pair(result: FlightResult, number: int) -> str:
    shown = picture(result.answers[number])
    if shown is None:
        return ""
    place = escape(str(result.tasks[number].target), quote=True)
    size = f"{shown.width * shown.pixel_m / 1000:.1f} km wide"
    box = f'viewBox="0 0 {shown.width} {shown.height}" role="img"'
    whole = f'width="{shown.width}" height="{shown.height}"'
    name = f"colour{number}"
    return (
        f'<div class="pair"><svg {box} aria-label="True colour picture of {place}, {size}">'
        f'<image id="{name}" href="{shown.colour}" {whole}/></svg>'
        f'<svg {box} aria-label="What was classed and the alert\'s polygon at {place}">'
        f'<use href="#{name}"/><image href="{shown.classes}" {whole} '
        'style="image-rendering:pixelated"/>'
        f'<path class="outline" d="{shown.outline}"/></svg></div>'
    )


def _trail(result: FlightResult) -> str:
    capture = _typical(result)
    if capture is None:
        return ""
    task = result.tasks[capture]
    trail = [row for row in result.ledger if row.capture == capture and row.product == "answer"]
    ends_ns = {row.arm: row.end_ns - task.middle_ns for row in trail}  # the last row of each wins
    ends = "; ".join(f"{name} {duration_words(ns / SECOND_NS)}" for name, ns in ends_ns.items())
    owing = [
        f"In {name} it had not arrived by the end: {fate.place}."
        for name, arm in result.arms.items()
        for fate in arm.fates
        if fate.capture == capture and fate.inbox_ns is None
    ]
    return (
        "<h2>One answer, hop by hop</h2>"
        f"<p>{escape(task.target)}, taken by {escape(task.satellite)}: every step of the ledger, "
        f"from the middle of the capture to the inbox. Time is logarithmic. "
        f"{escape(' '.join(owing))}</p>"
        + _chart(
            plots.waterfall(trail), f"Waterfall of the steps of one answer in each arm: {ends}"
        )
    )


def _typical(result: FlightResult) -> int | None:
    """Return the capture to tell of: an alert of middling latency in the last arm, or any."""
    last = list(result.arms.values())[-1]
    end_ns = result.scenario.end_ns
    ranked = sorted(
        (fate.inbox_ns is None, fate.latency_ns or end_ns, fate.capture)
        for fate in last.fates
        if fate.capture in result.answers and result.answers[fate.capture].kind == "alert"
    ) or sorted(
        (fate.inbox_ns is None, fate.latency_ns or end_ns, fate.capture) for fate in last.fates
    )
    arrived = [entry for entry in ranked if not entry[0]] or ranked
    return arrived[len(arrived) // 2][2] if arrived else None


def _power(result: FlightResult) -> str:
    arm = next(iter(result.arms))
    fleet = result.arms[arm].satellites
    if not fleet:
        return ""
    power = result.scenario.power
    lowest = min(one.lowest_wh / one.capacity_wh for one in fleet)
    hottest = max(one.hottest_c for one in fleet)
    held, throttled = sum(o.held_s for o in fleet), sum(o.throttled_s for o in fleet)
    words = (
        f"In {arm}, the lowest battery was at {lowest:.0%} (soft limit "
        f"{1 - power.soft_depth_of_discharge:.0%}), the hottest computer at {hottest:.0f} °C. "
        + (
            f"Satellites held work for {duration_words(held)} in all and ran slower for "
            f"{duration_words(throttled)}."
            if held or throttled
            else "No satellite held work or ran slower."
        )
    )
    large = len(fleet) > plots.SHOWN_SATELLITES
    chart_words = (
        "Battery charge and computer temperature over the whole fleet: median, nine tenths, all."
        if large
        else "Battery charge and computer temperature of each satellite over time."
    )
    legend = (
        "Blue: battery, share of capacity; red: computer. Line: the median satellite; darker band: "
        "nine tenths of the fleet; lighter: all of it. Dotted: the satellite with the lowest "
        "battery. Dashed black: the soft limit."
        if large
        else "Blue: battery, share of capacity; dashed black: the soft limit. Red dashes: "
        "computer. Orange: a capture's work waited for power or cooling."
    )
    return (
        f"<h2>Power and heat</h2><p>{escape(words)}</p>"
        + _chart(
            plots.battery_and_heat(result, arm),
            f"{chart_words} {words}",
        )
        + f'<p class="note">{legend}</p>'
        + _energies(fleet, arm)
    )


def _energies(fleet: Sequence[SatelliteHistory], arm: str) -> str:
    """Return the energy of each satellite; of a large fleet, how it spreads and the worst."""
    head = ("satellite", "solar Wh", "spilled", "used", "stored", "lowest", "hottest °C", "held")

    def line(name: str, solar: float, spilled: float, *rest: float) -> tuple[str, ...]:
        used, stored, lowest, hottest, held_s = rest
        return (
            *(name, f"{solar:.0f}", f"{spilled:.0f}", f"{used:.0f}", f"{stored:+.0f}"),
            *(f"{lowest:.0%}", f"{hottest:.0f}", duration_words(held_s) if held_s else "-"),
        )

    figures = np.array(
        [
            (
                *(one.solar_wh, one.spilled_wh, one.consumed_wh, one.stored_change_wh),
                *(one.lowest_wh / one.capacity_wh, one.hottest_c, one.held_s),
            )
            for one in fleet
        ]
    )
    if len(fleet) <= plots.SHOWN_SATELLITES:
        lines = [line(one.name, *row) for one, row in zip(fleet, figures.tolist(), strict=True)]
        return table(head, lines, f"Energy of each satellite over the flight ({arm}).")
    spread = [
        line(name, *np.quantile(figures, share, axis=0).tolist())
        for name, share in (("least", 0.0), ("5 %", 0.05), ("median", 0.5), ("95 %", 0.95))
    ]
    spread.append(line("most", *figures.max(axis=0).tolist()))
    worst = np.argsort(figures[:, 4], kind="stable")[:_WORST_SATELLITES]
    return table(
        head,
        spread,
        f"How the energy of {len(fleet):,} satellites spreads ({arm}); each column by itself.",
    ) + table(
        head,
        [line(fleet[i].name, *figures[i].tolist()) for i in worst.tolist()],
        "The satellites with the lowest batteries.",
    )


def _quality(quality: Mapping[str, Any], result: FlightResult) -> str:
    if quality["false_alerts"] is None:
        return (
            "<h2>How right the answers are</h2><p>The truth of these scenes does not know what "
            f"{escape(result.scenario.app)} looks for.</p>"
        )

    def share(value: float | None) -> str:
        return "-" if value is None else f"{value:.3f}"

    kinds = ("alert", "nothing_found", "not_observable")
    events = sorted({score.event for score in result.scores.values()})
    lines = [
        (
            event,
            *(
                str(sum(s.event == event and s.kind == kind for s in result.scores.values()))
                for kind in kinds
            ),
        )
        for event in events
    ]
    return (
        "<h2>How right the answers are</h2>"
        f"<p>Held against the truth that no satellite was told. Recall and IoU are over events of "
        f"which at least {OBSERVABLE_SHARE:.0%} of the footprint could be seen; an alert whose "
        f"polygon meets the event with an IoU below {HIT_IOU:g}, or a ship or a fire not at "
        "all, is a false one.</p>"
        + table(
            ("application", "recall", "precision", "mean IoU", "false alerts"),
            [
                (
                    name,
                    share(told["recall"]),
                    share(told["precision"]),
                    share(told["iou_mean"]),
                    str(told["false_alerts"]),
                )
                for name, told in {**quality["by_app"], "all": quality}.items()
            ],
            "",
        )
        + table(
            ("what was there", "alert", "nothing found", "not observable"),
            lines,
            "Targets by what was there and what was answered.",
        )
    )


def _survey(result: FlightResult, arms: Mapping[str, Any]) -> str:
    survey = result.scenario.survey
    lines = [
        (
            name,
            *(
                bytes_words(arm["survey"][key])
                for key in (
                    "produced_bytes",
                    "processed_bytes",
                    "downlinked_bytes",
                    "waiting_bytes",
                )
            ),
        )
        for name, arm in arms.items()
    ]
    assumption = (
        f"Between targets each satellite images for {duration_words(survey.duty_s_per_orbit)} an "
        f"orbit at {survey.rate_mbps:g} Mbit/s. This is accounted as a flow, in the same queues, "
        "computers and batteries; no pixels are made of it. In orbit it is worked on board and "
        f"{bytes_words(survey.record_bytes)} go down for each scene of {survey.scene_mb:g} MB; in "
        "the other arms all of it has to go down."
    )
    return f"<h2>The survey behind the targets</h2><p>{escape(assumption)}</p>" + table(
        ("", "imaged", "worked on", "sent down", "waiting at the end"), lines, ""
    )


def _scenario(scenario: Scenario) -> str:
    lines = [
        (row.key, short(row.value), row.unit, row.basis, row.source)
        for row in rows(scenario)
        if row.key.partition(".")[0] in _KEY_SECTIONS and row.key not in _KEYS_NOT_SHOWN
    ]
    return (
        "<h2>What was assumed</h2><p>The numbers of this scenario that matter most, and how each "
        "is known. <i>Estimates</i> are an engineer's, and anybody may put better ones into the "
        "scenario; <i>set</i> are this scenario's own.</p>"
        + table(("key", "value", "unit", "basis", "source"), lines, "", words=True)
    )


def _foot(figures: Mapping[str, Any]) -> str:
    return (
        f"<footer>Orbitloom {escape(version('orbitloom'))}. Everything here follows from the "
        f"scenario and the seed; the same flight gives the same page. Digest of the answers: "
        f"<code>{escape(figures['digest'][:16])}</code>. Every step is in ledger.parquet, the "
        "figures in summary.json.</footer>"
    )


def _chart(svg: str, alt: str) -> str:
    data = b64encode(svg.encode()).decode()
    words = escape(alt, quote=True)
    return f'<img class="chart" alt="{words}" src="data:image/svg+xml;base64,{data}">'


def table(
    head: Sequence[str], lines: Iterable[Sequence[str]], caption: str, *, words: bool = False
) -> str:
    """Return a table; `words` sets all columns flush left. Cells are text, and escaped here."""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="estimate">{escape(cell)}</td>'
            if cell == "estimate"
            else f"<td>{escape(cell)}</td>"
            for cell in line
        )
        + "</tr>"
        for line in lines
    )
    kind = ' class="words"' if words else ""
    return f"<table{kind}>{title}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
