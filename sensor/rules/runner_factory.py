"""Builds the runners of rules that count, remember or compare.

Imported when there is such a rule: what they need takes time to import.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from sensor.config import RuleLimits
from sensor.errors import ConfigError, QueryError
from sensor.query.document_rows import DocumentRows
from sensor.query.kql import parser as kql
from sensor.query.masks import Predicate
from sensor.query.predicate import compile_query
from sensor.query.stateful.indicator_match import Comparison, Indicators, without_now
from sensor.query.stateful.new_terms import History
from sensor.query.stateful.threshold import Limit
from sensor.rules.files import RuleText
from sensor.rules.indicators import IndicatorFile, read_indicators
from sensor.rules.rule import CannotRun, Resources
from sensor.rules.runners import Runner
from sensor.rules.state_store import RuleStore
from sensor.rules.stateful_runners import NewTermsRunner, ThreatRunner, ThresholdRunner, owner_of
from sensor.rules.types import NewTermsText, ThreatText, ThresholdText, duration_text

DOCUMENTS_AT_ONCE = 4096
NO_INDICATORS = "no indicator file: --indicators FILE names one, or [sensor] indicators in the rule"


def build(
    text: RuleText, predicate: Predicate, limits: RuleLimits, resources: Resources
) -> tuple[Runner, str]:
    """The runner of a rule, and in what way it runs degraded, if it does.

    Errors: CannotRun; QueryError for what the rule says wrongly.
    """
    match text.special:
        case ThresholdText() as special:
            if special.value > limits.threshold_events_max:
                raise CannotRun(f"it wants {special.value} events, more than the limit"
                                f" threshold_events_max ({limits.threshold_events_max})")
            limit = Limit(special.value, special.cardinality_value, text.lookback_ns,
                          limits.threshold_groups_max, limits.threshold_events_max)
            return ThresholdRunner(predicate, special, limit), ""
        case NewTermsText() as special:
            history = History(
                special.history_ns, limits.new_terms_learning_ns, limits.new_terms_max)
            owner = owner_of(text)
            return NewTermsRunner(predicate, special, history, owner, resources.store), ""
        case ThreatText() as special:
            return _threat(text, special, predicate, resources)
    raise AssertionError(f"a rule of type {text.type} has no runner of its own")


def _threat(
    text: RuleText, special: ThreatText, predicate: Predicate, resources: Resources
) -> tuple[Runner, str]:
    if special.language != "kuery":
        raise CannotRun(f"threat_language {special.language}: only kuery is evaluated")
    files = [*resources.indicators, *_own_files(text, special)]
    if not files:
        raise CannotRun(NO_INDICATORS)
    try:
        query, has_now = without_now(kql.parse(special.query))
    except QueryError as error:
        raise QueryError(f"threat_query: {error.reason} (column {error.column})",
                         path=text.path) from None
    wanted = None if query is None else compile_query(query)
    indicators = Indicators([
        [Comparison(entry.field, entry.indicator_field, entry.negate) for entry in group]
        for group in special.mapping
    ])
    origin: list[tuple[IndicatorFile, int]] = []
    for file in files:
        numbered = enumerate(file.documents())
        while part := list(islice(numbered, DOCUMENTS_AT_ONCE)):
            documents = [document for _, document in part]
            chosen = [True] * len(part) if wanted is None else wanted(DocumentRows(documents))
            kept = [entry for entry, is_wanted in zip(part, chosen, strict=True) if is_wanted]
            indicators.add(document for _, document in kept)
            origin += [(file, number) for number, _ in kept]
    indicators.prepare()
    if not origin:
        raise CannotRun(f"none of {sum(map(len, files))} indicators fulfils its threat_query")
    remark = "its threat_query asks for the age of indicators: all count" if has_now else ""
    return ThreatRunner(predicate, indicators, origin, special.indicator_path), remark


def _own_files(text: RuleText, special: ThreatText) -> list[IndicatorFile]:
    """The files that a rule names itself: beside its own file."""
    folder = Path(text.path).parent
    try:
        return read_indicators(str(folder / name) for name in special.files)
    except ConfigError as error:
        raise QueryError(f"indicators: {error}", path=text.path) from None


def learning_notices(
    texts: Iterable[RuleText], limits: RuleLimits, store: RuleStore | None
) -> list[str]:
    """Notices about new-terms rules whose history begins."""
    notices = []
    for text in texts:
        special = text.special
        learning_ns = limits.new_terms_learning_ns
        if not isinstance(special, NewTermsText):
            continue
        if store is not None and store.since_ns(owner_of(text)) is not None:
            continue
        notice = f"rule '{text.name}': its history of terms begins now"
        if learning_ns:
            notice += f"; nothing is new for {duration_text(min(learning_ns, special.history_ns))}"
            notice += " (rule.new_terms_learning_s = 0 for a single capture)"
        if store is None:
            notice += "; without --state DIR it ends with this run"
        notices.append(notice)
    return notices
