"""The parts of the benchmark of the bandwidth law: sizes from a GGUF file, and the law."""

from __future__ import annotations

import importlib.util
import struct
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from orbitloom.errors import ModelError
from orbitloom.processing.inference import weight_bytes
from orbitloom.processing.language.embedded import default_weights

_FILE = Path(__file__).parents[2] / "benchmarks" / "bandwidth_law.py"


def _law():
    spec = importlib.util.spec_from_file_location("bandwidth_law", _FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["bandwidth_law"] = module
    spec.loader.exec_module(module)
    return module


LAW = _law()
TINY = LAW.Shape(layers=2, width=64, feed_forward=96, heads=4, kv_heads=2)
VOCABULARY = 1000
WEIGHTS = 64 * VOCABULARY + 2 * (64 * 64 + 2 * 64 * 32 + 64 * 64 + 3 * 64 * 96)
NORMS = 64 * (1 + 2 * 2)


def _text(text):
    return struct.pack("<Q", len(text)) + text.encode()


@pytest.fixture
def tiny(tmp_path):
    like = LAW.Gguf(
        values={},
        entries={
            "general.architecture": struct.pack("<I", 8) + _text("llama"),
            "some.list": struct.pack("<IIQ", 9, 8, 2) + _text("a") + _text("bc"),
            "some.share": struct.pack("<If", 6, 0.5),
        },
        shapes={"token_embd.weight": (8, VOCABULARY)},
        sizes={},
    )
    file = tmp_path / "tiny.gguf"
    LAW.write_gguf(file, TINY, like)
    return file


def test_a_file_tells_its_tensors_and_their_bytes(tiny):
    told = LAW.read_gguf(tiny)
    assert told.values["some.list"] == ["a", "bc"]
    assert told.values["some.share"] == 0.5
    assert told.values["llama.attention.head_count_kv"] == 2
    assert told.shapes["blk.1.ffn_down.weight"] == (96, 64)
    assert told.sizes["blk.1.ffn_down.weight"] == 2 * 96 * 64
    assert sum(told.sizes.values()) == 2 * WEIGHTS + 4 * NORMS


def test_the_law_counts_what_a_token_reads(tiny):
    model = LAW.read_gguf(tiny).model(context=100)
    assert model.parameters == WEIGHTS + NORMS
    assert weight_bytes(model) == pytest.approx(2 * WEIGHTS + 4 * NORMS, rel=1e-12)
    cache = 100.5 * 2 * 2 * 2 * 16 * 2  # keys and values, layers, heads, width of a head, fp16
    read = 2 * WEIGHTS + 4 * NORMS + cache
    assert LAW.law_token_s(model, 10.0) == pytest.approx(read / 10e9, rel=1e-9)
    assert LAW.law_token_s(model, 10.0, 0.5) == pytest.approx(read / 5e9, rel=1e-9)


def test_an_input_embedding_that_is_not_the_head_is_not_read(tiny):
    told = LAW.read_gguf(tiny)
    apart = LAW.Gguf(
        values=told.values,
        entries=told.entries,
        shapes=dict(told.shapes) | {"output.weight": (64, VOCABULARY)},
        sizes=dict(told.sizes) | {"output.weight": 3 * 64 * VOCABULARY},
    )
    read = 2 * WEIGHTS + 4 * NORMS + 64 * VOCABULARY
    assert weight_bytes(apart.model(1)) == pytest.approx(read, rel=1e-12)


def test_what_is_no_gguf_file_is_refused(tmp_path):
    file = tmp_path / "text.gguf"
    file.write_bytes(b"text")
    with pytest.raises(ValueError, match="no GGUF file"):
        LAW.read_gguf(file)


def test_memory_can_be_read():
    assert LAW.read_gb_per_s(1 << 20, rounds=1) > 0.0


def test_the_runtime_decodes_what_is_written(tmp_path):
    try:
        like = LAW.read_gguf(default_weights())
    except ModelError as error:
        pytest.skip(str(error))
    if find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed")
    # Four bits and a scale of each weight, eight of the head's: 96.6 MB.
    assert weight_bytes(like.model(1)) == pytest.approx(66_355_200 + 30_081_024 + 140_544)
    file = tmp_path / "tiny.gguf"
    LAW.write_gguf(file, TINY, like)
    with LAW.served(file) as process:
        seconds, context = LAW.token_s(process, rounds=1)
    assert seconds > 0.0
    assert context > (LAW.SHORT + LAW.LONG) // 2
