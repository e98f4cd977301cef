"""The bus: what it says it lost is exactly what is missing."""

from collections import Counter

import numpy as np
import pytest

from orbitloom.scenario.hardware import DataBus
from orbitloom.wire.space_packet import Packet, encode_packet, split_packets
from orbitloom.world.databus import carry

PACKETS = [Packet(0x64 + (i % 50 == 0), i, 10**18 + i, bytes([i % 256]) * 20) for i in range(6000)]


def sent_over(rng_seed=0, **rates):
    bus = DataBus(**{"loss": 0.0, "duplication": 0.0, "disorder": 0.0, **rates})
    carried = carry(PACKETS, bus, np.random.default_rng(rng_seed))
    return carried, list(split_packets(carried.packets))


def name(packet):
    return packet.apid, packet.sequence_count


def test_a_perfect_bus_changes_nothing():
    carried, arrived = sent_over()
    assert carried.packets == b"".join(map(encode_packet, PACKETS))
    assert arrived == PACKETS
    assert (carried.sent, carried.dropped, carried.duplicated, carried.reordered) == (
        6000,
        (),
        0,
        0,
    )


@pytest.mark.parametrize("rate", [1e-3, 5e-2, 0.5])
def test_what_is_missing_is_what_was_dropped(rate):
    carried, arrived = sent_over(loss=rate, duplication=rate, disorder=rate)
    missing = Counter(map(name, PACKETS)) - Counter(map(name, arrived))
    assert Counter(carried.dropped) == missing
    assert len(carried.dropped) == pytest.approx(6000 * rate, abs=5 * np.sqrt(6000 * rate))
    assert set(arrived) <= set(PACKETS)  # and nothing is changed on the way


def test_copies_are_counted():
    carried, arrived = sent_over(duplication=0.05)
    counts = Counter(map(name, arrived))
    assert sum(count == 2 for count in counts.values()) == carried.duplicated
    assert set(counts.values()) == {1, 2}
    assert 200 < carried.duplicated < 400
    assert arrived == sorted(arrived, key=lambda packet: packet.t_ns)


def test_disorder_is_local():
    carried, arrived = sent_over(disorder=0.05)
    assert Counter(map(name, arrived)) == Counter(map(name, PACKETS))
    moved = np.array([packet.t_ns - 10**18 for packet in arrived]) - np.arange(6000)
    assert np.abs(moved).max() <= 2 * 20  # its own 20 places, and those of others that passed it
    assert moved.any()
    # Taking the displaced ones out leaves the others in order.
    ascending = np.array([packet.t_ns for packet in arrived])
    steps_back = int((np.diff(ascending) < 0).sum())
    assert 0.5 * carried.reordered <= steps_back <= 2 * carried.reordered


def test_one_displaced_packet_moves_at_most_twenty_places():
    found = set()
    for seed in range(25):
        carried, arrived = sent_over(seed, disorder=2e-4)
        if carried.reordered != 1:
            continue
        moved = np.array([packet.t_ns - 10**18 for packet in arrived]) - np.arange(6000)
        found.add(int(np.abs(moved).max()))
    assert found
    assert min(found) >= 1
    assert max(found) <= 20


def test_the_bus_is_seeded():
    rates = {"loss": 0.01, "duplication": 0.01, "disorder": 0.01}
    assert sent_over(1, **rates)[0] == sent_over(1, **rates)[0]
    assert sent_over(1, **rates)[0] != sent_over(2, **rates)[0]
