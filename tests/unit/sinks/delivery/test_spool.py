"""The spool: order, bounds, restarts, crashes, damage, a second sensor, a full disk."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sensor.errors import ConfigError
from sensor.sinks.delivery.spool import NOTICES_MAX, PAGE_BYTES, PAGES_MIN, Spool, file_name

MIB = 1 << 20


def spool_at(folder: Path, run: str = "run", bytes_max: int = MIB) -> Spool:
    return Spool(str(folder), "syslog tcp://h:601", bytes_max, run)


def drained(spool: Spool) -> list[bytes]:
    octets = []
    while (message := spool.first()) is not None:
        octets.append(message.octets)
        spool.remove(message)
    return octets


def test_first_in_first_out(tmp_path: Path) -> None:
    spool = spool_at(tmp_path)
    messages = [b"%d \x00\xff\n" % number for number in range(100)]
    assert all(spool.put(octets, records=1) for octets in messages)
    assert spool.count == 100
    first = spool.first()
    assert first != spool.first()
    spool.rewind()
    assert spool.first() == first, "it stays until it is removed"
    spool.rewind()
    assert drained(spool) == messages
    assert (spool.count, spool.first(), spool.error) == (0, None, None)
    spool.put(b"later", records=0)
    message = spool.first()
    assert message is not None
    assert (message.octets, message.records, message.is_ours) == (b"later", False, True)
    spool.close()


def test_messages_outlive_a_restart_and_are_told_apart(tmp_path: Path) -> None:
    first = spool_at(tmp_path, "one")
    first.put(b"a", records=1)
    first.put(b"b", records=1)
    message = first.first()
    assert message is not None
    first.remove(message)
    first.close()
    second = spool_at(tmp_path, "two")
    second.put(b"c", records=1)
    assert second.count == 2
    message = second.first()
    assert message is not None
    assert (message.octets, message.is_ours) == (b"b", False)
    second.remove(message)
    message = second.first()
    assert message is not None
    assert (message.octets, message.is_ours) == (b"c", True)
    second.close()


WRITER = """
import sys
from sensor.sinks.delivery.spool import Spool
spool = Spool(sys.argv[1], "syslog tcp://h:601", 64 << 20, "killed")
number = 0
while True:
    assert spool.put(b"%d " % number + b"x" * 500, records=1)
    print(number, flush=True)
    number += 1
"""


def test_a_process_that_is_killed_while_it_writes_loses_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        said = -1
        while said < 500:
            said = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        for line in writer.stdout:  # what it said until the signal came
            said = int(line)
    spool = spool_at(tmp_path, "next", 64 * MIB)
    numbers = [int(octets.split()[0]) for octets in drained(spool)]
    spool.close()
    # One more may have been stored than the writer lived to say.
    assert numbers in (list(range(said + 1)), list(range(said + 2)))


def test_it_is_bounded_and_takes_again_what_fits_later(tmp_path: Path) -> None:
    limit = 64 * PAGE_BYTES
    assert limit > PAGES_MIN * PAGE_BYTES
    spool = spool_at(tmp_path, bytes_max=limit)
    stored = 0
    while spool.put(b"%d " % stored + b"x" * 1000, records=1):
        stored += 1
        assert stored < limit // 1000
    assert spool.error == f"spool {spool.path}: no room left"
    assert stored > limit // 2000, "most of the room is for messages"
    assert os.path.getsize(spool.path) <= limit
    for _ in range(stored // 2):
        message = spool.first()
        assert message is not None
        spool.remove(message)
    assert spool.put(b"fits", records=1)
    assert spool.error is None
    octets = drained(spool)
    assert octets[-1] == b"fits"
    assert [int(one.split()[0]) for one in octets[:-1]] == list(range(stored // 2, stored))
    spool.close()


def test_a_second_sensor_is_refused(tmp_path: Path) -> None:
    first = spool_at(tmp_path)
    first.put(b"a", records=1)
    with pytest.raises(ConfigError, match="in use by another sensor"):
        spool_at(tmp_path)
    assert drained(first) == [b"a"]
    first.close()
    spool_at(tmp_path).close()


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    first = spool_at(tmp_path)
    text = WRITER.replace("64 << 20", "1 << 20")
    second = subprocess.run(
        [sys.executable, "-c", text, str(tmp_path)], capture_output=True, check=False
    )
    assert b"in use by another sensor" in second.stderr
    first.close()


@pytest.mark.parametrize("content", [b"this is no database at all" * 400, b"SQLite format 3\0" * 9])
def test_a_damaged_file_is_said_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / file_name("syslog tcp://h:601")
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"damaged .*: move it away"):
        spool_at(tmp_path)
    assert path.read_bytes() == content


def test_damage_inside_is_noticed_when_it_is_opened(tmp_path: Path) -> None:
    spool = spool_at(tmp_path)
    for number in range(200):
        spool.put(b"%d" % number + b"x" * 1000, records=1)
    spool.close()
    octets = bytearray(Path(spool.path).read_bytes())
    for at in range(3 * PAGE_BYTES, len(octets), PAGE_BYTES):
        octets[at : at + 64] = b"\xff" * 64
    Path(spool.path).write_bytes(octets)
    with pytest.raises(ConfigError, match="damaged"):
        spool_at(tmp_path)


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="Not a directory"):
        spool_at(tmp_path / "file" / "spool")
    (tmp_path / file_name("syslog tcp://h:601")).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="symbolic link"):
        spool_at(tmp_path)


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        spool = spool_at(tmp_path / "made")
    finally:
        os.umask(before)
    spool.put(b"secret", records=1)
    for path in (tmp_path / "made").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o700
    spool.close()


def test_notices_are_bounded_and_alerts_among_them_stay(tmp_path: Path) -> None:
    first = spool_at(tmp_path, "one")
    for number in range(NOTICES_MAX + 20):
        assert first.put(b"notice %d" % number, records=0)
        assert first.put(b"alert %d" % number, records=1)
    assert first.count == NOTICES_MAX + NOTICES_MAX + 20
    first.close()
    spool = spool_at(tmp_path, "two")
    assert spool.earlier_alerts == NOTICES_MAX + 20
    message = spool.first()
    assert message is not None and message.octets == b"alert 0"
    spool.remove(message)
    for number in range(1, 20):
        message = spool.first()
        assert message is not None and message.octets == b"alert %d" % number
        spool.remove(message)
    message = spool.first()
    assert message is not None and message.octets == b"notice 20"
    assert spool.put(b"notice of the second run", records=0)  # one is on its way: it stays
    spool.rewind()
    assert spool.first() == message
    spool.remove(message)
    rest = drained(spool)
    assert rest[:2] == [b"alert 20", b"alert 21"], "notice 21 made room"
    assert rest[-1] == b"notice of the second run"
    assert sum(octets.startswith(b"notice") for octets in rest) == NOTICES_MAX - 1
    assert (spool.count, spool.first()) == (0, None)
    spool.close()


def test_the_file_shrinks_when_nothing_waits_any_more(tmp_path: Path) -> None:
    spool = spool_at(tmp_path, bytes_max=8 * MIB)
    for number in range(400):
        spool.put(b"%d " % number + b"x" * 10_000, records=1)
    large = os.path.getsize(spool.path)
    assert large > 400 * 10_000 // 2
    assert len(drained(spool)) == 400
    assert os.path.getsize(spool.path) < large // 10
    assert spool.put(b"later", records=1)
    assert drained(spool) == [b"later"]
    spool.close()


def test_rows_that_somebody_took_away_are_not_waited_for(tmp_path: Path) -> None:
    spool = spool_at(tmp_path)
    for number in range(3):
        spool.put(b"%d" % number, records=number > 0)
    message = spool.first()
    assert message is not None
    spool.remove(message)
    spool._database.execute("DELETE FROM message")
    assert (spool.first(), spool.count) == (None, 0)
    assert spool.put(b"later", records=1)
    assert drained(spool) == [b"later"]
    spool.close()


class FailingDatabase:
    """A database on a disk that fails as the test says."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database
        self.code = 0

    def execute(self, *statement: object) -> sqlite3.Cursor:
        if self.code:
            error = sqlite3.OperationalError("as the test says")
            error.sqlite_errorcode = self.code
            raise error
        return self.database.execute(*statement)  # type: ignore[arg-type]

    def executemany(self, *statement: object) -> sqlite3.Cursor:
        return self.database.executemany(*statement)  # type: ignore[arg-type]

    def close(self) -> None:
        self.database.close()


def test_a_disk_that_is_full_or_read_only_for_a_while(tmp_path: Path) -> None:
    spool = spool_at(tmp_path)
    disk = FailingDatabase(spool._database)
    spool._database = disk  # type: ignore[assignment]
    spool.put(b"a", records=1)
    spool.put(b"b", records=1)
    for code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR_WRITE):
        disk.code = code
        assert not spool.put(b"c", records=1)
        assert spool.error is not None
    disk.code = 0
    message = spool.first()
    assert message is not None
    disk.code = sqlite3.SQLITE_FULL
    spool.remove(message)
    disk.code = 0
    assert drained(spool) == [b"b"], "what was sent is not given again"
    assert spool.error is None
    spool.close()


def test_a_spool_that_breaks_takes_and_gives_nothing(tmp_path: Path) -> None:
    spool = spool_at(tmp_path)
    disk = FailingDatabase(spool._database)
    spool._database = disk  # type: ignore[assignment]
    spool.put(b"a", records=1)
    disk.code = sqlite3.SQLITE_CORRUPT
    assert spool.first() is None
    disk.code = 0
    assert spool.broken
    assert not spool.put(b"b", records=1)
    assert spool.first() is None
    assert "damaged" in str(spool.error)
    spool.close()


@pytest.mark.parametrize("name", ["../../etc/passwd", "/", "", "syslog unix:///dev/log", "\x00\n",
                                  "a" * 500, "syslog tcp://[2001:db8::1%25eth0]:601", "\udc80"])
def test_file_names_are_safe_and_different(name: str) -> None:
    made = file_name(name)
    assert len(made) < 100
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
    assert made[0] not in ".-"
    assert made != file_name(name + "x")


def test_what_came_back_is_stored_in_front(tmp_path: Path) -> None:
    spool = spool_at(tmp_path)
    spool.put(b"c", records=1)
    assert spool.put_first([(b"a", True), (b"b", False)])
    assert (spool.count, spool.unsent) == (3, 3)
    first = spool.first()
    assert first is not None and first.octets == b"a"
    assert not spool.put_first([(b"z", True)]), "one is on its way"
    spool.rewind()
    assert spool.put_first([(b"0", True)])
    spool.close()
    again = spool_at(tmp_path, "next")
    assert drained(again) == [b"0", b"a", b"b", b"c"]
    assert again.put_first([(b"d", True)])
    assert drained(again) == [b"d"]
    again.close()


def test_nothing_is_stored_in_front_where_there_is_no_room(tmp_path: Path) -> None:
    spool = spool_at(tmp_path)
    for number in range(3):
        spool.put(b"%d" % number, records=1)
    message = spool.first()
    assert message is not None
    spool.remove(message)
    assert not spool.put_first([(b"before", True)]), "the one that was sent stood there"
    disk = FailingDatabase(spool._database)
    spool._database = disk  # type: ignore[assignment]
    disk.code = sqlite3.SQLITE_FULL
    assert not spool.put_first([(b"before", True)])
    assert str(spool.error).endswith("no room left")
    disk.code = 0
    assert drained(spool) == [b"1", b"2"]
    spool.close()


def test_looking_for_room_stores_nothing_and_needs_as_much_as_was_refused(tmp_path: Path) -> None:
    spool = spool_at(tmp_path, bytes_max=PAGES_MIN * PAGE_BYTES)
    large = b"x" * (PAGES_MIN // 2 * PAGE_BYTES)
    assert spool.put(large, records=1)
    assert not spool.put(large, records=1)
    spool.look_for_room()
    assert str(spool.error).endswith("no room left")
    message = spool.first()
    assert message is not None
    spool.remove(message)
    spool.error = "as before"
    spool.look_for_room()
    assert (spool.error, spool.count, drained(spool)) == (None, 0, [])
    spool.close()


def test_a_full_spool_takes_all_in_front_or_none(tmp_path: Path) -> None:
    spool = spool_at(tmp_path, bytes_max=PAGES_MIN * PAGE_BYTES)
    spool.put(b"last", records=1)
    assert not spool.put_first([(b"x" * 10_000, True)] * 20)
    assert str(spool.error).endswith("no room left")
    assert not spool.broken
    assert drained(spool) == [b"last"]
    spool.close()
