"""RecordedProcesses: the processes that capture files tell of, as they come up.

A capture file tells whose a packet is. It does not tell when that process started. What can be
inferred is inferred openly: a process whose first packet opens a connection is said to have started
then, in a document that says so itself (`event.reason`, `sensor.process.gaps`); one that is first
seen in the middle of something was there already (`existing_process`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sensor.host.event_queue import Timeline
from sensor.host.process_events import FIRST_OPENED, FIRST_SEEN, Observer, process_event
from sensor.memory.records import RecordArray
from sensor.model.columns import Rows
from sensor.model.frames import FrameBatch
from sensor.model.packets import ACK, KIND_FLOW, PROTOCOL_TCP, SYN, PacketBatch
from sensor.model.processes import Processes

Decode = Callable[[FrameBatch, PacketBatch], None]


class RecordedProcesses:
    """Watches decoded packets for processes that were not there before; costs nothing without."""

    def __init__(self, processes: Processes, timeline: Timeline, observer: Observer) -> None:
        self._processes = processes
        self._timeline = timeline
        self._observer = observer
        self._seen = 0

    def watching(self, decode: Decode) -> Decode:
        """A decoder that also looks out for new processes."""

        def decode_and_look(frames: FrameBatch, packets: PacketBatch) -> None:
            decode(frames, packets)
            if len(self._processes) > self._seen:
                self._look(packets)

        return decode_and_look

    def stamp(self, records: RecordArray) -> None:
        """Nothing to add: the flow table has kept whose the packets were."""

    def take(self, until_ns: int | None) -> list[tuple[int, Rows]]:
        """The process events of that time, as Timeline.take."""
        return self._timeline.take(until_ns)

    def ledger(self) -> dict[str, int]:
        """Return counters of events, in the shape of `--stats`; empty without processes."""
        if not len(self._processes):
            return {}
        return {"events": self._timeline.added, "dropped": self._timeline.dropped,
                "refused": self._processes.refused}

    def _look(self, packets: PacketBatch) -> None:
        records = packets.records[: packets.count]
        numbers, rows = np.unique(records["process"], return_index=True)
        for number, row in zip(numbers.tolist(), rows.tolist(), strict=True):
            if number > self._seen:
                self._add_event(number, records[row])
        self._seen = max(self._seen, int(numbers[-1]) if len(numbers) else 0)

    def _add_event(self, number: int, packet: np.void) -> None:
        time_ns = int(packet["time_ns"])
        process = self._processes[number]
        opens = (packet["kind"] == KIND_FLOW and packet["protocol"] == PROTOCOL_TCP
                 and int(packet["tcp_flags"]) & (SYN | ACK) == SYN)
        if opens:
            process = replace(process, gaps=(*process.gaps, "start"))
        happening = FIRST_OPENED if opens else FIRST_SEEN
        self._timeline.add(time_ns, process_event(process, happening, time_ns, self._observer))
