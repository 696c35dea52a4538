"""What a stream knows of messages that it handed over: by the kernel's counters and the end."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor.sinks.delivery.transport import PeerClosed
from sensor.sinks.syslog import streams
from sensor.sinks.syslog.streams import TcpStream
from sensor.sinks.syslog.url import Address
from tests.conformance.sink_peers import until

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER of 0 s, socket(7)."""


class Ends:
    """Both ends of a connection."""

    def __init__(self, address: Address, listener: socket.socket, timeout_s: float = 0.2) -> None:
        self.stream = TcpStream(address, timeout_s)
        self.stream.connect()
        self.server, _ = listener.accept()
        self.server.settimeout(30)


@pytest.fixture(params=["tcp", "unix"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ends]:
    if request.param == "tcp":
        listener = socket.create_server(("127.0.0.1", 0))
        address = Address("tcp", "127.0.0.1", listener.getsockname()[1])
    else:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(tmp_path / "log"))
        listener.listen()
        address = Address("unix", path=str(tmp_path / "log"))
    made = Ends(address, listener)
    yield made
    made.stream.drop()
    made.server.close()
    listener.close()


def end_of(ends: Ends) -> OSError:
    """The error that tells that the server is gone."""
    errors: list[OSError] = []

    def is_noticed() -> bool:
        try:
            ends.stream.check()
        except OSError as error:
            errors.append(error)
        return bool(errors)

    until(is_noticed, "the end of the connection")
    return errors[0]


def test_a_server_that_has_read_all_and_closes_ends_in_order(ends: Ends) -> None:
    ends.stream.send(b"a message")
    assert ends.server.recv(100)
    ends.server.close()
    assert isinstance(end_of(ends), PeerClosed)


def test_a_server_that_has_not_read_all_resets(ends: Ends) -> None:
    ends.stream.send(b"a message")
    assert ends.server.recv(1)
    ends.server.close()
    assert not isinstance(end_of(ends), PeerClosed)


def test_a_server_that_aborts_resets(ends: Ends) -> None:
    if ends.server.family == socket.AF_UNIX:
        pytest.skip("Unix sockets have no such end")
    ends.server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    ends.server.close()
    assert not isinstance(end_of(ends), PeerClosed)


def test_a_server_that_ends_while_octets_are_on_their_way_resets(ends: Ends) -> None:
    ends.server.shutdown(socket.SHUT_WR)  # it may still read, but nobody can know
    while ends.stream.flush(0.0):
        ends.stream._take(b"x" * 1_000_000)
    assert not isinstance(end_of(ends), PeerClosed)


def test_the_end_of_the_stream_confirms_what_the_server_read(ends: Ends) -> None:
    for _ in range(5):
        ends.stream.send(b"a message")
    sent = b"9 a message" * 5 if ends.server.family == socket.AF_INET else b"a message\n" * 5
    assert ends.server.recv(1000, socket.MSG_WAITALL | socket.MSG_PEEK)[:1]
    ends.server.settimeout(30)
    received = b""
    while len(received) < len(sent):
        received += ends.server.recv(100)
    assert received == sent
    ends.server.shutdown(socket.SHUT_WR)  # as if it had seen the end already
    ends.stream.close(30)
    assert ends.stream.confirmed == 5


def test_an_end_that_nobody_confirms_is_a_timeout(ends: Ends) -> None:
    ends.stream.send(b"a message")
    with pytest.raises(TimeoutError):
        ends.stream.close(0.1)
    assert ends.stream.confirmed == 0


def test_a_server_that_reads_nothing_is_a_timeout_and_its_octets_are_on_the_way(
    ends: Ends,
) -> None:
    with pytest.raises(TimeoutError):
        while True:
            if ends.stream.flush(0.05):
                ends.stream.send(b"x" * 100_000)
    assert ends.stream.confirmed == 0


def test_what_no_buffer_can_hold_any_more_was_read(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 0 if ends.server.family == socket.AF_UNIX else 1000
    monkeypatch.setattr(ends.stream, "_receiver_bytes", limit)
    sent = 0
    for _ in range(50):
        ends.stream.send(b"x" * 100)
        sent += 104 if limit else 101
    received = b""
    while len(received) < sent:
        received += ends.server.recv(1000)
    until(lambda: ends.stream.flush(0.0) and ends.stream.confirmed)
    # Of messages of 104 octets the last 1000 octets touch ten.
    until(lambda: ends.stream.flush(0.0) and ends.stream.confirmed == (40 if limit else 50))


def test_the_bound_is_that_of_the_machine_where_it_is_larger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = tmp_path / "tcp_rmem"
    monkeypatch.setattr(streams, "RECEIVER_LIMITS", limits)
    for text, expected in (("4096\t131072\t33554432\n", 32 << 20), ("4096 131072 6291456", 8 << 20),
                           ("", 8 << 20), ("garbage", 8 << 20)):  # fmt: skip
        limits.write_text(text)
        assert streams.receiver_bytes() == expected
    limits.unlink()
    assert streams.receiver_bytes() == 8 << 20
