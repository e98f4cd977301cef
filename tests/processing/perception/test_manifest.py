"""Our networks' manifests: they describe the file, and a changed byte is refused."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import pytest

from orbitloom.errors import ModelError
from orbitloom.processing import cloudnet
from orbitloom.processing.perception import manifest

MODELS = files("orbitloom.processing").joinpath("models")
SUFFIXES = ("toml", "onnx", "npz")


@pytest.fixture
def folder(tmp_path):
    for suffix in SUFFIXES:
        name = f"cloud.{suffix}"
        (tmp_path / name).write_bytes(MODELS.joinpath(name).read_bytes())
    return tmp_path


def test_it_describes_the_files():
    said, network, baseline = manifest.load("cloud")
    assert said.sha256 == hashlib.sha256(network).hexdigest() == cloudnet.model_hash()
    assert said.baseline_sha256 == hashlib.sha256(baseline).hexdigest()
    assert said.bytes == len(network)
    assert said.inputs[: len(cloudnet.BANDS)] == list(cloudnet.BANDS)
    assert said.outputs == list(cloudnet.CLASSES)
    assert min(said.scores.values()) > 0.8


@pytest.mark.parametrize("suffix", ["onnx", "npz"])
def test_a_changed_byte_is_refused(folder, suffix):
    file = folder / f"cloud.{suffix}"
    octets = bytearray(file.read_bytes())
    octets[len(octets) // 2] ^= 1
    file.write_bytes(octets)
    with pytest.raises(ModelError, match="not the file that its manifest describes") as refused:
        manifest.load("cloud", folder)
    assert refused.value.where == f"cloud.{suffix}"
    assert refused.value.way_out


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "cloud.npz").unlink(),
        lambda folder: (folder / "cloud.toml").write_text("name = "),
        lambda folder: (folder / "cloud.toml").write_text('name = "cloud"'),
        lambda folder: (folder / "cloud.toml").write_bytes(b"\xff"),
    ],
)
def test_without_a_whole_manifest_there_is_no_network(folder, spoil):
    spoil(folder)
    with pytest.raises(ModelError, match="cannot be used"):
        manifest.load("cloud", folder)
