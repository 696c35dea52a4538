"""Runs a command under the kernel-side rules of a systemd unit, where no systemd is running.

    python tests/confined.py systemd/sensor@.service COMMAND...

Applied are NoNewPrivileges, SystemCallFilter, RestrictAddressFamilies, MemoryDenyWriteExecute and,
for root, CapabilityBoundingSet, by the means that systemd has too: libseccomp, which comes with it,
and prctl(2). What needs mounts or users is not.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

from sensor.capture.live.privileges import CAPABILITIES

PR_CAPBSET_READ, PR_CAPBSET_DROP = 23, 24
PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 38, 65
PR_MDWE_REFUSE_EXEC_GAIN = 1
ACT_ALLOW, ACT_ERRNO = 0x7FFF0000, 0x00050000
UNKNOWN_CALL = -1
COMPARE_EQUAL = 4


class Comparison(ctypes.Structure):
    """A condition on an argument of a call (seccomp_rule_add(3))."""

    _fields_ = (("argument", ctypes.c_uint), ("operator", ctypes.c_int),
                ("value", ctypes.c_uint64), ("second", ctypes.c_uint64))  # fmt: skip


def settings(unit: Path) -> list[tuple[str, str]]:
    """Every `name=value` of a unit file, in order."""
    lines = unit.read_text(encoding="utf-8").splitlines()
    said = (line.partition("=") for line in lines if not line.startswith(("#", ";")))
    return [(name, value) for name, equals, value in said if equals]


def value_of(unit: Path, name: str) -> str:
    """The last value of a setting that may stand once."""
    return [value for key, value in settings(unit) if key == name][-1]


def expanded(name: str) -> set[str]:
    """The system calls of a group of systemd, or the call itself."""
    if not name.startswith("@"):
        return {name}
    listed = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", name],
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    members = {line.strip() for line in listed[1:]}
    return set().union(*(expanded(one) for one in members if one and one[0] != "#"))


def allowed_calls(unit: Path) -> set[str]:
    """What SystemCallFilter leaves; an allow list always holds @default (systemd.exec(5))."""
    calls = expanded("@default")
    for name, value in settings(unit):
        if name == "SystemCallFilter":
            members = set().union(*(expanded(one) for one in value.removeprefix("~").split()))
            calls = calls - members if value.startswith("~") else calls | members
    return calls


def bound_capabilities(unit: Path, libc: ctypes.CDLL) -> None:
    """Leave what is executed the unit's capabilities at most, where we may decide that."""
    names = value_of(unit, "CapabilityBoundingSet").split()
    left = {CAPABILITIES.index(name.removeprefix("CAP_")) for name in names}
    number = 0
    while (held := libc.prctl(PR_CAPBSET_READ, number, 0, 0, 0)) >= 0:
        if held and number not in left:
            libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)  # fails for others than root
        number += 1


def confine(unit: Path) -> None:
    """Put this process under the unit's rules, for good. Errors: OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    bound_capabilities(unit, libc)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")
    if value_of(unit, "MemoryDenyWriteExecute") == "yes":
        refused = libc.prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)
        if refused and ctypes.get_errno() != errno.EINVAL:  # Linux before 6.3 has no such call
            raise OSError(ctypes.get_errno(), "memory-deny-write-execute")
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ACT_ERRNO | errno.EPERM))
    for name in sorted(allowed_calls(unit) - {"socket"}):
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number != UNKNOWN_CALL:
            seccomp.seccomp_rule_add(context, ACT_ALLOW, number, 0)
    number = seccomp.seccomp_syscall_resolve_name(b"socket")
    for family in value_of(unit, "RestrictAddressFamilies").split():
        condition = Comparison(0, COMPARE_EQUAL, int(getattr(socket, family)), 0)
        seccomp.seccomp_rule_add_array(context, ACT_ALLOW, number, 1, ctypes.byref(condition))
    if failed := seccomp.seccomp_load(context):
        raise OSError(-failed, "seccomp_load")


def main() -> None:
    unit, *command = sys.argv[1:]
    confine(Path(unit))
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
