"""From rule files to rules that run: each is compiled, or says why it cannot run here.

A rule that is written wrongly is an error (`RulesError`, all of them at once).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from sensor.base.escape import harmless
from sensor.config import Config
from sensor.errors import QueryError
from sensor.query import validate
from sensor.query.ast import Query, Sample, Sequence
from sensor.query.eql import parser as eql
from sensor.query.external_networks import external_lists, strictly_external
from sensor.query.kql import parser as kql
from sensor.query.predicate import compile_query
from sensor.query.stateful.sample import Sampler
from sensor.query.stateful.sequence import Tracker
from sensor.rules.exceptions import ExceptionItem
from sensor.rules.field_check import fields_of, suppression_fields, without_agent
from sensor.rules.files import UNSUPPORTED_TYPES, RuleText, find_files, read_file, why_no_rule
from sensor.rules.filters import conditions_of
from sensor.rules.rewriting import by_category_field, in_any_view, narrowed
from sensor.rules.rule import CANNOT_RUN, CannotRun, Resources, Rule, RulesError, Schema
from sensor.rules.runners import OrderRunner, Runner, SingleRunner

CATEGORY = "event.category"


def load_rules(
    paths: Iterable[str], config: Config, schema: Schema, resources: Resources | None = None,
    *, strict: bool = True,
) -> tuple[list[Rule], list[QueryError]]:
    """The rules of files and folders, and what is wrong with those that were left out.

    Left out is a wrong rule of a folder, unless `strict` or nothing else would be left. Errors:
    RulesError has everything at once.
    """
    paths = list(paths)
    rules, errors = read_rules(paths, config, schema, resources)
    named = {str(Path(path)) for path in paths}
    if errors and (strict or not rules or any(error.path in named for error in errors)):
        raise RulesError(errors)
    return rules, errors


def read_rules(
    paths: Iterable[str], config: Config, schema: Schema, resources: Resources | None = None
) -> tuple[list[Rule], list[QueryError]]:
    """The sound rules of files and folders, and everything that is wrong with the others."""
    paths = list(paths)
    resources = resources or Resources()
    files, errors = find_files(paths)
    rules = []
    with_rules = set()
    for path in files:
        for text in read_file(path):
            with_rules.add(path)
            if isinstance(text, QueryError):
                errors.append(text)
                continue
            rule = Rule(text)
            wrong = _wrong_with(rule, config, schema, resources)
            errors += wrong
            if not wrong:
                rules.append(rule)
            if resources.pause is not None:
                resources.pause()
    errors += _without_rules(paths, files, with_rules)
    return _distinct(rules, errors), errors


def _wrong_with(
    rule: Rule, config: Config, schema: Schema, resources: Resources
) -> list[QueryError]:
    """Make a rule ready; everything that is wrong with it."""
    text = rule.text
    wrong = [*text.errors, *_compile(rule, config, schema)]
    if wrong:
        return wrong + _unknown_fields(text, schema)
    if rule.runner is None:
        return []
    wrong = _unknown_fields(text, schema)
    if text.special is not None and not wrong:
        wrong = _specialise(rule, config, schema, resources)
    if rule.runner is not None and not wrong:
        _remark_suppression(rule, schema)
    return wrong


def _without_rules(paths: list[str], files: list[Path], with_rules: set[Path]) -> list[QueryError]:
    """Files and folders that were named for nothing: whoever names one takes it for rules.

    In a folder other files may lie beside rules.
    """
    errors = []
    for path in map(Path, dict.fromkeys(paths)):
        if path.is_dir():
            below = [file for file in files if file.is_relative_to(path)]
            if below and not with_rules.intersection(below):
                errors.append(QueryError(f"no rule in its files ({below[0].name}: "
                                         f"{why_no_rule(below[0])})", path=str(path)))
        elif path in files and path not in with_rules:
            errors.append(QueryError(why_no_rule(path), path=str(path)))
    return errors


def _compile(rule: Rule, config: Config, schema: Schema) -> list[QueryError]:
    """Give a rule its tree, and a runner if it can run; what is wrong with its query."""
    text = rule.text
    wrong = _parse(rule, schema)
    query = rule.query
    if wrong or query is None or rule.status == CANNOT_RUN:
        return wrong
    findings = validate.check(query, text.query, schema.evidence)
    absent = ", ".join(findings.absent)
    if not findings.satisfiable:
        reasons = [*findings.never, *([f"not on a tap: {absent}"] if absent else [])]
        rule.refuse(
            f"runs on network evidence only: {text.network_leg} covers its network leg"
            if text.network_leg else f"{'; '.join(reasons)}: the condition can never hold")
        return []
    rule.remark(f"not on a tap: {absent}" if absent else "", *findings.doubtful)
    lists = external_lists(query)
    if config.strict_external and lists:
        rule.query, rule.is_strict = strictly_external(query), True
        lists = external_lists(rule.query)
    rule.external = tuple(dict.fromkeys(cidr for cidrs in lists for cidr in cidrs))
    rule.runner = _runner(rule.query or query, text, config, schema)
    return []


def _parse(rule: Rule, schema: Schema) -> list[QueryError]:
    """Give a rule its tree, with what the rule says beside its query in it; what is wrong."""
    text = rule.text
    refusal = _why_refused(text)
    if refusal:
        rule.refuse(refusal)
    if text.type in UNSUPPORTED_TYPES or text.language == "lucene" or not text.query:
        return []
    try:
        query: Query = (eql if text.type == "eql" else kql).parse(text.query)
        filters = conditions_of(text.filters)
    except QueryError as error:
        return [] if refusal else [text.with_location(error)]
    except CannotRun as reason:
        rule.refuse(str(reason))
        return []
    if text.type == "eql" and text.category_field not in ("", CATEGORY):
        query = by_category_field(query, text.category_field)
    rule.query = in_any_view(narrowed(query, filters))
    if refusal:
        return []
    evidence = schema.evidence
    wrong = [text.with_location(error)
             for error in validate.check(query, text.query, evidence).errors]
    return wrong + [
        QueryError(f"filters: {error.reason}", path=text.path, line=text.line_of("filters"))
        for node in filters for error in validate.check(node, "", evidence).errors]


def _specialise(
    rule: Rule, config: Config, schema: Schema, resources: Resources
) -> list[QueryError]:
    """Give a rule that does more with its events than alert on each the runner for that."""
    text = rule.text
    assert text.special is not None and isinstance(rule.runner, SingleRunner)
    from sensor.rules.runner_factory import build  # noqa: PLC0415  17 ms, for few rules

    fields = fields_of(text.special, schema.evidence)
    special = without_agent(text.special, schema.evidence)
    if not fields_of(special, schema.evidence).satisfiable:
        rule.refuse(f"not on a tap: {', '.join(fields.absent)}")
        return []
    rule.text = text = replace(text, special=special)
    try:
        rule.runner, remark = build(text, rule.runner.predicate, config.rule, resources)
    except CannotRun as reason:
        rule.refuse(str(reason))
        return []
    except QueryError as error:
        return [error]
    remarks = [remark]
    if fields.absent:
        remarks.append(f"not on a tap: {', '.join(fields.absent)}")
    if schema.any_event:
        remarks += (doubt for name in fields.names
                    if (doubt := validate.doubt(name, schema.fields)) not in (
                        rule.reason, *remarks))
    rule.remark(*remarks)
    return []


def _unknown_fields(text: RuleText, schema: Schema) -> list[QueryError]:
    """The fields that nobody has among those that a rule names outside of its query."""
    wrong = [(name, "") for name in fields_of(text.special, schema.evidence).unknown
               ] if text.special is not None else []
    wrong += [(name, "alert_suppression: ")
                for name in suppression_fields(text, schema.evidence)[0]]
    return [QueryError(where + validate.unknown(name, schema.fields), path=text.path,
                       line=text.line_of(name)) for name, where in wrong]


def _remark_suppression(rule: Rule, schema: Schema) -> None:
    """Hold what alerts are grouped by against the fields that there are."""
    text = rule.text
    _, absent = suppression_fields(text, schema.evidence)
    if absent:
        rule.remark(f"alert_suppression: not on a tap: {', '.join(absent)}")
    if schema.any_event and text.suppression is not None:
        rule.remark(*(validate.doubt(name, schema.fields) for name in text.suppression.group_by))


def _runner(query: Query, text: RuleText, config: Config, schema: Schema) -> Runner:
    if isinstance(query, Sequence):
        return OrderRunner(Tracker(query, text.lookback_ns, config.rule, schema.fields))
    if isinstance(query, Sample):
        return OrderRunner(Sampler(query, text.lookback_ns, config.rule, schema.fields))
    return SingleRunner(compile_query(query, schema.fields, schema.shared))


def _why_refused(text: RuleText) -> str:
    """Why a rule cannot run here, whatever its query says; empty if it may."""
    if text.type in UNSUPPORTED_TYPES:
        return f"type {text.type}: {UNSUPPORTED_TYPES[text.type]}"
    if text.language == "lucene":
        return "language lucene: only kuery and eql are evaluated"
    if text.disabled:
        return "disabled in its export"
    return ""


def _distinct(rules: list[Rule], errors: list[QueryError]) -> list[Rule]:
    """The rules without those whose id an earlier one has; these go to the errors."""
    first: dict[str, RuleText] = {}
    kept = []
    for rule in rules:
        known = first.setdefault(rule.text.id, rule.text)
        if known is rule.text:
            kept.append(rule)
            continue
        place = f"{known.path}:{known.line_of(known.id)}".removesuffix(":0")
        errors.append(QueryError(
            f"rule id {rule.text.id} is already used by {harmless(place)}",
            path=rule.text.path, line=rule.text.line_of(rule.text.id),
        ))
    return kept


def assign_exceptions(items: list[ExceptionItem], rules: list[Rule]) -> list[str]:
    """Give each rule its exceptions; the notices about names that no rule has."""
    notices = []
    linked = {list_id for rule in rules for list_id in rule.text.exception_lists}
    all_names = {name for rule in rules for name in rule.names}
    for item in items:
        for rule in rules:
            if item.rules:
                applies = bool(rule.names & set(item.rules))
            else:
                # A list that rules name is theirs; one that none names is for all.
                applies = item.list_id not in linked or item.list_id in rule.text.exception_lists
            if applies:
                rule.exceptions.append(item)
        notices += [f"{item.place}: no rule is called '{name}'"
                    for name in item.rules if name not in all_names]
    given = {item.list_id for item in items}
    notices += [
        f"rule '{rule.text.name}': no exception of its list '{name}' is loaded: --exceptions FILE"
        for rule in rules if rule.runner is not None
        for name in rule.text.exception_lists if name not in given
    ]
    return notices
