"""The AIS receiver beside the imager: what ships say, as NMEA sentences in space packets.

It listens from some minutes before a capture to its end, so that a ship at anchor has spoken at
least once. What it hears is what reaches it; packets are then lost on the bus like all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from orbitloom.scenario.time import SECOND_NS
from orbitloom.wire.ais import AIS_APID, AisReport
from orbitloom.wire.nmea import encode_ais_body, encode_report
from orbitloom.wire.space_packet import SEQUENCE_MODULUS, Packet
from orbitloom.wire.tasking import CaptureTask

__all__ = ["hear"]

_LISTENING_NS = 360 * SECOND_NS  # the longest interval of AIS reports: ships at anchor, class A


def hear(ships: Callable[[int, int], Iterable[AisReport]], task: CaptureTask) -> Iterator[Packet]:
    """Yield a packet for each sentence that is heard before and during a capture.

    Parameters
    ----------
    ships
        What is received from one time (ns) to another, in order, such as `SyntheticWorld.ais`.
    task
        The capture. Sequence counts start anew with each.
    """
    count = 0
    for report in ships(task.start_ns - _LISTENING_NS, task.end_ns):
        for sentence in encode_report(report):
            body = encode_ais_body(report.t_ns, sentence)
            yield Packet(AIS_APID, count % SEQUENCE_MODULUS, report.t_ns, body)
            count += 1
