"""Flow records, protocol events and alerts in files: NDJSON, CSV or Parquet, by the name's ending.

Flow records also go into a dataset, a folder of Parquet files (flow_dataset.py).

What a file holds already stays: lines are appended to, a Parquet file, which cannot be, is renamed.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from typing import IO, Any

from sensor.errors import ConfigError, reason_of
from sensor.sinks.base import Batch, FlowSink
from sensor.sinks.dataset_places import is_dataset, open_place
from sensor.sinks.jsonl import FLOWS, FlowFile
from sensor.sinks.server_options import shown_path

EVENTS = "protocol-events"
JSON, CSV, PARQUET, DATASET = "json", "csv", "parquet", "dataset"
FORMATS = {".ndjson": JSON, ".json": JSON, ".jsonl": JSON, ".csv": CSV, ".parquet": PARQUET}
"""The formats by the endings of names."""
LIVE_GROUP_ROWS = 16_384


class JsonFlows(FlowFile):
    """Flow records as NDJSON."""

    def write(self, flows: Batch) -> None:
        self.write_lines(flows.to_json_lines())


class CsvFile(FlowFile):
    """Records as CSV, a header first."""

    def __init__(self, path: str, *, live: bool = False, what: str = FLOWS) -> None:
        super().__init__(path, live=live, what=what)
        self._is_headed = self.has_content

    def write(self, flows: Batch) -> None:
        if not self._is_headed:
            self._is_headed = True
            self.write_header(flows.csv_header())
        self.write_lines(flows.to_csv())

    def reopen(self) -> None:
        super().reopen()
        if self._path:
            self._is_headed = self.has_content


class ParquetFlows:
    """Batches as a Parquet file: one row group for each batch.

    Small batches, as live runs have them, are gathered into row groups of `group_rows` or more.
    A file that cannot be written to its end (a full disk) can be read by nobody: it is removed and
    its records count as dropped. A live run begins another; others write no more.
    """

    def __init__(self, path: str, *, group_rows: int = 0, what: str = FLOWS) -> None:
        try:
            import pyarrow  # noqa: PLC0415
            from pyarrow import parquet  # noqa: PLC0415  optional, and slow to import
        except ImportError:
            raise ConfigError(
                f"--{what} {shown_path(path)}: Parquet needs the package pyarrow: "
                "pip install 'flow-sensor[parquet]'"
            ) from None
        try:
            with open(path, "wb"):
                pass  # say now that it cannot be written, not when the first flow ends
        except OSError as error:
            raise ConfigError(f"--{what} {shown_path(path)}: {reason_of(error)}") from None
        self.name = f"{what} {shown_path(path)}"
        self.delivered = self.dropped = self.retried = 0
        self.error: str | None = None
        self._path = path
        self._open = parquet.ParquetWriter
        self._joined = pyarrow.concat_tables
        self._group_rows = group_rows
        self._gathered: list[Any] = []
        self._gathered_rows = 0
        self._writer: Any = None
        self._file: IO[bytes] | None = None
        self._in_file = 0
        """Records of the file that is open."""
        self._ended = False

    def write(self, flows: Batch) -> None:
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
        if self._ended:
            self.dropped += count
            return
        try:
            table = tables[0] if len(tables) == 1 else self._joined(tables)
            if self._file is None:
                self._file = open(self._path, "wb")  # noqa: SIM115  it stays open
                self._writer = self._open(self._file, table.schema, compression="zstd")
            self._writer.write_table(table)
        except Exception as error:  # counted and said, like in any sink
            self.dropped += count
            self._failed(error)
        else:
            self.delivered += count
            self._in_file += count

    def _failed(self, error: Exception) -> None:
        """Remove the file, which lacks its end, and count its records as dropped."""
        self._ended = not self._group_rows
        if self.error is None:
            self.error = (f"{self.name}: {reason_of(error)};"
                          " a Parquet file without its end is of no use: removed")  # fmt: skip
        self.delivered -= self._in_file
        self.dropped += self._in_file
        self._in_file = 0
        file, self._file, self._writer = self._file, None, None
        if file is None:
            return
        with contextlib.suppress(OSError):
            # Not what has the name meanwhile, nor a device.
            opened, named = os.fstat(file.fileno()), os.stat(self._path)
            if stat.S_ISREG(opened.st_mode) and os.path.samestat(opened, named):
                os.unlink(self._path)
        with contextlib.suppress(OSError):
            file.close()

    def flush(self) -> None:
        """Nothing: the file can be read once it is closed, not before."""

    def reopen(self) -> None:
        """End the file that was moved away and begin a new one; one that still is there goes on."""
        self._write_group()
        if self._file is not None and not self._is_in_place(self._file):
            self._finish()

    def _is_in_place(self, file: IO[bytes]) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(file.fileno()))
        except OSError:
            return False

    def close(self) -> None:
        self._write_group()
        self._finish()

    def _finish(self) -> None:
        """Write the end of the file that is open, if one is."""
        if self._file is None:
            return
        try:
            self._writer.close()
            self._file.close()
        except Exception as error:
            self._failed(error)
        else:
            self._file, self._writer, self._in_file = None, None, 0


def format_of(path: str, what: str) -> str:
    """The format of a file by its name; what is no file, such as a pipe, gets JSON lines.

    Errors: ConfigError for another ending.
    """
    if what == FLOWS and is_dataset(path):
        return DATASET
    kind = FORMATS.get(os.path.splitext(path)[1].lower())
    if kind is None and path != "-" and (os.path.isdir(path) or not _is_special(path)):
        raise ConfigError(f"--{what} {shown_path(path)}: the ending says the format, and this says"
                          f" none that is written: {', '.join(FORMATS)}")
    return kind or JSON


def _is_special(path: str) -> bool:
    """True if a path names a device or a pipe."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def open_table(path: str, *, live: bool = False, what: str = FLOWS) -> FlowSink:
    """Open a file of records; `-` is standard output. Errors: ConfigError.

    `live`: it goes on after a write that failed, and gathers small batches.
    """
    kind = format_of(path, what)
    if kind == JSON:
        return JsonFlows(path, live=live, what=what)
    if kind == CSV:
        return CsvFile(path, live=live, what=what)
    if kind == DATASET:
        from sensor.sinks.flow_dataset import FlowDataset  # noqa: PLC0415  few runs need it

        return FlowDataset(open_place(path, what), socket.gethostname(), live=live)
    _move_aside(path, what)
    return ParquetFlows(path, group_rows=LIVE_GROUP_ROWS if live else 0, what=what)


def held_notice(path: str, what: str) -> str:
    """What is said of a file that holds something already; empty if there is nothing to say."""
    if format_of(path, what) == DATASET:
        return ""
    try:
        held = os.path.getsize(path) if path != "-" and not _is_special(path) else 0
    except (OSError, ValueError):
        held = 0
    fate = ("is renamed" if format_of(path, what) == PARQUET else "is appended to")
    return f"--{what} {shown_path(path)}: {fate}, it holds {held:,} octets already" if held else ""


def _move_aside(path: str, what: str) -> None:
    """Rename a file that has content to `NAME.N.parquet`. Errors: ConfigError."""
    try:
        if not os.path.exists(path) or not os.path.getsize(path):
            return
        number = 1
        while os.path.exists(aside := f"{path.removesuffix('.parquet')}.{number}.parquet"):
            number += 1
        os.rename(path, aside)
    except OSError as error:
        raise ConfigError(f"--{what} {shown_path(path)}: {reason_of(error)}") from None
