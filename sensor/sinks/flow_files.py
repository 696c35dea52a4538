"""Flow records to a file: NDJSON, or Parquet by the name's ending."""

from __future__ import annotations

import os
from typing import Any, Protocol

from sensor.base.escape import harmless
from sensor.ecs.flow_batch import FlowBatch
from sensor.errors import ConfigError, reason_of
from sensor.sinks.jsonl import FlowFile

LIVE_GROUP_ROWS = 16_384


class FlowSink(Protocol):
    """A receiver of flow batches; counts records, and never raises once it is open."""

    @property
    def name(self) -> str: ...

    @property
    def delivered(self) -> int: ...

    @property
    def retried(self) -> int: ...

    @property
    def error(self) -> str | None: ...

    @property
    def dropped(self) -> int: ...

    def write(self, flows: FlowBatch) -> None: ...

    def flush(self) -> None:
        """Write what was gathered."""

    def reopen(self) -> None:
        """Go on in a file newly opened by its name, after somebody moved it away; never raises."""

    def close(self) -> None: ...


class JsonFlows(FlowFile):
    """Flow records as NDJSON."""

    def write(self, flows: FlowBatch) -> None:
        self.write_lines(flows.to_json_lines())


class ParquetFlows:
    """Flow records as a Parquet file: one row group for each batch.

    Small batches, as live runs have them, are gathered into row groups of `group_rows` or more.
    """

    def __init__(self, path: str, *, group_rows: int = 0) -> None:
        try:
            import pyarrow  # noqa: PLC0415
            from pyarrow import parquet  # noqa: PLC0415  optional, and slow to import
        except ImportError:
            raise ConfigError(
                f"--flows {harmless(path)}: Parquet needs the package pyarrow: "
                "pip install 'flow-sensor[parquet]'"
            ) from None
        try:
            with open(path, "wb"):
                pass  # say now that it cannot be written, not when the first flow ends
        except OSError as error:
            raise ConfigError(f"--flows {harmless(path)}: {reason_of(error)}") from None
        self.name = f"flows {harmless(path)}"
        self.delivered = self.dropped = self.retried = 0
        self.error: str | None = None
        self._path = path
        self._open = parquet.ParquetWriter
        self._joined = pyarrow.concat_tables
        self._group_rows = group_rows
        self._gathered: list[Any] = []
        self._gathered_rows = 0
        self._writer: Any = None

    def write(self, flows: FlowBatch) -> None:
        try:
            self._gathered.append(flows.to_arrow())
        except Exception as error:  # counted and said, like in any sink
            self.dropped += flows.count
            self.error = self.error or f"{self.name}: {reason_of(error)}"
            return
        self._gathered_rows += flows.count
        if self._gathered_rows >= self._group_rows:
            self._write_group()

    def _write_group(self) -> None:
        """Write what was gathered as one row group."""
        tables, self._gathered = self._gathered, []
        count, self._gathered_rows = self._gathered_rows, 0
        if not tables:
            return
        try:
            table = tables[0] if len(tables) == 1 else self._joined(tables)
            if self._writer is None:
                self._writer = self._open(self._path, table.schema, compression="zstd")
                self._opened = os.stat(self._path)
            self._writer.write_table(table)
        except Exception as error:  # counted and said, like in any sink
            self.dropped += count
            self.error = self.error or f"{self.name}: {reason_of(error)}"
        else:
            self.delivered += count

    def flush(self) -> None:
        """Nothing: the file can be read once it is closed, not before."""

    def reopen(self) -> None:
        """End the file that was moved away and begin a new one; one that still is there goes on."""
        self._write_group()
        if self._writer is None or self._is_in_place():
            return
        self.close()
        self._writer = None

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), self._opened)
        except OSError:
            return False

    def close(self) -> None:
        self._write_group()
        try:
            if self._writer is not None:
                self._writer.close()
        except Exception as error:
            self.error = self.error or f"{self.name}: {reason_of(error)}"


def open_flows(path: str, *, live: bool = False) -> FlowSink:
    """Open the sink of `--flows PATH`; `-` is standard output. Errors: ConfigError.

    A live run keeps what an earlier one has written: NDJSON is appended to, a Parquet file, which
    cannot be, is renamed.
    """
    if not path.endswith(".parquet"):
        return JsonFlows(path, append=live)
    if live:
        _move_aside(path)
    return ParquetFlows(path, group_rows=LIVE_GROUP_ROWS if live else 0)


def _move_aside(path: str) -> None:
    """Rename a file that has content to `NAME.N.parquet`. Errors: ConfigError."""
    try:
        if not os.path.exists(path) or not os.path.getsize(path):
            return
        number = 1
        while os.path.exists(aside := f"{path.removesuffix('.parquet')}.{number}.parquet"):
            number += 1
        os.rename(path, aside)
    except OSError as error:
        raise ConfigError(f"--flows {harmless(path)}: {reason_of(error)}") from None
