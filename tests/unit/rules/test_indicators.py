"""Indicator files: three forms, what each line becomes, what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sensor.errors import ConfigError
from sensor.rules import indicators
from sensor.rules.indicators import IndicatorFile, read_indicators


def read(folder: Path, content: str | bytes, name: str = "bad.txt") -> list[dict[str, Any]]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(IndicatorFile(str(path)).documents())


def wrong(folder: Path, content: str | bytes, name: str = "bad.txt") -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, content, name)
    return str(caught.value)


@pytest.mark.parametrize(("line", "indicator"), [
    ("192.0.2.1", {"type": "ipv4-addr", "ip": "192.0.2.1"}),
    ("192.0.2.0/24", {"type": "ipv4-addr", "ip": "192.0.2.0/24"}),
    ("2001:db8::/32", {"type": "ipv6-addr", "ip": "2001:db8::/32"}),
    ("Bad.Example.", {"type": "domain-name", "url": {"domain": "bad.example"},
                      "name": "bad.example"}),
    ("xn--bcher-kva.example", {"type": "domain-name", "url": {"domain": "xn--bcher-kva.example"}}),
    ("https://bad.example/x?y=1#z", {"type": "url", "url": {
        "full": "https://bad.example/x?y=1#z", "original": "https://bad.example/x?y=1#z"}}),
    ("D41D8CD98F00B204E9800998ECF8427E",
     {"type": "file", "file": {"hash": {"md5": [
         "d41d8cd98f00b204e9800998ecf8427e", "D41D8CD98F00B204E9800998ECF8427E"]}},
      "name": "d41d8cd98f00b204e9800998ecf8427e"}),
    ("a" * 40, {"type": "file", "file": {"hash": {"sha1": ["a" * 40, "A" * 40]}}}),
    ("b" * 64, {"type": "file", "file": {"hash": {"sha256": ["b" * 64, "B" * 64]}}}),
])
def test_lines_of_a_list(line: str, indicator: dict[str, Any], tmp_path: Path) -> None:
    (document,) = read(tmp_path, f"{line}\n")
    assert document["threat"]["indicator"] == {"name": line, **indicator}
    assert document["threat"]["feed"] == {"name": "bad.txt"}
    assert document["event"]["module"] == "threatintel"
    (described,) = read(tmp_path, f"  {line}   # seen twice # in May\r\n")
    assert described["threat"]["indicator"] == {
        "name": line, **indicator, "description": "seen twice # in May"}


def test_comments_and_empty_lines_are_passed_over(tmp_path: Path) -> None:
    content = "\ufeff# a list\n\n; another remark\n192.0.2.1 ; SBL1\n  # end\n192.0.2.2\n"
    found = read(tmp_path, content)
    assert [document["threat"]["indicator"]["ip"] for document in found] == [
        "192.0.2.1", "192.0.2.2"]
    assert found[0]["threat"]["indicator"]["description"] == "SBL1"
    assert IndicatorFile(str(tmp_path / "bad.txt")).line(1) == 6


def test_csv_with_a_heading(tmp_path: Path) -> None:
    content = ('threat.indicator.ip,note,threat.indicator.port,threat.feed.name\r\n'
               '192.0.2.1,"a, b",23,mine\r\n\r\n,only a note,,\r\n192.0.2.2,,,\r\n')
    first, second = read(tmp_path, content, "list.CSV")
    assert first["threat"] == {"feed": {"name": "mine"}, "indicator": {
        "ip": "192.0.2.1", "port": "23", "name": "192.0.2.1"}}
    assert first["note"] == "a, b"
    assert second["threat"]["indicator"] == {"ip": "192.0.2.2", "name": "192.0.2.2"}
    assert second["threat"]["feed"] == {"name": "list.CSV"}


def test_documents_nested_dotted_and_as_elasticsearch_dumps_them(tmp_path: Path) -> None:
    lines = [{"threat": {"indicator": {"ip": "192.0.2.1"}}, "event": {"module": "ti_x"}},
             {"threat.indicator.ip": "192.0.2.2"},
             {"_id": "1", "_source": {"threat": {"indicator": {"ip": ["192.0.2.3"]}}}}]
    found = read(tmp_path, "\n".join(map(json.dumps, lines)) + "\n", "dump.ndjson")
    assert [document["threat"]["indicator"]["ip"] for document in found] == [
        "192.0.2.1", "192.0.2.2", ["192.0.2.3"]]
    assert [document["event"]["module"] for document in found] == [
        "ti_x", "threatintel", "threatintel"]


@pytest.mark.parametrize(("name", "content", "reason"), [
    ("bad.txt", "192.0.2.1\n10.0.0.256\n", "bad.txt:2: '10.0.0.256' is neither"),
    ("bad.txt", "10.0.0.0/33\n", "bad.txt:1:"),
    ("bad.txt", "indicator\n", "bad.txt:1:"),
    ("bad.txt", b"\xff\n", "not UTF-8 at octet 0"),
    ("bad.csv", "ip,note\n192.0.2.1,x\n", "bad.csv:1: the heading names no threat.indicator."),
    ("bad.csv", "", "bad.csv:1: the heading"),
    ("bad.csv", "threat.indicator.ip\n192.0.2.1,x\n", "bad.csv:2: more values"),
    ("bad.csv", 'threat.indicator.ip\n"192.0.2.1\n', "CSV:"),
    ("bad.json", '{"threat.indicator.ip": "192.0.2.1"}\n{\n', "bad.json:2: JSON:"),
    ("bad.json", '{"source.ip": "192.0.2.1"}\n', "bad.json:1: no document with"),
    ("bad.json", "[1]\n", "bad.json:1: no document with"),
])
def test_what_is_wrong(name: str, content: str, reason: str, tmp_path: Path) -> None:
    assert reason in wrong(tmp_path, content, name)


def test_everything_wrong_is_said_at_once_up_to_a_bound(tmp_path: Path) -> None:
    told = wrong(tmp_path, "?\n" * 30).split("\n")
    assert len(told) == indicators.ERRORS_SHOWN + 1
    assert told[-1] == "and 10 more"
    (tmp_path / "other.txt").write_text("?\n")
    with pytest.raises(ConfigError) as caught:
        read_indicators([str(tmp_path / name) for name in ("bad.txt", "other.txt", "none.txt")])
    assert "other.txt:1:" in str(caught.value)
    assert "none.txt: cannot be read: No such file" in str(caught.value)


def test_files_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indicators, "INDICATORS_MAX", 1)
    assert "more than 1 indicators" in wrong(tmp_path, "192.0.2.1\n192.0.2.2\n")
    monkeypatch.setattr(indicators, "FILE_BYTES_MAX", 5)
    assert "larger than 5 octets" in wrong(tmp_path, "192.0.2.1\n")


@pytest.mark.parametrize(("name", "content"), [
    ("bad.txt", "1.2.3\n"),
    ("bad.ndjson", '{"threat": {"indicator": {"ip": "1.2.3"}}}\n'),
    ("bad.ndjson", '{"threat.indicator.ip": ["192.0.2.1", "1.2.3"]}\n'),
    ("bad.csv", "threat.indicator.ip\n1.2.3\n"),
])
def test_what_is_no_address_is_wrong_in_every_form(
    name: str, content: str, tmp_path: Path
) -> None:
    line = 2 if name.endswith("csv") else 1
    told = wrong(tmp_path, content, name)
    assert told.startswith(f"{tmp_path / name}:{line}: '1.2.3' is neither an address nor a network")


@pytest.mark.parametrize(("written", "name"), [
    ({"ip": "192.0.2.0/24"}, "192.0.2.0/24"),
    ({"ip": ["192.0.2.0/24", "2001:db8::1"]}, "192.0.2.0/24, 2001:db8::1"),
    ({"ip": "192.0.2.0/24", "name": "Lab"}, "Lab"),
])
def test_the_address_is_the_name_of_an_indicator_without_one(
    written: dict[str, Any], name: str, tmp_path: Path
) -> None:
    line = json.dumps({"threat": {"indicator": written}})
    (document,) = read(tmp_path, line, "x.ndjson")
    assert document["threat"]["indicator"] == {**written, "name": name}
