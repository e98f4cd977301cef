from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from pyais import encode_dict
from pyais.exceptions import AISBaseException
from pyais.stream import FileReaderStream
from pyais.util import compute_checksum

from orbitloom.errors import PacketError
from orbitloom.wire.ais import AIS_APID, AisReport
from orbitloom.wire.nmea import (
    decode_ais_body,
    encode_ais_body,
    encode_report,
    encode_target,
    encode_text,
    listen,
    reports,
    tagged,
)
from orbitloom.wire.space_packet import Packet, decode_packet, encode_packet

STREAM = Path(__file__).parents[2].parent / "shared" / "data" / "ais" / "stream_example.txt"
T_NS = 1_781_398_923_456_000_000
SHIP = AisReport(
    mmsi=211234567,
    t_ns=T_NS,
    longitude_deg=12.3456,
    latitude_deg=-4.5,
    speed_kn=12.3,
    course_deg=200.1,
    length_m=121.0,
    name="ORBIT LOOM",
)


def heard(*lines, t_ns=T_NS):
    return listen([(t_ns, line) for line in lines])


@pytest.mark.parametrize("class_b", [False, True])
def test_a_report_comes_back_as_it_was_sent(class_b):
    said = heard(*encode_report(SHIP, class_b=class_b))
    assert said.reports == (SHIP,)
    assert (said.sentences, said.damaged, said.incomplete, said.other) == (3, 0, 0, 0)


def test_what_a_ship_does_not_know_is_none_and_not_a_number():
    shy = replace(SHIP, speed_kn=None, course_deg=None, length_m=0.0, name="")
    lines = encode_report(shy)
    assert len(lines) == 1
    assert heard(*lines).reports == (shy,)


def test_a_course_that_rounds_to_north_is_north():
    (back,) = heard(*encode_report(replace(SHIP, course_deg=359.99))).reports
    assert back.course_deg == 0.0


def test_parts_of_a_message_may_come_between_others():
    position, first, second = encode_report(SHIP)
    other = encode_report(replace(SHIP, mmsi=211234568, length_m=0.0, name=""))[0]
    said = heard(first, other, second, position)
    assert {one.mmsi: one.length_m for one in said.reports} == {211234567: 121.0, 211234568: 0.0}


def test_parts_that_miss_each_other_are_counted():
    position, first, second = encode_report(SHIP)
    assert heard(position, first).incomplete == 1
    assert heard(position, second).incomplete == 1
    late = listen([(T_NS, first), (T_NS + 60 * 10**9, second)])
    assert (late.incomplete, late.reports) == (2, ())


@pytest.mark.parametrize(
    "line",
    [b"", b"!", b"noise", b"!AIVDM,1,1,,A", b"$GPGGA,1*00", b"!AIVDM,1,1,,A,\xff\xfe,0*00"],
)
def test_what_is_no_ais_sentence_is_counted_as_damaged(line):
    said = heard(line)
    assert (said.damaged, said.reports) == (1, ())


def test_a_flipped_character_fails_the_checksum():
    line = encode_report(SHIP)[0]
    for place in range(15, len(line) - 5):
        broken = bytearray(line)
        broken[place] ^= 0x01
        said = heard(bytes(broken))
        assert said.reports == ()
        assert said.damaged == 1


def test_a_position_that_is_not_available_is_no_report():
    (nowhere,) = encode_dict({"msg_type": 1, "mmsi": 211234567, "lon": 181.0, "lat": 91.0})
    said = heard(nowhere.encode())
    assert (said.damaged, said.other, said.reports) == (0, 1, ())


def test_reports_are_in_time_order():
    later, sooner = replace(SHIP, t_ns=T_NS + 5), SHIP
    lines = [(one.t_ns, line) for one in (later, sooner) for line in encode_report(one)[:1]]
    assert [one.t_ns for one in reports(lines)] == [T_NS, T_NS + 5]


def test_a_packet_carries_a_sentence_and_its_time():
    line = encode_report(SHIP)[0]
    packet = Packet(AIS_APID, 3, T_NS, encode_ais_body(T_NS, line))
    assert decode_ais_body(decode_packet(encode_packet(packet)).body) == (T_NS, line)


@pytest.mark.parametrize("body", [b"", b"12345678", b"1" * 500])
def test_a_body_that_holds_no_sentence_is_refused(body):
    with pytest.raises(PacketError, match="not a time and an AIS sentence"):
        decode_ais_body(body)


def test_degrees_and_minutes_carry_over():
    line = encode_target(101, 179.999999999, -0.5, T_NS, "A,B*C!")
    assert line.startswith(b"$IITLL,01,0030.0000,S,18000.0000,E,ABC,010203.45,Q,*")


@pytest.mark.parametrize(
    "sentence",
    [encode_text("Any text"), encode_target(1, 2.0, 3.0, T_NS, "SEEN"), encode_report(SHIP)[0]],
)
def test_checksums_are_those_of_pyais(sentence):
    assert int(sentence.decode().rpartition("*")[2], 16) == compute_checksum(sentence)


def test_a_long_text_is_cut_to_a_sentence():
    assert len(encode_text("x" * 500)) <= 82 - 2


def test_sentences_behind_a_tag_block_are_heard():
    lines = [tagged(line, T_NS, "ORBITLOOM") for line in encode_report(SHIP)]
    assert heard(*lines).reports == (SHIP,)


def referee(path):
    """Return what pyais' own reader makes of a file: kinds, and positions that are known."""
    kinds, damaged, positions = Counter(), 0, []
    with FileReaderStream(str(path)) as stream:
        for message in stream:
            if not message.is_valid:
                damaged += 1
                continue
            try:
                told = message.decode()
            except AISBaseException:
                continue
            kinds[told.msg_type] += 1
            if told.msg_type in {1, 2, 3, 18} and abs(told.lon) <= 180 and abs(told.lat) <= 90:
                positions.append((told.mmsi, told.lon, told.lat))
    return kinds, damaged, positions


def test_a_real_stream_is_read_as_pyais_reads_it():
    if not STREAM.exists():
        pytest.skip("the AIS stream is not beside the repository (shared/data/ais)")
    lines = [line for line in STREAM.read_bytes().splitlines() if line.startswith(b"!")]
    said = listen((number, line) for number, line in enumerate(lines))
    kinds, damaged, positions = referee(STREAM)
    assert said.sentences == 4500
    assert said.damaged == damaged == 2
    assert said.incomplete == 0
    told = [(one.mmsi, one.longitude_deg, one.latitude_deg) for one in said.reports]
    assert sorted(told) == sorted(positions)
    assert len(told) > 2900
    statics = kinds[5] + kinds[24]
    assert len(told) + said.other + statics == sum(kinds.values())
    named = {one.mmsi for one in said.reports if one.length_m}
    assert 100 < len(named) <= kinds[5] + kinds[24]
