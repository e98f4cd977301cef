"""When two satellites can hold a laser link, and when they do.

Two satellites can link while

- they are within range: the terminal's, or that of its slowest rate by the budget of light
  (`orbitloom.world.laser_budget`);
- the line between them stays higher than the grazing height above a sphere of the equatorial
  radius (on the safe side: the poles lie 21 km lower). Its lowest point is the foot of the Earth's
  centre on the line, if that lies between them;
- the line turns no faster than the terminals can, against bodies that keep one face to the Earth;
- the shift of the carrier, abs(dR/dt) / wavelength, can be followed;
- neither terminal looks into the Sun, except while its own satellite is in the umbra.

Who links with whom is the rule of `orbitloom.world.link_rules`. A link lasts while its pair is
chosen and can link; data flows when acquisition is over, unless it was held when the flight starts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orbitloom.scenario.links import Laser
from orbitloom.wire import EndCause
from orbitloom.world import laser_kernels as kernels
from orbitloom.world.earth import EQUATORIAL_RADIUS_M
from orbitloom.world.laser_budget import LaserBudget
from orbitloom.world.orbits import NODE_STEP_NS, Ephemeris
from orbitloom.world.sun import SUN_RADIUS_M, sun_position_eci_m
from orbitloom.world.windows import positive_spans

__all__ = [
    "LinkLimits",
    "Links",
    "laser_windows",
    "line_of_sight",
    "range_spans",
    "sun_directions",
]

Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Pairs = NDArray[np.intp]
Spans = tuple[NDArray[np.intp], Times, Times]

_STEP_S = NODE_STEP_NS / 1e9
# The most a clearance changes in a step: two satellites close in at 15.5 km/s, 930 km; a line of
# sight that is slow enough for a terminal turns 30 degrees.
_REACHES = (1e6, 2e6, 2e6, 0.6, 0.6)
_CAUSES = (EndCause.HORIZON, EndCause.SLEW, EndCause.DOPPLER, EndCause.SUN, EndCause.SUN)
_CHUNK = 2_000_000  # values at nodes at once: 16 MB, and some copies


def line_of_sight(a_m: Floats, b_m: Floats) -> tuple[Floats, Floats]:
    """Return length and lowest height of lines between positions (..., 3), m.

    The height is over a sphere of the equatorial radius.
    """
    line = b_m - a_m
    length2 = np.sum(line * line, axis=-1)
    share = np.clip(-np.sum(a_m * line, axis=-1) / np.maximum(length2, 1.0), 0.0, 1.0)
    foot = a_m + share[..., None] * line
    return np.sqrt(length2), np.linalg.norm(foot, axis=-1) - EQUATORIAL_RADIUS_M


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Links:
    """Spans in which two satellites can link, or do; one row each, sorted by start.

    Attributes
    ----------
    first, second
        (n,) the satellites, `first` < `second`.
    start_ns, end_ns
        (n,).
    end_cause
        (n,) int8, a `wire.EndCause`.
    """

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    start_ns: Times
    end_ns: Times
    end_cause: NDArray[np.int8]

    def __len__(self) -> int:
        return int(self.first.size)

    @classmethod
    def between(
        cls, pairs: Pairs, spans: Spans, end_cause: NDArray[np.integer], clip: tuple[int, int]
    ) -> Links:
        """Return spans of rows of `pairs` (n, 2), cut to `clip`; what is cut ends with the plan."""
        rows, start_ns, end_ns = spans
        start_ns = np.maximum(start_ns, clip[0])
        cause = np.where(end_ns >= clip[1], EndCause.PLAN, end_cause)
        end_ns = np.minimum(end_ns, clip[1])
        keep = np.flatnonzero(start_ns < end_ns)
        first, second = pairs[rows[keep]].T.astype(np.int32)
        order = np.lexsort((second, first, start_ns[keep]))
        keep = keep[order]
        return cls(
            first=first[order],
            second=second[order],
            start_ns=start_ns[keep],
            end_ns=end_ns[keep],
            end_cause=cause[keep].astype(np.int8),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLimits:
    """What a link must keep to; see the module.

    Attributes
    ----------
    range_m, grazing_m
        Longest range, and lowest height of the line over the equatorial radius.
    slew_rad_s
        Fastest turn of the line.
    range_rate_m_s
        Fastest change of the range.
    sun_rad
        Least angle between line and Sun.
    """

    range_m: float
    grazing_m: float
    slew_rad_s: float
    range_rate_m_s: float
    sun_rad: float

    @classmethod
    def of(cls, laser: Laser) -> LinkLimits:
        """Return the limits of a scenario's terminals."""
        budget = LaserBudget.of(laser)
        return cls(
            range_m=min(1e3 * laser.max_range_km, budget.reach_m(budget.rates_bps[-1])),
            grazing_m=1e3 * laser.grazing_height_km,
            slew_rad_s=float(np.radians(laser.slew_deg_per_s)),
            range_rate_m_s=1e9 * laser.doppler_ghz * budget.wavelength_m,
            sun_rad=float(np.radians(laser.sun_exclusion_deg)),
        )

    @property
    def packed(self) -> Floats:
        """The limits as the kernels take them, radii for heights."""
        return np.array(
            [
                self.range_m,
                EQUATORIAL_RADIUS_M + self.grazing_m,
                self.slew_rad_s,
                self.range_rate_m_s,
                self.sun_rad,
                EQUATORIAL_RADIUS_M,
            ]
        )


class _Clearances:
    """The clearances of pairs of satellites, at the nodes and between them."""

    def __init__(self, ephemeris: Ephemeris, pairs: Pairs, limits: LinkLimits) -> None:
        self._ephemeris = ephemeris
        self._first, self._second = (
            np.ascontiguousarray(column, np.int64) for column in pairs.reshape(-1, 2).T
        )
        self._limits = limits.packed
        self._sun = sun_directions(ephemeris.nodes_ns)

    @property
    def _states(self) -> tuple[Floats, Floats]:
        return self._ephemeris.eci_m, self._ephemeris.eci_m_s

    def ranges(self) -> Floats:
        """Return least, greatest and largest step of each clearance at the nodes (m, 5, 3)."""
        out = np.empty((self._first.size, len(_CAUSES), 3))
        kernels.clearance_ranges(
            *self._states, self._first, self._second, self._sun, self._limits, out
        )
        return out

    def spans(self, which: int, rows: Pairs) -> Spans:
        """Return when a clearance of some pairs is positive."""
        nodes_ns = self._ephemeris.nodes_ns
        size = max(1, _CHUNK // nodes_ns.size)
        found: list[Spans] = []
        for offset in range(0, rows.size, size):
            chosen = rows[offset : offset + size]
            first, second = self._first[chosen], self._second[chosen]
            values = np.empty((chosen.size, nodes_ns.size))
            kernels.clearances_at_nodes(
                which, *self._states, first, second, self._sun, self._limits, values
            )

            def between(
                row: NDArray[np.intp],
                t_ns: Times,
                first: NDArray[np.int64] = first,
                second: NDArray[np.int64] = second,
            ) -> Floats:
                cell = (t_ns - nodes_ns[0]) // NODE_STEP_NS
                cell = np.minimum(cell, nodes_ns.size - 2)
                u = (t_ns - nodes_ns[cell]) / NODE_STEP_NS
                out = np.empty(row.size)
                kernels.clearances_at(
                    which,
                    *self._states,
                    first[row],
                    second[row],
                    cell,
                    u,
                    _STEP_S,
                    self._sun,
                    self._limits,
                    out,
                )
                return out

            local, start_ns, end_ns = positive_spans(nodes_ns, values, between, _REACHES[which])
            found.append((chosen[local], start_ns, end_ns))
        return _joined(found)


def sun_directions(t_ns: Times) -> Floats:
    """Return unit vectors to the Sun in GCRS and its angular radius in rad, (n, 4)."""
    sun_m = sun_position_eci_m(t_ns)
    distance_m = np.linalg.norm(sun_m, axis=-1, keepdims=True)
    return np.hstack([sun_m / distance_m, np.arcsin(SUN_RADIUS_M / distance_m)])


def laser_windows(ephemeris: Ephemeris, pairs: Pairs, laser: Laser | LinkLimits) -> Links:
    """Return when pairs (n, 2) of satellites can link, and why each span ends.

    Most pairs never come near most limits: a first sweep over the nodes finds for each the least
    and greatest clearance and its largest step. Where the least is more than a step above zero
    nothing can happen between nodes, and only the others are searched.
    """
    limits = laser if isinstance(laser, LinkLimits) else LinkLimits.of(laser)
    clearances = _Clearances(ephemeris, pairs, limits)
    least, greatest, step = np.moveaxis(clearances.ranges(), -1, 0)
    possible = np.all(greatest > -step, axis=1)
    doubtful = possible[:, None] & (least <= step)
    spans = [clearances.spans(which, np.flatnonzero(doubtful[:, which])) for which in range(5)]
    whole = np.flatnonzero(possible & ~doubtful.any(axis=1))
    nodes_ns = ephemeris.nodes_ns
    together, cause = _intersection(spans, doubtful.sum(axis=1))
    always = (whole, np.full(whole.size, nodes_ns[0]), np.full(whole.size, nodes_ns[-1]))
    rows, start_ns, end_ns = _joined([together, always])
    cause = np.concatenate([cause, np.full(whole.size, EndCause.PLAN)])
    far = cause == EndCause.HORIZON
    cause[far] = np.where(
        _ends_by_range(ephemeris, pairs[rows[far]], end_ns[far], limits),
        EndCause.RANGE,
        EndCause.HORIZON,
    )
    clip = (ephemeris.start_ns, ephemeris.end_ns)
    return Links.between(pairs, (rows, start_ns, end_ns), cause, clip)


def range_spans(ephemeris: Ephemeris, pairs: Pairs, range_m: float) -> Spans:
    """Return when pairs (n, 2) are nearer than a range, wherever the Earth is."""
    free = LinkLimits(
        range_m=range_m,
        grazing_m=-EQUATORIAL_RADIUS_M - 1e9,
        slew_rad_s=1.0,
        range_rate_m_s=1.0,
        sun_rad=0.0,
    )
    return _Clearances(ephemeris, pairs, free).spans(kernels.REACH, np.arange(len(pairs)))


def _ends_by_range(
    ephemeris: Ephemeris, pairs: Pairs, t_ns: Times, limits: LinkLimits
) -> NDArray[np.bool_]:
    first, second = pairs.T
    length, lowest = line_of_sight(
        ephemeris.position_eci_m(t_ns, first), ephemeris.position_eci_m(t_ns, second)
    )
    return np.asarray(limits.range_m - length < lowest - limits.grazing_m)


def _joined(spans: list[Spans]) -> Spans:
    if not spans:
        return np.empty(0, np.intp), np.empty(0, np.int64), np.empty(0, np.int64)
    rows, start_ns, end_ns = (np.concatenate(column) for column in zip(*spans, strict=True))
    return rows, start_ns, end_ns


def _intersection(spans: list[Spans], needed: NDArray[np.intp]) -> tuple[Spans, Pairs]:
    """Return when as many conditions of a row hold as it needs, and what each such span ends by.

    Each condition opens and closes in turn; in the order of time their number is a running sum.
    """
    rows = np.concatenate([one[0] for one in spans for _ in range(2)])
    t_ns = np.concatenate([one[side] for one in spans for side in (1, 2)])
    opens = np.concatenate([np.full(one[0].size, change) for one in spans for change in (1, -1)])
    cause = np.concatenate(
        [
            np.full(one[0].size, end)
            for one, end in zip(spans, _CAUSES, strict=True)
            for _ in range(2)
        ]
    )
    order = np.lexsort((opens, t_ns, rows))
    rows, t_ns, opens, cause = rows[order], t_ns[order], opens[order], cause[order]
    begun = np.flatnonzero(np.cumsum(opens) == needed[rows])
    return (rows[begun], t_ns[begun], t_ns[begun + 1]), cause[begun + 1]
