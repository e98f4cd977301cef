"""A flight that was never flown, with everything in it that the report must show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest

from orbitloom.processing.language.dossier import dossier_of
from orbitloom.processing.language.writer import Attempt, Written, write
from orbitloom.scenario import Arm, Scenario, load, stream
from orbitloom.scenario.time import SECOND_NS
from orbitloom.twin.result import (
    ArmResult,
    CaptureScore,
    Fate,
    FlightResult,
    SatelliteHistory,
    SurveyTotals,
    WordsFate,
)
from orbitloom.wire import Answer, CaptureTask, LedgerRow, canonical_json

MakeFlight = Callable[..., FlightResult]
_MINUTE = 60 * SECOND_NS
_KINDS = ("flood", "flood", "quiet", "flood", "cloud", "flood", "quiet")


@pytest.fixture(scope="session")
def make_flight() -> MakeFlight:
    return _make_flight


@pytest.fixture(scope="session")
def flight() -> FlightResult:
    return _make_flight()


def _make_flight(
    *,
    captures: int = 14,
    seed: int = 0,
    arms: tuple[Arm, ...] = ("orbit", "raw", "bentpipe"),
    names: dict[int, str] | None = None,
    fleet: int = 12,
) -> FlightResult:
    scenario = load("flood12", seed=seed)
    satellites = tuple(f"SAT-{number:02d}" for number in range(1, fleet + 1))
    tasks = tuple(_tasks(scenario, satellites, captures, names or {}))
    answers = tuple(_answer(scenario, task) for task in tasks)
    ledger: list[LedgerRow] = []
    results: dict[Arm, ArmResult] = {}
    for arm in arms:
        fates, words = [], []
        for task, answer in zip(tasks, answers, strict=True):
            rows = list(_steps(scenario, arm, task))
            ledger += rows
            fates.append(_fate(scenario, arm, task, answer, rows))
            if answer.kind == "alert" and fates[-1].inbox_ns is not None:
                ledger.append(_writing(rows[-1], 2.3 if arm == "orbit" else 0.25))
                words.append(
                    WordsFate(
                        capture=task.capture,
                        writer="model",
                        inbox_ns=ledger[-1].end_ns,
                        joules=ledger[-1].joules,
                        handed_on_to="SAT-01" if task.capture == 3 else "",
                    )
                )
        results[arm] = ArmResult(
            arm=arm,
            fates=tuple(fates),
            survey=SurveyTotals(
                produced_bytes=7_300_000_000_000,
                processed_bytes=7_100_000_000_000 if arm == "orbit" else 0,
                downlinked_bytes=26_000_000 if arm == "orbit" else 410_000_000_000,
                waiting_bytes=0 if arm == "orbit" else 6_890_000_000_000,
            ),
            satellites=tuple(_history(scenario, arm, name) for name in satellites),
            words=tuple(words),
        )
    track_t_ns = np.arange(scenario.start_ns, scenario.end_ns + 1, 2 * _MINUTE, dtype=np.int64)
    return FlightResult(
        scenario=scenario,
        satellites=satellites,
        tasks=tasks,
        answers=dict(enumerate(answers)),
        scores={n: _score(task, answers[n]) for n, task in enumerate(tasks)},
        arms=results,
        level_counts={
            "L0": captures,
            "L1": captures,
            "L2": captures,
            "L3": captures,
            "L4": captures,
        },
        level_bytes={"L0": 19_000_000 * captures, "L4": 40_000 * captures},
        ledger=tuple(ledger),
        words={
            fate.capture: _written(answers[fate.capture])
            for fate in next(iter(results.values())).words
        },
        track_t_ns=track_t_ns,
        track_deg=np.stack([_track(track_t_ns, phase) for phase in range(len(satellites))]),
    )


def _writing(last: LedgerRow, seconds: float) -> LedgerRow:
    """The words that follow an answer, in one step from where it ended."""
    return replace(
        last,
        product="words",
        step="words",
        start_ns=last.end_ns,
        end_ns=last.end_ns + round(seconds * 1e9),
        joules=145.0 * seconds,
    )


def _written(answer: Answer) -> Written:
    """As a model would have, but the words are the template's."""
    by_template = write(dossier_of(answer.feature, answer.digest()))
    return replace(
        by_template,
        writer="model",
        attempts=(Attempt(prompt_tokens=98, completion_tokens=40),),
        provenance={"model": "tiny <b>", "runtime": "none", "rules": "1"},
    )


def _tasks(
    scenario: Scenario, satellites: tuple[str, ...], captures: int, names: dict[int, str]
) -> Iterator[CaptureTask]:
    random = stream(scenario.seed, "tests", "tasks")
    for capture in range(captures):
        target = scenario.targets[(capture * 6) % len(scenario.targets)]
        start_ns = scenario.start_ns + int((0.02 + 0.9 * capture / captures) * 6 * 60) * _MINUTE
        yield CaptureTask(
            capture=capture,
            satellite=satellites[int(random.integers(len(satellites)))],
            target=names.get(capture, target.name),
            latitude_deg=target.latitude_deg,
            longitude_deg=target.longitude_deg,
            start_ns=start_ns,
            end_ns=start_ns + 2_900_000_000,
            roll_deg=float(random.uniform(-28, 28)),
        )


def _event(task: CaptureTask) -> str:
    return _KINDS[task.capture % len(_KINDS)]


def _answer(scenario: Scenario, task: CaptureTask) -> Answer:
    random = stream(scenario.seed, "tests", "answer", task.capture)
    event = _event(task)
    kind = {"flood": "alert", "quiet": "nothing_found", "cloud": "not_observable"}[event]
    properties: dict[str, Any] = {
        "kind": kind,
        "capture": task.capture,
        "satellite": task.satellite,
        "target": task.target,
        "app": "flood",
        "sensed": "2026-06-14T01:02:03.000Z",
    }
    geometry: dict[str, Any] | None = None
    chip = b""
    if kind == "alert":
        angle = np.linspace(0, 2 * np.pi, 40)
        radius = 0.02 * (1 + 0.25 * np.sin(3 * angle + random.uniform(0, 6)))
        east = radius * np.cos(angle) / np.cos(np.radians(task.latitude_deg))
        ring = np.stack([task.longitude_deg + east, task.latitude_deg + radius * np.sin(angle)], 1)
        ring[-1] = ring[0]
        geometry = {"type": "Polygon", "coordinates": [ring.round(6).tolist()]}
        area = float(random.uniform(3, 40))
        properties |= {
            "event": "flood",
            "area_km2": round(area, 3),
            "area_sigma_km2": round(area * 0.06, 3),
            "confidence": 0.93,
            "severity": "Severe",
            "headline": f"Flood near {task.target}: {area:.1f} km2 under water",
        }
        chip = _chip(scenario, task)
    elif kind == "not_observable":
        properties["reason"] = "cloud"
    record = {"type": "Feature", "geometry": geometry, "properties": properties}
    return Answer(record=canonical_json(record), chip=chip)


def _chip(scenario: Scenario, task: CaptureTask) -> bytes:
    """A small GeoTIFF as the chain makes it: red, green, blue and the classes, in UTM."""
    import rasterio
    from rasterio.transform import Affine
    from rasterio.warp import transform

    random = stream(scenario.seed, "tests", "chip", task.capture)
    zone = int((task.longitude_deg + 180) // 6) % 60 + 1
    epsg = (32600 if task.latitude_deg >= 0 else 32700) + zone
    (east,), (north,) = transform(
        "EPSG:4326", f"EPSG:{epsg}", [task.longitude_deg], [task.latitude_deg]
    )
    size, pixel = 128, 40.0
    corner = size * pixel / 2
    y, x = np.mgrid[:size, :size] / size
    texture = random.normal(0, 0.008, (3, size, size))
    fields = 0.03 * (np.floor(9 * x + 3 * y) % 3) + 0.02 * (np.floor(8 * y) % 2)
    land = np.stack([0.07 + fields, 0.08 + fields, 0.05 + fields * 0.5]) + texture
    flood = (x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.16 * (1 + 0.2 * np.sin(9 * x))
    water = np.array([0.06, 0.08, 0.07])[:, None, None] + texture / 3
    bands = np.clip(np.where(flood, water, land), 0, 1)
    profile = {
        "driver": "GTiff",
        "dtype": "uint8",
        "count": 4,
        "height": size,
        "width": size,
        "crs": f"EPSG:{epsg}",
        "transform": Affine(pixel, 0, east - corner, 0, -pixel, north + corner),
        "photometric": "RGB",
        "alpha": "UNSPECIFIED",
    }
    with rasterio.MemoryFile() as memory:
        with memory.open(**profile) as chip:
            picture = np.rint(255 * (bands / 0.2).clip(0, 1) ** 0.6)
            chip.write(np.concatenate([picture, 1 + flood[None]]).astype(np.uint8))
        return BytesIO(memory.read()).getvalue()


def _steps(scenario: Scenario, arm: Arm, task: CaptureTask) -> Iterator[LedgerRow]:
    """Yield contiguous steps from the middle of the capture to the inbox or the end."""
    random = stream(scenario.seed, "tests", arm, task.capture)
    l0, l4 = 19_000_000, 40_000
    chain: list[tuple[Any, ...]] = [
        (step, s, joules, l0, size)
        for step, s, joules, size in (
            ("L0", 0.21, 12.0, l0),
            ("L1", 0.55, 40.0, 32_000_000),
            ("L2", 0.47, 36.0, 32_000_000),
            ("L3", 0.60, 44.0, 48_000_000),
            ("L4", 0.35, 30.0, l4),
        )
    ]
    capture = [("sense", 1.45, 43.0, 0, l0)]
    if arm == "orbit":
        parts = [*capture, ("wait", float(random.uniform(0, 90)), "computer busy"), *chain]
        if task.capture == 5:
            parts.insert(1, ("wait", 840.0, "battery low"))
        for _ in range(int(random.integers(0, 4))):
            parts += [("laser", 0.00003, 0.01, l4, l4), ("light", 0.01188, 0.0, l4, l4)]
        parts += [("downlink", 0.002, 0.1, l4, l4), ("light", 0.005, 0.0, l4, l4)]
    else:
        wait = float(random.exponential(9_000 if arm == "bentpipe" else 4_000))
        hops = (
            []
            if arm == "bentpipe"
            else [("laser", 0.0152, 0.9, l0, l0), ("light", 0.012, 0.0, l0, l0)]
        )
        parts = [
            *capture,
            ("wait", wait * 0.3, "no contact"),
            *hops,
            ("wait", wait * 0.7, "link busy"),
            ("downlink", 0.95, 57.0, l0, l0),
            ("light", 0.006, 0.0, l0, l0),
            *chain,
        ]
    node, now_ns = task.satellite, task.middle_ns
    for name, seconds, *rest in parts:
        end_ns = min(now_ns + round(seconds * 1e9), scenario.end_ns)
        waits = name == "wait"
        yield LedgerRow(
            arm=arm,
            capture=task.capture,
            node=node,
            step=name,
            start_ns=now_ns,
            end_ns=end_ns,
            bytes_in=0 if waits else rest[1],
            bytes_out=0 if waits else rest[2],
            joules=0.0 if waits else rest[0],
            wait_cause=rest[0] if waits else "",
        )
        now_ns = end_ns
        if name == "downlink":
            node = "Svalbard"
        if now_ns == scenario.end_ns:
            return
    yield LedgerRow(
        arm=arm, capture=task.capture, node="Svalbard", step="inbox", start_ns=now_ns, end_ns=now_ns
    )


def _fate(
    scenario: Scenario, arm: Arm, task: CaptureTask, answer: Answer, rows: list[LedgerRow]
) -> Fate:
    last = rows[-1]
    arrived = last.step == "inbox"
    return Fate(
        capture=task.capture,
        digest=answer.digest(),
        inbox_ns=last.end_ns if arrived else None,
        latency_ns=last.end_ns - task.middle_ns if arrived else None,
        downlinked_bytes=sum(row.bytes_out for row in rows if row.step == "downlink"),
        laser_bytes=sum(row.bytes_out for row in rows if row.step == "laser"),
        joules=sum(row.joules for row in rows),
        place="" if arrived else f"on {last.node}: {last.wait_cause or last.step}",
    )


def _history(scenario: Scenario, arm: Arm, name: str) -> SatelliteHistory:
    t_ns = np.arange(scenario.start_ns, scenario.end_ns + 1, 5 * _MINUTE, dtype=np.int64)
    phase = 2 * np.pi * ((t_ns - scenario.start_ns) / (94.7 * _MINUTE) + int(name[-2:]) / 12)
    dip = 190.0 if arm == "orbit" else 110.0
    battery_wh = 800.0 - dip * np.clip(np.sin(phase), 0, 1) - (60 if arm == "orbit" else 0)
    computer_c = 15 + (48 if arm == "orbit" else 6) * (0.5 + 0.5 * np.cos(phase))
    return SatelliteHistory(
        name=name,
        t_ns=t_ns,
        battery_wh=battery_wh,
        computer_c=computer_c,
        capacity_wh=800.0,
        lowest_wh=float(battery_wh.min()),
        hottest_c=float(computer_c.max()),
        solar_wh=1_500.0,
        spilled_wh=300.0,
        consumed_wh=1_480.0,
        unmet_wh=0.0,
        stored_change_wh=20.0,
        held_s=1_260.0 if arm == "orbit" and name.endswith(("03", "07")) else 0.0,
        throttled_s=0.0,
    )


def _score(task: CaptureTask, answer: Answer) -> CaptureScore:
    event = _event(task)
    area = answer.feature["properties"].get("area_km2", 0.0)
    return CaptureScore(
        capture=task.capture,
        app=task.app,
        event=event,
        kind=answer.kind,
        claimed="flood" if answer.kind == "alert" else "",
        observable=0.08 if event == "cloud" else 0.97,
        truth_km2=area * 1.03,
        found_km2=area,
        iou=0.9 if answer.kind == "alert" else None,
    )


def _track(t_ns: np.ndarray, phase: int) -> np.ndarray:
    """Return a (k, 2) ground track of a circular orbit at 97.4 deg, good enough to draw."""
    minutes = (t_ns - t_ns[0]) / _MINUTE
    u = 2 * np.pi * (minutes / 94.7 + phase / 12)
    i = np.radians(97.4)
    latitude = np.arcsin(np.sin(i) * np.sin(u))
    longitude = np.arctan2(np.cos(i) * np.sin(u), np.cos(u)) - 2 * np.pi * minutes / 1436.07 + 1.2
    longitude = (np.degrees(longitude) + 180) % 360 - 180
    return np.stack([np.degrees(latitude), longitude], axis=1)
