"""The memory of rules in a live run: a file that cannot be used is said, and tried again."""

from __future__ import annotations

from sensor.monitoring.live_run import Operator
from sensor.rules.state_store import RuleStore


class StateWatch:
    """Looks after the file of `--state`: it never keeps a sensor down."""

    def __init__(self, store: RuleStore, operator: Operator) -> None:
        self._store = store
        self._operator = operator
        self._said = ""

    def __call__(self) -> None:
        self._store.try_again()
        error = self._store.error
        if error == self._said:
            return
        text = f"{error}; it is tried again" if error else "what rules learn is kept again"
        self._operator.note("state", text, warning=bool(error))
        self._said = error
