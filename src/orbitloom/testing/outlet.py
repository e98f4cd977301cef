"""The contract of an outlet: inherit it, give your outlet, and pytest checks that it keeps it.

::

    from orbitloom.testing.outlet import OutletContract

    class TestMine(OutletContract):
        @pytest.fixture
        def outlet(self):
            return MyOutlet()
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from orbitloom.ground import Arrival, Outlet
from orbitloom.ground.outlets import Rewording
from orbitloom.scenario import time
from orbitloom.wire import Answer, Wording, canonical_json

__all__ = ["OutletContract", "sample_arrival"]

_SENSED = "2026-06-14T01:02:03.456Z"
_PLACES: dict[str, dict[str, Any]] = {
    "a polygon": {
        "type": "Polygon",
        "coordinates": [[[15.0, 45.0], [15.2, 45.0], [15.2, 45.1], [15.0, 45.1], [15.0, 45.0]]],
    },
    "two parts at the antimeridian": {
        "type": "MultiPolygon",
        "coordinates": [
            [[[179.9, -17], [180, -17], [180, -16.9], [179.9, -16.9], [179.9, -17]]],
            [[[-180, -17], [-179.9, -17], [-179.9, -16.9], [-180, -16.9], [-180, -17]]],
        ],
    },
    "a point": {"type": "Point", "coordinates": [15.1, 45.05]},
}
_HOSTILE = {
    "markup": "A & B <River> \"quoted\" 'too' ]]> <!--",
    "templates": "${x} %s {0} \\ / ../../etc",
    "control": "control \x00\x07\x1b\x7f\ufffe and \n lines \u2028",
    "scripts": "洪水 наводнение 🌊",
    "long": "long " * 500,
}


def sample_arrival(
    kind: str = "alert",
    *,
    capture: int = 7,
    place: str = "a polygon",
    chip: bytes = b"II*\x00 not a real picture",
    **said: Any,
) -> Arrival:
    """Return an arrival as the ground hands it to an outlet.

    Parameters
    ----------
    kind
        ``alert``, ``nothing_found`` or ``not_observable``.
    place
        "a polygon", "two parts at the antimeridian" or "a point".
    said
        Goes into the record's properties, over what the sample says.
    """
    properties: dict[str, Any] = {
        "app": "flood",
        "capture": capture,
        "kind": kind,
        "satellite": "RING-03",
        "sensed": _SENSED,
        "target": "Sava",
    }
    if kind == "alert":
        properties |= {
            "area_km2": 12.345,
            "area_sigma_km2": 0.5,
            "confidence": 0.93,
            "event": "flood",
            "headline": "Flood at Sava: 12.3 km2",
            "severity": "Severe",
        }
    if kind == "not_observable":
        properties["reason"] = "cloud"
    feature = {"type": "Feature", "geometry": _PLACES[place], "properties": properties | said}
    return Arrival(
        answer=Answer(record=canonical_json(feature), chip=chip),
        flight="sample-0",
        note="Simulated: a sample",
        arrived_ns=time.from_iso(_SENSED) + 90_250_000_000,
        station="Troll",
    )


class OutletContract:
    """What every outlet keeps, ours and a user's.

    Attributes
    ----------
    said
        What the answers that it serves say besides, as ``{"app": "maritime", "details": [...]}``.
    """

    said: ClassVar[Mapping[str, Any]] = {}

    def sample(self, kind: str = "alert", **said: Any) -> Arrival:
        """Return an arrival that the outlet under test may serve."""
        return sample_arrival(kind, **{**self.said, **said})

    @pytest.fixture
    def outlet(self) -> Outlet:
        """Return the outlet under test."""
        raise NotImplementedError("give the contract an outlet: override the fixture 'outlet'")

    @pytest.fixture(params=["alert", "nothing_found", "not_observable"])
    def kind(self, request: pytest.FixtureRequest) -> str:
        """Return each kind of answer in turn."""
        return str(request.param)

    def test_it_serves_at_least_one_kind(self, outlet: Outlet) -> None:
        """An outlet that never writes is a mistake."""
        kinds = ("alert", "nothing_found", "not_observable")
        assert any(outlet.render(self.sample(kind)) for kind in kinds)

    def test_it_returns_a_named_file_or_nothing(self, outlet: Outlet, kind: str) -> None:
        """The name is plain, says which answer it is and has an extension; the file has content."""
        arrival = self.sample(kind)
        file = outlet.render(arrival)
        if file is not None:
            name, content = file
            assert name.startswith(f"{arrival.stem}.")
            assert len(name) > len(arrival.stem) + 1
            assert not set(name) & set('/\\:*?"<>|\0')
            assert isinstance(content, bytes)
            assert content

    def test_the_same_arrival_gives_the_same_bytes(self, outlet: Outlet, kind: str) -> None:
        """No clock, no random number, no memory of what came before."""
        first = outlet.render(self.sample(kind))
        outlet.render(self.sample("alert", capture=8))
        assert outlet.render(self.sample(kind)) == first

    def test_two_captures_are_two_files(self, outlet: Outlet, kind: str) -> None:
        """Neither the name nor the content of one answer is another's."""
        files = [outlet.render(self.sample(kind, capture=capture)) for capture in (7, 12345)]
        if files[0] is not None and files[1] is not None:
            assert files[0][0] != files[1][0]
            assert files[0][1] != files[1][1]
        else:
            assert files == [None, None]

    def test_it_leaves_the_answer_as_it_is(self, outlet: Outlet, kind: str) -> None:
        """Rendering changes no byte of the answer and nothing of its parsed record."""
        arrival = self.sample(kind)
        outlet.render(arrival)
        assert canonical_json(arrival.feature) == arrival.answer.record
        assert arrival.answer == self.sample(kind).answer

    @pytest.mark.parametrize("place", sorted(_PLACES))
    def test_it_takes_every_kind_of_place(self, outlet: Outlet, place: str) -> None:
        """A polygon, parts on both sides of the antimeridian, a point."""
        silent = outlet.render(self.sample()) is None
        assert (outlet.render(self.sample(place=place)) is None) == silent

    @pytest.mark.parametrize("name", sorted(_HOSTILE))
    def test_hostile_text_neither_breaks_it_nor_reaches_the_name(
        self, outlet: Outlet, name: str
    ) -> None:
        """A target's name and a headline come from outside."""
        text = _HOSTILE[name]
        plain = outlet.render(self.sample())
        hostile = outlet.render(self.sample(target=text, headline=text))
        assert (hostile and hostile[0]) == (plain and plain[0])

    def test_it_needs_no_evidence(self, outlet: Outlet, kind: str) -> None:
        """An answer may come without a chip."""
        silent = outlet.render(self.sample(kind)) is None
        assert (outlet.render(self.sample(kind, chip=b"")) is None) == silent

    @pytest.mark.parametrize("text", sorted(_HOSTILE.values()))
    def test_words_that_follow_are_another_file(self, outlet: Outlet, text: str) -> None:
        """Of an outlet with `reword`: named after the alert, the same bytes for the same words."""
        if not isinstance(outlet, Rewording):
            return
        arrival = self.sample()
        rendered = outlet.render(arrival)
        wording = Wording(
            capture=arrival.capture,
            answer_sha256=arrival.answer.digest(),
            headline=text,
            text=text,
            provenance={"writer": "model"},
        )
        first = outlet.reword(arrival, wording, arrival.arrived_ns + 1)
        assert outlet.reword(arrival, wording, arrival.arrived_ns + 1) == first
        if first is not None:
            assert first[0].startswith(arrival.stem)
            assert not set(first[0]) & set('/\\:*?"<>|\0')
            assert first[0] != (rendered and rendered[0])
