"""Programs that tests talk to or compare with: without one its tests are skipped, and counted.

With SENSOR_REQUIRE_PROGRAMS=1 they fail instead. A test, fixture or helper calls `require(...)`, or
is marked `needs(...)`.
"""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NEEDS = "this test needs "
AND = " and "


def _runs(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@cache
def user_namespaces() -> bool:
    """The machine lets everybody have network namespaces."""
    return _runs("unshare", "--user", "--map-root-user", "--net", "true")


@cache
def namespaces() -> bool:
    """The machine lets us have network namespaces."""
    return user_namespaces() or (os.geteuid() == 0 and _runs("unshare", "--net", "true"))


def _rsyslog_has(module: str) -> bool:
    """Whether rsyslog's folder of modules has this one."""
    return any(Path("/usr").glob(f"lib*/**/rsyslog/{module}.so"))


def _anybody_may_read() -> bool:
    """Whether another user can reach these files."""
    return all(folder.stat().st_mode & 1 for folder in (ROOT, *ROOT.parents))


OTHERS: dict[str, Callable[[], object]] = {
    "a folder that anybody may enter": _anybody_may_read,
    "libpcap": lambda: ctypes.util.find_library("pcap"),
    "network namespaces": namespaces,
    "ray": lambda: importlib.util.find_spec("ray"),
    "rsyslog's relp": lambda: _rsyslog_has("imrelp"),
    "rsyslog's tls": lambda: _rsyslog_has("lmnsd_gtls"),
    "user namespaces": user_namespaces,
}
"""What is no program, and its presence."""


def _found(name: str) -> bool:
    return bool(OTHERS[name]() if name in OTHERS else shutil.which(name))


def require(*programs: str) -> None:
    """Skip the running test if one of these is missing; fail it where none may be."""
    missing = [name for name in programs if not _found(name)]
    if not missing:
        return
    if os.environ.get("SENSOR_REQUIRE_PROGRAMS", "0") not in ("", "0"):
        pytest.fail(NEEDS + AND.join(missing), pytrace=False)
    pytest.skip(NEEDS + AND.join(missing))


def summary(reasons: Iterable[str]) -> str:
    """One line that names what the skipped tests needed; empty if they were skipped for others."""
    needed = [reason.partition(NEEDS)[2] for reason in reasons if NEEDS in reason]
    counts = Counter(name for names in needed for name in names.split(AND))
    named = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
    return f"{len(needed)} tests skipped, for want of: {named}" if needed else ""
