"""What the live benchmarks share: a network of their own, the generator, and the sensor in it.

A benchmark calls `inside()` first: it starts itself again in new user and network namespaces, where
it may make interfaces and capture although it is nobody on the machine. `wire` and `tap` are the
two ends of a cable; what is sent into the first arrives at the second.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SOURCE = HERE / "blast.c"
INSIDE = "SENSOR_BENCHMARK_INSIDE"
# Not root inside: tcpdump would try to become another user, which a namespace has not.
NAMESPACES = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--keep-caps", "--net"]
AS_ROOT = ["unshare", "--net"]
START_S = 60.0
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


def inside() -> Path:
    """Go on inside namespaces of our own, with a cable; returns a folder for what is written."""
    if INSIDE not in os.environ:
        wrapper = NAMESPACES
        if subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode:
            wrapper = AS_ROOT
        os.environ[INSIDE] = "1"
        try:
            os.execvp(wrapper[0], [*wrapper, sys.executable, *sys.argv])
        except OSError as error:
            sys.exit(f"no namespaces: {error}")
    ip("link set lo up")
    ip("link add wire mtu 9000 type veth peer name tap mtu 9000")
    for name in ("wire", "tap"):
        ip(f"link set {name} addrgenmode none")
        ip(f"link set {name} up")
    return Path(tempfile.mkdtemp(prefix="live-"))


def ip(words: str) -> None:
    """`ip WORDS`."""
    subprocess.run(["ip", *words.split()], check=True)


def build_blast(folder: Path) -> Path:
    """The generator, compiled."""
    program = folder / "blast"
    subprocess.run(["gcc", "-O2", "-o", program, SOURCE], check=True)
    return program


def start_blast(program: Path, core: int | None = None, **settings: int) -> subprocess.Popen[str]:
    """Start sending into `wire`; its report is one line of JSON on standard output."""
    words = [f"{name}={value}" for name, value in settings.items()]
    return subprocess.Popen(
        [*pinned(core), str(program), "wire", *words], stdout=subprocess.PIPE, text=True
    )


def blast(program: Path, core: int | None = None, **settings: int) -> dict[str, Any]:
    """Send into `wire` until it is done; the report."""
    out, _ = start_blast(program, core, **settings).communicate()
    report: dict[str, Any] = json.loads(out)
    return report


def pinned(core: int | None) -> list[str]:
    """The words before a command that keep it on one core."""
    return [] if core is None else ["taskset", "--cpu-list", str(core)]


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = START_S) -> Any:
    """The condition's first true value; the benchmark ends if there is none."""
    deadline_s = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > deadline_s:
            sys.exit(f"waited {timeout_s:.0f} s for {what}")
        time.sleep(0.01)
    return value


class Sensor:
    """A running `sensor live -i tap`."""

    def __init__(
        self, command: Sequence[str], folder: Path, *arguments: str, core: int | None = None,
        stdout: Any = subprocess.DEVNULL,
    ) -> None:  # fmt: skip
        self.folder = Path(tempfile.mkdtemp(prefix="run-", dir=folder))
        self.ledger_path = self.folder / "ledger"
        self.errors_path = self.folder / "errors"
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices,
            self.errors_path.open("wb") as errors,
        ):
            notices.bind(str(self.folder / "notify"))
            notices.settimeout(0.1)
            self.process = subprocess.Popen(
                [*pinned(core), *command, "live", "-i", "tap", "--stats", str(self.ledger_path),
                 *arguments],
                stdout=stdout, stderr=errors, stdin=subprocess.DEVNULL,
                env={**os.environ, "NOTIFY_SOCKET": str(self.folder / "notify")},
            )  # fmt: skip
            wait_for(lambda: self._is_ready(notices), "the sensor")

    def _is_ready(self, notices: socket.socket) -> bool:
        if self.process.poll() is not None:
            sys.exit(f"the sensor ended: {self.errors_path.read_text()}")
        try:
            return b"READY=1" in notices.recv(65536)
        except TimeoutError:
            return False

    def cpu_s(self) -> float:
        """CPU time until now, user and system."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = text[text.rindex(")") + 2 :].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_bytes(self) -> int:
        """Resident memory without the ring, which the kernel counts among it."""
        resident, ring, is_ring = 0, 0, False
        for line in Path(f"/proc/{self.process.pid}/smaps").read_text().splitlines():
            if line[0] in "0123456789abcdef" and "-" in line.split(maxsplit=1)[0]:
                is_ring = "socket:[" in line
            elif line.startswith("Rss:"):
                octets = int(line.split()[1]) * 1024
                resident += octets
                ring += octets if is_ring else 0
        return resident - ring

    def stop(self, codes: Sequence[int] = (0,)) -> dict[str, Any]:
        """End it as a service manager does; the ledger."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait()
        if code not in codes:
            sys.exit(f"the sensor ended with {code}: {self.errors_path.read_text()}")
        return self.ledger()

    def ledger(self) -> dict[str, Any]:
        """The newest ledger that is whole."""
        def read() -> dict[str, Any] | None:
            try:
                found: dict[str, Any] = json.loads(self.ledger_path.read_text())
            except ValueError:  # it is being written
                return None
            return found

        ledger: dict[str, Any] = wait_for(read, "a ledger")
        return ledger


def busy_rules(folder: Path, *more: str) -> Path:
    """The shipped rule on the telnet port, without its limit on alerts, and further rules."""
    rules = folder / "rules"
    rules.mkdir(exist_ok=True)
    text = (HERE.parent / "rules/accepted_default_telnet_port_connection.toml").read_text()
    head = 'name = "Accepted Default Telnet Port Connection"\n'
    assert text.count(head) == 1
    lines = [line for line in text.splitlines() if not line.startswith("max_signals")]
    text = "\n".join(lines).replace(head.strip(), "max_signals = 1_000_000_000\n" + head.strip())
    # Its captures stand elsewhere.
    (rules / "port.toml").write_text(text.split("[[test]]")[0])
    for number, rule in enumerate(more):
        (rules / f"more{number}.toml").write_text(rule)
    return rules


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
