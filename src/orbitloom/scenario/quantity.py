"""Fields that know where their default comes from."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Basis", "Section", "quantity"]

Basis = Literal["published", "derived", "estimate", "choice"]
"""How a default is known: published by its maker, derived from public data, an engineering
estimate, or a choice of whoever writes the scenario."""


_LARGEST = {"s": 1e6}
_LARGEST_ELSE = 1e12
_SMALLEST = 1e-9


class Section(BaseModel):
    """A section of a scenario: immutable, strict about unknown keys and absurd numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="after")
    def _numbers_are_of_this_world(self) -> Self:
        for name, field in type(self).model_fields.items():
            told, value = field.json_schema_extra, getattr(self, name)
            if isinstance(told, dict) and isinstance(value, float) and value != 0.0:
                largest = _LARGEST.get(str(told["unit"]), _LARGEST_ELSE)
                if not _SMALLEST <= abs(value) <= largest:
                    limits = f"{_SMALLEST:g} to {largest:g}"
                    raise ValueError(f"{name} = {value:g} is beyond what can be flown ({limits})")
        return self


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
