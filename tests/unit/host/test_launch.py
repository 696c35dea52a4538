"""The helper as a child: started from what we are, not from where we stand."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor.host.launch import open_host
from sensor.host.wire import MESSAGE_MAX, unpack
from tests.command import COMMAND, environment
from tests.programs import require
from tests.running import ROOT

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all",
          "--inh-caps=-all", "--"]  # fmt: skip


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
        while (said := first.stderr.readline()).startswith("sensor: warning: "):
            pass  # the rights that it lacks
        assert said == f"sensor: host events: serving {path}\n"
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


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that anybody may write to."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield Path(name)


def without_rights(*arguments: str | Path) -> subprocess.Popen[str]:
    """The command as a user who has no right to anything."""
    if not os.geteuid():
        require("setpriv", "a folder that anybody may enter")
    prefix = [] if os.geteuid() else NOBODY
    return subprocess.Popen([*prefix, *COMMAND, *map(str, arguments)], stderr=subprocess.PIPE,
                            text=True, cwd=ROOT, env=environment())  # fmt: skip


@pytest.mark.parametrize(("path", "words"), [
    ("/nowhere/events", "there is no folder /nowhere: make it, or --socket PATH"),
    ("/etc/events", "may not write to the folder /etc: root may, and --socket PATH"),
])
def test_a_place_that_cannot_be_served_is_told_with_what_is_missing(path: str, words: str) -> None:
    process = without_rights("host-events", "--socket", path)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert errors.startswith(f"sensor: host events: {path}: ") and words in errors


def test_a_helper_without_rights_names_them(open_folder: Path) -> None:
    process = without_rights("host-events", "--socket", open_folder / "events")
    assert process.stderr is not None
    first = process.stderr.readline()
    process.terminate()
    process.communicate()
    assert "lacks CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE" in first
    assert "its own user's processes only" in first and "systemd/sensor-host.service" in first


@pytest.mark.skipif(os.geteuid() != 0, reason="somebody else's helper takes root")
def test_who_may_not_connect_is_told_who_may(open_folder: Path) -> None:
    path = open_folder / "events"
    serving = subprocess.Popen([*COMMAND, "host-events", "--socket", str(path)], cwd=ROOT,
                               stderr=subprocess.PIPE, text=True, env=environment())  # fmt: skip
    assert serving.stderr is not None
    while "serving" not in serving.stderr.readline():
        pass
    os.chmod(path, 0o600)
    process = without_rights("live", "-i", "lo", "--host", path)
    _, errors = process.communicate()
    serving.terminate()
    serving.communicate()
    assert process.returncode == 1
    assert "user nobody may not connect to the helper" in errors
    assert "members of the group root" in errors
