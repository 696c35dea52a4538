"""The helper for host events, listened to while a live run lasts."""

from __future__ import annotations

from sensor.base.escape import harmless
from sensor.engine.pipeline import AnyPipeline
from sensor.host.client import HostClient
from sensor.monitoring.live_run import Operator


class HostWatch:
    """Passes on what the helper sends, after every batch, and says once if it ends."""

    def __init__(self, pipeline: AnyPipeline, operator: Operator) -> None:
        host = pipeline.stage.host
        self._client = host if isinstance(host, HostClient) else None
        """None: nobody asked for host events."""
        self._pipeline = pipeline
        self._operator = operator
        self._has_ended = False

    def start(self) -> None:
        """Say what will not be seen, and listen."""
        if self._client is None:
            return
        for text in self._client.notices:
            self._operator.note("host", harmless(text), warning=True)
        self._operator.note("host", "processes that are running already have no start event: rules"
                            " that wait for one do not fire on them")
        self._client.start()

    def after_batch(self) -> None:
        """Give the rules what the host did up to the time of the packets."""
        if self._client is None:
            return
        lanes = self._pipeline.lanes
        self._pipeline.stage.advance_host(min(lane.table.now_ns for lane in lanes))
        if self._client.error and not self._has_ended:
            self._has_ended = True
            reason = harmless(self._client.error)
            self._operator.note("host", f"no more host events: {reason}", warning=True)

    def close(self) -> None:
        """Listen no more."""
        if self._client is not None:
            self._client.close()
