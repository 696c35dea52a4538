"""What the first octets of both sides of a flow prove together."""

from __future__ import annotations

from sensor.model.applications import (
    FTP,
    GREETING,
    LOGIN,
    NO_APPLICATION,
    TELNET,
    TELNET_CLIENT,
    TELNET_SERVER,
)


def proven(known: int, seen: int) -> int:
    """The application of a flow whose other side proved `known`, where this one looks like `seen`.

    What is proven stays. A greeting with `220` and a login are FTP together.
    """
    if seen == TELNET_SERVER or seen == TELNET_CLIENT:
        seen = TELNET
    if known != GREETING and known != LOGIN:
        return seen if known == NO_APPLICATION else known
    if seen == GREETING or seen == LOGIN:
        return known if seen == known else FTP
    return seen
