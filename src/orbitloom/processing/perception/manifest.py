"""What a small network of ours is: the manifest beside its file, and a file that is that one."""

from __future__ import annotations

import hashlib
import tomllib
from importlib.resources import files
from importlib.resources.abc import Traversable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orbitloom.errors import ModelError

__all__ = ["Head", "Manifest", "load"]

_WAY_OUT = "Install Orbitloom again; scripts/ says how each network is made"
_Sha256 = Field(pattern="^[0-9a-f]{64}$")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Head(_Strict):
    """Names of tensors in the graph: the last layer's weights and bias, and what it works on."""

    weights: str
    bias: str
    features: str


class Manifest(_Strict):
    """What the manifest of a network says.

    Attributes
    ----------
    sha256, bytes
        Of the ``.onnx`` file.
    baseline_sha256
        Of the ``.npz`` file beside it, the training set's statistics (`perception.drift`).
    inputs, units, outputs
        The channels that go in and out.
    made_by, training, seeds_from
        The script, what it trained on, and the first seed of its scenes; lower ones are held out.
    scores
        Intersection over union by kind of scene, on seeds that are held out.
    not_for
        Where it is not to be trusted.
    """

    name: str
    sha256: str = _Sha256
    bytes: int = Field(ge=1, le=5_000_000)
    baseline_sha256: str = _Sha256
    parameters: int = Field(ge=1)
    inputs: list[str]
    units: str
    outputs: list[str]
    made_by: str
    training: str
    seeds_from: int
    not_for: str
    licence: str
    head: Head
    scores: dict[str, float]


def load(name: str, folder: Traversable | None = None) -> tuple[Manifest, bytes, bytes]:
    """Return the manifest, the network and the baseline of one of our networks.

    Parameters
    ----------
    name
        Its name, such as ``cloud``.
    folder
        Where its files are; the package's own ``models`` if not given.

    Raises
    ------
    ModelError
        If a file cannot be read, the manifest is wrong, or a file is not the one it describes.
    """
    place = folder or files("orbitloom.processing").joinpath("models")
    try:
        said = tomllib.loads(place.joinpath(f"{name}.toml").read_text(encoding="utf-8"))
        manifest = Manifest.model_validate(said)
        network = place.joinpath(f"{name}.onnx").read_bytes()
        baseline = place.joinpath(f"{name}.npz").read_bytes()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise ModelError(
            f"its files cannot be used: {error}", where=f"network {name}", way_out=_WAY_OUT
        ) from None
    for suffix, octets, wanted in (
        ("onnx", network, manifest.sha256),
        ("npz", baseline, manifest.baseline_sha256),
    ):
        digest = hashlib.sha256(octets).hexdigest()
        if digest != wanted:
            raise ModelError(
                f"is not the file that its manifest describes: its SHA-256 is {digest}",
                where=f"{name}.{suffix}",
                way_out=_WAY_OUT,
            )
    return manifest, network, baseline
