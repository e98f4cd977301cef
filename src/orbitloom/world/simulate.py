"""One capture without a flight: a satellite passes over a place, looks, and leaves its packets.

The orbit is a circular one of 505 km, the inclination that of a Sun-synchronous one, southbound;
the local solar time is half past ten, on the day of the year when the Sun is highest.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from orbitloom.errors import OutputError, ScenarioError
from orbitloom.scenario import SceneFile, Target, hardware, stream, time
from orbitloom.wire.capture_file import Capture, write_arrays, write_capture
from orbitloom.wire.tasking import CaptureTask
from orbitloom.wire.utm import utm_epsg
from orbitloom.world.briefing import brief
from orbitloom.world.earth import ecef_from_geodetic, geodetic_from_ecef, geodetic_up
from orbitloom.world.events import resolve_kind
from orbitloom.world.observe import ObservationJob, instrument_of, observe, synthetic_of, truth
from orbitloom.world.sun import sun_position_ecef_m
from orbitloom.world.viewing import Track, attitude_matrix, look_at_ground
from orbitloom.world.walker import MU_M3_S2

__all__ = ["job_over", "simulate"]

_ALTITUDE_M, _INCLINATION_DEG = 505e3, 97.4
_EARTH_RATE_RAD_S = 7.292115e-5
_LOCAL_NS = time.seconds_to_ns(10.5 * 3600.0)
_MARGIN_LINES = 256
_ARCSEC_RAD = np.pi / 180.0 / 3600.0
_CAPTURE = 1

Floats = NDArray[np.float64]


def simulate(
    design: hardware.Instrument,
    *,
    target: Target,
    seed: int,
    out: Path,
    app: str = "flood",
    scenery: Literal["sentinel2", "synthetic"] = "synthetic",
    scene: SceneFile | None = None,
    t_ns: int | None = None,
    roll_deg: float = 0.0,
    databus: hardware.DataBus | None = None,
) -> Path:
    """Simulate one capture and write it, with its truth, to a folder.

    Parameters
    ----------
    design
        The imager.
    target
        Where; what happens there is its `event`.
    seed
        Of everything that is drawn.
    out
        The folder: a capture (`wire.capture_file`), ``truth.npz`` with masks `area`, `imaged` and
        `visible` on a UTM grid, and ``truth.json`` with the rest.
    app
        The application that is ordered: it decides what "random" draws and what the briefing holds.
    scenery, scene
        The ground: synthetic, the real Sentinel-2 scene, or a file of the user's.
    t_ns
        Mid-capture; else a good time at the place.
    roll_deg
        To the right.
    databus
        What happens to packets on their way; else the usual losses.

    Raises
    ------
    ScenarioError
        If the Sun is too low, or scene and imager do not go together.
    InputFileError
        If the scene's file cannot be used.
    OutputError
        If the folder cannot be written.
    """
    job = job_over(
        design,
        target=target,
        seed=seed,
        app=app,
        scenery=scenery,
        scene=scene,
        t_ns=t_ns,
        roll_deg=roll_deg,
        databus=databus,
    )
    seen = observe(job)
    about = {
        "instrument": design.model_dump(mode="json"),
        "target": target.model_dump(mode="json"),
        "event": job.event,
        "seed": seed,
        "scenery": scenery if scene is None else scene.file.name,
    }
    capture = Capture(
        packets=seen.packets,
        task=job.task,
        calibration=instrument_of(job).calibration(),
        briefing=brief(job),
        about=about,
    )
    write_capture(capture, out)
    try:
        _write_truth(job, out)
    except OSError as error:
        raise OutputError.from_os(error, out, "Choose another folder") from None
    return out


def job_over(
    design: hardware.Instrument,
    *,
    target: Target,
    seed: int,
    app: str = "flood",
    scenery: Literal["sentinel2", "synthetic"] = "synthetic",
    scene: SceneFile | None = None,
    t_ns: int | None = None,
    roll_deg: float = 0.0,
    databus: hardware.DataBus | None = None,
) -> ObservationJob:
    """Return the job of one capture in mid-pass over a target; see `simulate`."""
    middle_ns = _good_time_ns(target) if t_ns is None else t_ns
    overhead, ground_speed_m_s = _pass_over(target, middle_ns, roll_deg)
    period_ns = time.seconds_to_ns(design.gsd_m / ground_speed_m_s)
    start_ns = middle_ns - design.lines * period_ns // 2
    reach_ns = (design.lines // 2 + _MARGIN_LINES) * period_ns + 2 * time.SECOND_NS
    seconds = np.arange(-(reach_ns // time.SECOND_NS) - 1, reach_ns // time.SECOND_NS + 2)
    nodes_ns = middle_ns + seconds * time.SECOND_NS
    position, velocity = _fly(overhead, seconds.astype(np.float64))
    sun_ecef_m = sun_position_ecef_m(nodes_ns)
    up = geodetic_up(target.latitude_deg, target.longitude_deg)
    sine = float(up @ sun_ecef_m[len(seconds) // 2]) / float(
        np.linalg.norm(sun_ecef_m[len(seconds) // 2])
    )
    elevation_deg = float(np.degrees(np.arcsin(sine)))
    if elevation_deg < design.min_sun_elevation_deg:
        raise ScenarioError(
            f"the Sun stands {elevation_deg:.1f} deg high over {target.name!r} at "
            f"{time.to_iso(middle_ns)}; {design.name!r} wants {design.min_sun_elevation_deg:g}",
            where="the time",
            way_out="Choose another time, or lower instrument.min_sun_elevation_deg",
        )
    task = CaptureTask(
        capture=_CAPTURE,
        satellite="SAT-01",
        target=target.name,
        latitude_deg=target.latitude_deg,
        longitude_deg=target.longitude_deg,
        start_ns=start_ns,
        end_ns=start_ns + design.lines * period_ns,
        roll_deg=roll_deg,
        app=app,
    )
    rng = stream(seed, "attitude knowledge", task.satellite, task.capture)
    error = design.attitude_knowledge_arcsec * _ARCSEC_RAD * rng.standard_normal(3)
    error_x, error_y, error_z = error.tolist()
    return ObservationJob(
        task=task,
        target=target,
        event=resolve_kind(seed, target, app),
        track=Track(
            t_ns=nodes_ns,
            position_ecef_m=position,
            velocity_ecef_m_s=velocity,
            sun_ecef_m=sun_ecef_m,
            attitude_error_rad=(error_x, error_y, error_z),
        ),
        instrument=design,
        databus=databus or hardware.DataBus(),
        scene=scene,
        seed=seed,
        scenery=scenery,
    )


def _good_time_ns(target: Target) -> int:
    """Return half past ten, local solar time, near the summer solstice of the place."""
    day = "2026-06-21T00:00:00Z" if target.latitude_deg >= 0 else "2025-12-21T00:00:00Z"
    east_ns = round(target.longitude_deg / 360.0 * time.DAY_NS)
    return time.from_iso(day) + _LOCAL_NS - east_ns


def _pass_over(target: Target, middle_ns: int, roll_deg: float) -> tuple[Floats, float]:
    """Return position and velocity in mid-pass, (2, 3), ECEF, and the speed over ground in m/s.

    The place under the satellite is moved until the rolled boresight meets the target.
    """
    aim = ecef_from_geodetic(np.array([target.latitude_deg]), np.array([target.longitude_deg]))[0]
    below = aim.copy()
    for _ in range(6):
        state = _state_above(below)
        body = attitude_matrix(state[0], state[1], roll_deg)
        hit = look_at_ground(state[0], body @ np.array([0.0, 0.0, 1.0]))
        if not np.isfinite(hit).all():
            raise ScenarioError(
                f"a roll of {roll_deg:g} deg looks past the Earth",
                where="the roll",
                way_out="Choose one up to 30 deg",
            )
        below = below + (aim - hit)
        below *= float(np.linalg.norm(aim) / np.linalg.norm(below))
    latitude_deg, longitude_deg, _ = geodetic_from_ecef(_fly(state, np.array([-0.5, 0.5]))[0])
    before_m, after_m = ecef_from_geodetic(latitude_deg, longitude_deg)
    return state, float(np.linalg.norm(after_m - before_m))


def _state_above(below_ecef_m: Floats) -> Floats:
    """Return position and velocity, (2, 3), of a satellite over a point, going south."""
    up = below_ecef_m / np.linalg.norm(below_ecef_m)
    radius_m = float(np.linalg.norm(below_ecef_m)) + _ALTITUDE_M
    east = np.cross([0.0, 0.0, 1.0], up)
    cos_latitude = float(np.linalg.norm(east))
    east /= cos_latitude
    north = np.cross(up, east)
    # cos(inclination) = cos(latitude) sin(heading); nearer to the poles than it goes, due west.
    sine = np.clip(np.cos(np.radians(_INCLINATION_DEG)) / cos_latitude, -1.0, 1.0)
    heading = sine * east - np.sqrt(1.0 - sine**2) * north
    inertial = np.sqrt(MU_M3_S2 / radius_m) * heading
    position = radius_m * up
    turning = np.cross([0.0, 0.0, _EARTH_RATE_RAD_S], position)
    return np.stack([position, inertial - turning])


def _fly(state: Floats, seconds: Floats) -> tuple[Floats, Floats]:
    """Return positions and velocities, (n, 3), ECEF, of the circular orbit through a state."""
    position, velocity = state
    inertial = velocity + np.cross([0.0, 0.0, _EARTH_RATE_RAD_S], position)
    radius_m, speed_m_s = np.linalg.norm(position), np.linalg.norm(inertial)
    angle = (speed_m_s / radius_m * seconds)[:, None]
    along = inertial / speed_m_s * radius_m
    flown = np.cos(angle) * position + np.sin(angle) * along
    moving = (speed_m_s / radius_m) * (np.cos(angle) * along - np.sin(angle) * position)
    moving -= np.cross([0.0, 0.0, _EARTH_RATE_RAD_S], flown)
    turned = -_EARTH_RATE_RAD_S * seconds
    cosine, sine = np.cos(turned), np.sin(turned)

    def to_earth(vectors: Floats) -> Floats:
        x, y, z = vectors.T
        return np.stack([cosine * x - sine * y, sine * x + cosine * y, z], axis=-1)

    return to_earth(flown), to_earth(moving)


def _write_truth(job: ObservationJob, out: Path) -> None:
    """Write what is there, on the north-up grid around the footprint, a cell a ground sample."""
    cell_m = job.instrument.gsd_m
    ground = synthetic_of(job) if job.scene is None and job.scenery == "synthetic" else None
    epsg = utm_epsg(job.target.latitude_deg, job.target.longitude_deg)
    ring = instrument_of(job).footprint(job.task, job.track, epsg)
    west, south = np.floor(ring.min(axis=0) / cell_m) * cell_m
    east, north = np.ceil(ring.max(axis=0) / cell_m) * cell_m
    shape = round((north - south) / cell_m), round((east - west) / cell_m)
    transform = (cell_m, 0.0, float(west), 0.0, -cell_m, float(north))
    known = truth(job, epsg, transform, shape)
    masks = {"area": known.area, "imaged": known.imaged, "visible": known.visible}
    write_arrays(masks, out / "truth.npz")
    told: dict[str, Any] = {"event": known.event, "epsg": epsg, "transform": list(transform)}
    if ground is not None:
        told["vessels"] = [_plain(asdict(ship)) for ship in ground.vessels()]
        told["fires"] = [_plain(asdict(fire)) for fire in ground.fires()]
    text = json.dumps(told, indent=2, sort_keys=True) + "\n"
    (out / "truth.json").write_text(text, encoding="utf-8")


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value.item() if isinstance(value, np.generic) else value
        for key, value in values.items()
    }
