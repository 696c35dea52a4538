"""One flow table of a run, and the counters in front of it, which must balance."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np

from sensor.base.units import SECOND_NS
from sensor.engine.event_order import EventOrder, in_order
from sensor.engine.protocols import EvidencePart, Records, StreamsPart, TablePart
from sensor.model.anomalies import ANOMALIES, SOUND
from sensor.model.columns import Document
from sensor.model.flow import FlowContext
from sensor.model.frames import FrameBatch
from sensor.model.packets import PacketBatch

SEGMENTS_AT_ONCE = 512
"""Streams read about this many segments at once: of a flow that nobody wants, some are then kept in
vain, but each call has its price."""
DOCUMENTS_AT_ONCE = 1_024
BEHIND_NS = 2 * SECOND_NS
"""A live run that is so late gives up what is said in flows, before frames are lost."""
FILES_MAX = 65_536
"""Files whose names are kept for flows that one of their frames decided."""


class Lane:
    """One flow table, and what is counted in front of it."""

    def __init__(
        self, table: TablePart, context: FlowContext, clock: Callable[[], int] | None = None,
        streams: StreamsPart | None = None, evidence: EvidencePart | None = None, *,
        prompt: bool = False,
    ) -> None:
        """`clock` is the wall clock of a live run; recorded traffic has none. `streams` reads what
        the flows carry. `evidence` keeps frames; then the table must make notes. `prompt` says that
        events are wanted as soon as they are known, though others may come to stand before them.
        """
        self.table = table
        self.streams = streams
        self.frames = 0
        """Frames that were read, those that were left out included."""
        self.outside_window = 0
        self.filtered = 0
        self.bytes = 0
        self.fragments_evicted = 0
        self.sliced = 0
        self.anomalies: dict[str, int] = {}
        self.lag_ns = 0
        """Age of the newest frame when it was worked on, by that clock."""
        self.last_ns = -1
        """The newest frame's time; packet time goes on without frames in a live run."""
        self._clock = clock
        self._evidence = evidence
        self._context = context
        self._file = ""
        self._file_indexes: dict[str, int] = {}
        self._files_seen = 0
        self._said: list[tuple[int, Document]] = []
        """Documents of protocol events since the last `take`."""
        self._order = None if prompt or clock is not None else EventOrder()
        self._ending = False
        self._ended = False
        self._snapshot = self._count() if clock is not None else None
        """Live, the counters up to the last batch; replaced as a whole, for any thread to read."""

    @property
    def counters(self) -> dict[str, Any]:
        """Counters up to the last batch."""
        return self._snapshot if self._snapshot is not None else self._count()

    def prepare(self, frames: FrameBatch, packets: PacketBatch) -> None:
        """Do with a decoded batch what needs no flows; `frames` are its own."""
        self.table.prepare(packets)
        if self.streams is not None:
            self.streams.select(frames, packets)
        if self._evidence is not None:
            self._evidence.prepare(frames, packets)

    def take(self) -> tuple[Records, list[tuple[int, Document]]]:
        """Flow events and documents of protocol events since the last call, each in its order."""
        self._read_streams()
        documents, self._said = self._said, []
        if self.streams is not None:
            documents += self.streams.expire(self.table.now_ns, self.table.follow_no_more)
            documents.sort(key=itemgetter(0))
        records = self.table.take()
        if self._evidence is not None:
            self._evidence.end(records)
        if self._order is None:
            return in_order(records), documents
        if self._ended:
            return self._order.take_all(records), documents
        if self._ending:
            return self._order.take_ended(records), documents
        return self._order.take(records, self.reached_ns), self._known_before(documents)

    @property
    def reached_ns(self) -> int:
        """Packet time: what is not known yet will be known then or later."""
        return self.table.reached_ns()

    def _known_before(
        self, documents: list[tuple[int, Document]]
    ) -> list[tuple[int, Document]]:
        """The documents that no other can come before any more; the rest waits."""
        reached_ns = self.reached_ns
        self._said = [said for said in documents if said[0] >= reached_ns]
        return [said for said in documents if said[0] < reached_ns] if self._said else documents

    def _read_streams(self) -> None:
        """Have what the table kept of flows read; nobody follows those that are not wanted."""
        if self.streams is None or (segments := self.table.take_segments()) is None:
            return
        if self.lag_ns > BEHIND_NS:
            self.streams.skip(segments, self.table.follow_no_more)
        else:
            self._said += self.streams.take(segments, self.table.follow_no_more)

    def has_much(self, events: int) -> bool:
        """True if so many flow events are there, or many documents."""
        return self.table.event_count >= events or len(self._said) >= DOCUMENTS_AT_ONCE

    def fold(self, packets: PacketBatch, hand_over: Callable[[], None]) -> None:
        """Fold a batch into the table; `hand_over` takes its events when it is full of them."""
        self.frames += packets.count + packets.outside_window + packets.filtered
        self.outside_window += packets.outside_window
        self.filtered += packets.filtered
        self.bytes += packets.wire_bytes
        self.fragments_evicted += packets.fragments_evicted
        self.sliced += packets.sliced
        if packets.count:
            if self._clock is not None:
                self.lag_ns = self._clock() - packets.watermark_ns
        elif self._clock is not None:  # nothing waits
            self.lag_ns = 0
        self._follow(packets)
        while not self.table.advance(packets):
            hand_over()
        if self._evidence is not None:
            self._evidence.take(packets, self.table, is_late=self.lag_ns > BEHIND_NS)
        if self.table.segment_count >= SEGMENTS_AT_ONCE:
            self._read_streams()
        if packets.count:
            self.last_ns = max(self.last_ns, self.table.now_ns)
        self._check(packets)

    def drain(self, hand_over: Callable[[], None]) -> None:
        """End every flow: the capture is over."""
        self._ending = True
        while not self._ended:
            self._ended = self.table.drain()
            hand_over()
        if self.last_ns < 0:  # the one frame that came waited for another one
            self.last_ns = self.table.now_ns
        counters = self.table.counters()
        if self._snapshot is not None:
            self._snapshot = self._count()
        assert counters["flows_open"] == 0 and counters["packets_in_table"] == 0
        assert sum(counters["verdicts"].values()) == counters["flows_total"]

    def _count(self) -> dict[str, Any]:
        return {**self.table.counters(), "frames": self.frames, "bytes": self.bytes,
                "fragments_evicted": self.fragments_evicted, "sliced": self.sliced,
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
        """The place of a file in the context; the oldest gives its place when all are taken."""
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
        if packets.anomalous:
            records = packets.records[: packets.count]
            for code, count in enumerate(np.bincount(records["anomaly"])):
                if count and code != SOUND:
                    name = ANOMALIES[code].name
                    self.anomalies[name] = self.anomalies.get(name, 0) + int(count)
        if self._snapshot is not None:
            self._snapshot = self._count()
        accounted = self.table.accounted() + self.outside_window + self.filtered
        assert accounted == self.frames, f"{self.frames} frames, {accounted} accounted for"
