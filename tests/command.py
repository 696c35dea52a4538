"""The command as a user runs it: a process of its own, with what it wrote and how it ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.running import CAPTURES, ROOT

COMMAND = [sys.executable, "-m", "sensor"]
ACCEPTED = str(CAPTURES / "telnet_accepted_v4.pcap")
REFUSED = str(CAPTURES / "telnet_refused_rst.pcap")
EXTERNAL = str(CAPTURES / "telnet_external.pcapng")
DEMO = str(CAPTURES / "demo.pcap")
PORT_RULE = str(ROOT / "rules/accepted_default_telnet_port_connection.toml")


def environment(**changes: str) -> dict[str, str]:
    """The environment of a user who has said nothing about colours or pure Python."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    return {**kept, "PYTHONPATH": str(ROOT), "TZ": "UTC", "LC_ALL": "C.UTF-8", **changes}


@dataclass(frozen=True)
class Ended:
    """How a run of the command ended."""

    code: int
    out: str
    err: str

    def alerts(self) -> list[str]:
        """The first lines of the alerts for people."""
        return [line for line in self.out.splitlines() if line and not line.startswith(" ")]

    def documents(self) -> list[dict[str, Any]]:
        """Standard output as NDJSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    def message(self) -> str:
        """What a quiet run said on stderr: one or two lines, never a traceback."""
        lines = self.err.splitlines()
        assert 1 <= len(lines) <= 2, self.err
        return self.err


def sensor(*arguments: str, stdin: bytes = b"", cwd: Path | None = None, **changes: str) -> Ended:
    """Run the command to its end; no run may ever show a traceback."""
    run = subprocess.run(
        [*COMMAND, *arguments], input=stdin, capture_output=True, check=False,
        cwd=cwd, env=environment(**changes),
    )  # fmt: skip
    ended = Ended(run.returncode, run.stdout.decode(), run.stderr.decode())
    assert "Traceback" not in ended.err, ended.err
    return ended


def quiet(*arguments: str, stdin: bytes = b"", **changes: str) -> Ended:
    """`sensor replay --quiet ...`: stderr then holds problems only."""
    return sensor("replay", "--quiet", *arguments, stdin=stdin, **changes)


def ndjson(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
