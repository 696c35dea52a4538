"""A sensor for minutes at the highest rate, with trouble on every side; then the books are checked.

    python benchmarks/live_soak.py [MINUTES] [--sensor COMMAND] [--rate 0] [--out FOLDER]

For so many minutes (30) the generator sends as fast as it can: TCP connections, a SYN flood to port
23, and complete telnet sessions, each of which deserves one alert. Meanwhile the interface goes
down and comes back, and two syslog servers, one on TCP (with a spool) and one on UDP, go away and
come back.

What is checked at the end; the exit code is 1 if anything is wrong:

  memory   resident memory without the ring, once a second, after a warm-up of a third of the run:
           the median of its last quarter is at most 3 % above the median of its first (10 % in a
           run of less than 10 minutes: there the allocator still settles)
  alerts   a second rule reports each session's flow record when it is over. Every session whose
           record has all its 10 packets was alerted, exactly once, and only sessions were. Packets
           that are missing from the records are no more than the kernel says it dropped
  books    every frame that the kernel did not drop was worked on, and every alert is in each sink's
           account
  syslog   TCP: every alert arrived. UDP: nothing came that was no alert (what is sent to a server
           that is away is gone, as UDP is)

A curve of memory, drops and flows goes to FOLDER/soak.json and, drawn, to FOLDER/soak.svg.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from live_lab import Sensor, build_blast, busy_rules, inside, ip, start_blast

SESSION_PACKETS = 10
PORT_RULE = "Accepted Default Telnet Port Connection"
END_RULE = "Telnet session over"
END_RULE_TEXT = f'''
[rule]
rule_id = "5a0b7c9e-3e0f-4b57-9d0e-7f4f0a6d5d11"
name = "{END_RULE}"
description = "What the sensor saw of a session, when it is over."
type = "query"
language = "kuery"
severity = "low"
risk_score = 21
max_signals = 1_000_000_000
query = "event.action:network_flow and destination.port:23 and destination.packets >= 1"
'''
LOAD = {"background": 8990, "flood": 1000, "sessions": 10, "window": 2, "flows": 20_000}
CONFIGURATION = "[flow]\nflows_max = 100000\ntcp_attempt_timeout_s = 10\n"
"""A flow table that the slowest machine fills while it warms up: memory grows until then."""
FLAT_SHARES = ((540, 0.03), (90, 0.10), (0, 0.30))
"""The growth of memory that is none, of runs of so many seconds or more: buffers are as large as
the rate asks, and the rate of a short run hangs on what else the machine does."""
WARM_UP_SHARE = 1 / 3
ORIGINATOR = re.compile(rb"\b10\.\d+\.\d+\.\d+\b")


class Repeated:
    """Something that is done every so often, in a thread, until the end."""

    def __init__(self, every_s: float, what: Callable[[], Any]) -> None:
        self._every_s, self._what = every_s, what
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            self._what()

    def close(self) -> None:
        self._over.set()
        self._thread.join()


class TcpServer:
    """A syslog server on TCP that goes away and comes back on the same port.

    When it goes it says so (FIN) and reads what is under way: TCP itself loses nothing then.
    """

    def __init__(self) -> None:
        self.messages: Counter[str] = Counter()
        self.comings = 0
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self._away = threading.Event()
        self._over = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._over:
            self._away.clear()
            self.comings += 1
            with socket.create_server(("127.0.0.1", self.port)) as inlet:
                inlet.settimeout(0.1)
                readers = []
                while not self._away.is_set():
                    try:
                        connection, _ = inlet.accept()
                    except TimeoutError:
                        continue
                    readers.append(threading.Thread(target=self._read, args=(connection,)))
                    readers[-1].start()
            for reader in readers:
                reader.join()
            if not self._over:
                time.sleep(self._gone_s)

    def _read(self, connection: socket.socket) -> None:
        """Take octet-counted messages (RFC 6587 3.4.1) until the client has left."""
        kept, said = b"", False
        connection.settimeout(0.1)
        with connection:
            while True:
                if self._away.is_set() and not said:
                    connection.shutdown(socket.SHUT_WR)
                    said = True
                try:
                    octets = connection.recv(1 << 16)
                except TimeoutError:
                    continue
                except ConnectionError:
                    return
                if not octets:
                    return
                kept = self._take(kept + octets)

    def _take(self, octets: bytes) -> bytes:
        while (space := octets.find(b" ", 0, 12)) > 0:
            end = space + 1 + int(octets[:space])
            if len(octets) < end:
                break
            if PORT_RULE.encode() in octets[:end] and (found := ORIGINATOR.search(octets, 0, end)):
                self.messages[found[0].decode()] += 1
            octets = octets[end:]
        return octets

    def go(self, gone_s: float) -> None:
        """Go away for so long."""
        self._gone_s = gone_s
        self._away.set()

    def close(self) -> None:
        self._over = True
        self._away.set()
        self._thread.join()


class UdpServer:
    """The same on UDP."""

    def __init__(self) -> None:
        self.messages: Counter[str] = Counter()
        self.port = 0
        self._inlet: socket.socket | None = None
        self._over = False
        self._come()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _come(self) -> None:
        inlet = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        inlet.bind(("127.0.0.1", self.port))
        inlet.settimeout(0.1)
        self.port = inlet.getsockname()[1]
        self._gone_s = 0.0
        self._inlet = inlet

    def _run(self) -> None:
        while not self._over:
            assert self._inlet is not None
            try:
                octets = self._inlet.recv(65536)
                found = ORIGINATOR.search(octets)
                if found and PORT_RULE.encode() in octets:
                    self.messages[found[0].decode()] += 1
            except TimeoutError:
                pass
            if self._gone_s:
                self._inlet.close()
                time.sleep(self._gone_s)
                self._come()
        assert self._inlet is not None
        self._inlet.close()

    def go(self, gone_s: float) -> None:
        self._gone_s = gone_s

    def close(self) -> None:
        self._over = True
        self._thread.join()


class Alerts:
    """The alerts on the sensor's standard output: how often each session was alerted, and what its
    record holds."""

    def __init__(self) -> None:
        self.alerted: Counter[str] = Counter()
        self.packets: Counter[str] = Counter()
        self.strange: list[str] = []

    def read(self, stream: Any) -> None:
        for line in stream:
            alert = json.loads(line)
            source = alert["source"]["ip"]
            if not source.startswith("10.") or alert["destination"]["port"] != 23:
                self.strange.append(source)
            elif alert["rule"]["name"] == PORT_RULE:
                self.alerted[source] += 1
            else:
                self.packets[source] += alert["network"]["packets"]


def session_address(number: int) -> str:
    """Where blast's session of this number comes from."""
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def soak(folder: Path, command: list[str], minutes: float, rate: int) -> dict[str, Any]:
    """The run itself; everything that was seen."""
    program = build_blast(folder)
    (folder / "soak.toml").write_text(CONFIGURATION)
    (folder / "spool").mkdir()
    tcp, udp, alerts = TcpServer(), UdpServer(), Alerts()
    sensor = Sensor(
        command, folder, "--json", "--rules", str(busy_rules(folder, END_RULE_TEXT)),
        "--config", str(folder / "soak.toml"), "--stats-interval", "1",
        "--syslog", f"tcp://127.0.0.1:{tcp.port}", "--syslog", f"udp://127.0.0.1:{udp.port}",
        "--spool", str(folder / "spool"), stdout=subprocess.PIPE,
    )  # fmt: skip
    reader = threading.Thread(target=alerts.read, args=(sensor.process.stdout,))
    reader.start()
    curve: list[dict[str, float]] = []
    flaps = 0
    began_s = time.monotonic()

    def look() -> None:
        capture, flows = sensor.ledger()["capture"], sensor.ledger()["flows"]
        curve.append({"s": time.monotonic() - began_s, "bytes": sensor.memory_bytes(),
                      "packets": capture["kernel_packets"], "drops": capture["kernel_drops"],
                      "flows": flows["total"], "alerts": sum(alerts.alerted.values())})  # fmt: skip

    def flap() -> None:
        nonlocal flaps
        flaps += 1
        ip("link set tap down")
        time.sleep(0.3)
        ip("link set tap up")

    seconds = round(60 * minutes)
    time.sleep(2)
    sender = start_blast(program, seconds=seconds, rate=rate, **LOAD)
    cycle_s = max(10.0, seconds / 40)
    regular = [Repeated(1.0, look), Repeated(cycle_s, flap),
               Repeated(cycle_s * 1.3, lambda: tcp.go(cycle_s / 3)),
               Repeated(cycle_s * 1.7, lambda: udp.go(cycle_s / 4))]  # fmt: skip
    out, _ = sender.communicate()
    for one in regular:
        one.close()
    time.sleep(cycle_s / 3 + 3)  # the servers are back
    ledger = sensor.stop((0, 1))  # 1: a sink dropped something, which UDP may
    reader.join()
    tcp.close()
    udp.close()
    return {"sent": json.loads(out), "ledger": ledger, "curve": curve, "flaps": flaps,
            "tcp": tcp, "udp": udp, "alerts": alerts, "cycle_s": cycle_s,
            "errors": sensor.errors_path.read_text()}  # fmt: skip


def growth(curve: list[dict[str, float]]) -> tuple[float, float]:
    """Median memory of the first and of the last quarter after warm-up."""
    warm = [point["bytes"] for point in curve[int(len(curve) * WARM_UP_SHARE) :]]
    quarter = max(1, len(warm) // 4)
    return statistics.median(warm[:quarter]), statistics.median(warm[-quarter:])


def alert_problems(run: dict[str, Any]) -> list[str]:
    """What is wrong with the alerts themselves."""
    found = []
    sent, alerts = run["sent"], run["alerts"]
    sessions = {session_address(sent["first"] + number) for number in range(sent["sessions"])}
    whole = {source for source, packets in alerts.packets.items() if packets >= SESSION_PACKETS}
    if lost := whole - set(alerts.alerted):
        found.append(f"{len(lost)} whole sessions without an alert, such as {min(lost)}")
    if twice := [source for source, count in alerts.alerted.items() if count > 1]:
        found.append(f"{len(twice)} sessions alerted more than once, such as {min(twice)}")
    if strange := [*alerts.strange, *(set(alerts.alerted) - sessions)]:
        found.append(f"{len(strange)} alerts for what was no session, such as {strange[0]}")
    missing = SESSION_PACKETS * len(sessions) - sum(alerts.packets.values())
    dropped = run["ledger"]["capture"]["kernel_drops"]
    if missing > dropped:
        found.append(f"{missing} packets of sessions were not seen, the kernel dropped {dropped}")
    if not alerts.alerted:
        found.append("there was nothing to alert on")
    return found


def sink_problems(run: dict[str, Any]) -> list[str]:
    """What is wrong between the sensor's alerts and their receivers."""
    found = []
    alerted = set(run["alerts"].alerted)
    total = sum(rule["alerts"] for rule in run["ledger"]["rules"].values())
    for name, sink in run["ledger"]["sinks"].items():
        if sink["delivered"] + sink["dropped"] + sink.get("waiting", 0) != total:
            found.append(f"sink {name}: {sink} for {total} alerts")
    if missing := alerted - set(run["tcp"].messages):
        found.append(f"{len(missing)} alerts did not arrive by TCP, such as {min(missing)}")
    if set(run["udp"].messages) - alerted:
        found.append("messages came by UDP that were no alerts")
    return found


def problems(run: dict[str, Any]) -> list[str]:
    """Everything that is wrong; empty if nothing is."""
    found = []
    ledger, capture = run["ledger"], run["ledger"]["capture"]
    first, last = growth(run["curve"])
    share = next(share for least_s, share in FLAT_SHARES if run["curve"][-1]["s"] >= least_s)
    if last > first * (1 + share):
        found.append(f"memory grew from {first / 1e6:.1f} to {last / 1e6:.1f} MB")
    if capture["kernel_packets"] - capture["kernel_drops"] != ledger["frames"]:
        found.append(f"{ledger['frames']} frames worked on, the kernel counts"
                     f" {capture['kernel_packets']} less {capture['kernel_drops']}")  # fmt: skip
    if "Traceback" in run["errors"]:
        found.append(run["errors"])
    return [*found, *alert_problems(run), *sink_problems(run)]


def report(run: dict[str, Any], wrong: list[str]) -> dict[str, Any]:
    """What happened, as plain values."""
    sent, alerts, ledger = run["sent"], run["alerts"], run["ledger"]
    first, last = growth(run["curve"])
    return {
        "problems": wrong, "sent": sent, "flaps": run["flaps"],
        "kernel_drops": ledger["capture"]["kernel_drops"], "frames": ledger["frames"],
        "flows": ledger["flows"], "sessions": sent["sessions"],
        "whole_sessions": sum(count >= SESSION_PACKETS for count in alerts.packets.values()),
        "alerted_sessions": len(alerts.alerted), "sinks": ledger["sinks"],
        "tcp": {"comings": run["tcp"].comings, "sessions": len(run["tcp"].messages),
                "twice": sum(count > 1 for count in run["tcp"].messages.values())},
        "udp": {"sessions": len(run["udp"].messages)},
        "warm_mb": first / 1e6, "end_mb": last / 1e6, "curve": run["curve"],
    }  # fmt: skip


def drawing(curve: list[dict[str, float]]) -> str:
    """The memory curve as SVG."""
    width, height, edge = 800, 240, 40
    most = max(point["bytes"] for point in curve) * 1.1
    end_s = curve[-1]["s"]
    points = " ".join(
        f"{edge + point['s'] / end_s * (width - 2 * edge):.1f},"
        f"{height - edge - point['bytes'] / most * (height - 2 * edge):.1f}" for point in curve
    )  # fmt: skip
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<rect width="100%" height="100%" fill="white"/>'
        f'<text x="{edge}" y="24" font-family="sans-serif" font-size="14">resident memory without'
        f" the ring: 0 to {most / 1e6:.0f} MB over {end_s:.0f} s</text>"
        f'<polyline points="{points}" fill="none" stroke="#06c" stroke-width="1.5"/>'
        f'<path d="M{edge} {edge}V{height - edge}H{width - edge}" fill="none" stroke="#888"/>'
        "</svg>\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("minutes", type=float, nargs="?", default=30.0)
    parser.add_argument("--sensor", default=f"{sys.executable} -m sensor", metavar="COMMAND")
    parser.add_argument("--rate", type=int, default=0, help="frames a second; 0: no limit")
    parser.add_argument("--out", type=Path, default=None, metavar="FOLDER")
    options = parser.parse_args()
    folder = inside()
    out = options.out or folder
    run = soak(folder, shlex.split(options.sensor), options.minutes, options.rate)
    told = report(run, problems(run))
    out.mkdir(parents=True, exist_ok=True)
    (out / "soak.json").write_text(json.dumps(told) + "\n")
    (out / "soak.svg").write_text(drawing(run["curve"]))
    for name, value in told.items():
        if name not in ("curve", "problems"):
            print(f"{name:18} {json.dumps(value)}")
    print(f"{'curve':18} {out / 'soak.json'}, {out / 'soak.svg'}")
    for problem in told["problems"]:
        print(f"WRONG: {problem}")
    return 1 if told["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
