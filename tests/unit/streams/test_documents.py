"""Documents of protocol events: what they have of their flow, and what is their own."""

from __future__ import annotations

import numpy as np
import orjson
import pytest

from sensor.memory.records import FLOW_LAYOUT, RecordArray
from sensor.model.addresses import Networks
from sensor.model.flow import FlowContext
from sensor.protocols import AnalyzedProtocol
from sensor.protocols.analyzer import Moment, ProtocolEvent
from sensor.protocols.ssh.analyzer import SshAnalyzer
from sensor.streams.documents import FlowPart, FlowParts, document_of

SSH = AnalyzedProtocol("ssh", (), SshAnalyzer)
NOW = Moment(1_767_323_045_000_000_000, frame=3, file=1)


def records(*ports: int) -> RecordArray:
    found = np.zeros(len(ports), FLOW_LAYOUT.dtype)
    found["protocol"], found["ip_version"], found["resp_port"] = 6, 4, 22
    found["orig_port"] = ports
    return found


def filled(record: object) -> FlowPart:
    parts = FlowParts(FlowContext(internal=Networks(())))
    part = parts.of(record)
    parts.fill()
    return part


def test_parts_are_of_the_flows_as_they_were_whoever_is_filled_with_them() -> None:
    parts = FlowParts(FlowContext(internal=Networks(())))
    flows = records(1024, 1025)
    first, second = parts.of(flows[0]), parts.of(flows[1])
    flows["orig_port"] = 9
    parts.fill()
    parts.fill()
    third = parts.of(records(1026)[0])
    parts.fill()
    event = ProtocolEvent(Moment(1), "ssh_identification", {})
    documents = [document_of(event, SSH, part, 1, ()) for part in (first, second, third)]
    assert [document["source"]["port"] for document in documents] == [1024, 1025, 1026]
    assert all("sensor" not in document for document in documents)


def test_the_event_says_what_its_own_is() -> None:
    event = ProtocolEvent(NOW, "ssh_identification", {"ssh.client.software": "x"})
    document = document_of(event, SSH, filled(records(1024)[0]), 7, ["a.pcap", "b.pcap"])
    assert document["@timestamp"] == "2026-01-02T03:04:05.000000000Z"
    assert document["event"]["id"] == f"{document['flow']['id']}-ssh-7"
    assert document["event"]["dataset"] == document["data_stream"]["dataset"]
    assert document["network"]["protocol"] == "ssh"
    assert document["ssh"] == {"client": {"software": "x"}}
    assert document["sensor"]["capture"] == {"frame": 3, "file": "b.pcap"}


@pytest.mark.parametrize("moment", [NOW, Moment(NOW.time_ns)])
def test_fields_of_the_sensor_that_an_analyzer_tells_stay_beside_the_flows_own(
    moment: Moment,
) -> None:
    event = ProtocolEvent(moment, "http_transaction", {
        "sensor.http.anomalies": ["bare_lf"], "sensor.http.request.frame": 2})  # fmt: skip
    document = document_of(event, SSH, filled(records(1024)[0]), 1, ["a.pcap", "b.pcap"])
    capture = {"capture": {"frame": 3, "file": "b.pcap"}} if moment.frame else {}
    assert document["sensor"] == {
        "http": {"anomalies": ["bare_lf"], "request": {"frame": 2}}, **capture}


def test_an_event_may_be_of_another_protocol_than_its_flow() -> None:
    event = ProtocolEvent(NOW, "telnet_login", {}, protocol="telnet")
    document = document_of(event, SSH, filled(records(1024)[0]), 1, [])
    assert document["event"]["dataset"] == "network_traffic.telnet"
    assert document["event"]["id"].endswith("-telnet-1")
    assert document["network"]["protocol"] == "telnet"


def test_what_takes_time_has_a_beginning_and_an_end() -> None:
    event = ProtocolEvent(NOW, "http_transaction", {}, began_ns=NOW.time_ns - 1_500_000_000)
    document = document_of(event, SSH, filled(records(1024)[0]), 1, [])
    assert document["event"]["start"] == "2026-01-02T03:04:03.500000000Z"
    assert document["event"]["end"] == document["@timestamp"]
    assert document["event"]["duration"] == 1_500_000_000


@pytest.mark.parametrize(("moment", "capture"), [
    (Moment(1), None), (Moment(1, 5, 0), {"frame": 5, "file": "a.pcap"}),
    (Moment(1, 5, 9), {"frame": 5}),
])
def test_the_deciding_frame_is_told_where_there_is_one(
    moment: Moment, capture: dict[str, object] | None
) -> None:
    event = ProtocolEvent(moment, "ssh_identification", {}, is_proven=False)
    document = document_of(event, SSH, filled(records(1024)[0]), 1, ["a.pcap"])
    assert document.get("sensor", {}).get("capture") == capture
    assert "protocol" not in document["network"]


def test_what_one_event_says_does_not_stand_in_the_next_of_its_flow() -> None:
    part = filled(records(1024)[0])
    flow = orjson.loads(part.line) | {"user": {"id": "1000"}}  # whose process it is, where known
    part.line = orjson.dumps(flow)
    login = ProtocolEvent(NOW, "telnet_login", {"user.name": "ann", "related.user": ["ann"]})
    named = document_of(login, SSH, part, 1, [])
    command = document_of(ProtocolEvent(NOW, "telnet_command", {}), SSH, part, 2, [])
    assert named["user"] == {"id": "1000", "name": "ann"}
    assert command["user"] == {"id": "1000"}
    assert "user" not in command["related"]
