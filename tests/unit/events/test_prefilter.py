"""Which search a file gets, by what the rules need and what a sample holds."""

from __future__ import annotations

from sensor.app.build import load_rules
from sensor.events import prefilter
from sensor.rules.prefilter import clauses_of


def test_the_search_is_chosen_from_a_sample() -> None:
    rules = load_rules(any_event=True).rules
    needs = clauses_of(rules)
    assert len(needs) == len(rules) and all(needs)
    data = bytearray(b'{"destination":{"port":80},"event":{"type":"connection"}}\n' * 50 + b"\0")
    assert not prefilter.scanner_for(needs, data, len(data) - 1, always=True).takes_all
    assert prefilter.scanner_for([(), *needs], data, len(data) - 1, always=True).takes_all
    assert prefilter.scanner_for(None, data, len(data) - 1, always=True).takes_all
