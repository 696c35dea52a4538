"""Where a proof begins and ends: each at its shortest, one octet shorter, and each bound in it.

What is missing of a payload stands behind the packet, as the trailer of its frame: who reads on
finds it.
"""

from __future__ import annotations

import struct

import pytest

from sensor.model import applications as app
from tests.conversation import Talk
from tests.unit.decode.batches import decode_all
from tests.unit.decode.test_applications import CERTAIN, DHCP, DNS_QUERY, NEGOTIATION

PORTS = (4444, 40_000)


def frame(payload: bytes, behind: bytes, ports: tuple[int, int], transport: str) -> bytes:
    talk = Talk(ports=ports)
    getattr(talk.client, transport)(0, payload)
    return talk.frames[0][1] + behind


def seen(*payloads: bytes, ports: tuple[int, int] = PORTS, transport: str = "data") -> list[int]:
    """What each payload looks like."""
    frames = [frame(payload, b"", ports, transport) for payload in payloads]
    return [int(code) for code in decode_all(frames).records["application"][: len(frames)]]


def by_length(
    payload: bytes, ports: tuple[int, int] = PORTS, transport: str = "data", first: int = 1
) -> list[int]:
    """What it looks like cut at each length from `first` on, the rest behind the packet."""
    frames = [frame(payload[:size], payload[size:], ports, transport)
              for size in range(first, len(payload) + 1)]  # fmt: skip
    return [int(code) for code in decode_all(frames).records["application"][: len(frames)]]


SHORTEST = [
    (app.SSH, b"SSH-2.0-"), (app.HTTP, b"HTTP/1"), (app.RFB, b"RFB 003.008\n"), (app.POP3, b"+OK "),
    (app.POP3, b"+OK\r"), (app.IMAP, b"* OK"), (app.IMAP, b"* PR"), (app.SIP, b"SIP/"),
    (app.SMTP, b"EHLO "), (app.SMTP, b"EHLO\r"), (app.SMTP, b"HELO\n"), (app.LOGIN, b"USER "),
    (app.LOGIN, b"AUTH "), (app.LOGIN, b"AUTH\n"), (app.LOGIN, b"FEAT\r"),
    (app.HTTP, b"GET /abc"), (app.HTTP, b"PUT /abc"), (app.HTTP, b"POST /abc"),
    (app.HTTP, b"HEAD /abc"), (app.HTTP, b"PATCH /abc"), (app.HTTP, b"TRACE /abc"),
    (app.HTTP, b"DELETE /abc"), (app.HTTP_CONNECT, b"CONNECT /abc"), (app.HTTP, b"OPTIONS /abc"),
    (app.HTTP, b"PRI * HT"),
    (app.SIP, b"OPTIONS sip:"), (app.SIP, b"INVITE sip:"), (app.SIP, b"REGISTER SIP:"),
    (app.TLS, b"\x16\3\1\0\4\1"), (app.RDP, b"\3\0\0\x0b\x06\xe0" + bytes(5)),
    (app.SMB, b"\0\0\0\x44\xfeSMB"), (app.SMB, b"\0\0\0\x44\xffSMB"),
    (app.OFFER_SERVER, b"\xff\xfb\1"), (app.REDIS, b"*1\r\n$4\r\np"),
    (app.REDIS, b"*1024\r\n$10\r\nZ"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "payload"), SHORTEST, ids=[str(one[1]) for one in SHORTEST])
def test_a_proof_at_its_shortest_and_one_octet_less(code: int, payload: bytes) -> None:
    before = [app.NO_APPLICATION] * (len(payload) - 1)
    assert by_length(payload) == [*before, code]


@pytest.mark.parametrize("payload", [
    *(one for _, server, client in CERTAIN for one in (server, client) if one), b"220 x FTP x"])
@pytest.mark.parametrize("ports", [PORTS, (23, 40_000)])
def test_octets_behind_a_packet_are_none_of_it(payload: bytes, ports: tuple[int, int]) -> None:
    payload = payload[:60]
    for behind in (b"", b"\xff" * 60, payload):
        frames = [frame(payload[:size], behind, ports, "data")
                  for size in range(1, len(payload) + 1)]  # fmt: skip
        codes = decode_all(frames).records["application"][: len(frames)].tolist()
        assert codes == by_length(payload, ports)


@pytest.mark.parametrize(("name", "code"), [
    (b"FTP", app.FTP), (b"ftp", app.FTP), (b"sMtP", app.SMTP), (b"SMTP", app.SMTP)])
def test_a_greeting_is_read_up_to_its_512th_octet(name: bytes, code: int) -> None:
    for front in (0, 1, 2, 508 - len(name)):
        payload = b"220 " + b"-" * front + name
        assert by_length(payload, first=4) == [*[app.GREETING] * (front + len(name)), code]
    assert seen(b"220-" + b"-" * (509 - len(name)) + name) == [app.GREETING]


@pytest.mark.parametrize(("octets", "code"), [
    (b"SSH-1.5-x", app.SSH), (b"SSH-2.0-x", app.SSH), (b"SSH-0.9-x", 0), (b"SSH-3.0-x", 0),
    (b"SSH-2x0-x", 0), (b"HTTP 1.1 200", 0), (b"RFB 003 008\n", 0),
    (b"EHLO\tx", 0), (b"USER\r\n", 0), (b"FEATx", 0),
    (b"GET !abc", app.HTTP), (b"GET ~abc", app.HTTP), (b"GET  abc", 0), (b"GET \x7fabc", 0),
    (b"POST\t/abc", 0), (b"INVITE /path", 0), (b"REGISTER /path", 0), (b"INVITE sips:x", 0),
    (b"OPTIONS sip:", app.SIP), (b"OPTIONS sip.x", app.HTTP),
    (b"\x16\2\1\0\4\1", 0), (b"\x16\3\4\0\4\1", app.TLS), (b"\x16\3\5\0\4\1", 0),
    (b"\x16\3\1\0\3\1", 0), (b"\x16\3\1\x48\0\2", app.TLS), (b"\x16\3\1\x48\1\2", 0),
    (b"\x16\3\1\0\4\0", 0), (b"\x16\3\1\0\4\2", app.TLS), (b"\x16\3\1\0\4\3", 0),
    (b"\3\1\0\x0b\x06\xe0" + bytes(5), 0), (b"\3\0\0\x0c\x06\xe0" + bytes(5), 0),
    (b"\3\0\0\x0a\x06\xe0" + bytes(5), 0), (b"\3\0\0\x0b\x05\xe0" + bytes(5), 0),
    (b"\3\0\0\x0b\x07\xe0" + bytes(5), 0), (b"\3\0\0\x0b\x06\xd0" + bytes(5), app.RDP),
    (b"\3\0\0\x0b\x06\xf0" + bytes(5), 0), (b"\2\0\0\x0b\x06\xe0" + bytes(5), 0),
    (b"\1\0\0\x44\xfeSMB", 0), (b"\0\0\0\x44\xfdSMB", 0), (b"VSER me", 0), (b")OK ", 0),
    (b"*0\r\n$4\r\nPING", 0), (b"*:\r\n$4\r\nPING", 0), (b"*9\r\n$4\r\nPING", app.REDIS),
    (b"*12345\r\n$4\r\nPING", 0), (b"*1\n\n$4\r\nPING", 0), (b"*1\r\n#4\r\nPING", 0),
    (b"*1\r\n$4\r\n@", 0), (b"*1\r\n$4\r\n[", 0), (b"*1\r\n$\r\nPING", 0),
])  # fmt: skip
def test_both_sides_of_what_a_proof_asks_for(octets: bytes, code: int) -> None:
    """RFC 4253 4.2, RFC 9112 3, RFC 3261 19.1, RFC 8446 5.1, RFC 1006 6."""
    assert seen(octets) == [code]


# ---- telnet -------------------------------------------------------------------------------------

WILL, WONT, DO, DONT = range(251, 255)
TERMINAL = {24, 31, 32, 33, 34, 35, 36, 39}
"""Types, sizes, speeds, flow control, line mode, display and environments (RFC 1091, 1073, 1079,
1372, 1184, 1096, 1408, 1572)."""


def negotiates(command: int, option: int) -> bytes:
    return bytes([255, command, option])


@pytest.mark.parametrize("command", [WILL, WONT, DO, DONT])
def test_whose_options_are_negotiated(command: int) -> None:
    """A server asks for what only a terminal has and offers to echo (RFC 857, RFC 1091)."""
    options = range(51)
    expected = [app.TELNET] * 51
    for option in TERMINAL | {1}:
        if command in (WILL, DO):
            server = (command == DO) is (option != 1)
            expected[option] = app.TELNET_SERVER if server else app.TELNET_CLIENT
    alone = seen(*(negotiates(command, option) for option in options))
    assert alone == [code + app.ROLES for code in expected]
    twice = seen(*(negotiates(command, option) * 2 for option in options))
    assert twice == expected
    neutral = negotiates(WILL, 3)
    assert seen(*(neutral + negotiates(command, option) for option in options)) == expected
    client = negotiates(WILL, 24)  # what was proven first stays
    assert set(seen(*(client + negotiates(command, option) for option in options))) == {
        app.TELNET_CLIENT}


def test_which_options_somebody_uses() -> None:
    used = {*range(51), 69, 70, *range(85, 95), 200, 201, 255}
    codes = seen(*(negotiates(DONT, option) * 2 for option in range(256)))
    assert {option for option in range(256) if codes[option]} == used


def test_which_octets_begin_a_command() -> None:
    """RFC 854: SE is 240, SB 250; behind the others of them no option follows."""
    codes = seen(*(bytes([255, command]) + NEGOTIATION for command in range(256)))
    codes[250] = 0  # here a suboption that does not end
    assert {command for command in range(256) if codes[command]} == {*range(240, 250)}
    codes = seen(*(bytes([255, command, 3]) * 2 for command in range(250, 256)))
    assert codes == [app.OFFER, *[app.TELNET] * 4, app.NO_APPLICATION]


def test_which_octets_are_text() -> None:
    """RFC 854 names 0 and 7 to 13; 27 begins what a terminal draws."""
    text = {0, *range(7, 14), 27, *range(32, 127)}
    codes = seen(*(NEGOTIATION + bytes([octet]) + b"x" for octet in range(255)))
    assert {octet for octet in range(255) if codes[octet]} == text
    commands = seen(*(NEGOTIATION + b"x\xff" + bytes([octet]) for octet in range(256)))
    assert {octet for octet in range(256) if commands[octet]} == {*range(240, 256)}


def test_sixteen_octets_behind_the_commands_must_be_text() -> None:
    for front in (15, 16):
        payload = NEGOTIATION + b"x" * front + b"\x80"
        assert by_length(payload, first=13) == [
            *[app.TELNET_SERVER] * front, app.TELNET_SERVER if front == 16 else 0][: front + 1]
    # What follows the 255 at the end of what is looked at is not asked for.
    cut = NEGOTIATION + b"x" * 15 + b"\xff\1"
    assert seen(cut, NEGOTIATION + b"x" * 14 + b"\xff\1") == [app.TELNET_SERVER, 0]
    assert seen(cut[:-1]) == [app.TELNET_SERVER]


@pytest.mark.parametrize(("payload", "expected"), [
    (b"\xff\xfa\x18\1\xff\xf0", app.TELNET), (b"\xff\xfa\x18\xff\xf0", app.TELNET),
    (b"\xff\xfa\x18\1\xff", app.OFFER), (b"\xff\xfa\x18\xff\xff\xf0", app.OFFER),
    (b"\xff\xfa\x18\1\xff\xf0ok", app.TELNET), (b"\xff\xfa\x18\1\xff\xf0\x01", 0),
    (b"\xff\xfa\x18\1\xff\xf0\xff\xfd\x18", app.TELNET_SERVER),
    (b"\xff\xfb\3\xff\xfa\x18\1", app.OFFER), (b"\xff\xfb\3\xff\xfb\3\xff\xfa\x18\1", app.TELNET),
    (b"\xff\xfb\3\xff\xfa\x18\1\xff\xf0", app.TELNET), (b"\xff\xfa\x33\1\xff\xf0", 0),
])  # fmt: skip
def test_a_suboption_ends_with_its_end(payload: bytes, expected: int) -> None:
    """RFC 855: a whole one is telnet; an open one proves no more than what stands before it."""
    assert seen(payload) == [expected]
    assert decode_all([frame(payload, b"\xf0\xff\xf0", PORTS, "data")]).records["application"][
        0] == expected


@pytest.mark.parametrize(("ports", "code"), [
    ((23, 40_000), app.TELNET_SERVER), ((40_000, 23), app.TELNET_SERVER),
    ((2323, 40_000), app.TELNET_SERVER), ((40_000, 2323), app.TELNET_SERVER), ((24, 2324), 0)])
def test_a_greeting_in_front_of_telnet_by_the_port(ports: tuple[int, int], code: int) -> None:
    assert seen(b"hello\r\n" + NEGOTIATION, ports=ports) == [code]
    for size in (1, 2):
        assert seen(b"x" * size + NEGOTIATION, ports=ports) == [code]
    assert seen(b"hello\r\n", b"\x01" + NEGOTIATION, ports=ports) == [0, 0]


# ---- datagrams ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("port", "name"), [(53, app.DNS), (5353, app.MDNS), (5355, app.LLMNR)])
def test_dns_by_the_port_of_either_end(port: int, name: int) -> None:
    for ports, code in (((port, 40_000), name), ((40_000, port), name),
                        ((port, port), name), ((port + 1, port - 1), 0)):  # fmt: skip
        assert seen(DNS_QUERY, ports=ports, transport="udp") == [code]


@pytest.mark.parametrize(("ports", "code"), [
    ((68, 67), app.DHCP), ((67, 68), app.DHCP), ((67, 67), app.DHCP), ((68, 68), app.DHCP),
    ((67, 69), 0), ((66, 68), 0), ((40_000, 67), 0), ((68, 40_000), 0)])  # fmt: skip
def test_dhcp_by_the_ports_of_both_ends(ports: tuple[int, int], code: int) -> None:
    assert seen(DHCP, ports=ports, transport="udp") == [code]
    assert by_length(DHCP[:240], ports, "udp", 238) == [0, 0, code]  # RFC 2131 3: the cookie


def dns(name: bytes, *, flags: int = 0x0100, counts: tuple[int, ...] = (1, 0, 0, 0)) -> bytes:
    return struct.pack("!6H", 7, flags, *counts) + name


@pytest.mark.parametrize(("message", "sound"), [
    (dns(bytes(5)), True), (dns(b"\xc0\0\0\1\0"), True), (dns(b"\xbf\0\0\1\0"), False),
    (dns(b"\x3f" + bytes(70)), True), (dns(b"\x40" + bytes(70)), False),
    (dns(bytes(5), flags=6 << 11), True), (dns(bytes(5), flags=7 << 11), False),
    (dns(bytes(5), flags=0x8000), True), (dns(bytes(5), flags=0x0040), False),
    (dns(bytes(5), counts=(64, 0, 0, 0)), True), (dns(bytes(5), counts=(65, 0, 0, 0)), False),
    (dns(bytes(5), counts=(0, 0, 0, 0)), False),
    *((dns(bytes(5), counts=counts), True)
      for counts in ((0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1), (1, 1, 0, 0))),
    # Eleven octets are the least that a record takes.
    *((dns(bytes(9 + more), counts=counts), more == 1)
      for more in (0, 1) for counts in ((1, 2, 0, 0), (1, 0, 2, 0), (1, 0, 0, 2), (1, 1, 1, 0),
                                        (1, 0, 1, 1), (0, 1, 0, 1))),
    (dns(bytes(20), counts=(0, 1, 1, 1)), False), (dns(bytes(21), counts=(0, 1, 1, 1)), True),
    (dns(b"\1a" * 127 + b"\0" + bytes(4)), True), (dns(b"\1a" * 128 + b"\0" + bytes(4)), False),
])
def test_both_sides_of_what_dns_asks_for(message: bytes, sound: bool) -> None:
    """RFC 1035 4.1, 2.3.4: a header, a question or a record, and a name."""
    assert seen(message, ports=(40_000, 53), transport="udp") == [app.DNS if sound else 0]


@pytest.mark.parametrize(("message", "shortest"), [
    (dns(bytes(6)), 17), (dns(b"\3abc\3def\0\0\1\0\1"), 21), (dns(b"\4abcd\0\0\1\0\1"), 18)])
def test_dns_ends_with_its_datagram(message: bytes, shortest: int) -> None:
    codes = by_length(message, (40_000, 53), "udp")
    assert codes.index(app.DNS) + 1 == shortest
    assert set(codes[shortest:]) <= {app.DNS}


QUIC = b"\xc3\0\0\0\1\x14" + bytes(14)


@pytest.mark.parametrize(("payload", "code"), [
    (QUIC, app.QUIC), (QUIC[:5] + b"\x15" + bytes(14), 0), (b"\xc0" + QUIC[1:], app.QUIC),
    (b"\x83" + QUIC[1:], 0), (b"\x43" + QUIC[1:], 0),
    (b"\xc3\x6b\x33\x43\xcf" + QUIC[5:], app.QUIC), (b"\xc3\0\0\0\2" + QUIC[5:], 0),
    (b"SIP/2.0 200 OK\r\nVia:", app.SIP),
    (b"INVITE sip:b.example", app.SIP), (b"REGISTER sip:a.b SIP", app.SIP),
    (b"OPTIONS sip:a.b SIP/", app.SIP), (b"GET /index.html HTTP", 0),
    (b"USER anonymous------", 0),
])  # fmt: skip
def test_a_datagram_by_its_first_octets(payload: bytes, code: int) -> None:
    """RFC 9000 17.2, RFC 9369, RFC 3261 7.1; of less than twenty octets nothing is said."""
    assert len(payload) == 20
    assert by_length(payload, transport="udp") == [*[0] * 19, code]


def test_what_redis_answers_on_its_port_is_no_pop3() -> None:
    assert seen(b"+OK\r\n", ports=(6379, 40_000)) == [app.NO_APPLICATION]
    assert seen(b"+OK\r\n", ports=(6380, 40_000)) == [app.POP3]
