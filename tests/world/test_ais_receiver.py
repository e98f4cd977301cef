"""What the receiver heard crosses the bus and comes out as it was said."""

from orbitloom.processing.l0 import reconstruct
from orbitloom.scenario import hardware, stream
from orbitloom.testing.instrument import sample_capture
from orbitloom.wire.ais import AIS_APID, AisReport
from orbitloom.wire.nmea import reports
from orbitloom.world.ais_receiver import hear
from orbitloom.world.databus import carry

DESIGN = hardware.Instrument(columns=32, lines=50)


def test_sentences_cross_the_bus_with_their_time():
    task, _ = sample_capture(DESIGN)
    said = [
        AisReport(
            mmsi=211000000 + number,
            t_ns=task.start_ns - number * 7 * 10**9,
            longitude_deg=0.01 * number,
            latitude_deg=-0.02 * number,
            speed_kn=3.0 + number,
            course_deg=40.0,
            length_m=30.0 + number,
            name=f"SHIP {number}",
        )
        for number in range(40)
    ]
    asked = []

    def ships(t0_ns, t1_ns):
        asked.append((t0_ns, t1_ns))
        return sorted(said, key=lambda report: report.t_ns)

    packets = list(hear(ships, task))
    assert asked == [(task.start_ns - 360 * 10**9, task.end_ns)]
    assert {packet.apid for packet in packets} == {AIS_APID}
    assert [packet.sequence_count for packet in packets] == list(range(len(packets)))

    sure = hardware.DataBus(loss=0.0, duplication=0.05, disorder=0.05)
    octets = carry(packets, sure, stream(1, "bus")).packets
    heard = reports(reconstruct(octets, task.capture, 4, 32).sentences)
    assert {(one.mmsi, one.t_ns, one.name, one.length_m) for one in heard} == {
        (one.mmsi, one.t_ns, one.name, one.length_m) for one in said
    }
