"""Sessions of rlogin after RFC 1282, whose servers hand over to login(1) or to a shell."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.protocols.analyzer import CLIENT, SERVER, Moment
from sensor.protocols.beginnings import begins_no_rlogin
from sensor.protocols.rlogin.analyzer import HEADER_MAX, RloginAnalyzer
from sensor.protocols.secrets import Secrets

C, S = CLIENT, SERVER
HELLO = [(C, b"\0"), (C, b"ann\0root\0xterm/38400\0"), (S, b"\0\x80")]
SIZE = b"\xff\xffss\0\x18\0\x50\2\x80\1\xe0"
PASSWORD = [(S, b"Password: "), (C, b"tr33\r"), (S, b"\r\n")]
SECRETS = Secrets(b"a key of this test")

STORIES = {
    "password": [*HELLO, (C, SIZE), *PASSWORD, (S, b"Last login: Mon Jan  5 from desk\r\n# ")],
    "trusted": [*HELLO, (S, b"Last login: Mon Jan  5 from desk\r\norchard# "), (C, b"id\r")],
    "prompt": [*HELLO, (S, b"[root@orchard ~]# "), (C, b"id\r")],
    "again": [*HELLO, *PASSWORD, (S, b"Login incorrect\r\nlogin: "), (C, b"bob\r"),
              (S, b"bob\r\n"), *PASSWORD, (S, b"bob@orchard:~$ "), (C, b"id\r")],
    "given up": [*HELLO, *PASSWORD, (S, b"Login incorrect\r\n")],
    "silent": [*HELLO, (S, b"Password: ")],
    "refused": [*HELLO[:2], (S, b"\1rlogind: Permission denied.\r\n")],
}


def told(pieces: list[tuple[int, bytes]], size: int = 1 << 20) -> list[dict[str, Any]]:
    analyzer = RloginAnalyzer(SECRETS)
    events = []
    for number, (side, octets) in enumerate(pieces, 1):
        for at in range(0, len(octets), size):
            if not analyzer.done:
                analyzer.feed(side, octets[at : at + size], Moment(number, number))
        events += analyzer.take()
    if not analyzer.done:
        analyzer.close(Moment(99))
    events += analyzer.take()
    assert {event.action for event in events} <= {"rlogin_login"}
    return [{"piece": event.moment.frame, **event.fields} for event in events]


def summary(event: dict[str, Any]) -> tuple[str, str, str, int | None]:
    return (event["user.name"], event["event.outcome"], event["rlogin.login.method"],
            event.get("rlogin.password.length"))


@pytest.mark.parametrize(("story", "logins"), [
    ("password", [("root", "success", "password", 4)]),
    ("trusted", [("root", "success", "none", None)]),
    ("prompt", [("root", "success", "none", None)]),
    ("again", [("root", "failure", "password", 4), ("bob", "success", "password", 4)]),
    ("given up", [("root", "failure", "password", 4)]),
    ("silent", [("root", "unknown", "password", None)]),
    ("refused", [("root", "failure", "none", None)]),
])
def test_stories(story: str, logins: list[tuple[str, str, str, int | None]]) -> None:
    events = told(STORIES[story])
    assert [summary(event) for event in events] == logins
    assert told(STORIES[story], 1) == told(STORIES[story], 3) == events
    assert "tr33" not in repr(events)


def test_all_that_is_told() -> None:
    (event,) = told(STORIES["refused"])
    assert event == {
        "piece": 3, "event.category": ["authentication", "network"], "event.type": ["info"],
        "event.outcome": "failure", "rlogin.login.outcome": "failure",
        "rlogin.login.method": "none", "rlogin.login.attempt": 1,
        "rlogin.login.text": "rlogind: Permission denied.", "user.name": "root",
        "related.user": ["root", "ann"], "rlogin.client.user": "ann",
        "rlogin.terminal.type": "xterm"}


def test_a_prompt_is_judged_when_nothing_more_comes() -> None:
    analyzer = RloginAnalyzer(SECRETS)
    for side, octets in [*HELLO, (S, b"[root@orchard ~]# ")]:
        analyzer.feed(side, octets, Moment(1_000, 7))
    assert analyzer.take() == [] and analyzer.due_ns > 1_000
    analyzer.expire()
    (event,) = analyzer.take()
    assert event.moment == Moment(1_000, 7)
    assert analyzer.done


@pytest.mark.parametrize("pieces", [
    [(C, b"GET / HTTP/1.1\r\n")], [(S, b"\0")], [(C, b"\0" * 5)], [(C, b"\0a\0\0x\0")],
    [(C, b"\0" + b"a" * HEADER_MAX)], [*HELLO[:2], (S, b"SSH-2.0-x\r\n")], HELLO[:2],
    [(C, b"\0a\xffb\0c\0d\0")],
])
def test_nothing_is_told_of_what_is_no_rlogin(pieces: list[tuple[int, bytes]]) -> None:
    assert told(pieces) == told(pieces, 1) == []


def test_what_is_missing_ends_it() -> None:
    analyzer = RloginAnalyzer(SECRETS)
    for side, octets in STORIES["password"][:6]:
        analyzer.feed(side, octets, Moment(1))
    analyzer.gap(SERVER, 5, Moment(2))
    assert analyzer.done
    (event,) = analyzer.take()
    assert event.fields["event.outcome"] == "unknown"


@pytest.mark.parametrize(("side", "octets", "refused"), [
    (C, b"\0", False), (C, b"\0ann", False), (C, b"x", True), (S, b"\0", True)])
def test_what_is_refused(side: int, octets: bytes, refused: bool) -> None:
    assert begins_no_rlogin(side, octets) is refused
