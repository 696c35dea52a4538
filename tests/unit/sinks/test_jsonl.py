"""JSON lines: what is written, and what happens when the disk or the reader gives up."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest

from sensor.ecs.alert_text import json_line
from sensor.errors import ConfigError
from sensor.model.alert import Alert
from sensor.sinks.jsonl import FLOW_WRITE_BYTES, FlowFile, JsonSink, Output


def alert_of(document: dict[str, Any]) -> Alert:
    return Alert("a", "r", "name", "low", 21.0, 0, "", document)


@pytest.mark.parametrize(
    "text",
    ["plain", "é 世 😀", "\x00\x1b\n\r\t", '"\\/', "\x7f\x80\x9b\x9f", "\u202e\u200b\ufeff\u2028",
     "\U000e0041"],
)
def test_json_lines_lose_nothing_and_act_on_nothing(text: str) -> None:
    line = json_line({text: [text, 1, None, True, 2.5]})
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert orjson.loads(line) == json.loads(line) == {text: [text, 1, None, True, 2.5]}
    shown = line.decode()[:-1]
    assert shown.isprintable()


def test_lone_surrogates_become_visible_text() -> None:
    assert orjson.loads(json_line({"user": "x\udc80y\ud83d"})) == {"user": r"x\udc80y\ud83d"}


def test_numbers_beyond_64_bits_and_unknown_values_still_make_json() -> None:
    assert json.loads(json_line({"n": 1 << 70, "o": Path("/x")})) == {"n": 1 << 70, "o": "/x"}


def test_a_file_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "alerts.ndjson"
    path.write_bytes(b'{"n":0}\n')
    sink = JsonSink(str(path))
    sink.emit(alert_of({"n": 1}))
    assert path.read_bytes() == b'{"n":0}\n{"n":1}\n', "written at once"
    sink.close()


def test_a_line_torn_by_an_earlier_run_is_ended_first(tmp_path: Path) -> None:
    path = tmp_path / "alerts.ndjson"
    path.write_bytes(b'{"n":0}\n{"n":')
    sink = JsonSink(str(path))
    sink.emit(alert_of({"n": 1}))
    sink.emit(alert_of({"n": 2}))
    sink.close()
    assert path.read_bytes() == b'{"n":0}\n{"n":\n{"n":1}\n{"n":2}\n'


class FillingDisk:
    """A raw file that has room for so many octets, and later for more."""

    def __init__(self, room: int) -> None:
        self.octets = b""
        self.room = room

    def write(self, data: memoryview) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = bytes(data[: self.room])
        self.octets += taken
        self.room -= len(taken)
        return len(taken)

    def fileno(self) -> int:
        raise io.UnsupportedOperation("no file of the system")

    def close(self) -> None:
        pass


def test_a_disk_that_fills_up_and_is_cleared(tmp_path: Path) -> None:
    disk = FillingDisk(room=12)
    sink = JsonSink(str(tmp_path / "x"))
    sink._output = Output(disk)
    for number in range(4):  # 8 octets each: one fits, one is torn, two are refused
        sink.emit(alert_of({"n": number}))
    assert (sink.delivered, sink.dropped) == (1, 3)
    assert sink.error == f"{sink.name}: No space left on device"
    disk.room = 100
    sink.emit(alert_of({"n": 4}))
    sink.close()
    assert (sink.delivered, sink.dropped) == (2, 3)
    assert disk.octets == b'{"n":0}\n{"n"\n{"n":4}\n'


@pytest.mark.parametrize("opened", [JsonSink, FlowFile])
def test_a_file_that_cannot_be_opened_is_the_operators_mistake(
    opened: Any, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="No such file or directory") as caught:
        opened(str(tmp_path / "missing" / "file"))
    assert str(tmp_path / "missing" / "file") in str(caught.value)
    with pytest.raises(ConfigError, match="Is a directory"):
        opened(str(tmp_path))
    with pytest.raises(ConfigError, match="null byte"):
        opened("nul\x00in name")


def lines_of(first: int, count: int) -> bytes:
    return b"".join(b'{"flow":%d}\n' % number for number in range(first, first + count))


def test_flows_arrive_whole_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "flows.ndjson"
    path.write_text("of an earlier run\n")
    flows = FlowFile(str(path))
    expected = path.read_bytes()
    for at in range(0, 300_000, 1000):  # several times FLOW_WRITE_BYTES
        block = lines_of(at, 1000)
        flows.write_lines(block)
        expected += block
    flows.write_lines(b"")
    flows.close()
    flows.close()
    assert len(expected) > 3 * FLOW_WRITE_BYTES
    assert path.read_bytes() == expected
    assert (flows.delivered, flows.dropped, flows.error) == (300_000, 0, None)
    assert flows.closed


def test_flows_can_be_appended(tmp_path: Path) -> None:
    path = tmp_path / "flows.ndjson"
    path.write_bytes(lines_of(0, 1))
    flows = FlowFile(str(path), live=True)
    flows.write_lines(lines_of(1, 1))
    flows.close()
    assert path.read_bytes() == lines_of(0, 2)


def test_flows_after_close_are_dropped(tmp_path: Path) -> None:
    flows = FlowFile(str(tmp_path / "flows"))
    flows.write_lines(lines_of(0, 2))
    flows.close()
    flows.write_lines(lines_of(2, 3))
    flows.close()
    assert (flows.delivered, flows.dropped) == (2, 3)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk at hand")
def test_flows_on_a_full_disk_are_counted_and_said_once() -> None:
    flows = FlowFile("/dev/full")
    for at in range(0, 200_000, 1000):
        flows.write_lines(lines_of(at, 1000))
    flows.close()
    assert (flows.delivered, flows.dropped) == (0, 200_000)
    assert flows.error == "flows /dev/full: No space left on device"


def test_flows_whose_reader_went_away_turn_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with open(write_end, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        flows = FlowFile("-")
        flows.write_lines(lines_of(0, 10))
        flows.close()
        monkeypatch.undo()
    assert (flows.delivered, flows.dropped, flows.error, flows.closed) == (0, 10, None, True)


def test_flows_to_stdout_wait_for_a_slow_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    received: list[bytes] = []

    def read() -> None:
        while octets := os.read(read_end, 65536):
            received.append(octets)

    reader = threading.Thread(target=read)
    reader.start()
    block = lines_of(0, 200_000)
    with open(write_end, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        flows = FlowFile("-")
        flows.write_lines(block)
        flows.close()
        monkeypatch.undo()
    reader.join()
    os.close(read_end)
    assert b"".join(received) == block
    assert (flows.delivered, flows.dropped) == (200_000, 0)


def test_a_file_that_was_moved_away_is_opened_anew_by_its_name(tmp_path: Path) -> None:
    path, moved = tmp_path / "alerts.ndjson", tmp_path / "alerts.ndjson.1"
    sink = JsonSink(str(path))
    sink.emit(alert_of({"n": 1}))
    path.rename(moved)
    sink.emit(alert_of({"n": 2}))
    sink.reopen()
    sink.emit(alert_of({"n": 3}))
    sink.close()
    sink.reopen()
    assert moved.read_bytes() == b'{"n":1}\n{"n":2}\n'
    assert path.read_bytes() == b'{"n":3}\n'
    assert (sink.delivered, sink.accounted(), sink.error) == (3, 3, None)


def test_a_file_that_cannot_be_opened_anew_is_said_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    sink = JsonSink(str(folder / "alerts"))
    flows = FlowFile(str(folder / "flows"))
    folder.rename(tmp_path / "moved")
    sink.reopen()
    flows.reopen()
    sink.emit(alert_of({"n": 1}))
    flows.write_lines(lines_of(0, 2))
    flows.close()
    sink.close()
    assert (tmp_path / "moved" / "alerts").read_bytes() == b'{"n":1}\n'
    assert (tmp_path / "moved" / "flows").read_bytes() == lines_of(0, 2)
    for error in (sink.error, flows.error):
        assert error is not None
        assert error.endswith("cannot be opened again: No such file or directory")


def test_flows_go_on_in_a_new_file_after_the_old_one_was_moved(tmp_path: Path) -> None:
    path, moved = tmp_path / "flows.ndjson", tmp_path / "flows.ndjson.1"
    flows = FlowFile(str(path))
    flows.write_lines(lines_of(0, 10))
    path.rename(moved)
    flows.reopen()
    flows.write_lines(lines_of(10, 5))
    flows.close()
    assert moved.read_bytes() == lines_of(0, 10), "what was gathered went to the old one"
    assert path.read_bytes() == lines_of(10, 5)
    assert (flows.delivered, flows.accounted()) == (15, 15)


def test_flows_of_a_live_run_go_on_when_a_full_disk_was_cleared(tmp_path: Path) -> None:
    path = tmp_path / "flows"
    path.write_bytes(lines_of(0, 1)[:-3])
    flows = FlowFile(str(path), live=True)
    disk = FillingDisk(room=30)
    flows._output = Output(disk)
    flows.write_lines(lines_of(1, 3))  # 11 octets each behind a line end: two fit, one is torn
    flows.flush()
    assert (flows.delivered, flows.dropped, flows.closed) == (2, 1, False)
    flows.write_lines(lines_of(4, 1))
    flows.flush()
    assert (flows.delivered, flows.dropped) == (2, 2)
    assert flows.error is not None
    disk.room = 100
    flows.write_lines(lines_of(5, 2))
    flows.close()
    assert (flows.delivered, flows.dropped) == (4, 2)
    assert disk.octets == b"\n" + lines_of(1, 2) + lines_of(3, 1)[:7] + b"\n" + lines_of(5, 2)
