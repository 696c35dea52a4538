"""Display filters: Wireshark accepts them, and they select the flow's frames."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sensor.evidence.display_filter import flow_filter, frame_filter
from sensor.evidence.flow_file import STRETCHES_MAX, Numbers
from tests.evidence import cut_flows, flow_ids
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
