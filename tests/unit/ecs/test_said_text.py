"""What protocol events tell, in words."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.ecs.said_text import (
    ANSWERS_SHOWN,
    EVENTS_SHOWN,
    TEXT_MAX,
    said_words,
    story_words,
)


@pytest.mark.parametrize(("telnet", "said"), [
    ({"command": {"line": "cd /tmp; wget x"}}, "typed: cd /tmp; wget x"),
    ({"command": {"lines": ["id"]}}, "typed: id"),
    ({"command": {"lines": ["echo a,b", 'echo "c"', "exit"]}},
     r'typed: "echo a,b", "echo \"c\"", "exit"'),
    ({"command": {"lines": ["a\x1b[2J", "b"]}}, r'typed: "a\x1b[2J", "b"'),
    ({"command": {"lines": []}, "login": {"outcome": "failure"}}, "login without a name: failure"),
    ({"elevation": {"kind": ["su", "sudo"], "user": ["root,x", ""],
                    "outcome": ["success", "failure"]}}, "su root,x: success sudo: failure"),
])
def test_what_was_said_is_told_apart_whatever_it_holds(telnet: dict[str, Any], said: str) -> None:
    assert said_words({"telnet": telnet}) == said


@pytest.mark.parametrize(("document", "said"), [
    ({"ftp": {"login": {"outcome": "failure", "text": "530 no"}}, "user": {"name": "ann"}},
     "login ann: failure (530 no)"),
    ({"imap": {"login": {"outcome": "unknown"}}}, "login without a name: unknown"),
    ({"ftp": {"command": "RETR", "reply": "226 done"}, "file": {"path": "/a b"},
      "event": {"outcome": "success"}}, "RETR /a b: success"),
    ({"ftp": {"command": "STOR"}, "file": {"path": "\x1b[2J"}, "event": {"outcome": "failure"}},
     "STOR \\x1b[2J: failure"),
    ({"ftp": "no object"}, ""),
])
def test_other_protocols_are_told_in_the_same_words(document: dict[str, Any], said: str) -> None:
    assert said_words(document) == said


def event(action: str, outcome: str = "success", **fields: Any) -> dict[str, Any]:
    return {"event": {"action": action, "outcome": outcome}, **fields}


URL = {"original": "/x.sh", "full": "http://files.example/x.sh"}
RESPONSE = {"status_code": 200, "status_phrase": "OK", "mime_type": "text/x-shellscript",
            "body": {"bytes": 5_600}}  # fmt: skip


@pytest.mark.parametrize(("http", "url", "said"), [
    ({"request": {"method": "GET"}, "response": RESPONSE}, URL,
     "GET http://files.example/x.sh: 200 OK, text/x-shellscript, 5.6 kB"),
    ({"request": {"method": "POST"}}, {"original": "/up"}, "POST /up: no answer"),
    ({"response": {"status_code": 404}}, {}, "request not seen: 404"),
    ({"request": {"method": "GET"}, "response": {"status_code": 200, "body": {"bytes": "many"}}},
     {"full": "http://a/\x1b]0;"}, r"GET http://a/\x1b]0;: 200"),
    ({"request": {"method": "GET"}}, {"full": "http://a/" + "b" * TEXT_MAX},
     "GET http://a/" + "b" * (TEXT_MAX - 12) + "...: no answer"),
])
def test_a_request_with_its_answer(http: dict[str, Any], url: dict[str, Any], said: str) -> None:
    assert said_words(event("http_transaction", http=http, url=url)) == said


def test_a_login_over_http_is_told_as_all_logins() -> None:
    login = {"login": {"outcome": "failure", "text": "401 Unauthorized"}}
    assert said_words(event("http_login", http=login, user={"name": "ann"})) == (
        "login ann: failure (401 Unauthorized)")  # fmt: skip
    login = {"login": {"outcome": "success", "text": "OK"}, "password": {"is_default": True}}
    assert said_words(event("redis_login", redis=login)) == (
        "login without a name: success (OK) default password")  # fmt: skip


@pytest.mark.parametrize(("dns", "said"), [
    ({"type": "answer", "response_code": "NOERROR", "question": {"name": "a.example", "type": "A"},
      "answers": [{"data": "192.0.2.1", "ttl": 5}, {"data": "192.0.2.2"}]},
     "A a.example: 192.0.2.1, 192.0.2.2"),
    ({"type": "answer", "response_code": "NXDOMAIN", "question": {"name": "b", "type": "AAAA"}},
     "AAAA b: NXDOMAIN"),
    ({"type": "answer", "response_code": "NOERROR", "question": {"name": "c", "type": "MX"}},
     "MX c: no record of this type"),
    ({"type": "query", "question": {"name": "d", "type": "TXT"}}, "TXT d: no answer"),
    ({"type": "answer", "response_code": "NOERROR",
      "question": {"name": "a\nb", "type": "TXT"},
      "answers": {"data": [f"x{n}\x1b" for n in range(ANSWERS_SHOWN + 3)]}},
     r"TXT a\x0ab: x0\x1b, x1\x1b, x2\x1b, x3\x1b and 3 more"),
    ({"type": "answer", "response_code": "SERVFAIL"}, "question not seen: SERVFAIL"),
])
def test_a_question_with_its_answer(dns: dict[str, Any], said: str) -> None:
    assert said_words(event("dns_query", dns=dns)) == said
    assert said_words(event("dns_answer", dns=dns)) == said


@pytest.mark.parametrize(("tls", "outcome", "said"), [
    ({"version": "1.2", "client": {"server_name": "a.example"},
      "server": {"subject": "CN=b.example"}}, "success",
     "TLS to a.example: TLS 1.2, handshake completed, certificate of CN=b.example"),
    ({}, "failure", "TLS to a server without a name: handshake failed"),
    ({"version": "1.3"}, "unknown",
     "TLS to a server without a name: TLS 1.3, handshake not seen whole"),
])
def test_a_handshake(tls: dict[str, Any], outcome: str, said: str) -> None:
    assert said_words(event("tls_handshake", outcome, tls=tls)) == said


@pytest.mark.parametrize(("redis", "own", "said"), [
    ({"query": "CONFIG SET dir /x", "status": "OK"}, {}, "CONFIG SET dir /x: OK"),
    ({"query": "GET a", "status": "Error"}, {"error": "WRONGTYPE no\n"},
     r"GET a: WRONGTYPE no\x0a"),
    ({"query": "GET a"}, {}, "GET a: no answer"),
    ({"status": "OK"}, {}, "command not seen: OK"),
])
def test_a_command_of_redis(redis: dict[str, Any], own: dict[str, Any], said: str) -> None:
    document = event("redis_command", network_traffic={"redis": redis}, redis=own)
    assert said_words(document) == said


def test_the_software_of_both_sides_of_ssh() -> None:
    both = {"client": {"software": "OpenSSH_9.2p1"}, "server": {"software": "dropbear"}}
    assert said_words(event("ssh_identification", ssh=both)) == (
        "client OpenSSH_9.2p1, server dropbear")  # fmt: skip
    assert said_words(event("ssh_identification", ssh={"server": {"software": "x"}})) == "server x"


def test_other_documents_tell_nothing() -> None:
    assert said_words(event("flow_end", http={"version": "1.1"}, dns="no object")) == ""


def test_the_events_of_a_sequence_are_told_in_their_order_and_each_once() -> None:
    login = event("telnet_login", telnet={"login": {"outcome": "failure"}})
    command = event("telnet_command", telnet={"command": {"line": "id"}})
    flow = {"event": {"action": "flow_end"}}
    document = {"sensor": {"alert": {"events": [login, login, flow, "no object", command]}}}
    assert story_words(document) == "login without a name: failure; then typed: id"
    assert story_words(command) == said_words(command) == "typed: id"
    many = [event("telnet_command", telnet={"command": {"line": str(n)}})
            for n in range(EVENTS_SHOWN + 2)]  # fmt: skip
    document = {"sensor": {"alert": {"events": many}}}
    shown = "; then ".join(f"typed: {n}" for n in range(EVENTS_SHOWN))
    assert story_words(document) == f"{shown}; and 2 more"
