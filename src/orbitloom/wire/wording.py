"""Words that follow an alert: what a language model made of an answer that is already out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from orbitloom.errors import PacketError
from orbitloom.wire.answer import canonical_json

__all__ = ["Wording"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A text about an answer, and where it comes from.

    Attributes
    ----------
    capture
        Of the answer.
    answer_sha256
        Of the answer's bytes: to no other does the text belong.
    headline, text
        With the facts' values in them.
    provenance
        Who wrote it and what that took: model, runtime, hashes of weights, adapter and prompt,
        version of the rules, tokens, and modelled seconds and joules.
    """

    capture: int
    answer_sha256: str
    headline: str
    text: str
    provenance: Mapping[str, str | int | float]

    def to_bytes(self) -> bytes:
        """Return it as canonical JSON."""
        return canonical_json(
            {name: getattr(self, name) for name in type(self).__slots__}
            | {"provenance": dict(self.provenance)}
        )

    @classmethod
    def from_bytes(cls, octets: bytes) -> Wording:
        """Return what the bytes hold.

        Raises
        ------
        PacketError
            If they hold no words.
        """
        try:
            told = json.loads(octets)
            wording = cls(**told)
        except (ValueError, TypeError, RecursionError) as error:
            raise PacketError(f"these bytes are no words of an alert: {error}") from None
        kinds = {"capture": int, "answer_sha256": str, "headline": str, "text": str}
        wrong = [name for name, kind in kinds.items() if type(getattr(wording, name)) is not kind]
        if wrong or not isinstance(wording.provenance, dict):
            what = wrong[0] if wrong else "provenance"
            raise PacketError(f"words of an alert whose {what!r} is of another kind")
        return wording
