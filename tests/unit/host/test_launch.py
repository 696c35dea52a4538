"""The helper as a child: started from what we are, not from where we stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sensor.host.launch import open_host
from sensor.host.wire import MESSAGE_MAX, unpack


def test_a_child_is_never_a_program_of_the_folder_that_we_are_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sensor").mkdir()
    (tmp_path / "sensor" / "__init__.py").write_text("raise SystemExit(1)\n")
    monkeypatch.chdir(tmp_path)
    helper = open_host(str(tmp_path / "nobody"))
    assert helper is not None
    with helper:
        assert "hello" in unpack(helper.recv(MESSAGE_MAX))


def test_a_second_helper_ends_and_the_first_says_where_it_serves(tmp_path: Path) -> None:
    path = str(tmp_path / "events")
    command = [sys.executable, "-m", "sensor", "host-events", "--socket", path]
    first = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert first.stderr is not None
        assert first.stderr.readline() == f"sensor: host events: serving {path}\n"
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (second.returncode, second.stderr) == (
            1, f"sensor: host events: {path}: already served by another process\n")
        helper = open_host(path)
        assert helper is not None
        with helper:
            assert "hello" in unpack(helper.recv(MESSAGE_MAX))
    finally:
        first.terminate()
        first.communicate()
