"""The contract of an application: inherit it, give your application, and pytest checks it.

::

    from orbitloom.testing.app import AppContract

    class TestMine(AppContract):
        @pytest.fixture
        def app(self):
            return MyApp()
"""

from __future__ import annotations

import numpy as np
import pytest

from orbitloom.processing.apps import App, Context
from orbitloom.processing.l2 import CLOUD, NO_DATA, WATER
from orbitloom.processing.l3 import Grid, Tile
from orbitloom.wire import canonical_json

__all__ = ["AppContract", "sample_tile"]

_FOUR = ("blue", "green", "red", "nir")
_LAND = {"blue": 700, "green": 800, "red": 900, "rededge": 1600, "nir": 2600}
_WATER = {"blue": 800, "green": 900, "red": 800, "rededge": 500, "nir": 300}
_REST = {"land": 1500, "water": 100}  # any other band: the short-wave infrared


def sample_tile(
    shows: str = "land", *, sun_elevation_deg: float = 40.0, bands: tuple[str, ...] = _FOUR
) -> Tile:
    """Return a tile of 2 km, as the chain hands it to an application.

    Parameters
    ----------
    shows
        ``land``; ``water`` (0.64 km2 of it, in the middle); ``cloud`` everywhere; or ``nothing``,
        where no data arrived.
    sun_elevation_deg
        Zero or less is night.
    bands
        Names of its bands.
    """
    land = np.array([_LAND.get(name, _REST["land"]) for name in bands], dtype=np.uint16)
    water = np.array([_WATER.get(name, _REST["water"]) for name in bands], dtype=np.uint16)
    numbers = np.empty((len(bands), 200, 200), dtype=np.uint16)
    numbers[:] = land[:, None, None]
    mask = np.zeros((200, 200), dtype=np.uint8)
    if shows == "water":
        numbers[:, 60:140, 60:140] = water[:, None, None]
        mask[60:140, 60:140] = WATER
    elif shows == "cloud":
        numbers[:] = 6000
        mask[:] = CLOUD
    elif shows == "nothing":
        numbers[:] = 0
        mask[:] = NO_DATA
    return Tile(
        grid=Grid(epsg=32633, transform=(10.0, 0.0, 5e5, 0.0, -10.0, 5e6), shape=(200, 200)),
        band_names=bands,
        numbers=numbers,
        mask=mask,
        imaged_share=0.0 if shows == "nothing" else 1.0,
        sun_elevation_deg=sun_elevation_deg,
        off_nadir_deg=3.0,
        snr=80.0,
    )


def _tile_for(app: App, shows: str) -> Tile:
    """Return a sample tile with the four common bands and those that the application needs."""
    more = tuple(name for name in app.requires if name not in _FOUR)
    return sample_tile(shows, bands=_FOUR + more)


class AppContract:
    """What every application keeps."""

    @pytest.fixture
    def app(self) -> App:
        """Return the application under test; override it."""
        raise NotImplementedError

    @pytest.mark.parametrize("shows", ["land", "water", "cloud", "nothing"])
    def test_same_tile_same_finding_and_tile_untouched(self, app: App, shows: str) -> None:
        """A finding depends on the tile alone, and leaves it as it is."""
        tile = _tile_for(app, shows)
        numbers, mask = tile.numbers.copy(), tile.mask.copy()
        first, second = (
            app.analyse(tile, Context(target="Somewhere")),
            app.analyse(tile, Context(target="Somewhere")),
        )
        assert np.array_equal(tile.numbers, numbers)
        assert np.array_equal(tile.mask, mask)
        assert (first.reason, first.evidence, first.clear_share) == (
            second.reason,
            second.evidence,
            second.clear_share,
        )
        assert np.array_equal(first.area, second.area)  # type: ignore[arg-type]

    @pytest.mark.parametrize("shows", ["land", "water", "cloud", "nothing"])
    def test_a_finding_is_one_of_three_things(self, app: App, shows: str) -> None:
        """An alert with evidence, a reason for silence, or neither; all numbers can be sent."""
        tile = _tile_for(app, shows)
        finding = app.analyse(tile, Context(target="Somewhere"))
        assert (finding.evidence is None) == (finding.area is None)
        assert finding.reason is None or finding.evidence is None
        assert 0.0 <= finding.clear_share <= 1.0
        if finding.evidence is not None and finding.area is not None:
            assert finding.area.shape == tile.grid.shape
            assert finding.area.any()
            assert finding.evidence.area_km2 > 0.0
            assert finding.evidence.area_sigma_km2 > 0.0
            assert 0.0 <= finding.confidence <= 1.0
            assert finding.headline
            numbers = [finding.evidence.area_km2, finding.evidence.contrast, finding.clear_share]
            canonical_json([float(number) for number in numbers])

    @pytest.mark.parametrize("shows", ["cloud", "nothing"])
    def test_silence_needs_a_view(self, app: App, shows: str) -> None:
        """Below cloud or without data it does not say that there is nothing."""
        assert app.analyse(_tile_for(app, shows), Context(target="Somewhere")).reason in {
            "cloud",
            "gap",
        }

    def test_it_has_a_name_and_a_version(self, app: App) -> None:
        """Answers name who found what; the bands it needs are said before it flies."""
        assert isinstance(app.requires, tuple)
        assert app.name
        assert app.version
