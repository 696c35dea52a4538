"""POP3's logins, after RFC 1939 and 5034."""

from __future__ import annotations

from tests.unit.protocols.cleartext.talking import logins


def test_user_and_pass() -> None:
    assert logins("pop3", """
        S: +OK POP3 server ready
        C: USER mrose
        S: +OK mrose is a real hoopy frood
        C: PASS secret
        S: -ERR maildrop already locked
        C: USER mrose
        S: +OK
        C: PASS longer one
        S: +OK mrose's maildrop has 2 messages (320 octets)
    """) == [("mrose", "failure", "password", 6), ("mrose", "success", "password", 10)]


def test_apop_behind_a_list() -> None:
    """The example of RFC 1939 7."""
    assert logins("pop3", """
        S: +OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>
        C: CAPA
        S: +OK
        S: USER
        S: +OK is a line of the list
        S: .
        C: APOP mrose c4c9334bac560ecc979e58001b3e22fb
        S: +OK maildrop has 1 message (369 octets)
    """) == [("mrose", "success", "apop", -1)]


def test_sasl() -> None:
    assert logins("pop3", """
        S: +OK
        C: AUTH PLAIN
        S: +
        C: dGVzdAB0ZXN0ADEyMzQ=
        S: -ERR no
        C: AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=
        S: +OK yes
    """) == [("test", "failure", "plain", 4), ("test", "success", "plain", 4)]


def test_unanswered_other_servers_and_encryption() -> None:
    assert logins("pop3", "S: +OK\nC: USER a\nS: +OK\nC: PASS b") == [
        ("a", "unknown", "password", 1)]
    assert logins("pop3", "S: * OK IMAP4rev1\nC: USER a\nC: PASS b\nS: +OK") == []
    assert logins("pop3", "S: +OK\nC: STLS\nS: +OK go\nC: USER a\nC: PASS b\nS: +OK") == []
