"""Identification strings of SSH, as RFC 4253 4.2 has them and as hostile peers send them."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.protocols.analyzer import CLIENT, SERVER, Moment
from sensor.protocols.beginnings import begins_no_ssh
from sensor.protocols.ssh.analyzer import BEFORE_MAX, LINE_MAX, SshAnalyzer

OPENSSH = b"SSH-2.0-OpenSSH_9.6p1 Debian-3\r\n"
PUTTY = b"SSH-2.0-PuTTY_Release_0.80\r\n"


def told(*pieces: tuple[int, bytes], close: bool = True) -> list[dict[str, Any]]:
    analyzer = SshAnalyzer()
    found = []
    for number, (side, octets) in enumerate(pieces, 1):
        analyzer.feed(side, octets, Moment(number * 1000, number))
        found += analyzer.take()
    if close:
        analyzer.close(Moment(999_000))
        found += analyzer.take()
    return [{"frame": event.moment.frame, **event.fields} for event in found]


def test_both_sides() -> None:
    assert told((SERVER, OPENSSH), (CLIENT, PUTTY), close=False) == [{
        "frame": 2,
        "ssh.client.protocol_version": "2.0",
        "ssh.client.software": "PuTTY_Release_0.80",
        "ssh.server.protocol_version": "2.0",
        "ssh.server.software": "OpenSSH_9.6p1",
        "ssh.server.comments": "Debian-3",
    }]


@pytest.mark.parametrize(("line", "version", "software"), [
    (b"SSH-1.99-Cisco-1.25\n", "1.99", "Cisco-1.25"),  # without CR, as old ones send it
    (b"SSH-1.5-1.2.27\n", "1.5", "1.2.27"),
    (b"SSH-2.0-\r\n", "2.0", None),
    (b"SSH-2.0-caf\xe9\r\n", "2.0", "caf\xe9"),
])
def test_forms_of_the_string(line: bytes, version: str, software: str | None) -> None:
    (event,) = told((SERVER, line))
    assert event["ssh.server.protocol_version"] == version
    assert event.get("ssh.server.software") == software
    assert "ssh.client.software" not in event


def test_however_it_is_cut() -> None:
    pieces = [(SERVER, bytes([octet])) for octet in OPENSSH]
    pieces += [(CLIENT, bytes([octet])) for octet in PUTTY + b"\0\0\1\x14\x08\x14"]
    (event,) = told(*pieces)
    assert event["ssh.client.software"] == "PuTTY_Release_0.80"
    assert event["frame"] == len(OPENSSH) + len(PUTTY)


def test_a_server_may_send_lines_before() -> None:
    lines = b"Welcome\r\n\r\nSSH is spoken here\r\n"
    (event,) = told((SERVER, lines + OPENSSH), (CLIENT, PUTTY))
    assert event["ssh.server.software"] == "OpenSSH_9.6p1"


def test_but_not_a_client_and_not_without_end() -> None:
    assert told((CLIENT, b"GET / HTTP/1.1\r\nSSH-2.0-x\r\n")) == []
    (event,) = told((SERVER, OPENSSH), (CLIENT, b"\r\n" + PUTTY))
    assert "ssh.client.software" not in event
    assert told((SERVER, b"x\n" * BEFORE_MAX + OPENSSH)) == []
    assert told((SERVER, b"x" * (BEFORE_MAX + 1) + b"\n" + OPENSSH)) == []


def test_what_cannot_become_a_string_ends_it_at_once() -> None:
    analyzer = SshAnalyzer()
    analyzer.feed(CLIENT, b"SS", Moment(0))
    assert not analyzer.done
    analyzer.feed(CLIENT, b"L", Moment(0))
    assert analyzer.done


def test_a_string_that_is_too_long_is_none() -> None:
    longest = b"SSH-2.0-" + b"x" * (LINE_MAX - 8)
    (event,) = told((CLIENT, longest + b"\r\n"))
    assert event["ssh.client.software"] == "x" * (LINE_MAX - 8)
    assert told((CLIENT, longest + b"x\r\n")) == []


def test_what_is_missing_ends_it() -> None:
    analyzer = SshAnalyzer()
    analyzer.feed(SERVER, OPENSSH, Moment(1, 1))
    analyzer.gap(CLIENT, 5, Moment(2, 2))
    (event,) = analyzer.take()
    assert analyzer.done
    assert event.fields["ssh.server.software"] == "OpenSSH_9.6p1"
    assert event.moment == Moment(1, 1)


def test_nothing_is_told_of_what_is_no_ssh() -> None:
    for octets in (b"", b"\0" * 5000, b"SSH-", b"SSH-2.0\r\n", b"ssh-2.0-x\r\n", b"\xff" * 70_000):
        assert told((CLIENT, octets)) == []
        assert told((SERVER, octets)) == []


def test_it_is_done_when_both_are_there() -> None:
    analyzer = SshAnalyzer()
    analyzer.feed(SERVER, OPENSSH, Moment(1, 1))
    assert not analyzer.done
    analyzer.feed(CLIENT, PUTTY, Moment(2, 2))
    assert analyzer.done
    assert len(analyzer.take()) == 1
    analyzer.close(Moment(3))
    assert analyzer.take() == []


@pytest.mark.parametrize("octets", [
    b"GET / HTTP/1.1\r\n", b"\n", b"SSL-2.0-x\r\n", b"ssh-2.0-x\r\n",
    b"S", b"SSH-", b"SSH-2.0-x\r\n",
])
@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_what_is_refused_ends_an_analyzer_at_once(side: int, octets: bytes) -> None:
    analyzer = SshAnalyzer()
    analyzer.feed(side, octets, Moment(1))
    assert begins_no_ssh(side, octets) == (side == CLIENT and analyzer.done)
    assert not analyzer.take()
