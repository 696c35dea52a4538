"""Slots: what processes and tunnels add to documents, and that others stay as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import orjson

from sensor.ecs.field_groups import groups_in, slot_texts
from sensor.ecs.flow_batch import FlowBatch
from sensor.model.processes import Process, Processes
from tests.flow_records import random_batch


def processes() -> Processes:
    found = Processes()
    for pid in (1, 2):
        found.index(Process(pid=pid, name=f"p{pid}", args=("x" * 5000,) * pid, source="proc"))
    return found


def batch_with(indices: list[int]) -> FlowBatch:
    """Flows of processes, over several pieces of the writer."""
    batch = random_batch(3, count=len(indices))
    batch.records["tunnel"] = 0
    batch.records["process"] = indices
    return FlowBatch(batch.records, batch.context)


def test_without_a_store_or_a_reference_there_is_no_slot() -> None:
    batch = batch_with([0, 1, 2])
    assert batch.context.processes is None and groups_in(batch) == ()
    batch = with_processes(batch_with([0, 0]))
    assert groups_in(batch) == ()
    assert slot_texts(batch, ()).room.tolist() == [0, 0]


def with_processes(batch: FlowBatch) -> FlowBatch:
    return FlowBatch(batch.records, replace(random_batch(3).context, processes=processes()))


def test_each_document_has_its_own_and_is_else_unchanged() -> None:
    indices = np.random.default_rng(1).integers(0, 3, 100).tolist()
    plain = batch_with(indices)
    batch = with_processes(plain)
    for index, bare, document in zip(indices, plain.to_dicts(), batch.to_dicts(), strict=True):
        own = document.pop("process", None)
        source = document["sensor"].pop("process", None)
        assert document == bare
        if index:
            assert (own["pid"], own["name"]) == (index, f"p{index}")
            assert [len(text) for text in own["args"]] == [4096] * index
            assert source == {"source": "proc"}
        else:
            assert own is source is None


def test_what_a_group_adds_to_sensor_comes_first_and_the_rest_last() -> None:
    line = with_processes(batch_with([1])).to_json_lines()
    at = line.index(b'"sensor":{') + len(b'"sensor":{')
    assert line[at:].startswith(b'"process":{"source":"proc"},"flow":{')
    assert list(orjson.loads(line))[-1] == "process"


def test_a_place_that_is_given_away_shows_the_new_process() -> None:
    places = Processes(places=2, recycle=True)
    batch = FlowBatch(batch_with([1]).records, replace(random_batch(3).context, processes=places))
    for name in ("old", "new"):
        places.index(Process(pid=7, name=name))
        assert batch.document(0)["process"]["name"] == name
