"""Options from a configuration file: taken as defaults, refused with their line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from sensor.cli.group import word_of
from sensor.cli.main import commands
from sensor.cli.options import NOT_IN_FILES, effective_config, option_keys, time_of
from sensor.config import SETTING_TYPES, Config, parse_config
from tests.command import ACCEPTED, PORT_RULE, quiet, sensor
from tests.running import CAPTURES
from tests.unit.cli.bad_input import assert_refused, file_of


def test_bad_keys_of_a_configuration_file(tmp_path: Path) -> None:
    path = tmp_path / "sensor.toml"
    path.write_text(
        'colour = "always"\njson = 1\n[flow]\nflows_maximum = 3\ntcp_idle_timeout_s = "long"\n',
        encoding="utf-8",
    )
    ended = quiet("--config", str(path), ACCEPTED)
    assert_refused(ended, *(f"{path}:{line}:" for line in (1, 2, 4, 5)))
    assert len(ended.err.splitlines()) == 4


def test_a_configuration_file_that_is_no_toml(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"json = true\nquiet =\n", "sensor.toml")
    ended = quiet("--config", path, ACCEPTED)
    assert_refused(ended, f"{path}:2:")
    ended.message()


@pytest.mark.parametrize("octets", [b"\xff\xfe", None])
def test_a_configuration_file_that_cannot_be_read(octets: bytes | None, tmp_path: Path) -> None:
    path = str(tmp_path / "sensor.toml") if octets is None else file_of(tmp_path, octets)
    ended = quiet("--config", path, ACCEPTED)
    assert_refused(ended, path)
    ended.message()


def test_bad_choices_in_a_configuration_file(tmp_path: Path) -> None:
    path = file_of(tmp_path, b'color = "pink"\n', "sensor.toml")
    assert_refused(quiet("--config", path, ACCEPTED), "pink")
    path = file_of(tmp_path, b'internal = ["10.0.0.0/8", 3]\n', "sensor.toml")
    assert_refused(quiet("--config", path, ACCEPTED), f"{path}:1:")
    path = file_of(tmp_path, b'internal = ["nonsense"]\n', "sensor.toml")
    assert_refused(quiet("--config", path, ACCEPTED), "nonsense")


EXCEPTION = """
[[item]]
comment = "known device"
entries = [{ field = "source.ip", type = "match", operator = "included", value = "192.168.1.20" }]
"""


def test_exceptions_may_stand_in_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "known.toml").write_text(EXCEPTION, encoding="utf-8")
    config = tmp_path / "sensor.toml"
    config.write_text('exceptions = ["known.toml"]\n', encoding="utf-8")
    assert sensor("replay", "--quiet", "--config", str(config), ACCEPTED, cwd=tmp_path).out == ""


def test_a_configuration_file_gives_defaults_and_the_command_line_wins(tmp_path: Path) -> None:
    config = tmp_path / "sensor.toml"
    config.write_text(
        f'rules = ["{PORT_RULE}"]\njson = true\nquiet = true\naccept_on = "data"\n'
        "fail_on_alert = true\n[flow]\ntcp_attempt_timeout_s = 7\n", encoding="utf-8",
    )  # fmt: skip
    silent = str(CAPTURES / "telnet_handshake_silent.pcap")
    ended = sensor("replay", "--config", str(config), silent)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    ended = sensor("replay", "--config", str(config), "--accept-on", "handshake", silent)
    assert ended.code == 3 and len(ended.documents()) == 2
    # The order of the options does not matter.
    ended = sensor("replay", silent, "--accept-on", "handshake", "--config", str(config))
    assert ended.code == 3 and len(ended.documents()) == 2


def parsed(text: str, name: str = "s.toml") -> tuple[dict[str, Any], Config]:
    """The options and the settings of a file with this text."""
    return parse_config(text, name, option_keys(click.Context(commands)))


ROOT_CONTEXT = click.Context(commands)


def options_of_command(name: str) -> list[tuple[str, click.Option]]:
    command = commands.get_command(ROOT_CONTEXT, name)
    assert command is not None
    return [(name, option) for option in command.params if isinstance(option, click.Option)
            and word_of(option) not in NOT_IN_FILES]


def samples(option: click.Option) -> list[tuple[list[str], str]]:
    """What is written on the command line, and the same in a file."""
    long = max(option.opts, key=len)
    if option.is_flag:
        off = [([each], "false") for each in option.secondary_opts]
        return [([long], "true"), *off]
    kind = option.type
    if isinstance(kind, click.Choice):
        values = [(choice, f'"{choice}"') for choice in kind.choices]
    elif isinstance(kind, click.types.IntParamType):
        values = [("7", "7"), ("7", "7.0")]
    elif isinstance(kind, click.types.FloatParamType):
        values = [("7", "7"), ("7.5", "7.5")]
    elif option.multiple:
        return [([long, "10.0.0.0/8", long, "b"], '["10.0.0.0/8", "b"]')]
    elif option.metavar == "TIME":
        values = [("1700000000", "1700000000"), ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z")]
    else:
        values = [("x", '"x"')]
    bare = [([long], "true")] if isinstance(option.flag_value, str) else []
    return bare + [([long, word], text) for word, text in values]


@pytest.mark.parametrize(
    ("name", "option"),
    [each for name in ("replay", "live", "doctor") for each in options_of_command(name)],
    ids=lambda each: each if isinstance(each, str) else str(each.name),
)
def test_every_option_of_a_command_may_stand_in_its_file(
    name: str, option: click.Option, tmp_path: Path
) -> None:
    command = commands.get_command(ROOT_CONTEXT, name)
    assert command is not None
    key = max(option.opts, key=len).lstrip("-").replace("-", "_")

    def outcome(*words: str) -> tuple[dict[str, Any], Config]:
        context = command.make_context(name, list(words), parent=ROOT_CONTEXT)
        config = effective_config(context.obj, {"quiet": True, **context.params})
        return {word: value for word, value in context.params.items()
                if word not in SETTING_TYPES}, config

    for words, text in samples(option):
        path = tmp_path / "sensor.toml"
        path.write_text(f"{key} = {text}\n", encoding="utf-8")
        found, wanted = outcome("--config", str(path)), outcome(*words)
        if option.metavar == "TIME":  # a date of TOML is written otherwise
            times = (time_of("", str(each[0].pop(str(option.name)))) for each in (found, wanted))
            assert next(times) == next(times)
        assert found == wanted, text


def test_commands_about_rules_take_the_rules_of_the_file(tmp_path: Path) -> None:
    config = tmp_path / "sensor.toml"
    config.write_text(f'rules = ["{PORT_RULE}"]\nhost = "/run/x"\n', encoding="utf-8")
    ended = sensor("rules", "list", "--config", str(config))
    assert ended.code == 0 and ended.out.splitlines()[0] == Path(PORT_RULE).stem
    assert "Telnet Connection to External" not in ended.out


def test_options_and_settings() -> None:
    options, config = parsed(
        'rules = ["a", "b"]\nquiet = true\nstats = "x"\n'
        'internal = ["10.0.0.0/8"]\naccept_on = "data"\nkey_vlan = true\nduplicates = false\n'
        "key_tenant = false\nstrict_external = true\n",
    )  # fmt: skip
    assert options == {"rules": ("a", "b"), "quiet": True, "stats": "x"}
    assert config == Config(
        internal=("10.0.0.0/8",), accept_on="data", key_vlan=True, duplicates=False,
        key_tenant=False, strict_external=True,
    )  # fmt: skip
