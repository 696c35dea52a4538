"""Display filters: Wireshark accepts them, and they select the flow's frames."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sensor.evidence.display_filter import document_filter, flow_filter, frame_filter
from sensor.evidence.flow_file import STRETCHES_MAX, Numbers
from tests.evidence import cut_flows, flow_ids
from tests.flow_records import batch_of
from tests.running import CAPTURES


def selected(path: Path, wanted: str) -> list[int]:
    command = ["tshark", "-nr", path, "-Y", wanted, "-T", "fields", "-e", "frame.number"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return [int(line) for line in run.stdout.split()]


@pytest.mark.needs("tshark")
@pytest.mark.parametrize("name", ["telnet_refused_icmp.pcap", "telnet_udp23.pcap"])
def test_a_flow_is_found_by_what_it_is_and_by_its_frames(name: str) -> None:
    found, wanted = cut_flows(CAPTURES / name, flow_ids(CAPTURES / name))
    flow = wanted.flows[-1]
    frames = found[flow.id]
    times = [frame.time_ns for frame in frames]
    numbers = Numbers()
    for frame in frames:
        numbers.add(frame.number)
    assert flow.record is not None
    by_frames = frame_filter(numbers)
    assert by_frames is not None
    for wanted_frames in (by_frames, flow_filter(flow.record, min(times), max(times))):
        assert selected(CAPTURES / name, wanted_frames) == [frame.number for frame in frames]


V6 = {"ip_version": 6, "orig_hi": 0x20010DB8 << 32, "orig_lo": 1, "resp_hi": 0x20010DB8 << 32,
      "resp_lo": 2}  # fmt: skip


@pytest.mark.parametrize(("members", "expected"), [
    ({}, "ip.addr == 192.0.2.10 && ip.addr == 198.51.100.7 && tcp.port == 50432 && tcp.port == 23"),
    ({**V6, "protocol": 17},
     "ipv6.addr == 2001:db8::1 && ipv6.addr == 2001:db8::2 && udp.port == 50432 && udp.port == 23"),
    ({"protocol": 1, "orig_port": 8}, "ip.addr == 192.0.2.10 && ip.addr == 198.51.100.7 && icmp"),
    ({"protocol": 47}, "ip.addr == 192.0.2.10 && ip.addr == 198.51.100.7 && ip.proto == 47"),
])
def test_record_and_document_of_a_flow_give_the_same(
    members: dict[str, int], expected: str
) -> None:
    batch = batch_of(members)
    assert document_filter(batch.document(0)) == expected
    assert flow_filter(batch.records[:1], 1_000_000_002, 2_000_000_000) == (
        f"{expected} && frame.time_epoch >= 1.000000002 && frame.time_epoch <= 2.000000000")


def test_a_document_without_addresses_selects_nothing() -> None:
    assert document_filter({}) == document_filter({"source": {"port": 1}}) == ""


def test_numbers_are_told_in_stretches() -> None:
    numbers = Numbers()
    for number in (1, 2, 3, 7, 9, 10):
        numbers.add(number)
    assert (numbers.text(), numbers.count, len(numbers)) == ("1-3, 7, 9-10", 6, 3)
    assert frame_filter(numbers) == "frame.number in {1..3, 7, 9..10}"


def test_of_very_many_stretches_the_first_are_told() -> None:
    numbers = Numbers()
    for number in range(0, 2 * STRETCHES_MAX + 2, 2):
        numbers.add(number)
    assert numbers.text().endswith(f"{2 * STRETCHES_MAX - 2}, ...")
    assert frame_filter(numbers) is None
