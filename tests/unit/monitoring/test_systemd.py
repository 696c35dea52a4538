"""What a service manager hears, received by a socket that stands in for systemd's."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor.monitoring.systemd import STATUS_MAX, ServiceManager


class Listener:
    """systemd's end of the notify socket."""

    def __init__(self, address: str | bytes) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        """The messages so far; a datagram on a Unix socket is there as soon as it is sent."""
        messages = []
        while True:
            try:
                messages.append(self.socket.recv(65536).decode())
            except BlockingIOError:
                return messages


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)  # a socket's path has 107 octets at most
    return "/proc/self/cwd/notify"


@pytest.fixture
def listener(path: str) -> Iterator[Listener]:
    listener = Listener(path)
    yield listener
    listener.socket.close()


def test_a_service_tells_its_life(path: str, listener: Listener) -> None:
    manager = ServiceManager.from_environment({"NOTIFY_SOCKET": path})
    assert manager.present
    manager.ready()
    manager.status("12,345 packets/s, nothing lost")
    manager.stopping()
    assert listener.heard() == ["READY=1", "STATUS=12,345 packets/s, nothing lost", "STOPPING=1"]


def test_a_reload_has_its_time_in_the_same_message(path: str, listener: Listener) -> None:
    manager = ServiceManager.from_environment({"NOTIFY_SOCKET": path})
    before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    manager.reloading()
    manager.ready()
    first, second = listener.heard()
    reloading, stamp = first.split("\n")
    assert (reloading, second) == ("RELOADING=1", "READY=1")
    name, _, value = stamp.partition("=")
    now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert name == "MONOTONIC_USEC" and before_us <= int(value) <= now_us


def test_an_abstract_socket_is_named_by_an_at_sign() -> None:
    name = f"sensor-test-{os.getpid()}"
    listener = Listener(b"\0" + name.encode())
    ServiceManager.from_environment({"NOTIFY_SOCKET": f"@{name}"}).ready()
    assert listener.heard() == ["READY=1"]
    listener.socket.close()


def test_the_watchdog_is_fed_three_times_an_interval_at_most(
    path: str, listener: Listener
) -> None:
    now = [1000.0]
    manager = ServiceManager(path, watchdog_s=30.0, clock=lambda: now[0])
    for _ in range(300):  # 30 s of a loop that comes round ten times a second
        manager.watchdog()
        now[0] += 0.1
    assert listener.heard() == ["WATCHDOG=1"] * 3


def test_the_watchdog_is_not_fed_by_anything_else(path: str, listener: Listener) -> None:
    manager = ServiceManager(path, watchdog_s=0.001)
    manager.ready()
    manager.status("stuck")
    assert not any("WATCHDOG" in message for message in listener.heard())


@pytest.mark.parametrize(
    ("variables", "interval_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid() + 1)}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
        ({"WATCHDOG_USEC": "-1"}, 0.0),
        ({}, 0.0),
    ],
)
def test_the_watchdog_is_meant_for_the_process_that_is_named(
    path: str, listener: Listener, variables: dict[str, str], interval_s: float
) -> None:
    manager = ServiceManager.from_environment({"NOTIFY_SOCKET": path, **variables})
    assert manager.watchdog_s == interval_s
    manager.watchdog()
    assert listener.heard() == (["WATCHDOG=1"] if interval_s else [])


def test_text_from_outside_cannot_add_a_line(path: str, listener: Listener) -> None:
    manager = ServiceManager.from_environment({"NOTIFY_SOCKET": path})
    manager.status("eth0\nREADY=1\r\x1b[2J\u2028\udc80")
    assert listener.heard() == ["STATUS=eth0\\x0aREADY=1\\x0d\\x1b[2J\\u2028\\udc80"]


def test_a_status_is_short_and_sent_when_it_changes(path: str, listener: Listener) -> None:
    manager = ServiceManager.from_environment({"NOTIFY_SOCKET": path})
    for text in ("a", "a", "b", "x" * 10_000):
        manager.status(text)
    first, second, third = listener.heard()
    assert (first, second) == ("STATUS=a", "STATUS=b")
    assert len(third) == len("STATUS=") + STATUS_MAX and third.endswith("x...")


@pytest.mark.parametrize("value", ["", "relative/path", "@", "vsock:2:1234", "/no/such/socket",
                                   "/" + 200 * "long", "/nul\0nul"])  # fmt: skip
def test_nobody_who_listens_is_no_reason_to_stop(value: str) -> None:
    manager = ServiceManager.from_environment({"NOTIFY_SOCKET": value, "WATCHDOG_USEC": "1000"})
    manager.ready()
    manager.reloading()
    manager.status("here")
    manager.watchdog()
    manager.stopping()
    manager.close()
    manager.ready()
    assert not manager.present


def test_outside_systemd_nothing_is_there() -> None:
    manager = ServiceManager.from_environment({"WATCHDOG_USEC": "1000"})
    assert not manager.present and manager.watchdog_s == 0.0


def test_a_full_socket_delays_neither_status_nor_watchdog(path: str, listener: Listener) -> None:
    """What found no room is said again at the next call."""
    now = [0.0]
    manager = ServiceManager(path, watchdog_s=3.0, clock=lambda: now[0])
    filler = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    filler.setblocking(False)
    try:
        while True:
            filler.sendto(b"x", path)
    except BlockingIOError:
        pass
    manager.watchdog()
    manager.status("now")
    assert {*listener.heard()} == {"x"}
    manager.watchdog()
    manager.status("now")
    assert listener.heard() == ["WATCHDOG=1", "STATUS=now"]
    filler.close()
