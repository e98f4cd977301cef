"""The contract of a scene source: inherit it, give your scene, and pytest checks that it keeps it.

::

    from orbitloom.testing.scene import SceneContract

    class TestMine(SceneContract):
        @pytest.fixture
        def make_scene(self):
            return MyScene  # called with a Target
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine

from orbitloom.scenario import Target
from orbitloom.world.scene import SCENE_BANDS, SceneSource, utm_origin

__all__ = ["SceneContract", "write_geotiff"]

_TARGETS = (
    Target(name="north", latitude_deg=44.3, longitude_deg=11.9),
    Target(name="south", latitude_deg=-27.5, longitude_deg=152.9),
)
_WIDEST_M = 15_000.0  # from the target to the corner of a footprint of 20 km, with room to miss


def write_geotiff(
    path: Path,
    image: NDArray[Any],
    *,
    pixel_m: float = 10.0,
    names: Sequence[str] = (),
    scales: Sequence[float] = (),
    tags: Mapping[int, Mapping[str, str]] | None = None,
    **profile: Any,
) -> Path:
    """Write a scene's file, in UTM zone 32 unless told otherwise.

    Parameters
    ----------
    path
        The file.
    image
        (bands, rows, columns).
    pixel_m
        Side of a pixel.
    names, scales
        Description and scale of each band; none are written if not given.
    tags
        Of bands, by their number from 1.
    profile
        What else ``rasterio.open`` takes, such as ``crs``, ``transform``, ``nodata``, ``compress``.

    Returns
    -------
    Path
        The file.
    """
    bands, rows, columns = image.shape
    placed = {"crs": "EPSG:32632", "transform": Affine(pixel_m, 0, 5e5, 0, -pixel_m, 5e6)}
    shape = {"count": bands, "height": rows, "width": columns, "dtype": image.dtype}
    with rasterio.open(path, "w", driver="GTiff", **shape, **placed | profile) as file:
        file.write(image)
        for band, name in enumerate(names, 1):
            file.set_band_description(band, name)
        for band, one in (tags or {}).items():
            file.update_tags(band, **one)
        if scales:
            file.scales = scales
    return path


class SceneContract:
    """What every `SceneSource` keeps. Give the fixture `make_scene`: a target makes a scene."""

    @pytest.fixture
    def make_scene(self) -> Callable[[Target], SceneSource]:
        """Return what makes the scene at a target."""
        raise NotImplementedError("give the fixture make_scene")

    @pytest.mark.parametrize("target", _TARGETS, ids=lambda target: target.name)
    def test_positions_are_in_the_utm_zone_of_the_target(
        self, make_scene: Callable[[Target], SceneSource], target: Target
    ) -> None:
        """The instrument asks in this projection."""
        assert make_scene(target).epsg == utm_origin(target.latitude_deg, target.longitude_deg)[0]

    @pytest.mark.parametrize("shape", [(), (5,), (3, 4)])
    def test_the_shape_follows_that_of_the_points(
        self, make_scene: Callable[[Target], SceneSource], shape: tuple[int, ...]
    ) -> None:
        """One layer a band, float32."""
        east, north = _points(_TARGETS[0], shape)
        rho = make_scene(_TARGETS[0]).surface(east, north).reflectance
        assert rho.shape == (len(SCENE_BANDS), *shape)
        assert rho.dtype == np.float32

    @pytest.mark.parametrize("target", _TARGETS, ids=lambda target: target.name)
    def test_there_is_ground_wherever_a_footprint_can_fall(
        self, make_scene: Callable[[Target], SceneSource], target: Target
    ) -> None:
        """Finite, and reflectances."""
        rho = make_scene(target).surface(*_points(target, (150, 150))).reflectance
        assert np.isfinite(rho).all()
        assert rho.min() > -0.2
        assert np.quantile(rho, 0.99) < 1.6

    def test_a_place_looks_the_same_whoever_asks(
        self, make_scene: Callable[[Target], SceneSource]
    ) -> None:
        """Alone, in a crowd, in another order, from a scene made anew: the same numbers."""
        east, north = _points(_TARGETS[0], (60,))
        scene = make_scene(_TARGETS[0])
        together = scene.surface(east, north).reflectance
        np.testing.assert_array_equal(
            scene.surface(east[::-1], north[::-1]).reflectance[:, ::-1], together
        )
        alone = [scene.surface(east[i], north[i]).reflectance for i in range(len(east))]
        np.testing.assert_array_equal(np.stack(alone, axis=-1), together)
        np.testing.assert_array_equal(
            make_scene(_TARGETS[0]).surface(east, north).reflectance, together
        )

    def test_what_is_given_away_can_be_changed(
        self, make_scene: Callable[[Target], SceneSource]
    ) -> None:
        """Events are laid on in place; the scene itself stays."""
        east, north = _points(_TARGETS[0], (10,))
        scene = make_scene(_TARGETS[0])
        first = scene.surface(east, north).reflectance
        kept = first.copy()
        first[...] = -1.0
        np.testing.assert_array_equal(scene.surface(east, north).reflectance, kept)


def _points(
    target: Target, shape: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    _, east_m, north_m = utm_origin(target.latitude_deg, target.longitude_deg)
    offsets = np.random.default_rng(0).uniform(-_WIDEST_M, _WIDEST_M, (2, *shape))
    return np.asarray(east_m + offsets[0]), np.asarray(north_m + offsets[1])
