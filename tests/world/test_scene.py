"""Scenes: the real one goes on without a seam, a user's is taken as it is or refused in words."""

import numpy as np
import pytest
import rasterio
import spyndex.datasets

from orbitloom.errors import InputFileError
from orbitloom.scenario import SceneFile, Target
from orbitloom.testing.scene import SceneContract, write_geotiff
from orbitloom.wire.utm import utm_epsg
from orbitloom.world.fields import Lattice, gaussian_field
from orbitloom.world.scene import GeoTiffScene, SpyndexScene, check_scene, utm_origin

FAENZA = Target(name="Faenza", latitude_deg=44.3, longitude_deg=11.9)
YORK = Target(name="York", latitude_deg=53.9, longitude_deg=-1.1)


@pytest.fixture
def numbers():
    """Sentinel-like numbers: reflectance times 10,000, each band and place its own."""
    rng = np.random.default_rng(0)
    image = rng.integers(200, 3000, (4, 40, 60)).astype(np.uint16)
    return image + np.arange(4, dtype=np.uint16)[:, None, None]


def around(target, half_m, step_m=10.0):
    epsg, east_m, north_m = utm_origin(target.latitude_deg, target.longitude_deg)
    axis = np.arange(-half_m + step_m / 2, half_m, step_m)
    return epsg, *np.meshgrid(east_m + axis, north_m - axis)


class TestSpyndexKeepsTheContract(SceneContract):
    @pytest.fixture
    def make_scene(self):
        return lambda target: SpyndexScene(target, 0)


class TestGeoTiffKeepsTheContract(SceneContract):
    @pytest.fixture
    def make_scene(self, tmp_path, numbers):
        file = SceneFile(file=write_geotiff(tmp_path / "scene.tif", numbers), scale=1e-4)
        return lambda target: GeoTiffScene(file, target, 10.0)


def test_a_lattice_is_its_values_at_its_nodes_and_bilinear_between():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(2, 7, 9)).astype(np.float32)
    lattice = Lattice(values, spacing_m=(20.0, 10.0), east_m=100.0, north_m=500.0)
    east, north = np.meshgrid(100.0 + 10.0 * np.arange(9), 500.0 - 20.0 * np.arange(7))
    np.testing.assert_array_equal(lattice(east, north), values)
    between = lattice(east[:-1, :-1] + 2.5, north[:-1, :-1] - 5.0)
    upper = 0.75 * values[:, :-1, :-1] + 0.25 * values[:, :-1, 1:]
    lower = 0.75 * values[:, 1:, :-1] + 0.25 * values[:, 1:, 1:]
    np.testing.assert_allclose(between, 0.75 * upper + 0.25 * lower, atol=1e-6)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_lattice_has_no_end(mirrored):
    values = np.random.default_rng(2).normal(size=(1, 6, 5)).astype(np.float32)
    lattice = Lattice(values, spacing_m=(1.0, 1.0), east_m=0.0, north_m=0.0, mirrored=mirrored)
    wide = np.pad(values[0], ((18, 18), (15, 15)), mode="symmetric" if mirrored else "wrap")
    east, north = np.meshgrid(np.arange(-15.0, 20.0), -np.arange(-18.0, 24.0))
    np.testing.assert_array_equal(lattice(east, north)[0], wide)


def test_a_gaussian_field_is_normed_smooth_and_periodic():
    field = gaussian_field(np.random.default_rng(3), 128, longest=32.0, shortest=8.0)
    assert field.mean() == pytest.approx(0.0, abs=1e-5)
    assert field.std() == pytest.approx(1.0, rel=1e-5)
    for axis in (0, 1):
        steps = np.abs(field - np.roll(field, 1, axis))
        assert steps.max() < 1.5
        assert np.take(steps, 0, axis).max() <= steps.max()  # the step over the edge is one of many


def test_utm_zones_agree_with_their_meridians():
    for longitude_deg in np.arange(-179.5, 180.0, 7.3):
        epsg, east_m, _ = utm_origin(10.0, longitude_deg)
        assert 1.6e5 < east_m < 8.4e5
        assert utm_epsg(-10.0, longitude_deg) == epsg + 100


def test_the_real_scene_keeps_its_spectra():
    """What is shown is the measured scene, turned and scaled by some ten per cent."""
    measured = np.asarray(spyndex.datasets.open("sentinel").values) / 1e4
    _, east, north = around(FAENZA, 6000.0)
    shown = SpyndexScene(FAENZA, 0).reflectance(east, north)
    for band in range(4):
        assert np.median(shown[band]) == pytest.approx(np.median(measured[band]), rel=0.25)
        assert np.std(shown[band]) == pytest.approx(np.std(measured[band]), rel=0.35)

    def ndvi(rho):
        return (rho[3] - rho[2]) / (rho[3] + rho[2])

    assert np.median(ndvi(shown)) == pytest.approx(np.median(ndvi(measured)), abs=0.1)


def test_the_real_scene_has_no_seams():
    """Steps from pixel to pixel over 18 km are no larger than the measured scene's own."""
    measured = np.asarray(spyndex.datasets.open("sentinel").values) / 1e4
    own = max(np.abs(np.diff(measured, axis=axis)).max() for axis in (1, 2))
    _, east, north = around(YORK, 9000.0)
    shown = SpyndexScene(YORK, 3).reflectance(east, north)
    steps = [np.abs(np.diff(shown, axis=axis)) for axis in (1, 2)]
    assert max(step.max() for step in steps) < 1.5 * own
    for step, along in zip(steps, (0, 1), strict=True):
        lines = step.mean(axis=(0, 2 - along))
        assert lines.max() < 1.6 * np.median(lines)  # no row or column stands out


def test_the_real_scene_is_no_wallpaper():
    """No shift by whole tiles brings the picture back."""
    _, east, north = around(FAENZA, 9000.0, 30.0)
    nir = SpyndexScene(FAENZA, 0).reflectance(east, north)[3]
    nir = (nir - nir.mean()) / nir.std()
    alike = np.fft.irfft2(np.abs(np.fft.rfft2(nir)) ** 2) / nir.size
    lag_m = 30.0 * np.minimum(np.arange(600), 600 - np.arange(600))
    far = np.hypot(lag_m[:, None], lag_m[None, :]) > 2500.0
    assert alike[0, 0] == pytest.approx(1.0, rel=1e-3)
    assert np.abs(alike[:, :600])[far[:, : alike.shape[1]]].max() < 0.35


def test_every_target_and_seed_sees_another_country():
    pictures = []
    for target, seed in ((FAENZA, 0), (FAENZA, 1), (YORK, 0)):
        _, east, north = around(target, 1500.0)
        pictures.append(SpyndexScene(target, seed).reflectance(east, north)[3].ravel())
    alike = np.corrcoef(pictures)
    assert np.abs(alike[np.triu_indices(3, 1)]).max() < 0.5


def test_a_geotiff_lies_on_the_target_north_up_and_unchanged(tmp_path, numbers):
    file = SceneFile(file=write_geotiff(tmp_path / "s.tif", numbers), scale=1e-4, offset=-0.01)
    _, east_m, north_m = utm_origin(FAENZA.latitude_deg, FAENZA.longitude_deg)
    east, north = np.meshgrid(
        east_m + 10.0 * (np.arange(60) - 29.5), north_m - 10.0 * (np.arange(40) - 19.5)
    )
    rho = GeoTiffScene(file, FAENZA, 10.0).reflectance(east, north)
    np.testing.assert_allclose(rho, numbers * 1e-4 - 0.01, atol=1e-6)
    beyond = GeoTiffScene(file, FAENZA, 10.0).reflectance(east + 600.0, north)
    np.testing.assert_allclose(beyond, numbers[:, :, ::-1] * 1e-4 - 0.01, atol=1e-6)


def test_a_geotiff_states_its_own_scale(tmp_path, numbers):
    file = SceneFile(file=write_geotiff(tmp_path / "s.tif", numbers, scales=(2e-4,) * 4))
    check_scene(file)
    _, east, north = around(FAENZA, 300.0)
    stated = GeoTiffScene(file, FAENZA, 10.0).reflectance(east, north)
    given = GeoTiffScene(file.model_copy(update={"scale": 1e-4}), FAENZA, 10.0)
    np.testing.assert_allclose(stated, 2.0 * given.reflectance(east, north), rtol=1e-5)


def test_bands_are_found_by_their_names(tmp_path, numbers):
    order = [3, 0, 1, 2, 1]  # nir, blue, green, red, and a fifth
    names = ["B08", "B02", "Green", "red", "other"]
    plain = SceneFile(file=write_geotiff(tmp_path / "a.tif", numbers), scale=1e-4)
    named = SceneFile(
        file=write_geotiff(tmp_path / "b.tif", numbers[order], names=names), scale=1e-4
    )
    _, east, north = around(FAENZA, 200.0)
    np.testing.assert_array_equal(
        GeoTiffScene(named, FAENZA, 10.0).reflectance(east, north),
        GeoTiffScene(plain, FAENZA, 10.0).reflectance(east, north),
    )


def test_finer_pixels_are_averaged_to_the_imagers(tmp_path, numbers):
    fine = np.kron(numbers, np.ones((1, 4, 4), np.uint16))
    fine[:, ::2, ::2] += 40
    file = SceneFile(file=write_geotiff(tmp_path / "s.tif", fine, pixel_m=2.5), scale=1e-4)
    _, east_m, north_m = utm_origin(FAENZA.latitude_deg, FAENZA.longitude_deg)
    east, north = np.meshgrid(
        east_m + 10.0 * (np.arange(60) - 29.5), north_m - 10.0 * (np.arange(40) - 19.5)
    )
    rho = GeoTiffScene(file, FAENZA, 10.0).reflectance(east, north)
    np.testing.assert_allclose(rho, (numbers + 10.0) * 1e-4, atol=1.1e-4)


def test_a_scene_larger_than_a_footprint_is_read_in_its_middle(tmp_path):
    rows = np.arange(3000, dtype=np.uint16)
    image = np.broadcast_to(rows[:, None], (4, 3000, 20)) + np.uint16(100)
    file = SceneFile(file=write_geotiff(tmp_path / "s.tif", image), scale=1e-4)
    _, east_m, north_m = utm_origin(FAENZA.latitude_deg, FAENZA.longitude_deg)
    rho = GeoTiffScene(file, FAENZA, 10.0).reflectance(np.array(east_m), np.array(north_m))
    assert rho[0] == pytest.approx((1499.5 + 100.0) * 1e-4, rel=1e-5)


def test_a_scene_written_anew_is_read_anew(tmp_path, numbers):
    file = SceneFile(file=tmp_path / "s.tif", scale=1e-4)
    _, east, north = around(FAENZA, 100.0)
    seen = []
    for image in (numbers, numbers + np.uint16(500)):
        write_geotiff(file.file, image)
        seen.append(GeoTiffScene(file, FAENZA, 10.0).reflectance(east, north))
    np.testing.assert_allclose(seen[1] - seen[0], 0.05, atol=1e-6)


def missing_one(image):
    holed = image.astype(np.float32)
    holed[2, 5, 5] = np.nan
    return holed


REFUSED = {
    "no crs": ({"crs": None}, {"scale": 1e-4}, "no coordinate reference system"),
    "degrees": ({"crs": "EPSG:4326", "pixel_m": 1e-4}, {"scale": 1e-4}, "not in metres"),
    "feet": ({"crs": "EPSG:2263"}, {"scale": 1e-4}, "not in metres"),
    "rotated": (
        {"transform": rasterio.Affine(9.8, 1.7, 5e5, 1.7, -9.8, 5e6)},
        {"scale": 1e-4},
        "not north up",
    ),
    "no scale": ({}, {}, "does not state the scale"),
    "three bands": ({"image": lambda image: image[:3]}, {"scale": 1e-4}, "has 3 bands, not four"),
    "one band": ({"image": lambda image: image[:1]}, {"scale": 1e-4}, "has 1 band, not four"),
    "five bands": ({"image": lambda image: image[[0, 1, 2, 3, 3]]}, {"scale": 1e-4}, "has 5 bands"),
    "nan": ({"image": missing_one}, {"scale": 1e-4}, "0.04% of the pixels hold no data"),
    "nodata": (
        {"image": lambda image: image.clip(2000), "nodata": 2000},
        {"scale": 1e-4},
        "no data",
    ),
    "scale too large": ({}, {"scale": 1.0}, "are no reflectances"),
    "scale too small": ({}, {"scale": 1e-7}, "are no reflectances"),
    "offset": ({}, {"scale": 1e-4, "offset": -1.0}, "are no reflectances"),
}


@pytest.mark.parametrize(("how", "stated", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals_name_the_file_and_the_way_out(tmp_path, numbers, how, stated, words):
    how = dict(how)
    image = how.pop("image", lambda image: image)(numbers)
    file = SceneFile(file=write_geotiff(tmp_path / "mine.tif", image, **how), **stated)
    with pytest.raises(InputFileError, match=words) as caught:
        check_scene(file)
    assert caught.value.where == str(file.file)
    assert caught.value.way_out


def test_files_that_are_no_images(tmp_path):
    with pytest.raises(InputFileError, match="no such file"):
        check_scene(SceneFile(file=tmp_path / "absent.tif"))
    text = tmp_path / "text.tif"
    text.write_text("this is no picture")
    with pytest.raises(InputFileError, match="cannot be read as an image"):
        check_scene(SceneFile(file=text))
    with pytest.raises(InputFileError, match="cannot be read as an image"):
        check_scene(SceneFile(file=tmp_path))


def test_a_cut_file_is_refused(tmp_path, numbers):
    path = write_geotiff(tmp_path / "cut.tif", np.tile(numbers, (1, 4, 4)))
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(InputFileError, match="cannot be read as an image"):
        check_scene(SceneFile(file=path, scale=1e-4))
