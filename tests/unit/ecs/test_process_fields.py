"""The objects that a process gives documents."""

from __future__ import annotations

import pytest

from sensor.ecs.field import nested
from sensor.ecs.process_fields import PROCESS_FIELDS
from sensor.model.processes import ARGS_MAX, TEXT_MAX, Machine, Process


def test_of_an_unknown_process_nothing_is_written() -> None:
    assert nested(PROCESS_FIELDS, Process()) == {}


def test_numbers_above_zero_and_times_from_1970_on_are_known() -> None:
    found = nested(PROCESS_FIELDS, Process(pid=0, parent_pid=1, start_ns=0))
    assert found == {
        "process": {"start": "1970-01-01T00:00:00.000000000Z", "parent": {"pid": 1}}}


def test_text_from_outside_is_cut_and_made_valid() -> None:
    found = nested(PROCESS_FIELDS, Process(
        name="a\udcff\ud800", args=("x" * (TEXT_MAX + 1),) * (ARGS_MAX + 1)))  # fmt: skip
    assert found["process"]["name"] == "a\ufffd\ufffd"
    assert [len(text) for text in found["process"]["args"]] == [TEXT_MAX] * ARGS_MAX


@pytest.mark.parametrize(("process", "expected"), [
    (Process(pod_name="web-0"), {"type": "kubernetes", "resource": {"type": "pod",
                                                                    "name": "web-0"}}),
    (Process(pod_namespace="ops"), {"namespace": "ops"}),
])
def test_a_pod_has_its_constants(process: Process, expected: dict[str, object]) -> None:
    assert nested(PROCESS_FIELDS, process)["orchestrator"] == expected


def test_the_machine_is_the_host() -> None:
    found = nested(PROCESS_FIELDS, Process(machine=Machine("id", "web", "linux")))
    assert found == {"host": {"id": "id", "hostname": "web", "os": {"type": "linux"}}}
