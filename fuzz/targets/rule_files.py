"""Files that operators write: whatever is in them is read, or said to be wrong, all of it at once.

The first octet of an input chooses between the forms: TOML, and Kibana's NDJSON.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fuzz.targets.queries import DOCUMENTS, ROWS
from sensor.config import Config
from sensor.errors import ConfigError, QueryError
from sensor.query.document_rows import DocumentRows, ecs_type_of
from sensor.rules.describe import format_rule
from sensor.rules.exceptions import read_exceptions
from sensor.rules.loader import read_rules
from sensor.rules.rule import Schema
from sensor.rules.ruleset import RuleSet

KNOWN = {name: ecs_type_of(name) for name in ("source.ip", "destination.port", "event.category")}


class Files:
    """One file after the other, written where it costs no disk."""

    def __init__(self) -> None:
        folder = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self._folder = tempfile.TemporaryDirectory(dir=folder)

    def write(self, octets: bytes) -> str:
        """The path of a file with these octets; its first octet is the choice of its form."""
        suffix = "ndjson" if octets[:1] in (b"{", b"[") else "toml"
        path = Path(self._folder.name) / f"file.{suffix}"
        path.write_bytes(octets)
        return str(path)

    def rule(self, octets: bytes) -> None:
        """Load rules and run those that can run."""
        path = self.write(octets)
        config = Config()
        rules, errors = read_rules([path], config, Schema(KNOWN, any_event=True))
        for error in errors:
            assert isinstance(error, QueryError)
            assert str(error)
        for rule in rules:
            format_rule(rule)
        if not errors:
            ruleset = RuleSet(rules, config)
            alerts = ruleset.match(DocumentRows(DOCUMENTS))
            alerts += ruleset.advance(1_767_400_000_000_000_000)
            alerts += ruleset.finish()
            for alert in alerts:
                assert alert.document
            ruleset.ledger()
            ruleset.describe()

    def exceptions(self, octets: bytes) -> None:
        """Load exceptions and test what they except."""
        path = self.write(octets)
        try:
            items = read_exceptions([path], self._type_of)
        except ConfigError as error:
            assert str(error)
            return
        for item in items:
            assert item.predicate(ROWS).shape == (len(DOCUMENTS),)

    def _type_of(self, name: str) -> Any:
        return ecs_type_of(name)


def make(name: str) -> Callable[[bytes], None]:
    """The check of one kind of file."""
    files = Files()
    return files.rule if name == "rule" else files.exceptions
