"""LiveCapture: frames of network interfaces on Linux, from a TPACKET_V3 ring (packet(7)).

One socket serves all interfaces of a run. It is bound to none of them; a filter in the kernel
lets only theirs through. So frames come in the order of their arrival, whatever interface they came
from (a tap often gives each direction on a port of its own); an interface may vanish and return
without a new socket, which is to say without any right; and it need not exist when the sensor
starts.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import select
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sensor.base.escape import harmless
from sensor.base.units import SECOND_NS
from sensor.capture import bpf
from sensor.capture.interfaces import Interfaces
from sensor.capture.linktypes import ARPHRD_ETHER, ARPHRD_LOOPBACK, LINK_ETHERNET, LINK_RAW
from sensor.capture.live.fanout import Fanout
from sensor.capture.live.link_state import Links
from sensor.capture.live.notices import Notices
from sensor.capture.live.ring import Ring
from sensor.config import CaptureLimits
from sensor.errors import CaptureError, ConfigError
from sensor.model.frames import FrameBatch
from sensor.model.status import INTERFACE_UP, CaptureStatus, Input, InterfaceStatus, Notice

# linux/if_packet.h and linux/net_tstamp.h
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_RX_RING = 5
PACKET_STATISTICS = 6
PACKET_VERSION = 10
PACKET_TIMESTAMP = 17
TPACKET_V3 = 2
PACKET_MR_PROMISC = 1
ETH_P_ALL = 3
SIOCGIFHWADDR = 0x8927
TIMESTAMP_RAW_HARDWARE = 1 << 6

RING_BYTES_MIN = 1 << 20
"""A ring that the kernel has no memory for is halved down to this."""
NOTHING = bpf.REFUSE
"""A filter that lets no frame in."""
TICK_MS = 30
"""An idle capture speaks this often, so that deadlines are judged: a login is told of 0.1 s after
its prompt."""
DRAIN_TICK_MS = 5
DRAIN_BLOCKS = 6
"""After `stop` the ring is read for so many block timeouts more: the last block is under way."""
DRAIN_S = 0.05
"""And for this long at least: the kernel's timers are no finer than its ticks, 10 ms on some."""
LOOK_S = 1.0
"""Counters and interfaces are looked at this often."""
SLACK_S = 0.1
"""The least lag of an idle capture's packet time behind the clock: a block may be under
way."""
BLOCKS_UNDER_WAY = 4
"""And so many block timeouts at least."""
UNTOUCHED_SLACK_NS = 10_000_000
"""The lag if no block is under way: a frame has its time some moments before its place in a
block."""
DRIFT_NS = SECOND_NS
"""Frames that are new and not further behind packet time than this set it right."""


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """Settings of live capture."""

    program: Sequence[bpf.Instruction] = ()
    """The operator's filter, compiled; empty: everything."""
    promiscuous: bool = True
    hardware_timestamps: bool = False
    fanout: Fanout | None = None
    """Workers of one group share the frames, each flow whole to one of them."""
    limits: CaptureLimits = field(default_factory=CaptureLimits)


class PacketTime:
    """The time of packets while none comes: their clock, carried on by one that is steady.

    The clock of frames is the kernel's, or a network card's; it may be set. The steady one may not.
    Workers share one: each waits for what the others know, so time must pass for one that never
    gets a frame.
    """

    def __init__(self) -> None:
        self._anchor: tuple[int, int] | None = None
        """A frame's time and that of the steady clock then; replaced as a whole."""

    def saw(self, frame_ns: int, steady_ns: int, is_new: bool = False) -> None:
        """The newest frame's time, and when it was read; `is_new`: nothing newer waited."""
        behind_ns = self.now(steady_ns) - frame_ns
        # A card's clock may run slower than the steady one. Further behind, it was set back.
        if self._anchor is None or behind_ns < (DRIFT_NS if is_new else 0):
            self._anchor = (frame_ns, steady_ns)

    def now(self, steady_ns: int) -> int:
        """Packet time, a little late rather than early; negative before the first frame."""
        if self._anchor is None:
            return -1
        frame_ns, then_ns = self._anchor
        return frame_ns + steady_ns - then_ns


class LiveCapture:
    """A Capture of network interfaces. It ends when it is stopped, and gives what was captured.

    Opening it needs the right to, iterating needs none. No frame is captured before the iteration.
    Errors: CaptureError if the socket or its ring cannot be had; nothing after that.
    """

    def __init__(
        self, names: Sequence[str], options: LiveOptions | None = None,
        interfaces: Interfaces | None = None, clock: PacketTime | None = None
    ) -> None:
        self._options = options = options or LiveOptions()
        self._clock = clock or PacketTime()
        self._interfaces = interfaces or Interfaces()
        self.inputs = [Input(name) for name in names]
        self.bytes_read = 0
        self.bytes_total = 0
        self._notices = Notices()
        self._status = CaptureStatus()
        self._awaits_hardware_times = options.hardware_timestamps
        block_s = options.limits.block_timeout_s
        self._slack_ns = round(max(SLACK_S, BLOCKS_UNDER_WAY * block_s) * 1e9)
        self._drain_s = max(DRAIN_S, DRAIN_BLOCKS * block_s)
        self._stopping = False
        self._ends_s: float | None = None
        self._closed = False
        self._socket = _open_socket(self.inputs)
        self._links = Links(self._socket, names)
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        try:
            self._ring = self._open_ring(options.limits)
            if options.fanout is not None:
                self._share(options.fanout)
        except BaseException:
            self.close()
            raise
        self._changed = self._links.look()
        self._poll = select.poll()
        for file in (self._socket.fileno(), self._wake, self._links.fileno()):
            if file >= 0:
                self._poll.register(file, select.POLLIN)

    # --- opening

    def _open_ring(self, limits: CaptureLimits) -> Ring:
        packet = self._socket
        packet.setsockopt(SOL_PACKET, PACKET_VERSION, struct.pack("i", TPACKET_V3))
        if self._options.hardware_timestamps:
            self._enable_hardware_timestamps()
        block_bytes = max(limits.block_bytes, mmap.PAGESIZE)  # the kernel takes whole pages
        wanted = max(limits.ring_bytes // block_bytes, 2) * block_bytes
        ring_bytes = wanted
        timeout_ms = max(1, round(limits.block_timeout_s * 1000))
        while True:
            request = struct.pack(
                "7I", block_bytes, ring_bytes // block_bytes, block_bytes,
                ring_bytes // block_bytes, timeout_ms, 0, 0,
            )  # fmt: skip
            try:
                packet.setsockopt(SOL_PACKET, PACKET_RX_RING, request)
                break
            except OSError as error:
                smaller = ring_bytes // 2 // block_bytes * block_bytes
                if error.errno != errno.ENOMEM or smaller < max(RING_BYTES_MIN, 2 * block_bytes):
                    reason = f"no ring of {wanted >> 20} MiB: {error.strerror}"
                    raise CaptureError(_listed(self.inputs), reason) from error
                ring_bytes = smaller
        if ring_bytes != wanted:
            text = (f"the kernel has no memory for a ring of {wanted >> 20} MiB:"
                    f" {ring_bytes >> 20} MiB are used")
            self._notices.add("capture", text, True)
        self.ring_bytes = ring_bytes
        self._memory = mmap.mmap(packet.fileno(), ring_bytes)
        return Ring(self._memory, block_bytes)

    def _enable_hardware_timestamps(self) -> None:
        try:
            self._socket.setsockopt(
                SOL_PACKET, PACKET_TIMESTAMP, struct.pack("i", TIMESTAMP_RAW_HARDWARE)
            )
        except OSError:
            self._notices.add("capture", "no hardware timestamps here: the kernel's are used", True)
            self._awaits_hardware_times = False

    def _start(self) -> None:
        """Let frames in: from now on they are captured."""
        if self._options.fanout is None:
            self._bind()
        self._apply(self._changed)

    def _bind(self) -> None:
        """Let frames of all interfaces reach the socket, and none through it."""
        bpf.attach(self._socket, NOTHING)
        _bind_to_all(self._socket)

    def _share(self, fanout: Fanout) -> None:
        """Join the group before any of it lets frames in: who gets a flow must not change."""
        try:
            self._bind()
            warning = fanout.join(self._socket)
        except OSError as error:
            reason = f"the kernel shares no frames among workers: {error.strerror}"
            raise CaptureError(_listed(self.inputs), reason) from error
        if warning:
            self._notices.add("capture", warning, True)

    def _apply(self, changed: Sequence[InterfaceStatus]) -> None:
        """Let in the frames of the interfaces that are there now, and say what changed."""
        if not changed or self._ends_s is not None:
            return
        present = self._links.present
        if self._options.promiscuous:
            for index in self._links.take_new():
                self._watch_all(index)
        self._ring.know({index: self._interfaces.index(name) for index, name in present.items()})
        self._let_in(bpf.with_interfaces(
            self._options.program, tuple(present), frozenset(self._links.loopback)
        ))
        for status in changed:
            self._notices.add("interface", f"{harmless(status.name)} is {status.state}",
                       status.state != INTERFACE_UP)

    def _let_in(self, program: Sequence[bpf.Instruction]) -> None:
        try:
            bpf.attach(self._socket, program)
        except ConfigError:  # the kernel has room for it, perhaps, but not for the old one too
            bpf.attach(self._socket, NOTHING)
            bpf.attach(self._socket, program)

    def _watch_all(self, index: int) -> None:
        """Have the interface take frames that are addressed to others, too."""
        request = struct.pack("iHH8s", index, PACKET_MR_PROMISC, 0, b"")
        try:
            self._socket.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, request)
        except OSError as error:
            name = harmless(self._links.present.get(index, "?"))
            self._notices.add("interface", f"{name}: not promiscuous: {error.strerror}", True)

    # --- reading

    def __iter__(self) -> Iterator[FrameBatch]:
        self._start()
        frames = FrameBatch()
        frames.attach(self._memory)
        clock = self._clock
        number = 1
        looked_s = time.monotonic()
        while True:
            if self._stopping and self._ends_s is None:
                self._shut()
            before_ns = time.monotonic_ns()
            if self._ring.fill(frames):
                caught_up = self._has_caught_up(frames)
                clock.saw(self._ring.last_ns, time.monotonic_ns(), caught_up)
                frames.watermark_ns = self._ring.last_ns
                if caught_up:
                    # Frames that are new and yet old: their clock was set back. Time goes on.
                    idle_ns = clock.now(before_ns) - self._slack_ns
                    frames.watermark_ns = max(frames.watermark_ns, idle_ns)
            elif self._ended():
                break
            else:
                self._ring.release()  # blocks that were empty
                if self._wait():
                    continue
                frames.watermark_ns = self._all_read_before()
            frames.first_number = number
            frames.interfaces = self._interfaces.names
            number += frames.count
            yield frames
            self._ring.release()
            if time.monotonic() - looked_s >= LOOK_S:
                looked_s = time.monotonic()
                self._count()
                self._apply(self._links.look())
        self._count()

    def _has_caught_up(self, frames: FrameBatch) -> bool:
        """Return True if the kernel had handed over nothing more than what is in the batch."""
        return frames.count < frames.capacity and self._ring.held < self._ring.blocks - 1

    def _all_read_before(self) -> int:
        """A packet time: all frames from before it have been read."""
        steady_ns = time.monotonic_ns()  # first: what comes after the look is later
        is_sure = self._ring.is_untouched()
        return self._clock.now(steady_ns) - (UNTOUCHED_SLACK_NS if is_sure else self._slack_ns)

    def _wait(self) -> bool:
        """Wait a tick at most, or until it is asked; whether frames may have come."""
        events = self._poll.poll(DRAIN_TICK_MS if self._stopping else TICK_MS)
        for file, event in events:
            if file == self._links.fileno():
                self._links.drain()
                self._apply(self._links.look())
            elif file == self._wake:
                os.eventfd_read(self._wake)
            elif event & select.POLLERR:  # reading the error clears it
                self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return any(file != self._wake for file, _ in events)

    def _shut(self) -> None:
        """Let nothing more in, at once: under more load than it bears the ring is never empty."""
        bpf.attach(self._socket, NOTHING)
        self._ends_s = time.monotonic() + self._drain_s

    def _ended(self) -> bool:
        """Return True if, after `stop`, everything that was captured has been given out."""
        return self._ends_s is not None and time.monotonic() >= self._ends_s

    def _count(self) -> None:
        """Add up the kernel's counters: it starts anew at each reading."""
        packets, drops, freezes = struct.unpack(
            "3I", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 12)
        )
        before = self._status
        self._status = CaptureStatus(
            before.kernel_packets + packets,
            before.kernel_drops + drops,
            before.ring_freezes + freezes,
        )
        if self._awaits_hardware_times and packets:
            self._awaits_hardware_times = False
            if not self._ring.hardware_times:
                text = ("no frame has a time of the network card: the kernel's are used."
                        " `hwstamp_ctl -i IFACE -r 1` as root may switch them on")
                self._notices.add("capture", text, True)

    # --- for others; from any thread

    def status(self) -> CaptureStatus:
        return self._status

    def interfaces_status(self) -> tuple[InterfaceStatus, ...]:
        return self._links.statuses()

    def take_notices(self) -> list[Notice]:
        return self._notices.take()

    def request_time(self) -> None:
        if not self._closed:
            os.eventfd_write(self._wake, 1)

    def stop(self) -> None:
        """Let nothing more in; the iteration ends when all that was captured has been given."""
        self._stopping = True
        self.request_time()

    def close(self) -> None:
        """Let go of everything. The ring lives on while a batch refers to it."""
        if not self._closed:
            self._closed = True
            self._socket.close()
            self._links.close()
            os.close(self._wake)


def _open_socket(inputs: Sequence[Input]) -> socket.socket:
    """A packet socket that nothing reaches yet. Errors: CaptureError."""
    try:
        return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    except PermissionError as error:
        reason = "capturing needs the right CAP_NET_RAW; `sensor doctor` tells how to get it"
        raise CaptureError(_listed(inputs), reason) from error
    except OSError as error:
        raise CaptureError(_listed(inputs), f"no packet socket: {error.strerror}") from error


def link_type_of(names: Sequence[str]) -> int:
    """Return the link type that a filter for them is compiled for: Ethernet (1) or raw IP (101).

    An interface that is not there yet counts as Ethernet.
    Errors: ConfigError if they differ.
    """
    # Any socket can ask; a service may be denied those of the Internet.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as any_socket:
        kinds = {_link_type(any_socket, name) for name in names}
    if len(kinds) > 1:
        raise ConfigError("--bpf: one filter cannot serve interfaces with and without Ethernet")
    return kinds.pop()


def _link_type(any_socket: socket.socket, name: str) -> int:
    try:
        answer = fcntl.ioctl(any_socket, SIOCGIFHWADDR, struct.pack("16s16x", os.fsencode(name)))
    except OSError:
        return LINK_ETHERNET
    (hardware,) = struct.unpack_from("16xH", answer)
    return LINK_ETHERNET if hardware in (ARPHRD_ETHER, ARPHRD_LOOPBACK) else LINK_RAW


def _bind_to_all(packet: socket.socket) -> None:
    """Let frames of all interfaces reach the socket; `bind` of Python would want a name."""
    address = struct.pack("=HHiHBB8s", socket.AF_PACKET, socket.htons(ETH_P_ALL), 0, 0, 0, 0, b"")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.bind(packet.fileno(), address, len(address)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _listed(inputs: Sequence[Input]) -> str:
    return ", ".join(harmless(one.path) for one in inputs)
