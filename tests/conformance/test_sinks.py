"""What every sink must do, one suite for all of them; then what servers do to syslog sinks."""

from __future__ import annotations

import csv
import io
import os
import re
import socket
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from sensor.config import Config, SinkLimits
from sensor.ecs.alert_text import json_line
from sensor.sinks import SINKS, SinkOptions
from sensor.sinks.base import Sink
from sensor.sinks.console import open_console
from sensor.sinks.delivery.background import background
from sensor.sinks.delivery.threaded_sink import ThreadedSink
from sensor.sinks.syslog.formats import FORMATS
from sensor.terminal.console import ConsoleOptions
from sensor.terminal.talkers import Talkers
from tests.conformance.bulk_server import BulkServer
from tests.conformance.sink_peers import (
    CERTIFICATE,
    HOSTILE_TEXTS,
    DatagramPeer,
    JournalPeer,
    StreamPeer,
    alert_with,
    counted,
    free_port,
    journal_fields,
    open_sink,
    telnet_alert,
)

SGR = re.compile(r"\x1b\[[0-9;]*m")
"""The colour sequences that rich itself writes."""


class Case:
    """A sink and the messages that came out at its other end, split as its reader would."""

    def __init__(
        self, sink: Sink, messages: Callable[[], list[bytes]], scheme: str, form: str = ""
    ) -> None:
        self.sink = sink
        self.messages = messages
        self.scheme = scheme
        self.form = form


def console_case(color: str) -> Case:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    sink = open_console(stream, ConsoleOptions(color=color))

    def messages() -> list[bytes]:
        lines = stream.buffer.getvalue().decode()  # type: ignore[attr-defined]
        lines = SGR.sub("", lines) if color == "always" else lines
        parts = lines.split("\n")
        assert parts.pop() == ""
        return ["\n".join(parts[at : at + 2]).encode() for at in range(0, len(parts), 2)]

    return Case(sink, messages, "console")


def file_case(tmp_path: Path) -> Case:
    path = tmp_path / "alerts.ndjson"
    return Case(open_sink(f"file:{path}"), lambda: lines_of(path.read_bytes()), "file", "json")


def table_case(tmp_path: Path) -> Case:
    path = tmp_path / "alerts.csv"

    def messages() -> list[bytes]:
        rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
        return [row["document"].encode() for row in rows]

    return Case(open_sink(f"file:{path}"), messages, "file", "json")


def stdout_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    path = tmp_path / "stdout"
    monkeypatch.setattr(sys, "stdout", open(path, "w", encoding="utf-8"))  # noqa: SIM115
    return Case(open_sink("json"), lambda: lines_of(path.read_bytes()), "json", "json")


def lines_of(octets: bytes) -> list[bytes]:
    parts = octets.split(b"\n")
    assert parts.pop() == b"", "the last line has its end"
    return parts


def datagram_case(url: str, peer: DatagramPeer, form: str) -> Case:
    return Case(open_sink(url, SinkOptions(syslog_format=form)), peer.messages, url[:4], form)


def stream_case(url: str, peer: StreamPeer, form: str) -> Case:
    def messages() -> list[bytes]:
        peer.close()
        received = b"".join(peer.connections)
        return lines_of(received) if url.startswith("unix") else counted(received)

    return Case(open_sink(url, SinkOptions(syslog_format=form)), messages, url[:4], form)


class Nowhere:
    """The other end of a sink that writes nothing."""

    def __init__(self, sink: Talkers) -> None:
        self.sink = sink

    def messages(self) -> list[bytes]:
        return [b"counted"] * sum(talker.alerts for talker in self.sink.sources.top(10))


CASES = (
    "console plain", "console rich", "json", "file", "csv", "talkers",
    *(f"udp {form}" for form in FORMATS), *(f"tcp {form}" for form in FORMATS),
    "udp6 rfc5424", "tcp6 rfc5424", "tls rfc5424", "unix-datagram rfc5424", "unix-stream rfc5424",
    "journald entry", "elasticsearch json",
)  # fmt: skip


def local_case(kind: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    if kind == "console":
        return console_case("always" if form == "rich" else "never")
    if kind == "json":
        return stdout_case(tmp_path, monkeypatch)
    if kind == "file":
        return file_case(tmp_path)
    if kind == "csv":
        return table_case(tmp_path)
    talkers = Talkers()
    return Case(talkers, Nowhere(talkers).messages, "talkers")


def elasticsearch_case(form: str) -> tuple[Case, BulkServer]:
    peer = BulkServer()
    return Case(open_sink(f"http://127.0.0.1:{peer.port}"),
                lambda: [json_line(document)[:-1] for document in peer.documents.values()],
                "elasticsearch", form), peer


def make_case(  # noqa: PLR0911  by kind
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Case, Any]:
    kind, _, form = name.partition(" ")
    peer: Any = None
    if kind == "elasticsearch":
        return elasticsearch_case(form)
    if not form or kind == "console":
        return local_case(kind, form, tmp_path, monkeypatch), None
    if kind == "journald":
        peer = JournalPeer(str(tmp_path / "journal"))

        def values() -> list[bytes]:
            return [b" ".join(journal_fields(entry).values()) for entry in peer.messages()]

        return Case(open_sink(f"journald:{tmp_path}/journal"), values, kind, form), peer
    if kind.startswith("unix"):
        path = str(tmp_path / "log")
        if kind == "unix-datagram":
            peer = DatagramPeer(socket.AF_UNIX, path)
            return datagram_case(f"unix://{path}", peer, form), peer
        peer = StreamPeer(socket.AF_UNIX, path)
        return stream_case(f"unix://{path}", peer, form), peer
    family, host = (socket.AF_INET6, "::1") if kind.endswith("6") else (socket.AF_INET, "127.0.0.1")
    written = f"[{host}]" if ":" in host else host
    if kind.startswith("udp"):
        peer = DatagramPeer(family, (host, 0))
        return datagram_case(f"udp://{written}:{peer.port}", peer, form), peer
    peer = StreamPeer(family, (host, 0), tls=kind == "tls")
    suffix = f"?cafile={CERTIFICATE}" if kind == "tls" else ""
    return stream_case(f"{kind[:3]}://{written}:{peer.port}{suffix}", peer, form), peer


@pytest.fixture(params=[*CASES, *(f"live {name}" for name in CASES)])
def case(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Case]:
    """Each sink as a replay has it, and in a thread of its own with a spool, as a live run does."""
    name = request.param
    made, peer = make_case(name.removeprefix("live "), tmp_path, monkeypatch)
    if name.startswith("live "):
        made.sink = background(made.sink, SinkLimits(), str(tmp_path / "spool"))
    yield made
    made.sink.close()
    if peer is not None:
        peer.close()


def test_every_sink_of_the_table_is_tested_here() -> None:
    tested = {re.split(r"[ 6-]", name)[0] for name in CASES}
    urls = {"unix", "udp", "tcp", "tls"}
    assert urls <= tested
    assert set(SINKS) - {"syslog", "kafka"} <= tested  # Kafka: test_kafka.py


def test_delivers_each_alert_once_and_in_order(case: Case) -> None:
    alerts = [telnet_alert(number, rule_name=f"Rule {number:02d}") for number in range(20)]
    alerts = [
        replace(alert, message=f"Rule {number:02d}", document=alert.document | {"n": number})
        for number, alert in enumerate(alerts)
    ]
    for alert in alerts:
        case.sink.emit(alert)
    case.sink.close()
    assert (case.sink.delivered, case.sink.dropped, case.sink.error) == (20, 0, None)
    messages = case.messages()
    assert len(messages) == 20
    if case.form in ("json", "cee"):
        documents = [orjson.loads(message[message.index(b"{") :]) for message in messages]
        assert [document["n"] for document in documents] == list(range(20))
    elif case.scheme != "talkers":
        for number, message in enumerate(messages):
            assert f"Rule {number:02d}".encode() in message


def test_hostile_text_is_harmless_and_keeps_the_framing(case: Case) -> None:
    for text in HOSTILE_TEXTS:
        case.sink.emit(alert_with(text))
    case.sink.close()
    assert (case.sink.delivered, case.sink.dropped) == (len(HOSTILE_TEXTS), 0)
    messages = case.messages()
    assert len(messages) == len(HOSTILE_TEXTS)
    for message in messages:
        text = message.decode("utf-8")
        if case.scheme == "console":
            first, second = text.split("\n")
            text = first + second
        raw = [
            character
            for character in text
            if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        ]
        if case.form == "rfc5424":
            raw = [character for character in raw if character != "\ufeff"]  # RFC 5424 6.4
            assert text.count("\ufeff") <= 1
        assert raw == []


@pytest.mark.parametrize("form", FORMATS)
def test_datagrams_keep_to_their_size(form: str) -> None:
    peer = DatagramPeer(socket.AF_INET, ("127.0.0.1", 0))
    limits = SinkLimits(syslog_message_bytes=700)
    sink = open_sink(f"udp://127.0.0.1:{peer.port}", SinkOptions(
        syslog_format=form, config=Config(sink=limits)))
    for text in HOSTILE_TEXTS:
        sink.emit(alert_with(text))
    sink.close()
    sizes = [len(message) for message in peer.messages()]
    peer.close()
    assert len(sizes) == len(HOSTILE_TEXTS)
    assert max(sizes) <= 700


def test_what_comes_after_close_is_dropped_and_counted(case: Case) -> None:
    case.sink.emit(telnet_alert())
    case.sink.close()
    case.sink.close()
    assert case.sink.closed
    case.sink.emit(telnet_alert())
    assert case.sink.delivered + case.sink.dropped == case.sink.accounted() == 2
    assert case.sink.waiting == 0


def test_an_alert_that_nothing_can_render_is_dropped_and_said(case: Case) -> None:
    endless: list[Any] = []
    endless.append(endless)
    case.sink.emit(telnet_alert(document={"source": {"ip": endless}}))
    case.sink.emit(telnet_alert())
    case.sink.close()
    if not isinstance(case.sink, ThreadedSink):  # there it tells what is wrong now
        assert case.sink.error is not None
    assert (case.sink.delivered, case.sink.dropped) == (1, 1)
    assert len(case.messages()) == 1


# Syslog servers that refuse, vanish and stall.

QUICK = SinkOptions(config=Config(sink=SinkLimits(syslog_timeout_s=0.2)))


@pytest.mark.parametrize("scheme", ["udp", "tcp", "unix"])
def test_a_server_that_is_not_there_is_named_and_costs_nothing(
    scheme: str, tmp_path: Path
) -> None:
    port = free_port(socket.SOCK_DGRAM if scheme == "udp" else socket.SOCK_STREAM)
    place = str(tmp_path / "log") if scheme == "unix" else f"127.0.0.1:{port}"
    sink = open_sink(f"{scheme}://{place}")
    for number in range(200):
        sink.emit(telnet_alert(number))
    sink.close()
    assert (sink.delivered, sink.dropped) == (0, 200)
    assert sink.error is not None
    assert "\n" not in sink.error
    if scheme == "unix":
        assert place in sink.error
        assert "No such file or directory" in sink.error
    else:
        assert f"127.0.0.1 port {port}" in sink.error
        assert "Connection refused" in sink.error


def test_a_server_that_hangs_up_once_gets_everything_over_a_new_connection() -> None:
    peer = StreamPeer(socket.AF_INET, ("127.0.0.1", 0), hang_up_after=1)
    sink = open_sink(f"tcp://127.0.0.1:{peer.port}")
    sink.emit(telnet_alert(0))
    assert peer.hung_up.wait(30)
    for number in range(1, 10):
        sink.emit(telnet_alert(number))
    sink.close()
    peer.close()
    # The first one was read, but a server that is killed ends its connections like that too.
    assert (sink.delivered, sink.dropped, sink.retried) == (10, 0, 2)
    messages = [counted(connection) for connection in peer.connections]
    ids = [re.search(rb'id="alert-(\d+)"', message)[1] for part in messages for message in part]
    assert ids == [b"%d" % number for number in (0, *range(10))]


def test_a_server_that_vanishes_leaves_the_books_balanced() -> None:
    peer = StreamPeer(socket.AF_INET, ("127.0.0.1", 0), hang_up_after=1)
    port = peer.port
    sink = open_sink(f"tcp://127.0.0.1:{port}")
    sink.emit(telnet_alert(0))
    assert peer.hung_up.wait(30)
    peer.close()
    for number in range(1, 50):
        sink.emit(telnet_alert(number))
    sink.close()
    assert (sink.delivered, sink.unconfirmed, sink.dropped) == (0, 1, 49)
    assert sink.error is not None
    assert f"127.0.0.1 port {port}" in sink.error


def test_a_server_that_never_reads_is_given_up_after_one_timeout() -> None:
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        sink = open_sink(f"tcp://127.0.0.1:{deaf.getsockname()[1]}", QUICK)
        huge = telnet_alert(message="A" * 1_000_000)
        for _ in range(100):
            sink.emit(huge)
        sink.close()
    assert sink.delivered == 0
    assert sink.unconfirmed + sink.dropped == sink.accounted() == 100
    assert sink.dropped > 0
    assert sink.retried <= sink.unconfirmed
    assert sink.error is not None
    assert "timed out" in sink.error


def test_a_unix_server_that_restarts_is_found_again(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    first = DatagramPeer(socket.AF_UNIX, path)
    sink = open_sink(f"unix://{path}")
    sink.emit(telnet_alert(1))
    received = first.messages()
    first.close()
    os.unlink(path)
    second = DatagramPeer(socket.AF_UNIX, path)
    sink.emit(telnet_alert(2))
    sink.close()
    received += second.messages()
    second.close()
    assert (sink.delivered, sink.dropped, sink.retried) == (2, 0, 1)
    assert len(received) == 2


@pytest.mark.parametrize("suffix", ["", f"?cafile={CERTIFICATE}"])
def test_tls_checks_the_certificate_and_the_name(suffix: str) -> None:
    peer = StreamPeer(socket.AF_INET, ("127.0.0.1", 0), tls=True)
    # 127.0.0.2 reaches a server on every address, but the certificate does not name it.
    if suffix:
        peer.close()
        peer = StreamPeer(socket.AF_INET, ("0.0.0.0", 0), tls=True)
    host = "127.0.0.2" if suffix else "127.0.0.1"
    sink = open_sink(f"tls://{host}:{peer.port}{suffix}")
    sink.emit(telnet_alert())
    sink.close()
    peer.close()
    assert (sink.delivered, sink.dropped) == (0, 1)
    assert sink.error is not None
    assert "certificate verify failed" in sink.error


def test_a_reader_that_went_away_closes_the_stdout_sinks(monkeypatch: pytest.MonkeyPatch) -> None:
    for opened in (lambda: open_sink("json"), open_console,
                   lambda: open_console(options=ConsoleOptions("always"))):
        read_end, write_end = os.pipe()
        os.close(read_end)
        stdout = open(write_end, "w", encoding="utf-8")  # noqa: SIM115
        monkeypatch.setattr(sys, "stdout", stdout)
        sink = opened()
        sink.emit(telnet_alert())
        assert sink.closed
        sink.emit(telnet_alert())
        sink.close()
        assert (sink.delivered, sink.dropped, sink.error) == (0, 2, None)
        stdout.close()  # does not raise: what was buffered goes to the null device


def test_sinks_of_a_replay_start_no_threads(case: Case) -> None:
    if isinstance(case.sink, ThreadedSink):
        assert f"sink {case.sink.name}" in [thread.name for thread in threading.enumerate()]
        return
    before = own_threads()
    case.sink.emit(telnet_alert())
    assert own_threads() == before


def own_threads() -> set[str]:
    """The threads that are not those of a server of the tests."""
    return {thread.name for thread in threading.enumerate()
            if "process_request_thread" not in thread.name}
