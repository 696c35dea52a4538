"""Writes the man pages, from the texts of --help: python -m tools.make_man_pages"""

from __future__ import annotations

import inspect
import re
import textwrap
from pathlib import Path

import click

from sensor._version import __version__
from sensor.cli.group import LazyGroup
from sensor.cli.help import OTHERS, SECTIONS, section_of
from sensor.cli.main import commands

FOLDER = Path(__file__).parent.parent / "man"
MANUAL, DATE = "Sensor manual", "2026-11-29"
LINE = 79
ENVIRONMENT = (
    "Every option may be given by a variable, in capitals and with underscores behind SENSOR_: "
    "SENSOR_SYSLOG_FORMAT for --syslog-format. Options that may be repeated take several values, "
    "separated by blanks. NO_COLOR is honoured."
)
FILES = (
    ("./sensor.toml", "settings, looked for in this order; --config FILE names another"),
    ("$XDG_CONFIG_HOME/sensor/config.toml", "those of a user"),
    ("/etc/sensor/sensor.toml", "those of the machine"),
)


def pages() -> dict[str, str]:
    """The text of each page by the name of its file."""
    context = click.Context(commands, info_name="sensor")
    assert isinstance(commands, LazyGroup)
    found = {"sensor.1": _page(commands, context)}
    for path, command in commands.commands_below(context):
        parent = context
        for name in path.split()[:-1]:
            group = commands.get_command(context, name)
            assert group is not None
            parent = click.Context(group, info_name=name, parent=context)
        own = click.Context(command, info_name=path.split()[-1], parent=parent)
        found[f"sensor-{path.replace(' ', '-')}.1"] = _page(command, own)
    return found


def _page(command: click.Command, context: click.Context) -> str:
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    title = context.command_path.replace(" ", "-")
    first = " ".join(paragraphs[0].split())
    lines = [
        f'.TH {_text(title.upper())} 1 {DATE} "flow\\-sensor {__version__}" "{MANUAL}"',
        ".SH NAME", *_name(title, first),
        ".SH SYNOPSIS", f".B {_text(context.command_path)}",
        _text(" ".join(command.collect_usage_pieces(context))),
    ]
    lines += [".SH DESCRIPTION", *_prose(paragraphs if len(paragraphs) == 1 else paragraphs[1:])]
    if isinstance(command, LazyGroup):
        lines.append(".SH COMMANDS")
        for path, below in command.commands_below(context):
            text = " ".join(inspect.cleandoc(below.help or "").split("\n\n")[0].split())
            lines += _item(f"{context.command_path} {path}", text)
    lines += _options(command, context)
    lines += [".SH ENVIRONMENT", *_wrapped(ENVIRONMENT), ".SH FILES"]
    for place, text in FILES:
        lines += _item(place, text)
    if context.parent is not None:
        lines += [".SH SEE ALSO", r".BR sensor (1)"]
    return "\n".join(lines) + "\n"


def _name(title: str, first: str) -> list[str]:
    lines = _wrapped(f"{title} DASH {first.rstrip('.')}")
    return [line.replace(" DASH ", r" \- ") for line in lines]


def _options(command: click.Command, context: click.Context) -> list[str]:
    records: dict[str, list[tuple[str, str]]] = {name: [] for name in (*SECTIONS, OTHERS)}
    for param in command.get_params(context):
        if (record := param.get_help_record(context)) is not None:
            records[section_of(param)].append(record)
    lines = [".SH OPTIONS"]
    for name, rows in records.items():
        if rows:
            lines.append(f".SS {name}")
            lines += [line for row in rows for line in _item(*row)]
    return lines


def _prose(paragraphs: list[str]) -> list[str]:
    """Paragraphs; those behind a backspace stay as they are written."""
    lines = []
    for at, paragraph in enumerate(paragraphs):
        lines += [".PP"] if at else []
        if paragraph.startswith("\b"):
            lines += [".nf", *map(_text, paragraph.split("\n")[1:]), ".fi"]
        else:
            lines += _wrapped(" ".join(paragraph.split()))
    return lines


def _item(name: str, text: str) -> list[str]:
    return [".TP", f".B {_text(name)}", *_wrapped(re.sub(" +", " ", text))]


def _wrapped(text: str) -> list[str]:
    """Text as lines that are short enough for whoever reads the source."""
    lines = textwrap.wrap(_text(text), LINE, break_long_words=False, break_on_hyphens=False)
    return [rf"\&{line}" if line.startswith(".") else line for line in lines]


def _text(text: str) -> str:
    """Text that roff prints as it is."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("~", r"\(ti")
    text = text.replace("^", r"\(ha").replace("`", r"\(ga").replace('"', r"\(dq")
    return rf"\&{text}" if text.startswith(".") else text


def main() -> None:
    """Write the pages, and remove those of commands that are gone."""
    FOLDER.mkdir(exist_ok=True)
    written = pages()
    for old in FOLDER.glob("*.1"):
        if old.name not in written:
            old.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
