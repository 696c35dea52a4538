"""Colours where people want them, and nowhere else."""

from __future__ import annotations

import io
import os
import pty

import pytest

from sensor.errors import ConfigError
from sensor.sinks.console import open_console
from sensor.terminal.console import SEVERITY_STYLES, VERDICT_STYLES, ConsoleOptions
from tests.telnet_alert import DOCUMENTED, TELNET, alert_of


def terminal_output(options: ConsoleOptions) -> str:
    """What a terminal receives for one alert."""
    master, slave = pty.openpty()
    with open(slave, "w", encoding="utf-8") as stream:
        sink = open_console(stream, options)
        sink.emit(alert_of(TELNET))
        assert (sink.delivered, sink.error) == (1, None)
        stream.write("END OF TEST\n")
        stream.flush()
        output = b""
        while b"END OF TEST" not in output:  # a terminal hands over what it has so far
            output += os.read(master, 65536)
    os.close(master)
    return output.decode().replace("\r\n", "\n").partition("END OF TEST")[0]


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[33mMEDIUM 47\x1b[0m" in terminal_output(ConsoleOptions())


@pytest.mark.parametrize(
    ("environment", "color"),
    [({"NO_COLOR": "1"}, "auto"), ({"TERM": "dumb"}, "auto"), ({}, "never")],
)
def test_a_terminal_without_colours(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], color: str
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    shown = terminal_output(ConsoleOptions(color))  # of 80 columns: some lines are two
    assert shown.split() == DOCUMENTED.split() and "\x1b" not in shown


def test_always_means_colours_in_a_pipe_and_in_spite_of_no_color(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = io.StringIO()
    open_console(stream, ConsoleOptions("always")).emit(alert_of(TELNET))
    assert "\x1b[33mMEDIUM 47\x1b[0m" in stream.getvalue()


def test_an_empty_no_color_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[33m" in terminal_output(ConsoleOptions())


def test_an_unknown_colour_option_is_refused() -> None:
    with pytest.raises(ConfigError, match="auto, always, never"):
        ConsoleOptions("sometimes")


def test_styles_can_be_read_on_light_and_on_dark() -> None:
    from rich.style import Style  # noqa: PLC0415

    for text in (*SEVERITY_STYLES.values(), *VERDICT_STYLES.values()):
        style = Style.parse(text)
        name = style.color.name if style.color is not None else "default"
        assert style.bgcolor is not None or name not in {"white", "black", "bright_white"}, text
