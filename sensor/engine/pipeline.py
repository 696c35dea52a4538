"""The main path: frames -> packets -> flows -> alerts -> sinks, and the ledger that must balance.

    for frames in capture:                 pull at the edge
        decode(frames, packets)            stateless
        table.advance(packets)             state: flows in progress
        ruleset.match(flows)               state: suppression, rate limits
        sink.emit(alert)                   push at the end

The parts are handed in; nothing here knows where frames come from or what a rule is.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

from sensor.ecs.flow_batch import FlowBatch
from sensor.engine.protocols import (
    BetweenPart,
    CapturePart,
    DocumentsPart,
    FlowWriter,
    HostPart,
    RowsPart,
    RulesPart,
    SinkPart,
    TablePart,
)
from sensor.model.alert import Alert
from sensor.model.anomalies import ANOMALIES, SOUND
from sensor.model.columns import Rows
from sensor.model.flow import FLOW_ENDED, LOSSY_FLOWS_MIN, LOSSY_SHARE, FlowContext
from sensor.model.frames import FrameBatch
from sensor.model.packets import PacketBatch

BATCHES_AHEAD = 3
"""Packet batches between the decoder and the table: one is filled, one waits, one is worked on."""
WAKE_S = 0.2
"""A signal that comes just before a wait does not end it; the next look around sees it."""
FILES_MAX = 65_536
"""Files whose names are kept for flows that one of their frames decided."""
HANDOVER_EVENTS = 8192
"""In a replay, rules see about this many flow events at once: their fixed cost is then nothing."""


class Ahead:
    """A thread that reads and decodes ahead of the flow table, a few batches at most.

    Both sides spend nearly all of their time without the GIL, so two cores share the work. A packet
    batch holds all that the table needs: the capture may reuse its window meanwhile.
    """

    def __init__(
        self,
        capture: CapturePart,
        decode: Callable[[FrameBatch, PacketBatch], None],
        prepare: Callable[[PacketBatch], None],
    ) -> None:
        self._capture = capture
        self._decode = decode
        self._prepare = prepare
        self._stopped = False
        self._free: SimpleQueue[PacketBatch] = SimpleQueue()
        self._ready: SimpleQueue[PacketBatch | BaseException | None] = SimpleQueue()
        for _ in range(BATCHES_AHEAD):
            self._free.put(PacketBatch())
        self._thread = threading.Thread(target=self._run, name="sensor-decode", daemon=True)
        self._thread.start()

    def take(self) -> PacketBatch | None:
        """The next decoded batch; None at the end. Errors: raises what the capture raised."""
        packets = self._waited()
        if isinstance(packets, BaseException):
            raise packets
        return packets

    def _waited(self) -> PacketBatch | BaseException | None:
        while True:
            try:
                return self._ready.get(timeout=WAKE_S)
            except Empty:
                continue

    def give_back(self, packets: PacketBatch) -> None:
        """Let a batch be filled again."""
        self._free.put(packets)

    def is_idle(self) -> bool:
        """Whether no decoded batch is waiting."""
        return self._ready.empty()

    def stop(self) -> None:
        """Read no further. A thread that waits for a silent pipe is left behind."""
        self._stopped = True
        self._free.put(PacketBatch(1))  # in case it waits for one

    def _run(self) -> None:
        try:
            for frames in self._capture:
                packets = self._free.get()
                if self._stopped:
                    break
                self._decode(frames, packets)
                self._prepare(packets)
                self._ready.put(packets)
            self._ready.put(None)
        except BaseException as error:  # handed over, raised by take()
            self._ready.put(error)


class Lane:
    """One flow table, and what is counted in front of it."""

    def __init__(self, table: TablePart, context: FlowContext) -> None:
        self.table = table
        self.frames = 0
        """Frames that were read, those that were left out included."""
        self.outside_window = 0
        self.filtered = 0
        self.bytes = 0
        self.fragments_evicted = 0
        self.anomalies: dict[str, int] = {}
        self.clock: Callable[[], int] | None = None
        """The wall clock of a live run."""
        self.lag_ns = 0
        """How old the newest frame was when it was worked on, by that clock."""
        self.last_ns = -1
        """The newest frame's time; packet time goes on without frames in a live run."""
        self._context = context
        self._file = ""
        self._file_indexes: dict[str, int] = {}
        self._files_seen = 0
        self.told = self._tally(table.books())
        """What was counted up to the last batch; replaced as a whole, for any thread to read."""

    def fold(self, packets: PacketBatch, hand_over: Callable[[], None]) -> None:
        """Fold a batch into the table; `hand_over` takes its events when it is full of them."""
        self.frames += packets.count + packets.outside_window + packets.filtered
        self.outside_window += packets.outside_window
        self.filtered += packets.filtered
        self.bytes += packets.wire_bytes
        self.fragments_evicted += packets.fragments_evicted
        if packets.count:
            if self.clock is not None:
                self.lag_ns = self.clock() - packets.watermark_ns
        elif self.clock is not None:  # nothing waits
            self.lag_ns = 0
        self._follow(packets)
        while not self.table.advance(packets):
            hand_over()
        if packets.count:
            self.last_ns = max(self.last_ns, self.table.now_ns)
        self._check(packets)

    def drain(self, hand_over: Callable[[], None]) -> None:
        """End every flow: the capture is over."""
        done = False
        while not done:
            done = self.table.drain()
            hand_over()
        if self.last_ns < 0:  # the one frame that came waited for another one
            self.last_ns = self.table.now_ns
        books = self.table.books()
        self.told = self._tally(books)
        assert books["flows_open"] == 0 and books["packets_in_table"] == 0
        assert sum(books["verdicts"].values()) == books["flows_total"]

    def _tally(self, books: dict[str, Any]) -> dict[str, Any]:
        return {**books, "frames": self.frames, "bytes": self.bytes,
                "fragments_evicted": self.fragments_evicted,
                "outside_window": self.outside_window, "filtered": self.filtered,
                "anomalies_by_name": dict(self.anomalies)}  # fmt: skip

    def _follow(self, packets: PacketBatch) -> None:
        """Keep the tables that flows refer to: files and interfaces."""
        if packets.files:
            indexes = np.array([self._file_index(path) for path in packets.files], np.uint16)
            column = packets.file_column[: packets.count]
            column[:] = indexes[column]
            self._file = ""
        elif packets.file != self._file:
            self._file = packets.file
            self.table.file_index = self._file_index(packets.file)
        if packets.numbered and not packets.files:
            packets.file_column[: packets.count] = self.table.file_index
        known = len(self._context.interfaces)
        if len(packets.interfaces) > known:
            self._context.interfaces.extend(packets.interfaces[known:])

    def _file_index(self, path: str) -> int:
        """Where a file stands in the context; the oldest gives its place when all are taken."""
        index = self._file_indexes.get(path)
        if index is None:
            index = self._files_seen % FILES_MAX
            self._files_seen += 1
            files = self._context.files
            if index < len(files):
                self._file_indexes.pop(files[index], None)
                files[index] = path
            else:
                files.append(path)
            self._file_indexes[path] = index
        return index

    def _check(self, packets: PacketBatch) -> None:
        """Count anomalies by name, and assert that no frame got lost."""
        books = self.table.books()
        if packets.anomalous:
            records = packets.records[: packets.count]
            for code, count in enumerate(np.bincount(records["anomaly"])):
                if count and code != SOUND:
                    name = ANOMALIES[code].name
                    self.anomalies[name] = self.anomalies.get(name, 0) + int(count)
        self.told = self._tally(books)
        accounted = (
            books["packets_in_table"] + books["packets_ended"] + books["packets_without_flow"]
            + books["anomalies"] + books["non_ip"] + books["duplicates"]
            + self.outside_window + self.filtered
        )  # fmt: skip
        assert accounted == self.frames, f"{self.frames} frames, {accounted} accounted for"


class Outlet:
    """Where flow events go: through the rules into the sinks, and into the flow file.

    `clock` is the wall clock of a live run; recorded traffic has none.
    """

    def __init__(
        self, rules: RulesPart, sinks: Sequence[SinkPart], context: FlowContext
    ) -> None:
        self.rules = rules
        self.sinks = sinks
        self.context = context
        self.host: HostPart | None = None
        self.flow_writer: FlowWriter | None = None
        self.flow_events = False
        self.clock: Callable[[], int] | None = None
        self.alerts = 0
        self._now_ns = -1

    def take(self, records: Any) -> None:
        """Give flow events that have become known to the rules and to the flow file."""
        if not len(records):
            return
        created_ns = self.clock() if self.clock is not None else 0
        if self.host is not None:
            self.host.stamp(records)
        flows = FlowBatch(records, self.context, created_ns)
        self._match(flows.times_ns(), flows.part)
        if self.flow_writer is not None:
            if not self.flow_events:
                ended = records[records["action"] >= FLOW_ENDED]
                flows = FlowBatch(ended, self.context, created_ns)
            if flows.count:
                self.flow_writer.write(flows)

    def take_rows(self, rows: RowsPart) -> None:
        """Give other events that have become known to the rules."""
        times = rows.times_ns()
        if len(times):
            self._match(times, rows.part)

    def tell_host(self, until_ns: int | None) -> None:
        """Give the rules what else is known by then, though no flow event is; None: all of it."""
        if self.host is not None:
            for _, rows in self.host.take(until_ns):
                self.emit(self.rules.match(rows))

    def advance(self, now_ns: int) -> None:
        """Let the rules know the time: nothing that was not given yet becomes known before it."""
        if now_ns > self._now_ns:
            self._now_ns = now_ns
            self.tell_host(now_ns)
            self.emit(self.rules.advance(now_ns))

    def finish(self, now_ns: int = -1) -> None:
        """Everything was given, and time has gone on to `now_ns`: let the rules close what they
        hold open.
        """
        self.tell_host(None)
        self.advance(now_ns)
        self.emit(self.rules.finish())

    def _match(self, known_ns: Any, part: Callable[[int, int], Rows]) -> None:
        """Events with those of the host in their places: before the other events of their time."""
        first, count = 0, len(known_ns)
        others = self.host.take(int(known_ns[-1])) if self.host is not None else []
        for time_ns, rows in others:
            place = first + int(np.searchsorted(known_ns[first:], time_ns, side="left"))
            if place > first:
                self.emit(self.rules.match(part(first, place)))
            self.emit(self.rules.match(rows))
            first = place
        if first < count:
            self.emit(self.rules.match(part(first, count)))

    def emit(self, alerts: list[Alert]) -> None:
        """Give alerts to every sink."""
        for alert in alerts:
            self.alerts += 1
            for sink in self.sinks:
                sink.emit(alert)
        if alerts:
            for sink in self.sinks:
                assert sink.accounted() == self.alerts, "an alert got lost in a sink"


class AnyPipeline:
    """What every pipeline has: call `run` once, then read `ledger`.

    `on_batch` is called after each batch, for progress and whatever else comes round regularly.
    """

    def __init__(
        self,
        captures: Sequence[CapturePart],
        decoders: Sequence[Callable[[FrameBatch, PacketBatch], None]],
        tables: Sequence[TablePart],
        outlet: Outlet,
    ) -> None:
        self.captures = list(captures)
        self.decoders = list(decoders)
        self.lanes = [Lane(table, outlet.context) for table in tables]
        self.outlet = outlet
        self.documents: DocumentsPart | None = None
        self.on_batch: Callable[[], None] | None = None

    def run(self) -> None:
        """Read to the end, or until stopped; then end every flow and flush the rules."""
        for _ in self.steps():
            pass

    def steps(self) -> Iterator[None]:
        """The same in steps of one batch, for a caller that wants the alerts as they come."""
        raise NotImplementedError

    @property
    def frames(self) -> int:
        """Frames that were worked on."""
        return sum(lane.frames for lane in self.lanes)

    @property
    def alerts(self) -> int:
        """Alerts that went to the sinks."""
        return self.outlet.alerts

    def ledger(self) -> dict[str, Any]:
        """What the run did, in the shape of `--stats`; whoever composes adds rules and sinks."""
        ledger = ledger_of(self.lanes)
        if self.documents is not None:
            ledger["documents"] = self.documents.ledger()
        if self.outlet.host is not None and (told := self.outlet.host.ledger()):
            ledger["host"] = told
        return ledger

    @property
    def inputs(self) -> list[Any]:
        """What was read, captures before documents; workers share theirs."""
        return [*(self.captures[0].inputs if self.captures else ()),
                *(self.documents.inputs if self.documents is not None else ())]


class Pipeline(AnyPipeline):
    """One run over one capture. `stop` may be set from a signal handler."""

    def __init__(
        self,
        capture: CapturePart,
        decode: Callable[[FrameBatch, PacketBatch], None],
        table: TablePart,
        outlet: Outlet,
    ) -> None:
        super().__init__([capture], [decode], [table], outlet)
        self.capture = capture
        self.handover_events = HANDOVER_EVENTS
        """How many events come together before the rules see them; 0: those of every batch, and
        the time where it has none."""
        self.between: BetweenPart | None = None
        """Gives the documents, which are merged with the flow events by time."""
        self.prompt = False
        """Whether events go to the rules as soon as no further packets wait: the input may be
        live, and what is known is to be said at once."""
        self.stop = False
        self._waiting = False

    def steps(self) -> Iterator[None]:
        lane = self.lanes[0]
        ahead = Ahead(self.capture, self.decoders[0], lane.table.prepare)
        while (packets := self._next(ahead)) is not None:
            lane.fold(packets, self._hand_over)
            ahead.give_back(packets)
            if lane.table.event_count >= self.handover_events or (
                self.prompt and ahead.is_idle()
            ):
                self._hand_over()
            if self.on_batch is not None:
                self.on_batch()
            yield
            if self.stop:
                break
        ahead.stop()
        lane.drain(self._hand_over)
        reached_ns = lane.last_ns
        if self.between is not None:
            reached_ns = max(reached_ns, self._finish_between(self.between))
        self.outlet.finish(reached_ns)
        yield

    @property
    def waiting(self) -> bool:
        """Whether the run is inside a read: a signal handler may then raise to end a wait."""
        return self._waiting or (self.between is not None and self.between.documents.waiting)

    def _finish_between(self, between: BetweenPart) -> int:
        """Take the documents that are left; returns the newest time of all of them."""
        if self.stop:
            between.documents.stop()
        between.take_rest()
        self.stop = self.stop or between.documents.interrupted
        return between.documents.reached_ns

    def _next(self, ahead: Ahead) -> PacketBatch | None:
        """The next batch; a KeyboardInterrupt while waiting for it means that there is none."""
        try:
            self._waiting = True
            return None if self.stop else ahead.take()
        except KeyboardInterrupt:
            self.stop = True
            return None
        finally:
            self._waiting = False

    def _hand_over(self) -> None:
        table = self.lanes[0].table
        if self.between is not None:
            self.between.take(table.take(), table.now_ns)
        else:
            self.outlet.take(table.take())
        self.outlet.advance(table.now_ns)


def ledger_of(lanes: Sequence[Lane]) -> dict[str, Any]:
    """The books of all lanes together, in the shape of `--stats`."""
    all_books = [lane.told for lane in lanes]
    anomalies: Counter[str] = Counter()
    for books in all_books:
        anomalies.update(books["anomalies_by_name"])

    def total(name: str) -> int:
        return sum(books[name] for books in all_books)

    frames, one_way, both_ways = total("frames"), total("one_way"), total("two_way")
    gaps = total("lossy")
    return {
        "frames": frames,
        "bytes": total("bytes"),
        "packets": frames - total("anomalies") - total("non_ip") - total("outside_window")
                   - total("filtered"),
        "anomalies": dict(sorted(anomalies.items())),
        "non_ip_frames": total("non_ip"),
        "outside_window": total("outside_window"),
        "filtered": total("filtered"),
        "duplicates": total("duplicates"),
        "fragments": total("fragments"),
        "fragments_evicted": total("fragments_evicted"),
        "icmp_errors": total("icmp_quoting"),
        "time_backwards": total("time_backwards"),
        "tunnels": {"paths": total("tunnel_paths"), "refused": total("tunnel_paths_refused")},
        "time_jumps": total("time_jumps"),
        "flows": {
            "total": total("flows_total"),
            **{name: sum(books["verdicts"][name] for books in all_books)
               for name in _LEDGER_VERDICTS},
            "evicted": total("evicted"),
            "peak": total("flows_peak"),
        },
        "seen": {
            "one_sided": one_way > both_ways,
            "lossy": gaps >= LOSSY_FLOWS_MIN and gaps * LOSSY_SHARE >= both_ways,
            "flows_one_way": one_way,
            "flows_both_ways": both_ways,
            "flows_with_gaps": gaps,
        },
    }  # fmt: skip


_LEDGER_VERDICTS = ("accepted", "denied", "dropped", "attempted", "unknown")
