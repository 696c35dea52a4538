"""The processes of a run by number: places that are given away again."""

from __future__ import annotations

from sensor.model.processes import Process, Processes


def test_a_table_that_recycles_gives_the_oldest_place_away() -> None:
    processes = Processes(places=3, recycle=True)
    indices = [processes.index(Process(pid=pid)) for pid in (4, 5, 6, 5, 7, 4)]
    assert indices == [1, 2, 1, 2, 2, 1]
    assert (processes[1].pid, processes[2].pid, processes.refused) == (4, 7, 0)
