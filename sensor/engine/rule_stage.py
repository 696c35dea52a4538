"""Flow events and documents on their way through the rules into sinks and flow files."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensor.ecs.event_batch import EventBatch
from sensor.ecs.field_text import value_at
from sensor.ecs.flow_batch import FlowBatch
from sensor.engine.event_order import chosen
from sensor.engine.protocols import (
    HostPart,
    OutputsPart,
    Records,
    RulesPart,
    TimelinePart,
)
from sensor.model.alert import Alert
from sensor.model.columns import Document, Rows
from sensor.model.flow import FLOW_ENDED, FlowContext
from sensor.model.merged_rows import MergedRows, RowsPart


class Other(NamedTuple):
    """Events that are no flow's, and known together."""

    known_ns: int
    rows: Rows | None
    """What the host tells; None: a protocol event."""
    document: Document


class RuleStage:
    """The rules, and behind them sinks and the flow file."""

    def __init__(  # noqa: PLR0913  most are left out
        self, rules: RulesPart, outputs: OutputsPart, context: FlowContext, *,
        host: HostPart | None = None, clock: Callable[[], int] | None = None,
        protocol_events: TimelinePart | None = None, unruled: Collection[str] = ()
    ) -> None:
        """`host` knows the processes behind flows. `clock` is the wall clock of a live run;
        recorded traffic has none. `protocol_events` keeps them until their time; those of the
        data sets `unruled` pass by the rules: a file alone wants them.
        """
        self.rules = rules
        """The rules in force; a reload puts others in their place."""
        self.context = context
        self.host = host
        self.clock = clock
        self.alerts = 0
        self._unruled_sets = unruled
        self._protocol_events = protocol_events
        self._said: list[tuple[int, Document]] = []
        """Protocol events that the rules see together."""
        self._unruled: list[tuple[int, Document]] = []
        """Those of their time that the rules do not see."""
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
        self._match(flows, records["action"] >= FLOW_ENDED)
        outputs = self._outputs
        if outputs.flow_sink is not None or outputs.servers:
            if not outputs.flow_events:
                ended = chosen(records, records["action"] >= FLOW_ENDED)
                flows = FlowBatch(ended, self.context, created_ns)
            if flows.count:
                if outputs.flow_sink is not None:
                    outputs.flow_sink.write(flows)
                for server in outputs.servers:
                    server.write(flows)

    def take_rows(self, rows: RowsPart) -> None:
        """Give other events that have become known to the rules."""
        if rows.count:
            self._match(rows)

    def advance_host(self, until_ns: int | None) -> None:
        """Give the rules what else is known by then, though no flow event is; None: all of it."""
        for other in self._others(until_ns):
            if self._is_unruled(other):
                self._unruled.append((other.known_ns, other.document))
            else:
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

    def _match(self, rows: RowsPart, is_final: NDArray[np.bool_] | None = None) -> None:
        """Events with the others in their places.

        What the host tells comes before the other events of its time. What was said in a flow
        comes after the flow's start, and before the records of flows (`is_final`) of that time.
        """
        first, known_ns = 0, rows.times_ns()
        places: list[int] = []
        for other in self._others(int(known_ns[-1])):
            if self._is_unruled(other):
                self._unruled.append((other.known_ns, other.document))
                continue
            place = int(np.searchsorted(known_ns, other.known_ns, side="left"))
            if other.rows is None:
                end = int(np.searchsorted(known_ns, other.known_ns, side="right"))
                if is_final is not None and is_final[place:end].any():
                    end = place + int(is_final[place:end].argmax())
                self._said.append((other.known_ns, other.document))
                places.append(end)
                continue
            self._give_among(rows.part(first, place), [at - first for at in places])
            first, places = place, []
            self.emit(self.rules.match(other.rows))
        self._give_among(rows.part(first, rows.count), [at - first for at in places])

    def _give_among(self, rows: RowsPart, places: list[int]) -> None:
        """Give the rules some events, and the protocol events that wait: each before the row that
        `places` tells.
        """
        if not places or not rows.count:
            self._give_said()
            if rows.count:
                self.emit(self.rules.match(rows))
            return
        assert self._protocol_events is not None and len(places) == len(self._said)
        told, self._said = self._said, []
        said = self._protocol_events.rows(told)
        theirs = np.array(places, np.intp) + np.arange(len(places))
        ours = np.delete(np.arange(rows.count + len(places)), theirs)
        self.emit(self.rules.match(MergedRows([rows, said], [ours, theirs])))
        self._write_said(told)

    def _others(self, until_ns: int | None) -> list[Other]:
        """The other events known by then, in order of time; None: all of it."""
        told = self.host.take(until_ns) if self.host is not None else []
        events = self._protocol_events
        said = events.take_documents(until_ns) if events is not None else []
        others = [Other(time_ns, rows, {}) for time_ns, rows in told]
        others += [Other(time_ns, None, document) for time_ns, document in said]
        return sorted(others, key=lambda other: (other.known_ns, other.rows is None))

    def _is_unruled(self, other: Other) -> bool:
        """True for a protocol event that the rules do not see."""
        return bool(other.rows is None and self._unruled_sets
                    and value_at(other.document, "event.dataset") in self._unruled_sets)

    def _give(self, other: Other) -> None:
        """Give the rules what the host tells; protocol events wait for more of their kind."""
        if other.rows is None:
            self._said.append((other.known_ns, other.document))
        else:
            self._give_said()
            self.emit(self.rules.match(other.rows))

    def _give_said(self) -> None:
        """Give the rules, and whoever takes them, the protocol events that follow each other."""
        said, self._said = self._said, []
        if said and self._protocol_events is not None:
            rows = self._protocol_events.rows(said)
            self.emit(self.rules.match(rows))
        self._write_said(said)

    def _write_said(self, said: list[tuple[int, Document]]) -> None:
        """Give protocol events, and those that no rule is about, to a file and to servers."""
        unruled, self._unruled = self._unruled, []
        told = sorted([*said, *unruled], key=lambda one: one[0]) if unruled else said
        sink, servers = self._outputs.event_sink, self._outputs.servers
        if told and (sink is not None or servers):
            documents = [document for _, document in told]
            for server in servers:  # passwords are for the file alone
                server.write(EventBatch(documents))
            if sink is not None:
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
