"""What a flight leaves behind: plain values for the report, the files and a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from orbitloom.processing.language.writer import Written
from orbitloom.scenario import Arm, Scenario
from orbitloom.twin.custody import Custody
from orbitloom.wire import Answer, CaptureTask, LedgerRow, Wording

__all__ = [
    "REGION_EVENTS",
    "ArmResult",
    "CaptureScore",
    "CuedLook",
    "Fate",
    "FaultTotals",
    "FlightResult",
    "SatelliteHistory",
    "SurveyTotals",
    "WordsFate",
]

REGION_EVENTS = frozenset({"lake", "snow"})
"""Events without an area of their own: it is a region that has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of one capture in one arm.

    `digest` is the SHA-256 of the L4 bytes that the inbox got; bytes and joules are those of the
    answer and of its words. For an answer that had not arrived
    when the flight ended `inbox_ns` is None, the digest empty, and `place` says where it was and
    why ("stored on SAT-03: no contact"). `lost` is true if nothing of it is left anywhere.
    """

    capture: int
    digest: str
    inbox_ns: int | None
    latency_ns: int | None
    downlinked_bytes: int
    laser_bytes: int
    joules: float
    place: str = ""
    lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsFate:
    """What became of the words of one alert in one arm.

    Attributes
    ----------
    writer
        ``model`` or ``template``: whose words stand in the end.
    inbox_ns
        When they came; None if they have not, or there is nothing to send: the template's words
        left with the alert.
    wording
        What came.
    handed_on_to
        The satellite that wrote in place of the one that had seen; empty if that wrote itself.
    joules, downlinked_bytes, laser_bytes
        What they took; counted in the capture's `Fate` too.
    """

    capture: int
    writer: str
    inbox_ns: int | None = None
    wording: Wording | None = None
    handed_on_to: str = ""
    joules: float = 0.0
    downlinked_bytes: int = 0
    laser_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SatelliteHistory:
    """One satellite's battery and computer over the flight.

    Samples are a minute apart, in a large fleet ten; lowest and hottest are exact, whatever lies
    between them. The energies are totals over the flight; solar is what the array gave to loads and
    battery, spilled what it could have given when the battery was full, unmet what the loads asked
    of an empty battery in vain.
    """

    name: str
    t_ns: NDArray[np.int64]
    battery_wh: NDArray[np.float64]
    computer_c: NDArray[np.float64]
    capacity_wh: float
    lowest_wh: float
    hottest_c: float
    solar_wh: float
    spilled_wh: float
    consumed_wh: float
    unmet_wh: float
    stored_change_wh: float
    held_s: float
    throttled_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyTotals:
    """The survey flow of one arm: what was imaged, and what became of it. No pixels are made."""

    produced_bytes: int
    processed_bytes: int
    downlinked_bytes: int
    waiting_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureScore:
    """An answer held against the truth it was never told.

    Attributes
    ----------
    app
        What was ordered.
    event
        What truly happens there.
    kind
        Of the answer.
    claimed
        What the alert says it is; empty without an alert.
    observable
        Share of the footprint that was imaged and not under cloud or shadow.
    truth_km2
        Visible area of what happens.
    found_km2
        Area of the alert.
    iou
        Intersection over union of both, where it could be seen; None where neither has an area.
    """

    capture: int
    app: str
    event: str
    kind: str
    claimed: str
    observable: float
    truth_km2: float
    found_km2: float
    iou: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CuedLook:
    """A second look that an alert asked for.

    Attributes
    ----------
    first
        Capture of the alert.
    look
        The second look; its capture number follows those of the planned captures.
    event
        What was found.
    asked_ns, received_ns
        When it was decided, and when the satellite asked got the tip; None if it never did.
    outcome
        "pointed", why it was refused ("late", "busy", "power", "store"), or "on its way".
    fate, answer
        What became of the look; None if it was not taken or not finished.
    """

    first: int
    look: CaptureTask
    event: str
    asked_ns: int
    received_ns: int | None = None
    outcome: str = "on its way"
    fate: Fate | None = None
    answer: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultTotals:
    """What broke during one arm.

    Attributes
    ----------
    happened
        How often each kind of fault did.
    harmless
        Those that hit nothing.
    custody
        What became of bundles for it.
    """

    happened: Mapping[str, int] = field(default_factory=dict)
    harmless: int = 0
    custody: Custody = field(default_factory=Custody)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """One arm of the comparison.

    `cues` are the second looks that it asked for, `words` what became of the words of its alerts,
    `faults` what broke.
    """

    arm: Arm
    fates: tuple[Fate, ...]
    survey: SurveyTotals
    satellites: tuple[SatelliteHistory, ...]
    cues: tuple[CuedLook, ...] = ()
    words: tuple[WordsFate, ...] = ()
    faults: FaultTotals = field(default_factory=FaultTotals)

    @property
    def latencies_s(self) -> list[float | None]:
        """Sense-to-inbox latency of each capture in seconds; None for the undelivered."""
        return [None if fate.latency_ns is None else fate.latency_ns / 1e9 for fate in self.fates]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FlightResult:
    """A whole flight: the same for the same scenario and seed, on any executor.

    Attributes
    ----------
    tasks
        One entry a capture, by capture number.
    answers, scores
        What the arm that flew first made of the captures, and how that compares with the truth, by
        capture number; a capture that it did not get round to has none.
    words
        The words of the alerts of the arm that flew first, second looks too, by capture number.
    level_counts, level_bytes
        How many products of each level that arm made, and their bytes.
    ledger
        All rows of all arms, by arm, capture and start.
    track_t_ns, track_deg
        (k,) and (satellites, k, 2) ground tracks, latitude and longitude in degrees.
    """

    scenario: Scenario
    satellites: tuple[str, ...]
    tasks: tuple[CaptureTask, ...]
    answers: Mapping[int, Answer]
    scores: Mapping[int, CaptureScore]
    arms: Mapping[Arm, ArmResult]
    level_counts: Mapping[str, int]
    level_bytes: Mapping[str, int]
    ledger: tuple[LedgerRow, ...]
    words: Mapping[int, Written]
    track_t_ns: NDArray[np.int64]
    track_deg: NDArray[np.float64]
