# cython: boundscheck=True, wraparound=True
"""Streams: the followed flows of one flow table, their reassembly and their analyzers.

Segments go in as the table gives them, documents of protocol events come out, in order of time.
Everything is bounded: flows, octets that wait, octets that an analyzer sees. What an analyzer
raises is a defect of ours: it is counted, and ends the analysis of that flow alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.base.escape import harmless
from sensor.base.units import MASK32
from sensor.ecs.field_text import value_at
from sensor.ecs.schema import context_names
from sensor.memory.records import FLOW_LAYOUT, SEGMENT_LAYOUT, RecordArray, rows_of
from sensor.model.applications import UNPROVEN
from sensor.model.columns import Document
from sensor.model.frames import FrameBatch
from sensor.model.logins import Login, Logins
from sensor.model.packets import PROTOCOL_TCP, PROTOCOL_UDP, PacketBatch
from sensor.model.segments import SEGMENT_END, Segments
from sensor.protocols import AnalyzedProtocol
from sensor.protocols.analyzer import Analyzer, Moment, ProtocolEvent
from sensor.protocols.secrets import Secrets
from sensor.streams.documents import FlowPart, FlowParts, document_of
from sensor.streams.reassembly import Piece, Reassembly
from sensor.streams.selection import Selection

if not cython.compiled:
    from sensor.memory.records import Flow, Segment, flow_at, flows_of, segment_at, segments_of

FLOWS_MAX = 65_536
"""Flows that are followed at once; a further one takes the place of the oldest."""
HELD_BYTES_MAX = 256 * 1024 * 1024
"""What the analyzers of all flows may take; then the flow that has taken much for longest ends."""
HELD_LITTLE = 4_096
"""What an analyzer takes that counts for nothing: FLOWS_MAX of them take no more than that, too."""
WAITING_BYTES_MAX = 64 * 1024 * 1024
"""Octets that wait behind gaps in all flows; then the flow that waits longest goes on."""


class Told(NamedTuple):
    """An event that an analyzer has told, as far as its document needs it."""

    known_ns: int
    event: ProtocolEvent
    protocol: AnalyzedProtocol
    part: FlowPart
    number: int


class Stream:
    """One followed flow."""

    def __init__(
        self, protocol: AnalyzedProtocol, secrets: Secrets, *, is_tcp: bool, turned: int
    ) -> None:
        self.protocol = protocol
        make = protocol.make if is_tcp else protocol.make_of_datagrams or protocol.make
        self.analyzer: Analyzer = make(secrets)
        self.sides = (Reassembly(), Reassembly())
        self.left = [protocol.octets_max, protocol.octets_max]
        """Octets of each side that the analyzer may still see."""
        self.is_tcp = is_tcp
        self.turned = turned
        """The side of the segments that is the originator."""
        self.begun = [False, False]
        """By side: something of it was seen."""
        self.event_number = 0
        self.due_ns = 0
        """When the analyzer hears that nothing came; 0: it does not wait."""
        self.queued_ns = 0
        """Of its times in `Streams._due` the one that counts; 0: there is none."""
        self.flows: RecordArray | None = None
        """Where the flow is, as it was when it was last seen."""
        self.flow_at = 0
        self.part: FlowPart | None = None
        """What its events say of the flow, and of what state of it."""
        self.part_key = (0, 0, 0)

        self.held_bytes = 0
        """What its analyzer takes; 0: little."""

    def waiting_bytes(self) -> int:
        """Octets of both sides that wait behind gaps."""
        first, second = self.sides
        return first.waiting_bytes + second.waiting_bytes


class Streams:
    """The streams of one flow table. One serves one run, or one worker of it."""

    def __init__(
        self,
        protocols: Sequence[AnalyzedProtocol],
        flow_parts: FlowParts,
        report: Callable[[str], None] = lambda message: None,
        secrets: Secrets | None = None,
        logins: Logins | None = None,
    ) -> None:
        """`flow_parts` makes of a flow record what its events say of it; `report` tells people.

        `secrets` says what may be told of passwords; `logins` learns who logs in.
        """
        self._selection = Selection((), (), ())
        self.analyze(protocols)
        self._flow_parts = flow_parts
        self._told: list[Told] = []
        """Events without their documents."""
        self._report = report
        self._secrets = secrets or Secrets()
        self._logins = logins
        self._due: list[tuple[int, int]] = []
        """A heap of times and slots; those that no longer hold are left where they are."""
        self._open: dict[int, Stream] = {}
        self._datagrams: dict[int, None] = {}
        """Those of them that are no TCP, by slot."""
        self._holding: dict[int, None] = {}
        """Those whose analyzers take much, by slot, since when."""
        self._held_bytes = 0
        self._waiting_bytes = 0
        self._counters = dict.fromkeys(
            ("flows", "segments", "bytes", "events", "gaps", "gap_bytes", "conflicts", "evicted",
             "limited", "skipped", "failed"), 0)
        self._told_failures: set[str] = set()

    def analyze(self, protocols: Sequence[AnalyzedProtocol]) -> None:
        """Analyze these protocols in flows that begin from now on; those that are followed stay.

        Another thread may select payloads meanwhile: it goes on with the choice it has begun with.
        """
        self._by_application = {code: one for one in protocols for code in one.applications}
        self._by_port = {(transport, port): one for one in protocols
                         for transport, ports in (
                             (PROTOCOL_TCP, one.tcp_ports), (PROTOCOL_UDP, one.udp_ports))
                         for port in ports}  # fmt: skip
        selection = Selection(
            [port for one in protocols for port in one.tcp_ports],
            [port for one in protocols for port in one.udp_ports],
            [code for one in protocols for code in one.applications],
        )
        selection.watch_as(self._selection)
        self._selection = selection

    def select(self, frames: FrameBatch, packets: PacketBatch) -> None:
        """Keep the payloads that are wanted of a batch, whose packets are prepared."""
        self._selection.select(frames, packets)

    def take(
        self, segments: Segments, follow_no_more: Callable[[int], None]
    ) -> list[tuple[int, Document]]:
        """The documents that became known in these segments, with the time when they did.

        `expire` tells of those that became known because nothing came.
        """
        unwanted: dict[int, None] = {}
        touched: set[int] = set()
        rows = segments_of(rows_of(SEGMENT_LAYOUT, segments.records, cython.compiled))
        flows = flows_of(rows_of(FLOW_LAYOUT, segments.flows, cython.compiled))
        for index in range(len(segments.records)):
            segment = segment_at(rows, index)
            slot = segment.slot
            stream = self._open.get(slot)
            while stream is not None and 0 < stream.due_ns <= segment.known_ns:
                self._expire(stream, slot)
            if segment.kind == SEGMENT_END:
                unwanted.pop(slot, None)
                if stream is not None:
                    self._finish(stream, segment, segments, index)
            elif slot not in unwanted:
                if stream is None:
                    stream = self._begin(segment, flow_at(flows, index), segments.octets)
                touched.add(slot)
                if stream is None or not self._read(stream, segment, segments, index):
                    self._let_go(slot)
                    unwanted[slot] = None
                self._make_room(unwanted)
        self._keep_flows(touched)
        for slot in unwanted:
            follow_no_more(slot)
        return self._documents()

    def _keep_flows(self, slots: set[int]) -> None:
        """Keep the flows of those that wait: the others go with their segments."""
        for slot in slots:
            stream = self._open.get(slot)
            if stream is None or stream.flows is None:
                continue
            at, stream.flow_at = stream.flow_at, 0
            stream.flows = stream.flows[at : at + 1].copy() if stream.due_ns else None

    def _read(
        self, stream: Stream, segment: Segment, segments: Segments, index: int
    ) -> bool:
        """Have a segment analyzed; False if nothing more of its flow is wanted."""
        stream.flows, stream.flow_at = segments.flows, index
        self._feed(stream, segment, segments.octets)
        self._collect(stream, segment.known_ns)
        analyzer = stream.analyzer
        if analyzer.done:
            return False
        if analyzer.due_ns == 0 and not stream.is_tcp:
            self._let_go(segment.slot)  # what a further datagram says does not depend on this one
        else:
            self._wait(stream, segment.slot, analyzer.due_ns, segment.known_ns)
            self._weigh(stream, segment.slot)
        return True

    def _weigh(self, stream: Stream, slot: int) -> None:
        """Note how much memory an analyzer takes."""
        held_bytes = 0
        try:
            held_bytes = stream.analyzer.held_bytes
        except Exception as error:
            self._fail(stream, error)
            return
        if held_bytes <= HELD_LITTLE:
            held_bytes = 0
        if held_bytes != stream.held_bytes:
            self._held_bytes += held_bytes - stream.held_bytes
            stream.held_bytes = held_bytes
            if held_bytes:
                self._holding.setdefault(slot)
            else:
                del self._holding[slot]

    def _finish(
        self, stream: Stream, segment: Segment, segments: Segments, index: int
    ) -> None:
        """The flow is over."""
        self._drop(segment.slot)
        stream.flows, stream.flow_at = segments.flows, index
        self._turn(stream, segment.turned)
        self._end(stream, Moment(segment.time_ns))
        self._collect(stream, segment.known_ns)

    def expire(
        self, now_ns: int, follow_no_more: Callable[[int], None]
    ) -> list[tuple[int, Document]]:
        """The documents that became known by `now_ns` because nothing came."""
        while self._due and self._due[0][0] <= now_ns:
            queued_ns, slot = heappop(self._due)
            stream = self._open.get(slot)
            if stream is None or stream.queued_ns != queued_ns:
                continue
            stream.queued_ns = 0
            if stream.due_ns > queued_ns:  # it has been put off since
                self._queue(stream, slot)
            elif stream.due_ns:
                self._expire(stream, slot)
                if stream.analyzer.done:
                    self._let_go(slot)
                    follow_no_more(slot)
                elif stream.due_ns == 0 and not stream.is_tcp:
                    self._let_go(slot)
        return self._documents()

    def _wait(self, stream: Stream, slot: int, due_ns: int, known_ns: int) -> None:
        """Note when an analyzer wants to hear that nothing came; 0: it does not."""
        if due_ns == 0:
            stream.due_ns = 0
            return
        stream.due_ns = max(due_ns, known_ns)
        if stream.queued_ns == 0 or stream.due_ns < stream.queued_ns:
            self._queue(stream, slot)

    def _queue(self, stream: Stream, slot: int) -> None:
        """Have `expire` look at a stream when its time comes. Most are put off again and again by
        further segments: that is seen then, and costs nothing now.
        """
        stream.queued_ns = stream.due_ns
        heappush(self._due, (stream.due_ns, slot))

    def _expire(self, stream: Stream, slot: int) -> None:
        """Tell an analyzer that its time has come; it may wait for a later one then."""
        due_ns, stream.due_ns = stream.due_ns, 0
        self._call(stream, stream.analyzer.expire)
        self._collect(stream, due_ns)
        if stream.analyzer.due_ns > due_ns and not stream.analyzer.done:
            self._wait(stream, slot, stream.analyzer.due_ns, due_ns)

    def _let_go(self, slot: int) -> None:
        """Follow a flow no more; what waits of it goes with it."""
        stream = self._drop(slot)
        if stream is not None:
            self._waiting_bytes -= stream.waiting_bytes()

    def _drop(self, slot: int) -> Stream | None:
        """Take a flow out of those that are followed."""
        self._datagrams.pop(slot, None)
        stream = self._open.pop(slot, None)
        if stream is not None and stream.held_bytes:
            self._held_bytes -= stream.held_bytes
            del self._holding[slot]
        return stream

    def skip(self, segments: Segments, follow_no_more: Callable[[int], None]) -> None:
        """Analyze nothing more of the flows of these segments: there is no time for it."""
        unwanted: dict[int, None] = {}
        for slot, kind in zip(*(segments.records[name].tolist() for name in ("slot", "kind")),
                              strict=True):  # fmt: skip
            self._let_go(slot)
            if kind == SEGMENT_END:
                unwanted.pop(slot, None)
            else:
                unwanted[slot] = None
                self._counters["skipped"] += 1
        for slot in unwanted:
            follow_no_more(slot)

    def ledger(self) -> dict[str, int]:
        """Counters of what was followed, missed and found."""
        return dict(self._counters)

    def _begin(self, segment: Segment, flow: Flow, octets: bytes) -> Stream | None:
        """Follow a flow, if its protocol is analyzed and may be what it carries."""
        application, transport = flow.application, flow.protocol
        protocol = self._by_application.get(application)
        if protocol is None:
            protocol = (self._by_port.get((transport, flow.resp_port))
                        or self._by_port.get((transport, flow.orig_port)))
        if protocol is None or application not in (*UNPROVEN, *protocol.applications):
            return None
        packets = flow.packets[0] + flow.packets[1]
        # One of datagrams that was let go is begun anew.
        self._counters["flows"] += transport == PROTOCOL_TCP or packets == 1
        if transport == PROTOCOL_TCP and segment.has_isn and (
                (segment.isn + 1) & MASK32 == segment.seq):
            payload = octets[segment.offset : segment.offset + segment.captured]
            if payload and protocol.refuses(segment.side ^ segment.turned, payload):
                self._counters["segments"] += 1
                self._counters["bytes"] += segment.captured
                return None
        stream = self._open[segment.slot] = Stream(
            protocol, self._secrets, is_tcp=transport == PROTOCOL_TCP, turned=segment.turned)
        if not stream.is_tcp:
            self._datagrams[segment.slot] = None
            # No datagram before gave more than one event: numbers go on where they may have been.
            stream.event_number = packets - 1
        return stream

    def _make_room(self, unwanted: dict[int, None]) -> None:
        """Let go of flows where they are too many, or take too much; their places in the table.

        Those of datagrams go first: they wait for seconds, and floods are made of them.
        """
        if len(self._open) > FLOWS_MAX:
            unwanted[self._forget(self._datagrams or self._open)] = None
        if self._held_bytes > HELD_BYTES_MAX:
            unwanted[self._forget(self._holding)] = None

    def _forget(self, slots: dict[int, Any]) -> int:
        """Let go of the first of these flows; its place in the table."""
        slot: int = next(iter(slots))
        self._let_go(slot)
        self._counters["evicted"] += 1
        return slot

    def _feed(self, stream: Stream, segment: Segment, octets: bytes) -> None:
        """Give a segment to its stream's analyzer, as far as it is in order."""
        side = segment.side
        payload = octets[segment.offset : segment.offset + segment.captured]
        self._counters["segments"] += 1
        self._counters["bytes"] += segment.captured
        moment = Moment(segment.time_ns, segment.frame, segment.file)
        self._turn(stream, segment.turned)
        direction = stream.sides[side]
        waiting_bytes, conflicts = direction.waiting_bytes, direction.conflicts
        if stream.is_tcp:
            if segment.has_isn:
                direction.begin((segment.isn + 1) & MASK32)
            elif not stream.begun[side]:
                self._call(stream, stream.analyzer.gap, side ^ stream.turned, 0, moment)
            stream.begun[side] = True
            self._give(stream, side, direction.add(segment.seq, payload), moment)
            if segment.has_acked and direction.waiting_bytes:
                self._give(stream, side, direction.acknowledged(segment.acked), moment)
        else:
            self._give(stream, side, [(0, payload)], moment)
        self._waiting_bytes += direction.waiting_bytes - waiting_bytes
        self._counters["conflicts"] += direction.conflicts - conflicts
        if self._waiting_bytes > WAITING_BYTES_MAX:
            self._give_way(moment)

    def _turn(self, stream: Stream, turned: int) -> None:
        """Tell the analyzer where the table has turned the flow round since."""
        if turned != stream.turned:
            stream.turned = turned
            self._call(stream, stream.analyzer.turn)

    def _give(
        self, stream: Stream, side: int, pieces: list[Piece], moment: Moment
    ) -> None:
        """Give an analyzer what is ready of a direction."""
        who, analyzer = side ^ stream.turned, stream.analyzer
        try:
            for missing, octets in pieces:
                if analyzer.done:
                    return
                if missing:
                    self._counters["gaps"] += 1
                    self._counters["gap_bytes"] += missing
                    analyzer.gap(who, missing, moment)
                analyzer.feed(who, octets[: stream.left[side]], moment)
                stream.left[side] -= len(octets)
                if stream.left[side] <= 0 and not analyzer.done:
                    self._counters["limited"] += 1
                    analyzer.close(moment)
                    analyzer.done = True
        except Exception as error:
            self._fail(stream, error)

    def _end(self, stream: Stream, moment: Moment) -> None:
        """The flow is over: what waits is given, then the analyzer closes."""
        for side, direction in enumerate(stream.sides):
            self._waiting_bytes -= direction.waiting_bytes
            self._give(stream, side, direction.finish(), moment)
        if not stream.analyzer.done:
            self._call(stream, stream.analyzer.close, moment)

    def _give_way(self, moment: Moment) -> None:
        """Let the flow that has waited longest go on without what is missing."""
        for stream in self._open.values():
            for side, direction in enumerate(stream.sides):
                if direction.waiting_bytes:
                    self._waiting_bytes -= direction.waiting_bytes
                    self._give(stream, side, direction.finish(), moment)
                    return

    def _call(self, stream: Stream, method: Callable[..., None], *arguments: Any) -> None:
        """Call an analyzer, whose faults stay its own."""
        try:
            method(*arguments)
        except Exception as error:
            self._fail(stream, error)

    def _fail(self, stream: Stream, error: Exception) -> None:
        """An analyzer is at fault: it sees no more of this flow, and people hear of it once."""
        stream.analyzer.done = True
        self._counters["failed"] += 1
        message = (f"the analyzer of {stream.protocol.name} failed in a flow, which goes on without"
                   f" it: {type(error).__name__}: {harmless(str(error))}")
        if message not in self._told_failures and len(self._told_failures) < 100:
            self._told_failures.add(message)
            self._report(message)

    def _collect(self, stream: Stream, known_ns: int) -> None:
        """Take the events that an analyzer has, of a flow as it was last seen."""
        events: list[ProtocolEvent] = stream.analyzer.take()
        if not events:
            return
        assert stream.flows is not None
        record = stream.flows[stream.flow_at]
        key = int(record["application"]), int(record["process"]), stream.turned
        if stream.part is None or stream.part_key != key or self._flow_parts.context.live:
            stream.part, stream.part_key = self._flow_parts.of(record), key
        for event in events:
            name = event.protocol or stream.protocol.name
            stream.event_number += 1
            self._told.append(Told(known_ns, event, stream.protocol, stream.part,
                                   stream.event_number))  # fmt: skip
            if self._logins is not None and event.action == f"{name}_login":
                user = event.fields.get("user.name", "")
                outcome = event.fields.get("telnet.login.outcome", "")
                self._logins.note(record, Login(str(user), str(outcome)))

    def _documents(self) -> list[tuple[int, Document]]:
        """The documents of the events since the last call, with the times when they were known."""
        told, self._told = self._told, []
        self._flow_parts.fill()
        self._counters["events"] += len(told)
        files = context_names(self._flow_parts.context, "files")
        found = []
        for one in told:
            document = document_of(one.event, one.protocol, one.part, one.number, files)
            if one.event.secret:
                self._secrets.revealed[str(value_at(document, "event.id"))] = one.event.secret
            found.append((one.known_ns, document))
        return found
