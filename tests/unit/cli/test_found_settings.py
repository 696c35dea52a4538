"""Settings that are found: files where they are looked for, and the environment."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from sensor.cli.group import LazyGroup
from sensor.cli.main import commands
from tests.command import ACCEPTED, sensor
from tests.unit.cli.bad_input import assert_refused


def place(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_the_first_file_that_there_is_counts(tmp_path: Path) -> None:
    home = {"XDG_CONFIG_HOME": str(tmp_path / "home")}
    work = tmp_path / "work"
    work.mkdir()
    none = sensor("replay", "-v", ACCEPTED, cwd=work, **home)
    assert "settings: no file" in none.err
    theirs = place(tmp_path / "home/sensor/config.toml", "json = true\n")
    found = sensor("replay", "-v", ACCEPTED, cwd=work, **home)
    assert f"settings: {theirs}" in found.err and found.documents()
    place(work / "sensor.toml", "quiet = false\n")
    nearer = sensor("replay", "-v", ACCEPTED, cwd=work, **home)
    assert "settings: ./sensor.toml" in nearer.err and nearer.out == none.out
    given = sensor("replay", "-v", "--config", str(theirs), ACCEPTED, cwd=work, **home)
    assert f"settings: {theirs}" in given.err and given.documents()
    without = sensor("replay", "-v", "--no-config", ACCEPTED, cwd=work, **home)
    assert "settings: no file" in without.err and without.out == none.out
    assert_refused(sensor("replay", "--no-config", "--config", str(theirs), ACCEPTED, cwd=work),
                   "contradict")


def test_a_mistake_in_a_file_that_was_found_is_refused(tmp_path: Path) -> None:
    place(tmp_path / "sensor.toml", "jsn = true\n")
    assert_refused(sensor("replay", ACCEPTED, cwd=tmp_path), "./sensor.toml:1:", "jsn")
    assert_refused(sensor("rules", "list", cwd=tmp_path), "./sensor.toml:1:")


def test_a_file_that_others_may_write_is_left_alone(tmp_path: Path) -> None:
    place(tmp_path / "sensor.toml", "json = true\n").chmod(0o666)
    ended = sensor("replay", ACCEPTED, cwd=tmp_path)
    assert "others may write it" in ended.err and "MEDIUM" in ended.out


def test_the_environment_sets_options(tmp_path: Path) -> None:
    flows = tmp_path / "flows.json"
    ended = sensor("replay", ACCEPTED, SENSOR_JSON="1", SENSOR_QUIET="true",
                   SENSOR_FLOWS=str(flows), SENSOR_INTERNAL="192.0.2.0/24 198.51.100.0/24")
    assert ended.err == "" and json.loads(flows.read_text("utf-8"))
    assert ended.documents()[0]["network"]["direction"] == "external"


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    place(tmp_path / "sensor.toml", 'accept_on = "data"\njson = true\n')
    both = sensor("replay", "-v", ACCEPTED, cwd=tmp_path, SENSOR_JSON="0")
    assert "MEDIUM" in both.out
    wrong = {"SENSOR_ACCEPT_ON": "sometimes"}
    assert_refused(sensor("replay", ACCEPTED, **wrong), "SENSOR_ACCEPT_ON", "sometimes")
    assert sensor("replay", "-q", "--accept-on", "data", ACCEPTED, **wrong).code == 0


@pytest.mark.parametrize("name", ["SENSOR_TRACEBACK", "SENSOR_PURE_PYTHON", "SENSOR_CFLAGS",
                                  "SENSOR_LDFLAGS", "SENSOR_REQUIRE_PROGRAMS",
                                  "SENSOR_EXAMPLES_SHARE"])  # fmt: skip
def test_no_option_has_the_name_of_another_variable(name: str) -> None:
    assert isinstance(commands, LazyGroup)
    context = click.Context(commands)
    taken = {param.envvar for _, command in commands.commands_below(context)
             for param in command.params}
    assert "SENSOR_FLOWS" in taken
    assert name not in taken
