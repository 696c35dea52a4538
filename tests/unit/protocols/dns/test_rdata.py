"""Records as text. Those of SVCB are test vectors of RFC 9460, appendix D."""

from __future__ import annotations

import struct

import pytest

from sensor.protocols.dns.rdata import DATA_MAX, data_text
from tests.dns_messages import AAAA, CAA, CNAME, HTTPS, MX, NS, PTR, SOA, SRV, TXT, A, name

FOO = name("foo.example.com")


def text(kind: int, octets: bytes) -> str:
    """The record in the middle of a message, where more follows."""
    return data_text(b"head" + octets + b"\1x\0tail", kind, 4, 4 + len(octets))


@pytest.mark.parametrize(("kind", "octets", "expected"), [
    (A, b"\xc0\0\2\1", "192.0.2.1"),
    (AAAA, bytes.fromhex("20010db8000000000000000000000001"), "2001:db8::1"),
    (AAAA, bytes.fromhex("00000000000000000000ffffc0000201"), "::ffff:192.0.2.1"),
    (CNAME, FOO, "foo.example.com"),
    (NS, b"\0", "."),
    (PTR, name("1.2.0.192.in-addr.arpa"), "1.2.0.192.in-addr.arpa"),
    (MX, b"\0\x0a" + FOO, "10 foo.example.com"),
    (TXT, b"\x0bv=spf1 -all", "v=spf1 -all"),
    (TXT, b"\4v=sp\3f1 \4-all", "v=spf1 -all"),  # RFC 7208 3.3: one behind the other
    (TXT, b"\5a\0b\xffc", r"a\000b\255c"),
    (TXT, b"\0", ""),
    (SRV, struct.pack("!HHH", 0, 5, 5060) + FOO, "0 5 5060 foo.example.com"),
    (SOA, name("ns.example") + name("admin.example") + struct.pack("!5I", 2026, 7200, 3600,
     1209600, 300), "ns.example admin.example 2026 7200 3600 1209600 300"),
    (CAA, b"\0\5issueca1.example.net", '0 issue "ca1.example.net"'),  # RFC 8659 4.1.1
    (10, b"\xca\xfe", "cafe"),
    (46, b"", ""),
])
def test_records(kind: int, octets: bytes, expected: str) -> None:
    assert text(kind, octets) == expected


@pytest.mark.parametrize(("octets", "expected"), [
    (b"\0\0" + FOO, "0 foo.example.com"),  # D.1
    (b"\0\1\0", "1 ."),
    (b"\0\x10" + FOO + b"\0\3\0\2\0\x35", "16 foo.example.com port=53"),
    (b"\0\1" + FOO + b"\x02\x9b\0\5hello", "1 foo.example.com key667=68656c6c6f"),
    (b"\0\1" + FOO + b"\0\6\0\x20" + bytes.fromhex(
        "20010db8000000000000000000000001" "20010db8000000000000000000530001"),
     "1 foo.example.com ipv6hint=2001:db8::1,2001:db8::53:1"),
    (b"\0\x10\3foo\7example\3org\0\0\0\0\4\0\1\0\4\0\1\0\x09\2h2\5h3-19\0\4\0\4\xc0\0\2\1",
     "16 foo.example.org mandatory=00010004 alpn=h2,h3-19 ipv4hint=192.0.2.1"),
    (b"\0\1\0\0\2\0\0", "1 . no-default-alpn"),
])
def test_service_bindings(octets: bytes, expected: str) -> None:
    assert text(HTTPS, octets) == text(64, octets) == expected


@pytest.mark.parametrize(("kind", "octets"), [
    (A, b"\1\2\3"), (A, b"\1\2\3\4\5"), (AAAA, b"\1" * 15), (CNAME, b"\3foo"), (CNAME, FOO + b"x"),
    (MX, b"\0"), (TXT, b"\5abc"), (SRV, b"\0\0\0\1"), (SOA, FOO + FOO + b"\0" * 19),
    (CAA, b"\0\x63issue"), (HTTPS, b"\0\1\0\0\1\0\x63h2"),
])
def test_what_is_not_as_its_type_wants(kind: int, octets: bytes) -> None:
    assert text(kind, octets) == octets.hex()


def test_no_text_is_longer() -> None:
    assert text(TXT, (b"\xff" + b"x" * 255) * 8) == "x" * DATA_MAX
    assert text(10, b"x" * 4096) == "78" * (DATA_MAX // 2)
    assert len(text(HTTPS, b"\0\1\0" + b"\0\x63\0\x40" + b"x" * 64 + b"\0\1\0\0" * 500)) <= DATA_MAX


@pytest.mark.parametrize("octets", [
    b"", b"\0", b"\0\1", b"\0\1\xc0",  # the rest stands behind the record
    b"\0\1\0\0", b"\0\1\0\0\1\0",  # what is left is no parameter
])  # fmt: skip
def test_a_binding_that_is_cut_is_told_by_its_octets(octets: bytes) -> None:
    message = b"\1x\0\0" + octets + b"\0\0\0\0"
    assert data_text(message, HTTPS, 4, 4 + len(octets)) == octets.hex()
