"""Batches of flow events: parts, single events, and events that are kept."""

from __future__ import annotations

from sensor.ecs.flow_batch import FlowBatch
from tests.flow_records import random_batch


def test_chosen_rows():
    batch = random_batch(4)
    every = batch.to_dicts()
    assert batch.documents([5, 2]) == [every[5], every[2]]
    assert batch.part(3, 6).to_dicts() == every[3:6]
    assert batch.documents([]) == []
    assert batch.document(59) == every[59]


def test_records_may_be_read_only_and_strided():
    batch = random_batch(5)
    batch.records.setflags(write=False)
    half = FlowBatch(batch.records[::2], batch.context)
    assert half.to_dicts() == batch.to_dicts()[::2]


def test_a_kept_event_outlives_its_batch():
    batch = random_batch(8)
    kept = [batch.keep(row) for row in (0, 59)]
    expected = [batch.document(row) for row in (0, 59)]
    times = [batch.known_ns(row) for row in (0, 59)]
    batch.records[:] = 0
    assert [each.document() for each in kept] == expected
    assert [each.known_ns for each in kept] == times


def test_iteration_gives_the_documents_in_order():
    batch = random_batch(9)
    assert list(batch) == batch.to_dicts()
    assert len(batch) == 60
