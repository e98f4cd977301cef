"""An answer: the L4 result of one capture, as the same bytes wherever it was made.

It holds nothing of where or when it was computed, so the satellite's and a station's are equal.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from orbitloom.errors import PacketError

__all__ = ["Answer", "AnswerKind", "canonical_json"]

AnswerKind = Literal["alert", "nothing_found", "not_observable"]

_HEAD = struct.Struct(">4sII")
_MAGIC = b"OLA1"


def canonical_json(value: Any) -> bytes:
    """Return JSON as the same bytes for the same value: sorted keys, no spaces, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """The L4 result of one capture.

    Attributes
    ----------
    record
        One GeoJSON feature (RFC 7946) as canonical JSON. Its properties hold at least ``kind``,
        ``capture``, ``satellite``, ``target``, ``app``, ``sensed`` (ISO 8601), and for an alert
        ``event``, ``area_km2``, ``area_sigma_km2``, ``confidence``, ``severity``, ``headline``;
        for ``not_observable`` the ``reason``.
    chip
        The evidence: a small cloud-optimised GeoTIFF, or nothing.
    """

    record: bytes
    chip: bytes = b""

    @property
    def feature(self) -> Mapping[str, Any]:
        """The record as a GeoJSON feature."""
        feature: Mapping[str, Any] = json.loads(self.record)
        return feature

    @property
    def kind(self) -> AnswerKind:
        """What was found: an alert, nothing, or nothing that could be seen."""
        kind: AnswerKind = self.feature["properties"]["kind"]
        return kind

    def to_bytes(self) -> bytes:
        """Return the L4 bytes: a header, the record, the chip."""
        return _HEAD.pack(_MAGIC, len(self.record), len(self.chip)) + self.record + self.chip

    @classmethod
    def from_bytes(cls, octets: bytes) -> Answer:
        """Return the answer that the bytes hold.

        Raises
        ------
        PacketError
            If they are not an answer, or not all of one.
        """
        if len(octets) < _HEAD.size or octets[:4] != _MAGIC:
            raise PacketError("these bytes are not an answer")
        _, record_size, chip_size = _HEAD.unpack_from(octets)
        if len(octets) != _HEAD.size + record_size + chip_size:
            raise PacketError(f"an answer of {record_size} + {chip_size} octets has been cut")
        middle = _HEAD.size + record_size
        return cls(record=octets[_HEAD.size : middle], chip=octets[middle:])

    def digest(self) -> str:
        """Return the SHA-256 of the L4 bytes, in hexadecimal."""
        return hashlib.sha256(self.to_bytes()).hexdigest()
