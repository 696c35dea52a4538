"""The parts that a pipeline is given, as far as it uses them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sensor.ecs.event_batch import EventBatch
from sensor.ecs.flow_batch import FlowBatch
from sensor.model.alert import Alert
from sensor.model.columns import Document, Rows
from sensor.model.frames import FrameBatch
from sensor.model.merged_rows import RowsPart
from sensor.model.packets import PacketBatch
from sensor.model.segments import Segments
from sensor.model.status import Input
from sensor.protocols import AnalyzedProtocol

Records = NDArray[np.void]
"""Flow events as records of `records.FLOW_LAYOUT`."""
Decode = Callable[[FrameBatch, PacketBatch], None]
"""Fills a packet batch from the frames of a frame batch."""


class CapturePart(Protocol):
    """The part of a capture (sensor/capture/base.py) that the pipeline uses."""

    @property
    def inputs(self) -> Sequence[Input]: ...

    bytes_read: int
    bytes_total: int

    def __iter__(self) -> Iterator[FrameBatch]: ...


class TablePart(Protocol):
    """The part of the flow table that the pipeline uses."""

    file_index: int
    event_count: int
    segment_count: int
    first_ns: int
    now_ns: int

    def prepare(self, packets: PacketBatch) -> None: ...

    def reached_ns(self) -> int: ...

    def advance(self, packets: PacketBatch) -> bool: ...

    def drain(self) -> bool: ...

    def take(self) -> Records: ...

    def take_segments(self) -> Segments | None: ...

    def follow_no_more(self, slot: int) -> None: ...

    def counters(self) -> dict[str, Any]: ...

    def accounted(self) -> int: ...


class StreamsPart(Protocol):
    """Reads what flows carry (sensor/streams/), as far as the pipeline uses it."""

    def analyze(self, protocols: Sequence[AnalyzedProtocol]) -> None:
        """Analyze these protocols from now on."""

    def select(self, frames: FrameBatch, packets: PacketBatch) -> None:
        """Keep the payloads that are wanted of a batch, whose packets are prepared."""

    def take(
        self, segments: Segments, follow_no_more: Callable[[int], None]
    ) -> list[tuple[int, Document]]:
        """The documents that became known in some segments, each with the time when it did."""

    def expire(
        self, now_ns: int, follow_no_more: Callable[[int], None]
    ) -> list[tuple[int, Document]]:
        """The documents that became known by then because nothing came."""

    def skip(self, segments: Segments, follow_no_more: Callable[[int], None]) -> None:
        """Let the flows of some segments be: there is no time for them."""

    def ledger(self) -> dict[str, int]:
        """Counters of what was followed, missed and found."""


class EvidencePart(Protocol):
    """Keeps frames of flows that alerts may be about (sensor/evidence/), in a live run."""

    def prepare(self, frames: FrameBatch, packets: PacketBatch) -> None:
        """Copy the frames of a batch, whose packets are prepared and its payloads selected."""

    def take(self, packets: PacketBatch, table: Any, *, is_late: bool) -> None:
        """Keep what is wanted of a batch that the flow table has worked on."""

    def end(self, events: Records) -> None:
        """Learn from flow events which flows are over."""


class RulesPart(Protocol):
    """The part of the rules that the pipeline uses."""

    def match(self, rows: Rows) -> list[Alert]: ...

    def advance(self, now_ns: int) -> list[Alert]: ...

    def finish(self) -> list[Alert]: ...


class SinkPart(Protocol):
    """The part of a sink (sensor/sinks/base.py) that the pipeline uses."""

    def emit(self, alert: Alert) -> None: ...

    def accounted(self) -> int: ...


class DocumentsPart(Protocol):
    """The part of documents (sensor/events/files.py) that the pipeline uses."""

    bytes_total: int

    @property
    def inputs(self) -> Sequence[Input]: ...

    @property
    def bytes_read(self) -> int: ...

    @property
    def reached_ns(self) -> int: ...

    @property
    def waiting(self) -> bool: ...

    @property
    def interrupted(self) -> bool: ...

    def stop(self) -> None: ...

    def ledger(self) -> dict[str, int]: ...


class MergerPart(Protocol):
    """Gives the rules documents between the flow events (sensor/engine/documents.py)."""

    documents: DocumentsPart

    def take(self, records: Records, reached_ns: int) -> None: ...

    def take_rest(self) -> None: ...


class HostPart(Protocol):
    """Knows the processes behind flows (sensor/host/), as far as the pipeline uses it."""

    def stamp(self, records: Records) -> None:
        """Write into flow events whose they are, as far as it was learnt since."""

    def take(self, until_ns: int | None) -> list[tuple[int, Rows]]:
        """Other events known by then (None: all), in order of the time at which they were."""

    def ledger(self) -> dict[str, int]:
        """Counters of what was told and got lost, for `--stats`; empty: nothing to tell of."""


class TimelinePart(Protocol):
    """Documents in order of time (sensor/host/event_queue.py)."""

    def add(self, time_ns: int, document: Document) -> None: ...

    def take_documents(self, until_ns: int | None) -> list[tuple[int, Document]]: ...

    def rows(self, documents: Sequence[tuple[int, Document]]) -> RowsPart: ...


class FlowWriter(Protocol):
    """A receiver of flow records."""

    def write(self, flows: FlowBatch) -> None: ...


class EventWriter(Protocol):
    """A receiver of protocol events."""

    def write(self, flows: EventBatch) -> None: ...


class RecordWriter(Protocol):
    """A receiver of flow records and protocol events."""

    def write(self, flows: FlowBatch | EventBatch) -> None: ...


class SecretsPart(Protocol):
    """Passwords that were told of, as far as they may be revealed."""

    def documents(self, documents: Sequence[Document]) -> Sequence[Document]: ...


class OutputsPart(Protocol):
    """The receivers of alerts, flow records and protocol events."""

    @property
    def sinks(self) -> Sequence[SinkPart]: ...

    @property
    def flow_sink(self) -> FlowWriter | None: ...

    @property
    def event_sink(self) -> EventWriter | None: ...

    @property
    def servers(self) -> Sequence[RecordWriter]:
        """Those of both, who are told no passwords."""

    @property
    def secrets(self) -> SecretsPart: ...

    @property
    def flow_events(self) -> bool:
        """True if the flow file also gets what is not a final record."""
