"""Sinks for a live run: each behind a queue in a thread of its own, servers with a spool."""

from __future__ import annotations

import secrets
from typing import cast

from sensor.config import SinkLimits
from sensor.errors import ConfigError
from sensor.model.status import RECORDS
from sensor.sinks.base import FlowSink, Sink
from sensor.sinks.console import ConsoleSink
from sensor.sinks.delivery.connection import Backoff
from sensor.sinks.delivery.direct_writer import DirectWriter
from sensor.sinks.delivery.forwarder import END_S, Forwarder
from sensor.sinks.delivery.queue import SinkQueue
from sensor.sinks.delivery.record_sink import RecordSink
from sensor.sinks.delivery.spool import Spool
from sensor.sinks.delivery.threaded_flows import ThreadedFlows
from sensor.sinks.delivery.threaded_sink import SinkWriter, ThreadedSink, Worker, Writing
from sensor.sinks.delivery.transport import RecordWire, Wire


def background(
    sink: Sink, limits: SinkLimits, spool_dir: str | None = None, *,
    backoff: Backoff | None = None, patience_s: float = 0.0,
) -> ThreadedSink:
    """The sink with a queue and a thread around it.

    A sink that sends messages keeps them in a spool in `spool_dir` while its server is away. That
    the spool cannot be used is said in `error`; the sink does without it. `patience_s` as in
    ThreadedSink.
    """
    queued = SinkQueue(sink.name, limits.queue_max)
    worker: Worker
    if isinstance(sink, DirectWriter):
        worker = _forwarder(queued, sink.wire, limits, spool_dir, backoff)
    else:
        if isinstance(sink, ConsoleSink):
            sink.unbuffer()
        worker = SinkWriter(queued, cast(Writing, sink))
    return ThreadedSink(queued, worker, limits.drain_s, patience_s=patience_s)


def background_records(
    wire: RecordWire, limits: SinkLimits, spool_dir: str | None = None, *,
    backoff: Backoff | None = None, patience_s: float = 0.0,
) -> RecordSink:
    """A sink of records that become messages of a wire, as `background` makes one of alerts."""
    queued = SinkQueue(wire.name, limits.record_queue_max, RECORDS)
    worker = _forwarder(queued, wire, limits, spool_dir, backoff)
    return RecordSink(queued, worker, limits.drain_s, wire.render_records, patience_s=patience_s)


def _forwarder(
    queued: SinkQueue, wire: Wire, limits: SinkLimits, spool_dir: str | None,
    backoff: Backoff | None,
) -> Forwarder:
    spool, problem = None, None
    if spool_dir is not None:
        try:
            spool = Spool(spool_dir, queued.name, limits.spool_bytes, secrets.token_hex(8))
        except ConfigError as error:
            problem = str(error)
    end_s = min(END_S, limits.drain_s / 2)
    return Forwarder(queued, wire, spool, backoff, spool_error=problem, end_s=end_s)


def background_flows(sink: FlowSink, limits: SinkLimits) -> ThreadedFlows:
    """The flow file with a queue and a thread around it."""
    return ThreadedFlows(sink, limits.flow_queue_bytes, limits.drain_s)
