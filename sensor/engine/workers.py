"""Workers: several captures, each with a flow table and a thread, and one stream of events.

The kernel deals the frames out so that a flow is whole with one worker. Each worker reads, decodes
and folds; what becomes known it hands to the main thread, which brings the events of all into the
order of time and gives them to the rules: one rule set sees every flow, and one row of sinks every
alert.

    worker: frames -> packets -> flows --+
    worker: frames -> packets -> flows --+--> merge by time -> rules -> alerts -> sinks
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from queue import Empty, SimpleQueue
from typing import Literal

import numpy as np

from sensor.engine.event_order import in_order
from sensor.engine.lane import Lane
from sensor.engine.pipeline import FULL_BATCHES, AnyPipeline
from sensor.engine.protocols import (
    CapturePart,
    Decode,
    EvidencePart,
    Records,
    StreamsPart,
    TablePart,
)
from sensor.engine.rule_stage import RuleStage
from sensor.model.columns import Document
from sensor.model.packets import PacketBatch

WAITING_BATCHES_MAX = 64
"""Batches of one worker that wait for the main thread; beyond them it waits, and its ring fills."""
REQUEST_S = 0.01
"""A worker that events wait for is asked so often how far it has come."""
OVER = 1 << 62
"""The packet time of a worker that has ended: nothing waits for it."""


Result = tuple[int, list[Records], list[tuple[int, Document]], int]
"""A worker, what became known to it, what was said in its flows, and how far it has come."""


class Merge:
    """Events of several workers in the order in which they became known.

    What one worker knows may be said when every other one has come as far in packet time.
    """

    def __init__(self, workers: int, *, prompt: bool = True) -> None:
        """Unless `prompt`, events wait until none of their own time can follow: their order is then
        that of one worker (event_order.py).
        """
        self._side: Literal["left", "right"] = "right" if prompt else "left"
        self._reached_ns = [-1] * workers
        self._waiting: list[list[Records]] = [[] for _ in range(workers)]
        self._said: list[tuple[int, Document]] = []

    def add(self, worker: int, records: Sequence[Records], reached_ns: int) -> None:
        """Events of a worker, in their order, and the packet time that it has reached."""
        self._waiting[worker] += [part for part in records if len(part)]
        self._reached_ns[worker] = max(self._reached_ns[worker], reached_ns)

    def add_said(self, documents: Sequence[tuple[int, Document]]) -> None:
        """Protocol events of a worker, each with the time when it became known."""
        self._said += documents

    def take_said(self) -> list[tuple[int, Document]]:
        """The protocol events that nothing earlier can follow any more, in order."""
        ready = [said for said in self._said if said[0] <= self.horizon_ns]
        if ready:
            self._said = [said for said in self._said if said[0] > self.horizon_ns]
            ready.sort(key=itemgetter(0))
        return ready

    @property
    def horizon_ns(self) -> int:
        """The packet time that all workers have reached."""
        return min(self._reached_ns)

    def take(self) -> Records | None:
        """The events that nothing earlier can follow any more, in order; None if there are none.

        Shapes: one array of records.FLOW_LAYOUT.
        """
        horizon_ns = self.horizon_ns
        ready = []
        for worker, parts in enumerate(self._waiting):
            kept = []
            for part in parts:
                count = int(np.searchsorted(part["known_ns"], horizon_ns, side=self._side))
                if count:
                    ready.append(part[:count])
                if count < len(part):
                    kept.append(part[count:])
            self._waiting[worker] = kept
        if not ready:
            return None
        return in_order(np.concatenate(ready))

    def lagging(self) -> list[int]:
        """The workers that events wait for."""
        if not any(self._waiting):
            return []
        first_ns = min(int(parts[0]["known_ns"][0]) for parts in self._waiting if parts)
        return [worker for worker, reached_ns in enumerate(self._reached_ns)
                if reached_ns < first_ns]  # fmt: skip


class WorkersPipeline(AnyPipeline):
    """One run over several captures at once."""

    def __init__(  # noqa: PLR0913  the last ones may be left out
        self, captures: Sequence[CapturePart], decoders: Sequence[Decode],
        tables: Sequence[TablePart], stage: RuleStage,
        request_time: Callable[[int], None] | None = None, *,
        streams: Sequence[StreamsPart] | None = None,
        evidence: Sequence[EvidencePart] | None = None,
    ) -> None:
        """`request_time` has an idle capture say at once how far it has come; live captures can."""
        nothing = [None] * len(tables)
        parts = zip(tables, streams or nothing, evidence or nothing, strict=True)
        super().__init__(captures, [Lane(table, stage.context, stage.clock, reader, keeper)
                                    for table, reader, keeper in parts], stage)
        self._decoders = decoders
        self._request_time = request_time
        self._results: SimpleQueue[Result | BaseException] = SimpleQueue()
        self._requested_s = [0.0] * len(self.lanes)
        self._room = [threading.Semaphore(WAITING_BATCHES_MAX) for _ in self.lanes]

    def steps(self) -> Iterator[None]:
        for worker in range(len(self.lanes)):
            threading.Thread(
                target=self._work, args=(worker,), name=f"sensor-worker-{worker}", daemon=True
            ).start()
        merge = Merge(len(self.lanes), prompt=self.stage.clock is not None)
        left = len(self.lanes)
        while left:
            for _ in range(FULL_BATCHES):
                result = self._next(merge)
                if isinstance(result, BaseException):
                    raise result
                worker, records, said, reached_ns = result
                self._room[worker].release()
                left -= reached_ns == OVER
                merge.add(worker, records, reached_ns)
                merge.add_said(said)
                # More events that wait are given to the rules with these: it has fallen behind.
                if self._results.empty() or not any(map(len, records)):
                    break
            self.stage.add(merge.take_said())
            if (events := merge.take()) is not None:
                self.stage.take(events)
            if merge.horizon_ns < OVER:
                self.stage.advance(merge.horizon_ns)
            yield
        self.stage.finish(max(lane.last_ns for lane in self.lanes))

    def _next(self, merge: Merge) -> Result | BaseException:
        """The next result; while events wait for idle workers, those are asked."""
        while self._request_time is not None and (lagging := merge.lagging()):
            now_s = time.monotonic()
            for worker in lagging:
                if now_s - self._requested_s[worker] >= REQUEST_S:
                    self._requested_s[worker] = now_s
                    self._request_time(worker)
            try:
                return self._results.get(timeout=REQUEST_S)
            except Empty:
                continue
        return self._results.get()

    def _work(self, worker: int) -> None:
        """One worker's thread, from its capture's first frame to its last."""
        lane = self.lanes[worker]
        packets = PacketBatch()
        known: list[Records] = []
        said: list[tuple[int, Document]] = []

        def keep() -> None:
            records, documents = lane.take()
            known.append(records)
            said.extend(documents)

        try:
            for frames in self.captures[worker]:
                self._decoders[worker](frames, packets)
                lane.prepare(frames, packets)
                lane.fold(packets, keep)
                keep()
                reached_ns = lane.reached_ns
                if reached_ns < 0 and not packets.count:  # time goes on before the first frame
                    reached_ns = packets.watermark_ns
                self._give(worker, known, said, reached_ns)
                known, said = [], []
            lane.drain(keep)
            self._give(worker, known, said, OVER)
        except BaseException as error:  # raised again by the main thread
            self._results.put(error)

    def _give(
        self, worker: int, known: list[Records], said: list[tuple[int, Document]], reached_ns: int
    ) -> None:
        self._room[worker].acquire()
        self._results.put((worker, known, said, reached_ns))
