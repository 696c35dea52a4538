"""Flow records as a dataset: Parquet files in folders of days and hours (`--flows DIR/`).

    DIR/date=2026-01-02/hour=03/SENSOR-DIGEST.parquet

The hour is that of the end of a flow, in UTC. Records of an hour are gathered in a journal
(dataset_journal.py); when the hour is over, or the run, it becomes a file, which appears when it is
whole. Its name has a digest of the flows in it: what is written twice stands there once.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO

import numpy as np
from numpy.typing import NDArray

from sensor.base.units import SECOND_NS
from sensor.ecs.dataset import dataset_table
from sensor.ecs.flow_batch import FlowBatch
from sensor.errors import reason_of
from sensor.sinks.base import Batch
from sensor.sinks.dataset_journal import HOUR_NS, Journal, lock, write_parquet
from sensor.sinks.dataset_places import Place
from sensor.sinks.jsonl import FLOWS

GATHER_ROWS = 32_768
"""Records that are made into columns together: what a table costs by itself spreads over them."""
GATHER_S = 5.0
"""Live: the longest that records wait for others before they are written to the journal."""
JOURNALS_MAX = 48
"""Hours that are open at once; of more the one that was silent for longest is finished."""
GRACE_NS = 300 * SECOND_NS
"""How long after its hour a live journal still takes records before it becomes a file."""
AGE_MAX_S = 3900.0
"""Live: the age at which a journal becomes a file whatever the time of packets is."""
RETRY_S = 10.0
"""Between attempts to make a file where that failed."""
LIVE, REPLAY, WHOLE = "live", "replay", "whole"
"""What a journal's name begins with: of a replay that was killed nothing is kept, because the next
one reads the same captures; `WHOLE` are those that only could not be moved to their place."""


class FlowDataset:
    """A receiver of flow records that writes a dataset; after opening it never raises."""

    def __init__(
        self, place: Place, sensor: str, *, live: bool = False,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = f"{FLOWS} {place.name}"
        self.delivered = self.dropped = self.retried = 0
        self.error: str | None = None
        self._place = place
        self._sensor = re.sub(r"[^A-Za-z0-9.]+", "-", sensor).strip("-.") or "sensor"
        self._live = live
        self._now_s = now_s
        self._batches: list[FlowBatch] = []
        self._gathered = 0
        self._gathered_s = now_s()
        self._journals: dict[int, Journal] = {}
        self._newest_ns = 0
        self._numbers = 0
        self._left: dict[str, IO[bytes]] = {}
        """Journals that could not be made into files yet, and those of runs that were killed: by
        path, open and locked, so that no other process takes them too."""
        self._retry_s = now_s()
        self._take_over()

    def _take_over(self) -> None:
        """See to the journals of processes that are gone."""
        for path in sorted(glob.glob(os.path.join(glob.escape(self._place.folder), "*.arrows"))):
            if not os.path.basename(path).startswith(f"{REPLAY}-"):
                self._keep(path)
            else:
                with contextlib.suppress(OSError), open(path, "rb") as file:
                    if lock(file):
                        os.unlink(path)

    def _keep(self, path: str) -> None:
        """Make a file of a journal later, unless another process is at it."""
        with contextlib.suppress(OSError):
            file = open(path, "rb")  # noqa: SIM115  it stays open
            if lock(file):
                self._left[path] = file
            else:
                file.close()

    def write(self, flows: Batch) -> None:
        assert isinstance(flows, FlowBatch)  # ConfigError refuses a dataset of anything else
        if not self._batches:
            self._gathered_s = self._now_s()
        self._batches.append(flows)
        self._gathered += flows.count
        if self._gathered >= GATHER_ROWS:
            self._write_journals()

    def _write_journals(self) -> None:
        batches, self._batches, self._gathered = self._batches, [], 0
        if not batches:
            return
        records = batches[0].records
        if len(batches) > 1:
            records = np.concatenate([batch.records for batch in batches])
        ends_ns = np.maximum(records["last_ns"], 0)
        self._newest_ns = max(self._newest_ns, int(ends_ns.max()))
        hours = ends_ns // HOUR_NS
        for hour in np.unique(hours).tolist():
            chosen = _chosen(records, hours == hour)
            self._write(hour, FlowBatch(chosen, batches[0].context))

    def _write(self, hour: int, flows: FlowBatch) -> None:
        """Write records of one hour to its journal; what cannot be written is counted."""
        journal = self._journals.pop(hour, None)
        try:
            table = dataset_table(flows)
            if journal is None:
                journal = self._begun(hour)
            journal.write(table, self._now_s())
        except Exception as error:  # counted and said, like in any sink
            self.dropped += flows.count
            self._failed(error)
            if journal is not None:
                self._finish(journal)
            return
        self._journals[hour] = journal  # the last one is the one that was written to last
        self.delivered += flows.count
        if len(self._journals) > JOURNALS_MAX:
            self._finish(self._journals.pop(next(iter(self._journals))))

    def _begun(self, hour: int) -> Journal:
        """Errors: OSError."""
        self._numbers += 1
        kind = LIVE if self._live else REPLAY
        # The hour is read from the name again by whoever takes the journal over.
        name = f"{kind}-{hour}-{self._sensor}-{os.getpid()}-{self._numbers}.arrows"
        is_late = self._newest_ns >= (hour + 1) * HOUR_NS + GRACE_NS
        return Journal(os.path.join(self._place.folder, name), hour, self._now_s(),
                       is_late=is_late)

    def _finish(self, journal: Journal) -> None:
        """Make a file of a journal, now or later."""
        journal.close()
        if not self._moved(journal.path):
            whole = os.path.join(os.path.dirname(journal.path), os.path.basename(journal.path)
                                 .replace(f"{REPLAY}-", f"{WHOLE}-", 1))
            with contextlib.suppress(OSError):
                os.replace(journal.path, whole)
                self._keep(whole)

    def _moved(self, journal_path: str) -> bool:
        """Make a file of a journal that is closed; False, and what is wrong, if it failed."""
        parquet_path = journal_path.removesuffix(".arrows") + ".parquet.tmp"
        try:
            _, hour, *sensor, _, _ = os.path.basename(journal_path).split("-")
            count, digest = write_parquet(journal_path, parquet_path)
            if count:
                day = datetime.fromtimestamp(int(hour) * 3600, UTC)
                self._place.put(parquet_path, f"date={day:%Y-%m-%d}/hour={day:%H}/"
                                              f"{'-'.join(sensor)}-{digest}.parquet")
            os.unlink(journal_path)
        except Exception as error:  # said, like in any sink; the journal stays
            self._failed(error)
            return False
        finally:
            with contextlib.suppress(OSError):
                os.unlink(parquet_path)
        return True

    def _failed(self, error: Exception) -> None:
        self.error = f"{self.name}: {reason_of(error)}"

    def flush(self) -> None:
        """Live, each second: write what waited long enough, and finish the hours that are over."""
        now_s = self._now_s()
        if self._batches and now_s - self._gathered_s >= GATHER_S:
            self._write_journals()
        for journal in list(self._journals.values()):
            is_over = self._newest_ns >= (journal.hour + 1) * HOUR_NS + GRACE_NS
            if now_s - journal.begun_s >= AGE_MAX_S or (is_over and not journal.is_late):
                self._finish(self._journals.pop(journal.hour))
        if self._left and now_s >= self._retry_s:
            self._retry()
            self._retry_s = self._now_s() + RETRY_S

    def _retry(self) -> None:
        """Try again to make files of what is left, until one fails."""
        for path in list(self._left):
            if not self._moved(path):
                return
            self._left.pop(path).close()
            self.error = None

    def reopen(self) -> None:
        """Nothing: a file that is there is never written to again."""

    def close(self) -> None:
        """Make files of all that was written; what fails waits for the next run."""
        self._write_journals()
        while self._journals:
            self._finish(self._journals.pop(next(iter(self._journals))))
        self._retry()
        if self._left:
            self.error = (f"{self.error}; {len(self._left)} files of flow records wait in"
                          f" {self._place.folder} for the next run")
        while self._left:
            self._left.popitem()[1].close()


def _chosen(records: NDArray[np.void], mask: NDArray[np.bool_]) -> NDArray[np.void]:
    """Some records, copied as words: numpy would copy them member by member, much more slowly."""
    if mask.all():
        return records
    words = np.ascontiguousarray(records).view(np.uint64).reshape(len(records), -1)
    found: NDArray[np.void] = words[mask].reshape(-1).view(records.dtype)
    return found
