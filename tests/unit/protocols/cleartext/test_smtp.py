"""SMTP's logins, after RFC 4954."""

from __future__ import annotations

from sensor.protocols.analyzer import CLIENT, SERVER, Moment
from tests.unit.protocols.cleartext.talking import MAKE, SECRETS, logins

HELLO = """
    S: 220-smtp.example.com ESMTP Server
    S: 220 ready
    C: EHLO client.example.com
    S: 250-smtp.example.com Hello
    S: 250 AUTH PLAIN LOGIN CRAM-MD5
"""


def test_plain_with_and_without_a_first_response() -> None:
    """The response is that of RFC 4954 4.1: `test`, `test`, `1234`."""
    assert logins("smtp", HELLO + """
        C: AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=
        S: 235 2.7.0 Authentication successful
    """) == [("test", "success", "plain", 4)]
    assert logins("smtp", HELLO + """
        C: auth plain
        S: 334
        C: dGVzdAB0ZXN0ADEyMzQ=
        S: 535 5.7.8 Authentication credentials invalid
    """) == [("test", "failure", "plain", 4)]


def test_login_and_a_second_try() -> None:
    """base64 of `obrandt`, `wrong`, `right one`."""
    assert logins("smtp", HELLO + """
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: b2JyYW5kdA==
        S: 334 UGFzc3dvcmQ6
        C: d3Jvbmc=
        S: 535 no
        C: AUTH LOGIN b2JyYW5kdA==
        S: 334 UGFzc3dvcmQ6
        C: cmlnaHQgb25l
        S: 235 yes
    """) == [("obrandt", "failure", "login", 5), ("obrandt", "success", "login", 9)]


def test_a_digest_has_a_name_and_no_password() -> None:
    """The example of RFC 2195 2: user `tim`."""
    assert logins("smtp", HELLO + """
        C: AUTH CRAM-MD5
        S: 334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+
        C: dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw
        S: 235 ok
    """) == [("tim", "success", "cram-md5", -1)]


def test_given_up_broken_and_unanswered() -> None:
    assert logins("smtp", HELLO + "C: AUTH LOGIN\nS: 334 x\nC: *\nS: 501 aborted") == [
        ("", "failure", "login", -1)]
    assert logins("smtp", HELLO + "C: AUTH PLAIN\nS: 334\nC: %%%\nS: 501 bad") == [
        ("", "failure", "plain", -1)]
    assert logins("smtp", HELLO + "C: AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=") == [
        ("test", "unknown", "plain", 4)]


def test_mail_ends_it() -> None:
    analyzer = MAKE["smtp"](SECRETS)
    analyzer.feed(SERVER, b"220 x\r\n", Moment(1))
    analyzer.feed(CLIENT, b"MAIL FROM:<a@example.net>\r\n", Moment(2))
    analyzer.feed(SERVER, b"250 ok\r\n", Moment(3))
    assert analyzer.done and analyzer.take() == []
