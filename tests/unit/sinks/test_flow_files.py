"""Flow records in files: by the name's ending, and what an earlier run has written is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sensor.api import flows as sensor_flows
from sensor.ecs.event_batch import EventBatch
from sensor.errors import ConfigError
from sensor.sinks.flow_files import FORMATS, format_of, open_table
from tests.command import ACCEPTED, quiet, sensor
from tests.flow_records import batch_of
from tests.running import CAPTURES


def test_lines_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "flows.ndjson"
    for live, lines in ((False, 2), (True, 4), (False, 6)):
        sink = open_table(str(path), live=live)
        sink.write(batch_of({}, {"resp_port": 2323}))
        sink.close()
        assert (sink.delivered, sink.dropped, sink.error) == (2, 0, None)
        found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert [each["destination"]["port"] for each in found] == [23, 2323] * (lines // 2)


def test_a_parquet_file_that_has_content_is_renamed(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "flows.parquet"
    for _ in range(3):
        sink = open_table(str(path), live=True)
        sink.write(batch_of({}))
        sink.write(batch_of({}, {}))
        sink.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "flows.1.parquet", "flows.2.parquet", "flows.parquet"]
    for each in tmp_path.iterdir():
        assert parquet.ParquetFile(each).metadata.num_row_groups == 1
        assert parquet.ParquetFile(each).metadata.num_rows == 3


def test_a_parquet_file_that_was_moved_away_ends_and_another_begins(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path, moved = tmp_path / "flows.parquet", tmp_path / "moved.parquet"
    sink = open_table(str(path))
    sink.write(batch_of({}))
    sink.reopen()  # it is still there: nothing changes
    sink.write(batch_of({}))
    path.rename(moved)
    sink.reopen()
    sink.write(batch_of({}, {}, {}))
    sink.close()
    assert [parquet.ParquetFile(each).metadata.num_rows for each in (moved, path)] == [2, 3]
    assert (sink.delivered, sink.error) == (5, None)


@pytest.mark.parametrize("name", ["flows.ndjson", "flows.parquet"])
def test_a_file_that_cannot_be_written_is_said_at_once(tmp_path: Path, name: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    with pytest.raises(ConfigError, match="No such file or directory"):
        open_table(str(tmp_path / "absent" / name))


def test_whose_a_flow_is_stands_in_parquet_too(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "flows.parquet"
    ended = quiet("--flows", str(path), str(CAPTURES / "telnet_ptcpdump.pcapng"))
    assert (ended.code, ended.err) == (0, "")
    processes = parquet.read_table(path)["process_pid"].drop_null().to_pylist()
    assert processes and all(isinstance(pid, int) for pid in processes)


def test_a_csv_file_has_its_header_once_also_after_it_was_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "said.csv"
    event = EventBatch([{"ssh": {"server": {"software": "x"}}}])
    for _ in range(2):  # a second run goes on in the file of the first
        sink = open_table(str(path), live=True, what="protocol-events")
        sink.write(event)
        sink.reopen()  # it is still there: nothing changes
        sink.write(event)
        sink.close()
    sink = open_table(str(path), live=True, what="protocol-events")
    path.rename(tmp_path / "said.1.csv")
    sink.reopen()
    sink.write(event)
    sink.close()
    for name, rows in (("said.1.csv", 4), ("said.csv", 1)):
        lines = (tmp_path / name).read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("timestamp,")
        assert len(lines) == 1 + rows and lines[1:] == [lines[1]] * rows
    assert (sink.delivered, sink.dropped) == (1, 0)


@pytest.mark.parametrize("ending", FORMATS)
def test_each_ending_has_its_format(tmp_path: Path, ending: str) -> None:
    assert format_of(f"flows{ending.upper()}", "flows") == FORMATS[ending]
    if ending == ".parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"flows{ending}"
    sink = open_table(str(path))
    sink.write(batch_of({}, {}))
    sink.close()
    start = {"json": b'{"@timestamp"', "csv": b"timestamp,", "parquet": b"PAR1"}[FORMATS[ending]]
    assert path.read_bytes().startswith(start)
    assert sink.delivered == 2


@pytest.mark.parametrize("option", ["--flows", "--alerts", "--protocol-events"])
@pytest.mark.parametrize("name", ["x.txt", "x", "x.csv.gz", "folder.d"])
def test_other_endings_are_refused_with_the_list(tmp_path: Path, option: str, name: str) -> None:
    ended = quiet(option, str(tmp_path / name), ACCEPTED)
    assert ended.code == 2
    for word in (option, name, *FORMATS):
        assert word in ended.message()
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_gets_lines(tmp_path: Path) -> None:
    assert format_of("/dev/null", "flows") == "json"
    assert format_of("-", "flows") == "json"


@pytest.mark.parametrize(("name", "fate"), [
    ("f.csv", "is appended to"), ("f.parquet", "is renamed"),
])
def test_what_a_file_holds_stays_and_is_said(tmp_path: Path, name: str, fate: str) -> None:
    path = tmp_path / name
    first, second = (sensor("replay", "--flows", str(path), ACCEPTED).err for _ in range(2))
    assert "octets already" not in first
    assert f"notice: --flows {path}: {fate}" in second
    if name == "f.csv":
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) == 3 and lines[1] == lines[2] != lines[0]
    else:
        assert (tmp_path / "f.1.parquet").read_bytes() == path.read_bytes()


def test_every_batch_of_a_parquet_file_has_the_same_columns(tmp_path: Path) -> None:
    """Those of tunnels stand in the first batch too, which has none."""
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "flows.parquet"
    sink = open_table(str(path))
    sink.write(batch_of({}))
    sink.write(sensor_flows(str(CAPTURES / "telnet_gre.pcap")))
    sink.close()
    assert (sink.error, sink.dropped) == (None, 0)
    assert parquet.read_table(path)["sensor_tunnel_type"].drop_null().to_pylist()
