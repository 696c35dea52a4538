"""Privileges: what the kernel lets this process do, and giving it up once the capture is open.

Capturing needs one capability, CAP_NET_RAW, and only while sockets are opened: a ring goes on
receiving without it. A decoder of hostile traffic should hold none, so all are dropped then.

Capability sets and no_new_privs belong to a thread, not to the process (capabilities(7)). They
have to be dropped before other threads start; new threads inherit what their creator has. Numpy's
OpenBLAS starts threads when it is imported, unless OPENBLAS_NUM_THREADS=1 is in the environment.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from sensor.base.escape import harmless
from sensor.base.units import MASK32
from sensor.errors import ConfigError

CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
    "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
    "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
    "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
    "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
    "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
)  # fmt: skip
"""Names by number, without `CAP_` (linux/capability.h)."""

# linux/prctl.h
PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 23, 24, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4

CAPABILITY_VERSION_3 = 0x20080522
"""Sets of 64 bits, as two halves (capget(2))."""

TASKS = Path("/proc/self/task")
THREAD_STATUS = Path("/proc/thread-self/status")
SETS = ("CapInh", "CapPrm", "CapEff", "CapAmb")
"""The sets of a thread that can give a right; the bounding set only takes away."""


@dataclass(frozen=True, slots=True)
class User:
    """Whom to become."""

    name: str
    uid: int
    gid: int


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Half(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def find_user(name: str) -> User:
    """The user of that name or number. Errors: ConfigError if there is none."""
    try:
        import pwd  # noqa: PLC0415  not on Windows
    except ImportError:
        raise ConfigError("--user: this system has no users to change to") from None
    try:
        number = name.isascii() and name.isdecimal()
        entry = pwd.getpwuid(int(name)) if number else pwd.getpwnam(name)
    except (KeyError, OverflowError, ValueError):
        raise ConfigError(f"--user {harmless(name)}: there is no such user") from None
    return User(entry.pw_name, entry.pw_uid, entry.pw_gid)


def capabilities() -> frozenset[str]:
    """The capabilities that this thread can use now: `CAP_NET_RAW`, ...; none elsewhere."""
    try:
        effective = int(_status(THREAD_STATUS)["CapEff"], 16)
    except (OSError, KeyError, ValueError):
        return frozenset()
    return _names(effective)


def drop_privileges(user: str | None = None) -> None:
    """Give up every capability and the way to new ones, after becoming `user` if one is named.

    To be called when all sockets are open and before threads start. Without privileges it only
    sets no_new_privs. All threads are looked at afterwards.
    Errors: ConfigError for a user that does not exist; OSError where something could not be given
    up, with what and why.
    """
    wanted = find_user(user) if user else None
    linux = sys.platform == "linux"
    if linux:
        _drop_bounding_set()
        _prctl("clearing the ambient capabilities", PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    if wanted:
        _become(wanted)
    if linux:
        _set_capabilities(0)
        _prctl("setting no_new_privs", PR_SET_NO_NEW_PRIVS, 1)
        problems = remaining(wanted)
        if problems:
            raise PermissionError(errno.EPERM, f"privileges are left: {'; '.join(problems)}")


def keep_only(names: frozenset[str]) -> None:
    """Give up every capability but these, as far as they are held, and the way to others.

    For a program of one thread. Errors: OSError where something could not be given up.
    """
    kept = capabilities() & names
    bits = sum(1 << number for number, name in enumerate(CAPABILITIES) if f"CAP_{name}" in kept)
    _drop_bounding_set()
    _prctl("clearing the ambient capabilities", PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    if kept != capabilities():  # a service that was given no more may not ask for less either
        _set_capabilities(bits)
    _prctl("setting no_new_privs", PR_SET_NO_NEW_PRIVS, 1)


def remaining(user: User | None = None) -> list[str]:
    """Return the rights that some thread has and should not have, one line each.

    Errors: OSError if the threads cannot be looked at.
    """
    problems = []
    for task in sorted(TASKS.iterdir(), key=lambda path: int(path.name)):
        try:
            status = _status(task / "status")
        except (FileNotFoundError, ProcessLookupError):
            continue  # a thread that ended meanwhile holds nothing
        thread = f"thread {task.name}"
        held = frozenset[str]().union(*(_names(int(status[name], 16)) for name in SETS))
        if held:
            problems.append(f"{thread} holds {', '.join(sorted(held))}")
        if status.get("NoNewPrivs", "1") != "1":
            problems.append(f"{thread} can gain privileges by running a program")
        if user and set(status["Uid"].split()) != {str(user.uid)}:
            problems.append(f"{thread} is not user {user.uid}")
        if user and set(status["Gid"].split()) != {str(user.gid)}:
            problems.append(f"{thread} is not group {user.gid}")
    return problems


def _become(user: User) -> None:
    """Change to the user and to the groups that it is in, for good. The C library takes all threads
    along."""
    if os.getuid() == os.geteuid() == user.uid and os.getgid() == os.getegid() == user.gid:
        return
    try:
        os.initgroups(user.name, user.gid)
        os.setgid(user.gid)
        os.setuid(user.uid)
    except OSError as error:
        reason = f"cannot become user {harmless(user.name)}: {error.strerror}"
        if error.errno == errno.EPERM:
            reason += "; only root can (sudo sensor live ...)"
        raise OSError(error.errno, reason) from None


def _drop_bounding_set() -> None:
    """Empty the set that bounds what programs run from here may gain, if that is allowed.

    Otherwise no_new_privs stands in the same way.
    """
    if "CAP_SETPCAP" not in capabilities():
        return
    for number in range(64):
        if _libc().prctl(PR_CAPBSET_READ, number, 0, 0, 0) < 0:
            break  # beyond the last one that this kernel knows
        _prctl("emptying the bounding set", PR_CAPBSET_DROP, number)


def _set_capabilities(bits: int) -> None:
    """Make effective and permitted set of this thread `bits`, the inheritable one empty.

    Errors: OSError.
    """
    header = _Header(CAPABILITY_VERSION_3, 0)
    low, high = bits & MASK32, bits >> 32
    halves = (_Half * 2)(_Half(low, low, 0), _Half(high, high, 0))
    if _libc().capset(ctypes.byref(header), ctypes.byref(halves)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"dropping capabilities: {os.strerror(number)}")


def _prctl(what: str, option: int, *arguments: int) -> None:
    """One prctl(2). Errors: OSError that says what it was for."""
    given = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    if _libc().prctl(option, *given) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _names(bits: int) -> frozenset[str]:
    return frozenset(
        f"CAP_{CAPABILITIES[number]}" if number < len(CAPABILITIES) else f"capability {number}"
        for number in range(bits.bit_length())
        if bits >> number & 1
    )


def _status(path: Path) -> dict[str, str]:
    """A status file of /proc as a dictionary. Errors: OSError."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
