"""The machine: what a capture would meet here, as plain facts; `sensor doctor` judges them.

Interfaces are asked by ioctl(2) and /proc/self/net, which belong to the network namespace of the
process; /sys may show another one's and is looked at only if it shows the same interface. A fact
that cannot be had is None.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

# linux/if_packet.h
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP, PACKET_RX_RING, PACKET_VERSION = 1, 5, 10
PACKET_MR_PROMISC = 1
TPACKET_V3 = 2

# linux/sockios.h, linux/if.h
SIOCGIFFLAGS, SIOCGIFMTU, SIOCETHTOOL = 0x8913, 0x8921, 0x8946
IFF_UP, IFF_LOOPBACK, IFF_RUNNING = 0x1, 0x8, 0x40

# linux/ethtool.h
ETHTOOL_GRINGPARAM, ETHTOOL_GFLAGS, ETHTOOL_GGRO = 0x10, 0x25, 0x2B
FLAG_RXVLAN, FLAG_LRO = 1 << 8, 1 << 15

NAME_BYTES_MAX = 15
"""Octets of an interface's name (IFNAMSIZ without the NUL)."""
TIME_ERROR = 5
"""The state that adjtimex(2) returns for a clock that nobody keeps right."""
TIMEX_BYTES = 512
"""More than struct timex has anywhere."""
SYS_NET = Path("/sys/class/net")
NET_DEV = Path("/proc/self/net/dev")
MEMORY = Path("/proc/meminfo")
UNIT_FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
                "/usr/lib/systemd/system", "/lib/systemd/system")  # fmt: skip
UNIT = "sensor@.service"
LIBPCAPS = ("libpcap.so.1", "libpcap.so.0.8", "libpcap.so", "libpcap.dylib")


@dataclass(frozen=True, slots=True)
class Link:
    """An interface."""

    name: str
    up: bool
    """True if somebody switched it on (`ip link set up`)."""
    running: bool
    """True if it could receive: there is a carrier, a cable with something at its other end."""
    loopback: bool
    mtu: int | None


@dataclass(frozen=True, slots=True)
class Offloads:
    """Changes of frames by the interface before anybody sees them; None: not known."""

    gro: bool | None
    lro: bool | None
    rx_vlan: bool | None


@dataclass(frozen=True, slots=True)
class Drops:
    """Frames that the interface lost since it exists (proc(5), /proc/net/dev)."""

    dropped: int
    overruns: int


def has_af_packet() -> bool:
    """Return True if this system has packet sockets, the fast way to capture."""
    return hasattr(socket, "AF_PACKET")


def interfaces() -> list[str]:
    """Every interface but loopback, in the kernel's order. Errors: OSError."""
    names = [name for _, name in socket.if_nameindex()]
    links = [link_of(name) for name in names]
    return [link.name for link in links if link is not None and not link.loopback]


def link_of(name: str) -> Link | None:
    """The interface of that name, or None if there is none."""
    flags = _interface_ioctl(name, SIOCGIFFLAGS)
    if flags is None:
        return None
    bits = struct.unpack_from("H", flags)[0]
    mtu = _interface_ioctl(name, SIOCGIFMTU)
    return Link(
        name,
        up=bool(bits & IFF_UP),
        running=bool(bits & IFF_RUNNING),
        loopback=bool(bits & IFF_LOOPBACK),
        mtu=None if mtu is None else struct.unpack_from("i", mtu)[0],
    )


def offloads(name: str) -> Offloads:
    """Which receive offloads are on."""
    gro = _ethtool(name, ETHTOOL_GGRO, 1)
    flags = _ethtool(name, ETHTOOL_GFLAGS, 1)
    return Offloads(
        gro=bool(gro[0]) if gro else None,
        lro=bool(flags[0] & FLAG_LRO) if flags else None,
        rx_vlan=bool(flags[0] & FLAG_RXVLAN) if flags else None,
    )


def receive_ring(name: str) -> tuple[int, int] | None:
    """Return how many frames the network card's ring has, and could have; None if it has none."""
    values = _ethtool(name, ETHTOOL_GRINGPARAM, 8)
    return (values[4], values[0]) if values and values[0] else None


def drops(name: str) -> Drops | None:
    """Return what the interface lost; None if that is not known."""
    try:
        lines = NET_DEV.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    for line in lines:
        found, colon, numbers = line.rpartition(":")
        if colon and found.strip() == name:
            # Received: bytes packets errs drop fifo frame compressed multicast
            values = [int(value) for value in numbers.split()]
            return Drops(dropped=values[3], overruns=values[4])
    return None


def receive_queues(name: str) -> int | None:
    """Over how many queues, and so CPUs, the network card spreads what it receives."""
    folder = SYS_NET / name
    try:
        if int((folder / "ifindex").read_text(encoding="ascii")) != socket.if_nametoindex(name):
            return None
        return sum(entry.name.startswith("rx-") for entry in (folder / "queues").iterdir()) or None
    except (OSError, ValueError):
        return None


def cpus() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def open_packet_socket() -> socket.socket:
    """A packet socket that receives nothing yet. Errors: OSError, EPERM without CAP_NET_RAW."""
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)


def try_ring(ring_bytes: int, block_bytes: int) -> None:
    """Get a ring of that size from the kernel and give it back. Errors: OSError.

    The kernel would rather kill somebody than refuse: compare with `memory_available` before.
    """
    block_bytes = max(min(block_bytes, ring_bytes), mmap.PAGESIZE)
    blocks = ring_bytes // block_bytes
    frame = min(2048, block_bytes)
    request = struct.pack(
        "7I", block_bytes, blocks, frame, blocks * (block_bytes // frame), 8, 0, 0
    )
    with open_packet_socket() as packet:
        packet.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
        packet.setsockopt(SOL_PACKET, PACKET_RX_RING, request)
        mmap.mmap(packet.fileno(), blocks * block_bytes).close()


def memory_available() -> int | None:
    """Octets that could be had without swapping (proc(5), MemAvailable); else half of all.

    What is merely free says nothing: files that were read fill the rest, and give way.
    """
    try:
        lines = MEMORY.read_text(encoding="ascii").splitlines()
        values = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
        return int(values[0]) * 1024
    except (OSError, ValueError, IndexError):  # a service may be shown its own processes only
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (OSError, ValueError, AttributeError):
        return None


def watch_all(packet: socket.socket, name: str) -> None:
    """Have an interface take frames for others, as long as the socket is open. Errors: OSError."""
    index = socket.if_nametoindex(name)
    request = struct.pack("iHH8s", index, PACKET_MR_PROMISC, 0, b"")
    packet.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, request)


def clock_synchronised() -> bool | None:
    """Return True if something keeps the clock right, as far as the kernel knows."""
    timex = ctypes.create_string_buffer(TIMEX_BYTES)  # modes 0: only asked
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(timex)
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != TIME_ERROR


def has_libpcap() -> bool:
    """Return True if the library is there that compiles filters."""
    for name in LIBPCAPS:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False


def runs_systemd() -> bool:
    """Return True if systemd is the init of this machine (sd_booted(3))."""
    return os.path.isdir("/run/systemd/system")


def unit_path() -> str | None:
    """Return the path of the sensor's unit, or None."""
    paths = (f"{folder}/{UNIT}" for folder in UNIT_FOLDERS)
    return next((path for path in paths if os.path.exists(path)), None)


def _interface_ioctl(name: str, request: int) -> bytes | None:
    """Return the kernel's answer about an interface; None if there is none of that name."""
    octets = os.fsencode(name)
    if not octets or len(octets) > NAME_BYTES_MAX or b"\0" in octets:
        return None
    import fcntl  # noqa: PLC0415  not on Windows

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            return fcntl.ioctl(any_socket, request, struct.pack("16s24x", octets))[16:]
        except OSError:
            return None


def _ethtool(name: str, command: int, count: int) -> tuple[int, ...] | None:
    """The `count` numbers that follow the command in ethtool's answer; None if there is none."""
    import fcntl  # noqa: PLC0415  not on Windows

    numbers = (ctypes.c_uint32 * (1 + count))(command)
    request = struct.pack("16sP16x", os.fsencode(name)[:NAME_BYTES_MAX], ctypes.addressof(numbers))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            fcntl.ioctl(any_socket, SIOCETHTOOL, request)
        except OSError:
            return None
    return tuple(numbers)[1:]
