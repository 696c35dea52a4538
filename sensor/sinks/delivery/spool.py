"""Messages on disk while their server is away: in order, bounded, safe against a crash.

One SQLite database for each sink. A message that was stored outlives the process, however that ends
(after a power failure the last few may be missing, or come a second time). A message is removed
once it was handed over: one that was in flight when the process was killed is sent again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sqlite3
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from sensor.base.escape import harmless
from sensor.errors import ConfigError, reason_of

PAGE_BYTES = 4096
PAGES_MIN = 16
NOTICES_MAX = 100
"""Notices that wait in one spool; a further one takes the place of the oldest."""
SPARE_PAGES_MAX = 256
"""Free pages that an empty spool may keep; with more of them the file is made small again."""
JOURNAL_BYTES = 4 << 20
"""The journal beside the database is cut to this size when it was larger."""
LOCK_WAIT_S = 1.0
"""The longest wait for a thread that is inside the spool, when the sensor ends."""

NOWHERE = -(1 << 62)
"""A position before all messages."""

_DAMAGED = "damaged"

# is_alert has been the name of the number of records since that was at most 1.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    position INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    is_alert INTEGER NOT NULL,
    octets BLOB NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A message in the spool."""

    position: int
    octets: bytes
    records: int
    """Alerts or records in it; 0: a notice."""
    is_ours: bool
    """True if this run stored it, not an earlier one."""


class Spool:
    """A first-in first-out store of messages in one file; after opening, nothing raises.

    `error` tells what is wrong with it now. `full` tells that the last message did not fit: what
    fits later is taken again. Once `broken`, it takes and gives nothing any more.
    """

    def __init__(self, folder: str, name: str, bytes_max: int, run: str) -> None:
        """Open or make the spool of the sink `name`.

        Errors: ConfigError if it cannot be used, damaged or in use by another sensor.
        """
        self.path = os.path.join(folder, file_name(name))
        self.error: str | None = None
        self.broken = False
        self._refused_bytes = 0
        """The length of the message that last found no room."""
        self.count = 0
        """Messages that are in it."""
        self.unsent = 0
        """Those of them that `first` has not given yet."""
        self.earlier_alerts = 0
        """Alerts that earlier runs had left when it was opened."""
        self._notices: deque[int] = deque()
        """The positions of notices."""
        self._given = NOWHERE
        """The position of the message that was given last: it may be on its way."""
        self._run = run
        self._past = NOWHERE
        """Messages up to this position were sent, whether or not they could be removed."""
        self._lock = threading.Lock()
        try:
            os.makedirs(folder, 0o700, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(self.path, flags, 0o600))
            self._database = sqlite3.connect(
                self.path, timeout=0, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(bytes_max)
            except BaseException:
                self._database.close()
                raise
        except (OSError, sqlite3.Error, ValueError) as error:
            raise ConfigError(f"spool {harmless(self.path)}: {_reason(error)}") from None

    def _prepare(self, bytes_max: int) -> None:
        execute = self._database.execute
        execute(f"PRAGMA page_size = {PAGE_BYTES}")
        # Held as long as the process lives: a second sensor must not send the same messages.
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute("PRAGMA journal_mode = WAL")
        execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
        execute("PRAGMA synchronous = NORMAL")
        execute("PRAGMA temp_store = MEMORY")
        execute("BEGIN IMMEDIATE")
        execute(_SCHEMA)
        execute("COMMIT")
        [(verdict,)] = execute("PRAGMA quick_check(1)").fetchall()
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"{_DAMAGED}: {verdict}")
        execute(f"PRAGMA max_page_count = {max(PAGES_MIN, bytes_max // PAGE_BYTES)}")
        [(self.count, self.earlier_alerts)] = execute(
            "SELECT count(*), coalesce(sum(is_alert * (run <> ?)), 0) FROM message",
            (self._run,),
        ).fetchall()
        self.unsent = self.count
        self._notices.extend(position for (position,) in execute(
            "SELECT position FROM message WHERE NOT is_alert ORDER BY position"
        ))  # fmt: skip

    def put(self, octets: bytes, records: int, lock_wait_s: float = -1) -> bool:
        """Store a message behind all others; whether there was room for it.

        `lock_wait_s`: no longer than that where another thread may hang in here, -1: without end.
        """
        if not self._lock.acquire(timeout=lock_wait_s):
            return False
        try:
            return self._insert(octets, records)
        finally:
            self._lock.release()

    def _insert(self, octets: bytes, records: int) -> bool:
        if self.broken:
            return False
        try:
            if not records:
                self._make_room_for_notice()
            cursor = self._database.execute(
                "INSERT INTO message (run, is_alert, octets) VALUES (?, ?, ?)",
                (self._run, records, octets),
            )
        except sqlite3.Error as error:
            self._refused_bytes = len(octets)
            self._failed(error)
            return False
        self.count += 1
        self.unsent += 1
        if not records and cursor.lastrowid is not None:
            self._notices.append(cursor.lastrowid)
        self.error = None
        return True

    def _make_room_for_notice(self) -> None:
        """Forget the oldest notices beyond the limit, but none that may be on its way."""
        while len(self._notices) >= NOTICES_MAX and (oldest := self._oldest_notice()) is not None:
            self._database.execute("DELETE FROM message WHERE position = ?", (oldest,))
            self._notices.remove(oldest)
            self.count -= 1
            self.unsent -= 1

    def _oldest_notice(self) -> int | None:
        return next((position for position in self._notices if position > self._given), None)

    def put_first(self, messages: Sequence[tuple[bytes, int]], lock_wait_s: float = -1) -> bool:
        """Store messages in front of all others, all or none; whether that was possible.

        It is not while some were given and not removed, and where there is no room.
        """
        if not self._lock.acquire(timeout=lock_wait_s):
            return False
        try:
            if self.broken or self.unsent != self.count:
                return False
            return self._insert_first(messages)
        except sqlite3.Error as error:
            self._failed(error)
            return False
        finally:
            self._lock.release()

    def _insert_first(self, messages: Sequence[tuple[bytes, int]]) -> bool:
        execute = self._database.execute
        [(oldest,)] = execute(
            "SELECT min(position) FROM message WHERE position > ?", (self._past,)
        ).fetchall()
        begin = max(1, self._past + 1) if oldest is None else oldest - len(messages)
        if begin <= self._past:  # it would stand before what was sent
            return False
        rows = [(begin + at, self._run, records, octets)
                for at, (octets, records) in enumerate(messages)]  # fmt: skip
        execute("BEGIN")
        try:
            self._database.executemany("INSERT INTO message VALUES (?, ?, ?, ?)", rows)
            execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # a full disk has done it already
                execute("ROLLBACK")
            raise
        self.count += len(rows)
        self.unsent += len(rows)
        notices = [position for position, _, records, _ in rows if not records]
        self._notices.extendleft(reversed(notices))
        self.error = None
        return True

    def look_for_room(self) -> None:
        """Let `error` go if a message can be stored again; nothing is stored."""
        with self._lock:
            if self.broken:
                return
            execute = self._database.execute
            try:
                execute("BEGIN IMMEDIATE")
                try:
                    cursor = execute(
                        "INSERT INTO message (run, is_alert, octets) VALUES (?, 0, zeroblob(?))",
                        (self._run, self._refused_bytes),
                    )
                    execute("DELETE FROM message WHERE position = ?", (cursor.lastrowid,))
                    execute("COMMIT")  # only that reaches the disk
                except BaseException:
                    with contextlib.suppress(sqlite3.Error):  # a full disk has done it already
                        execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                self._failed(error)
            else:
                self.error = None

    def rewind(self) -> None:
        """Give again what was given and not removed."""
        self._given = self._past
        self.unsent = self.count

    def first(self) -> Stored | None:
        """The oldest message that was not given yet; None if there is none."""
        with self._lock:
            if self.broken or not self.unsent:
                return None
            try:
                row = self._database.execute(
                    "SELECT position, octets, is_alert, run FROM message"
                    " WHERE position > ? ORDER BY position LIMIT 1", (self._given,)
                ).fetchone()
            except sqlite3.Error as error:
                self._failed(error)
                self.broken = True  # what cannot be read cannot be sent
                return None
            if row is None:  # somebody else changed the file
                self._begin_anew()
                return None
            position, octets, records, run = row
            self._given = position
            self.unsent -= 1
            return Stored(position, bytes(octets), records, run == self._run)

    def remove(self, message: Stored) -> None:
        """Forget a message, and what stands before it; it is not given again in this run."""
        with self._lock:
            self._past = message.position
            self.count = max(0, self.count - 1)
            while self._notices and self._notices[0] <= message.position:
                self._notices.popleft()
            if self.broken:
                return
            try:
                self._database.execute(
                    "DELETE FROM message WHERE position <= ?", (message.position,)
                )
            except sqlite3.Error as error:  # it may come a second time after a restart
                self._failed(error)
            else:
                self.error = None
                if not self.count:
                    self._past = self._given = NOWHERE
                    self._shrink()

    def _begin_anew(self) -> None:
        """Nothing is left that could be given: positions count from the start again."""
        self.count = self.unsent = 0
        self._notices.clear()
        with contextlib.suppress(sqlite3.Error):
            self._database.execute("DELETE FROM message")  # what was sent and could not be removed
            self._past = self._given = NOWHERE

    def _shrink(self) -> None:
        """Give the room of a spool that was large and is empty back to the disk."""
        with contextlib.suppress(sqlite3.Error):  # then it is used again, as it would be anyway
            [(spare,)] = self._database.execute("PRAGMA freelist_count").fetchall()
            if spare > SPARE_PAGES_MAX:
                self._database.execute("VACUUM")
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _failed(self, error: sqlite3.Error) -> None:
        """A disk or spool that is full may have room later; anything else ends the spool."""
        code = getattr(error, "sqlite_errorcode", 0)
        if code == sqlite3.SQLITE_FULL:
            self.error = f"spool {harmless(self.path)}: no room left"
        elif code & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY):
            self.error = f"spool {harmless(self.path)}: {_reason(error)}"
        else:
            self.broken = True
            self.error = f"spool {harmless(self.path)}: {_reason(error)}"

    def close(self) -> None:
        """Let the file go; never raises."""
        if self._lock.acquire(timeout=LOCK_WAIT_S):
            with contextlib.suppress(sqlite3.Error):
                self.broken = True
                self._database.close()
            self._lock.release()


def file_name(name: str) -> str:
    """A file name for a sink's spool: readable, and different for different sinks."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:60] or "sink"
    return f"{readable}-{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:8]}.spool"


def _reason(error: Exception) -> str:
    """Return what went wrong, in words from which the operator knows what to do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_BUSY:
        return "in use by another sensor"
    reason = reason_of(error)
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT) or reason.startswith(_DAMAGED):
        return f"{_DAMAGED} ({reason}): move it away to have a new one"
    return reason
