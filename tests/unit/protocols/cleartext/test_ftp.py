"""FTP's control connection, after RFC 959 and what servers of today say."""

from __future__ import annotations

import pytest

from sensor.protocols import PROTOCOLS
from sensor.protocols.analyzer import CLIENT, SERVER, Moment
from tests.unit.protocols.cleartext.talking import MAKE, SECRETS, logins, told

LOGIN = """
    S: 220 (vsFTPd 3.0.3)
    C: USER obrandt
    S: 331 Please specify the password.
    C: PASS Onyx-Plover-1
    S: {answer}
"""


@pytest.mark.parametrize(("answer", "outcome"), [
    ("230 Login successful.", "success"), ("202 Superfluous.", "success"),
    ("530 Login incorrect.", "failure"), ("421 Too many connections.", "failure"),
])
def test_a_password_is_judged_by_the_code(answer: str, outcome: str) -> None:
    assert logins("ftp", LOGIN.format(answer=answer)) == [("obrandt", outcome, "password", 13)]
    (event,) = told("ftp", LOGIN.format(answer=answer))
    assert event["ftp.login.text"] == answer and event["line"] == 5
    assert event["event.category"] == ["authentication", "network"]
    assert event["ftp.password.hash"] == SECRETS.hash_of("Onyx-Plover-1")
    assert "Onyx" not in str(event)


def test_replies_of_several_lines() -> None:
    assert logins("ftp", """
        S: 220-Welcome
        S: 230 is no code here
        S: 220 ready
        C: USER anonymous
        S: 331 Any password will do
        C: PASS me@example.net
        S: 230-Hello
        S:  530 neither is this
        S: 230 Done
    """) == [("anonymous", "success", "password", 14)]


def test_commands_may_be_sent_ahead() -> None:
    assert logins("ftp", """
        S: 220 ready
        C: USER a
        C: PASS one
        C: USER b
        C: PASS second
        S: 331 password
        S: 530 no
        S: 331 password
        S: 230 yes
    """) == [("a", "failure", "password", 3), ("b", "success", "password", 6)]


def test_without_a_password_and_with_an_account() -> None:
    assert logins("ftp", "S: 220 x\nC: USER guest\nS: 230 in") == [("guest", "success", "none", -1)]
    assert logins("ftp", "S: 220 x\nC: USER bob\nS: 530 no") == [("bob", "failure", "none", -1)]
    assert logins("ftp", """
        S: 220 ready
        C: USER a
        S: 331 password
        C: PASS word
        S: 332 account
        C: ACCT sales
        S: 230 in
    """) == [("a", "success", "password", 4)]


def test_transfers() -> None:
    events = told("ftp", LOGIN.format(answer="230 in") + """
        C: SIZE /pub/firmware.bin
        S: 213 4096
        C: RETR /pub/firmware.bin
        S: 150 Opening BINARY mode data connection for firmware.bin (4097 bytes).
        S: 226 Transfer complete.
        C: STOR C:\\loot\\shadow.txt
        S: 125 go
        S: 553 Could not create file.
        C: RETR gone
        S: 550 No such file
    """)
    found = [(event["file.path"], event["file.name"], event.get("file.size"), event["ftp.command"],
              event["event.outcome"]) for event in events[1:]]
    assert found == [
        ("/pub/firmware.bin", "firmware.bin", 4097, "RETR", "success"),
        ("C:\\loot\\shadow.txt", "shadow.txt", None, "STOR", "failure"),
        ("gone", "gone", None, "RETR", "failure"),
    ]
    assert [event["user.name"] for event in events[1:]] == ["obrandt"] * 3


def test_what_nobody_answers_is_unknown() -> None:
    text = "S: 220 x\nC: USER root\nS: 331 x\nC: PASS toor"
    assert logins("ftp", text) == [("root", "unknown", "password", 4)]
    assert logins("ftp", "C: USER root\nC: PASS toor") == [("root", "unknown", "password", 4)]
    assert logins("ftp", text + "\nS: 332 account\nC: ACCT") == [("root", "unknown", "password", 4)]
    assert logins("ftp", text + "\nC: NOOP" * 1_000) == [("root", "unknown", "password", 4)]
    (_, transfer) = told("ftp", LOGIN.format(answer="230 in") + """
        C: RETR big.iso
        S: 150 Opening BINARY mode data connection for big.iso (5416666670 bytes).
    """)
    assert (transfer["file.path"], transfer["file.size"]) == ("big.iso", 5416666670)
    assert transfer["event.outcome"] == "unknown" and "ftp.reply" not in transfer


def test_what_is_missing_is_not_guessed() -> None:
    analyzer = MAKE["ftp"](SECRETS)
    for side, octets in ((SERVER, b"220 x\r\n"), (CLIENT, b"USER a\r\n"), (SERVER, b"331 x\r\n"),
                         (CLIENT, b"PASS b\r\nSTOR c\r\n")):
        analyzer.feed(side, octets, Moment(1))
    analyzer.gap(SERVER, 10, Moment(2))
    analyzer.feed(SERVER, b"230 in\r\n226 stored\r\n", Moment(3))
    analyzer.close(Moment(4))
    assert [(event.action, event.fields["event.outcome"]) for event in analyzer.take()] == [
        ("ftp_login", "unknown"), ("ftp_transfer", "unknown")]


@pytest.mark.parametrize("octets", [
    b"HTTP/1.1 200 OK\r\n", b"\x16\x03\x01\0\xff" * 100 + b"\n", b"SSH-2.0-x\r\n", b"999 x\r\n",
])
def test_other_servers_end_it(octets: bytes) -> None:
    analyzer = MAKE["ftp"](SECRETS)
    analyzer.feed(SERVER, octets, Moment(1))
    assert analyzer.done and analyzer.take() == []


def test_hostile_names_are_harmless() -> None:
    events = told("ftp", "S: 220 x\nC: USER \x1b[2Jroot\nS: 331 x\nC: PASS x\nS: 230 \x07ok")
    assert "\x1b" not in str(events) and "\x07" not in events[0]["ftp.login.text"]


@pytest.mark.parametrize(("side", "octets", "refused"), [
    (SERVER, b"220 x", False), (SERVER, b"2", False), (SERVER, b"HTTP", True),
    (SERVER, b"\xff\xfd\x18", True), (CLIENT, b"U", False), (CLIENT, b"USER a", False),
    (CLIENT, b"\x16\x03\x01\0", True), (CLIENT, b"a b\xff", True), (CLIENT, b"\r\nUSER", False),
])
def test_what_cannot_begin_a_dialogue_gets_no_analyzer(
    side: int, octets: bytes, refused: bool
) -> None:
    (ftp,) = (one for one in PROTOCOLS if one.name == "ftp")
    assert ftp.refuses(side, octets) is refused
