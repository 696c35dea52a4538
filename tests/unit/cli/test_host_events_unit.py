"""The helper's unit: systemd accepts it, finds it well locked, and the helper runs under it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sensor.cli.host_events import NEEDED
from sensor.host.client import connect
from sensor.host.wire import unpack
from tests.command import environment
from tests.confined import settings
from tests.running import ROOT

UNIT = ROOT / "systemd/sensor-host.service"
EXPOSURE_MAX = 15
"""In tenths, as `--threshold` counts."""

analyzed = pytest.mark.needs("systemd-analyze")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists here."""
    text = UNIT.read_text(encoding="utf-8")
    assert text.count("ExecStart=/opt/sensor/bin/sensor host-events ") == 1
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace("/opt/sensor/bin/sensor", sys.executable), encoding="utf-8")
    return copy


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@analyzed
def test_systemd_has_nothing_to_say_against_it(unit: Path) -> None:
    ended = analyze("verify", unit)
    assert (ended.returncode, ended.stderr) == (0, "")


@analyzed
def test_it_is_locked_well_enough(unit: Path) -> None:
    ended = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", unit)
    assert ended.returncode == 0, ended.stdout


def test_it_has_the_capabilities_that_the_helper_keeps_and_no_others() -> None:
    given = [value for name, value in settings(UNIT) if "Capabilit" in name]
    assert [set(value.split()) for value in given] == [NEEDED, NEEDED]


def connected(path: str, helper: subprocess.Popen[bytes]) -> socket.socket:
    """A connection to a helper that is about to start: its path is there before it listens."""
    while helper.poll() is None:
        try:
            return connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.01)
    assert helper.stderr is not None
    raise AssertionError(helper.stderr.read().decode())


@analyzed
def test_the_helper_serves_under_the_units_rules_and_leaves_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "events")
    helper = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/confined.py"), str(UNIT), sys.executable, "-m", "sensor",
         "host-events", "--socket", path], env=environment(OPENBLAS_NUM_THREADS="1"),
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        with connected(path, helper) as ours:
            ours.settimeout(30)
            assert unpack(ours.recv(1 << 16))["hello"]["hostname"] == socket.gethostname()
            ours.send(b'{"ask":1,"protocol":6,"local":["127.0.0.1",1],"remote":["127.0.0.1",1]}')
            while "answer" not in (message := unpack(ours.recv(1 << 20))):
                pass
            assert message == {"answer": 1, "process": None}
        helper.send_signal(signal.SIGTERM)
        assert helper.wait(30) == 0
    finally:
        helper.kill()
        helper.communicate()
    assert not os.path.exists(path)
