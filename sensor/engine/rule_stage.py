"""Flow events and documents on their way through the rules into sinks and flow files."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensor.ecs.event_batch import EventBatch
from sensor.ecs.flow_batch import FlowBatch
from sensor.engine.protocols import (
    HostPart,
    OutputsPart,
    Records,
    RowsPart,
    RulesPart,
    TimelinePart,
)
from sensor.model.alert import Alert
from sensor.model.columns import Document, Rows
from sensor.model.flow import FLOW_ENDED, FlowContext


class Other(NamedTuple):
    """Events that are no flow's, and known together."""

    known_ns: int
    rows: Rows | None
    """What the host tells; None: a protocol event."""
    document: Document


class RuleStage:
    """The rules, and behind them sinks and the flow file."""

    def __init__(
        self,
        rules: RulesPart,
        outputs: OutputsPart,
        context: FlowContext,
        *,
        host: HostPart | None = None,
        clock: Callable[[], int] | None = None,
        protocol_events: TimelinePart | None = None,
    ) -> None:
        """`host` knows the processes behind flows. `clock` is the wall clock of a live run;
        recorded traffic has none. `protocol_events` keeps them until their time.
        """
        self.rules = rules
        """The rules in force; a reload puts others in their place."""
        self.context = context
        self.host = host
        self.clock = clock
        self.alerts = 0
        self._protocol_events = protocol_events
        self._said: list[tuple[int, Document]] = []
        """Protocol events that the rules see together."""
        self._outputs = outputs
        self._now_ns = -1

    def add(self, documents: list[tuple[int, Document]]) -> None:
        """Protocol events that have become known, each with the time when it did.

        They go to the rules in order of time with what `take` is given after this.
        """
        for known_ns, document in documents:
            assert self._protocol_events is not None
            self._protocol_events.add(known_ns, document)

    def take(self, records: Records) -> None:
        """Give flow events that have become known to the rules and to the flow file."""
        if not len(records):
            return
        created_ns = self.clock() if self.clock is not None else 0
        if self.host is not None:
            self.host.stamp(records)
        if self.context.logins is not None:
            self.context.logins.stamp(records, records["action"] == FLOW_ENDED)
        flows = FlowBatch(records, self.context, created_ns)
        self._match(flows.times_ns(), flows.part, records["action"] >= FLOW_ENDED)
        if (flow_sink := self._outputs.flow_sink) is not None:
            if not self._outputs.flow_events:
                ended = records[records["action"] >= FLOW_ENDED]
                flows = FlowBatch(ended, self.context, created_ns)
            if flows.count:
                flow_sink.write(flows)

    def take_rows(self, rows: RowsPart) -> None:
        """Give other events that have become known to the rules."""
        times = rows.times_ns()
        if len(times):
            self._match(times, rows.part)

    def advance_host(self, until_ns: int | None) -> None:
        """Give the rules what else is known by then, though no flow event is; None: all of it."""
        for other in self._others(until_ns):
            self._give(other)
        self._give_said()

    def advance(self, now_ns: int) -> None:
        """Let the rules know the time: nothing that was not given yet becomes known before it."""
        if now_ns > self._now_ns:
            self._now_ns = now_ns
            self.advance_host(now_ns)
            self.emit(self.rules.advance(now_ns))

    def finish(self, now_ns: int = -1) -> None:
        """Everything was given, and time has gone on to `now_ns`: let the rules close what they
        hold open.
        """
        self.advance_host(None)
        self.advance(now_ns)
        self.emit(self.rules.finish())

    def _match(
        self, known_ns: NDArray[np.int64], part: Callable[[int, int], Rows],
        is_final: NDArray[np.bool_] | None = None,
    ) -> None:
        """Events with the others in their places.

        What the host tells comes before the other events of its time. What was said in a flow
        comes after the flow's start, and before the records of flows (`is_final`) of that time.
        """
        first, count = 0, len(known_ns)
        for other in self._others(int(known_ns[-1])):
            place = int(np.searchsorted(known_ns, other.known_ns, side="left"))
            if other.rows is None:
                end = int(np.searchsorted(known_ns, other.known_ns, side="right"))
                if is_final is not None and is_final[place:end].any():
                    end = place + int(is_final[place:end].argmax())
                place = end
            if place > first:
                self._give_said()
                self.emit(self.rules.match(part(first, place)))
                first = place
            self._give(other)
        self._give_said()
        if first < count:
            self.emit(self.rules.match(part(first, count)))

    def _others(self, until_ns: int | None) -> list[Other]:
        """The other events known by then, in order of time; None: all of it."""
        told = self.host.take(until_ns) if self.host is not None else []
        events = self._protocol_events
        said = events.take_documents(until_ns) if events is not None else []
        others = [Other(time_ns, rows, {}) for time_ns, rows in told]
        others += [Other(time_ns, None, document) for time_ns, document in said]
        return sorted(others, key=lambda other: (other.known_ns, other.rows is None))

    def _give(self, other: Other) -> None:
        """Give the rules what the host tells; protocol events wait for more of their kind."""
        if other.rows is None:
            self._said.append((other.known_ns, other.document))
        else:
            self._give_said()
            self.emit(self.rules.match(other.rows))

    def _give_said(self) -> None:
        """Give the rules, and a file, the protocol events that follow each other."""
        said, self._said = self._said, []
        if said and self._protocol_events is not None:
            rows = self._protocol_events.rows(said)
            self.emit(self.rules.match(rows))
            if (sink := self._outputs.event_sink) is not None:
                documents = rows.documents(range(rows.count))
                sink.write(EventBatch(self._outputs.secrets.documents(documents)))

    def emit(self, alerts: list[Alert]) -> None:
        """Give alerts to every sink."""
        for alert in alerts:
            self.alerts += 1
            for sink in self._outputs.sinks:
                sink.emit(alert)
        if alerts:
            for sink in self._outputs.sinks:
                assert sink.accounted() == self.alerts, "an alert got lost in a sink"
