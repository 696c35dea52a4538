"""The flows that alerts are about."""

from __future__ import annotations

from typing import Any

from sensor.evidence.request import Request, flows_of, is_name

ONE, TWO = "1" * 32, "2" * 32
COMMUNITY = "1:wCb3OG7yAFWelaUydu0D+125CLM="


def test_an_alert_is_about_its_own_flow_or_those_of_its_events() -> None:
    assert flows_of({"flow": {"id": ONE}, "network": {"community_id": COMMUNITY}}) == [ONE]
    events = [{"flow": {"id": name}} for name in (ONE, TWO, ONE)]
    assert flows_of({"sensor": {"alert": {"events": events}}}) == [ONE, TWO]
    assert flows_of({"network": {"community_id": COMMUNITY}}) == [COMMUNITY]


def test_what_names_no_flow_is_counted() -> None:
    request = Request()
    hostile: list[Any] = [{}, {"flow": {"id": "../../etc"}}, {"flow": {"id": ["x", 7]}}]
    for document in hostile:
        request.add_alert(document)
    assert (request.flows, request.unnamed) == ({}, 3)


def test_alerts_about_one_flow_come_together_and_their_texts_are_harmless() -> None:
    request = Request()
    for name in ("first", "sec\x1bond"):
        request.add_alert({"flow": {"id": ONE}, "rule": {"name": name}, "message": 7})
    assert [note.rule_name for note in request.flows[ONE]] == ["first", "sec\\x1bond"]
    assert request.flows[ONE][0].message == ""


def test_names_have_a_form() -> None:
    assert is_name(ONE) and is_name(COMMUNITY)
    assert not any(map(is_name, ("1" * 31, ONE + "\n", "A" * 32, "1:abc=", None, 7)))
