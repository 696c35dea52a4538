"""Settings from TOML: what is given is taken, what is wrong is named with its line, all at once."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import click
import pytest

from sensor.cli.main import commands
from sensor.cli.options import option_keys
from sensor.config import Config, DecodeSettings, FlowLimits, RuleLimits, SinkLimits, parse_config
from sensor.errors import ConfigError


def parsed(text: str, name: str = "s.toml") -> tuple[dict[str, Any], Config]:
    """The options and the settings of a file with this text."""
    return parse_config(text, name, option_keys(click.Context(commands)))


def wrong(text: str) -> list[str]:
    """The lines of the message that a file called s.toml with this text gives."""
    with pytest.raises(ConfigError) as caught:
        parsed(text)
    return str(caught.value).split("\n")


def test_an_empty_file_changes_nothing() -> None:
    assert parsed("") == ({}, Config())


@pytest.mark.parametrize(
    ("table", "kind"), [("flow", FlowLimits), ("rule", RuleLimits), ("sink", SinkLimits)]
)
def test_every_limit_can_be_set(table: str, kind: type[Any]) -> None:
    lines = [f"{member.name} = {number}" for number, member in enumerate(fields(kind), 7)]
    _, config = parsed(f"[{table}]\n" + "\n".join(lines))
    limits = getattr(config, table)
    for number, member in enumerate(fields(kind), 7):
        assert getattr(limits, member.name) == number
        assert type(getattr(limits, member.name)) is type(member.default)


def test_ports_are_lists() -> None:
    _, config = parsed("[decode]\nvxlan_ports = [4789, 8472]\ngtp_ports = []\n")
    assert config.decode == DecodeSettings(vxlan_ports=(4789, 8472), gtp_ports=())


def test_durations_may_be_given_in_seconds() -> None:
    _, config = parsed("[flow]\nudp_timeout_s = 2.5\nactive_timeout_s = 60\n")
    assert config.flow == FlowLimits(
        udp_timeout_ns=2_500_000_000, active_timeout_ns=60_000_000_000
    )


def test_everything_that_is_wrong_is_named_at_once() -> None:
    lines = wrong(
        'jsn = true\nquiet = "yes"\n\n[flow]\nflows_max = -1\nudp_timeout_s = "x"\nnothing = 1\n'
        "[nowhere]\nx = 1\n"
    )
    assert [line.split(": ")[0] for line in lines] == [
        f"s.toml:{number}" for number in (1, 2, 5, 6, 7, 8)
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("quiet =\n", "s.toml:1:8: "),
        ("a = 1\na = 2\n", "s.toml:2:"),
        ("[flow\n", "s.toml:1:"),
        ("flow = 3\n", "s.toml:1: "),
        ("rules = [1]\n", "s.toml:1: rules: must be a list of strings"),
        ("rules = 'x'\n", "s.toml:1: rules: must be a list"),
        ("accept_on = 'luck'\n", "s.toml:1: accept_on: "),
        ("[flow]\nflows_max = true\n", "s.toml:2: flow.flows_max: "),
        ("[flow]\nflows_max = nan\n", "s.toml:2: flow.flows_max: "),
        ("[flow]\nudp_timeout_s = inf\n", "s.toml:2: flow.udp_timeout_s: "),
        ("[flow]\nudp_timeout_s = 1e300\n", "s.toml:2: flow.udp_timeout_s: "),
        ("[flow]\nflows_max = 0\n", "s.toml:2: flow.flows_max: "),
        ("[decode]\nvxlan_ports = 4789\n", "s.toml:2: decode.vxlan_ports: must be a list of ports"),
        ("[decode]\nvxlan_ports = [0]\n", "s.toml:2: decode.vxlan_ports: "),
        ("[decode]\nvxlan_ports = [65536]\n", "s.toml:2: decode.vxlan_ports: "),
        ("[decode]\nvxlan_ports = [true]\n", "s.toml:2: decode.vxlan_ports: "),
        ("[decode]\nports = [1]\n", "s.toml:2: unknown limit decode.ports"),
        ("[sink]\nsyslog_message_bytes = 99999999999999999999\n", "s.toml:2: "),
    ],
)
def test_bad_values(text: str, place: str) -> None:
    (line,) = wrong(text)
    assert line.startswith(place)


@pytest.mark.parametrize(("text", "said"), [
    ("qiet = true\n", "s.toml:1: unknown setting 'qiet'; did you mean 'quiet'?"),
    ("fail-on-alert = true\n",
     "s.toml:1: unknown setting 'fail-on-alert'; did you mean 'fail_on_alert'?"),
    ("[decod]\n", "s.toml:1: unknown setting 'decod'; did you mean 'decode'?"),
    ("flows_max = 3\n", "s.toml:1: unknown setting 'flows_max': it stands in [flow]"),
    ("[flow]\nflow_max = 3\n", "s.toml:2: unknown limit flow.flow_max; did you mean 'flows_max'?"),
    ("[flow]\nudp_timout_s = 3\n",
     "s.toml:2: unknown limit flow.udp_timout_s; did you mean 'udp_timeout_s'?"),
    ("[flow]\nquiet = true\n",
     "s.toml:2: unknown limit flow.quiet: it stands above the first table"),
    ("[flow]\nring_bytes = 1\n", "s.toml:2: unknown limit flow.ring_bytes: it stands in [capture]"),
    ("zzz = 1\n", "s.toml:1: unknown setting 'zzz'"),
    ("[flow]\nflows_max = 1.5\n", "s.toml:2: flow.flows_max: must be a whole number"),
])  # fmt: skip
def test_what_may_be_meant_is_said(text: str, said: str) -> None:
    assert wrong(text) == [said]


def test_numbers_are_written_as_on_the_command_line() -> None:
    options, config = parsed(
        "duration = 2\nworkers = 3.0\nstats_interval = 1.5\n[flow]\nflows_max = 1e6\n"
        "udp_timeout_s = 0.5\n[capture]\nblock_timeout_s = 1\n")
    assert options == {"duration": 2.0, "workers": 3, "stats_interval": 1.5}
    assert config.flow.flows_max == 1_000_000 and config.flow.udp_timeout_ns == 500_000_000
    assert config.capture.block_timeout_s == 1.0


def test_a_line_is_found_in_its_own_table() -> None:
    (line,) = wrong("[rule]\nmax_signals = 5\n\n[sink]\n# flows\nsyslog_timeout_s = 'x'\n")
    assert line.startswith("s.toml:6: ")
    (line,) = wrong("[rule]\nmax_signals = 5\n[flow]\nmax_signals = 5\n")
    assert line.startswith("s.toml:4: unknown limit flow.max_signals")


def test_the_name_of_the_file_is_harmless() -> None:
    with pytest.raises(ConfigError) as caught:
        parsed("x = 1", "a\nb\x1b.toml")
    assert str(caught.value).startswith("a\\x0ab\\x1b.toml:1: ")
