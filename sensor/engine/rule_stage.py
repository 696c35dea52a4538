"""Flow events and documents on their way through the rules into sinks and flow files."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sensor.ecs.flow_batch import FlowBatch
from sensor.engine.protocols import HostPart, OutputsPart, Records, RowsPart, RulesPart
from sensor.model.alert import Alert
from sensor.model.columns import Rows
from sensor.model.flow import FLOW_ENDED, FlowContext


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
    ) -> None:
        """`host` knows the processes behind flows. `clock` is the wall clock of a live run;
        recorded traffic has none.
        """
        self.rules = rules
        """The rules in force; a reload puts others in their place."""
        self.context = context
        self.host = host
        self.clock = clock
        self.alerts = 0
        self._outputs = outputs
        self._now_ns = -1

    def take(self, records: Records) -> None:
        """Give flow events that have become known to the rules and to the flow file."""
        if not len(records):
            return
        created_ns = self.clock() if self.clock is not None else 0
        if self.host is not None:
            self.host.stamp(records)
        flows = FlowBatch(records, self.context, created_ns)
        self._match(flows.times_ns(), flows.part)
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
        if self.host is not None:
            for _, rows in self.host.take(until_ns):
                self.emit(self.rules.match(rows))

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

    def _match(self, known_ns: NDArray[np.int64], part: Callable[[int, int], Rows]) -> None:
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
            for sink in self._outputs.sinks:
                sink.emit(alert)
        if alerts:
            for sink in self._outputs.sinks:
                assert sink.accounted() == self.alerts, "an alert got lost in a sink"
