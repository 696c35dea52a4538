"""The state of a table: the limits that it is made with, and what it counts."""

from __future__ import annotations

import pytest

from sensor.capture.files.capture import FileCapture
from sensor.config import FlowLimits
from sensor.decode import Decoder
from sensor.flowtable.table import FlowTable
from sensor.model.packets import PacketBatch
from tests.conversation import SECOND_NS, Talk, merged, play, time_ns
from tests.running import CAPTURES
from tests.unit.flowtable.stories import TICK, bystander, reasons


def test_configured_timeouts():
    limits = FlowLimits(udp_timeout_ns=2 * SECOND_NS, tcp_attempt_timeout_ns=1 * SECOND_NS)
    udp, tcp = Talk(ports=(41_000, 2_222)), Talk()
    udp.client.udp(0)
    tcp.client.syn(0)
    run = play(merged(udp, tcp, bystander(3)), limits=limits)
    known = {int(row["orig_port"]): int(row["known_ns"]) for row in run.rows if row["action"] == 3}
    assert time_ns(1) <= known[40_000] <= time_ns(1 + TICK)
    assert time_ns(2) <= known[41_000] <= time_ns(2 + TICK)


@pytest.mark.parametrize("flows_max", [1, 2, 3, 5, 10, 50])
def test_any_table_size_keeps_the_books(flows_max):
    talks = []
    for number in range(60):
        talk = Talk(4 + 2 * (number & 1), ports=(40_000 + number, 23 + number % 3))
        talk.handshake(number * 0.013)
        if number % 3:
            talk.server.data(number * 0.013 + 0.03)
        if number % 2:
            talk.close(number * 0.013 + 0.5)
        talks.append(talk)
    frames = merged(*talks)
    run = play(frames, limits=FlowLimits(flows_max=flows_max))
    assert sum(record["network"]["packets"] for record in run.records) == len(frames)
    assert run.ledger["flows"]["total"] == len(run.records)
    assert run.ledger["flows"]["peak"] <= flows_max
    assert reasons(run).count("evicted") == run.ledger["flows"]["evicted"]


def test_the_frames_accounted_for_are_those_of_the_counters():
    table = FlowTable(FlowLimits(flows_max=2))
    packets = PacketBatch()
    for path in ("malformed.pcap", "fragments.pcap", "telnet_refused_icmp.pcap"):
        frames_seen = table.accounted()
        for frames in FileCapture([CAPTURES / path]):
            Decoder().decode(frames, packets)
            table.prepare(packets)
            while not table.advance(packets):
                table.take()
            frames_seen += frames.count
        counters = table.counters()
        assert frames_seen == table.accounted() == sum(counters[name] for name in (
            "packets_in_table", "packets_ended", "packets_without_flow", "anomalies", "non_ip",
            "duplicates"))
