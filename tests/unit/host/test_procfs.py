"""What /proc tells: of ourselves on Linux, and of a /proc made for the test."""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path

import pytest

from sensor.host.procfs import GONE, NO_EXECUTABLE, Procfs, this_machine
from sensor.model.processes import Machine, Process

MACHINE = Machine("0123456789abcdef0123456789abcdef", "box", "linux")
CONTAINER = "ab" * 32
TICKS = os.sysconf("SC_CLK_TCK")


def add(
    root: Path, pid: int, comm: str, *, parent: int = 1, cmdline: bytes = b"", exe: str = ""
) -> Path:
    folder = root / str(pid)
    (folder / "fd").mkdir(parents=True)
    # proc(5): the 2nd word is the name, the 4th the parent, the 22nd the start in clock ticks.
    words = ["S", str(parent), *["0"] * 17, "12345", "0"]
    (folder / "stat").write_text(f"{pid} ({comm}) {' '.join(words)}\n")
    (folder / "comm").write_text(f"{comm}\n")
    (folder / "cmdline").write_bytes(cmdline)
    (folder / "status").write_text("Name:\tx\nUid:\t1000\t1001\t1000\t1000\nGid:\t5\t6\t5\t5\n")
    (folder / "cgroup").write_text(f"0::/system.slice/docker-{CONTAINER}.scope\n")
    if exe:
        (folder / "exe").symlink_to(exe)
    return folder


@pytest.fixture
def procfs(tmp_path: Path) -> Procfs:
    (tmp_path / "passwd").write_text("root:x:0:0::/:/bin/sh\nmreyes:x:1001:6::/:/bin/sh\nbroken\n")
    (tmp_path / "proc").mkdir()
    return Procfs(MACHINE, str(tmp_path / "proc"), str(tmp_path / "passwd"))


def test_a_process_is_read_whole(procfs: Procfs, tmp_path: Path) -> None:
    add(tmp_path / "proc", 30, "bash")
    add(tmp_path / "proc", 42, "telnet", parent=30, cmdline=b"telnet\0-4\0a b\0",
        exe="/usr/bin/inetutils-telnet")  # fmt: skip
    found = procfs.process(42)
    assert (found.pid, found.name, found.executable) == (42, "telnet", "/usr/bin/inetutils-telnet")
    assert found.args == ("telnet", "-4", "a b") and found.command_line == "telnet -4 a b"
    assert (found.parent_pid, found.parent_name) == (30, "bash")
    assert (found.user_id, found.user_name, found.group_id) == ("1001", "mreyes", "6")
    assert found.container_id == CONTAINER and found.gaps == () and found.machine == MACHINE
    # Auditbeat's recipe: host id, pid, and the nanosecond part of the start time.
    part_ns = 12345 % TICKS * (10**9 // TICKS)
    assert found.start_ns % 10**9 == part_ns
    recipe = hashlib.sha256(MACHINE.id.encode() + struct.pack("<qq", 42, part_ns))
    assert found.entity_id == recipe.hexdigest()


def test_a_name_may_hold_anything_and_is_cut_by_the_kernel(
    procfs: Procfs, tmp_path: Path
) -> None:
    add(tmp_path / "proc", 5, ") 1 (x) R 9 (", exe="/bin/x")
    assert procfs.process(5).name == ") 1 (x) R 9 ("
    assert procfs.process(5).parent_pid == 1
    add(tmp_path / "proc", 6, "a-very-long-nam", exe="/opt/a-very-long-name (deleted)")
    assert procfs.process(6).name == "a-very-long-name"


def test_who_is_gone_is_told_as_gone(procfs: Procfs) -> None:
    assert procfs.process(77) == Process(pid=77, machine=MACHINE, source="proc", gaps=(GONE,))


def test_what_we_may_not_see_is_a_gap(procfs: Procfs, tmp_path: Path) -> None:
    add(tmp_path / "proc", 8, "sshd")
    assert procfs.process(8).gaps == (NO_EXECUTABLE,)


def test_the_holder_of_a_socket_is_found_the_likely_ones_first(
    procfs: Procfs, tmp_path: Path
) -> None:
    for pid in (10, 20, 30):
        folder = add(tmp_path / "proc", pid, "x")
        (folder / "fd" / "0").symlink_to("/dev/null")
        if pid != 30:
            (folder / "fd" / "3").symlink_to("socket:[99]")
    assert procfs.holder(99) == 20
    assert procfs.holder(99, likely=[30, 10]) == 10
    assert procfs.holder(9) == 0
    assert procfs.running() and set(procfs.running()) == {10, 20, 30}


def test_accounts_that_change_are_read_anew(procfs: Procfs, tmp_path: Path) -> None:
    assert procfs.user_name("1001") == "mreyes" and procfs.user_name("7") == ""
    accounts = tmp_path / "passwd"
    accounts.write_text("new:x:7:7::/:/bin/sh\n")
    os.utime(accounts, ns=(1, 1))
    assert procfs.user_name("7") == "new"
    accounts.unlink()
    assert procfs.user_name("7") == ""


def test_ourselves() -> None:
    found = Procfs(this_machine()).process(os.getpid())
    assert found.parent_pid == os.getppid() and found.user_id == str(os.geteuid())
    assert found.executable == os.readlink("/proc/self/exe") and len(found.entity_id) == 64


def test_a_machine_without_an_id_has_none(tmp_path: Path) -> None:
    assert this_machine(str(tmp_path / "none")).id == ""
    assert this_machine().os_type == "linux"
