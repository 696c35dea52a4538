"""Facts about the machine are the same that other programs tell."""

from __future__ import annotations

import json
import mmap
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sensor.capture.diagnose import facts as machine
from tests.command import environment
from tests.programs import require

SETUP = """
ip link add v0 type veth peer name v1
ip link set v0 mtu 1400 up
ethtool -K v0 gro on rxvlan off > /dev/null
"""

ASK = """
import json, sys
from sensor.capture.diagnose import facts as machine
link = machine.link_of("v0")
print(json.dumps({
    "names": machine.interfaces(), "up": link.up, "running": link.running, "mtu": link.mtu,
    "peer_up": machine.link_of("v1").up, "lo": machine.link_of("lo").loopback,
    "gro": machine.offloads("v0").gro, "lro": machine.offloads("v0").lro,
    "rx_vlan": machine.offloads("v0").rx_vlan, "ring": machine.receive_ring("v0"),
    "dropped": machine.drops("v0").dropped, "queues": machine.receive_queues("v0"),
}))
"""


def in_namespace(shell: str, code: str) -> Any:
    """What Python code prints as JSON, in a network namespace that the shell has prepared."""
    require("user namespaces", "ip", "ethtool")
    ended = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", "sh", "-euc",
         f'{shell}\nexec "$@"', "sh", sys.executable, "-c", code],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_an_interface_is_as_it_was_set_up() -> None:
    assert in_namespace(SETUP, ASK) == {
        "names": ["v1", "v0"], "up": True, "running": False, "mtu": 1400, "peer_up": False,
        "lo": True, "gro": True, "lro": False, "rx_vlan": False, "ring": None, "dropped": 0,
        "queues": None,  # /sys still shows the interfaces outside
    }  # fmt: skip


def test_a_peer_that_is_up_is_a_carrier() -> None:
    assert in_namespace(SETUP + "ip link set v1 up", ASK)["running"] is True


@pytest.mark.needs("ethtool")
def test_the_rings_of_real_cards_are_those_of_ethtool() -> None:
    for name in machine.interfaces():
        shown = subprocess.run(["ethtool", "-g", name], capture_output=True, text=True, check=False)
        values = [int(line.split()[1]) for line in shown.stdout.splitlines()
                  if line.startswith("RX:")]  # fmt: skip
        found = machine.receive_ring(name)
        assert found == ((values[1], values[0]) if shown.returncode == 0 and values[0] else None)


@pytest.mark.parametrize("name", ["", "no-such-if0", "x" * 16, "a\0b", "\udcff", "v0\n", "../lo"])
def test_what_is_not_there_has_no_facts(name: str) -> None:
    assert machine.link_of(name) is None
    assert machine.receive_ring(name) is None
    assert machine.drops(name) is None
    assert machine.receive_queues(name) is None
    assert machine.offloads(name) == machine.Offloads(None, None, None)


def test_drops_are_the_columns_of_the_kernel(tmp_path: Path, monkeypatch: Any) -> None:
    table = tmp_path / "dev"
    table.write_text(
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes packets errs\n"
        "  eth0:  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16\n"
        "eth0:1:  9 9 9 17 18 9 9 9 9 9 9 9 9 9 9 9\n"
    )
    monkeypatch.setattr(machine, "NET_DEV", table)
    assert machine.drops("eth0") == machine.Drops(dropped=4, overruns=5)
    assert machine.drops("eth0:1") == machine.Drops(dropped=17, overruns=18)


def test_a_ring_is_got_and_given_back() -> None:
    code = """
import json
from sensor.capture.diagnose import facts as machine
machine.try_ring(1 << 20, 1 << 16)
try:
    machine.try_ring(1 << 20, 12345)  # not whole pages
except OSError as error:
    print(json.dumps(error.strerror))
"""
    assert in_namespace("true", code) == "Invalid argument"


def test_free_memory_is_known_where_only_processes_are_shown(
    tmp_path: Path, monkeypatch: Any
) -> None:
    total = os.sysconf("SC_PHYS_PAGES") * mmap.PAGESIZE
    monkeypatch.setattr(machine, "MEMORY", tmp_path / "absent")
    available = machine.memory_available()
    assert available == total // 2, "not what is free: that is little where many files were read"


def test_the_rest_is_known_everywhere() -> None:
    assert machine.cpus() >= 1
    available = machine.memory_available()
    assert available is not None and available > mmap.PAGESIZE
    assert machine.clock_synchronised() in (True, False)
    assert machine.has_af_packet() is hasattr(socket, "AF_PACKET")
    assert machine.unit_path() is None or Path(str(machine.unit_path())).exists()
