"""What is kept of a run for its report."""

from __future__ import annotations

import numpy as np

from sensor.model import flow as flows
from sensor.model.applications import SSH, TELNET
from sensor.report.collect import FlowsOfRun
from tests.flow_records import batch_of

OVER = {"action": flows.FLOW_ENDED}


def test_columns_of_no_flow() -> None:
    assert len(FlowsOfRun().columns()) == 0
    assert FlowsOfRun().columns().dtype["first_ns"] == np.int64


def test_only_final_records_count() -> None:
    kept = FlowsOfRun()
    kept.write(batch_of(OVER, {"action": flows.FLOW_ACTIVE}, {"action": flows.FLOW_STARTED}))
    assert kept.count == kept.kept == len(kept.columns()) == 1


def test_telnet_is_known_by_its_port_or_by_what_is_said() -> None:
    kept = FlowsOfRun()
    kept.write(batch_of(
        OVER, OVER | {"resp_port": 2323}, OVER | {"resp_port": 8023, "application": TELNET},
        OVER | {"resp_port": 22, "application": SSH}, OVER | {"protocol": 17},
        OVER | {"verdict": flows.DENIED},
    ))  # fmt: skip
    assert [one["destination"]["port"] for one in kept.connections] == [23, 2323, 8023]
    assert kept.connection_count == 3
