"""The command as a user runs it: a process of its own, with what it wrote and how it ended."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import reduction
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import IO, Any

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


class _Passed:
    """A descriptor that is passed to a fork, which gets the number of its own duplicate."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __reduce__(self) -> tuple[Any, ...]:
        return _number_of, (reduction.DupFd(self._number),)  # type: ignore[attr-defined]


def _number_of(duplicate: Any) -> int:
    return int(duplicate.detach())


def _run(
    arguments: tuple[str | bytes, ...], streams: list[int], env: dict[str, str], cwd: Path,
    file_bytes_max: int,
) -> None:  # fmt: skip
    for number, given in enumerate(streams):
        os.dup2(given, number)
        os.close(given)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  they stay open
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.chdir(cwd)
    if file_bytes_max:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, file_bytes_max))
    sys.argv = ["sensor", *map(os.fsdecode, arguments)]
    main()


class Fork:
    """A run of the command, used as a `subprocess.Popen` is; streams that are not named are null.

    `file_bytes_max`: no file that it writes becomes larger, as on a full disk; 0: as large as it
    will.
    """

    def __init__(
        self, *arguments: str | bytes, streams: Sequence[int] = (DEVNULL, PIPE, PIPE),
        cwd: Path | None = None, file_bytes_max: int = 0, **changes: str,
    ) -> None:  # fmt: skip
        ours: list[IO[bytes] | None] = []
        theirs: list[int] = []
        for number, given in enumerate(streams):
            ends = list(os.pipe()) if given == PIPE else []
            if number == 0:
                ends.reverse()
            ours.append(open(ends[0], "rb" if number else "wb") if ends else None)  # noqa: SIM115  it stays open
            theirs.append(ends[1] if ends else os.open(os.devnull, os.O_RDWR) if given == DEVNULL
                          else os.dup(given))
        self.stdin, self.stdout, self.stderr = ours
        self._process = _PROCESSES.Process(target=_run, args=(
            arguments, list(map(_Passed, theirs)), environment(**changes), cwd or Path.cwd(),
            file_bytes_max))  # fmt: skip
        self._process.start()
        for number in theirs:
            os.close(number)

    def poll(self) -> int | None:
        """The exit code, None while it runs."""
        return self._process.exitcode

    def wait(self) -> int:
        """The exit code, once it has ended."""
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None and self._process.pid is not None:
            os.kill(self._process.pid, number)

    def communicate(self, given: bytes = b"") -> tuple[bytes, bytes]:
        """What it writes to its pipes from now to its end, with that on its standard input."""
        with ThreadPoolExecutor(3) as pool:
            pool.submit(_feed, self.stdin, given)
            written = [pool.submit(pipe.read if pipe else bytes) for pipe in (
                self.stdout, self.stderr)]
        self.wait()
        for pipe in (self.stdout, self.stderr):
            if pipe is not None:
                pipe.close()
        out, err = (each.result() for each in written)
        return out, err


def _feed(pipe: IO[bytes] | None, given: bytes) -> None:
    if pipe is not None:
        with contextlib.suppress(BrokenPipeError), pipe:
            pipe.write(given)


def sensor(
    *arguments: str | bytes, stdin: bytes | None = None, cwd: Path | None = None,
    file_bytes_max: int = 0, **changes: str,
) -> Ended:  # fmt: skip
    """Run the command to its end; no run may ever show a traceback."""
    if "PYTHONPATH" in changes:
        env, folder = environment(**changes), cwd or Path.cwd()
        run = subprocess.run([*COMMAND, *arguments], input=stdin, capture_output=True, check=False,
                             cwd=folder, env=env)  # fmt: skip
        ended = Ended(run.returncode, run.stdout.decode(), run.stderr.decode())
    else:
        fork = Fork(*arguments, streams=(DEVNULL if stdin is None else PIPE, PIPE, PIPE), cwd=cwd,
                    file_bytes_max=file_bytes_max, **changes)  # fmt: skip
        out, err = fork.communicate(stdin or b"")
        ended = Ended(fork.wait(), out.decode(), err.decode())
    assert "Traceback" not in ended.err, ended.err
    return ended


def quiet(
    *arguments: str, stdin: bytes | None = None, file_bytes_max: int = 0, **changes: str
) -> Ended:
    """`sensor replay --quiet ...`: stderr then holds problems only."""
    return sensor("replay", "--quiet", *arguments, stdin=stdin, file_bytes_max=file_bytes_max,
                  **changes)  # fmt: skip


def ndjson(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
