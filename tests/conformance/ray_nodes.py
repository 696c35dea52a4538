"""A Ray cluster of two nodes on this machine, whose processes tests may end."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.conformance.sink_peers import free_port
from tests.running import ROOT

STORE_BYTES = 76 << 20
"""Memory for blocks in each node: Ray takes no less."""
COMMAND = "import sys; from ray.scripts.scripts import main; sys.exit(main())"
TASK = b"ray::sensor-unpack"


def until(condition: Callable[[], object]) -> None:
    """Look again and again: Ray takes its time to start on a busy machine."""
    while not condition():
        time.sleep(0.01)


def command_of(number: int) -> bytes:
    """What a process calls itself; empty if it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{number}/cmdline").read_bytes()
    return b""


def below(number: int) -> list[int]:
    """The process and all that it has started."""
    found = [number]
    for each in found:
        for place in Path(f"/proc/{each}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, place.read_text().split())
    return found


class Cluster:
    """Its nodes begin with the first test, and end with the last."""

    def __init__(self) -> None:
        # A socket's path is short.
        self.folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
        self.spilled = self.folder / "spilled"
        self.address = f"127.0.0.1:{free_port()}"
        # Whoever else is on this machine has no business with it.
        self.environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32),
                            "RAY_USAGE_STATS_ENABLED": "0"}
        os.environ.update(self.environment)  # of the runs that join it
        self.nodes: list[subprocess.Popen[bytes]] = []
        port = self.address.partition(":")[2]
        self._start("--head", f"--port={port}", "--include-dashboard=false",
                    f"--temp-dir={self.folder}", f"--object-spilling-directory={self.spilled}")
        self._start(f"--address={self.address}")

    def _start(self, *options: str) -> None:
        log = self.folder / f"node{len(self.nodes)}.log"
        quick = {"RAY_health_check_initial_delay_ms": "500", "RAY_health_check_period_ms": "500"}
        with open(log, "wb") as file:
            self.nodes.append(subprocess.Popen(
                [sys.executable, "-c", COMMAND, "start", "--block", "--disable-usage-stats",
                 "--num-cpus=2", f"--object-store-memory={STORE_BYTES}", *options],
                stdout=file, stderr=file,
                env={**os.environ, **quick, "PYTHONPATH": str(ROOT)}))  # fmt: skip
        node = self.nodes[-1]
        until(lambda: b"Ray runtime started" in log.read_bytes() or node.poll() is not None)
        assert node.poll() is None, log.read_text()

    def working(self, node: int) -> list[int]:
        """The processes of a node that decompress at this moment."""
        return [each for each in below(self.nodes[node].pid) if TASK in command_of(each)]

    def kill_worker(self) -> None:
        """Kill a process in the middle of its task."""
        def killed() -> bool:
            for number in self.working(0) + self.working(1):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGSTOP)
                    works = TASK in command_of(number)
                    os.kill(number, signal.SIGKILL if works else signal.SIGCONT)
                    return works
            return False

        until(killed)

    def kill_node(self, node: int) -> None:
        """Kill all processes of a node at once."""
        for number in below(self.nodes[node].pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.nodes[node].wait()

    def close(self) -> None:
        for node, process in enumerate(self.nodes):
            if process.poll() is None:
                self.kill_node(node)
        for name in self.environment:
            os.environ.pop(name, None)
        shutil.rmtree(self.folder, ignore_errors=True)
