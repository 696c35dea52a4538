"""Flow records to a file: NDJSON, or Parquet by the name's ending."""

from __future__ import annotations

import os
from typing import Any, Protocol

from sensor.errors import ConfigError
from sensor.escape import harmless
from sensor.flow import FlowBatch
from sensor.sinks.console import reason_of
from sensor.sinks.jsonl import FlowFile


class FlowSink(Protocol):
    """What takes flow batches; counts records, and never raises once it is open."""

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


class JsonFlows:
    """Flow records as NDJSON, written by a thread of their own."""

    def __init__(self, path: str) -> None:
        self._file = FlowFile(path)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, flows: FlowBatch) -> None:
        self._file.write(flows.to_json_lines())


class ParquetFlows:
    """Flow records as a Parquet file: one row group for each batch."""

    def __init__(self, path: str) -> None:
        try:
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
        self._writer: Any = None

    def write(self, flows: FlowBatch) -> None:
        try:
            table = flows.to_arrow()
            if self._writer is None:
                self._writer = self._open(self._path, table.schema, compression="zstd")
                self._opened = os.stat(self._path)
            self._writer.write_table(table)
        except Exception as error:  # counted and said, like in any sink
            self.dropped += flows.count
            self.error = self.error or f"{self.name}: {reason_of(error)}"
        else:
            self.delivered += flows.count

    def flush(self) -> None:
        """Nothing: a row group is written at once, and the file is whole once it is closed."""

    def reopen(self) -> None:
        """End the file that was moved away and begin a new one; one that still is there goes on."""
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
        try:
            if self._writer is not None:
                self._writer.close()
        except Exception as error:
            self.error = self.error or f"{self.name}: {reason_of(error)}"


def open_flows(path: str) -> FlowSink:
    """Where `--flows PATH` goes; `-` is standard output. Errors: ConfigError."""
    return ParquetFlows(path) if path.endswith(".parquet") else JsonFlows(path)
