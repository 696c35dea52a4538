"""`sensor live`: wiring, signals, privileges, what comes round regularly. Part of the command line."""

from __future__ import annotations

import os
import signal
import sys
import time
from types import FrameType
from typing import Any

from sensor.api import build_live, load_rules
from sensor.capture import open_live
from sensor.cli import ALERTED, DAMAGED, DONE, INTERRUPTED, say
from sensor.config import Config
from sensor.errors import CaptureError, ConfigError
from sensor.live_status import Reporter
from sensor.live_watch import Watch
from sensor.sinks.console import ConsoleOptions
from sensor.sinks.talkers import Talkers
from sensor.status import Notice
from sensor.wiring import full_ledger, open_stats, report, write_stats

STATUS_S = 60.0
"""Without a terminal a status line is written this often."""


def run_live(interfaces: tuple[str, ...], config: Config, options: dict[str, Any]) -> int:
    """Watch interfaces until a signal ends it; returns the exit code.

    Errors: OperatorError before anything is captured.
    """
    check(interfaces, options)

    def load() -> RuleSet:
        return load_rules(
            options["rules"], options["exceptions"], config,
            building_blocks=options["building_blocks"],
        )  # fmt: skip

    ruleset = load()
    try:
        captures = open_captures(interfaces, config, options)
    except CaptureError as error:
        say(f"sensor: {error}")
        return DAMAGED
    drop_privileges(options["user"])
    # Threads start from here on: a capability belongs to a thread.
    console = ConsoleOptions(options["color"], options["local_time"])
    plain = open_sinks(config, options, console)
    view = open_view(plain[0], console, quiet=options["quiet"])
    sinks = [background(sink, config.sink, options["spool"]) for sink in plain]
    flow_sink = open_flow_sink(options["flows"], config)
    talkers = Talkers()
    pipeline = build_live(captures, ruleset, [*sinks, talkers], config)
    pipeline.outlet.flow_writer = flow_sink
    pipeline.outlet.flow_events = options["flow_events"]
    around = Surroundings(
        pipeline, captures, ruleset, sinks, flow_sink, ServiceManager.from_environment(), view,
        Reloader(load), open_stats(options["stats"]), options["stats_interval"],
        options["duration"] or 0.0, options["quiet"],
    )  # fmt: skip
    reporter = Reporter(pipeline, captures, [*sinks, *([flow_sink] if flow_sink else ())])
    metrics = open_metrics(options["metrics"], reporter)
    run(around, reporter, options)
    ...
