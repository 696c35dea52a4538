"""Files of Sigma that are wrong, hostile or of several rules; nothing is raised."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor.rules.sigma.convert import FILE_BYTES_MAX, convert_file, find_sigma
from tests.unit.rules.sigma.converting import ID, converted, sigma

DETECTION = "selection:\n    cs-method: a\ncondition: selection"
GOOD = sigma(DETECTION)
CORRELATION = f"""
title: Many
correlation:
    type: event_count
    rules: [{ID}]
    group-by: [src_ip]
    timespan: 5m
    condition:
        gte: 10
"""


@pytest.mark.parametrize(("text", "reason"), [
    ("title: [", "YAML: "),
    ("- a\n- b\n", "no table of keys"),
    ("", "no Sigma rule in it"),
    ("---\n---\n", "no Sigma rule in it"),
    ("[" * 70, "nested more than 64 deep"),
    ("a: 1\n", "title"),
    (GOOD.replace(ID, "no-uuid"), "UUID"),
    (GOOD.replace("condition: selection", "condition: other"), "other"),
    (GOOD.replace("condition: selection", "condition: selection and"), "condition"),
    (GOOD.replace("condition: selection", "condition: selection | count() > 3"), "pipe"),
    (GOOD.replace("cs-method: a", "cs-method|nothing: a"), "modifier"),
    (GOOD.replace("cs-method: a", "cs-method|re: '('"), "Regular expression"),
    (GOOD.replace("cs-method: a", "cs-method: {a: {b: c}}"), ""),
    (GOOD.replace("title: A rule", "title: [x]"), "title"),
    (GOOD.replace("cs-method: a", "src_ip|cidr: 300.0.0.0/8"), ""),
    ("a: &a [x, x]\n" + "".join(f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]\n"
                                for below, name in zip("abcdefgh", "bcdefghi", strict=True)),
     "alias"),
    ("a: &a [*a]\n", ""),
    ("a: !!bool perhaps\n", ""),
    ("a: !!timestamp now\n", ""),
    ("a: !!python/object:os.system {}\n", "YAML: could not determine a constructor"),
    ("action: [x]\ntitle: y\n", ""),
])
def test_what_is_wrong_is_said_in_a_line(text: str, reason: str, tmp_path: Path) -> None:
    found = converted(tmp_path, text)
    assert found.error and "\n" not in found.error and len(found.error) < 400
    assert reason.lower() in found.error.lower() and not found.text


def test_files_that_are_too_large_or_no_text_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "large.yml").write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    (tmp_path / "octets.yml").write_bytes(b"\xff\xfe")
    large, octets = (next(convert_file(tmp_path / name)) for name in ("large.yml", "octets.yml"))
    assert "larger than 1048576 octets" in large.error
    assert octets.error == "not UTF-8 at octet 0"
    assert "Is a directory" in next(convert_file(tmp_path)).error


def test_a_file_may_hold_several_rules(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    path.write_text(f"{GOOD}---\n{GOOD.replace('category: webserver', 'category: nothing')}")
    first, second = convert_file(path)
    assert first.text and not first.refusal and not first.error
    assert second.refusal == "no events here are those of the log source category nothing"


@pytest.mark.parametrize(("name", "generate", "alerts"), [
    (ID, "", False), ("base", "", False), (ID, "generate: true", True),
])
def test_what_a_correlation_counts_does_not_alert_by_itself(
    name: str, generate: str, alerts: bool, tmp_path: Path
) -> None:
    path = tmp_path / "rules.yml"
    correlation = CORRELATION.replace(ID, name).replace("    group", f"    {generate}\n    group")
    path.write_text(f"{GOOD}name: base\n---\n{correlation}")
    part, whole = convert_file(path)
    assert whole.refusal == "correlations are not evaluated" and whole.name == "Many"
    assert bool(part.text) is alerts and ("part of a correlation" in part.refusal) is not alerts


def test_parts_that_all_documents_of_a_file_have_may_stand_in_front(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    shared = "action: global\ntitle: Shared\nlogsource: {category: webserver}\n"
    path.write_text(f"{shared}---\ndetection: {{a: {{cs-method: x}}, condition: a}}\n")
    (found,) = convert_file(path)
    assert found.name == "Shared" and "http.request.method" in found.text


def test_folders_are_searched_for_files_of_yaml(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    for name in ("b.yml", "a.YAML", "c.txt"):
        (below / name).write_text(GOOD)
    files, errors = find_sigma([str(tmp_path), str(below / "b.yml"), str(below / "c.txt")])
    assert [file.name for file in files] == ["a.YAML", "b.yml", "c.txt"] and not errors
    (tmp_path / "empty").mkdir()
    files, errors = find_sigma([str(tmp_path / "empty"), str(tmp_path / "none"), ""])
    assert not files and [error.reason for error in errors] == [
        "no Sigma rules (*.yml, *.yaml) here", "no such file or directory",
        "an empty name of a file or folder"]  # fmt: skip
