"""The model seam: what the on-board AI does with a finding, and a model made of rules.

A model ranks a finding and may hold it back. It is a Python entry point in ``orbitloom.models``;
what it costs is in `inference.assessment_cost`, whichever model it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from orbitloom.processing.apps import Evidence

__all__ = ["Assessment", "Model", "RuleModel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What a model says of a finding.

    Attributes
    ----------
    rank
        0 to 1; a higher one should be looked at first.
    verdict
        Whether the finding goes out as an alert or is held back.
    reason
        Why, in one sentence.
    """

    rank: float
    verdict: Literal["keep", "hold"]
    reason: str


class Model(Protocol):
    """Assesses findings. Pure: the same evidence gives the same assessment."""

    @property
    def name(self) -> str:
        """Its entry point's name."""
        ...

    def assess(self, evidence: Evidence) -> Assessment:
        """Return a rank, a verdict and the reason."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleModel:
    """Holds back what a careful analyst would not send; the first rule that applies speaks.

    Parameters
    ----------
    least_sigmas
        Areas must exceed their uncertainty this many times.
    least_contrast
        Median index inside less the threshold.
    largest_cloud_edge_share, least_cut_km2
        With more of the edge on cloud or shadow, and a smaller area than this, it is more likely a
        piece of those. A large flood below broken cloud is kept: its edge is cut, its inside seen.
    """

    name: str = "rules"
    least_sigmas: float = 3.0
    least_contrast: float = 0.10
    largest_cloud_edge_share: float = 0.5
    least_cut_km2: float = 0.5

    def assess(self, evidence: Evidence) -> Assessment:
        """Return the rank (larger and clearer is higher), and whether a rule speaks against it."""
        size = evidence.area_km2 / (evidence.area_km2 + 1.0)
        rank = round(size * min(1.0, max(0.0, evidence.contrast) / 0.3), 3)
        if evidence.area_km2 < self.least_sigmas * evidence.area_sigma_km2:
            reason = f"the area is below {self.least_sigmas:g} times its uncertainty"
        elif evidence.contrast < self.least_contrast:
            reason = "it hardly differs from its surroundings"
        elif (
            evidence.cloud_edge_share > self.largest_cloud_edge_share
            and evidence.area_km2 < self.least_cut_km2
        ):
            reason = "it is small, and most of its edge is cloud or shadow"
        else:
            return Assessment(rank=rank, verdict="keep", reason="no rule speaks against it")
        return Assessment(rank=rank, verdict="hold", reason=reason)
