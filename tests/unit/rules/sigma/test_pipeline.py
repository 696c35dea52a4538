"""Fields and words of Sigma's log sources become those of this sensor's documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rule_files import flow
from tests.unit.rules.sigma.converting import converted, http, matched, sigma

STARTED, DENIED, DROPPED, OVER = (
    flow(action) for action in ("flow_started", "flow_denied", "flow_dropped", "network_flow"))


@pytest.mark.parametrize(("items", "wanted"), [
    (["dst_port: 23", "action: [deny, DROP]"], [False, True, True, False]),
    (["dst_port: 23", "action: 2"], [True, False, False, False]),
    (["dst_port: 23", "blocked: 'false'"], [True, False, False, False]),
    (["dst_port: 23"], [True, True, True, False]),  # once for each connection
    (["dst_port: 22"], [False, False, False, False]),
])
def test_a_firewall_tells_what_was_let_through(
    items: list[str], wanted: list[bool], tmp_path: Path
) -> None:
    rule = sigma("selection:\n" + "".join(f"    {item}\n" for item in items)
                 + "condition: selection", "category: firewall")  # fmt: skip
    assert matched(tmp_path, rule, STARTED, DENIED, DROPPED, OVER) == wanted


@pytest.mark.parametrize(("initiated", "wanted"), [
    ("true", [True, False, True]), ("'false'", [False, True, True]),
])
def test_who_began_a_connection_is_its_direction(
    initiated: str, wanted: list[bool], tmp_path: Path
) -> None:
    rule = sigma(f"selection:\n    Initiated: {initiated}\n    Protocol: TCP\n"
                 "condition: selection", "category: network_connection")  # fmt: skip
    events = [flow(network={"transport": "tcp", "direction": direction})
              for direction in ("outbound", "inbound", "internal")]  # fmt: skip
    assert matched(tmp_path, rule, *events) == wanted


def test_a_field_of_several_meanings_is_asked_in_each(tmp_path: Path) -> None:
    rule = sigma("selection:\n    c-uri: /a\ncondition: selection", "category: proxy")
    assert matched(tmp_path, rule, http(**{"url.original": "/A", "url.full": "http://h/A"}),
                   http(**{"url.full": "/a"}), http(**{"url.path": "/a"})) == [True, True, False]


def test_the_capitals_of_a_field_do_not_count(tmp_path: Path) -> None:
    rule = sigma("selection:\n    CS-Method: get\ncondition: selection")
    assert matched(tmp_path, rule, http(**{"http.request.method": "GET"})) == [True]


def test_zeek_calls_refused_what_has_a_code_for_it(tmp_path: Path) -> None:
    rule = sigma("selection:\n    query|endswith: .test\nfilter:\n    rejected: 'true'\n"
                 "condition: selection and not filter",
                 "product: zeek\n    service: dns")  # fmt: skip
    name = {"event.dataset": "network_traffic.dns", "dns.question.name": "a.TEST"}
    assert matched(tmp_path, rule, {**http(), **name, "dns.response_code": "NOERROR"},
                   {**http(), **name, "dns.response_code": "REFUSED"}) == [True, False]  # fmt: skip


@pytest.mark.parametrize(("item", "source", "reason"), [
    ("cs-cookie: a", "category: proxy", "no field here is Sigma's cs-cookie"),
    ("action: monitored", "category: firewall", "'monitored' of action has no counterpart"),
    ("Z: 1", "product: zeek\n    service: dns", "no field here is Sigma's Z"),
])
def test_what_has_no_counterpart_is_named(
    item: str, source: str, reason: str, tmp_path: Path
) -> None:
    found = converted(tmp_path, sigma(f"selection:\n    {item}\ncondition: selection", source))
    assert reason in found.refusal and not found.text


def test_fields_that_are_only_to_be_shown_need_no_counterpart(tmp_path: Path) -> None:
    rule = sigma("selection:\n    cs-method: a\ncondition: selection", extra="fields: [cs-cookie]")
    assert converted(tmp_path, rule).text
