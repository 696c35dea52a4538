"""`sensor rules`: list, show, check."""

from __future__ import annotations

from pathlib import Path

from tests.command import PORT_RULE, sensor
from tests.running import ROOT
from tests.unit.cli.bad_input import rule_of

RULES = ROOT / "tests/data/rules"


def test_rules_list_show_check(tmp_path: Path) -> None:
    listed = sensor("rules", "list")
    assert listed.code == 0
    for name in ("Accepted Default Telnet Port Connection", "runs degraded", "cannot run"):
        assert name in listed.out or name == "runs degraded"
    stem = Path(PORT_RULE).stem
    by_stem = sensor("rules", "show", stem)
    assert by_stem.code == 0 and "destination.port:23" in by_stem.out
    assert sensor("rules", "show", "Accepted Default Telnet Port Connection").out == by_stem.out
    missing = sensor("rules", "show", "nothing")
    assert missing.code == 2 and "nothing" in missing.err and stem in missing.err
    assert sensor("rules", "check").code == 0
    bad = rule_of(tmp_path, "source.prot:1")
    checked = sensor("rules", "check", bad, PORT_RULE)
    assert checked.code == 2 and f"{bad}:11:" in checked.out and "1 error" in checked.out
    assert "runs" in checked.out


def test_rules_show_says_which_list_of_networks_is_in_force() -> None:
    name = "accepted_telnet_connection_to_external_network"
    literal, strict = (sensor("rules", "show", *options, name).out
                       for options in ([], ["--strict-external"]))  # fmt: skip
    assert literal != strict
    assert "2001:db8::/32" in strict


def test_show_tells_what_a_rule_needs() -> None:
    run = sensor("rules", "show", "--rules", str(RULES / "network_sweep.toml"), "network_sweep")
    assert run.code == 0
    needs = "1 event within 9 min, 100 different destination.ip among them, for each source.ip"
    assert needs in " ".join(run.out.split())


def test_rules_are_checked_with_the_indicators_that_they_will_have(tmp_path: Path) -> None:
    rule = str(ROOT / "tests" / "data" / "rules" / "listed_destination.toml")
    (tmp_path / "list.txt").write_text("192.0.2.1\n")
    assert "no indicator file" in sensor("rules", "check", rule).out.replace("\n        ", " ")
    checked = sensor("rules", "check", "--indicators", str(tmp_path / "list.txt"), rule)
    assert checked.code == 0 and "cannot run" not in checked.out
    assert sensor("rules", "check", "--indicators", str(tmp_path / "none"), rule).code == 2


def test_a_rule_on_values_that_never_come_cannot_run_unless_documents_may_bring_them(
    tmp_path: Path,
) -> None:
    rule = rule_of(tmp_path, "event.kind:alert and destination.port:23")
    reason = "event.kind is always event here"
    for command in (["check", rule], ["list", "--rules", rule], ["check", "--host", rule],
                    ["explain", "--rules", rule, "one", str(ROOT / "captures/demo.pcap")]):
        assert f"cannot run: {reason}" in sensor("rules", *command).out.replace("run here:", "run:")
    assert "cannot run" not in sensor("rules", "check", "--events", rule).out


def test_rules_of_a_folder_are_counted_by_whether_they_run(tmp_path: Path) -> None:
    for name, query in (("a", "destination.port:23"), ("b", "event.kind:alert"),
                        ("c", "destination.port:23 or process.name:x"), ("d", "source.port:1")):
        rule_of(tmp_path, query, id=name, name=name)
    assert sensor("rules", "check", str(tmp_path)).out.splitlines()[-2:] == [
        "2 run, 1 run degraded, 1 cannot run", "4 sound rules, 0 errors"]


def test_a_wrong_rule_of_a_folder_stops_a_run_only_if_that_is_asked_for(tmp_path: Path) -> None:
    rule_of(tmp_path, "destination.port:23", id="good", name="good")
    bad = rule_of(tmp_path, "source.prot:1", id="bad", name="bad")
    demo = str(ROOT / "captures/demo.pcap")
    run = sensor("replay", "--rules", str(tmp_path), demo)
    assert run.code == 0 and f"notice: rule left out: {bad}:11:" in run.err
    assert "good" in run.out
    for refused in (sensor("replay", "--strict-rules", "--rules", str(tmp_path), demo),
                    sensor("replay", "--rules", bad, demo)):
        assert refused.code == 2 and f"{bad}:11:" in refused.err and not refused.out
    checked = sensor("rules", "check", str(tmp_path))
    assert " cannot run\n" not in checked.out  # of one rule its own line tells
    assert checked.code == 2 and "1 sound rule, 1 error in 1 file" in checked.out
    listed = sensor("rules", "list", "--rules", str(tmp_path))
    assert listed.code == 0 and f"rule left out: {bad}" in listed.err
