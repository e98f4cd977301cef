"""Where L1 and L3 put pixels, held against where the world's rays truly end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rasterio.warp import transform as warp_points
from scipy.interpolate import RegularGridInterpolator
from scipy.spatial.transform import Rotation

from orbitloom.errors import InputFileError
from orbitloom.processing import l3
from orbitloom.processing.l1 import geolocate
from orbitloom.processing.l2 import Reflectance
from orbitloom.scenario import hardware
from orbitloom.testing.instrument import sample_capture
from orbitloom.wire.briefing import Terrain
from orbitloom.wire.imager import Ancillary
from orbitloom.world.earth import geodetic_from_ecef
from orbitloom.world.viewing import GroundGrid, attitude_matrix, look_at_ground

EPSG = 32631
SIDE, GSD_M = 800, 5.0
IFOV_RAD = GSD_M / 505e3
DESIGN = hardware.Instrument(columns=SIDE, lines=SIDE, gsd_m=GSD_M)
EAST_DEG = 3.0  # the middle of that zone
CENTRE_M = warp_points("EPSG:4326", f"EPSG:{EPSG}", [EAST_DEG], [0.0])[:2]


def mountain(easting_m, northing_m):
    """1500 m high above a plain at 200 m, with gullies."""
    x, y = (easting_m - CENTRE_M[0][0]) / 1000, (northing_m - CENTRE_M[1][0]) / 1000
    peak = 1500 * np.exp(-(x**2 + y**2) / 2.0)
    return (200 + peak + 20 * np.sin(9 * x) * np.cos(11 * y)).astype(np.float32)


def cliff(easting_m, northing_m):
    """A wall that leans over for no view from straight above, but hides ground from aside."""
    return np.where(easting_m > CENTRE_M[0][0], 600.0, 0.0).astype(np.float32)


def terrain_of(heights, spacing_m=10.0, epsg=EPSG, reach_m=6000.0):
    """What the ground knows of it: a raster, in any zone."""
    (east,), (north,) = warp_points("EPSG:4326", f"EPSG:{epsg}", [EAST_DEG], [0.0])[:2]
    cells = int(2 * reach_m / spacing_m)
    x = east - reach_m + spacing_m * (np.arange(cells) + 0.5)
    y = north + reach_m - spacing_m * (np.arange(cells) + 0.5)
    x, y = np.meshgrid(x, y)
    if epsg != EPSG:
        shape = x.shape
        x, y = (
            np.reshape(each, shape)
            for each in warp_points(f"EPSG:{epsg}", f"EPSG:{EPSG}", x.ravel(), y.ravel())[:2]
        )
    return Terrain(
        epsg=epsg,
        transform=(spacing_m, 0.0, east - reach_m, 0.0, -spacing_m, north + reach_m),
        height_m=heights(x, y),
    )


def look(heights, roll_deg, error_rad=(0.0, 0.0, 0.0)):
    """Return the true places of all pixels, and the ancillary records that tell of them."""
    task, track = sample_capture(DESIGN, roll_deg=roll_deg)
    # Aim at the mountain: the sample flies over (0, 0).
    period_ns = (task.end_ns - task.start_ns) // SIDE // 2  # 5 m of ground
    start_ns = task.middle_ns - SIDE * period_ns // 2
    roll = np.radians(roll_deg)
    aside = np.arcsin(np.sin(roll) * (1 + 505e3 / 6_378_137.0)) - roll  # as the Earth's angle
    turn = Rotation.from_rotvec([0.0, 0.0, np.radians(EAST_DEG) - aside])
    track = replace(
        track,
        position_ecef_m=turn.apply(track.position_ecef_m),
        velocity_ecef_m_s=turn.apply(track.velocity_ecef_m_s),
    )
    grid = GroundGrid(
        track,
        roll_deg=roll_deg,
        first_line_ns=start_ns,
        line_period_ns=period_ns,
        lines=SIDE,
        columns=SIDE,
        ifov_rad=IFOV_RAD,
        epsg=EPSG,
        height_m=heights,
    )
    t_ns = start_ns + np.arange(-50, SIDE + 51, 50) * period_ns
    position, velocity = track.state(t_ns)
    told = (
        attitude_matrix(position, velocity, roll_deg) @ Rotation.from_rotvec(error_rad).as_matrix()
    )
    records = tuple(
        Ancillary(
            capture=1,
            lines=SIDE,
            columns=SIDE,
            bands=4,
            bits=12,
            t_ns=int(t),
            first_line_ns=start_ns,
            line_period_ns=period_ns,
            position_ecef_m=tuple(p),
            velocity_ecef_m_s=tuple(v),
            attitude=tuple(Rotation.from_matrix(a).as_quat(scalar_first=True)),
            detector_c=18.0,
        )
        for t, p, v, a in zip(t_ns, position, velocity, told, strict=True)
    )
    return grid, records, (track, start_ns, period_ns)


def tile_error_px(grid, place):
    """Return how far the ground that tile cells show lies from the cells, in pixels."""
    line, column = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    rho = np.stack([line * 1e-3 + 0.1, column * 1e-3 + 0.1])  # 0.1 pixel a number
    scene = Reflectance(
        reflectance=rho, mask=np.zeros((SIDE, SIDE), np.uint8), sun_elevation_deg=40.0
    )
    where = l3.grid_for(place, GSD_M)
    if where.epsg == 32731:  # the equator: the southern zone's northings are 10,000 km more
        a, b, c, d, e, f = where.transform
        where = replace(where, epsg=EPSG, transform=(a, b, c, d, e, f - 1e7))
    tile = l3.resample(scene, place, where, ("line", "column"), 100.0)
    seen = tile.mask == 0
    lines, columns = ((tile.band(name)[seen] - 0.1) * 1e3 for name in ("line", "column"))
    truth = np.stack(grid.lines(0, SIDE)[:2], axis=-1)
    axis = np.arange(SIDE)
    true_m = RegularGridInterpolator((axis, axis), truth, bounds_error=False)(
        np.stack([lines, columns], axis=-1)
    )
    row, cell = np.nonzero(seen)
    told_e = where.transform[2] + GSD_M * (cell + 0.5)
    told_n = where.transform[5] - GSD_M * (row + 0.5)
    miss = np.hypot(true_m[:, 0] - told_e, true_m[:, 1] - told_n) / GSD_M
    return miss[np.isfinite(miss)], seen


@pytest.mark.parametrize("roll_deg", [-20.0, 0.0, 20.0, 30.0])
def test_over_a_mountain_nodes_and_cells_lie_where_the_rays_end(roll_deg):
    grid, records, _ = look(mountain, roll_deg)
    place = geolocate(records, IFOV_RAD, terrain=terrain_of(mountain))
    east, north = warp_points(
        "EPSG:4326", f"EPSG:{EPSG}", place.longitude_deg.ravel(), place.latitude_deg.ravel()
    )[:2]
    truth = np.stack(grid.lines(0, SIDE)[:2], axis=-1)
    nodes = np.stack(np.meshgrid(place.lines, place.columns, indexing="ij"), axis=-1)
    axis = np.arange(SIDE)
    true_m = RegularGridInterpolator((axis, axis), truth)(nodes.reshape(-1, 2))
    miss = np.hypot(true_m[:, 0] - east, true_m[:, 1] - north) / GSD_M
    assert np.percentile(miss, 95) < 0.1
    miss, _ = tile_error_px(grid, place)
    assert np.percentile(miss, 95) < 0.5


def test_without_terrain_the_mountain_leans_away():
    """Height times the tangent of the incidence: 1700 m at 20 degrees of roll are 120 pixels."""
    grid, records, _ = look(mountain, 20.0)
    miss, _ = tile_error_px(grid, geolocate(records, IFOV_RAD))
    assert 100 < miss.max() < 140


def test_terrain_of_the_neighbouring_zone_serves_as_well():
    grid, records, _ = look(mountain, 20.0)
    place = geolocate(records, IFOV_RAD, terrain=terrain_of(mountain, epsg=32630))
    miss, _ = tile_error_px(grid, place)
    assert np.percentile(miss, 95) < 0.5


@pytest.mark.parametrize("heights", [mountain, cliff])
def test_the_truth_is_the_first_ground_on_the_ray(heights):
    """By marching down the ray in space by 0.5 m, a sample of pixels."""
    grid, _, (track, start_ns, period_ns) = look(heights, 30.0)
    rng = np.random.default_rng(3)
    lines, columns = rng.integers(0, SIDE, 40), rng.integers(0, SIDE, 40)
    east, north, _ = grid.lines(0, SIDE)
    position, velocity = track.state(start_ns + lines * period_ns)
    angle = (columns - (SIDE - 1) / 2) * IFOV_RAD
    body = np.stack([0 * angle, np.tan(angle), np.ones_like(angle)], axis=-1)
    rays = np.einsum("nij,nj->ni", attitude_matrix(position, velocity, 30.0), body)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    for index, (line, column) in enumerate(zip(lines, columns, strict=True)):
        start = look_at_ground(position[index], rays[index], 2500.0)
        points = start + np.arange(0.0, 3500.0, 0.5)[:, None] * rays[index]
        latitude, longitude, height = geodetic_from_ecef(points)
        e, n = (
            np.array(each)
            for each in warp_points("EPSG:4326", f"EPSG:{EPSG}", longitude, latitude)[:2]
        )
        first = int(np.argmax(height <= heights(e, n)))
        off_m = np.hypot(e[first] - east[line, column], n[first] - north[line, column])
        assert off_m < 12.0 if heights is cliff else off_m < 1.5


@pytest.mark.parametrize("roll_deg", [0.0, 20.0])
@pytest.mark.parametrize("axis", [0, 1])
def test_an_attitude_error_moves_the_ground_by_range_times_angle(roll_deg, axis):
    """Range x angle; across the track the ground is met aslant: by the incidence's cosine."""
    angle = 50e-6
    _, records, _ = look(None, roll_deg)
    error = (angle, 0.0, 0.0) if axis == 0 else (0.0, angle, 0.0)
    _, wrong, _ = look(None, roll_deg, error)
    places = [geolocate(each, IFOV_RAD) for each in (records, wrong)]
    a, b = (
        np.stack(
            warp_points(
                "EPSG:4326", f"EPSG:{EPSG}", p.longitude_deg.ravel(), p.latitude_deg.ravel()
            )[:2]
        )
        for p in places
    )
    moved_m = np.hypot(*(a - b)).mean()
    incidence = np.arcsin(np.sin(np.radians(roll_deg)) * (6_378_137.0 + 505e3) / 6_378_137.0)
    expected_m = places[0].slant_range_m * angle / (np.cos(incidence) if axis == 0 else 1.0)
    assert moved_m == pytest.approx(expected_m, rel=5e-3)


def test_terrain_that_cannot_be_used_is_refused():
    _, records, _ = look(None, 0.0)
    known = terrain_of(mountain, 100.0)
    torn = replace(known, height_m=np.where(known.height_m > 900, np.nan, known.height_m))
    with pytest.raises(InputFileError, match="not numbers"):
        geolocate(records, IFOV_RAD, terrain=torn)
    a, b, c, d, e, f = known.transform
    with pytest.raises(InputFileError, match="north up"):
        geolocate(records, IFOV_RAD, terrain=replace(known, transform=(a, b, c, d, -e, f)))
