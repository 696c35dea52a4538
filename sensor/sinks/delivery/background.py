"""Sinks for a live run: each behind a queue in a thread of its own, servers with a spool."""

from __future__ import annotations

import secrets
from typing import cast

from sensor.config import SinkLimits
from sensor.errors import ConfigError
from sensor.sinks.base import Sink
from sensor.sinks.console import ConsoleSink
from sensor.sinks.delivery.connection import Backoff
from sensor.sinks.delivery.direct_writer import DirectWriter
from sensor.sinks.delivery.forwarder import END_S, Forwarder
from sensor.sinks.delivery.queue import SinkQueue
from sensor.sinks.delivery.spool import Spool
from sensor.sinks.delivery.threaded_flows import ThreadedFlows
from sensor.sinks.delivery.threaded_sink import SinkWriter, ThreadedSink, Worker, Writing
from sensor.sinks.flow_files import FlowSink


def background(
    sink: Sink,
    limits: SinkLimits,
    spool_dir: str | None = None,
    *,
    backoff: Backoff | None = None,
) -> ThreadedSink:
    """The sink with a queue and a thread around it.

    A sink that sends messages keeps them in a spool in `spool_dir` while its server is away. That
    the spool cannot be used is said in `error`; the sink does without it.
    """
    queued = SinkQueue(sink.name, limits.queue_max)
    worker: Worker
    if isinstance(sink, DirectWriter):
        spool, problem = None, None
        if spool_dir is not None:
            try:
                spool = Spool(spool_dir, sink.name, limits.spool_bytes, secrets.token_hex(8))
            except ConfigError as error:
                problem = str(error)
        end_s = min(END_S, limits.drain_s / 2)
        worker = Forwarder(queued, sink.wire, spool, backoff, spool_error=problem, end_s=end_s)
    else:
        if isinstance(sink, ConsoleSink):
            sink.unbuffer()
        worker = SinkWriter(queued, cast(Writing, sink))
    return ThreadedSink(queued, worker, limits.drain_s)


def background_flows(sink: FlowSink, limits: SinkLimits) -> ThreadedFlows:
    """The flow file with a queue and a thread around it."""
    return ThreadedFlows(sink, limits.flow_queue_bytes, limits.drain_s)
