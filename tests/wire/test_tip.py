from __future__ import annotations

import pytest

from orbitloom.errors import PacketError
from orbitloom.wire import Answer, CaptureTask, canonical_json
from orbitloom.wire.tip import Tip

LOOK = CaptureTask(
    capture=-1,
    satellite="SAT-02",
    target="Faenza",
    latitude_deg=44.3,
    longitude_deg=11.9,
    start_ns=2_000,
    end_ns=3_000,
    roll_deg=-12.5,
)
ALERT = Answer(
    record=canonical_json(
        {
            "type": "Feature",
            "id": "SAT-01-7",
            "geometry": {"type": "Point", "coordinates": [11.9, 44.3]},
            "properties": {"event": "flood", "confidence": 0.7, "area_km2": 3.5, "parts": 2},
        }
    )
)


def test_a_tip_comes_back_from_its_bytes():
    tip = Tip.of(ALERT, LOOK, sensed_ns=500, asked_ns=900)
    assert (tip.earlier.answer, tip.earlier.event, tip.earlier.count) == ("SAT-01-7", "flood", 2)
    assert Tip.from_bytes(tip.to_bytes()) == tip


@pytest.mark.parametrize(
    "octets", [b"", b"{}", b'{"look": 3, "earlier": {}, "asked_ns": 1}', b"\xff"]
)
def test_other_bytes_are_no_tip(octets):
    with pytest.raises(PacketError, match="not a tip"):
        Tip.from_bytes(octets)
