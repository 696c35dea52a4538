"""A rule as it was loaded, and what it was loaded with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.ecs.document_kinds import document_kinds
from sensor.errors import OperatorError, QueryError
from sensor.query.ast import Query
from sensor.query.document_rows import ecs_type_of
from sensor.query.predicate import Shared
from sensor.query.satisfiable import Evidence
from sensor.rules.exceptions import ExceptionItem
from sensor.rules.files import RuleText
from sensor.rules.runners import Runner

if TYPE_CHECKING:
    from sensor.rules.indicators import IndicatorFile
    from sensor.rules.state_store import RuleStore

PROCESS_ID = "process.pid"
"""A field that the sensor's own events have where it learns of processes."""
RUNS, DEGRADED, CANNOT_RUN = "runs", "degraded", "cannot_run"


class RulesError(OperatorError):
    """Everything that is wrong with the rules, in the order of the files."""

    def __init__(self, errors: list[QueryError]) -> None:
        # A condition may be met twice, plain and negated: its mistake is one all the same.
        self.errors = tuple({str(error): error for error in errors}.values())
        super().__init__("\n".join(str(error) for error in self.errors))


class CannotRun(Exception):
    """Why a rule that is written rightly cannot run here."""


@dataclass(frozen=True, slots=True)
class Resources:
    """The means of rules beside the events."""

    store: RuleStore | None = None
    """The store of new terms; None: in memory, for this run."""
    indicators: tuple[IndicatorFile, ...] = ()
    pause: Callable[[], None] | None = None
    """Called after each rule: others may want to work meanwhile."""


@dataclass(slots=True)
class Rule:
    """A rule, and whether it runs."""

    text: RuleText
    query: Query | None = None
    """The tree that is asked; None if the query is in no language that is evaluated."""
    status: str = RUNS
    reason: str = ""
    runner: Runner | None = None
    """The runner, with its memory; None if it cannot run."""
    external: tuple[str, ...] = ()
    """The networks that the rule's `not cidrmatch(destination.ip, ...)` excepts, as in force."""
    is_strict: bool = False
    """True if `strict_external` extended that list."""
    exceptions: list[ExceptionItem] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        """The names that it may be called by: its id, its name, the stem of its file."""
        return {self.text.id, self.text.name, Path(self.text.path).stem}

    def remark(self, *remarks: str) -> None:
        """Note in what way it runs degraded."""
        if any(remarks):
            self.status = DEGRADED
            self.reason = "; ".join(filter(None, [self.reason, *remarks]))

    def refuse(self, reason: str) -> None:
        """Note why it cannot run here."""
        self.status, self.reason, self.runner = CANNOT_RUN, reason, None


@dataclass(frozen=True, slots=True)
class Schema:
    """The fields and categories that the events of a run can have."""

    known_fields: Mapping[str, str]
    """The ECS types of the fields of the sensor's own events."""
    any_event: bool = False
    """True if events of other kinds come too: then every field is possible."""
    shared: Shared = field(default_factory=Shared, compare=False)
    """The conditions that several rules ask of the same events."""

    def type_of(self, name: str) -> str | None:
        """The ECS type of a field; None if no event has it."""
        known = self.known_fields.get(name)
        return ecs_type_of(name) if known is None and self.any_event else known

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the sensor's own events."""
        return tuple(self.known_fields)

    @property
    def evidence(self) -> Evidence:
        """What the events of the run can be, for the check of queries."""
        processes = PROCESS_ID in self.known_fields
        kinds = None if self.any_event else document_kinds(processes=processes)
        return Evidence(self.type_of, self.fields, kinds)
