"""A signed small update of the cloud network: made below, carried as bytes, checked, taken back.

Its octets are canonical JSON and, behind it, their HMAC-SHA-256 (RFC 2104) under a key that only
this satellite and the ground have: the integrity mechanism BIB-HMAC-SHA2 of Bundle Protocol
Security (RFC 9173, section 3). A sequence number that only rises keeps an old one from being played
again, as the anti-replay of Space Data Link Security does (CCSDS 355.0-B-2, section 3.2.3.4). The
satellite tries an update on scenes that it kept, the same before and after, and keeps it only if it
does no harm.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orbitloom.errors import InputFileError, ModelError, OutputError
from orbitloom.processing import cloudnet
from orbitloom.processing.perception.score import Labelled, cloud_overlap
from orbitloom.processing.perception.tuning import Tuning
from orbitloom.wire import canonical_json

__all__ = ["LARGEST_BYTES", "Audit", "Update", "Updater", "read", "sign"]

LARGEST_BYTES = 20_000
"""An update is one small bundle."""
_TAG_BYTES = 32
_LEAST_KEY_BYTES = 32  # RFC 2104, section 3: not less than the hash gives
_FIRST = 1

_BANDS = len(cloudnet.BANDS)
_Gain = Annotated[float, Field(gt=0.05, lt=20.0)]
_Offset = Annotated[float, Field(ge=-1.0, le=1.0)]
_Column = Annotated[int, Field(ge=0, lt=1 << 16)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Update:
    """What an update says.

    Attributes
    ----------
    satellite
        Whom it is for.
    sequence
        Its number, above that of every one before.
    network_sha256
        The network that it changes.
    tuning
        The change.
    """

    satellite: str
    sequence: int
    network_sha256: str
    tuning: Tuning


class _Said(BaseModel):
    """The octets' JSON; a head is base64 of little-endian float32, line by line."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    satellite: str = Field(min_length=1, max_length=64)
    sequence: int = Field(ge=_FIRST)
    network_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    gain: list[_Gain] = Field(min_length=_BANDS, max_length=_BANDS)
    offset: list[_Offset] = Field(min_length=_BANDS, max_length=_BANDS)
    dead: list[list[_Column]] = Field(min_length=_BANDS, max_length=_BANDS)
    weights: str | None
    bias: str | None

    @model_validator(mode="after")
    def _has_all_of_a_head(self) -> _Said:
        if (self.weights is None) != (self.bias is None):
            raise ValueError("a head is weights and bias")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What came of an update, on the same scenes before and after.

    Attributes
    ----------
    sequence, update_sha256, network_sha256
        Which update, of which network.
    scenes_sha256
        Of the scenes that it was tried on.
    before, after
        Intersection over union of cloud, with what was active and with the update.
    margin
        How much less would have been borne.
    kept
        Whether it is active now; if not, what was active before is.
    """

    sequence: int
    update_sha256: str
    network_sha256: str
    scenes_sha256: str
    before: float
    after: float
    margin: float
    kept: bool

    def record(self) -> bytes:
        """Return it as canonical JSON, for the telemetry."""
        return canonical_json({name: getattr(self, name) for name in self.__slots__})


def sign(update: Update, key: bytes) -> bytes:
    """Return the octets of an update, signed.

    Raises
    ------
    ModelError
        If the key is short, the update says what none may, or is too large.
    """
    tuning = update.tuning
    said = canonical_json(
        {
            "satellite": update.satellite,
            "sequence": update.sequence,
            "network_sha256": update.network_sha256,
            "gain": [float(gain) for gain in tuning.gain],
            "offset": [float(offset) for offset in tuning.offset],
            "dead": [[int(column) for column in band] for band in tuning.dead],
            "weights": _text(tuning.weights),
            "bias": _text(tuning.bias),
        }
    )
    octets = said + _tag(said, key)
    read(octets, key, update.satellite, update.network_sha256, update.sequence - 1)
    return octets


def read(
    octets: bytes, key: bytes, satellite: str, network_sha256: str, last_sequence: int
) -> Update:
    """Return what an update says, if it is genuine, for this satellite and its network, and new.

    Parameters
    ----------
    octets
        As they came.
    key
        Of this satellite, 32 bytes or more.
    satellite, network_sha256
        Who reads it, and which network is on board.
    last_sequence
        Number of the last update that was taken; 0 before the first.

    Raises
    ------
    ModelError
        If it is not.
    """
    if not _TAG_BYTES < len(octets) <= LARGEST_BYTES:
        raise _refused(
            f"{len(octets)} bytes are no update", f"It has {LARGEST_BYTES} bytes at most"
        )
    body, tag = octets[:-_TAG_BYTES], octets[-_TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(body, key)):
        raise _refused(
            "its signature does not hold", "Send it again, signed with the key of this satellite"
        )
    try:
        said = _Said.model_validate(json.loads(body))
        tuning = Tuning(
            gain=np.array(said.gain, np.float32),
            offset=np.array(said.offset, np.float32),
            dead=tuple(tuple(band) for band in said.dead),
            weights=_array(said.weights, cloudnet.head()[0].shape),
            bias=_array(said.bias, cloudnet.head()[1].shape),
        )
    except ValueError as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise _refused(
            f"it does not say what an update says: {problem}",
            "Make it with orbitloom.processing.perception.update.sign",
        ) from None
    if said.satellite != satellite:
        raise _refused(f"it is for {said.satellite}, not for {satellite}", "Sign one for it")
    if said.network_sha256 != network_sha256:
        raise _refused(
            f"it changes the network {said.network_sha256[:12]}, on board is {network_sha256[:12]}",
            "Retrain on the network that is on board",
        )
    if said.sequence <= last_sequence:
        raise _refused(
            f"its number {said.sequence} is not above {last_sequence}, the last one taken",
            "Sign it anew with the next number",
        )
    return Update(
        satellite=said.satellite,
        sequence=said.sequence,
        network_sha256=said.network_sha256,
        tuning=tuning,
    )


class Updater:
    """Keeps a satellite's active update: takes new ones, tries them, and outlives restarts.

    Parameters
    ----------
    file
        Where its state is kept: the last sequence number and the octets of the active update.
    satellite, key
        Whose updates these are, and its key.

    Raises
    ------
    ModelError
        If the state is not what this satellite wrote.
    InputFileError
        If the state cannot be read.
    """

    def __init__(self, file: Path, satellite: str, key: bytes) -> None:
        self._file, self._satellite, self._key = file, satellite, key
        self._sequence, self._active = 0, b""
        self._tuning: Tuning | None = None
        try:
            state = file.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise InputFileError.from_os(error, file) from None
        body, tag = state[:-_TAG_BYTES], state[-_TAG_BYTES:]
        if not hmac.compare_digest(tag, _tag(body, key)):
            raise ModelError(
                "is not what this satellite wrote",
                where=str(file),
                way_out="Remove it: the network is then as built, and updates that were taken "
                "before could be played again, so change the key as well",
            )
        kept = json.loads(body)
        self._sequence, self._active = kept["sequence"], base64.b64decode(kept["active"])
        if self._active:
            network = cloudnet.model_hash()
            self._tuning = read(self._active, key, satellite, network, _FIRST - 1).tuning

    @property
    def tuning(self) -> Tuning | None:
        """What is active: for `cloud_masks`; None if the network is as built."""
        return self._tuning

    @property
    def sequence(self) -> int:
        """Number of the last update that was taken, kept or not; 0 before the first."""
        return self._sequence

    def apply(self, octets: bytes, scenes: Sequence[Labelled], margin: float = 0.005) -> Audit:
        """Check an update, try it on scenes that were kept, and keep it unless it is worse.

        Parameters
        ----------
        octets
            As they came.
        scenes
            Recent ones of this sensor, with truth: the same before and after.
        margin
            How much less intersection over union is borne.

        Raises
        ------
        ModelError
            If it is refused unseen; then nothing has changed, its number included.
        OutputError
            If the state cannot be written; then it is not active.
        """
        if not scenes:
            raise _refused(
                "there is no scene to try it on", "Keep some scenes of this sensor, with truth"
            )
        network = cloudnet.model_hash()
        update = read(octets, self._key, self._satellite, network, self._sequence)
        before, after = (cloud_overlap(scenes, tuning) for tuning in (self._tuning, update.tuning))
        kept = after >= before - margin
        self._write(update.sequence, octets if kept else self._active)
        if kept:
            self._tuning = update.tuning
        together = hashlib.sha256(b"".join(scene.sha256() for scene in scenes))
        return Audit(
            sequence=update.sequence,
            update_sha256=hashlib.sha256(octets).hexdigest(),
            network_sha256=network,
            scenes_sha256=together.hexdigest(),
            before=round(before, 6),
            after=round(after, 6),
            margin=margin,
            kept=kept,
        )

    def _write(self, sequence: int, active: bytes) -> None:
        """Write the state whole or not at all: it is on the disk before the old one is gone."""
        body = canonical_json(
            {"sequence": sequence, "active": base64.b64encode(active).decode("ascii")}
        )
        part = self._file.with_name(f".{self._file.name}.part")
        try:
            with part.open("wb") as stream:
                stream.write(body + _tag(body, self._key))
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(part, self._file)
        except OSError as error:
            raise OutputError.from_os(error, self._file, "Mend its rights and free space") from None
        self._sequence, self._active = sequence, active


def _tag(body: bytes, key: bytes) -> bytes:
    if len(key) < _LEAST_KEY_BYTES:
        raise _refused(
            f"a key of {len(key)} bytes is too short", f"Give one of {_LEAST_KEY_BYTES} or more"
        )
    return hmac.digest(key, body, "sha256")


def _refused(what: str, way_out: str) -> ModelError:
    return ModelError(what, where="update", way_out=way_out)


def _text(values: NDArray[np.float32] | None) -> str | None:
    if values is None:
        return None
    return base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")


def _array(text: str | None, shape: tuple[int, ...]) -> NDArray[np.float32] | None:
    if text is None:
        return None
    values: NDArray[Any] = np.frombuffer(base64.b64decode(text, validate=True), "<f4")
    if values.size != np.prod(shape) or not np.isfinite(values).all():
        raise ValueError(f"a head is {' x '.join(map(str, shape))} finite numbers")
    return values.reshape(shape).astype(np.float32)
