"""The memory of rules over restarts: one SQLite file in the folder of `--state`.

The file belongs to one process at a time. It is written in transactions: a crash leaves it as it
was after the last one. What cannot be written while the sensor runs stays in memory, and is said.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sensor.base.escape import harmless
from sensor.errors import ConfigError
from sensor.query.stateful.new_terms import History
from sensor.query.stateful.terms import Terms
from sensor.terminal.stderr import print_stderr

FILE_NAME = "rules.sqlite3"
VERSION = 1
"""Of the tables; a file of another version is refused."""

_TABLES = """
CREATE TABLE IF NOT EXISTS rules (
    rule TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, since_ns INTEGER NOT NULL,
    until_ns INTEGER NOT NULL, window_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS terms (
    rule TEXT NOT NULL, term TEXT NOT NULL, last_ns INTEGER NOT NULL, PRIMARY KEY (rule, term)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose history it is: a rule, and what of it must be the same for the history to be good."""

    rule_id: str
    fingerprint: str


class RuleStore:
    """The state of rules in a file.

    Errors: ConfigError if the folder or the file cannot be used, or another process uses it; where
    it is not `needed`, that is in `error`, and rules learn anew.
    """

    def __init__(self, folder: str, *, needed: bool = True) -> None:
        self.path = Path(folder) / FILE_NAME
        self.error = ""
        """Why nothing can be written now; empty while it can."""
        self._folder = folder
        self._lock = threading.Lock()
        """Rules are loaded in one thread while they are matched in another."""
        self._histories: dict[str, tuple[Owner, History]] = {}
        self._connection: sqlite3.Connection | None = None
        if not self.try_again() and needed:
            raise ConfigError(self.error)

    def try_again(self) -> bool:
        """Open the file if it is not open, and write what was learned meanwhile; whether it is."""
        with self._lock:
            if self._connection is not None:
                return True
            try:
                Path(self._folder).mkdir(mode=0o700, parents=True, exist_ok=True)
                self._connection = self._opened()
            except (OSError, sqlite3.Error) as error:
                reason = error.strerror if isinstance(error, OSError) else _reason(error)
                self.error = f"--state {harmless(self._folder)}: {reason}"
                return False
            self.error = ""
            histories = list(self._histories.values())
        for owner, history in histories:
            self._write_anew(owner, history)
        return not self.error

    def _write_anew(self, owner: Owner, history: History) -> None:
        """Write all that a history has learned while the file could not be used."""
        history.renew()
        with self._lock:
            try:
                self._has_none(owner)
            except sqlite3.Error as error:
                self._give_up(error)
        self.save(owner, history, everything=True)

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=0, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            # A write-ahead log that is not forced to the disk each time stays sound all the same;
            # after a power cut the last seconds may be missing from it.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("BEGIN EXCLUSIVE")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, VERSION):
                raise sqlite3.DatabaseError(f"written by another version of the sensor ({version})")
            for statement in _TABLES.strip().split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def since_ns(self, owner: Owner) -> int | None:
        """From when on the stored history of a rule is whole; None if there is none."""
        with self._lock:
            return self._since_ns(owner)

    def _since_ns(self, owner: Owner) -> int | None:
        if self._connection is None:
            return None
        try:
            found = self._connection.execute(
                "SELECT since_ns FROM rules WHERE rule = ? AND fingerprint = ?",
                (owner.rule_id, owner.fingerprint),
            ).fetchone()
        except sqlite3.Error as error:
            self._give_up(error)
            return None
        return int(found[0]) if found else None

    def _has_none(self, owner: Owner) -> bool:
        """True if nothing is stored of a rule; what is of one that has changed since is deleted.

        Errors: sqlite3.Error.
        """
        if self._since_ns(owner) is not None:
            return False
        if self._connection is not None:  # it may have turned out to be damaged just now
            _delete(self._connection, "rule = ?", owner.rule_id)
        return True

    def restore(self, owner: Owner, history: History) -> None:
        """Fill a history with what is stored for its rule, and keep it from now on."""
        before = self._histories.get(owner.rule_id)
        if before is not None and before[0] == owner:  # the same rule, loaded anew
            self.save(*before, everything=True)
        with self._lock:
            self._histories[owner.rule_id] = owner, history
            if self._connection is None:
                return
            try:
                if self._has_none(owner):
                    return
                (since_ns, until_ns) = self._connection.execute(
                    "SELECT since_ns, until_ns FROM rules WHERE rule = ?", (owner.rule_id,)
                ).fetchone()
                rows = self._connection.execute(
                    "SELECT term, last_ns FROM terms WHERE rule = ? ORDER BY last_ns, term",
                    (owner.rule_id,),
                )
                seen = [(tuple(json.loads(term)), last_ns) for term, last_ns in rows]
                history.restore(since_ns, until_ns, seen)
            except (sqlite3.Error, ValueError, TypeError) as error:
                self._give_up(error)

    def save(self, owner: Owner, history: History, *, everything: bool = False) -> None:
        """Write what is new of a history, if it cannot wait."""
        with self._lock:
            news = history.take_news(everything=everything)
            if self._connection is None or news is None or history.since_ns is None:
                return
            times = history.since_ns, history.until_ns, history.window_ns
            seen = zip(_named(owner, news.seen), news.seen.values(), strict=True)
            try:
                with _transaction(self._connection) as connection:
                    connection.execute(
                        "INSERT OR REPLACE INTO rules VALUES (?, ?, ?, ?, ?)",
                        (owner.rule_id, owner.fingerprint, *times),
                    )
                    connection.executemany(
                        "DELETE FROM terms WHERE rule = ? AND term = ?",
                        _named(owner, news.forgotten),
                    )
                    connection.executemany(
                        "INSERT OR REPLACE INTO terms VALUES (?, ?, ?)",
                        ((rule, term, last_ns) for (rule, term), last_ns in seen),
                    )
            except sqlite3.Error as error:
                self._give_up(error)

    def close(self) -> None:
        """Write everything, forget rules whose whole history is out of date, let go of the file."""
        for owner, history in self._histories.values():
            self.save(owner, history, everything=True)
        with self._lock:
            if self._connection is None:
                return
            try:
                _delete(self._connection, "rule IN (SELECT rule FROM rules WHERE until_ns + "
                        "window_ns < (SELECT max(until_ns) FROM rules))")
                self._connection.close()
                self._connection = None
            except sqlite3.Error as error:
                self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Go on in memory: rules must not stop because a disk is full."""
        self.error = f"{harmless(str(self.path))}: {_reason(error)}: what rules learn is not kept"
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def open_store(folder: str | None, *, needed: bool = True) -> RuleStore | None:
    """The store in a folder, if one is named. Errors: ConfigError, where it is `needed`."""
    return RuleStore(folder, needed=needed) if folder else None


def close_store(store: RuleStore | None) -> bool:
    """Write what rules have learned. Returns False, after a message, if that has failed."""
    if store is None:
        return True
    store.close()
    if store.error:
        print_stderr(f"sensor: {store.error}")
    return not store.error


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of it or, after an error, nothing."""
    connection.execute("BEGIN")
    try:
        yield connection
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _delete(connection: sqlite3.Connection, which: str, *values: str) -> None:
    with _transaction(connection):
        connection.execute(f"DELETE FROM terms WHERE {which}", values)
        connection.execute(f"DELETE FROM rules WHERE {which}", values)


def _named(owner: Owner, terms: Iterable[Terms]) -> Iterable[tuple[str, str]]:
    return ((owner.rule_id, json.dumps(term)) for term in terms)


def _reason(error: Exception) -> str:
    text = str(error)
    if getattr(error, "sqlite_errorcode", 0) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return f"{text}: move it away to have a new one"
    return "another process uses it" if "locked" in text else text
