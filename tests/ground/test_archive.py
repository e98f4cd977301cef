"""The archive, held against pystac's own schemas, the extensions' where found, and rio-cogeo.

pystac ships the schemas of STAC 1.1 itself; those of the extensions are on the network. The
package ``eopf`` happens to ship them too: where it is installed they are checked as well.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pystac
import pystac.validation
import pytest
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from rio_cogeo.cogeo import cog_validate
from shapely.geometry import shape

from orbitloom.ground import Ground
from orbitloom.ground.archive import Archive

EXTENSION_HOST = "https://stac-extensions.github.io/"
EXTENSIONS = ("eo/v1.1.0", "processing/v1.2.0", "projection/v2.0.0", "view/v1.0.0")


@pytest.fixture
def catalog(tmp_path, scenario, make_answer, arrived_ns) -> pystac.Catalog:
    """A catalogue of four answers, read back from its files."""
    dateline = [
        [[[179.9, -17], [180, -17], [180, -16.9], [179.9, -17]]],
        [[[-180, -17], [-179.9, -17], [-180, -16.9], [-180, -17]]],
    ]
    ground = Ground(tmp_path, scenario)
    for answer in (
        make_answer(),
        make_answer("nothing_found", 8, geometry={"type": "Point", "coordinates": [-70.9, -53.0]}),
        make_answer("not_observable", 9, **{"eo:cloud_cover": 97.0}),
        make_answer("alert", 10, geometry={"type": "MultiPolygon", "coordinates": dateline}),
    ):
        ground.receive(answer, arrived_ns=arrived_ns, station="Troll")
    ground.close()
    return pystac.Catalog.from_file(str(tmp_path / "catalog" / "catalog.json"))


def _everything(catalog: pystac.Catalog) -> list[pystac.STACObject]:
    return [catalog, *catalog.get_children(), *catalog.get_items(recursive=True)]


def test_pystac_validates_everything_against_stac_itself(catalog):
    for thing in _everything(catalog):
        schemas = pystac.validation.validate_dict(thing.to_dict(), extensions=[])
        assert len(schemas) == 1
        assert "v1.1.0" in schemas[0]


def test_pystac_validates_the_items_against_their_extensions(catalog):
    package = find_spec("eopf")
    if package is None or package.origin is None:
        pytest.skip("no package that ships the extensions' schemas is installed (eopf)")
    schemas = Path(package.origin).parent / "product" / "stac_extensions" / "extensions"
    validator = JsonSchemaSTACValidator()
    for file in schemas.glob("*.json"):
        extension, _, version = file.stem.rpartition("_")
        uri = f"{EXTENSION_HOST}{extension}/{version}/schema.json"
        validator.schema_cache[uri] = json.loads(file.read_text())
    for item in catalog.get_items(recursive=True):
        declared = [f"{EXTENSION_HOST}{name}/schema.json" for name in EXTENSIONS]
        claim = item.to_dict() | {"stac_extensions": declared}
        checked = pystac.validation.validate_dict(claim, validator=validator)
        assert checked[1:] == declared


def test_the_catalogue_validates_without_a_network(catalog):
    assert catalog.validate_all() >= 1


def test_an_item_says_what_was_found_where_when_and_by_whom(catalog):
    item = next(catalog.get_items(recursive=True))

    assert item.id == "test-ring-5-0007"
    assert item.properties == {
        "datetime": "2026-06-14T01:02:03.456000Z",
        "title": "alert: Sava",
        "platform": "RING-03",
        "instruments": ["imager10m"],
        "gsd": 10.0,
        "processing:level": "L4",
        "gbt38026:grade": 6,
        "eo:cloud_cover": 12.5,
        "view:off_nadir": 11.0,
        "view:sun_elevation": 55.5,
        "orbitloom:app": "flood",
        "orbitloom:area_km2": 12.345,
        "orbitloom:area_sigma_km2": 0.5,
        "orbitloom:capture": 7,
        "orbitloom:confidence": 0.93,
        "orbitloom:digest": item.properties["orbitloom:digest"],
        "orbitloom:event": "flood",
        "orbitloom:headline": "Flood at Sava: 12.3 km2",
        "orbitloom:kind": "alert",
        "orbitloom:latency_s": 90.25,
        "orbitloom:received": "2026-06-14T01:03:33.706Z",
        "orbitloom:severity": "Severe",
        "orbitloom:station": "Troll",
        "orbitloom:target": "Sava",
        "orbitloom:writer": "template",
    }
    assert shape(item.geometry).is_valid
    assert item.bbox == [15.0, 45.0, 15.2, 45.1]


def test_the_assets_are_there_byte_for_byte(catalog, make_answer, chip):
    items = {item.id: item for item in catalog.get_items(recursive=True)}
    alert = items["test-ring-5-0007"]

    assert Path(alert.assets["chip"].get_absolute_href()).read_bytes() == chip
    record = Path(alert.assets["record"].get_absolute_href()).read_bytes()
    assert record == make_answer().record
    assert alert.assets["chip"].media_type == pystac.MediaType.COG
    assert alert.assets["record"].media_type == pystac.MediaType.GEOJSON
    assert set(items["test-ring-5-0009"].assets) == {"record"}


def test_the_chip_is_a_cloud_optimised_geotiff_on_the_grid_that_the_item_says(catalog):
    asset = next(catalog.get_items(recursive=True)).assets["chip"]
    valid, errors, warnings = cog_validate(asset.get_absolute_href(), strict=True)

    assert (valid, errors, warnings) == (True, [], [])
    assert asset.extra_fields == {
        "proj:code": "EPSG:32633",
        "proj:shape": [48, 64],
        "proj:transform": [10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0],
        "proj:bbox": [500_000.0, 4_999_520.0, 500_640.0, 5_000_000.0],
    }


def test_the_collection_summarises_its_items(catalog):
    (collection,) = catalog.get_children()

    assert collection.id == "flood"
    assert collection.summaries.to_dict() == {
        "platform": ["RING-03"],
        "processing:level": ["L4"],
        "gbt38026:grade": [6],
        "orbitloom:kind": ["alert", "not_observable", "nothing_found"],
        "eo:cloud_cover": {"minimum": 12.5, "maximum": 97.0},
        "gsd": {"minimum": 10.0, "maximum": 10.0},
        "view:off_nadir": {"minimum": 11.0, "maximum": 11.0},
        "view:sun_elevation": {"minimum": 55.5, "maximum": 55.5},
    }
    assert collection.extent.spatial.bboxes == [[-180.0, -53.0, 180.0, 45.1]]


def test_no_link_or_asset_leaves_the_catalogue_or_names_the_machine(catalog, tmp_path):
    for file in (tmp_path / "catalog").rglob("*.json"):
        assert str(tmp_path) not in file.read_text()
        content = json.loads(file.read_text())
        hrefs = [link["href"] for link in content["links"]]
        hrefs += [asset["href"] for asset in content.get("assets", {}).values()]
        for href in hrefs:
            target = (file.parent / href).resolve()
            assert target.is_file()
            assert (tmp_path / "catalog").resolve() in target.parents


def test_two_applications_are_two_collections(tmp_path, scenario, make_answer, arrived_ns):
    ground = Ground(tmp_path, scenario)
    for capture, app in ((1, "flood"), (2, "burn scar/2")):
        ground.receive(make_answer(capture=capture, app=app), arrived_ns=arrived_ns, station="T")
    ground.close()
    catalog = pystac.Catalog.from_file(str(tmp_path / "catalog" / "catalog.json"))

    assert [child.id for child in catalog.get_children()] == ["burn-scar-2", "flood"]


def test_an_archive_of_nothing_is_a_catalogue_all_the_same(tmp_path, scenario):
    Archive(tmp_path, scenario).close()
    catalog = pystac.Catalog.from_file(str(tmp_path / "catalog.json"))

    assert pystac.validation.validate_dict(catalog.to_dict(), extensions=[])
