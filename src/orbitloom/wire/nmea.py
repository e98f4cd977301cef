"""AIS on the wire: NMEA 0183 sentences (IEC 61162-1) and the packet that carries one.

What the bits of a message mean is ITU-R M.1371-5, annex 8; pyais knows them. A receiver's packet
(`ais.AIS_APID`) holds one sentence as it was received, with the time at which it was::

    time      8 octets   ns of UTC since 1970-01-01, big endian, signed
    sentence  n octets   ASCII from "!" to the checksum, without line end
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from operator import xor
from typing import Any

from orbitloom.errors import PacketError
from orbitloom.scenario.time import SECOND_NS, to_datetime
from orbitloom.wire.ais import AisReport

__all__ = [
    "Heard",
    "decode_ais_body",
    "encode_ais_body",
    "encode_report",
    "encode_target",
    "encode_text",
    "listen",
    "reports",
    "tagged",
]

_TIME = struct.Struct(">q")
_LONGEST = (
    82 + 80
)  # IEC 61162-1 allows 82 characters; tag blocks and long lines are met in the wild
_LONGEST_TEXT = 61  # of the 82 characters of a sentence
_MARKS = frozenset("!$*,\\^~")  # IEC 61162-1, table 2: reserved
_POSITIONS = frozenset({1, 2, 3, 18})
_STATICS = frozenset({5, 24})
# What a message says for "not available" (M.1371-5, tables 48 and 67), as pyais scales it.
_NO_SPEED_KN, _NO_COURSE_DEG = 102.3, 360.0
_PARTS_TOGETHER_NS = 2 * SECOND_NS  # parts are consecutive slots of 26.7 ms: 2 s is far beyond


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a stretch of sentences held.

    Attributes
    ----------
    reports
        Positions in time order, each with what its ship says of itself anywhere in the stretch.
    sentences
        How many there were.
    damaged
        Sentences that are not AIS, cannot be read, or whose checksum fails.
    incomplete
        Sentences of several whose other parts are missing.
    other
        Messages of other kinds, and positions that say "not available".
    """

    reports: tuple[AisReport, ...]
    sentences: int
    damaged: int
    incomplete: int
    other: int


def encode_ais_body(t_ns: int, sentence: bytes) -> bytes:
    """Return a packet's body: when the sentence was received, and the sentence.

    Examples
    --------
    >>> decode_ais_body(encode_ais_body(5, b"!AIVDM,1,1,,A,13,0*00"))
    (5, b'!AIVDM,1,1,,A,13,0*00')
    """
    return _TIME.pack(t_ns) + sentence


def decode_ais_body(body: bytes) -> tuple[int, bytes]:
    """Return when a sentence was received, and the sentence.

    Raises
    ------
    PacketError
        If the body is too short for both, or longer than any sentence.
    """
    if not _TIME.size < len(body) <= _TIME.size + _LONGEST:
        raise PacketError(f"{len(body)} octets are not a time and an AIS sentence")
    (t_ns,) = _TIME.unpack_from(body)
    return t_ns, body[_TIME.size :]


def encode_report(report: AisReport, *, class_b: bool = False) -> tuple[bytes, ...]:
    """Return the sentences with which a ship says this.

    A position (type 1, or 18 of class B), and where the report has a length or a name the static
    message as well (type 5 in two sentences, or 24 parts A and B), antenna amidships.
    """
    from pyais import encode_dict

    position: dict[str, Any] = {
        "msg_type": 18 if class_b else 1,
        "mmsi": report.mmsi,
        "lon": report.longitude_deg,
        "lat": report.latitude_deg,
        "speed": _NO_SPEED_KN if report.speed_kn is None else report.speed_kn,
        "course": _NO_COURSE_DEG
        if report.course_deg is None
        else round(report.course_deg, 1) % 360.0,
        "heading": 511,
        "second": to_datetime(report.t_ns).second,
    }
    messages = [position]
    if report.length_m or report.name:
        bow = round(report.length_m / 2.0)
        size = {"to_bow": bow, "to_stern": round(report.length_m) - bow}
        if class_b:
            named = {"msg_type": 24, "mmsi": report.mmsi, "partno": 0, "shipname": report.name}
            sized = {"msg_type": 24, "mmsi": report.mmsi, "partno": 1} | size
            messages += [named, sized]
        else:
            messages.append({"msg_type": 5, "mmsi": report.mmsi, "shipname": report.name} | size)
    return tuple(
        str(line).encode("ascii")
        for message in messages
        for line in encode_dict(message, sentence_type="VDM", seq_id=report.mmsi % 10)
    )


def encode_target(
    number: int, longitude_deg: float, latitude_deg: float, t_ns: int, name: str
) -> bytes:
    """Return a target that was seen, not heard: the sentence TLL of IEC 61162-1.

    Parameters
    ----------
    number
        0 to 99; higher ones go on from 0.
    t_ns
        When it was seen.
    name
        Characters that have a meaning in a sentence are left out.

    Examples
    --------
    >>> encode_target(1, -12.5, 44.25, 1_500_000_000, "SEEN 120 m")
    b'$IITLL,01,4415.0000,N,01230.0000,W,SEEN 120 m,000001.50,Q,*6C'
    """
    seen = to_datetime(t_ns)
    return _sentence(
        "IITLL",
        f"{number % 100:02d}",
        _minutes(latitude_deg, 2, "NS"),
        _minutes(longitude_deg, 3, "EW"),
        _plain(name),
        f"{seen:%H%M%S}.{seen.microsecond // 10_000:02d}",
        "Q",  # one look has not made a track yet
        "",
    )


def encode_text(text: str) -> bytes:
    """Return a text for people, cut to what a sentence holds: the sentence TXT of IEC 61162-1.

    Examples
    --------
    >>> encode_text("A sample, simulated")
    b'$IITXT,01,01,01,A sample simulated*64'
    """
    return _sentence("IITXT", "01", "01", "01", _plain(text)[:_LONGEST_TEXT])


def _sentence(*fields: str) -> bytes:
    body = ",".join(fields)
    return f"${body}*{_checksum(body):02X}".encode("ascii")


def _plain(text: str) -> str:
    """Return a text without what has a meaning in a sentence, or is not ASCII."""
    return "".join(one for one in text if " " <= one <= "~" and one not in _MARKS)


def tagged(sentence: bytes, t_ns: int, source: str) -> bytes:
    r"""Return a sentence behind a tag block (IEC 61162-450) that says when and by whom.

    Examples
    --------
    >>> tagged(b"!AIVDM", 1_500_000_000_000_000_000, "EYE")
    b'\\s:EYE,c:1500000000*61\\!AIVDM'
    """
    block = f"s:{source},c:{t_ns // SECOND_NS}"
    return f"\\{block}*{_checksum(block):02X}\\".encode("ascii") + sentence


def _checksum(text: str) -> int:
    """Return the exclusive or of a sentence's characters between its first and its asterisk."""
    return reduce(xor, text.encode("ascii"), 0)


def _minutes(degrees: float, digits: int, senses: str) -> str:
    """Return an angle as degrees and minutes, to 0.2 m, with its sense."""
    whole, ten_thousandths = divmod(round(abs(degrees) * 600_000.0), 600_000)
    minutes = ten_thousandths / 10_000.0
    return f"{whole:0{digits}d}{minutes:07.4f},{senses[degrees < 0]}"


def reports(sentences: Iterable[tuple[int, bytes]]) -> tuple[AisReport, ...]:
    """Return the positions in sentences; see `listen`."""
    return listen(sentences).reports


def listen(sentences: Iterable[tuple[int, bytes]]) -> Heard:
    """Return what was heard, positions joined with lengths and names by MMSI.

    Parameters
    ----------
    sentences
        When each was received (ns), and its bytes. Parts of one message may come between others.
    """
    counts = dict.fromkeys(("sentences", "damaged", "incomplete", "other"), 0)
    positions: list[AisReport] = []
    lengths: dict[int, float] = {}
    names: dict[int, str] = {}
    for t_ns, message in _messages(sentences, counts):
        kind = message.msg_type
        if kind in _POSITIONS and abs(message.lon) <= 180.0 and abs(message.lat) <= 90.0:
            positions.append(_report(t_ns, message))
        elif kind in _STATICS:
            length_m = float(getattr(message, "to_bow", 0) + getattr(message, "to_stern", 0))
            if length_m:
                lengths[message.mmsi] = length_m
            name = getattr(message, "shipname", "").strip()
            if name:
                names[message.mmsi] = name
        else:
            counts["other"] += 1
    joined = (
        replace(each, length_m=lengths.get(each.mmsi, 0.0), name=names.get(each.mmsi, ""))
        for each in positions
    )
    return Heard(reports=tuple(sorted(joined, key=lambda each: (each.t_ns, each.mmsi))), **counts)


def _report(t_ns: int, message: Any) -> AisReport:
    speed_kn, course_deg = float(message.speed), float(message.course)
    return AisReport(
        mmsi=int(message.mmsi),
        t_ns=t_ns,
        longitude_deg=float(message.lon),
        latitude_deg=float(message.lat),
        speed_kn=speed_kn if speed_kn < _NO_SPEED_KN else None,
        course_deg=course_deg if course_deg < _NO_COURSE_DEG else None,
    )


def _messages(
    sentences: Iterable[tuple[int, bytes]], counts: dict[str, int]
) -> Iterator[tuple[int, Any]]:
    """Yield each whole message with the time of its last part; count what is not one."""
    from pyais.exceptions import AISBaseException
    from pyais.messages import AISSentence, NMEASentenceFactory

    open_parts: dict[tuple[object, ...], tuple[int, list[Any]]] = {}
    for t_ns, line in sentences:
        counts["sentences"] += 1
        try:
            part = NMEASentenceFactory.produce(line)
        except (AISBaseException, ValueError):
            counts["damaged"] += 1
            continue
        if not isinstance(part, AISSentence) or not part.is_valid:
            counts["damaged"] += 1
            continue
        parts = [part]
        if part.frag_cnt > 1:
            key = (part.talker, part.channel, part.seq_id, part.frag_cnt)
            since_ns, before = open_parts.pop(key, (t_ns, []))
            if part.frag_num != len(before) + 1 or t_ns - since_ns > _PARTS_TOGETHER_NS:
                counts["incomplete"] += len(before)
                since_ns, before = t_ns, []
            parts = [*before, part]
            if part.frag_num != len(parts):  # a part whose first ones never came
                counts["incomplete"] += 1
                continue
            if len(parts) < part.frag_cnt:
                open_parts[key] = (since_ns, parts)
                continue
        try:
            message = AISSentence.assemble_from_iterable(parts).decode()
        except (AISBaseException, ValueError):
            counts["damaged"] += len(parts)
            continue
        yield t_ns, message
    counts["incomplete"] += sum(len(parts) for _, parts in open_parts.values())
