"""A process that starts or ends, as an ECS document."""

from __future__ import annotations

import os
import socket

from sensor.host.proc_connector import EXEC, EXIT, KernelEvent
from sensor.host.process_events import ENDED, FIRST_SEEN, STARTED, Observer, process_event
from sensor.model.processes import Process
from tests.ecs import problems
from tests.unit.host.joined import Joined, flow, rows_of


def test_news_become_process_events_before_the_answers_that_follow(joined: Joined) -> None:
    joined.news.put(KernelEvent(EXEC, os.getpid(), 100), KernelEvent(EXIT, os.getpid(), 200, 0x100),
                    KernelEvent(EXIT, 1 << 30, 300))  # fmt: skip
    with (socket.create_server(("127.0.0.1", 0)) as listener,
          socket.create_connection(listener.getsockname()) as held):
        records = flow(held, listener.getsockname())
        joined.client.stamp(records)  # waits for an answer, which comes behind the news
    start, end = rows_of(joined.client.take(None))
    assert (start["event"]["type"], end["event"]["type"]) == (["start"], ["end"])
    assert start["process"]["pid"] == os.getpid() and end["process"]["exit_code"] == 1
    assert start["process"]["entity_id"] == joined.processes[int(records["process"][0])].entity_id
    assert start["@timestamp"] == "1970-01-01T00:00:00.000000100Z"
    assert start["event"]["created"] == "1970-01-01T00:00:00.000000005Z"
    assert problems(start) == problems(end) == []


TELNET = Process(pid=42, name="telnet", entity_id="e1", user_name="ro\x1bot", source="proc")


def test_a_document_says_what_happened_to_whom_and_who_tells() -> None:
    document = process_event(TELNET, ENDED, 100, Observer("box", "1.2"), created_ns=5, exit_code=1)
    assert document["@timestamp"] == "1970-01-01T00:00:00.000000100Z"
    event = document["event"]
    assert (event["category"], event["type"], event["action"]) == (
        ["process"], ["end"], "process_stopped")  # fmt: skip
    assert document["process"]["pid"] == 42 and document["process"]["exit_code"] == 1
    assert document["observer"]["hostname"] == "box" and document["observer"]["version"] == "1.2"
    assert document["related"]["user"] == [document["user"]["name"]] and problems(document) == []


def test_what_was_inferred_says_so_and_has_neither_creation_nor_exit_code() -> None:
    document = process_event(TELNET, FIRST_SEEN, 100, Observer("box", "1"))
    assert document["event"]["type"] == ["info"] and "reason" in document["event"]
    assert "created" not in document["event"] and "exit_code" not in document["process"]


def test_the_same_event_has_the_same_id_whoever_reads_it() -> None:
    def event_id(time_ns: int, host: str) -> str:
        return str(process_event(TELNET, STARTED, time_ns, Observer(host, "1"))["event"]["id"])

    assert event_id(100, "a") == event_id(100, "b") != event_id(101, "a")
