"""The generator sends what it says, and what it sends is what it promises."""

from __future__ import annotations

import json
import struct
import subprocess
from collections import Counter
from pathlib import Path

import dpkt

from tests.command import sensor
from tests.live.blasting import Blast
from tests.live.namespaces import Lab
from tests.live.sensors import actor, tap


def test_its_frames_are_sound_and_its_sessions_whole(
    lab: Lab, tmp_path: Path, blast: Blast
) -> None:
    source, sensor_side = tap(lab)
    path = tmp_path / "blast.pcap"
    recorder = lab.start(sensor_side, actor("record_frames", "tap", path), stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE)  # fmt: skip
    assert recorder.stdout is not None and recorder.stdin is not None
    assert recorder.stdout.readline() == b"ready\n"
    sent = blast.run(source, "wire", frames=3000, seconds=0, rate=2_000, flows=40, flow_frames=20,
                     background=70, sessions=20, flood=10, first=1000, window=8)  # fmt: skip
    recorder.stdin.close()
    assert json.loads(recorder.stdout.readline()) == sent["frames"] >= 3000
    assert sent["unfinished"] == 0

    syns: Counter[tuple[int, bool]] = Counter()
    with path.open("rb") as stream:
        for _, frame in dpkt.pcap.Reader(stream):
            ip = dpkt.ethernet.Ethernet(frame).data
            octets = frame[14 : 14 + ip.len]
            assert dpkt.in_cksum(octets[:20]) == 0
            pseudo = octets[12:20] + struct.pack(">HH", dpkt.ip.IP_PROTO_TCP, ip.len - 20)
            assert dpkt.in_cksum(pseudo + octets[20:]) == 0
            syns[ip.data.dport, ip.src[0] == 10] += ip.data.flags == dpkt.tcp.TH_SYN
    assert syns[23, True] == sent["sessions"]
    assert syns[23, False] == sent["flood"]
    assert syns[443, False] == sent["flows"]

    run = sensor("replay", "--json", "--quiet", str(path))
    sources = sorted(alert["source"]["ip"] for alert in run.documents())
    assert sources == sorted(f"10.0.{number >> 8}.{number & 255}"
                             for number in range(1000, 1000 + sent["sessions"]))  # fmt: skip
