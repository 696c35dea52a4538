"""Sinks as a live run has them, against servers that refuse, are slow, vanish and return."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sensor.config import Config, SinkLimits
from sensor.model.status import Notice
from sensor.monitoring.reporter import status_of
from sensor.sinks import SinkOptions
from sensor.sinks.console import open_console
from sensor.sinks.delivery.background import background
from sensor.sinks.delivery.connection import Backoff
from sensor.sinks.delivery.threaded_sink import ThreadedSink
from sensor.sinks.syslog.formats import FORMATS
from tests.conformance.bulk_server import BulkServer
from tests.conformance.sink_peers import (
    CERTIFICATE,
    DatagramPeer,
    JournalPeer,
    StreamPeer,
    counted,
    free_port,
    open_sink,
    telnet_alert,
    until,
)

IMPATIENT = Backoff(first_s=0.02, max_s=0.1)
QUICK = SinkLimits(syslog_timeout_s=0.3, drain_s=0.5)
NOTICE = Notice(0, "loss", "a notice among the alerts", warning=True)


class Place:
    """Where a server of one kind can come, vanish and return; keeps what all of them got."""

    def __init__(self, kind: str, folder: Path, form: str = "rfc5424") -> None:
        self.kind = kind
        self.form = form
        self.path = str(folder / "socket")
        self.port = free_port(socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
        self.peer: Any = None
        self.got: list[bytes] = []

    @property
    def at_a_path(self) -> bool:
        return self.kind == "journald" or self.kind.startswith("unix")

    @property
    def target(self) -> str:
        if self.kind == "journald":
            return f"journald:{self.path}"
        if self.kind.startswith("unix"):
            return f"unix://{self.path}"
        if self.kind == "elasticsearch":
            return f"http://127.0.0.1:{self.port}"
        suffix = f"?cafile={CERTIFICATE}" if self.kind == "tls" else ""
        return f"{self.kind}://127.0.0.1:{self.port}{suffix}"

    def open(self) -> None:
        """The server comes."""
        if self.kind == "journald":
            self.peer = JournalPeer(self.path)
        elif self.kind == "unix-datagram":
            self.peer = DatagramPeer(socket.AF_UNIX, self.path)
        elif self.kind == "unix-stream":
            self.peer = StreamPeer(socket.AF_UNIX, self.path)
        elif self.kind == "elasticsearch":
            self.peer = BulkServer(port=self.port)
        elif self.kind == "udp":
            self.peer = DatagramPeer(socket.AF_INET, ("127.0.0.1", self.port))
        else:
            self.peer = StreamPeer(
                socket.AF_INET, ("127.0.0.1", self.port), tls=self.kind == "tls"
            )

    def received(self) -> list[bytes]:
        """What the server that is there got so far."""
        if isinstance(self.peer, DatagramPeer):
            return list(self.peer.received)
        if isinstance(self.peer, BulkServer):
            return [identity.encode() + json.dumps(document).encode()
                    for (_, identity), document in self.peer.documents.items()]
        messages = []
        for connection in list(self.peer.connections):
            if self.kind == "unix-stream":
                messages += connection.split(b"\n")[:-1]
            else:
                messages += counted(connection)
        return messages

    def close(self) -> None:
        """The server goes, and hangs up."""
        if self.peer is None:
            return
        if isinstance(self.peer, DatagramPeer | BulkServer):
            self.peer.close()
        else:
            self.peer.vanish()
        self.got += self.received()
        self.peer = None
        if os.path.exists(self.path):
            os.unlink(self.path)

    def once(self) -> list[bytes]:
        """What arrived; TCP and TLS may repeat what they had of a connection that ended."""
        return list(dict.fromkeys(self.got)) if self.kind in ("tcp", "tls") else self.got

    def numbers(self) -> list[int]:
        """The numbers of all alerts that arrived, in the order of their arrival."""
        found = [re.search(rb"alert-(\d+)", message) for message in self.once()]
        return [int(match[1]) for match in found if match]


KINDS = ("udp", "tcp", "tls", "unix-datagram", "unix-stream", "journald", "elasticsearch")


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    made = Place(*request.param.split(), folder=tmp_path)
    yield made
    made.close()


def live(place: Place, spool: Path | None, limits: SinkLimits = SinkLimits()) -> ThreadedSink:  # noqa: B008
    options = SinkOptions(syslog_format=place.form, config=Config(sink=limits), live=True)
    sink = open_sink(place.target, options)
    return background(sink, limits, str(spool) if spool else None, backoff=IMPATIENT)


def emit(sink: ThreadedSink, numbers: range) -> None:
    """Alerts, and after each of them the books."""
    for number in numbers:
        before = sink.accounted()
        sink.emit(telnet_alert(number))
        assert sink.accounted() == before + 1


def handed_over(sink: ThreadedSink) -> int:
    """Alerts that a server was sent; over TCP and TLS only the end of a connection confirms."""
    return sink.delivered + sink.unconfirmed


def balanced(sink: ThreadedSink, emitted: int) -> bool:
    status = status_of(sink)
    settled = status.delivered + status.unconfirmed + status.dropped
    return settled + status.waiting == emitted == sink.accounted()


EVERY = [*(f"{kind} rfc5424" for kind in KINDS), *(f"udp {form}" for form in FORMATS),
         *(f"tcp {form}" for form in FORMATS)]  # fmt: skip


@pytest.mark.parametrize("spooled", [True, False], ids=["spool", "memory"])
@pytest.mark.parametrize("place", [f"{kind}" for kind in KINDS], indirect=True)
def test_a_server_that_vanishes_and_returns_gets_all_that_waited_in_order(
    place: Place, spooled: bool, tmp_path: Path
) -> None:
    place.open()
    sink = live(place, tmp_path / "spool" if spooled else None)
    emit(sink, range(5))
    until(lambda: handed_over(sink) == 5 and len(place.received()) == 5, "five alerts")
    place.close()
    emit(sink, range(5, 30))
    sink.notify(NOTICE)
    emit(sink, range(30, 60))
    until(lambda: sink.error is not None, "the server's absence")
    assert (f"at {place.path}" if place.at_a_path else f"port {place.port}") in str(sink.error)
    until(lambda: sink.waiting + sink.delivered == 60, "all to wait that may be lost")
    assert sink.waiting >= 55
    assert (sink.dropped, balanced(sink, 60)) == (0, True)
    place.open()
    until(lambda: handed_over(sink) == 60, "all that waited")
    assert sink.error is None
    emit(sink, range(60, 65))
    until(lambda: handed_over(sink) == 65, "what came afterwards")
    sink.close()
    place.close()
    assert (sink.dropped, sink.waiting, sink.recovered, sink.stuck) == (0, 0, 0, False)
    assert place.numbers() == list(range(65))
    notices = [at for at, message in enumerate(place.once()) if NOTICE.text.encode() in message]
    assert notices == [30], "once, in its place"


@pytest.mark.parametrize("place", [f"{kind}" for kind in KINDS], indirect=True)
def test_alerts_outlive_a_restart_while_the_server_is_away(place: Place, tmp_path: Path) -> None:
    first = live(place, tmp_path / "spool")
    emit(first, range(20))
    until(lambda: first.error is not None, "the server's absence")
    first.close()
    assert (first.delivered, first.dropped, first.waiting) == (0, 0, 20)
    assert balanced(first, 20)
    second = live(place, tmp_path / "spool")
    emit(second, range(20, 30))
    place.open()
    until(lambda: handed_over(second) == 10, "the new ones")
    second.close()
    place.close()
    assert (second.recovered, second.delivered, second.dropped, second.waiting) == (20, 10, 0, 0)
    assert place.numbers() == list(range(30)), "the older ones first"


@pytest.mark.parametrize("place", [f"{kind}" for kind in KINDS], indirect=True)
def test_without_a_spool_what_waited_is_dropped_and_counted_at_the_end(place: Place) -> None:
    sink = live(place, None, QUICK)
    emit(sink, range(20))
    until(lambda: sink.error is not None, "the server's absence")
    assert (sink.waiting, sink.dropped) == (20, 0)
    sink.close()
    assert (sink.delivered, sink.dropped, sink.waiting, sink.stuck) == (0, 20, 0, False)
    emit(sink, range(1))
    assert (sink.dropped, balanced(sink, 21)) == (21, True)


@pytest.mark.parametrize("place", ["tcp"], indirect=True)
def test_the_end_waits_for_a_server_that_is_about_to_return(place: Place) -> None:
    sink = live(place, None, SinkLimits(drain_s=30))
    emit(sink, range(10))
    until(lambda: sink.error is not None, "the server's absence")
    closer = threading.Thread(target=sink.close)
    closer.start()
    place.open()
    closer.join()
    place.close()
    assert (sink.delivered, sink.dropped) == (10, 0)
    assert place.numbers() == list(range(10))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_every_form_waits_in_order(kind: str, form: str, tmp_path: Path) -> None:
    place = Place(kind, tmp_path, form)
    sink = live(place, tmp_path / "spool")
    for number in range(10):
        alert = telnet_alert(number)
        alert.document["sensor"]["alert"] = {"id": alert.id}
        sink.emit(alert)
    until(lambda: sink.error is not None, "the server's absence")
    place.open()
    until(lambda: handed_over(sink) == 10)
    sink.close()
    place.close()
    assert place.numbers() == list(range(10))


@pytest.mark.parametrize("place", ["tcp"], indirect=True)
def test_a_queue_that_is_full_drops_the_newest(place: Place) -> None:
    sink = live(place, None, SinkLimits(queue_max=10))
    emit(sink, range(25))
    assert balanced(sink, 25)
    assert sink.dropped >= 14, "ten in the queue, one in the thread's hands"
    kept = 25 - sink.dropped
    place.open()
    until(lambda: handed_over(sink) == kept)
    sink.close()
    place.close()
    numbers = place.numbers()
    assert len(numbers) == kept
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("spooled", [True, False], ids=["spool", "memory"])
def test_a_server_that_never_reads_holds_up_nothing(spooled: bool, tmp_path: Path) -> None:
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        options = SinkOptions(config=Config(sink=QUICK), live=True)
        sink = background(
            open_sink(f"tcp://127.0.0.1:{deaf.getsockname()[1]}", options), QUICK,
            str(tmp_path) if spooled else None, backoff=IMPATIENT,
        )  # fmt: skip
        for number in range(50):
            sink.emit(telnet_alert(number, message="A" * 1_000_000))
        until(lambda: sink.error is not None, "a timeout")
        assert balanced(sink, 50)
        assert sink.waiting > 0
        sink.close()
    assert balanced(sink, 50)
    assert sink.delivered < 50
    assert sink.waiting == 0 if not spooled else sink.dropped == 0


def test_a_certificate_that_is_not_trusted_costs_no_alert(tmp_path: Path) -> None:
    peer = StreamPeer(socket.AF_INET, ("127.0.0.1", 0), tls=True)
    url = f"tls://127.0.0.1:{peer.port}"
    sink = background(open_sink(url, SinkOptions(live=True)), QUICK, str(tmp_path),
                      backoff=IMPATIENT)
    emit(sink, range(10))
    until(lambda: sink.error is not None)
    assert "certificate verify failed" in str(sink.error)
    sink.close()
    assert (sink.delivered, sink.dropped, sink.waiting) == (0, 0, 10)
    # The operator names the right certificate: the spool belongs to the server, not to the option.
    sink = background(open_sink(f"{url}?cafile={CERTIFICATE}"), SinkLimits(), str(tmp_path))
    sink.close()
    assert (sink.recovered, sink.recovering) == (10, 0)
    peer.close()
    assert len(counted(b"".join(peer.connections))) == 10


# Sinks that write.


class Pipe:
    """A pipe that stands where standard output is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read_end, write_end = os.pipe()
        self.stream = open(write_end, "w", encoding="utf-8")  # noqa: SIM115
        monkeypatch.setattr(sys, "stdout", self.stream)


@pytest.mark.parametrize("opened", [lambda: open_sink("json"), open_console])
def test_a_reader_that_never_reads_holds_up_nothing(
    opened: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = Pipe(monkeypatch)
    sink = background(opened(), SinkLimits(queue_max=1000, drain_s=0.1))
    emit(sink, range(5000))
    assert sink.dropped > 0, "a pipe holds 64 KiB, the queue 1000 alerts"
    assert sink.waiting > 0
    sink.close()
    assert sink.stuck
    delivered = sink.delivered
    assert (sink.waiting, balanced(sink, 5000)) == (0, True)
    os.set_blocking(pipe.read_end, False)

    def thread_is_gone() -> bool:
        with contextlib.suppress(BlockingIOError):
            os.read(pipe.read_end, 1 << 20)
        return all(thread.name != f"sink {sink.name}" for thread in threading.enumerate())

    until(thread_is_gone)
    assert (sink.delivered, balanced(sink, 5000)) == (delivered, True), "the books are closed"
    os.close(pipe.read_end)
    pipe.stream.close()


def test_a_slow_reader_gets_everything_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = Pipe(monkeypatch)
    sink = background(open_sink("json"), SinkLimits(queue_max=5000, drain_s=30))
    for number in range(2000):
        alert = telnet_alert(number)
        alert.document["event"] = {"id": alert.id}
        sink.emit(alert)
    closer = threading.Thread(target=sink.close)
    closer.start()
    octets = b""
    while octets.count(b"\n") < 2000:
        octets += os.read(pipe.read_end, 1000)
    closer.join()
    assert (sink.delivered, sink.dropped, sink.stuck) == (2000, 0, False)
    numbers = [int(number) for number in re.findall(rb"alert-(\d+)", octets)]
    assert numbers == list(range(2000))
    os.close(pipe.read_end)
    pipe.stream.close()


def test_a_reader_that_went_away_is_told_by_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = Pipe(monkeypatch)
    os.close(pipe.read_end)
    sink = background(open_sink("json"), SinkLimits())
    emit(sink, range(10))
    until(lambda: sink.closed)
    sink.close()
    assert (sink.delivered, sink.dropped, sink.error) == (0, 10, None)
    pipe.stream.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk at hand")
def test_a_full_disk_is_said_and_counted() -> None:
    sink = background(open_sink("file:/dev/full"), SinkLimits())
    emit(sink, range(10))
    until(lambda: sink.dropped == 10)
    assert sink.error == "alerts /dev/full: No space left on device"
    sink.close()
    assert balanced(sink, 10)


def test_a_file_is_opened_anew_between_two_alerts(tmp_path: Path) -> None:
    path, moved = tmp_path / "alerts.ndjson", tmp_path / "alerts.1.ndjson"
    sink = background(open_sink(f"file:{path}"), SinkLimits())
    emit(sink, range(5))
    until(lambda: sink.delivered == 5)
    path.rename(moved)
    sink.reopen()
    emit(sink, range(5, 8))
    sink.close()
    assert moved.read_bytes().count(b"\n") == 5
    assert path.read_bytes().count(b"\n") == 3


def test_that_a_file_could_not_be_opened_anew_is_not_forgotten(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    sink = background(open_sink(f"file:{folder}/alerts.json"), SinkLimits())
    folder.rename(tmp_path / "moved")
    sink.reopen()
    emit(sink, range(3))
    until(lambda: sink.delivered == 3)
    assert "cannot be opened again" in str(sink.error)
    folder.mkdir()
    sink.reopen()
    until(lambda: sink.error is None)
    sink.close()
    assert (sink.delivered, sink.dropped) == (3, 0)


def test_a_console_writes_below_pythons_buffers() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(io.BufferedWriter(io.BytesIO()), encoding="ascii")  # type: ignore[type-var]
    console = open_console(stream)
    console.unbuffer()
    console.emit(telnet_alert(message="é"))
    raw = stream.buffer.raw  # type: ignore[attr-defined]
    assert b"Accepted Default Telnet" in raw.getvalue(), "without a flush"


def test_a_second_sensor_with_the_same_spool_does_without(tmp_path: Path) -> None:
    place = Place("tcp", tmp_path)
    first, second = live(place, tmp_path / "spool"), live(place, tmp_path / "spool", QUICK)
    assert first.error is None or "spool" not in first.error
    until(lambda: "in use by another sensor" in str(second.error))
    emit(first, range(5))
    emit(second, range(5, 10))
    until(lambda: "no syslog server" in str(second.error))
    assert second.waiting == 5
    place.open()
    until(lambda: handed_over(first) == handed_over(second) == 5)
    first.close()
    second.close()
    place.close()
    assert "in use by another sensor" in str(second.error), "it lasts as long as the run"


def test_a_server_that_crashes_with_messages_unread_gets_them_again() -> None:
    """The kernel had taken them; nobody had read them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        sink = background(open_sink(target, SinkOptions(live=True)), SinkLimits(),
                          backoff=IMPATIENT)  # fmt: skip
        emit(sink, range(20))
        connection, _ = listener.accept()
        until(lambda: handed_over(sink) == 20, "all to be taken by the kernel")
        assert connection.recv(10)
        connection.close()  # with something unread: a reset, as when a process is killed
        emit(sink, range(20, 21))
        connection, _ = listener.accept()
        connection.settimeout(30)
        taken = b""
        while b'"alert-20"' not in taken:
            taken += connection.recv(1 << 16)
        closer = threading.Thread(target=sink.close)
        closer.start()
        while more := connection.recv(1 << 16):  # to the end: only that confirms it
            taken += more
        connection.close()
        closer.join()
    assert [int(number) for number in re.findall(rb'"alert-(\d+)"', taken)] == list(range(21))
    assert (sink.delivered, sink.unconfirmed, sink.dropped, sink.waiting) == (21, 0, 0, 0)
