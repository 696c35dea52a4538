"""README and page of options keep their word: what they name exists, their settings load."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest

import sensor
from sensor.cli.live import live
from sensor.cli.main import commands
from sensor.cli.options import option_keys
from sensor.cli.replay import replay
from sensor.config import parse_config
from tests.running import ROOT
from tests.tidy.test_examples import within

TEXT = "".join(
    (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/options.md"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
OPTION = re.compile(r"`(--[a-z-]+)")
OF_OTHERS = {"--help", "--version"}


def block(language: str) -> str:
    """The first fenced block of a language in them."""
    found = re.search(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    assert found, language
    return found[1]


def test_every_option_is_told_and_none_else() -> None:
    options = [option for command in (replay, live) for option in command.params
               if option.param_type_name == "option"]
    known = {name for option in options for name in (*option.opts, *option.secondary_opts)}
    told = set(OPTION.findall(TEXT))
    assert told - OF_OTHERS <= known
    assert [option.name for option in options
            if not told & {*option.opts, *option.secondary_opts}] == []  # fmt: skip


def test_the_configuration_shown_loads() -> None:
    keys = option_keys(click.Context(commands))
    options, config = parse_config(block("toml"), "options.md", keys)
    assert options["syslog"] == ("udp://192.0.2.1:514",)
    assert config.flow.tcp_idle_timeout_ns == 600_000_000_000


def test_the_alert_shown_is_raised() -> None:
    shown = json.loads(block("json"))
    alerts = [alert.document for alert in sensor.replay(str(ROOT / "captures/demo.pcap"))]
    assert [within(shown, alert) for alert in alerts].count(True) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text(encoding="utf-8"))
               if not (page.parent / link).exists()]  # fmt: skip
    assert missing == []
