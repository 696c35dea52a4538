"""Run in a network namespace: what ScapyCapture gives in several situations, told as JSON.

The first word is the situation, the second how scapy captures: `native` or `libpcap`.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from sensor.capture.live.scapy_capture import ScapyCapture
from sensor.errors import CaptureError, ConfigError
from tests.live import veth
from tests.live.filtered_socket import frame, label_of, listener

WAIT_S = 20


class Reading:
    """A capture that is read in a thread of its own, and everything that it gave."""

    def __init__(self, capture: ScapyCapture) -> None:
        self.capture = capture
        self.frames: list[tuple[str, int, bytes]] = []
        self.watermarks: list[int] = []
        self.numbers: list[int] = []
        self.late = self.idle = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for frames in self.capture:
            self.idle += frames.count == 0
            if self.watermarks and frames.watermark_ns < self.watermarks[-1]:
                self.late += 1
            self.watermarks.append(frames.watermark_ns)
            for row in frames.records[: frames.count]:
                assert row["link"] == 1 and row["wire"] == row["captured"] > 0
                assert row["time_ns"] <= frames.watermark_ns
                octets = bytes(frames.data[row["offset"] : row["offset"] + row["captured"]])
                name = frames.interfaces[row["interface"]]
                self.frames.append((name, int(row["time_ns"]), octets))
            self.numbers.append(frames.first_number + frames.count)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds; it must within WAIT_S."""
        ends_s = time.monotonic() + WAIT_S
        while not condition():
            if time.monotonic() > ends_s:
                self.capture.close()
                raise SystemExit(f"waited in vain: {self.state()}, {len(self.frames)} frames")
            time.sleep(0.005)

    def join(self) -> None:
        self._thread.join(WAIT_S)
        if self._thread.is_alive():
            raise SystemExit("the iteration did not end")

    def state(self) -> dict[str, str]:
        return {one.name: one.state for one in self.capture.interfaces_status()}

    def labels(self, name: str) -> list[int]:
        return [label_of(octets) for where, _, octets in self.frames if where == name]


def everything() -> Any:
    """Frames of two interfaces and loopback, with and without tags; stopped right after them."""
    reading = Reading(ScapyCapture(["left0", "left1", "lo"]))
    before_ns = time.time_ns()
    tags: tuple[tuple[int, ...], ...] = ((), (5,), (5, 6))
    with listener() as sender:
        for number in range(3000):
            name = ("right0", "right1", "lo")[number % 3]
            sender.sendto(frame(tags[number // 3 % 3], 23, number), (name, 0))
        with listener() as witness:
            # Frames keep their order: once this one is back, the capture has all before it.
            sender.sendto(frame((), 80, 1), ("lo", 0))
            witness.recv(65536)
    reading.wait_for(lambda: len(reading.frames) > 100)
    reading.capture.stop()
    reading.join()
    status = reading.capture.status()
    times = [when for _, when, _ in reading.frames]
    read = reading.capture.bytes_read
    reading.capture.close()
    return {
        "left0": reading.labels("left0"), "left1": reading.labels("left1"),
        "lo": reading.labels("lo"), "late": reading.late, "last_number": reading.numbers[-1],
        "times_are_now": before_ns - 10**6 <= min(times) <= max(times) <= time.time_ns(),
        "kernel_packets": status.kernel_packets, "kernel_drops": status.kernel_drops,
        "bytes": read, "octets": sum(len(octets) for _, _, octets in reading.frames),
        "tagged": [octets[12:14] == b"\x81\x00" for name, _, octets in reading.frames
                   if name == "left0"][:6],
    }  # fmt: skip


def flaps() -> Any:
    """An interface goes down, comes up, vanishes and returns; another one comes late."""
    reading = Reading(ScapyCapture(["left0", "later0"]))
    states = [reading.state()]

    def until(name: str, state: str) -> None:
        reading.wait_for(lambda: reading.state()[name] == state)
        states.append(reading.state())

    def sends(number: int, name: str) -> None:
        def arrives() -> bool:
            sender.sendto(frame((), 23, number), (name, 0))
            return any(label_of(octets) == number for _, _, octets in reading.frames)

        reading.wait_for(arrives)

    with listener() as sender:
        sends(1, "right0")
        veth.ip("link", "set", "left0", "down")
        until("left0", "down")
        veth.ip("link", "set", "left0", "up")
        until("left0", "up")
        sends(2, "right0")
        veth.ip("link", "delete", "left0")
        until("left0", "absent")
        veth.pair("left0", "right0")
        until("left0", "up")
        sends(3, "right0")
        veth.pair("later0", "sooner0")
        until("later0", "up")
        sends(4, "sooner0")
    reading.capture.stop()
    reading.join()
    reading.capture.close()
    notices = [(notice.kind, notice.warning, notice.text)
               for notice in reading.capture.take_notices()]  # fmt: skip
    return {"states": states, "notices": notices,
            "drops": reading.capture.status().kernel_drops}  # fmt: skip


def idle() -> Any:
    """Packet time goes on while nothing comes; the iteration ends by `close` elsewhere."""
    reading = Reading(ScapyCapture(["left0"]))
    reading.wait_for(lambda: reading.idle >= 3)
    unknown = list(reading.watermarks)
    with listener() as sender:
        sender.sendto(frame((), 23, 1), ("right0", 0))
    reading.wait_for(lambda: len(reading.frames) == 1)
    came_ns = reading.frames[0][1]
    reading.wait_for(lambda: reading.watermarks[-1] > came_ns + 100_000_000)
    ahead = reading.watermarks[-1] > time.time_ns()
    reading.capture.close()
    reading.join()
    return {"before_any_frame": max(unknown), "late": reading.late, "ahead": ahead}


def interrupted() -> Any:
    """A signal handler closes the capture that the main thread iterates over."""
    capture = ScapyCapture(["left0"])
    signal.signal(signal.SIGALRM, lambda number, where: capture.close())
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    batches = sum(1 for _ in capture)
    capture.close()
    return batches


def filtered() -> Any:
    """A filter lets through what it says."""
    reading = Reading(ScapyCapture(["left0"], "tcp port 23"))
    with listener() as sender:
        for number in range(10):
            sender.sendto(frame((), 23 if number % 2 else 80, number), ("right0", 0))
    reading.wait_for(lambda: len(reading.frames) == 5)
    reading.capture.stop()
    reading.join()
    reading.capture.close()
    return reading.labels("left0")


def refused() -> Any:
    """What is said of a bad filter."""
    try:
        ScapyCapture(["left0"], "tcp prt 23")
    except ConfigError as error:
        return str(error)
    return "opened"


def unprivileged() -> Any:
    """What is said where capturing is not allowed."""
    try:
        ScapyCapture(["lo"])
    except CaptureError as error:
        return str(error)
    return "opened"


def main(situation: str, how: str) -> None:
    from scapy.config import conf  # noqa: PLC0415

    conf.use_pcap = how == "libpcap"
    if situation != "unprivileged":
        veth.pair("left0", "right0")
        veth.pair("left1", "right1")
        veth.ip("link", "set", "lo", "up")
    situations: dict[str, Callable[[], Any]] = {
        one.__name__: one
        for one in (everything, flaps, idle, interrupted, filtered, refused, unprivileged)
    }
    json.dump(situations[situation](), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
