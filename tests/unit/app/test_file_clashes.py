"""An output that is an input, or another output, is refused before anything is written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.command import ACCEPTED, PORT_RULE, sensor
from tests.unit.cli.bad_input import assert_refused

CAPTURE = Path(ACCEPTED).read_bytes()
EVENTS = b'{"@timestamp": "2026-01-01T00:00:00Z"}\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with one file of each kind that is read."""
    monkeypatch.chdir(tmp_path)
    for name in ("r.pcap", "d.ndjson", "r.html.part", "f/x.pcap"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(CAPTURE)
    (tmp_path / "ev.ndjson").write_bytes(EVENTS)
    (tmp_path / "rules").mkdir()
    shutil.copy(PORT_RULE, tmp_path / "rules" / "rule.toml")
    (tmp_path / "allow.csv").write_bytes(b"192.0.2.1\n")
    (tmp_path / "items.json").write_bytes(b"{}\n")
    (tmp_path / "key").write_bytes(bytes(range(32)))
    (tmp_path / "settings.toml").write_bytes(b"")
    os.symlink("r.pcap", tmp_path / "link.json")
    os.link(tmp_path / "r.pcap", tmp_path / "hard.csv")
    os.symlink("new.csv", tmp_path / "ahead.csv")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("line", "parts"), [
    ("report r.pcap -o r.pcap", ("-o r.pcap", "PATH r.pcap")),
    ("report f -o f/x.pcap", ("-o f/x.pcap", "PATH f/x.pcap")),
    ("report r.html.part -o r.html", ("-o r.html.part", "PATH r.html.part")),
    ("report r.pcap --allow allow.csv -o allow.csv", ("-o allow.csv", "--allow allow.csv")),
    ("replay -q r.pcap --stats r.pcap", ("--stats r.pcap", "PATH r.pcap")),
    ("replay -q r.pcap --stats f/../r.pcap", ("--stats f/../r.pcap", "PATH r.pcap")),
    ("replay -q d.ndjson --protocol-events d.ndjson", ("--protocol-events d.ndjson", "PATH")),
    ("replay -q r.pcap --flows hard.csv", ("--flows hard.csv", "PATH r.pcap")),
    ("replay -q r.pcap --alerts link.json", ("--alerts link.json", "PATH r.pcap")),
    ("replay -q --events ev.ndjson --flows ev.ndjson", ("--flows ev.ndjson", "--events ev.nd")),
    ("replay -q --events ev.ndjson --alerts ev.ndjson", ("--alerts ev.ndjson", "--events ev.nd")),
    ("replay -q --follow f --stats f/x.pcap", ("--stats f/x.pcap", "--follow f/x.pcap")),
    ("replay -q r.pcap --rules rules --stats rules/rule.toml", ("--rules rules/rule.toml",)),
    ("replay -q r.pcap --allow allow.csv --flows allow.csv", ("--allow allow.csv",)),
    ("replay -q r.pcap --indicators allow.csv --flows allow.csv", ("--indicators allow.csv",)),
    ("replay -q r.pcap --exceptions items.json --alerts items.json", ("--exceptions items.json",)),
    ("replay -q r.pcap --hash-key-file key --stats key", ("--hash-key-file key",)),
    ("replay -q r.pcap --config settings.toml --stats settings.toml", ("--config settings.toml",)),
    ("replay -q r.pcap --elasticsearch http://h?api_key_file=key --stats key", ("api_key_file",)),
    ("live -i lo --rules rules --stats rules/rule.toml", ("--rules rules/rule.toml",)),
])  # fmt: skip
def test_an_output_that_is_an_input(line: str, parts: tuple[str, ...], folder: Path) -> None:
    before = contents(folder)
    assert_refused(sensor(*line.split()), *parts, "are one file")
    assert contents(folder) == before


@pytest.mark.parametrize("command", ["replay -q r.pcap", "live -i lo"])
@pytest.mark.parametrize(("line", "parts"), [
    ("--flows a.csv --protocol-events a.csv", ("--flows a.csv", "--protocol-events a.csv")),
    ("--alerts p.parquet --flows p.parquet", ("--alerts p.parquet", "--flows p.parquet")),
    ("--stats a.json --alerts ./a.json", ("--stats ./a.json", "--alerts a.json")),
    ("--flows new.csv --alerts ahead.csv", ("--flows new.csv", "--alerts ahead.csv")),
])  # fmt: skip
def test_two_outputs_in_one_file(
    command: str, line: str, parts: tuple[str, ...], folder: Path
) -> None:
    before = contents(folder)
    assert_refused(sensor(*command.split(), *line.split()), "are one file",
                   *(part.replace("./", "").split()[0] for part in parts))  # fmt: skip
    assert contents(folder) == before


def test_what_may_be_shared_or_lies_beside_what_is_read(folder: Path) -> None:
    for line in ("r.pcap --flows /dev/null --alerts /dev/null --stats /dev/null",
                 "f --flows f/flows.csv", "f --flows f/flows.csv --stats f/stats.json",
                 "--events ev.ndjson --alerts alerts.ndjson"):  # fmt: skip
        assert sensor("replay", "-q", *line.split()).code == 0, line
    os.mkfifo(folder / "pipe")
    reader = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert sensor("replay", "-q", "r.pcap", "--flows", "pipe", "--alerts", "pipe").code == 0
    os.close(reader)
