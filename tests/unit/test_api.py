"""The library: alerts as they come, flows as columns, damage told without losing what was read."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import sensor
from sensor.api import flows
from sensor.app.build import load_rules, shipped_rules
from sensor.config import Config, FlowLimits
from tests.command import ACCEPTED, DEMO, PORT_RULE, REFUSED, environment

PORT = "Accepted Default Telnet Port Connection"


def test_alerts() -> None:
    (alert,) = sensor.replay(ACCEPTED)
    assert (alert.rule_name, alert.severity, alert.risk_score) == (PORT, "medium", 47)
    assert alert.document["event"]["kind"] == "alert"
    assert alert.document["sensor"]["alert"]["id"] == alert.id
    assert list(sensor.replay(ACCEPTED)) == [alert]  # the same capture and rules, the same alert


def test_several_paths_and_own_rules() -> None:
    alerts = list(sensor.replay(REFUSED, ACCEPTED, DEMO, rules=[PORT_RULE]))
    assert {alert.rule_name for alert in alerts} == {PORT}
    assert len(alerts) == 7  # tests/golden/truth.toml: one, and six


def test_flows_are_columns() -> None:
    batch = flows(REFUSED)
    documents = batch.to_dicts()
    assert [d["sensor"]["flow"]["verdict"] for d in documents] == ["denied"] * 3
    assert {d["event"]["action"] for d in documents} == {"network_flow"}
    assert isinstance(batch, sensor.FlowBatch)


def test_flows_by_its_public_name() -> None:
    code = f"import sensor; print(len(sensor.flows({REFUSED!r}).to_dicts()))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                         env=environment())  # fmt: skip
    assert run.stdout == "3\n"


def test_flows_of_a_capture_without_packets(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(Path(ACCEPTED).read_bytes()[:24])
    assert flows(str(empty)).to_dicts() == []
    assert list(sensor.replay(str(empty))) == []


def test_damage_is_raised_when_everything_readable_was_read(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(Path(ACCEPTED).read_bytes()[:-3])
    found = []
    with pytest.raises(sensor.CaptureError) as caught:
        for alert in sensor.replay(str(cut)):
            found.append(alert)
    assert len(found) == 1
    assert str(caught.value).count(str(cut)) == 1 and "at octet" in str(caught.value)
    with pytest.raises(sensor.CaptureError) as caught:
        flows(str(cut))
    assert caught.value.flows is not None
    assert len(caught.value.flows.to_dicts()) == 1


def test_bad_rules_and_settings_are_raised_before_anything_is_read(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    with pytest.raises(sensor.SensorError):
        sensor.replay(missing, rules=[missing])
    with pytest.raises(sensor.ConfigError):
        sensor.replay(missing, config=Config(internal=("nonsense",)))
    with pytest.raises(sensor.ConfigError):
        sensor.replay(missing, exceptions=[missing])


def test_settings_reach_the_flow_table() -> None:
    silent = ACCEPTED.replace("accepted_v4", "handshake_silent")
    assert len(list(sensor.replay(silent))) == 2
    assert list(sensor.replay(silent, config=Config(accept_on="data"))) == []
    assert len(flows(DEMO, config=Config(flow=FlowLimits(flows_max=16))).to_dicts()) == len(
        flows(DEMO).to_dicts())  # evicted flows give their records too  # fmt: skip


def test_the_shipped_rules_are_found() -> None:
    assert Path(shipped_rules()).is_dir()
    assert PORT in {row["name"] for row in load_rules().describe()}


def test_public_names() -> None:
    for name in sensor.__all__:
        assert getattr(sensor, name) is not None
    with pytest.raises(AttributeError):
        sensor.nothing  # noqa: B018


SLOW = "scapy|dpkt|pyarrow|pandas"


@pytest.mark.parametrize(
    ("code", "never"),
    [
        ("import sensor", f"{SLOW}|numpy|rich|lark|netaddr|click|orjson"),
        ("from sensor.cli.main import main; import sys; sys.argv[1:] = ['--version']; main()",
         f"{SLOW}|numpy|rich.console|lark|netaddr|orjson"),
        ("from sensor.cli.main import main; import sys; "
         f"sys.argv[1:] = ['replay', {ACCEPTED!r}]; main()", SLOW),
    ],
    ids=["import", "version", "replay"],
)  # fmt: skip
def test_what_is_slow_to_import_is_imported_where_it_is_used(code: str, never: str) -> None:
    code += f"\nimport sys; print([m for m in {never.split('|')!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                         env=environment())  # fmt: skip
    assert run.stdout.splitlines()[-1] == "[]"


def test_one_path_of_rules_may_stand_alone() -> None:
    assert [alert.rule_name for alert in sensor.replay(ACCEPTED, rules=PORT_RULE)] == [PORT]


def test_no_path_at_all() -> None:
    with pytest.raises(sensor.ConfigError, match="no capture is named"):
        list(sensor.replay())


def test_every_exception_is_public_and_has_one_base() -> None:
    for name in ("CaptureError", "ConfigError", "OperatorError", "QueryError", "RulesError"):
        assert name in sensor.__all__ and issubclass(getattr(sensor, name), sensor.SensorError)


def test_paths_may_be_paths() -> None:
    assert len(flows(Path(REFUSED))) == 3
    assert len(list(sensor.replay(Path(ACCEPTED), rules=Path(PORT_RULE), allow=[]))) == 1


def test_what_was_said() -> None:
    said = list(sensor.protocol_events(DEMO))
    logins = [each for each in said if each["event"]["action"] == "telnet_login"]  # type: ignore[index]
    names = [each["user"]["name"] for each in logins]  # type: ignore[index]
    assert names[:3] == ["mreyes", "operator", "visitor"]  # by captures/mixed.py
    assert set(names[3:]) == {"admin", "root"}


@pytest.mark.parametrize("call", [
    flows, lambda: flows(3), lambda: flows([ACCEPTED]), lambda: flows(ACCEPTED, config={}),
    lambda: sensor.replay(ACCEPTED, rules=5), lambda: sensor.replay(ACCEPTED, state=1),
    lambda: sensor.replay(ACCEPTED, allow=[None]), lambda: sensor.protocol_events(b"x"),
])  # fmt: skip
def test_wrong_arguments(call: Callable[[], object]) -> None:
    with pytest.raises(sensor.ConfigError):
        call()


def test_functions_have_real_signatures() -> None:
    for function in (sensor.flows, sensor.replay, sensor.protocol_events):
        parameters = inspect.signature(function).parameters
        assert "config" in parameters
        assert all(parameter.annotation is not parameter.empty and
                   parameter.kind is not parameter.VAR_KEYWORD
                   for parameter in parameters.values())


def test_batches_show_themselves() -> None:
    batch = flows(REFUSED)
    assert repr(batch) == "<FlowBatch of 3 flows: 3 denied>"
    assert batch._repr_html_().count("<tr>") == 4
    assert repr(batch.part(0, 0)) == "<FlowBatch of 0 flows: empty>"
