"""RESP as its specification has it, cut in every way, and what is none."""

from __future__ import annotations

import pytest

from sensor.protocols.redis.resp import BULK_MAX, DEPTH_MAX, KEPT_MAX, LINE_MAX, Resp, Value


def values(octets: bytes, size: int = 1 << 20, *, is_client: bool = False) -> list[Value]:
    reader = Resp(is_client=is_client)
    found = []
    for at in range(0, len(octets), size):
        reader.feed(octets[at : at + size])
        while (value := reader.take()) is not None:
            found.append(value)
    return [*found, Value("broken", [])] if reader.is_broken else found


REPLIES = [
    (b"+OK\r\n", Value("+", [b"OK"])),
    (b"-ERR unknown command 'asdf'\r\n", Value("-", [b"ERR unknown command 'asdf'"])),
    (b":-1000\r\n", Value(":", [b"-1000"])),
    (b"$5\r\nhello\r\n", Value("$", [b"hello"])),
    (b"$0\r\n\r\n", Value("$", [b""])),
    (b"$-1\r\n", Value("_", [b""])),
    (b"*-1\r\n", Value("_", [b""])),
    (b"*0\r\n", Value("*", [])),
    (b"*3\r\n$5\r\nhello\r\n$-1\r\n$5\r\nworld\r\n", Value("*", [b"hello", b"nil", b"world"])),
    (b"*2\r\n*3\r\n:1\r\n:2\r\n:3\r\n*2\r\n+Hello\r\n-World\r\n",
     Value("*", [b"[1, 2, 3]", b"[Hello, World]"])),
    (b"_\r\n", Value("_", [b""])),
    (b"#t\r\n", Value("#", [b"t"])),
    (b",1.23\r\n", Value(",", [b"1.23"])),
    (b"(3492890328409238509324850943850943825024385\r\n",
     Value("(", [b"3492890328409238509324850943850943825024385"])),
    (b"!21\r\nSYNTAX invalid syntax\r\n", Value("!", [b"SYNTAX invalid syntax"])),
    (b"=15\r\ntxt:Some string\r\n", Value("=", [b"txt:Some string"])),
    (b"%2\r\n+first\r\n:1\r\n+second\r\n:2\r\n", Value("%", [b"first", b"1", b"second", b"2"])),
    (b"~1\r\n#f\r\n", Value("~", [b"f"])),
    (b">2\r\n+a\r\n+b\r\n", Value(">", [b"a", b"b"])),
    (b"|1\r\n+key-popularity\r\n%1\r\n$1\r\na\r\n,0.1\r\n*1\r\n:9\r\n", Value("*", [b"9"])),
    (b"*2\r\n|1\r\n+ttl\r\n:3600\r\n:7\r\n:8\r\n", Value("*", [b"7", b"8"])),
]  # fmt: skip


@pytest.mark.parametrize(("octets", "value"), REPLIES, ids=[str(one[0][:12]) for one in REPLIES])
def test_replies(octets: bytes, value: Value) -> None:
    for size in (1, 3, 1000):
        assert values(octets * 2, size) == [value, value]
    assert values(octets[:-1]) == []


def test_what_is_nested_deeply_ends_nothing() -> None:
    """COMMAND DOCS, which redis-cli begins with, returns arguments of arguments of arguments."""
    for depth in (9, 12, DEPTH_MAX):
        nested = b"*1\r\n" * depth + b":7\r\n"
        text = b"[" * (depth - 1) + b"7" + b"]" * (depth - 1)
        assert values(nested + b"+OK\r\n", 5) == [Value("*", [text]), Value("+", [b"OK"])]


def test_open_arrays_are_held() -> None:
    reader = Resp(is_client=False)
    before = reader.held_bytes
    reader.feed(b"*1\r\n" * DEPTH_MAX)
    assert reader.take() is None
    assert reader.held_bytes - before >= DEPTH_MAX * 100


def test_commands() -> None:
    octets = b"*2\r\n$4\r\nLLEN\r\n$6\r\nmy\r\nli\r\nEXISTS  somekey\r\n\r\n*0\r\nping\n"
    for size in (1, 7, 1000):
        assert values(octets, size, is_client=True) == [
            Value("*", [b"LLEN", b"my\r\nli"]), Value("", [b"EXISTS", b"somekey"]), Value("", []),
            Value("*", []), Value("", [b"ping"])]


@pytest.mark.parametrize(("octets", "is_client"), [
    (b"HTTP/1.1 200 OK\r\n", False), (b"\r\n", False), (b"$x\r\n", False), (b"$+3\r\n", False),
    (b"$-2\r\n", False), (b"$\r\n", False), (b"$3\r\nabcd\r\n", False),
    (b"*99999999999\r\n", False),
    (b"$%d\r\n" % (BULK_MAX + 1), False), (b"*1\r\n" * (DEPTH_MAX + 1), False),
    (b"x" * LINE_MAX, False), (b"x" * LINE_MAX, True), (b"*1\r\n:1\r\n", True),
    (b"*1\r\n*1\r\n", True), (b"*1\r\nPING\r\n", True),
])  # fmt: skip
def test_what_is_no_resp(octets: bytes, is_client: bool) -> None:
    for size in (1, 1000, 1 << 17):
        assert values(octets, size, is_client=is_client) == [Value("broken", [])]


def test_of_long_values_the_beginning_is_kept() -> None:
    long = b"x" * 3 * KEPT_MAX
    assert values(b"$%d\r\n%s\r\n+OK\r\n" % (len(long), long), 1000) == [
        Value("$", [long[:KEPT_MAX]]), Value("+", [b"OK"])]
    (value,) = values(b"*%d\r\n" % KEPT_MAX + b"+abc\r\n" * KEPT_MAX)
    assert set(value.parts) == {b"abc"} and sum(len(part) + 1 for part in value.parts) == KEPT_MAX
    (value,) = values(b"*2\r\n*1\r\n$%d\r\n%s\r\n:5\r\n" % (len(long), long))
    assert [part[:3] for part in value.parts] == [b"[xx"]
