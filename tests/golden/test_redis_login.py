"""A login to Redis with a line of words, as people type it: the protocol is told by its port."""

from __future__ import annotations

from tests.conversation import Talk, play


def test_a_password_sent_as_a_line() -> None:
    talk = Talk(ports=(40_000, 6379))
    talk.handshake()
    talk.client.data(1, b"AUTH pw-1\r\n")
    talk.server.data(2, b"+OK\r\n")
    talk.client.data(3, b"KEYS *\r\n")
    talk.server.data(4, b"*1\r\n$3\r\nabc\r\n")
    talk.close(5)
    run = play(talk)
    assert [event["event"]["action"] for event in run.said] == [
        "redis_command", "redis_login", "redis_command"]  # fmt: skip
    assert run.said[1]["event"]["outcome"] == "success"
    assert {event["network"]["protocol"] for event in run.said} == {"redis"}
    assert run.records[-1]["network"].get("protocol") is None, "its first octets prove nothing"
    assert "pw-1" not in str(run.said)
