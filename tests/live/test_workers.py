"""Workers on a cable: what belongs together reaches the same one, whoever sends it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.conversation import Talk, merged
from tests.live import veth
from tests.live.namespaces import Lab
from tests.live.sensors import LiveSensor, act, tap, told
from tests.unit.capture.files.build import pcap_header, record, write

FLOWS = 40
ROUTERS = {4: "203.0.113.1", 6: "2001:db8:ffff::1"}
PROHIBITED = {4: (3, 13), 6: (1, 1)}


def refused(version: int, number: int, vlan: int | None) -> Talk:
    """A SYN that a router on the way, not the server, refuses."""
    client, server = (
        (f"10.0.0.{number + 1}", "192.0.2.1") if version == 4
        else (f"2001:db8::{number + 1:x}", "2001:db8:1::1")
    )  # fmt: skip
    talk = Talk(version, addresses=(client, server), vlan=vlan)
    talk.client.syn(number * 0.002)
    kind, code = PROHIBITED[version]
    talk.server.unreachable(number * 0.002 + 0.01, kind, code, talk.client.sent(),
                            sender=ROUTERS[version])  # fmt: skip
    return talk


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("tags", [0, 1, 2])
def test_a_routers_refusal_reaches_the_worker_of_the_connection(
    lab: Lab, tmp_path: Path, version: int, tags: int
) -> None:
    frames = merged(*(refused(version, number, 5 if tags else None) for number in range(FLOWS)))
    if tags == 2:
        frames = [(at, octets[:12] + b"\x88\xa8\x00\x07" + octets[12:]) for at, octets in frames]
    capture = write(tmp_path / "refused.pcap", pcap_header(), *(
        record(octets, at // 10**9, at % 10**9 // 1000) for at, octets in frames
    ))  # fmt: skip
    source, sensor_side = tap(lab)
    live = LiveSensor(lab, sensor_side, tmp_path, "--workers", "2")
    act(source, "send_frames", "wire", capture, 1)
    ledger = live.stop()
    assert ledger["frames"] == 2 * FLOWS
    assert ledger["flows"]["total"] == ledger["flows"]["denied"] == FLOWS
    verdicts = Counter(told(flow)["sensor"]["flow"]["verdict"] for flow in live.flows())
    assert verdicts == {"denied": FLOWS}


def test_every_worker_gets_a_share_and_no_pair_of_hosts_is_torn_apart() -> None:
    shares = veth.run("tests.live.shares")
    assert len(shares) == 4
    pairs = [set(share) for share in shares]
    assert len(set.union(*pairs)) == 64 == sum(map(len, pairs))
    # An even share is 16; chance alone gives one of fewer than 4 once in 10,000.
    assert min(map(len, pairs)) >= 4
    assert all(count == 3 for share in shares for count in share.values())
