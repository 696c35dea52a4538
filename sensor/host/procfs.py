"""Procfs: what /proc tells of a process, of the holder of a socket, and of this machine.

A process may be gone before it is read. What was read until then is kept, and what is missing is
said. Reading whose files other users' processes have open takes CAP_SYS_PTRACE and
CAP_DAC_READ_SEARCH.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterable
from pathlib import Path

from sensor.model.processes import ARGS_MAX, TEXT_MAX, Machine, Process, clean, entity_id

READ_MAX = 32 * 1024
"""Octets of a file in /proc that are read. JSON may need six for one: a message with all of a
process must fit into a socket, which takes 416 KiB by default."""
COMM_MAX = 15
"""Letters of a process's own name that the kernel keeps (TASK_COMM_LEN)."""
GONE = "gone before it could be read"
NO_EXECUTABLE = "executable"

_CONTAINER = re.compile(r"\b[0-9a-f]{64}\b")
"""Names that container runtimes give control groups."""


class Procfs:
    """Reads below `root`, /proc but in tests."""

    def __init__(
        self, machine: Machine, root: str = "/proc", accounts: str = "/etc/passwd"
    ) -> None:
        self.machine = machine
        self._root = root
        self._accounts = Path(accounts)
        self._names: dict[str, str] = {}
        self._names_ns = -1
        self._ticks = os.sysconf("SC_CLK_TCK")
        # As /proc/stat has it, which may be hidden: whole seconds.
        self._boot_s = int(time.time() - time.clock_gettime(time.CLOCK_BOOTTIME))

    def process(self, pid: int) -> Process:
        """Return what is known of a process."""
        stat = self._read(pid, "stat")
        words = stat.rpartition(")")[2].split()
        if len(words) < 20:
            return Process(pid=pid, machine=self.machine, source="proc", gaps=(GONE,))
        comm = stat[stat.find("(") + 1 : stat.rfind(")")]
        parent, start = int(words[1]), int(words[19])
        start_ns = self._boot_s * 10**9 + start * (10**9 // self._ticks)
        executable = self._link(pid, "exe")
        line = self._read(pid, "cmdline")
        args = tuple(line.rstrip("\0").split("\0")[:ARGS_MAX]) if line else ()
        user, group = self._user(pid)
        return Process(
            pid=pid, name=_name(comm, executable), executable=clean(executable),
            args=tuple(clean(text) for text in args), command_line=" ".join(args)[:TEXT_MAX],
            start_ns=start_ns, entity_id=entity_id(self.machine.id, pid, start_ns),
            parent_pid=parent, parent_name=self._comm(parent), user_id=user,
            user_name=self.user_name(user), group_id=group, container_id=self._container(pid),
            machine=self.machine, source="proc", gaps=() if executable else (NO_EXECUTABLE,),
        )  # fmt: skip

    def holder(self, inode: int, likely: Iterable[int] = ()) -> int:
        """The process that has a socket open, the likely ones first; 0 if none is found."""
        wanted = f"socket:[{inode}]"
        tried = set()
        for pid in likely:
            tried.add(pid)
            if self._has_open(pid, wanted):
                return pid
        for pid in sorted(self.running(), reverse=True):  # who was started last, first
            if pid not in tried and self._has_open(pid, wanted):
                return pid
        return 0

    def running(self) -> list[int]:
        """The processes that there are."""
        return [int(name) for name in os.listdir(self._root) if name.isdigit()]

    def user_name(self, user_id: str) -> str:
        """The name of an account of this machine; empty if there is none."""
        try:
            changed_ns = self._accounts.stat().st_mtime_ns
            if changed_ns != self._names_ns:
                rows = (line.split(":") for line in
                        self._accounts.read_text("utf-8", "replace").splitlines())
                self._names = {row[2]: row[0] for row in rows if len(row) > 2}
                self._names_ns = changed_ns
        except OSError:
            return ""
        return self._names.get(user_id, "")

    def _has_open(self, pid: int, wanted: str) -> bool:
        folder = f"{self._root}/{pid}/fd"
        try:
            for name in os.listdir(folder):
                try:
                    if os.readlink(f"{folder}/{name}") == wanted:
                        return True
                except OSError:
                    continue  # closed meanwhile
        except OSError:
            pass  # gone, or not for us to see
        return False

    def _read(self, pid: int, name: str) -> str:
        try:
            with open(f"{self._root}/{pid}/{name}", "rb") as file:
                return file.read(READ_MAX).decode("utf-8", "surrogateescape")
        except OSError:
            return ""

    def _link(self, pid: int, name: str) -> str:
        try:
            return os.readlink(f"{self._root}/{pid}/{name}")
        except OSError:
            return ""

    def _comm(self, pid: int) -> str:
        return clean(self._read(pid, "comm").rstrip("\n")) if pid else ""

    def _user(self, pid: int) -> tuple[str, str]:
        """Effective user and group: the second number of each."""
        found = dict(line.split(":", 1) for line in self._read(pid, "status").splitlines()
                     if line.startswith(("Uid:", "Gid:")))  # fmt: skip
        user, group = found.get("Uid", "").split(), found.get("Gid", "").split()
        return (user[1] if len(user) > 1 else "", group[1] if len(group) > 1 else "")

    def _container(self, pid: int) -> str:
        found = _CONTAINER.search(self._read(pid, "cgroup"))
        return found[0] if found else ""


def _name(comm: str, executable: str) -> str:
    """Return the name it was started as; the program's own where the kernel cut that off."""
    base = executable.removesuffix(" (deleted)").rpartition("/")[2]
    return clean(base if len(comm) == COMM_MAX and base.startswith(comm) else comm)


def this_machine(machine_id: str = "/etc/machine-id") -> Machine:
    """This host, as its documents name it."""
    try:
        identity = Path(machine_id).read_text("ascii").strip()
    except (OSError, ValueError):
        identity = ""
    return Machine(identity, socket.gethostname(), "linux")
