"""A network-flow sensor: which connections were really accepted, and what rules say of them.

The words of the code, each with one meaning:

    frame     octets as captured, link layer included
    packet    one decoded frame, sound or anomalous
    flow      both directions of one 5-tuple, start to end; orig opened it, resp is the other
    capture   where frames come from, live or recorded
    verdict   accepted, denied, dropped, attempted, unknown
    anomaly   a named defect of traffic
    error     a defect of ours, the operator's or the machine's
    rule      a file; its text is a query, compiled it is a predicate
    match     a row that a rule selects; as an ECS document it is an alert; a sink delivers it

As a library:

    import sensor
    for alert in sensor.replay("capture.pcap"):
        print(alert.document)
    flows = sensor.flows("capture.pcap")        # columns: to_dicts(), to_arrow(), to_pandas()
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sensor._version import __version__

# numpy's linear algebra starts a thread for each core, which spins; nothing here needs it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

if TYPE_CHECKING:
    from sensor.api import flows, protocol_events, replay
    from sensor.ecs.flow_batch import FlowBatch
    from sensor.errors import CaptureError, ConfigError, OperatorError, QueryError, SensorError
    from sensor.model.alert import Alert
    from sensor.rules.rule import RulesError


__all__ = [
    "Alert", "CaptureError", "ConfigError", "FlowBatch", "OperatorError", "QueryError",
    "RulesError", "SensorError", "__version__", "flows", "protocol_events", "replay",
]

_HOMES = {
    "Alert": "sensor.model.alert",
    "CaptureError": "sensor.errors",
    "ConfigError": "sensor.errors",
    "FlowBatch": "sensor.ecs.flow_batch",
    "OperatorError": "sensor.errors",
    "QueryError": "sensor.errors",
    "RulesError": "sensor.rules.rule",
    "SensorError": "sensor.errors",
    "flows": "sensor.api",
    "protocol_events": "sensor.api",
    "replay": "sensor.api",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used: `import sensor` alone stays cheap."""
    import importlib  # noqa: PLC0415

    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'sensor' has no attribute {name!r}")
