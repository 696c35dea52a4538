"""Whether a converted rule runs is what the check of all rules says."""

from __future__ import annotations

from pathlib import Path

from sensor.rules.rule import Schema
from sensor.rules.sigma.check import judge
from sensor.rules.sigma.convert import convert_file
from tests.rule_files import FIELDS
from tests.unit.rules.sigma.converting import ID, sigma


def test_each_rule_has_its_verdict(tmp_path: Path) -> None:
    texts = {
        "runs": sigma("selection:\n    DestinationPort: 23\ncondition: selection",
                      "category: network_connection"),
        "same": sigma("selection:\n    DestinationPort: 24\ncondition: selection",
                      "category: network_connection"),
        "part": sigma("selection:\n    DestinationPort: 23\nfilter:\n    Image: x\n"
                      "condition: selection and not filter", "category: network_connection"),
        "never": sigma("selection:\n    Image: x\ncondition: selection",
                       "category: network_connection"),
        "wrong": sigma("selection:\n    DestinationPort: telnet\ncondition: selection",
                       "category: network_connection"),
        "unknown": sigma("a:\n    b: c\ncondition: a", "category: process_creation"),
        "broken": "title: [",
    }  # fmt: skip
    conversions = []
    for number, (name, text) in enumerate(texts.items()):
        path = tmp_path / f"{name}.yml"
        path.write_text(text if name == "same" else text.replace(ID, f"{ID[:-1]}{number}"))
        conversions += convert_file(path)
    (tmp_path / "again.yml").write_text(texts["same"])
    conversions += convert_file(tmp_path / "again.yml")
    verdicts = judge(conversions, Schema(FIELDS))
    told = {Path(each.conversion.path).stem: (each.status, each.reason) for each in verdicts}
    assert told["runs"] == ("runs", "") == told["same"]
    assert told["part"] == ("degraded", "not on a tap: process.executable")
    assert told["never"] == (
        "cannot_run", "not on a tap: process.executable: the condition can never hold")
    assert told["unknown"][0] == "cannot_run" and "process_creation" in told["unknown"][1]
    assert told["broken"][0] == "error" and "YAML" in told["broken"][1]
    assert told["again"] == ("error", f"its id is already that of {tmp_path / 'same.yml'}")
    assert [each.conversion for each in verdicts] == conversions
