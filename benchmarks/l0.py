"""L0 on one core: octets of packets a CPU-second, beside the same work packet by packet.

The baseline is what L0 was before its kernels: a walk in Python, CRC by binascii, libaec by
imagecodecs. Run it with ``python benchmarks/l0.py``; ``--lines 4000`` gives a scene of 192 MB.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from orbitloom.processing.l0 import reconstruct
from orbitloom.scenario import Target, load_instrument
from orbitloom.wire.imager import decode_science
from orbitloom.wire.packet_walk import walk
from orbitloom.wire.space_packet import Packet, encode_packet, split_packets
from orbitloom.world.observe import ground_of, instrument_of
from orbitloom.world.simulate import job_over


def plain(stream: bytes, bands: int, lines: int, columns: int) -> np.ndarray:
    dn = np.zeros((bands, lines, columns), np.uint16)
    for packet in split_packets(stream):
        if isinstance(packet, Packet) and packet.apid == 0x64:
            line = decode_science(packet.body)
            dn[line.band, line.line] = line.dn
    return dn


def best(function, *arguments, rounds=5):
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        result = function(*arguments)
        seconds.append(time.process_time() - start)
    return min(seconds), result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--columns", type=int, default=4000)
    given = parser.parse_args()
    design = load_instrument("imager5m").model_copy(
        update={"lines": given.lines, "columns": given.columns}
    )
    target = Target(name="Faenza", latitude_deg=44.3, longitude_deg=11.9, event="flood")
    job = job_over(design, target=target, seed=100)
    ground = ground_of(job)
    start = time.process_time()
    stream = b"".join(map(encode_packet, instrument_of(job).image(job.task, job.track, ground)))
    print(f"simulated with its scene in {time.process_time() - start:.1f} CPU-s")
    bands, megabytes = len(design.bands), len(stream) / 1e6
    raw = bands * given.lines * given.columns * design.bits / 8e6
    print(f"{megabytes:.1f} MB of packets, {raw:.1f} MB at {design.bits} bit")

    reconstruct(stream[:100_000], job.task.capture, bands, given.columns)  # compiles
    octets = np.frombuffer(stream, np.uint8)
    walked, _ = best(walk, octets)
    fast, frames = best(reconstruct, stream, job.task.capture, bands, given.columns)
    slow, dn = best(plain, stream, bands, given.lines, given.columns, rounds=2)
    assert np.array_equal(frames.dn, dn)
    print(f"headers and checksums alone  {megabytes / walked:7.0f} MB/s of packets")
    for name, seconds in (("L0", fast), ("packet by packet", slow)):
        print(
            f"{name:<28} {megabytes / seconds:7.0f} MB/s of packets, "
            f"{raw / seconds:5.0f} MB/s at {design.bits} bit"
        )
    print(f"ratio {slow / fast:.1f}")


if __name__ == "__main__":
    main()
