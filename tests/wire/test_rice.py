"""Writing and reading CCSDS 121.0-B lines: libaec is the referee of both."""

import imagecodecs
import numpy as np
import pytest

from orbitloom.wire.imager import AEC
from orbitloom.wire.rice import SPARE_BYTES, read_coded, read_packed
from orbitloom.wire.rice_encode import encode_coded

AEC_FLAGS = imagecodecs.AEC.FLAG.DATA_PREPROCESS


def coded(samples, bits):
    plain = samples.astype(np.uint8 if bits <= 8 else "<u2").tobytes()
    return bytes(imagecodecs.aec_encode(plain, bitspersample=bits, flags=AEC_FLAGS, **AEC))


def read(octets, count, bits):
    out = np.zeros(-(-count // 32) * 32, np.uint16)
    padded = np.frombuffer(octets + b"\xff" * SPARE_BYTES, np.uint8)
    return read_coded(padded, len(octets), bits, out), out[:count]


def lines(rng, count, highest):
    """Lines that make the coder take each of its options."""
    yield rng.integers(0, highest + 1, count)  # no compression
    yield np.full(count, highest)  # zero blocks to the end of a segment
    yield np.where(rng.random(count) < 0.02, rng.integers(0, 4, count), 0)  # second extension
    yield np.where(np.arange(count) % 2, highest, 0)  # errors that reach the range's edges
    level = highest / 2 * (1 + np.sin(np.arange(count) / 50))
    yield np.clip(level + rng.normal(0, highest / 500, count), 0, highest)
    burst = np.zeros(count)
    burst[count // 2 : count // 2 + 100] = rng.integers(0, highest + 1, 1)
    yield burst
    wave = np.exp(5 * np.sin(np.arange(count) / 100))  # all splits, one after the other
    yield np.clip(highest / 2 + wave * rng.normal(0, 1, count), 0, highest)
    yield np.where(np.arange(count) // 333 % 2, rng.integers(0, highest + 1, count), 0)
    for power in range(1, 9):  # split samples
        yield np.clip(highest // 2 + rng.normal(0, 2.0**power / 2, count), 0, highest)


@pytest.mark.parametrize("bits", range(1, 17))
@pytest.mark.parametrize("count", [1, 2, 31, 32, 33, 2047, 4096, 4097, 20000])
def test_what_is_written_is_what_libaec_writes(bits, count):
    for line in lines(np.random.default_rng([count, bits]), count, 2**bits - 1):
        samples = np.minimum(np.rint(line), 2**bits - 1).astype(np.uint16)
        assert encode_coded(samples, bits) == coded(samples, bits)


@pytest.mark.parametrize("bits", [1, 9, 12])
def test_of_samples_with_more_bits_the_lowest_are_written(bits):
    samples = np.random.default_rng(3).integers(0, 2**16, 1000).astype(np.uint16)
    assert encode_coded(samples, bits) == encode_coded(samples % 2**bits, bits)


@pytest.mark.parametrize("bits", [8, 9, 12, 14, 16])
@pytest.mark.parametrize("count", [1, 31, 33, 100, 4000, 4097, 20000])
def test_what_libaec_wrote_is_read(bits, count):
    for line in lines(np.random.default_rng([bits, count]), count, 2**bits - 1):
        samples = np.rint(line).astype(np.uint16)
        good, out = read(coded(samples, bits), count, bits)
        assert good
        np.testing.assert_array_equal(out, samples)


def test_a_line_that_is_cut_or_longer_is_refused():
    rng = np.random.default_rng(1)
    samples = (600 + rng.normal(0, 9, 2000)).astype(np.uint16)
    octets = coded(samples, 12)
    assert read(octets, 2000, 12)[0]
    for size in (0, 1, len(octets) // 2, len(octets) - 1):
        assert not read(octets[:size], 2000, 12)[0]
    assert not read(octets + b"\x00", 2000, 12)[0]
    assert not read(octets, 1900, 12)[0]
    assert not read(octets, 2100, 12)[0]


def test_garbled_lines_give_what_libaec_gives_or_nothing():
    rng = np.random.default_rng(2)
    samples = (600 + np.cumsum(rng.normal(0, 3, 512))).astype(np.uint16)
    octets = coded(samples, 16)
    accepted = 0
    for _ in range(500):
        broken = bytearray(octets)
        for place in rng.integers(0, len(broken), 2):
            broken[place] = int(rng.integers(0, 256))
        good, out = read(bytes(broken), 512, 16)
        if good:
            accepted += 1
            plain = imagecodecs.aec_decode(
                bytes(broken), bitspersample=16, flags=AEC_FLAGS, out=1024, **AEC
            )
            np.testing.assert_array_equal(out, np.frombuffer(plain, "<u2"))
    assert accepted < 250


@pytest.mark.parametrize("bits", [8, 10, 13, 14, 16])
@pytest.mark.parametrize("count", [1, 7, 32, 1001])
def test_packed_samples_are_read_bit_by_bit(bits, count):
    samples = np.random.default_rng([bits, count]).integers(0, 2**bits, count)
    text = "".join(format(one, f"0{bits}b") for one in samples.tolist())
    text += "0" * (-len(text) % 8)
    octets = int(text, 2).to_bytes(len(text) // 8, "big")
    padded = np.frombuffer(octets + b"\xff" * SPARE_BYTES, np.uint8)
    out = np.zeros(count, np.uint16)
    assert read_packed(padded, len(octets), bits, out)
    np.testing.assert_array_equal(out, samples)
    assert not read_packed(padded, len(octets) + 1, bits, out)
