"""Keeper: the frames of flows in a live run, kept until it shows whether an alert is about them.

Flows that analyzers follow are kept from their first packet on. Of all others there are the frames
of the last moments (recent.py). What an alert is about goes into a file, and so does what follows
of it. Everything is bounded; what had to give way is counted.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from sensor.base.escape import harmless
from sensor.base.units import SECOND_NS
from sensor.ecs.identifiers import COMMUNITY, FLOW_ID, identifiers_of
from sensor.evidence import pcapng
from sensor.evidence.flow_file import APPLICATION
from sensor.evidence.frame_copies import FrameCopies, FrameCopy
from sensor.evidence.frame_queue import FrameQueue
from sensor.evidence.live_files import LiveFiles
from sensor.evidence.manifest import flow_facts
from sensor.evidence.membership import HAS_KEY, Membership, noted
from sensor.evidence.recent import Batch, RecentFrames
from sensor.evidence.request import AlertNote
from sensor.evidence.wanted import FlowEnds, Places, WantedFlow, put_names
from sensor.flowtable.constants import MADE_FLOW
from sensor.flowtable.table import FlowTable
from sensor.memory.records import FLOW_LAYOUT, RecordArray
from sensor.model.frames import FrameBatch
from sensor.model.packets import KIND_FLOW, PROTOCOL_TCP, PacketBatch

FRAME_BYTES = 200
"""What a frame takes in memory beside its octets."""
FLOW_BYTES = 2_000
LATE_NS = 5 * SECOND_NS
"""So long after a flow's end its file is open for what comes late."""
WRITTEN_MAX = 10_000
"""Flows of which files are written at once, or were; of the ones before it is forgotten."""
REQUESTS_MAX = 10_000
"""Alerts that wait for the next batch."""
REFUSED_MAX = 1 << 16


@dataclass(eq=False)
class KeptFlow(WantedFlow):
    """A flow whose frames are kept, or written as they come."""

    hashed: int = 0
    frames: list[FrameCopy] = field(default_factory=list)
    """Those that are in no file."""
    count: int = 0
    bytes: int = 0
    first_ns: int = 0
    last_ns: int = 0
    left_out: int = 0
    """Frames beyond the limit of a flow."""
    is_whole: bool = True
    """False where the sensor had no time for some of its frames."""
    alerts: list[AlertNote] = field(default_factory=list)
    interfaces: dict[tuple[int, str], int] = field(default_factory=dict)
    """Of its file, by link type and name."""
    file: str = ""
    """The name of its file, once an alert is about it."""
    ended_ns: int = 0

    @property
    def memory(self) -> int:
        """Octets of memory that it takes."""
        return FLOW_BYTES + self.bytes + len(self.frames) * FRAME_BYTES


class Keeper:
    """Serves one flow table, which makes notes; `prepare` is called ahead, by another thread."""

    def __init__(
        self, files: LiveFiles, ports: Iterable[int], *, flow_bytes: int, memory_bytes: int,
        key_vlan: bool = False,
    ) -> None:
        """Connections of these TCP ports are kept from their beginning. A half of the memory is for
        the frames of the last moments, the other for those of kept flows.
        """
        self.requests: deque[tuple[Sequence[str], AlertNote]] = deque(maxlen=REQUESTS_MAX)
        """Flows that alerts are about, from any thread; of all workers each is asked."""
        self.counters = dict.fromkeys(
            ("flows", "flows_written", "frames_written", "left_out", "gave_way", "skipped"), 0)
        self._files = files
        self._flow_bytes = flow_bytes
        self._memory_bytes = memory_bytes // 2
        self._is_hint = np.zeros(1 << 16, np.bool_)
        self._is_hint[list(ports)] = True
        self._key_vlan = key_vlan
        self._recent = RecentFrames(memory_bytes // 2, key_vlan=key_vlan)
        self._queue = FrameQueue(self._receive)
        self._membership = Membership(self, self._queue, key_vlan=key_vlan)
        self._ends = FlowEnds()
        self._kept: OrderedDict[KeptFlow, None] = OrderedDict()
        """Flows without an alert; the one of which nothing came for longest is the first."""
        self._kept_bytes = 0
        self._written: OrderedDict[KeptFlow, None] = OrderedDict()
        self._new: dict[KeptFlow, None] = {}
        """Of the written ones, those with frames that are in no file."""
        self._ended: deque[KeptFlow] = deque()
        """Of the written ones, those that are over."""
        self._closed: OrderedDict[str, str] = OrderedDict()
        """The files of flows that are over for good, by all of their names."""
        self._refused: set[int] = set()
        """Hashes of flows that began too long ago."""
        self._copies: dict[int, FrameCopies] = {}
        self._ordinal = 0

    def prepare(self, frames: FrameBatch, packets: PacketBatch) -> None:
        """Copy the frames of a batch, whose packets are prepared and its payloads selected."""
        packets.ordinal = self._ordinal
        self._ordinal += packets.count
        copies = FrameCopies()
        copies.fill(frames)
        self._copies[id(packets)] = copies

    def take(self, packets: PacketBatch, table: FlowTable, *, is_late: bool) -> None:
        """Keep what is wanted of a batch that the table has worked on.

        Where the run is late, the frames of flows are given up before frames of the run are lost.
        """
        notes = table.take_notes()
        copies = self._copies.pop(id(packets), None) or FrameCopies()
        holds = table.held.count > 0
        if is_late:
            self._give_up(packets.count)
            return
        records = packets.records[: packets.count]
        if packets.count:
            hashes = np.where(HAS_KEY[records["kind"]], records["hash"], 0).astype(np.uint64)
            made = noted(notes, MADE_FLOW, packets.ordinal, packets.count)
            if self._refused:
                self._refused.difference_update(hashes[made].tolist())
            self._recent.add(Batch(copies, hashes, records[made], made, packets.interfaces))
        self._membership.take(packets, copies, notes, holds)
        if not holds:  # the packet that is held back is given on later
            self._adopt_proven(records)
            self._answer_requests()
        self._write_new()
        self._close_ended(table.now_ns)

    def begin(self, packets: RecordArray, made: Places) -> Iterator[tuple[int, WantedFlow]]:
        """Keep the flows of these packets, which made them, on the ports that analyzers want."""
        begun, hints = packets[made], self._is_hint
        wanted = made[(hints[begun["src_port"]] | hints[begun["dst_port"]])
                      & (begun["protocol"] == PROTOCOL_TCP)]
        yield from zip(wanted.tolist(), self._keep(packets[wanted]), strict=True)

    def end(self, events: RecordArray) -> None:
        """Learn from flow events which flows are over."""
        for flow in self._ends.take(events):
            assert isinstance(flow, KeptFlow) and flow.record is not None
            flow.ended_ns = int(flow.record["known_ns"][0])
            if flow.alerts:
                self._ended.append(flow)

    def finish(self) -> None:
        """The table is empty: answer what was asked last, and close every file."""
        self._membership.release(np.zeros(0, np.uint64))
        self._queue.finish()
        self._answer_requests()
        self._write_new()
        for flow in list(self._written):
            self._close(flow)

    def _keep(self, begun: RecordArray) -> list[KeptFlow]:
        """The flows that these packets made, as kept ones."""
        if not len(begun):
            return []
        records = np.zeros(2 * len(begun), FLOW_LAYOUT.dtype)
        count = put_names(records, begun, np.arange(len(begun)), self._key_vlan)
        names = identifiers_of(records, FLOW_ID)
        communities = identifiers_of(records[:count], COMMUNITY)
        flows = []
        for index in range(count):
            flow = KeptFlow((names[index], names[count + index]), communities[index],
                            hashed=int(begun["hash"][index]))
            self._ends.add(flow, records[index : index + 1])
            self._kept[flow] = None
            self._kept_bytes += FLOW_BYTES
            flows.append(flow)
        self.counters["flows"] += count
        return flows

    def _receive(self, flow: WantedFlow, frame: FrameCopy) -> None:
        """Take the next frame of a flow."""
        assert isinstance(flow, KeptFlow)
        size = len(frame.octets)
        if flow.bytes + size > self._flow_bytes:
            flow.left_out += 1
            self.counters["left_out"] += 1
            return
        if not flow.count:
            flow.first_ns = frame.time_ns
        flow.last_ns = max(flow.last_ns, frame.time_ns)
        flow.count += 1
        flow.bytes += size
        flow.frames.append(frame)
        if flow in self._kept:
            self._kept_bytes += size + FRAME_BYTES
            self._kept.move_to_end(flow)
            while self._kept_bytes > self._memory_bytes and len(self._kept) > 1:
                self._drop(next(iter(self._kept)))
                self.counters["gave_way"] += 1
        else:
            self._new[flow] = None

    def _drop(self, flow: KeptFlow) -> None:
        """Keep a flow no longer."""
        del self._kept[flow]
        self._kept_bytes -= flow.memory
        self._ends.remove(flow)
        self._membership.forget(flow, flow.hashed)
        flow.frames.clear()

    def _give_up(self, frames: int) -> None:
        """There is no time: begin anew with what follows."""
        self.counters["skipped"] += frames
        self.counters["gave_way"] += len(self._kept)
        for flow in list(self._kept):
            self._drop(flow)
        self._recent.clear()
        for flow in self._written:
            flow.is_whole = False
            self._membership.forget(flow, flow.hashed)

    def _adopt_proven(self, records: RecordArray) -> None:
        """Keep the flows too that are known by what is said in them, whatever their ports."""
        chosen = (records["payload_offset"] != 0) & (records["kind"] == KIND_FLOW)
        for hashed in np.unique(records["hash"][chosen]).tolist():
            if not self._membership.is_open(hashed) and hashed not in self._refused:
                found = self._recent.find_hash(hashed)
                if found is not None:
                    self._adopt(found.made, *found.frames())
                elif len(self._refused) < REFUSED_MAX:
                    self._refused.add(hashed)

    def _adopt(self, made: RecordArray, frames: Sequence[FrameCopy], is_over: bool) -> KeptFlow:
        """Keep a flow that began before, made by this packet, with its frames until now."""
        (flow,) = self._keep(made)
        if not is_over:
            self._membership.adopt(made[0], flow)
        for frame in frames:
            self._receive(flow, frame)
        return flow

    def _answer_requests(self) -> None:
        """Have the frames of flows written that alerts are about."""
        while self.requests:
            names, note = self.requests.popleft()
            for name in names:
                if name in self._closed:
                    self._files.end(self._closed[name], {"id": name, "file": self._closed[name],
                                                         "alerts": [asdict(note)]})
                    continue
                flow = self._ends.find(name)
                if flow is None and (found := self._recent.find(name)) is not None:
                    flow = self._adopt(found.made, *found.frames())
                if isinstance(flow, KeptFlow):
                    self._alert(flow, name, note)

    def _alert(self, flow: KeptFlow, name: str, note: AlertNote) -> None:
        """An alert is about a flow, by one of its names: from now on its frames are written."""
        flow.alerts.append(note)
        if flow not in self._kept:
            return
        del self._kept[flow]
        self._kept_bytes -= flow.memory
        flow.file = f"{name}.pcapng"
        lines = [f"Frames of flow {name} ({flow.community_id}), captured live",
                 f"Alert {note.id} of {note.time}: {note.message}"]
        self._files.put(flow.file, pcapng.section("\n".join(map(harmless, lines)), APPLICATION))
        self._written[flow] = self._new[flow] = None
        self.counters["flows_written"] += 1
        if flow.ended_ns:
            self._ended.append(flow)
        if len(self._written) > WRITTEN_MAX:
            oldest = next(iter(self._written))
            oldest.is_whole &= oldest.ended_ns > 0
            self._close(oldest)

    def _write_new(self) -> None:
        """Give the files what came for them."""
        for flow in self._new:
            self._files.put(flow.file, b"".join(_blocks(flow)))
            self.counters["frames_written"] += len(flow.frames)
            flow.frames.clear()
        self._new.clear()

    def _close_ended(self, now_ns: int) -> None:
        while self._ended and now_ns - self._ended[0].ended_ns > LATE_NS:
            flow = self._ended.popleft()
            if flow in self._written:
                self._close(flow)

    def _close(self, flow: KeptFlow) -> None:
        """Nothing more comes for a file: its line in the index says what it is."""
        if self._new.pop(flow, 0) is None and flow.frames:
            self._files.put(flow.file, b"".join(_blocks(flow)))
        del self._written[flow]
        self._ends.remove(flow)
        self._membership.forget(flow, flow.hashed)
        self._closed |= dict.fromkeys(flow.names, flow.file)
        while len(self._closed) > 2 * WRITTEN_MAX:
            self._closed.popitem(last=False)
        self._files.end(flow.file, {
            "id": flow.id,
            "community_id": flow.community_id,
            "file": flow.file,
            "packets": flow.count,
            "left_out": flow.left_out,
            "is_whole": flow.is_whole and not flow.left_out,
            **(flow_facts(flow, flow.first_ns, flow.last_ns) if flow.record is not None else {}),
            "alerts": [asdict(note) for note in flow.alerts],
        })


def _blocks(flow: KeptFlow) -> Iterator[bytes]:
    """The frames of a flow that are in no file, as blocks for the end of its file."""
    for frame in flow.frames:
        place = frame.link, frame.interface
        if place not in flow.interfaces:
            flow.interfaces[place] = len(flow.interfaces)
            yield pcapng.interface(*place, harmless(frame.interface))
        yield pcapng.packet(flow.interfaces[place], frame.time_ns, frame.octets, frame.wire)
