"""What `orbitloom bench` measures is the same flight both ways."""

from __future__ import annotations

import pytest

from orbitloom.bench.fleet import advance, advance_objects, world_of


def test_both_ways_of_the_bench_end_the_same() -> None:
    world = world_of(1, 12, hours=4.0)
    bus, plain = advance(world), advance_objects(world)
    assert len(plain) == len(bus.rows) == 12
    for row, craft in zip(bus.rows, plain, strict=True):
        assert row["solar_j"] > 0
        assert row["survey_done_s"] > 0
        for name in ("charge_j", "solar_j", "spilled_j", "consumed_j", "unmet_j"):
            assert row[name] == pytest.approx(getattr(craft.battery, name), rel=1e-9)
        assert row["busy_s"] == pytest.approx(craft.computer.busy_s, rel=1e-9)
        assert row["temperature_c"] == pytest.approx(craft.thermal.temperature_c, abs=1e-9)
