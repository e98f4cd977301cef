"""A tip: what a satellite that has found something sends to the one that shall look again."""

from __future__ import annotations

import json
from dataclasses import dataclass

from orbitloom.errors import PacketError
from orbitloom.wire.answer import Answer, canonical_json
from orbitloom.wire.briefing import Earlier
from orbitloom.wire.tasking import CaptureTask

__all__ = ["Tip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """A request for a second look, with what it is to confirm or to retract.

    Attributes
    ----------
    look
        Who is asked, when, and where to point.
    earlier
        What was found.
    asked_ns
        When it was decided.
    """

    look: CaptureTask
    earlier: Earlier
    asked_ns: int

    @classmethod
    def of(cls, answer: Answer, look: CaptureTask, sensed_ns: int, asked_ns: int) -> Tip:
        """Return the tip that follows from an alert."""
        feature = answer.feature
        said = feature["properties"]
        earlier = Earlier(
            answer=feature["id"],
            event=said["event"],
            sensed_ns=sensed_ns,
            confidence=said["confidence"],
            area_km2=said["area_km2"],
            count=said["parts"],
            geometry=feature["geometry"],
        )
        return cls(look=look, earlier=earlier, asked_ns=asked_ns)

    def to_bytes(self) -> bytes:
        """Return the tip as canonical JSON."""
        look, earlier = self.look, self.earlier
        return canonical_json(
            {
                "asked_ns": self.asked_ns,
                "earlier": {name: getattr(earlier, name) for name in Earlier.__slots__},
                "look": {name: getattr(look, name) for name in CaptureTask.__slots__},
            }
        )

    @classmethod
    def from_bytes(cls, octets: bytes) -> Tip:
        """Return the tip that the bytes hold.

        Raises
        ------
        PacketError
            If they hold none.
        """
        try:
            told = json.loads(octets)
            return cls(
                look=CaptureTask(**told["look"]),
                earlier=Earlier(**told["earlier"]),
                asked_ns=told["asked_ns"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise PacketError(f"these bytes are not a tip: {error}") from None
