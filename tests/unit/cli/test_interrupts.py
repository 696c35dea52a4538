"""The end of a replay whose servers are not there: one patience for all, and a word about it."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.command import ACCEPTED, Fork

SERVERS = ("--elasticsearch", "http://127.0.0.1:9", "--elasticsearch", "http://127.0.0.1:19",
           "--syslog", "tcp://127.0.0.1:9")  # fmt: skip
PATIENCE_S = 5.0
WAITS = b"a second Ctrl-C ends at once"


def started(tmp_path: Path, patience_s: float, *options: str) -> Fork:
    settings = tmp_path / "settings.toml"
    settings.write_text(f"[sink]\npatience_s = {patience_s}\ndrain_s = {patience_s}\n", "utf-8")
    return Fork("replay", ACCEPTED, "--config", str(settings), *options,
                streams=(PIPE, PIPE, PIPE))  # fmt: skip


def finished(run: Fork) -> tuple[int, bytes]:
    assert run.stderr is not None
    said = run.stderr.read()
    code = run.wait()
    for stream in (run.stdin, run.stdout, run.stderr):
        assert stream is not None
        stream.close()
    return code, said


def test_all_servers_share_one_patience(tmp_path: Path) -> None:
    """A run with all of them beside one with a single one: both end together."""
    runs = [started(tmp_path, PATIENCE_S, *servers) for servers in (SERVERS, SERVERS[:2])]
    ended_s: dict[int, float] = {}
    while len(ended_s) < len(runs):
        for at, run in enumerate(runs):
            if run.poll() is not None:
                ended_s.setdefault(at, time.monotonic())
        time.sleep(0.01)
    assert ended_s[0] - ended_s[1] < PATIENCE_S
    for run in runs:
        code, said = finished(run)
        assert code == 1 and b"127.0.0.1:9" in said and WAITS not in said


@pytest.mark.parametrize("more", [(), ("--quiet",)])
def test_an_interrupt_says_what_is_waited_for_and_a_second_ends(
    tmp_path: Path, more: tuple[str, ...]
) -> None:
    run = started(tmp_path, 60.0, *SERVERS, *more)
    assert run.stdout is not None and run.stdout.readline()  # the alert: reading is over soon
    time.sleep(1.0)
    began_s = time.monotonic()
    run.send_signal(signal.SIGINT)
    line = b""
    if not more:
        assert run.stderr is not None
        while WAITS not in line:
            line = run.stderr.readline()
            assert line
        assert line.startswith(b"delivering what waits: elasticsearch http://127.0.0.1:9 alerts (")
    run.send_signal(signal.SIGINT)
    while run.poll() is None:
        run.send_signal(signal.SIGINT)
        time.sleep(0.05)
    assert finished(run)[0] == 130
    assert time.monotonic() - began_s < 10
