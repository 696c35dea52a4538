"""ScapyCapture: frames of network interfaces where there is no AF_PACKET ring.

macOS and the BSDs have /dev/bpf, Windows has Npcap; scapy opens all of them, and its sockets are
read here without building scapy's packets. It works on Linux too. It is imported on demand only.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sensor.base.escape import harmless
from sensor.capture.bpf import compile_filter
from sensor.capture.interfaces import Interfaces
from sensor.capture.linktypes import ARPHRD_ETHER, ARPHRD_LOOPBACK, LINK_ETHERNET, LINK_RAW
from sensor.capture.live.notices import Notices
from sensor.errors import CaptureError, ConfigError
from sensor.model.frames import FRAMES_MAX, FrameBatch
from sensor.model.status import (
    INTERFACE_ABSENT,
    INTERFACE_DOWN,
    INTERFACE_UP,
    CaptureStatus,
    Input,
    InterfaceStatus,
    Notice,
)

SCAPY_NOTICE = (
    "capturing through scapy, one frame at a time: beyond some ten thousand packets a second "
    "frames may be lost; the ring that Linux has (--backend af_packet) takes many times as many"
)

IDLE_S = 0.05
"""An idle capture speaks this often, so that deadlines are judged."""
GATHER_S = 0.01
"""Frames are gathered for this long: each batch has a cost of its own."""
DRAIN_S = 0.2
"""After `stop` reading goes on for so long: libpcap may hold frames back for half of it."""
LOOK_S = 1.0
"""Counters and interfaces are looked at this often."""
SLACK_NS = 100_000_000
"""The lag of an idle capture's packet time behind the clock: frames may be under way."""
BUFFER_BYTES = 8 << 20
"""Octets that the kernel may keep for us, where it can be asked to."""
SNAP_BYTES = 1 << 18
"""Longer than every frame, those that the network card's offloading made included."""

# linux/if_packet.h, linux/if_arp.h, linux/if.h, linux/sockios.h
SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING = 263, 6, 23
ARPHRD_LINKS = {ARPHRD_ETHER: LINK_ETHERNET, ARPHRD_LOOPBACK: LINK_ETHERNET}
SO_RCVBUFFORCE = 33  # asm-generic/socket.h
IFF_UP, IFF_RUNNING = 0x1, 0x40
SIOCGIFFLAGS, SIOCGIFFLAGS_BSD = 0x8913, 0xC020_6911
# pcap/dlt.h: raw IP, of which LINKTYPE_ has but one
DLT_RAW, DLT_RAW_OPENBSD = 12, 14
# Names of scapy's classes for link layers
CLASS_LINKS = {"Ether": 1, "Loopback": 0, "LoopbackOpenBSD": 108, "CookedLinux": 113,
               "CookedLinuxV2": 276, "IP": LINK_RAW, "IPv6": LINK_RAW}  # fmt: skip

GONE = frozenset({errno.ENODEV, errno.ENXIO, errno.ENETDOWN, errno.EBADF, errno.EIO})

Frame = tuple[int, bytes, int, int]
"""Time in nanoseconds, octets, LINKTYPE_, interface."""


class Port:
    """One interface: scapy's socket while there is one, and what is known of its state."""

    def __init__(self, name: str, index: int) -> None:
        self.name = name
        self.index = index
        """In `Interfaces`."""
        self.state = ""
        self.socket: Any = None
        self._link = LINK_ETHERNET
        self._kernel_index = 0
        self._before = (0, 0)
        """Counters of earlier sockets."""
        self._counted = (0, 0)

    def open(self, filter_text: str, promiscuous: bool) -> None:
        """Open the interface. Errors: ConfigError for the filter, OSError, ValueError."""
        from scapy.error import Scapy_Exception  # noqa: PLC0415

        opener = _listener()
        try:
            self.socket = opener(iface=self.name, promisc=promiscuous, filter=filter_text or None)
        except Scapy_Exception as error:
            if "filter" in str(error):
                shown = f"{harmless(filter_text)}: {harmless(str(error))}"
                raise ConfigError(f"--bpf {shown}") from None
            denied = "denied" in str(error).lower() or "permi" in str(error).lower()
            raise OSError(errno.EACCES if denied else errno.ENODEV, str(error)) from error
        self._kernel_index = _kernel_index(self.name)
        self._link = link_of(self.socket)
        _make_ready(self.socket)

    def read(self, into: list[Frame], room: int) -> None:
        """Take frames that have arrived, at most `room`.

        Errors: OSError if the interface is gone.
        """
        while room > 0:
            try:
                _, octets, seconds = self.socket.recv_raw(SNAP_BYTES)
            except BlockingIOError:
                return
            if octets is None:
                return
            when = time.time_ns() if seconds is None else round(float(seconds) * 1e6) * 1000
            into.append((when, octets, self._link, self.index))
            room -= 1

    def look(self) -> str:
        """Its state now; a socket whose interface has been replaced is closed."""
        index = _kernel_index(self.name)
        if self.socket is not None and index != self._kernel_index:
            self.close()
        if index == 0:
            return INTERFACE_ABSENT
        return INTERFACE_UP if self.socket is not None and _is_up(self.name) else INTERFACE_DOWN

    def count(self) -> tuple[int, int]:
        """Frames that arrived, drops included, and drops, of all its sockets so far."""
        if self.socket is not None:
            with contextlib.suppress(OSError):
                self._counted = _counters(self.socket, self._counted)
        return self._before[0] + self._counted[0], self._before[1] + self._counted[1]

    def close(self) -> None:
        if self.socket is not None:
            self._before, self._counted = self.count(), (0, 0)
            with contextlib.suppress(OSError):
                self.socket.close()
            self.socket = None


class ScapyCapture:
    """A PortCapture through scapy. It ends when it is stopped, and gives what was captured.

    An interface that is not there is waited for; whether it can be opened then depends on the
    rights that are left.
    Errors: ConfigError for a bad filter, CaptureError if capturing is not allowed.
    """

    def __init__(
        self, names: Sequence[str], bpf: str = "", promiscuous: bool = True,
        interfaces: Interfaces | None = None
    ) -> None:
        self._interfaces = interfaces or Interfaces()
        self._filter, self._promiscuous = bpf, promiscuous
        self.inputs = [Input(name) for name in names]
        self.bytes_read = 0
        self.bytes_total = 0
        self._notices = Notices()
        self._status = CaptureStatus()
        self._stopped_ns: int | None = None
        self._closing = self._iterating = False
        if bpf:
            compile_filter(bpf, LINK_ETHERNET)  # scapy's own words for its mistakes are worse
        self._ports = [Port(name, self._interfaces.index(name)) for name in names]
        try:
            for port in self._ports:
                self._open(port, first=True)
        except BaseException:
            self.close()
            raise
        self._notices.add("capture", SCAPY_NOTICE, warning=True)
        self._look()

    def _open(self, port: Port, *, first: bool = False) -> None:
        try:
            port.open(self._filter, self._promiscuous)
        except PermissionError as error:
            if first:
                raise CaptureError(port.name, f"capturing is not allowed: {error}") from error
        except (OSError, ValueError) as error:  # scapy: ValueError for an unknown name
            if first and _kernel_index(port.name):
                raise CaptureError(port.name, harmless(str(error))) from error

    # --- reading

    def __iter__(self) -> Iterator[FrameBatch]:
        frames = FrameBatch()
        clock = (-1, 0)
        number = 1
        looked_s = time.monotonic()
        ends_s = float("inf")
        self._iterating = True
        try:
            while not self._closing:
                gathered = self._gather()
                if self._stopped_ns is not None:
                    gathered = [frame for frame in gathered if frame[0] <= self._stopped_ns]
                    ends_s = min(ends_s, time.monotonic() + DRAIN_S)
                    if not gathered:
                        if time.monotonic() >= ends_s:
                            break
                        continue
                self._fill(frames, gathered)
                steady_ns = time.monotonic_ns()
                if gathered and gathered[-1][0] > clock[0]:
                    clock = (gathered[-1][0], steady_ns)
                idle_ns = clock[0] + steady_ns - clock[1] - SLACK_NS if clock[0] >= 0 else -1
                newest_ns = gathered[-1][0] if gathered else idle_ns
                if len(gathered) < FRAMES_MAX:  # all there is: a clock set back holds up nothing
                    newest_ns = max(newest_ns, idle_ns)
                frames.watermark_ns = max(frames.watermark_ns, newest_ns)
                frames.first_number = number
                number += frames.count
                yield frames
                if time.monotonic() - looked_s >= LOOK_S:
                    looked_s = time.monotonic()
                    self._look()
            self._count()
        finally:
            self._iterating = False
            if self._closing:
                self._close_ports()

    def _gather(self) -> list[Frame]:
        """Frames in order of time: what comes within a moment of the first, or nothing came."""
        gathered: list[Frame] = []
        ends_s = time.monotonic() + IDLE_S
        while not self._closing and len(gathered) < FRAMES_MAX:
            left_s = ends_s - time.monotonic()
            if left_s <= 0:
                break
            nothing_yet = not gathered
            self._read(gathered, left_s)
            if nothing_yet and gathered:
                ends_s = min(ends_s, time.monotonic() + GATHER_S)
        gathered.sort(key=lambda frame: frame[0])
        return gathered

    def _read(self, gathered: list[Frame], timeout_s: float) -> None:
        """Wait for frames, and take those that are there."""
        ports = {port.socket: port for port in self._ports if port.socket is not None}
        if not ports:
            time.sleep(timeout_s)
            return
        sockets = list(ports)
        try:
            ready = sockets[0].select(sockets, timeout_s)
        except (OSError, ValueError):  # one of them is gone: reading tells which
            ready = sockets
        for sock in ready:
            port = ports[sock]
            room = (FRAMES_MAX - len(gathered)) // len(ready) or 1
            try:
                port.read(gathered, min(room, FRAMES_MAX - len(gathered)))
            except OSError as error:
                if error.errno not in GONE:
                    self._notices.add("interface", f"{harmless(port.name)}: {error.strerror}", True)
                if error.errno != errno.ENETDOWN:  # Linux keeps the socket of one that is down
                    port.close()

    def _fill(self, frames: FrameBatch, gathered: list[Frame]) -> None:
        """Put these frames into the batch, in a window of their own."""
        frames.count = len(gathered)
        frames.interfaces = self._interfaces.names
        if not gathered:
            return
        times, octets, links, interfaces = zip(*gathered, strict=True)
        sizes = np.array([len(one) for one in octets])
        frames.attach(b"".join(octets))
        records = frames.records[: len(gathered)]
        records["time_ns"], records["link"], records["interface"] = times, links, interfaces
        records["captured"] = records["wire"] = sizes
        records["offset"] = np.cumsum(sizes) - sizes
        self.bytes_read += int(sizes.sum())

    # --- looking

    def _look(self) -> None:
        """See which interfaces are there, open those that came back, and say what changed."""
        self._count()
        for port in self._ports:
            state = port.look()
            if port.socket is None and state != INTERFACE_ABSENT:
                with contextlib.suppress(ConfigError):
                    self._open(port)
                state = port.look()
            if state != port.state:
                port.state = state
                text = f"{harmless(port.name)} is {state}"
                self._notices.add("interface", text, state != INTERFACE_UP)

    def _count(self) -> None:
        counts = [port.count() for port in self._ports]
        self._status = CaptureStatus(sum(count[0] for count in counts),
                                     sum(count[1] for count in counts))  # fmt: skip

    # --- for others; from any thread

    def status(self) -> CaptureStatus:
        return self._status

    def interfaces_status(self) -> tuple[InterfaceStatus, ...]:
        return tuple(InterfaceStatus(port.name, port.state) for port in self._ports)

    def take_notices(self) -> list[Notice]:
        return self._notices.take()

    def request_time(self) -> None:
        """Nothing: nobody waits for it, and it speaks often."""

    def stop(self) -> None:
        """End the iteration once everything that arrived until now has been given."""
        if self._stopped_ns is None:
            self._stopped_ns = time.time_ns()

    def close(self) -> None:
        """Let go of everything; an iteration in another thread ends soon and does it itself."""
        self._closing = True
        if not self._iterating:
            self._close_ports()

    def _close_ports(self) -> None:
        for port in self._ports:
            port.close()


def link_of(sock: Any) -> int:
    """The LINKTYPE_ of the frames that one of scapy's sockets gives."""
    if hasattr(sock, "pcap_fd"):
        dlt = int(sock.pcap_fd.datalink())
        return LINK_RAW if dlt in (DLT_RAW, DLT_RAW_OPENBSD) else dlt
    if sys.platform == "linux":
        return ARPHRD_LINKS.get(sock.ins.getsockname()[3], LINK_RAW)
    layer = getattr(sock, "guessed_cls", None) or getattr(sock, "LL", None)
    return CLASS_LINKS.get(getattr(layer, "__name__", ""), LINK_ETHERNET)


def _listener() -> Any:
    """The class of scapy's sockets here. Errors: CaptureError if scapy has none."""
    import scapy.layers.inet6  # noqa: F401, PLC0415  which link layers there are
    from scapy.config import conf  # noqa: PLC0415

    conf.ifaces.reload()  # it remembers an interface's number though another has taken its place
    if conf.L2listen is None:
        raise CaptureError("scapy", "it cannot capture here: libpcap or Npcap is missing")
    return conf.L2listen


def _make_ready(sock: Any) -> None:
    """Let reading return at once when nothing is there, and give the kernel room."""
    if hasattr(sock, "pcap_fd"):
        sock.pcap_fd.setnonblock(True)
    elif hasattr(sock, "set_nonblock"):
        sock.set_nonblock(True)
    else:
        sock.ins.setblocking(False)
        sock.ins.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        with contextlib.suppress(OSError):  # beyond net.core.rmem_max, where that is allowed
            sock.ins.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        if sys.platform == "linux" and sock.ins.getsockname()[3] == ARPHRD_LOOPBACK:
            # Loopback shows each packet twice: leaving and arriving.
            sock.ins.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)


def _counters(sock: Any, before: tuple[int, int]) -> tuple[int, int]:
    """Frames and drops of a socket since it was opened; `before` is what the last call gave."""
    if hasattr(sock, "pcap_fd"):
        from scapy.libs import winpcapy  # noqa: PLC0415

        counted = winpcapy.pcap_stat()
        if winpcapy.pcap_stats(sock.pcap_fd.pcap, ctypes.byref(counted)) != 0:
            return before
        return int(counted.ps_recv), int(counted.ps_drop)
    if hasattr(sock, "get_stats"):
        received, dropped = sock.get_stats()
        return (int(received), int(dropped)) if received is not None else before
    if sys.platform != "linux":
        return before
    # The kernel starts anew at each reading.
    packets, drops = struct.unpack("2I", sock.ins.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    return before[0] + packets, before[1] + drops


def _kernel_index(name: str) -> int:
    """The system's number of an interface; 0 if it is not there. Windows knows other names: 1."""
    if sys.platform == "win32":
        return 1
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0


def _is_up(name: str) -> bool:
    """Return True if an interface is up and has a link, where that is easily told; else true."""
    if sys.platform == "win32":
        return True
    import fcntl  # noqa: PLC0415  Windows has none

    request = SIOCGIFFLAGS if sys.platform == "linux" else SIOCGIFFLAGS_BSD
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            answer = fcntl.ioctl(sock, request, struct.pack("16s16x", os.fsencode(name)))
        except OSError:
            return False
    (flags,) = struct.unpack_from("16xH", answer)
    return int(flags) & (IFF_UP | IFF_RUNNING) == IFF_UP | IFF_RUNNING
