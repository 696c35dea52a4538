"""Rules loaded anew while the sensor runs."""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue

from sensor.errors import OperatorError
from sensor.monitoring.live_run import LiveRun, Operator, SignalRequests
from sensor.monitoring.systemd import ServiceManager
from sensor.protocols import AnalyzedProtocol
from sensor.rules.ruleset import RuleSet

REST = 2.0
"""For so many times what a slice took the interpreter is left to those who work on frames."""
SWITCH_S = 0.0005
"""Whoever works on frames waits no longer than this for the interpreter, ten times less than
Python's own."""
SETTLE_RULES = 50
"""After so many rules the garbage collector is told not to look at them again."""


class Slices:
    """Called between two rules while they are loaded: lets the table run in between.

    Rules are many small objects that live long: to look at all of them for garbage again and again
    would stop every thread, for a second where there are ten thousand rules.
    """

    def __init__(self) -> None:
        self._is_on = False
        self._worked_s = 0.0
        self._rules = 0

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        """Pause in between from now on: this thread is one of several."""
        before_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        self._is_on, self._worked_s = True, time.thread_time()
        try:
            yield
        finally:
            self._is_on = False
            sys.setswitchinterval(before_s)

    def __call__(self) -> None:
        self._rules += 1
        if self._rules % SETTLE_RULES == 0:
            settle()
        if self._is_on:
            time.sleep(REST * (time.thread_time() - self._worked_s))
            self._worked_s = time.thread_time()


def settle() -> None:
    """Have the garbage collector leave alone what there is now, after a last look."""
    gc.collect()
    gc.freeze()


class Reloader:
    """Loads rules in a thread of its own, so that capture goes on meanwhile."""

    def __init__(self, load: Callable[[], RuleSet], slices: Slices | None = None) -> None:
        """`load` calls `slices` between two rules."""
        self.load = load
        self._slices = slices or Slices()
        self._results: SimpleQueue[RuleSet | Exception] = SimpleQueue()
        self.busy = False

    def start(self) -> None:
        """Begin; `take` has the result later."""
        self.busy = True
        threading.Thread(target=self._run, name="sensor-reload", daemon=True).start()

    def _run(self) -> None:
        try:
            with self._slices.on():
                rules = self.load()
                _ = rules.protocols  # of many rules it takes long to find
                settle()
            self._results.put(rules)
        except Exception as error:  # the old rules stay, whatever is wrong with the new ones
            self._results.put(error)

    def free(self, rules: RuleSet) -> None:
        """Free rules that nobody uses any more, in a thread of its own: ten thousand take long."""
        def pop_all() -> None:
            with self._slices.on():
                for each in (rules.running, rules.rules):
                    while each:
                        each.pop()
                        self._slices()

        threading.Thread(target=pop_all, name="sensor-free", daemon=True).start()

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
        self, reloader: Reloader, run: LiveRun, operator: Operator, requests: SignalRequests,
        service: ServiceManager,
        analyzed: Callable[[RuleSet], Sequence[AnalyzedProtocol]],
    ) -> None:
        """`analyzed` gives the protocols that a run with some rules analyzes."""
        self._reloader = reloader
        self._run = run
        self._operator = operator
        self._requests = requests
        self._service = service
        self._analyzed = analyzed

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
            self._operator.note("reload", f"the rules stay as they were: {reason}", warning=True)
        self._service.ready()

    def _change_rules(self, rules: RuleSet) -> None:
        stage, before = self._run.pipeline.stage, self._run.rules
        stage.emit(rules.inherit(before))
        protocols = self._analyzed(rules)
        for lane in self._run.pipeline.lanes:
            if lane.streams is not None:
                lane.streams.analyze(protocols)
        stage.rules = self._run.rules = rules
        self._reloader.free(before)
        self._operator.note("reload", f"rules loaded: {len(rules.rules)}")
        for text in rules.notices:
            self._operator.note("reload", text)
