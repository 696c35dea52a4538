"""Streams: the followed flows of one flow table, their reassembly and their analyzers.

Segments go in as the table gives them, documents of protocol events come out, in order of time.
Everything is bounded: flows, octets that wait, octets that an analyzer sees. What an analyzer
raises is a defect of ours: it is counted, and ends the analysis of that flow alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

from sensor.base.escape import harmless
from sensor.ecs.event_batch import value_at
from sensor.model.applications import UNPROVEN
from sensor.model.columns import Document
from sensor.model.frames import FrameBatch
from sensor.model.logins import Login, Logins
from sensor.model.packets import PROTOCOL_TCP, PROTOCOL_UDP, PacketBatch
from sensor.model.segments import SEGMENT_END, Segments
from sensor.protocols import AnalyzedProtocol
from sensor.protocols.analyzer import Analyzer, Moment, ProtocolEvent
from sensor.protocols.secrets import Secrets
from sensor.streams.documents import FlowPart, document_of
from sensor.streams.reassembly import Piece, Reassembly
from sensor.streams.selection import Selection

FLOWS_MAX = 65_536
"""Flows that are followed at once; a further one takes the place of the oldest."""
WAITING_BYTES_MAX = 64 * 1024 * 1024
"""Octets that wait behind gaps in all flows; then the flow that waits longest goes on."""


class Segment(NamedTuple):
    """A segment as plain values: the members of `records.Segment`, in their order."""

    time_ns: int
    known_ns: int
    slot: int
    seq: int
    isn: int
    acked: int
    bytes: int
    captured: int
    offset: int
    frame: int
    file: int
    kind: int
    side: int
    turned: int
    has_isn: int
    has_acked: int


class Stream:
    """One followed flow."""

    __slots__ = ("analyzer", "begun", "due_ns", "event_number", "is_tcp", "left", "part",
                 "part_key", "protocol", "record", "sides", "turned")  # fmt: skip

    def __init__(
        self, protocol: AnalyzedProtocol, secrets: Secrets, *, is_tcp: bool, turned: int
    ) -> None:
        self.protocol = protocol
        self.analyzer: Analyzer = protocol.make(secrets)
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
        self.record: Any = None
        """The flow, while it waits."""
        self.part: FlowPart | None = None
        """What its events say of the flow, and of what state of it."""
        self.part_key = (0, 0, 0)


class Streams:
    """The streams of one flow table. One serves one run, or one worker of it."""

    def __init__(
        self,
        protocols: Sequence[AnalyzedProtocol],
        flow_part: Callable[[Any], FlowPart],
        report: Callable[[str], None] = lambda message: None,
        secrets: Secrets | None = None,
        logins: Logins | None = None,
    ) -> None:
        """`flow_part` makes of a flow record what its events say of it; `report` tells people.

        `secrets` says what may be told of passwords; `logins` learns who logs in.
        """
        self._selection = Selection(
            [port for one in protocols for port in one.tcp_ports],
            [port for one in protocols for port in one.udp_ports],
            [code for one in protocols for code in one.applications],
        )
        self._by_application = {code: one for one in protocols for code in one.applications}
        self._by_port = {(transport, port): one for one in protocols
                         for transport, ports in (
                             (PROTOCOL_TCP, one.tcp_ports), (PROTOCOL_UDP, one.udp_ports))
                         for port in ports}  # fmt: skip
        self._flow_part = flow_part
        self._report = report
        self._secrets = secrets or Secrets()
        self._logins = logins
        self._due: list[tuple[int, int]] = []
        """A heap of times and slots; those that no longer hold are left where they are."""
        self._open: dict[int, Stream] = {}
        self._waiting_bytes = 0
        self._counters = dict.fromkeys(
            ("flows", "segments", "bytes", "events", "gaps", "gap_bytes", "conflicts", "evicted",
             "limited", "skipped", "failed"), 0)
        self._told_failures: set[str] = set()

    def select(self, frames: FrameBatch, packets: PacketBatch) -> None:
        """Keep the payloads that are wanted of a batch, whose packets are prepared."""
        self._selection.select(frames, packets)

    def take(
        self, segments: Segments, follow_no_more: Callable[[int], None]
    ) -> list[tuple[int, Document]]:
        """The documents that became known in these segments, with the time when they did.

        `expire` tells of those that became known because nothing came.
        """
        found: list[tuple[int, Document]] = []
        unwanted: dict[int, None] = {}
        touched: set[int] = set()
        for index, segment in enumerate(map(Segment._make, segments.records.tolist())):
            slot, flow = segment.slot, segments.flows[index]
            stream = self._open.get(slot)
            if stream is not None and 0 < stream.due_ns <= segment.known_ns:
                self._expire(stream, found)
            if segment.kind == SEGMENT_END:
                unwanted.pop(slot, None)
                if stream is not None:
                    self._finish(stream, segment, flow, found)
            elif slot not in unwanted:
                stream = stream or self._begin(segment, flow)
                if len(self._open) > FLOWS_MAX:
                    unwanted[self._forget_oldest()] = None
                touched.add(slot)
                if stream is None or not self._read(stream, segment, segments, index, found):
                    self._open.pop(slot, None)
                    unwanted[slot] = None
        self._keep_records(touched)
        for slot in unwanted:
            follow_no_more(slot)
        return found

    def _keep_records(self, slots: Iterable[int]) -> None:
        """Keep the flows of those that wait: the others go with their segments."""
        for slot in slots:
            stream = self._open.get(slot)
            if stream is not None and stream.due_ns:
                stream.record = stream.record.copy()

    def _read(
        self, stream: Stream, segment: Segment, segments: Segments, index: int,
        found: list[tuple[int, Document]],
    ) -> bool:
        """Have a segment analyzed; False if nothing more of its flow is wanted."""
        flow = segments.flows[index]
        self._feed(stream, segment, segments.octets)
        self._collect(stream, flow, segment.known_ns, found)
        if stream.analyzer.done:
            return False
        if stream.analyzer.due_ns or stream.due_ns:
            self._wait(stream, segment, flow)
        return True

    def _finish(
        self, stream: Stream, segment: Segment, flow: Any, found: list[tuple[int, Document]]
    ) -> None:
        """The flow is over."""
        del self._open[segment.slot]
        self._turn(stream, segment.turned)
        self._end(stream, Moment(segment.time_ns))
        self._collect(stream, flow, segment.known_ns, found)

    def expire(
        self, now_ns: int, follow_no_more: Callable[[int], None]
    ) -> list[tuple[int, Document]]:
        """The documents that became known by `now_ns` because nothing came."""
        found: list[tuple[int, Document]] = []
        while self._due and self._due[0][0] <= now_ns:
            due_ns, slot = heappop(self._due)
            stream = self._open.get(slot)
            if stream is not None and stream.due_ns == due_ns:
                self._expire(stream, found)
                if stream.analyzer.done:
                    del self._open[slot]
                    follow_no_more(slot)
        return found

    def _wait(self, stream: Stream, segment: Segment, flow: Any) -> None:
        """Note when an analyzer wants to hear that nothing came."""
        due_ns = stream.analyzer.due_ns
        if due_ns == 0:
            stream.due_ns = 0
            return
        due_ns = max(due_ns, segment.known_ns)
        if due_ns != stream.due_ns:
            heappush(self._due, (due_ns, segment.slot))
        stream.due_ns, stream.record = due_ns, flow

    def _expire(self, stream: Stream, found: list[tuple[int, Document]]) -> None:
        due_ns, stream.due_ns = stream.due_ns, 0
        self._call(stream, stream.analyzer.expire)
        self._collect(stream, stream.record, due_ns, found)

    def skip(self, segments: Segments, follow_no_more: Callable[[int], None]) -> None:
        """Analyze nothing more of the flows of these segments: there is no time for it."""
        unwanted: dict[int, None] = {}
        for slot, kind in zip(*(segments.records[name].tolist() for name in ("slot", "kind")),
                              strict=True):  # fmt: skip
            if (stream := self._open.pop(slot, None)) is not None:
                self._waiting_bytes -= sum(side.waiting_bytes for side in stream.sides)
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

    def _begin(self, segment: Segment, flow: Any) -> Stream | None:
        """Follow a flow, if its protocol is analyzed."""
        application, transport = int(flow["application"]), int(flow["protocol"])
        protocol = self._by_application.get(application)
        if protocol is None:
            protocol = (self._by_port.get((transport, int(flow["resp_port"])))
                        or self._by_port.get((transport, int(flow["orig_port"]))))
        if protocol is None or application not in (
                *UNPROVEN, *protocol.applications, *protocol.through):
            return None
        self._counters["flows"] += 1
        stream = self._open[segment.slot] = Stream(
            protocol, self._secrets, is_tcp=transport == PROTOCOL_TCP, turned=segment.turned)
        return stream

    def _forget_oldest(self) -> int:
        """Let go of the flow that has been followed longest; its place in the table."""
        slot, stream = next(iter(self._open.items()))
        del self._open[slot]
        self._waiting_bytes -= sum(side.waiting_bytes for side in stream.sides)
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
        before = direction.waiting_bytes, direction.conflicts
        if stream.is_tcp:
            if segment.has_isn:
                direction.begin((segment.isn + 1) & 0xFFFF_FFFF)
            elif not stream.begun[side]:
                self._call(stream, stream.analyzer.gap, side ^ stream.turned, 0, moment)
            stream.begun[side] = True
            self._give(stream, side, direction.add(segment.seq, payload), moment)
            if segment.has_acked:
                self._give(stream, side, direction.acknowledged(segment.acked), moment)
        else:
            self._give(stream, side, [(0, payload)], moment)
        self._waiting_bytes += direction.waiting_bytes - before[0]
        self._counters["conflicts"] += direction.conflicts - before[1]
        if self._waiting_bytes > WAITING_BYTES_MAX:
            self._give_way(moment)

    def _turn(self, stream: Stream, turned: int) -> None:
        """Tell the analyzer where the table has turned the flow round since."""
        if turned != stream.turned:
            stream.turned = turned
            self._call(stream, stream.analyzer.turn)

    def _give(
        self, stream: Stream, side: int, pieces: Iterable[Piece], moment: Moment
    ) -> None:
        """Give an analyzer what is ready of a direction."""
        who = side ^ stream.turned
        try:
            for missing, octets in pieces:
                if stream.analyzer.done:
                    return
                if missing:
                    self._counters["gaps"] += 1
                    self._counters["gap_bytes"] += missing
                    stream.analyzer.gap(who, missing, moment)
                stream.analyzer.feed(who, octets[: stream.left[side]], moment)
                stream.left[side] -= len(octets)
                if stream.left[side] <= 0 and not stream.analyzer.done:
                    self._counters["limited"] += 1
                    stream.analyzer.close(moment)
                    stream.analyzer.done = True
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

    def _collect(
        self, stream: Stream, record: Any, known_ns: int, found: list[tuple[int, Document]]
    ) -> None:
        """Make documents of the events that an analyzer has, of a flow as it is now."""
        events: list[ProtocolEvent] = stream.analyzer.take()
        if not events:
            return
        key = int(record["application"]), int(record["process"]), stream.turned
        if stream.part is None or stream.part_key != key or stream.part.context.live:
            stream.part, stream.part_key = self._flow_part(record), key
        flow = stream.part
        for event in events:
            self._counters["events"] += 1
            stream.event_number += 1
            document = document_of(event, stream.protocol, flow, stream.event_number)
            if event.secret:
                self._secrets.revealed[str(value_at(document, "event.id"))] = event.secret
            if self._logins is not None and event.action == f"{stream.protocol.name}_login":
                outcome = event.fields[f"{stream.protocol.name}.login.outcome"]
                user = event.fields.get("user.name", "")
                self._logins.note(record, Login(str(user), str(outcome)))
            found.append((known_ns, document))
