"""IPv6 extension headers: which there are and how long one is (RFC 8200 4, RFC 7045 4)."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

if not cython.compiled:
    from sensor.memory.loads import Octets, u8

HOP_BY_HOP = 0
ROUTING = 43
FRAGMENT = 44
AUTHENTICATION = 51
DESTINATION_OPTIONS = 60
MOBILITY = 135
HIP = 139
SHIM6 = 140

EXTENSIONS_MAX = 16


def is_extension(protocol: int) -> bool:
    """True if a next-header value announces an extension header that can be read over."""
    return protocol in (
        HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION_OPTIONS, MOBILITY, HIP, SHIM6
    )


def extension_bytes(octets: Octets, protocol: int, at: int) -> int:
    """The length of the extension header at `at`, whose first two octets must be there."""
    if protocol == FRAGMENT:
        return 8
    if protocol == AUTHENTICATION:
        return (u8(octets, at + 1) + 2) << 2
    return (u8(octets, at + 1) + 1) << 3
