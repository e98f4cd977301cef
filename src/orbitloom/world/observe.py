"""One capture from the truth to the packets, as a job that any executor can run."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.features import rasterize
from rasterio.warp import transform as transform_points

from orbitloom.scenario import Scenario, SceneFile, Target, hardware, stream
from orbitloom.scenario.plugins import load as load_extension
from orbitloom.scenario.time import SECOND_NS
from orbitloom.wire import Calibration, CaptureTask
from orbitloom.world.ais_receiver import hear
from orbitloom.world.databus import Observation, carry
from orbitloom.world.earth import geodetic_up
from orbitloom.world.events import Events, ResolvedKind, resolve_kind
from orbitloom.world.imager import Instrument
from orbitloom.world.orbits import Ephemeris
from orbitloom.world.scene import GeoTiffScene, SceneSource, SpyndexScene
from orbitloom.world.sun import sun_position_ecef_m
from orbitloom.world.synthetic import SyntheticWorld
from orbitloom.world.viewing import Track

__all__ = [
    "Observation",
    "ObservationJob",
    "Truth",
    "calibration",
    "ground_of",
    "instrument_of",
    "observation_job",
    "observe",
    "synthetic_of",
    "truth",
]

_MARGIN_LINES = 256  # the focal plane's reach and the ancillary records' before and after
_ARCSEC_RAD = np.pi / 180.0 / 3600.0
_TRUTH_ROWS = 200  # rows of a truth grid evaluated at once
_LEAST_SHIP_M = 20.0  # the smallest that an imager of 5 m is asked for


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObservationJob:
    """All that it takes to simulate one capture, without the scenario and the fleet."""

    task: CaptureTask
    target: Target
    event: ResolvedKind
    track: Track
    instrument: hardware.Instrument
    databus: hardware.DataBus
    scene: SceneFile | None
    seed: int
    scenery: Literal["sentinel2", "synthetic"] = "sentinel2"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """What is there, on a grid: to judge answers by, never given to a satellite.

    Attributes
    ----------
    event
        What happens there, "quiet" and "cloud" among it.
    area
        (rows, columns) where it happens, seen or not: the flood's water, the burnt ground and the
        fires, the fields that have lost vigour, the ships that send no AIS. A lake or snow line
        that has moved has no area of its own.
    imaged
        (rows, columns) inside the footprint.
    visible
        (rows, columns) imaged, and neither below cloud nor in its shadow.
    """

    event: str
    area: NDArray[np.bool_]
    imaged: NDArray[np.bool_]
    visible: NDArray[np.bool_]


def observation_job(scenario: Scenario, ephemeris: Ephemeris, task: CaptureTask) -> ObservationJob:
    """Return the job that simulates a capture of a scenario."""
    target = next(target for target in scenario.targets if target.name == task.target)
    satellite = ephemeris.names.index(task.satellite)
    period_ns = (task.end_ns - task.start_ns) // scenario.instrument.lines
    margin_ns = (2 * SECOND_NS + _MARGIN_LINES * period_ns) // SECOND_NS * SECOND_NS
    t_ns = np.arange(
        task.start_ns - margin_ns, task.end_ns + margin_ns + SECOND_NS, SECOND_NS, dtype=np.int64
    )
    rng = stream(scenario.seed, "attitude knowledge", task.satellite, task.capture)
    sigma_rad = scenario.instrument.attitude_knowledge_arcsec * _ARCSEC_RAD
    error_x, error_y, error_z = (sigma_rad * rng.standard_normal(3)).tolist()
    return ObservationJob(
        task=task,
        target=target,
        event=resolve_kind(scenario.seed, target, task.app),
        track=Track(
            t_ns=t_ns,
            position_ecef_m=ephemeris.position_ecef_m(t_ns, satellite),
            velocity_ecef_m_s=ephemeris.velocity_ecef_m_s(t_ns, satellite),
            sun_ecef_m=sun_position_ecef_m(t_ns),
            attitude_error_rad=(error_x, error_y, error_z),
        ),
        instrument=scenario.instrument,
        databus=scenario.databus,
        scene=scenario.scene,
        seed=scenario.seed,
        scenery=scenario.scenery,
    )


def calibration(scenario: Scenario, satellite: str) -> Calibration:
    """Return the calibration that a satellite of a scenario flies with."""
    return _instrument(scenario.instrument, scenario.seed, satellite).calibration()


def instrument_of(job: ObservationJob) -> Instrument:
    """Return the instrument that takes a capture."""
    return _instrument(job.instrument, job.seed, job.task.satellite)


def ground_of(job: ObservationJob) -> SceneSource:
    """Return what truly lies below a capture, events and all."""
    if job.scene is not None:
        file = GeoTiffScene(job.scene, job.target, job.instrument.gsd_m)
        return _events(job).over(file)
    if job.scenery == "synthetic":
        return synthetic_of(job)
    return _events(job).over(SpyndexScene(job.target, job.seed))


def synthetic_of(job: ObservationJob) -> SyntheticWorld:
    """Return the synthetic world below a capture."""
    elevation_deg, azimuth_deg = _sun(job)
    return SyntheticWorld(
        job.target,
        job.seed,
        bands=job.instrument.bands,
        t_ns=job.task.middle_ns,
        sun_elevation_deg=elevation_deg,
        sun_azimuth_deg=azimuth_deg,
        event=job.event,
        gsd_m=job.instrument.gsd_m,
    )


def observe(job: ObservationJob) -> Observation:
    """Take the picture and send its packets over the bus.

    Raises
    ------
    InputFileError
        If the scene's file cannot be used.
    ScenarioError
        If the instrument is not known, or has a band that scenes have not.
    """
    ground = ground_of(job)
    packets = instrument_of(job).image(job.task, job.track, ground)
    if job.task.app == "maritime" and isinstance(ground, SyntheticWorld):
        packets = chain(packets, hear(ground.ais, job.task))
    rng = stream(job.seed, "databus", job.task.satellite, job.task.capture)
    return carry(packets, job.databus, rng, job.instrument.layout.time_code)


def truth(
    job: ObservationJob, epsg: int, transform: tuple[float, ...], shape: tuple[int, int]
) -> Truth:
    """Return what is truly there, on a grid.

    Parameters
    ----------
    job
        The capture.
    epsg, transform, shape
        The grid: projection; affine a, b, c, d, e, f (x = a * column + b * row + c,
        y = d * column + e * row + f, of a pixel's corner); rows and columns.
    """
    a, b, c, d, e, f = transform[:6]
    world = synthetic_of(job) if job.scene is None and job.scenery == "synthetic" else None
    events = None if world is not None else _events(job)
    own_epsg = world.epsg if world is not None else _events(job).epsg
    outline = instrument_of(job).footprint(job.task, job.track, epsg)
    imaged = rasterize(
        [{"type": "Polygon", "coordinates": [outline.tolist()]}],
        out_shape=shape,
        transform=Affine(a, b, c, d, e, f),
        dtype="uint8",
    )
    area = np.zeros(shape, bool)
    visible = imaged.astype(bool)
    footprint = visible.copy()
    columns = np.arange(shape[1])[None, :] + 0.5
    for first in range(0, shape[0], _TRUTH_ROWS):
        rows = np.arange(first, min(first + _TRUTH_ROWS, shape[0]))[:, None] + 0.5
        x, y = a * columns + b * rows + c, d * columns + e * rows + f
        if epsg != own_epsg:
            moved = transform_points(f"EPSG:{epsg}", f"EPSG:{own_epsg}", x.ravel(), y.ravel())
            x, y = (np.reshape(axis, x.shape) for axis in moved[:2])
        part = slice(first, first + len(rows))
        if world is not None:
            area[part], hidden = _happening(world, job.event, x, y)
        else:
            assert events is not None
            area[part], hidden = events.truth(x, y)
        visible[part] &= ~hidden
    return Truth(event=job.event, area=area, imaged=footprint, visible=visible)


def _happening(
    world: SyntheticWorld,
    event: str,
    east_m: NDArray[np.float64],
    north_m: NDArray[np.float64],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where the event of a synthetic world is, and what cloud or shadow spoils."""
    told = world.truth(east_m, north_m)
    hidden = told.cloud | told.shadow
    if event == "vessels":
        area = np.zeros(east_m.shape, bool)
        for ship in world.vessels():
            if ship.mmsi is None and ship.length_m >= _LEAST_SHIP_M:
                away_m = np.hypot(east_m - ship.easting_m, north_m - ship.northing_m)
                area |= away_m <= ship.length_m / 2.0
        return area, hidden
    areas = {
        "flood": told.flood,
        "burn": told.burnt,
        "fire": told.burnt | (told.fire_share > 0.0),
        "crop_stress": told.crop_stress,
        "lake": told.water != told.water_permanent,
    }
    if event == "snow":
        areas["snow"] = told.snow != world.usual.truth(east_m, north_m).snow
    return areas.get(event, np.zeros(east_m.shape, bool)), hidden


def _instrument(design: hardware.Instrument, seed: int, satellite: str) -> Instrument:
    made: Instrument = load_extension("instruments", design.kind)(
        design, seed=seed, satellite=satellite
    )
    return made


def _sun(job: ObservationJob) -> tuple[float, float]:
    """Return the Sun's elevation and azimuth at the target in mid-capture, degrees."""
    to_sun = job.track.sun(np.array([job.task.middle_ns]))[0][0]
    latitude_deg, longitude_deg = job.target.latitude_deg, job.target.longitude_deg
    up = geodetic_up(latitude_deg, longitude_deg)
    east = geodetic_up(0.0, longitude_deg + 90.0)
    north = np.cross(up, east)
    azimuth = np.arctan2(to_sun @ east, to_sun @ north)
    return float(np.degrees(np.arcsin(to_sun @ up))), float(np.degrees(azimuth))


def _events(job: ObservationJob) -> Events:
    """Return what happens at the target, with the Sun where it stands in mid-capture."""
    elevation_deg, azimuth_deg = _sun(job)
    return Events(
        job.event,
        job.target,
        job.seed,
        sun_elevation_deg=elevation_deg,
        sun_azimuth_deg=azimuth_deg,
    )
