"""Frames as numpy records, so that millions of them are written column by column.

A frame's headers are one record type: the pcap record header, Ethernet, perhaps a VLAN tag, IPv4 or
IPv6, the transport and its options. Network byte order is the type's business, not the caller's.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
FRAME_MIN = 60
"""Octets of the shortest Ethernet frame without its check sequence (IEEE 802.3)."""

PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
"""Classic pcap, little-endian, microseconds, Ethernet."""

_RECORD = [("seconds", "<u4"), ("micros", "<u4"), ("captured", "<u4"), ("wire", "<u4")]
RECORD_BYTES = 16
_ETHERNET = [("mac_dst", "u1", (6,)), ("mac_src", "u1", (6,))]
_VLAN = [("tpid", ">u2"), ("tci", ">u2")]
_IPV4 = [
    ("ethertype", ">u2"), ("version_ihl", "u1"), ("tos", "u1"), ("ip_length", ">u2"),
    ("ip_id", ">u2"), ("fragment", ">u2"), ("ttl", "u1"), ("protocol", "u1"),
    ("ip_checksum", ">u2"), ("src", ">u4"), ("dst", ">u4"),
]
_IPV6 = [
    ("ethertype", ">u2"), ("version_flow", ">u4"), ("ip_length", ">u2"), ("protocol", "u1"),
    ("ttl", "u1"), ("src_hi", ">u8"), ("src_lo", ">u8"), ("dst_hi", ">u8"), ("dst_lo", ">u8"),
]
_TCP = [
    ("src_port", ">u2"), ("dst_port", ">u2"), ("seq", ">u4"), ("ack", ">u4"),
    ("data_offset", "u1"), ("flags", "u1"), ("window", ">u2"), ("checksum", ">u2"),
    ("urgent", ">u2"),
]
_UDP = [("src_port", ">u2"), ("dst_port", ">u2"), ("udp_length", ">u2"), ("checksum", ">u2")]
_ICMP = [
    ("icmp_type", "u1"), ("icmp_code", "u1"), ("checksum", ">u2"), ("src_port", ">u2"),
    ("seq", ">u2"),
]
_TIMESTAMPS = [("ts_head", ">u4"), ("ts_value", ">u4"), ("ts_echo", ">u4")]
_SYN_OPTIONS = [
    ("mss", ">u4"), ("sack_ts", ">u4"), ("ts_value", ">u4"), ("ts_echo", ">u4"), ("scale", ">u4"),
]
_TCP_OPTIONS: dict[int, list[Any]] = {0: [], 12: _TIMESTAMPS, 20: _SYN_OPTIONS}


def header_type(tagged: bool, v6: bool, protocol: int, options_bytes: int = 0) -> np.dtype[Any]:
    """The record type of a frame's headers, the pcap record header in front."""
    transport = {TCP: _TCP, UDP: _UDP}.get(protocol, _ICMP)
    members = [*_RECORD, *_ETHERNET, *(_VLAN if tagged else []), *(_IPV6 if v6 else _IPV4)]
    return np.dtype([*members, *transport, *_TCP_OPTIONS[options_bytes]])


def transport_bytes(protocol: int, options_bytes: int = 0) -> int:
    """Octets of the transport header, options included."""
    return 20 + options_bytes if protocol == TCP else 8


def fill_fixed(rows: np.ndarray[Any, Any]) -> None:
    """Set what every frame of a record type has in common: types, versions, lengths of options."""
    names = rows.dtype.names or ()
    constants = {
        "tpid": 0x8100, "version_ihl": 0x45, "fragment": 0x4000, "version_flow": 0x60000000,
        "ethertype": 0x86DD if "version_flow" in names else 0x0800,
        "ts_head": 0x0101080A, "mss": 0x020405B4, "sack_ts": 0x0402080A, "scale": 0x01030307,
    }
    for name, value in constants.items():
        if name in names:
            rows[name] = value


def fill_ipv4_checksum(rows: np.ndarray[Any, Any]) -> None:
    """Set the IPv4 header checksum (RFC 791 3.1) of rows whose other IPv4 fields are set."""
    total = rows["ip_length"].astype(np.uint64) + rows["ip_id"] + 0x4500 + 0x4000
    total += (rows["ttl"].astype(np.uint64) << np.uint64(8)) + rows["protocol"]
    for name in ("src", "dst"):
        address = rows[name].astype(np.uint64)
        total += (address >> np.uint64(16)) + (address & np.uint64(0xFFFF))
    total = (total & np.uint64(0xFFFF)) + (total >> np.uint64(16))
    total = (total & np.uint64(0xFFFF)) + (total >> np.uint64(16))
    rows["ip_checksum"] = total ^ np.uint64(0xFFFF)
