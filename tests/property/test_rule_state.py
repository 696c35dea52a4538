"""Rules with memory: how events are cut into batches never shows, and no event counts twice."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sensor.rules.state_store import RuleStore
from tests.examples import examples
from tests.rule_sets import event, feed, load, rule

RULES = (
    rule("threshold", rule_id="count", threshold={"field": ["source.ip"], "value": 3},
         **{"from": "now-20s"}),
    rule("threshold", rule_id="distinct", **{"from": "now-30s"}, threshold={
        "field": [], "value": 2, "cardinality": [{"field": "tags", "value": 3}]}),
    rule("new_terms", rule_id="new", new_terms_fields=["source.ip", "tags"],
         history_window_start="now-40s"),
    rule("threat_match", rule_id="threat", threat_mapping=[
        {"entries": [{"field": "source.ip", "value": "threat.indicator.ip"}]}],
        alert_suppression={"group_by": ["source.ip"], "duration": {"value": 9, "unit": "s"}}),
)
events = st.lists(
    st.fixed_dictionaries(
        {"step": st.sampled_from((0, 0, 1, 3, 9, 50)), "event.action": st.sampled_from("xxxy")},
        optional={
            "source.ip": st.sampled_from(("10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2", "fd00::1")),
            "tags": st.lists(st.sampled_from("abc"), max_size=2),
        },
    ),
    max_size=40,
)


def timed(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found, second = [], 0
    for number, step in enumerate(steps):
        second += step["step"]
        fields = {name: value for name, value in step.items() if name != "step"}
        found.append({**event(second), "event.id": str(number), **fields})
    return found


@examples(30)
@given(events, st.integers(1, 9), st.sampled_from((0, 15, 40)), st.integers(1, 3))
def test_batches_never_show(
    steps: list[dict[str, Any]], cut: int, learning_s: int, terms_max: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bad.txt").write_text("10.0.0.0/31\nfd00::/8\n")
        found = []
        for number, size in enumerate((1000, cut)):
            store = RuleStore(str(folder / str(number)))
            rules = load(folder, *RULES, indicators=(str(folder / "bad.txt"),), store=store,
                         new_terms_learning_ns=learning_s * 10**9, new_terms_max=terms_max)
            alerts = feed(rules, timed(steps), size)
            found.append(([alert.document for alert in alerts], rules.ledger()))
            store.close()
            assert store.error == ""
    assert found[0] == found[1]
    documents, ledger = found[0]
    for rule_id, told in ledger.items():
        mine = [each for each in documents if each["rule"]["id"] == rule_id]
        assert told["matches"] == told["alerts"] + told["suppressed"] == len(mine) + told[
            "suppressed"]
    used = sum(each["sensor"]["alert"]["threshold"]["count"]
               for each in documents if each["rule"]["id"] == "distinct")
    selected = sum(step["event.action"] == "x" for step in steps)
    assert used + ledger["distinct"].get("absorbed", 0) <= selected


@examples(25)
@given(events, st.integers(0, 40))
def test_a_restart_never_shows(steps: list[dict[str, Any]], at: int) -> None:
    """Of new terms: a run in two halves, the store closed between them, is one run."""
    told = []
    for halves in ([timed(steps)], [timed(steps)[:at], timed(steps)[at:]]):
        with tempfile.TemporaryDirectory() as name:
            alerts = []
            for half in halves:
                store = RuleStore(str(Path(name) / "state"))
                alerts += feed(load(Path(name), RULES[2], store=store), half, 7)
                store.close()
        told.append([alert.document for alert in alerts])
    assert told[0] == told[1]
