"""The ledger's file of a live run (`--stats`): written by a thread of its own, each time anew.

A pipe that nobody reads or a file system that hangs must not hold up the capture. A reader of the
file never sees half a ledger: it is written beside and takes the old one's place, where that is
possible.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
import threading

from sensor.app.outputs import open_stats
from sensor.base.escape import harmless
from sensor.engine.ledger import Ledger
from sensor.errors import reason_of

PATIENCE_S = 5.0
"""The longest that the end waits for the last ledger to be written."""
NEW_ENDING = ".new"


class StatsFile:
    """Writes ledgers to a path (`-`: standard output) as they come; of those that wait the newest.

    Errors: ConfigError if the path cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._stream = open_stats(path)
        self.error: str | None = None
        """Why the last ledger could not be written; None if it was."""
        self._next: Ledger | None = None
        self._busy = False
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="sensor-stats", daemon=True).start()

    def write(self, ledger: Ledger) -> None:
        """Have a ledger written soon; never blocks."""
        with self._changed:
            self._next = ledger
            self._changed.notify_all()

    def finish(self, ledger: Ledger) -> str | None:
        """Write the last ledger. Returns what was wrong, in one line, or None."""
        self.write(ledger)
        return self.error if self.wait() else f"--stats {harmless(self._path)}: nobody takes it"

    def wait(self) -> bool:
        """Wait for what is to be written; False if that takes too long."""
        with self._changed:
            return self._changed.wait_for(self._is_idle, PATIENCE_S)

    @property
    def stuck(self) -> bool:
        """True if the thread hangs in a write."""
        return self._busy

    def _is_idle(self) -> bool:
        return self._next is None and not self._busy

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._next is not None)
                ledger, self._next = self._next, None
                self._busy = True
            try:
                self._store(json.dumps(ledger, separators=(",", ":")) + "\n")
                self.error = None
            except (OSError, ValueError) as error:
                self.error = f"--stats {harmless(self._path)}: {reason_of(error)}"

    def _store(self, line: str) -> None:
        if self._stream is sys.stdout or not self._is_regular():
            with contextlib.suppress(BrokenPipeError):  # nobody wants to know any more
                self._stream.write(line)
                self._stream.flush()
            return
        beside = self._path + NEW_ENDING
        try:
            with open(beside, "w", encoding="utf-8") as file:
                file.write(line)
            os.replace(beside, self._path)
        except PermissionError:  # only the file itself is ours
            with open(self._path, "w", encoding="utf-8") as file:
                file.write(line)

    def _is_regular(self) -> bool:
        """Return True for a regular file, or nothing: somebody may have moved it away."""
        try:
            return stat.S_ISREG(os.stat(self._path).st_mode)
        except FileNotFoundError:
            return True
