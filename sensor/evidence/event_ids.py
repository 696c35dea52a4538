"""EventIds: which flows events are of, by the ids of the events."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sensor.model.alert import Alert
from sensor.model.columns import CodedColumn, Rows


class EventIds:
    """Stands where rules are, and notes the flows of the events that were asked for."""

    def __init__(self, names: Iterable[str]) -> None:
        self.flows: dict[str, str] = {}
        """The flow's id by that of its event."""
        self._wanted = frozenset(names)

    def match(self, rows: Rows) -> list[Alert]:
        """Look for the events; there are no alerts."""
        events, flows = rows.column("event.id"), rows.column("flow.id")
        if isinstance(events, CodedColumn) and isinstance(flows, CodedColumn):
            for code, values in enumerate(events.table):
                if not self._wanted.isdisjoint(values):
                    for row in np.flatnonzero(events.codes == code).tolist():
                        names = flows.table[int(flows.codes[row])]
                        self.flows |= {str(value): str(names[0]) for value in values if names}
        return []

    def advance(self, now_ns: int) -> list[Alert]:
        """Nothing."""
        return []

    def finish(self) -> list[Alert]:
        """Nothing."""
        return []
