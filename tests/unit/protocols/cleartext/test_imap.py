"""IMAP's logins, after RFC 9051."""

from __future__ import annotations

from tests.unit.protocols.cleartext.talking import logins


def test_words_strings_and_literals() -> None:
    assert logins("imap", """
        S: * OK IMAP4rev1 Service Ready
        C: a001 login mrc secret
        S: a001 NO LOGIN failed
        C: a002 LOGIN "m rc" "se\\"cr\\\\et"
        S: a002 NO [AUTHENTICATIONFAILED] no
        C: a003 LOGIN {11}
        S: + Ready for additional command text
        C: FRED FOOBAR {7}
        S: + Ready for additional command text
        C: fat man
        S: a003 OK LOGIN completed
    """) == [("mrc", "failure", "password", 6), ("m rc", "failure", "password", 8),
             ("FRED FOOBAR", "success", "password", 7)]


def test_literals_that_do_not_wait() -> None:
    assert logins("imap", """
        S: * OK
        C: 1 LOGIN {3+}
        C: bob {0+}
        C:
        S: 1 BAD empty
    """) == [("bob", "failure", "password", 0)]


def test_authenticate() -> None:
    assert logins("imap", """
        S: * PREAUTH ready
        C: A1 AUTHENTICATE PLAIN
        S: +
        C: dGVzdAB0ZXN0ADEyMzQ=
        S: * CAPABILITY IMAP4rev1
        S: A1 OK Success (tls protection)
    """) == [("test", "success", "plain", 4)]
    assert logins("imap", """
        S: * OK
        C: A1 AUTHENTICATE XOAUTH2 dXNlcj1hbm5AZXhhbXBsZS5uZXQBYXV0aD1CZWFyZXIgeHl6AQE=
        S: A1 NO expired
    """) == [("ann@example.net", "failure", "xoauth2", -1)]


def test_unanswered_other_servers_and_encryption() -> None:
    assert logins("imap", "S: * OK\nC: a LOGIN b c") == [("b", "unknown", "password", 1)]
    assert logins("imap", "S: +OK POP3\nC: a LOGIN b c\nS: a OK") == []
    assert logins("imap", "S: * OK\nC: a STARTTLS\nS: a OK go\nC: b LOGIN c d\nS: b OK") == []
