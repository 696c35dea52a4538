"""`sensor rules convert`: rules of Sigma as rule files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sensor.base.escape import harmless
from sensor.cli.options import kind_options
from sensor.cli.output import DONE, USAGE
from sensor.cli.rules import STATUS_WORDS, counts_of
from sensor.ecs.schema import known_fields
from sensor.errors import ConfigError, OperatorError, reason_of
from sensor.rules.rule import DEGRADED, RUNS, Schema
from sensor.terminal.stderr import print_stderr

if TYPE_CHECKING:
    from sensor.rules.sigma.check import Verdict

STEM_MAX = 80
"""Characters of the name of a file, without its ending."""


@click.command("convert")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-o", "--output", metavar="DIR",
              help="A file for each rule that runs, in this folder, instead of standard output.")
@kind_options
def convert_rules(
    paths: tuple[str, ...], output: str | None, processes: bool, any_event: bool
) -> int:
    """Make rule files of Sigma rules.

    PATH is a file of YAML, or a folder of them (*.yml, *.yaml). Written are the rules that can run;
    of each a line on standard error says whether it runs. Exit code 2 if any is wrong.

    \b
      sensor rules convert web_scan.yml
      sensor rules convert -o mine sigma/rules/network sigma/rules/web
      sensor replay --rules mine capture.pcap
    """
    try:
        from sensor.rules.sigma.check import ERROR, judge  # noqa: PLC0415  optional, and 0.4 s
        from sensor.rules.sigma.convert import convert_file, find_sigma  # noqa: PLC0415
    except ImportError:
        raise OperatorError("Sigma rules need the package pysigma: "
                            "pip install 'flow-sensor[sigma]'") from None
    files, errors = find_sigma(paths)
    for error in errors:
        print_stderr(f"sensor: {error}")
    verdicts = judge([each for file in files for each in convert_file(file)],
                     Schema(known_fields(processes=processes), any_event))
    folder = None if output is None else _folder(output)
    _write([each for each in verdicts if each.status in (RUNS, DEGRADED)], folder)
    for verdict in verdicts:
        _print_verdict(verdict)
    wrong = sum(verdict.status == ERROR for verdict in verdicts) + len(errors)
    words = counts_of(verdict.status for verdict in verdicts)
    print_stderr(f"{words}, {wrong} error{'s'[:wrong != 1]}")
    return USAGE if wrong else DONE


def _folder(name: str) -> Path:
    """Errors: ConfigError if there can be no such folder."""
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--output {harmless(name)}: {reason_of(error)}") from None
    return Path(name)


def _write(verdicts: Iterable[Verdict], folder: Path | None) -> None:
    """Write rules, each into a file of its own or all to standard output.

    Errors: ConfigError if a file cannot be written.
    """
    taken: set[str] = set()
    for verdict in verdicts:
        if folder is None:
            click.echo(("\n" if taken else "") + verdict.conversion.text, nl=False)
            taken.add(verdict.conversion.path)
            continue
        path = folder / f"{file_stem(verdict.conversion.path, taken)}.toml"
        try:
            path.write_text(verdict.conversion.text, encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{harmless(str(path))}: {reason_of(error)}") from None


def file_stem(path: str, taken: set[str]) -> str:
    """The name, without an ending, for a rule from a file; notes it as taken.

    Only letters, digits and underscores are left of what others called their file.
    """
    plain = re.sub(r"[^a-z0-9]+", "_", Path(path).stem.lower()).strip("_")[:STEM_MAX] or "sigma"
    stem, number = plain, 1
    while stem in taken:
        number += 1
        stem = f"{plain}_{number}"
    taken.add(stem)
    return stem


def _print_verdict(verdict: Verdict) -> None:
    conversion = verdict.conversion
    words = (conversion.path, conversion.name, STATUS_WORDS[verdict.status], verdict.reason)
    print_stderr(harmless(": ".join(filter(None, words))))
