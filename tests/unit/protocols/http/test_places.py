"""Passwords in heads that are not written as most are, under other names, and escaped."""

from __future__ import annotations

import pytest

from sensor.protocols.http.masking import Masker

SECRET = b"gEh31mN1s"


@pytest.mark.parametrize("lines", [
    b"Authorization:\r\n Basic gEh31mN1s", b"Proxy-Authorization:\n\tBearer gEh31mN1s",
    b"Authorization:\r\n \r\n Basic\r\n gEh31mN1s", b"X-Api-Key:\r\n gEh31mN1s",
    b"Cookie:\r\n a=gEh31mN1s;\r\n b=gEh31mN1s", b"X-A: y\rAuthorization: Basic gEh31mN1s",
    b"X-A: y\rCookie: a=b\rX-B: gEh31mN1s", b"Host: h\r\n Authorization: Basic gEh31mN1s",
    b"X-A: b\r\n\tX-Vault-Token: gEh31mN1s", b"Authorization\0: Bearer gEh31mN1s",
    b"Authorization\x0b\xa0: Bearer gEh31mN1s", b"\0Authorization: Bearer gEh31mN1s",
    b"\xef\xbb\xbfAuthorization: Bearer gEh31mN1s", b'"Authorization" : Bearer gEh31mN1s',
    b"Authorization (x): gEh31mN1s", b"X-Forwarded-Authorization: Basic gEh31mN1s",
    b"Referer: http://h/?password=\r\n gEh31mN1s", b"Referer: http://h/?password\r\n =gEh31mN1s",
    b"Referer: http://h/?password=gEh3\r\n 1mN1s", b"Referer: http://h/?pass\r\n word=gEh31mN1s",
    b"Host:\r\n bob:gEh31mN1s@h", b"Host\0: bob:gEh31mN1s@h", b"X-A: b\rHost: bob:gEh31mN1s@h",
    b"Origin: http://bob:gEh3@1mN1s@h", b"PRIVATE-TOKEN: gEh31mN1s", b"X-Access-Token: gEh31mN1s",
    b"X-Gitlab-Token: gEh31mN1s", b"X-Amz-Security-Token: gEh31mN1s", b"Api-Key: gEh31mN1s",
    b"apikey: gEh31mN1s", b"Token: gEh31mN1s", b"X-CSRF-Token: gEh31mN1s",
    b"X-XSRF-Token: gEh31mN1s", b"X-Session-Id: gEh31mN1s", b"X-My-Secret: a gEh31mN1s",
    b"Db-Password: a, b gEh31mN1s",
])
def test_heads(lines: bytes) -> None:
    head = b"GET / HTTP/1.1\r\n" + lines + b"\r\nAccept: */*\r\n\r\n"
    masker = Masker()
    assert masker.may_mask(head)
    masked = masker.masked_head(head, is_joined=b"\n " in lines or b"\n\t" in lines)
    assert b"gEh3" not in masked
    assert b"1mN1s" not in masked
    assert masked.startswith(b"GET / HTTP/1.1\r\n")
    assert masked.endswith(b"***\r\nAccept: */*\r\n\r\n") or b"@h\r\nAccept" in masked


@pytest.mark.parametrize("line", [
    b"X-Aws-Ec2-Metadata-Token-Ttl-Seconds: 21600", b"X-Amz-Credential: AKIA/2024/us-east-1",
    b"Accept-Encoding: gzip", b"Sec-WebSocket-Key: abc", b"Authorization:", b"Cookie:",
    b"User-Agent: tokens/1.0 (x: y)", b"Referer: http://h/token?x:y",
])
def test_heads_with_nothing_to_mask(line: bytes) -> None:
    head = b"GET / HTTP/1.1\r\n" + line + b"\r\nAccept: */*\r\n\r\n"
    assert Masker().masked_head(head) == head


@pytest.mark.parametrize(("text", "masked"), [
    (b'<wsse:Password Type="x">gEh31mN1s</wsse:Password>',
     b'<wsse:Password Type="x">***</wsse:Password>'),
    (b"<a:userPassword\n a='b' >my gEh31mN1s</a:userPassword>",
     b"<a:userPassword\n a='b' >***</a:userPassword>"),
    (b"<password><![CDATA[a<gEh31mN1s]]></password>", b"<password><![CDATA[***]]></password>"),
    (b'{"password":["gEh31mN1s"]}', b'{"password":[***]}'),
    (b'{"password": [ "a]b", "gEh31mN1s" ], "n": 1}', b'{"password": [ ***], "n": 1}'),
    (b"{'password': 'gEh31mN1s'}", b"{'password': '***'}"),
    (b'{"p\\u0061ssword":"gEh31mN1s"}', b'{"p\\u0061ssword":"***"}'),
    (b'{"apiKey":"gEh31mN1s","accessToken":"b"}', b'{"apiKey":"***","accessToken":"***"}'),
    (b"?p%61ssword=gEh31mN1s&x=%41", b"?p%61ssword=***&x=%41"),
    (b"?next=/x%3Fpassword%3DgEh31mN1s&y=1", b"?next=/x%3Fpassword%3D***&y=1"),
    (b"?next=/x%253Fpassword%253Dg%2541&y=1", b"?next=/x%253Fpassword%253D***&y=1"),
    (b"?url=http%3A%2F%2Fbob%3AgEh31mN1s%40h", b"?url=http%3A%2F%2Fbob%3A***%40h"),
    (b"password=it's;gEh31mN1s&x=1", b"password=***&x=1"),
    (b"GET /?password=it's;gEh31mN1s HTTP/1.1\r\n", b"GET /?password=*** HTTP/1.1\r\n"),
    (b'password = "my gEh31mN1s" x', b'password = "***" x'),
    (b"password=a%26b%3Dc&d=e", b"password=***&d=e"), (b"password[]=a", b"password[]=***"),
    (b"password%5B0%5D=a&user%5Bpw%5D=b", b"password%5B0%5D=***&user%5Bpw%5D=***"),
    (b"line\r\npassword: my gEh31mN1s\r\nx", b"line\r\npassword: ***\r\nx"),
    (b"TRACE / HTTP/1.1\r\nAuthorization: Basic gEh31mN1s\r\n",
     b"TRACE / HTTP/1.1\r\nAuthorization: Basic ***\r\n"),
    (b"curl -H 'Authorization: Bearer gEh31mN1s'", b"curl -H 'Authorization: ***'"),
])
def test_texts(text: bytes, masked: bytes) -> None:
    masker = Masker()
    assert masker.may_mask(text)
    assert masker.masked(text) == masked
    assert masker.masked(masked) == masked


@pytest.mark.parametrize("name", [
    "token", "auth_token", "access_token", "refresh_token", "id_token", "apikey", "api-key",
    "api_key", "pw", "pswd", "passwd", "pwd", "userpass", "private_key", "client_secret",
    "X-Amz-Signature", "X-Amz-Security-Token", "csrf-token",
])
def test_names(name: str) -> None:
    for text in (f"?a=b&{name}=", f"{name}=", f'{{"{name}": "'):
        assert Masker().masked(f"{text}gEh31mN1s".encode()) == f"{text}***".encode()


@pytest.mark.parametrize("text", [
    b"X-Amz-Credential=AKIA%2F2024&a=b", b"token_type=bearer", b'{"token_type":"bearer"}',
    b"max_tokens=5", b'<label class=password id="x">Text</label>', b"signature=ann",
    b'{"password":{"$ne":null}}', b'{"password":""}', b"powpw=1", b"100%25 of %41 passengers",
])
def test_what_is_none(text: bytes) -> None:
    assert Masker().masked(text) == text


@pytest.mark.parametrize("text", [
    b"%70%77" * 11_000, b"%25" * 22_000, b"Authorization:" * 5_000, b"token " * 11_000,
    b"\r\n token:" * 7_000, b'"password":[' * 5_000, b"<password " * 6_500, b"://a:b@" * 9_000,
    b"<password><![CDATA[" * 3_000, b"pass=a;" * 9_000, b'pass="a' * 9_000, b"cookie\r" * 9_000,
    b"://a:" + b"b" * 65_000, b"Cookie:" + b"\r\n " * 21_000, b"pass[" * 13_000,
    b"Authorization:" + b"\r " * 30_000,
], ids=range(16))
def test_hostile_texts_come_to_an_end(text: bytes) -> None:
    """One that took the square of its time would hang: the whole suite has a limit for that."""
    assert len(Masker().masked_head(text, is_joined=True)) <= 2 * len(text)


def test_what_is_learnt_from_a_head() -> None:
    masker = Masker()
    masker.learn_from(b"GET /?password=gEh%2B31&pw=1 HTTP/1.1\r\nAuthorization: Bearer ab12cd34\r\n"
                      b"Cookie: lang=en-US; id=0123456789abcdef\r\n\r\n", is_head=True)
    assert masker.masked(b"gEh%2B31 gEh+31 ab12cd34 en-US 1 true 0123456789abcdef") == (
        b"*** *** *** en-US 1 true ***")


def test_many_cookies_leave_a_password_known() -> None:
    masker = Masker()
    masker.learn_from(b'{"password": "gEh31mN1s"}')
    for number in range(50):
        masker.learn_from(b"GET / HTTP/1.1\r\nCookie: a=0123456789abcdef%d\r\n\r\n" % number,
                          is_head=True)
    assert masker.masked(SECRET + b" 0123456789abcdef49") == b"*** ***"
    assert masker.held_bytes < 1000


def test_a_secret_that_is_part_of_a_name_shows_no_other() -> None:
    masker = Masker()
    masker.learn("secret")
    masker.learn("word")
    assert b"gEh31mN1s" not in masker.masked(b"client_secret=gEh31mN1s&password=gEh31mN1s")
