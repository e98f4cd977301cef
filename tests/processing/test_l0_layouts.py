"""L0 reads whatever layout an imager's TOML says, and flags exactly what did not arrive."""

import numpy as np
import pytest

from orbitloom.processing.l0 import reconstruct
from orbitloom.scenario import hardware
from orbitloom.testing.instrument import EvenGround, sample_capture
from orbitloom.wire.imager import decode_science
from orbitloom.wire.nmea import encode_ais_body
from orbitloom.wire.space_packet import Packet, encode_packet
from orbitloom.world.imager import Pushbroom
from orbitloom.world.scene import utm_origin

LAYOUTS = {
    "as shipped": {},
    "packed lines of all bands": {
        "header": ("spare:4", "line:20"),
        "interleave": "line",
        "coding": "packed",
        "sample_bits": 14,
        "time_code": "cuc",
        "science_apid": 0x2A,
        "ancillary_apid": 0x2B,
    },
    "coded lines of all bands": {
        "header": ("line:12", "columns:12", "capture:7", "coding:1"),
        "interleave": "line",
        "sample_bits": 14,
    },
    "raw": {"header": ("band:3", "spare:5", "line:16", "capture:8"), "coding": "raw16"},
    "coded without a choice": {"header": ("capture:16", "band:4", "line:12"), "sample_bits": 14},
}


def capture_of(name, capture=300):
    bands = hardware.Instrument().bands
    layout = hardware.PacketLayout(**LAYOUTS[name])
    design = hardware.Instrument(columns=45, lines=120, bits=14, bands=bands, layout=layout)
    task, track = sample_capture(design, capture=capture)
    imager = Pushbroom(design, seed=0, satellite="A")
    ground = EvenGround(utm_origin(0.0, 0.0)[0], 0.3)
    return design, list(imager.image(task, track, ground))


def stream_of(packets, layout):
    return b"".join(encode_packet(packet, layout.time_code) for packet in packets)


def truth_of(packets, design):
    dn = np.zeros((4, 120, 45), np.uint16)
    for packet in packets:
        if packet.apid == design.layout.science_apid:
            line = decode_science(packet.body, design.layout, columns=45, bands=4)
            place = slice(None) if line.dn.ndim == 2 else line.band
            dn[place, line.line] = line.dn
    return dn


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_comes_back_whole(name):
    design, packets = capture_of(name)
    frames = reconstruct(stream_of(packets, design.layout), 300, 4, 45, design.layout)
    assert frames.valid.all()
    assert (frames.gaps, frames.refused, frames.damaged) == ((), 0, 0)
    np.testing.assert_array_equal(frames.dn, truth_of(packets, design))
    assert 2000 < frames.dn.mean() < 12_000


@pytest.mark.parametrize("name", LAYOUTS)
def test_loss_disorder_and_damage_are_flagged_exactly(name):
    design, packets = capture_of(name)
    rng = np.random.default_rng(5)
    lost = rng.random(len(packets)) < 0.05
    kept = [packet for packet, gone in zip(packets, lost, strict=True) if not gone]
    order = np.argsort(np.arange(len(kept)) + rng.uniform(-9, 9, len(kept)))
    kept = [kept[index] for index in order] + kept[:3]
    frames = reconstruct(stream_of(kept, design.layout), 300, 4, 45, design.layout)
    gone = [(p.apid, p.sequence_count) for p, away in zip(packets, lost, strict=True) if away]
    assert sorted(frames.gaps) == sorted(gone)
    assert frames.duplicates == 3
    true = truth_of(packets, design)
    np.testing.assert_array_equal(frames.dn[frames.valid], true[frames.valid])
    assert not frames.dn[~frames.valid].any()

    octets = bytearray(stream_of(packets, design.layout))
    for place in rng.integers(0, len(octets), 12):
        octets[place] ^= 0x41
    hurt = reconstruct(bytes(octets), 300, 4, 45, design.layout)
    assert hurt.damaged > 0
    np.testing.assert_array_equal(hurt.dn[hurt.valid], true[hurt.valid])


def test_another_capture_is_told_by_what_its_header_holds_of_the_number():
    design, packets = capture_of("coded lines of all bands")
    stream = stream_of(packets, design.layout)
    assert not reconstruct(stream, 301, 4, 45, design.layout).valid.any()
    assert reconstruct(stream, 301, 4, 45, design.layout).ancillary == ()


def test_sound_packets_whose_samples_are_corrupt_are_refused():
    """A checksum that is right says that the bus was good, not that the coder was."""
    design, packets = capture_of("as shipped")
    places = [i for i, packet in enumerate(packets) if packet.apid == 0x64]
    true = truth_of(packets, design)
    for index, cut in zip(places[10:14], (b"", b"\x00", b"\xff" * 40, None), strict=True):
        body = packets[index].body
        body = body[: len(body) // 2] if cut is None else body[:10] + cut
        old = packets[index]
        packets[index] = Packet(old.apid, old.sequence_count, old.t_ns, body)
    frames = reconstruct(stream_of(packets, design.layout), 300, 4, 45)
    assert frames.refused == 4
    assert int((~frames.valid).sum()) == 4
    np.testing.assert_array_equal(frames.dn[frames.valid], true[frames.valid])


def test_what_an_ais_receiver_heard_comes_beside_the_frames():
    design, packets = capture_of("as shipped")
    said = b"!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24"
    heard = Packet(0x66, 0, 10**18, encode_ais_body(10**18, said))
    short = Packet(0x66, 1, 10**18, b"short")
    frames = reconstruct(stream_of([*packets, heard, short], design.layout), 300, 4, 45)
    assert frames.sentences == ((10**18, said),)
    assert frames.refused == 1
    assert frames.gaps == ()
