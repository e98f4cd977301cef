from __future__ import annotations

import hashlib
import struct

import pytest

from orbitloom.errors import PacketError
from orbitloom.wire import Answer, canonical_json

RECORD = canonical_json({"type": "Feature", "properties": {"kind": "alert"}, "geometry": None})


@pytest.mark.parametrize("chip", [b"", b"II*\x00 chip", b"OLA1" * 5])
def test_an_answer_survives_its_bytes(chip):
    answer = Answer(record=RECORD, chip=chip)
    assert Answer.from_bytes(answer.to_bytes()) == answer


def test_the_bytes_are_magic_two_lengths_record_chip():
    octets = Answer(record=RECORD, chip=b"chip").to_bytes()
    assert octets[:4] == b"OLA1"
    assert struct.unpack(">II", octets[4:12]) == (len(RECORD), 4)
    assert octets[12:] == RECORD + b"chip"


def test_the_digest_is_sha_256_of_the_bytes():
    answer = Answer(record=RECORD, chip=b"chip")
    assert answer.digest() == hashlib.sha256(answer.to_bytes()).hexdigest()
    assert answer.digest() != Answer(record=RECORD, chip=b"chop").digest()


def test_the_record_is_read_as_a_feature():
    answer = Answer(record=RECORD)
    assert answer.kind == "alert"
    assert answer.feature["type"] == "Feature"


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        (b"", "not an answer"),
        (b"OLA1\0\0\0", "not an answer"),
        (b"OLA2" + bytes(8), "not an answer"),
        (Answer(record=RECORD, chip=b"chip").to_bytes()[:-1], "has been cut"),
        (Answer(record=RECORD, chip=b"chip").to_bytes() + b"\0", "has been cut"),
    ],
)
def test_other_bytes_are_refused(octets, message):
    with pytest.raises(PacketError, match=message):
        Answer.from_bytes(octets)


def test_canonical_json_is_the_same_bytes_for_the_same_value():
    assert canonical_json({"b": 1, "a": [1.5, "ü"]}) == '{"a":[1.5,"ü"],"b":1}'.encode()
    assert canonical_json({"a": 1, "b": 2}) == canonical_json({"b": 2, "a": 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_canonical_json_has_no_number_that_json_lacks(value):
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": value})
