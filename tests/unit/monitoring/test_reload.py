"""Rules that are loaded anew while the session runs: what changes and what stays."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any

import pytest

from sensor.app.build import load_rules, shipped_rules
from sensor.errors import ConfigError
from sensor.monitoring.reload import Slices, settle
from tests.unit.monitoring.scene import Scene


def test_a_reload_replaces_the_rules_and_keeps_what_they_remember(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scene = Scene()
    scene.live.pipeline.run()
    before, counted = scene.live.rules, scene.live.rules.ledger()
    scene.requests.reload = True
    scene.until(lambda: scene.live.rules is not before)
    after = scene.live.rules
    assert scene.live.pipeline.stage.rules is after
    assert after.ledger() == counted
    assert sum(part["alerts"] for part in after.ledger().values()) == len(scene.sink.alerts) == 1
    assert scene.sink.reopened == 1
    assert f"rules loaded: {len(after.rules)}" in capsys.readouterr().err


def test_what_a_changed_rule_counted_stays_in_the_ledger(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    shipped = Path(shipped_rules()) / "accepted_default_telnet_port_connection.toml"
    other.write_text(shipped.read_text().replace("risk_score = 47", "risk_score = 48"))
    scene = Scene(lambda: load_rules([str(other)]))
    scene.live.pipeline.run()
    before = scene.live.rules
    scene.requests.reload = True
    scene.until(lambda: scene.live.rules is not before)
    assert scene.live.rules is not before and len(scene.live.rules.rules) == 1
    ledger = scene.live.rules.ledger()
    assert sum(part["alerts"] for part in ledger.values()) == len(scene.sink.alerts) == 1


def test_the_rules_before_are_freed_and_loading_leaves_room_for_others() -> None:
    slices = Slices()
    calls: list[int] = []

    def pause() -> None:
        calls.append(1)
        slices()

    scene = Scene(lambda: load_rules(pause=pause))
    before, switch_s = scene.live.rules, sys.getswitchinterval()
    scene.requests.reload = True
    scene.until(lambda: scene.live.rules is not before and not before.rules and not before.running)
    assert len(calls) == len(scene.live.rules.rules) > 1
    scene.until(lambda: sys.getswitchinterval() == switch_s)


def test_the_garbage_collector_looks_at_loaded_rules_no_more() -> None:
    rules = load_rules()
    settle()
    assert not any(rules.rules is each or rules is each for each in gc.get_objects())
    gc.unfreeze()


def test_bad_rules_change_nothing_and_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    def load() -> Any:
        raise ConfigError("telnet.toml:3: what is this?")

    scene = Scene(load)
    before = scene.live.rules
    scene.requests.reload = True
    scene.until(lambda: scene.sink.notices)
    assert scene.live.rules is before
    assert "the rules stay as they were: telnet.toml:3" in capsys.readouterr().err
    assert scene.sink.notices[0].warning
