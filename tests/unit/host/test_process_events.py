"""A process that starts or ends, as an ECS document."""

from __future__ import annotations

import os
import socket

from sensor.host.proc_connector import EXEC, EXIT, KernelEvent
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
