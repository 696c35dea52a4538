"""Help: every option in one section, as wide as the terminal, nothing cut."""

from __future__ import annotations

import click
import pytest

from sensor.cli.help import OTHERS, SECTIONS, section_of
from sensor.cli.live import live
from sensor.cli.replay import replay
from tests.command import sensor

COMMANDS = [(), ("replay",), ("live",), ("rules",), ("doctor",), ("rules", "explain")]


@pytest.mark.parametrize("command", [replay, live], ids=lambda command: command.name)
def test_every_option_has_its_section(command: click.Command) -> None:
    others = [param.name for param in command.params
              if isinstance(param, click.Option) and section_of(param) == OTHERS]
    assert others == []
    names = [name for options in SECTIONS.values() for name in options]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("width", [60, 100])
def test_help_fits_the_terminal(width: int) -> None:
    for command in COMMANDS:
        text = sensor(*command, "--help", COLUMNS=str(width)).out
        # Commands to copy are not broken.
        prose = [line for line in text.splitlines() if not line.startswith("    ")
                 or "  " in line[4:]]  # fmt: skip
        assert [line for line in prose if len(line) > width and "sensor" not in line] == []
        assert "..." not in text.replace("PATH...", "").replace("[ARGS]...", "").replace(
            "[PATH]...", "").replace("[PATHS]...", "")
    assert max(map(len, text.splitlines())) > width * 3 // 4


def test_sections_come_in_their_order() -> None:
    lines = sensor("live", "--help").out.splitlines()
    assert [line[:-1] for line in lines if line[:-1] in SECTIONS] == list(SECTIONS)
