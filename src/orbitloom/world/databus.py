"""The bus between instrument and computer: it loses, repeats and reorders packets.

The receiver is never told; the truth is kept aside, to judge what it found out by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from orbitloom.scenario.hardware import DataBus
from orbitloom.wire.space_packet import Packet, TimeCode, encode_packet

__all__ = ["Observation", "carry"]

_FURTHEST_PLACES = 20


@dataclass(frozen=True, slots=True)
class Observation:
    """What came out of the bus, and what happened on it.

    Attributes
    ----------
    packets
        The octets that arrived, packet after packet.
    sent
        Packets that went in.
    dropped
        (APID, sequence count) of each one lost, in the order sent.
    duplicated, reordered
        Packets that arrived twice, and that were put up to 20 places out of their turn.
    """

    packets: bytes
    sent: int
    dropped: tuple[tuple[int, int], ...]
    duplicated: int
    reordered: int


def carry(
    packets: Iterable[Packet],
    bus: DataBus,
    rng: np.random.Generator,
    time_code: TimeCode = "cds",
) -> Observation:
    """Send packets over the bus, their times in the instrument's code.

    Each packet has one fate of its own: lost with probability `bus.loss`; else, one independent of
    the other, repeated with `bus.duplication` and displaced with `bus.disorder`. Of a repeated
    packet that is displaced, the copy stays where the packet belongs.
    """
    names: list[tuple[int, int]] = []
    octets: list[bytes] = []
    for packet in packets:
        names.append((packet.apid, packet.sequence_count))
        octets.append(encode_packet(packet, time_code))
    count = len(octets)
    lost, repeated, displaced = rng.random((3, count)) < np.array(
        [[bus.loss], [bus.duplication], [bus.disorder]]
    )
    repeated &= ~lost
    displaced &= ~lost
    shift = rng.integers(1, _FURTHEST_PLACES, count, endpoint=True) * rng.choice([-1, 1], count)
    place = np.arange(count) + np.where(displaced, shift + 0.5 * np.sign(shift), 0.0)
    kept, copies = np.flatnonzero(~lost), np.flatnonzero(repeated)
    arriving = np.concatenate([kept, copies])
    order = np.argsort(np.concatenate([place[kept], copies + 0.25]), kind="stable")
    return Observation(
        packets=b"".join(octets[index] for index in arriving[order]),
        sent=count,
        dropped=tuple(names[index] for index in np.flatnonzero(lost)),
        duplicated=int(repeated.sum()),
        reordered=int(displaced.sum()),
    )
