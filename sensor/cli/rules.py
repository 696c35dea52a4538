"""`sensor rules list|show|check`: the loaded rules, for people."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from sensor.app.build import load_rules, shipped_rules
from sensor.base.escape import harmless
from sensor.cli.group import LazyGroup
from sensor.cli.options import context_options, effective_config, rule_options
from sensor.cli.output import DONE, USAGE
from sensor.config import Config
from sensor.ecs.schema import known_fields
from sensor.rules.describe import check_paths, format_rule
from sensor.rules.indicators import read_indicators
from sensor.rules.rule import Resources
from sensor.rules.ruleset import LEFT_OUT, RuleSet
from sensor.terminal.stderr import print_stderr

WIDTH = 100
STATUS_WORDS = {"runs": "runs", "degraded": "runs degraded", "cannot_run": "cannot run",
                "error": "error"}  # fmt: skip

COUNT_WORDS = {"runs": "run", "degraded": "run degraded", "cannot_run": "cannot run"}


def counts_of(statuses: Iterable[str]) -> str:
    """`12 run, 1 run degraded, 0 cannot run`: of rules that are sound."""
    said = Counter(statuses)
    return ", ".join(f"{said[status]} {word}" for status, word in COUNT_WORDS.items())


rules = LazyGroup(
    {
        "list": "sensor.cli.rules:list_rules",
        "show": "sensor.cli.rules:show_rule",
        "check": "sensor.cli.rules:check_rules",
        "test": "sensor.cli.rules_test:test_rules",
        "convert": "sensor.cli.rules_convert:convert_rules",
        "explain": "sensor.cli.explain:explain_rule",
    },
    file_command="check",
    name="rules",
    help="What is loaded, one rule with its notes, whether files are sound, why a rule fired or "
         "not; Sigma rules converted.",
)  # fmt: skip


@click.command("list")
@click.option("--rules", "paths", metavar="PATH", multiple=True, help="Instead of the shipped.")
@context_options
@rule_options
@click.pass_obj
def list_rules(config: Config, /, paths: tuple[str, ...], **given: Any) -> int:
    """The rules, one a line, and whether each can run here."""
    ruleset = ruleset_of(paths, config, given)
    for row in ruleset.describe():
        click.echo(harmless(f"{Path(row['file']).stem}"))
        click.echo(harmless(f"    {row['name']}  [{row['severity']}, {row['type']}]"))
        _print_status(row["status"], row["reason"])
    for notice in ruleset.notices:
        if notice.startswith(LEFT_OUT):
            print_stderr(f"notice: {notice}")
    return DONE


@click.command("show")
@click.argument("name", metavar="ID")
@click.option("--rules", "paths", metavar="PATH", multiple=True, help="Instead of the shipped.")
@context_options
@rule_options
@click.pass_obj
def show_rule(config: Config, /, name: str, paths: tuple[str, ...], **given: Any) -> int:
    """One rule with its query and its triage notes. ID is its id, name or file name."""
    data = format_rule(ruleset_of(paths, config, given).find(name))
    click.echo(harmless(str(data.pop("name"))))
    for key, value in data.items():
        if value not in ("", [], None):
            _print_member(key.replace("_", " "), value)
    return DONE


@click.command("check")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@context_options
@rule_options
@click.pass_obj
def check_rules(config: Config, /, paths: tuple[str, ...], **given: Any) -> int:
    """Validate rule files and folders: what runs, and what cannot, on a tap's evidence alone.

    Exit code 2 if any is wrong.
    """
    rows = check_paths(
        paths or [shipped_rules()], config=effective_config(config, given),
        known_fields=known_fields(processes=given["processes"]), any_event=given["any_event"],
        resources=Resources(indicators=tuple(read_indicators(given["indicators"]))),
    )  # fmt: skip
    for row in rows:
        click.echo(f"{harmless(row.file)}: {harmless(row.name)}" if row.name
                   else harmless(row.file))  # fmt: skip
        if row.status == "error":
            for line in row.reason.splitlines():
                click.echo(f"    {harmless(line)}")
        else:
            _print_status(row.status, row.reason)
    wrong = sum(row.status == "error" for row in rows)
    files = len({row.file for row in rows if row.status == "error"})
    sound = len(rows) - wrong
    if sound > 1:
        click.echo(counts_of(row.status for row in rows))
    counts = f"{sound} sound rule{'s'[:sound != 1]}, {wrong} error{'s'[:wrong != 1]}"
    click.echo(counts + (f" in {files} file{'s'[:files != 1]}" if wrong else ""))
    return USAGE if wrong else DONE


def ruleset_of(paths: Sequence[str], config: Config, given: Mapping[str, Any]) -> RuleSet:
    """The rules as a run with these options would have them. Errors: OperatorError."""
    return load_rules(
        paths, (), effective_config(config, given), any_event=given["any_event"],
        processes=given["processes"], indicators=given["indicators"], strict=False)


def _print_status(status: str, reason: str) -> None:
    text = STATUS_WORDS[status] + (f": {reason}" if reason else "")
    click.echo(textwrap.fill(harmless(text), WIDTH, initial_indent="    ",
                             subsequent_indent="        "))  # fmt: skip


def _print_member(title: str, value: Any) -> None:
    """A heading and its text; short values stay on the heading's line."""
    if isinstance(value, dict):
        value = [f"{key}: {_joined(part)}" for key, part in value.items()]
    if isinstance(value, list):
        click.echo(f"\n{title}:")
        for item in value:
            words = harmless(" ".join(_joined(item).split()))
            click.echo(textwrap.fill(words, WIDTH, initial_indent="  - ", subsequent_indent="    "))
    elif "\n" in str(value) or len(str(value)) > WIDTH - 20:
        click.echo(f"\n{title}:")
        for line in str(value).splitlines():
            click.echo(f"    {harmless(line)}")
    else:
        click.echo(f"{title + ':':<14}{harmless(str(value))}")


def _joined(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
