"""What happens on the ground and above it: flood water, clouds and their shadows, with known truth.

Everything is a function of position, seeded by the target's name. A flood lies along a meandering
river; its edge is a contour of smooth noise, so that its area is what was drawn. Clouds are given
where the imager sees them against the ellipsoid; the parallax of a rolled view is not modelled.
See docs/design/scenes-and-instrument.md for each number's basis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from orbitloom.errors import ScenarioError
from orbitloom.scenario import Target, stream
from orbitloom.world.fields import Lattice, gaussian_field
from orbitloom.world.scene import SceneSource, Surface, utm_origin

__all__ = ["Events", "ResolvedKind", "resolve_kind"]

ResolvedKind = Literal[
    "flood", "fire", "burn", "crop_stress", "vessels", "lake", "snow", "quiet", "cloud"
]

_EVENT_BELOW, _QUIET_BELOW = 0.50, 0.75
_KINDS: dict[str, tuple[ResolvedKind, ...]] = {
    "flood": ("flood",),
    "fire": ("fire", "burn"),
    "agriculture": ("crop_stress",),
    "maritime": ("vessels",),
}
"""What may happen where an application is ordered; for climate the target's setting decides."""
_NODES, _SPACING_M = 1024, 25.0
_EDGE_M = 10.0  # width over which land turns to water: the sub-pixel edge of a 10 m imager
_VISIBLE_BELOW = 0.2  # share of a pixel that cloud or shadow may cover in the truth's eyes
# Reflectance of turbid flood water in blue, green, red, NIR, and its change with suspended matter.
_WATER = np.array([0.080, 0.090, 0.080, 0.030], np.float32)
_TURBID = np.array([0.006, 0.010, 0.014, 0.004], np.float32)
_LOWEST_SUN_DEG = 5.0  # below it shadows would reach out of every scene
_CLOUD_DARK, _CLOUD_BRIGHT = 0.35, 0.80
_CLOUD_COLOUR = np.array([1.0, 0.99, 0.985, 0.97], np.float32)
# Share of light that a full shadow leaves: blue sky lights it more than infrared sky.
_SHADE = np.array([0.50, 0.45, 0.40, 0.32], np.float32)


def resolve_kind(seed: int, target: Target, app: str = "flood") -> ResolvedKind:
    """Return what happens at a target.

    "random" is half an event that the application looks for, a quarter quiet, a quarter cloud;
    where an application of a user's is ordered, a flood.
    """
    if target.event != "random":
        return target.event
    rng = stream(seed, "event", target.name)
    draw = rng.random()
    if draw < _EVENT_BELOW:
        if app == "climate":
            return "snow" if target.setting == "mountain" else "lake"
        kinds = _KINDS.get(app, ("flood",))
        return kinds[int(rng.integers(len(kinds)))]
    return "quiet" if draw < _QUIET_BELOW else "cloud"


class Events:
    """The truth laid on one target.

    Parameters
    ----------
    kind
        What happens.
    target
        Where.
    seed
        The scenario's.
    sun_elevation_deg, sun_azimuth_deg
        Where the Sun stands, azimuth from north over east; it places the clouds' shadows.

    Raises
    ------
    ScenarioError
        If it is anything but a flood, quiet or cloud: a scene of reflectance has no more.
    """

    def __init__(
        self,
        kind: ResolvedKind,
        target: Target,
        seed: int,
        *,
        sun_elevation_deg: float,
        sun_azimuth_deg: float,
    ) -> None:
        if kind not in ("flood", "quiet", "cloud"):
            raise ScenarioError(
                f"{kind!r} cannot be laid on a scene of reflectance",
                where=f"target {target.name!r}",
                way_out='Use scenery = "synthetic", or one of flood, quiet, cloud',
            )
        self.kind = kind
        rng = stream(seed, "event fields", target.name)
        self.epsg, east_m, north_m = utm_origin(target.latitude_deg, target.longitude_deg)
        texture = gaussian_field(rng, _NODES, longest=200.0)
        cloud = self._cloud(rng)
        height_m = rng.uniform(1000.0, 2500.0)
        reach_m = height_m / np.tan(np.radians(max(sun_elevation_deg, _LOWEST_SUN_DEG)))
        azimuth = np.radians(sun_azimuth_deg)
        # The shadow falls away from the Sun: south of the cloud when the Sun is in the north.
        rows = reach_m * np.cos(azimuth) / _SPACING_M
        columns = -reach_m * np.sin(azimuth) / _SPACING_M
        shadow = ndimage.shift(cloud, (rows, columns), order=1, mode="grid-wrap")
        half_m = _NODES * _SPACING_M / 2.0
        self._fields = Lattice(
            np.stack([self._water_inside_m(rng), cloud, shadow, texture]),
            spacing_m=(_SPACING_M, _SPACING_M),
            east_m=east_m - half_m,
            north_m=north_m + half_m,
        )

    def flood_fraction(
        self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return the share of flood water, (...), in 0 to 1."""
        return _fraction(self._fields(easting_m, northing_m)[0])

    def cloud_opacity(
        self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return how much a cloud hides, (...), in 0 to 1."""
        return np.asarray(self._fields(easting_m, northing_m)[1])

    def shadow(
        self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return how deep a cloud's shadow is, (...), in 0 to 1."""
        return np.asarray(self._fields(easting_m, northing_m)[2])

    def truth(
        self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return where there is flood (half a pixel or more), and what cloud or shadow spoils."""
        inside_m, cloud, shadow, _ = self._fields(easting_m, northing_m)
        hidden = (cloud >= _VISIBLE_BELOW) | (shadow >= _VISIBLE_BELOW)
        return inside_m >= 0.0, hidden

    def over(self, scene: SceneSource) -> SceneSource:
        """Return the scene with everything that happens laid on it."""
        return scene if self.kind == "quiet" else _Overlaid(scene, self)

    def lay_on(
        self,
        rho: NDArray[np.float32],
        easting_m: NDArray[np.float64],
        northing_m: NDArray[np.float64],
    ) -> None:
        """Change reflectances (4, ...) at points (...) in place: water, then shadow, then cloud."""
        inside_m, cloud, shadow, texture = self._fields(easting_m, northing_m)
        water = _fraction(inside_m)
        turbidity = np.clip(texture, -2.0, 2.0)
        brightness = _CLOUD_DARK + (_CLOUD_BRIGHT - _CLOUD_DARK) * np.clip(
            0.5 + 0.25 * texture, 0.0, 1.0
        )
        for band, layer in enumerate(rho):
            layer += water * (_WATER[band] + _TURBID[band] * turbidity - layer)
            layer *= 1.0 - (1.0 - _SHADE[band]) * shadow
            layer += cloud * (_CLOUD_COLOUR[band] * brightness - layer)

    def _water_inside_m(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Return about how far inside the water's edge each node lies, negative on land, in m."""
        area_m2 = rng.uniform(4e6, 12e6)
        centre_m = rng.uniform(-2500.0, 2500.0, 2)
        course = rng.uniform(0.0, np.pi)
        waves_m = rng.uniform(2500.0, 7000.0, 3)
        phases = rng.uniform(0.0, 2.0 * np.pi, 3)
        noise = gaussian_field(rng, _NODES, longest=110.0, shortest=5.0, slope=3.6)
        if self.kind != "flood":
            return np.full((_NODES, _NODES), -1e3, np.float32)
        axis_m = (np.arange(_NODES) - _NODES / 2.0) * _SPACING_M
        east, north = axis_m[None, :] - centre_m[0], -axis_m[:, None] - centre_m[1]
        along = east * np.cos(course) + north * np.sin(course)
        across = north * np.cos(course) - east * np.sin(course)
        bends = sum(
            0.11 * wave * np.sin(2.0 * np.pi * along / wave + phase)
            for wave, phase in zip(waves_m, phases, strict=True)
        )
        # Wettest on the river, drier with distance from it and from the middle of the flood.
        level = noise - np.abs(across - bends) / 350.0 - (along / 3500.0) ** 2
        threshold = np.partition(level.ravel(), -int(area_m2 / _SPACING_M**2))[
            -int(area_m2 / _SPACING_M**2)
        ]
        inside = ndimage.gaussian_filter(level - threshold, 1.0)
        slope_rows, slope_columns = np.gradient(inside, _SPACING_M)
        slope = np.hypot(slope_rows, slope_columns)
        return np.asarray(np.clip(inside / np.maximum(slope, 1e-5), -100.0, 100.0), np.float32)

    def _cloud(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Return the clouds' opacity at the nodes."""
        overcast = self.kind == "cloud"
        scattered = rng.random() < 1.0 / 3.0
        cover = rng.uniform(0.88, 0.98) if overcast else rng.uniform(0.10, 0.25)
        noise = gaussian_field(
            rng, _NODES, longest=240.0 if overcast else 70.0, shortest=5.0, slope=3.5
        )
        if self.kind == "quiet" or not (overcast or scattered):
            return np.zeros((_NODES, _NODES), np.float32)
        middle = noise[112:-112, 112:-112]  # the share counts within the imaged 20 km
        threshold = np.quantile(middle, 1.0 - cover)
        return np.asarray(np.clip((noise - threshold) / 0.15 + 0.5, 0.0, 1.0), np.float32)


def _fraction(inside_m: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.clip(inside_m / _EDGE_M + 0.5, 0.0, 1.0), np.float32)


@dataclass(frozen=True, slots=True)
class _Overlaid:
    """A scene and what happens on it, as one scene."""

    scene: SceneSource
    events: Events

    @property
    def epsg(self) -> int:
        return self.scene.epsg

    @property
    def bands(self) -> tuple[str, ...]:
        return self.scene.bands

    @property
    def at_top(self) -> bool:
        return self.scene.at_top

    def surface(self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]) -> Surface:
        rho = self.scene.surface(easting_m, northing_m).reflectance
        self.events.lay_on(rho, easting_m, northing_m)
        return Surface(reflectance=rho)

    def height_m(
        self, easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        return self.scene.height_m(easting_m, northing_m)
