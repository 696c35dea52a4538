"""Runs the unit's own command line in a namespace, under the unit's rules, and tells what came out.

Under the rules means: no_new_privs, its system calls and sockets, no code written at run time,
CAP_NET_RAW as the only capability. A notify socket stands in for systemd's.
"""

from __future__ import annotations

import json
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from dpkt.pcap import Reader

from tests.command import ACCEPTED, environment
from tests.confined import value_of
from tests.live.veth import ROOT, pair

UNIT = ROOT / "systemd/sensor@.service"
ONLY_NET_RAW = ("setpriv", "--bounding-set=-all,+net_raw", "--inh-caps=-all,+net_raw")
PATIENCE_S = 30
WATCHDOG_US = "1500000"


def command(interface: str, folder: str) -> list[str]:
    """ExecStart, for this interface, with its files in a folder."""
    words = value_of(UNIT, "ExecStart").split()
    meant = {"%i": interface, "%S": folder, "/etc/sensor": str(ROOT / "systemd")}
    for short, long in meant.items():
        words = [word.replace(short, long) for word in words]
    return [*ONLY_NET_RAW, sys.executable, str(ROOT / "tests/confined.py"), str(UNIT),
            sys.executable, "-m", "sensor", *words[1:], "--json"]  # fmt: skip


class Manager:
    """The service manager: what it heard, in order."""

    def __init__(self, folder: str) -> None:
        self.path = f"{folder}/notify"
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(PATIENCE_S)

    def wait_for(self, *wanted: str) -> None:
        """Listen until a message with one of these words came."""
        while True:
            message = self._socket.recv(4096).decode()
            self.heard.append(message.partition("\n")[0].partition("STATUS=")[0] or "STATUS")
            if message.startswith(wanted):
                return


def effective_sets(pid: int) -> list[str]:
    """What each thread of a process may do."""
    found = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        lines = (task / "status").read_text(encoding="utf-8").splitlines()
        found |= {line.split()[1] for line in lines if line.startswith(("CapEff", "CapPrm"))}
    return sorted(found)


def play(interface: str) -> None:
    """Send the frames of a capture."""
    with open(ACCEPTED, "rb") as file, socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        out.bind((interface, 0))
        for _, frame in Reader(file):
            out.send(frame)


def main(folder: str) -> dict[str, Any]:
    pair("v0", "v1")
    manager = Manager(folder)
    started = subprocess.Popen(
        command("v0", folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC=WATCHDOG_US,
                        OPENBLAS_NUM_THREADS="1"),
    )  # fmt: skip
    assert started.stdout is not None and started.stderr is not None
    try:
        manager.wait_for("READY=1")
        held = effective_sets(started.pid)
        play("v1")
        assert select.select([started.stdout], [], [], PATIENCE_S)[0], "no alert"
        alert = json.loads(started.stdout.readline())
        started.send_signal(signal.SIGHUP)
        manager.wait_for("RELOADING=1")
        manager.wait_for("READY=1")
        manager.wait_for("WATCHDOG=1")
        started.send_signal(signal.SIGTERM)
        manager.wait_for("STOPPING=1")
        _, said = started.communicate(timeout=PATIENCE_S)
    finally:
        started.kill()
    return {"code": started.returncode, "rule": alert["rule"]["name"], "held": held,
            "heard": manager.heard, "said": said}  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
