from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
import rasterio
from rio_cogeo import cog_validate
from shapely.geometry import shape

from orbitloom.errors import ScenarioError
from orbitloom.processing.chain import GATE_CLEAR_SHARE, process
from orbitloom.processing.chip import CLASSES
from orbitloom.wire import Answer, canonical_json
from orbitloom.wire.imager import (
    ANCILLARY_APID,
    SCIENCE_APID,
    decode_ancillary,
    encode_ancillary,
)
from orbitloom.wire.space_packet import encode_packet


def run(capture, packets=None, task=None, app="flood", model="rules"):
    stream = b"".join(encode_packet(packet) for packet in packets or capture.packets)
    return process(stream, task or capture.task, capture.calibration, app, model)


@pytest.fixture(scope="module")
def result(lake):
    return run(lake)


def test_a_lake_becomes_an_alert(result):
    feature = result.answer.feature
    said = feature["properties"]
    assert result.answer.kind == "alert"
    # 100 lines x 80 columns of 10 m
    assert said["area_km2"] == pytest.approx(0.8, abs=0.02)
    assert abs(said["area_km2"] - 0.8) < 2 * said["area_sigma_km2"]
    assert said["event"] == "flood"
    assert said["severity"] == "Minor"
    assert 0 < said["confidence"] <= 1
    assert said["target"] == "Null Island"
    assert said["sensed"] == "2026-06-14T10:00:00.168Z"
    assert said["processing:level"] == "L4"
    assert said["calibration_id"] == "test/1"
    assert said["model"]["verdict"] == "keep"
    assert said["gaps"] == 0
    assert said["clear_share"] == 1.0
    outline = shape(feature["geometry"])
    assert outline.is_valid
    # lines 60-160 of 240 and columns 50-130 of 200, 10 m each, seen flying south from above (0, 0)
    west, south, east, north = (value * 111_000 for value in outline.bounds)
    assert west == pytest.approx(-(130 - 100) * 10, abs=25)
    assert east == pytest.approx((100 - 50) * 10, abs=25)
    assert north == pytest.approx((120 - 60) * 10, abs=25)
    assert south == pytest.approx((120 - 160) * 10, abs=25)


def test_the_answer_is_small_canonical_and_comes_back(result):
    octets = result.answer.to_bytes()
    assert len(octets) <= 10_000
    assert Answer.from_bytes(octets) == result.answer
    assert canonical_json(json.loads(result.answer.record)) == result.answer.record
    assert result.level_bytes["L4"] == len(octets)
    assert list(result.level_bytes) == ["L0", "L1", "L2", "L3", "L4"]


def test_the_chip_shows_the_flood_where_it_is(result, tmp_path):
    path = tmp_path / "chip.tif"
    path.write_bytes(result.answer.chip)
    assert cog_validate(path, strict=True) == (True, [], [])
    with rasterio.open(path) as dataset:
        assert dataset.crs.to_epsg() == result.grid.epsg
        assert dataset.count == 4
        classes = dataset.read(4)
        cell_km2 = dataset.transform.a**2 * 1e-6
        red, green, blue = (dataset.read(n).astype(int) for n in (1, 2, 3))
    found = classes == CLASSES["found"]
    assert found.sum() * cell_km2 == pytest.approx(
        result.answer.feature["properties"]["area_km2"], rel=0.1
    )
    clear = classes == CLASSES["clear"]
    assert (green - red)[found].mean() > (green - red)[clear].mean() + 10
    assert blue[clear].mean() > 20


def test_again_elsewhere_the_same_digest(lake, result):
    stream = b"".join(encode_packet(packet) for packet in lake.packets)
    arguments = (stream, lake.task, lake.calibration, "flood", "rules")
    digest = result.answer.digest()
    assert process(*arguments).answer.digest() == digest
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(process, *arguments) for _ in range(4)]
        assert {job.result().answer.digest() for job in jobs} == {digest}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        again = pool.submit(process, *arguments).result()
    assert again.answer.digest() == digest
    assert again.level_bytes == result.level_bytes


def test_disorder_and_duplicates_change_nothing_but_the_hash_of_the_packets(lake, result):
    order = np.random.default_rng(0).permutation(len(lake.packets))
    packets = [lake.packets[index] for index in order] + lake.packets[:10]
    other = run(lake, packets)
    assert (other.duplicates, other.gaps) == (10, 0)
    said, before = dict(other.answer.feature["properties"]), result.answer.feature["properties"]
    said["packets_sha256"] = before["packets_sha256"]
    assert said == before
    assert other.answer.feature["geometry"] == result.answer.feature["geometry"]
    assert other.answer.chip == result.answer.chip


def test_lost_lines_cost_little(lake, result):
    rng = np.random.default_rng(5)
    packets = [packet for packet in lake.packets if rng.random() > 0.05]
    other = run(lake, packets)
    assert other.gaps == len(lake.packets) - len(packets)
    assert other.answer.kind == "alert"
    assert other.answer.feature["properties"]["area_km2"] == pytest.approx(0.8, abs=0.05)


def test_land_is_nothing_found_and_tells_where_it_looked(land):
    answer = run(land).answer
    assert answer.kind == "nothing_found"
    assert answer.chip == b""
    footprint = shape(answer.feature["geometry"])
    assert footprint.area * 111**2 == pytest.approx(2.4 * 2.0, rel=0.02)


def test_cloud_is_not_observable(overcast):
    said = run(overcast).answer.feature["properties"]
    assert (said["kind"], said["reason"]) == ("not_observable", "cloud")
    assert said["clear_share"] < 0.01


def test_night_is_not_observable(lake):
    late = lake.task.middle_ns + 12 * 3600 * 10**9
    task = replace(lake.task, start_ns=late, end_ns=late + 10**9)
    said = run(lake, task=task).answer.feature["properties"]
    assert (said["kind"], said["reason"]) == ("not_observable", "night")


@pytest.mark.parametrize("left", ["nothing", "one ancillary", "no science"])
def test_too_little_arrived(lake, left):
    ancillary = [packet for packet in lake.packets if packet.apid == ANCILLARY_APID]
    science = [packet for packet in lake.packets if packet.apid == SCIENCE_APID]
    packets = {
        "nothing": [],
        "one ancillary": ancillary[:1] + science,
        "no science": ancillary,
    }[left]
    stream = b"".join(encode_packet(packet) for packet in packets)
    result = process(stream, lake.task, lake.calibration, "flood", "rules")
    said = result.answer.feature["properties"]
    assert (said["kind"], said["reason"]) == ("not_observable", "gap")
    assert result.grid is None
    assert result.answer.feature["geometry"] == {"type": "Point", "coordinates": [0.0, 0.0]}


def test_most_lines_lost_is_a_gap(land):
    packets = [
        packet
        for index, packet in enumerate(land.packets)
        if packet.apid == ANCILLARY_APID or index < 100
    ]
    said = run(land, packets).answer.feature["properties"]
    assert (said["kind"], said["reason"]) == ("not_observable", "gap")


@pytest.mark.parametrize("names", [("fires", "rules"), ("flood", "oracle")])
def test_unknown_names_are_said_plainly(lake, names):
    with pytest.raises(ScenarioError, match="is called"):
        run(lake, app=names[0], model=names[1])


def spoiled(packets, change):
    return [
        replace(packet, body=encode_ancillary(change(decode_ancillary(packet.body))))
        if packet.apid == ANCILLARY_APID
        else packet
        for packet in packets
    ]


def test_packets_that_tell_of_no_view_of_the_earth_are_answered(lake):
    def about_face(record):
        w, x, y, z = record.attitude  # half a circle about the body's x axis
        return replace(record, attitude=(-x, w, z, -y))

    result = run(lake, spoiled(lake.packets, about_face))
    said = result.answer.feature["properties"]
    assert (said["kind"], said["reason"]) == ("not_observable", "geolocation")
    assert result.grid is None


@pytest.mark.parametrize("field", ["position_ecef_m", "velocity_ecef_m_s", "detector_c"])
def test_ancillary_records_that_are_not_numbers_are_refused(lake, field):
    def no_number(record):
        value = float("nan") if field == "detector_c" else (float("inf"), 0.0, 0.0)
        return replace(record, **{field: value})

    result = run(lake, spoiled(lake.packets, no_number))
    said = result.answer.feature["properties"]
    assert (said["kind"], said["reason"]) == ("not_observable", "gap")
    assert result.refused > 0


def test_the_gate_ends_what_is_under_cloud_and_changes_nothing_else(lake, overcast):
    def gated(capture, app="flood"):
        stream = b"".join(encode_packet(packet) for packet in capture.packets)
        return process(stream, capture.task, capture.calibration, app, "rules", gate=True)

    closed, opened = gated(overcast), run(overcast)
    assert set(closed.level_bytes) == {"L0", "L1", "L2", "L4"}
    assert set(opened.level_bytes) == {"L0", "L1", "L2", "L3", "L4"}
    said = closed.answer.feature["properties"]
    assert (closed.answer.kind, said["reason"]) == ("not_observable", "cloud")
    assert said["clear_share"] < GATE_CLEAR_SHARE
    assert said["eo:cloud_cover"] == pytest.approx(100 * (1 - said["clear_share"]), abs=0.01)
    assert closed.grid == opened.grid, "so that what was missed can be judged"
    assert gated(lake).answer == run(lake).answer
