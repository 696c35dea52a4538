"""Completion in real shells: what a user gets who types a beginning and presses the tabulator."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.command import environment, sensor
from tests.programs import require
from tests.running import ROOT

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source {script}\n"),
    "zsh": (["zsh", "-f", "-i"], "autoload -U compinit; compinit -D -u; source {script}\n"),
}
TABULATOR, DELETE_LINE = "\t", "\x15"
KINDS = {"replay --syslog-f": "--syslog-format", "replay unheard": "unheard_of.pcap"}
"""What is typed behind the command, and what completes its last word: a line of each kind that a
shell's script tells apart, a word of ours and a file."""
WORDS = {
    "sensor repl": "replay",
    "sensor live -i l": "lo",
    "sensor rules show telnet_busy": "telnet_busybox_dropper",
}
"""The same of words alone, as a shell's script asks for them."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with the command in `bin`, and a capture."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin/sensor"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m sensor "$@"\n', "utf-8")
    command.chmod(0o755)
    (tmp_path / "unheard_of.pcap").write_bytes(b"")
    return tmp_path


def complete_in(shell: str, home: Path, lines: dict[str, str]) -> None:
    """Type each line and a tabulator into an interactive shell until it shows what is wanted."""
    command, setup = SHELLS[shell]
    script = home / f"script.{shell}"
    script.write_text(sensor("completion", shell).out, "utf-8")
    env = environment(PATH=f"{home}/bin:{os.environ['PATH']}", HOME=str(home), TERM="xterm",
                      PYTHONPATH=str(ROOT), COLUMNS="200", LINES="50")  # fmt: skip
    terminal, slave = pty.openpty()
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env, cwd=home,
                               start_new_session=True)  # fmt: skip
    os.close(slave)
    try:
        os.write(terminal, (setup.format(script=script) + "echo re''ady\n").encode())
        read_until(terminal, "ready")
        for line, wanted in lines.items():
            os.write(terminal, f"sensor {line}{TABULATOR}".encode())
            read_until(terminal, wanted)
            os.write(terminal, DELETE_LINE.encode())
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


def read_until(terminal: int, wanted: str, limit_s: float = 60) -> str:
    shown, end_s = "", time.monotonic() + limit_s
    while wanted not in shown and time.monotonic() < end_s:
        if select.select([terminal], [], [], 0.5)[0]:
            shown += os.read(terminal, 65536).decode(errors="replace")
    assert wanted in shown, shown
    return shown


@pytest.mark.parametrize("shell", SHELLS)
def test_what_the_tabulator_completes(shell: str, home: Path) -> None:
    require(shell)
    complete_in(shell, home, KINDS)


@pytest.mark.parametrize("line", WORDS)
def test_words_that_are_completed(line: str) -> None:
    ended = sensor(_SENSOR_COMPLETE="bash_complete", COMP_WORDS=line,
                   COMP_CWORD=str(line.count(" ")))  # fmt: skip
    assert f"plain,{WORDS[line]}" in ended.out.splitlines()


def test_what_fish_completes(home: Path) -> None:
    """Fish is asked for its completions: it draws only on terminals that answer it."""
    require("fish")
    script = home / "sensor.fish"
    script.write_text(sensor("completion", "fish").out, "utf-8")
    asked = "; echo; ".join(f'complete -C "sensor {line}"' for line in KINDS)
    run = subprocess.run(
        ["fish", "--no-config", "-c", f"source {script}; {asked}"],
        capture_output=True, text=True, check=True, cwd=home,
        env=environment(PATH=f"{home}/bin:{os.environ['PATH']}", HOME=str(home)),
    )  # fmt: skip
    for answer, wanted in zip(run.stdout.split("\n\n"), KINDS.values(), strict=True):
        assert wanted in [found.split("\t")[0] for found in answer.split("\n")]


def test_a_script_for_each_shell_and_none_else() -> None:
    for shell in (*SHELLS, "fish"):
        ended = sensor("completion", shell)
        assert ended.code == 0 and "_SENSOR_COMPLETE" in ended.out
    assert sensor("completion", "tcsh").code == 2
