"""`sensor rules test`: each rule against the recordings that it names.

    [[test]]
    capture = "captures/telnet.pcap"      or events = "documents.ndjson", or both; one or a list
    alerts = 2                            how many of this rule there must be
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from sensor.api import replay
from sensor.app.build import load_rules
from sensor.base.escape import harmless
from sensor.cli.options import effective_config, rule_options
from sensor.cli.output import DAMAGED, DONE, USAGE
from sensor.config import Config
from sensor.errors import OperatorError
from sensor.rules.rule import Rule

FAILED = DAMAGED


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one entry of one rule."""

    file: str
    inputs: str
    expected: int = 0
    found: int = 0
    problem: str = ""
    """Why the entry could not be tried; empty if it was."""

    @property
    def is_good(self) -> bool:
        """True if the rule does what the entry says."""
        return not self.problem and self.found == self.expected


@click.command("test")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@rule_options
@click.pass_obj
def test_rules(config: Config, /, paths: tuple[str, ...], strict_external: bool | None) -> int:
    """Hold rules against the captures and events that their [[test]] entries name.

    Exit code 1 if a rule gives other alerts than an entry says, 2 if one cannot be tried.
    """
    return print_tests(paths, effective_config(config, {"strict_external": strict_external}))


def print_tests(paths: Sequence[str], config: Config) -> int:
    """Print a line for each entry. Exit code 1 if any fails, 2 if any cannot be tried.

    Errors: OperatorError if any rule cannot be loaded.
    """
    rules = load_rules(paths, (), config).rules
    outcomes = []
    for rule in rules:
        if not rule.text.tests:
            click.echo(harmless(f"{Path(rule.text.path).name}: no [[test]] entry"))
        for outcome in outcomes_of(rule, config):
            outcomes.append(outcome)
            click.echo(harmless(_line(outcome)))
    failed = sum(not outcome.is_good for outcome in outcomes)
    click.echo(f"{len(outcomes) - failed} passed, {failed} failed")
    if any(outcome.problem for outcome in outcomes):
        return USAGE
    return FAILED if failed else DONE


def _line(outcome: Outcome) -> str:
    place = f"{Path(outcome.file).name}: {outcome.inputs}"
    if outcome.problem:
        return f"ERROR   {place}: {outcome.problem}"
    if outcome.is_good:
        return f"ok      {place}: {_alerts(outcome.found)}"
    return f"FAILED  {place}: {_alerts(outcome.found)}, not {outcome.expected}"


def _alerts(count: int) -> str:
    return f"{count} alert{'s'[:count != 1]}"


def outcomes_of(rule: Rule, config: Config | None = None) -> Iterator[Outcome]:
    """Try the entries of a rule, one after the other."""
    for entry in rule.text.tests:
        try:
            yield _tried(rule, entry, config or Config())
        except OperatorError as error:
            yield Outcome(rule.text.path, _names(entry), problem=str(error))


def _tried(rule: Rule, entry: dict[str, Any], config: Config) -> Outcome:
    expected = entry.get("alerts")
    captures, events = _listed(entry.get("capture")), _listed(entry.get("events"))
    if type(expected) is not int or expected < 0:
        raise OperatorError("alerts = N is missing")
    if not captures and not events:
        raise OperatorError("neither capture nor events names a file")
    if unknown := set(entry) - {"capture", "events", "alerts"}:
        raise OperatorError(f"unknown key '{min(unknown)}'")
    found = replay(
        *[_found(name, rule.text.path) for name in captures], rules=[rule.text.path],
        events=[_found(name, rule.text.path) for name in events], config=config,
        building_blocks=True,
    )  # fmt: skip
    count = sum(alert.rule_id == rule.text.id for alert in found)
    return Outcome(rule.text.path, _names(entry), expected, count)


def _listed(value: Any) -> list[str]:
    names = [value] if isinstance(value, str) else value or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise OperatorError("capture and events are names of files")
    return names


def _names(entry: dict[str, Any]) -> str:
    names = [entry[key] for key in ("capture", "events") if key in entry]
    return ", ".join(name if isinstance(name, str) else " ".join(map(str, name))
                     if isinstance(name, list) else str(name) for name in names) or "?"


def _found(name: str, rule_file: str) -> str:
    """Where a file of an entry is: beside the rule, beside its folder, or from here on.

    Errors: OperatorError.
    """
    folder = Path(rule_file).resolve().parent
    for base in (folder, folder.parent, Path()):
        if (base / name).exists():
            return str(base / name)
    raise OperatorError(f"no such file: beside the rule, beside its folder, or in {Path.cwd()}")
