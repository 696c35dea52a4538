"""PcapngReader: the frames of a pcapng file.

A file is a series of blocks: type, length, body, the length again. A section header says the byte
order of the blocks behind it; interface descriptions say link type, name and clock of the
interfaces that packet blocks refer to by number. Blocks of other types are skipped, however long.
Options of packets are looked at only where there are any, and only for those that tell of a process
(process_blocks.py).
Source: draft-ietf-opsawg-pcapng; block 0x80000001 and options 0x8001, 0x8003: Apple's pktap.
"""

from __future__ import annotations

import struct
from array import array

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.capture.files.errors import LINKS, link_text, notes_texts
from sensor.capture.files.process_blocks import ProcessNotes
from sensor.capture.interfaces import Interfaces
from sensor.errors import CaptureError
from sensor.model.processes import Processes

if not cython.compiled:
    from sensor.memory.loads import Buffer, be16, be32, le16, le32
    from sensor.memory.records import frame_at
    from sensor.model.frames import FrameBatch

# Block types.
SECTION = 0x0A0D0D0A
INTERFACE = 1
OBSOLETE_PACKET = 2
SIMPLE_PACKET = 3
ENHANCED_PACKET = 6
PROCESS_INFORMATION = 0x80000001

SECTION_MIN = 28
PACKET_HEADER = 28  # octets of an enhanced or obsolete packet block before the packet's
SIMPLE_HEADER = 12
TRAILER = 4
BLOCK_MIN = 12
BLOCK_MAX = 16 * 1024 * 1024 + 65536
"""Octets of a block that has to be read as a whole: the largest record and its options."""

SNAPLEN_MAX = 16 * 1024 * 1024
OPTION_MIN = 4  # octets of an option's code and length
INTERFACES_MAX = 65536
"""Interfaces of one section; frames of further ones count as undeclared."""
LINKS_NAMED_MAX = 8
"""Undecodable link types that are named one by one."""

OPTION_END, OPTION_NAME, OPTION_TSRESOL, OPTION_TSOFFSET = 0, 2, 9, 14
NAME_MAX = 256

# Why _walk stopped.
ASKS, FULL, BAD_LENGTH, BAD_TRAILER, TOO_LONG, AT_SECTION, AT_INTERFACE, AT_PROCESS = range(8)

# Options of a packet that tell of a process: a comment, and entries of the section's table.
COMMENT, PROCESS_ENTRY, EFFECTIVE_ENTRY = 1, 0x8001, 0x8003

# How an interface's ticks become nanoseconds.
MULTIPLY, DIVIDE, SHIFT = 0, 1, 2

# Columns of `clocks`, one row of COLUMNS numbers for each interface of the section.
LINK, INDEX, SNAPLEN, MODE, FACTOR, LIMIT, COLUMNS = 0, 1, 2, 3, 4, 5, 6

BILLION = 1_000_000_000
INT64_MAX = 0x7FFF_FFFF_FFFF_FFFF
OFFSET_MAX = 1 << 62
MASK32 = 0xFFFFFFFF

# Indices into `noted`, as errors.py numbers them.
LONG, TIME, UNDECLARED, CONTRADICTING = 0, 2, 4, 6


class PcapngReader:
    """Walks the blocks of one file, window by window.

    After `walk`: `at` is where it stopped (beyond the window's end while it skips a long block);
    `problem` why it cannot go on, or None; `need` how many octets must stand from `at` on before it
    can (0: it can, the batch was full).
    """

    def __init__(self, path: str, interfaces: Interfaces, last_ns: int) -> None:
        self.path = path
        self.process_notes = ProcessNotes(Processes())
        self.options_found = array("I", bytes(0))
        self.options_count = 0
        self.run_interfaces = interfaces
        self.last_ns = last_ns
        self.problem: CaptureError | None = None
        self.noted = array("Q", bytes(64))
        self.at = 0
        self.need = BLOCK_MIN
        self.big = False
        self.skipped = 0
        self.clocks = array("Q", bytes(8 * COLUMNS))
        self.offsets = array("q", bytes(8))
        self.declared = 0
        self.strange_links: dict[int, int] = {}

    def walk(self, frames: FrameBatch, at: int, end: int, base: int) -> None:
        """Fill `frames` from positions at..end of its window; `base + position` is the offset."""
        frames.count = 0
        self.at = at
        self._make_room(frames.capacity)
        while True:
            with cython.nogil:
                why = self._walk(frames, end, base)
            if self.options_count:
                self._find_processes(frames)
            if why == AT_SECTION:
                going_on = self._section(frames, end, base)
            elif why == AT_INTERFACE:
                going_on = self._interface(frames, end, base)
            elif why == AT_PROCESS:
                going_on = self._process(frames)
            else:
                break
            if not going_on:
                return
        if why >= BAD_LENGTH:
            self._fail(why, end, base, frames.data)

    def _make_room(self, frames_max: int) -> None:
        """Room to note the options of as many frames as a batch can have."""
        if len(self.options_found) < 3 * frames_max:
            self.options_found = array("I", bytes(4 * 3 * frames_max))

    def _find_processes(self, frames: FrameBatch) -> None:
        """Find out the processes of the frames that have options about one."""
        for at in range(0, 3 * self.options_count, 3):
            options = bytes(frames.data[self.options_found[at] : self.options_found[at + 1]])
            frame = frame_at(frames.rows, self.options_found[at + 2])
            frame.process = self.process_notes.index(options, self.big, frame.time_ns)
        self.options_count = 0

    def _process(self, frames: FrameBatch) -> bool:
        """A block about one process, whole in the window: an entry of the section's table."""
        at = self.at
        length = number_of(frames.data[at + 4 : at + 8], self.big)
        self.process_notes.entry(bytes(frames.data[at + 8 : at + length - TRAILER]), self.big)
        self.at = at + length
        return True

    def _fail(self, why: int, end: int, base: int, data: Buffer) -> None:
        """Say why the blocks cannot be followed any further."""
        if why == BAD_TRAILER:
            offset = base + self.at - (self.skipped - TRAILER if self.skipped else 0)
            reason = "damaged: the lengths at both ends of a block differ"
        else:
            offset = base + self.at
            length = number_of(data[self.at + 4 : self.at + 8], self.big)
            reason = f"damaged: a block of {length} octets"
        self.problem = CaptureError(self.path, reason, offset)

    def _walk(self, frames: FrameBatch, end: int, base: int) -> int:
        why = FULL
        while why == FULL and frames.count < frames.capacity:
            if self.skipped:
                why = self._end_of_skipped(frames, end)
            else:
                why = self._block(frames, end, base)
        if why != ASKS:
            self.need = 0
        return why

    def _end_of_skipped(self, frames: FrameBatch, end: int) -> int:
        """The trailer of a block that was longer than the window."""
        if end - self.at < TRAILER:
            self.need = TRAILER
            return ASKS
        if self._u32(frames.octets, self.at) != self.skipped:
            return BAD_TRAILER
        self.skipped = 0
        self.at += TRAILER
        return FULL

    def _block(self, frames: FrameBatch, end: int, base: int) -> int:  # noqa: PLR0911
        """Step over one block; FULL: go on."""
        octets = frames.octets
        at = self.at
        left = end - at
        if left < BLOCK_MIN:
            self.need = BLOCK_MIN
            return ASKS
        kind = self._u32(octets, at)
        if kind == SECTION:
            return AT_SECTION
        length = self._u32(octets, at + 4)
        if length < BLOCK_MIN or length & 3:
            return BAD_LENGTH
        if length > left:
            return self._long_block(kind, length)
        if self._u32(octets, at + length - TRAILER) != length:
            return BAD_TRAILER
        if kind == INTERFACE:
            return AT_INTERFACE
        if kind == PROCESS_INFORMATION:
            return AT_PROCESS
        if kind in (ENHANCED_PACKET, OBSOLETE_PACKET):
            self._packet(frames, at, length, kind, base)
        elif kind == SIMPLE_PACKET:
            self._simple_packet(frames, at, length, base)
        self.at = at + length
        return FULL

    def _long_block(self, kind: int, length: int) -> int:
        """A block that goes on behind the window: wanted as a whole, or skipped."""
        if kind in (INTERFACE, OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET,
                    PROCESS_INFORMATION):
            self.need = length
            return ASKS if length <= BLOCK_MAX else TOO_LONG
        self.skipped = length
        self.at += length - TRAILER
        self.need = TRAILER
        return ASKS

    def _packet(self, frames: FrameBatch, at: int, length: int, kind: int, base: int) -> None:
        """An enhanced or an obsolete packet block, which is whole in the window."""
        octets = frames.octets
        if length < PACKET_HEADER + TRAILER:
            self._note(CONTRADICTING, base + at)
            return
        number = self._u32(octets, at + 8)
        if kind == OBSOLETE_PACKET:  # two octets number, two octets drops
            number = be16(octets, at + 8) if self.big else le16(octets, at + 8)
        captured = self._u32(octets, at + 20)
        if captured > length - PACKET_HEADER - TRAILER:
            self._note(CONTRADICTING, base + at)
            return
        if number >= self.declared:
            self._note(UNDECLARED, base + at)
            return
        high = self._u32(octets, at + 12)
        low = self._u32(octets, at + 16)
        time_ns = self._time_ns(number, high, low)
        if time_ns < 0:
            self._note(TIME, base + at)
            time_ns = self.last_ns
        self.last_ns = time_ns
        self._frame(frames, at + PACKET_HEADER, captured, self._u32(octets, at + 24), number)
        options = at + PACKET_HEADER + ((captured + 3) & ~3)
        if options + OPTION_MIN + TRAILER <= at + length and kind == ENHANCED_PACKET:
            self._options(frames, options, at + length - TRAILER)
        if captured > self.clocks[number * COLUMNS + SNAPLEN]:
            self._note(LONG, base + at)

    def _simple_packet(self, frames: FrameBatch, at: int, length: int, base: int) -> None:
        """A simple packet block: interface 0, no time, captured length by snaplen."""
        if length < SIMPLE_HEADER + TRAILER:
            self._note(CONTRADICTING, base + at)
            return
        if self.declared == 0:
            self._note(UNDECLARED, base + at)
            return
        wire = self._u32(frames.octets, at + 8)
        snaplen = self.clocks[SNAPLEN]
        captured = wire if wire < snaplen else snaplen
        if captured > length - SIMPLE_HEADER - TRAILER:
            self._note(CONTRADICTING, base + at)
            return
        self._frame(frames, at + SIMPLE_HEADER, captured, wire, 0)

    def _frame(
        self, frames: FrameBatch, offset: int, captured: int, wire: int, number: int
    ) -> None:
        """Append a frame, timed by `last_ns`."""
        frame = frame_at(frames.rows, frames.count)
        frame.time_ns = self.last_ns
        frame.offset = offset
        frame.captured = captured
        frame.wire = wire if wire > captured else captured
        frame.link = self.clocks[number * COLUMNS + LINK]
        frame.interface = self.clocks[number * COLUMNS + INDEX]
        frame.process = 0
        frames.count += 1
        frames.watermark_ns = max(frames.watermark_ns, self.last_ns)

    def _options(self, frames: FrameBatch, options: int, end: int) -> None:
        """Note the frame that was appended last if one of its options may tell of a process."""
        octets = frames.octets
        at = options
        while at + OPTION_MIN <= end:
            code = be16(octets, at) if self.big else le16(octets, at)
            if code == OPTION_END:
                return
            if code in (COMMENT, PROCESS_ENTRY, EFFECTIVE_ENTRY):
                self.options_found[3 * self.options_count] = options
                self.options_found[3 * self.options_count + 1] = end
                self.options_found[3 * self.options_count + 2] = frames.count - 1
                self.options_count += 1
                return
            length = be16(octets, at + 2) if self.big else le16(octets, at + 2)
            at += OPTION_MIN + ((length + 3) & ~3)

    def _u32(self, octets: Buffer, at: int) -> int:
        return be32(octets, at) if self.big else le32(octets, at)

    def _time_ns(self, number: int, high: int, low: int) -> int:
        """Nanoseconds since 1970 of a tick count in two halves; negative: out of range.

        Every product below stays within 64 bits, so that C and Python agree.
        """
        row = number * COLUMNS
        mode = self.clocks[row + MODE]
        factor = self.clocks[row + FACTOR]
        ticks = high << 32 | low
        if mode == MULTIPLY:  # factor nanoseconds a tick
            if self.offsets[number] == 0:
                return ticks * factor if ticks <= self.clocks[row + LIMIT] else -1
            per_second = BILLION // factor
            seconds = ticks // per_second
            fraction_ns = (ticks - seconds * per_second) * factor
        elif mode == DIVIDE:  # factor ticks a nanosecond; 0: more than ticks can hold
            ticks = 0 if factor == 0 else ticks // factor
            seconds = ticks // BILLION
            fraction_ns = ticks - seconds * BILLION
        else:  # 2 ** factor ticks a second
            seconds = ticks >> factor if factor < 64 else 0
            rest = ticks - (seconds << factor) if factor < 64 else ticks
            # rest * 10^9 has up to 94 bits: in two halves, of which the upper carries the lower's.
            upper = (rest >> 32) * BILLION + ((rest & MASK32) * BILLION >> 32)
            lower = (rest & MASK32) * BILLION & MASK32
            if factor >= 96:
                fraction_ns = 0
            elif factor >= 32:
                fraction_ns = upper >> (factor - 32)
            else:
                fraction_ns = (upper << 32 | lower) >> factor
        if seconds > OFFSET_MAX:
            return -1
        whole = self.offsets[number] + seconds
        if whole < 0 or whole > INT64_MAX // BILLION:
            return -1
        if fraction_ns > INT64_MAX - whole * BILLION:
            return -1
        return whole * BILLION + fraction_ns

    def _note(self, note: int, offset: int) -> None:
        """Count something odd that does not stop the reading."""
        if self.noted[note] == 0:
            self.noted[note + 1] = offset
        self.noted[note] += 1

    def _section(self, frames: FrameBatch, end: int, base: int) -> bool:
        """A section header: the blocks behind it have its byte order and their own interfaces."""
        at = self.at
        mark = bytes(frames.data[at + 8 : at + 12])
        if mark not in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a"):
            return self._refuse("damaged: a section header without a byte-order mark", base + at)
        self.big = mark[0] == 0x1A
        length = number_of(frames.data[at + 4 : at + 8], self.big)
        if length < SECTION_MIN or length & 3 or length > BLOCK_MAX:
            return self._refuse(f"damaged: a section header of {length} octets", base + at)
        if length > end - at:
            self.need = length
            return False
        if number_of(frames.data[at + length - TRAILER : at + length], self.big) != length:
            return self._refuse("damaged: the lengths at both ends of a block differ", base + at)
        major, minor = struct.unpack(
            ">HH" if self.big else "<HH", bytes(frames.data[at + 12 : at + 16])
        )
        if major != 1:
            return self._refuse(f"version {major}.{minor} of pcapng is not known", base + at)
        self.declared = 0
        self.process_notes.new_section()
        self.at = at + length
        return True

    def _refuse(self, reason: str, offset: int) -> bool:
        self.problem = CaptureError(self.path, reason, offset)
        return False

    def _interface(self, frames: FrameBatch, end: int, base: int) -> bool:
        """An interface description, which is whole in the window."""
        at = self.at
        order = ">" if self.big else "<"
        length = number_of(frames.data[at + 4 : at + 8], self.big)
        self.at = at + length
        if length < 20:
            self._note(CONTRADICTING, base + at)
            return True
        if self.declared >= INTERFACES_MAX:
            return True
        body = bytes(frames.data[at + 8 : at + length - TRAILER])
        link, _, snaplen = struct.unpack_from(order + "HHI", body)
        name, resolution, seconds = interface_options(body[8:], order)
        if link not in LINKS and link not in self.strange_links:
            self.strange_links[link] = base + at
        self._declare(link, min(snaplen, SNAPLEN_MAX) or SNAPLEN_MAX, name)
        row = (self.declared - 1) * COLUMNS
        mode, factor = clock(resolution)
        self.clocks[row + MODE] = mode
        self.clocks[row + FACTOR] = factor
        self.clocks[row + LIMIT] = INT64_MAX // factor if mode == MULTIPLY else 0
        self.offsets[self.declared - 1] = max(-OFFSET_MAX, min(seconds, OFFSET_MAX))
        return True

    def _declare(self, link: int, snaplen: int, name: str) -> None:
        """Append a row to the section's interfaces, with twice the room when it is full."""
        number = self.declared
        if number == len(self.offsets):
            self.clocks = array("Q", bytes(self.clocks) * 2)
            self.offsets = array("q", bytes(self.offsets) * 2)
        row = number * COLUMNS
        self.clocks[row + LINK] = link
        self.clocks[row + INDEX] = self.run_interfaces.index(name)
        self.clocks[row + SNAPLEN] = snaplen
        self.declared = number + 1

    def finish(self, offset: int, size: int) -> CaptureError | None:
        """Return the error of an input of `size` octets in which the walk ended at `offset`."""
        start, promised = offset, self.need
        if self.skipped:
            start, promised = offset - (self.skipped - TRAILER), self.skipped
        left = size - start
        if left <= 0:
            return None
        what = "block header" if promised == BLOCK_MIN and not self.skipped else "block"
        return CaptureError(
            self.path, f"{what} cut short: {promised} octets promised, {left} present", start
        )

    def notes(self) -> list[str]:
        """Return what was odd in this file, although it was read on."""
        texts = notes_texts(self.noted, "blocks")
        for link, offset in list(self.strange_links.items())[:LINKS_NAMED_MAX]:
            texts.append(
                f"{link_text(link)} of the interface declared at octet {offset} cannot be decoded"
            )
        if len(self.strange_links) > LINKS_NAMED_MAX:
            texts.append(f"nor can {len(self.strange_links) - LINKS_NAMED_MAX} other link types")
        return texts


def number_of(octets: Buffer, big: bool) -> int:
    """The unsigned number that these octets are."""
    return int.from_bytes(bytes(octets), "big" if big else "little")


def clock(resolution: int) -> tuple[int, int]:
    """Mode and factor for an if_tsresol octet: a power of 10, or of 2 with the top bit set."""
    power = resolution & 0x7F
    if resolution & 0x80:
        return SHIFT, power
    if power <= 9:
        return MULTIPLY, int(10 ** (9 - power))
    return DIVIDE, int(10 ** (power - 9)) if power <= 28 else 0


def interface_options(options: bytes, order: str) -> tuple[str, int, int]:
    """Name, if_tsresol and if_tsoffset (seconds) from the options of an interface description.

    Options that run over the end of the block are ignored, and all behind them.
    """
    name, resolution, seconds = "", 6, 0
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from(order + "HH", options, at)
        value = options[at + 4 : at + 4 + length]
        if code == OPTION_END or len(value) < length:
            break
        if code == OPTION_NAME:
            name = value.split(b"\0")[0][:NAME_MAX].decode("utf-8", "replace")
        elif code == OPTION_TSRESOL and length == 1:
            resolution = value[0]
        elif code == OPTION_TSOFFSET and length == 8:
            seconds = struct.unpack(order + "q", value)[0]
        at += 4 + (length + 3 & ~3)
    return name, resolution, seconds
