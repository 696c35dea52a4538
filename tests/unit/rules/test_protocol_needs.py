"""Which analyzers a set of rules needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sensor.app.build import analyzed, load_rules
from sensor.app.options import ReplayOptions
from sensor.config import Config
from sensor.model.applications import HTTP
from sensor.protocols import PROTOCOLS
from sensor.rules.protocol_needs import needed_protocols
from tests.rule_sets import rule

ALWAYS = {one for one in PROTOCOLS if one.always}
"""Flow records and what is told of sessions need them."""
OF_DNS = {"dns", "mdns", "llmnr"}
NEW_TERMS = {"new_terms_fields": ["dns.question.name"], "history_window_start": "now-7d"}


def needed(folder: Path, **keys: Any) -> set[str]:
    """What one rule needs beside those that are always there."""
    path = folder / "rule.ndjson"
    path.write_text(json.dumps(rule(keys.pop("type", "query"), **keys)), "utf-8")
    found = set(needed_protocols(load_rules([str(path)]).rules))
    assert found >= ALWAYS
    return {one.name for one in found - ALWAYS}


def test_logins_in_the_clear_are_always_read() -> None:
    assert {one.name for one in ALWAYS} == {
        "ssh", "telnet", "ftp", "smtp", "pop3", "imap", "rlogin", "http"}  # in tunnels
    assert HTTP not in {code for one in ALWAYS for code in one.applications}


def test_without_rules_and_with_those_that_are_shipped() -> None:
    assert set(needed_protocols(())) == ALWAYS
    assert set(needed_protocols(load_rules().rules)) == ALWAYS


@pytest.mark.parametrize(("query", "expected"), [
    ("dns.question.name:*.example.com", OF_DNS),
    ("dns.answers.ttl < 60 or destination.port:23", OF_DNS),
    ("destination.port:53 and not dns.question.type:A", OF_DNS),
    ("dns.*:evil", OF_DNS),
    ("event.dataset:network_traffic.dns", {"dns"}),
    ("data_stream.dataset:(network_traffic.dns or network_traffic.flow)", {"dns"}),
    ("data_stream.dataset:network_traffic.dns and dns.question.name:a", {"dns"}),
    ("event.action:dns_query and related.hosts:a", OF_DNS),
    ("network.protocol:mdns and dns.op_code:QUERY", {"mdns"}),
    ("destination.port:53", set()), ("network.protocol:dns", set()),  # flow records have that
    ("event.action:flow_started and destination.ip:192.0.2.1", set()),
    ("http.request.method:POST and url.path:*.php", {"http"}),
    ("event.category:web", {"http"}), ("user_agent.original:curl*", {"http"}),
    ("tls.client.server_name:*.example.com", {"tls"}),
    ("network_traffic.redis.query:*CONFIG*", {"redis"}),
])
def test_what_a_query_of_kql_is_about(tmp_path: Path, query: str, expected: set[str]) -> None:
    assert needed(tmp_path, query=query) == expected


@pytest.mark.parametrize(("query", "expected"), [
    ('network where dns.question.name like~ "*.example"', OF_DNS),
    ('network where event.dataset == "network_traffic.dns" and length(dns.question.name) > 50',
     {"dns"}),
    ('sequence by source.ip [network where event.action == "flow_started"]'
     ' [network where event.action == "dns_query"]', OF_DNS),
    ('network where destination.port == 53', set()),
])
def test_what_a_query_of_eql_is_about(tmp_path: Path, query: str, expected: set[str]) -> None:
    assert needed(tmp_path, type="eql", language="eql", query=query) == expected


def test_what_is_named_beside_a_query(tmp_path: Path) -> None:
    anything = "destination.port:*"
    threshold = {"field": ["dns.question.name"], "value": 5}
    assert needed(tmp_path, type="threshold", query=anything, threshold=threshold) == OF_DNS
    assert needed(tmp_path, type="new_terms", query=anything, **NEW_TERMS) == OF_DNS
    flows = {"field": ["source.ip"], "value": 5}
    assert needed(tmp_path, type="threshold", query=anything, threshold=flows) == set()


def test_a_rule_that_cannot_run_needs_nothing(tmp_path: Path) -> None:
    assert needed(tmp_path, query="dns.question.name:a and process.name:x") == set()


def test_whoever_takes_all_that_was_said_has_all_analyzed() -> None:
    ruleset = load_rules()
    for taker in ({"protocol_events": "said.ndjson"}, {"kafka": ("192.0.2.1/flows",)},
                  {"elasticsearch": ("https://192.0.2.1",)}):  # fmt: skip
        assert analyzed(ruleset, ReplayOptions(config=Config(), **taker)) == PROTOCOLS
    assert set(analyzed(ruleset, ReplayOptions(config=Config()))) == ALWAYS
