"""How late alerts are, what an idle sensor costs, and what memory it takes.

    python benchmarks/live_latency.py [--sensor COMMAND] [--rate 100000] [--seconds 20]

Complete telnet sessions pass among other TCP traffic of so many frames a second. Each gives one
alert, which goes to standard output and to a syslog server on the loopback interface. Two latencies
come of it: `event.created` less `@timestamp`, as every alert says itself, and the time at which the
kernel got the datagram for the syslog server, less the time at which it got the deciding frame.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import socket
import struct
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from live_lab import Sensor, blast, build_blast, busy_rules, inside, percentile

SO_TIMESTAMPNS = 35
ORIGINATOR = re.compile(rb"\b10\.\d+\.\d+\.\d+\b")
SETTLE_S = 2.0


def nanoseconds(text: str) -> int:
    """RFC 3339 with nine decimals as nanoseconds since 1970."""
    head, _, fraction = text.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(f"{head}+00:00").timestamp())
    return seconds * 1_000_000_000 + int(fraction.ljust(9, "0"))


class SyslogServer:
    """Takes datagrams, and the kernel's word on when each came."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.2)
        self.port = self.socket.getsockname()[1]
        self.arrived: dict[str, int] = {}
        self._over = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                octets, ancillary, _, _ = self.socket.recvmsg(65536, 256)
            except TimeoutError:
                if self._over:
                    return
                continue
            seconds, nanos = struct.unpack("qq", ancillary[0][2][:16])
            if found := ORIGINATOR.search(octets):
                self.arrived.setdefault(found[0].decode(), seconds * 1_000_000_000 + nanos)

    def close(self) -> None:
        """Wait for what is under way, and end."""
        self._over = True
        self._thread.join()
        self.socket.close()


def summary(latencies_ns: list[int]) -> dict[str, float]:
    """Milliseconds."""
    return {"alerts": len(latencies_ns), "p50": percentile(latencies_ns, 0.5) / 1e6,
            "p99": percentile(latencies_ns, 0.99) / 1e6, "max": max(latencies_ns) / 1e6,
            "min": min(latencies_ns) / 1e6}  # fmt: skip


def measure(folder: Path, command: list[str], rate: int, seconds: int) -> dict[str, Any]:
    """Run the sensor: idle first, then under load."""
    program = build_blast(folder)
    rules = busy_rules(folder)
    server = SyslogServer()
    alerts_path = folder / "alerts"
    with alerts_path.open("wb") as alerts:
        sensor = Sensor(command, folder, "--json", "--rules", str(rules), "--syslog",
                        f"udp://127.0.0.1:{server.port}", stdout=alerts)  # fmt: skip
        time.sleep(SETTLE_S)
        before_s, began_s = sensor.cpu_s(), time.monotonic()
        time.sleep(seconds / 2)
        idle = (sensor.cpu_s() - before_s) / (time.monotonic() - began_s)
        idle_bytes = sensor.memory_bytes()
        before_s = sensor.cpu_s()
        sent = blast(program, seconds=seconds, rate=rate, background=995, sessions=5)
        busy = (sensor.cpu_s() - before_s) / sent["seconds"]
        busy_bytes = sensor.memory_bytes()
        time.sleep(SETTLE_S)
        ledger = sensor.stop()
    server.close()
    decided, created = {}, []
    for line in alerts_path.read_text().splitlines():
        alert = json.loads(line)
        at_ns = nanoseconds(alert["@timestamp"])
        decided[alert["source"]["ip"]] = at_ns
        created.append(nanoseconds(alert["event"]["created"]) - at_ns)
    received = [at_ns - decided[ip] for ip, at_ns in server.arrived.items() if ip in decided]
    return {
        "rate": sent["frames_per_s"], "sessions": sent["sessions"],
        "kernel_drops": ledger["capture"]["kernel_drops"],
        "created_ms": summary(created), "syslog_ms": summary(received),
        "idle_cpu_percent": 100 * idle, "busy_cpu_percent": 100 * busy,
        "idle_mb": idle_bytes / 1e6, "busy_mb": busy_bytes / 1e6,
        "whole": len(created) == sent["sessions"] == len(received),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sensor", default=f"{sys.executable} -m sensor", metavar="COMMAND")
    parser.add_argument("--rate", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    folder = inside()
    result = measure(folder, shlex.split(options.sensor), options.rate, options.seconds)
    for name in ("created_ms", "syslog_ms"):
        shown = ", ".join(f"{key} {value:.4g}" for key, value in result[name].items())
        print(f"{name:18} {shown}")
    print(f"{'load':18} {result['rate']:.0f} frames/s, {result['sessions']} sessions,"
          f" {result['kernel_drops']} frames dropped by the kernel")  # fmt: skip
    print(f"{'CPU':18} idle {result['idle_cpu_percent']:.2f} %, busy"
          f" {result['busy_cpu_percent']:.1f} %")  # fmt: skip
    print(f"{'memory, no ring':18} idle {result['idle_mb']:.0f} MB, busy"
          f" {result['busy_mb']:.0f} MB")  # fmt: skip
    print(json.dumps(result))
    return 0 if result["whole"] else 1


if __name__ == "__main__":
    sys.exit(main())
