"""Rules loaded anew while the sensor runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from sensor.errors import OperatorError
from sensor.monitoring.live_run import LiveRun, Operator, SignalRequests
from sensor.monitoring.systemd import ServiceManager
from sensor.rules.ruleset import RuleSet


class Reloader:
    """Loads rules in a thread of its own, so that capture goes on meanwhile."""

    def __init__(self, load: Callable[[], RuleSet]) -> None:
        self.load = load
        self._results: SimpleQueue[RuleSet | Exception] = SimpleQueue()
        self.busy = False

    def start(self) -> None:
        """Begin; `take` has the result later."""
        self.busy = True
        threading.Thread(target=self._run, name="sensor-reload", daemon=True).start()

    def _run(self) -> None:
        try:
            self._results.put(self.load())
        except Exception as error:  # the old rules stay, whatever is wrong with the new ones
            self._results.put(error)

    def take(self) -> RuleSet | Exception | None:
        """The new rules, or why there are none; None while loading, or if nothing was asked."""
        try:
            result = self._results.get_nowait()
        except Empty:
            return None
        self.busy = False
        return result


class ReloadTask:
    """Answers a request to reload: files are opened anew at once, rules changed once loaded."""

    def __init__(
        self,
        reloader: Reloader,
        run: LiveRun,
        operator: Operator,
        requests: SignalRequests,
        service: ServiceManager,
    ) -> None:
        self._reloader = reloader
        self._run = run
        self._operator = operator
        self._requests = requests
        self._service = service

    def __call__(self) -> None:
        if self._requests.reload and not self._reloader.busy:
            self._requests.reload = False
            self._service.reloading()
            for sink in self._run.all_sinks():
                sink.reopen()
            self._reloader.start()
        result = self._reloader.take()
        if result is None:
            return
        if isinstance(result, RuleSet):
            self._change_rules(result)
        else:
            reason = str(result) if isinstance(result, OperatorError) else repr(result)
            self._operator.note(
                "reload", f"the rules stay as they were: {reason}", warning=True)
        self._service.ready()

    def _change_rules(self, rules: RuleSet) -> None:
        stage = self._run.pipeline.stage
        stage.emit(rules.inherit(self._run.rules))
        stage.rules = self._run.rules = rules
        self._operator.note("reload", f"rules loaded: {len(rules.rules)}")
        for text in rules.notices:
            self._operator.note("reload", text)
