"""The flow records of one hour on their way into a Parquet file: a journal that outlives a crash.

A journal is a stream of Arrow's format, which can be read up to the last batch that was written. A
Parquet file, of which nothing can be read before its end is written, is made of it in one go.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from typing import IO, Any

from sensor.base.units import SECOND_NS
from sensor.ecs.dataset import DELTA_COLUMNS, DICTIONARY_COLUMNS

HOUR_NS = 3600 * SECOND_NS
GROUP_ROWS = 122_880
"""Rows of a row group: what DuckDB hands to one thread."""
LEVEL = 3
"""Of zstd: 9 saves three octets of a hundred."""
DIGEST_DIGITS = 16


class Journal:
    """Flow records of one hour, in a file that is locked as long as the process lives."""

    def __init__(self, path: str, hour: int, now_s: float, *, is_late: bool) -> None:
        """Errors: OSError."""
        self.path = path
        self.hour = hour
        """Hours since 1970."""
        self.begun_s = self.written_s = now_s
        self.is_late = is_late
        """True if the hour was over already when the journal was begun."""
        self.count = 0
        self._file: IO[bytes] = open(path, "xb")  # noqa: SIM115  it stays open
        lock(self._file)
        self._writer: Any = None

    def write(self, table: Any, now_s: float) -> None:
        """Errors: OSError, and those of Arrow; then the journal ends with what it had."""
        from pyarrow import ipc  # type: ignore  # noqa: PLC0415  slow to import

        if self._writer is None:
            options = ipc.IpcWriteOptions(compression="lz4")
            self._writer = ipc.new_stream(self._file, table.schema, options=options)
        self._writer.write_table(table)
        self._file.flush()
        self.count += table.num_rows
        self.written_s = now_s

    def close(self) -> None:
        """Let the file go; never raises."""
        with contextlib.suppress(Exception):  # what it has can be read without its end
            self._writer.close()
        with contextlib.suppress(OSError):
            self._file.close()


def lock(file: IO[bytes]) -> bool:
    """Mark a file as in use by this process; False if it is by another one."""
    try:
        import fcntl  # noqa: PLC0415  not every system has it
    except ImportError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def tables_of(path: str) -> Iterator[Any]:
    """What a journal holds, as tables of at most GROUP_ROWS rows; what was torn off is left out.

    Errors: OSError if the file cannot be read.
    """
    import pyarrow  # noqa: PLC0415  slow to import

    with open(path, "rb") as file:
        gathered: list[Any] = []
        rows = 0
        try:
            reader = pyarrow.ipc.open_stream(file)
            while True:
                batch = reader.read_next_batch()
                if rows + batch.num_rows > GROUP_ROWS and gathered:
                    yield _joined(gathered)
                    gathered, rows = [], 0
                gathered.append(pyarrow.Table.from_batches([batch]))
                rows += batch.num_rows
        except (StopIteration, pyarrow.ArrowInvalid, EOFError):
            pass
        except OSError as error:
            if error.errno is not None:  # Arrow's own words for a message that was torn off
                raise
        if gathered:
            yield _joined(gathered)


def _joined(tables: list[Any]) -> Any:
    import pyarrow  # noqa: PLC0415  slow to import

    return pyarrow.concat_tables(tables).unify_dictionaries().combine_chunks()


def write_parquet(journal_path: str, path: str) -> tuple[int, str]:
    """Make a Parquet file of a journal: how many records it has, and a digest of them.

    Errors: OSError, and those of Arrow.
    """
    from pyarrow import parquet  # noqa: PLC0415  slow to import

    digest = hashlib.sha256()
    count = 0
    with contextlib.ExitStack() as stack:
        writer = None
        for table in tables_of(journal_path):
            if writer is None:
                writer = stack.enter_context(parquet.ParquetWriter(
                    path, table.schema, compression="zstd", compression_level=LEVEL,
                    use_dictionary=DICTIONARY_COLUMNS,
                    column_encoding=dict.fromkeys(DELTA_COLUMNS, "DELTA_BINARY_PACKED"),
                    write_statistics=[*DELTA_COLUMNS, *DICTIONARY_COLUMNS],
                ))  # fmt: skip
            writer.write_table(table, row_group_size=GROUP_ROWS)
            count += table.num_rows
            for name in ("flow_id", "event_end"):
                for chunk in table.column(name).chunks:
                    digest.update(chunk.buffers()[1])
    if count:
        with open(path, "rb") as file:
            os.fsync(file.fileno())
    return count, digest.hexdigest()[:DIGEST_DIGITS]
