"""What the first octets of both sides of a flow prove together."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.model.applications import (
    FTP,
    GREETING,
    LOGIN,
    NO_APPLICATION,
    OFFER,
    OFFER_CLIENT,
    OFFER_SERVER,
    TELNET,
    TELNET_BYTES,
    TELNET_CLIENT,
)
from sensor.model.packets import PROTOCOL_TCP

if not cython.compiled:
    from sensor.memory.records import Packet


def is_first(packet: Packet, payload_bytes: int) -> bool:
    """True if what a payload looks like counts, behind so many octets of its side.

    Datagrams stand each for itself.
    """
    if payload_bytes == 0 or packet.protocol != PROTOCOL_TCP:
        return True
    return packet.application <= OFFER_CLIENT and payload_bytes < TELNET_BYTES


def proven(known: int, seen: int, side: int) -> int:
    """The application of a flow that was `known`, where a payload of `side` looks like `seen`.

    What is proven stays. A greeting with `220` and a login are FTP together, offers of both sides
    telnet: a flow keeps whose offer the first was.
    """
    if TELNET <= seen <= TELNET_CLIENT:
        seen = TELNET
    elif OFFER <= seen <= OFFER_CLIENT:
        seen = OFFER_SERVER if side else OFFER_CLIENT
        if known in (OFFER_SERVER, OFFER_CLIENT):
            return known if known == seen else TELNET
        return seen if known == NO_APPLICATION else known
    if known in (NO_APPLICATION, OFFER_SERVER, OFFER_CLIENT):
        return seen
    if known in (GREETING, LOGIN):
        return FTP if seen in (GREETING, LOGIN) and seen != known else seen
    return known
