"""The words for what can be wrong with a capture file."""

from __future__ import annotations

from collections.abc import Sequence

RECORD_MAX = 262144
"""Octets of one record that are believed whatever the snaplen (libpcap's MAXIMUM_SNAPLEN)."""

SNAPLEN_MAX = 16 * 1024 * 1024
"""A declared snaplen is believed up to here."""

# Things that are counted while reading goes on: index, then what the message says.
NOTE_LONG, NOTE_TIME, NOTE_UNDECLARED, NOTE_BLOCK = range(4)
NOTES = (
    "longer than the snaplen",
    "with impossible timestamps",
    "of an interface that was never declared (skipped)",
    "whose lengths contradict each other (skipped)",
)

LINKS = {
    0: "BSD loopback",
    1: "Ethernet",
    6: "Token Ring",
    8: "SLIP",
    9: "PPP",
    10: "FDDI",
    12: "raw IP",
    14: "raw IP",
    50: "PPP in HDLC framing",
    51: "PPPoE",
    100: "ATM with LLC",
    101: "raw IP",
    104: "Cisco HDLC",
    105: "IEEE 802.11",
    107: "Frame Relay",
    108: "OpenBSD loopback",
    109: "OpenBSD enc",
    113: "Linux cooked v1",
    117: "OpenBSD pflog",
    119: "IEEE 802.11 with Prism header",
    122: "IP over Fibre Channel",
    127: "IEEE 802.11 with radiotap header",
    129: "ARCNET, Linux",
    138: "IP over FireWire",
    149: "pktap",
    163: "IEEE 802.11 with AVS header",
    166: "PPP, Linux pppd",
    178: "Ethernet, Juniper router",
    192: "PPI",
    204: "PPP with direction",
    219: "MPLS",
    226: "Solaris ipnet",
    228: "raw IPv4",
    229: "raw IPv6",
    239: "NFLOG",
    240: "NetANALYZER",
    242: "IP over InfiniBand",
    258: "pktap",
    274: "Ethernet with preemption",
    276: "Linux cooked v2",
    281: "Ethernet, Broadcom switch",
    282: "Ethernet, Broadcom switch, tag in front",
    284: "Ethernet, Marvell switch",
    285: "Ethernet, Marvell switch, long tag",
}
"""Link types that can be decoded (the LINKTYPE_ registry of tcpdump.org)."""

OTHER_LINKS = {
    7: "ARCNET",
    114: "LocalTalk",
    143: "DOCSIS",
    147: "private use",
    187: "Bluetooth HCI",
    189: "USB, Linux",
    195: "IEEE 802.15.4",
    201: "Bluetooth HCI with direction",
    220: "USB, Linux, padded",
    227: "SocketCAN",
    230: "IEEE 802.15.4 without FCS",
    249: "USBPcap",
    251: "Bluetooth LE",
    253: "Linux netlink",
    272: "nRF Sniffer",
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


def not_a_capture(octets: bytes) -> str:
    """Why a file that starts with these octets cannot be read."""
    if not octets:
        return "empty file"
    hint = "; documents are given to --events, rules to --rules" if octets[:1] == b"{" else ""
    return f"not a capture file (it starts with {octets[:8]!r}){hint}"


def reason_of(error: Exception) -> str:
    """The machine's words for what went wrong, without the path."""
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror.lower()}"
    return f"cannot be read: {error}"
