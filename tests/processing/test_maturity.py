"""What a second look makes of an earlier alert."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from orbitloom.processing.apps import Context, Finding
from orbitloom.processing.flood import FloodApp
from orbitloom.processing.l2 import CLOUD
from orbitloom.processing.maturity import maturity
from orbitloom.processing.outline import outline
from orbitloom.testing.app import sample_tile
from orbitloom.wire.briefing import Earlier

PLACE = Context(target="Deggendorf")
MINUTE_NS = 60 * 10**9


def earlier_on(tile, rows, columns, *, event="flood", confidence=0.6, sensed_ns=0):
    area = np.zeros(tile.grid.shape, bool)
    area[rows, columns] = True
    return Earlier(
        answer="SAT-01-7",
        event=event,
        sensed_ns=sensed_ns,
        confidence=confidence,
        area_km2=float(area.sum()) * tile.grid.cell_km2,
        count=1,
        geometry=outline(area, tile.grid, 5_600),
    )


def test_the_same_flood_again_confirms_and_the_odds_rise_by_nineteen():
    tile = sample_tile("water")
    finding = FloodApp().analyse(tile, PLACE)
    earlier = earlier_on(tile, slice(50, 90), slice(50, 90))
    assert maturity(finding, earlier, tile) == ("confirmed", pytest.approx(28.5 / 29.5))


def test_clear_ground_where_a_flood_was_said_retracts():
    """Odds 1.5 times (1 - 0.95) / (1 - 0.05)."""
    tile = sample_tile()
    verdict, confidence = maturity(
        Finding(clear_share=1.0), earlier_on(tile, slice(60, 140), slice(60, 140)), tile
    )
    odds = 1.5 * 0.05 / 0.95
    assert (verdict, confidence) == ("retracted", pytest.approx(odds / (1 + odds)))


def test_a_flood_elsewhere_does_not_confirm():
    tile = sample_tile("water")
    finding = FloodApp().analyse(tile, PLACE)
    earlier = earlier_on(tile, slice(5, 35), slice(5, 35))
    assert maturity(finding, earlier, tile)[0] == "retracted"


@pytest.mark.parametrize(("rows", "said"), [(28, "retracted"), (36, "early")])
def test_what_was_not_seen_retracts_nothing(rows, said):
    """Of the 80 rows of the earlier area 28 or 36 lie below cloud."""
    tile = sample_tile()
    tile.mask[60 : 60 + rows] = CLOUD
    earlier = earlier_on(tile, slice(60, 140), slice(60, 140))
    verdict, confidence = maturity(Finding(clear_share=0.8), earlier, tile)
    assert verdict == said
    if said == "early":
        assert confidence == earlier.confidence
    else:  # less certain than under a clear sky
        odds = 1.5 * 0.05 / 0.95
        assert odds / (1 + odds) < confidence < earlier.confidence


@pytest.mark.parametrize("reason", ["cloud", "night", "gap"])
def test_a_look_that_saw_nothing_says_nothing(reason):
    tile = sample_tile()
    earlier = earlier_on(tile, slice(60, 140), slice(60, 140))
    finding = Finding(clear_share=0.1, reason=reason)
    assert maturity(finding, earlier, tile) == ("early", 0.6)


def test_an_area_beyond_the_tile_stays_early():
    tile = sample_tile()
    earlier = earlier_on(tile, slice(60, 140), slice(60, 140))
    away = replace(tile, grid=replace(tile.grid, transform=(10.0, 0.0, 6e5, 0.0, -10.0, 5e6)))
    assert maturity(Finding(clear_share=1.0), earlier, away) == ("early", 0.6)


def test_a_scar_confirms_a_fire_and_a_fire_no_scar():
    tile = sample_tile("water")
    seen = FloodApp().analyse(tile, PLACE)
    scar = replace(seen, evidence=replace(seen.evidence, event="burn_scar"))
    fire = replace(seen, evidence=replace(seen.evidence, event="fire"))
    place = (slice(80, 90), slice(80, 90))
    assert maturity(scar, earlier_on(tile, *place, event="fire"), tile)[0] == "confirmed"
    assert maturity(fire, earlier_on(tile, *place, event="burn_scar"), tile)[0] == "retracted"


def test_a_ship_that_is_gone_may_have_left_and_one_within_reach_may_be_it():
    tile = replace(sample_tile("water"), sensed_ns=2 * MINUTE_NS)
    there = earlier_on(tile, slice(10, 14), slice(100, 104), event="dark_vessel")
    assert maturity(Finding(clear_share=1.0), there, tile) == ("early", 0.6)
    seen = FloodApp().analyse(tile, PLACE)
    seen = replace(seen, evidence=replace(seen.evidence, event="dark_vessel"))
    assert maturity(seen, there, tile)[0] == "confirmed"  # 460 m in two minutes are within reach
    soon = replace(there, sensed_ns=MINUTE_NS + 59 * 10**9)
    assert maturity(seen, soon, tile)[0] == "early"
