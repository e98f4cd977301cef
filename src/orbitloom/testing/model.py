"""The contract of a model: inherit it, give your model, and pytest checks that it keeps it.

::

    from orbitloom.testing.model import ModelContract

    class TestMine(ModelContract):
        @pytest.fixture
        def model(self):
            return MyModel()
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from orbitloom.processing.apps import Evidence
from orbitloom.processing.assess import Model

__all__ = ["ModelContract", "sample_evidence"]


def sample_evidence(**changes: float) -> Evidence:
    """Return the evidence of a clear flood of 5 km2, with what you change in it."""
    evidence = Evidence(
        event="flood",
        area_km2=5.0,
        area_sigma_km2=0.1,
        parts=2,
        contrast=0.5,
        cloud_edge_share=0.0,
        spoilt_share=0.0,
        clear_share=1.0,
    )
    return replace(evidence, **changes)  # type: ignore[arg-type]


_EVIDENCE = [
    sample_evidence(),
    sample_evidence(area_km2=0.1, area_sigma_km2=0.2),
    sample_evidence(contrast=-0.5),
    sample_evidence(cloud_edge_share=1.0, clear_share=0.05, area_km2=0.2),
    sample_evidence(area_km2=1e6, area_sigma_km2=1e3),
]


class ModelContract:
    """What every model keeps."""

    @pytest.fixture
    def model(self) -> Model:
        """Return the model under test; override it."""
        raise NotImplementedError

    @pytest.mark.parametrize("evidence", _EVIDENCE)
    def test_says_something_that_can_be_sent(self, model: Model, evidence: Evidence) -> None:
        """Rank in 0 to 1, a verdict, a reason of a sentence."""
        assessment = model.assess(evidence)
        assert 0.0 <= assessment.rank <= 1.0
        assert assessment.verdict in {"keep", "hold"}
        assert 0 < len(assessment.reason) <= 500

    @pytest.mark.parametrize("evidence", _EVIDENCE)
    def test_same_evidence_same_assessment(self, model: Model, evidence: Evidence) -> None:
        """An assessment depends on the evidence alone."""
        assert model.assess(evidence) == model.assess(evidence)

    def test_keeps_what_is_plain(self, model: Model) -> None:
        """A large, clear, cloudless flood goes out."""
        assert model.assess(sample_evidence()).verdict == "keep"

    def test_it_has_a_name(self, model: Model) -> None:
        """Answers name who assessed them."""
        assert model.name
