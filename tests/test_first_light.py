"""The default flight, whole: what the command leaves behind, judged from outside."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pystac
import pytest
import rasterio
from lxml import etree
from rio_cogeo.cogeo import cog_validate

import orbitloom as ol

CAP_XSD = Path(__file__).parents[1].parent / "shared" / "data" / "cap" / "CAP-v1.2.xsd"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fly flood12 for its six hours, full scenes, all arms."""
    folder = tmp_path_factory.mktemp("flight")
    ol.fly("flood12", out=folder)
    return folder


@pytest.fixture(scope="module")
def figures(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_bytes())


def test_the_folder_holds_what_was_promised(folder: Path, figures: dict) -> None:
    assert {file.name for file in folder.iterdir()} == {
        "catalog", "inbox", "ledger.parquet", "report.html", "run.json", "summary.json",
    }  # fmt: skip
    assert figures["captures"] >= 12
    counts = dict.fromkeys(("L0", "L1", "L2", "L4"), figures["captures"])
    overcast = [
        record
        for record in folder.glob("catalog/**/record.geojson")
        if json.loads(record.read_bytes())["properties"]["clear_share"] < 0.02
    ]
    assert figures["products"] == counts | {"L3": figures["captures"] - len(overcast)}
    assert 0 < len(overcast) < figures["captures"] / 2
    for arm in figures["arms"].values():
        assert arm["lost"] == 0
        assert arm["delivered"] + arm["undelivered"] == arm["answers"] == figures["captures"]
    assert len({arm["l4_digest"] for arm in figures["arms"].values()}) == 1


def test_the_ledger_is_contiguous_to_the_nanosecond(folder: Path, figures: dict) -> None:
    ledger = pd.read_parquet(folder / "ledger.parquet")
    assert list(ledger.columns) == [
        "arm", "capture", "product", "node", "step", "start_ns", "end_ns",
        "bytes_in", "bytes_out", "joules", "wait_cause",
    ]  # fmt: skip
    latencies = []
    answers = ledger[ledger["product"] == "answer"]
    for (arm, _), rows in answers.groupby(["arm", "capture"], sort=False):
        assert (rows.end_ns.to_numpy()[:-1] == rows.start_ns.to_numpy()[1:]).all()
        if arm == "orbit" and rows.step.iloc[-1] == "inbox":
            latencies.append((rows.end_ns.iloc[-1] - rows.start_ns.iloc[0]) / 1e9)
    orbit = figures["arms"]["orbit"]
    assert len(latencies) == orbit["delivered"]
    assert max(latencies) == pytest.approx(orbit["latency_s"]["p99"], abs=1e-5)


def test_the_gain_is_what_was_set_out(figures: dict) -> None:
    """At p90 20 times sooner than today's practice, 1,000 times fewer bytes for an answer."""
    orbit, raw, bentpipe = (figures["arms"][arm] for arm in ("orbit", "raw", "bentpipe"))
    end_s = figures["simulated_s"]
    assert orbit["latency_s"]["p90"] * 20 < (bentpipe["latency_s"]["p90"] or end_s)
    assert orbit["latency_s"]["p90"] < (raw["latency_s"]["p90"] or end_s)
    for other in (raw, bentpipe):
        assert orbit["bytes_per_answer"] * 1000 < other["bytes_per_answer"]


def test_the_answers_are_right(figures: dict) -> None:
    quality = figures["quality"]
    assert quality["recall"] >= 0.9
    assert quality["false_alerts"] == 0
    assert quality["iou_mean"] >= 0.8


def test_outside_judges_accept_what_was_delivered(folder: Path, figures: dict) -> None:
    catalog = pystac.Catalog.from_file(str(folder / "catalog" / "catalog.json"))
    assert catalog.validate_all() >= figures["arms"]["orbit"]["delivered"]
    chips = sorted(folder.glob("catalog/**/*.tif"))
    assert chips
    for chip in chips:
        valid, errors, notes = cog_validate(chip, strict=True, quiet=True)
        assert valid, (chip.name, errors, notes)
        with rasterio.open(chip) as raster:
            assert raster.crs is not None
    messages = sorted(folder.glob("inbox/*.xml"))
    updates = [file for file in messages if file.stem.endswith("-words")]
    alerts = len(messages) - len(updates)
    assert alerts == len(chips) == len(list(folder.glob("inbox/*.geojson")))
    assert len(updates) == figures["words"]["model"]
    if not CAP_XSD.is_file():
        pytest.skip("the OASIS schema is not beside the repository (shared/data/cap)")
    schema = etree.XMLSchema(etree.parse(str(CAP_XSD)))
    for alert in messages:
        schema.assertValid(etree.parse(str(alert)))
