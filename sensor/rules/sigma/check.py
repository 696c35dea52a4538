"""Converted rules as a run would load them: whether each runs, by the judge of all rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sensor.config import Config
from sensor.rules.loader import read_rules
from sensor.rules.rule import CANNOT_RUN, Schema
from sensor.rules.sigma.convert import Conversion

ERROR = "error"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rule of Sigma, and whether it runs here."""

    conversion: Conversion
    status: str
    """As of other rules (rule.py); `error` for what is wrong with the rule or its file."""
    reason: str


def judge(conversions: Sequence[Conversion], schema: Schema) -> list[Verdict]:
    """The verdict on each conversion, in their order."""
    with TemporaryDirectory(prefix="sensor-sigma-") as folder:
        files = {str(Path(folder, f"{number}.toml")): number
                 for number, conversion in enumerate(conversions) if conversion.text}  # fmt: skip
        for path, number in files.items():
            Path(path).write_text(conversions[number].text, encoding="utf-8")
        rules, errors = read_rules(sorted(files, key=files.__getitem__), Config(), schema)
    told = {files[error.path]: (ERROR, error.reason) for error in reversed(errors)}
    told |= {files[rule.text.path]: (rule.status, rule.reason) for rule in rules}
    # The file that has the id already is one that nobody will see.
    seen: dict[str, Conversion] = {}
    verdicts = []
    for number, conversion in enumerate(conversions):
        status, reason = told.get(number, (CANNOT_RUN, conversion.refusal))
        if conversion.error:
            status, reason = ERROR, conversion.error
        elif conversion.text:
            first = seen.setdefault(conversion.id, conversion)
            if first is not conversion:
                status, reason = ERROR, f"its id is already that of {first.path}"
        verdicts.append(Verdict(conversion, status, reason))
    return verdicts
