"""The harness itself: what is sent into the cable arrives, and nothing else does."""

from __future__ import annotations

import os

import pytest

from tests.live.namespaces import Lab, Namespace, NamespaceError, open_lab
from tests.live.sensors import Actor, act, actor, tap
from tests.running import CAPTURES

FRAME = "020000000002" "020000000001" "{tags}" "0800" + "45" + "00" * 59
OUTER, INNER = "88a801f4", "81000014"  # 802.1ad tag 500, 802.1Q tag 20


def test_frames_arrive_as_sent_and_nothing_else_does(lab: Lab) -> None:
    source, sensor = tap(lab)
    receiver = Actor(lab, sensor, "receive_frames", "tap", 80)
    sent = act(source, "send_frames", "wire", CAPTURES / "telnet_accepted_v4.pcap", 1000)
    assert sent == {"sent": 80, "refused": 0}
    assert len(receiver.report()) == 80
    link = sensor.run("ip", "-json", "-statistics", "link", "show", "tap")
    assert '"packets":80' in link.replace(" ", "")


def test_kernel_takes_the_outer_tag_out_of_the_frame(lab: Lab) -> None:
    """The trap that live VLAN tests are there for is really on this kernel."""
    source, sensor = tap(lab)
    receiver = Actor(lab, sensor, "receive_frames", "tap", 2)
    frames = [FRAME.format(tags=OUTER + INNER), FRAME.format(tags=INNER)]
    source.run(*actor("send_hex", "wire", *frames))
    double, single = receiver.report()
    assert double["tag"] == [0x88A8, 500] and double["head"][24:32] == INNER
    assert single["tag"] == [0x8100, 20] and single["head"][24:28] == "0800"


def test_everything_ends_with_the_lab() -> None:
    with open_lab() as lab:
        source, sensor = tap(lab)
        process = lab.start(sensor, ["sleep", "1000"])
        pids = [process.pid, source.holder.pid, sensor.holder.pid]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_namespace_that_cannot_be_made_is_an_error_that_says_why() -> None:
    with pytest.raises(NamespaceError, match=r"unrecognized|invalid"):
        Namespace("none", ["unshare", "--no-such-option"], None)
