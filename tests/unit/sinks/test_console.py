"""Alerts on a terminal, in a pipe, on a full disk: what is written, and what is counted."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from sensor.sinks.console import ConsoleSink, alert_rich, open_console
from tests.telnet_alert import DOCUMENTED, TELNET, alert_of


def test_rich_has_the_same_characters() -> None:
    assert alert_rich(alert_of(TELNET)).plain == DOCUMENTED


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
