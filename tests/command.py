"""The command as a user runs it: a process of its own, with what it wrote and how it ended."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sensor.__main__ import main
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


# A run is a fork of one process that has everything imported: half a second less than one that
# begins from nothing. What matters about the beginning and the very end has tests with COMMAND.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.imported"])


def _run(arguments: tuple[str, ...], out: str, err: str, env: dict[str, str], cwd: Path) -> None:
    for number, name in enumerate((os.devnull, out, err)):
        opened = os.open(name, os.O_RDWR)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.FileIO(number, mode, closefd=False), "utf-8", write_through=True)
        for number, mode in enumerate("rww")
    )
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.chdir(cwd)
    sys.argv = ["sensor", *arguments]
    main()


def sensor(
    *arguments: str, stdin: bytes | None = None, cwd: Path | None = None, **changes: str
) -> Ended:
    """Run the command to its end; no run may ever show a traceback."""
    env, folder = environment(**changes), cwd or Path.cwd()
    if stdin is not None or "PYTHONPATH" in changes:
        run = subprocess.run([*COMMAND, *arguments], input=stdin, capture_output=True, check=False,
                             cwd=folder, env=env)  # fmt: skip
        ended = Ended(run.returncode, run.stdout.decode(), run.stderr.decode())
    else:
        with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
            process = _PROCESSES.Process(
                target=_run, args=(arguments, out.name, err.name, env, folder))  # fmt: skip
            process.start()
            process.join()
            assert process.exitcode is not None
            ended = Ended(process.exitcode, out.read().decode(), err.read().decode())
    assert "Traceback" not in ended.err, ended.err
    return ended


def quiet(*arguments: str, stdin: bytes | None = None, **changes: str) -> Ended:
    """`sensor replay --quiet ...`: stderr then holds problems only."""
    return sensor("replay", "--quiet", *arguments, stdin=stdin, **changes)


def ndjson(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
