"""Passwords in forms, JSON, XML and URLs are masked, and what stands beside them is not."""

from __future__ import annotations

import pytest

from sensor.protocols.http.masking import Masker, masked_header


@pytest.mark.parametrize(("text", "masked"), [
    (b"user=ann&password=hunter2&x=1", b"user=ann&password=***&x=1"),
    (b"login%5Bpassword%5D=a+b&next=/", b"login%5Bpassword%5D=***&next=/"),
    (b"user[passwd]=a;pwd=b", b"user[passwd]=***;pwd=***"),
    (b"PASSWORD=x", b"PASSWORD=***"),
    (b"pass=x&pass2=y&client_secret=z", b"pass=***&pass2=***&client_secret=***"),
    (b"access_token=abc", b"access_token=***"),
    (b'{"user": "ann", "password" : "a\\"b c", "n": 1}',
     b'{"user": "ann", "password" : "***", "n": 1}'),
    (b'{"newPassword":12345}', b'{"newPassword":***}'),
    (b"<Password>x&amp;y</Password>", b"<Password>***</Password>"),
    (b'name="password"\r\n\r\nhunter2\r\n--b--', b'name="password"\r\n\r\n***\r\n--b--'),
    (b'name="pwd"; x\r\nContent-Type: text/plain\r\n\r\nhunter2\r\n',
     b'name="pwd"; x\r\nContent-Type: text/plain\r\n\r\n***\r\n'),
    (b"http://ann:hunter2@host/ http://b", b"http://ann:***@host/ http://b"),
    (b'{"database": "host=a password=b"}', b'{"database": "host=a password=***"}'),
])
def test_what_is_masked(text: bytes, masked: bytes) -> None:
    masker = Masker()
    assert masker.may_mask(text)
    assert masker.masked(text) == masked
    assert masker.masked(masked) == masked


@pytest.mark.parametrize("text", [
    b"passenger=ann&bypass=1", b"the password is required", b"compass: north", b"ann@example.com",
    b"<input type=password name=x>", b"passfile=/tmp/x", b"http://host/a:b@c",
])
def test_what_is_not(text: bytes) -> None:
    assert Masker().masked(text) == text


def test_passwords_that_are_known_are_masked_wherever_they_stand() -> None:
    masker = Masker()
    masker.learn("ab")  # too short: it stands in many words
    masker.learn("s3cret")
    masker.learn("s3cret-longer")
    assert masker.may_mask(b"q=s3cret")
    assert masker.masked(b"ab s3cret s3cret-longer") == b"ab *** ***"


@pytest.mark.parametrize(("text", "masked"), [
    (b"pass=" * 13_000, b"pass=***"), (b"pwd=a&" * 5_000, b"pwd=***&" * 5_000),
    (b'pass"' * 13_000, b'pass"' * 13_000), (b"://a:b" * 10_000, b"://a:b" * 10_000),
], ids=["one value", "values", "quotes", "urls"])
def test_long_and_hostile_texts(text: bytes, masked: bytes) -> None:
    """Within a value no other is looked for, which would take the square of the time."""
    assert Masker().masked(text) == masked


def test_a_head() -> None:
    head = (b"GET http://a:b@h/?pwd=c HTTP/1.1\r\nHost: ann:x@h\r\n"
            b"Authorization: Basic QTpC\r\n"
            b"proxy-authorization :Digest username=\"a\",\r\n"
            b" response=\"b\"\r\nCookie: c=d; e=f\r\nX-Api-Key: g\r\n"
            b"Authorization: h\ri\r\nAccept: */*\r\n\r\n")
    assert Masker().masked_head(head) == (
        b"GET http://a:***@h/?pwd=*** HTTP/1.1\r\nHost: ann:***@h\r\n"
        b"Authorization: Basic ***\r\nproxy-authorization :Digest ***\r\nCookie: ***\r\n"
        b"X-Api-Key: ***\r\nAuthorization: ***\r\nAccept: */*\r\n\r\n")
    connect = Masker().masked_head(b"CONNECT a:b@h:1 HTTP/1.1\r\n\r\n")
    assert connect.startswith(b"CONNECT a:***@h:1 ")
    assert Masker().masked_authority(b"a:b@h:1") == b"a:***@h:1"


@pytest.mark.parametrize(("name", "value", "told"), [
    (b"authorization", "Basic QWxhZGRpbg==", "Basic ***"), (b"authorization", "secret", "***"),
    (b"authorization", "Bearer", "***"), (b"proxy-authorization", "NTLM a b", "NTLM ***"),
    (b"cookie", "a=b", "***"), (b"host", "a", None),
])
def test_header_fields(name: bytes, value: str, told: str | None) -> None:
    assert masked_header(name, value) == told
