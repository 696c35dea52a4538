"""A capture that passes by on a cable gives the alerts and flows that replaying its file gives.

Time on the cable is compressed: frames are sent `PACE` times as fast as they were captured and
every timeout of the flow table is as much shorter, so that minutes of a story pass in seconds and
mean the same. The window for duplicates stays: two frames sent one after the other may be some
milliseconds apart on a busy machine, and no story repeats a packet on purpose within it. And in
both runs alike the wait for a verdict is 1.5 s, not 1 s: one story has a frame 0.99 s after
another, and a scheduler is not that exact.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from sensor.base.units import SECOND_NS
from sensor.config import FlowLimits
from tests.command import ndjson, sensor
from tests.live.blasting import Blast
from tests.live.namespaces import Lab
from tests.live.sensors import Document, LiveSensor, act, as_set, tap, told
from tests.running import CAPTURES

BESIDE_THE_FRAMES = ("telnet_ptcpdump.pcapng", "telnet_pktap.pcapng")
"""They tell of processes, behind each frame; a cable carries the frames only."""
ON_OTHER_LINKS = ("telnet_ppp.pcap", "telnet_wireless.pcap")
"""Their frames cannot pass by on a cable."""
ALIKE_ON_A_CABLE = {
    f"telnet_{name}.pcap" for name in (
        "erspan", "geneve", "gre", "gtp", "ip_in_ip", "pptp",  # as VXLAN, inside IP packets
        "connect_scan", "fast_open", "fragments", "half_open_scan", "handshake_silent",
        "one_sided_responder", "refused_rst",
        "reset_after_handshake", "simultaneous_open", "tarpit")}  # fmt: skip
"""What sets them apart from others is inside their IP packets, where no cable and no ring looks,
and no timeout runs: what is made of it `tests/golden/test_truth.py` tells."""
FILES = sorted({path.name for path in CAPTURES.glob("*.pcap*")}
               - ALIKE_ON_A_CABLE - set(BESIDE_THE_FRAMES) - set(ON_OTHER_LINKS))  # fmt: skip
PACE = 10
PACES = {"demo.pcap": 60, "network_sweep.pcap": 30, "telnet_handshake_incomplete.pcap": 20,
         "telnet_one_sided.pcap": 20, "telnet_udp23.pcap": 20}  # fmt: skip
UNSCALED = ("duplicate_window_ns", "flows_max", "active_timeout_ns")
WAIT_NS = SECOND_NS * 3 // 2
ATTEMPT_NS = dict.fromkeys(("telnet_dropped.pcap", "telnet_one_sided.pcap"), 600 * SECOND_NS)
"""They end some seconds before an attempt would have been waited for long enough: on a cable that
is less than half a second, and a busy machine may take longer to end the sensor."""

# What a cable or a kernel does not let through, of the frames of malformed.pcap.
REFUSED = {"malformed.pcap": 1}
"""Shorter than an Ethernet header: no device sends it."""
DISCARDED = {"malformed.pcap": 1}
"""Its VLAN tag is cut short: the kernel takes tags out before anybody sees a frame, and fails."""


WITHOUT_MACS = ("telnet_backscatter.pcap", "telnet_midstream.pcap")
"""Captured on links without Ethernet addresses; on the cable they have some."""


def configuration(folder: Path, pace: int, name: str = "") -> Path:
    """A configuration file for a capture, with flow timeouts that are so many times shorter."""
    limits = {one.name: getattr(FlowLimits(), one.name) for one in fields(FlowLimits)}
    limits["verdict_wait_ns"] = WAIT_NS
    limits["tcp_attempt_timeout_ns"] = ATTEMPT_NS.get(name, limits["tcp_attempt_timeout_ns"])
    lines = [f"{name} = {value if name in UNSCALED else value // pace}"
             for name, value in limits.items()]  # fmt: skip
    key = folder / "key"
    key.write_bytes(b"the key of both runs")
    path = folder / f"pace{pace}.toml"
    text = "\n".join([f'hash_key_file = "{key}"', "[flow]", *lines])
    path.write_text(text + "\n", encoding="utf-8")
    return path


def replayed(folder: Path, name: str) -> tuple[list[Document], list[Document]]:
    """Alerts and flow records of `sensor replay` of a capture."""
    flows = folder / "replayed.ndjson"
    run = sensor("replay", "--json", "--quiet", "--flows", str(flows),
                 "--config", str(configuration(folder, 1, name)), str(CAPTURES / name))
    assert run.code == 0, run.err
    return run.documents(), ndjson(flows)


def seen_live(
    lab: Lab, folder: Path, name: str, *arguments: str, **options: Any
) -> tuple[list[Document], list[Document], Document]:
    """Alerts, flow records and ledger of `sensor live` on a cable on which a capture passes."""
    pace = PACES.get(name, PACE)
    source, sensor_side = tap(lab)
    live = LiveSensor(
        lab, sensor_side, folder, "--config", configuration(folder, pace, name), *arguments,
        **options,
    )
    sent = act(source, "send_frames", "wire", CAPTURES / name, pace)
    ledger = live.stop()
    assert sent["refused"] == REFUSED.get(name, 0)
    assert ledger["frames"] == ledger["capture"]["kernel_packets"]
    assert ledger["frames"] == sent["sent"] - DISCARDED.get(name, 0)
    assert ledger["capture"]["kernel_drops"] == 0
    return live.documents(), live.flows(), ledger


@pytest.mark.parametrize("name", FILES)
def test_live_tells_what_replay_tells(lab: Lab, tmp_path: Path, name: str) -> None:
    expected, expected_flows = replayed(tmp_path, name)
    found, flows, _ = seen_live(lab, tmp_path, name)
    if name in WITHOUT_MACS:
        documents = (*expected, *expected_flows, *found, *flows)
        sides = ("source", "destination", "client", "server")
        for side in (document[side] for document in documents for side in sides):
            side.pop("mac", None)
    assert as_set(found) == as_set(expected)
    assert as_set(flows) == as_set(expected_flows)


def test_tcpreplay_sends_the_same(lab: Lab, tmp_path: Path) -> None:
    """A sender that is not ours, as an independent check of the cable."""
    name = "telnet_accepted_v4.pcap"
    expected, expected_flows = replayed(tmp_path, name)
    source, sensor_side = tap(lab)
    live = LiveSensor(lab, sensor_side, tmp_path)
    source.run("tcpreplay", "--quiet", "--intf1=wire", "--multiplier=20", CAPTURES / name)
    ledger = live.stop()
    assert ledger["frames"] == 80
    assert as_set(live.documents()) == as_set(expected)
    assert as_set(live.flows()) == as_set(expected_flows)


@pytest.mark.parametrize("arguments", [("--workers", "2"), ("--backend", "scapy")], ids=" ".join)
def test_other_ways_to_capture_tell_the_same(
    lab: Lab, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    name = "telnet_internal.pcapng"
    expected, expected_flows = replayed(tmp_path, name)
    found, flows, _ = seen_live(lab, tmp_path, name, *arguments)
    assert as_set(found) == as_set(expected)
    assert as_set(flows) == as_set(expected_flows)
    assert Counter(told(flow)["sensor"]["flow"]["verdict"] for flow in flows) == {"accepted": 2}


def test_workers_share_many_connections(lab: Lab, tmp_path: Path, blast: Blast) -> None:
    """The kernel deals flows out to both workers; none is torn in two, and no alert is missing."""
    source, sensor_side = tap(lab)
    live = LiveSensor(lab, sensor_side, tmp_path, "--workers", "2")
    sent = blast.run(source, "wire", seconds=0, rate=20_000, sessions_max=500, background=0,
                     sessions=100)  # fmt: skip
    ledger = live.stop()
    assert ledger["frames"] == sent["frames"] == 5000
    sources = Counter(alert["source"]["ip"] for alert in live.documents())
    assert sources == {f"10.0.{number >> 8}.{number & 255}": 1 for number in range(500)}
    assert all(flow["network"]["packets"] == 10 for flow in live.flows())
    times = [alert["@timestamp"] for alert in live.documents()]
    assert times == sorted(times)  # one row of sinks, in the order of packet time


def test_directions_on_two_interfaces_are_one_connection(lab: Lab, tmp_path: Path) -> None:
    """A passive tap gives each direction on a port of its own."""
    name = "telnet_accepted_v4.pcap"
    expected, expected_flows = replayed(tmp_path, name)
    source, sensor_side = tap(lab)
    lab.veth(source, "wire2", sensor_side, "tap2", 9000)
    live = LiveSensor(lab, sensor_side, tmp_path, interfaces=("tap", "tap2"))
    act(source, "send_frames", "wire,wire2", CAPTURES / name, PACE)
    ledger = live.stop()
    assert ledger["frames"] == 80
    assert as_set(live.documents()) == as_set(expected)
    assert as_set(live.flows()) == as_set(expected_flows)
    # Where a flow came in is where its first packet did.
    assert {alert["observer"]["ingress"]["interface"]["name"] for alert in live.documents()} == {
        "tap"
    }


def test_loopback_counts_each_packet_once(lab: Lab, tmp_path: Path) -> None:
    name = "telnet_accepted_v6.pcap"
    expected, expected_flows = replayed(tmp_path, name)
    alone = lab.namespace("alone")
    live = LiveSensor(lab, alone, tmp_path, interfaces=("lo",))
    act(alone, "send_frames", "lo", CAPTURES / name, PACE)
    ledger = live.stop()
    assert ledger["frames"] == 80 and ledger["duplicates"] == 0
    assert as_set(live.documents()) == as_set(expected)
    assert as_set(live.flows()) == as_set(expected_flows)


@pytest.mark.needs("libpcap")
def test_a_filter_hides_what_it_does_not_let_through(lab: Lab, tmp_path: Path) -> None:
    """`tcp port 23` does not look behind two tags: the operator is told, and it is so."""
    source, sensor_side = tap(lab)
    live = LiveSensor(lab, sensor_side, tmp_path, "--bpf", "tcp port 23")
    act(source, "send_frames", "wire", CAPTURES / "telnet_accepted_v4.pcap", 100)
    act(source, "send_frames", "wire", CAPTURES / "telnet_qinq.pcap", 100)
    act(source, "send_frames", "wire", CAPTURES / "background.pcap", 100)
    ledger = live.stop()
    assert ledger["frames"] == 80
    assert len(live.documents()) == 1
    assert "warning: the filter hides QinQ" in live.errors


@pytest.mark.needs("libpcap")
def test_a_filter_can_exclude(lab: Lab, tmp_path: Path) -> None:
    source, sensor_side = tap(lab)
    live = LiveSensor(lab, sensor_side, tmp_path, "--bpf", "not port 23")
    act(source, "send_frames", "wire", CAPTURES / "telnet_accepted_v4.pcap", 100)
    act(source, "send_frames", "wire", CAPTURES / "background.pcap", 100)
    ledger = live.stop()
    assert ledger["frames"] == 94 and live.documents() == []


def test_alerts_say_how_late_they_are(lab: Lab, tmp_path: Path) -> None:
    """`event.created` less `@timestamp` is the latency: no alert is early. What it is, is measured
    elsewhere."""
    source, sensor_side = tap(lab)
    live = LiveSensor(lab, sensor_side, tmp_path)
    act(source, "send_frames", "wire", CAPTURES / "telnet_connect_scan.pcap", 1)
    live.stop()
    alerts = live.documents()
    assert len(alerts) == 5
    for alert in alerts:
        assert alert["event"]["created"] >= alert["@timestamp"]
        print("latency", alert["@timestamp"], alert["event"]["created"])


SAID = ("ssh", "telnet", "user", "dns", "tls", "http", "url")


def by_flow(events: list[Document]) -> dict[str, list[Any]]:
    """What was said in each connection, in its order."""
    said: dict[str, list[Any]] = {}
    for event in events:
        said.setdefault(event["network"]["community_id"], []).append(
            [event["event"]["action"], event["network"], *map(event.get, SAID)])
    return said


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_was_said_is_told_alike(lab: Lab, tmp_path: Path, workers: str) -> None:
    seen_live(lab, tmp_path, "demo.pcap", "--workers", workers,
              "--protocol-events", tmp_path / "live.ndjson")  # fmt: skip
    run = sensor("replay", "--quiet", "--protocol-events", str(tmp_path / "replayed.ndjson"),
                 "--config", str(configuration(tmp_path, 1)), str(CAPTURES / "demo.pcap"))
    assert run.code == 0, run.err
    expected, found = (by_flow(ndjson(tmp_path / name)) for name in (
        "replayed.ndjson", "live.ndjson"))
    assert found == expected
    assert len(found) == 32  # SSH once, telnet six times, HTTP once, DNS and TLS twelve times each
