"""The store of rules' state: what a restart finds, crashes, other processes, damaged files."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from sensor.errors import ConfigError
from sensor.query.stateful.new_terms import History
from sensor.rules.state_store import FILE_NAME, Owner, RuleStore
from tests.running import ROOT

OWNER = Owner("r1", "f1")


def seen(store: RuleStore, *events: tuple[int, str], owner: Owner = OWNER,
         window_ns: int = 100, terms_max: int = 10) -> tuple[list[str], History]:
    """The new ones of some terms, with the history that the store has."""
    history = History(window_ns, 0, terms_max)
    store.restore(owner, history)
    new = []
    for time_ns, term in events:
        history.begin(time_ns)
        new += [term] if history.see((term, 1, 0.5), time_ns) else []
        store.save(owner, history)
    return new, history


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    folder = str(tmp_path / "deep" / "state")
    store = RuleStore(folder)
    assert store.since_ns(OWNER) is None
    assert seen(store, (10, "a"), (20, "b"))[0] == ["a", "b"]
    store.close()
    again = RuleStore(folder)
    assert again.since_ns(OWNER) == 10
    new, history = seen(again, (30, "a"), (40, "c"))
    assert new == ["c"]
    assert (history.since_ns, history.until_ns, len(history)) == (10, 40, 3)
    again.close()
    assert again.error == ""


def test_closing_writes_what_could_wait(tmp_path: Path) -> None:
    store = RuleStore(str(tmp_path))
    seen(store, (0, "a"), (100_000, "a"), window_ns=10**9)
    store.close()
    store = RuleStore(str(tmp_path))
    # Seen at 100,000 last: within a window of 50 at 100,050, and no longer at 100,051.
    assert seen(store, (100_050, "a"), window_ns=50)[0] == []
    store.close()


def test_another_query_makes_another_history(tmp_path: Path) -> None:
    store = RuleStore(str(tmp_path))
    seen(store, (0, "a"))
    store.close()
    store = RuleStore(str(tmp_path))
    assert seen(store, (1, "a"), owner=Owner("r1", "f2"))[0] == ["a"]
    assert seen(store, (1, "a"), owner=Owner("r2", "f1"))[0] == ["a"]
    store.close()


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / FILE_NAME)
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def test_what_is_out_of_date_or_too_much_leaves_the_file(tmp_path: Path) -> None:
    store = RuleStore(str(tmp_path))
    seen(store, *((time, f"t{time}") for time in range(50)), terms_max=5)
    seen(store, (60, "x"), (200, "y"), owner=Owner("r2", ""))
    seen(store, (1, "old"), owner=Owner("r3", ""))
    store.close()
    assert rows(tmp_path, "SELECT rule, count(*) FROM terms GROUP BY rule") == [
        ("r2", 1)], "r1 and r3 were last watched more than their window before r2"
    assert rows(tmp_path, "SELECT rule FROM rules") == [("r2",)]


def test_values_beyond_the_bound_are_deleted(tmp_path: Path) -> None:
    store = RuleStore(str(tmp_path))
    seen(store, *((time, f"t{time}") for time in range(50)), terms_max=5)
    store.close()
    assert rows(tmp_path, "SELECT count(*) FROM terms") == [(5,)]


CRASH = """
import os, signal, sys
sys.path.insert(0, os.getcwd())
from tests.unit.rules.test_state_store import seen, RuleStore
store = RuleStore(sys.argv[1])
seen(store, (10, "a"), (20, "b"))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_that_is_killed_leaves_what_it_has_written(tmp_path: Path) -> None:
    root = ROOT
    done = subprocess.run([sys.executable, "-c", CRASH, str(tmp_path)], cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL
    store = RuleStore(str(tmp_path))
    assert seen(store, (30, "a"), (31, "b"), (32, "c"))[0] == ["c"]
    store.close()


def test_two_at_one_file_are_told_clearly(tmp_path: Path) -> None:
    first = RuleStore(str(tmp_path))
    with pytest.raises(ConfigError, match=r"--state .*: another process uses it"):
        RuleStore(str(tmp_path))
    first.close()
    RuleStore(str(tmp_path)).close()


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    content = b"not a database, and long enough to be one" * 100
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(ConfigError, match="not a database"):
        RuleStore(str(tmp_path))
    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_a_store_of_another_version(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigError, match="another version"):
        RuleStore(str(tmp_path))


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"--state .*file"):
        RuleStore(str(tmp_path / "file"))


def test_what_cannot_be_written_stays_in_memory_and_is_said(tmp_path: Path) -> None:
    store = RuleStore(str(tmp_path))
    history = History(100, 0, terms_max=10**6)
    store.restore(OWNER, history)
    # Stands for a full disk: the file may not become larger than it is.
    assert store._connection is not None
    store._connection.execute("PRAGMA max_page_count = 1")
    history.begin(0)
    for number in range(20_000):
        history.see((f"term {number}",), 0)
    store.save(OWNER, history)
    assert "full" in store.error and FILE_NAME in store.error
    assert not history.see(("term 19999",), 1)
    store.close()
    assert os.path.exists(store.path)


def test_one_that_is_not_needed_is_opened_once_it_can_be(tmp_path: Path) -> None:
    first = RuleStore(str(tmp_path))
    second = RuleStore(str(tmp_path), needed=False)
    assert "another process uses it" in second.error
    assert seen(second, (10, "a"), (20, "b"))[0] == ["a", "b"]
    assert not second.try_again()
    first.close()
    assert second.try_again()
    assert second.error == ""
    second.close()
    third = RuleStore(str(tmp_path))
    assert seen(third, (30, "a"), (31, "c"))[0] == ["c"]
    third.close()


@pytest.mark.parametrize("damage", ["garbage", "folder", "torn", "read-only folder"])
def test_a_damaged_one_that_is_not_needed_is_left_as_it_is(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    file = folder / FILE_NAME
    if damage == "garbage":
        file.write_bytes(b"no database" * 1000)
    elif damage == "folder":
        file.mkdir()
    elif damage == "torn":
        store = RuleStore(str(folder))
        seen(store, *((time_ns, str(time_ns)) for time_ns in range(2000)), terms_max=10_000)
        store.close()
        file.write_bytes(file.read_bytes()[:4096] + b"\xff" * 8192)
    else:
        folder.rmdir()
        folder.write_text("in the way")
    store = RuleStore(str(folder), needed=False)
    assert seen(store, (10, "a"))[0] == ["a"], "it learns anew"
    store.try_again()
    assert store.error
    (folder if damage == "read-only folder" else file).rename(tmp_path / "away")
    assert store.try_again(), "there is room for a new one"
    store.close()
    again = RuleStore(str(folder))
    assert seen(again, (11, "a"))[0] == []
    again.close()
