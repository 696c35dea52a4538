"""Capture through scapy, by its own sockets of Linux and by libpcap as on other systems."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from sensor.capture.live.scapy_capture import GATHER_S, IDLE_S, SCAPY_NOTICE
from tests.live import veth

pytestmark = pytest.mark.needs("libpcap", "user namespaces")
HOW = pytest.mark.parametrize("how", ["native", "libpcap"])


def scapy(situation: str, how: str) -> Any:
    return veth.run("tests.live.scapy_capture", situation, how)


@HOW
def test_every_frame_arrives_once_whole_and_in_order(how: str) -> None:
    found = scapy("everything", how)
    assert found["left0"] == list(range(0, 3000, 3))
    assert found["left1"] == list(range(1, 3000, 3))
    # the last one on loopback is the script's mark; what leaves there is not counted twice
    assert [label for label in found["lo"] if label != 1] == list(range(2, 3000, 3))
    assert len(found["lo"]) <= 1001
    assert found["times_are_now"] and found["late"] == 0
    assert found["kernel_packets"] >= 3000 and found["kernel_drops"] == 0
    assert found["bytes"] == found["octets"]
    assert found["last_number"] == 1 + sum(len(found[name]) for name in ("left0", "left1", "lo"))
    # the tag that the kernel takes out is put back: none, one, two, none, ...
    assert found["tagged"] == [False, True, True, False, True, True]


@HOW
def test_interfaces_go_and_come(how: str) -> None:
    found = scapy("flaps", how)
    assert [(state["left0"], state["later0"]) for state in found["states"]] == [
        ("up", "absent"), ("down", "absent"), ("up", "absent"), ("absent", "absent"),
        ("up", "absent"), ("up", "up"),
    ]  # fmt: skip
    first, *others = found["notices"]
    assert first == ["capture", True, SCAPY_NOTICE]
    for kind, warning, text in others:
        assert kind == "interface" and warning is not text.endswith(" is up")
    texts = [text for _, _, text in others]
    assert texts[:2] == ["left0 is up", "later0 is absent"]
    assert texts[-1] == "later0 is up"
    # between deletion and use the new interface may be seen before it is up
    assert [text for text in texts if text.startswith("left0")][:4] == [
        "left0 is up", "left0 is down", "left0 is up", "left0 is absent",
    ]  # fmt: skip


@HOW
def test_packet_time_goes_on_behind_the_clock_while_nothing_comes(how: str) -> None:
    assert scapy("idle", how) == {"before_any_frame": 0, "late": 0, "ahead": False}
    assert IDLE_S <= 0.1 and GATHER_S < IDLE_S


@HOW
def test_a_signal_handler_may_end_the_iteration(how: str) -> None:
    assert scapy("interrupted", how) >= 1


@HOW
def test_a_filter_lets_through_what_it_says(how: str) -> None:
    assert scapy("filtered", how) == [1, 3, 5, 7, 9]


@HOW
def test_a_bad_filter_is_refused(how: str) -> None:
    assert scapy("refused", how) == (
        "--bpf tcp prt 23: can't parse filter expression: syntax error"
    )


@HOW
def test_without_the_right_to_capture_it_says_so(how: str) -> None:
    done = subprocess.run(
        ["unshare", "--user", sys.executable, "-m", "tests.live.scapy_capture", "unprivileged",
         how], cwd=veth.ROOT, capture_output=True, text=True, timeout=veth.TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('"lo: ')
    assert "permi" in done.stdout.lower()
