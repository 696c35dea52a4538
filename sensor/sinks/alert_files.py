"""Alerts in a file (`--alerts FILE`): NDJSON, CSV or Parquet, by the name's ending."""

from __future__ import annotations

from sensor.ecs.event_batch import alert_batch
from sensor.errors import reason_of
from sensor.model.alert import Alert
from sensor.model.status import Notice
from sensor.sinks.base import FlowSink, Sink
from sensor.sinks.flow_files import JSON, format_of, open_table
from sensor.sinks.jsonl import JsonSink

ALERTS = "alerts"
GATHERED_MAX = 1024
"""Alerts that become one row group of a Parquet file."""


class AlertTable:
    """Alerts as the rows of a table; what the file loses counts as dropped, whenever it does."""

    def __init__(self, file: FlowSink, gathered_max: int) -> None:
        self.name = file.name
        self.waiting = self.retried = 0
        self.closed = False
        self.error = file.error
        self._file = file
        self._gathered: list[Alert] = []
        self._gathered_max = gathered_max
        self._taken = self._lost = 0

    @property
    def delivered(self) -> int:
        """Alerts that were written, or are gathered for the next row group."""
        return self._taken - self.dropped

    @property
    def dropped(self) -> int:
        return self._lost + self._file.dropped

    def emit(self, alert: Alert) -> None:
        self._taken += 1
        if self.closed:
            self._lost += 1
            return
        self._gathered.append(alert)
        if len(self._gathered) >= self._gathered_max:
            self._write()

    def _write(self) -> None:
        alerts, self._gathered = self._gathered, []
        if not alerts:
            return
        try:
            self._file.write(alert_batch(alerts))
            self._file.flush()
        except Exception as error:  # a sink never raises
            self._lost += len(alerts)
            self.error = self.error or f"{self.name}: {reason_of(error)}"
        self.error = self.error or self._file.error

    def accounted(self) -> int:
        return self._taken

    def notify(self, notice: Notice) -> None:
        """Nothing: the file holds alerts only."""

    def reopen(self) -> None:
        self._write()
        self._file.reopen()
        self.error = self._file.error

    def close(self) -> None:
        if self.closed:
            return
        self._write()
        self.closed = True
        self._file.close()
        self.error = self.error or self._file.error


def open_alerts(path: str, *, live: bool = False) -> Sink:
    """Open the sink of `--alerts PATH`. Errors: ConfigError."""
    kind = format_of(path, ALERTS)
    if kind == JSON:
        return JsonSink(path)
    file = open_table(path, live=live, what=ALERTS)
    return AlertTable(file, GATHERED_MAX if kind == "parquet" else 1)
