"""`sensor rules convert`: what it writes, says and ends with."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor.cli.rules_convert import file_stem
from tests.command import DEMO, sensor
from tests.unit.rules.sigma.converting import ID, sigma

TELNET = sigma("selection:\n    DestinationPort: 23\ncondition: selection",
               "category: network_connection")  # fmt: skip
IMAGE = sigma("selection:\n    Image|endswith: telnet\ncondition: selection",
              "category: network_connection").replace(ID, f"{ID[:-1]}2")  # fmt: skip


def test_a_converted_rule_finds_what_it_is_to_find(tmp_path: Path) -> None:
    (tmp_path / "telnet.yml").write_text(TELNET)
    run = sensor("rules", "convert", str(tmp_path / "telnet.yml"))
    assert run.code == 0 and run.err.splitlines() == [
        f"{tmp_path / 'telnet.yml'}: A rule: runs",
        "1 run, 0 run degraded, 0 cannot run, 0 errors"]  # fmt: skip
    (tmp_path / "telnet.toml").write_text(run.out)
    replayed = sensor("replay", "--json", "--rules", str(tmp_path / "telnet.toml"), DEMO)
    found = replayed.documents()
    assert found and {alert["rule"]["id"] for alert in found} == {ID}
    assert {alert["destination"]["port"] for alert in found} == {23}


def test_a_folder_gets_a_file_for_each_rule_that_runs(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "new" / "out"
    source.mkdir()
    (source / "Two Rules;.yml").write_text(f"{TELNET}---\n{IMAGE}")
    run = sensor("rules", "convert", "-o", str(target), str(source))
    assert run.code == 0 and run.out == "" and "cannot run: not on a tap" in run.err
    assert [path.name for path in target.iterdir()] == ["two_rules.toml"]
    again = sensor("rules", "convert", "--host", "-o", str(target), str(source))
    assert again.code == 0 and "2 run, 0 run degraded, 0 cannot run" in again.err
    assert sorted(path.name for path in target.iterdir()) == ["two_rules.toml",
                                                              "two_rules_2.toml"]  # fmt: skip
    checked = sensor("rules", "check", "--host", str(target))
    assert checked.code == 0 and "2 sound rules, 0 errors" in checked.out


def test_what_is_wrong_is_said_and_the_others_are_converted(tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_text(TELNET)
    (tmp_path / "bad\x1b[31m.yml").write_text("title: [")
    run = sensor("rules", "convert", str(tmp_path), str(tmp_path / "none"))
    assert run.code == 2 and ID in run.out
    assert "\x1b" not in run.err and "Traceback" not in run.err
    assert "none: no such file or directory" in run.err and "error: YAML: " in run.err
    assert "1 run, 0 run degraded, 0 cannot run, 2 errors" in run.err


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_text(TELNET)
    run = sensor("rules", "convert", "-o", str(tmp_path / "good.yml"), str(tmp_path / "good.yml"))
    assert run.code == 2 and "--output" in run.err and "good.yml" in run.err and not run.out


def test_something_to_convert_is_needed() -> None:
    run = sensor("rules", "convert")
    assert run.code == 2 and "PATH" in run.err


@pytest.mark.parametrize(("path", "stem"), [
    ("/x/Web Scan-2.yml", "web_scan_2"), ("../../etc/passwd", "passwd"), (".yml", "yml"),
    ("/x/..%2f\n.yml", "2f"), ("\u202e\u202e.yml", "sigma"), ("/x/" + "a" * 300 + ".yml", "a" * 80),
])
def test_names_of_files_are_plain(path: str, stem: str) -> None:
    taken: set[str] = set()
    assert file_stem(path, taken) == stem
    assert file_stem(path, taken) == f"{stem}_2"
