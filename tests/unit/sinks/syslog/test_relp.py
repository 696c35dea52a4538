"""RELP, against a server that answers as the test says: in pieces, out of order, badly, never."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from sensor.sinks.delivery.transport import PeerClosed
from sensor.sinks.syslog import relp
from sensor.sinks.syslog.relp import WINDOW, Relp
from sensor.sinks.syslog.url import Address
from tests.conformance.sink_peers import until

WELCOME = b"1 rsp 56 200 OK\nrelp_version=0\nrelp_software=test\ncommands=syslog\n"
"""Its length counts from `200` to the last `syslog`."""


class Session:
    """A client with a session, and the server's end of it."""

    def __init__(self, timeout_s: float = 0.3, welcome: bytes = WELCOME) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.client = Relp(Address("relp", "127.0.0.1", self.listener.getsockname()[1]), timeout_s)
        self.offer = b""
        answer = threading.Thread(target=self._answer, args=(welcome,))
        answer.start()
        try:
            self.client.connect()
        finally:
            answer.join()

    def _answer(self, welcome: bytes) -> None:
        self.server, _ = self.listener.accept()
        self.server.settimeout(30)
        self.offer = self.server.recv(1000)
        for at in range(len(welcome)):
            self.server.sendall(welcome[at : at + 1])

    def received(self, size: int) -> bytes:
        octets = b""
        while len(octets) < size:
            octets += (more := self.server.recv(size - len(octets)))
            assert more, f"it ended after {octets!r}"
        return octets

    def close(self) -> None:
        self.client.drop()
        self.server.close()
        self.listener.close()


@pytest.fixture(autouse=True)
def stored_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relp, "STORED_S", 0.0)


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    yield made
    made.close()


def confirmed(session: Session, count: int) -> None:
    def is_so() -> bool:
        session.client.check()
        return session.client.confirmed == count

    until(is_so, f"{count} to be confirmed")


def test_frames_are_as_the_protocol_has_them(session: Session) -> None:
    assert session.offer == (
        b"1 open 51 relp_version=0\nrelp_software=sensor\ncommands=syslog\n"
    )
    session.client.send("é\n".encode())
    session.client.send(b"m")
    assert session.received(28) == "2 syslog 3 é\n\n3 syslog 1 m\n".encode()


def test_answers_confirm_from_the_first_message_on(session: Session) -> None:
    for _ in range(4):
        session.client.send(b"m")
    session.server.sendall(b"3 rsp 6 200 OK\n4 rsp 6 200 OK\n5 rsp")
    session.client.check()
    assert session.client.confirmed == 0, "the first one is missing"
    session.server.sendall(b" 6 200 OK\n2 rsp 0\n")
    confirmed(session, 4)
    session.server.sendall(b"4 rsp 6 200 OK\n900 rsp 6 200 OK\n")  # of no message that waits
    session.client.send(b"m")
    session.client.check()
    assert session.client.confirmed == 4


def test_no_more_than_a_window_waits_for_answers(session: Session) -> None:
    for _ in range(WINDOW - 1):
        session.client.send(b"m")
        assert session.client.flush(0.0)
    session.client.send(b"m")
    assert not session.client.flush(0.0)
    session.server.sendall(b"2 rsp 6 200 OK\n")
    until(lambda: session.client.flush(0.0), "room for one more")


def test_a_server_that_does_not_answer_is_a_timeout(session: Session) -> None:
    session.client.send(b"m")
    with pytest.raises(TimeoutError, match="does not read"):
        until(session.client.check)


def test_a_server_that_ends_confirms_only_what_it_answered(session: Session) -> None:
    session.client.send(b"m")
    session.client.send(b"m")
    session.server.sendall(b"2 rsp 6 200 OK\n")
    session.received(26)
    session.server.close()
    with pytest.raises(ConnectionResetError) as caught:
        until(session.client.check)
    assert not isinstance(caught.value, PeerClosed)
    assert session.client.confirmed == 1


def test_what_was_answered_in_the_last_moments_counts_only_after_an_end_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relp, "STORED_S", 1000.0)
    for last, expected in ((b"", 0), (b"0 serverclose 0\n", 1)):
        session = Session(timeout_s=30)
        session.client.send(b"m")
        session.received(13)
        session.server.sendall(b"2 rsp 6 200 OK\n" + last)
        session.server.close()
        with pytest.raises(ConnectionResetError):
            until(session.client.check)
        assert session.client.confirmed == expected
        session.close()


def test_the_end_waits_for_the_answers() -> None:
    session = Session(timeout_s=30)
    session.client.send(b"m")
    closing = threading.Thread(target=session.client.close, args=(30,))
    closing.start()
    assert session.received(13) == b"2 syslog 1 m\n"
    session.server.sendall(b"2 rsp 6 200 OK\n")
    assert session.received(10) == b"3 close 0\n"
    session.server.sendall(b"3 rsp 0\n0 serverclose 0\n")
    session.server.close()
    closing.join()
    assert session.client.confirmed == 1
    session.close()


def test_a_refusal_and_an_answer_that_is_none_end_the_session(session: Session) -> None:
    for answer, reason in ((b"2 rsp 9 500 full\n\n", "refuses: 500 full"),
                           (b"HTTP/1.1 400 Bad Request\r\n" * 9, "does not answer as a RELP"),
                           (b"2 rsp 999999999 x", "does not answer as a RELP")):  # fmt: skip
        session.client._told_rest = b""
        session.client._sent = 1
        session.server.sendall(answer if len(answer) > 64 else answer + b" " * 64)
        with pytest.raises(OSError, match=reason):
            until(session.client.check)


@pytest.mark.parametrize("welcome", [b"", b"220 mail.example ESMTP\r\n", b"1 rsp 7 500 no!\n",
                                     b"0 serverclose 0\n"])  # fmt: skip
def test_what_is_no_relp_server_is_not_connected_to(welcome: bytes) -> None:
    with pytest.raises(OSError, match=r"RELP server|refuses|ends the session|timed out"):
        Session(welcome=welcome)


def test_numbers_begin_again_behind_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relp, "TXNR_MAX", 5)
    session = Session(timeout_s=30)
    for number, txnr in enumerate([2, 3, 4, 5, 1, 2, 3]):
        session.client.send(b"m")
        assert session.received(13) == b"%d syslog 1 m\n" % txnr
        session.server.sendall(b"%d rsp 6 200 OK\n" % txnr)
        confirmed(session, number + 1)
    session.close()
