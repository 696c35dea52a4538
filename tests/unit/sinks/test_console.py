"""The lines that people read: exactly the documented form, whatever fields there are."""

from __future__ import annotations

import io
import os
import pty
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sensor.ecs.alert_text import alert_text, alert_time
from sensor.errors import ConfigError
from sensor.model.alert import Alert
from sensor.sinks.console import ConsoleSink, alert_rich, open_console
from sensor.terminal.console import ConsoleOptions
from tests.running import ROOT

TIME_NS = 1_767_323_045_678_901_234
"""2026-01-02T03:04:05.678901234Z, by `date -u -d 2026-01-02T03:04:05Z +%s` = 1767323045."""


def alert_of(document: dict[str, Any], **changes: Any) -> Alert:
    fields = {
        "id": "a1", "rule_id": "r1", "rule_name": "Accepted Default Telnet Port Connection",
        "severity": "medium", "risk_score": 47.0, "time_ns": TIME_NS, "message": "A message",
        "document": document,
    }  # fmt: skip
    return Alert(**(fields | changes))


TELNET = {
    "source": {"ip": "192.0.2.10", "port": 50432},
    "destination": {"ip": "198.51.100.7", "port": 23},
    "network": {
        "transport": "tcp",
        "direction": "outbound",
        "community_id": "1:wCb3OG7yAFWelaUydu0D+125CLM=",
    },
    "sensor": {"flow": {"verdict": "accepted", "evidence": "handshake"}},
}
DOCUMENTED = """\
2026-01-02 03:04:05.678901  MEDIUM 47  Accepted Default Telnet Port Connection
    192.0.2.10:50432 -> 198.51.100.7:23  tcp accepted (handshake) outbound  \
1:wCb3OG7yAFWelaUydu0D+125CLM="""


def test_the_documented_form() -> None:
    assert alert_text(alert_of(TELNET)) == DOCUMENTED


def test_rich_has_the_same_characters() -> None:
    assert alert_rich(alert_of(TELNET)).plain == DOCUMENTED


@pytest.mark.parametrize(
    ("document", "second"),
    [
        (
            {
                "source": {"ip": "2001:db8::1", "port": 40000},
                "destination": {"ip": "2001:db8::2", "port": 23},
                "network": {"transport": "tcp"},
            },
            "[2001:db8::1]:40000 -> [2001:db8::2]:23  tcp",
        ),
        (
            {
                "source": {"ip": "192.0.2.1"},
                "destination": {"ip": "192.0.2.2"},
                "network": {"transport": "icmp", "direction": "internal"},
                "icmp": {"request": {"type": 8, "code": 0}},
                "sensor": {"flow": {"verdict": "accepted", "evidence": "reply"}},
            },
            "192.0.2.1 -> 192.0.2.2  icmp 8/0 accepted (reply) internal",
        ),
        ({"source": {"ip": "2001:db8::1"}}, "2001:db8::1"),
        ({"source": {"ip": "192.0.2.1", "port": 0}, "destination": {"ip": "192.0.2.2", "port": 0}},
         "192.0.2.1:0 -> 192.0.2.2:0"),
        (
            {
                "host": {"hostname": "web-1"},
                "process": {"name": "telnet", "pid": 42},
                "user": {"name": "root"},
            },
            "telnet (pid 42) as root on web-1",
        ),
        ({"host": {"name": "web-1"}}, "on web-1"),
        ({"sensor": {"flow": {"verdict": "dropped", "evidence": "none"}}}, "dropped"),
        ({"sensor": {"alert": {"suppressed_count": 12}}, "source": {"ip": "192.0.2.1"}},
         "192.0.2.1  +12 suppressed"),
        (
            {
                "host": {"name": "web-1"}, "process": {"name": "telnet", "pid": 77},
                "sensor": {"alert": {"events": [
                    {"process": {"name": "telnet"}},
                    TELNET,
                    {"source": {"ip": "192.0.2.10"}},
                ]}},
            },
            "192.0.2.10:50432 -> 198.51.100.7:23  tcp accepted (handshake) outbound  "
            "1:wCb3OG7yAFWelaUydu0D+125CLM=  telnet (pid 77) on web-1",
        ),
        (
            {
                "source": {"ip": "192.168.1.42"},
                "sensor": {"alert": {"threshold": {
                    "field": ["source.ip", "host.name"], "value": ["192.168.1.42", "web-1"],
                    "count": 251, "cardinality": {"field": "destination.port", "value": 250},
                }}},
            },
            "192.168.1.42  host.name web-1: 251 events with 250 different destination.port",
        ),
        ({"source": {"ip": "192.0.2.1"}, "sensor": {"alert": {"threshold": {
            "field": ["source.ip"], "value": ["192.0.2.1"], "count": 1}}}}, "192.0.2.1  1 event"),
        ({"sensor": {"alert": {"events": "none", "threshold": []}}}, "A message"),
        ({"source": "not an object", "network": None}, "A message"),
        ({}, "A message"),
    ],
)
def test_the_second_line_with_fields_missing(document: dict[str, Any], second: str) -> None:
    first, line = alert_text(alert_of(document)).split("\n")
    assert line == "    " + second
    assert first.endswith("  Accepted Default Telnet Port Connection")


def test_without_any_detail_the_rule_stands_in() -> None:
    assert alert_text(alert_of({}, message="")).split("\n")[1] == "    r1"


def test_risk_scores_lose_only_what_is_zero() -> None:
    assert "HIGH 73  " in alert_text(alert_of({}, severity="high", risk_score=73.0))
    assert "LOW 21.5  " in alert_text(alert_of({}, severity="low", risk_score=21.5))


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (0, "1970-01-01 00:00:00.000000"),
        (1_000, "1970-01-01 00:00:00.000001"),
        (-1, "1969-12-31 23:59:59.999999"),
        (2**64 - 1, "2554-07-21 23:34:33.709551"),
        (10**30, "9999-12-31 23:59:59.999999"),
    ],
)
def test_times_are_utc_with_microseconds(time_ns: int, text: str) -> None:
    assert alert_time(time_ns, local=False) == text


def test_local_times_carry_their_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XYZ-5:30")
    time.tzset()
    try:
        assert alert_time(TIME_NS, local=True) == "2026-01-02 08:34:05.678901+0530"
    finally:
        monkeypatch.undo()
        time.tzset()


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
    assert terminal_output(ConsoleOptions(color)) == DOCUMENTED + "\n"


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


def test_a_recording_console_can_be_used() -> None:
    from rich.console import Console  # noqa: PLC0415

    console = Console(file=io.StringIO(), record=True, width=120)
    ConsoleSink(console.file, console=console).emit(alert_of(TELNET))
    assert console.export_text() == DOCUMENTED + "\n"


def test_an_unknown_colour_option_is_refused() -> None:
    with pytest.raises(ConfigError, match="auto, always, never"):
        ConsoleOptions("sometimes")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk at hand")
def test_a_full_disk_is_said_and_counted() -> None:
    with open("/dev/full", "w", encoding="utf-8", buffering=1) as stream:
        sink = open_console(stream)
        sink.emit(alert_of(TELNET))
        assert (sink.delivered, sink.dropped) == (0, 1)
        assert sink.error == "console: No space left on device"
        sink.close()
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def test_importing_the_sinks_loads_neither_rich_nor_ssl() -> None:
    import subprocess  # noqa: PLC0415

    code = "import sys, sensor.sinks; print({'rich', 'ssl'} & set(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=ROOT,
    )  # fmt: skip
    assert ran.stdout == "set()\n"
