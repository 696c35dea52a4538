"""The telnet captures: one function per file, each a story that its name tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dialogue import NEGOTIATION, keep_busy, negotiate, telnet_session, type_line
from formats import Frame
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from traffic import (
    ORIG,
    RESP,
    SECOND,
    Conversation,
    Datagrams,
    Host,
    Path,
    Tags,
    Traffic,
    ip_packet,
    unreachable,
)

ROUTER_MAC = "02:00:5e:00:01:01"
DESK = Host("02:42:c0:a8:01:14", "192.168.1.20", "2001:db8:1::20")
DESK_2 = Host("02:42:c0:a8:01:15", "192.168.1.21", "2001:db8:1::21")
PRESS = Host("02:42:c0:a8:01:32", "192.168.1.50", "2001:db8:1::50")
PRESS_2 = Host("02:42:c0:a8:01:33", "192.168.1.51", "2001:db8:1::51")
PLANT = Host(ROUTER_MAC, "10.40.7.9", "2001:db8:40::9", 62)
ROUTER = Host(ROUTER_MAC, "192.168.1.1", "2001:db8:1::1")
PUBLIC = Host(ROUTER_MAC, "185.199.110.153", "2606:50c0:8003::153", 52)
SCANNER = Host(ROUTER_MAC, "203.0.113.66", "2001:db8:bad::66", 47)
OFFICE = (DESK_2, Host("02:42:c0:a8:01:3c", "192.168.1.60", "2001:db8:1::60"))
V6 = Path(v6=True)


def telnet(
    traffic: Traffic, server: Host = PRESS, path: Path | None = None, port: int = 50432,
    at: float = 0.0,
) -> Conversation:
    """A connection of the desk to a telnet server, not yet opened."""
    return Conversation(traffic, (DESK, server), (port, 23), at, path)


def accepted_v4(traffic: Traffic) -> None:
    """One login over IPv4."""
    telnet_session(telnet(traffic))


def accepted_v6(traffic: Traffic) -> None:
    """One login over IPv6."""
    telnet_session(telnet(traffic, path=V6))


def accepted_vlan(traffic: Traffic) -> None:
    """One login in VLAN 120."""
    telnet_session(telnet(traffic, path=Path(tags=Tags((120,)))))


def accepted_qinq(traffic: Traffic) -> None:
    """One login behind an 802.1ad tag 500 and an 802.1Q tag 20."""
    telnet_session(telnet(traffic, path=Path(tags=Tags((500, 20)))))


def refused_rst(traffic: Traffic) -> None:
    """Three attempts at a closed port, each answered by a reset."""
    for i, pause in enumerate((0.0, 2.5, 7.25)):
        talk = telnet(traffic, port=50440 + 2 * i, at=pause)
        talk.syn()
        talk.refuse()


def refused_icmp(traffic: Traffic) -> None:
    """Attempts that a router prohibits, that a host refuses, and one refused in IPv6."""
    # Server, reporter, ICMP code, octets quoted (RFC 792: the header and 8 more), IPv6?
    cases = (
        (PLANT, ROUTER, 13, 28, False),
        (PRESS, PRESS, 3, 548, False),
        (PRESS, PRESS, 4, 1232, True),
    )
    for i, (server, reporter, code, quote_bytes, v6) in enumerate(cases):
        talk = telnet(traffic, server, Path(v6=v6), 50450 + 2 * i, at=1.5 * i)
        unreachable(talk, talk.syn(), reporter, code, quote_bytes)


def dropped(traffic: Traffic) -> None:
    """SYNs that nobody answers, beside another connection that goes on for more than a minute."""
    keep_busy(traffic, OFFICE, 40110, 75)
    talk = telnet(traffic, PLANT, port=50460, at=0.2)
    talk.syn()
    talk.repeat_syn()


def half_open_scan(traffic: Traffic) -> None:
    """One scanner, twenty hosts that listen; it resets each connection before it is open."""
    for i in range(20):
        target = Host(f"02:42:c0:a8:02:{10 + i:02x}", f"192.168.2.{10 + i}")
        path = Path(one_way_ns=9_000_000)
        talk = Conversation(traffic, (SCANNER, target), (61_000, 23), 0.011 * i, path)
        talk.segment(ORIG, "S", options=[("MSS", 1460)], window=1024)
        talk.segment(RESP, "SA", options=[("MSS", 1460)], window=64_240)
        talk.reset(ORIG, "R")


def backscatter(traffic: Traffic) -> None:
    """Answers from port 23 to packets that nobody here sent: SYN-ACKs, resets, acknowledgements."""
    for i in range(12):
        victim = replace(PUBLIC, v4=f"185.199.108.{100 + i}")
        target = replace(DESK, v4=f"198.51.100.{20 + 7 * i}")
        talk = Conversation(traffic, (target, victim), (1024 + 911 * i, 23), 0.7 * i)
        if i % 3 == 0:
            talk.segment(RESP, "SA", options=[("MSS", 1460)], window=65_160)
        elif i % 3 == 1:
            talk.segment(RESP, "RA", options=[], window=0)
        else:
            talk.segment(RESP, "A", options=[])


def midstream(traffic: Traffic) -> None:
    """Two connections that were open before the capture began: one in use, one kept alive."""
    talk = telnet(traffic, port=50470)
    type_line(talk, "ps", "  PID TTY\r\n 4211 pts/0\r\nmreyes@press-07:~$ ")
    type_line(talk, "exit", "logout\r\n")
    talk.close(RESP)
    idle = telnet(traffic, PRESS_2, port=50472, at=1.0)
    for _ in range(3):
        # A keep-alive is one number behind (RFC 9293 3.8.4).
        idle.segment(ORIG, "A", seq=idle.next_seq[ORIG] - 1)
        idle.segment(RESP, "A")
        idle.now += 15 * SECOND


def one_sided(traffic: Traffic) -> None:
    """Only what the originators send: two sessions, and one SYN that may or may not be answered."""
    path = Path(seen=(ORIG,))
    telnet_session(telnet(traffic, path=path, port=50480))
    attempt = telnet(traffic, PLANT, path, 50482, at=2.0)
    attempt.syn()
    attempt.repeat_syn()
    telnet_session(telnet(traffic, PRESS_2, path, 50484, at=70.0))


def one_sided_responder(traffic: Traffic) -> None:
    """Only what the responder of a session sends."""
    telnet_session(telnet(traffic, path=Path(seen=(RESP,)), port=50486))


def reset_after_handshake(traffic: Traffic) -> None:
    """A handshake, then a reset by the responder within a second and without a byte."""
    talk = telnet(traffic, port=50490).open()
    talk.wait(150)
    talk.reset(RESP)


def handshake_silent(traffic: Traffic) -> None:
    """Handshakes whose responder never speaks: nothing said at all, and data acknowledged."""
    nothing = telnet(traffic, port=50492).open()
    nothing.wait(12_000)
    nothing.close(RESP)
    unheard = telnet(traffic, PRESS_2, port=50494, at=3.0).open()
    unheard.say(ORIG, b"\r\n", after_ms=900)
    unheard.acknowledge()
    unheard.wait(8_000)
    unheard.close(ORIG)


def connect_scan(traffic: Traffic) -> None:
    """Five handshakes, each reset at once by the originator."""
    for i in range(5):
        target = Host(f"02:42:c0:a8:02:{30 + i:02x}", f"192.168.2.{30 + i}")
        talk = Conversation(traffic, (DESK, target), (50500 + i, 23), 0.02 * i).open()
        talk.wait(0.3)
        talk.reset(ORIG)


def handshake_incomplete(traffic: Traffic) -> None:
    """A SYN-ACK that is never acknowledged, and one repeated because the ACK was not accepted."""
    keep_busy(traffic, OFFICE, 40112, 75)
    for i, acknowledged in enumerate((False, True)):
        path = Path(one_way_ns=5_000_000)
        talk = telnet(traffic, path=path, port=50510 + 2 * i, at=0.5 + 0.3 * i)
        talk.syn()
        sent_ns = talk.now
        talk.syn_ack()
        if acknowledged:
            talk.segment(ORIG, "A")
        for seconds in (1, 3, 7):
            talk.now = sent_ns + seconds * SECOND
            talk.syn_ack(seq=talk.isn[RESP])


def tarpit(traffic: Traffic) -> None:
    """A handshake with a responder that never opens its window."""
    talk = telnet(traffic, port=50516)
    talk.syn()
    talk.segment(RESP, "SA", options=[("MSS", 536)], window=0)
    talk.segment(ORIG, "A", options=[])
    for pause in (1, 2, 4, 8):
        talk.now += pause * SECOND
        # A probe of a zero window: one octet that is not accepted (RFC 9293 3.8.6.1).
        talk.segment(ORIG, "A", b"\r", seq=talk.next_seq[ORIG], options=[])
        talk.segment(RESP, "A", options=[], window=0)


def udp23(traffic: Traffic) -> None:
    """UDP to port 23: answered, unanswered, and refused by ICMP."""
    keep_busy(traffic, OFFICE, 40114, 75)
    answered = Datagrams(traffic, (DESK, PRESS), (50520, 23))
    answered.send(0.5, ORIG, b"status?\n")
    answered.send(0.503, RESP, b"press-07 idle\n")
    Datagrams(traffic, (DESK, PLANT), (50522, 23)).send(1.0, ORIG, b"status?\n")
    refused = Datagrams(traffic, (DESK, PRESS_2), (50524, 23)).send(1.5, ORIG, b"status?\n")
    talk = Conversation(traffic, (DESK, PRESS_2), (50524, 23), 1.501)
    unreachable(talk, refused, PRESS_2, 3)


def external(traffic: Traffic) -> None:
    """A login on a public address."""
    talk = telnet(traffic, PUBLIC, Path(one_way_ns=11_500_000), 50530)
    telnet_session(talk, "visitor", "mud")


def internal(traffic: Traffic) -> None:
    """Two logins on internal addresses, each seen on an interface of its own."""
    telnet_session(telnet(traffic, PLANT, Path(one_way_ns=2_000_000), 50540))
    telnet_session(telnet(traffic, PRESS_2, Path(tags=Tags(interface=1)), 50542, at=4.0))


def told_by_ptcpdump(traffic: Traffic) -> None:
    """Three processes: two telnets, to a public and an internal address, and one seen midway."""
    telnet_session(telnet(traffic, PUBLIC, Path(one_way_ns=11_500_000), 50580), "visitor", "mud")
    telnet_session(telnet(traffic, PRESS, port=50582, at=3.0))
    older = telnet(traffic, PRESS_2, port=50584, at=1.0)
    type_line(older, "uptime", " 03:04:06 up 90 days\r\n")
    older.close(ORIG)


def told_by_pktap(traffic: Traffic) -> None:
    """A telnet on a Mac to a public address."""
    talk = telnet(traffic, PUBLIC, Path(one_way_ns=11_500_000), 50592)
    telnet_session(talk, "visitor", "mud")


def fast_open(traffic: Traffic) -> None:
    """Data in the SYN (RFC 7413): once taken and answered, once refused."""
    cookie = ("TFO", (0x5EED1234, 0xC0FFEE42))
    talk = telnet(traffic, port=50550)
    syn = [*talk.syn_options(ORIG)[:3], cookie]
    talk.segment(ORIG, "S", NEGOTIATION[1][1], options=syn, window=64_240)
    talk.syn_ack()
    talk.segment(ORIG, "A")
    negotiate(talk)
    talk.close(ORIG)
    refused = telnet(traffic, PRESS_2, port=50552, at=1.0)
    syn = [*refused.syn_options(ORIG)[:3], cookie]
    refused.segment(ORIG, "S", NEGOTIATION[1][1], options=syn, window=64_240)
    refused.refuse()


def simultaneous_open(traffic: Traffic) -> None:
    """Both sides send a SYN before either has seen the other's (RFC 9293 3.5)."""
    talk = telnet(traffic, port=50560)
    talk.syn()
    talk.segment(RESP, "S", options=talk.syn_options(RESP), window=65_160)
    for side in (ORIG, RESP):
        talk.segment(side, "SA", seq=talk.isn[side], options=talk.syn_options(side), window=64_240)
    talk.wait(6_000)
    talk.close(RESP)


def duplicated(traffic: Traffic) -> None:
    """A login whose every frame the mirror port sees twice: before and behind a router."""
    telnet_session(telnet(traffic, PLANT, port=50570))
    for frame in list(traffic.frames):
        traffic.frames.append(_routed(frame))


def _routed(frame: Frame) -> Frame:
    """The frame 0.1 ms later behind a router: other MAC addresses, one hop less."""
    ether = Ether(frame.octets)
    ether.src, ether.dst = "02:00:5e:00:02:01", "02:42:0a:28:07:09"
    ether[IP].ttl -= 1
    del ether[IP].chksum
    return Frame(frame.time_ns + 100_000, bytes(ether), frame.interface)


def time_backwards(traffic: Traffic) -> None:
    """A login during which the capture's clock is set back twice, by 3 s and by 0.25 s."""
    telnet_session(telnet(traffic, port=50580))
    moved = []
    for i, frame in enumerate(traffic.frames):
        back_ns = (3 * SECOND if i >= 30 else 0) + (SECOND // 4 if i >= 60 else 0)
        moved.append(replace(frame, time_ns=frame.time_ns - back_ns))
    traffic.frames = moved


def lone_segment(payload: bytes = b"", flags: str = "PA") -> bytes:
    """One sound frame to port 23, for captures that bend it."""
    tcp = TCP(sport=50590, dport=23, seq=1_000, ack=2_000, flags=flags, window=502)
    return bytes(
        Ether(src=DESK.mac, dst=PRESS.mac) / ip_packet(DESK, PRESS, False, 7) / tcp / Raw(payload)
    )


STORIES: dict[str, Callable[[Traffic], None]] = {
    "telnet_accepted_v4": accepted_v4,
    "telnet_accepted_v6": accepted_v6,
    "telnet_vlan": accepted_vlan,
    "telnet_qinq": accepted_qinq,
    "telnet_refused_rst": refused_rst,
    "telnet_refused_icmp": refused_icmp,
    "telnet_dropped": dropped,
    "telnet_half_open_scan": half_open_scan,
    "telnet_backscatter": backscatter,
    "telnet_midstream": midstream,
    "telnet_one_sided": one_sided,
    "telnet_one_sided_responder": one_sided_responder,
    "telnet_reset_after_handshake": reset_after_handshake,
    "telnet_handshake_silent": handshake_silent,
    "telnet_handshake_incomplete": handshake_incomplete,
    "telnet_connect_scan": connect_scan,
    "telnet_tarpit": tarpit,
    "telnet_udp23": udp23,
    "telnet_external": external,
    "telnet_ptcpdump": told_by_ptcpdump,
    "telnet_pktap": told_by_pktap,
    "telnet_internal": internal,
    "telnet_fast_open": fast_open,
    "telnet_simultaneous_open": simultaneous_open,
    "telnet_duplicated": duplicated,
    "telnet_time_backwards": time_backwards,
}
