"""Records on their way to a server: blocks, their limits, and what refuses them."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from sensor.config import SinkLimits
from sensor.model.status import RECORDS
from sensor.sinks.base import Batch
from sensor.sinks.delivery.background import background_records
from sensor.sinks.delivery.queue import BLOCK_RECORDS
from sensor.sinks.delivery.record_sink import RecordSink
from sensor.sinks.delivery.transport import Rejected
from tests.flow_records import batch_of
from tests.unit.sinks.delivery.server import Server


class Wire:
    """Messages that are the numbers of their records."""

    name = place = "wire"

    def __init__(self, transport: Any) -> None:
        self.transport = transport

    def render_records(self, batches: Sequence[Batch]) -> bytes:
        return b" ".join(b"%d" % port for batch in batches
                         for port in batch.records["orig_port"].tolist())  # type: ignore[attr-defined]

    def render(self, alert: Any) -> bytes:
        raise AssertionError("records only")

    render_notice = render


class Gate(Server):
    """A server that takes nothing until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = threading.Event()

    def send(self, message: bytes) -> None:
        self.opened.wait(60)
        super().send(message)


def sink_to(server: Server, patience_s: float = 0.0, room: int = 32_768) -> RecordSink:
    limits = SinkLimits(drain_s=30.0, record_queue_max=room)
    return background_records(Wire(server), limits, patience_s=patience_s)


def flows(first: int, count: int) -> Any:
    return batch_of(*({"orig_port": number} for number in range(first, first + count)))


def numbers(server: Server) -> list[int]:
    return [int(number) for message in server.got for number in message.split()]


def test_a_large_batch_becomes_several_messages_in_order() -> None:
    server = Server()
    sink = sink_to(server)
    sink.write(flows(0, 2 * BLOCK_RECORDS + 5))
    sink.close()
    assert numbers(server) == list(range(2 * BLOCK_RECORDS + 5))
    assert max(len(message.split()) for message in server.got) <= BLOCK_RECORDS
    status = sink.status()
    assert (status.kind, status.delivered, status.waiting) == (RECORDS, 2 * BLOCK_RECORDS + 5, 0)


def test_small_batches_join_while_the_server_is_busy() -> None:
    server = Gate()
    sink = sink_to(server)
    for number in range(100):
        sink.write(flows(number, 1))
    server.opened.set()
    sink.close()
    assert numbers(server) == list(range(100)) and len(server.got) < 100


@pytest.mark.parametrize("patience_s", [0.0, 60.0])
def test_what_finds_no_room_is_dropped_or_waits(patience_s: float) -> None:
    server = Gate()
    sink = sink_to(server, patience_s, room=10)
    writer = threading.Thread(target=lambda: [sink.write(flows(10 * each, 10))
                                              for each in range(5)])
    writer.start()
    if not patience_s:
        writer.join()
    server.opened.set()
    writer.join()
    sink.close()
    assert sink.delivered + sink.dropped == sink.accounted() == 50
    assert bool(sink.dropped) != bool(patience_s)
    assert numbers(server) == sorted(numbers(server)) and len(numbers(server)) == sink.delivered


def test_records_that_a_server_refuses_are_dropped_and_the_block_is_not_sent_again() -> None:
    class Picky(Server):
        def send(self, message: bytes) -> None:
            super().send(message)
            raise Rejected(3, "3 of them are wrong")

    server = Picky()
    sink = sink_to(server)
    sink.write(flows(0, 10))
    sink.close()
    assert (sink.delivered, sink.dropped, len(server.got)) == (7, 3, 1)
    assert sink.error == "wire: 3 of them are wrong"


def test_where_nothing_gets_on_room_is_waited_for_once_and_the_end_waits_no_longer() -> None:
    server = Gate()
    limits = SinkLimits(drain_s=0.2, record_queue_max=10)
    sink = background_records(Wire(server), limits, patience_s=0.4)
    sink.write(flows(0, 10))
    began_s = time.monotonic()
    for each in range(1, 20):
        sink.write(flows(10 * each, 10))
    sink.close()
    assert time.monotonic() - began_s < 19 * 0.4
    assert sink.dropped == sink.accounted() == 200
    server.opened.set()


def test_patience_returns_when_the_server_gets_on() -> None:
    server = Gate()
    limits = SinkLimits(drain_s=30.0, record_queue_max=10)
    sink = background_records(Wire(server), limits, patience_s=0.4)
    for each in range(3):
        sink.write(flows(10 * each, 10))
    lost = sink.dropped
    server.opened.set()
    while sink.waiting:
        time.sleep(0.01)
    for each in range(3, 9):
        sink.write(flows(10 * each, 10))
    sink.close()
    assert lost and (sink.dropped, sink.delivered) == (lost, 90 - lost)
