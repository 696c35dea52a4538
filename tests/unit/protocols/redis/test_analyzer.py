"""Conversations with a real server, and others built after its documentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from sensor.protocols.analyzer import CLIENT, SERVER, Moment
from sensor.protocols.beginnings import begins_no_redis
from sensor.protocols.redis.analyzer import COMMANDS_MAX, RedisAnalyzer
from sensor.protocols.secrets import Secrets
from tests.unit.protocols.redis.recorded import CONFIGURING, LISTENING, LOGGING_IN

SECRETS = Secrets(b"a key of this test")
Pieces = Sequence[tuple[int, bytes]]
QUERY = "network_traffic.redis.query"


def told(pieces: Pieces, size: int = 1 << 20, close: bool = True) -> list[dict[str, Any]]:
    analyzer = RedisAnalyzer(SECRETS)
    events = []
    for number, (side, octets) in enumerate(pieces, 1):
        for at in range(0, len(octets), size):
            if not analyzer.done:
                analyzer.feed(side, octets[at : at + size], Moment(number, number))
        events += analyzer.take()
    if close and not analyzer.done:
        analyzer.close(Moment(99))
        events += analyzer.take()
    return [{"action": event.action, "piece": event.moment.frame, **event.fields}
            for event in events]


def array(*words: str) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(
        b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words)


def lines(events: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Query, outcome and what came back of the commands."""
    return [(event[QUERY], event["event.outcome"],
             event.get("redis.return_value", event.get("redis.error", "")))
            for event in events if event["action"] == "redis_command"]


def test_commands_and_replies() -> None:
    events = told(CONFIGURING)
    assert told(CONFIGURING, 1) == told(CONFIGURING, 7) == events
    assert lines(events) == [
        # Behind the word "password" anything may be one.
        ("AUTH ***", "failure", "ERR AUTH <password> called without any password *** for the"
         " default user. Are you sure your configuration is correct?"),
        ("PING", "success", "PONG"),
        (r"SET greeting hello\x0d\x0aworld", "success", "OK"),
        ("GET greeting", "success", r"hello\x0d\x0aworld"),
        ("GET nothing", "success", "nil"),
        ("INCR greeting", "failure", "ERR value is not an integer or out of range"),
        ("INCR n", "success", "1"),
        ("LPUSH l a b", "success", "2"),
        ("LRANGE l 0 -1", "success", "[b, a]"),
        ("CONFIG SET requirepass ***", "success", "OK"),
        ("CONFIG GET requirepass", "success", "[requirepass, ***]"),
        ("CONFIG SET dir /nowhere/.ssh", "failure", "ERR CONFIG SET failed (possibly related to"
         " argument 'dir') - No such file or directory"),
        ("ACL SETUSER ann on >*** ~* &* +@all", "success", "OK"),
        ("ACL LIST", "success",
         "[user ann on #*** ~* &* +@all, user default on #*** ~* &* +@all]"),
        ("EVAL return {1,{2,'x'},redis.status_reply('fine')} 0", "success", "[1, [2, x], fine]"),
        ("MULTI", "success", "OK"), ("PING", "success", "QUEUED"), ("EXEC", "success", "[PONG]"),
    ]
    assert events[2] == {
        "action": "redis_command", "piece": 4, "event.type": ["connection", "protocol"],
        "event.outcome": "success", QUERY: "PING", "network_traffic.redis.method": "PING",
        "network_traffic.redis.status": "OK", "redis.return_value": "PONG"}
    failed = next(event for event in events if "INCR greeting" in str(event.get(QUERY)))
    assert failed["network_traffic.redis.status"] == "Error"
    assert failed["network_traffic.redis.resource"] == "greeting"


def test_logins() -> None:
    events = told(LOGGING_IN)
    assert told(LOGGING_IN, 1) == events
    logins = [event for event in events if event["action"] == "redis_login"]
    assert [(event.get("user.name"), event["event.outcome"], event["redis.password.length"],
             event["redis.login.attempt"]) for event in logins] == [
        (None, "failure", 7, 1), ("ann", "success", 7, 2), ("ann", "failure", 7, 3),
        ("ann", "success", 7, 4)]
    assert logins[1]["event.category"] == ["authentication", "network"]
    assert logins[1]["redis.password.hash"] == logins[3]["redis.password.hash"]
    assert lines(events)[-6:] == [
        ("HGETALL h", "success", "[f, 1]"), ("GET nothing", "success", "nil"),
        ("SUBSCRIBE c1 c2", "success", "[subscribe, c1, 1]"), ("GET n", "success", "1"),
        ("UNSUBSCRIBE c1", "success", "[unsubscribe, c1, 1]"), ("PING", "success", "PONG")]


def test_no_password_is_told() -> None:
    said = repr(told(CONFIGURING) + told(LOGGING_IN))
    for secret in ("nobody asked", "tree-house-7", "apple-9", "wrong-1", "apple-8", "e0b472b065a3"):
        assert secret not in said


def test_messages_answer_nothing() -> None:
    events = told(LISTENING)
    assert told(LISTENING, 1) == events
    assert lines(events) == [
        ("SUBSCRIBE c1 c2", "success", "[subscribe, c1, 1]"),
        ("UNSUBSCRIBE c1 c2", "success", "[unsubscribe, c1, 1]"),
        ("GET n", "success", "1"), ("MONITOR", "success", "OK")]
    analyzer = RedisAnalyzer(SECRETS)
    for side, octets in LISTENING:
        assert not analyzer.done
        analyzer.feed(side, octets, Moment(1))
    assert analyzer.done  # behind MONITOR come the commands of others


def test_an_answer_that_never_comes() -> None:
    (event,) = told([(CLIENT, array("FLUSHALL"))])
    assert (event["event.outcome"], event["piece"]) == ("unknown", 1)
    assert "network_traffic.redis.status" not in event
    assert told([(CLIENT, b"POST / HTTP/1.1\r\n")]) == []  # that may be anything
    silent = [(CLIENT, array("CLIENT", "REPLY", "off")), (CLIENT, array("GET", "a"))]
    assert lines(told(silent)) == [("CLIENT REPLY off", "unknown", "")]


@pytest.mark.parametrize("ahead", [
    array("PING") + array("CLIENT", "REPLY", "SKIP") + array("GET", "a"),
    b"PING\r\nCLIENT REPLY SKIP\r\nGET a\r\n",
])
def test_what_was_sent_ahead_of_silence_is_answered(ahead: bytes) -> None:
    """The replies to what comes behind CLIENT REPLY OFF or SKIP cannot be told apart."""
    pieces = [(CLIENT, ahead), (SERVER, b"+PONG\r\n+PONG\r\n")]
    expected = [("PING", "success", "PONG"), ("CLIENT REPLY SKIP", "unknown", "")]
    assert lines(told(pieces)) == lines(told(pieces, 1)) == expected
    assert lines(told(pieces, close=False)) == expected


def test_what_is_missing() -> None:
    analyzer = RedisAnalyzer(SECRETS)
    analyzer.feed(CLIENT, array("GET", "a"), Moment(1, 1))
    analyzer.gap(SERVER, 10, Moment(2, 2))
    assert analyzer.done
    (event,) = analyzer.take()
    assert event.fields["event.outcome"] == "unknown"


def test_a_capture_that_begins_late() -> None:
    for first, count in ((array("GET", "a"), 1), (b"lo\r\n*1\r\n$4\r\nPING\r\n", 0)):
        analyzer = RedisAnalyzer(SECRETS)
        analyzer.gap(CLIENT, 0, Moment(1))
        analyzer.gap(SERVER, 0, Moment(1))
        analyzer.feed(SERVER, b":5\r\n", Moment(1))
        analyzer.feed(CLIENT, first, Moment(1))
        if not analyzer.done:
            analyzer.feed(SERVER, b"$1\r\n7\r\n", Moment(2))
        assert len(analyzer.take()) == count


@pytest.mark.parametrize("pieces", [
    [(SERVER, b"+OK POP3 ready\r\n"), (CLIENT, b"USER ann\r\n"), (SERVER, b"+OK\r\n")],
    [(CLIENT, b"GET / HTTP/1.1\r\n"), (SERVER, b"HTTP/1.1 200 OK\r\n")],
    [(CLIENT, b"\n" * 70_000)], [(CLIENT, b"x" * 70_000)], [(SERVER, bytes(100))],
    [(CLIENT, b"PING\r\n" * (COMMANDS_MAX + 1))],
])
def test_nothing_is_told_of_what_is_no_redis(pieces: Pieces) -> None:
    assert told(pieces) == told(pieces, 1) == []


def test_too_many_commands_without_a_reply_end_it() -> None:
    events = told([(CLIENT, array("PING") * (COMMANDS_MAX + 5)), (SERVER, b"+PONG\r\n" * 9)])
    assert len(events) == COMMANDS_MAX + 1
    assert {event["event.outcome"] for event in events} == {"unknown"}


def test_sides_that_change_places_end_it() -> None:
    analyzer = RedisAnalyzer(SECRETS)
    analyzer.turn()
    assert analyzer.done


@pytest.mark.parametrize(("side", "octets", "refused"), [
    (CLIENT, b"*1\r\n", False), (CLIENT, b"PING", False), (CLIENT, b"\x16\3\1", True),
    (CLIENT, b"\xdf", True), (SERVER, b"+OK", False), (SERVER, b"-DENIED", False),
    (SERVER, b"SSH-", True), (SERVER, b"\x15\3", True)])
def test_what_is_refused(side: int, octets: bytes, refused: bool) -> None:
    assert begins_no_redis(side, octets) is refused
