"""Bodies of the imager's packets: what goes in comes out, and nothing else does."""

import struct

import imagecodecs
import numpy as np
import pytest

from orbitloom.errors import PacketError
from orbitloom.wire.imager import (
    Ancillary,
    ScienceLine,
    decode_ancillary,
    decode_science,
    encode_ancillary,
    encode_science,
)

RECORD = Ancillary(
    capture=70_000,
    lines=2000,
    columns=1999,
    bands=4,
    bits=12,
    t_ns=1_781_398_923_456_789_123,
    first_line_ns=1_781_398_923_000_000_000,
    line_period_ns=1_407_000,
    position_ecef_m=(6.9e6, -1.5, 0.1),
    velocity_ecef_m_s=(7.1, -7500.25, 1e-9),
    attitude=(0.5, -0.5, 0.5, -0.5),
    detector_c=18.25,
)


def lines(rng):
    """Smooth, noisy, flat and hostile lines, of even and odd widths."""
    for columns in (1, 2, 31, 32, 33, 64, 100, 1999, 2000, 20000):
        smooth = 1000 + np.cumsum(rng.normal(0, 2, columns))
        yield np.clip(smooth, 0, 4095).astype(np.uint16)
        yield rng.integers(0, 65536, columns).astype(np.uint16)
        yield np.full(columns, 4095, np.uint16)
        yield np.zeros(columns, np.uint16)
        yield np.where(np.arange(columns) % 2, 65535, 0).astype(np.uint16)


def test_science_round_trip():
    for number, dn in enumerate(lines(np.random.default_rng(1))):
        line = ScienceLine(2**32 - 1 - number, 65535 - number, number % 256, dn)
        read = decode_science(encode_science(line))
        assert (read.capture, read.line, read.band) == (line.capture, line.line, line.band)
        assert read.dn.dtype == np.uint16
        np.testing.assert_array_equal(read.dn, dn)


def test_noise_travels_as_it_is_and_never_grows():
    dn = np.random.default_rng(2).integers(0, 65536, 2000).astype(np.uint16)
    assert len(encode_science(ScienceLine(0, 0, 0, dn))) == 10 + 4000


def test_real_looking_lines_are_compressed():
    rng = np.random.default_rng(3)
    dn = (600 + np.cumsum(rng.normal(0, 3, 2000))).astype(np.uint16)
    assert len(encode_science(ScienceLine(0, 0, 0, dn))) < 2000


def test_the_body_is_laid_out_as_written_down():
    dn = np.arange(64, dtype=np.uint16)
    body = encode_science(ScienceLine(7, 300, 2, dn))
    assert struct.unpack(">IHBBH", body[:10]) == (7, 300, 2, 1, 64)
    plain = imagecodecs.aec_decode(
        body[10:],
        bitspersample=16,
        blocksize=32,
        rsi=128,
        flags=imagecodecs.AEC.FLAG.DATA_PREPROCESS,
        out=128,
    )
    assert bytes(plain) == dn.astype("<u2").tobytes()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "too few"),
        (bytes(9), "too few"),
        (struct.pack(">IHBBH", 0, 0, 0, 9, 4) + bytes(8), "unknown coding"),
        (struct.pack(">IHBBH", 0, 0, 0, 0, 4) + bytes(7), "announced"),
        (struct.pack(">IHBBH", 0, 0, 0, 0, 4) + bytes(9), "announced"),
    ],
)
def test_bodies_that_are_no_science_lines(body, words):
    with pytest.raises(PacketError, match=words):
        decode_science(body)


def test_cut_or_garbled_compressed_lines_never_crash():
    rng = np.random.default_rng(4)
    dn = (600 + np.cumsum(rng.normal(0, 3, 500))).astype(np.uint16)
    body = encode_science(ScienceLine(1, 2, 3, dn))
    for _ in range(300):
        broken = bytearray(body[: int(rng.integers(10, len(body) + 1))])
        for place in rng.integers(10, max(len(broken), 11), 3):
            if place < len(broken):
                broken[place] = int(rng.integers(0, 256))
        try:
            assert decode_science(bytes(broken)).dn.shape == (500,)
        except PacketError:
            continue


def test_ancillary_round_trip():
    body = encode_ancillary(RECORD)
    assert len(body) == 114
    assert decode_ancillary(body) == RECORD


@pytest.mark.parametrize("change", [-1, 1])
def test_ancillary_of_another_size_is_refused(change):
    body = (encode_ancillary(RECORD) + b"x")[: 114 + change]
    with pytest.raises(PacketError, match="not an ancillary"):
        decode_ancillary(body)
