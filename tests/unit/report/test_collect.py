"""What is kept of a run for its report."""

from __future__ import annotations

from sensor.model import flow as flows
from sensor.model.applications import SSH, TELNET
from sensor.report.collect import FlowsOfRun
from tests.flow_records import batch_of

OVER = {"action": flows.FLOW_ENDED}


def test_telnet_is_known_by_its_port_or_by_what_is_said() -> None:
    kept = FlowsOfRun()
    kept.write(batch_of(
        OVER, OVER | {"resp_port": 2323}, OVER | {"resp_port": 8023, "application": TELNET},
        OVER | {"resp_port": 22, "application": SSH}, OVER | {"protocol": 17},
        OVER | {"verdict": flows.DENIED},
    ))  # fmt: skip
    assert [one["destination"]["port"] for one in kept.connections] == [23, 2323, 8023]
    assert kept.connection_count == 3
