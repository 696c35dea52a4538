"""The main path: frames -> packets -> flows -> alerts -> sinks, and the ledger that must balance.

    for frames in capture:                 pull at the edge
        decode(frames, packets)            stateless
        table.advance(packets)             state: flows in progress
        ruleset.match(flows)               state: suppression, rate limits
        sink.emit(alert)                   push at the end

The parts are handed in; nothing here knows where frames come from or what a rule is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence

from sensor.engine.decode_ahead import DecodeAhead
from sensor.engine.lane import Lane
from sensor.engine.ledger import Ledger, lanes_ledger
from sensor.engine.pipe_time import PipeTime
from sensor.engine.protocols import (
    CapturePart,
    Decode,
    DocumentsPart,
    EvidencePart,
    MergerPart,
    StreamsPart,
    TablePart,
)
from sensor.engine.rule_stage import RuleStage
from sensor.model.packets import PacketBatch
from sensor.model.status import Input

HANDOVER_EVENTS = 8192
"""In a replay, rules see about this many flow events at once: their fixed cost is then nothing."""

FULL_BATCHES = 16
"""Live, rules see the events of at most so many batches at once where full ones follow each other:
more frames wait then than a batch holds."""


class AnyPipeline(ABC):
    """A run over captures, documents or both: call `run` once, then read `ledger`."""

    def __init__(
        self,
        captures: Sequence[CapturePart],
        lanes: Sequence[Lane],
        stage: RuleStage,
        documents: DocumentsPart | None = None,
    ) -> None:
        self.captures = captures
        self.lanes = lanes
        self.stage = stage
        self.documents = documents

    def run(self, on_batch: Callable[[], None] | None = None) -> None:
        """Read to the end, or until stopped; then end every flow and flush the rules.

        `on_batch` is called after each batch, for progress and whatever else comes round regularly.
        """
        for _ in self.steps():
            if on_batch is not None:
                on_batch()

    @abstractmethod
    def steps(self) -> Iterator[None]:
        """The same in steps of one batch; what the end brings is there when it is exhausted."""

    @property
    def frames(self) -> int:
        """Frames that were worked on."""
        return sum(lane.frames for lane in self.lanes)

    @property
    def alerts(self) -> int:
        """Alerts that went to the sinks."""
        return self.stage.alerts

    def ledger(self) -> Ledger:
        """The counters of the run in the shape of `--stats`, without those of rules and sinks."""
        ledger = lanes_ledger(self.lanes)
        if self.documents is not None:
            ledger["documents"] = self.documents.ledger()
        readers = [lane.streams.ledger() for lane in self.lanes if lane.streams is not None]
        if readers:
            ledger["streams"] = {name: sum(one[name] for one in readers) for name in readers[0]}
        if self.stage.host is not None and (counters := self.stage.host.ledger()):
            ledger["host"] = counters
        return ledger

    @property
    def inputs(self) -> list[Input]:
        """The inputs in the order of reading, captures before documents; workers share theirs."""
        return [*(self.captures[0].inputs if self.captures else ()),
                *(self.documents.inputs if self.documents is not None else ())]


class Pipeline(AnyPipeline):
    """One run over one capture. `stop` may be set from a signal handler."""

    def __init__(  # noqa: PLR0913  most are left out
        self,
        capture: CapturePart,
        decode: Decode,
        table: TablePart,
        stage: RuleStage,
        *,
        merger: MergerPart | None = None,
        handover_events: int = HANDOVER_EVENTS,
        prompt: bool = False,
        full_batches: int = 0,
        pipe_time: PipeTime | None = None,
        streams: StreamsPart | None = None,
        evidence: EvidencePart | None = None,
    ) -> None:
        """`merger` gives documents, which are merged with the flow events by time.

        `handover_events` says how many events come together before the rules see them; 0: those of
        every batch, and the time where it has none. `prompt` says that events go to the rules as
        soon as no further packets wait: the input may be live, and what is known is to be said at
        once. `full_batches` says of how many full batches events may come together nevertheless:
        whoever has fallen behind is to catch up. `pipe_time` lets time pass where it is and nothing
        comes. `streams` reads what flows carry, `evidence` keeps frames of a live run.
        """
        super().__init__([capture], [Lane(table, stage.context, stage.clock, streams, evidence,
                                          prompt=prompt)], stage,
                         merger.documents if merger is not None else None)  # fmt: skip
        self._capture = capture
        self._decode = decode
        self._merger = merger
        self.handover_events = handover_events
        self._prompt = prompt
        self._full_batches = full_batches
        self._put_off = 0
        """Full batches since rules saw events."""
        self._pipe_time = pipe_time
        self.stop = False
        self._waiting = False

    def steps(self) -> Iterator[None]:
        lane = self.lanes[0]
        ahead = DecodeAhead(self._capture, self._decode, lane.prepare)
        while (packets := self._next(ahead)) is not None:
            lane.fold(packets, self._hand_over)
            is_full = packets.count == packets.capacity
            if self._pipe_time is None:
                ahead.give_back(packets)
            elif packets is not self._pipe_time.batch:
                self._pipe_time.saw(packets)
                ahead.give_back(packets)
            if self._is_due(is_full, ahead):
                self._hand_over()
            yield
            if self.stop:
                break
        ahead.stop()
        lane.drain(self._hand_over)
        reached_ns = lane.last_ns
        if self._merger is not None:
            reached_ns = max(reached_ns, self._merge_rest(self._merger))
        self.stage.finish(reached_ns)

    def _is_due(self, is_full: bool, ahead: DecodeAhead) -> bool:
        """Return True if the rules are to see what has become known until now."""
        lane = self.lanes[0]
        if is_full and self._put_off < self._full_batches:
            self._put_off += 1
            return lane.has_much(max(self.handover_events, HANDOVER_EVENTS))
        self._put_off = 0
        return lane.has_much(self.handover_events) or (self._prompt and ahead.is_idle())

    @property
    def waiting(self) -> bool:
        """True if the run is inside a read: a signal handler may then raise to end a wait."""
        return self._waiting or (self._merger is not None and self._merger.documents.waiting)

    def _merge_rest(self, merger: MergerPart) -> int:
        """Take the documents that are left; returns the newest time of all of them."""
        if self.stop:
            merger.documents.stop()
        merger.take_rest()
        self.stop = self.stop or merger.documents.interrupted
        return merger.documents.reached_ns

    def _next(self, ahead: DecodeAhead) -> PacketBatch | None:
        """The next batch; a KeyboardInterrupt while waiting for it means that there is none."""
        try:
            self._waiting = True
            if self.stop:
                return None
            return ahead.take(self._pipe_time.idle if self._pipe_time is not None else None)
        except KeyboardInterrupt:
            self.stop = True
            return None
        finally:
            self._waiting = False

    def _hand_over(self) -> None:
        lane = self.lanes[0]
        records, documents = lane.take()
        self.stage.add(documents)
        reached_ns = lane.reached_ns
        if self._merger is not None:
            self._merger.take(records, reached_ns)
        else:
            self.stage.take(records)
        self.stage.advance(reached_ns)
