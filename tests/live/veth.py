"""Interfaces to try things on: a network of our own, without any privilege on the machine.

A program that needs one is started again inside new user and network namespaces, where it is root
over interfaces that nobody else sees. It is called by name: `run("tests.live.filtered_socket")`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.programs import require

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60


def run(module: str, *arguments: str) -> Any:
    """What a module prints as JSON when it runs in a network namespace of its own."""
    require("user namespaces", "ip")
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-m", module, *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"in a network namespace: {done.stderr or done.stdout}"
    return json.loads(done.stdout)


def ip(*words: str) -> None:
    """Run `ip ...`, in the namespace."""
    subprocess.run(["ip", *words], check=True)


def pair(one: str, other: str) -> None:
    """Two interfaces, up, each the other's far end, silent by themselves."""
    ip("link", "add", one, "type", "veth", "peer", "name", other)
    for name in (one, other):
        Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1", encoding="ascii")
        ip("link", "set", name, "up")
