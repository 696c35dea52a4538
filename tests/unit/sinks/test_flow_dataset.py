"""Flow records as a dataset: hours, names, crashes, what cannot be written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from sensor.errors import ConfigError
from sensor.sinks import flow_dataset
from sensor.sinks.dataset_places import open_place
from sensor.sinks.flow_dataset import AGE_MAX_S, GATHER_S, FlowDataset
from sensor.sinks.flow_files import held_notice, open_table
from tests.flow_records import batch_of

parquet = pytest.importorskip("pyarrow.parquet")

HOUR_S = 3600
START_NS = 1767323045 * 10**9
"""2026-01-02T03:04:05Z."""


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def dataset(folder: Path, *, live: bool = False, clock: Clock | None = None) -> FlowDataset:
    return FlowDataset(open_place(f"{folder}/", "flows"), "tap-1", live=live,
                       now_s=clock or Clock())


def ending(*seconds: int, port: int = 23) -> Any:
    """Flows that end so many seconds after 03:04:05."""
    return batch_of(*({"last_ns": START_NS + after * 10**9, "resp_port": port}
                      for after in seconds))


def files(folder: Path) -> dict[str, int]:
    """The rows of every file, by its folders."""
    found: dict[str, int] = {}
    for path in sorted(folder.rglob("*.parquet")):
        place = str(path.parent.relative_to(folder))
        found[place] = found.get(place, 0) + parquet.ParquetFile(path).metadata.num_rows
    return found


def test_flows_lie_by_the_hour_of_their_end(tmp_path: Path) -> None:
    sink = dataset(tmp_path)
    sink.write(ending(0, HOUR_S, 5))
    sink.write(ending(86_400, HOUR_S + 1, 6, 7))
    assert not list(tmp_path.rglob("*.parquet"))
    sink.close()
    assert files(tmp_path) == {"date=2026-01-02/hour=03": 4, "date=2026-01-02/hour=04": 2,
                               "date=2026-01-03/hour=03": 1}
    assert (sink.delivered, sink.dropped, sink.error) == (7, 0, None)
    assert os.listdir(tmp_path / ".unfinished") == []
    (path,) = (tmp_path / "date=2026-01-02/hour=04").iterdir()
    assert path.name.startswith("tap-1-")


def test_what_is_written_twice_stands_there_once(tmp_path: Path) -> None:
    for _ in range(2):
        sink = dataset(tmp_path)
        sink.write(ending(0, HOUR_S))
        sink.write(ending(1, 2))
        sink.close()
        assert files(tmp_path) == {"date=2026-01-02/hour=03": 3, "date=2026-01-02/hour=04": 1}


def test_an_hour_of_a_live_run_is_whole_when_it_is_over(tmp_path: Path) -> None:
    clock = Clock()
    sink = dataset(tmp_path, live=True, clock=clock)
    sink.write(ending(0))
    sink.flush()
    assert not list(tmp_path.rglob("*.arrows")), "it waits for others"
    clock.now_s += GATHER_S
    sink.flush()
    assert len(list(tmp_path.rglob("*.arrows"))) == 1
    sink.write(ending(HOUR_S))  # 04:04:05: the hour before is not over for long enough
    clock.now_s += GATHER_S
    sink.flush()
    assert files(tmp_path) == {}
    sink.write(ending(HOUR_S + 60, 1))
    clock.now_s += GATHER_S
    sink.flush()
    assert files(tmp_path) == {"date=2026-01-02/hour=03": 2}
    sink.write(ending(2))  # it was silent for an hour before it ended: its journal may take longer
    clock.now_s += GATHER_S
    sink.flush()
    assert files(tmp_path) == {"date=2026-01-02/hour=03": 2}
    clock.now_s += AGE_MAX_S
    sink.flush()
    assert files(tmp_path) == {"date=2026-01-02/hour=03": 3, "date=2026-01-02/hour=04": 2}
    assert sink.delivered == 5


def test_of_too_many_hours_the_most_silent_one_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow_dataset, "JOURNALS_MAX", 2)
    monkeypatch.setattr(flow_dataset, "GATHER_ROWS", 1)
    sink = dataset(tmp_path)
    for hour in (0, 1, 0, 2):
        sink.write(ending(hour * HOUR_S))
    assert files(tmp_path) == {"date=2026-01-02/hour=04": 1}
    sink.close()
    assert files(tmp_path) == {"date=2026-01-02/hour=03": 2, "date=2026-01-02/hour=04": 1,
                               "date=2026-01-02/hour=05": 1}


@pytest.mark.parametrize("live", [True, False], ids=["live", "replay"])
def test_after_a_kill_the_next_run_makes_the_file(tmp_path: Path, live: bool) -> None:
    """Of a replay nothing is kept: it will be run again, and would be there twice."""
    child = os.fork()
    if not child:  # a process that is gone without a word, like one that was killed
        clock = Clock()
        sink = dataset(tmp_path, live=live, clock=clock)
        sink.write(ending(0, 1))
        sink._write_journals()
        os._exit(0)
    os.waitpid(child, 0)
    assert len(list(tmp_path.rglob("*.arrows"))) == 1
    sink = dataset(tmp_path, live=True)
    sink.flush()
    assert files(tmp_path) == ({"date=2026-01-02/hour=03": 2} if live else {})
    assert not list(tmp_path.rglob("*.arrows"))
    sink.close()


def test_a_journal_of_another_sensor_is_left_alone(tmp_path: Path) -> None:
    sinks = [dataset(tmp_path, live=True)]
    sinks[0].write(ending(0))
    sinks[0]._write_journals()
    sinks.append(dataset(tmp_path, live=True))
    sinks[1].close()
    assert len(list(tmp_path.rglob("*.arrows"))) == 1 and files(tmp_path) == {}
    sinks[0].close()
    assert files(tmp_path) == {"date=2026-01-02/hour=03": 1}


def test_what_cannot_be_moved_waits_for_the_next_run(tmp_path: Path) -> None:
    (tmp_path / "date=2026-01-02").write_text("in the way")
    sink = dataset(tmp_path)
    sink.write(ending(0, 1))
    sink.close()
    assert sink.error is not None and "1 files of flow records wait" in sink.error
    assert files(tmp_path) == {}
    (tmp_path / "date=2026-01-02").unlink()
    sink = dataset(tmp_path)
    sink.close()
    assert (sink.error, files(tmp_path)) == (None, {"date=2026-01-02/hour=03": 2})


def test_records_that_no_journal_takes_are_counted(tmp_path: Path) -> None:
    sink = dataset(tmp_path)
    shutil.rmtree(tmp_path / ".unfinished")
    sink.write(ending(0, 1))
    sink.close()
    assert (sink.delivered, sink.dropped) == (0, 2)
    assert sink.error is not None and "No such file" in sink.error


def test_only_flow_records_have_a_dataset(tmp_path: Path) -> None:
    assert held_notice(str(tmp_path), "flows") == ""
    with pytest.raises(ConfigError, match="the ending says the format"):
        open_table(str(tmp_path), what="protocol-events")
