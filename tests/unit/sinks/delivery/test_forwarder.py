"""The forwarder's judgement, with a server that does as the test says: order, spool, refusals."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor.model.alert import Alert
from sensor.model.status import Notice
from sensor.sinks.delivery.connection import Backoff
from sensor.sinks.delivery.forwarder import Forwarder
from sensor.sinks.delivery.queue import SinkQueue
from sensor.sinks.delivery.spool import Spool
from sensor.sinks.delivery.threaded_sink import ThreadedSink
from tests.conformance.sink_peers import telnet_alert, until
from tests.unit.sinks.delivery.test_spool import FailingDatabase


class Server:
    """A wire and its transport; what the far end does is up to the test."""

    name = "server"
    place = "server of the test"
    datagrams = True
    confirmed = 0

    def __init__(self, *, proves: bool = True) -> None:
        self.proves = proves
        self.up = True
        self.failure: OSError = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
        self.connects = 0
        self.got: list[str] = []
        self.sent = 0
        self.come_back = False
        """Whether what is sent comes back as refused, as over UDP."""
        self._refusal: OSError | None = None

    @property
    def transport(self) -> Server:
        return self

    def render(self, alert: Alert) -> bytes:
        if alert.message == "unprintable":
            raise ValueError("cannot be written")
        return alert.id.encode()

    def render_notice(self, notice: Notice) -> bytes:
        return notice.text.encode()

    def connect(self) -> None:
        self.connects += 1
        if not self.up and self.proves:
            raise self.failure

    def send(self, message: bytes) -> None:
        self.sent += 1
        if self.come_back:
            self._refusal = self.failure
        elif not self.up or (message == b"alert-13" and self.failure.errno == errno.EMSGSIZE):
            raise self.failure
        else:
            self.got.append(message.decode())

    def flush(self, wait_s: float) -> bool:
        return True

    def refused(self, wait_s: float = 0.0) -> OSError | None:
        refusal, self._refusal = self._refusal, None
        return refusal

    def check(self) -> None:
        if not self.up:
            raise self.failure

    def drop(self) -> None:
        pass

    def close(self, wait_s: float) -> None:
        pass


SOON = Backoff(first_s=0.01, max_s=0.02)


def sink_of(server: Server, spool: Spool | None = None) -> ThreadedSink:
    queued = SinkQueue("server", 10_000)
    return ThreadedSink(queued, Forwarder(queued, server, spool, SOON), drain_s=5)


def ids(*numbers: range) -> list[str]:
    return [f"alert-{number}" for part in numbers for number in part]


@pytest.fixture(params=["spool", "memory"])
def spool(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Spool | None]:
    made = Spool(str(tmp_path), "server", 1 << 20, "run") if request.param == "spool" else None
    yield made
    if made is not None:
        made.close()


def test_an_idle_server_that_restarts_is_noticed_without_an_alert() -> None:
    server = Server()
    sink = sink_of(server)
    sink.emit(telnet_alert(0))
    until(lambda: sink.delivered == 1)
    server.up = False
    until(lambda: sink.error is not None)
    assert sink.error == "no server of the test: refused"
    server.up = True
    until(lambda: sink.error is None)
    sink.close()


def test_a_datagram_that_comes_back_is_sent_again_before_the_next(spool: Spool | None) -> None:
    server = Server(proves=False)
    server.come_back = True
    sink = sink_of(server, spool)
    for number in range(10):
        sink.emit(telnet_alert(number))
    until(lambda: server.sent >= 3)
    assert (sink.delivered, sink.waiting) == (0, 10)
    assert sink.error == "no server of the test: refused"
    server.come_back = False
    until(lambda: sink.delivered == 10)
    sink.close()
    assert server.got == ids(range(10))
    assert sink.error is None
    assert sink.retried >= 2


def test_a_message_that_is_too_large_costs_itself_only(spool: Spool | None) -> None:
    server = Server()
    server.failure = OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
    sink = sink_of(server, spool)
    for number in range(12, 15):
        sink.emit(telnet_alert(number))
    until(lambda: sink.delivered == 2)
    sink.close()
    assert (sink.dropped, server.got) == (1, ["alert-12", "alert-14"])


def test_what_nothing_can_render_is_dropped_wherever_it_goes(spool: Spool | None) -> None:
    server = Server()
    server.up = False
    sink = sink_of(server, spool)
    sink.emit(telnet_alert(0))
    sink.emit(telnet_alert(1, message="unprintable"))
    sink.emit(telnet_alert(2))
    until(lambda: sink.error is not None)
    server.up = True
    until(lambda: sink.delivered == 2)
    sink.close()
    assert (sink.dropped, server.got) == (1, ["alert-0", "alert-2"])


def test_a_spool_that_is_full_leaves_the_rest_in_memory(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), "server", 1, "run")  # the least there is: 16 pages
    server = Server()
    server.up = False
    sink = sink_of(server, spool)
    many = 4000
    for number in range(many):
        sink.emit(telnet_alert(number))
    until(lambda: sink.error is not None and "no room left" in sink.error)
    assert (sink.waiting, sink.dropped) == (many, 0)
    assert 0 < spool.count < many
    server.up = True
    until(lambda: sink.delivered == many)
    sink.close()
    assert server.got == ids(range(many))
    assert sink.error is None


def test_a_disk_that_has_room_again_is_seen_though_nothing_is_to_be_stored(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), "server", 1 << 20, "run")
    disk = FailingDatabase(spool._database)
    disk.code = sqlite3.SQLITE_FULL
    spool._database = disk  # type: ignore[assignment]
    server = Server()
    server.up = False
    sink = sink_of(server, spool)
    sink.emit(telnet_alert(0))
    until(lambda: sink.error is not None and "no room left" in sink.error)
    server.up = True
    until(lambda: sink.delivered == 1)
    assert str(sink.error).endswith("no room left"), "the disk is as full as it was"
    disk.code = 0
    until(lambda: sink.error is None)
    sink.close()
    assert (spool.count, server.got) == (0, ["alert-0"])


def test_a_spool_that_breaks_is_said_and_done_without(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), "server", 1 << 20, "run")
    server = Server()
    server.up = False
    sink = sink_of(server, spool)
    for number in range(10):
        sink.emit(telnet_alert(number))
    until(lambda: spool.count == 10)
    spool.close()  # as if the disk were gone
    spool.error = "spool: gone"
    for number in range(10, 20):
        sink.emit(telnet_alert(number))
    server.up = True
    until(lambda: sink.delivered == 10)
    assert (sink.dropped, sink.waiting) == (10, 0)
    assert sink.error == "spool: gone"
    sink.close()
    assert server.got == ids(range(10, 20))


class Defective(Server):
    def connect(self) -> None:
        self.connects += 1
        if self.connects < 3:
            raise RuntimeError("a defect")


def test_a_defect_does_not_end_the_thread() -> None:
    server = Defective()
    sink = sink_of(server)
    sink.emit(telnet_alert(0))
    until(lambda: sink.delivered == 1)
    sink.close()
    assert server.got == ["alert-0"]


def test_what_an_earlier_run_left_is_told_until_it_arrived(tmp_path: Path) -> None:
    earlier = Spool(str(tmp_path), "server", 1 << 20, "earlier")
    for number in range(7):
        earlier.put(b"alert-%d" % number, records=1)
    earlier.put(b"a notice", records=0)
    earlier.close()
    server = Server()
    server.up = False
    sink = sink_of(server, Spool(str(tmp_path), "server", 1 << 20, "run"))
    assert (sink.recovering, sink.waiting, sink.status().recovering) == (7, 0, 7)
    sink.emit(telnet_alert(7))
    until(lambda: sink.error is not None)
    assert (sink.recovering, sink.waiting, sink.accounted()) == (7, 1, 1)
    server.up = True
    until(lambda: sink.delivered == 1)
    sink.close()
    assert (sink.recovering, sink.recovered, sink.status().recovering) == (0, 7, 0)
    assert server.got == [*ids(range(7)), "a notice", "alert-7"]


def test_a_spool_that_somebody_emptied_is_not_waited_for(tmp_path: Path) -> None:
    earlier = Spool(str(tmp_path), "server", 1 << 20, "earlier")
    earlier.put(b"old", records=1)
    earlier.close()
    server = Server()
    server.up = False
    spool = Spool(str(tmp_path), "server", 1 << 20, "run")
    sink = sink_of(server, spool)
    for number in range(3):
        sink.emit(telnet_alert(number))
    until(lambda: spool.count == 4)
    spool._database.execute("DELETE FROM message")
    server.up = True
    sink.emit(telnet_alert(3))
    until(lambda: not (sink.waiting or sink.recovering))
    sink.close()
    # The last one may have been in the spool with the others, or come after it was emptied.
    assert (sink.delivered + sink.dropped, sink.recovered) == (4, 0)
    assert sink.dropped >= 3
    assert server.got == ids(range(4 - sink.delivered, 4))


def test_a_sink_is_not_told_about_itself(tmp_path: Path) -> None:
    server = Server()
    sink = sink_of(server)
    for about in ("server", "another", ""):
        sink.notify(Notice(0, "sink", f"about {about}", about=about))
    sink.emit(telnet_alert(0))
    until(lambda: sink.delivered == 1)
    sink.close()
    assert server.got == ["about another", "about ", "alert-0"]
