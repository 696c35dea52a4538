"""Ctrl-C, a closed pipe, a terminal: the run ends early, or shows more, and loses nothing."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import IO

import pytest

from tests.command import ACCEPTED, COMMAND, DEMO, Fork, environment

GOOD = Path(ACCEPTED).read_bytes()
PIPE = subprocess.PIPE
HALF_FULL_BYTES = 32768
"""Half of what a pipe holds on Linux; pages of one that is full need not be full."""


Run = subprocess.Popen[bytes] | Fork


def started(*arguments: str) -> Fork:
    return Fork("replay", *arguments, streams=(PIPE, PIPE, PIPE))


def started_anew(*arguments: str) -> subprocess.Popen[bytes]:
    """A process of its own, where it matters how Python itself ends."""
    return subprocess.Popen(
        [*COMMAND, "replay", *arguments], stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment()
    )


def first_alert(run: Run) -> bytes:
    """Feed a connection and leave the pipe open; the alert comes although the capture goes on."""
    stdin, stdout = run.stdin, run.stdout
    assert stdin is not None and stdout is not None
    stdin.write(GOOD)
    stdin.flush()
    return stdout.readline()


def ended(run: Run) -> tuple[int, str]:
    """Exit code and stderr of a process that ends by itself while its stdin stays open."""
    assert run.stderr is not None and run.stdin is not None
    errors = run.stderr.read().decode()
    code = run.wait()
    for stream in (run.stdin, run.stdout, run.stderr):
        close(stream)
    assert "Traceback" not in errors and "Exception ignored" not in errors, errors
    return code, errors


def close(stream: IO[bytes] | None) -> None:
    assert stream is not None
    with contextlib.suppress(BrokenPipeError):
        stream.close()


def test_an_alert_does_not_wait_for_the_end_of_a_pipe() -> None:
    run = started("--quiet", "-")
    assert b"Accepted Default Telnet Port Connection" in first_alert(run)
    assert run.poll() is None
    close(run.stdin)
    assert run.stderr is not None and run.stderr.read() == b""
    assert run.wait() == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_with_the_summary_of_what_was_read(number: int, code: int) -> None:
    run = started("-")
    assert first_alert(run)
    run.send_signal(number)
    found, errors = ended(run)
    assert found == code
    assert "interrupted" in errors
    assert "accepted" in errors and "Accepted Default Telnet Port Connection" in errors


def test_an_interrupted_run_keeps_flows_and_ledger(tmp_path: Path) -> None:
    flows, stats = tmp_path / "flows.ndjson", tmp_path / "stats"
    run = started("--quiet", "--flows", str(flows), "--stats", str(stats), "-")
    assert first_alert(run)
    run.send_signal(signal.SIGINT)
    assert ended(run)[0] == 130
    assert flows.read_bytes().count(b"\n") == 1
    assert b'"frames":' in stats.read_bytes()


def test_a_second_ctrl_c_stops_at_once(tmp_path: Path) -> None:
    """Nobody takes what the run prints, nor its flows from a named pipe: it is stuck, whether
    before it was interrupted or in closing. The second Ctrl-C does not care.
    """
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    run = started("--quiet", "--flow-events", "--flows", str(fifo), "-")
    try:
        assert first_alert(run)
        # Not in this thread: a run that is stuck does not read the capture either.
        feeder = threading.Thread(target=feed, args=(run.stdin,))
        feeder.start()
        assert run.stdout is not None
        while max(waiting(run.stdout.fileno()), waiting(reader)) < HALF_FULL_BYTES:
            assert run.poll() is None
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        while run.poll() is None:
            run.send_signal(signal.SIGINT)
            time.sleep(0.01)
        feeder.join()
        assert ended(run)[0] == 130
    finally:
        os.close(reader)


def waiting(pipe: int) -> int:
    """Octets in a pipe that nobody has taken."""
    return int(struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0"))[0])


def feed(stream: IO[bytes] | None) -> None:
    """Write many connections, as far as they are read."""
    assert stream is not None
    with contextlib.suppress(BrokenPipeError):
        stream.write(b"".join(many_connections()))
        stream.flush()


@cache
def many_connections() -> list[bytes]:
    """The good capture again from 500 other ports: as flows, more than a pipe holds."""
    parts = []
    for port in range(2000, 2500):
        at = 24
        while at < len(GOOD):
            captured = struct.unpack_from("<I", GOOD, at + 8)[0]
            frame = bytearray(GOOD[at : at + 16 + captured])
            for side in (16 + 34, 16 + 36):
                if struct.unpack_from(">H", frame, side)[0] == 50432:
                    struct.pack_into(">H", frame, side, port)
            parts.append(bytes(frame))
            at += 16 + captured
    return parts


@pytest.mark.parametrize(("start", "arguments"), [(started_anew, []), (started, ["--json"])],
                         ids=["lines", "json"])  # fmt: skip
def test_a_reader_that_leaves_ends_the_run(
    start: Callable[..., Run], arguments: list[str]
) -> None:
    """`| head -1`: the capture is a pipe that we never close, so only stopping early ends it."""
    run = start("--quiet", *arguments, "-")
    assert first_alert(run)
    close(run.stdout)
    assert run.stdin is not None
    try:
        for part in many_connections():
            run.stdin.write(part)
            run.stdin.flush()
    except BrokenPipeError:
        pass
    code, errors = ended(run)
    assert (code, errors) == (0, "")


@pytest.mark.parametrize("arguments", [
    ["rules", "list"], ["rules", "check"], ["--help"],
    ["rules", "show", "accepted_default_telnet_port_connection"],
])
def test_a_reader_that_leaves_has_what_it_wanted(arguments: list[str]) -> None:
    run = Fork(*arguments, streams=(subprocess.DEVNULL, nobody := unread(), PIPE))
    os.close(nobody)
    assert (run.communicate()[1], run.wait()) == (b"", 0)


def test_a_reader_that_leaves_is_no_news_at_the_end_of_python() -> None:
    run = subprocess.run([*COMMAND, "rules", "list"], stdout=(nobody := unread()), stderr=PIPE,
                         check=False, env=environment())
    os.close(nobody)
    assert (run.returncode, run.stderr) == (0, b"")


def unread() -> int:
    """A pipe that nobody reads any more."""
    read, write = os.pipe()
    os.close(read)
    return write


def test_a_reader_that_leaves_does_not_end_what_others_still_want(tmp_path: Path) -> None:
    kept = tmp_path / "alerts.ndjson"
    run = started("--quiet", "--alerts", str(kept), "-")
    assert first_alert(run)
    close(run.stdout)
    assert run.stdin is not None
    run.stdin.write(b"".join(many_connections()))
    close(run.stdin)
    assert run.stderr is not None and run.stderr.read() == b""
    assert run.wait() == 0
    assert kept.read_bytes().count(b"\n") == 501


def test_flows_to_a_reader_that_leaves() -> None:
    run = started_anew("--quiet", "--flows", "-", DEMO)
    close(run.stdin)
    close(run.stdout)
    assert run.stderr is not None
    errors = run.stderr.read().decode()
    assert run.wait() == 0 and "Traceback" not in errors and "Exception ignored" not in errors


def on_terminal(*arguments: str, **changes: str) -> str:
    """What a run writes to a terminal of 100 columns that is its stdout and stderr."""
    leader, follower = pty.openpty()
    run = Fork("replay", *arguments, streams=(follower,) * 3,
               **{"TERM": "xterm-256color", "COLUMNS": "100", **changes})  # fmt: skip
    os.close(follower)
    parts = []
    try:
        while part := os.read(leader, 1 << 16):
            parts.append(part)
    except OSError:  # how Linux says that the other end is closed
        pass
    finally:
        os.close(leader)
    assert run.wait() == 0
    return b"".join(parts).decode()


def test_colours_and_progress_on_a_terminal() -> None:
    text = on_terminal(DEMO)
    assert "\x1b[33mMEDIUM 47" in text  # yellow
    assert "packets/s" in text and "alerts" in text
    assert "100%" in text or "%" in text


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [([], {"NO_COLOR": "1"}), (["--color", "never"], {}), ([], {"TERM": "dumb"})],
)
def test_no_colours_where_they_are_not_wanted(
    arguments: list[str], changes: dict[str, str]
) -> None:
    text = on_terminal(*arguments, DEMO, **changes)
    assert "MEDIUM 47" in text
    assert "\x1b[33m" not in text and "\x1b[1m" not in text


def test_quiet_has_no_progress_on_a_terminal() -> None:
    text = on_terminal("--quiet", DEMO)
    assert "packets/s" not in text and "MEDIUM 47" in text
