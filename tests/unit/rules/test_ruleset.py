"""Rules from files to alerts: loading, statuses, errors, the shipped set."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor.config import Config
from sensor.errors import ConfigError
from sensor.query.document_rows import DocumentRows
from sensor.rules.ruleset import RuleSet
from tests.rule_files import flow, load, rule_text, shipped
from tests.running import ROOT

EXTERNAL = "Accepted Telnet Connection to External Network"
ACCEPTED = "Accepted Default Telnet Port Connection"

UPSTREAM = """
(event.dataset:network_traffic.flow or event.category:(network or network_traffic)) and
event.type:(connection and not (denied or end)) and
not event.action:(flow_dropped or flow_denied or denied or deny or flow_terminated or timeout or
  Reject or network_flow or client-rst or server-rst or connection-denied or connection-end) and
not (event.dataset:netflow.log and network.packets:1) and
(network.protocol:telnet or not network.protocol:*) and destination.port:23
"""
"""What today's text of the first rule asks for, in words of our own."""


def test_the_shipped_rules_load_and_say_what_a_tap_cannot_see() -> None:
    rules = shipped()
    status = {row["name"]: row["status"] for row in rules.describe()}
    assert (status[ACCEPTED], status[EXTERNAL]) == ("runs", "runs")
    assert status["Connection to External Network via Telnet"] == "cannot_run"
    reason = ("runs on network evidence only: accepted_telnet_connection_to_external_network"
              " covers its network leg")
    assert any(reason in notice for notice in rules.notices)


@pytest.mark.parametrize("query", [UPSTREAM, None])
@pytest.mark.parametrize("protocol", [{}, {"protocol": "telnet"}])
def test_both_texts_fire_once_per_accepted_connection(
    query: str | None, protocol: dict[str, str], tmp_path: Path
) -> None:
    rules = shipped() if query is None else load(tmp_path, rule_text(query))
    life = [flow("flow_started"), flow("network_flow"), flow("flow_denied"), flow("flow_dropped")]
    for document in life:
        document["network"].update(protocol)
    alerts = [alert for alert in rules.match(DocumentRows(life))
              if alert.rule_name in (ACCEPTED, "Test rule")]
    assert [alert.document["event"]["action"] for alert in alerts] == ["flow_started"]


@pytest.mark.parametrize(("ip", "literal", "strict"), [
    ("8.8.4.4", 1, 1), ("2606:4700::1111", 1, 1),
    ("10.0.0.1", 0, 0), ("::ffff:10.0.0.1", 0, 0), ("198.51.100.7", 0, 0), ("fe80::1", 0, 0),
    ("::1", 0, 0), ("ff02::1", 0, 0),
    # What the literal list takes for external:
    ("fc00::1", 1, 0), ("fdff::1", 1, 0), ("::", 1, 0), ("0.0.0.1", 1, 0), ("2001:db8::1", 1, 0),
    ("100::1", 1, 0), ("2002::1", 1, 0), ("5f00::1", 1, 0), ("3fff::1", 1, 0),
    # NAT64 means the IPv4 address inside: never hidden
    ("64:ff9b::808:404", 1, 1),
])
def test_which_addresses_are_external(ip: str, literal: int, strict: int) -> None:
    for setting, expected in ((False, literal), (True, strict)):
        alerts = shipped(strict_external=setting).match(DocumentRows([flow(ip=ip)]))
        assert sum(alert.rule_name == EXTERNAL for alert in alerts) == expected


def test_rules_can_be_found_by_id_name_and_file() -> None:
    rules = shipped()
    rule = rules.find(ACCEPTED)
    assert rule is not None
    assert rules.find(rule.text.id) is rule
    assert rules.find("accepted_default_telnet_port_connection") is rule
    assert rules.find(ACCEPTED.upper()) is rule
    assert rules.find(rule.text.path) is rules.find(str(Path(rule.text.path))) is rule
    with pytest.raises(ConfigError, match="no rule 'nothing'; there are: accepted_default_"):
        rules.find("nothing")


@pytest.mark.parametrize(("name", "instead"), [
    ("telnet_login_succes", "did you mean 'telnet_login_success' or 'telnet_login_bypass'?"),
    ("Telnet_Brute-Forze", "did you mean 'telnet_brute_force'?"),
    ("Succesful Telnet Logon", "did you mean 'telnet_login_success'?"),
    ("mine/telnet_inbound_acepted.toml", "did you mean 'telnet_inbound_accepted'?"),
    ("telnet_inbound_acepted.pcap", "did you mean 'telnet_inbound_accepted'?"),
    (str(ROOT / "pyproject.toml"), "it is a file: its rules are loaded with --rules, and asked for"
     " by their ids"),
    (str(ROOT / "README.md"), "it is a file, and a rule's id is wanted in front of it"),
])
def test_what_may_be_meant_by_the_name_of_no_rule(name: str, instead: str) -> None:
    with pytest.raises(ConfigError) as caught:
        shipped().find(name)
    assert str(caught.value) == f"no rule {name!r}; {instead}"


def test_of_many_rules_some_are_listed(tmp_path: Path) -> None:
    texts = [rule_text(rule_id=f"x{number}", name=f"Rule {number}") for number in range(45)]
    with pytest.raises(ConfigError, match=r"rule0, rule1, .* and 5 more$"):
        load(tmp_path, *texts).find("qqqq")
    with pytest.raises(ConfigError, match=r"there are none$"):
        RuleSet([], Config()).find("qqqq")


def test_alerts_come_in_row_then_rule_order() -> None:
    batch = [flow(ip="8.8.4.4"), flow("flow_denied"), flow(ip="8.8.8.8")]
    found = [(alert.document["destination"]["ip"], alert.rule_name)
             for alert in shipped().match(DocumentRows(batch))]
    assert found == [("8.8.4.4", ACCEPTED), ("8.8.4.4", EXTERNAL),
                     ("8.8.8.8", ACCEPTED), ("8.8.8.8", EXTERNAL)]


def test_of_one_event_the_worst_rule_alerts_first(tmp_path: Path) -> None:
    texts = [rule_text(rule_id=name, name=name, severity=name, risk_score=score)
             for name, score in (("medium", 47), ("critical", 99), ("low", 21), ("high", 73))]
    alerts = load(tmp_path, *texts).match(DocumentRows([flow(), flow()]))
    assert [alert.severity for alert in alerts] == ["critical", "high", "medium", "low"] * 2


def test_of_many_rules_that_do_not_run_the_reasons_are_summed_up(tmp_path: Path) -> None:
    texts = [rule_text("process.name:x", rule_id=f"p{number}") for number in range(12)]
    texts += [rule_text("from x", type="esql", language="esql", rule_id=f"e{number}")
              for number in range(9)]
    texts += [rule_text("process.name:x or destination.port:1", rule_id="d"), rule_text()]
    notices = load(tmp_path, *texts).notices
    assert notices[:3] == [
        "12 rules cannot run here: they ask for what no event here has",
        "9 rules cannot run here: type esql: ES|QL is not evaluated",
        "1 rule runs degraded: they ask for what is not on a tap"]
    few = tmp_path / "few"
    few.mkdir()
    assert len(load(few, *texts[:12]).notices) == 12
