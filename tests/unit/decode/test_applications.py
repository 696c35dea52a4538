"""What the first octets of each side prove, and what only looks like it."""

from __future__ import annotations

import random
import struct

import pytest

from tests.conversation import Talk, play

DNS_QUERY = struct.pack("!6H", 0x1234, 0x0100, 1, 0, 0, 0) + b"\7example\3com\0" + b"\0\1\0\1"
DNS_ANSWER = struct.pack("!6H", 0x1234, 0x8180, 1, 1, 0, 0) + DNS_QUERY[12:] + (
    b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1")
CLIENT_HELLO = b"\x16\3\1\2\0\1\0\1\xfc\3\3" + bytes(505)
DHCP = b"\1\1\6\0" + bytes(232) + b"\x63\x82\x53\x63\x35\1\1\xff"
QUIC = b"\xc3\0\0\0\1\x08" + bytes(1194)
RDP_REQUEST = b"\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\3\0\0\0"
SMB = b"\0\0\0\x44\xfeSMB" + bytes(64)
NEGOTIATION = bytes.fromhex("fffd18fffd20fffd23fffd27")

CERTAIN = [
    ("telnet", b"\xff\xfb\x01\xff\xfb\x03\xff\xfd\x18", b""),
    ("telnet", NEGOTIATION, b""),
    ("telnet", b"", b"\xff\xfb\x18\xff\xfb\x1f"),
    ("telnet", b"\xff\xfd\x01\xff\xfd\x1f\r\nlogin: ", b""),
    ("telnet", b"\xff\xfd\x01\xff\xfb\x03\x1b[2J\x07 welcome", b""),
    ("telnet", b"\xff\xf1\xff\xfb\x01\xff\xfb\x03", b""),  # a NOP first
    ("telnet", b"\xff\xfa\x18\1\xff\xf0", b""),
    ("telnet", b"\xff\xfa\x1f\0\xff\xff\0\x18\xff\xf0ok", b""),  # a doubled 255 in it
    ("telnet", b"\xff\xfb\xc9\xff\xfb\x56", b""),  # GMCP, MCCP2
    ("telnet", b"\xff\xfb\x01", b"\xff\xfd\x01"),  # an offer and its answer
    ("ssh", b"SSH-2.0-OpenSSH_9.6\r\n", b""),
    ("ssh", b"", b"SSH-1.99-x\n"),
    ("http", b"", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("http", b"", b"POST /x HTTP/1.0\r\n"),
    ("http", b"", b"CONNECT a.example:443 HTTP/1.1\r\n"),
    ("http", b"", b"OPTIONS * HTTP/1.1\r\n"),
    ("http", b"", b"GET http://a.example/b c HTTP/1.1 \r\n"),
    ("http", b"", b"GET /x\r\n"),  # HTTP/0.9
    ("http", b"", b"GET http://a.example/" + b"x" * 600 + b" HTTP/1.1\r\n"),
    ("http", b"", b"DELETE /x HTTP/1.1\r\n"),
    ("http", b"HTTP/1.1 200 OK\r\n", b""),
    ("tls", b"", CLIENT_HELLO),
    ("tls", b"\x16\3\3\0\x7a\2\0\0\x76\3\3" + bytes(116), b""),
    ("ftp", b"220 ProFTPD Server ready\r\n", b""),
    ("ftp", b"220 (vsFTPd 3.0.5)\r\n", b""),
    ("ftp", b"220 Welcome\r\n", b"USER anonymous\r\n"),
    ("ftp", b"220-Welcome\r\n", b"AUTH TLS\r\n"),
    ("ftp", b"220 Welcome\r\n", b"FEAT\r\n"),
    ("smtp", b"220 mail.example ESMTP Postfix\r\n", b""),
    ("smtp", b"220 mail.example\r\n", b"EHLO a.example\r\n"),
    ("smtp", b"220 mail.example\r\n", b"HELO a\r\n"),
    ("pop3", b"+OK ready\r\n", b"USER a\r\n"),
    ("imap", b"* OK [CAPABILITY IMAP4rev1] ready\r\n", b"a1 LOGIN x y\r\n"),
    ("rfb", b"RFB 003.008\n", b""),
    ("rdp", b"", RDP_REQUEST),
    ("rdp", b"", b"\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\3\0\0\0"),  # no cookie
    ("rdp", b"\3\0\0\x13\x0e\xd0" + bytes(13), b""),
    ("smb", b"", SMB),
    ("smb", b"", b"\0\0\0\x54\xffSMB" + bytes(80)),
    ("sip", b"", b"INVITE sip:bob@b.example SIP/2.0\r\n"),
    ("sip", b"SIP/2.0 200 OK\r\n", b"OPTIONS sip:b.example SIP/2.0\r\n"),
    ("redis", b"", b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n"),
]
DECOYS = [
    b"\xff\xfb", b"\xff\xff\xff", b"\xff\xd8\xff\xe0\0\x10JFIF", b"\xff\xfb\x90\x64" + bytes(20),
    b"\xff\xfb\x01\x80\x91\x02\x04", b"\xff\xfd\x18\x00\x01\x02\x03", b"\xff\xfe\x3c\0\x3f\0",
    b"\xff\xf1\xff\xf2\xff\xf3",  # no negotiation
    b"\xff\xfb\x01", b"\xff\xfd\x01login: ", b"\xff\xfa\x18\1",  # one command, an open suboption
    b"\xff\xfb\x8a\xff\xfb\x8b", b"\xff\xfb\x33\xff\xfb\x34",  # options that nobody uses
    b"SSH is nice\r\n", b"SSH-", b"SSH-x.0-y\r\n", b"SSH-3.0-x",
    b"HTTP2", b"HTTPS/1", b"GET", b"GET \r\n\r\n",
    b"GETS / HTTP", b"get / http/1.1", b"POST/x HTTP", b"DELETED / x", b"INVITE me", b"REGISTER /x",
    b"220 Welcome\r\n", b"220", b"2200 FTP", b"USER me\r\n", b"USERS\r\n", b"EHLOX", b"AUTHOR\r\n",
    b"OPTIONS rtsp://a.example/b RTSP/1.0\r\nCSeq: 1\r\n\r\n",  # RFC 2326
    b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    b"OPTIONS icap://a.example/b ICAP/1.0\r\n",  # RFC 3507
    b'CONNECT {"verbose":false,"name":"a HTTP"}\r\n', b"GET key\r\n", b"HEAD 12 HTTP\r\n",
    # X.224 13.3.4: TSAPs of S7, the size of a TPDU.
    b"\3\0\0\x16\x11\xe0\0\0\0\1\0\xc1\2\1\0\xc2\2\1\2\xc0\1\x0a",
    b"\3\0\0\x0e\x09\xd0\0\1\0\2\0\xc0\1\x0a",
    b"+OKAY", b"* NO", b"*3\r\n", b"*1\r\n:4\r\nPING", b"*1 LOGIN\r\n",
    b"RFB 003", b"RFB x0038\r\n\r\n\r\n", b"\x16\3\1", b"\x16\3\5\0\x40\1\0\0",
    b"\x16\3\1\0\2\1\0\0", b"\x16\3\1\xff\xff\1\0\0", b"\x16\3\1\0\x40\x0b\0\0",
    b"\3\0\0\x13\x0e\xe1" + bytes(13), b"\3\0\0\x14\x0e\xe0" + bytes(13),
    b"\3\0\0\x13\x0d\xe0" + bytes(13), b"\0\0\0\x44\xfeSMC" + bytes(64),
    bytes(64), b'!"#$%&\'()*+,-./0123456789:;<=>?@ABC\r\n', b"\x7f", b"",
]


def proven(server: bytes, client: bytes, ports: tuple[int, int]) -> str | None:
    talk = Talk(ports=ports)
    talk.handshake()
    if server:
        talk.server.data(0.1, server)
    if client:
        talk.client.data(0.2, client)
    (record,) = play(talk).records
    found: str | None = record["network"].get("protocol")
    return found


@pytest.mark.parametrize("port", [23, 4444])
@pytest.mark.parametrize(("name", "server", "client"), CERTAIN)
def test_what_is_certain_is_so_on_every_port(
    name: str, server: bytes, client: bytes, port: int
) -> None:
    assert proven(server, client, (40_000, port)) == name


@pytest.mark.parametrize("octets", DECOYS)
@pytest.mark.parametrize("port", [22, 23])
def test_what_only_looks_like_it_is_nothing(octets: bytes, port: int) -> None:
    assert proven(octets, b"", (40_000, port)) is None
    assert proven(b"", octets, (40_000, port)) is None


GREETING = b"Welcome to a router\r\nUsername: "


@pytest.mark.parametrize(("port", "pieces", "name"), [
    (23, [GREETING + NEGOTIATION], "telnet"),
    (2323, [GREETING + NEGOTIATION], "telnet"),
    (2000, [GREETING + NEGOTIATION], None),  # not looked for everywhere
    (2000, [GREETING, NEGOTIATION], "telnet"),
    (23, [b"x" * 255, NEGOTIATION], "telnet"),
    (23, [b"x" * 256, NEGOTIATION], None),
    (23, [b"x" * 244 + NEGOTIATION], "telnet"),
    (23, [b"x" * 251 + NEGOTIATION], None),  # the second command ends behind 256 octets
    (23, [GREETING + b"\x80" + NEGOTIATION], None),
    (23, [b"\xff\xfb\x01", b"\xff\xfb\x03"], None),  # both of one side, but apart
])
def test_telnet_behind_a_greeting(port: int, pieces: list[bytes], name: str | None) -> None:
    talk = Talk(ports=(40_000, port))
    talk.handshake()
    for number, piece in enumerate(pieces):
        talk.server.data(0.1 + number, piece)
    (record,) = play(talk).records
    assert record["network"].get("protocol") == name


def test_random_octets_prove_nothing() -> None:
    chance = random.Random(7)
    found = [proven(chance.randbytes(40), chance.randbytes(40), (40_000, 23)) for _ in range(200)]
    assert found == [None] * 200


def test_only_the_first_payload_of_a_side_counts() -> None:
    talk = Talk(ports=(40_000, 9000))
    talk.handshake()
    talk.client.data(0.1, b"hello")
    talk.client.data(0.2, b"GET / HTTP/1.1\r\n")
    (record,) = play(talk).records
    assert "protocol" not in record["network"]


def test_the_first_proof_stays() -> None:
    assert proven(b"SSH-2.0-x\r\n", b"GET / HTTP/1.1\r\n", (40_000, 22)) == "ssh"


@pytest.mark.parametrize(("ports", "payload", "name"), [
    ((40_000, 53), DNS_QUERY, "dns"),
    ((40_000, 53), DNS_ANSWER, "dns"),
    ((5353, 5353), DNS_QUERY, "mdns"),
    ((40_000, 5355), DNS_QUERY, "llmnr"),
    ((40_000, 54), DNS_QUERY, None),  # nothing in it is a mark of its own
    ((40_000, 53), DNS_QUERY[:14], None),
    ((40_000, 53), DNS_QUERY[:12] + b"\x40" + DNS_QUERY[13:], None),  # a label of 64
    ((40_000, 53), DNS_QUERY[:2] + b"\x40\x00" + DNS_QUERY[4:], None),  # opcode 8
    ((40_000, 53), DNS_QUERY[:4] + bytes(8) + DNS_QUERY[12:], None),  # no question, no record
    ((40_000, 53), DNS_QUERY[:6] + b"\0\x63" + DNS_QUERY[8:], None),  # 99 records in no room
    ((40_000, 53), b"\x80" * 60, None),
    ((40_000, 53), b"\0\7\x81\5" + bytes(8), "dns"),  # REFUSED, a header alone
    ((40_000, 53), b"\0\7\xa8\0" + bytes(8), "dns"),  # an UPDATE that worked (RFC 2136 3.8)
    ((40_000, 53), b"\0\7\x81\0" + bytes(8), None),  # an answer with nothing in it
    ((40_000, 53), b"\0\7\1\5" + bytes(8), None),  # no answer
    ((40_000, 53), b"\0\7\x81\5" + bytes(9), None),
    ((68, 67), DHCP, "dhcp"),
    ((68, 67), DHCP[:236] + bytes(5), None),
    ((68, 69), DHCP, None),
    ((40_000, 443), QUIC, "quic"),
    ((40_000, 443), b"\xc3\0\0\0\1\x15" + bytes(1194), None),  # a connection id of 21 octets
    ((40_000, 443), b"\x43" + QUIC[1:], None),
    ((5060, 5060), b"INVITE sip:bob@b.example SIP/2.0\r\n\r\n", "sip"),
    ((5060, 5060), b"SIP/2.0 200 OK\r\nVia: x\r\n\r\n", "sip"),
    ((5060, 5060), b"GET / HTTP/1.1\r\n\r\nxxxxx", None),
])
def test_datagrams(ports: tuple[int, int], payload: bytes, name: str | None) -> None:
    talk = Talk(ports=ports)
    talk.client.udp(0, payload)
    (record,) = play(talk).records
    assert record["network"].get("protocol") == name


def test_a_datagram_that_the_capture_cut_is_looked_at_as_far_as_it_is_there() -> None:
    talk = Talk(ports=(40_000, 53))
    talk.client.udp(0, DNS_QUERY)
    (time, octets), = talk.frames
    for size in range(42, len(octets)):
        assert play([(time, octets[:size], len(octets))]).records[0]["network"].get(  # type: ignore[list-item]
            "protocol") in (None, "dns")
