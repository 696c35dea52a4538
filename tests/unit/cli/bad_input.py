"""Files that are wrong, and how a command ends that was given one."""

from __future__ import annotations

from pathlib import Path

from tests.command import Ended


def assert_refused(ended: Ended, *parts: str) -> None:
    """Exit code 2 before anything was read, and a message with these parts."""
    assert ended.code == 2 and ended.out == ""
    for part in parts:
        assert part in ended.err, ended.err


def assert_damaged(ended: Ended, *parts: str) -> None:
    """Exit code 1, a message with these parts, and the alert of the good file all the same."""
    assert ended.code == 1 and len(ended.alerts()) == 1
    message = ended.message()
    for part in parts:
        assert part in message, message


def file_of(tmp_path: Path, octets: bytes, name: str = "bad.pcap") -> str:
    path = tmp_path / name
    path.write_bytes(octets)
    return str(path)


RULE = """[rule]
rule_id = "{id}"
name = "{name}"
type = "query"
language = "kuery"
severity = "low"
risk_score = 21
version = 1
description = "d"
query = '''
{query}
'''
"""


def rule_of(tmp_path: Path, query: str, *, id: str = "one", name: str = "one") -> str:
    path = tmp_path / f"{name}.toml"
    path.write_text(RULE.format(id=id, name=name, query=query), encoding="utf-8")
    return str(path)
