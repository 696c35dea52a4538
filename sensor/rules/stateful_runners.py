"""Runners of rules that count, that remember, and that compare with indicators."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sensor.model.columns import Document, Rows
from sensor.model.recoding import date_text
from sensor.query.document_rows import merge, nested, values_at
from sensor.query.masks import Predicate
from sensor.query.stateful.indicator_match import Hit, Indicators
from sensor.query.stateful.new_terms import History
from sensor.query.stateful.steps import Unexcepted
from sensor.query.stateful.terms import Terms, combinations_of, terms_of
from sensor.query.stateful.threshold import Fired, Limit, Threshold
from sensor.query.values import date_span, text_of
from sensor.rules.files import RuleText
from sensor.rules.indicators import IndicatorFile
from sensor.rules.runners import Match, Runner
from sensor.rules.state_store import Owner, RuleStore
from sensor.rules.types import NewTermsText, ThresholdText


class ThresholdRunner(Runner):
    """A match for each group of events that were enough within the window."""

    evicted = 0

    def __init__(self, predicate: Predicate, text: ThresholdText, limit: Limit) -> None:
        self._predicate = predicate
        self._text = text
        self._engine = Threshold(limit)
        self.absorbed = 0
        """Events that belong to a match that was made before them."""

    def matches(self, rows: Rows, unexcepted: Unexcepted) -> list[Match]:
        selected = np.flatnonzero(self._predicate(rows)).tolist()
        selected = unexcepted(selected) if selected else []
        if not selected:
            return []
        chosen = np.array(selected, dtype=np.intp)
        name = self._text.cardinality_field
        groups = combinations_of(rows, self._text.fields, chosen)
        values = terms_of(rows.column(name), chosen) if name else [()] * len(chosen)
        times = rows.times_ns()[chosen].tolist()
        spans = _spans(rows, chosen)
        found = []
        for row, mine, different, time_ns, span in zip(
            selected, groups, values, times, spans, strict=True
        ):
            for group in mine:
                fired = self._engine.add(group, different, time_ns, span)
                if fired is not None:
                    found.append(self._match(rows, row, group, fired))
        self.evicted, self.absorbed = self._engine.evicted, self._engine.absorbed
        return found

    def _match(self, rows: Rows, row: int, group: Terms, fired: Fired) -> Match:
        text = self._text
        threshold: Document = {
            "field": list(text.fields), "value": [text_of(term) for term in group],
            "count": fired.count,
        }
        if text.cardinality_field:
            threshold["cardinality"] = {"field": text.cardinality_field, "value": fired.distinct}
        first_ns = min(_instant(start, fired.start_ns) for start, _ in fired.notes)
        last_ns = max(_instant(end, fired.end_ns) for _, end in fired.notes)
        fields = _common(rows, row)
        for name, term in zip(text.fields, group, strict=True):
            merge(fields, nested({name: term}))
        merge(fields, {
            "@timestamp": date_text(last_ns),
            "event": {"start": date_text(first_ns), "end": date_text(last_ns)},
            "sensor": {"alert": {"threshold": threshold}},
        })
        name = json.dumps([group, fired.start_ns, fired.end_ns])
        return Match(fired.end_ns, row, events=(), fields=fields, name=name)

    def standing(self, rows: Rows, row: int) -> str:
        text = self._text
        groups = combinations_of(rows, text.fields, np.array([row], dtype=np.intp))[0]
        count, different = max(map(self._engine.count, groups), default=(0, 0))
        if not count:
            return f"it lacks {' or '.join(text.fields)}, by which events are counted"
        words = f"counted: {count} of {text.value} by then"
        if text.cardinality_field:
            words += (f", {different} of {text.cardinality_value} different"
                      f" {text.cardinality_field}")
        return words

    def take_over(self, old: Runner) -> None:
        if isinstance(old, ThresholdRunner):
            self._engine = old._engine
            self.evicted, self.absorbed = old.evicted, old.absorbed


def _spans(rows: Rows, chosen: NDArray[np.intp]) -> list[tuple[Terms, Terms]]:
    """The begin and end of events, as they themselves have it."""
    ends = terms_of(rows.column("@timestamp"), chosen)
    starts = terms_of(rows.column("event.start"), chosen)
    return [(start or end, end) for start, end in zip(starts, ends, strict=True)]


def _instant(written: Terms, otherwise_ns: int) -> int:
    span = date_span(str(written[0])) if written else None
    return span[0] if span else otherwise_ns


def _common(rows: Rows, row: int) -> Document:
    """The fields that all events of a bucket have in common, as far as that is known by itself."""
    document = rows.documents([row])[0]
    fields: Document = {
        name: document[name] for name in ("data_stream", "observer", "ecs")
        if name in document
    }
    event = document.get("event")
    if isinstance(event, dict):
        names = ("category", "module", "dataset", "created")
        fields["event"] = {name: event[name] for name in names if name in event}
    return fields


class NewTermsRunner(Runner):
    """A match for each event that has a value which the rule has not seen for long enough."""

    evicted = 0

    def __init__(
        self, predicate: Predicate, text: NewTermsText, history: History, owner: Owner,
        store: RuleStore | None,
    ) -> None:
        self._predicate = predicate
        self._fields = text.fields
        self._history = history
        self._owner = owner
        self._store = store
        self._is_restored = store is None
        self.learned = 0
        """Values that would have been new, while the history was learned."""

    def matches(self, rows: Rows, unexcepted: Unexcepted) -> list[Match]:
        if not rows.count:
            return []
        if self._store is not None:
            if self._is_restored:  # what alerts have reported by now; before that it could get lost
                self._store.save(self._owner, self._history)
            else:
                self._store.restore(self._owner, self._history)
                self._is_restored = True
        else:
            self._history.take_news(everything=True)  # nobody writes it: it must not pile up
        selected = np.flatnonzero(self._predicate(rows)).tolist()
        selected = unexcepted(selected) if selected else []
        times = rows.times_ns()
        breaks = (np.flatnonzero(np.diff(times) > self._history.window_ns) + 1).tolist()
        found: list[Match] = []
        self._history.begin(int(times[0]))
        for first, last in zip([0, *breaks], [*breaks, rows.count], strict=True):
            if first:
                self._history.advance(int(times[first - 1]))
                self._history.begin(int(times[first]))
            part = np.array([row for row in selected if first <= row < last], dtype=np.intp)
            found += self._new(rows, part)
        self._history.advance(int(times[-1]))
        self.evicted, self.learned = self._history.evicted, self._history.learned
        return found

    def _new(self, rows: Rows, chosen: NDArray[np.intp]) -> list[Match]:
        found = []
        combinations = combinations_of(rows, self._fields, chosen)
        for row, mine in zip(chosen.tolist(), combinations, strict=True):
            time_ns = rows.known_ns(row)
            self._history.advance(time_ns)
            new = [terms for terms in mine if self._history.see(terms, time_ns)]
            if new:
                values = dict.fromkeys(text_of(term) for terms in new for term in terms)
                new_terms = {"field": list(self._fields), "value": list(values)}
                found.append(
                    Match(time_ns, row, fields={"sensor": {"alert": {"new_terms": new_terms}}}))
        return found

    def take_over(self, old: Runner) -> None:
        if isinstance(old, NewTermsRunner):
            self._history, self._is_restored = old._history, old._is_restored
            self.evicted, self.learned = old.evicted, old.learned


def owner_of(text: RuleText) -> Owner:
    """Whose history it is: another query or other fields make another history."""
    assert isinstance(text.special, NewTermsText)
    parts = json.dumps([text.language, text.query, text.special.fields])
    return Owner(text.id, hashlib.sha256(parts.encode()).hexdigest()[:32])


class ThreatRunner(Runner):
    """A match for each event that has a value in common with an indicator."""

    def __init__(
        self, predicate: Predicate, indicators: Indicators,
        origin: Sequence[tuple[IndicatorFile, int]], path: str,
    ) -> None:
        self._predicate = predicate
        self._indicators = indicators
        self._origin = origin
        """The file and the number there of each indicator."""
        self._path = path

    def matches(self, rows: Rows, unexcepted: Unexcepted) -> list[Match]:
        """The events that meet indicators, with the indicators."""
        selected = np.flatnonzero(self._predicate(rows))
        if not len(selected):
            return []
        hits = self._indicators.hits(rows, selected)
        return [
            Match(rows.known_ns(row), row,
                  fields={"threat": {"enrichments": [self._enrichment(hit) for hit in hits[row]]}})
            for row in (unexcepted(list(hits)) if hits else [])
        ]

    def _enrichment(self, hit: Hit) -> Document:
        """An indicator as an element of `threat.enrichments`."""
        file, number = self._origin[hit.indicator]
        document = file.document(number)
        indicator = next(
            (value for value in values_at(document, self._path) if isinstance(value, dict)), {}
        )
        if "/" in str(indicator.get("ip", "")):  # a network; the field takes addresses only
            indicator = {key: value for key, value in indicator.items() if key != "ip"}
        enrichment: Document = {
            "indicator": indicator,
            "matched": {
                "atomic": text_of(hit.value), "field": hit.field,
                "id": f"{file.name}:{file.line(number)}", "index": file.name,
                "type": "indicator_match_rule",
            },
        }
        if feeds := values_at(document, "threat.feed"):
            enrichment["feed"] = feeds[0]
        return enrichment
