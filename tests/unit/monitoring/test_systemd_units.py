"""The unit: systemd accepts it, finds it well locked, and the sensor runs under what it forbids."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest

from sensor.cli.main import commands
from sensor.cli.options import option_keys
from sensor.config import Config, parse_config
from tests.command import ACCEPTED, COMMAND, environment
from tests.confined import allowed_calls, settings, value_of
from tests.running import ROOT

UNIT = ROOT / "systemd/sensor@.service"
NETWORK = ROOT / "systemd/network.conf"
EXAMPLE = ROOT / "systemd/sensor.toml"
EXPOSURE_MAX = 15
NETWORK_EXPOSURE_MAX = 18
"""In tenths, as `--threshold` counts."""

pytestmark = pytest.mark.needs("systemd-analyze", "kill")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists here."""
    text = UNIT.read_text(encoding="utf-8")
    assert text.count("ExecStart=/opt/sensor/bin/sensor ") == 1
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace("/opt/sensor/bin/sensor", sys.executable), encoding="utf-8")
    return copy


@pytest.fixture
def networked(unit: Path) -> Path:
    """The unit with what syslog over the network needs."""
    folder = unit.with_name(f"{unit.name}.d")
    folder.mkdir()
    shutil.copy(NETWORK, folder)
    return unit


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_systemd_has_nothing_to_say_against_it(unit: Path) -> None:
    ended = analyze("verify", unit)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_nor_against_what_the_network_needs(networked: Path) -> None:
    ended = analyze("verify", networked)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "AF_INET6" in value_of(NETWORK, "RestrictAddressFamilies")


def test_the_network_does_not_open_everything(networked: Path) -> None:
    ended = analyze("security", "--offline=true", f"--threshold={NETWORK_EXPOSURE_MAX}", networked)
    assert ended.returncode == 0, ended.stdout


def test_what_systemd_does_not_know_would_be_noticed(unit: Path) -> None:
    unit.write_text(unit.read_text(encoding="utf-8") + "\n[Service]\nWatchDogs=3\n")
    assert "WatchDogs" in analyze("verify", unit).stderr


def test_it_is_locked_well_enough(unit: Path) -> None:
    ended = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", unit)
    assert ended.returncode == 0, ended.stdout


def test_a_lock_that_is_left_open_would_be_noticed(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    unit.write_text(text.replace("SystemCallFilter=@system-service", ""), encoding="utf-8")
    ended = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", unit)
    assert ended.returncode == 1


def test_it_has_one_capability_and_it_is_the_one_that_capturing_needs() -> None:
    given = [value for name, value in settings(UNIT) if "Capabilit" in name]
    assert given == ["CAP_NET_RAW", "CAP_NET_RAW"]


def test_the_end_is_given_more_time_than_the_sinks_take() -> None:
    assert float(value_of(UNIT, "TimeoutStopSec").removesuffix("s")) > Config().sink.drain_s


CONFINED = [sys.executable, str(ROOT / "tests/confined.py"), str(UNIT)]


def confined(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CONFINED, *command], env=environment(OPENBLAS_NUM_THREADS="1"),
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_replay_is_the_same_under_the_units_rules(tmp_path: Path) -> None:
    arguments = ("replay", "--quiet", "--json", "--flows", str(tmp_path / "flows.ndjson"), ACCEPTED)
    free = subprocess.run([*COMMAND, *arguments], env=environment(), capture_output=True,
                          text=True, check=True)  # fmt: skip
    bound = confined(*COMMAND, *arguments)
    assert (bound.returncode, bound.stderr) == (0, "")
    assert bound.stdout == free.stdout and '"kind":"alert"' in bound.stdout


@pytest.mark.parametrize(
    "module", ["ssl", "sqlite3", "prometheus_client", "rich.live", "netaddr", "lark", "numpy",
               "pwd", "sensor.cli.live",
               pytest.param("scapy.libs.winpcapy", marks=pytest.mark.needs("libpcap"))],
)  # fmt: skip
def test_what_a_live_sensor_may_load_can_be_loaded_under_the_units_rules(module: str) -> None:
    ended = confined(sys.executable, "-c", f"import {module}")
    assert ended.returncode == 0, ended.stderr


FORBIDDEN = {
    "ptrace": "libc.ptrace(0, 0, 0, 0)",
    "setpriority": "libc.setpriority(0, 0, 0)",
    "a socket to the Internet": "min(libc.socket(2, 1, 0), 0)",
    "code written at run time": "libc.mprotect(page, 4096, 5)",
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_the_rules_are_really_in_force(name: str) -> None:
    """What anybody may do otherwise is refused."""
    code = f"""
import ctypes, mmap
libc = ctypes.CDLL(None)
memory = mmap.mmap(-1, 4096)
page = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
print({FORBIDDEN[name]})
"""
    free = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    bound = confined(sys.executable, "-c", code)
    assert (free.stdout, bound.stdout) == ("0\n", "-1\n")


def test_the_sockets_that_it_needs_can_be_had() -> None:
    code = """
import socket
for family in (socket.AF_UNIX, socket.AF_NETLINK):
    socket.socket(family, socket.SOCK_DGRAM)
"""
    assert confined(sys.executable, "-c", code).returncode == 0


def test_the_calls_of_the_filter_are_as_systemd_reads_them() -> None:
    calls = allowed_calls(UNIT)
    assert {"execve", "mmap", "sendto", "capset", "prctl", "recvmsg"} <= calls
    assert not {"mount", "ptrace", "bpf", "setuid", "setpriority"} & calls


def command(name: str) -> click.Command:
    found = commands.get_command(click.Context(commands), name)
    assert found is not None, name
    return found


def settings_of(text: str) -> dict[str, Any]:
    """The options of a configuration, and the settings that are not the defaults."""
    options, config = parse_config(text, EXAMPLE.name, option_keys(click.Context(commands)))
    changed = {field.name: getattr(config, field.name) for field in fields(config)
               if getattr(config, field.name) != getattr(Config(), field.name)}  # fmt: skip
    return {**options, **changed}


def test_the_example_changes_nothing_by_itself() -> None:
    """Every line that sets something is commented out, and shows a value that could be meant."""
    text = EXAMPLE.read_text(encoding="utf-8")
    assert settings_of(text) == {}
    shown = re.findall(r"^#(\w+) = ", text, re.M)
    every = re.sub(r"^#(?=\w+ = |\[)", "", text, flags=re.M)
    limits = sum(len(tomllib.loads(every)[table]) - 1 for table in ("flow", "sink", "capture"))
    assert len(settings_of(every)) + limits == len(shown) > 10


def test_the_command_of_the_unit_is_one() -> None:
    """Every option that the unit gives is an option of the command."""
    program, name, *arguments = value_of(UNIT, "ExecStart").split()
    assert (program, name) == ("/opt/sensor/bin/sensor", "live")
    known = {option for parameter in command("live").params for option in parameter.opts}
    assert {word for word in arguments if word.startswith("-")} <= known


def test_the_page_about_it_names_files_that_there_are() -> None:
    page = (ROOT / "docs/systemd.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w/])systemd/[\w@.]*\w", page))
    assert {"systemd/sensor@.service", "systemd/sensor.toml", "systemd/network.conf"} <= named
    assert all((ROOT / name).exists() for name in named), named


def test_the_commands_of_the_page_are_commands() -> None:
    """Every `sensor ...` of the page has a command and options that there are."""
    page = (ROOT / "docs/systemd.md").read_text(encoding="utf-8")
    calls = re.findall(r"^    .*?/opt/sensor/bin/sensor (\w+)(.*)", page, re.M)
    assert len(calls) > 2
    for name, rest in calls:
        known = {option for one in command(name).params for option in one.opts}
        assert set(re.findall(r"(?<= )--?[a-z][a-z-]*", rest)) <= known, (name, rest)
