"""Alerts on a terminal, in a pipe, on a full disk: what is written, and what is counted."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from sensor.model.alert import Alert
from sensor.sinks.console import ConsoleSink, alert_rich, open_console
from tests.telnet_alert import DOCUMENTED, TELNET, alert_of


class Terminal(io.StringIO):
    """A terminal of so many columns, as far as a console can tell."""

    def isatty(self) -> bool:
        return True


def seen(width: int, *alerts: Alert) -> str:
    """What a terminal shows of alerts."""
    from rich.console import Console  # noqa: PLC0415

    terminal = Terminal()
    console = Console(file=terminal, width=width, color_system=None, highlight=False)
    sink = ConsoleSink(terminal, console=console)
    for alert in alerts:
        sink.emit(alert)
    return terminal.getvalue()


def test_rich_has_the_same_characters() -> None:
    head, details = alert_rich(alert_of(TELNET))
    assert f"{head.plain}\n    {details.plain}" == DOCUMENTED


AT_60 = """\
2026-01-02 03:04:05.678901  MEDIUM 47  Accepted Default
    Telnet Port Connection
    192.0.2.10:50432 -> 198.51.100.7:23  tcp accepted
    (handshake) outbound  1:wCb3OG7yAFWelaUydu0D+125CLM=
"""
AT_80 = """\
2026-01-02 03:04:05.678901  MEDIUM 47  Accepted Default Telnet Port
    Connection
    192.0.2.10:50432 -> 198.51.100.7:23  tcp accepted (handshake) outbound
    1:wCb3OG7yAFWelaUydu0D+125CLM=
"""


@pytest.mark.parametrize(("width", "shown"), [
    (60, AT_60), (80, AT_80), (120, DOCUMENTED + "\n"), (200, DOCUMENTED + "\n")])
def test_lines_fit_the_terminal_and_no_word_is_cut(width: int, shown: str) -> None:
    assert seen(width, alert_of(TELNET)) == shown


LOGIN = {
    **{name: TELNET[name] for name in ("source", "destination", "network")},
    "user": {"name": "root"}, "telnet": {"login": {"outcome": "success"}},
}  # fmt: skip
"""A login in the same connection: it says nothing of a verdict."""
STORY = """\
2026-01-02 03:04:05.678901  MEDIUM 47  Accepted Default Telnet Port Connection
    192.0.2.10:50432 -> 198.51.100.7:23  tcp accepted (handshake) outbound  \
1:wCb3OG7yAFWelaUydu0D+125CLM=
2026-01-02 03:04:05.678901  CRITICAL 99  Worst
    login root: success
2026-01-02 03:04:05.678901  HIGH 73  Bad
"""


@pytest.mark.parametrize("width", [120, 200])
def test_alerts_of_one_connection_tell_what_is_new(width: int) -> None:
    alerts = (alert_of(TELNET),
              alert_of(LOGIN, rule_name="Worst", severity="critical", risk_score=99.0),
              alert_of(LOGIN, rule_name="Bad", severity="high", risk_score=73.0))  # fmt: skip
    assert seen(width, *alerts) == STORY


def test_another_connection_in_between_makes_a_connection_be_named_again() -> None:
    other = {**TELNET, "source": {"ip": "192.0.2.99", "port": 1}}
    shown = seen(120, alert_of(TELNET), alert_of(other), alert_of(LOGIN), alert_of(LOGIN))
    assert shown.count("192.0.2.10:50432 -> ") == 2


def test_what_each_alert_held_back_is_told_of_each() -> None:
    held = {**TELNET, "sensor": {**TELNET["sensor"], "alert": {"suppressed_count": 3}}}
    assert seen(200, alert_of(held), alert_of(held)).count("+3 suppressed") == 2


def test_alerts_without_a_connection_are_told_whole() -> None:
    shown = seen(120, alert_of({"process": {"name": "telnet"}}),
                 alert_of({"process": {"name": "telnet"}}))  # fmt: skip
    assert shown.splitlines()[1::2] == ["    telnet", "    telnet"]


def test_an_accepted_connection_has_the_colour_of_its_severity() -> None:
    _, details = alert_rich(alert_of(TELNET, severity="high"))
    styles = {details.plain[span.start:span.end]: span.style for span in details.spans}
    assert styles["tcp accepted (handshake) outbound"] == "bold red"


def test_a_pipe_gets_plain_text_and_never_loads_rich(tmp_path: Path) -> None:
    with open(tmp_path / "out", "w+", encoding="utf-8") as stream:
        sink = open_console(stream)
        assert sink.console is None
        sink.emit(alert_of(TELNET))
        stream.seek(0)
        assert stream.read() == DOCUMENTED + "\n"


def test_a_stream_of_plain_ascii_escapes_the_rest() -> None:
    octets = io.BytesIO()
    sink = open_console(io.TextIOWrapper(octets, encoding="ascii"))
    sink.emit(alert_of({}, rule_name="Zürich"))
    assert (sink.delivered, sink.dropped) == (1, 0)
    assert rb"Z\xfcrich" in octets.getvalue()


def test_a_recording_console_can_be_used() -> None:
    from rich.console import Console  # noqa: PLC0415

    console = Console(file=io.StringIO(), record=True, width=120)
    ConsoleSink(console.file, console=console).emit(alert_of(TELNET))
    assert console.export_text() == DOCUMENTED + "\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk at hand")
def test_a_full_disk_is_said_and_counted() -> None:
    with open("/dev/full", "w", encoding="utf-8", buffering=1) as stream:
        sink = open_console(stream)
        sink.emit(alert_of(TELNET))
        assert (sink.delivered, sink.dropped) == (0, 1)
        assert sink.error == "console: No space left on device"
        sink.close()
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
