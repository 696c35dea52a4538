"""`--state` and `--indicators` as a user meets them."""

from __future__ import annotations

from pathlib import Path

from sensor.rules.state_store import FILE_NAME, RuleStore
from tests import ecs
from tests.command import DEMO, EXTERNAL, ndjson, quiet, sensor
from tests.running import ROOT

RULES = ROOT / "tests/data/rules"
NEW, LISTED = str(RULES / "new_telnet_server.toml"), str(RULES / "listed_destination.toml")
SERVERS = {"192.168.1.50", "10.40.7.9", "185.199.110.153", "192.168.3.31", "185.199.111.153"}
"""Whom the telnet connections of demo.pcap go to (captures/mixed.py)."""


def config(folder: Path, text: str = "[rule]\nnew_terms_learning_s = 0\n") -> str:
    (folder / "sensor.toml").write_text(text)
    return str(folder / "sensor.toml")


def servers(folder: Path, *arguments: str) -> list[str]:
    run = quiet("--config", config(folder), "--rules", NEW, "--json", *arguments, DEMO)
    assert run.code == 0
    return [document["destination"]["ip"] for document in run.documents()]


def test_a_second_run_knows_what_the_first_one_saw(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    found = servers(tmp_path, "--state", state)
    assert sorted(found) == sorted(SERVERS)
    assert servers(tmp_path, "--state", state) == []
    assert sorted(servers(tmp_path)) == sorted(SERVERS)


def test_a_history_that_begins_is_learned_and_that_is_said(tmp_path: Path) -> None:
    run = sensor("replay", "--rules", NEW, "--state", str(tmp_path), "--stats",
                 str(tmp_path / "stats"), DEMO)
    assert run.out == ""
    assert ("notice: rule 'First Telnet Connection to a Host': its history of terms begins now; "
            "nothing is new for 7 d (rule.new_terms_learning_s = 0 for a single capture)\n"
            ) in run.err
    (stats,) = ndjson(tmp_path / "stats")
    (told,) = stats["rules"].values()
    assert told["learned"] == len(SERVERS)


def test_a_folder_that_is_in_use_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    store = RuleStore(str(tmp_path))
    run = quiet("--state", str(tmp_path), DEMO)
    store.close()
    assert (run.code, run.out) == (2, "")
    assert "another process uses it" in run.message()


def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("notes of mine " * 100)
    run = quiet("--state", str(tmp_path), DEMO)
    assert run.code == 2
    assert (tmp_path / FILE_NAME).read_text() == "notes of mine " * 100


def test_a_connection_to_a_listed_address_tells_of_the_list(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("185.199.108.0/22 ; seen in May\n")
    run = quiet("--rules", LISTED, "--json", "--indicators", str(tmp_path / "bad.txt"), EXTERNAL)
    (document,) = run.documents()
    (hit,) = document["threat"]["enrichments"]
    assert hit["matched"]["atomic"] == document["destination"]["ip"] == "185.199.110.153"
    assert hit["indicator"]["description"] == "seen in May"
    assert ecs.problems(document) == []


def test_a_wrong_list_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("fine.example\n10.0.0.0/99\n")
    run = quiet("--rules", LISTED, "--indicators", str(tmp_path / "bad.txt"), EXTERNAL)
    assert (run.code, run.out) == (2, "")
    assert "bad.txt:2: '10.0.0.0/99'" in run.message()


def test_a_rule_without_indicators_cannot_run_and_says_so() -> None:
    run = sensor("replay", "--rules", LISTED, EXTERNAL)
    assert run.code == 0
    assert "cannot run here: no indicator file: --indicators FILE" in run.err


def test_both_can_stand_in_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("185.199.110.153\n")
    text = (f'state = "{tmp_path}"\nindicators = ["{tmp_path}/bad.txt"]\n'
            f'rules = ["{NEW}", "{LISTED}"]\n[rule]\nnew_terms_learning_s = 0\n')
    run = quiet("--config", config(tmp_path, text), "--json", EXTERNAL)
    assert [document["rule"]["name"] for document in run.documents()] == [  # the worst first
        "Connection to a Listed Address", "First Telnet Connection to a Host"]
    assert (tmp_path / FILE_NAME).exists()
