"""Fields that know where their default comes from."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Basis", "Section", "quantity"]

Basis = Literal["published", "derived", "estimate", "choice"]
"""How a default is known: published by its maker, derived from public data, an engineering
estimate, or a choice of whoever writes the scenario."""


class Section(BaseModel):
    """A section of a scenario: immutable, and strict about unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def quantity(default: Any, unit: str, basis: Basis, source: str, **limits: Any) -> Any:
    """Return a field with a default, its unit, its basis and its source.

    Parameters
    ----------
    default
        The value a scenario gets when it says nothing.
    unit
        The unit, as the suffix of the field's name has it; empty for a plain number or word.
    basis, source
        How the default is known and where from; `orbitloom show` prints both.
    limits
        What pydantic's ``Field`` takes: ``ge``, ``le``, ``gt``, ``lt``, ``min_length``, ...
    """
    extra: dict[str, Any] = {"unit": unit, "basis": basis, "source": source}
    return Field(default, json_schema_extra=extra, **limits)
