"""The captures of tunnels and of other links: a telnet login in each, told by the file's name."""

from __future__ import annotations

import struct
from collections.abc import Callable

from dialogue import telnet_session
from scapy.contrib.erspan import ERSPAN_II, ERSPAN_III, ERSPAN_PlatformSpecific
from scapy.contrib.geneve import GENEVE, GeneveOptions
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.mpls import MPLS
from scapy.layers.dot11 import Dot11, Dot11QoS, RadioTap
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE, GRE_PPTP, LLC, SNAP, Ether
from scapy.layers.ppp import HDLC, PPP, PPPoE
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw
from telnet_captures import DESK, telnet
from traffic import MS, Conversation, Host, Path, Tags, Traffic

LEAF = Host("02:00:00:00:ff:01", "10.255.0.1", "2001:db8:ff::1")
LEAF_2 = Host("02:00:00:00:ff:02", "10.255.0.2", "2001:db8:ff::2")
ACCESS_POINT = "02:00:5e:00:11:01"
V6 = Path(v6=True)

Ends = tuple[Host, Host]
Around = Callable[[Ends, Packet], Packet]


class Tunnelled(Traffic):
    """Traffic whose packets are recorded with something around them, in another capture."""

    def __init__(self, under: Traffic, around: Around) -> None:
        """Record into `under` what `around` makes of the ends and the packet."""
        self.name, self.link, self.frames = under.name, under.link, under.frames
        self.random = under.random
        self._around = around

    def add_packet(
        self, time_ns: int, ends: Ends, packet: Packet, tags: Tags | None = None
    ) -> None:
        """Record an IP packet in its tunnel."""
        self.add(time_ns, bytes(self._around(ends, packet)))


def inside(
    traffic: Traffic, around: Around, path: Path | None = None, port: int = 50432, at: float = 0.0
) -> Conversation:
    """A connection of the desk to a telnet server that is seen in a tunnel."""
    return telnet(Tunnelled(traffic, around), path=path, port=port, at=at)


def login(
    traffic: Traffic, around: Around, path: Path | None = None, port: int = 50432, at: float = 0.0
) -> None:
    """A whole telnet session that is seen in a tunnel."""
    telnet_session(inside(traffic, around, path, port, at))


def underlay(traffic: Traffic, ends: Ends, v6: bool = False) -> Packet:
    """The outer IP packet: the desk is behind one router, the server behind the other."""
    src, dst = (LEAF, LEAF_2) if ends[0] is DESK else (LEAF_2, LEAF)
    return outer(traffic, src, dst, v6)


def outer(traffic: Traffic, src: Host, dst: Host, v6: bool = False) -> Packet:
    """An Ethernet and an IP header between two routers."""
    ether = Ether(src=src.mac, dst=dst.mac)
    if v6:
        return ether / IPv6(src=src.v6, dst=dst.v6, hlim=62)
    return ether / IP(src=src.v4, dst=dst.v4, ttl=62, id=traffic.random.randrange(1 << 16))


def framed(ends: Ends, packet: Packet) -> Packet:
    """The Ethernet frame of the hosts themselves."""
    return Ether(src=ends[0].mac, dst=ends[1].mac) / packet


def vxlan(traffic: Traffic) -> None:
    """Two tenants with the same addresses and ports: one login is accepted, one refused."""

    def tenant(vni: int) -> Around:
        def around(ends: Ends, packet: Packet) -> Packet:
            datagram = UDP(sport=50_000 + vni, dport=4789, chksum=0) / VXLAN(vni=vni, flags=8)
            return underlay(traffic, ends) / datagram / framed(ends, packet)

        return around

    login(traffic, tenant(5001))
    refused = inside(traffic, tenant(5002), at=0.0001)
    refused.syn()
    refused.refuse()


def geneve(traffic: Traffic) -> None:
    """A login in Geneve with an option, over IPv6."""

    def around(ends: Ends, packet: Packet) -> Packet:
        option = GeneveOptions(classid=0x0102, type=0x80, data=b"\0\x01\0\x02")
        datagram = UDP(sport=52_100, dport=6081) / GENEVE(
            vni=6001, proto=0x6558, options=[option])
        return underlay(traffic, ends, v6=True) / datagram / framed(ends, packet)

    login(traffic, around)


def gre(traffic: Traffic) -> None:
    """A login in GRE with a key, a checksum and numbers; one in VXLAN in that GRE."""

    def keyed(ends: Ends) -> Packet:
        header = GRE(proto=0x800, key_present=1, key=77, chksum_present=1, seqnum_present=1,
                     sequence_number=len(traffic.frames))
        return underlay(traffic, ends) / header

    def nested(ends: Ends, packet: Packet) -> Packet:
        src, dst = ("10.254.0.1", "10.254.0.2") if ends[0] is DESK else ("10.254.0.2", "10.254.0.1")
        datagram = UDP(sport=50_100, dport=4789, chksum=0) / VXLAN(vni=5003, flags=8)
        return keyed(ends) / IP(src=src, dst=dst, id=0) / datagram / framed(ends, packet)

    login(traffic, lambda ends, packet: keyed(ends) / packet)
    login(traffic, nested, port=50434, at=1.0)


def pptp(traffic: Traffic) -> None:
    """A login in PPTP: each direction has a call of its own."""

    def around(ends: Ends, packet: Packet) -> Packet:
        header = GRE_PPTP(call_id=3 if ends[0] is DESK else 9, seqnum_present=1,
                          seqence_number=len(traffic.frames))
        return underlay(traffic, ends) / header / HDLC() / PPP(proto=0x21) / packet

    login(traffic, around)


def erspan(traffic: Traffic) -> None:
    """A switch mirrors three logins to a collector, with ERSPAN of type I, II and III."""

    def mirrored(header: Callable[[], Packet]) -> Around:
        def around(ends: Ends, packet: Packet) -> Packet:
            return outer(traffic, LEAF, LEAF_2) / header() / framed(ends, packet)

        return around

    def numbered(proto: int) -> Packet:
        return GRE(proto=proto, seqnum_present=1, sequence_number=len(traffic.frames))

    login(traffic, mirrored(lambda: GRE(proto=0x88BE)), port=50440)
    login(traffic, mirrored(lambda: numbered(0x88BE) / ERSPAN_II(
        vlan=120, en=2, session_id=50, index=7)), port=50442, at=1.0)
    login(traffic, mirrored(lambda: numbered(0x22EB) / ERSPAN_III(
        vlan=120, session_id=51, timestamp=1234, o=1) / ERSPAN_PlatformSpecific()),
        port=50444, at=2.0)


def gtp(traffic: Traffic) -> None:
    """A login of a mobile: the tunnels of the two directions have ids of their own."""

    def around(ends: Ends, packet: Packet) -> Packet:
        up = ends[0] is DESK
        header = GTP_U_Header(teid=0x1001 if up else 0x2002, E=1, next_ex=0x85)
        session = GTPPDUSessionContainer(type=1 if up else 0, QFI=9)
        datagram = UDP(sport=2152, dport=2152, chksum=0) / header / session
        return underlay(traffic, ends) / datagram / packet

    login(traffic, around)


def ip_in_ip(traffic: Traffic) -> None:
    """Logins in IPv4 in IPv4, IPv6 in IPv4 and IPv4 in IPv6."""
    login(traffic, lambda ends, packet: underlay(traffic, ends) / packet, port=50450)
    login(traffic, lambda ends, packet: underlay(traffic, ends) / packet, V6, 50452, 1.0)
    login(traffic, lambda ends, packet: underlay(traffic, ends, v6=True) / packet,
          port=50454, at=2.0)


def mpls(traffic: Traffic) -> None:
    """A login behind two labels, and one in a pseudowire with a control word."""

    def labels(ends: Ends, *numbers: int) -> Packet:
        src, dst = (LEAF, LEAF_2) if ends[0] is DESK else (LEAF_2, LEAF)
        stack = Ether(src=src.mac, dst=dst.mac, type=0x8847)
        for number in numbers:
            stack = stack / MPLS(label=number, s=int(number == numbers[-1]), ttl=63)
        return stack

    def pseudowire(ends: Ends, packet: Packet) -> Packet:
        word = struct.pack("!I", len(traffic.frames) & 0xFFFF)
        return labels(ends, 300, 400) / Raw(word + bytes(framed(ends, packet)))

    login(traffic, lambda ends, packet: labels(ends, 100, 200) / packet, port=50460)
    login(traffic, pseudowire, port=50462, at=1.0)


def pppoe(traffic: Traffic) -> None:
    """A login over a DSL line, IPv4 and IPv6 in one PPPoE session."""

    def around(ends: Ends, packet: Packet) -> Packet:
        src, dst = (LEAF, LEAF_2) if ends[0] is DESK else (LEAF_2, LEAF)
        protocol = 0x57 if isinstance(packet, IPv6) else 0x21
        ether = Ether(src=src.mac, dst=dst.mac, type=0x8864)
        return ether / PPPoE(sessionid=0x1B) / PPP(proto=protocol) / packet

    login(traffic, around, port=50470)
    login(traffic, around, V6, 50472, 1.0)


def ppp(traffic: Traffic) -> None:
    """A login on a serial line."""
    login(traffic, lambda _ends, packet: HDLC() / PPP(proto=0x21) / packet)


def wireless(traffic: Traffic) -> None:
    """A login of a desk on a wireless network, seen on air with radiotap, among beacons."""

    def around(ends: Ends, packet: Packet) -> Packet:
        up = ends[0] is DESK
        addresses = ((ACCESS_POINT, DESK.mac, ends[1].mac) if up
                     else (DESK.mac, ACCESS_POINT, ends[0].mac))  # fmt: skip
        frame = Dot11(type=2, subtype=8, FCfield=1 if up else 2, addr1=addresses[0],
                      addr2=addresses[1], addr3=addresses[2],
                      SC=(len(traffic.frames) & 0xFFF) << 4)
        ethertype = 0x86DD if isinstance(packet, IPv6) else 0x0800
        link = LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(OUI=0, code=ethertype)
        return RadioTap() / frame / Dot11QoS() / link / packet

    login(traffic, around)
    beacon = RadioTap() / Dot11(type=0, subtype=8, addr1="ff:ff:ff:ff:ff:ff",
                                addr2=ACCESS_POINT, addr3=ACCESS_POINT)
    for i in range(8):
        traffic.add(i * 102 * MS, bytes(beacon) + bytes(8) + b"\x64\0\x01\0\0\5press")


TUNNELS: dict[str, Callable[[Traffic], None]] = {
    "telnet_vxlan": vxlan,
    "telnet_geneve": geneve,
    "telnet_gre": gre,
    "telnet_pptp": pptp,
    "telnet_erspan": erspan,
    "telnet_gtp": gtp,
    "telnet_ip_in_ip": ip_in_ip,
    "telnet_mpls": mpls,
    "telnet_pppoe": pppoe,
    "telnet_ppp": ppp,
    "telnet_wireless": wireless,
}
