"""Sigma's files -> the texts of rule files, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaConditionError, SigmaError
from sigma.exceptions import SigmaFeatureNotSupportedByBackendError as NotSupported
from sigma.policy.profiles import TrustedPolicy
from sigma.rule import SigmaRule

from sensor.errors import QueryError, reason_of
from sensor.rules.sigma.backend import EqlBackend
from sensor.rules.sigma.pipeline import pipeline_of
from sensor.rules.sigma.rule_file import id_of, rule_file
from sensor.rules.sigma.sources import source_of

FILE_BYTES_MAX = 1 << 20
"""Octets of a file: the longest that is published has some 300,000."""
NESTING_MAX = 64
"""Tables and lists in one another; PyYAML, which recurses, takes seconds for some thousands."""
SUFFIXES = (".yml", ".yaml")
_REASON_MAX = 300


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of one rule of Sigma."""

    path: str
    name: str
    id: str = ""
    text: str = ""
    """The rule file; empty if there is none."""
    refusal: str = ""
    """Why the rule, which is written rightly, cannot run here."""
    error: str = ""
    """What is wrong with the rule or its file."""


class _Loader(yaml.SafeLoader):
    """Plain values only, and not nested without end."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.depth >= NESTING_MAX:
            raise ValueError(f"YAML: nested more than {NESTING_MAX} deep")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def find_sigma(paths: Iterable[str]) -> tuple[list[Path], list[QueryError]]:
    """The files that paths name, each once, folders in order of their names; what is wrong."""
    files: dict[Path, None] = {}
    errors = []
    for name in paths:
        path = Path(name)
        if not name:  # what a variable that is not set leaves in a script, and no "here"
            errors.append(QueryError("an empty name of a file or folder", path=name))
        elif path.is_dir():
            found = sorted(file for file in path.rglob("*")
                           if file.suffix.lower() in SUFFIXES and file.is_file())  # fmt: skip
            files.update(dict.fromkeys(found))
            if not found:
                errors.append(QueryError("no Sigma rules (*.yml, *.yaml) here", path=name))
        elif path.exists():
            files[path] = None
        else:
            errors.append(QueryError("no such file or directory", path=name))
    return list(files), errors


def convert_file(path: Path) -> Iterator[Conversion]:
    """Convert the rules of a file, in their order; one with `error` if it cannot be read."""
    # What others wrote goes through code of others: a document that it cannot take may make it
    # raise anything. The policy is about regular expressions: they are compiled to see whether
    # they are any, and never run; RE2, the other choice, knows fewer and writes to stderr.
    try:
        collection = SigmaCollection.from_dicts(
            _documents(path), collect_errors=True, resolve_references=False, policy=TrustedPolicy)
    except Exception as error:
        yield Conversion(str(path), "", error=_wrong_with(error))
        return
    of_rules = {id(error) for rule in collection.rules for error in rule.errors}
    for wrong in collection.errors:
        if id(wrong) not in of_rules:
            yield Conversion(str(path), "", error=_shortened(wrong))
    if not collection.rules and not collection.errors:
        yield Conversion(str(path), "", error="no Sigma rule in it")
    parts = _parts_of_correlations(collection)
    for rule in collection.rules:
        found = _converted(str(path), rule)
        if found.text and not parts.isdisjoint((str(rule.id), rule.name)):
            found = Conversion(found.path, found.name, refusal="it is a part of a correlation, "
                               "and correlations are not evaluated")
        yield found


def _parts_of_correlations(collection: SigmaCollection) -> set[str]:
    """The ids and names of rules that are not to alert by themselves."""
    return {reference.reference for rule in collection.rules
            if isinstance(rule, SigmaCorrelationRule) and not rule.generate
            for reference in rule.rules or ()}  # fmt: skip


def _documents(path: Path) -> list[Any]:
    """The YAML documents of a file.

    Errors: OSError, ValueError, YAMLError, and what else PyYAML lets through.
    """
    with open(path, "rb") as file:
        octets = file.read(FILE_BYTES_MAX + 1)
    if len(octets) > FILE_BYTES_MAX:
        raise ValueError(f"larger than {FILE_BYTES_MAX} octets")
    text = octets.decode("utf-8-sig")
    documents = [each for each in yaml.load_all(text, _Loader) if each is not None]
    if not all(isinstance(each, dict) for each in documents):
        raise ValueError("a document is no table of keys")
    return documents


def _converted(path: str, rule: SigmaRule | SigmaCorrelationRule) -> Conversion:
    name = " ".join(str(rule.title or "").split())
    if rule.errors:
        return Conversion(path, name, error=_shortened(rule.errors[0]))
    if isinstance(rule, SigmaCorrelationRule):
        return Conversion(path, name, refusal="correlations are not evaluated")
    try:
        query = query_of(rule)
        return Conversion(path, name, id_of(rule, query),
                          text=rule_file(rule, query, Path(path).name))
    except (NotImplementedError, NotSupported) as error:
        return Conversion(path, name, refusal=_shortened(error))
    except Exception as error:  # as above
        return Conversion(path, name, error=_wrong_with(error))


def query_of(rule: SigmaRule) -> str:
    """The query of a rule, in EQL.

    Errors: NotSupported if it cannot run here; other errors of pySigma.
    """
    place = rule.logsource
    source = source_of(place.category, place.product, place.service)
    if source is None:
        parts = ", ".join(f"{key} {value}" for key, value in (
            ("category", place.category), ("product", place.product),
            ("service", place.service)) if value)  # fmt: skip
        raise NotSupported(f"no events here are those of the log source {parts}")
    rule.fields = []  # those to be shown: they need no counterpart
    conditions = EqlBackend(pipeline_of(source), source.keywords).convert_rule(rule)
    if not conditions:
        raise NotSupported("it has no condition")
    return f"any where {source.where} and\n  ({' or '.join(map(str, conditions))})"


def _wrong_with(error: Exception) -> str:
    """What is wrong with a file or a rule, in a line."""
    match error:
        case UnicodeDecodeError():
            return f"not UTF-8 at octet {error.start}"
        case OSError():
            return f"cannot be read: {reason_of(error)}"
        case yaml.MarkedYAMLError() if error.problem_mark is not None:
            return f"YAML: {error.problem} (line {error.problem_mark.line + 1})"
        case SigmaConditionError():
            return f"condition: {_shortened(error)}"
        case SigmaError():
            return _shortened(error)
    return f"no Sigma rule: {_shortened(error)}"


def _shortened(error: Exception) -> str:
    """The first line of a message, not too long."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= _REASON_MAX else f"{words[:_REASON_MAX]}..."
