"""A fleet and its links as CZML, for any Cesium viewer.

Satellites are points with sampled positions in the Earth-fixed frame, which a viewer interpolates
by Lagrange polynomials (degree 5; the Earth-fixed frame needs no Earth orientation data that a
viewer would have to load). Links are straight lines between two satellites, or a satellite and a
station, shown while a contact of the pair lasts, either way. Stations are points with names.

CZML: https://github.com/AnalyticalGraphicsInc/czml-writer/wiki/CZML-Guide. A file grows with
satellites x hours / step (about 30 bytes a sample) and with contacts (about 80 bytes each).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.errors import OutputError
from orbitloom.scenario import Scenario, time
from orbitloom.wire import MEDIUM_NAMES, ContactPlan
from orbitloom.world.orbits import Ephemeris
from orbitloom.world.walker import MU_M3_S2

__all__ = ["DEGREE", "packets", "write_czml"]

DEGREE = 5
"""Degree of the interpolation that viewers are told to do."""

_MANY = 100  # from here on names and paths would hide the fleet
_COLOURS = {"laser": (86, 180, 233, 160), "rf": (230, 159, 0, 220), "optical": (0, 158, 115, 220)}
_SATELLITE, _STATION = (255, 255, 255, 255), (230, 159, 0, 255)
_FONT = "12px sans-serif"


def write_czml(
    scenario: Scenario,
    ephemeris: Ephemeris,
    plan: ContactPlan,
    file: Path,
    *,
    step_s: float | None = None,
    links_every: int = 1,
    paths: bool | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> int:
    """Write a fleet and its links as CZML; see `packets`.

    Returns
    -------
    int
        How many objects the file holds, the document itself not counted.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    total = 1 + len(plan.nodes)
    count = 0
    try:
        with file.open("w", encoding="utf-8") as out:
            for count, packet in enumerate(
                packets(
                    scenario, ephemeris, plan, step_s=step_s, links_every=links_every, paths=paths
                )
            ):
                out.write("[\n" if count == 0 else ",\n")
                json.dump(packet, out, separators=(",", ":"), ensure_ascii=False)
                if progress is not None and count % 50 == 0:
                    progress("writing satellites, stations and links", min(count / total, 1.0))
            out.write("\n]\n")
    except OSError as error:
        raise OutputError.from_os(error, file, "Give a file that you may write") from None
    return count


def packets(
    scenario: Scenario,
    ephemeris: Ephemeris,
    plan: ContactPlan,
    *,
    step_s: float | None = None,
    links_every: int = 1,
    paths: bool | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the packets of a CZML document, the document's own first.

    Parameters
    ----------
    scenario
        Name, times and places of stations.
    ephemeris, plan
        Where its satellites are, and who speaks to whom.
    step_s
        Between two samples of a position; 60 s, and 120 s from a hundred satellites on, if None.
    links_every
        Links are drawn of every so many satellites, counted in the plan's order; 0 draws none.
    paths
        Whether each satellite draws its last orbit, and its name; for fewer than a hundred if None.
    """
    small = plan.satellites < _MANY
    if step_s is None:
        step_s = 60.0 if small else 120.0
    yield _document(scenario)
    yield from _satellites(scenario, ephemeris, step_s, small if paths is None else paths)
    for number, station in enumerate(scenario.stations):
        yield {
            "id": f"station/{number}",
            "name": station.name,
            "position": {
                "cartographicDegrees": [
                    station.longitude_deg,
                    station.latitude_deg,
                    station.altitude_m,
                ]
            },
            "point": {"pixelSize": 8, "color": {"rgba": _STATION}},
            "label": _label(station.name, _STATION),
        }
    if links_every:
        yield from _links(scenario, plan, links_every)


def _document(scenario: Scenario) -> dict[str, Any]:
    span = _interval(scenario.start_ns, scenario.end_ns)
    return {
        "id": "document",
        "name": scenario.name,
        "version": "1.0",
        "clock": {
            "interval": span,
            "currentTime": span.partition("/")[0],
            "multiplier": 60,
            "range": "LOOP_STOP",
            "step": "SYSTEM_CLOCK_MULTIPLIER",
        },
    }


def _satellites(
    scenario: Scenario, ephemeris: Ephemeris, step_s: float, paths: bool
) -> Iterator[dict[str, Any]]:
    flown_s = (scenario.end_ns - scenario.start_ns) / time.SECOND_NS
    # The last sample lies on the end or past it (the ephemeris reaches further), and there are
    # enough for the polynomials.
    count = max(math.ceil(flown_s / step_s), DEGREE) + 1
    since_s = np.minimum(step_s, flown_s / DEGREE) * np.arange(count)
    t_ns = scenario.start_ns + np.rint(since_s * time.SECOND_NS).astype(np.int64)
    t_ns = np.minimum(t_ns, ephemeris.nodes_ns[-1])
    epoch, span = time.to_iso(scenario.start_ns), _interval(scenario.start_ns, scenario.end_ns)
    seconds = [round((t - scenario.start_ns) / time.SECOND_NS, 3) for t in t_ns.tolist()]
    for number, name in enumerate(ephemeris.names):
        where_m = ephemeris.position_ecef_m(t_ns, number)
        samples: list[float] = []
        for t, place in zip(seconds, np.rint(where_m).astype(np.int64).tolist(), strict=True):
            samples += (int(t) if t == int(t) else t, *place)
        packet: dict[str, Any] = {
            "id": f"satellite/{number}",
            "name": name,
            "availability": span,
            "position": {
                "epoch": epoch,
                "referenceFrame": "FIXED",
                "interpolationAlgorithm": "LAGRANGE",
                "interpolationDegree": DEGREE,
                "cartesian": samples,
            },
            "point": {"pixelSize": 6 if paths else 3, "color": {"rgba": _SATELLITE}},
        }
        if paths:
            packet["label"] = _label(name, _SATELLITE)
            packet["path"] = {
                "leadTime": 0,
                "trailTime": round(_period_s(where_m[0])),
                "width": 1,
                "resolution": 120,
                "material": {"solidColor": {"color": {"rgba": (255, 255, 255, 70)}}},
            }
        yield packet


def _links(scenario: Scenario, plan: ContactPlan, every: int) -> Iterator[dict[str, Any]]:
    """Yield a line for each pair and medium, shown while there is a contact either way."""
    low = np.minimum(plan.sender, plan.receiver)
    high = np.maximum(plan.sender, plan.receiver)
    rows = np.flatnonzero(low % every == 0)
    rows = rows[np.lexsort((plan.start_ns[rows], plan.medium[rows], high[rows], low[rows]))]
    columns = (low, high, plan.medium, plan.start_ns, plan.end_ns)
    contacts = zip(*(column[rows].tolist() for column in columns), strict=True)
    span = _interval(scenario.start_ns, scenario.end_ns)
    for (one, other, medium), group in groupby(contacts, key=lambda contact: contact[:3]):
        kind = MEDIUM_NAMES[medium]
        shown = [{"interval": span, "boolean": False}]
        shown += [
            {"interval": _interval(start_ns, end_ns), "boolean": True}
            for start_ns, end_ns in _joined((contact[3], contact[4]) for contact in group)
        ]
        yield {
            "id": f"link/{one}/{other}/{kind}",
            "name": f"{plan.nodes[one]} - {plan.nodes[other]} ({kind})",
            "availability": span,
            "polyline": {
                "positions": {"references": [_reference(plan, one), _reference(plan, other)]},
                "show": shown,
                "arcType": "NONE",
                "width": 1 if kind == "laser" else 2,
                "material": {"solidColor": {"color": {"rgba": _COLOURS[kind]}}},
            },
        }


def _joined(spans: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield spans sorted by start with those joined that overlap or touch."""
    begun: tuple[int, int] | None = None
    for start, end in spans:
        if begun is not None and start <= begun[1]:
            begun = begun[0], max(begun[1], end)
            continue
        if begun is not None:
            yield begun
        begun = start, end
    if begun is not None:
        yield begun


def _reference(plan: ContactPlan, node: int) -> str:
    """Return how a packet is called by another; Cesium splits it at the first #."""
    if node < plan.satellites:
        return f"satellite/{node}#position"
    return f"station/{node - plan.satellites}#position"


def _label(text: str, colour: tuple[int, ...]) -> dict[str, Any]:
    return {
        "text": text,
        "font": _FONT,
        "fillColor": {"rgba": colour},
        "horizontalOrigin": "LEFT",
        "pixelOffset": {"cartesian2": [8, 0]},
    }


def _interval(start_ns: int, end_ns: int) -> str:
    return f"{time.to_iso(start_ns)}/{time.to_iso(end_ns)}"


def _period_s(position_m: NDArray[np.float64]) -> float:
    """Return the period of a circular orbit of that radius."""
    radius_m = float(np.linalg.norm(position_m))
    return 2.0 * math.pi * math.sqrt(radius_m**3 / MU_M3_S2)
