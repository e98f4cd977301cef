"""Real sensors' scenes: right numbers, or refused in words; never wrong in silence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil

from orbitloom.errors import InputFileError, ScenarioError
from orbitloom.processing import cloudnet
from orbitloom.processing.masks import CLOUD, NO_DATA, SHADOW, SPOILT, WATER
from orbitloom.processing.products import landsat_scene
from orbitloom.processing.sensors import open_scene
from orbitloom.scenario.time import from_iso
from orbitloom.testing.scene import write_geotiff as write

LANDSAT = Path(__file__).resolve().parents[3] / "shared/data/landsat8_toa"
BANDS = ("blue", "green", "red", "nir")
NOON_NS = from_iso("2026-06-14T10:00:00Z")


def numbers(rows=40, columns=60, bands=4):
    """Sentinel-like numbers: reflectance times 10,000, each band and place its own."""
    rng = np.random.default_rng(0)
    image = rng.integers(300, 1500, (bands, rows, columns)).astype(np.uint16)
    return image + np.arange(bands, dtype=np.uint16)[:, None, None]


# Landsat


@pytest.mark.skipif(not LANDSAT.is_dir(), reason="no ../shared beside the repository")
def test_landsat_reflectance_is_the_published():
    """Band 5 of LC81390452014295LGN00, expected x 55,000 by rio-toa: the issue asks for 1e-4."""
    scene = landsat_scene(LANDSAT / "LC81390452014295LGN00_MTL.json", ("nir",))
    band = scene.bands["nir"]
    with rasterio.open(band.file) as file:
        dn = file.read(band.number)
    with rasterio.open(LANDSAT / "tiny_LC81390452014295LGN00_B5_refl.TIF") as file:
        expected = file.read(1) / 55_000.0
    rho = band.scale * dn[dn != scene.fill] + band.offset
    relative = np.abs(rho / expected[dn != scene.fill] - 1.0)
    assert relative.size > 100_000
    assert relative.max() < 2e-5


@pytest.mark.skipif(not LANDSAT.is_dir(), reason="no ../shared beside the repository")
def test_one_infrared_band_alone_shows_no_cloud():
    with pytest.raises(ScenarioError, match="cannot show cloud"):
        open_scene(LANDSAT)


MTL = {
    "SPACECRAFT_ID": "LANDSAT_9",
    "PROCESSING_LEVEL": "L1TP",
    "DATE_ACQUIRED": "2024-07-01",
    "SCENE_CENTER_TIME": "10:02:03.1234560Z",
    "SUN_AZIMUTH": 140.0,
    "SUN_ELEVATION": 60.0,
} | {
    f"REFLECTANCE_{what}_BAND_{band}": value
    for band in range(1, 8)
    for what, value in (("MULT", 2e-5), ("ADD", -0.1))
}


def landsat(folder, form="json", **changed):
    """A Landsat scene of four bands: even ground of reflectance 0.1 to 0.4 at the top, one gap."""
    folder.mkdir()
    for index, band in enumerate((2, 3, 4, 5)):
        dn = np.full((1, 30, 30), 0, np.uint16)
        dn[:] = round((0.1 * (index + 1) * np.sin(np.radians(60.0)) + 0.1) / 2e-5)
        dn[0, 0, 0] = 0
        dn[0, 5, 5] = 65_535
        write(folder / f"LC09_B{band}.TIF", dn, pixel_m=30.0)
    entries = {key: value for key, value in (MTL | changed).items() if value is not None}
    if form == "json":
        text = json.dumps({"LANDSAT_METADATA_FILE": {"A": entries}})
    else:
        lines = [
            f'    {key} = "{value}"' if isinstance(value, str) else f"    {key} = {value}"
            for key, value in entries.items()
        ]
        text = "\n".join(["GROUP = LANDSAT_METADATA_FILE", *lines, "END_GROUP = X", "END"])
    (folder / f"LC09_MTL.{'json' if form == 'json' else 'txt'}").write_text(text)
    return folder


@pytest.mark.parametrize("form", ["json", "txt"])
def test_a_landsat_scene_becomes_a_tile(tmp_path, form):
    tile = open_scene(landsat(tmp_path / "scene", form))
    assert tile.band_names == BANDS
    assert tile.grid.shape == (30, 30)
    assert tile.grid.epsg == 32632
    assert tile.grid.gsd_m == 30.0
    assert tile.at_surface
    assert tile.sun_elevation_deg == 60.0
    assert tile.sun_azimuth_deg == 140.0
    assert tile.sensed_ns == from_iso("2024-07-01T10:02:03Z") + 123_000_000
    assert tile.solar_radiance.shape == (4,)
    assert tile.mask[0, 0] == NO_DATA
    assert not tile.numbers[:, 0, 0].any()
    assert tile.mask[5, 5] & SPOILT
    # Air brightens dark ground in the blue, and takes light from bright ground in the infrared.
    middle = tile.numbers[:, 20, 20] * 1e-4
    assert 0.0 < middle[0] < 0.08
    assert 0.40 < middle[3] < 0.45


def test_a_landsat_statement_stands_alone(tmp_path):
    folder = landsat(tmp_path / "scene")
    with pytest.raises(InputFileError, match="states the scale of its numbers itself"):
        open_scene(folder, scale=1e-4)
    with pytest.raises(InputFileError, match="no band 'swir16'"):
        open_scene(folder, bands=("blue", "swir16"))
    assert open_scene(folder, bands=("red", "blue")).band_names == ("blue", "red")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"SPACECRAFT_ID": "LANDSAT_5"}, "is of LANDSAT_5"),
        ({"SPACECRAFT_ID": None}, "no spacecraft"),
        ({"PROCESSING_LEVEL": "L2SP"}, "not Level-1"),
        ({"SUN_ELEVATION": -3.0}, "Sun at -3.0 degrees"),
        ({"SUN_ELEVATION": None}, "does not state 'SUN_ELEVATION'"),
        ({"REFLECTANCE_ADD_BAND_3": None}, "does not state 'REFLECTANCE_ADD_BAND_3'"),
        ({"SCENE_CENTER_TIME": "soon"}, "states no time"),
    ],
)
def test_landsat_metadata_that_will_not_do(tmp_path, changed, words):
    with pytest.raises(InputFileError, match=words):
        open_scene(landsat(tmp_path / "scene", **changed))


def test_a_landsat_folder_without_one_mtl(tmp_path):
    folder = landsat(tmp_path / "scene")
    shutil.copy(folder / "LC09_MTL.json", folder / "LC08_MTL.json")
    with pytest.raises(InputFileError, match="2 MTL files"):
        open_scene(folder)
    (folder / "LC09_MTL.json").write_text("{ cut")
    with pytest.raises(InputFileError, match="cannot be read"):
        open_scene(folder / "LC09_MTL.json")


# Sentinel-2


def safe(folder, *, baseline="05.09", offset=-1000, level="1C", suffix="jp2"):
    """A Sentinel-2 product of three 10 m bands and one of 20 m: reflectance 0.1, 0.2, 0.3, 0.4."""
    images = folder / "GRANULE/L1C_T32/IMG_DATA"
    images.mkdir(parents=True)
    for index, (band, pixel_m) in enumerate({"B02": 10, "B03": 10, "B04": 10, "B08": 20}.items()):
        side = 400 // pixel_m
        dn = np.full((1, side, side), 1000 * (index + 1) - (offset or 0), np.uint16)
        dn[0, 0, 0] = 0
        plain = write(folder / "plain.tif", dn, pixel_m=float(pixel_m))
        file = images / f"T32_20240701_{band}.{suffix}"
        if suffix == "jp2":
            rasterio.shutil.copy(plain, file, driver="JP2OpenJPEG", QUALITY=100, REVERSIBLE="YES")
            Path(f"{file}.aux.xml").unlink(missing_ok=True)
        else:
            shutil.copy(plain, file)
    (folder / "plain.tif").unlink()
    what, tag = ("BOA_", "BOA_ADD_OFFSET") if level == "2A" else ("", "RADIO_ADD_OFFSET")
    offsets = (
        ""
        if offset is None
        else "".join(f'<{tag} band_id="{band}">{offset}</{tag}>' for band in range(13))
    )
    told = "" if baseline is None else f"<PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>"
    (folder / f"MTD_MSIL{level}.xml").write_text(
        f'<n1:Product xmlns:n1="https://psd"><n1:General>{told}'
        f"<{what}QUANTIFICATION_VALUE>10000</{what}QUANTIFICATION_VALUE>{offsets}"
        "</n1:General></n1:Product>"
    )
    (images.parent / "MTD_TL.xml").write_text(
        '<n1:Tile xmlns:n1="https://psd"><SENSING_TIME>2024-07-01T10:15:30.024Z</SENSING_TIME>'
        "<Mean_Sun_Angle><ZENITH_ANGLE>30</ZENITH_ANGLE><AZIMUTH_ANGLE>150</AZIMUTH_ANGLE>"
        "</Mean_Sun_Angle><Mean_Viewing_Incidence_Angle><ZENITH_ANGLE>8</ZENITH_ANGLE>"
        "<AZIMUTH_ANGLE>100</AZIMUTH_ANGLE></Mean_Viewing_Incidence_Angle></n1:Tile>"
    )
    return folder


@pytest.mark.parametrize("suffix", ["jp2", "tif"])
@pytest.mark.parametrize(("baseline", "offset"), [("05.09", -1000), ("02.09", None)])
def test_a_safe_folder_becomes_a_tile(tmp_path, baseline, offset, suffix):
    """With the offset and before it: the same reflectance."""
    folder = safe(tmp_path / "X.SAFE", baseline=baseline, offset=offset, suffix=suffix)
    tile = open_scene(folder)
    same = open_scene(folder / "MTD_MSIL1C.xml")
    assert np.array_equal(tile.numbers, same.numbers)
    assert tile.band_names == BANDS
    assert tile.grid.gsd_m == 10.0
    assert tile.grid.shape == (40, 40)
    assert tile.at_surface
    assert tile.sun_elevation_deg == 60.0
    assert tile.off_nadir_deg == 8.0
    assert tile.mask[0, 0] == NO_DATA
    assert (tile.mask[:2, :2] & NO_DATA).all()  # the 20 m band has none there
    middle = tile.numbers[:, 20, 20] * 1e-4
    assert 0.0 < middle[0] < 0.08
    assert 0.40 < middle[3] < 0.46


def test_level_2a_is_surface_reflectance_as_it_is(tmp_path):
    tile = open_scene(safe(tmp_path / "X.SAFE", level="2A"))
    assert tile.at_surface
    assert tile.numbers[:, 20, 20].tolist() == [1000, 2000, 3000, 4000]


@pytest.mark.parametrize(
    ("product", "stated", "words"),
    [
        ({"baseline": "05.09", "offset": None}, {}, "does not state RADIO_ADD_OFFSET"),
        ({"baseline": None, "offset": None}, {}, "at processing baseline unknown"),
        ({}, {"offset": 0.0}, "states the offset -0.1, not 0"),
        ({}, {"scale": 2e-4}, "states the scale 0.0001, not 0.0002"),
        ({}, {"bands": ("swir16",)}, "holds no band 'swir16'"),
    ],
)
def test_sentinel2_that_will_not_do(tmp_path, product, stated, words):
    with pytest.raises(InputFileError, match=words) as caught:
        open_scene(safe(tmp_path / "X.SAFE", **product), **stated)
    assert caught.value.way_out


def test_an_offset_stated_where_the_product_does_not(tmp_path):
    folder = safe(tmp_path / "X.SAFE", baseline="05.09", offset=None, level="2A")
    tile = open_scene(folder, offset=-0.05)
    assert tile.numbers[:, 20, 20].tolist() == [500, 1500, 2500, 3500]


def test_a_folder_of_bands_must_have_its_offset_stated(tmp_path):
    folder = tmp_path / "cogs"
    folder.mkdir()
    for index, band in enumerate(("B02", "B03", "B04", "B08")):
        write(folder / f"{band}.tif", np.full((1, 20, 20), 2000 + 1000 * index, np.uint16))
    with pytest.raises(InputFileError, match="offset of its numbers is not stated") as caught:
        open_scene(folder)
    assert "-0.1 for processing baseline 04.00" in caught.value.way_out
    assert open_scene(folder, offset=-0.1, at_surface=True).numbers[:, 9, 9].tolist() == [
        1000,
        2000,
        3000,
        4000,
    ]
    later = open_scene(folder, offset=-0.1, sensed_ns=NOON_NS)
    assert later.at_surface  # taken out: the bands are known, and the time
    assert later.numbers[0, 9, 9] < 900


# GeoTIFF


def test_a_geotiff_becomes_a_tile_as_it_is(tmp_path):
    image = numbers()
    tile = open_scene(write(tmp_path / "s.tif", image), scale=1e-4, at_surface=True)
    assert np.array_equal(tile.numbers, image)
    assert tile.band_names == BANDS
    assert tile.grid.transform == (10.0, 0.0, 5e5, 0.0, -10.0, 5e6)
    assert tile.at_surface
    assert np.isnan(tile.sun_elevation_deg)
    part = open_scene(tmp_path / "s.tif", scale=1e-4, window=(7, 3, 20, 10))
    assert np.array_equal(part.numbers, image[:, 3:13, 7:27])
    assert part.grid.transform == (10.0, 0.0, 5e5 + 70.0, 0.0, -10.0, 5e6 - 30.0)
    assert not part.at_surface


def test_a_margin_of_zeros_is_no_data_even_if_the_file_does_not_say_so(tmp_path):
    image = numbers()
    image[:, :7] = 0
    image[0, 20, 20] = 0  # one band alone may be dark
    tile = open_scene(write(tmp_path / "s.tif", image), scale=1e-4)
    assert ((tile.mask & NO_DATA) != 0)[:7].all()
    assert not ((tile.mask & NO_DATA) != 0)[7:].any()


def test_the_sun_follows_from_the_time(tmp_path):
    tile = open_scene(write(tmp_path / "s.tif", numbers()), scale=1e-4, sensed_ns=NOON_NS)
    assert 60.0 < tile.sun_elevation_deg < 70.0  # 45 N, 9 E, near noon in June
    assert 130.0 < tile.sun_azimuth_deg < 180.0
    assert tile.sensed_ns == NOON_NS


def test_cloud_shadow_and_water_are_masked(tmp_path, monkeypatch):
    monkeypatch.setattr(cloudnet, "suits", lambda band_names: False)  # squares are no scene
    image = np.empty((4, 120, 120), np.uint16)
    image[:] = np.array([900, 1000, 1100, 2800])[:, None, None]
    image[:, 80:110, 80:110] = np.array([900, 700, 400, 200])[:, None, None]  # water
    when = {"scale": 1e-4, "sensed_ns": NOON_NS}
    plain = open_scene(write(tmp_path / "plain.tif", image), **when)
    away = 600.0 / np.tan(np.radians(plain.sun_elevation_deg)) / 10.0  # of a cloud 600 m high
    sun = np.radians(plain.sun_azimuth_deg)
    down, right = round(away * np.cos(sun)), round(-away * np.sin(sun))
    assert down < 0  # to the north, with the Sun in the south
    image[:, 40 + down : 60 + down, 40 + right : 60 + right] //= 3
    image[:, 40:60, 40:60] = np.array([5000, 4900, 4800, 4900])[:, None, None]
    tile = open_scene(write(tmp_path / "s.tif", image), **when)
    assert (tile.mask[85:105, 85:105] == WATER).all()
    assert (tile.mask[42:58, 42:58] == CLOUD).all()
    shadow = np.zeros(tile.mask.shape, bool)
    shadow[40 + down : 60 + down, 40 + right : 60 + right] = True
    shadow &= (tile.mask & CLOUD) == 0
    assert ((tile.mask & SHADOW) != 0)[shadow].mean() > 0.9
    unlit = open_scene(tmp_path / "s.tif", scale=1e-4)
    assert not (unlit.mask & SHADOW).any()  # the Sun is not known


def test_bands_are_what_they_are_said_to_be(tmp_path):
    image = numbers(bands=6)
    names = ("NIR", "B02", "green", "Red", "elevation", "SWIR1")
    named = open_scene(write(tmp_path / "a.tif", image, names=names), scale=1e-4)
    assert named.band_names == ("nir", "blue", "green", "red", "swir16")
    assert np.array_equal(named.numbers, image[[0, 1, 2, 3, 5]])
    tags = {1: {"wavelength": "0.842 um"}, 2: {"wavelength": "490"}, 3: {"wavelength": "665 nm"}}
    path = write(tmp_path / "b.tif", image[:3], tags=tags)
    assert open_scene(path, scale=1e-4).band_names == ("nir", "blue", "red")
    path = write(tmp_path / "c.tif", image[:4], photometric="RGB")
    assert open_scene(path, scale=1e-4).band_names == ("red", "green", "blue", "nir")
    path = write(tmp_path / "d.tif", image[:5])
    stated = ("red", "", "green", "blue", "swir22")
    tile = open_scene(path, scale=1e-4, bands=stated)
    assert tile.band_names == ("red", "green", "blue", "swir22")
    assert np.array_equal(tile.numbers, image[[0, 2, 3, 4]])


def test_landsats_numbers_are_not_taken_for_sentinels(tmp_path):
    """B5 is red edge with one and near infrared with the other: only beside a B8 it is clear."""
    image = numbers()
    path = write(tmp_path / "a.tif", image, names=("B2", "B3", "B4", "B5"))
    assert open_scene(path, scale=1e-4).band_names == ("blue", "green", "red")
    path = write(tmp_path / "b.tif", image, names=("B02", "B05", "B08", "B11"))
    assert open_scene(path, scale=1e-4).band_names == ("blue", "rededge", "nir", "swir16")


def test_nan_borders_and_fill_are_no_data(tmp_path):
    image = numbers().astype(np.float32) * 1e-4
    image[:, :5] = np.nan
    image[2, :, :3] = -9999.0
    image[1, 30, 30] = np.inf
    tile = open_scene(write(tmp_path / "s.tif", image, nodata=-9999.0), scale=1.0)
    none = (tile.mask & NO_DATA) != 0
    truth = np.zeros_like(none)
    truth[:5] = truth[:, :3] = truth[30, 30] = True
    assert np.array_equal(none, truth)
    assert not tile.numbers[:, truth].any()
    assert tile.numbers[:, ~truth].all()
    assert tile.imaged_share == pytest.approx(1.0 - truth.mean())


def test_one_pixel_is_a_scene(tmp_path):
    image = numbers(1, 1)
    tile = open_scene(write(tmp_path / "s.tif", image), scale=1e-4)
    assert np.array_equal(tile.numbers, image)
    assert tile.mask.shape == (1, 1)


def large(path):
    """20,000 x 20,000 pixels of four bands, sparse: a few bytes on disk."""
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=4,
        height=20_000,
        width=20_000,
        dtype="uint16",
        crs="EPSG:32632",
        transform=rasterio.Affine(10, 0, 4e5, 0, -10, 5e6),
        tiled=True,
        sparse_ok=True,
    ) as file:
        block = rasterio.windows.Window(10_000, 15_000, 30, 20)
        file.write(numbers(20, 30), window=block)
    return path


def test_a_vast_image_is_read_in_windows(tmp_path):
    path = large(tmp_path / "vast.tif")
    tile = open_scene(path, scale=1e-4, window=(10_000, 15_000, 30, 20))
    assert np.array_equal(tile.numbers, numbers(20, 30))
    with pytest.raises(InputFileError, match="20000 x 20000 pixels of 4 bands") as caught:
        open_scene(path, scale=1e-4)
    assert "window=(0, 0, 6000, 6000)" in caught.value.way_out


def corrupt(path):
    write(path, np.tile(numbers(), (1, 8, 8)), compress="deflate")
    path.write_bytes(path.read_bytes()[:20_000])
    return path


BAD = {
    "no crs": (lambda p: write(p, numbers(), crs=None), {}, "no coordinate reference system"),
    "degrees": (lambda p: write(p, numbers(), crs="EPSG:4326", pixel_m=1e-4), {}, "not in metres"),
    "Web Mercator": (lambda p: write(p, numbers(), crs="EPSG:3857"), {}, "wrong by the factor"),
    "rotated": (
        lambda p: write(p, numbers(), transform=rasterio.Affine(9, 2, 5e5, 2, -9, 5e6)),
        {},
        "not north up",
    ),
    "oblong pixels": (
        lambda p: write(p, numbers(), transform=rasterio.Affine(10, 0, 5e5, 0, -20, 5e6)),
        {},
        "10 m wide and 20 m high",
    ),
    "no scale": (lambda p: write(p, numbers()), {"scale": None}, "does not state the scale"),
    "offset alone": (
        lambda p: write(p, numbers()),
        {"scale": None, "offset": -0.1},
        "without a scale",
    ),
    "wrong scale": (lambda p: write(p, numbers()), {"scale": 1.0}, "are no reflectances"),
    "unnamed bands": (lambda p: write(p, numbers(bands=5)), {}, "has 5 bands, not four"),
    "names too few": (lambda p: write(p, numbers()), {"bands": ("red",)}, "1 names are stated"),
    "unknown name": (
        lambda p: write(p, numbers()),
        {"bands": ("red", "green", "blue", "infrared")},
        "'infrared' is no band's common name",
    ),
    "wrong order": (
        lambda p: write(p, numbers(), names=("red", "green", "blue", "nir")),
        {"bands": BANDS},
        "band 1 is stated to be blue, but the file says red",
    ),
    "wrong order by wavelength": (
        lambda p: write(p, numbers(), tags={1: {"wavelength": "0.665"}}),
        {"bands": BANDS},
        "band 1 is stated to be blue, but the file says red",
    ),
    "one band twice": (
        lambda p: write(p, numbers(), names=("red", "red", "blue", "nir")),
        {},
        "more than one red band",
    ),
    "nothing but NaN": (
        lambda p: write(p, np.full((4, 9, 9), np.nan, np.float32)),
        {"scale": 1.0},
        "holds no data",
    ),
    "window outside": (
        lambda p: write(p, numbers()),
        {"window": (50, 0, 20, 20)},
        "not within its 60 x 40 pixels",
    ),
    "cut off": (corrupt, {}, "cannot be read as an image"),
    "no image": (lambda p: p.write_text("this is no picture") and p, {}, "cannot be read"),
    "absent": (lambda p: p, {}, "no such file or folder"),
    "empty folder": (lambda p: p.mkdir() or p, {}, "no band that is known"),
}


@pytest.mark.parametrize(("make", "stated", "words"), BAD.values(), ids=BAD.keys())
def test_bad_scenes_are_refused_in_words(tmp_path, make, stated, words):
    path = make(tmp_path / "mine.tif")
    with pytest.raises(InputFileError, match=words) as caught:
        open_scene(path, **({"scale": 1e-4} | stated))
    assert caught.value.where.startswith(str(tmp_path))
    assert caught.value.way_out
