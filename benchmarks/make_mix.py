"""Write a seeded mix of traffic as a pcap file, and the exact truth about it beside the file.

    python benchmarks/make_mix.py --packets 5000000 --flows 200000 --seed 1

Every TCP flow is what a strict state machine expects: the sequence and acknowledgement numbers are
exact, nothing is lost, reordered or sent twice, except the SYNs of unanswered attempts. Transport
checksums are pseudo-random (every frame has another), IPv4 header checksums are right.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from wire import (
    ACK,
    FIN,
    FRAME_MIN,
    ICMP,
    ICMPV6,
    PCAP_HEADER,
    PSH,
    RECORD_BYTES,
    RST,
    SYN,
    TCP,
    UDP,
    fill_fixed,
    fill_ipv4_checksum,
    header_type,
    transport_bytes,
)

Array = np.ndarray[Any, Any]

START_US = 1_767_323_045_000_000
"""2026-01-02T03:04:05Z."""
ACCEPTED, REFUSED, UNANSWERED = 0, 1, 2
OUTCOMES = ("accepted", "refused", "unanswered")
CLOSE_FIN, CLOSE_RST, CLOSE_NONE = 0, 1, 2
CLOSE_PACKETS = np.array([3, 1, 0])
SYN_GAPS_US = np.array([0, 1_000_000, 2_000_000, 4_000_000])
"""Linux doubles the wait for a SYN-ACK from one second on (RFC 6298 2)."""
LIFETIME_MAX_S = 45.0
CHUNK = 400_000
PORTS = np.array([443, 443, 443, 443, 80, 80, 22, 445, 8080, 25, 993, 3306, 5432, 8443, 389, 5671])
UDP_PORTS = np.array([53, 53, 53, 123, 443, 443, 161, 5060])

# The networks that the telnet rule's own list calls inside; everything else is external to it,
# unique local IPv6 addresses (fc00::/7) among them.
NOT_EXTERNAL = [
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.168.0.0/16", "192.88.99.0/24",
        "224.0.0.0/4", "100.64.0.0/10", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "240.0.0.0/4", "::1/128", "fe80::/10", "ff00::/8",
    )
]


@dataclass(frozen=True)
class Hosts:
    """Every host has an IPv4 and an IPv6 address; the first `inside` of them are ours."""

    inside: int
    v4: Array
    v6_hi: Array
    v6_lo: Array
    mac: Array


@dataclass(frozen=True)
class Flows:
    """One row per flow; the times are microseconds after START_US."""

    protocol: Array  # TCP, UDP or ICMP (ICMPv6 on the wire if v6)
    outcome: Array
    telnet: Array
    v6: Array
    vlan: Array  # 0: untagged
    client: Array  # index into Hosts
    server: Array
    src_port: Array
    dst_port: Array
    close: Array
    packets: Array
    lifetime_us: Array
    start_us: Array

    @property
    def first(self) -> Array:
        """Index of each flow's first packet, in order of flows."""
        return np.cumsum(self.packets) - self.packets


@dataclass(frozen=True)
class Packets:
    """One row per packet, in order of flows."""

    flow: Array
    reply: Array  # 1: sent by the server
    flags: Array
    payload: Array
    seq: Array
    ack: Array
    time_us: Array
    position: Array  # in its flow


def make_hosts(rng: np.random.Generator, count: int) -> Hosts:
    """Hosts with distinct addresses: a quarter inside (10/8, fd00::/8), the others outside."""
    inside = count // 4
    outside = count - inside
    public = np.array([5, 23, 31, 37, 45, 51, 62, 77, 81, 91, 93, 104, 128, 151, 185, 212])
    low = rng.permutation(1 << 22)[:outside]
    v4_outside = (public[low & 15] << 24) | ((low >> 4) << 6) | rng.integers(1, 63, outside)
    v4_inside = (10 << 24) | (rng.permutation(1 << 20)[:inside] << 4) | 7
    number = np.arange(count, dtype=np.uint64)
    hi = np.where(number < inside, 0xFD00_0001_0002_0000, 0x2A02_0000_0000_0000).astype(np.uint64)
    hi += (number % np.uint64(97)) << np.uint64(8)
    lo = (number * np.uint64(0x9E37_79B9_7F4A_7C15)) | np.uint64(1 << 40)
    mac = rng.integers(0, 256, (count, 6), dtype=np.uint8)
    mac[:, 0] = 2
    return Hosts(inside, np.concatenate([v4_inside, v4_outside]), hi, lo, mac)


def shares(rng: np.random.Generator, flows: int, total: int, at_least: Array) -> Array:
    """`total` packets dealt to the flows with a heavy tail, each getting its minimum."""
    spare = total - int(at_least.sum())
    if flows == 0 or spare < 0:
        raise SystemExit("make_mix: too few packets for so many flows")
    weight = np.minimum(rng.pareto(1.15, flows), 2_000.0)
    extra = np.floor(weight * (spare / weight.sum())).astype(np.int64)
    rest = spare - int(extra.sum())
    extra[rng.permutation(flows)[:rest]] += 1
    return np.asarray(at_least + extra)


def unique_ports(rng: np.random.Generator, client: Array) -> Array:
    """Ephemeral ports of which no client uses one twice, so that no 5-tuple returns."""
    order = np.argsort(client, kind="stable")
    ranked = client[order]
    first = np.searchsorted(ranked, ranked)
    rank = np.empty(len(client), np.int64)
    rank[order] = np.arange(len(client)) - first
    base = rng.integers(0, 28_000, int(client.max()) + 1)
    if int(rank.max()) >= 28_000:
        raise SystemExit("make_mix: a client has more flows than ports")
    return np.asarray(32_768 + (base[client] + rank) % 28_000)


def choose_hosts(rng: np.random.Generator, hosts: Hosts, flows: int) -> tuple[Array, Array]:
    """A client and another host as its server; few hosts are in many flows, most in few."""
    count = len(hosts.v4)
    outside = count - hosts.inside

    def pick(inside: Array) -> Array:
        popular = rng.random(flows) ** 2
        ours, theirs = popular * hosts.inside, hosts.inside + popular * outside
        return np.where(inside, ours, theirs).astype(np.int64)

    client_inside = rng.random(flows) < 0.8
    client = pick(client_inside)
    server = pick(~client_inside | (rng.random(flows) < 0.4))
    same = client == server
    server[same] = (server[same] + 1) % hosts.inside
    return client, server


def minimum_packets(flows: dict[str, Array]) -> Array:
    """The packets that a flow needs for its outcome to be what the truth says it is."""
    tcp = flows["protocol"] == TCP
    opened = 3 + np.where(flows["telnet"], 6, 2) + CLOSE_PACKETS[flows["close"]]
    tcp_packets = np.choose(flows["outcome"], [opened, np.int64(2), flows["syns"]])
    return np.where(tcp, tcp_packets, np.where(flows["outcome"] == UNANSWERED, 1, 2))


def make_flows(
    rng: np.random.Generator, hosts: Hosts, count: int, packets: int, duration_s: float
) -> Flows:
    """The flows of the mix: who, what, when, how many packets."""
    kind = rng.permutation(count)
    telnet = kind < count // 100
    protocol = np.where(kind < count * 9 // 10, TCP, np.where(kind < count * 98 // 100, UDP, ICMP))
    luck = rng.random(count)
    other = np.where(luck < 0.88, ACCEPTED, np.where(luck < 0.94, REFUSED, UNANSWERED))
    outcome = np.where(telnet, kind % 3, other)
    silent_udp = (protocol == UDP) & (luck > 0.96)
    outcome = np.where(protocol == TCP, outcome, np.where(silent_udp, UNANSWERED, ACCEPTED))
    close = rng.choice([CLOSE_FIN, CLOSE_RST, CLOSE_NONE], count, p=[0.75, 0.15, 0.1])
    syns = np.where(telnet, 4, rng.integers(1, 5, count))
    least = minimum_packets(
        {"protocol": protocol, "outcome": outcome, "telnet": telnet, "close": close, "syns": syns}
    )
    sizes = least.copy()
    not_tcp_packets = packets // 10
    for group, total in (
        (protocol == TCP, packets - not_tcp_packets),
        (protocol == UDP, not_tcp_packets * 9 // 10),
        (protocol == ICMP, not_tcp_packets - not_tcp_packets * 9 // 10),
    ):
        grows = group & (outcome == ACCEPTED)
        fixed = int(least[group & ~grows].sum())
        sizes[grows] = shares(rng, int(grows.sum()), total - fixed, least[grows])

    lifetime = np.minimum(rng.lognormal(-1.0, 1.6, count) * (1 + sizes / 200), LIFETIME_MAX_S)
    # An attempt must be able to time out before the capture ends: 30 s after its last SYN, 60 s
    # after an unanswered UDP packet.
    reserve = np.where(outcome == UNANSWERED, np.where(protocol == TCP, 38.0, 61.0), lifetime + 0.5)
    start = rng.random(count) * (duration_s - reserve)
    client, server = choose_hosts(rng, hosts, count)
    dst_port = np.where(protocol == UDP, rng.choice(UDP_PORTS, count), rng.choice(PORTS, count))
    return Flows(
        protocol=protocol, outcome=outcome, telnet=telnet, v6=rng.random(count) < 0.1,
        vlan=np.where(rng.random(count) < 0.05, rng.choice([10, 20, 301], count), 0),
        client=client, server=server, src_port=unique_ports(rng, client),
        dst_port=np.where(telnet, 23, dst_port), close=close, packets=sizes,
        lifetime_us=(lifetime * 1e6).astype(np.int64), start_us=(start * 1e6).astype(np.int64),
    )


def running_total(values: Array, flow: Array, first: Array) -> Array:
    """The sum of a flow's earlier values, at each of its packets."""
    before = np.cumsum(values) - values
    return np.asarray(before - before[first][flow])


def tcp_shape(
    rng: np.random.Generator, flows: Flows, flow: Array, position: Array
) -> tuple[Array, Array, Array]:
    """Direction, flags and payload octets of each packet, as if all were TCP."""
    count = len(flow)
    outcome, left = flows.outcome[flow], flows.packets[flow] - position
    close = flows.close[flow]
    ending = left <= CLOSE_PACKETS[close]
    data = (position >= 3) & ~ending
    # A bare acknowledgement only answers a data segment just before it, so none is a duplicate.
    wish = rng.random(count) < 0.5
    after = np.concatenate([[False], ~wish[:-1]])
    bare = data & (position > 3) & wish & after
    server_talks = 0.3 + 0.6 * rng.random(len(flows.packets))
    reply = rng.random(count) < server_talks[flow]
    server_first = flows.telnet | (flows.close == CLOSE_RST)
    reply = np.where(position == 3, server_first[flow], reply)
    closer = rng.random(len(flows.packets)) < 0.5
    reply = np.where(ending, closer[flow] ^ ((close == CLOSE_FIN) & (left == 2)), reply)
    reply = np.where(position < 3, position == 1, reply)
    reply[bare] = ~reply[np.flatnonzero(bare) - 1]
    reply = np.where(outcome == UNANSWERED, False, reply)

    sizes = np.where(rng.random(count) < 0.27, 1428, 1 + rng.lognormal(4.3, 1.1, count))
    sizes = np.where(flows.telnet[flow], 1 + rng.lognormal(2.0, 1.2, count), sizes)
    payload = np.where(data & ~bare, np.minimum(sizes, 1428), 0).astype(np.int64)

    flags = np.where(data & ~bare, PSH | ACK, ACK)
    flags = np.where(ending & (close == CLOSE_FIN) & (left > 1), FIN | ACK, flags)
    flags = np.where(ending & (close == CLOSE_RST), RST | ACK, flags)
    flags = np.where(position == 1, SYN | ACK, np.where(position == 0, SYN, flags))
    flags = np.where((outcome == REFUSED) & (position == 1), RST | ACK, flags)
    flags = np.where(outcome == UNANSWERED, SYN, flags)
    refused_or_silent = outcome != ACCEPTED
    return reply.astype(np.int64), flags, np.where(refused_or_silent, 0, payload)


def make_times(rng: np.random.Generator, flows: Flows, flow: Array, position: Array) -> Array:
    """Microseconds of each packet: a handshake at the speed of the path, then bursts and pauses."""
    first = flows.first
    pause = rng.exponential(1.0, len(flow)) ** 2
    pause[position == 0] = 0.0
    scale = flows.lifetime_us / np.maximum(np.add.reduceat(pause, first), 1e-9)
    gap = (pause * scale[flow]).astype(np.int64)
    round_trip = (rng.lognormal(9.0, 1.2, len(first))).clip(150, 300_000).astype(np.int64)
    tcp = flows.protocol[flow] == TCP
    gap = np.where(position == 1, round_trip[flow], gap)
    gap = np.where(tcp & (position == 2), 20 + round_trip[flow] // 50, gap)
    # The other side's FIN and the last acknowledgement follow the first FIN at once.
    closing = tcp & (flows.close[flow] == CLOSE_FIN) & (flows.packets[flow] - position <= 2)
    gap = np.where(closing & (position > 2), round_trip[flow] // 2, gap)
    resent = tcp & (flows.outcome[flow] == UNANSWERED)
    gap = np.where(resent, SYN_GAPS_US[np.minimum(position, 3)], np.maximum(gap, 1))
    gap[position == 0] = 0
    return np.asarray(running_total(gap, flow, first) + gap + flows.start_us[flow])


def make_packets(rng: np.random.Generator, flows: Flows) -> Packets:
    """Every packet of every flow, with exact sequence arithmetic."""
    first = flows.first
    flow = np.repeat(np.arange(len(first)), flows.packets)
    position = np.arange(len(flow)) - first[flow]
    reply, flags, payload = tcp_shape(rng, flows, flow, position)
    protocol = flows.protocol[flow]
    alternating = np.where(flows.outcome[flow] == UNANSWERED, 0, position & 1)
    reply = np.where(protocol == TCP, reply, alternating)
    datagram = np.minimum(30 + rng.lognormal(4.7, 1.0, len(flow)), 1200).astype(np.int64)
    payload = np.where(protocol == TCP, payload, np.where(protocol == UDP, datagram, 56))

    used = payload + ((flags & SYN) != 0) + ((flags & FIN) != 0)
    sent = [running_total(used * (reply == side), flow, first) for side in (0, 1)]
    isn = rng.integers(0, 1 << 32, (2, len(first)))
    own = np.where(reply == 0, isn[0][flow] + sent[0], isn[1][flow] + sent[1])
    peer = np.where(reply == 0, isn[1][flow] + sent[1], isn[0][flow] + sent[0])
    # A repeated SYN has its first number again; a reset that answers a SYN has none (RFC 9293
    # 3.10.7.1).
    own = np.where(flags == SYN, isn[0][flow], own)
    own = np.where((flows.outcome[flow] == REFUSED) & (position == 1), 0, own)
    own = np.where(protocol == TCP, own, position >> 1)
    ack = np.where((flags & ACK) != 0, peer, 0)
    mask = 0xFFFF_FFFF
    times = make_times(rng, flows, flow, position)
    return Packets(flow, reply, flags, payload, own & mask, ack & mask, times, position)


def ip_ids(rng: np.random.Generator, sender: Array) -> Array:
    """IPv4 identifications that count up for each sender, in the order of the capture."""
    order = np.argsort(sender, kind="stable")
    ranked = sender[order]
    number = np.empty(len(sender), np.int64)
    number[order] = np.arange(len(sender)) - np.searchsorted(ranked, ranked)
    base = rng.integers(0, 1 << 16, int(sender.max()) + 1)
    return np.asarray((base[sender] + number) & 0xFFFF)


class Writer:
    """Packets in the order of the capture, written as pcap records."""

    def __init__(self, rng: np.random.Generator, hosts: Hosts, flows: Flows, packets: Packets):
        """Sort the packets by time, and number them for their senders."""
        self.hosts, self.flows, self.packets = hosts, flows, packets
        self.order = np.argsort(packets.time_us, kind="stable")
        flow, reply = packets.flow[self.order], packets.reply[self.order]
        self.sender = np.where(reply == 1, flows.server[flow], flows.client[flow])
        self.receiver = np.where(reply == 1, flows.client[flow], flows.server[flow])
        self.ip_id = ip_ids(rng, self.sender)
        self.checksum = rng.integers(1, 1 << 16, len(flow), dtype=np.uint16)
        self.window = rng.integers(501, 2000, len(flow), dtype=np.uint16)
        self.text = rng.integers(0x61, 0x7B, 1 << 22, dtype=np.uint8)
        self.options = self._options_bytes()
        protocol = flows.protocol[flow]
        layers = 14 + 4 * (flows.vlan[flow] != 0) + np.where(flows.v6[flow], 40, 20)
        self.headers = layers + np.where(protocol == TCP, 20 + self.options, 8)
        self.frame = np.maximum(self.headers + packets.payload[self.order], FRAME_MIN)

    def _options_bytes(self) -> Array:
        flags = self.packets.flags[self.order]
        tcp = self.flows.protocol[self.packets.flow[self.order]] == TCP
        syn, reset = (flags & SYN) != 0, (flags & RST) != 0
        return np.where(tcp & syn, 20, np.where(tcp & ~reset, 12, 0))

    def write(self, out: BinaryIO) -> int:
        """Write the whole capture; the octets of all frames."""
        out.write(PCAP_HEADER)
        for at in range(0, len(self.order), CHUNK):
            out.write(self._chunk(slice(at, at + CHUNK)))
        return int(self.frame.sum())

    def _chunk(self, part: slice) -> memoryview:
        sizes = self.frame[part] + RECORD_BYTES
        offset = np.cumsum(sizes) - sizes
        total = int(sizes.sum())
        octets = np.resize(self.text, total)
        flow = self.packets.flow[self.order[part]]
        # One number per shape of header, so that each shape is filled column by column.
        shape = (
            self.flows.protocol[flow] * 128 + self.options[part] * 4
            + (self.flows.vlan[flow] != 0) * 2 + self.flows.v6[flow]
        )
        for code in np.unique(shape):
            rows = np.flatnonzero(shape == code)
            records = self._headers(rows + part.start, int(code))
            raw = records.view(np.uint8).reshape(len(rows), -1)
            octets[offset[rows][:, None] + np.arange(raw.shape[1])] = raw
            used = RECORD_BYTES + self.headers[rows + part.start]
            used = used + self.packets.payload[self.order[rows + part.start]]
            for i in np.flatnonzero(used < sizes[rows]):
                octets[offset[rows[i]] + used[i] : offset[rows[i]] + sizes[rows[i]]] = 0
        return memoryview(octets)

    def _headers(self, rows: Array, code: int) -> Array:
        protocol, options = code // 128, code % 128 // 4
        tagged, v6 = bool(code & 2), bool(code & 1)
        where = self.order[rows]
        flow, payload = self.packets.flow[where], self.packets.payload[where]
        records = np.zeros(len(rows), header_type(tagged, v6, protocol, options))
        fill_fixed(records)
        times = self.packets.time_us[where] + START_US
        records["seconds"], records["micros"] = times // 1_000_000, times % 1_000_000
        records["captured"] = records["wire"] = self.frame[rows]
        records["mac_src"] = self.hosts.mac[self.sender[rows]]
        records["mac_dst"] = self.hosts.mac[self.receiver[rows]]
        if tagged:
            records["tci"] = self.flows.vlan[flow]
        wire_protocol = ICMPV6 if v6 and protocol == ICMP else protocol
        records["protocol"], records["ttl"] = wire_protocol, 52 + (flow & 7)
        body = transport_bytes(protocol, options) + payload
        if v6:
            records["ip_length"] = body
            for end, host in (("src", self.sender[rows]), ("dst", self.receiver[rows])):
                records[end + "_hi"] = self.hosts.v6_hi[host]
                records[end + "_lo"] = self.hosts.v6_lo[host]
        else:
            records["ip_length"], records["ip_id"] = 20 + body, self.ip_id[rows]
            records["src"] = self.hosts.v4[self.sender[rows]]
            records["dst"] = self.hosts.v4[self.receiver[rows]]
            fill_ipv4_checksum(records)
        self._transport(records, rows, protocol, v6)
        return records

    def _transport(self, records: Array, rows: Array, protocol: int, v6: bool) -> None:
        where = self.order[rows]
        flow, reply = self.packets.flow[where], self.packets.reply[where] == 1
        client, server = self.flows.src_port[flow], self.flows.dst_port[flow]
        records["checksum"] = self.checksum[rows]
        records["src_port"] = np.where(reply, server, client)
        if protocol == ICMP:
            records["icmp_type"] = np.where(reply, *((129, 128) if v6 else (0, 8)))
            records["src_port"] = client
            records["seq"] = self.packets.seq[where]
            return
        records["dst_port"] = np.where(reply, client, server)
        if protocol == UDP:
            records["udp_length"] = 8 + self.packets.payload[where]
            return
        flags = self.packets.flags[where]
        options = self.options[rows]
        records["seq"], records["ack"] = self.packets.seq[where], self.packets.ack[where]
        records["flags"], records["data_offset"] = flags, (20 + options) // 4 << 4
        window = np.where((flags & SYN) != 0, 64_240, self.window[rows])
        records["window"] = np.where((flags & RST) != 0, 0, window)
        if "ts_value" in (records.dtype.names or ()):
            now_ms = self.packets.time_us[where] // 1000
            records["ts_value"] = now_ms + 1_000_003 * (1 + self.sender[rows] % 1999)
            echo = now_ms + 1_000_003 * (1 + self.receiver[rows] % 1999)
            records["ts_echo"] = np.where(flags == SYN, 0, echo)


def address(hosts: Hosts, host: int, v6: bool) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address that a host has in a flow of this IP version."""
    if v6:
        return ipaddress.IPv6Address((int(hosts.v6_hi[host]) << 64) | int(hosts.v6_lo[host]))
    return ipaddress.IPv4Address(int(hosts.v4[host]))


def telnet_truth(hosts: Hosts, flows: Flows) -> dict[str, list[dict[str, Any]]]:
    """The telnet flows by outcome, each with its 5-tuple and the time of its first packet."""
    truth: dict[str, list[dict[str, Any]]] = {name: [] for name in OUTCOMES}
    telnet = np.flatnonzero(flows.telnet)
    for i in telnet[np.argsort(flows.start_us[telnet], kind="stable")]:
        v6 = bool(flows.v6[i])
        server = address(hosts, int(flows.server[i]), v6)
        truth[OUTCOMES[int(flows.outcome[i])]].append(
            {
                "source": str(address(hosts, int(flows.client[i]), v6)),
                "source_port": int(flows.src_port[i]),
                "destination": str(server),
                "destination_port": 23,
                "first_us": START_US + int(flows.start_us[i]),
                "external": not any(server in net for net in NOT_EXTERNAL),
            }
        )
    return truth


def make_truth(hosts: Hosts, flows: Flows, packets: Packets, octets: int) -> dict[str, Any]:
    """What an exact sensor must say about the capture."""
    end_us = int(packets.time_us.max())
    unanswered = flows.outcome[packets.flow] == UNANSWERED
    tcp = flows.protocol[packets.flow] == TCP
    last_syn_us = int(packets.time_us[unanswered & tcp].max())
    if last_syn_us + 30_000_000 >= end_us:
        raise SystemExit("make_mix: the capture ends before its last attempt times out")
    counts = np.bincount(flows.outcome, minlength=3)
    return {
        "packets": len(packets.flow),
        "octets": octets,
        "first_us": START_US + int(packets.time_us.min()),
        "last_us": START_US + end_us,
        "flows": {
            "total": len(flows.packets),
            "accepted": int(counts[ACCEPTED]),
            "denied": int(counts[REFUSED]),
            "dropped": int(counts[UNANSWERED]),
        },
        "telnet": telnet_truth(hosts, flows),
    }


def main() -> None:
    """Write the capture and its truth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packets", type=int, default=5_000_000)
    parser.add_argument("--flows", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="how long the capture lasts, at least 75")
    default = Path(__file__).parent / "data" / "mix.pcap"
    parser.add_argument("--out", type=Path, default=default)
    args = parser.parse_args()
    duration_s = max(75.0, args.seconds or args.packets / 75_000)

    rng = np.random.default_rng(args.seed)
    hosts = make_hosts(rng, max(200, args.flows // 10))
    flows = make_flows(rng, hosts, args.flows, args.packets, duration_s)
    packets = make_packets(rng, flows)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with args.out.open("wb") as out:
        octets = Writer(rng, hosts, flows, packets).write(out)
    truth = make_truth(hosts, flows, packets, octets)
    Path(f"{args.out}.truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    print(f"{args.out}: {truth['packets']} packets, {octets / truth['packets']:.0f} octets mean,")
    print(f"    {truth['flows']}, {len(truth['telnet']['accepted'])} accepted telnet flows")


if __name__ == "__main__":
    main()
