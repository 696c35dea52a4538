"""The words for what can be wrong with a capture file."""

from __future__ import annotations

import os
from collections.abc import Sequence

RECORD_MAX = 262144
"""Octets of one record that are believed whatever the snaplen (libpcap's MAXIMUM_SNAPLEN)."""

SNAPLEN_MAX = 16 * 1024 * 1024
"""A declared snaplen is believed up to here."""

# Things that are counted while reading goes on: index, then what the message says.
NOTE_LONG, NOTE_TIME, NOTE_UNDECLARED, NOTE_BLOCK = range(4)
NOTES = (
    "longer than the snaplen", "with impossible timestamps",
    "of an interface that was never declared (skipped)",
    "whose lengths contradict each other (skipped)",
)

LINKS = {
    0: "BSD loopback", 1: "Ethernet", 6: "Token Ring", 8: "SLIP", 9: "PPP", 10: "FDDI",
    12: "raw IP", 14: "raw IP", 50: "PPP in HDLC framing", 51: "PPPoE", 100: "ATM with LLC",
    101: "raw IP", 104: "Cisco HDLC", 105: "IEEE 802.11", 107: "Frame Relay",
    108: "OpenBSD loopback", 109: "OpenBSD enc", 113: "Linux cooked v1", 117: "OpenBSD pflog",
    119: "IEEE 802.11 with Prism header", 122: "IP over Fibre Channel",
    127: "IEEE 802.11 with radiotap header", 129: "ARCNET, Linux", 138: "IP over FireWire",
    149: "pktap", 163: "IEEE 802.11 with AVS header", 166: "PPP, Linux pppd",
    178: "Ethernet, Juniper router", 192: "PPI", 204: "PPP with direction", 219: "MPLS",
    226: "Solaris ipnet", 228: "raw IPv4", 229: "raw IPv6", 239: "NFLOG", 240: "NetANALYZER",
    242: "IP over InfiniBand", 258: "pktap", 274: "Ethernet with preemption",
    276: "Linux cooked v2", 281: "Ethernet, Broadcom switch",
    282: "Ethernet, Broadcom switch, tag in front", 284: "Ethernet, Marvell switch",
    285: "Ethernet, Marvell switch, long tag",
}
"""Link types that can be decoded (the LINKTYPE_ registry of tcpdump.org)."""

OTHER_LINKS = {
    7: "ARCNET", 114: "LocalTalk", 143: "DOCSIS", 147: "private use", 187: "Bluetooth HCI",
    189: "USB, Linux", 195: "IEEE 802.15.4", 201: "Bluetooth HCI with direction",
    220: "USB, Linux, padded", 227: "SocketCAN", 230: "IEEE 802.15.4 without FCS", 249: "USBPcap",
    251: "Bluetooth LE", 253: "Linux netlink", 272: "nRF Sniffer",
}


def link_text(link: int) -> str:
    """The link type as a person may know it: number and name."""
    name = LINKS.get(link) or OTHER_LINKS.get(link)
    return f"link type {link} ({name})" if name else f"link type {link}"


def notes_texts(noted: Sequence[int], subject: str) -> list[str]:
    """One text for each thing that was counted: `noted` has count, first offset of each."""
    return [
        f"{noted[2 * note]} {subject if noted[2 * note] > 1 else subject.removesuffix('s')}"
        f" {text}, first at octet {noted[2 * note + 1]}"
        for note, text in enumerate(NOTES)
        if noted[2 * note]
    ]


LOOK_BYTES = 512
"""Octets from which the format of a file that is no capture may be told."""
_UNPACK = "unpack it and name what was in it"
_CONVERT = "editcap (of Wireshark) makes a capture of it: editcap -F pcapng IN OUT"
_MAGICS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"PK\x03\x04", "a zip archive", _UNPACK),
    (0, b"PK\x05\x06", "an empty zip archive", _UNPACK),
    (257, b"ustar", "a tar archive", f"{_UNPACK}: tar -xf"),
    (0, b"7z\xbc\xaf'\x1c", "a 7-Zip archive", _UNPACK),
    (0, b"Rar!", "a RAR archive", _UNPACK),
    (0, b"GMBU", "a capture of Microsoft Network Monitor", _CONVERT),
    (0, b"RTSS", "a capture of Microsoft Network Monitor 1", _CONVERT),
    (0, b"snoop\0\0\0", "a snoop capture (RFC 1761)", _CONVERT),
    (0, b"XCP\0", "a NetXRay or Sniffer capture", _CONVERT),
    (0, b"TRSNIFF data", "a Sniffer capture", _CONVERT),
    (0, b"iptrace ", "a capture of AIX iptrace", _CONVERT),
    (0, b"PAR1", "a Parquet file", "captures are read here, documents by --events as NDJSON"),
    (0, b"{", "JSON", "documents are given to --events, rules to --rules"),
)
"""Offset and octets by which a format is known, its name, and what to do with such a file."""
_ENDINGS = {
    ".erf": ("an ERF capture", _CONVERT),
    ".etl": ("an event trace of Windows", "pktmon etl2pcap IN.etl --out OUT.pcapng, on Windows, or "
             "etl2pcapng, makes a capture of it"),
    ".toml": ("TOML", "rules are given to --rules, settings to --config, exceptions to"
              " --exceptions"),
}
"""Formats that have no octets of their own, by the ending of the name."""


def not_a_capture(octets: bytes, path: str = "") -> str:
    """Why a file that starts with these octets cannot be read, and the way out if there is one.

    `octets` are as many as are at hand; `LOOK_BYTES` are enough.
    """
    if not octets:
        return "empty file"
    name, way_out = _ENDINGS.get(os.path.splitext(path)[1].lower(), ("", ""))
    for at, magic, kind, what_to_do in _MAGICS:
        if octets[at : at + len(magic)] == magic:
            name, way_out = kind, what_to_do
            break
    start = f"not a capture file (it starts with {octets[:8]!r})"
    return f"{start}: {name}; {way_out}" if name else start


def reason_of(error: Exception) -> str:
    """The machine's words for what went wrong, without the path."""
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror.lower()}"
    return f"cannot be read: {error}"
