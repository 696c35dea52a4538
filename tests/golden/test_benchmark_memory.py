"""The stream of the memory benchmark is what it says, and the sensor finds it so."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from pathlib import Path

import dpkt
import pytest

from tests.golden.test_benchmark_mix import conversations

ROOT = Path(__file__).parents[2]
FLOWS = 1_000


def run(*options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, str(ROOT / "benchmarks/memory.py"), "--flows", str(FLOWS), *options],
        cwd=ROOT, capture_output=True, check=False)


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("memory") / "stream.pcap"
    path.write_bytes(run("--write").stdout)
    return path


def test_an_hour_in_order_of_time(capture: Path) -> None:
    times = [time for time, _ in dpkt.pcap.Reader(capture.open("rb"))]
    assert len(times) == 10 * FLOWS
    assert times == sorted(times)
    assert 3_600 < times[-1] - times[0] < 3_700


def test_flows_as_they_are_told(capture: Path) -> None:
    found = conversations(capture)
    assert len(found) == FLOWS
    kinds: Counter[str] = Counter()
    for (transport, key), segments in found.items():
        assert len(segments) == 10
        if transport is dpkt.udp.UDP:
            kinds["udp"] += 1
            assert [ours for ours, _ in segments] == [True, False] * 5
            assert all(segment.ulen == 16 for _, segment in segments)
            continue
        flags = [segment.flags for _, segment in segments]
        if flags == [dpkt.tcp.TH_SYN] * 10:
            kinds["unanswered"] += 1
            continue
        kinds["telnet" if key[3] == 23 else "whole"] += 1
        following = [segments[0][1].seq, segments[1][1].seq]
        for ours, segment in segments:  # each number is the one that was to come
            side = 0 if ours else 1
            assert segment.seq == following[side]
            if segment.flags & dpkt.tcp.TH_ACK:
                assert segment.ack == following[1 - side]
            begins_or_ends = segment.flags & (dpkt.tcp.TH_SYN | dpkt.tcp.TH_FIN)
            padded = len(segment.data) if segment.flags & dpkt.tcp.TH_PUSH else 0
            following[side] += padded + bool(begins_or_ends)
    assert kinds == {"whole": 920, "telnet": 10, "unanswered": 20, "udp": 50}


def test_the_sensor_gives_the_truth_and_the_curve_is_written(tmp_path: Path) -> None:
    ran = run("--out", str(tmp_path))
    assert ran.returncode == 0, ran.stdout.decode() + ran.stderr.decode()
    assert b"10,000 packets of 1,000 flows" in ran.stdout
    rows = list(csv.DictReader((tmp_path / "memory.csv").open()))
    assert int(rows[-1]["packets"]) == 10 * FLOWS
    assert all(int(row["resident_bytes"]) > 0 for row in rows)
    assert (tmp_path / "memory.svg").read_text().startswith("<svg ")
