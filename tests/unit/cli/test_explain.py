"""`sensor rules explain`: why a rule did or did not fire, told part by part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from sensor.app.options import ReplayOptions
from sensor.cli.explain import print_explanation, selection_of
from sensor.config import Config, RuleLimits
from sensor.errors import ConfigError
from sensor.query.kql import parser as kql
from tests.command import ACCEPTED, DEMO, EXTERNAL, REFUSED, sensor

PORT = "accepted_default_telnet_port_connection"
PLAIN = """
[rule]
rule_id = "r1"
name = "Mine"
description = "d"
severity = "low"
risk_score = 21
type = "{type}"
language = "{language}"
{more}
query = '''{query}'''
"""


def rule(folder: Path, query: str, kind: str = "query", more: str = "") -> str:
    path = folder / "mine.toml"
    language = "eql" if kind == "eql" else "kuery"
    path.write_text(PLAIN.format(type=kind, language=language, query=query, more=more), "utf-8")
    return str(path)


class Wanted(NamedTuple):
    """A question: a rule, the events, and which of them."""

    rule: str
    paths: tuple[str, ...]
    events: tuple[str, ...] = ()
    flow: str = ""
    rules: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    indicators: tuple[str, ...] = ()

    def ask(self, config: Config | None = None) -> int:
        options = ReplayOptions(
            paths=self.paths, events=self.events, rules=self.rules, exceptions=self.exceptions,
            indicators=self.indicators, config=config or Config(),
        )  # fmt: skip
        return print_explanation(self.rule, options, self.flow)


def explain(capsys: pytest.CaptureFixture[str], wanted: Wanted, code: int = 0) -> list[str]:
    assert wanted.ask() == code
    return capsys.readouterr().out.splitlines()


def events(lines: list[str]) -> list[str]:
    """What is told of each event: its action and its fate."""
    return [line.split(maxsplit=1)[1] for line in lines if line.startswith("  2026")]


def test_a_refused_connection_shows_the_part_that_fails() -> None:
    ended = sensor("rules", "explain", PORT, REFUSED)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "Accepted Default Telnet Port Connection: runs"
    assert set(events(lines)) == {
        "flow_denied: no alert: the query does not select it",
        "network_flow: no alert: the query does not select it"}
    assert "    yes   destination.port: 23  [has 23]" in lines
    failing = [line for line in lines if line.startswith("    NO    not event.action")]
    assert {line.rpartition("  ")[2] for line in failing} == {
        "[has flow_denied]", "[has network_flow]"}


def test_replay_explains_alike(tmp_path: Path) -> None:
    mine = rule(tmp_path, "event.action:flow_started and destination.port:24")
    for name, more in ((PORT, []), ("r1", ["--rules", mine])):
        explained = sensor("rules", "explain", name, *more, "--flow", "tcp", ACCEPTED)
        again = sensor("replay", "--explain", name, *more, "--explain-flow", "tcp", ACCEPTED)
        assert (again.code, again.out) == (0, explained.out) and again.out
    ended = sensor("replay", "--explain-flow", "tcp", ACCEPTED)
    assert ended.code == 2 and "--explain-flow needs --explain" in ended.err


def test_all_events_of_a_flow_are_shown_as_the_rule_wants_only_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = explain(capsys, Wanted(PORT, (ACCEPTED,)))
    first, *others = events(lines)
    assert first == "flow_started: ALERT"
    assert others == [f"{action}: no alert: the query does not select it" for action in (
        "telnet_login", "telnet_command", "telnet_command", "telnet_session", "network_flow")]


@pytest.mark.parametrize("text", [
    "1:/qBxKtnGxZYbz2CuFHrWAeVHhR8=", "192.168.1.83:50620", "185.199.110.153:23",
    "source.ip: 192.168.1.83 and destination.port: 23",
])  # fmt: skip
def test_a_flow_is_chosen_by_what_is_known_of_it(
    capsys: pytest.CaptureFixture[str], text: str
) -> None:
    lines = explain(capsys, Wanted(PORT, (DEMO,), flow=text))
    assert [line for line in lines if line.startswith("1:")] == [
        "1:/qBxKtnGxZYbz2CuFHrWAeVHhR8= tcp 192.168.1.83:50620 -> 185.199.110.153:23"]


def test_what_a_flow_may_be_called() -> None:
    assert selection_of("[2001:db8::1]:23") == kql.parse(
        'source.ip: "2001:db8::1" and source.port: 23 '
        'or destination.ip: "2001:db8::1" and destination.port: 23')
    assert selection_of("10.0.0.0/8") == kql.parse(
        "source.ip: 10.0.0.0/8 or destination.ip: 10.0.0.0/8")
    assert selection_of("2001:db8::1") == kql.parse(
        'source.ip: "2001:db8::1" or destination.ip: "2001:db8::1"')
    assert selection_of("fe2fefc6") == kql.parse(
        "network.community_id: fe2fefc6 or flow.id: fe2fefc6 or event.id: fe2fefc6")
    with pytest.raises(ConfigError, match="--flow"):
        selection_of("source.ip: (")


def test_nothing_chosen_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(capsys, Wanted(PORT, (DEMO,), flow="192.0.2.99"))[-1] == "no such event"


def test_the_nearest_come_first_and_the_rest_is_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = explain(capsys, Wanted(PORT, (DEMO,)))
    assert events(lines)[0] == "flow_started: ALERT"
    assert len([line for line in lines if line.startswith("1:")]) == 20
    assert lines[-1].endswith("further off: choose with --flow")


def test_an_exception_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    items = tmp_path / "exceptions.toml"
    items.write_text('[[item]]\nname = "Lab"\ncomment = "c"\nentries = ['
                     '{ field = "destination.port", type = "match", value = "23" }]\n', "utf-8")
    lines = explain(capsys, Wanted(PORT, (ACCEPTED,), exceptions=(str(items),)))
    assert events(lines)[0] == "flow_started: no alert: excepted by Lab"


TWO_AT_ONCE = [
    {"@timestamp": f"2026-01-01T00:00:0{second}Z", "event": {"action": "x", "id": f"e{second}"},
     "source": {"ip": "192.0.2.1"}}
    for second in (1, 2)
]  # fmt: skip


@pytest.mark.parametrize(("more", "fate"), [
    ("max_signals = 1", "no alert: over the limit (1); it counts in the closing alert"),
    ('alert_suppression = { group_by = ["source.ip"], duration = { value = 5, unit = "m" } }',
     "no alert: suppressed (alert_suppression)"),
])  # fmt: skip
def test_what_held_a_match_back_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, fate: str
) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text("".join(json.dumps(each) + "\n" for each in TWO_AT_ONCE), "utf-8")
    mine = rule(tmp_path, "event.action: x", more=more)
    lines = explain(capsys, Wanted("Mine", (), events=(str(path),), rules=(mine,)))
    assert events(lines) == ["x: ALERT", f"x: {fate}"]


@pytest.mark.parametrize(("kind", "more", "learning_ns", "fates"), [
    ("new_terms", "new_terms_fields = ['source.ip']\nhistory_window_start = 'now-1d'", None,
     ["no alert: it is learned: nothing is new yet (rule.new_terms_learning_s)",
      "no alert: wanted, but nothing in it is new"]),
    ("new_terms", "new_terms_fields = ['source.ip']\nhistory_window_start = 'now-1d'", 0,
     ["ALERT", "no alert: wanted, but nothing in it is new"]),
    ("threshold", "[rule.threshold]\nfield = ['source.ip']\nvalue = 1", None,
     ["ALERT", "no alert: it belongs to the alert before"]),
    ("threat_match", "[[rule.threat_mapping]]\nentries = [{field = 'source.ip', value = "
     "'threat.indicator.ip', type = 'mapping'}]", None,
     ["no alert: wanted, but it meets no indicator"] * 2),
], ids=["learning", "new_terms", "threshold", "threat_match"])
def test_what_is_asked_beyond_the_query_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, more: str,
    learning_ns: int | None, fates: list[str],
) -> None:
    (tmp_path / "mine.toml").write_text(PLAIN.format(
        type=kind, language="kuery", more="", query="event.action:x") + more, "utf-8")
    (tmp_path / "list.txt").write_text("192.0.2.0/24\n")
    (tmp_path / "e.ndjson").write_text("".join(
        json.dumps({"@timestamp": f"2026-01-02T03:04:0{second}Z", "event.action": "x",
                    "source.ip": "198.51.100.1"}) + "\n" for second in range(2)))
    limits = RuleLimits() if learning_ns is None else RuleLimits(new_terms_learning_ns=learning_ns)
    wanted = Wanted("mine", (), events=(str(tmp_path / "e.ndjson"),),
                    rules=(str(tmp_path / "mine.toml"),), indicators=(str(tmp_path / "list.txt"),))
    assert wanted.ask(Config(rule=limits)) == 0
    assert events(capsys.readouterr().out.splitlines()) == [f"x: {fate}" for fate in fates]


def test_the_steps_of_a_sequence_are_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = rule(tmp_path, "sequence by source.ip [network where event.action == \"flow_started\"] "
                "[network where event.action == \"network_flow\"]", "eql")
    lines = explain(capsys, Wanted("Mine", (ACCEPTED,), rules=(mine,)))
    told = events(lines)
    assert told[0] == (
        "flow_started: no alert: event 1 of 2 of a sequence: the next had not come by then")
    assert told[-1] == "network_flow: ALERT"
    steps = [line.strip() for line in lines if " step " in line]
    assert (steps[:2], steps[-2:]) == (
        ["yes step 1", "NO  step 2"], ["NO  step 1", "yes step 2"])


def test_captures_and_events_come_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text(json.dumps(TWO_AT_ONCE[0]) + "\n", "utf-8")
    mine = rule(tmp_path, "event.action: (x or flow_started)")
    lines = explain(capsys, Wanted("r1", (ACCEPTED,), events=(str(path),), rules=(mine,)))
    assert [fate for fate in events(lines) if fate.endswith("ALERT")] == [
        "x: ALERT", "flow_started: ALERT"]


def test_a_rule_that_cannot_run_says_so_and_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = rule(tmp_path, "process.name: sh and destination.port: 23")
    lines = explain(capsys, Wanted("Mine", (EXTERNAL,), rules=(mine,)))
    assert lines[0].startswith("Mine: cannot run here: not on a tap: process.name")
    assert "    NO    process.name: sh  [has nothing]" in lines


def test_a_rule_in_a_language_that_is_not_evaluated_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(rule(tmp_path, "destination.domain:/[a-z]{3}.stage/"))
    path.write_text(path.read_text().replace("kuery", "lucene"))
    assert explain(capsys, Wanted("mine", (ACCEPTED,), rules=(str(path),))) == [
        "Mine: cannot run here: language lucene: only kuery and eql are evaluated"]


def test_what_is_wrong_with_the_request(tmp_path: Path) -> None:
    unknown = sensor("rules", "explain", "nobody", DEMO)
    assert (unknown.code, unknown.out) == (2, "")
    assert "no rule 'nobody'; there are: " in unknown.message()
    near = sensor("rules", "explain", "telnet_brute_forse", DEMO)
    assert (near.code, near.out) == (2, "")
    assert "no rule 'telnet_brute_forse'; did you mean 'telnet_brute_force' or" in near.message()
    swapped = sensor("rules", "explain", DEMO, "telnet_brute_force")
    assert "is a file, and a rule's id is wanted in front of it" in swapped.message()
    assert sensor("rules", "explain", PORT).code == 2
    damaged = tmp_path / "damaged.pcap"
    damaged.write_bytes(Path(ACCEPTED).read_bytes()[:-7])
    ended = sensor("rules", "explain", PORT, str(damaged))
    assert ended.code == 1
    assert "damaged.pcap" in ended.message()
    assert "flow_started: ALERT" in ended.out


def documents(folder: Path, *actions: str, gap_s: int = 1) -> str:
    """A file of documents of one host, one after the other."""
    path = folder / "events.ndjson"
    path.write_text("".join(json.dumps({
        "@timestamp": f"2026-01-01T00:{number * gap_s // 60:02}:{number * gap_s % 60:02}Z",
        "event": {"action": action, "id": f"e{number}"}, "source": {"ip": "192.0.2.1"},
        "destination": {"port": number}}) + "\n" for number, action in enumerate(actions)))
    return str(path)


def test_what_alerted_comes_first_however_late_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("[rule.threshold]\nfield = ['source.ip']\nvalue = 50\ncardinality = "
            "{field = 'destination.port', value = 40}")
    path = tmp_path / "mine.toml"
    path.write_text(PLAIN.format(type="threshold", language="kuery", more="",
                                 query="event.action:x") + more, "utf-8")
    sources = documents(tmp_path, *["x"] * 60)
    lines = explain(capsys, Wanted("mine", (), events=(sources,), rules=(str(path),)))
    assert events(lines)[:2] == ["x: ALERT", "x: no alert: counted: 1 of 50 by then, "
                                 "1 of 40 different destination.port"]
    lines = explain(capsys, Wanted("mine", (), (sources,), "event.id: e58", (str(path),)))
    assert events(lines) == ["x: no alert: it belongs to the alert before"]


def test_what_an_exception_took_comes_before_what_is_only_near(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = tmp_path / "exceptions.toml"
    items.write_text('[[item]]\ncomment = "c"\nentries = ['
                     '{ field = "event.id", type = "match", value = "e9" }]\n', "utf-8")
    mine = rule(tmp_path, "event.action: x", more="max_signals = 1")
    sources = documents(tmp_path, *"yyyyyxyyyxy")
    lines = explain(capsys, Wanted("mine", (), (sources,), "", (mine,), (str(items),)))
    assert events(lines)[0] == "x: ALERT"
    assert events(lines)[1].startswith("x: no alert: excepted by ")


@pytest.mark.parametrize(("actions", "fate"), [
    ("b", "no sequence waited for it: none with its key had begun, or maxspan had passed, or it "
          "was ended"),
    ("ab", "ALERT"), ("a" + "x" * 9 + "b", "no sequence waited for it"),
    ("a!b", "no sequence waited for it"),
])  # fmt: skip
def test_what_an_event_of_a_sequence_came_to_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], actions: str, fate: str
) -> None:
    mine = rule(tmp_path, 'sequence by source.ip with maxspan=5s [any where event.action == "a"] '
                '[any where event.action == "b"] until [any where event.action == "!"]', "eql")
    sources = documents(tmp_path, *actions)
    last = f"event.id: e{len(actions) - 1}"
    lines = explain(capsys, Wanted("mine", (), (sources,), last, (mine,)))
    (told,) = events(lines)
    assert told.removeprefix("b: ").removeprefix("no alert: ").startswith(fate)


def test_a_long_list_is_shortened_and_its_member_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    networks = ", ".join(f'"198.51.{number}.0/24"' for number in range(30))
    mine = rule(tmp_path, f"network where not cidrmatch(source.ip, {networks}, "
                '"192.168.0.0/16") and destination.port == 23', "eql")
    lines = explain(capsys, Wanted("mine", (DEMO,), flow="192.168.1.83:50620", rules=(mine,)))
    assert ('NO not cidrmatch(source.ip, "198.51.0.0/24", "198.51.1.0/24", '
            '"198.51.2.0/24", ... 31 in all ..., "192.168.0.0/16") [has 192.168.1.83] '
            '(one of them: "192.168.0.0/16")') in [" ".join(line.split()) for line in lines]
    ports = " or ".join(map(str, range(14, 24)))
    mine = rule(tmp_path, f"destination.port:({ports})")
    lines = explain(capsys, Wanted("mine", (DEMO,), flow="192.168.1.83:50620", rules=(mine,)))
    assert ("yes destination.port: (14 or 15 or 16 or ... 10 in all ... or 23) [has 23] "
            "(one of them: 23)") in [" ".join(line.split()) for line in lines]


@pytest.mark.parametrize("flow", ["destination.prt: 23", "sorce.ip: 192.0.2.1"])
@pytest.mark.parametrize("with_events", [True, False])
def test_a_misspelt_field_of_the_choice_is_an_error(
    flow: str, with_events: bool, tmp_path: Path
) -> None:
    sources = (documents(tmp_path, "x"),) if with_events else ()
    with pytest.raises(ConfigError, match=r"--flow: .*: did you mean '"):
        Wanted(PORT, (ACCEPTED,), sources, flow).ask()
