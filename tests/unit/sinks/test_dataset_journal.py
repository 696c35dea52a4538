"""Journals of flow records: what was written before a crash can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor.ecs.dataset import dataset_table
from sensor.sinks import dataset_journal
from sensor.sinks.dataset_journal import Journal, lock, tables_of, write_parquet
from tests.flow_records import batch_of, random_batch

parquet = pytest.importorskip("pyarrow.parquet")


def journal(path: Path, batches: int, rows: int = 60) -> list[int]:
    """A journal of some batches: the octets it had after each of them."""
    made = Journal(str(path), 0, 0.0, is_late=False)
    sizes = []
    for seed in range(batches):
        made.write(dataset_table(random_batch(seed, rows)), 0.0)
        sizes.append(path.stat().st_size)
    made.close()
    assert made.count == batches * rows
    return sizes


def test_a_file_holds_what_the_journal_was_given(tmp_path: Path) -> None:
    journal(tmp_path / "j", 3)
    count, digest = write_parquet(str(tmp_path / "j"), str(tmp_path / "p"))
    expected = [row for seed in range(3) for row in dataset_table(random_batch(seed)).to_pylist()]
    table = parquet.read_table(tmp_path / "p")
    assert count == 180 and table.to_pylist() == expected
    assert (count, digest) == write_parquet(str(tmp_path / "j"), str(tmp_path / "again"))
    assert (tmp_path / "p").read_bytes() == (tmp_path / "again").read_bytes()


def test_other_flows_have_another_digest(tmp_path: Path) -> None:
    for name, batch in (("a", batch_of({})), ("b", batch_of({"orig_port": 1}))):
        made = Journal(str(tmp_path / name), 0, 0.0, is_late=False)
        made.write(dataset_table(batch), 0.0)
        made.close()
    digests = {write_parquet(str(tmp_path / name), str(tmp_path / "p"))[1] for name in "ab"}
    assert len(digests) == 2


def test_a_journal_that_was_torn_off_gives_its_whole_batches(tmp_path: Path) -> None:
    sizes = journal(tmp_path / "j", 3, rows=20)
    octets = (tmp_path / "j").read_bytes()
    for size in (*range(0, sizes[-1], 997), *sizes, *(size - 1 for size in sizes)):
        (tmp_path / "torn").write_bytes(octets[:size])
        found = sum(table.num_rows for table in tables_of(str(tmp_path / "torn")))
        assert found == 20 * sum(size >= end for end in sizes), size


def test_a_row_group_is_not_larger_than_one_thread_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_journal, "GROUP_ROWS", 50)
    journal(tmp_path / "j", 5, rows=20)
    write_parquet(str(tmp_path / "j"), str(tmp_path / "p"))
    found = parquet.ParquetFile(tmp_path / "p").metadata
    assert [found.row_group(at).num_rows for at in range(found.num_row_groups)] == [40, 40, 20]


def test_a_journal_in_use_is_nobody_elses(tmp_path: Path) -> None:
    made = Journal(str(tmp_path / "j"), 0, 0.0, is_late=False)
    with open(tmp_path / "j", "rb") as file:
        assert not lock(file)
        made.close()
        assert lock(file)
