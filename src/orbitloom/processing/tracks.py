"""Vessels followed from look to look, and from satellite to satellite.

One Kalman filter a vessel (filterpy), constant velocity with white noise in the acceleration (Bar-
Shalom, Li & Kirubarajan, 2001, Estimation with Applications to Tracking and Navigation, 6.2), in
metres around the vessel's own last place. New sightings are assigned to tracks at the largest total
likelihood; an AIS identity overrides it. The tracks are data: they travel as JSON to whoever looks
next, and updating them gives new ones. See docs/design/maritime.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitloom.errors import InputFileError
from orbitloom.processing.ais_match import assign, moved, offset_m, place_gain
from orbitloom.scenario.time import HOUR_NS, SECOND_NS
from orbitloom.wire import canonical_json
from orbitloom.wire.ais import KNOT_M_S

__all__ = ["Sighting", "Track", "Tracks", "update"]

_NOISE_M2_S3 = 1.7e-3  # a ship's velocity changes by 1 m/s (one sigma) in ten minutes
_WAKE_SPEED_M_S, _WAKE_SPEED_SIGMA_M_S = 6.2, 2.6  # 12 +- 5 knots: what makes foam
_STILL_SIGMA_M_S = 1.2  # without a wake: at anchor, adrift, or slow
_AIS_SPEED_SIGMA_M_S, _AIS_COURSE_SIGMA_RAD = 0.3, np.radians(3.0)
_STRANGERS_LENGTH_M = 100.0  # lengths are spread over about so much
_COURSE_KEPT, _COURSE_SIGMA_DEG = 0.8, 12.0  # how many keep their course between looks, how well
_SAME_SHIP = 1e6
_FORGOTTEN_NS = 12 * HOUR_NS
_LARGEST_SPREAD_M = 30_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A vessel as one look told of it; what is not known is None."""

    longitude_deg: float
    latitude_deg: float
    position_sigma_m: float
    length_m: float
    length_sigma_m: float
    heading_deg: float
    heading_known: bool
    mmsi: int | None = None
    speed_kn: float | None = None
    course_deg: float | None = None

    @classmethod
    def from_detail(cls, detail: Mapping[str, Any]) -> Sighting:
        """Return the sighting that a maritime answer's detail holds.

        Only an unambiguous match with AIS gives it an identity.
        """
        matched = detail["ais"] == "matched"
        return cls(
            longitude_deg=float(detail["longitude_deg"]),
            latitude_deg=float(detail["latitude_deg"]),
            position_sigma_m=float(detail["position_sigma_m"]),
            length_m=float(detail["length_m"]),
            length_sigma_m=float(detail["length_sigma_m"]),
            heading_deg=float(detail["heading_deg"]),
            heading_known=bool(detail["heading_known"]),
            mmsi=int(detail["mmsi"]) if matched else None,
            speed_kn=detail.get("speed_kn") if matched else None,
            course_deg=detail.get("course_deg") if matched else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A vessel over several looks.

    Attributes
    ----------
    name
        The same for all its looks: from the first of them.
    t_ns
        Of the latest look.
    velocity_m_s
        East and north.
    covariance
        Upper triangle, row by row, of the (4, 4) covariance of east, north (m), and their rates.
    looks
        How many went in.
    """

    name: str
    t_ns: int
    longitude_deg: float
    latitude_deg: float
    velocity_m_s: tuple[float, float]
    covariance: tuple[float, ...]
    length_m: float
    length_sigma_m: float
    heading_deg: float
    heading_known: bool
    mmsi: int | None
    looks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracks:
    """All vessels that are followed."""

    tracks: tuple[Track, ...] = ()

    def to_json(self, limit_bytes: int = 10_000) -> bytes:
        """Return them as JSON, at most so many octets.

        What does not fit stays behind: first those that AIS identifies anyhow, then those that were
        seen longest ago.
        """
        order = sorted(self.tracks, key=lambda one: (one.mmsi is not None, -one.t_ns, one.name))
        kept: list[tuple[Any, ...]] = []
        size = len(canonical_json({"fields": _FIELDS, "tracks": []}))
        for track in order:
            row = astuple(track)
            size += len(canonical_json(row)) + 1
            if size > limit_bytes:
                break
            kept.append(row)
        return canonical_json({"fields": _FIELDS, "tracks": kept})

    @classmethod
    def from_json(cls, octets: bytes) -> Tracks:
        """Return the tracks that `to_json` wrote.

        Raises
        ------
        InputFileError
            If these are no tracks.
        """
        try:
            content = json.loads(octets)
            tracks = tuple(
                _read(dict(zip(content["fields"], row, strict=True))) for row in content["tracks"]
            )
        except (ValueError, TypeError, KeyError) as error:
            raise InputFileError(f"these are no tracks: {error}") from error
        return cls(tracks=tuple(sorted(tracks, key=lambda one: one.name)))


_FIELDS = tuple(field.name for field in fields(Track))


def _read(entry: dict[str, Any]) -> Track:
    track = Track(**entry)
    numbers = (*track.velocity_m_s, *track.covariance, track.longitude_deg, track.latitude_deg)
    if len(track.velocity_m_s) != 2 or len(track.covariance) != 10:
        raise ValueError("a state of another size")
    if not np.isfinite(np.array(numbers, dtype=np.float64)).all():
        raise ValueError("a state that is not of numbers")
    return replace(
        track,
        velocity_m_s=(float(numbers[0]), float(numbers[1])),
        covariance=tuple(float(value) for value in track.covariance),
    )


def update(
    tracks: Tracks, sightings: Sequence[Sighting], t_ns: int
) -> tuple[Tracks, tuple[str, ...]]:
    """Return the tracks after one more look, and each sighting's track by name.

    A look may come late: then it is compared with where its vessel must have been, and counts, but
    does not move the track. Tracks that nobody has seen for half a day are dropped.
    """
    alive = [one for one in tracks.tracks if _alive(one, t_ns)]
    filters = [_carried(one, t_ns) for one in alive]
    gain = np.full((len(sightings), len(alive)), -np.inf)
    for i, sighting in enumerate(sightings):
        for j, track in enumerate(alive):
            gain[i, j] = _gain(sighting, track, filters[j])
    chosen = assign(gain)
    result = {track.name: track for track in alive}
    names = []
    for sighting, number in zip(sightings, chosen, strict=True):
        if number is None:
            track = _started(sighting, t_ns)
        else:
            track = _joined(alive[number], filters[number], sighting, t_ns)
        result[track.name] = track
        names.append(track.name)
    ordered = tuple(result[name] for name in sorted(result))
    return Tracks(tracks=ordered), tuple(names)


def _alive(track: Track, t_ns: int) -> bool:
    covariance = _square(track.covariance)
    age_s = max(t_ns - track.t_ns, 0) / SECOND_NS
    spread = np.sqrt(covariance[0, 0] + covariance[2, 2] * age_s**2 + _NOISE_M2_S3 * age_s**3 / 3)
    return t_ns - track.t_ns <= _FORGOTTEN_NS and bool(spread <= _LARGEST_SPREAD_M)


def _square(triangle: Sequence[float]) -> NDArray[np.float64]:
    square = np.zeros((4, 4))
    square[np.triu_indices(4)] = triangle
    return square + np.triu(square, 1).T


def _carried(track: Track, t_ns: int) -> Any:
    """Return the track's filter at a time, in metres around its last place."""
    from filterpy.kalman import KalmanFilter

    age_s = (t_ns - track.t_ns) / SECOND_NS
    kalman = KalmanFilter(dim_x=4, dim_z=2)
    kalman.x = np.array([0.0, 0.0, *track.velocity_m_s])
    kalman.P = _square(track.covariance)
    kalman.H = np.eye(2, 4)
    kalman.F = np.kron([[1.0, age_s], [0.0, 1.0]], np.eye(2))
    span = abs(age_s)
    noise = np.array([[span**3 / 3.0, np.sign(age_s) * span**2 / 2.0], [0.0, span]])
    noise[1, 0] = noise[0, 1]
    kalman.Q = _NOISE_M2_S3 * np.kron(noise, np.eye(2))
    kalman.predict()
    return kalman


def _gain(sighting: Sighting, track: Track, kalman: Any) -> float:
    """Return twice the log-likelihood ratio of one vessel seen again against two strangers."""
    known = sighting.mmsi is not None and track.mmsi is not None
    if known and sighting.mmsi != track.mmsi:
        return -np.inf
    off = offset_m(
        sighting.longitude_deg, sighting.latitude_deg, track.longitude_deg, track.latitude_deg
    )
    covariance = kalman.P[:2, :2] + np.eye(2) * sighting.position_sigma_m**2
    missed = off - kalman.x[:2]
    if known:
        return _SAME_SHIP - min(float(missed @ np.linalg.solve(covariance, missed)), 1e3)
    sigma = float(np.hypot(sighting.length_sigma_m, track.length_sigma_m))
    differs = (sighting.length_m - track.length_m) / sigma
    length = -(differs**2) - 2.0 * float(np.log(np.sqrt(2.0 * np.pi) * sigma / _STRANGERS_LENGTH_M))
    return place_gain(missed, covariance) + length + _course(sighting, track)


def _course(sighting: Sighting, track: Track) -> float:
    """Return what the headings say: most ships keep theirs, the others may have any."""
    turn = abs((sighting.heading_deg - track.heading_deg + 180.0) % 360.0 - 180.0)
    whole = 180.0
    if not (sighting.heading_known and track.heading_known):
        turn, whole = min(turn, 180.0 - turn), 90.0
    density = np.exp(-0.5 * (turn / _COURSE_SIGMA_DEG) ** 2) * 2.0
    density /= np.sqrt(2.0 * np.pi) * _COURSE_SIGMA_DEG
    return 2.0 * float(np.log(_COURSE_KEPT * density * whole + 1.0 - _COURSE_KEPT))


def _velocity(sighting: Sighting) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a velocity (east, north; m/s) and its covariance from one look alone."""
    if sighting.speed_kn is not None and sighting.course_deg is not None:
        speed, course = sighting.speed_kn * KNOT_M_S, np.radians(sighting.course_deg)
        along, across = _AIS_SPEED_SIGMA_M_S, speed * _AIS_COURSE_SIGMA_RAD + _AIS_SPEED_SIGMA_M_S
    elif sighting.heading_known:
        speed, course = _WAKE_SPEED_M_S, np.radians(sighting.heading_deg)
        along, across = _WAKE_SPEED_SIGMA_M_S, speed * np.radians(4.0)
    else:
        return np.zeros(2), np.eye(2) * _STILL_SIGMA_M_S**2
    ahead = np.array([np.sin(course), np.cos(course)])
    aside = np.array([np.cos(course), -np.sin(course)])
    return speed * ahead, along**2 * np.outer(ahead, ahead) + across**2 * np.outer(aside, aside)


def _started(sighting: Sighting, t_ns: int) -> Track:
    velocity, spread = _velocity(sighting)
    covariance = np.zeros((4, 4))
    covariance[:2, :2] = np.eye(2) * sighting.position_sigma_m**2
    covariance[2:, 2:] = spread
    place = f"{t_ns} {sighting.longitude_deg:.5f} {sighting.latitude_deg:.5f}"
    return Track(
        name=hashlib.sha256(place.encode()).hexdigest()[:10],
        t_ns=t_ns,
        longitude_deg=sighting.longitude_deg,
        latitude_deg=sighting.latitude_deg,
        velocity_m_s=(_short(velocity[0]), _short(velocity[1])),
        covariance=_triangle(covariance),
        length_m=sighting.length_m,
        length_sigma_m=sighting.length_sigma_m,
        heading_deg=sighting.heading_deg,
        heading_known=sighting.heading_known,
        mmsi=sighting.mmsi,
        looks=1,
    )


def _joined(track: Track, kalman: Any, sighting: Sighting, t_ns: int) -> Track:
    """Return the track with one more look."""
    weights = np.array([track.length_sigma_m**-2, sighting.length_sigma_m**-2])
    length_m = float(np.average([track.length_m, sighting.length_m], weights=weights))
    told = replace(
        track,
        length_m=round(length_m, 1),
        length_sigma_m=round(float(weights.sum() ** -0.5), 2),
        mmsi=track.mmsi if sighting.mmsi is None else sighting.mmsi,
        looks=track.looks + 1,
    )
    if t_ns < track.t_ns:
        return told
    off = offset_m(
        sighting.longitude_deg, sighting.latitude_deg, track.longitude_deg, track.latitude_deg
    )
    kalman.update(off, R=np.eye(2) * sighting.position_sigma_m**2)
    if sighting.speed_kn is not None and sighting.course_deg is not None:
        velocity, spread = _velocity(sighting)
        kalman.update(velocity, R=spread, H=np.eye(2, 4, k=2))
    east_m, north_m, east_m_s, north_m_s = (float(value) for value in kalman.x)
    longitude, latitude = moved(track.longitude_deg, track.latitude_deg, east_m, north_m)
    return replace(
        told,
        t_ns=t_ns,
        longitude_deg=round(longitude, 6),
        latitude_deg=round(latitude, 6),
        velocity_m_s=(_short(east_m_s), _short(north_m_s)),
        covariance=_triangle(kalman.P),
        heading_deg=sighting.heading_deg,
        heading_known=sighting.heading_known,
    )


def _triangle(covariance: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the upper triangle to six digits: what travels is what is calculated with."""
    return tuple(_short(value) for value in covariance[np.triu_indices(4)])


def _short(value: float) -> float:
    return float(f"{float(value):.6g}") + 0.0
