"""LiveEvidence: the packets behind the alerts of a live run, as a sink that alerts go to."""

from __future__ import annotations

from collections.abc import Iterable

from sensor.config import EvidenceLimits
from sensor.evidence.keeper import Keeper
from sensor.evidence.live_files import LiveFiles
from sensor.evidence.request import flows_of, note_of
from sensor.model.alert import Alert
from sensor.model.status import Notice


class LiveEvidence:
    """A sink (sensor/sinks/base.py). Its keepers, one for each worker, hold the frames."""

    waiting = 0
    retried = 0
    dropped = 0

    def __init__(self, path: str, limits: EvidenceLimits) -> None:
        """Errors: ConfigError if the folder cannot be used."""
        self.name = f"evidence {path}"
        self.delivered = 0
        self.closed = False
        self._limits = limits
        self._files = LiveFiles(path, limits.disk_bytes)
        self._keepers: list[Keeper] = []

    @property
    def error(self) -> str | None:
        """What is wrong with the disk."""
        return self._files.error

    def keepers(self, count: int, ports: Iterable[int], *, key_vlan: bool) -> list[Keeper]:
        """One for each of so many flow tables; they share the memory."""
        ports = list(ports)
        self._keepers = [
            Keeper(self._files, ports, flow_bytes=self._limits.flow_bytes,
                   memory_bytes=self._limits.memory_bytes // count, key_vlan=key_vlan)
            for _ in range(count)
        ]
        return self._keepers

    def emit(self, alert: Alert) -> None:
        """Have the frames written that the alert is about."""
        self.delivered += 1
        if names := flows_of(alert.document):
            note = note_of(alert.document)
            for keeper in self._keepers:
                keeper.requests.append((names, note))

    def accounted(self) -> int:
        return self.delivered

    def notify(self, notice: Notice) -> None:
        """Nobody is reached here."""

    def reopen(self) -> None:
        """Files are opened for each write."""

    def close(self) -> None:
        """Close every file; the run is over."""
        if not self.closed:
            self.closed = True
            for keeper in self._keepers:
                keeper.finish()
            self._files.close()

    def ledger(self) -> dict[str, int]:
        """Counters for `--stats`."""
        found = {"files_removed": self._files.removed, "writes_failed": self._files.failed}
        for keeper in self._keepers:
            for name, count in keeper.counters.items():
                found[name] = found.get(name, 0) + count
        return found
