"""Privileges are given up for good, by every thread, and an open ring goes on receiving."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from sensor.capture.live import privileges
from sensor.errors import ConfigError
from tests.command import environment
from tests.programs import require

IN_NAMESPACE = ("unshare", "--user", "--map-root-user", "--net")
"""Root of a user and network namespace of its own: every capability there, none outside."""

AFTERWARDS = """
from pathlib import Path
from sensor.capture.live import privileges

def statuses():
    for task in Path("/proc/self/task").iterdir():
        lines = (task / "status").read_text().splitlines()
        yield {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
"""

RING = AFTERWARDS + """
import mmap, os, select, socket, struct
SOL_PACKET, RX_RING, VERSION = 263, 5, 10
os.system("ip link set lo up")
ring = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
ring.setsockopt(SOL_PACKET, VERSION, 2)  # TPACKET_V3
block = 1 << 16
ring.setsockopt(SOL_PACKET, RX_RING, struct.pack("7I", block, 4, 2048, 4 * block // 2048, 8, 0, 0))
memory = mmap.mmap(ring.fileno(), 4 * block)
ring.bind(("lo", 3))

def frames():
    seen = b""
    for start in range(0, 4 * block, block):
        status, count, first = struct.unpack_from("3I", memory, start + 8)
        for _ in range(count if status & 1 else 0):
            step, = struct.unpack_from("I", memory, start + first)
            seen += memory[start + first:start + first + 2048]
            first += step
    return seen

assert "CAP_NET_RAW" in privileges.capabilities()
privileges.drop_privileges()
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.sendto(b"after the drop", ("127.0.0.1", 9))
while b"after the drop" not in frames():
    assert select.select([ring], [], [], 10)[0], "nothing arrived"
packets, drops, freezes = struct.unpack("3I", ring.getsockopt(SOL_PACKET, 6, 12))
assert packets >= 1 and drops == 0
assert privileges.capabilities() == frozenset()
try:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
except PermissionError:
    print("refused")
for status in statuses():
    sets = [status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")]
    assert {int(value, 16) for value in sets} == {0}, sets
    assert status["NoNewPrivs"] == "1"
"""


def run(code: str, *prefix: str) -> subprocess.CompletedProcess[str]:
    if prefix:
        require("user namespaces" if prefix == IN_NAMESPACE else "network namespaces")
    return subprocess.run(
        [*prefix, sys.executable, "-c", code], env=environment(), text=True,
        capture_output=True, check=False,
    )  # fmt: skip


@pytest.mark.needs("ip")
def test_a_ring_goes_on_receiving_after_every_capability_is_gone() -> None:
    ended = run(RING, *IN_NAMESPACE)
    assert (ended.returncode, ended.stdout) == (0, "refused\n"), ended.stderr


def test_a_program_that_is_run_afterwards_gets_nothing_back() -> None:
    """Root that runs a program would otherwise have every capability again."""
    code = AFTERWARDS + """
import subprocess
privileges.drop_privileges()
print(subprocess.run(["grep", "CapEff", "/proc/self/status"], capture_output=True).stdout)
"""
    ended = run(code, *IN_NAMESPACE)
    assert "0000000000000000" in ended.stdout, ended


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_thread_that_started_before_keeps_its_capabilities_and_is_told(when: str) -> None:
    code = AFTERWARDS + f"""
import threading
waiting, end = threading.Event(), threading.Event()
def work():
    waiting.set()
    end.wait()
thread = threading.Thread(target=work)
if {when!r} == "before":
    thread.start()
    waiting.wait()
try:
    privileges.drop_privileges()
except PermissionError as error:
    print(error.strerror)
else:
    thread.start()
    waiting.wait()
    print(privileges.remaining())
end.set()
"""
    ended = run(code, *IN_NAMESPACE)
    assert ended.returncode == 0, ended.stderr
    if when == "after":
        assert ended.stdout == "[]\n"
    else:
        assert "privileges are left: thread " in ended.stdout and "CAP_NET_RAW" in ended.stdout


def test_without_privileges_only_the_way_to_new_ones_is_closed() -> None:
    code = AFTERWARDS + """
import os
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
assert privileges.capabilities() == frozenset()
before = [status["CapBnd"] for status in statuses()]
privileges.drop_privileges()
privileges.drop_privileges()
assert [status["CapBnd"] for status in statuses()] == before
assert {status["NoNewPrivs"] for status in statuses()} == {"1"}
"""
    ended = run(code)
    assert ended.returncode == 0, ended.stderr


def test_the_user_that_is_there_already_needs_no_change() -> None:
    name = pwd.getpwuid(os.getuid()).pw_name
    code = AFTERWARDS + f"privileges.drop_privileges({name!r}); print(privileges.remaining())"
    ended = run(code)
    assert (ended.returncode, ended.stdout) == (0, "[]\n"), ended.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_becomes_the_user_with_its_groups_only() -> None:
    nobody = pwd.getpwnam("nobody")
    code = AFTERWARDS + """
import os
privileges.drop_privileges("nobody")
print(os.getresuid(), os.getresgid(), os.getgroups(), privileges.capabilities())
try:
    os.setuid(0)
except PermissionError:
    print("no way back")
"""
    ended = run(code, "unshare", "--net")
    uid, gid = nobody.pw_uid, nobody.pw_gid
    expected = f"({uid}, {uid}, {uid}) ({gid}, {gid}, {gid}) {[gid]} frozenset()\nno way back\n"
    assert ended.stdout == expected, ended.stderr


def test_to_become_somebody_else_without_the_right_is_an_error_that_says_so() -> None:
    code = AFTERWARDS + """
import os
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    privileges.drop_privileges("root")
except OSError as error:
    print(error.strerror)
"""
    ended = run(code)
    assert ended.stdout.startswith("cannot become user root: Operation not permitted; only root")


@pytest.mark.parametrize("name", ["no-such-user\x1b", "4294967295", "99999999999999999999", "-1"])
def test_a_user_that_does_not_exist_is_the_operators_error(name: str) -> None:
    with pytest.raises(ConfigError, match="there is no such user") as caught:
        privileges.find_user(name)
    assert "\x1b" not in str(caught.value)


def test_a_user_may_be_given_by_number() -> None:
    assert privileges.find_user("0") == privileges.find_user("root")


def test_the_names_are_the_kernels() -> None:
    """Every number that this kernel knows has a name, and the ones that matter here are right."""
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="utf-8"))
    assert last < len(privileges.CAPABILITIES)
    numbers = {name: at for at, name in enumerate(privileges.CAPABILITIES)}
    # linux/capability.h
    assert (numbers["SETPCAP"], numbers["NET_ADMIN"], numbers["NET_RAW"]) == (8, 12, 13)
    assert numbers["CHECKPOINT_RESTORE"] == 40 == len(numbers) - 1
