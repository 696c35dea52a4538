"""Allow-lists: what they except, in both forms, what is counted, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sensor.config import Config
from sensor.errors import ConfigError
from sensor.query.document_rows import DocumentRows, ecs_type_of
from sensor.rules.allow_lists import read_allow_lists
from sensor.rules.ruleset import RuleSet
from tests.command import DEMO, quiet, sensor

FIELDS = {name: ecs_type_of(name)
          for name in ("source.ip", "source.port", "destination.ip", "destination.port")}
RULE = """
[rule]
rule_id = "ID"
name = "Rule ID"
description = "d"
type = "query"
severity = "low"
risk_score = 21
query = "destination.ip:*"
"""
EVENTS: dict[str, dict[str, Any]] = {
    "a": {"source.ip": "10.0.0.1", "source.port": 5, "destination.ip": "192.0.2.1",
          "destination.port": 23},
    "b": {"source.ip": "10.0.1.1", "source.port": 6, "destination.ip": "192.0.2.1",
          "destination.port": 80},
    "c": {"source.ip": "fd00::1", "source.port": 23, "destination.ip": "2001:db8::1",
          "destination.port": 23},
    "d": {"destination.ip": ["198.51.100.7", "10.0.0.1"]},
}  # fmt: skip


def rules_with(folder: Path, *lists: str) -> RuleSet:
    (folder / "rule.toml").write_text(RULE)
    return RuleSet.load([str(folder / "rule.toml")], allow=lists, config=Config(),
                        known_fields=FIELDS)  # fmt: skip


def written(folder: Path, content: str, name: str = "allow.txt") -> str:
    (folder / name).write_text(content, "utf-8")
    return str(folder / name)


@pytest.mark.parametrize(("content", "left"), [
    ("10.0.0.1", "bc"),
    ("# all of them\n\n10.0.0.0/8  # inside\n", "c"),
    ("192.0.2.1 80", "acd"),
    ("192.0.2.1 6", "abcd"),  # another end's port
    ("192.0.2.1 23\nfd00::1 23", "bd"),
    ("2001:db8::/32", "abd"),
    ("0.0.0.0/0", "c"),
    ("::ffff:10.0.1.1", "acd"),
    ("ip,name\n10.0.1.1,switch\n", "acd"),
    ('"Name";"CIDR"\r\n"a;b";"10.0.1.0/24"\r\n"none";""\r\n', "acd"),
    ("address\towner\nfd00::1\tnet\n", "abd"),
])  # fmt: skip
def test_what_is_left(content: str, left: str, tmp_path: Path) -> None:
    rules = rules_with(tmp_path, written(tmp_path, content))
    rows = DocumentRows(list(EVENTS.values()), list(range(4)))
    kept = [alert.document for alert in rules.match(rows)]
    names = "".join(key for key, event in EVENTS.items() if any(
        kept_event["destination"]["ip"] == event["destination.ip"]  # type: ignore[index]
        and kept_event.get("source", {}).get("ip") == event.get("source.ip")  # type: ignore[attr-defined]
        for kept_event in kept))
    assert names == left
    assert sum(entry["matches"] for entry in rules.excepted().values()) == 4 - len(left)


def test_matches_count_for_the_longest_prefix(tmp_path: Path) -> None:
    path = written(tmp_path, "10.0.0.0/8 # inside\n10.0.1.0/24 # lab\n10.0.1.1 6 # it\n192.0.2.9\n")
    rules = rules_with(tmp_path, path)
    rules.match(DocumentRows(list(EVENTS.values()), list(range(4))))
    assert rules.excepted() == {
        f"{path}:1 10.0.0.0/8": {"comment": "inside", "matches": 2},
        f"{path}:3 10.0.1.1 6": {"comment": "it", "matches": 1},
    }


def test_counts_outlive_a_reload(tmp_path: Path) -> None:
    path = written(tmp_path, "10.0.1.1")
    before = rules_with(tmp_path, path)
    before.match(DocumentRows(list(EVENTS.values()), list(range(4))))
    for rule in (RULE, RULE.replace("low", "high")):
        (tmp_path / "rule.toml").write_text(rule)
        after = RuleSet.load([str(tmp_path / "rule.toml")], config=Config(), known_fields=FIELDS)
        after.inherit(before)
        assert after.excepted() == {f"{path}:1 10.0.1.1": {"comment": "", "matches": 1}}
        before = after


@pytest.mark.parametrize(("name", "content", "told"), [
    ("a.txt", "10.0.0.1:23", ":1: '10.0.0.1:23': wanted is an address, a network"),
    ("a.txt", "10.0.0.1\n10.0.0.1 99999", ":2: "),
    ("a.txt", "host.example", "host.example"),
    ("a.txt", "10.0.0.0/33", "10.0.0.0/33"),
    ("a.txt", "1.2.3.4 5 6", "a comment begins with #"),
    ("a.txt", "# nothing\n", "no entry in it"),
    ("a.csv", "name,mac\nx,y\n", "ip, cidr, network, address"),
    ("a.csv", 'ip\n"10.0.0.1\n', "CSV"),
    ("a.csv", "ip,name\nlocalhost,x\n", ":2: 'localhost'"),
])  # fmt: skip
def test_what_is_wrong_is_told(name: str, content: str, told: str, tmp_path: Path) -> None:
    path = written(tmp_path, content, name)
    with pytest.raises(ConfigError) as caught:
        read_allow_lists([path])
    assert path in str(caught.value)
    assert told in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe1")
    missing = str(tmp_path / "missing")
    with pytest.raises(ConfigError) as caught:
        read_allow_lists([missing, str(tmp_path / "binary"), missing])
    assert [line.partition(": ")[2] for line in str(caught.value).splitlines()] == [
        "cannot be read: No such file or directory",
        "not UTF-8 at octet 0; wanted is text: one a line, an address, a network, or"
        " `address port`"]


def test_the_command_counts_by_entry(tmp_path: Path) -> None:
    # The demo's telnet servers, from its story.
    path = written(tmp_path, "192.168.1.50 23 # printer\n10.40.7.9\n"
                             "185.199.110.0/23\n203.0.113.66\n203.0.113.99\n")
    ended = sensor("replay", "--allow", path, DEMO)
    assert (ended.code, ended.out) == (0, "")
    assert "printer" in ended.err
    assert "203.0.113.99" not in ended.err


def test_expired_exceptions_are_told(tmp_path: Path) -> None:
    items = written(tmp_path, '[[item]]\nname = "Lab"\ncomment = "c"\nexpires = 2026-01-01\n'
                              'entries = [{field = "source.ip", type = "exists"}]\n', "e.toml")
    ended = sensor("replay", "--exceptions", items, DEMO)
    assert ended.err.count("exception 'Lab'") == 1
    assert "has expired" in ended.err
    assert quiet("--exceptions", items, DEMO).err == ""
