"""Numbers that are finite and still absurd are refused before anything is flown."""

from __future__ import annotations

import pytest

from orbitloom.errors import ScenarioError
from orbitloom.scenario import load


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"downlink": {"rate_mbps": 1e300}}, r"downlink.*rate_mbps = 1e\+300"),
        ({"downlink": {"rate_mbps": 1e-300}}, r"rate_mbps = 1e-300"),
        ({"laser": {"acquisition_s": 1e12}}, r"acquisition_s = 1e\+12"),
        ({"store": {"capacity_tb": 1e300}}, r"capacity_tb = 1e\+300"),
        ({"compute": {"peak_tops": 1e-300}}, r"peak_tops = 1e-300"),
        ({"heat": {"shutdown_c": 70.0}}, r"must be above throttle_c = 80"),
        ({"model": {"head_parameters": 9e9}}, r"head and embedding have"),
        ({"instrument": {"lines": 20000, "columns": 20000}}, r"1\.6e\+09 samples"),
        ({"start": "9999-12-31T00:00:00Z"}, r"not within 1973 to 2199"),
        ({"start": "1960-01-01T00:00:00Z"}, r"not within 1973 to 2199"),
        (
            {"hours": 240.0, "fleet": {"kind": "walker", "planes": 1000, "per_plane": 1000}},
            r"1,000,000 satellites for 240 h do not fit in memory",
        ),
    ],
)
def test_absurd_numbers_are_refused(changes, what):
    with pytest.raises(ScenarioError, match=what):
        load("flood12", **changes)
